#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>

#include "printable.h"

static const struct row {
	enum err_code code;
	enum err_category category;
	const char *name;
	const char *text;
} codes[] = {
#define ERR_ROW(number, name, category, text) {name, ERR_CATEGORY_##category, #name, text},
    ERR_CODES(ERR_ROW)
#undef ERR_ROW
};

__attribute__((format(printf, 3, 0))) static void
vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
	char raw[sizeof err->msg];

	err->code = code;
	if (vsnprintf(raw, sizeof raw, fmt, ap) < 0)
		raw[0] = '\0';
	/* Hostile input may be quoted, and a long sentence is cut anywhere. */
	printable_copy(view_str(raw), err->msg, sizeof err->msg);
}

static void
append(struct err *err, const char *reason)
{
	size_t used = strlen(err->msg);
	char raw[sizeof err->msg];

	snprintf(raw, sizeof raw, ": %s", reason);
	printable_copy(view_str(raw), err->msg + used, sizeof err->msg - used);
}

bool
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vset(err, code, fmt, ap);
	va_end(ap);
	return false;
}

static err_listener *listener;

void
err_listen(err_listener *who)
{
	listener = who;
}

bool
err_openssl(struct err *err, enum err_code code, const char *fmt, ...)
{
	char reason[256];
	unsigned long number;
	va_list ap;

	va_start(ap, fmt);
	vset(err, code, fmt, ap);
	va_end(ap);
	while ((number = ERR_get_error()) != 0) {
		if (listener == NULL)
			continue;
		ERR_error_string_n(number, reason, sizeof reason);
		listener(reason, err->msg);
	}
	return false;
}

bool
err_errno(struct err *err, enum err_code code, const char *fmt, ...)
{
	int saved = errno;
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	vset(err, code, fmt, ap);
	va_end(ap);
	append(err, strerror_r(saved, reason, sizeof reason));
	return false;
}

bool
err_prefix(struct err *err, const char *fmt, ...)
{
	char rest[sizeof err->msg];
	va_list ap;

	memcpy(rest, err->msg, sizeof rest);
	va_start(ap, fmt);
	vset(err, err->code, fmt, ap);
	va_end(ap);
	append(err, rest);
	return false;
}

bool
err_nomem(struct err *err)
{
	return err_set(err, E_OUTOFMEMORY, "not enough memory");
}

/* The row of a code; what the table lacks has the last words. */
static const struct row *
row_of(enum err_code code)
{
	static const struct row unknown = {
	    .category = ERR_CATEGORY_BAD_REQUEST,
	    .name = "?",
	    .text = "a code that this program does not know",
	};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code)
			return &codes[i];
	return &unknown;
}

const char *
err_name(enum err_code code)
{
	return row_of(code)->name;
}

void
err_print(const char *who, const struct err *err)
{
	fprintf(stderr, "%s: %s (0x%08X %s)\n", who, err->msg, (unsigned)err->code,
	    err_name(err->code));
}

const char *
err_text(enum err_code code)
{
	return row_of(code)->text;
}

enum err_category
err_category(enum err_code code)
{
	return row_of(code)->category;
}

bool
err_is_undecided(enum err_code code)
{
	enum err_category c = err_category(code);

	return c == ERR_CATEGORY_OK || c == ERR_CATEGORY_UNABLE || c == ERR_CATEGORY_INTERNAL;
}

bool
err_by_number(uint32_t number, enum err_code *code_out)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if ((uint32_t)codes[i].code == number) {
			*code_out = codes[i].code;
			return true;
		}
	return false;
}

bool
err_by_name(const char *name, enum err_code *code_out)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].name, name) == 0) {
			*code_out = codes[i].code;
			return true;
		}
	return false;
}
