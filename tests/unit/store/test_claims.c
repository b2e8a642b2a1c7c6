/*
 * Whose a public key is, what came before, and both questions about rows that are older than they.
 */
#include "store_priv.h"
#include "store_test.h"

static const uint8_t key_a[32] = {'a'}, key_b[32] = {'b'};

#define HASH(key)                                                       \
	(struct buf)                                                    \
	{                                                               \
		.ptr = (uint8_t *)(uintptr_t)(key), .len = sizeof(key), \
	}
#define USER1 "S-1-5-21-1-2-3-1101"
#define USER2 "S-1-5-21-1-2-3-1102"

static int64_t
holder_of(struct fixture *f, const struct store_key_claim *c)
{
	int64_t id;

	switch (store_find_other_holder(f->store, c, &id, &f->err)) {
	case STORE_FOUND:
		assert_true(id > 0);
		return id;
	case STORE_NOT_FOUND:
		assert_int_equal(id, 0);
		return 0;
	case STORE_FAILED:
		break;
	}
	fail_msg("%s", f->err.msg);
	return -1;
}

/* The same question beside another one, in which shared keys are not known. */
static bool
is_held(struct fixture *f, const uint8_t key[32], const char *sid, const char *name)
{
	const struct store_newcomer n = {.request_hash = view_of(key_b, 32),
	    .public_key_hash = view_of(key, 32),
	    .caller = {sid, name}};
	struct store_precedent found;

	if (!store_find_precedent(f->store, &n, &found, &f->err))
		fail_msg("%s", f->err.msg);
	return found.key_is_held;
}

static int64_t
holder_beside(struct fixture *f, const uint8_t key[32], const char *sid, const char *name)
{
	int64_t id = holder_of(f, &(struct store_key_claim){view_of(key, 32), {sid, name}, false});

	assert_int_equal(is_held(f, key, sid, name), id != 0);
	return id;
}

static int64_t
add_key(struct fixture *f, unsigned n, const uint8_t key[32], const char *sid, const char *name)
{
	struct sample s;

	sample_issued(&s, n);
	s.row.requester_sid = TEXT(sid);
	s.row.requester_name = TEXT(name);
	s.row.public_key_hash = (struct buf){.ptr = (uint8_t *)(uintptr_t)key, .len = 32};
	return add_row(f, &s.row);
}

static void
a_key_is_free_its_holders_or_another_ones(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	assert_int_equal(holder_beside(f, key_a, USER1, "D\\user1"), 0);
	id = add_key(f, 1, key_a, USER1, "D\\user1");
	assert_int_equal(holder_beside(f, key_a, USER1, "D\\user1"), 0);
	assert_int_equal(holder_beside(f, key_a, USER1, "D\\renamed"), 0);
	assert_int_equal(holder_beside(f, key_b, USER2, "D\\user2"), 0);
	/* On either side of the holder in the index. */
	assert_int_equal(holder_beside(f, key_a, USER2, "D\\user2"), id);
	assert_int_equal(holder_beside(f, key_a, "S-1-5-21-1-2-3-1100", "D\\user0"), id);
	/* A name alone is nobody who has a SID. */
	assert_int_equal(holder_beside(f, key_a, NULL, "D\\user1"), id);
	assert_int_equal(holder_beside(f, key_a, NULL, USER1), id);
	assert_int_equal(holder_beside(f, key_a, NULL, NULL), id);
}

static void
without_a_sid_the_name_is_the_holder(void **state)
{
	struct fixture *f = *state;
	int64_t id = add_key(f, 1, key_a, NULL, "D\\User1");

	assert_int_equal(holder_beside(f, key_a, NULL, "d\\uSER1"), 0);
	assert_int_equal(holder_beside(f, key_a, NULL, "D\\user2"), id);
	assert_int_equal(holder_beside(f, key_a, USER1, "D\\user1"), id);
}

/* Every disposition but the refused ones: a request that waits and a certificate that was revoked
 * or came from elsewhere hold their keys too. */
