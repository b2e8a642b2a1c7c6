#include "pem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "file.h"
#include "mem.h"
#include "own_openssl.h"

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

static bool
add_certificate(struct buf *list, size_t *count, struct view der, struct err *err)
{
	if (*count == CERTIFICATES_MAX)
		return err_set(err, ERROR_INVALID_DATA, "more than %d certificates in one file",
		    CERTIFICATES_MAX);
	if (!buf_dup(der, &list[*count], err))
		return false;
	(*count)++;
	return true;
}

static bool
read_armoured(struct view text, struct buf *list, size_t *count, struct err *err)
{
	OWNED(own_bio) BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);

	if (bio == NULL)
		return err_nomem(err);
	for (;;) {
		OWNED(own_octets) char *name = NULL, *header = NULL;
		OWNED(own_octets) unsigned char *data = NULL;
		long len;

		if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
			break;
		if (strcmp(name, PEM_STRING_X509) == 0 &&
		    !add_certificate(list, count, view_of(data, (size_t)len), err))
			return false;
	}
	/* The end of the text is the one error that is none. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_openssl(err, ERROR_INVALID_DATA, "damaged PEM");
	ERR_clear_error();
	return true;
}

bool
pem_certificates(struct view text, struct buf **list_out, size_t *count_out, struct err *err)
{
	struct buf *list;
	size_t count = 0;
	bool ok;

	*list_out = NULL;
	*count_out = 0;
	if (text.len > PEM_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", PEM_FILE_MAX);
	list = mem_zero(CERTIFICATES_MAX, sizeof *list);
	ok = text.len > 0 && text.ptr[0] == 0x30 ? add_certificate(list, &count, text, err)
						 : read_armoured(text, list, &count, err);
	if (!ok || count == 0) {
		pem_list_free(&list, count);
		return ok && err_set(err, ERROR_INVALID_DATA, "no certificate inside");
	}
	*list_out = list;
	*count_out = count;
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

bool
pem_certificates_file(const char *path, struct buf **list_out, size_t *count_out, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	*list_out = NULL;
	*count_out = 0;
	if (!file_read(path, PEM_FILE_MAX, &text, err))
		return false;
	return pem_certificates(buf_view(&text), list_out, count_out, err) ||
	       err_prefix(err, "%s", path);
}

bool
pem_certs_read(const char *path, struct pem_certs *out, struct err *err)
{
	return pem_certificates_file(path, &out->list, &out->count, err);
}

void
pem_certs_free(struct pem_certs *c)
{
	pem_list_free(&c->list, c->count);
	c->count = 0;
}

/* The first object of a PEM text, and its label. */
static bool
read_first(struct view text, char **label_out, struct buf *out, struct err *err)
{
	OWNED(own_octets) char *header = NULL;
	OWNED(own_octets) unsigned char *data = NULL;
	OWNED(own_bio) BIO *bio = NULL;
	long len;

	*out = (struct buf){0};
	if (text.len > INT_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", INT_MAX);
	if ((bio = BIO_new_mem_buf(text.ptr, (int)text.len)) == NULL)
		return err_nomem(err);
	if (PEM_read_bio(bio, label_out, &header, &data, &len) != 1)
		return err_openssl(err, ERROR_INVALID_DATA, "damaged PEM");
	return buf_dup(view_of(data, (size_t)len), out, err);
}

bool
pem_any(struct view text, struct buf *out, struct err *err)
{
	static const char begin[] = "-----BEGIN ";
	OWNED(own_octets) char *label = NULL;

	if (text.len == 0 || text.ptr[0] == 0x30 ||
	    memmem(text.ptr, text.len, begin, sizeof begin - 1) == NULL)
		return buf_dup(text, out, err);
	return read_first(text, &label, out, err);
}

/* The first object, which has one of the two labels. */
static bool
read_one(struct view text, const char *label, const char *other, const char *what, struct buf *out,
    struct err *err)
{
	OWNED(own_octets) char *name = NULL;

	if (!read_first(text, &name, out, err))
		return false;
	if (strcmp(name, label) == 0 || strcmp(name, other) == 0)
		return true;
	buf_free(out);
	return err_set(err, ERROR_INVALID_DATA, "PEM, but of no %s", what);
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
	if (text.len > 0 && text.ptr[0] == 0x30)
		return buf_dup(text, out, err);
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
