#include "renew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "ca_issuers.h"
#include "extension.h"
#include "file.h"
#include "home_priv.h"
#include "journal.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "given.h"
#include "state_lock.h"
#include "text.h"
#include "trust.h"

struct renewal {
	const struct config *config;
	int64_t now;
	int lock; /* dircad does not start meanwhile; -1: not taken */
	struct ca_issuers before;
	uint32_t version; /* of the new certificate */
	EVP_PKEY *key;    /* of the new certificate */
};

static void
renewal_free(struct renewal *r)
{
	ca_issuers_free(&r->before);
	EVP_PKEY_free(r->key);
	if (r->lock >= 0)
		close(r->lock);
}

static const struct ca_issuer *
newest(const struct renewal *r)
{
	return &r->before.list[0];
}

static bool
read_before(struct renewal *r, struct err *err)
{
	OWNED(own_memory) char *path = config_path(r->config, "ca.crt");

	if (!ca_issuers_read(path, &r->before, err))
		return false;
	return r->before.count < CA_ISSUERS_MAX ||
	       err_set(err, DIRCA_E_TOO_LARGE,
		   "%s has %d certificates: take those out whose time has ended", path,
		   CA_ISSUERS_MAX);
}

static bool
new_key(struct renewal *r, const struct ca_renew *in, struct err *err)
{
	const struct home_key kind = {in->key, in->key_uri, in->passphrase};
	uint32_t index = CA_VERSION_KEY(r->version);

	return home_key(r->config, index, &kind, &r->key, err) &&
	       home_give_key(r->config, index, err);
}

static bool
open_key(const struct renewal *r, uint32_t key_index, const struct secret *passphrase,
    EVP_PKEY **out, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(r->config, "vault");

	return ca_key_open(folder, key_index, passphrase, out, err);
}

/* Nobody else signs meanwhile. */
static bool
check_stopped(struct renewal *r, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(r->config, "vault");
	struct journal journal;

	if (!state_lock(r->config, &r->lock, err) ||
	    !journal_open(&journal, folder, r->now, 0, err))
		return err_prefix(err, "dircad must not run while its CA is renewed");
	journal_close(&journal);
	return true;
}

static bool
begin(struct renewal *r, const struct ca_renew *in, struct err *err)
{
	uint32_t version;

	if (!oids_init(err) || !home_check_users(r->config, err) || !check_stopped(r, err) ||
	    !read_before(r, err))
		return false;
	version = newest(r)->version;
	r->version = CA_VERSION(
	    CA_VERSION_KEY(version) + (in->new_key ? 1 : 0), CA_VERSION_CERTIFICATE(version) + 1);
	return in->new_key ? new_key(r, in, err)
			   : open_key(r, CA_VERSION_KEY(version), in->passphrase, &r->key, err);
}

static bool
make_root(const struct renewal *r, int64_t not_after, struct buf *out, struct err *err)
{
	const struct pkix_cert *last = &newest(r)->cert;
	OWNED(own_x509_extensions) ext_list *list = home_extensions(err);
	OWNED(buf_free) struct buf spki = {0};

	if (list == NULL || !pkix_key_spki(r->key, &spki, err) ||
	    !home_push_ca(list, buf_view(&spki), r->version, last, err))
		return false;
	const struct home_order o = {
	    r->key, last->subject, buf_view(&spki), r->now, not_after, list};
	return home_certify(r->config, &o, out, err);
}

/* ---- cross certificates ---- */

/* The signer's key for the subject's, both of this CA: who trusts the one, trusts the other. */
static bool
make_cross(const struct renewal *r, EVP_PKEY *signer, EVP_PKEY *subject, int64_t not_after,
    struct buf *out, struct err *err)
{
	uint16_t usage = PKIX_KU_DIGITAL_SIGNATURE | PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN;
	OWNED(own_x509_extensions) ext_list *list = home_extensions(err);
	OWNED(buf_free) struct buf spki = {0}, signer_spki = {0};
	uint8_t key_id[KEY_ID_LEN], signer_id[KEY_ID_LEN];

	if (list == NULL || !pkix_key_spki(subject, &spki, err) ||
	    !pkix_key_spki(signer, &signer_spki, err) ||
	    !ext_key_id(buf_view(&spki), key_id, err) ||
	    !ext_key_id(buf_view(&signer_spki), signer_id, err) ||
	    !ext_push_key_usage(list, usage, true, err) ||
	    !ext_push_basic_constraints(list, true, -1, true, err) ||
	    !ext_push_ski(list, view_of(key_id, sizeof key_id), err) ||
	    !ext_push_aki(list, view_of(signer_id, sizeof signer_id), err))
		return false;
	const struct home_order o = {
	    signer, newest(r)->cert.subject, buf_view(&spki), r->now, not_after, list};
	return home_certify(r->config, &o, out, err);
}

/* None if there is no such file. */
static bool
read_certificates(
    const struct config *config, const char *name, struct pem_certs *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, name);

	return !home_has(config, name) || given_certificates(path, out, err);
}

