#include "cmc.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>

#include "cms_algs.h"

static bool
hash_is(const EVP_MD *md, struct view data, struct view said, bool *equal_out, struct err *err)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t len;

	*equal_out = false;
	if (!cms_hash(md, data, hash, &len, err))
		return false;
	*equal_out = len == said.len && CRYPTO_memcmp(hash, said.ptr, len) == 0;
	return true;
}

/* [MS-WCCE] 3.2.2.6.2.1.2.2: the digest with which the client signs, or SHA-1. */
static bool
check_key_hash(
    const struct cmc_request *r, const struct cms_signer *signer, bool allow_sha1, struct err *err)
{
	bool equal;

	if (r->key_hash.len == 0 && r->archived_key.len == 0)
		return true;
	if (r->key_hash.len == 0 || r->archived_key.len == 0)
		return err_set(err, CRYPT_E_HASH_VALUE, "the request has %s",
		    r->key_hash.len == 0
			? "an encrypted private key but no hash of it (311.21.21)"
			: "the hash of an encrypted private key (311.21.21) but no key");
	if (!hash_is(signer->digest, r->archived_key, r->key_hash, &equal, err))
		return false;
	if (!equal && allow_sha1 &&
	    !hash_is(cms_digest(NID_sha1), r->archived_key, r->key_hash, &equal, err))
		return false;
	if (!equal)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "the hash of the encrypted private key (311.21.21) is not that of the key "
		    "(311.21.13)");
	return true;
}

bool
cmc_request_verify_stripped(
    const struct cmc_request *r, EVP_PKEY *key, bool allow_sha1, struct err *err)
{
	if (r->message.signer_count == 0)
		return err_set(err, CRYPT_E_NO_SIGNER, "the CMC request is not signed");
	if (!cms_signer_verify(&r->message, &r->message.signers[r->signer], key, allow_sha1, err))
		return err_prefix(err, "the signature of the CMC request");
	return pkix_request_verify(&r->request, key, true, allow_sha1, err) ||
	       err_prefix(err, "the PKCS#10 inside the CMC request");
}

bool
cmc_request_verify(const struct cmc_request *r, EVP_PKEY *key, bool allow_sha1, struct err *err)
{
	return cmc_request_verify_stripped(r, key, allow_sha1, err) &&
	       check_key_hash(r, &r->message.signers[r->signer], allow_sha1, err);
}

bool
cmc_request_strip(const struct cmc_request *r, struct buf *out, struct err *err)
{
	return cms_signed_strip(&r->message, out, err);
}

bool
cmc_wrapped_strip(const struct cmc_wrapped *w, struct buf *out, struct err *err)
{
	return cms_signed_strip(&w->message, out, err);
}
