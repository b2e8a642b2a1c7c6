#include "armour.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "own_openssl.h"

bool
armour_is(struct view text)
{
	static const char begin[] = "-----BEGIN ";

	return text.len > 0 && memmem(text.ptr, text.len, begin, sizeof begin - 1) != NULL;
}

/* What PEM_FLAG_SECURE puts on the secure heap, if it is given: everything. */
static void
own_secure(void *variable)
{
	OPENSSL_secure_free(*(void **)variable);
}

/* Lines that are indented, or end as those of the first Macintosh did. Not so where lines of RFC
 * 1421 stand, which are continued by blanks. */
static bool
is_untidy(struct view v)
{
	bool at_start = true;

	for (size_t i = 0; i < v.len; i++) {
		if (at_start && (v.ptr[i] == ' ' || v.ptr[i] == '\t'))
			return memmem(v.ptr, v.len, "Proc-Type:", 10) == NULL;
		if (v.ptr[i] == '\r' && i + 1 < v.len && v.ptr[i + 1] != '\n')
			return true;
		at_start = v.ptr[i] == '\n';
	}
	return false;
}

static void
tidy(struct buf *b)
{
	size_t to = 0;
	bool at_start = true;

	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->ptr[i] == '\r' ? '\n' : b->ptr[i];

		if (at_start && strchr(" \t\n", c) != NULL && c != '\0')
			continue;
		at_start = c == '\n';
		b->ptr[to++] = c;
	}
	b->len = to;
}

bool
armour_read(struct view text, bool is_secret, armour_each *each, void *arg, struct err *err)
{
	unsigned flags = is_secret ? PEM_FLAG_SECURE : 0;
	OWNED(buf_free_wiped) struct buf copy = {0};
	OWNED(own_bio) BIO *bio = NULL;
	bool ok = true;

	if (text.len > INT_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", INT_MAX);
	if (is_untidy(text)) {
		if (!buf_dup(text, &copy, err))
			return false;
		tidy(&copy);
		text = buf_view(&copy);
	}
	if ((bio = BIO_new_mem_buf(text.ptr, (int)text.len)) == NULL)
		return err_nomem(err);
	while (ok) {
		OWNED(own_secure) char *label = NULL, *header = NULL;
		unsigned char *data = NULL;
		long len = 0;

		if (PEM_read_bio_ex(bio, &label, &header, &data, &len, flags) != 1)
			break;
		const struct armour one = {label, header, view_of(data, (size_t)len)};

		ok = each(arg, &one, err);
		OPENSSL_secure_clear_free(data, (size_t)len);
	}
	if (!ok)
		return false;
	/* The end of the text is the one error that is none. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_openssl(err, ERROR_INVALID_DATA, "damaged PEM");
	ERR_clear_error();
	return true;
}
