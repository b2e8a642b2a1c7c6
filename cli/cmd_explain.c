/* dirca explain enroll, explain recover, explain request: what the CA would decide now, as it says
 * itself. */
#include <stdlib.h>
#include <string.h>

#include "command_words.h"
#include "own_json.h"
#include "print.h"
#include "template_common.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

struct question {
	const char *path, *first,
	    *second;      /* names of the verb's arguments; the latter may be NULL */
	bool of_template; /* the second is one, by any of its names */
	void (*print)(const struct work *w, const json_t *answer);
};

static bool
ask_why(struct work *w, const struct question *q, json_t **out, struct err *err)
{
	OWNED(own_memory) char *first = http_escape(w->cli->args[0]);
	OWNED(own_memory) char *template = NULL, *second = NULL, *path = NULL;

	if (q->of_template &&
	    (template = template_row_name(&w->session, w->cli->args[1], err)) == NULL)
		return false;
	if (q->second != NULL)
		second = http_escape(template != NULL ? template : w->cli->args[1]);
	path = text_printf("%s?%s=%s%s%s%s%s", q->path, q->first, first, second != NULL ? "&" : "",
	    second != NULL ? q->second : "", second != NULL ? "=" : "",
	    second != NULL ? second : "");
	return http_client_json(w->ca, "GET", path, NULL, out, err);
}

static void
print_steps(const struct work *w, const json_t *steps, const char *indent)
{
	OWNED(own_memory) char *ca = command_ca(&w->session, NULL);
	size_t i;
	json_t *s;

	json_array_foreach(steps, i, s)
	{
		const char *verdict = json_text(s, "verdict");
		OWNED(own_memory)
		char *reason = command_complete(w->cli, json_text(s, "reason"), ca);

		printf("%s%-7s  %-14s  %s\n", indent,
		    strcmp(verdict, "passed") == 0    ? "ok"
		    : strcmp(verdict, "refused") == 0 ? "REFUSED"
						      : "note",
		    json_text(s, "check"), reason);
		if (json_is_string(json_object_get(s, "ace")))
			printf("%s%-25s  by %s\n", indent, "", json_text(s, "ace"));
		if (json_is_string(json_object_get(s, "group_path")))
			printf("%s%-25s  as %s\n", indent, "", json_text(s, "group_path"));
	}
}

static void
print_refusal(const struct work *w, const json_t *answer, const char *indent)
{
	const json_t *r = json_object_get(answer, "refusal");
	OWNED(own_memory) char *ca = command_ca(&w->session, NULL);
	OWNED(own_memory) char *message = command_complete(w->cli, json_text(r, "message"), ca);

	if (json_is_object(r))
		printf(
		    "%s%s (%s %s)\n", indent, message, json_text(r, "code"), json_text(r, "name"));
}

static void
print_enroll(const struct work *w, const json_t *answer)
{
	printf("%s and template %s: %s\n", json_text(answer, "user"), json_text(answer, "template"),
	    json_text(answer, "outcome"));
	print_refusal(w, answer, "  ");
	if (json_is_string(json_object_get(answer, "assumed")))
		printf("  assumed: %s\n", json_text(answer, "assumed"));
	print_steps(w, json_object_get(answer, "steps"), "  ");
}

static void
print_recover(const struct work *w, const json_t *answer)
{
	const json_t *keys = json_object_get(answer, "keys");
	size_t i;
	json_t *k;

	printf("%s and the archived keys of %s: %zu\n", json_text(answer, "officer"),
	    json_text(answer, "user"), json_array_size(keys));
	json_array_foreach(keys, i, k)
	{
		printf("\n  request %lld, serial number %s, template %s, requester %s: %s\n",
		    (long long)json_integer_value(json_object_get(k, "request_id")),
		    json_text(k, "serial_number"), json_text(k, "template"),
		    json_text(k, "requester_name"),
		    json_is_true(json_object_get(k, "allowed")) ? "allowed" : "refused");
		print_refusal(w, k, "    ");
		print_steps(w, json_object_get(k, "steps"), "    ");
	}
	if (json_integer_value(json_object_get(answer, "omitted")) > 0)
		printf("\n  and %lld more\n",
		    (long long)json_integer_value(json_object_get(answer, "omitted")));
}

static void
print_request(const struct work *w, const json_t *answer)
{
	printf("request %lld of %s, template %s, which is %s: %s\n",
	    (long long)json_integer_value(json_object_get(answer, "request_id")),
	    json_text(answer, "requester_name"), json_text(answer, "template"),
	    json_text(answer, "disposition"),
	    json_is_true(json_object_get(answer, "allowed")) ? "would be issued" : "would stay");
	print_refusal(w, answer, "  ");
	print_steps(w, json_object_get(answer, "steps"), "  ");
}

static bool
explain(struct work *w, const struct question *q, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;

	if (!ask_why(w, q, &answer, err))
		return false;
	if (w->cli->opt.json)
		print_json(own_give(&answer));
	else
		q->print(w, answer);
	return true;
}

bool
cmd_explain_enroll(struct work *w, struct err *err)
{
	return explain(w,
	    &(struct question){"/dirca/v1/explain/enroll", "user", "template", true, print_enroll},
	    err);
}

bool
cmd_explain_recover(struct work *w, struct err *err)
{
	return explain(w,
	    &(struct question){
		"/dirca/v1/explain/recover", "officer", "user", false, print_recover},
	    err);
}

bool
cmd_explain_request(struct work *w, struct err *err)
{
	return explain(w,
	    &(struct question){"/dirca/v1/explain/request", "request", NULL, false, print_request},
	    err);
}
