/*
 * Publications that wait: written with the certificate or not at all, listed in order and page by
 * page, gone when ended; and the step from the schema that had none.
 */
#include "store_test.h"

struct owing {
	const struct store_request *row;
	int64_t id;
	bool fail;
};

static bool
work_owe(struct store_tx *tx, void *arg, struct err *err)
{
	struct owing *o = arg;

	return store_add_request(tx, o->row, &o->id, err) &&
	       store_add_publication(tx, o->id, STORE_PLACE_KRA, err) &&
	       store_add_publication(tx, o->id, STORE_PLACE_REQUESTER, err) &&
	       (!o->fail || err_set(err, E_INVALIDARG, "the unit fails"));
}

static bool
work_end(struct store_tx *tx, void *arg, struct err *err)
{
	const struct store_publication *p = arg;

	return store_end_publication(tx, p->request_id, p->place, err);
}

static bool
work_stray(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return store_add_publication(tx, 4711, STORE_PLACE_KRA, err);
}

static int64_t
owe(struct fixture *f, unsigned n)
{
	struct sample s;
	struct owing o = {.row = &s.row};

	sample_issued(&s, n);
	s.row.requester_dn = TEXT("CN=user1,DC=x");
	s.row.requester_sid = TEXT("S-1-5-21-1-2-3-1001");
	assert_ok(f, store_do(f->store, work_owe, &o, &f->err));
	return o.id;
}

static int64_t
unpublished(struct fixture *f)
{
	struct store_counts counts;

	assert_ok(f, store_count(f->store, &counts, &f->err));
	return counts.unpublished;
}

static void
they_wait_until_they_are_ended(void **state)
{
	struct fixture *f = *state;
	struct store_publications all;
	int64_t id = owe(f, 1);

	reopen(f);
	assert_ok(f, store_list_publications(f->store, NULL, 10, &all, &f->err));
	assert_int_equal(all.count, 2);
	assert_int_equal(all.list[0].request_id, id);
	assert_int_equal(all.list[0].place, STORE_PLACE_REQUESTER);
	assert_string_equal(all.list[0].requester_dn, "CN=user1,DC=x");
	assert_string_equal(all.list[0].requester_sid, "S-1-5-21-1-2-3-1001");
	assert_true(view_eq(buf_view(&all.list[0].certificate), view_str("certificate")));
	assert_int_equal(all.list[1].place, STORE_PLACE_KRA);
	assert_int_equal(unpublished(f), 2);
	assert_ok(f, store_do(f->store, work_end, &all.list[0], &f->err));
	assert_int_equal(unpublished(f), 1);
	assert_ok(f, store_do(f->store, work_end, &all.list[1], &f->err));
	assert_int_equal(unpublished(f), 0);
	store_publications_free(&all);
}

static void
pages_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_publication last = {0};
	struct store_publications page;
	size_t seen = 0;

	for (unsigned n = 0; n < 5; n++)
		owe(f, n);
	for (;;) {
		assert_ok(f, store_list_publications(f->store, &last, 3, &page, &f->err));
		if (page.count == 0)
			break;
		seen += page.count;
		last.request_id = page.list[page.count - 1].request_id;
		last.place = page.list[page.count - 1].place;
		store_publications_free(&page);
	}
	store_publications_free(&page);
	assert_int_equal(seen, 10);
}

static void
a_unit_that_fails_owes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct owing o = {.row = &s.row, .fail = true};

	sample_issued(&s, 1);
	assert_false(store_do(f->store, work_owe, &o, &f->err));
	assert_int_equal(unpublished(f), 0);
	assert_false(store_do(f->store, work_stray, NULL, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
}

static void
a_database_of_version_1_gets_the_table(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_1), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	owe(f, 1);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Publication"), 2);
	assert_int_equal(
	    raw_number(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'RequestRequesterSID'"),
	    1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(they_wait_until_they_are_ended),
	    TEST(pages_lose_nothing),
	    TEST(a_unit_that_fails_owes_nothing),
	    TEST(a_database_of_version_1_gets_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
