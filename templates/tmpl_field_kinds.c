/* How each kind of field reads and writes its attribute. */
#include "tmpl_fields_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"

#define PERIOD_MAX (INT64_C(1000) * 365 * 86400)

/* ---- what kinds share ---- */

bool
entry_int(
    const struct dir_entry *e, const char *attr, int32_t absent, int32_t *out, struct err *err)
{
	char *text = NULL;
	int64_t n;
	bool ok = true;

	*out = absent;
	if (dir_entry_text(e, attr, &text, err) == DIR_GET_FAILED)
		return false;
	/* Flags may stand there unsigned, where the server lets them. */
	if (text != NULL && !text_to_int(text, INT32_MIN, UINT32_MAX, &n))
		ok = err_set(err, ERROR_INVALID_DATA,
		    "%s: attribute %s: \"%s\" is not a 32-bit number", e->dn, attr, text);
	else if (text != NULL)
		*out = (int32_t)(uint32_t)n;
	free(text);
	return ok;
}

bool
entry_set_int(struct dir_entry *e, const char *attr, int32_t value, struct err *err)
{
	char text[12];
	struct view v;

	snprintf(text, sizeof text, "%" PRId32, value);
	v = view_str(text);
	return dir_entry_set(e, attr, &v, 1, err);
}

static bool
set_text(struct dir_entry *e, const char *attr, const char *text, struct err *err)
{
	struct view v = view_str(text);

	return dir_entry_set(e, attr, &v, 1, err);
}

static const struct tmpl_choice *
find_word(const struct tmpl_choice *words, const char *name)
{
	for (; words->name != NULL; words++)
		if (text_eq_nocase(words->name, name))
			return words;
	return NULL;
}

/* "a, b or c" for a refusal. */
static bool
not_one_of(const struct tmpl_choice *words, const char *value, struct err *err)
{
	char known[256] = "";
	size_t used = 0;

	for (; words->name != NULL; words++) {
		int n = snprintf(
		    known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", words->name);

		used += n > 0 && used + (size_t)n < sizeof known ? (size_t)n : 0;
	}
	return err_set(err, E_INVALIDARG, "\"%s\" is not one of %s", value, known);
}

/* The words whose bits are set, joined; NULL on no memory. */
static char *
words_of(const struct tmpl_choice *words, uint32_t bits)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool any = false;

	if (f == NULL)
		return NULL;
	for (; words->name != NULL; words++)
		if ((bits & words->value) != 0) {
			fprintf(f, "%s%s", any ? "," : "", words->name);
			any = true;
		}
	return fclose(f) == 0 ? text : NULL;
}

static bool
bits_of(const struct tmpl_choice *words, const char *value, uint32_t *bits_out, struct err *err)
{
	struct texts list = {0};
	bool ok = list_split(value, ',', &list, err);

	*bits_out = 0;
	for (size_t i = 0; ok && i < list.count; i++) {
		const struct tmpl_choice *w = find_word(words, list.list[i]);

		if (w != NULL)
			*bits_out |= w->value;
		else
			ok = not_one_of(words, list.list[i], err);
	}
	texts_free(&list);
	return ok;
}

/* ---- text ---- */

static char *
get_text(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	char *text = NULL;

	if (dir_entry_text(e, f->attribute, &text, err) == DIR_GET_FAILED)
		return NULL;
	return text != NULL ? text : text_copied("", err);
}

static bool
set_text_field(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	char *checked;

	if (!text_from_view(view_str(value), &checked, err)) {
		err->code = E_INVALIDARG;
		return false;
	}
	free(checked);
	if (strlen(value) < (size_t)f->least || strlen(value) > (size_t)f->most)
		return err_set(err, E_INVALIDARG, "%lld to %lld characters are wanted",
		    (long long)f->least, (long long)f->most);
	return set_text(e, f->attribute, value, err);
}

const struct tmpl_field_kind FIELD_TEXT = {get_text, set_text_field};

/* ---- bits of an Integer ---- */

static char *
get_bit(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t n;

	if (!entry_int(e, f->attribute, 0, &n, err))
		return NULL;
	return text_copied(((uint32_t)n & f->mask) != 0 ? "yes" : "no", err);
}

static bool
parse_yes(const char *value, bool *out, struct err *err)
{
	*out = text_eq_nocase(value, "yes");
	return *out || text_eq_nocase(value, "no") || err_set(err, E_INVALIDARG, "yes or no");
}

/* Bits outside of the mask stay, also those that nobody knows. */
static bool
set_masked(struct dir_entry *e, const char *attr, uint32_t mask, uint32_t bits, struct err *err)
{
	int32_t n;

	if (!entry_int(e, attr, 0, &n, err))
		return false;
	return entry_set_int(e, attr, (int32_t)(((uint32_t)n & ~mask) | bits), err);
}

static bool
set_bit(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	bool yes;

	return parse_yes(value, &yes, err) &&
	       set_masked(e, f->attribute, f->mask, yes ? f->mask : 0, err);
}

const struct tmpl_field_kind FIELD_BIT = {get_bit, set_bit};

static char *
get_bits(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t n;
	char *text;

	if (!entry_int(e, f->attribute, 0, &n, err))
		return NULL;
	if ((text = words_of(f->words, (uint32_t)n)) == NULL)
		err_nomem(err);
	return text;
}

static bool
set_bits(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	uint32_t bits, mask = 0;

	for (const struct tmpl_choice *w = f->words; w->name != NULL; w++)
		mask |= w->value;
	return bits_of(f->words, value, &bits, err) && set_masked(e, f->attribute, mask, bits, err);
}

