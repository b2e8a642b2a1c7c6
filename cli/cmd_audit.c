/* dirca audit log, export, verify, compare. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit_export.h"
#include "clock.h"
#include "daemon_run.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "oids.h"
#include "own_json.h"
#include "print.h"
#include "record_pages.h"
#include "text.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

static json_t *
record_text(const json_t *a)
{
	long long request = json_integer_value(json_object_get(a, "request_id"));
	long long event = json_integer_value(json_object_get(a, "event"));
	bool success = json_is_true(json_object_get(a, "success"));
	bool detailed = json_is_string(json_object_get(a, "detail"));
	bool about = json_is_string(json_object_get(a, "object"));
	OWNED(own_memory)
	char *of = request > 0 ? text_printf(", request %lld", request) : mem_text("");

	return json_sprintf("%s%s%s: %s%s%s%s%s%s%s", audit_event_text((enum audit_event)event),
	    success ? "" : ", refused or failed with ", success ? "" : json_text(a, "status"),
	    json_text(a, "actor"), of, about ? ", " : "", about ? json_text(a, "object") : "",
	    detailed ? " (" : "", detailed ? json_text(a, "detail") : "", detailed ? ")" : "");
}

/* Held against docs/openapi.yaml by tests/lint/openapi.py. */
static const struct table_column columns[] = {
    {"row_id", TABLE_NUMBER, false, NULL},
    {"when", TABLE_WHEN, false, NULL},
    {"event", TABLE_NUMBER, false, NULL},
    {"success", TABLE_TEXT, false, NULL},
    {"status", TABLE_TEXT, false, NULL},
    {"actor", TABLE_TEXT, false, NULL},
    {"request_id", TABLE_NUMBER, false, NULL},
    {"object", TABLE_KEPT, false, NULL},
    {"detail", TABLE_TEXT, false, NULL},
    {"row_hash", TABLE_HEX, false, NULL},
    {"text", TABLE_TEXT, false, record_text},
};
static const struct table table = {columns, COUNT_OF(columns), "row_id,when,event,text", NULL};

/* ArcSight's Common Event Format, version 0: in the head \ and |, in the extension \ and = are
 * escaped, and line breaks. */
static void
print_cef_text(const char *text, char special)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			printf("\\n");
		else if (*text == '\\' || *text == special)
			printf("\\%c", *text);
		else if (*text != '\r')
			putchar(*text);
}

static void
print_cef_member(const json_t *a, const char *member, const char *key)
{
	const char *text = json_string_value(json_object_get(a, member));

	if (text == NULL)
		return;
	printf(" %s=", key);
	print_cef_text(text, '=');
}

static void
print_cef(const json_t *a)
{
	long long event = json_integer_value(json_object_get(a, "event"));
	long long request = json_integer_value(json_object_get(a, "request_id"));
	bool success = json_is_true(json_object_get(a, "success"));
	int64_t when = 0;

	(void)clock_parse(json_text(a, "when"), &when);
	printf("CEF:0|dirca|dirca|" DIRCA_VERSION "|%lld|", event);
	print_cef_text(audit_event_text((enum audit_event)event), '|');
	printf("|%d|rt=%lld externalId=%lld outcome=%s", success ? 3 : 6, (long long)when * 1000,
	    (long long)json_integer_value(json_object_get(a, "row_id")),
	    success ? "success" : "failure");
	print_cef_member(a, "actor", "suser");
	if (!success)
		print_cef_member(a, "status", "reason");
	if (request > 0)
		printf(" cn1Label=request cn1=%lld", request);
	if (json_is_string(json_object_get(a, "object")))
		printf(" cs1Label=object");
	print_cef_member(a, "object", "cs1");
	print_cef_member(a, "detail", "msg");
	putchar('\n');
}

