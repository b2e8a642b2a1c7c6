#include <inttypes.h>

#include "escalation.h"
#include "issue_priv.h"
#include "tmpl_priv.h"

#define OID_ANY_POLICY "2.5.29.32.0"

/* A message carries 16 signatures (ca/messages/cms.h), one is by the request's own key. */
#define SIGNERS_MAX 15

/* The first OID of `demanded` that is not among `held`; NULL if all are. */
static const char *
missing(const struct texts *demanded, const struct texts *held, const char *wildcard)
{
	for (size_t i = 0; i < demanded->count; i++)
		if (!texts_has(held, demanded->list[i]) &&
		    (wildcard == NULL || !texts_has(held, wildcard)))
			return demanded->list[i];
	return NULL;
}

/* An application policy is never covered by "any": a registration authority is one by name. */
static bool
check_signer(const struct tmpl *t, const struct issue_signer *s, struct err *err)
{
	const char *oid = missing(&t->ra_application_policies, &s->application_policies, NULL);

	if (oid != NULL)
		return err_set(err, CERTSRV_E_SIGNATURE_REJECTED,
		    "template %s: the certificate of signer %s lacks application policy %s of "
		    "msPKI-RA-Application-Policies; sign with the certificate of a registration "
		    "authority",
		    t->cn, s->name, oid);
	oid = missing(&t->ra_policies, &s->issuance_policies, OID_ANY_POLICY);
	if (oid != NULL)
		return err_set(err, CERTSRV_E_ISSUANCE_POLICY_REQUIRED,
		    "template %s: the certificate of signer %s lacks issuance policy %s of "
		    "msPKI-RA-Policies; sign with a certificate that was issued under it",
		    t->cn, s->name, oid);
	return true;
}

static bool
signed_before(const struct issue_request *r, size_t signer)
{
	for (size_t i = 0; i < signer; i++)
		if (view_eq(r->signers[i].key, r->signers[signer].key))
			return true;
	return false;
}

/* Signers with every demanded policy; `err` tells of the last one without. */
static int32_t
count_qualified(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	int32_t n = 0;

	for (size_t i = 0; i < r->signer_count; i++)
		if (!signed_before(r, i) && check_signer(t, &r->signers[i], err))
			n++;
	return n;
}

static int32_t
count_signers(const struct issue_request *r)
{
	int32_t n = 0;

	for (size_t i = 0; i < r->signer_count; i++)
		n += signed_before(r, i) ? 0 : 1;
	return n;
}

bool
issue_check_signature_rule(const struct tmpl *t, struct err *err)
{
	int32_t needed = tmpl_signatures_needed(t);

	if (needed == 0)
		return true;
	if (needed > SIGNERS_MAX)
		return err_set(err, CERTSRV_E_TOO_MANY_SIGNATURES,
		    "template %s demands %" PRId32 " signatures, and a request can carry %d; lower "
		    "msPKI-RA-Signature",
		    t->cn, needed, SIGNERS_MAX);
	return t->ra_application_policies.count > 0 || t->ra_policies.count > 0 ||
	       err_set(err, CERTSRV_E_TEMPLATE_POLICY_REQUIRED,
		   "template %s demands signatures (msPKI-RA-Signature) without saying whose; set "
		   "msPKI-RA-Application-Policies or msPKI-RA-Policies",
		   t->cn);
}

bool
issue_check_signatures(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	int32_t needed = tmpl_signatures_needed(t), have = count_signers(r);

	if (needed == 0)
		return true;
	if (have == 0)
		return err_set(err, CERTSRV_E_SIGNATURE_POLICY_REQUIRED,
		    "template %s demands %" PRId32 " signatures of registration authorities, and "
		    "the request has none; have it signed by one",
		    t->cn, needed);
	if (have < needed)
		return err_set(err, CERTSRV_E_SIGNATURE_COUNT,
		    "template %s demands signatures of %" PRId32 " registration authorities "
		    "(msPKI-RA-Signature), and the request has %" PRId32,
		    t->cn, needed, have);
	return count_qualified(t, r, err) >= needed;
}

static bool
template_allows(const struct tmpl *t)
{
	return (t->enrollment_flag & CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF) != 0 ||
	       (t->ra_signatures > 0 &&
		   texts_has(&t->ra_application_policies, OID_CERTIFICATE_REQUEST_AGENT));
}

bool
issue_check_on_behalf_of(const struct tmpl *t, const struct issue_request *r, struct err *err)
{
	if (r->on_behalf_of == NULL)
		return true;
	if (!template_allows(t))
		return err_set(err, CERTSRV_E_TEMPLATE_DENIED,
		    "template %s: nobody may enroll on behalf of %s: it has neither "
		    "CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF nor a demanded signature with application "
		    "policy %s",
		    t->cn, r->on_behalf_of->downlevel, OID_CERTIFICATE_REQUEST_AGENT);
	if ((t->name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0)
		return err_set(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "template %s takes the subject from the request "
		    "(CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT), and the request names %s as "
		    "requestername; leave the attribute out, or build the subject from the "
		    "directory",
		    t->cn, r->on_behalf_of->downlevel);
	for (size_t i = 0; i < r->signer_count; i++)
		if (texts_has(&r->signers[i].application_policies, OID_CERTIFICATE_REQUEST_AGENT))
			return true;
	return err_set(err,
	    r->signer_count == 0 ? CERTSRV_E_SIGNATURE_POLICY_REQUIRED
				 : CERTSRV_E_SIGNATURE_REJECTED,
	    "template %s: a request on behalf of %s must be signed by an enrollment agent, with a "
	    "certificate for application policy %s",
	    t->cn, r->on_behalf_of->downlevel, OID_CERTIFICATE_REQUEST_AGENT);
}
