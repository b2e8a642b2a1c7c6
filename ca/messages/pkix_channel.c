#include "pkix_priv.h"

#include <openssl/err.h>

bool
pkix_end_point(struct view certificate, struct buf *out, struct err *err)
{
	const unsigned char *p = certificate.ptr;
	OWNED(own_x509) X509 *x = d2i_X509(NULL, &p, (long)certificate.len);
	uint8_t hash[EVP_MAX_MD_SIZE];
	const EVP_MD *md = NULL;
	unsigned len;
	int nid;

	*out = (struct buf){0};
	if (x == NULL || !X509_get_signature_info(x, &nid, NULL, NULL, NULL))
		return err_openssl(err, ERROR_INVALID_DATA, "the certificate of the service");
	/* MD5 and SHA-1 count as SHA-256; an algorithm without a digest has no such binding. */
	if ((md = EVP_get_digestbynid(nid)) != NULL && EVP_MD_get_size(md) < 32)
		md = EVP_sha256();
	if (md == NULL)
		return err_set(err, DIRCA_E_CHANNEL_BINDING,
		    "the signature of the service's certificate has no digest of its own: no "
		    "channel can be bound to it (RFC 5929)");
	if (EVP_Digest(certificate.ptr, certificate.len, hash, &len, md, NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the digest of a certificate");
	return buf_dup(view_of(hash, len), out, err);
}