bool
cmd_audit_log(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/audit", .member = "records", .id = "row_id"};

	if (opt->keys_of != NULL && (opt->event != NULL || opt->object != NULL))
		return err_set(err, DIRCA_E_USAGE,
		    "--keys-of names event and object: it goes without --event and --object");
	if (opt->cef && (opt->json || opt->csv || opt->columns != NULL))
		return err_set(err, DIRCA_E_USAGE,
		    "--cef is a form of its own: it goes without --json, --csv and --columns");
	record_filter(&p, "event", opt->keys_of != NULL ? "key-retrieved" : opt->event);
	record_filter(&p, "actor", opt->actor);
	record_filter(&p, "object", opt->keys_of != NULL ? opt->keys_of : opt->object);
	record_filter(&p, "request", opt->request);
	return record_list(w, &p, &table, opt->cef ? print_cef : NULL, err);
}

struct exporting {
	FILE *to;
	const struct record_pages *pages;
	size_t count;
};

/* The checkpoint of that row, if the page has one. */
static const json_t *
checkpoint_of(const json_t *page, json_int_t row)
{
	const json_t *list = json_object_get(page, "checkpoints"), *c;
	size_t i;

	json_array_foreach(
	    list, i, c) if (json_integer_value(json_object_get(c, "row_id")) == row) return c;
	return NULL;
}

static bool
export_next(const json_t *record, void *arg, struct err *err)
{
	struct exporting *e = arg;
	const json_t *checkpoint =
	    checkpoint_of(e->pages->page, json_integer_value(json_object_get(record, "row_id")));

	e->count++;
	return audit_export_record(e->to, record, err) &&
	       (checkpoint == NULL || audit_export_checkpoint(e->to, checkpoint, err));
}

/* So that the export has an end that is signed. A CA whose trail was cut can sign none: then the
 * export shows it. */
static void
ask_for_checkpoint(struct work *w)
{
	OWNED(own_json) json_t *answer = NULL;
	struct err err;

	if (!http_client_json(w->ca, "POST", "/dirca/v1/audit/checkpoints", NULL, &answer, &err))
		err_print("dirca audit export: no new checkpoint", &err);
}

/* The line that names row `after`. */
static bool
begin_behind(struct work *w, long long after, FILE *to, struct err *err)
{
	OWNED(own_memory)
	char *path = text_printf("/dirca/v1/audit?after=%lld&limit=1", after - 1);
	OWNED(own_json) json_t *answer = NULL, *head = NULL;
	const json_t *row;

	if (!http_client_json(w->ca, "GET", path, NULL, &answer, err))
		return false;
	row = json_array_get(json_object_get(answer, "records"), 0);
	if (json_integer_value(json_object_get(row, "row_id")) != after)
		return err_set(err, CRYPT_E_NOT_FOUND, "the audit trail has no row %lld", after);
	head = json_pack("{s:O, s:O}", "row_id", json_object_get(row, "row_id"), "row_hash",
	    json_object_get(row, "row_hash"));
	return audit_export_from(to, head, err);
}

static bool
export_to(struct work *w, FILE *to, size_t *count_out, struct err *err)
{
	struct exporting e = {.to = to};
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/audit",
	    .member = "records",
	    .after = record_after(&w->cli->opt),
	    .left = INT64_MAX,
	    .each = export_next,
	    .arg = &e};

	e.pages = &p;
	ask_for_checkpoint(w);
	if ((p.after != NULL && !begin_behind(w, w->cli->opt.after, to, err)) ||
	    !record_pages_walk(w, &p, err) || !audit_export_head(to, p.head, err))
		return false;
	*count_out = e.count;
	return fflush(to) == 0 || err_errno(err, DIRCA_E_IO, "the export");
}

static bool
export_to_file(struct work *w, const char *path, size_t *count_out, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	OWNED(own_file) FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (to == NULL)
		return err_errno(err, errno == EEXIST ? ERROR_FILE_EXISTS : DIRCA_E_IO, "%s", path);
	if (export_to(w, to, count_out, err))
		return true;
	(void)unlink(path);
	return err_prefix(err, "%s", path);
}