static void
add_certificate(struct pem_certs *c, struct buf *der)
{
	c->list = mem_grow(c->list, c->count, sizeof *c->list);
	c->list[c->count++] = buf_give(der);
}

/* One of a try that did not come to its end names a key that no certificate of the CA has. */
static bool
is_current(const struct ca_issuers *issuers, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	struct err ignored;

	return pkix_cert_decode(der, &c, &ignored) && ca_issuers_of_key(issuers, c.spki) != NULL &&
	       ca_issuers_find(issuers, &c) != NULL;
}

static bool
write_certificates(
    const struct config *config, const char *name, const struct pem_certs *c, struct err *err)
{
	OWNED(own_memory) struct view *ders = buf_views(c->list, c->count);

	return home_write_pem(config, name, PEM_STRING_X509, ders, c->count, err);
}

static bool
write_cross(
    const struct renewal *r, struct buf *new_with_old, struct buf *old_with_new, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs there = {0};
	OWNED(pem_certs_free) struct pem_certs all = {0};

	if (!read_certificates(r->config, CROSS_FILE, &there, err))
		return false;
	for (size_t i = 0; i < there.count; i++)
		if (is_current(&r->before, buf_view(&there.list[i])))
			add_certificate(&all, &there.list[i]);
	add_certificate(&all, new_with_old);
	add_certificate(&all, old_with_new);
	return write_certificates(r->config, CROSS_FILE, &all, err);
}

static bool
cross_certify(
    const struct renewal *r, const struct secret *passphrase, int64_t not_after, struct err *err)
{
	const struct ca_issuer *last = newest(r);
	int64_t old_end = last->cert.not_after;
	OWNED(own_pkey) EVP_PKEY *old = NULL;
	OWNED(buf_free) struct buf new_with_old = {0}, old_with_new = {0};

	return open_key(r, CA_VERSION_KEY(last->version), passphrase, &old, err) &&
	       make_cross(
		   r, old, r->key, old_end < not_after ? old_end : not_after, &new_with_old, err) &&
	       make_cross(r, r->key, old, old_end, &old_with_new, err) &&
	       write_cross(r, &new_with_old, &old_with_new, err);
}

/* ---- the new certificate takes its place ---- */

static bool
put_first(const struct renewal *r, struct view certificate, struct err *err)
{
	struct view ders[CA_ISSUERS_MAX + 1] = {certificate};
	OWNED(ca_issuers_free) struct ca_issuers after = {0};
	size_t count = 1;

	for (size_t i = 0; i < r->before.count; i++)
		ders[count++] = buf_view(&r->before.list[i].cert.raw);
	return ca_issuers_make(ders, count, &after, err) &&
	       home_write_pem(r->config, "ca.crt", PEM_STRING_X509, ders, count, err);
}

static bool
renew_root(const struct renewal *r, const struct ca_renew *in, struct err *err)
{
	OWNED(buf_free) struct buf certificate = {0};
	int64_t not_after = r->now + in->validity;

	if (in->validity <= 0)
		return err_set(err, E_INVALIDARG,
		    "the CA certificate needs a validity of more than zero seconds");
	return make_root(r, not_after, &certificate, err) &&
	       (!in->new_key || cross_certify(r, in->passphrase, not_after, err)) &&
	       put_first(r, buf_view(&certificate), err);
}

static bool
write_request(const struct renewal *r, struct err *err)
{
	const struct pkix_cert *last = &newest(r)->cert;
	OWNED(own_x509_extensions) ext_list *list = home_extensions(err);
	OWNED(buf_free) struct buf spki = {0};

	return list != NULL && pkix_key_spki(r->key, &spki, err) &&
	       home_push_ca(list, buf_view(&spki), r->version, last, err) &&
	       home_write_request(r->config, r->key, last->subject, list, err);
}

static bool
renew(const struct config *config, const struct ca_renew *in, int64_t now, enum ca_renewed *out,
    struct err *err)
{
	OWNED(renewal_free) struct renewal r = {.config = config, .now = now, .lock = -1};

	*out = CA_RENEWED;
	if (!begin(&r, in, err))
		return false;
	if (view_eq(newest(&r)->cert.subject, newest(&r)->cert.issuer))
		return renew_root(&r, in, err);
	*out = CA_RENEWAL_REQUESTED;
	return write_request(&r, err);
}

bool
ca_renew(const struct config *config, const struct ca_renew *in, int64_t now, enum ca_renewed *out,
    struct err *err)
{
	return renew(config, in, now, out, err) ||
	       err_prefix(err, "renewing CA '%s'", config->ca_name);
}

/* ---- a parent's answer ---- */

