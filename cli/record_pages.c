#include "record_pages.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own_json.h"
#include "text.h"

void
record_pages_free(struct record_pages *p)
{
	free(p->filter);
	free(p->after);
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

char *
record_after(const struct cli_options *opt)
{
	return opt->after > 0 ? text_printf("%lld", (long long)opt->after)
			      : mem_text(opt->after_batch);
}

/* Of rows that conditions sort out here the CA gives as many as it may. */
static int64_t
page_length(const struct record_pages *p)
{
	int64_t left = p->listing == NULL             ? p->left
		       : p->listing->filter.count > 0 ? CLI_PAGE
						      : p->listing->left;

	return left < CLI_PAGE ? left : CLI_PAGE;
}

static bool
is_enough(const struct record_pages *p)
{
	return p->listing != NULL ? p->listing->left == 0 : p->left <= 0;
}

/* What `after` says of a record or a page: its number or its name; NULL: there is no more. free().
 */
static char *
place_of(const json_t *id)
{
	return json_integer_value(id) > 0 ? text_printf("%lld", (long long)json_integer_value(id))
					  : mem_text(json_string_value(id));
}

static void
go_on_behind(struct record_pages *p, const json_t *id)
{
	free(p->after);
	p->after = place_of(id);
}

/* A CA that gives the same page again is not asked for ever. */
static void
go_to_next(struct record_pages *p, const json_t *answer)
{
	OWNED(own_memory) char *before = own_give(&p->after);

	p->after = place_of(json_object_get(answer, "next"));
	if (before != NULL && p->after != NULL && strcmp(before, p->after) == 0)
		go_on_behind(p, NULL);
}

static bool
take_page(struct work *w, struct record_pages *p, struct err *err)
{
	OWNED(own_memory) char *after = p->after != NULL ? http_escape(p->after) : NULL;
	OWNED(own_memory)
	char *path = text_printf("%s?limit=%lld%s%s%s", p->path, (long long)page_length(p),
	    after != NULL ? "&after=" : "", after != NULL ? after : "",
	    p->filter != NULL ? p->filter : "");
	OWNED(own_json) json_t *answer = NULL;
	const json_t *rows, *row;
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
		if (p->listing != NULL && is_enough(p) && i + 1 < json_array_size(rows)) {
			go_on_behind(p, json_object_get(row, p->id));
			return true;
		}
	}
	if (p->listing != NULL)
		listing_flush(p->listing);
	go_to_next(p, answer);
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
	while (p->after != NULL && !is_enough(p));
	return true;
}

struct printer {
	struct listing *listing;
	void (*line)(const json_t *record);
};

static bool
print(const json_t *record, void *arg, struct err *err)
{
	struct printer *p = arg;

	(void)err;
	if (listing_add(p->listing, record))
		p->line(record);
	return true;
}

bool
record_list(struct work *w, struct record_pages *p, const struct table *t,
    void (*line)(const json_t *record), struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(listing_free) struct listing l = {0};
	struct printer printer = {.listing = &l, .line = line};

	if (!listing_open(&l, t, opt, err))
		return false;
	if (line != NULL)
		listing_in_own_way(&l, opt);
	l.left = cli_limit(opt);
	p->after = record_after(opt);
	p->listing = &l;
	p->each = print;
	p->arg = &printer;
	if (!record_pages_walk(w, p, err))
		return false;
	listing_end(&l);
	cli_say_more(p->after);
	return true;
}
