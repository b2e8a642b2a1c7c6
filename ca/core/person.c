#include "person.h"

#include "mem.h"

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
