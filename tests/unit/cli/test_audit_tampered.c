/*
 * The auditor's test: a trail with a row of each kind of event, signed at some of them, and whoever
 * has the export, the database or both changes, removes, moves, adds and cuts every row, checkpoint
 * and head. Each is found, by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive_pki.h"
#include "audit_export.h"
#include "checkpoint.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "own_json.h"
#include "text.h"

static const int events[] = {
#define EVENT_NUMBER(name, number, ...) (number),
    AUDIT_EVENTS(EVENT_NUMBER)
#undef EVENT_NUMBER
};

#define ROWS       ((int)COUNT_OF(events))
#define EVERY      4 /* rows between checkpoints */
#define LINES_MOST (2 * ROWS + 2)

static struct test_cert ca, other_ca;
static struct err err;

/* Lines of an export, each owned; `row` is that of a record, 0 of the head, -row of a checkpoint.
 */
struct export
{
	char *lines[2 * COUNT_OF(events) + 2];
	int rows[2 * COUNT_OF(events) + 2];
	int count;
	struct trail_head head;
};

static void
export_free(struct export *x)
{
	for (int i = 0; i < x->count; i++)
		free(x->lines[i]);
	*x = (struct export){0};
}

typedef bool writes(FILE *to, const json_t *value, struct err *err);

static void
add_line(struct export *x, writes *write, json_t *value, int row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_true(write(f, value, &err));
	fclose(f);
	json_decref(value);
	x->lines[x->count] = text;
	x->rows[x->count++] = row;
}

static json_t *
head_of(const struct trail_head *h)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(h->hash, TRAIL_HASH_LEN), '\0');

	return json_pack("{s:I, s:s}", "row_id", (json_int_t)h->count, "row_hash", hash);
}

/* `changed`: the row that says something else than it did, 0: none. */
static void
add_row(struct export *x, int row, int changed)
{
	char actor[] = "NWTRADERS\\officer1", detail[] = "as it was", other[] = "made anew";
	struct audit_record a = {.row_id = row,
	    .when = 1790000000,
	    .event = (enum audit_event)events[row - 1],
	    .success = true,
	    .actor = actor,
	    .request_id = row,
	    .detail = row == changed ? other : detail};

	assert_true(trail_hash(EVP_sha256(), x->head.hash, &a, x->head.hash, &err));
	x->head.count = row;
	OWNED(own_memory) char *hash = hex_encode(view_of(x->head.hash, TRAIL_HASH_LEN), '\0');

	add_line(x, audit_export_record,
	    json_pack("{s:i, s:s, s:i, s:b, s:s, s:s, s:i, s:n, s:s, s:s}", "row_id", row, "when",
		"2026-09-21T14:13:20Z", "event", (int)a.event, "success", 1, "status", "0x00000000",
		"actor", actor, "request_id", row, "object", "detail", a.detail, "row_hash", hash),
	    row);
}

/* What the vault would have made; `last` the one before it. */
static void
add_checkpoint(struct export *x, const struct test_cert *by, const struct trail_head *at,
    struct trail_head *last)
{
	OWNED(buf_free)
	struct buf content = {0}, attrs = {0}, sig_alg = {0}, signature = {0}, message = {0};
	struct checkpoint c = {.row = at->count,
	    .when = 1790000000,
	    .previous_row = last->count,
	    .has_previous_hash = last->count > 0};
	struct cms_sign in = {.content_oid = oid_dotted(OID_CT_AUDIT_CHECKPOINT),
	    .digest = cms_digest(NID_sha256),
	    .issuer = by->cert.issuer,
	    .serial = by->cert.serial};

	memcpy(c.hash, at->hash, TRAIL_HASH_LEN);
	memcpy(c.previous_hash, last->hash, TRAIL_HASH_LEN);
	assert_true(checkpoint_encode(&c, &content, &err));
	in.content = buf_view(&content);
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	test_sign(by->key, buf_view(&attrs), &signature);
	assert_true(pkix_sig_alg(by->key, &sig_alg, &err));
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), &message, &err));
	OWNED(own_memory) char *text = base64_encode(buf_view(&message));

	add_line(x, audit_export_checkpoint,
	    json_pack("{s:I, s:s}", "row_id", (json_int_t)at->count, "message", text),
	    -(int)at->count);
	*last = *at;
}

static void
make(struct export *x)
{
	struct trail_head last = {0};

	*x = (struct export){0};
	for (int row = 1; row <= ROWS; row++) {
		add_row(x, row, 0);
		if (row % EVERY == 0 || row == ROWS)
			add_checkpoint(x, &ca, &x->head, &last);
	}
	add_line(x, audit_export_head, head_of(&x->head), 0);
}

