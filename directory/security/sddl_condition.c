#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sddl_priv.h"

/* Conditions of people have a dozen tokens. The limit keeps hostile ones, whose text grows with
 * every token, cheap. */
#define TOKENS_MAX 256

/* How tightly the text of an operand holds together. */
enum bond { BOND_OR, BOND_AND, BOND_TERM, BOND_OPERAND };

struct operand {
	char *text;
	enum bond bond;
};

struct stack {
	struct operand list[TOKENS_MAX];
	size_t count;
};

static bool
push(struct stack *s, char *text, enum bond bond)
{
	if (text == NULL || s->count == TOKENS_MAX) {
		free(text);
		return false;
	}
	s->list[s->count++] = (struct operand){text, bond};
	return true;
}

bool
sddl_put_name(FILE *f, struct view utf16, bool prefixed)
{
	uint16_t unit;

	while (bytes_get_u16le(&utf16, &unit))
		if (sddl_is_name_char(unit, prefixed))
			fputc(unit, f);
		else
			fprintf(f, "%%%04x", (unsigned)unit);
	return utf16.len == 0;
}

bool
sddl_put_string(FILE *f, struct view utf16)
{
	struct err ignored;
	char *text;

	if (!utf16le_decode(utf16, &text, &ignored))
		return false;
	fprintf(f, "\"%s\"", text);
	free(text);
	return true;
}

/* [MS-DTYP] 2.4.4.17.5: QWORD, sign, base. */
static bool
put_integer(FILE *f, struct view *v)
{
	uint8_t sign, base;
	uint64_t value;

	if (!bytes_get_u64le(v, &value) || !bytes_get_u8(v, &sign) || !bytes_get_u8(v, &base))
		return false;
	if (sign == SIGN_MINUS)
		value = 0 - value;
	if (sign != SIGN_NONE)
		fputc(sign == SIGN_MINUS ? '-' : '+', f);
	if (base == BASE_16)
		fprintf(f, "0x%" PRIx64, value);
	else if (base == BASE_8)
		fprintf(f, "0%" PRIo64, value);
	else
		fprintf(f, "%" PRIu64, value);
	return true;
}

static bool
put_sized(FILE *f, uint8_t code, struct view data, const struct sddl_domains *aliases)
{
	struct sid sid;

	switch (code) {
	case TOKEN_STRING:
		return sddl_put_string(f, data);
	case TOKEN_OCTETS:
		fputc('#', f);
		for (size_t i = 0; i < data.len; i++)
			fprintf(f, "%02x", data.ptr[i]);
		return true;
	case TOKEN_SID:
		if (!sid_get(&data, &sid))
			return false;
		fputs("SID(", f);
		sddl_put_sid(f, &sid, aliases);
		fputc(')', f);
		return true;
	default:
		return false;
	}
}

/* A literal that holds no others. */
static bool
put_simple(FILE *f, uint8_t code, struct view *v, const struct sddl_domains *aliases)
{
	struct view data;
	uint32_t len;

	if (code >= TOKEN_INT8 && code <= TOKEN_INT64)
		return put_integer(f, v);
	return bytes_get_u32le(v, &len) && bytes_get(v, len, &data) &&
	       put_sized(f, code, data, aliases);
}

static bool
put_literal(FILE *f, uint8_t code, struct view *v, const struct sddl_domains *aliases)
{
	const char *separator = "";
	struct view list;
	uint32_t len;

	if (code != TOKEN_COMPOSITE)
		return put_simple(f, code, v, aliases);
	if (!bytes_get_u32le(v, &len) || !bytes_get(v, len, &list))
		return false;
	fputc('{', f);
	while (bytes_get_u8(&list, &code)) {
		fputs(separator, f);
		separator = ", ";
		if (!put_simple(f, code, &list, aliases))
			return false;
	}
	fputc('}', f);
	return true;
}

static bool
put_attribute(FILE *f, uint8_t code, struct view *v)
{
	const char *prefix = sddl_word_of(&SDDL_ATTRIBUTES, code);
	struct view name;
	uint32_t len;

	if (!bytes_get_u32le(v, &len) || !bytes_get(v, len, &name))
		return false;
	fputs(prefix != NULL ? prefix : "", f);
	return sddl_put_name(f, name, prefix != NULL);
}

