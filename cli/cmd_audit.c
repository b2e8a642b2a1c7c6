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
#include "record_pages.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

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

bool
cmd_audit_log(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/audit", .member = "records"};

	record_filter(&p, "event", opt->event);
	record_filter(&p, "actor", opt->actor);
	record_filter(&p, "object", opt->object);
	record_filter(&p, "request", opt->request);
	return record_list(w, &p, print_record, err);
}

struct exporting {
	FILE *to;
	size_t count;
};

static bool
export_next(const json_t *record, void *arg, struct err *err)
{
	struct exporting *e = arg;

	e->count++;
	return audit_export_record(e->to, record, err);
}

static bool
export_to(struct work *w, FILE *to, size_t *count_out, struct err *err)
{
	struct exporting e = {.to = to};
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/audit",
	    .member = "records",
	    .left = INT64_MAX,
	    .each = export_next,
	    .arg = &e};

	if (!record_pages_walk(w, &p, err) || !audit_export_head(to, p.head, err))
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
