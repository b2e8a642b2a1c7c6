/* Archived keys that were sealed to others, and as they were before. */
#include "own.h"
#include "store_batches.h"
#include "store_drills.h"
#include "store_test.h"

#define OLD   "07 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define NEW   "08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define BATCH "0123456789abcdef"
#define HASH  "0123456789abcdef0123456789abcdef"

struct step {
	int64_t id;
	const char *was, *becomes;
	bool done;
	char *hashes;
};

static bool
rewrap(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *s = arg;
	const struct store_rewrap w = {.request_id = s->id,
	    .batch = view_str(BATCH),
	    .was = view_str(s->was),
	    .new_hash = view_str(HASH),
	    .now = 1000};
	const struct store_request row = {.revoked_reason = -1,
	    .raw_archived_key = {.ptr = (uint8_t *)(uintptr_t)s->becomes,
		.len = strlen(s->becomes)},
	    .key_recovery_hashes = TEXT(NEW)};

	return store_rewrap_key(tx, &w, &row, &s->done, err);
}

static bool
revert(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *s = arg;

	return store_revert_key(
	    tx, s->id, view_str(BATCH), view_str(s->was), &s->done, &s->hashes, err);
}

static void
assert_key(struct fixture *f, int64_t id, const char *key, const char *hashes)
{
	struct store_request row;

	assert_int_equal(store_get_request(f->store, id, &row, &f->err), STORE_FOUND);
	assert_true(view_eq(buf_view(&row.raw_archived_key), view_str(key)));
	assert_string_equal(row.key_recovery_hashes, hashes);
	store_request_free(&row);
}

static bool
give_out(struct store_tx *tx, void *arg, struct err *err)
{
	struct store_batch b = {.given_when = 900, .keys = 1, .requests = arg};

	memcpy(b.id, BATCH, sizeof b.id);
	memcpy(b.from, "12345678901234567890", sizeof b.from);
	return store_add_batch(tx, &b, err);
}

/* As it was before it was noted whom a batch was given to. */
static void
forget_who(struct fixture *f)
{
	assert_int_equal(raw_exec(f, "DELETE FROM RewrapBatch"), 0);
}

static int64_t
add_kept(struct fixture *f)
{
	struct sample s;

	sample_issued(&s, 1);
	s.row.raw_archived_key = BYTES("old");
	s.row.key_recovery_hashes = TEXT(OLD);
	return add_row(f, &s.row);
}

/* And given out. */
static int64_t
add_sealed(struct fixture *f)
{
	int64_t id = add_kept(f);

	assert_ok(f, store_do(f->store, give_out, &id, &f->err));
	return id;
}

static void
the_former_key_stays_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "old", .becomes = "new"};
	struct store_former_keys list;

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_true(s.done);
	assert_key(f, s.id, "new", NEW);
	assert_ok(f, store_list_former_keys(f->store, view_str(BATCH), 0, 10, &list, &f->err));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.list[0].request_id, s.id);
	assert_memory_equal(list.list[0].new_hash, HASH, 32);
	store_former_keys_free(&list);
	s.was = "new";
	assert_ok(f, store_do(f->store, revert, &s, &f->err));
	assert_true(s.done);
	assert_string_equal(s.hashes, OLD);
	free(s.hashes);
	assert_key(f, s.id, "old", OLD);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 0);
	assert_int_equal(raw_number(f, "SELECT sum(Keys) FROM KraSetCount"), 1);
}

/* Nor the same twice in one batch, which would take the former one's place. */
static void
a_key_that_was_not_given_out_is_left(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_kept(f), .was = "old", .becomes = "new"};

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
	assert_key(f, s.id, "old", OLD);
	assert_ok(f, store_do(f->store, give_out, &s.id, &f->err));
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_true(s.done);
	s.was = "new";
	s.becomes = "newer";
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
	assert_key(f, s.id, "new", NEW);
}

static void
a_key_that_changed_meanwhile_is_left(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "older", .becomes = "new"};

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
	assert_key(f, s.id, "old", OLD);
	s.was = "old";
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_true(s.done);
	assert_ok(f, store_do(f->store, revert, &s, &f->err));
	assert_false(s.done);
	assert_null(s.hashes);
	assert_key(f, s.id, "new", NEW);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 1);
	s.id++;
	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_false(s.done);
}

