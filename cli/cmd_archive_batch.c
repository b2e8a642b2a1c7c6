/* dirca archive list, approve: batches of archived keys that root gave out, and the second person
 * who approves that they are taken back. */
#include <stdio.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "record_pages.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define BATCHES "/dirca/v1/archive-batches"

static const char *
text_of(const json_t *b, const char *name)
{
	return json_is_string(json_object_get(b, name)) ? json_text(b, name) : "-";
}

static void
print_batch(const json_t *b)
{
	OWNED(own_memory) char *given = json_when(b, "given_when");
	OWNED(own_memory) char *approved = json_when(b, "approved_when");

	printf("%s  %s  %lld keys from %s", json_text(b, "batch"), given,
	    (long long)json_integer_value(json_object_get(b, "keys")), json_text(b, "from"));
	if (json_is_string(json_object_get(b, "with")))
		printf(" with %s", json_text(b, "with"));
	printf(" to %s, by %s\n", text_of(b, "to"), text_of(b, "given_by"));
	if (json_is_string(json_object_get(b, "approved_by")))
		printf("  approved by %s at %s\n", json_text(b, "approved_by"), approved);
	else
		puts("  approved by nobody");
}

/* Held against docs/openapi.yaml by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"batch", TABLE_HEX, false, NULL},
    {"given_when", TABLE_WHEN, false, NULL},
    {"given_by", TABLE_TEXT, false, NULL},
    {"keys", TABLE_NUMBER, false, NULL},
    {"from", TABLE_TEXT, false, NULL},
    {"with", TABLE_TEXT, false, NULL},
    {"to", TABLE_TEXT, false, NULL},
    {"approved_by", TABLE_TEXT, false, NULL},
    {"approved_when", TABLE_WHEN, false, NULL},
};
static const struct table table = {columns, COUNT_OF(columns),
    "batch,given_when,keys,from,with,to,given_by,approved_by,approved_when", NULL};

bool
cmd_archive_list(struct work *w, struct err *err)
{
	OWNED(record_pages_free)
	struct record_pages p = {.path = BATCHES, .member = "batches", .id = "batch"};

	return record_list(w, &p, &table, NULL, err);
}

bool
cmd_archive_approve(struct work *w, struct err *err)
{
	const char *batch = w->cli->args[0];
	OWNED(own_memory) char *path = text_printf(BATCHES "/%s/approve", batch);
	OWNED(own_json) json_t *body = json_object();
	OWNED(own_json) json_t *answer = NULL;
	OWNED(buf_free) struct buf id = {0};

	if (!hex_decode(batch, &id, err) || id.len == 0)
		return err_set(err, DIRCA_E_USAGE, "'%s' is no name of a batch", batch);
	if (!http_client_json(w->ca, "POST", path, body, &answer, err))
		return false;
	if (w->cli->opt.json)
		print_json(own_give(&answer));
	else
		print_batch(answer);
	return true;
}
