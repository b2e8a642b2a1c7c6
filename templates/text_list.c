#include "tmpl_priv.h"

#include <stdlib.h>

bool
texts_take_new(struct texts *l, char *text, struct err *err)
{
	if (texts_has(l, text)) {
		err_set(err, ERROR_INVALID_DATA, "\"%s\" stands there twice", text);
		free(text);
		return false;
	}
	texts_take(l, text);
	return true;
}