#define OTHER "fedcba9876543210fedcba9876543210"

static bool
settle(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *s = arg;

	return store_settle_key(tx, s->id, view_str(BATCH), view_str(s->was), &s->done, err);
}

static void
a_former_key_goes_for_what_the_row_has_alone(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "old", .becomes = "new"};

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	assert_ok(f, store_do(f->store, settle, &s, &f->err));
	assert_false(s.done);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 1);
	s.was = "new";
	assert_ok(f, store_do(f->store, settle, &s, &f->err));
	assert_true(s.done);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM FormerKey"), 0);
	assert_key(f, s.id, "new", NEW);
	assert_ok(f, store_do(f->store, settle, &s, &f->err));
	assert_false(s.done);
}

/* Of a batch that was given out before it was noted, whoever could open the key may be. */
static void
who_sealed_a_key_is_known_or_who_could_have(void **state)
{
	struct fixture *f = *state;
	struct step s = {.id = add_sealed(f), .was = "old", .becomes = "new"};
	struct store_sealers sealers;

	assert_ok(f, store_do(f->store, rewrap, &s, &f->err));
	forget_who(f);
	for (int noted = 0; noted < 2; noted++) {
		assert_ok(f, store_list_sealers(f->store, s.id, view_str(HASH), &sealers, &f->err));
		assert_int_equal(sealers.count, 1);
		assert_int_equal(sealers.list[0].known, noted);
		assert_string_equal(sealers.list[0].could, OLD);
		if (noted)
			assert_memory_equal(sealers.list[0].kra, "12345678901234567890", 20);
		else
			assert_ok(f, store_do(f->store, give_out, NULL, &f->err));
		store_sealers_free(&sealers);
	}
	assert_ok(f, store_list_sealers(f->store, s.id, view_str(OTHER), &sealers, &f->err));
	assert_int_equal(sealers.count, 0);
}

struct proof {
	struct store_drill drill;
	struct store_drill_key key;
};

static bool
prove(struct store_tx *tx, void *arg, struct err *err)
{
	const struct proof *p = arg;
	bool done;

	return store_add_drill(tx, &p->drill, &p->key, err) &&
	       store_prove_drill_key(
		   tx, view_of(p->drill.id, sizeof p->drill.id), view_str(HASH), 2000, &done, err);
}

static bool
ask(struct store_tx *tx, void *arg, struct err *err)
{
	const struct proof *p = arg;

	return store_add_drill(tx, &p->drill, &p->key, err);
}

static void
who_was_asked_only_proved_nothing(void **state)
{
	struct fixture *f = *state;
	struct proof asked =
			 {.drill = {.id = "asked", .kra = "agent 1", .opened_when = 1, .keys = 1}},
		     proved = {.drill = {.id = "proved",
				   .kra = "agent 2",
				   .opened_when = 1,
				   .keys = 1,
				   .with = "dd,ee"}};
	struct store_provers provers;

	asked.key.request_id = proved.key.request_id = add_sealed(f);
	memcpy(asked.key.sealed, HASH, sizeof asked.key.sealed);
	memcpy(proved.key.sealed, HASH, sizeof proved.key.sealed);
	assert_ok(f, store_do(f->store, ask, &asked, &f->err));
	assert_ok(f, store_do(f->store, prove, &proved, &f->err));
	assert_ok(f,
	    store_list_provers(f->store, proved.key.request_id, view_str(HASH), &provers, &f->err));
	assert_int_equal(provers.count, 1);
	assert_string_equal((const char *)provers.list[0].drill, "proved");
	assert_string_equal((const char *)provers.list[0].kra, "agent 2");
	assert_string_equal(provers.list[0].with, "dd,ee");
	store_provers_free(&provers);
	assert_ok(f, store_list_provers(
			 f->store, proved.key.request_id, view_str(OTHER), &provers, &f->err));
	assert_int_equal(provers.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_former_key_stays_and_comes_back),
	    TEST(a_key_that_was_not_given_out_is_left),
	    TEST(a_key_that_changed_meanwhile_is_left),
	    TEST(a_former_key_goes_for_what_the_row_has_alone),
	    TEST(who_sealed_a_key_is_known_or_who_could_have),
	    TEST(who_was_asked_only_proved_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