bool
cmd_audit_export(struct work *w, struct err *err)
{
	const char *path = w->cli->opt.out;
	size_t count = 0;

	if (path == NULL)
		return export_to(w, stdout, &count, err);
	if (!export_to_file(w, path, &count, err))
		return false;
	printf("%s: %zu record(s).\n", path, count);
	return true;
}

/* *finding_out: the export is not what it was, which is what was asked. */
static bool
verify_file(const char *path, const struct audit_known *known, struct audit_export *e,
    bool *finding_out, struct err *err)
{
	OWNED(own_file) FILE *from = NULL;
	struct err other;

	*finding_out = false;
	if (!file_open_stream(path, true, &from, err))
		return false;
	if (audit_export_verify(from, known, e, err))
		return true;
	if (e->head.count == 0 && !given_begins_as(path, from, GIVEN_EXPORT, &other)) {
		*err = other;
		return false;
	}
	*finding_out = err->code == CRYPT_E_HASH_VALUE || err->code == ERROR_INVALID_DATA ||
		       err->code == CRYPT_E_NOT_FOUND;
	return false;
}

static void
print_signed(const struct audit_export *e, bool is_looked_at)
{
	if (!is_looked_at) {
		puts("Signatures were not looked at; --ca names the CA's certificate.");
		return;
	}
	printf("The CA signed it up to row %lld, on ", (long long)e->signed_row);
	print_when(stdout, e->signed_when);
	if (e->head.count > e->signed_row)
		printf("; row(s) %lld to %lld came later", (long long)e->signed_row + 1,
		    (long long)e->head.count);
	puts(".");
}

static void
print_verified(const struct audit_export *e, const struct audit_known *known)
{
	OWNED(own_memory) char *head = trail_head_text(&e->head);

	if (e->first > 0) {
		printf("Rows %lld to %lld, from ", (long long)e->first, (long long)e->head.count);
		print_when(stdout, e->first_when);
		printf(" to ");
		print_when(stdout, e->last_when);
		printf(": the chain holds.\n");
		print_signed(e, known->ca_count > 0);
	} else {
		puts("No rows.");
	}
	printf("Head: %s\n", head);
}

/* Each file goes on where the one before it ended. */
static bool
verify_files(struct work *w, struct audit_known *known, struct err *err)
{
	struct trail_head end;

	for (int i = 0; i < w->cli->count; i++) {
		struct audit_export e = {0};
		bool is_finding;

		if (w->cli->count > 1)
			printf("%s: ", w->cli->args[i]);
		if (verify_file(w->cli->args[i], known, &e, &is_finding, err)) {
			print_verified(&e, known);
			end = e.head;
			known->after = &end;
			continue;
		}
		if (!is_finding)
			return false;
		printf("%s\nThe chain holds up to row %lld.\n", err->msg, (long long)e.head.count);
		w->status = CLI_FINDINGS;
		return true;
	}
	return true;
}

bool
cmd_audit_verify(struct work *w, struct err *err)
{
	const char *given = w->cli->opt.head;
	OWNED(pkix_certs_free) struct pkix_certs trusted = {0};
	OWNED(own_memory) const struct pkix_cert **cas = NULL;
	struct audit_known known = {0};
	struct trail_head head;

	if ((given != NULL && !trail_head_parse(given, &head, err)) || !oids_init(err) ||
	    !trusted_cas_add_files(&trusted, &w->cli->opt.trusted_cas, err))
		return false;
	cas = mem_zero(trusted.count, sizeof(*cas));
	for (size_t i = 0; i < trusted.count; i++)
		cas[i] = &trusted.list[i];
	known.head = given != NULL ? &head : NULL;
	known.cas = cas;
	known.ca_count = trusted.count;
	return verify_files(w, &known, err);
}

bool
cmd_audit_compare(struct work *w, struct err *err)
{
	const char *const args[] = {"--audit-compare", w->cli->opt.json ? "--json" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}
