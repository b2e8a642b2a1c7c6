#include "pem.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "file.h"

#define CERTIFICATES_MAX 32

bool
pem_append(struct buf *to, const char *label, struct view der, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	bool ok = false;

	if (bio == NULL || PEM_write_bio(bio, label, "", der.ptr, (long)der.len) <= 0) {
		err_openssl(err, DIRCA_E_CRYPTO, "cannot write PEM");
		goto out;
	}
	len = BIO_get_mem_data(bio, &text);
	ok = buf_append(to, view_of(text, (size_t)len), err);
out:
	BIO_free(bio);
	return ok;
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
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len;
	bool ok = false;

	if (bio == NULL) {
		err_nomem(err);
		goto out;
	}
	while (PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
		bool is_certificate = strcmp(name, PEM_STRING_X509) == 0;

		if (is_certificate &&
		    !add_certificate(list, count, view_of(data, (size_t)len), err))
			goto out;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(data);
		name = header = NULL;
		data = NULL;
	}
	/* The end of the text is the one error that is none. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		err_openssl(err, ERROR_INVALID_DATA, "damaged PEM");
		goto out;
	}
	ERR_clear_error();
	ok = true;
out:
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(bio);
	return ok;
}

bool
pem_certificates(struct view text, struct buf **list_out, size_t *count_out, struct err *err)
{
	struct buf *list = calloc(CERTIFICATES_MAX, sizeof *list);
	size_t count = 0;
	bool ok = false;

	*list_out = NULL;
	*count_out = 0;
	if (list == NULL) {
		err_nomem(err);
		goto out;
	}
	if (text.len > PEM_FILE_MAX) {
		err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", PEM_FILE_MAX);
		goto out;
	}
	if (text.len > 0 && text.ptr[0] == 0x30) {
		if (!add_certificate(list, &count, text, err))
			goto out;
	} else if (!read_armoured(text, list, &count, err)) {
		goto out;
	}
	if (count == 0) {
		err_set(err, ERROR_INVALID_DATA, "no certificate inside");
		goto out;
	}
	*list_out = list;
	*count_out = count;
	list = NULL;
	ok = true;
out:
	pem_list_free(&list, count);
	return ok;
}

bool
pem_certificates_file(const char *path, struct buf **list_out, size_t *count_out, struct err *err)
{
	struct buf text = {0};
	bool ok;

	*list_out = NULL;
	*count_out = 0;
	if (!file_read(path, PEM_FILE_MAX, &text, err))
		return false;
	ok = pem_certificates(buf_view(&text), list_out, count_out, err) ||
	     err_prefix(err, "%s", path);
	buf_free(&text);
	return ok;
}

void
pem_list_free(struct buf **list, size_t count)
{
	for (size_t i = 0; *list != NULL && i < count; i++)
		buf_free(&(*list)[i]);
	free(*list);
	*list = NULL;
}
