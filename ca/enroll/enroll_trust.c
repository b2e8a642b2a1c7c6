/*
 * Whom this CA believes a signature on a request: holders of its own certificates, and of those
 * that the CAs in NTAuthCertificates issued.
 */
#include "enroll_priv.h"

#include "crl_check.h"
#include "issued.h"
#include "own.h"
#include "own_openssl.h"
#include "text.h"

static bool
check_time(
    const struct enrollment *e, const struct pkix_cert *cert, const char *what, struct err *err)
{
	if (e->submitted >= cert->not_before && e->submitted <= cert->not_after)
		return true;
	return err_set(err, CERT_E_EXPIRED, "%s is %s", what,
	    e->submitted > cert->not_after ? "expired" : "not valid yet");
}

static bool
issued_by(const struct pkix_cert *cert, const struct pkix_cert *issuer, EVP_PKEY *key)
{
	struct err ignored;

	return view_eq(cert->issuer, issuer->subject) &&
	       pkix_verify(key, cert->sig_alg, cert->tbs, cert->signature, false, &ignored);
}

/* A certificate of this CA without its row was not issued by what this database knows: no. */
static bool
check_row(struct enrollment *e, const struct pkix_cert *cert, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	return issued_row(e->ca, cert, &row, err);
}

static bool
check_crl(struct enrollment *e, const struct pkix_cert *cert, const struct pkix_cert *issuer,
    EVP_PKEY *key, struct err *err)
{
	const struct crl_check in = {.cert = cert, .issuer = issuer, .key = key, .now = e->now};

	return ca_check_crl(e->ca, e->view->pki->services_dn, &in, err);
}

/* Qualified subordination: a CA that may not make enrollment agents makes none here. */
static bool
limit_policies(struct enroll_signer *s, const struct pkix_cert *issuer, struct err *err)
{
	return s == NULL ||
	       pkix_issuer_limits(issuer, &s->application_policies, &s->issuance_policies, err);
}

/* Found: the issuer is one value of NTAuthCertificates, and a CA. */
static bool
check_issuer(struct enrollment *e, const struct pkix_cert *cert, struct enroll_signer *s,
    struct view der, bool *found_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert issuer = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct err ignored;

	*found_out = pkix_cert_decode(der, &issuer, &ignored) && pkix_cert_is_ca(&issuer) &&
		     pkix_public_key(issuer.spki, &key, &ignored) && issued_by(cert, &issuer, key);
	return *found_out && check_time(e, &issuer, "the certificate of its issuer", err) &&
	       check_crl(e, cert, &issuer, key, err) && limit_policies(s, &issuer, err);
}

static bool
check_nt_auth(
    struct enrollment *e, const struct pkix_cert *cert, struct enroll_signer *s, struct err *err)
{
	const struct dir_attr *cas = pki_snapshot_nt_auth(e->view->pki);
	bool found = false, ok = false;

	for (size_t i = 0; cas != NULL && i < cas->count && !ok; i++) {
		bool here;

		ok = check_issuer(e, cert, s, buf_view(&cas->values[i]), &here, err);
		found = found || here;
		/* What cannot be asked now must not be taken for a refusal. */
		if (here && !ok && err_is_undecided(err->code))
			return false;
	}
	if (!ok && !found)
		err_set(err, CERT_E_ISSUERCHAINING,
		    "its certificate was issued neither by this CA nor by one of "
		    "NTAuthCertificates");
	return ok;
}

/* `s` NULL: no signer, whose policies do not matter. */
static bool
check_trust(
    struct enrollment *e, const struct pkix_cert *cert, struct enroll_signer *s, struct err *err)
{
	const struct ca_issuer *own;

	if (!check_time(e, cert, "its certificate", err))
		return false;
	if ((own = ca_issuers_find(&e->ca->info.issuers, cert)) != NULL)
		return check_row(e, cert, err) && limit_policies(s, &own->cert, err);
	return check_nt_auth(e, cert, s, err);
}

bool
enroll_check_trust(struct enrollment *e, const struct pkix_cert *cert, struct err *err)
{
	return check_trust(e, cert, NULL, err);
}

bool
enroll_check_signer_trust(struct enrollment *e, struct enroll_signer *s, struct err *err)
{
	return check_trust(e, &s->cert, s, err);
}
