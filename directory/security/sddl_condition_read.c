#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "sddl_priv.h"

#define DEPTH_MAX 64 /* of parentheses and negations */

struct condition {
	struct sddl_reader *r;
	struct buf *out; /* postfix, as it is stored */
	unsigned depth;
};

static bool read_expression(struct condition *c, struct err *err);

static bool
fail(const struct condition *c, const char *why, struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA, "SDDL: %s at \"%.40s\"", why, c->r->at);
}

static void
skip_space(struct condition *c)
{
	while (*c->r->at == ' ' || (*c->r->at >= '\t' && *c->r->at <= '\r'))
		c->r->at++;
}

static bool
take(struct condition *c, const char *symbol)
{
	skip_space(c);
	if (strncmp(c->r->at, symbol, strlen(symbol)) != 0)
		return false;
	c->r->at += strlen(symbol);
	return true;
}

/* The longest word of the table that stands here; a word of letters ends where no name goes on. */
static const struct sddl_word *
take_word(struct condition *c, const struct sddl_words *words)
{
	skip_space(c);
	for (size_t i = 0; i < words->count; i++) {
		const struct sddl_word *w = &words->list[i];
		size_t len = strlen(w->name);

		if (strncasecmp(c->r->at, w->name, len) != 0)
			continue;
		if (isalpha((unsigned char)w->name[len - 1]) &&
		    sddl_is_name_char((unsigned char)c->r->at[len], false))
			continue;
		c->r->at += len;
		return w;
	}
	return NULL;
}

static bool
put_code(struct condition *c, uint32_t code, struct err *err)
{
	return bytes_put_u8(c->out, (uint8_t)code, err);
}

static bool
put_sized(struct condition *c, uint32_t code, struct view data, struct err *err)
{
	return put_code(c, code, err) && bytes_put_u32le(c->out, (uint32_t)data.len, err) &&
	       buf_append(c->out, data, err);
}

/* One character of a name as UTF-16: as it is, "%0041", or a sequence of UTF-8. */
static bool
get_name_char(struct condition *c, bool prefixed, struct buf *name, struct err *err)
{
	const char *at = c->r->at;
	char utf8[5] = {0};
	struct buf utf16;
	unsigned unit = 0;
	bool ok;

	if (*at == '%') {
		for (size_t i = 1; i <= 4; i++) {
			if (text_hex_digit(at[i]) < 0)
				return fail(
				    c, "\"%\" and four hexadecimal digits are expected", err);
			unit = 16 * unit + (unsigned)text_hex_digit(at[i]);
		}
		if (unit == 0)
			return fail(c, "a name holds no NUL", err);
		c->r->at += 5;
		return bytes_put_u16le(name, (uint16_t)unit, err);
	}
	if (sddl_is_name_char((unsigned char)*at, prefixed) || *at == '@') {
		c->r->at++;
		return bytes_put_u16le(name, (unsigned char)*at, err);
	}
	for (size_t i = 0; i < 4 && ((unsigned char)at[i] & 0x80) != 0 &&
			   (i == 0 || ((unsigned char)at[i] & 0xc0) == 0x80);
	     i++)
		utf8[i] = at[i];
	if (!utf16le_encode(utf8, &utf16, err))
		return false;
	ok = buf_append(name, buf_view(&utf16), err);
	buf_free(&utf16);
	c->r->at += strlen(utf8);
	return ok;
}

static bool
is_name_start(char ch, bool prefixed)
{
	return sddl_is_name_char((unsigned char)ch, prefixed) || ch == '%' ||
	       ((unsigned char)ch & 0x80) != 0;
}

bool
sddl_get_name(struct sddl_reader *r, struct buf *utf16, struct err *err)
{
	struct condition c = {.r = r};

	while (is_name_start(*r->at, true))
		if (!get_name_char(&c, true, utf16, err))
			return false;
	return true;
}

