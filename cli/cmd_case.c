/* dirca case: why archived keys are recovered, who approves it, and what became of it. */
#include <stdio.h>
#include <string.h>

#include "command_words.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "record_pages.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define CASES "/dirca/v1/cases"

static long long
id_of(const json_t *c)
{
	return (long long)json_integer_value(json_object_get(c, "case_id"));
}

static bool
is_state(const json_t *c, const char *state)
{
	return strcmp(json_text(c, "state"), state) == 0;
}

/* "-" for what is not there. */
static const char *
text_of(const json_t *c, const char *name)
{
	return json_is_string(json_object_get(c, name)) ? json_text(c, name) : "-";
}

/* What names the key, and no other. */
static const char *
key_name(const json_t *key)
{
	const json_t *hash = json_object_get(key, "foreign_hash");

	return json_is_string(hash) ? json_string_value(hash) : text_of(key, "serial_number");
}

/* What can be typed next. */
static void
print_next(const struct work *w, const json_t *c)
{
	OWNED(own_memory) char *ca = command_ca(&w->session, NULL);
	OWNED(own_memory) char *until = json_when(c, "usable_until");
	const json_t *key;
	size_t i;

	if (is_state(c, "waiting"))
		printf("A second certificate manager decides until %s:\n"
		       "  dirca case approve %lld%s\n  dirca case deny %lld%s\n",
		    until, id_of(c), ca, id_of(c), ca);
	if (!is_state(c, "open"))
		return;
	printf("%s fetches until %s:\n", json_text(c, "opened_by"), until);
	json_array_foreach(json_object_get(c, "keys"), i, key)
	{
		if (!json_is_string(json_object_get(key, "received_when")))
			printf("  dirca getkey %s --case %lld%s\n", key_name(key), id_of(c), ca);
	}
}

static void
print_summary(const json_t *c)
{
	size_t count = json_array_size(json_object_get(c, "keys"));

	printf("Recovery case %lld about %zu key%s of %s is %s.\n", id_of(c), count,
	    count == 1 ? "" : "s", text_of(c, "owner"), json_text(c, "state"));
}

/* Of an answer that is a case. */
static void
show_summary(struct work *w, json_t **c)
{
	if (w->cli->opt.json) {
		print_json(own_give(c));
		return;
	}
	print_summary(*c);
	print_next(w, *c);
}

bool
cmd_case_open(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(own_json) json_t *keys = json_array();
	OWNED(own_json) json_t *body = NULL;
	OWNED(own_json) json_t *answer = NULL;
	long long hidden;

	if (opt->reason == NULL || opt->ticket == NULL)
		return err_set(err, DIRCA_E_USAGE, "--reason and --ticket are needed");
	for (int i = 0; i < w->cli->count; i++)
		json_array_append_new(keys, json_string(w->cli->args[i]));
	body = json_pack("{s:O, s:s, s:s, s:s*}", "keys", keys, "reason", opt->reason, "ticket",
	    opt->ticket, "note", opt->note);
	if (body == NULL)
		return err_set(err, DIRCA_E_USAGE, "what is not UTF-8 cannot be sent");
	if (!http_client_json(w->ca, "POST", CASES, body, &answer, err))
		return false;
	hidden = (long long)json_integer_value(json_object_get(answer, "hidden"));
	show_summary(w, &answer);
	if (hidden > 0)
		fprintf(
		    stderr, "%lld more that you may not manage (officer restrictions)\n", hidden);
	return true;
}

static json_t *
count_keys(const json_t *c)
{
	return json_integer((json_int_t)json_array_size(json_object_get(c, "keys")));
}

static json_t *
serial_numbers(const json_t *c)
{
	json_t *list = json_array();
	const json_t *key;
	size_t i;

	json_array_foreach(json_object_get(c, "keys"), i, key)
	    json_array_append_new(list, json_string(key_name(key)));
	return list;
}

