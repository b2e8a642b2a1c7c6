#include "flag_set.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define BETWEEN " |,"

int64_t
flags_all(const struct flag_name *names)
{
	int64_t all = 0;

	for (; names->name != NULL; names++)
		if (!names->known_only)
			all |= names->value;
	return all;
}

char *
flags_text(const struct flag_name *names, int64_t value)
{
	char *out = mem_text("");

	for (; names->name != NULL; names++)
		if (names->value != 0 && (value & names->value) == names->value) {
			text_list_add(&out, " ", names->name);
			value &= ~(int64_t)names->value;
		}
	if (value != 0 || *out == '\0') {
		OWNED(own_memory)
		char *rest = text_printf(value != 0 ? "0x%llx" : "%lld", (long long)value);

		text_list_add(&out, " ", rest);
	}
	return out;
}

static bool
no_flag(const struct flag_name *names, const char *what, const char *word, struct err *err)
{
	OWNED(own_memory) char *list = mem_text("");

	for (; names->name != NULL; names++) {
		if (names->known_only && text_eq_nocase(names->name, word))
			return err_set(err, E_INVALIDARG,
			    "%s cannot have %s: this CA does not do what that asks for", what,
			    word);
		if (!names->known_only)
			text_list_add(&list, ", ", names->name);
	}
	return err_set(err, E_INVALIDARG,
	    "'%s' is no flag of %s; give names, a number of them, or +NAME and -NAME: %s", word,
	    what, *list != '\0' ? list : "there is none yet");
}

/* Decimal, or hexadecimal after 0x. */
static bool
number_of(const char *word, int64_t *out)
{
	char *end = NULL;

	if (text_to_int(word, 0, UINT32_MAX, out))
		return true;
	if (strncasecmp(word, "0x", 2) != 0 || text_hex_digit(word[2]) < 0 || strlen(word) > 10)
		return false;
	*out = (int64_t)strtoul(word + 2, &end, 16);
	return *end == '\0';
}

static bool
read_flag(const struct flag_name *names, const char *what, const char *word, int64_t *out,
    struct err *err)
{
	for (const struct flag_name *n = names; n->name != NULL; n++)
		if (!n->known_only && text_eq_nocase(n->name, word)) {
			*out = n->value;
			return true;
		}
	return (number_of(word, out) && (*out & ~flags_all(names)) == 0) ||
	       no_flag(names, what, word, err);
}

bool
flags_parse(const struct flag_name *names, const char *what, const char *text, int64_t was,
    int64_t *out, struct err *err)
{
	bool changes = *text == '+' || *text == '-';
	int64_t bits, all = changes ? was : 0;

	text += strspn(text, BETWEEN);
	if (*text == '\0')
		return no_flag(names, what, text, err);
	for (; *text != '\0'; text += strspn(text, BETWEEN)) {
		size_t len = strcspn(text, BETWEEN);
		OWNED(own_memory) char *word = mem_text_n(text, len);
		bool sign = *word == '+' || *word == '-';

		if (sign != changes)
			return err_set(err, E_INVALIDARG,
			    "'%s': give %s either whole, or what is to be added and taken away",
			    word, what);
		if (!read_flag(names, what, word + sign, &bits, err))
			return false;
		all = *word == '-' ? all & ~bits : all | bits;
		text += len;
	}
	*out = all;
	return true;
}
