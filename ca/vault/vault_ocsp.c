/*
 * OCSP is answered by a key of its own for each CA key (RFC 6960 4.2.2.2): it signs nothing but
 * answers, and the CA key none. It is in this process's memory only; each start makes another.
 */
#include "vault_priv.h"

#include <string.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "clock.h"
#include "extension.h"
#include "ocsp.h"
#include "own_openssl.h"
#include "text.h"

#define KP_OCSP_SIGNING "1.3.6.1.5.5.7.3.9"
#define RSA_BITS        2048
#define SKEW_S          300 /* of answers: the front has the same clock */

void
vault_ocsp_open(struct vault_ocsp *o)
{
	pthread_mutex_init(&o->lock, NULL);
}

static void
forget(struct vault_ocsp *o)
{
	EVP_PKEY_free(o->key);
	pkix_cert_free(&o->certificate);
	o->key = NULL;
	o->certificate = (struct pkix_cert){0};
}

void
vault_ocsp_close(struct vault_ocsp *o)
{
	forget(o);
	pthread_mutex_destroy(&o->lock);
}

/* Who verifies the CA's signatures verifies this key's: of the same kind. */
static EVP_PKEY *
generate(EVP_PKEY *ca_key, struct err *err)
{
	EVP_PKEY *key = EVP_PKEY_is_a(ca_key, "RSA") ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");

	if (key == NULL)
		err_openssl(err, DIRCA_E_CRYPTO, "the key for OCSP could not be made");
	return key;
}

static bool
push_extensions(struct view spki, const struct ca_issuer *issuer, ext_list *list, struct err *err)
{
	char usage[] = KP_OCSP_SIGNING, *const usages[] = {usage};
	uint8_t key_id[KEY_ID_LEN];

	return ext_push_key_usage(list, PKIX_KU_DIGITAL_SIGNATURE, true, err) &&
	       ext_push_eku(list, usages, 1, false, err) && ext_key_id(spki, key_id, err) &&
	       ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
	       ext_push_aki(list, buf_view(&issuer->key_id), err) &&
	       ext_push_ocsp_nocheck(list, err);
}

static bool
make_tbs(EVP_PKEY *key, const struct vault_ca_key *ca, int64_t now, struct buf *out,
    struct journal_entry *entry, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();
	const struct ca_issuer *issuer = ca->issuer;
	OWNED(buf_free) struct buf subject = {0};
	OWNED(buf_free) struct buf spki = {0};
	int64_t until = now + VAULT_OCSP_LIFE_S;

	*entry = (struct journal_entry){.kind = JOURNAL_CERTIFICATE};
	if (list == NULL)
		return err_nomem(err);
	if (now >= issuer->cert.not_after)
		return err_set(err, CERT_E_EXPIRED, "the CA certificate has expired");
	if (!vault_new_serial(entry, err) ||
	    !pkix_name_from_dn("CN=OCSP Response Signing", NULL, &subject, err) ||
	    !pkix_key_spki(key, &spki, err) || !push_extensions(buf_view(&spki), issuer, list, err))
		return false;
	const struct pkix_tbs tbs = {.serial = view_of(entry->number, entry->number_len),
	    .sig_alg = ca->rules.sig_alg,
	    .issuer = issuer->cert.subject,
	    .not_before = now - PKIX_CLOCK_SKEW_S,
	    .not_after = until < issuer->cert.not_after ? until : issuer->cert.not_after,
	    .subject = buf_view(&subject),
	    .spki = buf_view(&spki),
	    .extensions = list};

	return pkix_tbs_encode(&tbs, out, err);
}

static bool
certify(struct vault_worker *w, size_t at, EVP_PKEY *key, struct buf *out, struct err *err)
{
	const struct vault_ca_key *ca = &w->state->keys[at];
	OWNED(buf_free) struct buf tbs = {0};
	OWNED(buf_free) struct buf signature = {0};
	struct journal_entry entry;

	return make_tbs(key, ca, clock_now(), &tbs, &entry, err) &&
	       vault_sign_noted_by(w, at, &entry, buf_view(&tbs), &signature, err) &&
	       pkix_signed_wrap(buf_view(&tbs), ca->rules.sig_alg, buf_view(&signature), out, err);
}

/* Under the lock. */
static bool
renew(struct vault_worker *w, size_t at, struct err *err)
{
	struct vault_ocsp *o = &w->state->keys[at].ocsp;
	OWNED(own_pkey) EVP_PKEY *key = generate(w->state->keys[at].key, err);
	OWNED(buf_free) struct buf der = {0};
	OWNED(pkix_cert_free) struct pkix_cert certificate = {0};
	uint8_t key_id[VAULT_ID_LEN];

	if (key == NULL || !certify(w, at, key, &der, err) ||
	    !pkix_cert_decode(buf_view(&der), &certificate, err) ||
	    !ext_key_id(certificate.spki, key_id, err))
		return false;
	forget(o);
	o->key = own_give(&key);
	o->certificate = certificate;
	certificate = (struct pkix_cert){0};
	memcpy(o->key_id, key_id, sizeof key_id);
	return true;
}

/* A front cannot have another made sooner, and so fill the journal. */
static bool
is_fresh(const struct vault_ocsp *o, int64_t now)
{
	const struct pkix_cert *c = &o->certificate;

	return o->key != NULL && now >= c->not_before &&
	       now < c->not_after - (c->not_after - c->not_before) / 2;
}

bool
vault_ocsp_give(struct vault_worker *w, size_t at, struct buf *certificate_out, struct err *err)
{
	struct vault_ocsp *o = &w->state->keys[at].ocsp;
	bool ok;

	pthread_mutex_lock(&o->lock);
	ok = (is_fresh(o, clock_now()) || renew(w, at, err)) &&
	     buf_dup(buf_view(&o->certificate.raw), certificate_out, err);
	pthread_mutex_unlock(&o->lock);
	return ok || err_prefix(err, "making a certificate for OCSP");
}

/* The key and what its certificate says of it, as long as the caller needs them. */
static EVP_PKEY *
lend(struct vault_ocsp *o, uint8_t key_id[VAULT_ID_LEN], int64_t *not_after)
{
	EVP_PKEY *key;

	pthread_mutex_lock(&o->lock);
	key = o->key;
	if (key != NULL && EVP_PKEY_up_ref(key) != 1)
		key = NULL;
	memcpy(key_id, o->key_id, VAULT_ID_LEN);
	*not_after = o->certificate.not_after;
	pthread_mutex_unlock(&o->lock);
	return key;
}

bool
vault_ocsp_sign(
    struct vault_worker *w, size_t at, struct view data, struct buf *signature_out, struct err *err)
{
	uint8_t key_id[VAULT_ID_LEN];
	int64_t not_after;
	OWNED(own_pkey) EVP_PKEY *key = lend(&w->state->keys[at].ocsp, key_id, &not_after);

	if (key == NULL)
		return err_set(err, E_ACCESSDENIED, "the vault has no key for OCSP yet");
	return ocsp_data_check(data, key_id, clock_now(), SKEW_S, not_after, err) &&
	       ca_key_sign(key, data, signature_out, err);
}

bool
vault_ocsp_has(struct vault_ocsp *o, struct view id)
{
	bool has;

	pthread_mutex_lock(&o->lock);
	has = o->key != NULL && view_eq(id, view_of(o->key_id, VAULT_ID_LEN));
	pthread_mutex_unlock(&o->lock);
	return has;
}