/* The lines of that order (-1 ends it), and whether they verify. */
static bool
holds(const struct export *x, const int *order, struct audit_export *e)
{
	static const struct pkix_cert *cas[1];
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size), *from;
	bool ok;

	assert_non_null(f);
	for (; *order >= 0; order++)
		fputs(x->lines[*order], f);
	fclose(f);
	from = fmemopen(text, size > 0 ? size : 1, "r");
	assert_non_null(from);
	if (size == 0)
		(void)fgetc(from);
	cas[0] = &ca.cert;
	ok = audit_export_verify(from, &(struct audit_known){.cas = cas, .ca_count = 1}, e, &err);
	fclose(from);
	free(text);
	return ok;
}

static void
all_but(const struct export *x, int from, int to, int *order)
{
	for (int i = 0; i < x->count; i++)
		if (i < from || i >= to)
			*order++ = i;
	*order = -1;
}

static void
assert_names(const char *form, int row)
{
	OWNED(own_memory) char *says = text_printf("%s %d", form, row);
	const char *at = strstr(err.msg, says);

	if (at == NULL || (at[strlen(says)] >= '0' && at[strlen(says)] <= '9'))
		fail_msg("expected \"%s\", got: %s", says, err.msg);
}

static void
an_untouched_trail_holds(void **state)
{
	OWNED(export_free) struct export x;
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	make(&x);
	all_but(&x, 0, 0, order);
	if (!holds(&x, order, &e))
		fail_msg("%s", err.msg);
	assert_int_equal(e.head.count, ROWS);
	assert_int_equal(e.signed_row, ROWS);
}

static void
each_line_that_is_removed_is_named(void **state)
{
	OWNED(export_free) struct export x;
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	make(&x);
	for (int i = 0; i < x.count; i++) {
		bool is_last_checkpoint = x.rows[i] == -ROWS;

		all_but(&x, i, i + 1, order);
		/* Who cuts the last checkpoint off leaves a trail that was signed so far. */
		assert_int_equal(holds(&x, order, &e), is_last_checkpoint);
		if (is_last_checkpoint)
			assert_true(e.signed_row < ROWS);
		else if (x.rows[i] > 0 && x.rows[i] < ROWS)
			assert_names("audit row", x.rows[i]);
		else if (x.rows[i] < 0)
			assert_names("the checkpoint of audit row", -x.rows[i]);
		else if (x.rows[i] == 0)
			assert_names("what follows audit row", ROWS);
	}
}

static void
each_line_that_is_moved_or_repeated_is_found(void **state)
{
	OWNED(export_free) struct export x;
	struct audit_export e;
	int order[LINES_MOST + 1];

	(void)state;
	make(&x);
	for (int i = 0; i + 1 < x.count; i++) {
		all_but(&x, 0, 0, order);
		order[i] = i + 1;
		order[i + 1] = i;
		assert_false(holds(&x, order, &e));
		if (x.rows[i] > 0 && x.rows[i + 1] > 0)
			assert_names("audit row", x.rows[i]);
		all_but(&x, 0, 0, order);
		memmove(order + i + 1, order + i, (size_t)(x.count - i + 1) * sizeof *order);
		assert_false(holds(&x, order, &e));
	}
}

static void
each_octet_of_each_line_counts(void **state)
{
	OWNED(export_free) struct export x;
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	make(&x);
	all_but(&x, 0, 0, order);
	for (int i = 0; i < x.count; i++)
		for (size_t at = 0; at + 1 < strlen(x.lines[i]); at += x.rows[i] < 0 ? 97 : 7) {
			char was = x.lines[i][at];

			x.lines[i][at] = was == 'x' ? 'y' : 'x';
			/* Of a CMS message, who is said to have signed is not signed. */
			if (holds(&x, order, &e) && (x.rows[i] >= 0 || e.signed_row != ROWS))
				fail_msg("octet %zu of line %d", at, i + 1);
			if (err.code == CRYPT_E_HASH_VALUE && x.rows[i] > 0)
				assert_names("audit row", x.rows[i]);
			else if (err.code == ERROR_INVALID_DATA)
				assert_names("line", i + 1);
			x.lines[i][at] = was;
		}
}

static void
each_cut_is_found(void **state)
{
	OWNED(export_free) struct export x;
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	make(&x);
	for (int i = 0; i < x.count; i++) {
		all_but(&x, i, x.count, order);
		assert_false(holds(&x, order, &e));
		assert_non_null(strstr(err.msg, "cut off"));
		/* With the head still there, the rows before it are missed. */
		all_but(&x, i, x.count - 1, order);
		if (i < x.count - 2)
			assert_false(holds(&x, order, &e));
	}
}

/* Who has the database makes all rows from one on anew, with hashes that fit. What the CA signed
 * stays what it was; and what it signs afterwards says so too. */
