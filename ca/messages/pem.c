#include "pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "armour.h"
#include "material.h"
#include "mem.h"
#include "own_openssl.h"
#include "plain.h"
#include "text.h"

#define CERTIFICATES_MAX 32

bool
pem_append(struct buf *to, const char *label, struct view der, struct err *err)
{
	OWNED(own_bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio == NULL || PEM_write_bio(bio, label, "", der.ptr, (long)der.len) <= 0)
		return err_openssl(err, DIRCA_E_CRYPTO, "cannot write PEM");
	len = BIO_get_mem_data(bio, &text);
	return buf_append(to, view_of(text, (size_t)len), err);
}

struct certificates {
	pkcs7_each *each;
	void *arg;
};

/* Of a message with a signer there are none to be had here; one that is cut off, or has more behind
 * it, is none. */
static bool
each_of_der(const struct certificates *c, struct view der, struct err *err)
{
	if (material_of(der) == MATERIAL_PKCS7)
		return pkcs7_certificates(der, c->each, c->arg, err);
	return material_inside(der) == MATERIAL_CERTIFICATE
		   ? c->each(c->arg, der, err)
		   : err_set(err, ERROR_INVALID_DATA, "no certificate inside, or a damaged one");
}

/* By its content: certutil -encode writes the label CERTIFICATE around whatever it is given. */
static bool
each_object(void *arg, const struct armour *one, struct err *err)
{
	const struct certificates *c = arg;

	if (strcmp(one->label, PEM_STRING_X509) != 0 &&
	    strcmp(one->label, PEM_STRING_X509_OLD) != 0 &&
	    strcmp(one->label, PEM_STRING_PKCS7) != 0 && strcmp(one->label, PEM_STRING_CMS) != 0)
		return true;
	return each_of_der(c, one->der, err);
}

/* Without what Windows puts around it. */
static bool
each_of_plain(const struct certificates *c, struct view v, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	switch (material_of(v)) {
	case MATERIAL_PEM:
		return armour_read(v, false, each_object, (void *)(uintptr_t)c, err);
	case MATERIAL_BASE64:
		return base64_decode(v, &der, err) && each_of_plain(c, buf_view(&der), err);
	default:
		return each_of_der(c, v, err);
	}
}

bool
pem_each_certificate(struct view file, pkcs7_each *each, void *arg, struct err *err)
{
	const struct certificates c = {each, arg};
	OWNED(buf_free) struct buf hold = {0};
	struct view text;

	return plain_text(file, &hold, &text, err) && each_of_plain(&c, text, err);
}

static bool
add_certificate(void *arg, struct view der, struct err *err)
{
	struct pem_certs *found = arg;

	if (found->count == CERTIFICATES_MAX)
		return err_set(err, ERROR_INVALID_DATA, "more than %d certificates in one file",
		    CERTIFICATES_MAX);
	if (!buf_dup(der, &found->list[found->count], err))
		return false;
	found->count++;
	return true;
}

bool
pem_certificates(struct view file, struct buf **list_out, size_t *count_out, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs found = {0};

	*list_out = NULL;
	*count_out = 0;
	if (file.len > PEM_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", PEM_FILE_MAX);
	found.list = mem_zero(CERTIFICATES_MAX, sizeof *found.list);
	if (!pem_each_certificate(file, add_certificate, &found, err))
		return false;
	if (found.count == 0)
		return err_set(err, ERROR_INVALID_DATA, "no certificate inside");
	*list_out = found.list;
	*count_out = found.count;
	found = (struct pem_certs){0};
	return true;
}

bool
pem_certificate(struct view text, struct buf *out, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs certs = {0};

	*out = (struct buf){0};
	if (!pem_certificates(text, &certs.list, &certs.count, err))
		return false;
	if (certs.count != 1)
		return err_set(
		    err, ERROR_INVALID_DATA, "%zu certificates where one is expected", certs.count);
	*out = buf_give(&certs.list[0]);
	return true;
}

void
pem_certs_free(struct pem_certs *c)
{
	pem_list_free(&c->list, c->count);
	c->count = 0;
}

struct first {
	struct buf der;
	char label[32];
};

/* And no further. */
static bool
take_first(void *arg, const struct armour *one, struct err *err)
{
	struct first *f = arg;

	snprintf(f->label, sizeof f->label, "%s", one->label);
	(void)buf_dup(one->der, &f->der, err);
	return false;
}

/* DER as it is, of base64, or of PEM the first object with its label. */
static bool
read_first(struct view file, struct first *f, struct err *err)
{
	OWNED(buf_free) struct buf hold = {0};
	struct view text;

	*f = (struct first){0};
	if (!plain_text(file, &hold, &text, err))
		return false;
	switch (material_of(text)) {
	case MATERIAL_PEM:
		(void)armour_read(text, false, take_first, f, err);
		return f->der.ptr != NULL || err_set(err, ERROR_INVALID_DATA, "damaged PEM");
	case MATERIAL_BASE64:
		return base64_decode(text, &f->der, err);
	default:
		return buf_dup(text, &f->der, err);
	}
}

bool
pem_any(struct view file, struct buf *out, struct err *err)
{
	struct first f;
	bool ok = read_first(file, &f, err);

	*out = ok ? buf_give(&f.der) : (struct buf){0};
	buf_free(&f.der);
	return ok;
}

/* The first object, which has one of the two labels if it is PEM. */
static bool
read_one(struct view file, const char *label, const char *other, const char *what, struct buf *out,
    struct err *err)
{
	struct first f;
	bool ok = read_first(file, &f, err);

	*out = (struct buf){0};
	if (ok && f.label[0] != '\0' && strcmp(f.label, label) != 0 && strcmp(f.label, other) != 0)
		ok = err_set(err, ERROR_INVALID_DATA, "PEM, but of no %s", what);
	if (ok)
		*out = buf_give(&f.der);
	buf_free(&f.der);
	return ok;
}

bool
pem_request(struct view text, struct buf *out, struct err *err)
{
	*out = (struct buf){0};
	if (text.len > PEM_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", PEM_FILE_MAX);
	return read_one(
	    text, PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, "certificate request", out, err);
}

bool
pem_crl(struct view text, struct buf *out, struct err *err)
{
	return read_one(text, PEM_STRING_X509_CRL, PEM_STRING_X509_CRL, "CRL", out, err);
}

void
pem_list_free(struct buf **list, size_t count)
{
	for (size_t i = 0; *list != NULL && i < count; i++)
		buf_free(&(*list)[i]);
	free(*list);
	*list = NULL;
}
