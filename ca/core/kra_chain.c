/*
 * The way from a KRA certificate of another CA up to a root: each certificate of it by a current
 * CRL of the one above. Who may issue KRA certificates root said; the CAs above those come from
 * root's files and the directory, which can so take an agent away and never bring one.
 */
#include "ca_priv.h"

#include "crl_check.h"
#include "own.h"
#include "trust.h"

#define KRA_CHAIN_MAX 8

/* Nobody revokes what signed itself; the name alone says nothing. */
static bool
is_root(const struct pkix_cert *c)
{
	return pkix_cert_is_issued_by(c, c, true);
}

static bool
is_current(const struct pkix_cert *c, int64_t now)
{
	return now >= c->not_before && now <= c->not_after;
}

static bool
is_above(const struct ca_view *v, const struct pkix_cert *above, const struct pkix_cert *cert)
{
	return pkix_cert_is_ca(above) && is_current(above, v->made_at) &&
	       pkix_cert_is_issued_by(cert, above, false);
}

static bool
take_above(
    const struct ca_view *v, const struct pkix_cert *cert, struct view der, struct pkix_cert *out)
{
	OWNED(pkix_cert_free) struct pkix_cert found = {0};
	struct err ignored;

	if (!pkix_cert_decode(der, &found, &ignored) || !is_above(v, &found, cert))
		return false;
	*out = found;
	found = (struct pkix_cert){0};
	return true;
}

static bool
find_in(const struct ca_view *v, const struct dir_entries *entries, const struct pkix_cert *cert,
    struct pkix_cert *out)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct dir_attr *a = dir_entry_attr(&entries->list[i], "cACertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (take_above(v, cert, buf_view(&a->values[k]), out))
				return true;
	}
	return false;
}

static bool
find_above(const struct ca *ca, const struct ca_view *v, const struct pkix_cert *cert,
    struct pkix_cert *out)
{
	for (size_t i = 0; i < v->kra_issuers.count; i++)
		if (take_above(v, cert, buf_view(&v->kra_issuers.list[i]->raw), out))
			return true;
	for (size_t i = 0; i < ca->chain_count; i++)
		if (take_above(v, cert, buf_view(&ca->chain[i]), out))
			return true;
	return find_in(v, &v->pki->authorities, cert, out) ||
	       find_in(v, &v->pki->roots, cert, out) || find_in(v, &v->pki->nt_auth, cert, out);
}

/* The CA certificate itself, by the one above it, which `out` gets; a root leaves it empty. */
static bool
check_above(struct ca *ca, const struct ca_view *v, const struct pkix_cert *cert,
    struct pkix_cert *out, struct err *err)
{
	OWNED(own_memory) char *name = pkix_name_text(cert->subject);
	bool ok;

	if (!is_current(cert, v->made_at))
		ok = err_set(err, CERT_E_EXPIRED, "it has expired or is not valid yet");
	else if (is_root(cert))
		return true;
	else if (!find_above(ca, v, cert, out))
		ok = err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "whether it is revoked cannot be checked: the certificate of the CA above it "
		    "is "
		    "not in the directory (CN=AIA, CN=Certification Authorities)");
	else
		ok = ca_check_link(ca, v, cert, out, err);
	return ok || err_prefix(err, "the CA certificate of %s", name != NULL ? name : "?");
}

bool
kra_chain_check(
    struct ca *ca, const struct ca_view *v, const struct pkix_cert *kra, struct err *err)
{
	const struct pkix_cert *issuer = kra_issuer(kra, v->kra_issuers.list, v->kra_issuers.count);
	OWNED(pkix_cert_free) struct pkix_cert at = {0};

	/* There is an issuer, or it would not be valid. */
	if (!ca_check_link(ca, v, kra, issuer, err) ||
	    !pkix_cert_decode(buf_view(&issuer->raw), &at, err))
		return false;
	for (int i = 0; i < KRA_CHAIN_MAX; i++) {
		struct pkix_cert above = {0};
		bool ok = check_above(ca, v, &at, &above, err);

		pkix_cert_free(&at);
		at = above;
		if (!ok || at.raw.len == 0)
			return ok;
	}
	return err_set(err, CERT_E_ISSUERCHAINING, "more than %d CAs are above it", KRA_CHAIN_MAX);
}
