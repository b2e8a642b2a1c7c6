/* dirca audit log, export, verify, compare. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit_export.h"
#include "daemon_run.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

/* A trail that is taken page by page: none is held whole. */
struct reading {
	char *filter;    /* "&event=787" ... */
	long long after; /* of the next page; 0 after the last */
	int64_t left;    /* how many are still wanted */
	bool json;
	size_t printed;
	FILE *to;
	json_t *head; /* of the newest page */
};

static void
reading_free(struct reading *r)
{
	free(r->filter);
	json_decref(r->head);
}

typedef bool each_record(struct reading *r, const json_t *record, struct err *err);

static bool
take_page(struct work *w, struct reading *r, each_record *each, struct err *err)
{
	OWNED(own_memory)
	char *path = text_printf("/dirca/v1/audit?after=%lld&limit=%lld%s", r->after,
	    (long long)(r->left < CLI_PAGE ? r->left : CLI_PAGE), r->filter);
	OWNED(own_json) json_t *answer = NULL;
	const json_t *rows, *row;
	long long next;
	size_t i;

	if (!http_client_json(w->ca, "GET", path, NULL, &answer, err))
		return false;
	rows = json_object_get(answer, "records");
	json_array_foreach(rows, i, row)
	{
		if (!each(r, row, err))
			return false;
		r->left--;
	}
	next = json_integer_value(json_object_get(answer, "next"));
	/* A CA that gives the same page again is not asked for ever. */
	r->after = next > r->after ? next : 0;
	json_decref(r->head);
	r->head = json_incref(json_object_get(answer, "head"));
	return true;
}

static bool
take_all(struct work *w, struct reading *r, each_record *each, struct err *err)
{
	do
		if (!take_page(w, r, each, err))
			return false;
	while (r->after > 0 && r->left > 0);
	return true;
}

static void
add_filter(char **to, const char *name, const char *value)
{
	OWNED(own_memory) char *escaped = value != NULL ? http_escape(value) : NULL;
	OWNED(own_memory) char *before = *to;

	*to = escaped != NULL ? text_printf("%s&%s=%s", before, name, escaped) : own_give(&before);
}

static void
print_record(const json_t *a)
{
	long long request = json_integer_value(json_object_get(a, "request_id"));
	long long event = json_integer_value(json_object_get(a, "event"));
	bool success = json_is_true(json_object_get(a, "success"));

	printf("%6lld  %s  %4lld %s%s%s: %s",
	    (long long)json_integer_value(json_object_get(a, "row_id")), json_text(a, "when"),
	    event, audit_event_text((enum audit_event)event),
	    success ? "" : ", refused or failed with ", success ? "" : json_text(a, "status"),
	    json_text(a, "actor"));
	if (request > 0)
		printf(", request %lld", request);
	if (json_is_string(json_object_get(a, "object")))
		printf(", %s", json_text(a, "object"));
	if (json_is_string(json_object_get(a, "detail")))
		printf(" (%s)", json_text(a, "detail"));
	putchar('\n');
}

static bool
print_next(struct reading *r, const json_t *record, struct err *err)
{
	(void)err;
	if (r->json)
		print_json_next(record, r->printed);
	else
		print_record(record);
	r->printed++;
	return true;
}

bool
cmd_audit_log(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(reading_free)
	struct reading r = {
	    .filter = mem_text(""), .json = opt->json, .after = opt->after, .left = cli_limit(opt)};

	add_filter(&r.filter, "event", opt->event);
	add_filter(&r.filter, "actor", opt->actor);
	add_filter(&r.filter, "object", opt->object);
	add_filter(&r.filter, "request", opt->request);
	if (!take_all(w, &r, print_next, err))
		return false;
	if (opt->json)
		print_json_end(r.printed);
	cli_say_more(r.after);
	return true;
}

static bool
export_next(struct reading *r, const json_t *record, struct err *err)
{
	r->printed++;
	return audit_export_record(r->to, record, err);
}

static bool
export_to(struct work *w, FILE *to, size_t *count_out, struct err *err)
{
	OWNED(reading_free)
	struct reading r = {.filter = mem_text(""), .left = INT64_MAX, .to = to};

	if (!take_all(w, &r, export_next, err) || !audit_export_head(to, r.head, err))
		return false;
	*count_out = r.printed;
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

static bool
verify_file(
    const char *path, const struct trail_head *known, struct audit_export *e, struct err *err)
{
	OWNED(own_file) FILE *from = fopen(path, "re");

	if (from == NULL)
		return err_errno(
		    err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO, "%s", path);
	return audit_export_verify(from, known, e, err);
}

static void
print_verified(const struct audit_export *e)
{
	OWNED(own_memory) char *head = trail_head_text(&e->head);

	if (e->head.count > 0) {
		printf("Rows 1 to %lld, from ", (long long)e->head.count);
		print_when(stdout, e->first_when);
		printf(" to ");
		print_when(stdout, e->last_when);
		printf(": the chain holds.\n");
	} else {
		puts("No rows.");
	}
	printf("Head: %s\n", head);
}

bool
cmd_audit_verify(struct work *w, struct err *err)
{
	const char *given = w->cli->opt.head;
	struct audit_export e = {0};
	struct trail_head known;

	if (given != NULL && !trail_head_parse(given, &known, err))
		return false;
	if (verify_file(w->cli->args[0], given != NULL ? &known : NULL, &e, err)) {
		print_verified(&e);
		return true;
	}
	if (err->code != CRYPT_E_HASH_VALUE && err->code != ERROR_INVALID_DATA)
		return false;
	/* That is what was asked. */
	printf("%s\nThe chain holds up to row %lld.\n", err->msg, (long long)e.head.count);
	w->status = CLI_FINDINGS;
	return true;
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
