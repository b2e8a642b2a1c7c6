/* dirca request show, export, set-attribute, set-extension: one request. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dump_types.h"
#include "dump_value.h"
#include "extension.h"
#include "file.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "request_list.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define COMMENT_OID    "2.16.840.1.113730.1.13" /* which is an IA5String */
#define EXTENSION_MOST 2048

/* A request stays what its requester signed, whatever becomes of the certificate. */
static bool
has_officer_values(const json_t *row)
{
	return json_array_size(json_object_get(row, "officer_attributes")) > 0 ||
	       json_array_size(json_object_get(row, "officer_extensions")) > 0;
}

bool
cmd_request_export(struct work *w, struct err *err)
{
	const char *file = w->cli->args[1];
	OWNED(own_memory) char *row_path = request_path(w->cli, "", err);
	OWNED(own_memory) char *path = request_path(w->cli, "/binary", err);
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(own_json) json_t *row = NULL;
	OWNED(buf_free) struct buf der = {0};

	if (row_path == NULL || path == NULL || !work_open(w, NEEDS_CA, err) ||
	    !http_client_json(w->ca, "GET", row_path, NULL, &row, err) ||
	    !http_client_request(w->ca, "GET", path, NULL, (struct view){0}, &answer, err) ||
	    !http_answer_check(&answer, err) || !http_answer_der(&answer, &der, err) ||
	    !file_create(file, buf_view(&der), 0644, err))
		return false;
	printf("%s written.\n", file);
	if (has_officer_values(row))
		printf("Not in it is what certificate managers set for the certificate: `dirca "
		       "request show %s`\n",
		    w->cli->args[0]);
	return true;
}

static void
print_values(const char *what, const json_t *list)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
	{
		OWNED(own_memory) char *when = json_when(v, "set_when");

		printf("%s %s%s = %s (%s, %s)\n", what, json_text(v, "name"),
		    json_is_true(json_object_get(v, "critical")) ? " (critical)" : "",
		    json_text(v, "value"), json_text(v, "set_by"), when);
	}
}

/* What the requester said, a line each. */
static void
print_attributes(const char *lines)
{
	for (size_t len; *lines != '\0'; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		printf("asked: %.*s\n", (int)len, lines);
	}
}

static void
print_groups(const json_t *list)
{
	size_t i;
	json_t *name;

	json_array_foreach(list, i, name)
	    printf("%-20s  %s\n", i == 0 ? "requester_groups" : "", json_string_value(name));
}

static void
print_request(json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach(row, name, value)
	{
		OWNED(own_memory) char *text = json_when(row, name);

		if (!json_is_array(value) && !json_is_object(value) &&
		    strcmp(name, "request_attributes") != 0)
			printf("%-20s  %s\n", name, text);
	}
	print_groups(json_object_get(row, "requester_groups"));
	print_attributes(json_text(row, "request_attributes"));
	print_values("set: attribute", json_object_get(row, "officer_attributes"));
	print_values("set: extension", json_object_get(row, "officer_extensions"));
	if (json_is_object(json_object_get(row, "request")))
		dump_print(json_object_get(row, "request"));
}

/* What the requester signed: what it says, and itself in base64. Of what was not kept, nothing. */
static bool
add_message(struct work *w, json_t *row, struct err *err)
{
	const struct key_passwords none = {0};
	OWNED(own_memory) char *path = request_path(w->cli, "/binary", err);
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_memory) char *base64 = NULL;
	json_t *told;
	struct err why;

	if (path == NULL ||
	    !http_client_request(w->ca, "GET", path, NULL, (struct view){0}, &answer, err))
		return false;
	if (!http_answer_check(&answer, &why) || !http_answer_der(&answer, &der, &why)) {
		json_object_set_new(row, "request", json_null());
		return true;
	}
	told = dump_as("auto", buf_view(&der), buf_view(&der), &none, &why);
	base64 = base64_encode(buf_view(&der));
	json_object_set_new(row, "request", told != NULL ? told : json_null());
	json_object_set_new(row, "raw_request", json_string(base64));
	return true;
}

bool
cmd_request_show(struct work *w, struct err *err)
{
	OWNED(own_memory) char *path = request_path(w->cli, "?groups=true", err);
	OWNED(own_json) json_t *row = NULL;

	if (path == NULL || !work_open(w, NEEDS_CA, err) ||
	    !http_client_json(w->ca, "GET", path, NULL, &row, err) || !add_message(w, row, err))
		return false;
	if (w->cli->opt.json) {
		print_json(own_give(&row));
		return true;
	}
	json_object_del(row, "raw_request");
	print_request(row);
	return true;
}

/* What has no value is taken away. */
static bool
set_value(struct work *w, const char *what, json_t *body, struct err *err)
{
	bool away = *json_text(body, "value") == '\0';
	OWNED(own_memory)
	char *how = text_printf("%s %s", away ? "without" : "with", json_text(body, "name"));

	return request_change(w, what, body, how, err);
}

bool
cmd_request_set_attribute(struct work *w, struct err *err)
{
	OWNED(own_json)
	json_t *body = json_pack("{s:s, s:s}", "name", w->cli->args[1], "value",
	    w->cli->count > 2 ? w->cli->args[2] : "");

	return set_value(w, "/attributes", body, err);
}

static bool
encode_date(const char *text, struct buf *out, struct err *err)
{
	int64_t when;

	return clock_parse(text, &when)
		   ? ext_value_instant(when, out, err)
		   : err_set(err, DIRCA_E_USAGE, "--date %s: not YYYY-MM-DDThh:mm:ssZ", text);
}

static bool
encode_number(const char *text, struct buf *out, struct err *err)
{
	int64_t number;

	return text_to_int(text, INT64_MIN, INT64_MAX, &number)
		   ? ext_value_number(number, out, err)
		   : err_set(err, DIRCA_E_USAGE, "--long %s: not a number", text);
}

/* Nothing with --remove. */
static bool
extension_value(const struct cli *cli, struct buf *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if ((o->file != NULL) + (o->string != NULL) + (o->number_value != NULL) +
		(o->date != NULL) + (int)o->remove !=
	    1)
		return err_set(err, DIRCA_E_USAGE,
		    "one of --file, --string, --long, --date and --remove is needed");
	if (o->file != NULL)
		return file_read(o->file, EXTENSION_MOST, out, err);
	if (o->string != NULL)
		return ext_value_text(o->string, strcmp(cli->args[1], COMMENT_OID) == 0, out, err);
	if (o->number_value != NULL)
		return encode_number(o->number_value, out, err);
	return o->date == NULL || encode_date(o->date, out, err);
}

bool
cmd_request_set_extension(struct work *w, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_memory) char *text = NULL;
	OWNED(own_json) json_t *body = NULL;

	if (!extension_value(w->cli, &der, err))
		return false;
	text = base64_encode(buf_view(&der));
	body = json_pack("{s:s, s:b, s:s}", "name", w->cli->args[1], "critical",
	    (int)w->cli->opt.critical, "value", text != NULL ? text : "");
	return set_value(w, "/extensions", body, err);
}
