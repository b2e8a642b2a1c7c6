#include <string.h>
#include <openssl/objects.h>

#include "der.h"
#include "cms_sign_priv.h"
#include "pkix.h"

#define MESSAGE_MAX (1024 * 1024)

bool
cms_key_digest(struct view sig_alg, const EVP_MD **out, struct err *err)
{
	const ASN1_OBJECT *oid;
	int md_nid = NID_undef;
	OWNED(own_x509_algor)
	X509_ALGOR *alg =
	    der_decode(ASN1_ITEM_rptr(X509_ALGOR), sig_alg, 4096, "the signature algorithm", err);

	if (alg == NULL)
		return false;
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	OBJ_find_sigid_algs(OBJ_obj2nid(oid), &md_nid, NULL);
	*out = cms_digest(md_nid);
	if (*out == NULL)
		return err_set(
		    err, NTE_BAD_ALGID, "the key signs with an algorithm that has no known digest");
	return true;
}

bool
cms_key_sign(EVP_PKEY *key, const EVP_MD *md, struct view data, struct buf *out, struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = (size_t)EVP_PKEY_get_size(key);

	*out = (struct buf){0};
	if (ctx == NULL || !buf_alloc(len, out, err))
		return err_nomem(err);
	if (EVP_DigestSignInit_ex(ctx, NULL, EVP_MD_get0_name(md), NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(ctx, out->ptr, &len, data.ptr, data.len) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the message could not be signed");
	out->len = len;
	return true;
}

/* Signs the content of a decoded message with the cosigner's key and adds what results. */
static bool
add_signature(CMSW_SIGNED *m, const struct cms_cosigner *by, struct err *err)
{
	OWNED(buf_free) struct buf sig_alg = {0}, attrs = {0}, signature = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct cms_sign in = {.content = der_string(m->data->encap->content),
	    .extra_attrs = by->extra_attrs,
	    .extra_count = by->extra_count};
	char oid[80];

	if (OBJ_obj2txt(oid, (int)sizeof oid, m->data->encap->type, 1) <= 0)
		return err_openssl(err, ERROR_INVALID_DATA, "the content type of the message");
	if (!pkix_cert_decode(by->certificate, &cert, err) ||
	    !pkix_sig_alg(by->key, &sig_alg, err) ||
	    !cms_key_digest(buf_view(&sig_alg), &in.digest, err))
		return false;
	in.content_oid = oid;
	in.issuer = cert.issuer;
	in.serial = cert.serial;
	return cms_sign_attrs(&in, &attrs, err) &&
	       cms_key_sign(by->key, in.digest, buf_view(&attrs), &signature, err) &&
	       cms_signed_add_signer(
		   &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), m->data, err) &&
	       cms_signed_add_certificate(by->certificate, m->data, err);
}

bool
cms_cosign(struct view message, const struct cms_cosigner *by, struct buf *out, struct err *err)
{
	OWNED(own_cmsw_signed) CMSW_SIGNED *m = NULL;

	*out = (struct buf){0};
	m = der_decode(
	    ASN1_ITEM_rptr(CMSW_SIGNED), message, MESSAGE_MAX, "the signed message", err);
	if (m == NULL)
		return false;
	return (add_signature(m, by, err) &&
		   der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "the signed message", out, err)) ||
	       err_prefix(err, "adding a signature");
}

bool
cms_sign_content(const struct cms_cosigner *by, const char *content_oid, struct view content,
    int64_t now, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf sig_alg = {0}, attrs = {0}, signature = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct cms_sign in = {.content_oid = content_oid,
	    .content = content,
	    .extra_attrs = by->extra_attrs,
	    .extra_count = by->extra_count,
	    .certificates = &by->certificate,
	    .certificate_count = 1,
	    .signing_time = now};

	*out = (struct buf){0};
	if (!pkix_cert_decode(by->certificate, &cert, err) ||
	    !pkix_sig_alg(by->key, &sig_alg, err) ||
	    !cms_key_digest(buf_view(&sig_alg), &in.digest, err))
		return false;
	in.issuer = cert.issuer;
	in.serial = cert.serial;
	return cms_sign_attrs(&in, &attrs, err) &&
	       cms_key_sign(by->key, in.digest, buf_view(&attrs), &signature, err) &&
	       cms_sign_finish(
		   &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), out, err);
}

/* Whether a certificate of the message is the signer's, by the name that the signer gives. */
static bool
is_signer(const struct cms_signer *signer, struct view der)
{
	struct pkix_cert cert = {0};
	struct buf key_id = {0};
	struct err ignored;
	bool same = false;

	if (!pkix_cert_decode(der, &cert, &ignored))
		return false;
	if (signer->key_id.len == 0)
		same = view_eq(cert.issuer, signer->issuer) && view_eq(cert.serial, signer->serial);
	else
		same = pkix_cert_ski(&cert, &key_id, &ignored) &&
		       view_eq(buf_view(&key_id), signer->key_id);
	buf_free(&key_id);
	pkix_cert_free(&cert);
	return same;
}

bool
cms_signer_certificate(const struct cms_signed *s, const struct cms_signer *signer,
    struct view *der_out, struct err *err)
{
	for (size_t i = 0; i < s->certificate_count; i++)
		if (is_signer(signer, s->certificates[i])) {
			*der_out = s->certificates[i];
			return true;
		}
	*der_out = (struct view){0};
	return err_set(err, CRYPT_E_NOT_FOUND,
	    "the message does not hold the certificate that one of its signers names");
}
