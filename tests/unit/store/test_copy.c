/* store_copy, store_check, store_size, store_vacuum. */
#include "store_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "own.h"
#include "texts.h"

struct adder {
	struct fixture *f;
	atomic_bool stop;
	unsigned added;
};

static void *
keep_adding(void *arg)
{
	struct adder *a = arg;

	while (!atomic_load(&a->stop)) {
		struct sample s;

		sample_issued(&s, 1000000 + a->added);
		add_row(a->f, &s.row);
		a->added++;
	}
	return NULL;
}

static void
note_pages(void *arg, int pages, int of)
{
	int *last = arg;

	assert_in_range(pages, *last, of);
	*last = pages;
}

static void
fill(struct fixture *f, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct sample s;

		sample_issued(&s, i);
		add_row(f, &s.row);
	}
}

/* The copy is whole, of one moment, and does not begin anew with each commit meanwhile. */
static void
a_copy_is_of_one_moment(void **state)
{
	struct fixture *f = *state, copy = {0};
	struct adder a = {.f = f};
	OWNED(texts_free) struct texts findings = {0};
	pthread_t thread;
	int pages = 0;

	fill(f, 50);
	snprintf(copy.path, sizeof copy.path, "%s/copy.db", f->folder);
	assert_int_equal(pthread_create(&thread, NULL, keep_adding, &a), 0);
	assert_ok(f, store_copy(f->path, copy.path, note_pages, &pages, &f->err));
	atomic_store(&a.stop, true);
	pthread_join(thread, NULL);
	assert_true(pages > 0);
	assert_ok(&copy, store_open(copy.path, &copy.store, &copy.err));
	assert_ok(&copy, store_check(copy.store, &findings, &copy.err));
	assert_int_equal(findings.count, 0);
	assert_in_range(raw_number(&copy, "SELECT count(*) FROM Request"), 50, 50 + a.added);
	store_close(&copy.store);
	unlink(copy.path);
}

static void
no_copy_over_a_link(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int pages = 0;

	snprintf(path, sizeof path, "%s/link.db", f->folder);
	assert_int_equal(symlink("/nowhere/else", path), 0);
	assert_false(store_copy(f->path, path, note_pages, &pages, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
	unlink(path);
}

static void
assert_finding(struct fixture *f, const char *part)
{
	OWNED(texts_free) struct texts findings = {0};

	assert_ok(f, store_check(f->store, &findings, &f->err));
	for (size_t i = 0; i < findings.count; i++)
		if (strstr(findings.list[i], part) != NULL)
			return;
	for (size_t i = 0; i < findings.count; i++)
		print_message("%s\n", findings.list[i]);
	fail_msg("%zu findings, none with \"%s\"", findings.count, part);
}

/* Each kind of damage that SQLite itself lets pass. */
static void
damage_is_named(void **state)
{
	struct fixture *f = *state;
	OWNED(texts_free) struct texts findings = {0};

	fill(f, 3);
	assert_ok(f, store_check(f->store, &findings, &f->err));
	assert_int_equal(findings.count, 0);
	assert_int_equal(
	    raw_exec(f, "UPDATE RequestCount SET Requests = 7 WHERE Disposition = 20"), SQLITE_OK);
	assert_finding(f, "counts: disposition 20: 7 are kept, 3 are there");
	assert_int_equal(
	    raw_exec(f, "UPDATE RequestCount SET Requests = 3 WHERE Disposition = 20;"
			"UPDATE RequestBlob SET RawArchivedKey = NULL WHERE RequestID = 2"),
	    SQLITE_OK);
	assert_finding(f, "archived keys: request 2 has lost its own");
	assert_int_equal(raw_exec(f, "PRAGMA foreign_keys = OFF;"
				     "INSERT INTO RequestBlob(RequestID) VALUES (99)"),
	    SQLITE_OK);
	assert_finding(f, "references: RequestBlob");
	assert_int_equal(raw_exec(f, "PRAGMA ignore_check_constraints = ON;"
				     "UPDATE Request SET SerialNumber = 'XY' WHERE RequestID = 1"),
	    SQLITE_OK);
	assert_finding(f, "pages: CHECK constraint failed in Request");
}

static bool
work_audit(struct store_tx *tx, void *arg, struct err *err)
{
	struct audit_record a = {.when = 1000, .event = AUDIT_STARTED, .success = true};

	(void)arg;
	a.actor = TEXT("dircad");
	return store_audit(tx, &a, err);
}

static void
a_changed_trail_is_named(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, store_do(f->store, work_audit, NULL, &f->err));
	assert_ok(f, store_do(f->store, work_audit, NULL, &f->err));
	assert_int_equal(
	    raw_exec(f, "CREATE TABLE Kept AS SELECT sql FROM sqlite_schema WHERE name = "
			"'AuditUpdate'; DROP TRIGGER AuditUpdate;"
			"UPDATE Audit SET Actor = 'somebody' WHERE AuditRowId = 2"),
	    SQLITE_OK);
	assert_finding(f, "audit trail: ");
}

static void
a_vacuum_gives_space_back(void **state)
{
	struct fixture *f = *state;
	struct store_size before, after;

	fill(f, 300);
	assert_int_equal(raw_exec(f, "DELETE FROM RequestBlob; DELETE FROM Request"), SQLITE_OK);
	assert_ok(f, store_size(f->store, &before, &f->err));
	assert_true(before.free_pages > 10);
	assert_int_equal(before.requests, 0);
	store_close(&f->store);
	assert_ok(f, store_vacuum(f->path, &f->err));
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_ok(f, store_size(f->store, &after, &f->err));
	assert_int_equal(after.free_pages, 0);
	assert_true(after.pages < before.pages);
	assert_int_equal(after.version, before.version);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_is_of_one_moment),
	    TEST(no_copy_over_a_link),
	    TEST(damage_is_named),
	    TEST(a_changed_trail_is_named),
	    TEST(a_vacuum_gives_space_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
