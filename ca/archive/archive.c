#include "archive.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "archive_priv.h"
#include "own_openssl.h"

static bool
check_kras(const struct cms_kra *kras, size_t count, struct err *err)
{
	if (count == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "no key recovery agent was named for the archived key; set KRACertCount and "
		    "add KRA certificates");
	if (count > KRA_COUNT_MAX)
		return err_set(err, E_INVALIDARG,
		    "%zu key recovery agents were named for one key; at most %d are possible",
		    count, KRA_COUNT_MAX);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (view_eq(kras[i].issuer, kras[j].issuer) &&
			    view_eq(kras[i].serial, kras[j].serial))
				return err_set(err, E_INVALIDARG,
				    "the same key recovery agent was named twice for one archived "
				    "key");
	return true;
}

/* [MS-WCCE] 3.2.2.6.2.1.2.2: recipients other than the exchange certificate are ignored. */
static bool
find_recipient(const struct cms_enveloped *envelope, struct view issuer, struct view serial,
    size_t *index_out, struct err *err)
{
	for (size_t i = 0; i < envelope->count; i++)
		if (cms_recipient_is(&envelope->recipients[i], issuer, serial)) {
			*index_out = i;
			return true;
		}
	return err_set(err, DIRCA_E_XCHG_CERT,
	    "the archived key is not encrypted to the CA exchange certificate; fetch the current "
	    "one and enroll again");
}

bool
archive_read(archive_decode *decode, struct view payload, struct view issuer, struct view serial,
    const EVP_PKEY *key, struct archive_payload *out, struct err *err)
{
	*out = (struct archive_payload){0};
	if (decode(payload, &out->envelope, err) &&
	    find_recipient(&out->envelope, issuer, serial, &out->recipient, err) &&
	    cms_recipient_fingerprint(&out->envelope, out->recipient, key, out->encrypted_key, err))
		return true;
	archive_payload_free(out);
	return false;
}

bool
archive_payload_read(struct view payload, struct view xchg_issuer, struct view xchg_serial,
    const EVP_PKEY *xchg_key, struct archive_payload *out, struct err *err)
{
	return archive_read(
	    cms_enveloped_decode, payload, xchg_issuer, xchg_serial, xchg_key, out, err);
}

void
archive_payload_free(struct archive_payload *p)
{
	cms_enveloped_free(&p->envelope);
	*p = (struct archive_payload){0};
}

/*
 * One sentence for wrong padding, magic and numbers, for a key of another and for one that only
 * signs: who replays another's payload with changes must not learn which of them he met.
 */
bool
archive_refuse(struct err *err)
{
	return err_set(err, DIRCA_E_KEY_NOT_ARCHIVED, "the key could not be archived");
}

/* What is before the key, taken off. */
static bool
take_binding(const uint8_t *binding, struct secret *content)
{
	OWNED(secret_free) struct secret whole = *content;
	struct view v = secret_view(&whole);
	struct err ignored;

	*content = (struct secret){0};
	return v.len > ARCHIVE_BINDING && CRYPTO_memcmp(v.ptr, binding, ARCHIVE_BINDING) == 0 &&
	       secret_dup(
		   view_of(v.ptr + ARCHIVE_BINDING, v.len - ARCHIVE_BINDING), content, &ignored);
}

/* Agents find a private key blob, whatever the client's maker knows. */
static bool
take_pkcs8(const struct archive_rewrap *in, EVP_PKEY *pub, struct secret *content)
{
	OWNED(secret_free) struct secret whole = {0};
	struct err ignored;

	if (!in->pkcs8 || !keyblob_is_pkcs8(secret_view(content)))
		return true;
	whole = *content;
	*content = (struct secret){0};
	return keyblob_from_pkcs8(secret_view(&whole), pub, content, &ignored);
}

/* True: `blob` holds a private key, `priv`, that may be archived. */
static bool
open_blob(
    const struct archive_rewrap *in, EVP_PKEY *pub, struct secret *blob, struct keyblob_key *priv)
{
	enum keyblob_format format;
	bool signature_only = true;
	struct err ignored;

	return cms_enveloped_open(
		   &in->payload->envelope, in->payload->recipient, in->xchg_key, blob, &ignored) &&
	       (in->binding == NULL || take_binding(in->binding, blob)) &&
	       take_pkcs8(in, pub, blob) &&
	       keyblob_format(secret_view(blob), &format, &signature_only, &ignored) &&
	       keyblob_read(secret_view(blob), priv, &ignored) && !signature_only;
}

