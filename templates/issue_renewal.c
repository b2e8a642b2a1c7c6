#include <string.h>

#include "issue_priv.h"
#include "text.h"
#include "tmpl_priv.h"

static bool
has_oid_of(const struct tmpl *t, const struct issue_renewed *old)
{
	return t->schema_version >= 2 && t->oid != NULL && old->template_oid != NULL &&
	       strcmp(t->oid, old->template_oid) == 0;
}

/* A certificate of version 1 names its template, a later one the OID: a name that was given to
 * another object does not count. */
static bool
is_template_of(const struct tmpl *t, const struct issue_renewed *old)
{
	if (old->template_oid != NULL)
		return has_oid_of(t, old);
	return old->template_cn != NULL && text_eq_nocase(old->template_cn, t->cn);
}

bool
issue_check_renewal(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	const struct issue_renewed *old = r->renewed;

	if (old == NULL)
		return true;
	if (!is_template_of(t, old) && !tmpl_supersedes(t, old->template_cn))
		return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		    "template %s: the renewed certificate is of template %s; renew for that "
		    "template, or list it in msPKI-Supersede-Templates of %s",
		    t->cn,
		    old->template_cn != NULL    ? old->template_cn
		    : old->template_oid != NULL ? old->template_oid
						: "(none)",
		    t->cn);
	if ((t->private_key_flag & CT_FLAG_REQUIRE_SAME_KEY_RENEWAL) != 0 && !old->same_key)
		return err_set(err, CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY,
		    "template %s demands that a renewal keeps the key "
		    "(CT_FLAG_REQUIRE_SAME_KEY_RENEWAL), and the request is for another one",
		    t->cn);
	return true;
}

static bool
all_are(const struct texts *names, const struct texts *expected)
{
	for (size_t i = 0; i < names->count; i++)
		if (!texts_has_nocase(expected, names->list[i]))
			return false;
	return true;
}

/* Names of the directory: the old certificate is the subject's by UPN, mails and, which the
 * specification does not ask, SID. */
static bool
is_certificate_of(const struct issue_renewed *old, const struct principal *who)
{
	char *upn = who->upn, sid[SID_TEXT_MAX] = "";
	const struct texts upns = {&upn, upn != NULL ? 1 : 0};

	if (who->has_sid)
		sid_to_text(&who->sid, sid);
	return old->upns.count + old->emails.count > 0 && all_are(&old->upns, &upns) &&
	       all_are(&old->emails, &who->mails) &&
	       (old->sid == NULL || strcmp(old->sid, sid) == 0);
}

/* Nobody approved an issuance policy that the old certificate lacks. */
static bool
asks_no_more(const struct tmpl *t, const struct issue_request *r)
{
	if ((t->enrollment_flag & CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST) == 0)
		return true;
	for (size_t i = 0; i < r->policies.count; i++)
		if (!texts_has(&r->renewed->policies, r->policies.list[i]))
			return false;
	return true;
}

bool
issue_is_approved_before(
    const struct tmpl *t, const struct principal *who, const struct issue_request *r)
{
	const struct issue_renewed *old = r->renewed;

	if (old == NULL || r->on_behalf_of != NULL ||
	    (t->enrollment_flag & CT_FLAG_PREVIOUS_APPROVAL_VALIDATE_REENROLLMENT) == 0 ||
	    !has_oid_of(t, old) || !asks_no_more(t, r))
		return false;
	if ((t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0)
		return r->has_subject && view_eq(r->subject, old->subject);
	return is_certificate_of(old, who);
}
