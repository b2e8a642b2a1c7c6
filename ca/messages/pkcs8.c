#include "pkcs8.h"

#include <limits.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "own_openssl.h"

#define PKCS8_DER_MAX (64 * 1024)
#define KEY_MAX       (16 * 1024) /* octets of a private key: RSA of 16384 bits has 9,300 */
#define DSA_MAX       2048        /* of the parameters of a DSA key of 5,000 bits */

static bool
write_encrypted(BIO *to, PKCS8_PRIV_KEY_INFO *plain, const struct secret *password)
{
	X509_ALGOR *pbe = PKCS5_pbe2_set_iv(
	    EVP_aes_256_cbc(), PKCS8_ITERATIONS, NULL, 0, NULL, NID_hmacWithSHA256);
	X509_SIG *sealed = NULL;
	bool ok = false;

	if (pbe == NULL)
		return false;
	sealed = PKCS8_set0_pbe((const char *)password->ptr, (int)password->len, plain, pbe);
	if (sealed == NULL)
		X509_ALGOR_free(pbe);
	else
		ok = PEM_write_bio_PKCS8(to, sealed) == 1;
	X509_SIG_free(sealed);
	return ok;
}

bool
pkcs8_encode(EVP_PKEY *key, const struct secret *password, struct secret *pem_out, struct err *err)
{
	OWNED(own_pkcs8) PKCS8_PRIV_KEY_INFO *plain = NULL;
	OWNED(own_bio) BIO *bio = NULL;
	long len;
	char *pem;

	*pem_out = (struct secret){0};
	if (password != NULL && password->len == 0)
		return err_set(err, E_INVALIDARG, "the password of a private key is empty");
	/* One that a token keeps: no provider of OpenSSL's has it. */
	if (EVP_PKEY_get0_provider(key) == NULL)
		return err_set(err, NTE_BAD_FLAGS,
		    "the private key lies on a token, which does not give it out");
	plain = EVP_PKEY2PKCS8(key);
	bio = BIO_new(BIO_s_secmem());
	if (plain == NULL || bio == NULL ||
	    !(password != NULL ? write_encrypted(bio, plain, password)
			       : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, plain) == 1) ||
	    (len = BIO_get_mem_data(bio, &pem)) <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "a private key could not be encoded");
	return secret_dup(view_of(pem, (size_t)len), pem_out, err);
}

/* PEM's callback: the password without a copy of its own. */
static int
give_password(char *to, int size, int writing, void *context)
{
	const struct secret *password = context;

	(void)writing;
	if (password == NULL || size < 0 || password->len > (size_t)size)
		return -1;
	if (password->len > 0)
		memcpy(to, password->ptr, password->len);
	return (int)password->len;
}

bool
pkcs8_decode(
    const struct secret *pem, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	struct secret reader = {0};
	BIO *bio =
	    pem->len > 0 && pem->len <= INT_MAX ? BIO_new_mem_buf(pem->ptr, (int)pem->len) : NULL;

	/* The callback's context is not const, yet it is only read. */
	if (password != NULL)
		reader = *password;
	*out = bio != NULL ? PEM_read_bio_PrivateKey(
				 bio, NULL, give_password, password != NULL ? &reader : NULL)
			   : NULL;
	BIO_free(bio);
	return *out != NULL ||
	       err_openssl(err, NTE_BAD_DATA, "not a private key in PEM, %s",
		   password != NULL ? "or not this password" : "or it is encrypted");
}

/* OpenSSL computes the public half of a DSA key as it reads one, however large its numbers are. */
static bool
is_in_use(const PKCS8_PRIV_KEY_INFO *plain)
{
	const ASN1_OBJECT *algorithm = NULL;
	const X509_ALGOR *alg = NULL;
	const unsigned char *key;
	int len = 0;

	if (PKCS8_pkey_get0(&algorithm, &key, &len, &alg, plain) != 1 || len > KEY_MAX)
		return false;
	return OBJ_obj2nid(algorithm) != NID_dsa ||
	       (len <= DSA_MAX && i2d_X509_ALGOR(alg, NULL) <= DSA_MAX);
}

bool
pkcs8_key(const PKCS8_PRIV_KEY_INFO *plain, EVP_PKEY **out, struct err *err)
{
	*out = NULL;
	if (!is_in_use(plain))
		return err_set(err, NTE_BAD_DATA,
		    "a private key of a size, or with parameters of a size, that no key has");
	*out = EVP_PKCS82PKEY(plain);
	return *out != NULL || err_openssl(err, NTE_BAD_DATA, "not a private key in PKCS#8");
}

bool
pkcs8_decode_der(struct view der, EVP_PKEY **out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkcs8)
	PKCS8_PRIV_KEY_INFO *plain = der.len > 0 && der.len <= PKCS8_DER_MAX
					 ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len)
					 : NULL;

	*out = NULL;
	if (plain == NULL || p != der.ptr + der.len)
		return err_openssl(err, NTE_BAD_DATA, "not a private key in PKCS#8");
	return pkcs8_key(plain, out, err);
}