/* Held against docs/openapi.yaml by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"case_id", TABLE_NUMBER, false, NULL},
    {"state", TABLE_TEXT, false, NULL},
    {"reason", TABLE_TEXT, false, NULL},
    {"ticket", TABLE_TEXT, false, NULL},
    {"note", TABLE_TEXT, false, NULL},
    {"owner", TABLE_TEXT, false, NULL},
    {"opened_by", TABLE_TEXT, false, NULL},
    {"opened_when", TABLE_WHEN, false, NULL},
    {"needs_approver", TABLE_TEXT, false, NULL},
    {"approved_by", TABLE_TEXT, false, NULL},
    {"approved_when", TABLE_WHEN, false, NULL},
    {"usable_until", TABLE_WHEN, false, NULL},
    {"ended_by", TABLE_TEXT, false, NULL},
    {"ended_when", TABLE_WHEN, false, NULL},
    {"ended_why", TABLE_TEXT, false, NULL},
    {"key_count", TABLE_NUMBER, false, count_keys},
    {"serial_numbers", TABLE_HEX, false, serial_numbers},
};
static const struct table table = {columns, COUNT_OF(columns),
    "case_id,state,usable_until,opened_by,key_count,owner,reason,ticket", NULL};

bool
cmd_case_list(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(record_pages_free)
	struct record_pages p = {.path = CASES, .member = "cases", .id = "case_id"};

	record_filter(&p, "state", opt->state);
	record_filter(&p, "owner", opt->owner);
	record_filter(&p, "officer", opt->opened_by);
	record_filter(&p, "serial_number", opt->serial);
	return record_list(w, &p, &table, NULL, err);
}

static char *
case_path(const struct work *w, const char *what, struct err *err)
{
	int64_t id;

	if (text_to_int(w->cli->args[0], 1, INT64_MAX, &id))
		return text_printf(CASES "/%lld%s", (long long)id, what);
	err_set(err, DIRCA_E_USAGE, "'%s' is no number of a recovery case", w->cli->args[0]);
	return NULL;
}

static void
print_key(const json_t *key)
{
	OWNED(own_memory) char *fetched = json_when(key, "fetched_when");
	OWNED(own_memory) char *received = json_when(key, "received_when");

	printf("%-16s  %s, fetched %lld times, last %s, arrived %s\n", "key", key_name(key),
	    (long long)json_integer_value(json_object_get(key, "fetches")), fetched, received);
}

static void
print_case(json_t *c)
{
	const char *name;
	const json_t *key;
	json_t *value;
	size_t i;

	json_object_foreach(c, name, value)
	{
		OWNED(own_memory) char *text = json_when(c, name);

		if (json_is_string(value))
			printf("%-16s  %s\n", name, text);
	}
	json_array_foreach(json_object_get(c, "keys"), i, key) print_key(key);
}

bool
cmd_case_show(struct work *w, struct err *err)
{
	OWNED(own_memory) char *path = case_path(w, "", err);
	OWNED(own_json) json_t *answer = NULL;

	if (path == NULL || !http_client_json(w->ca, "GET", path, NULL, &answer, err))
		return false;
	if (w->cli->opt.json) {
		print_json(own_give(&answer));
		return true;
	}
	print_summary(answer);
	print_case(answer);
	print_next(w, answer);
	return true;
}

static bool
decide(struct work *w, const char *what, struct err *err)
{
	OWNED(own_memory) char *path = case_path(w, what, err);
	OWNED(own_json) json_t *body = json_pack("{s:s*}", "reason", w->cli->opt.reason);
	OWNED(own_json) json_t *answer = NULL;

	if (path == NULL)
		return false;
	if (body == NULL)
		return err_set(err, DIRCA_E_USAGE, "what is not UTF-8 cannot be sent");
	if (!http_client_json(w->ca, "POST", path, body, &answer, err))
		return false;
	show_summary(w, &answer);
	return true;
}

bool
cmd_case_approve(struct work *w, struct err *err)
{
	return decide(w, "/approve", err);
}

bool
cmd_case_deny(struct work *w, struct err *err)
{
	return decide(w, "/deny", err);
}

bool
cmd_case_close(struct work *w, struct err *err)
{
	return decide(w, "/close", err);
}
