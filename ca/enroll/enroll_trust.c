/*
 * Whom this CA believes a signature on a request: holders of its own certificates, and of those
 * that the CAs in NTAuthCertificates issued.
 */
#include "enroll_priv.h"

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

struct crl_query {
	const char *base;
	const struct pkix_cert *cert, *issuer;
	EVP_PKEY *key;
	int64_t now;
	bool checked, revoked;
	struct err why; /* the last CRL was of no use */
};

static void
try_crl(struct crl_query *q, struct view der)
{
	bool listed;

	if (!pkix_crl_lists(
		der, q->issuer->subject, q->key, q->cert->serial, q->now, &listed, &q->why))
		return;
	q->checked = true;
	q->revoked = q->revoked || listed;
}

/* The CRLs that the issuer published under its name (docs/FACTS.md 6). */
static bool
search_crls(struct dir_conn *c, void *arg, struct err *err)
{
	static const char *const attrs[] = {"certificateRevocationList", NULL};
	struct crl_query *q = arg;
	OWNED(own_memory) char *cn = pkix_name_value(q->issuer->subject, NID_commonName);
	OWNED(own_memory) char *name = NULL;
	OWNED(own_memory) char *filter = NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	uint32_t version;

	if (!pkix_cert_ca_version(q->issuer, &version, err))
		return false;
	if (cn == NULL || (name = pki_crl_cn(cn, 0, CA_VERSION_KEY(version))) == NULL)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE, "its issuer has no common name");
	filter = dir_filter("(&(objectClass=cRLDistributionPoint)(cn=%s))", name);
	if (!dir_search(c,
		&(struct dir_query){
		    .base = q->base, .scope = DIR_SUBTREE, .filter = filter, .attrs = attrs},
		&found, err))
		return false;
	for (size_t i = 0; i < found.count; i++) {
		const struct dir_attr *a = dir_entry_attr(&found.list[i], attrs[0]);

		for (size_t k = 0; a != NULL && k < a->count; k++)
			try_crl(q, buf_view(&a->values[k]));
	}
	return true;
}

static bool
check_crl(struct enrollment *e, const struct pkix_cert *cert, const struct pkix_cert *issuer,
    EVP_PKEY *key, struct err *err)
{
	OWNED(own_memory) char *base = text_printf("CN=CDP,%s", e->view->pki->services_dn);
	struct crl_query q = {
	    .base = base, .cert = cert, .issuer = issuer, .key = key, .now = e->now};

	if (!ca_directory_do(e->ca, search_crls, &q, err))
		return false;
	if (!q.checked)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "whether it is revoked cannot be checked: below %s is no usable CRL of its "
		    "issuer%s%s",
		    base, q.why.msg[0] != '\0' ? ": " : "", q.why.msg);
	return !q.revoked ||
	       err_set(err, CRYPT_E_REVOKED, "the CRL of its issuer lists it as revoked");
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
