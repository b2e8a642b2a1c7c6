/*
 * A key pair of the vault's own making: made, certified, sealed to the KRAs and encrypted to its
 * holder in one act, so that nobody can come between. What the front says is checked first, as far
 * as the vault can; only then there is a key.
 */
#include "vault_priv.h"

#include <stdio.h>

#include "bytes.h"
#include "clock.h"
#include "extension.h"
#include "oids.h"
#include "own_openssl.h"
#include "pkix_asn1.h"
#include "recipient.h"

/* SubjectPublicKeyInfo and key identifier of the TBSCertificate become those of the key. */
static bool
set_key(PKIX_TBS_CERT *c, struct view spki, struct err *err)
{
	uint8_t value[2 + KEY_ID_LEN] = {V_ASN1_OCTET_STRING, KEY_ID_LEN};
	int at = X509v3_get_ext_by_NID(c->extensions, NID_subject_key_identifier, -1);
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

	if (octets == NULL || ASN1_STRING_set(c->spki, spki.ptr, (int)spki.len) != 1 ||
	    !ext_key_id(spki, value + 2, err))
		return err_nomem(err);
	return at < 0 ||
	       (ASN1_OCTET_STRING_set(octets, value, (int)sizeof value) == 1 &&
		   X509_EXTENSION_set_data(X509v3_get_ext(c->extensions, at), octets) == 1) ||
	       err_nomem(err);
}

static bool
encode_tbs(const PKIX_TBS_CERT *c, struct buf *out, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_PKIX_TBS_CERT(c, &der);

	return len > 0 ? buf_take_openssl(der, len, out, err)
		       : err_openssl(err, DIRCA_E_CRYPTO, "a certificate cannot be encoded");
}

/* As the front proposed it, but for the key. */
static bool
tbs_for_key(struct view proposed, EVP_PKEY *key, struct buf *out, struct err *err)
{
	const unsigned char *p = proposed.ptr;
	OWNED(own_pkix_tbs_cert)
	PKIX_TBS_CERT *c = d2i_PKIX_TBS_CERT(NULL, &p, (long)proposed.len);
	OWNED(buf_free) struct buf spki = {0};

	if (c == NULL)
		return err_openssl(err, ERROR_INVALID_DATA, "the certificate to be signed");
	return pkix_key_spki(key, &spki, err) && set_key(c, buf_view(&spki), err) &&
	       encode_tbs(c, out, err);
}

/* A TBSCertificate as the certificate that it would become. */
static bool
read_tbs(struct view tbs, struct view sig_alg, struct pkix_cert *out, struct err *err)
{
	static const uint8_t none[1] = {0};
	OWNED(buf_free) struct buf der = {0};

	return pkix_signed_wrap(tbs, sig_alg, view_of(none, sizeof none), &der, err) &&
	       pkix_cert_decode(buf_view(&der), out, err);
}

static bool
check_recipient(const struct vault_worker *w, const struct pkix_cert *recipient,
    const struct pkix_cert *proposed, struct err *err)
{
	return recipient_check(recipient, &w->state->issuers, clock_now(), err) &&
	       recipient_is_holder(recipient, proposed, err);
}

static bool
read_transport(struct view field, struct key_transport *out, struct err *err)
{
	uint8_t cipher, oaep;

	if (field.len != 2 || !bytes_get_u8(&field, &cipher) || !bytes_get_u8(&field, &oaep) ||
	    cipher >= CMS_3DES_CBC || oaep > 1)
		return err_set(err, E_INVALIDARG, "how a new key is to be encrypted is unknown");
	*out = (struct key_transport){.cipher = (enum cms_cipher)cipher, .oaep = oaep == 1};
	return true;
}

/* The rules are those of certificates for others' keys. */
static bool
certify(struct vault_worker *w, struct view proposed, EVP_PKEY *key, uint8_t key_id[VAULT_ID_LEN],
    struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf tbs = {0}, signature = {0};
	struct journal_entry entry;

	return tbs_for_key(proposed, key, &tbs, err) &&
	       vault_check_certificate(buf_view(&tbs), view_of(NULL, 0), &w->state->keys[0].rules,
		   &entry, key_id, err) &&
	       vault_sign_tbs(w, &entry, buf_view(&tbs), &signature, out, err);
}

