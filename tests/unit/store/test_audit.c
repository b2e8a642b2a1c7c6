/*
 * The audit trail: only added to, every change and every missing row found.
 */
#include "store_test.h"

#define ROWS 1200 /* more than two batches of a walk */

static bool
work_audit(struct store_tx *tx, void *arg, struct err *err)
{
	return store_audit(tx, arg, err);
}

static bool
work_rows(struct store_tx *tx, void *arg, struct err *err)
{
	struct audit_record a = {
	    .event = AUDIT_ISSUED, .success = true, .actor = TEXT("NWTRADERS\\user1")};

	for (int i = 1; i <= *(const int *)arg; i++) {
		a.when = a.request_id = i;
		if (!store_audit(tx, &a, err))
			return false;
	}
	return true;
}

static int
set_up_rows(void **state)
{
	int rows = ROWS;
	struct fixture *f;

	set_up(state);
	f = *state;
	assert_ok(f, store_do(f->store, work_rows, &rows, &f->err));
	return 0;
}

static bool
walk(struct fixture *f, int64_t *count)
{
	return store_audit_walk(f->store, 0, NULL, NULL, count, &f->err);
}

/* What an intruder with the file would do: the triggers go first, and come back, since a changed
 * schema would be noticed. */
static void
tamper(struct fixture *f, const char *sql)
{
	static const char *const triggers[] = {
	    "AuditInsert", "AuditUpdate", "AuditDelete", "AuditHeadUpdate", "AuditHeadDelete"};
	char saved[5][512], text[2048];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "SELECT sql FROM sqlite_schema WHERE name = '%s'",
		    triggers[i]);
		raw_text(f, text, saved[i], sizeof saved[i]);
		snprintf(text, sizeof text, "DROP TRIGGER %s", triggers[i]);
		assert_int_equal(raw_exec(f, text), SQLITE_OK);
	}
	assert_int_equal(raw_exec(f, sql), SQLITE_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(raw_exec(f, saved[i]), SQLITE_OK);
	reopen(f);
}

static void
assert_found(struct fixture *f, const char *part)
{
	int64_t count;

	assert_false(walk(f, &count));
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
	if (strstr(f->err.msg, part) == NULL)
		fail_msg("expected \"%s\", got: %s", part, f->err.msg);
}

static bool
copy_last(const struct audit_record *a, void *arg)
{
	struct audit_record *out = arg;

	*out = *a;
	out->actor = a->actor != NULL ? strdup(a->actor) : NULL;
	out->object = a->object != NULL ? strdup(a->object) : NULL;
	out->detail = a->detail != NULL ? strdup(a->detail) : NULL;
	return false;
}

static void
every_field_comes_back(void **state)
{
	struct fixture *f = *state;
	struct audit_record in = {.when = 0x123456789,
	    .event = AUDIT_KEY_RETRIEVED,
	    .success = false,
	    .status = E_ACCESSDENIED,
	    .actor = TEXT("NWTRADERS\\officer"),
	    .request_id = 12,
	    .object = TEXT("611e"),
	    .detail = TEXT("template=EFSArchive \xc3\xa9")};
	struct audit_record out = {0};
	int64_t count;

	assert_ok(f, store_do(f->store, work_audit, &in, &f->err));
	assert_ok(f, store_audit_walk(f->store, 0, copy_last, &out, &count, &f->err));
	assert_int_equal(count, 1);
	assert_int_equal(out.row_id, 1);
	assert_int_equal(out.when, in.when);
	assert_int_equal(out.event, in.event);
	assert_false(out.success);
	assert_int_equal(out.status, in.status);
	assert_string_equal(out.actor, in.actor);
	assert_int_equal(out.request_id, 12);
	assert_string_equal(out.object, in.object);
	assert_string_equal(out.detail, in.detail);
	free(out.actor);
	free(out.object);
	free(out.detail);
}

