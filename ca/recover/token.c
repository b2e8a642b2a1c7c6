#include "recover.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define TOKEN_MAX 512

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Lower-case hex digits of a token that holds nothing else but blanks and colons, with room for one
 * more; NULL if it is no such token. */
static char *
collect_hex(const char *name)
{
	OWNED(own_memory) char *hex = mem_zero(1, strlen(name) + 2);
	size_t n = 0;

	for (const char *p = name; *p != '\0'; p++) {
		if (isxdigit((unsigned char)*p))
			hex[n++] = (char)tolower((unsigned char)*p);
		else if (!is_blank(*p) && *p != ':')
			return NULL;
	}
	return n > 0 ? own_give(&hex) : NULL;
}

/* Serial numbers are kept as whole octets without leading zero octets; zero itself is one. `hex`
 * has room for one more digit. */
static void
to_octets(char *hex)
{
	size_t len = strlen(hex), zeros = strspn(hex, "0");

	if (zeros == len)
		zeros = len - 1;
	len -= zeros;
	memmove(hex + len % 2, hex + zeros, len + 1);
	if (len % 2 != 0)
		hex[0] = '0';
}

static bool
split(struct token *t, const char *backslash, struct err *err)
{
	t->left = mem_text_n(t->name, (size_t)(backslash - t->name));
	t->right = mem_text(backslash + 1);
	if (*t->left == '\0' || *t->right == '\0')
		return err_set(
		    err, E_INVALIDARG, "'%s' lacks the name before or after the '\\'", t->name);
	return true;
}

static bool
classify(struct token *t, struct err *err)
{
	const char *backslash = strchr(t->name, '\\');

	if ((t->text = collect_hex(t->name)) != NULL) {
		t->kind = TOKEN_SERIAL_OR_HASH;
		t->digits = strlen(t->text);
		to_octets(t->text);
		return true;
	}
	t->text = mem_text(t->name);
	if (backslash != NULL) {
		t->kind = TOKEN_DOWNLEVEL;
		return split(t, backslash, err);
	}
	t->kind = strchr(t->name, '@') != NULL ? TOKEN_UPN : TOKEN_CN;
	return true;
}

bool
token_parse(const char *text, struct token *out, struct err *err)
{
	size_t len = strlen(text);

	*out = (struct token){0};
	if (len > TOKEN_MAX)
		return err_set(
		    err, E_INVALIDARG, "the search token is longer than %d bytes", TOKEN_MAX);
	for (const char *p = text; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(
			    err, E_INVALIDARG, "the search token holds a control character");
	if (!text_is_utf8(view_str(text)))
		return err_set(err, E_INVALIDARG, "the search token is not UTF-8");
	while (is_blank(*text))
		text++;
	for (len = strlen(text); len > 0 && is_blank(text[len - 1]); len--)
		;
	if (len == 0)
		return err_set(err, E_INVALIDARG,
		    "the search token is empty: give a UPN, DOMAIN\\user, a name, a serial number "
		    "or a SHA-1 hash");
	out->name = mem_text_n(text, len);
	if (!classify(out, err)) {
		token_free(out);
		return false;
	}
	return true;
}

void
token_free(struct token *t)
{
	free(t->text);
	free(t->name);
	free(t->left);
	free(t->right);
	*t = (struct token){0};
}
