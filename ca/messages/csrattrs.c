#include "csrattrs.h"

#include "own_openssl.h"

/* SEQUENCE OF with one element. */
static bool
encode_list(const X509_ATTRIBUTE *attribute, struct buf *out, struct err *err)
{
	OWNED(own_octets) unsigned char *der = NULL;
	int len = i2d_X509_ATTRIBUTE(attribute, &der);
	unsigned char head[8], *end = head;

	if (len <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "cannot encode attributes of a request");
	ASN1_put_object(&end, 1, len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	return buf_append(out, view_of(head, (size_t)(end - head)), err) &&
	       buf_append(out, view_of(der, (size_t)len), err);
}

bool
csrattrs_encode(const ext_list *extensions, struct buf *out, struct err *err)
{
	OWNED(own_octets) unsigned char *der = NULL;
	int len = i2d_X509_EXTENSIONS(extensions, &der);
	OWNED(own_x509_attribute)
	X509_ATTRIBUTE *attribute =
	    len > 0 ? X509_ATTRIBUTE_create_by_NID(NULL, NID_ext_req, V_ASN1_SEQUENCE, der, len)
		    : NULL;

	*out = (struct buf){0};
	if (attribute == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "cannot make attributes of a request");
	return encode_list(attribute, out, err);
}