/* As much work as a key that is what it should be would make from here on. */
static bool
take_stand_in(EVP_PKEY *pub, struct secret *blob, struct keyblob_key *priv, struct err *err)
{
	secret_free(blob);
	return keyblob_stand_in(pub, blob, err) && keyblob_read(secret_view(blob), priv, err);
}

bool
archive_key_id(const EVP_PKEY *pub, uint8_t out[CMS_BOUND_LEN], struct err *err)
{
	OWNED(own_octets) uint8_t *der = NULL;
	int len = i2d_PUBKEY(pub, &der);

	return (len > 0 &&
		   EVP_Digest(der, (size_t)len, out, NULL, cms_digest(NID_sha256), NULL) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO, "hashing a public key");
}

bool
archive_seal(const struct archive_sealing *s, const struct secret *content, const EVP_PKEY *pub,
    struct buf *out, struct err *err)
{
	struct cms_split split = {.threshold = s->threshold};

	return (s->threshold < 2 || archive_key_id(pub, split.bound_to, err)) &&
	       cms_enveloped_seal_split(secret_view(content), s->kras, s->kra_count, s->cipher,
		   s->seed, &split, out, err);
}

static bool
open_prove_and_seal(
    const struct archive_rewrap *in, EVP_PKEY *pub, struct buf *sealed, struct err *err)
{
	OWNED(secret_free) struct secret blob = {0};
	OWNED(keyblob_key_free) struct keyblob_key priv = {0};
	struct err ignored;
	bool good = open_blob(in, pub, &blob, &priv);

	if (priv.rsa.n == NULL && priv.ec == NULL && !take_stand_in(pub, &blob, &priv, &ignored))
		return archive_refuse(err);
	good = archive_blob_matches(&priv, pub, &ignored) && good;
	if (!archive_seal(&(struct archive_sealing){in->kras, in->kra_count, in->threshold,
			      archive_cipher(in->cipher, in->kras, in->kra_count), in->seed},
		&blob, pub, sealed, err))
		return false;
	if (!good) {
		buf_free(sealed);
		return archive_refuse(err);
	}
	return true;
}

bool
archive_rewrap(const struct archive_rewrap *in, struct buf *archived_out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *pub = NULL;

	*archived_out = (struct buf){0};

	return check_kras(in->kras, in->kra_count, err) && pkix_public_key(in->spki, &pub, err) &&
	       keyblob_can_hold(pub, err) && open_prove_and_seal(in, pub, archived_out, err);
}

/* ---- keys that are made here ---- */

bool
archive_can_generate(const char *algorithm, int bits, struct err *err)
{
	return strcmp(algorithm, "EC") == 0 ||
	       (bits >= ARCHIVE_RSA_MIN && bits <= ARCHIVE_RSA_MAX && bits % 8 == 0) ||
	       err_set(err, CERTSRV_E_KEY_LENGTH,
		   "this CA makes RSA keys of %d to %d bits and keys on P-256, P-384 and P-521, "
		   "not "
		   "RSA keys of %d bits",
		   ARCHIVE_RSA_MIN, ARCHIVE_RSA_MAX, bits);
}

static EVP_PKEY *
make_key(const char *algorithm, int bits)
{
	if (strcmp(algorithm, "RSA") == 0)
		return EVP_RSA_gen((unsigned)bits);
	return EVP_EC_gen(bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521");
}

bool
archive_generate(const struct archive_generate *in, EVP_PKEY **key_out, struct buf *archived_out,
    struct err *err)
{
	OWNED(secret_free) struct secret blob = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	const char *algorithm;
	int bits;

	*key_out = NULL;
	*archived_out = (struct buf){0};
	if (!check_kras(in->kras, in->kra_count, err) ||
	    !pkix_key_info(in->like, &algorithm, &bits, err) ||
	    !archive_can_generate(algorithm, bits, err))
		return false;
	if ((key = make_key(algorithm, bits)) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a key pair could not be made");
	if (!keyblob_encode(key, &blob, err) ||
	    !archive_seal(&(struct archive_sealing){in->kras, in->kra_count, in->threshold,
			      archive_cipher(in->cipher, in->kras, in->kra_count), in->seed},
		&blob, key, archived_out, err))
		return false;
	*key_out = own_give(&key);
	return true;
}