static bool
push_operand(struct stack *s, uint8_t code, struct view *v, const struct sddl_domains *aliases)
{
	bool attribute = code >= TOKEN_LOCAL && code <= TOKEN_DEVICE, ok;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return false;
	ok = attribute ? put_attribute(f, code, v) : put_literal(f, code, v, aliases);
	if (fclose(f) != 0 || !ok) {
		free(text);
		return false;
	}
	/* An attribute alone is a term. */
	return push(s, text, attribute ? BOND_TERM : BOND_OPERAND);
}

/* Takes the operands of an operator off the stack and pushes its text. */
static bool
push_unary(struct stack *s, const char *name, const char *close)
{
	struct operand *a = &s->list[s->count - 1];
	char *text = text_printf("%s%s%s", name, a->text, close);

	free(a->text);
	s->count--;
	return push(s, text, BOND_TERM);
}

static bool
push_binary(struct stack *s, const char *name, enum bond bond)
{
	struct operand *a = &s->list[s->count - 2], *b = &s->list[s->count - 1];
	/* The reader takes "a && b && c" from the left. */
	bool wrap_a = bond < BOND_TERM && a->bond < bond,
	     wrap_b = bond < BOND_TERM && b->bond <= bond;
	char *text = text_printf("%s%s%s %s %s%s%s", wrap_a ? "(" : "", a->text, wrap_a ? ")" : "",
	    name, wrap_b ? "(" : "", b->text, wrap_b ? ")" : "");

	free(a->text);
	free(b->text);
	s->count -= 2;
	return push(s, text, bond);
}

static bool
push_operator(struct stack *s, uint8_t code)
{
	const char *relation = sddl_word_of(&SDDL_RELATIONS, code);
	const char *prefix = sddl_word_of(&SDDL_SID_OPERATORS, code);
	char name[32];

	if (prefix == NULL)
		prefix = sddl_word_of(&SDDL_NAME_OPERATORS, code);
	if (prefix != NULL && s->count >= 1) {
		snprintf(name, sizeof name, "%s ", prefix);
		return push_unary(s, name, "");
	}
	if (code == TOKEN_NOT && s->count >= 1)
		return push_unary(s, "!(", ")");
	if (s->count < 2)
		return false;
	if (relation != NULL)
		return push_binary(s, relation, BOND_TERM);
	if (code == TOKEN_AND)
		return push_binary(s, "&&", BOND_AND);
	return code == TOKEN_OR && push_binary(s, "||", BOND_OR);
}

static bool
build(struct stack *s, struct view v, const struct sddl_domains *aliases)
{
	uint8_t code;

	for (size_t tokens = 0; bytes_get_u8(&v, &code) && code != 0; tokens++) {
		bool is_operator = code >= 0x80 && code < TOKEN_LOCAL;

		if (tokens == TOKENS_MAX ||
		    !(is_operator ? push_operator(s, code) : push_operand(s, code, &v, aliases)))
			return false;
	}
	return s->count == 1;
}

/* Whether the reader makes the same bytes of it. What it does not, such as a string that holds a
 * quotation mark, an integer of another size or padding that is too long, stays hexadecimal. */
static bool
reads_back(const char *text, struct view data, const struct sddl_domains *aliases)
{
	const struct sddl_domains none = {NULL, NULL};
	struct sddl_reader r = {text, aliases != NULL ? aliases : &none};
	struct buf again = {0};
	struct err ignored;
	bool same = sddl_get_condition(&r, &again, &ignored) && *r.at == '\0' &&
		    view_eq(buf_view(&again), data);

	buf_free(&again);
	return same;
}

bool
sddl_put_condition(FILE *f, struct view data, const struct sddl_domains *aliases)
{
	struct view v = data, signature;
	struct stack s = {.count = 0};
	char *text = NULL;
	bool ok = false;

	if (bytes_get(&v, sizeof SDDL_CONDITION_SIGNATURE, &signature) &&
	    memcmp(signature.ptr, SDDL_CONDITION_SIGNATURE, sizeof SDDL_CONDITION_SIGNATURE) == 0 &&
	    build(&s, v, aliases) && (text = text_printf("(%s)", s.list[0].text)) != NULL &&
	    reads_back(text, data, aliases)) {
		fputs(text, f);
		ok = true;
	}
	for (size_t i = 0; i < s.count; i++)
		free(s.list[i].text);
	free(text);
	return ok;
}
