#include "record_pages.h"

#include <stdlib.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "text.h"

void
record_pages_free(struct record_pages *p)
{
	free(p->filter);
	json_decref(p->head);
}

void
record_filter(struct record_pages *p, const char *name, const char *value)
{
	OWNED(own_memory) char *escaped = value != NULL ? http_escape(value) : NULL;
	OWNED(own_memory) char *before = p->filter;

	p->filter = escaped != NULL
			? text_printf("%s&%s=%s", before != NULL ? before : "", name, escaped)
			: own_give(&before);
}

static bool
take_page(struct work *w, struct record_pages *p, struct err *err)
{
	OWNED(own_memory)
	char *path = text_printf("%s?after=%lld&limit=%lld%s", p->path, p->after,
	    (long long)(p->left < CLI_PAGE ? p->left : CLI_PAGE),
	    p->filter != NULL ? p->filter : "");
	OWNED(own_json) json_t *answer = NULL;
	const json_t *rows, *row;
	long long next;
	size_t i;

	if (!http_client_json(w->ca, "GET", path, NULL, &answer, err))
		return false;
	p->page = answer;
	rows = json_object_get(answer, p->member);
	json_array_foreach(rows, i, row)
	{
		if (!p->each(row, p->arg, err))
			return false;
		p->left--;
	}
	next = json_integer_value(json_object_get(answer, "next"));
	/* A CA that gives the same page again is not asked for ever. */
	p->after = next > p->after ? next : 0;
	json_decref(p->head);
	p->head = json_incref(json_object_get(answer, "head"));
	return true;
}

bool
record_pages_walk(struct work *w, struct record_pages *p, struct err *err)
{
	do
		if (!take_page(w, p, err))
			return false;
	while (p->after > 0 && p->left > 0);
	return true;
}

/* Prints records as they come: as JSON, or each by a line of its own. */
struct printer {
	bool json;
	void (*line)(const json_t *record);
	size_t printed;
};

static bool
print(const json_t *record, void *arg, struct err *err)
{
	struct printer *p = arg;

	(void)err;
	if (p->json)
		print_json_next(record, p->printed);
	else
		p->line(record);
	p->printed++;
	return true;
}

bool
record_list(
    struct work *w, struct record_pages *p, void (*line)(const json_t *record), struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	struct printer printer = {.json = opt->json, .line = line};

	p->after = opt->after;
	p->left = cli_limit(opt);
	p->each = print;
	p->arg = &printer;
	if (!record_pages_walk(w, p, err))
		return false;
	if (opt->json)
		print_json_end(printer.printed);
	cli_say_more(p->after);
	return true;
}