const struct tmpl_field_kind FIELD_BITS = {get_bits, set_bits};

static char *
get_choice(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t n;
	char *text;

	if (!entry_int(e, f->attribute, 0, &n, err))
		return NULL;
	for (const struct tmpl_choice *w = f->words; w->name != NULL; w++)
		if (w->value == ((uint32_t)n & f->mask))
			return text_copied(w->name, err);
	if (dir_entry_attr(e, f->attribute) == NULL)
		return text_copied("", err);
	if ((text = text_printf("0x%" PRIx32, (uint32_t)n & f->mask)) == NULL)
		err_nomem(err);
	return text;
}

static bool
set_choice(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	const struct tmpl_choice *w = find_word(f->words, value);

	if (w == NULL)
		return not_one_of(f->words, value, err);
	return set_masked(e, f->attribute, f->mask, w->value, err);
}

const struct tmpl_field_kind FIELD_CHOICE = {get_choice, set_choice};

/* ---- numbers ---- */

static char *
get_number(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t n;
	char *text;

	if (dir_entry_attr(e, f->attribute) == NULL)
		return text_copied("", err);
	if (!entry_int(e, f->attribute, 0, &n, err))
		return NULL;
	if ((text = text_printf("%" PRId32, n)) == NULL)
		err_nomem(err);
	return text;
}

static bool
set_number(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	int64_t n;

	if (!text_to_int(value, f->least, f->most, &n))
		return err_set(err, E_INVALIDARG, "a number from %lld to %lld is wanted",
		    (long long)f->least, (long long)f->most);
	return entry_set_int(e, f->attribute, (int32_t)n, err);
}

const struct tmpl_field_kind FIELD_NUMBER = {get_number, set_number};

static char *
get_depth(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	int32_t n;

	if (!entry_int(e, f->attribute, -1, &n, err))
		return NULL;
	return n < 0 ? text_copied("none", err) : get_number(f, e, err);
}

static bool
set_depth(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	return text_eq_nocase(value, "none") ? entry_set_int(e, f->attribute, -1, err)
					     : set_number(f, e, value, err);
}

const struct tmpl_field_kind FIELD_DEPTH = {get_depth, set_depth};

/* ---- periods, [MS-CRTD] 2.11: a year has 365 days (docs/FACTS.md 9) ---- */

static const struct {
	char letter;
	int64_t seconds;
} units[] = {
    {'y', INT64_C(365) * 86400}, {'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static char *
get_period(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	struct view raw;
	int64_t seconds;
	char *text;
	size_t i = 0;

	switch (dir_entry_bytes(e, f->attribute, &raw, err)) {
	case DIR_GET_FAILED:
		return NULL;
	case DIR_GET_ABSENT:
		return text_copied("", err);
	case DIR_GET_OK:
		break;
	}
	if (!period_decode(raw, &seconds)) {
		err_set(err, ERROR_INVALID_DATA, "%s: attribute %s is not a period", e->dn,
		    f->attribute);
		return NULL;
	}
	while (seconds % units[i].seconds != 0 || (seconds == 0 && units[i].letter != 's'))
		i++;
	text = text_printf("%" PRId64 "%c", seconds / units[i].seconds, units[i].letter);
	if (text == NULL)
		err_nomem(err);
	return text;
}

static bool
parse_period(const char *value, int64_t *seconds_out)
{
	size_t len = strlen(value);
	char number[20];
	int64_t n;

	if (len < 2 || len > sizeof number)
		return false;
	memcpy(number, value, len - 1);
	number[len - 1] = '\0';
	if (!text_to_int(number, 1, PERIOD_MAX, &n))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].letter == value[len - 1])
			return !__builtin_mul_overflow(n, units[i].seconds, seconds_out) &&
			       *seconds_out <= PERIOD_MAX;
	return false;
}

static bool
set_period(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	int64_t seconds;
	uint8_t bytes[8] = {0};
	struct view v = view_of(bytes, sizeof bytes);

	if (!parse_period(value, &seconds))
		return err_set(err, E_INVALIDARG,
		    "a number with s, m, h, d, w or y (365 days) behind it is wanted, as 2y or 6w; "
		    "at most 1000y");
	period_encode(seconds, bytes);
	return dir_entry_set(e, f->attribute, &v, 1, err);
}

const struct tmpl_field_kind FIELD_PERIOD = {get_period, set_period};

/* ---- key usage ---- */

static char *
get_usage(const struct tmpl_field *f, const struct dir_entry *e, struct err *err)
{
	struct view raw = {0};
	uint32_t bits = 0;
	char *text;

	if (dir_entry_bytes(e, f->attribute, &raw, err) == DIR_GET_FAILED)
		return NULL;
	for (size_t i = 0; i < raw.len && i < 2; i++)
		bits |= (uint32_t)raw.ptr[i] << (8 * i);
	if ((text = words_of(f->words, bits)) == NULL)
		err_nomem(err);
	return text;
}

static bool
set_usage(const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err)
{
	uint8_t bytes[2] = {0};
	struct view v = view_of(bytes, sizeof bytes);
	uint32_t bits;

	if (!bits_of(f->words, value, &bits, err))
		return false;
	bytes[0] = (uint8_t)bits;
	bytes[1] = (uint8_t)(bits >> 8);
	return dir_entry_set(e, f->attribute, &v, 1, err);
}

const struct tmpl_field_kind FIELD_USAGE = {get_usage, set_usage};
