/* Whose a request is. */
#include "enroll_priv.h"

#include <string.h>

#include "text.h"

static bool
has_sid(const struct principal *p, const char *sid)
{
	char text[SID_TEXT_MAX];

	if (!p->has_sid)
		return false;
	sid_to_text(&p->sid, text);
	return strcmp(text, sid) == 0;
}

bool
enroll_was_for(const struct principal *p, const struct store_request *row)
{
	if (row->requester_sid != NULL)
		return has_sid(p, row->requester_sid);
	return row->requester_name != NULL && !p->has_sid &&
	       text_eq_nocase(p->downlevel, row->requester_name);
}

bool
enroll_is_requester(const struct principal *p, const struct store_request *row)
{
	/* Its agent too; a row from before there was a SID of it has the name. */
	if ((row->request_flags & CR_FLG_ENROLLONBEHALFOF) != 0 && row->caller_name != NULL &&
	    (row->caller_sid != NULL ? has_sid(p, row->caller_sid)
				     : text_eq_nocase(p->downlevel, row->caller_name)))
		return true;
	return enroll_was_for(p, row);
}
