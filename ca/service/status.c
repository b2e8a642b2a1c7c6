#include "status.h"

int
status_of(enum err_code code)
{
	switch (err_category(code)) {
	case ERR_CATEGORY_OK:
		return 200;
	case ERR_CATEGORY_BAD_REQUEST:
		return 400;
	case ERR_CATEGORY_NOT_AUTHENTICATED:
		return 401;
	case ERR_CATEGORY_REFUSED:
		return 403;
	case ERR_CATEGORY_NOT_FOUND:
		return 404;
	case ERR_CATEGORY_CONFLICT:
		return 409;
	case ERR_CATEGORY_TOO_LARGE:
		return 413;
	case ERR_CATEGORY_TOO_MANY:
		return 429;
	case ERR_CATEGORY_UNABLE:
		return 503;
	case ERR_CATEGORY_INTERNAL:
		break;
	}
	return 500;
}