/* The SubjectPublicKeyInfo of ca.csr is that of the certificate. */
static bool
check_request(const struct config *config, const struct pkix_cert *c, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.csr");
	OWNED(buf_free) struct buf text = {0}, der = {0};
	OWNED(pkix_request_free) struct pkix_request request = {0};

	if (!home_has(config, "ca.csr"))
		return err_set(err, ERROR_FILE_NOT_FOUND,
		    "%s: no request of this CA waits for an answer; `dirca ca renew` makes one",
		    path);
	if (!file_read_owned(path, PEM_FILE_MAX, &text, err) ||
	    !pem_request(buf_view(&text), &der, err) ||
	    !pkix_request_decode(buf_view(&der), &request, err))
		return err_prefix(err, "%s", path);
	return view_eq(request.spki, c->spki) ||
	       err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		   "the certificate is not for the key of the request (%s)", path);
}

static bool
check_version(struct renewal *r, const struct pkix_cert *c, struct err *err)
{
	const struct ca_issuer *last = newest(r);
	bool same_key = view_eq(c->spki, last->cert.spki);
	uint32_t version;

	r->version = CA_VERSION(CA_VERSION_KEY(last->version) + (same_key ? 0 : 1),
	    CA_VERSION_CERTIFICATE(last->version) + 1);
	return pkix_cert_ca_version(c, &version, err) &&
	       (version == r->version ||
		   err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		       "the certificate is not that of CA version %u.%u: the parent has to copy "
		       "the extension 1.3.6.1.4.1.311.21.1 from the request",
		       CA_VERSION_CERTIFICATE(r->version), CA_VERSION_KEY(r->version)));
}

static bool
check_answer(
    struct renewal *r, const struct pkix_cert *c, const struct secret *passphrase, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	if (!check_request(r->config, c, err) || !check_version(r, c, err) ||
	    !open_key(r, CA_VERSION_KEY(r->version), passphrase, &r->key, err) ||
	    !pkix_key_spki(r->key, &spki, err))
		return false;
	if (!view_eq(buf_view(&spki), c->spki))
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificate is not for the key that the vault has for it");
	return home_check_time(c, r->now, err);
}

static bool
add_once(struct pem_certs *c, struct view der, struct err *err)
{
	struct buf copy;

	for (size_t i = 0; i < c->count; i++)
		if (view_eq(buf_view(&c->list[i]), der))
			return true;
	if (!buf_dup(der, &copy, err))
		return false;
	add_certificate(c, &copy);
	return true;
}

/* Those of before stay behind the new ones: whoever dies in between leaves a file that holds the
 * chain of either certificate. */
static bool
write_parents(const struct config *config, const struct pkix_certs *a,
    const struct pem_certs *before, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs all = {0};

	for (size_t i = 1; i < a->count; i++)
		if (!add_once(&all, buf_view(&a->list[i].raw), err))
			return false;
	for (size_t i = 0; i < before->count; i++)
		if (!add_once(&all, buf_view(&before->list[i]), err))
			return false;
	return write_certificates(config, TRUST_FOLDER "/" TRUST_CHAIN, &all, err);
}

/* Nothing waits for an answer any more. */
static bool
end_request(const struct config *config, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.csr");

	return unlink(path) == 0 || errno == ENOENT || err_errno(err, DIRCA_E_IO, "%s", path);
}

static bool
take_answer(struct renewal *r, struct pkix_certs *a, const struct view *chain, size_t chain_count,
    const struct secret *passphrase, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs before = {0};
	OWNED(own_memory) struct view *kept = NULL;

	if (!read_certificates(r->config, TRUST_FOLDER "/" TRUST_CHAIN, &before, err))
		return false;
	if (chain_count == 0) {
		chain = kept = buf_views(before.list, before.count);
		chain_count = before.count;
	}
	return trust_parents(a, chain, chain_count, err) &&
	       check_answer(r, &a->list[0], passphrase, err) &&
	       home_check_chain(a->list, a->count, err) &&
	       write_parents(r->config, a, &before, err) &&
	       put_first(r, buf_view(&a->list[0].raw), err);
}

static bool
install(struct renewal *r, struct view certificate, const struct view *chain, size_t chain_count,
    const struct secret *passphrase, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs a = {0};

	if (!home_read_certificate(certificate, &a, err))
		return false;
	/* An earlier try may have died when it was all but done. */
	if (!view_eq(buf_view(&a.list[0].raw), buf_view(&newest(r)->cert.raw)) &&
	    !take_answer(r, &a, chain, chain_count, passphrase, err))
		return false;
	return end_request(r->config, err);
}

bool
ca_renew_install(const struct config *config, struct view certificate, const struct view *chain,
    size_t chain_count, const struct secret *passphrase, int64_t now, struct err *err)
{
	OWNED(renewal_free) struct renewal r = {.config = config, .now = now, .lock = -1};

	return (oids_init(err) && home_check_users(config, err) && check_stopped(&r, err) &&
		   read_before(&r, err) &&
		   install(&r, certificate, chain, chain_count, passphrase, err)) ||
	       err_prefix(err, "installing the certificate of CA '%s'", config->ca_name);
}
