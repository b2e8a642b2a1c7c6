/*
 * Lists in the order of a column: ties, absent values, pages, and rows that come or change between
 * two pages.
 */
#include "own.h"
#include "store_test.h"

#define ROWS 60

/* The order as SQL says it, which no index and no page has a part in. */
static const struct order {
	enum store_sort sort;
	const char *column;
} orders[] = {
    {STORE_SORT_ID, "RequestID"},
    {STORE_SORT_DISPOSITION, "Disposition"},
    {STORE_SORT_SUBMITTED_WHEN, "SubmittedWhen"},
    {STORE_SORT_RESOLVED_WHEN, "ResolvedWhen"},
    {STORE_SORT_REVOKED_WHEN, "RevokedWhen"},
    {STORE_SORT_REQUESTER_NAME, "RequesterName"},
    {STORE_SORT_TEMPLATE, "CertificateTemplate"},
    {STORE_SORT_NOT_AFTER, "NotAfter"},
    {STORE_SORT_UPN, "UPN"},
    {STORE_SORT_COMMON_NAME, "CommonName"},
};

/* Few values, in both cases, and none. */
static void
add_mixed(struct fixture *f, unsigned n)
{
	static const char *const names[] = {"b", "A", NULL, "a", "\xc3\xa9", "B"};
	struct sample s;

	if (n % 3 == 0)
		sample_pending(&s);
	else
		sample_issued(&s, n);
	s.row.submitted_when = 1000 + n % 4;
	s.row.requester_name = n % 7 == 0 ? NULL : TEXT(n % 2 == 0 ? "LAB\\one" : "lab\\Two");
	s.row.template_name = TEXT(names[n % 6]);
	s.row.upn = TEXT(names[(n + 1) % 6]);
	s.row.common_name = TEXT(names[n * 7 % 6]);
	if (n % 3 != 0)
		s.row.not_after = 2000 + n % 5;
	add_row(f, &s.row);
}

static void
add_rows(struct fixture *f)
{
	for (unsigned n = 1; n <= ROWS; n++)
		add_mixed(f, n);
	for (int64_t id = 1; id <= ROWS; id += 4) {
		struct revocation r = {.id = id, .effective = 600};

		if (id % 3 != 0)
			assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	}
}

/* All ids, page by page, as "1 2 3 ". */
static void
walk(struct fixture *f, struct store_filter filter, char *out, size_t size)
{
	size_t len = 0, count;
	char kept[64];

	out[0] = '\0';
	do {
		OWNED(store_requests_free) struct store_requests rs = {0};

		assert_ok(f, store_list_requests(f->store, &filter, &rs, &f->err));
		count = rs.count;
		for (size_t i = 0; i < count; i++)
			len += (size_t)snprintf(
			    out + len, size - len, "%lld ", (long long)rs.list[i].request_id);
		if (count == 0)
			return;
		filter.after_id = rs.list[count - 1].request_id;
		if (filter.sort != STORE_SORT_ID)
			filter.after_value = store_sort_value(&rs.list[count - 1], filter.sort);
		if (filter.after_value.text != NULL) {
			snprintf(kept, sizeof kept, "%s", filter.after_value.text);
			filter.after_value.text = kept;
		}
	} while (count == (size_t)filter.limit);
}

static void
expect_order(struct fixture *f, const struct order *o, struct store_filter filter)
{
	char sql[512], expected[1024], got[1024];

	snprintf(sql, sizeof sql,
	    "SELECT coalesce(group_concat(RequestID, ' ') || ' ', '') FROM (SELECT RequestID FROM "
	    "Request NOT INDEXED WHERE (%d = 0 OR Disposition = %d) AND ('%s' = '' OR "
	    "RequesterName = '%s') ORDER BY %s IS NULL, %s %s, RequestID %s)",
	    (int)filter.disposition, (int)filter.disposition,
	    filter.requester_name != NULL ? filter.requester_name : "",
	    filter.requester_name != NULL ? filter.requester_name : "", o->column, o->column,
	    filter.newest_first ? "DESC" : "", filter.newest_first ? "DESC" : "");
	raw_text(f, sql, expected, sizeof expected);
	filter.sort = o->sort;
	walk(f, filter, got, sizeof got);
	if (strcmp(expected, got) != 0)
		fail_msg("%s: %s\nand not %s", sql, got, expected);
}