/* A key on its way to its holder. */
struct delivery {
	EVP_PKEY *key;
	uint8_t key_id[VAULT_ID_LEN];
	struct view certificate; /* for the key */
	const struct pkix_cert *recipient;
	struct key_transport how;
};

/* Whoever encrypts the signed key to somebody else, or has it certified for somebody else, can be
 * found out by who opens it. */
static bool
sign_package(struct vault_worker *w, const struct secret *package, const struct delivery *d,
    struct secret *out, struct err *err)
{
	const struct vault_ca_key *newest = &w->state->keys[0];
	const struct pkix_cert *ca = &newest->issuer->cert;
	const struct view certificate = buf_view(&ca->raw);
	uint8_t value[KEY_DELIVERY_LEN];
	struct cms_attr said = {.values = view_of(value, sizeof value), .value_count = 1};
	const struct cms_sign in = {.content_oid = oid_dotted(OID_CT_KEY_PACKAGE),
	    .content = secret_view(package),
	    .digest = w->signers[0].digest,
	    .issuer = ca->issuer,
	    .serial = ca->serial,
	    .extra_attrs = &said,
	    .extra_count = 1,
	    .certificates = &certificate,
	    .certificate_count = 1};
	struct journal_entry entry = {.kind = JOURNAL_KEY, .number_len = VAULT_ID_LEN};
	OWNED(buf_free) struct buf attrs = {0}, signature = {0};

	snprintf(said.oid, sizeof said.oid, "%s", oid_dotted(OID_KEY_DELIVERY));
	memcpy(entry.number, d->key_id, VAULT_ID_LEN);
	return key_delivery_encode(d->certificate, buf_view(&d->recipient->raw), value, err) &&
	       cms_sign_attrs(&in, &attrs, err) &&
	       vault_sign_noted(w, &entry, buf_view(&attrs), &signature, err) &&
	       cms_sign_finish_secret(
		   &in, buf_view(&attrs), newest->rules.sig_alg, buf_view(&signature), out, err);
}

static bool
deliver(struct vault_worker *w, const struct delivery *d, struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret package = {0}, message = {0};
	OWNED(own_pkey) EVP_PKEY *to_key = NULL;
	struct cms_kra to = {.issuer = d->recipient->issuer,
	    .serial = d->recipient->serial,
	    .reader = d->how.oaep ? CMS_READER_OAEP : CMS_READER_PKCS1};

	if (!pkix_public_key(d->recipient->spki, &to_key, err))
		return false;
	to.key = to_key;
	return key_package_encode(d->key, &package, err) &&
	       sign_package(w, &package, d, &message, err) &&
	       cms_enveloped_seal_signed(secret_view(&message), &to, 1, d->how.cipher, out, err);
}

bool
vault_generate_key(struct vault_worker *w, const struct view *fields,
    struct archive_generate *sealing, struct vault_generated *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert recipient = {0}, proposed = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct delivery d = {.recipient = &recipient};

	if (!read_transport(fields[GENERATE_TRANSPORT], &d.how, err) ||
	    !pkix_cert_decode(fields[GENERATE_RECIPIENT], &recipient, err) ||
	    !read_tbs(fields[GENERATE_TBS], w->state->keys[0].rules.sig_alg, &proposed, err) ||
	    !check_recipient(w, &recipient, &proposed, err))
		return false;
	sealing->like = proposed.spki;
	if (!archive_generate(sealing, &key, &out->archived, err) ||
	    !certify(w, fields[GENERATE_TBS], key, d.key_id, &out->certificate, err))
		return false;
	d.key = key;
	d.certificate = buf_view(&out->certificate);
	return deliver(w, &d, &out->delivered, err);
}
