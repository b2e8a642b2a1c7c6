#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

static const struct event_kind kinds[] = {
#define EVENT_KIND(id, number, level, category, symbol, title, variables, text)                \
	{EVENT_##id, EVENT_LEVEL_##level, EVENT_CATEGORY_##category, symbol, title, variables, \
	    text},
    EVENTS(EVENT_KIND)
#undef EVENT_KIND
};

static const char *const levels[] = {[EVENT_LEVEL_ERROR] = "error",
    [EVENT_LEVEL_WARNING] = "warning",
    [EVENT_LEVEL_INFORMATION] = "information"};

static const char *const categories[] = {[EVENT_CATEGORY_KRA] = "kra",
    [EVENT_CATEGORY_EXCHANGE] = "exchange",
    [EVENT_CATEGORY_REQUEST] = "request",
    [EVENT_CATEGORY_CRL] = "crl",
    [EVENT_CATEGORY_AUDIT] = "audit",
    [EVENT_CATEGORY_RECOVERY] = "recovery"};

const struct event_kind *
event_kind(int64_t number)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if ((int64_t)kinds[i].id == number)
			return &kinds[i];
	return NULL;
}

const struct event_kind *
event_find(const char *text, struct err *err)
{
	int64_t number = 0;

	(void)text_to_int(text, 1, INT32_MAX, &number);
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if ((int64_t)kinds[i].id == number || text_eq_nocase(kinds[i].symbol, text))
			return &kinds[i];
	err_set(err, E_INVALIDARG, "'%s' is no number or name of an event (docs/EVENTS.md)", text);
	return NULL;
}

/* Adds what the word stands for. */
static bool
add_word(struct event_set *set, const char *word, struct err *err)
{
	uint64_t of_category = 0;
	const struct event_kind *kind;

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_eq_nocase(categories[kinds[i].category], word))
			of_category |= UINT64_C(1) << i;
	if (of_category == 0 && (kind = event_find(word, err)) == NULL)
		return err_prefix(err, "nor of a category");
	set->rows |= of_category != 0 ? of_category : UINT64_C(1) << (kind - kinds);
	return true;
}

bool
event_set_parse(const char *text, struct event_set *out, struct err *err)
{
	_Static_assert(COUNT_OF(kinds) <= 64, "a bit for each");
	OWNED(own_memory) char *copy = mem_text(text);
	char *rest = copy, *word;

	*out = (struct event_set){0};
	while ((word = strsep(&rest, " \t,")) != NULL)
		if (*word != '\0' && !add_word(out, word, err))
			return false;
	return true;
}

bool
event_set_has(const struct event_set *set, int64_t number)
{
	const struct event_kind *kind = event_kind(number);

	return kind != NULL && (set->rows >> (kind - kinds) & 1) != 0;
}

const char *
event_level_name(enum event_level level)
{
	return levels[level];
}

bool
event_level_find(const char *text, enum event_level *out, struct err *err)
{
	for (size_t i = EVENT_LEVEL_ERROR; i < COUNT_OF(levels); i++)
		if (text_eq_nocase(levels[i], text)) {
			*out = (enum event_level)i;
			return true;
		}
	return err_set(
	    err, E_INVALIDARG, "'%s' is no level: give error, warning or information", text);
}

const char *
event_category_name(enum event_category c)
{
	return categories[c];
}

char *
event_variable(const struct event_kind *kind, size_t at)
{
	const char *name = kind->variables;

	for (; at > 0 && *name != '\0'; at--) {
		name += strcspn(name, " ");
		name += strspn(name, " ");
	}
	return *name != '\0' ? mem_text_n(name, strcspn(name, " ")) : NULL;
}

/* The value of the variable that is named by `len` characters. */
static const char *
value_of(const struct event_kind *kind, const char *const values[EVENT_VALUES_MAX],
    const char *name, size_t len)
{
	for (size_t i = 0; i < EVENT_VALUES_MAX; i++) {
		OWNED(own_memory) char *variable = event_variable(kind, i);

		if (variable != NULL && strlen(variable) == len &&
		    strncmp(variable, name, len) == 0)
			return values[i] != NULL ? values[i] : "-";
	}
	return "?";
}

char *
event_text(const struct event_kind *kind, const char *const values[EVENT_VALUES_MAX])
{
	char *out = mem_text("");

	for (const char *at = kind->text; *at != '\0';) {
		OWNED(own_memory) char *before = out;
		size_t plain = strcspn(at, "{"), name = strcspn(at + plain, "}");
		const char *value =
		    name > 0 ? value_of(kind, values, at + plain + 1, name - 1) : "";

		out = text_printf("%s%.*s%s", before, (int)plain, at, value);
		at += plain + name + (at[plain + name] == '}' ? 1 : 0);
	}
	return out;
}

char *
event_error(const struct err *err)
{
	return text_printf("%s 0x%08x (%s)", err->msg, (unsigned)err->code, err_name(err->code));
}

void
event_record_free(struct event_record *e)
{
	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		free(e->values[i]);
	*e = (struct event_record){0};
}
