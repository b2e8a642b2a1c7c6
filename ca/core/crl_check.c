#include "crl_check.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/objects.h>

#include "ca_priv.h"
#include "crl_http.h"
#include "file.h"
#include "own.h"
#include "own_folder.h"
#include "own_openssl.h"
#include "pem.h"
#include "text.h"
#include "trust.h"

#define CRL_FILE_MAX (16u << 20)

struct crl_query {
	const char *base;
	const struct crl_check *in;
	bool checked, revoked;
	struct err why; /* the last CRL was of no use */
};

static void
try_crl(struct crl_query *q, struct view der)
{
	bool listed;

	if (!pkix_crl_lists(der, q->in->issuer->subject, q->in->key, q->in->cert->serial,
		q->in->now, &listed, &q->why))
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
	OWNED(own_memory) char *cn = pkix_name_value(q->in->issuer->subject, NID_commonName);
	OWNED(own_memory) char *name = NULL;
	OWNED(own_memory) char *filter = NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	uint32_t version;

	if (!pkix_cert_ca_version(q->in->issuer, &version, err))
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

/* What root put there: whoever may write it, a CRL is its issuer's by the signature. */
static bool
read_crls(struct crl_query *q, struct err *err)
{
	OWNED(own_folder) DIR *folder = opendir(q->base);
	const struct dirent *e;

	if (folder == NULL)
		return err_errno(err, DIRCA_E_IO, "%s", q->base);
	while ((e = readdir(folder)) != NULL) {
		OWNED(own_memory) char *path = text_printf("%s/%s", q->base, e->d_name);
		OWNED(buf_free) struct buf file = {0}, der = {0};
		size_t len = strlen(e->d_name);

		if (len > 4 && strcmp(e->d_name + len - 4, ".crl") == 0 &&
		    file_read(path, CRL_FILE_MAX, &file, &q->why) &&
		    pem_crl(buf_view(&file), &der, &q->why))
			try_crl(q, buf_view(&der));
	}
	return true;
}

bool
ca_check_crl(struct ca *ca, const char *services_dn, const struct crl_check *in, struct err *err)
{
	OWNED(own_memory)
	char *base = ca->config->standalone ? config_path(ca->config, TRUST_FOLDER)
					    : text_printf("CN=CDP,%s", services_dn);
	struct crl_query q = {.base = base, .in = in};
	struct err why;

	if (!(ca->config->standalone ? read_crls(&q, err)
				     : ca_directory_do(ca, search_crls, &q, err)))
		return false;
	if (!q.checked && !crl_http_lists(ca->state->crl_http, in, &q.revoked, &why))
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "whether it is revoked cannot be checked: %s %s is no usable CRL of its "
		    "issuer%s%s; nor by HTTP: %s",
		    ca->config->standalone ? "in" : "below", base, q.why.msg[0] != '\0' ? ": " : "",
		    q.why.msg, why.msg);
	return !q.revoked ||
	       err_set(err, CRYPT_E_REVOKED, "the CRL of its issuer lists it as revoked");
}

bool
ca_check_link(struct ca *ca, const struct ca_view *v, const struct pkix_cert *cert,
    const struct pkix_cert *issuer, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct crl_check in = {.cert = cert, .issuer = issuer, .now = v->made_at};

	if (!pkix_public_key(issuer->spki, &key, err))
		return false;
	in.key = key;
	return ca_check_crl(ca, v->pki->services_dn, &in, err);
}
