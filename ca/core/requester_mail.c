#include "notices.h"

#include "mem.h"
#include "own.h"

bool
ca_requester_mail(struct ca *ca, int64_t request_id, char **out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(principal_free) struct principal p = {0};
	struct principal_record record;

	*out = NULL;
	if (!ca_get_row(ca, request_id, &row, err))
		return false;
	record = ca_requester_of(&row);
	if (ca_find_recorded(ca, &record, &p, err) == DIR_FIND_FAILED)
		return false;
	if (p.mails.count > 0)
		*out = mem_text(p.mails.list[0]);
	return true;
}
