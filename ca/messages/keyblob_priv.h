/*
 * What the keyblob_*.c files share. Not for other rooms.
 */
#ifndef MESSAGES_KEYBLOB_PRIV_H
#define MESSAGES_KEYBLOB_PRIV_H

#include <openssl/param_build.h>

#include "keyblob.h"
#include "own_openssl.h"

/* An EVP_PKEY from what was pushed; wipes nothing of the caller's. `what` is for the error
 * sentence. */
bool keyblob_build(
    const char *type, OSSL_PARAM_BLD *bld, const char *what, EVP_PKEY **out, struct err *err);

/* One number of a key into `bn` (which may be on the secure heap). */
bool keyblob_get(const EVP_PKEY *key, const char *param, BIGNUM *bn);

/* Into a secret of fixed size, which the appending writers of base do not fit. */
static inline void
keyblob_put_u32le(uint8_t *to, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

bool keyblob_read_capi(struct view blob, struct rsa_numbers *out, struct err *err);
/* Which of the three a little-endian number is, whichever way its header was written; 0: none. */
uint32_t keyblob_rsa_magic(uint32_t first, bool *big_endian_out);
bool keyblob_read_bcrypt_rsa(struct view blob, struct rsa_numbers *out, struct err *err);
bool keyblob_build_rsa(const struct rsa_numbers *k, EVP_PKEY **out, struct err *err);
bool keyblob_encode_rsa(const EVP_PKEY *key, struct secret *out, struct err *err);

/* Magics of bcrypt.h, private blobs; 0 bits: not an EC magic. */
int keyblob_ec_bits(uint32_t magic, bool *signature_only_out);
bool keyblob_decode_ec(struct view blob, EVP_PKEY **out, struct err *err);
bool keyblob_encode_ec(const EVP_PKEY *key, struct secret *out, struct err *err);
/* Magic of the ECDH private blob for the curve of `key`, and octets of a number; false if there is
 * no such blob. */
bool keyblob_ec_layout(const EVP_PKEY *key, uint32_t *magic_out, size_t *side_out);

/* The magic of ECDSA for that of ECDH. */
uint32_t keyblob_ec_signing(uint32_t ecdh);

#define KEYBLOB_PRIVATEKEYBLOB \
	0x00000207u                       /* bType 7, bVersion 2, reserved 0: [MS-WCCE] 2.2.2.9.1 */
#define KEYBLOB_MAGIC_RSA1    0x31415352u /* bcrypt.h: public */
#define KEYBLOB_MAGIC_RSA2    0x32415352u /* private */
#define KEYBLOB_MAGIC_RSA3    0x33415352u /* private, with every number */
#define KEYBLOB_CALG_RSA_KEYX 0x0000A400u
#define KEYBLOB_CALG_RSA_SIGN 0x00002400u

#endif
