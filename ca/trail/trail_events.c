#include "trail.h"

#include "mem.h"
#include "own.h"
#include "text.h"

static const struct {
	enum audit_event event;
	enum audit_filter filter;
	const char *word, *text;
} events[] = {
#define AUDIT_EVENT_ROW(name, number, filter, word, text) \
	{AUDIT_##name, AUDIT_FILTER_##filter, word, text},
    AUDIT_EVENTS(AUDIT_EVENT_ROW)
#undef AUDIT_EVENT_ROW
};

#define AUDIT_EVENT_WORD(name, number, filter, word, text) " " word
static const char words[] = AUDIT_EVENTS(AUDIT_EVENT_WORD);
#undef AUDIT_EVENT_WORD

const char *
audit_event_text(enum audit_event e)
{
	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (events[i].event == e)
			return events[i].text;
	return "?";
}

bool
audit_event_passes(enum audit_event e, int64_t filter)
{
	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (events[i].event == e)
			return ((filter | AUDIT_FILTER_ALWAYS) & events[i].filter) != 0;
	return true;
}

bool
audit_event_find(const char *text, enum audit_event *out, struct err *err)
{
	int64_t number = 0;

	(void)text_to_int(text, 1, INT32_MAX, &number);
	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (number == events[i].event || text_eq_nocase(events[i].word, text)) {
			*out = events[i].event;
			return true;
		}
	return err_set(
	    err, E_INVALIDARG, "'%s' is no event of the audit trail; there are%s", text, words);
}