static void
all_rows_but_refused_ones_hold_their_keys(void **state)
{
	static const enum disposition all[] = {
	    DISP_PENDING, DISP_FOREIGN, DISP_ISSUED, DISP_REVOKED, DISP_ERROR, DISP_DENIED};
	struct fixture *f = *state;
	struct sample s;

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
		uint8_t key[32] = {(uint8_t)i};
		bool holds = all[i] != DISP_ERROR && all[i] != DISP_DENIED;
		int64_t id;

		sample_issued(&s, i);
		s.row.disposition = all[i];
		s.row.requester_sid = TEXT(USER1);
		s.row.public_key_hash = HASH(key);
		s.row.revoked_when = s.row.revoked_effective_when = 1500;
		id = add_row(f, &s.row);
		assert_int_equal(holder_beside(f, key, USER2, "D\\user2"), holds ? id : 0);
	}
}

static bool
work_deny(struct store_tx *tx, void *arg, struct err *err)
{
	return store_deny_pending(tx, *(int64_t *)arg, "no", 1, 2000, err);
}

static void
a_denied_request_sets_its_key_free(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	int64_t id;

	sample_pending(&s);
	s.row.requester_sid = TEXT(USER1);
	s.row.public_key_hash = HASH(key_a);
	id = add_row(f, &s.row);
	assert_int_equal(holder_beside(f, key_a, USER2, "D\\user2"), id);
	assert_ok(f, store_do(f->store, work_deny, &id, &f->err));
	assert_int_equal(holder_beside(f, key_a, USER2, "D\\user2"), 0);
}

static void
shared_keys_are_those_that_nobody_archived(void **state)
{
	struct store_key_claim c = {view_of(key_a, 32), {USER2, "D\\user2"}, true};
	struct fixture *f = *state;
	struct sample s;
	int64_t id;

	sample_issued(&s, 1);
	s.row.requester_sid = TEXT(USER1);
	s.row.public_key_hash = HASH(key_a);
	s.row.raw_archived_key = (struct buf){0};
	s.row.key_recovery_hashes = NULL;
	id = add_row(f, &s.row);
	assert_int_equal(holder_of(f, &c), 0);
	c.archived_only = false;
	assert_int_equal(holder_of(f, &c), id);
	id = add_key(f, 2, key_a, USER1, "D\\user1");
	c.archived_only = true;
	assert_int_equal(holder_of(f, &c), id);
}

/* ---- repeats ---- */

static int64_t
repeat_of(struct fixture *f, const uint8_t hash[32], const char *sid, const char *name)
{
	const struct store_newcomer n = {
	    .request_hash = view_of(hash, 32),
	    .public_key_hash = view_of(key_a, 32),
	    .caller = {sid, name},
	};
	struct store_precedent found;

	if (!store_find_precedent(f->store, &n, &found, &f->err))
		fail_msg("%s", f->err.msg);
	return found.repeat_of;
}

static void
a_repeat_is_the_same_request_by_the_same_caller(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	int64_t first, second, named;

	sample_issued(&s, 1);
	s.row.caller_sid = TEXT(USER1);
	s.row.caller_name = TEXT("D\\user1");
	s.row.request_hash = HASH(key_a);
	first = add_row(f, &s.row);
	sample_issued(&s, 2);
	s.row.caller_sid = TEXT(USER2);
	s.row.caller_name = TEXT("D\\user1");
	s.row.request_hash = HASH(key_a);
	second = add_row(f, &s.row);
	sample_issued(&s, 3);
	s.row.caller_name = TEXT("D\\user1");
	s.row.request_hash = HASH(key_a);
	named = add_row(f, &s.row);

	assert_int_equal(repeat_of(f, key_a, USER1, "D\\user1"), first);
	assert_int_equal(repeat_of(f, key_a, USER2, "D\\user1"), second);
	assert_int_equal(repeat_of(f, key_a, NULL, "d\\USER1"), named);
	assert_int_equal(repeat_of(f, key_a, NULL, USER1), 0);
	assert_int_equal(repeat_of(f, key_b, USER1, "D\\user1"), 0);
}

