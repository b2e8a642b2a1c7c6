/*
 * Counts are kept beside the rows: whatever is done with rows, they say what a scan says, and so
 * they do in a database that an older program made.
 */
#include "store_test.h"

#define ROUNDS 120

/* What the tables of counts and the rows do not agree on: nothing. */
#define REQUESTS_THAT_DIFFER                                                                      \
	"SELECT count(*) FROM RequestCount c LEFT JOIN (SELECT Disposition AS d, count(*) AS n, " \
	"sum(HasArchivedKey) AS k FROM Request GROUP BY Disposition) ON d = c.Disposition "       \
	"WHERE c.Requests <> coalesce(n, 0) OR c.ArchivedKeys <> coalesce(k, 0)"
#define KRAS_THAT_DIFFER                                                                        \
	"SELECT (SELECT count(*) FROM KraSetCount WHERE Keys <> (SELECT count(*) FROM Request " \
	"WHERE Request.KeyRecoveryHashes = KraSetCount.KeyRecoveryHashes)) + (SELECT count(*) " \
	"FROM Request WHERE KeyRecoveryHashes NOT IN (SELECT KeyRecoveryHashes FROM KraSetCount))"
#define REST    " 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11"
#define AGENT_A "0a" REST
#define AGENT_B "0b" REST
#define AGENT_C "0c" REST

static const char *const agents[] = {AGENT_A, AGENT_B, AGENT_A "\n" AGENT_B,
    AGENT_C "\n" AGENT_A "\n" AGENT_B, AGENT_A "\n" AGENT_A};

struct step {
	unsigned n, kind;
	int64_t id;
};

static void
fill(struct sample *s, unsigned n, bool pending)
{
	static const enum disposition ends[] = {
	    DISP_ISSUED, DISP_ISSUED, DISP_DENIED, DISP_ERROR, DISP_FOREIGN};

	if (pending)
		sample_pending(s);
	else
		sample_issued(s, n);
	if (!pending)
		s->row.disposition = ends[n % 5];
	s->row.raw_archived_key = BYTES("sealed");
	s->row.key_recovery_hashes = TEXT(agents[n / 5 % 5]);
	if (n % 7 == 0) {
		s->row.raw_archived_key.len = 0;
		s->row.key_recovery_hashes = NULL;
	}
}

/* Some fail, as the row is not in the state for it, and are rolled back. */
static bool
work_step(struct store_tx *tx, void *arg, struct err *err)
{
	struct step *x = arg;
	struct sample s;

	switch (x->kind % 8) {
	case 0:
	case 1:
		fill(&s, x->n, false);
		return store_add_request(tx, &s.row, &x->id, err) &&
		       (x->n % 3 != 0 ||
			   store_add_publication(tx, x->id, STORE_PLACE_REQUESTER, err));
	case 2:
	case 3:
		fill(&s, x->n, true);
		return store_add_request(tx, &s.row, &x->id, err) &&
		       (x->n % 5 != 0 || err_set(err, E_INVALIDARG, "rolled back"));
	case 4:
		fill(&s, x->n, false);
		s.row.request_id = x->id;
		return store_issue_pending(tx, &s.row, err);
	case 5:
		return store_deny_pending(tx, x->id, "no", 1, 2000, err);
	case 6:
		return store_revoke(tx, x->id, x->n % 2 == 0 ? 6 : 8, 500, 500, err);
	default:
		return store_end_publication(tx, x->id, STORE_PLACE_REQUESTER, err);
	}
}

static void
do_much(struct fixture *f, unsigned from)
{
	uint32_t random = 7 + from;
	int64_t most = 0;

	for (unsigned n = from; n < from + ROUNDS; n++) {
		struct step x = {.n = n};

		random = random * 1664525 + 1013904223;
		x.kind = random >> 24;
		x.id = most > 0 ? 1 + (int64_t)(random >> 8) % most : 1;
		if (store_do(f->store, work_step, &x, &f->err) && x.id > most)
			most = x.id;
	}
	assert_true(most > ROUNDS / 4);
}

static void
assert_counted(struct fixture *f)
{
	struct store_counts n;

	assert_int_equal(raw_number(f, REQUESTS_THAT_DIFFER), 0);
	assert_int_equal(raw_number(f, KRAS_THAT_DIFFER), 0);
	assert_ok(f, store_count(f->store, &n, &f->err));
	assert_int_equal(n.unpublished, raw_number(f, "SELECT count(*) FROM Publication"));
	assert_true(n.unpublished > 0);
	assert_true(n.archived_keys > 0);
	assert_int_equal(n.archived_keys, raw_number(f, "SELECT sum(HasArchivedKey) FROM Request"));
	assert_true(n.pending > 0 && n.issued > 0 && n.revoked > 0 && n.denied > 0 && n.error > 0);
}

static void
counts_are_what_a_scan_says(void **state)
{
	struct fixture *f = *state;

	do_much(f, 1);
	assert_counted(f);
	/* What is written past the program too. */
	assert_int_equal(
	    raw_exec(f, "DELETE FROM Publication WHERE RequestID % 2 = 0; DELETE FROM RequestBlob; "
			"DELETE FROM Request WHERE RequestID % 3 = 0 AND RequestID NOT IN "
			"(SELECT RequestID FROM Publication); "
			"UPDATE Request SET KeyRecoveryHashes = '" AGENT_C
			"' WHERE HasArchivedKey = 1 AND RequestID % 5 = 0;"),
	    SQLITE_OK);
	assert_counted(f);
}

static void
an_older_database_is_counted_once(void **state)
{
	struct fixture *f = *state;

	do_much(f, 1);
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_6), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_counted(f);
	do_much(f, 1000);
	assert_counted(f);
	reopen(f);
	assert_counted(f);
	assert_sound(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(counts_are_what_a_scan_says),
	    TEST(an_older_database_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
