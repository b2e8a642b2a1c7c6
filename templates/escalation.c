#include "escalation.h"

#include "tmpl_priv.h"

static const char *const logon_purposes[] = {
    OID_CLIENT_AUTHENTICATION, /* RFC 5280 4.2.1.12 */
    "1.3.6.1.5.2.3.4",         /* PKINIT client (RFC 4556) */
    "1.3.6.1.4.1.311.20.2.2",  /* smart card logon */
};

/* Application policies, where there are some, are what Windows goes by. */
static const struct texts *
purposes(const struct tmpl *t)
{
	return t->application_policies.count > 0 ? &t->application_policies : &t->eku;
}

bool
tmpl_has_purpose(const struct tmpl *t, const char *oid)
{
	return texts_has(purposes(t), oid) || texts_has(&t->eku, oid);
}

bool
tmpl_is_any_purpose(const struct tmpl *t)
{
	return (t->eku.count == 0 && t->application_policies.count == 0) ||
	       tmpl_has_purpose(t, OID_ANY_PURPOSE);
}

bool
tmpl_authenticates(const struct tmpl *t)
{
	if (tmpl_is_any_purpose(t))
		return true;
	for (size_t i = 0; i < sizeof logon_purposes / sizeof logon_purposes[0]; i++)
		if (tmpl_has_purpose(t, logon_purposes[i]))
			return true;
	return false;
}

bool
tmpl_is_unattended(const struct tmpl *t)
{
	return !tmpl_pends(t) && t->ra_signatures == 0;
}

bool
tmpl_is_certain_escalation(const struct tmpl *t)
{
	return (t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0 &&
	       (t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) == 0 && tmpl_is_unattended(t) &&
	       tmpl_authenticates(t);
}