static void
a_refused_request_has_no_repeat(void **state)
{
	struct fixture *f = *state;
	struct sample s;

	sample_issued(&s, 1);
	s.row.disposition = DISP_DENIED;
	s.row.caller_sid = TEXT(USER1);
	s.row.request_hash = HASH(key_a);
	add_row(f, &s.row);
	assert_int_equal(repeat_of(f, key_a, USER1, "D\\user1"), 0);
}

/* Who sends the same PKCS#10 year after year gets a certificate each time the last one is over. */
static void
an_expired_certificate_is_no_answer(void **state)
{
	struct fixture *f = *state;
	struct store_newcomer n = {
	    .request_hash = view_of(key_a, 32),
	    .public_key_hash = view_of(key_b, 32),
	    .caller = {USER1, "D\\user1"},
	};
	struct store_precedent found;
	struct sample s;
	int64_t id;

	sample_issued(&s, 1);
	s.row.caller_sid = TEXT(USER1);
	s.row.request_hash = HASH(key_a);
	id = add_row(f, &s.row);
	n.now = s.row.not_after - 1;
	assert_ok(f, store_find_precedent(f->store, &n, &found, &f->err));
	assert_int_equal(found.repeat_of, id);
	n.renews = true;
	assert_ok(f, store_find_precedent(f->store, &n, &found, &f->err));
	assert_int_equal(found.repeat_of, 0);
	n.now = s.row.not_before + (s.row.not_after - s.row.not_before) / 2 - 1;
	assert_ok(f, store_find_precedent(f->store, &n, &found, &f->err));
	assert_int_equal(found.repeat_of, id);
	n.renews = false;
	n.now = s.row.not_after;
	assert_ok(f, store_find_precedent(f->store, &n, &found, &f->err));
	assert_int_equal(found.repeat_of, 0);
}

/* Also in a database that an older program began. */
static void
a_denial_by_a_manager_stands(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	int64_t denied, later;

	sample_issued(&s, 1);
	s.row.disposition = DISP_DENIED;
	s.row.status_code = (int32_t)DIRCA_E_DENIED;
	s.row.caller_sid = TEXT(USER1);
	s.row.request_hash = HASH(key_a);
	denied = add_row(f, &s.row);
	assert_int_equal(repeat_of(f, key_a, USER1, "D\\user1"), denied);
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_5), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_int_equal(repeat_of(f, key_a, USER1, "D\\user1"), denied);
	/* That program decided it anew. */
	sample_issued(&s, 2);
	s.row.caller_sid = TEXT(USER1);
	s.row.request_hash = HASH(key_a);
	later = add_row(f, &s.row);
	assert_int_equal(repeat_of(f, key_a, USER1, "D\\user1"), later);
}

struct asking {
	struct store_key_claim claim;
	struct store_newcomer newcomer;
	const struct store_request *row;
	int64_t holder;
	struct store_precedent precedent;
};

/* What a unit of work wrote itself it sees, which no reader does. */
static bool
work_ask(struct store_tx *tx, void *arg, struct err *err)
{
	struct asking *a = arg;
	int64_t id;

	return store_add_request(tx, a->row, &id, err) &&
	       store_other_holder(tx, &a->claim, &a->holder, err) == STORE_FOUND &&
	       store_precedent(tx, &a->newcomer, &a->precedent, err) &&
	       err_set(err, ERROR_FILE_EXISTS, "to be rolled back");
}

