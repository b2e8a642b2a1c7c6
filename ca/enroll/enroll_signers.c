/*
 * Signatures beside the requester's own ([MS-WCCE] 3.2.2.6.2.1.2.1, 3.2.2.6.2.1.4.5.1): verified
 * here, judged by templates/issue.c.
 */
#include "enroll_priv.h"

#include "mem.h"
#include "oids.h"
#include "own.h"
#include "own_openssl.h"

/* The certificate that is renewed signs for itself, whatever its key is for. */
static bool
is_renewed(const struct enrollment *e, const struct pkix_cert *cert)
{
	return view_eq(buf_view(&cert->raw), e->request.pkix->renewal_certificate);
}

static bool
check_certificate(struct enrollment *e, struct enroll_signer *s, struct err *err)
{
	s->may_sign = (pkix_cert_key_usage(&s->cert) &
			  (PKIX_KU_DIGITAL_SIGNATURE | PKIX_KU_NON_REPUDIATION)) != 0;
	if (!s->may_sign && !is_renewed(e, &s->cert))
		return err_set(err, CERT_E_WRONG_USAGE,
		    "its key usage allows neither digital signatures nor non-repudiation");
	return pkix_cert_application_policies(&s->cert, &s->application_policies, err) &&
	       pkix_cert_issuance_policies(&s->cert, &s->issuance_policies, err) &&
	       enroll_check_signer_trust(e, s, err);
}

static bool
check_signature(const struct enrollment *e, const struct enroll_signature *from,
    const struct pkix_cert *cert, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return pkix_public_key(cert->spki, &key, err) &&
	       cms_signer_verify(from->message, from->signer, key, e->ca->config->allow_sha1, err);
}

static bool
read_signer(struct enrollment *e, const struct enroll_signature *from, struct enroll_signer *s,
    struct err *err)
{
	struct view der;

	if (!cms_signer_certificate(from->message, from->signer, &der, err) ||
	    !pkix_cert_decode(der, &s->cert, err))
		return err_prefix(err, "a signer of the request");
	if ((s->name = pkix_name_text(s->cert.subject)) == NULL)
		return err_set(err, ERROR_INVALID_DATA, "a signer of the request has no name");
	if (check_signature(e, from, &s->cert, err) && check_certificate(e, s, err))
		return true;
	return err_prefix(err, "the signature of '%s' on the request", s->name);
}

static void
add_facts(struct enrollment *e, const struct enroll_signer *s)
{
	if (!s->may_sign)
		return;
	e->signer_facts[e->signer_fact_count++] = (struct issue_signer){
	    .name = s->name,
	    .key = s->cert.spki,
	    .application_policies = {s->application_policies.list, s->application_policies.count},
	    .issuance_policies = {s->issuance_policies.list, s->issuance_policies.count},
	};
}

bool
enroll_check_signers(struct enrollment *e, struct err *err)
{
	size_t count;
	OWNED(own_memory)
	struct enroll_signature *list = enroll_request_signatures(&e->request, &count);

	e->signers = mem_zero(count, sizeof *e->signers);
	e->signer_facts = mem_zero(count, sizeof *e->signer_facts);
	for (size_t i = 0; i < count; i++) {
		struct enroll_signer *s = &e->signers[e->signer_count++];

		if (!read_signer(e, &list[i], s, err))
			return false;
		add_facts(e, s);
	}
	return true;
}

/* Does the wrapper's first signer name a subject, in attributes that nobody else signed? */
static bool
names_subject(const struct enroll_request *r)
{
	return pairs_find(&r->wrapper.pairs, CMC_REQUESTER_NAME) != NULL;
}

bool
enroll_check_naming(const struct enrollment *e, struct err *err)
{
	const struct enroll_signer *first = e->signers; /* from outside in: the wrapper's first */

	if (e->requester == e->caller || !names_subject(&e->request) ||
	    texts_has(&first->application_policies, oid_dotted(OID_ENROLLMENT_AGENT)))
		return true;
	return err_set(err, CERTSRV_E_SIGNATURE_REJECTED,
	    "'%s' names '%s' as the subject and is no enrollment agent: its certificate lacks "
	    "application policy %s; that another signer is one does not help, who signed the "
	    "request and not the name",
	    first->name, e->requester->downlevel, oid_dotted(OID_ENROLLMENT_AGENT));
}