static void
each_order_is_whole_page_by_page(void **state)
{
	static const enum disposition some[] = {0, DISP_ISSUED, DISP_PENDING, DISP_DENIED};
	static const char *const whose[] = {NULL, "lab\\ONE", "nobody"};
	static const int limits[] = {1, 7, ROWS, ROWS + 1};
	struct fixture *f = *state;

	add_rows(f);
	assert_int_equal(sizeof orders / sizeof orders[0], STORE_SORTS);
	for (unsigned n = 0; n < STORE_SORTS * 2 * 4 * 3 * 4; n++)
		expect_order(f, &orders[n / 96],
		    (struct store_filter){.newest_first = n % 2 != 0,
			.disposition = some[n / 2 % 4],
			.requester_name = whose[n / 8 % 3],
			.limit = limits[n / 24 % 4]});
}

/* Another program's page, kept while rows come. */
static void
rows_that_come_move_no_others(void **state)
{
	struct fixture *f = *state;
	OWNED(store_requests_free) struct store_requests first = {0};
	OWNED(store_requests_free) struct store_requests second = {0};
	OWNED(store_requests_free) struct store_requests before = {0};
	struct store_filter filter = {.sort = STORE_SORT_TEMPLATE, .limit = 20};

	add_rows(f);
	assert_ok(f, store_list_requests(f->store, &filter, &first, &f->err));
	filter.after_id = first.list[19].request_id;
	filter.after_value = store_sort_value(&first.list[19], filter.sort);
	assert_ok(f, store_list_requests(f->store, &filter, &before, &f->err));
	for (unsigned n = 1; n <= 6; n++)
		add_mixed(f, ROWS + n);
	assert_ok(f, store_list_requests(f->store, &filter, &second, &f->err));
	for (size_t i = 0, j = 0; i < before.count && j < second.count; j++)
		if (second.list[j].request_id == before.list[i].request_id)
			i++;
		else
			assert_true(second.list[j].request_id > ROWS);
}

/* The row where a page ended is another's now: the next page begins where it was. */
static void
a_row_that_changes_moves_no_others(void **state)
{
	struct fixture *f = *state;
	OWNED(store_requests_free) struct store_requests first = {0};
	OWNED(store_requests_free) struct store_requests second = {0};
	struct store_filter filter = {.sort = STORE_SORT_DISPOSITION, .limit = 1};
	struct sample s;

	for (unsigned n = 0; n < 3; n++) {
		sample_pending(&s);
		add_row(f, &s.row);
	}
	assert_ok(f, store_list_requests(f->store, &filter, &first, &f->err));
	assert_int_equal(
	    raw_exec(f, "UPDATE Request SET Disposition = 31 WHERE RequestID = 1"), SQLITE_OK);
	filter.after_id = 1;
	filter.after_value = store_sort_value(&first.list[0], filter.sort);
	assert_ok(f, store_list_requests(f->store, &filter, &second, &f->err));
	assert_int_equal(second.count, 1);
	assert_int_equal(second.list[0].request_id, 2);
}

static void
columns_without_an_index_are_no_order(void **state)
{
	enum store_sort sort;

	(void)state;
	assert_true(store_sort_find("not_after", &sort));
	assert_int_equal(sort, STORE_SORT_NOT_AFTER);
	assert_true(store_sort_find("request_id", &sort));
	assert_int_equal(sort, STORE_SORT_ID);
	assert_false(store_sort_find("serial_number", &sort));
	assert_false(store_sort_find("NotAfter; DROP TABLE Request", &sort));
}

static void
older_databases_get_the_indexes(void **state)
{
	struct fixture *f = *state;

	add_rows(f);
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_16), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	expect_order(f, &orders[8], (struct store_filter){.limit = 7});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_order_is_whole_page_by_page),
	    TEST(rows_that_come_move_no_others),
	    TEST(a_row_that_changes_moves_no_others),
	    TEST(columns_without_an_index_are_no_order),
	    TEST(older_databases_get_the_indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