static bool
get_attribute(struct condition *c, struct err *err)
{
	const struct sddl_word *prefix = NULL;
	struct buf name = {0};
	bool ok = false, prefixed;

	skip_space(c);
	for (size_t i = 0; i < SDDL_ATTRIBUTES.count && prefix == NULL; i++) {
		const struct sddl_word *w = &SDDL_ATTRIBUTES.list[i];

		if (strncasecmp(c->r->at, w->name, strlen(w->name)) == 0)
			prefix = w;
	}
	prefixed = prefix != NULL;
	if (prefixed)
		c->r->at += strlen(prefix->name);
	if (!is_name_start(*c->r->at, prefixed))
		return fail(c, "an attribute is expected", err);
	while (is_name_start(*c->r->at, prefixed) ||
	       (*c->r->at == '@' && name.len > 0)) /* also in a simple name, but not first */
		if (!get_name_char(c, prefixed, &name, err))
			goto out;
	ok = put_sized(c, prefixed ? prefix->value : TOKEN_LOCAL, buf_view(&name), err);
out:
	buf_free(&name);
	return ok;
}

bool
sddl_get_string(struct sddl_reader *r, struct buf *utf16, struct err *err)
{
	const struct condition c = {.r = r};
	char *text;
	size_t len;
	bool ok;

	*utf16 = (struct buf){0};
	if (*r->at != '"' || strchr(r->at + 1, '"') == NULL)
		return fail(&c, "a string between quotation marks is expected", err);
	len = strcspn(r->at + 1, "\"");
	if ((text = strndup(r->at + 1, len)) == NULL)
		return err_nomem(err);
	ok = utf16le_encode(text, utf16, err);
	free(text);
	r->at += len + 2;
	return ok;
}

static bool
get_string(struct condition *c, struct err *err)
{
	struct buf utf16;
	bool ok =
	    sddl_get_string(c->r, &utf16, err) && put_sized(c, TOKEN_STRING, buf_view(&utf16), err);

	buf_free(&utf16);
	return ok;
}

bool
sddl_get_number(struct sddl_reader *r, bool is_signed, struct sddl_number *out, struct err *err)
{
	const struct condition c = {.r = r};
	uint64_t limit = is_signed ? INT64_MAX : UINT64_MAX;
	unsigned radix = 10;
	const char *start;

	*out = (struct sddl_number){.sign = SIGN_NONE, .base = BASE_10};
	if (is_signed && (*r->at == '+' || *r->at == '-'))
		out->sign = *r->at++ == '+' ? SIGN_PLUS : SIGN_MINUS;
	limit += out->sign == SIGN_MINUS ? 1 : 0;
	if (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X')) {
		out->base = BASE_16;
		radix = 16;
		r->at += 2;
	} else if (r->at[0] == '0' && isdigit((unsigned char)r->at[1])) {
		out->base = BASE_8;
		radix = 8;
		r->at++;
	}
	for (start = r->at; text_hex_digit(*r->at) >= 0; r->at++) {
		unsigned digit = (unsigned)text_hex_digit(*r->at);

		if (digit >= radix || out->value > (limit - digit) / radix)
			return fail(&c, "the number does not fit", err);
		out->value = radix * out->value + digit;
	}
	if (r->at == start)
		return fail(&c, "a number is expected", err);
	if (out->sign == SIGN_MINUS)
		out->value = 0 - out->value;
	return true;
}

static bool
get_integer(struct condition *c, struct err *err)
{
	struct sddl_number n;

	return sddl_get_number(c->r, true, &n, err) && put_code(c, TOKEN_INT64, err) &&
	       bytes_put_u64le(c->out, n.value, err) && bytes_put_u8(c->out, n.sign, err) &&
	       bytes_put_u8(c->out, n.base, err);
}

static bool
get_octets(struct condition *c, struct err *err)
{
	struct buf data = {0};
	bool ok;

	c->r->at++;
	ok = sddl_get_hex(c->r, &data, err) && put_sized(c, TOKEN_OCTETS, buf_view(&data), err);
	buf_free(&data);
	return ok;
}

/* Behind "SID(". */
static bool
get_literal_sid(struct condition *c, struct err *err)
{
	struct buf raw = {0};
	struct sid sid;
	bool ok;

	skip_space(c);
	if (!sddl_get_sid(c->r, &sid, err))
		return false;
	if (!take(c, ")"))
		return fail(c, "SID( is not closed", err);
	ok = sid_encode(&sid, &raw, err) && put_sized(c, TOKEN_SID, buf_view(&raw), err);
	buf_free(&raw);
	return ok;
}