static void
an_untouched_trail_verifies(void **state)
{
	struct fixture *f = *state;
	int64_t count;

	assert_ok(f, walk(f, &count));
	assert_int_equal(count, ROWS);
	reopen(f);
	assert_ok(f, store_audit_walk(f->store, ROWS - 10, NULL, NULL, &count, &f->err));
	assert_int_equal(count, 10);
	assert_ok(f, store_audit_walk(f->store, ROWS, NULL, NULL, &count, &f->err));
	assert_int_equal(count, 0);
	assert_false(store_audit_walk(f->store, ROWS + 1, NULL, NULL, &count, &f->err));
}

static void
an_empty_trail_verifies(void **state)
{
	struct fixture *f = *state;
	int64_t count;

	assert_ok(f, walk(f, &count));
	assert_int_equal(count, 0);
}

static bool
stop_at_700(const struct audit_record *a, void *arg)
{
	*(int64_t *)arg = a->row_id;
	return a->row_id < 700;
}

static void
a_reader_may_stop_the_walk(void **state)
{
	struct fixture *f = *state;
	int64_t count, last = 0;

	assert_ok(f, store_audit_walk(f->store, 100, stop_at_700, &last, &count, &f->err));
	assert_int_equal(last, 700);
	assert_int_equal(count, 600);
}

static bool
count_rows(const struct audit_record *a, void *arg)
{
	(void)a;
	return ++*(int *)arg != 700;
}

static void
rows_are_read_as_they_stand(void **state)
{
	struct fixture *f = *state;
	struct audit_reading r;
	int n = 0;

	tamper(f, "UPDATE Audit SET Actor = 'nobody' WHERE AuditRowId = 7");
	tamper(f, "DELETE FROM Audit WHERE AuditRowId = 8");
	assert_ok(f, store_audit_read(f->store, 0, ROWS, count_rows, &n, &r, &f->err));
	assert_int_equal(n, 700);
	assert_int_equal(r.last, 701);
	assert_false(r.ended);
	assert_int_equal(r.head.count, ROWS);
	assert_ok(f, store_audit_read(f->store, 701, 100, count_rows, &n, &r, &f->err));
	assert_int_equal(r.last, 801);
	assert_false(r.ended);
	assert_ok(f, store_audit_read(f->store, 801, ROWS, count_rows, &n, &r, &f->err));
	assert_int_equal(r.last, ROWS);
	assert_true(r.ended);
	assert_int_equal(n, ROWS - 1);
	assert_ok(f, store_audit_read(f->store, ROWS, 1, count_rows, &n, &r, &f->err));
	assert_int_equal(r.last, ROWS);
	assert_true(r.ended);
}

static void
rows_can_only_be_added_at_the_end(void **state)
{
	static const char *const forbidden[] = {
	    "UPDATE Audit SET Actor = 'x' WHERE AuditRowId = 5",
	    "DELETE FROM Audit WHERE AuditRowId = 5",
	    "DELETE FROM Audit",
	    "INSERT OR REPLACE INTO Audit SELECT 5, 1, 791, 1, 0, 'x', NULL, NULL, NULL, RowHash "
	    "FROM AuditHead",
	    "INSERT INTO Audit SELECT 5000, 1, 791, 1, 0, 'x', NULL, NULL, NULL, RowHash FROM "
	    "AuditHead",
	    "UPDATE AuditHead SET RowCount = 5",
	    "UPDATE AuditHead SET RowCount = RowCount + 1",
	    "INSERT INTO Audit SELECT RowCount, 1, 791, 1, 0, 'x', NULL, NULL, NULL, RowHash FROM "
	    "AuditHead",
	    "BEGIN; INSERT INTO Audit SELECT RowCount + 1, 1, 791, 1, 0, 'x', NULL, NULL, NULL, "
	    "zeroblob(32) FROM AuditHead; INSERT INTO Audit SELECT RowCount + 2, 1, 791, 1, 0, "
	    "'x', NULL, NULL, NULL, zeroblob(32) FROM AuditHead; "
	    "UPDATE AuditHead SET RowCount = RowCount + 1, RowHash = zeroblob(32)",
	    "BEGIN; INSERT INTO Audit SELECT RowCount + 1, 1, 791, 1, 0, 'x', NULL, NULL, NULL, "
	    "zeroblob(32) FROM AuditHead; INSERT INTO Audit SELECT RowCount + 3, 1, 791, 1, 0, "
	    "'x', NULL, NULL, NULL, zeroblob(32) FROM AuditHead",
	    "DELETE FROM AuditHead",
	    "INSERT OR REPLACE INTO AuditHead VALUES (1, 0, zeroblob(32))",
	};
	struct fixture *f = *state;
	int64_t count;

	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
		if (raw_exec(f, forbidden[i]) == SQLITE_OK)
			fail_msg("allowed: %s", forbidden[i]);
	assert_ok(f, walk(f, &count));
	assert_int_equal(count, ROWS);
}

