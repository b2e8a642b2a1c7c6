#include "load_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rsa.h>

#include "cmc.h"
#include "extension.h"
#include "keyblob.h"
#include "own.h"
#include "text.h"

static bool
make_pkcs10(EVP_PKEY *key, const char *template_cn, struct buf *out, struct err *err)
{
	ext_list *extensions = sk_X509_EXTENSION_new_null();
	bool ok = extensions != NULL
		      ? ext_push_template_name(extensions, template_cn, err) &&
			    pkix_request_make(key, (struct view){0}, extensions, out, err)
		      : err_nomem(err);

	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok;
}

static bool
seal(EVP_PKEY *key, struct view xchg_der, struct buf *out, struct err *err)
{
	struct pkix_cert xchg = {0};
	struct secret blob = {0};
	struct cms_kra to;
	EVP_PKEY *xchg_key = NULL;
	bool ok = false;

	if (!pkix_cert_decode(xchg_der, &xchg, err) ||
	    !pkix_public_key(xchg.spki, &xchg_key, err) || !keyblob_encode(key, &blob, err))
		goto out;
	to = (struct cms_kra){.issuer = xchg.issuer, .serial = xchg.serial, .key = xchg_key};
	ok = cms_enveloped_seal(secret_view(&blob), &to, 1, CMS_AES_256_CBC, out, err);
out:
	secret_free(&blob);
	EVP_PKEY_free(xchg_key);
	pkix_cert_free(&xchg);
	return ok;
}

bool
load_request_of(
    EVP_PKEY *key, struct view sealed, const char *template_cn, struct buf *out, struct err *err)
{
	struct buf pkcs10 = {0};
	uint8_t id[CMC_RANDOM_LEN] = {0};
	const struct cmc_transaction transaction = {.id = view_of(id, sizeof id)};
	bool ok;

	*out = (struct buf){0};
	ok = cmc_transaction_id_make(id, err) && make_pkcs10(key, template_cn, &pkcs10, err) &&
	     cmc_request_make(&(struct cmc_make){.pkcs10 = buf_view(&pkcs10),
				  .key = key,
				  .archived_key = sealed,
				  .transaction = &transaction,
				  .template_cn = template_cn},
		 out, err);
	buf_free(&pkcs10);
	return ok;
}

bool
load_request_for(
    EVP_PKEY *key, struct view xchg_der, const char *template_cn, struct buf *out, struct err *err)
{
	struct buf sealed = {0};
	bool ok;

	*out = (struct buf){0};
	ok = seal(key, xchg_der, &sealed, err) &&
	     load_request_of(key, buf_view(&sealed), template_cn, out, err);
	buf_free(&sealed);
	return ok;
}

bool
load_request_make(struct view xchg_der, const char *template_cn, struct buf *out, struct err *err)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	bool ok;

	*out = (struct buf){0};
	if (key == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a subject key could not be made");
	ok = load_request_for(key, xchg_der, template_cn, out, err);
	EVP_PKEY_free(key);
	return ok;
}

/* In base64; free(). */
static char *
pkcs10_named(EVP_PKEY *key, size_t i, struct err *err)
{
	OWNED(own_memory) char *dn = text_printf("CN=load %zu", i);
	OWNED(buf_free) struct buf name = {0};
	OWNED(buf_free) struct buf der = {0};

	if (!pkix_name_from_dn(dn, NULL, &name, err) ||
	    !pkix_request_make(key, buf_view(&name), NULL, &der, err))
		return NULL;
	return base64_encode(buf_view(&der));
}

bool
load_pkcs10_est(EVP_PKEY *key, size_t i, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *text = pkcs10_named(key, i, err);

	return text != NULL && buf_dup(view_str(text), out, err);
}

/* PEM wants lines of 64. */
bool
load_pkcs10_cfssl(EVP_PKEY *key, size_t i, struct buf *out, struct err *err)
{
	static const char begin[] =
	    "{\"certificate_request\":\"-----BEGIN CERTIFICATE REQUEST-----",
			  end[] = "\\n-----END CERTIFICATE REQUEST-----\\n\"}";
	OWNED(own_memory) char *text = pkcs10_named(key, i, err);
	bool ok = text != NULL && buf_append(out, view_str(begin), err);

	for (size_t at = 0; ok && at < strlen(text); at += 64)
		ok = buf_append(out, view_str("\\n"), err) &&
		     buf_append(out, view_of(text + at, strnlen(text + at, 64)), err);
	return ok && buf_append(out, view_str(end), err);
}

bool
load_answer_est(struct view body, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_memory) char *text = strndup((const char *)body.ptr, body.len);
	const uint8_t *p;
	PKCS7 *bag;
	bool ok;

	if (text == NULL || !base64_decode(view_str(text), &der, err))
		return false;
	p = der.ptr;
	bag = d2i_PKCS7(NULL, &p, (long)der.len);
	ok = bag != NULL && PKCS7_type_is_signed(bag) && sk_X509_num(bag->d.sign->cert) > 0;
	PKCS7_free(bag);
	return ok || err_set(err, ERROR_INVALID_DATA, "no certificate in an answer of EST");
}

bool
load_answer_cfssl(struct view body, struct err *err)
{
	return memmem(body.ptr, body.len, "-----BEGIN CERTIFICATE-----", 27) != NULL ||
	       err_set(err, ERROR_INVALID_DATA, "no certificate in an answer of cfssl");
}

bool
load_answer_serial(struct view der, bool is_archived, char **serial_out, struct err *err)
{
	struct cmc_response r = {0};
	struct pkix_cert certificate = {0};
	bool ok = false;

	*serial_out = NULL;
	if (!cmc_response_decode(der, &r, err))
		goto out;
	if (r.status != CMC_STATUS_SUCCESS || (r.key_hash.len > 0) != is_archived) {
		err_set(err, ERROR_INVALID_DATA,
		    "not an issued certificate with%s an archived key: %s",
		    is_archived ? "" : "out", r.text != NULL ? r.text : "?");
		goto out;
	}
	if (!pkix_cert_decode(cmc_response_certificate(&r), &certificate, err))
		goto out;
	*serial_out = pkix_serial_text(certificate.serial);
	ok = *serial_out != NULL || err_nomem(err);
out:
	pkix_cert_free(&certificate);
	cmc_response_free(&r);
	return ok;
}