static void
make_anew(struct export *x, int changed, bool signs_again)
{
	OWNED(export_free) struct export was;
	struct trail_head last = {0};

	make(&was);
	*x = (struct export){0};
	for (int i = 0; i < was.count; i++) {
		if (was.rows[i] > 0) {
			add_row(x, was.rows[i], changed);
			continue;
		}
		if (was.rows[i] == 0)
			break;
		if (-was.rows[i] < changed) {
			last = x->head;
		} else if (signs_again) {
			/* Older signatures of rows that are no more are taken out; the vault names
			 * what it signed last. */
			last = was.head;
			last.count = ROWS - 1;
			continue;
		}
		x->lines[x->count] = mem_text(was.lines[i]);
		x->rows[x->count++] = was.rows[i];
	}
	if (signs_again)
		add_checkpoint(x, &ca, &x->head, &last);
	add_line(x, audit_export_head, head_of(&x->head), 0);
}

static void
a_chain_made_anew_is_found_from_each_row_on(void **state)
{
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	for (int row = 1; row <= ROWS; row++) {
		OWNED(export_free) struct export x;
		int sign = (row + EVERY - 1) / EVERY * EVERY;

		make_anew(&x, row, false);
		all_but(&x, 0, 0, order);
		assert_false(holds(&x, order, &e));
		assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
		assert_names("audit row", sign < ROWS ? sign : ROWS);
		assert_names("one behind row", (row - 1) / EVERY * EVERY);
		assert_int_equal(e.head.count, sign < ROWS ? sign : ROWS);
	}
}

static void
signing_again_does_not_hide_it(void **state)
{
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	for (int row = 1; row < ROWS; row++) {
		OWNED(export_free) struct export x;

		make_anew(&x, row, true);
		all_but(&x, 0, 0, order);
		assert_false(holds(&x, order, &e));
		assert_names("the checkpoint of audit row", ROWS - 1);
	}
}

static void
a_signature_of_another_ca_is_none(void **state)
{
	OWNED(export_free) struct export x;
	struct trail_head last = {0};
	struct audit_export e;
	int order[LINES_MOST];

	(void)state;
	x = (struct export){0};
	add_row(&x, 1, 0);
	add_checkpoint(&x, &other_ca, &x.head, &last);
	add_line(&x, audit_export_head, head_of(&x.head), 0);
	all_but(&x, 0, 0, order);
	assert_false(holds(&x, order, &e));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	all_but(&x, 1, 2, order);
	assert_false(holds(&x, order, &e));
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
}

/* An export that goes on behind a row, by itself and after the one before it. */
static void
continued_exports_hold_in_sequence(void **state)
{
	OWNED(export_free) struct export whole, x;
	const struct pkix_cert *cas[] = {&ca.cert};
	struct audit_known known = {.cas = cas, .ca_count = 1};
	struct trail_head middle, wrong;
	struct audit_export e;
	int order[LINES_MOST], at = 0;

	(void)state;
	make(&whole);
	x = (struct export){0};
	for (; whole.rows[at] != -EVERY; at++)
		if (whole.rows[at] > 0)
			add_row(&x, whole.rows[at], 0);
	middle = wrong = x.head;
	export_free(&x);
	x.head = middle;
	add_line(&x, audit_export_from, head_of(&middle), 0);
	for (at++; at < whole.count; at++) {
		x.lines[x.count] = mem_text(whole.lines[at]);
		x.rows[x.count++] = whole.rows[at];
	}
	all_but(&x, 0, 0, order);
	if (!holds(&x, order, &e))
		fail_msg("%s", err.msg);
	assert_int_equal(e.first, EVERY + 1);
	assert_int_equal(e.head.count, ROWS);
	wrong.hash[0] ^= 1;
	for (int i = 0; i < 2; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&text, &size), *from;

		for (int k = 0; k < x.count; k++)
			fputs(x.lines[k], f);
		fclose(f);
		from = fmemopen(text, size, "r");
		known.after = i == 0 ? &middle : &wrong;
		assert_int_equal(audit_export_verify(from, &known, &e, &err), i == 0);
		fclose(from);
		free(text);
	}
	assert_names("audit row", EVERY);
}

static int
set_up(void **state)
{
	(void)state;
	assert_true(oids_init(&err));
	ca = test_ca("CN=CA", "P-256");
	other_ca = test_ca("CN=CA", "P-256");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	test_cert_free(&ca);
	test_cert_free(&other_ca);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_untouched_trail_holds),
	    cmocka_unit_test(each_line_that_is_removed_is_named),
	    cmocka_unit_test(each_line_that_is_moved_or_repeated_is_found),
	    cmocka_unit_test(each_octet_of_each_line_counts),
	    cmocka_unit_test(each_cut_is_found),
	    cmocka_unit_test(a_chain_made_anew_is_found_from_each_row_on),
	    cmocka_unit_test(signing_again_does_not_hide_it),
	    cmocka_unit_test(a_signature_of_another_ca_is_none),
	    cmocka_unit_test(continued_exports_hold_in_sequence),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
