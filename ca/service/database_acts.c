/* The database on the CA's machine: copied, checked, measured, made small. */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "service.h"
#include "state_lock.h"
#include "store.h"
#include "text.h"

static void
print_findings(const struct texts *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		puts(findings->list[i]);
	if (findings->count == 0)
		puts("The database is sound.");
}

static void
print_findings_json(const struct texts *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++)
		json_array_append_new(list, json_string(findings->list[i]));
	act_print_json(
	    json_pack("{s:b, s:o}", "sound", (int)(findings->count == 0), "findings", list));
}

static bool
check(const struct config *config, const char *path, struct texts *findings, struct err *err)
{
	OWNED(store_close) struct store *store = NULL;

	return act_open_store(config, path, &store, err) && store_check(store, findings, err);
}

int
act_check_database(const struct config *config, const char *path, bool json)
{
	OWNED(texts_free) struct texts findings = {0};
	struct err err;

	if (!check(config, path, &findings, &err))
		return act_failed(&err, 1);
	if (json)
		print_findings_json(&findings);
	else
		print_findings(&findings);
	return findings.count > 0 ? ACT_FINDINGS : 0;
}

static bool
measure(const struct config *config, struct store_size *out, struct err *err)
{
	OWNED(store_close) struct store *store = NULL;

	return act_open_store(config, NULL, &store, err) && store_size(store, out, err);
}

static json_t *
json_size(const struct store_size *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
	    (json_int_t)s->version, "bytes", (json_int_t)(s->pages * s->page_bytes), "free_bytes",
	    (json_int_t)(s->free_pages * s->page_bytes), "requests", (json_int_t)s->requests,
	    "archived_keys", (json_int_t)s->archived_keys, "audit_rows", (json_int_t)s->audit_rows,
	    "crls", (json_int_t)s->crls, "crl_bytes", (json_int_t)s->crl_bytes);
}

int
act_size_database(const struct config *config, bool json)
{
	struct store_size s;
	struct err err;

	if (!measure(config, &s, &err))
		return act_failed(&err, 1);
	if (json) {
		act_print_json(json_size(&s));
		return 0;
	}
	printf("Schema         %" PRId64 "\n"
	       "Size           %" PRId64 " bytes, %" PRId64 " of them free\n"
	       "Requests       %" PRId64 "\n"
	       "Archived keys  %" PRId64 "\n"
	       "Audit rows     %" PRId64 "\n"
	       "CRLs           %" PRId64 ", %" PRId64 " bytes\n",
	    s.version, s.pages * s.page_bytes, s.free_pages * s.page_bytes, s.requests,
	    s.archived_keys, s.audit_rows, s.crls, s.crl_bytes);
	return 0;
}

static void
show_pages(void *arg, int pages, int of)
{
	bool *terminal = arg;

	if (*terminal && of > 0)
		fprintf(stderr, "\rdatabase: %d %% ", (int)((int64_t)pages * 100 / of));
}

static bool
copy(const struct config *config, const char *path, struct err *err)
{
	OWNED(own_memory) char *own = config_path(config, "dirca.db");
	bool terminal = isatty(STDERR_FILENO) == 1;
	bool ok =
	    service_become(config->user, err) && store_copy(own, path, show_pages, &terminal, err);

	if (terminal)
		fputs("\r\033[K", stderr);
	return ok;
}

static bool
examine(const struct config *config, const char *path, struct texts *findings,
    struct store_size *size, struct err *err)
{
	OWNED(store_close) struct store *store = NULL;

	return act_open_store(config, path, &store, err) && store_check(store, findings, err) &&
	       store_size(store, size, err);
}

int
act_copy_database(const struct config *config, const char *name)
{
	OWNED(own_memory) char *path = config_path(config, name);
	OWNED(texts_free) struct texts findings = {0};
	struct store_size s;
	struct err err;

	if (strchr(name, '/') != NULL)
		return 2;
	if (!copy(config, path, &err) || !examine(config, path, &findings, &s, &err)) {
		unlink(path);
		return act_failed(&err, 1);
	}
	if (findings.count > 0) {
		unlink(path);
		print_findings(&findings);
		return ACT_FINDINGS;
	}
	printf("Database: %" PRId64 " requests, %" PRId64 " archived keys, %" PRId64
	       " audit rows; sound.\n",
	    s.requests, s.archived_keys, s.audit_rows);
	return 0;
}

int
act_vacuum_database(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(own_fd) int lock = -1;
	struct err err;

	return state_lock(config, &lock, &err) && service_become(config->user, &err) &&
		       store_vacuum(path, &err)
		   ? 0
		   : act_failed(&err, 1);
}

static bool
version(const struct config *config, int *has, int *program, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");

	return service_become(config->user, err) && store_version(path, has, program, err);
}

int
act_database_version(const struct config *config, bool json)
{
	int has, program;
	struct err err;

	if (!version(config, &has, &program, &err))
		return act_failed(&err, 1);
	if (json)
		act_print_json(json_pack("{s:i, s:i, s:b}", "database", has, "program", program,
		    "due", (int)(has < program)));
	else
		printf("Database  version %d\nProgram   version %d%s\n", has, program,
		    has < program   ? "; it is migrated at the next start (`dirca db migrate -n` "
				      "tries that on a copy)"
		    : has > program ? "; a newer program made it, and this one does not start"
				    : "");
	return 0;
}

/* SQLite's own beside it, too. */
static void
remove_database(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		OWNED(own_memory) char *name = text_printf("%s%s", path, suffixes[i]);

		unlink(name);
	}
}

/* Opening migrates. */
static int
migrate_file(const struct config *config, const char *path, const char *where, struct err *err)
{
	OWNED(texts_free) struct texts findings = {0};
	int64_t begun = clock_mono_ms();
	struct store_size s;

	if (!examine(config, path, &findings, &s, err))
		return act_failed(err, 1);
	if (findings.count > 0) {
		print_findings(&findings);
		return ACT_FINDINGS;
	}
	printf("%s: version %" PRId64 ", %" PRId64 " requests, %" PRId64 " archived keys, %" PRId64
	       " audit rows; sound. It took %.1f s.\n",
	    where, s.version, s.requests, s.archived_keys, s.audit_rows,
	    (double)(clock_mono_ms() - begun) / 1000);
	return 0;
}

int
act_migrate_database(const struct config *config, bool dry_run)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(own_memory) char *trial = config_path(config, "dirca.db-trial");
	OWNED(own_fd) int lock = -1;
	int has, program, status;
	struct err err;

	if ((!dry_run && !state_lock(config, &lock, &err)) ||
	    !version(config, &has, &program, &err))
		return act_failed(&err, 1);
	printf("From version %d to %d.\n", has, program);
	if (!dry_run)
		return migrate_file(config, path, "The database", &err);
	remove_database(trial);
	if (!copy(config, trial, &err)) {
		remove_database(trial);
		return act_failed(&err, 1);
	}
	status = migrate_file(config, trial, "A copy, which is gone again", &err);
	remove_database(trial);
	return status;
}
