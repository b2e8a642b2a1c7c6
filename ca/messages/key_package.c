#include "key_package.h"

#include <openssl/objects.h>
#include <openssl/sha.h>

#include "der.h"
#include "mem.h"

#define CAPABILITIES_MAX 4096

/* `inner` octets of a SEQUENCE, with its head. */
static bool
wrap_key(PKCS8_PRIV_KEY_INFO *plain, int inner, struct secret *out, struct err *err)
{
	unsigned char *p;

	if (!secret_alloc((size_t)ASN1_object_size(1, inner, V_ASN1_SEQUENCE), out, err))
		return false;
	p = out->ptr;
	ASN1_put_object(&p, 1, inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	return i2d_PKCS8_PRIV_KEY_INFO(plain, &p) == inner ||
	       err_openssl(err, DIRCA_E_CRYPTO, "a private key could not be encoded");
}

bool
key_package_encode(EVP_PKEY *key, struct secret *out, struct err *err)
{
	OWNED(own_pkcs8) PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	int inner = plain != NULL ? i2d_PKCS8_PRIV_KEY_INFO(plain, NULL) : -1;

	*out = (struct secret){0};
	if (inner <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "a private key could not be encoded");
	return wrap_key(plain, inner, out, err);
}

/* SEQUENCE { INTEGER 1, OCTET STRING (32), OCTET STRING (32) } */
bool
key_delivery_encode(
    struct view certificate, struct view recipient, uint8_t out[KEY_DELIVERY_LEN], struct err *err)
{
	static const uint8_t head[] = {
	    V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, KEY_DELIVERY_LEN - 2, V_ASN1_INTEGER, 1, 1};
	static const uint8_t hash[] = {V_ASN1_OCTET_STRING, SHA256_DIGEST_LENGTH};
	uint8_t *first = out + sizeof head, *second = first + sizeof hash + SHA256_DIGEST_LENGTH;

	memcpy(out, head, sizeof head);
	memcpy(first, hash, sizeof hash);
	memcpy(second, hash, sizeof hash);
	return (SHA256(certificate.ptr, certificate.len, first + sizeof hash) != NULL &&
		   SHA256(recipient.ptr, recipient.len, second + sizeof hash) != NULL) ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of a certificate");
}

enum named { AES_256, AES_192, AES_128, OTHER_CIPHER, OAEP, PKCS1, NAMED };

static void
note(int nid, bool named[NAMED])
{
	static const struct {
		int nid;
		enum named what;
	} known[] = {
	    {NID_aes_256_cbc, AES_256},
	    {NID_aes_192_cbc, AES_192},
	    {NID_aes_128_cbc, AES_128},
	    {NID_aes_256_gcm, OTHER_CIPHER},
	    {NID_aes_192_gcm, OTHER_CIPHER},
	    {NID_aes_128_gcm, OTHER_CIPHER},
	    {NID_des_ede3_cbc, OTHER_CIPHER},
	    {NID_rc2_cbc, OTHER_CIPHER},
	    {NID_rsaesOaep, OAEP},
	    {NID_rsaEncryption, PKCS1},
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].nid == nid)
			named[known[i].what] = true;
}

static bool
read_capabilities(struct view der, bool named[NAMED], struct err *err)
{
	OWNED(own_x509_algors) X509_ALGORS *list = NULL;
	const ASN1_OBJECT *oid;

	if (der.len == 0)
		return true;
	list = der_decode(
	    ASN1_ITEM_rptr(X509_ALGORS), der, CAPABILITIES_MAX, "SMIMECapabilities", err);
	for (int i = 0; i < sk_X509_ALGOR_num(list); i++) {
		X509_ALGOR_get0(&oid, NULL, NULL, sk_X509_ALGOR_value(list, i));
		note(OBJ_obj2nid(oid), named);
	}
	return list != NULL;
}

bool
key_transport_choose(struct view capabilities, struct key_transport *out, struct err *err)
{
	bool named[NAMED] = {false};

	*out = (struct key_transport){.cipher = CMS_AES_256_CBC};
	if (!read_capabilities(capabilities, named, err))
		return false;
	out->oaep = named[OAEP] || !named[PKCS1];
	if (!named[AES_256] && named[AES_192])
		out->cipher = CMS_AES_192_CBC;
	else if (!named[AES_256] && named[AES_128])
		out->cipher = CMS_AES_128_CBC;
	else if (!named[AES_256] && named[OTHER_CIPHER])
		return err_set(err, NTE_BAD_ALGID,
		    "SMIMECapabilities name ciphers, and none is AES in CBC mode, with which a new "
		    "key is encrypted");
	return true;
}