static bool
get_value(struct condition *c, bool sids_only, struct err *err)
{
	skip_space(c);
	if (strncasecmp(c->r->at, "SID(", 4) == 0) {
		c->r->at += 4;
		return get_literal_sid(c, err);
	}
	if (sids_only)
		return fail(c, "SID(...) is expected", err);
	if (*c->r->at == '"')
		return get_string(c, err);
	if (*c->r->at == '#')
		return get_octets(c, err);
	return get_integer(c, err);
}

/* A value, or "{value, value}". */
static bool
get_values(struct condition *c, bool sids_only, struct err *err)
{
	size_t start = c->out->len, len;

	if (!take(c, "{"))
		return get_value(c, sids_only, err);
	if (!put_code(c, TOKEN_COMPOSITE, err) || !bytes_put_u32le(c->out, 0, err))
		return false;
	do {
		if (!get_value(c, sids_only, err))
			return false;
	} while (take(c, ","));
	if (!take(c, "}"))
		return fail(c, "a list is not closed", err);
	len = c->out->len - start - 5;
	for (size_t i = 0; i < 4; i++)
		c->out->ptr[start + 1 + i] = (uint8_t)(len >> 8 * i);
	return true;
}

/* An attribute alone, or compared with values or with a prefixed attribute. */
static bool
read_comparison(struct condition *c, struct err *err)
{
	const struct sddl_word *relation;

	if (!get_attribute(c, err))
		return false;
	if ((relation = take_word(c, &SDDL_RELATIONS)) == NULL)
		return true;
	skip_space(c);
	return (*c->r->at == '@' ? get_attribute(c, err) : get_values(c, false, err)) &&
	       put_code(c, relation->value, err);
}

static bool
read_term(struct condition *c, struct err *err)
{
	const struct sddl_word *w;

	if ((w = take_word(c, &SDDL_SID_OPERATORS)) != NULL)
		return get_values(c, true, err) && put_code(c, w->value, err);
	if ((w = take_word(c, &SDDL_NAME_OPERATORS)) != NULL)
		return get_attribute(c, err) && put_code(c, w->value, err);
	return read_comparison(c, err);
}

static bool
read_factor(struct condition *c, struct err *err)
{
	bool ok;

	if (c->depth == DEPTH_MAX)
		return fail(c, "too deeply nested", err);
	c->depth++;
	if (take(c, "!"))
		ok = read_factor(c, err) && put_code(c, TOKEN_NOT, err);
	else if (take(c, "("))
		ok = read_expression(c, err) &&
		     (take(c, ")") || fail(c, "a parenthesis is not closed", err));
	else
		ok = read_term(c, err);
	c->depth--;
	return ok;
}

static bool
read_conjunction(struct condition *c, struct err *err)
{
	if (!read_factor(c, err))
		return false;
	while (take(c, "&&"))
		if (!read_factor(c, err) || !put_code(c, TOKEN_AND, err))
			return false;
	return true;
}

static bool
read_expression(struct condition *c, struct err *err)
{
	if (!read_conjunction(c, err))
		return false;
	while (take(c, "||"))
		if (!read_conjunction(c, err) || !put_code(c, TOKEN_OR, err))
			return false;
	return true;
}

bool
sddl_get_condition(struct sddl_reader *r, struct buf *out, struct err *err)
{
	struct condition c = {.r = r, .out = out};

	if (!buf_append(
		out, view_of(SDDL_CONDITION_SIGNATURE, sizeof SDDL_CONDITION_SIGNATURE), err))
		return false;
	if (!take(&c, "("))
		return fail(&c, "\"(\" is expected", err);
	if (!read_expression(&c, err))
		return false;
	if (!take(&c, ")"))
		return fail(&c, "the condition is not closed", err);
	while (out->len % 4 != 0)
		if (!bytes_put_u8(out, 0, err))
			return false;
	return true;
}
