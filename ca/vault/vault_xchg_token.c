/* A key for exchange certificates that a token keeps: opened before the sandbox closes, used in it.
 * It is made beforehand: what a token writes when it makes one, the sandbox would not let it. */
#include "vault_priv.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "key_uri.h"
#include "own_openssl.h"

#define PROOF_LEN  32
#define SECRET_MAX 66 /* of P-521 */

static bool
public_half(EVP_PKEY *key, EVP_PKEY **out, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	return pkix_key_spki(key, &spki, err) && pkix_public_key(buf_view(&spki), out, err);
}

static bool
refuse(struct err *err, const char *what)
{
	return err_openssl(err, SCARD_E_NO_SMARTCARD,
	    "the token does not %s with the exchange key: is the card in, and may the key do that?",
	    what);
}

/* To the public half, by a key of our own: the token is asked for what only it can do. */
static bool
encrypt_to(EVP_PKEY *public, struct view plain, uint8_t *out, size_t *len, struct err *err)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);

	return (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
		   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		   EVP_PKEY_encrypt(ctx, out, len, plain.ptr, plain.len) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO, "encrypting to the token's key");
}

static bool
decrypts(EVP_PKEY *key, EVP_PKEY *public, struct err *err)
{
	uint8_t plain[PROOF_LEN], sealed[VAULT_XCHG_BITS_MAX / 8], opened[VAULT_XCHG_BITS_MAX / 8];
	size_t sealed_len = sizeof sealed, opened_len = sizeof opened;
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (RAND_bytes(plain, (int)sizeof plain) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "a random number for the vault");
	if (!encrypt_to(public, view_of(plain, sizeof plain), sealed, &sealed_len, err))
		return false;
	return (ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
		   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		   EVP_PKEY_decrypt(ctx, opened, &opened_len, sealed, sealed_len) == 1 &&
		   opened_len == sizeof plain && CRYPTO_memcmp(opened, plain, sizeof plain) == 0) ||
	       refuse(err, "decrypt");
}

static bool
derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *out, size_t *len)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);

	*len = SECRET_MAX;
	return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, out, len) == 1;
}

/* With a key of our own, each way. */
static bool
agrees(EVP_PKEY *key, EVP_PKEY *public, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *other = NULL;
	uint8_t ours[SECRET_MAX], its[SECRET_MAX];
	size_t ours_len, its_len;
	char curve[32];

	if (EVP_PKEY_get_group_name(public, curve, sizeof curve, NULL) != 1 ||
	    (other = EVP_EC_gen(curve)) == NULL || !derive(other, public, ours, &ours_len))
		return err_openssl(err, DIRCA_E_CRYPTO, "agreeing with the token's key");
	return (derive(key, other, its, &its_len) && its_len == ours_len &&
		   CRYPTO_memcmp(its, ours, its_len) == 0) ||
	       refuse(err, "agree");
}

bool
vault_token_proves(EVP_PKEY *key, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *public = NULL;

	if (!public_half(key, &public, err))
		return false;
	return EVP_PKEY_is_a(public, "RSA") ? decrypts(key, public, err) : agrees(key, public, err);
}

static bool
check_kind(const char *uri, EVP_PKEY *key, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key);
	bool fits = EVP_PKEY_is_a(key, "RSA")
			? bits >= VAULT_XCHG_BITS_MIN && bits <= VAULT_XCHG_BITS_MAX
			: EVP_PKEY_is_a(key, "EC") && (bits == 256 || bits == 384 || bits == 521);

	return fits || err_set(err, NTE_BAD_ALGID,
			   "%s: an exchange key of a token is RSA of %d to %d bits, or on P-256, "
			   "P-384 or P-521",
			   uri, VAULT_XCHG_BITS_MIN, VAULT_XCHG_BITS_MAX);
}

bool
vault_token_open(const char *uri, const struct secret *pin, EVP_PKEY **out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	*out = NULL;
	if (!key_uri_open(uri, pin, &key, err) || !check_kind(uri, key, err) ||
	    !vault_token_proves(key, err))
		return false;
	*out = own_give(&key);
	return true;
}