static void
each_changed_column_is_found(void **state)
{
	static const char *const changes[] = {"OccurredWhen = OccurredWhen + 1", "EventID = 792",
	    "Success = 0", "StatusCode = 1", "StatusCode = 4294967296",
	    "EventID = EventID + 4294967296", "Actor = 'NWTRADERS\\user2'", "RequestID = 8",
	    "RequestID = NULL", "Object = 'x'", "Detail = 'x'", "RowHash = zeroblob(32)",
	    "Actor = Actor || char(0) || 'x'", "AuditRowId = 100000"};
	char sql[256];

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		void *one;
		int rows = 12;
		struct fixture *f;
		int64_t count;

		set_up(&one);
		f = one;
		assert_ok(f, store_do(f->store, work_rows, &rows, &f->err));
		snprintf(sql, sizeof sql, "UPDATE Audit SET %s WHERE AuditRowId = 7", changes[i]);
		tamper(f, sql);
		if (walk(f, &count))
			fail_msg("not found: %s", changes[i]);
		assert_int_equal(f->err.code, DIRCA_E_DATABASE);
		tear_down(&one);
	}
}

static void
a_changed_row_is_named(void **state)
{
	struct fixture *f = *state;

	tamper(f, "UPDATE Audit SET Actor = 'nobody' WHERE AuditRowId = 777");
	assert_found(f, "audit row 777 ");
}

static void
text_moved_between_columns_is_found(void **state)
{
	struct fixture *f = *state;
	struct audit_record in = {
	    .event = AUDIT_ISSUED, .actor = TEXT("a"), .object = TEXT("bc"), .detail = TEXT("d")};

	assert_ok(f, store_do(f->store, work_audit, &in, &f->err));
	tamper(f, "UPDATE Audit SET Object = 'b', Detail = 'cd'");
	assert_found(f, "audit row 1 ");
}

static void
a_missing_row_is_found(void **state)
{
	struct fixture *f = *state;

	tamper(f, "DELETE FROM Audit WHERE AuditRowId = 600");
	assert_found(f, "audit row 600 is missing");
}

static void
a_missing_tail_is_found(void **state)
{
	struct fixture *f = *state;

	tamper(f, "DELETE FROM Audit WHERE AuditRowId > 1190");
	assert_found(f, "audit row 1191 is missing");
	tamper(f, "DELETE FROM Audit");
	assert_found(f, "audit row 1 is missing");
}

static void
a_moved_back_head_is_found(void **state)
{
	struct fixture *f = *state;

	tamper(f, "UPDATE AuditHead SET RowCount = 10");
	assert_found(f, "does not fit the head");
	tamper(f, "UPDATE AuditHead SET RowCount = 1200, RowHash = zeroblob(32)");
	assert_found(f, "does not fit the head");
	tamper(f, "DELETE FROM AuditHead");
	assert_found(f, "lost its head");
}