static void
a_unit_of_work_sees_what_it_wrote(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct asking a = {.claim = {view_of(key_a, 32), {USER2, NULL}, false},
	    .newcomer = {.request_hash = view_of(key_b, 32),
		.public_key_hash = view_of(key_a, 32),
		.caller = {USER1, NULL}},
	    .row = &s.row};

	sample_issued(&s, 1);
	s.row.requester_sid = s.row.caller_sid = TEXT(USER1);
	s.row.public_key_hash = HASH(key_a);
	s.row.request_hash = HASH(key_b);
	assert_false(store_do(f->store, work_ask, &a, &f->err));
	assert_int_equal(f->err.code, ERROR_FILE_EXISTS);
	assert_true(a.holder > 0);
	assert_int_equal(a.precedent.repeat_of, a.holder);
	assert_false(a.precedent.key_is_held);
	assert_int_equal(holder_beside(f, key_a, USER2, NULL), 0);
}

/* ---- older rows ---- */

struct filling {
	int64_t id;
	struct view hash;
};

static bool
work_fill(struct store_tx *tx, void *arg, struct err *err)
{
	const struct filling *x = arg;

	return store_set_public_key_hash(tx, x->id, x->hash, err);
}

static void
rows_of_version_3_wait_to_be_hashed(void **state)
{
	struct fixture *f = *state;
	struct filling fill = {.hash = view_of(key_a, 32)};
	struct sample s;
	struct store_requests rs;
	int64_t pending;
	int has, program;

	sample_issued(&s, 1);
	s.row.raw_public_key = BYTES("spki");
	s.row.requester_sid = TEXT(USER1);
	fill.id = add_row(f, &s.row);
	sample_issued(&s, 2);
	s.row.disposition = DISP_DENIED;
	add_row(f, &s.row);
	sample_pending(&s);
	pending = add_row(f, &s.row);
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_3), SQLITE_OK);
	/* To ask changes nothing. */
	assert_ok(f, store_version(f->path, &has, &program, &f->err));
	assert_int_equal(has, 3);
	assert_int_equal(program, 27);
	assert_int_equal(raw_number(f, "PRAGMA user_version"), 3);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_int_equal(raw_number(f, "PRAGMA user_version"), 27);

	assert_ok(f, store_list_unhashed(f->store, 0, 10, &rs, &f->err));
	assert_int_equal(rs.count, 2);
	assert_int_equal(rs.list[0].request_id, fill.id);
	assert_int_equal(rs.list[0].raw_public_key.len, 4);
	assert_int_equal(rs.list[1].request_id, pending);
	store_requests_free(&rs);
	assert_ok(f, store_do(f->store, work_fill, &fill, &f->err));
	assert_int_equal(holder_beside(f, key_a, USER2, "D\\user2"), fill.id);
	assert_ok(f, store_list_unhashed(f->store, 0, 10, &rs, &f->err));
	assert_int_equal(rs.count, 1);
	store_requests_free(&rs);
	assert_ok(f, store_list_unhashed(f->store, pending, 10, &rs, &f->err));
	assert_int_equal(rs.count, 0);
	store_requests_free(&rs);
	assert_sound(f);
}

static void
a_hash_has_32_bytes(void **state)
{
	struct fixture *f = *state;
	struct sample s;

	sample_issued(&s, 1);
	s.row.public_key_hash = BYTES("short");
	add_refused(f, &s.row, DIRCA_E_DATABASE, "PublicKeyHash");
	sample_issued(&s, 1);
	s.row.request_hash = BYTES("short");
	add_refused(f, &s.row, DIRCA_E_DATABASE, "RequestHash");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_key_is_free_its_holders_or_another_ones),
	    TEST(without_a_sid_the_name_is_the_holder),
	    TEST(all_rows_but_refused_ones_hold_their_keys),
	    TEST(a_denied_request_sets_its_key_free),
	    TEST(shared_keys_are_those_that_nobody_archived),
	    TEST(a_repeat_is_the_same_request_by_the_same_caller),
	    TEST(a_refused_request_has_no_repeat),
	    TEST(a_unit_of_work_sees_what_it_wrote),
	    TEST(an_expired_certificate_is_no_answer),
	    TEST(a_denial_by_a_manager_stands),
	    TEST(rows_of_version_3_wait_to_be_hashed),
	    TEST(a_hash_has_32_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
