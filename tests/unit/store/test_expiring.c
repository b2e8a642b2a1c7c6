/*
 * Which certificates end soon and have no newer one, page by page; and that a database of an older
 * program gets the indexes for it.
 */
#include "store_priv.h"
#include "store_test.h"

struct holder {
	const char *requester, *template_name;
	int64_t not_after;
};

static int64_t
issue(struct fixture *f, unsigned n, const struct holder *h)
{
	struct sample s;

	sample_issued(&s, n);
	s.row.requester_name = TEXT(h->requester);
	s.row.template_name = TEXT(h->template_name);
	s.row.not_after = h->not_after;
	return add_row(f, &s.row);
}

/* The ids of all pages of `limit` rows that are looked at, in a line. */
static void
expiring(struct fixture *f, int64_t from, int64_t until, int limit, char *out)
{
	struct store_expiring filter = {.from = from, .until = until, .limit = limit};

	*out = '\0';
	do {
		struct store_requests rs;
		int64_t next;

		assert_ok(f, store_list_expiring(f->store, &filter, &rs, &next, &f->err));
		for (size_t i = 0; i < rs.count; i++)
			sprintf(out + strlen(out), "%lld ", (long long)rs.list[i].request_id);
		store_requests_free(&rs);
		/* A page that does not go on would never end. */
		assert_true(next == 0 || next != filter.after_id);
		filter.after_id = next;
	} while (filter.after_id != 0);
}

static const struct holder holders[] = {
    {"D\\a", "User", 300}, /* 1: has a newer one, which is revoked below */
    {"D\\b", "User", 200}, /* 2: has a newer one */
    {"d\\B", "USER", 900}, /* 3: that one, in other letters; ends later than is asked */
    {"D\\b", "Mail", 200}, /* 4: of another template */
    {"D\\c", "User", 200}, /* 5: of another requester */
    {"D\\c", NULL, 250},   /* 6: without template */
    {"D\\a", "User", 800}, /* 7: revoked below */
    {"D\\d", "User", 100}, /* 8: ended already */
    {NULL, "User", 400},   /* 9: of nobody */
    {"D\\e", "Mail", 401}, /* 10: a second too late */
    {"D\\e", "User", 200}, /* 11: two of one end are both listed */
    {"D\\e", "User", 200}, /* 12 */
};

static void
those_that_end_and_have_no_newer_one_are_listed(void **state)
{
	struct fixture *f = *state;
	struct revocation r = {.id = 7, .reason = 4, .effective = 500};
	struct sample exchange;
	char ids[256];

	for (unsigned i = 0; i < sizeof holders / sizeof holders[0]; i++)
		assert_int_equal(issue(f, i, &holders[i]), i + 1);
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	sample_issued(&exchange, 99);
	exchange.row.request_flags = CR_FLG_CAXCHGCERT;
	exchange.row.not_after = 150;
	add_row(f, &exchange.row);
	for (int limit = 1; limit < 20; limit++) {
		expiring(f, 101, 400, limit, ids);
		assert_string_equal(ids, "4 5 11 12 6 1 9 ");
	}
	expiring(f, 100, 150, 0, ids);
	assert_string_equal(ids, "8 ");
	expiring(f, 1000, 2000, 0, ids);
	assert_string_equal(ids, "");
}

static void
an_older_database_gets_the_indexes(void **state)
{
	struct fixture *f = *state;
	char ids[256];

	issue(f, 1, &holders[0]);
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_9), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	expiring(f, 0, 400, 0, ids);
	assert_string_equal(ids, "1 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(those_that_end_and_have_no_newer_one_are_listed),
	    TEST(an_older_database_gets_the_indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
