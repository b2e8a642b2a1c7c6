/* dirca requests, approve, deny. */
#include <stdlib.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define PAGE 500

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

/* Pages until the CA has no more. */
static bool
list_requests(struct work *w, json_t *all, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(own_memory)
	char *word = opt->disposition != NULL ? http_escape(opt->disposition) : mem_text("");
	long long after = 0, before = -1;
	size_t got = PAGE;

	/* A CA that gives the same page again is not asked for ever. */
	while (got == PAGE && after > before) {
		OWNED(own_memory)
		char *path = text_printf("/dirca/v1/requests?after=%lld&limit=%d%s%s", after, PAGE,
		    opt->disposition != NULL ? "&disposition=" : "", word);
		OWNED(own_json) json_t *answer = NULL;
		json_t *rows, *row;
		size_t i;

		if (!http_client_json(w->ca, "GET", path, NULL, &answer, err))
			return false;
		rows = json_object_get(answer, "requests");
		got = json_array_size(rows);
		before = after;
		json_array_foreach(rows, i, row)
		{
			after = json_integer_value(json_object_get(row, "request_id"));
			if (opt->json)
				json_array_append(all, row);
			else
				print_row(row);
		}
	}
	return true;
}

bool
cmd_requests(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *all = json_array();

	if (!w->cli->opt.json)
		printf("%6s  %-8s  %-20s  %-24s  %-7s  %s\n", "ID", "STATE", "TEMPLATE",
		    "REQUESTER", "ARCHIVE", "SERIAL NUMBER OR MESSAGE");
	if (!list_requests(w, all, err))
		return false;
	if (w->cli->opt.json)
		print_json(own_give(&all));
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
