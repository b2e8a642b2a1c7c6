#include "security_principal.h"

#include <stdlib.h>

void
principal_free(struct principal *p)
{
	if (p == NULL)
		return;
	free(p->dn);
	free(p->cn);
	free(p->sam);
	free(p->domain);
	free(p->downlevel);
	free(p->upn);
	texts_free(&p->accounts);
	texts_free(&p->mails);
	free(p->dns_name);
	sids_free(&p->sids);
	*p = (struct principal){0};
}

char *
principal_sid_text(const struct principal *p, char text[SID_TEXT_MAX])
{
	if (!p->has_sid)
		return NULL;
	sid_to_text(&p->sid, text);
	return text;
}
