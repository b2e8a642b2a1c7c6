#include "keyblob.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "bytes.h"
#include "keyblob_priv.h"

static bool
capi_format(struct view rest, bool *signature_only_out, struct err *err)
{
	uint32_t alg = 0, magic = 0;

	if (!bytes_get_u32le(&rest, &alg) || !bytes_get_u32le(&rest, &magic) ||
	    magic != KEYBLOB_MAGIC_RSA2)
		return err_set(
		    err, NTE_BAD_DATA, "private key blob: PRIVATEKEYBLOB without the magic RSA2");
	if (alg != KEYBLOB_CALG_RSA_KEYX && alg != KEYBLOB_CALG_RSA_SIGN)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: algorithm 0x%08X is not CALG_RSA_KEYX", (unsigned)alg);
	*signature_only_out = alg == KEYBLOB_CALG_RSA_SIGN;
	return true;
}

bool
keyblob_format(
    struct view blob, enum keyblob_format *out, bool *signature_only_out, struct err *err)
{
	struct view rest = blob;
	uint32_t magic = 0, rsa;
	bool big_endian;

	*out = KEYBLOB_CAPI_RSA;
	*signature_only_out = false;
	if (!bytes_get_u32le(&rest, &magic))
		return err_set(err, NTE_BAD_DATA, "private key blob: %zu bytes only", blob.len);
	if (magic == KEYBLOB_PRIVATEKEYBLOB)
		return capi_format(rest, signature_only_out, err);
	if ((rsa = keyblob_rsa_magic(magic, &big_endian)) == KEYBLOB_MAGIC_RSA1)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: it is that of a public RSA key (BCRYPT_RSAPUBLIC_BLOB)");
	if (rsa != 0) {
		*out = KEYBLOB_BCRYPT_RSA;
		return true;
	}
	if (keyblob_ec_bits(magic, signature_only_out) == 0)
		return err_set(err, NTE_BAD_DATA,
		    "private key blob: neither a CAPI PRIVATEKEYBLOB nor a BCRYPT RSA or ECC "
		    "private blob (begins with 0x%08X)",
		    (unsigned)magic);
	*out = *signature_only_out ? KEYBLOB_BCRYPT_ECDSA : KEYBLOB_BCRYPT_ECDH;
	return true;
}

bool
keyblob_read(struct view blob, struct keyblob_key *out, struct err *err)
{
	enum keyblob_format format;
	bool signature_only = false;

	*out = (struct keyblob_key){0};
	if (!keyblob_format(blob, &format, &signature_only, err))
		return false;
	switch (format) {
	case KEYBLOB_CAPI_RSA:
		return keyblob_read_capi(blob, &out->rsa, err);
	case KEYBLOB_BCRYPT_RSA:
		return keyblob_read_bcrypt_rsa(blob, &out->rsa, err);
	case KEYBLOB_BCRYPT_ECDH:
	case KEYBLOB_BCRYPT_ECDSA:
		return keyblob_decode_ec(blob, &out->ec, err);
	}
	return err_set(err, DIRCA_E_INTERNAL, "private key blob: format %d", (int)format);
}

void
keyblob_key_free(struct keyblob_key *k)
{
	rsa_numbers_free(&k->rsa);
	EVP_PKEY_free(k->ec);
	*k = (struct keyblob_key){0};
}

bool
keyblob_decode(struct view blob, EVP_PKEY **out, struct err *err)
{
	OWNED(keyblob_key_free) struct keyblob_key key = {0};

	*out = NULL;
	if (!keyblob_read(blob, &key, err))
		return false;
	*out = own_give(&key.ec);
	return *out != NULL || keyblob_build_rsa(&key.rsa, out, err);
}

bool
keyblob_encode(const EVP_PKEY *key, struct secret *out, struct err *err)
{
	*out = (struct secret){0};
	if (EVP_PKEY_is_a(key, "RSA"))
		return keyblob_encode_rsa(key, out, err);
	if (EVP_PKEY_is_a(key, "EC"))
		return keyblob_encode_ec(key, out, err);
	return err_set(err, NTE_BAD_ALGID, "private key blob: the key is neither RSA nor EC");
}
