/* dirca requests, approve, deny. */
#include <stdlib.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define PAGE          1000 /* the most that the CA gives at once */
#define LIMIT_DEFAULT 1000

static void
print_row(const json_t *r)
{
	printf("%6lld  %-8s  %-20s  %-24s  %-7s  %s\n",
	    (long long)json_integer_value(json_object_get(r, "request_id")),
	    json_text(r, "disposition"), json_text(r, "template"), json_text(r, "requester_name"),
	    json_is_true(json_object_get(r, "archived_key")) ? "key" : "-",
	    json_is_string(json_object_get(r, "serial_number"))
		? json_text(r, "serial_number")
		: json_text(r, "disposition_message"));
}

static void
print_heading(void)
{
	printf("%6s  %-8s  %-20s  %-24s  %-7s  %s\n", "ID", "STATE", "TEMPLATE", "REQUESTER",
	    "ARCHIVE", "SERIAL NUMBER OR MESSAGE");
}

/* A list that is printed as it comes, page by page: none is held whole. */
struct listing {
	bool json;
	long long after; /* of the next page; 0 after the last */
	int64_t left;    /* how many may still be printed */
	size_t printed;
};

static void
print_next(struct listing *l, const json_t *row)
{
	if (l->json) {
		fputs(l->printed > 0 ? ",\n" : "[\n", stdout);
		json_dumpf(row, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	} else {
		if (l->printed == 0)
			print_heading();
		print_row(row);
	}
	l->printed++;
	l->left--;
}

static void
print_end(const struct listing *l)
{
	if (l->json)
		puts(l->printed > 0 ? "\n]" : "[]");
	else if (l->printed == 0)
		print_heading();
}

static bool
fetch_page(struct work *w, const struct listing *l, json_t **out, struct err *err)
{
	const char *disposition = w->cli->opt.disposition;
	OWNED(own_memory)
	char *word = disposition != NULL ? http_escape(disposition) : mem_text("");
	OWNED(own_memory)
	char *path = text_printf("/dirca/v1/requests?after=%lld&limit=%lld%s%s", l->after,
	    (long long)(l->left < PAGE ? l->left : PAGE),
	    disposition != NULL ? "&disposition=" : "", word);

	return http_client_json(w->ca, "GET", path, NULL, out, err);
}

/* A page may hold nothing and not be the last: others' requests are left out of it. */
static bool
list_page(struct work *w, struct listing *l, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	const json_t *rows, *row;
	long long next;
	size_t i;

	if (!fetch_page(w, l, &answer, err))
		return false;
	rows = json_object_get(answer, "requests");
	json_array_foreach(rows, i, row) print_next(l, row);
	fflush(stdout);
	next = json_integer_value(json_object_get(answer, "next"));
	/* A CA that gives the same page again is not asked for ever. */
	l->after = next > l->after ? next : 0;
	return true;
}

bool
cmd_requests(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	struct listing l = {.json = opt->json,
	    .after = opt->after,
	    .left = opt->all         ? INT64_MAX
		    : opt->limit > 0 ? opt->limit
				     : LIMIT_DEFAULT};

	do
		if (!list_page(w, &l, err))
			return false;
	while (l.after > 0 && l.left > 0);
	print_end(&l);
	if (l.after > 0)
		fprintf(stderr,
		    "There may be more: --after %lld goes on, --all prints everything.\n", l.after);
	return true;
}

static bool
decide(struct work *w, const char *what, json_t *body, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	char path[96];
	int64_t id;

	if (!text_to_int(w->cli->args[0], 1, INT64_MAX, &id))
		return err_set(err, DIRCA_E_USAGE, "%s is not a request id", w->cli->args[0]);
	snprintf(path, sizeof path, "/dirca/v1/requests/%lld/%s", (long long)id, what);
	if (!work_open(w, NEEDS_CA, err) ||
	    !http_client_json(w->ca, "POST", path, body, &answer, err))
		return false;
	printf("Request %lld: %s\n", (long long)id, json_text(answer, "disposition"));
	return true;
}

bool
cmd_approve(struct work *w, struct err *err)
{
	return decide(w, "approve", NULL, err);
}

bool
cmd_deny(struct work *w, struct err *err)
{
	const char *reason = w->cli->opt.reason;
	OWNED(own_json)
	json_t *body = reason != NULL ? json_pack("{s:s}", "reason", reason) : json_object();

	return decide(w, "deny", body, err);
}
