#include "person.h"

#include <string.h>

#include "mem.h"
#include "text.h"

#define UNKNOWN "imported: "

struct store_principal
person_of(const struct principal *p, char *sid)
{
	if (!p->has_sid)
		return (struct store_principal){NULL, p->downlevel};
	sid_to_text(&p->sid, sid);
	return (struct store_principal){sid, p->downlevel};
}

char *
person_sid(const struct principal *p)
{
	char sid[SID_TEXT_MAX];

	return mem_text(person_of(p, sid).sid);
}

char *
person_unknown(const char *name)
{
	char *text = text_printf(UNKNOWN "%s", name != NULL ? name : "?");

	for (char *p = text; *p != '\0'; p++)
		if (*p == '=')
			*p = ':';
	return text;
}

const char *
person_unknown_name(const char *requester)
{
	return requester != NULL && strncmp(requester, UNKNOWN, sizeof UNKNOWN - 1) == 0
		   ? requester + sizeof UNKNOWN - 1
		   : NULL;
}
