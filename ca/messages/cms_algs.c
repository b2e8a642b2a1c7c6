#include "cms_algs.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>

#include "mem.h"

static struct {
	int nid, kdf_scheme_nid;
	const char *name;
	EVP_MD *md;
} digests[] = {
    {NID_sha1, NID_dhSinglePass_stdDH_sha1kdf_scheme, "SHA1", NULL},
    {NID_sha256, NID_dhSinglePass_stdDH_sha256kdf_scheme, "SHA256", NULL},
    {NID_sha384, NID_dhSinglePass_stdDH_sha384kdf_scheme, "SHA384", NULL},
    {NID_sha512, NID_dhSinglePass_stdDH_sha512kdf_scheme, "SHA512", NULL},
};

static struct cms_content_alg contents[] = {
    {CMS_AES_256_CBC, NID_aes_256_cbc, "AES-256-CBC", 32, 16, 16, 0, NULL},
    {CMS_AES_192_CBC, NID_aes_192_cbc, "AES-192-CBC", 24, 16, 16, 0, NULL},
    {CMS_AES_128_CBC, NID_aes_128_cbc, "AES-128-CBC", 16, 16, 16, 0, NULL},
    {CMS_3DES_CBC, NID_des_ede3_cbc, "DES-EDE3-CBC", 24, 8, 8, 0, NULL},
    {CMS_AES_256_GCM, NID_aes_256_gcm, "AES-256-GCM", 32, 12, 1, 16, NULL},
    {CMS_AES_192_GCM, NID_aes_192_gcm, "AES-192-GCM", 24, 12, 1, 16, NULL},
    {CMS_AES_128_GCM, NID_aes_128_gcm, "AES-128-GCM", 16, 12, 1, 16, NULL},
};

static struct cms_wrap_alg wraps[] = {
    {NID_id_aes256_wrap, "AES-256-WRAP", 32, NULL},
    {NID_id_aes192_wrap, "AES-192-WRAP", 24, NULL},
    {NID_id_aes128_wrap, "AES-128-WRAP", 16, NULL},
    {NID_id_smime_alg_CMS3DESwrap, "DES3-WRAP", 24, NULL},
};

static EVP_KDF *x963kdf;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

/* What a provider lacks stays NULL and is an unknown algorithm. */
static void
fetch_all(void)
{
	for (size_t i = 0; i < COUNT_OF(digests); i++)
		digests[i].md = EVP_MD_fetch(NULL, digests[i].name, NULL);
	for (size_t i = 0; i < COUNT_OF(contents); i++)
		contents[i].cipher = EVP_CIPHER_fetch(NULL, contents[i].name, NULL);
	for (size_t i = 0; i < COUNT_OF(wraps); i++)
		wraps[i].cipher = EVP_CIPHER_fetch(NULL, wraps[i].name, NULL);
	x963kdf = EVP_KDF_fetch(NULL, "X963KDF", NULL);
}

const EVP_MD *
cms_digest(int nid)
{
	if (CRYPTO_THREAD_run_once(&once, fetch_all) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(digests); i++)
		if (digests[i].nid == nid)
			return digests[i].md;
	return NULL;
}

bool
cms_digest_of(int nid, struct view data, uint8_t *out, struct err *err)
{
	const EVP_MD *md = cms_digest(nid);

	return (md != NULL && EVP_Digest(data.len > 0 ? (const void *)data.ptr : "", data.len, out,
				  NULL, md, NULL) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO, "a digest could not be computed");
}

const EVP_MD *
cms_kdf_digest(int scheme_nid)
{
	if (CRYPTO_THREAD_run_once(&once, fetch_all) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(digests); i++)
		if (digests[i].kdf_scheme_nid == scheme_nid)
			return digests[i].md;
	return NULL;
}

const struct cms_content_alg *
cms_content_alg_by_nid(int nid)
{
	if (CRYPTO_THREAD_run_once(&once, fetch_all) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(contents); i++)
		if (contents[i].nid == nid && contents[i].cipher != NULL)
			return &contents[i];
	return NULL;
}

const struct cms_content_alg *
cms_content_alg(enum cms_cipher id)
{
	if (CRYPTO_THREAD_run_once(&once, fetch_all) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(contents); i++)
		if (contents[i].id == id && contents[i].cipher != NULL)
			return &contents[i];
	return NULL;
}

bool
cms_is_gcm(enum cms_cipher cipher)
{
	return cipher >= CMS_AES_256_GCM;
}

enum cms_cipher
cms_gcm_of(enum cms_cipher cipher)
{
	static const enum cms_cipher same[] = {[CMS_AES_256_CBC] = CMS_AES_256_GCM,
	    [CMS_AES_192_CBC] = CMS_AES_192_GCM,
	    [CMS_AES_128_CBC] = CMS_AES_128_GCM,
	    [CMS_3DES_CBC] = CMS_3DES_CBC};

	return cms_is_gcm(cipher) ? cipher : same[cipher];
}

int
cms_key_bits(enum cms_cipher cipher)
{
	for (size_t i = 0; i < COUNT_OF(contents); i++)
		if (contents[i].id == cipher && cipher != CMS_3DES_CBC)
			return (int)contents[i].key_len * 8;
	return 112;
}

const char *
cms_cipher_name(enum cms_cipher cipher)
{
	for (size_t i = 0; i < COUNT_OF(contents); i++)
		if (contents[i].id == cipher)
			return contents[i].name;
	return "?";
}

static const char *const reader_words[] = {
    [CMS_READER_PKCS1] = "pkcs1", [CMS_READER_OAEP] = "oaep", [CMS_READER_GCM] = "gcm"};

const char *
cms_reader_word(enum cms_reader reader)
{
	return reader_words[reader];
}

bool
cms_reader_by_word(const char *word, enum cms_reader *out)
{
	for (size_t i = 0; i < COUNT_OF(reader_words); i++)
		if (strcmp(word, reader_words[i]) == 0) {
			*out = (enum cms_reader)i;
			return true;
		}
	return false;
}

const struct cms_wrap_alg *
cms_wrap_alg_by_nid(int nid)
{
	if (CRYPTO_THREAD_run_once(&once, fetch_all) != 1)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(wraps); i++)
		if (wraps[i].nid == nid && wraps[i].cipher != NULL)
			return &wraps[i];
	return NULL;
}

EVP_KDF *
cms_x963kdf(void)
{
	return CRYPTO_THREAD_run_once(&once, fetch_all) == 1 ? x963kdf : NULL;
}

bool
cms_hash(const EVP_MD *md, struct view data, uint8_t *out, size_t *len_out, struct err *err)
{
	unsigned len = 0;

	*len_out = 0;
	if (md == NULL)
		return err_set(err, NTE_BAD_ALGID, "the digest algorithm is unknown");
	if (EVP_Digest(data.len > 0 ? (const void *)data.ptr : "", data.len, out, &len, md, NULL) !=
	    1)
		return err_openssl(err, DIRCA_E_CRYPTO, "%s over %zu bytes failed",
		    EVP_MD_get0_name(md), data.len);
	*len_out = len;
	return true;
}
