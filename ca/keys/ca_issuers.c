#include "ca_issuers.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "pem.h"

static bool
add(struct ca_issuers *i, struct view der, struct err *err)
{
	struct ca_issuer *x = &i->list[i->count];

	if (!pkix_cert_decode(der, &x->cert, err))
		return false;
	i->count++;
	return pkix_cert_ca_version(&x->cert, &x->version, err) &&
	       pkix_public_key(x->cert.spki, &x->key, err) &&
	       pkix_cert_ski(&x->cert, &x->key_id, err) && pkix_sig_alg(x->key, &x->sig_alg, err) &&
	       pkix_key_hash(x->cert.spki, x->key_hash, err);
}

/* A younger one and an older one of the same CA. */
static bool
check_order(const struct ca_issuer *younger, const struct ca_issuer *older, struct err *err)
{
	bool same_key = view_eq(younger->cert.spki, older->cert.spki);
	bool same_index = CA_VERSION_KEY(younger->version) == CA_VERSION_KEY(older->version);

	if (!view_eq(younger->cert.subject, older->cert.subject))
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificates of the CA have different names");
	if (CA_VERSION_CERTIFICATE(younger->version) <= CA_VERSION_CERTIFICATE(older->version) ||
	    CA_VERSION_KEY(younger->version) < CA_VERSION_KEY(older->version))
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "CA version %u.%u comes before %u.%u: the newest certificate of the CA comes "
		    "first",
		    CA_VERSION_CERTIFICATE(younger->version), CA_VERSION_KEY(younger->version),
		    CA_VERSION_CERTIFICATE(older->version), CA_VERSION_KEY(older->version));
	return same_key == same_index ||
	       err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		   "two certificates of the CA have %s key and %s key index",
		   same_key ? "one" : "another", same_index ? "one" : "another");
}

static bool
check_all(const struct ca_issuers *i, struct err *err)
{
	for (size_t k = 0; k < i->count; k++) {
		if (!pkix_cert_is_ca(&i->list[k].cert))
			return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
			    "certificate %zu of the CA is no CA certificate", k + 1);
		for (size_t older = k + 1; older < i->count; older++)
			if (!check_order(&i->list[k], &i->list[older], err))
				return false;
	}
	return true;
}

bool
ca_issuers_make(const struct view *ders, size_t count, struct ca_issuers *out, struct err *err)
{
	bool ok = true;

	*out = (struct ca_issuers){0};
	if (count == 0 || count > CA_ISSUERS_MAX)
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "%zu certificates of the CA, where 1 to %d are expected", count,
		    CA_ISSUERS_MAX);
	out->list = mem_zero(count, sizeof *out->list);
	for (size_t i = 0; ok && i < count; i++)
		ok = add(out, ders[i], err);
	if (ok && check_all(out, err))
		return true;
	ca_issuers_free(out);
	return false;
}

bool
ca_issuers_read(const char *path, struct ca_issuers *out, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};
	OWNED(pem_certs_free) struct pem_certs pem = {0};
	OWNED(own_memory) struct view *ders = NULL;

	*out = (struct ca_issuers){0};
	if (!file_read_owned(path, PEM_FILE_MAX, &text, err))
		return false;
	if (!pem_certificates(buf_view(&text), &pem.list, &pem.count, err))
		return err_prefix(err, "%s", path);
	ders = buf_views(pem.list, pem.count);
	return ca_issuers_make(ders, pem.count, out, err) || err_prefix(err, "%s", path);
}

void
ca_issuers_free(struct ca_issuers *i)
{
	for (size_t k = 0; k < i->count; k++) {
		pkix_cert_free(&i->list[k].cert);
		EVP_PKEY_free(i->list[k].key);
		buf_free(&i->list[k].key_id);
		buf_free(&i->list[k].sig_alg);
	}
	free(i->list);
	*i = (struct ca_issuers){0};
}

static bool
is_newest_of_key(const struct ca_issuers *i, size_t at)
{
	return at == 0 ||
	       CA_VERSION_KEY(i->list[at - 1].version) != CA_VERSION_KEY(i->list[at].version);
}

bool
ca_issuers_signs_crl(const struct ca_issuers *i, size_t at, int64_t now)
{
	return at == 0 || (is_newest_of_key(i, at) && now <= i->list[at].cert.not_after);
}

static const struct ca_issuer *
find(const struct ca_issuers *i, const struct pkix_cert *cert, bool allow_sha1)
{
	struct err ignored;

	for (size_t k = 0; k < i->count; k++)
		if (is_newest_of_key(i, k) && view_eq(cert->issuer, i->list[k].cert.subject) &&
		    pkix_verify(i->list[k].key, cert->sig_alg, cert->tbs, cert->signature,
			allow_sha1, &ignored))
			return &i->list[k];
	return NULL;
}

const struct ca_issuer *
ca_issuers_find(const struct ca_issuers *i, const struct pkix_cert *cert)
{
	return find(i, cert, false);
}

const struct ca_issuer *
ca_issuers_find_old(const struct ca_issuers *i, const struct pkix_cert *cert)
{
	return find(i, cert, true);
}

const struct ca_issuer *
ca_issuers_of_key(const struct ca_issuers *i, struct view spki)
{
	for (size_t k = 0; k < i->count; k++)
		if (view_eq(i->list[k].cert.spki, spki))
			return &i->list[k];
	return NULL;
}

const struct ca_issuer *
ca_issuers_named(const struct ca_issuers *i, struct view sha256)
{
	for (size_t k = 0; k < i->count; k++)
		if (view_eq(view_of(i->list[k].cert.sha256, sizeof i->list[k].cert.sha256), sha256))
			return &i->list[k];
	return NULL;
}
