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
	const json_t *key;
	size_t i;

	if (is_state(c, "waiting"))
		printf("A second certificate manager decides until %s:\n"
		       "  dirca case approve %lld%s\n  dirca case deny %lld%s\n",
		    text_of(c, "usable_until"), id_of(c), ca, id_of(c), ca);
	if (!is_state(c, "open"))
		return;
	printf("%s fetches until %s:\n", json_text(c, "opened_by"), text_of(c, "usable_until"));
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

static void
print_line(const json_t *c)
{
	size_t count = json_array_size(json_object_get(c, "keys"));

	printf("%6lld  %-8s  %s  %s  %zu of %s  %s %s\n", id_of(c), json_text(c, "state"),
	    text_of(c, "usable_until"), json_text(c, "opened_by"), count, text_of(c, "owner"),
	    json_text(c, "reason"), text_of(c, "ticket"));
}

bool
cmd_case_list(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(record_pages_free) struct record_pages p = {.path = CASES, .member = "cases"};

	record_filter(&p, "state", opt->state);
	record_filter(&p, "owner", opt->owner);
	record_filter(&p, "officer", opt->opened_by);
	record_filter(&p, "serial_number", opt->serial);
	return record_list(w, &p, print_line, err);
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
	printf("%-16s  %s, fetched %lld times, last %s, arrived %s\n", "key", key_name(key),
	    (long long)json_integer_value(json_object_get(key, "fetches")),
	    text_of(key, "fetched_when"), text_of(key, "received_when"));
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
		if (json_is_string(value))
			printf("%-16s  %s\n", name, json_string_value(value));
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