static void
a_record_without_actor_or_oversized_is_refused(void **state)
{
	static char big[40000];
	struct fixture *f = *state;
	struct audit_record a = {.event = AUDIT_ISSUED};
	int64_t count;

	memset(big, 'x', sizeof big - 1);
	assert_false(store_do(f->store, work_audit, &a, &f->err));
	assert_int_equal(f->err.code, E_INVALIDARG);
	a.actor = TEXT("a");
	a.detail = big;
	assert_false(store_do(f->store, work_audit, &a, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_TOO_LARGE);
	a.detail = TEXT("\xc0");
	assert_false(store_do(f->store, work_audit, &a, &f->err));
	assert_int_equal(f->err.code, ERROR_INVALID_DATA);
	assert_ok(f, walk(f, &count));
	assert_int_equal(count, 0);
}

static bool
work_audit_then_fail(struct store_tx *tx, void *arg, struct err *err)
{
	return store_audit(tx, arg, err) && err_set(err, E_ACCESSDENIED, "on purpose");
}

static void
a_rolled_back_record_leaves_the_chain_whole(void **state)
{
	struct fixture *f = *state;
	struct audit_record a = {.event = AUDIT_ISSUED, .actor = TEXT("a")};
	int64_t count;

	assert_ok(f, store_do(f->store, work_audit, &a, &f->err));
	assert_false(store_do(f->store, work_audit_then_fail, &a, &f->err));
	assert_int_equal(f->err.code, E_ACCESSDENIED);
	assert_ok(f, store_do(f->store, work_audit, &a, &f->err));
	assert_ok(f, walk(f, &count));
	assert_int_equal(count, 2);
}

static void
what_the_filter_leaves_out_has_no_row(void **state)
{
	struct fixture *f = *state;
	struct audit_record issued = {.event = AUDIT_ISSUED, .actor = TEXT("a")};
	struct audit_record retrieved = {.event = AUDIT_KEY_RETRIEVED, .actor = TEXT("a")};
	struct audit_record filter = {.event = AUDIT_FILTER, .actor = TEXT("a")};
	int64_t count;

	store_set_audit_filter(f->store, AUDIT_FILTER_ALL & ~AUDIT_FILTER_KEYARCHIVAL);
	assert_ok(f, store_do(f->store, work_audit, &issued, &f->err));
	assert_ok(f, store_do(f->store, work_audit, &retrieved, &f->err));
	assert_int_equal(issued.row_id, 1);
	assert_int_equal(retrieved.row_id, 0);
	store_set_audit_filter(f->store, 0);
	assert_ok(f, store_do(f->store, work_audit, &filter, &f->err));
	assert_ok(f, store_do(f->store, work_audit, &issued, &f->err));
	assert_int_equal(filter.row_id, 2);
	assert_int_equal(issued.row_id, 0);
	assert_ok(f, walk(f, &count));
	assert_int_equal(count, 2);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ROWS(name) cmocka_unit_test_setup_teardown(name, set_up_rows, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_field_comes_back),
	    TEST_ROWS(an_untouched_trail_verifies),
	    TEST(an_empty_trail_verifies),
	    TEST_ROWS(a_reader_may_stop_the_walk),
	    TEST_ROWS(rows_can_only_be_added_at_the_end),
	    cmocka_unit_test(each_changed_column_is_found),
	    TEST_ROWS(a_changed_row_is_named),
	    TEST(text_moved_between_columns_is_found),
	    TEST_ROWS(a_missing_row_is_found),
	    TEST_ROWS(a_missing_tail_is_found),
	    TEST_ROWS(a_moved_back_head_is_found),
	    TEST(a_record_without_actor_or_oversized_is_refused),
	    TEST(a_rolled_back_record_leaves_the_chain_whole),
	    TEST_ROWS(rows_are_read_as_they_stand),
	    TEST(what_the_filter_leaves_out_has_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
