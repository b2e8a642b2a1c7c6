/* The retrieval that a CA signs: round trip, the vector of docs/PROTOCOL.md, and what is refused.
 */
#include "messages_support.h"

#include "retrieval.h"
#include "text.h"

static char officer[] = "NWTRADERS\\officer1", sid[] = "S-1-5-21-1-2-3-1106";
static struct retrieval_hash chain[2], kras[2];

static struct retrieval
usual(void)
{
	struct retrieval r = {.request_id = 42,
	    .audit_row = 1234,
	    .when = 1790000000,
	    .officer = officer,
	    .officer_sid = sid,
	    .chain = chain,
	    .chain_count = 2,
	    .kras = kras,
	    .kra_count = 2};

	memset(r.certificate.sha256, 0x11, RETRIEVAL_HASH_LEN);
	memset(chain[0].sha256, 0x22, RETRIEVAL_HASH_LEN);
	memset(chain[1].sha256, 0x33, RETRIEVAL_HASH_LEN);
	memset(kras[0].sha256, 0x44, RETRIEVAL_HASH_LEN);
	memset(kras[1].sha256, 0x55, RETRIEVAL_HASH_LEN);
	return r;
}

static char ticket[] = "INC-4711";

static void
what_was_written_comes_back(void **state)
{
	struct retrieval r = usual(), back;
	struct buf der;
	struct err err;

	(void)state;
	must(retrieval_encode(&r, &der, &err));
	must(retrieval_decode(buf_view(&der), &back, &err));
	assert_int_equal(back.request_id, r.request_id);
	assert_int_equal(back.audit_row, r.audit_row);
	assert_int_equal(back.when, r.when);
	assert_string_equal(back.officer, officer);
	assert_string_equal(back.officer_sid, sid);
	assert_int_equal(back.chain_count, 2);
	assert_memory_equal(back.chain, chain, sizeof chain);
	assert_int_equal(back.kra_count, 2);
	assert_memory_equal(back.kras, kras, sizeof kras);
	assert_true(retrieval_has(&back, r.certificate.sha256));
	assert_true(retrieval_has(&back, kras[1].sha256));
	retrieval_free(&back);
	buf_free(&der);
	r.officer_sid = NULL;
	r.kra_count = 0; /* nobody has their certificates any more: they can still open it */
	must(retrieval_encode(&r, &der, &err));
	must(retrieval_decode(buf_view(&der), &back, &err));
	assert_null(back.officer_sid);
	assert_int_equal(back.kra_count, 0);
	assert_int_equal(back.case_id, 0);
	assert_null(back.ticket);
	retrieval_free(&back);
	buf_free(&der);
	for (int with_ticket = 0; with_ticket < 2; with_ticket++) {
		r.case_id = 4711;
		r.ticket = with_ticket ? ticket : NULL;
		must(retrieval_encode(&r, &der, &err));
		must(retrieval_decode(buf_view(&der), &back, &err));
		assert_int_equal(back.case_id, 4711);
		if (with_ticket)
			assert_string_equal(back.ticket, ticket);
		else
			assert_null(back.ticket);
		retrieval_free(&back);
		for (size_t len = 0; len < der.len; len++)
			must_fail(retrieval_decode(view_of(der.ptr, len), &back, &err),
			    ERROR_INVALID_DATA);
		buf_free(&der);
	}
}

/* docs/PROTOCOL.md shows it in lines of hexadecimal digits. */
static void
the_vector_of_the_specification_is_ours(void **state)
{
	struct retrieval r = usual();
	struct buf der, page = support_file(SOURCE_DIR "/docs/PROTOCOL.md");
	char *hex, *text, *to;
	struct err err;

	(void)state;
	must(retrieval_encode(&r, &der, &err));
	assert_non_null(hex = hex_encode(buf_view(&der), '\0'));
	assert_non_null(text = to = malloc(page.len + 1));
	for (size_t i = 0; i < page.len; i++)
		if (strchr(" \n", page.ptr[i]) == NULL)
			*to++ = (char)page.ptr[i];
	*to = '\0';
	if (strstr(text, hex) == NULL)
		fail_msg("docs/PROTOCOL.md lacks %s", hex);
	free(hex);
	free(text);
	buf_free(&der);
	buf_free(&page);
}

static void
damage_is_found(void **state)
{
	struct retrieval r = usual(), back;
	struct buf der;
	struct err err;

	(void)state;
	must(retrieval_encode(&r, &der, &err));
	for (size_t len = 0; len < der.len; len++)
		must_fail(retrieval_decode(view_of(der.ptr, len), &back, &err), ERROR_INVALID_DATA);
	must(buf_append(&der, view_of("", 1), &err));
	must_fail(retrieval_decode(buf_view(&der), &back, &err), ERROR_INVALID_DATA);
	der.len--;
	assert_memory_equal(der.ptr + 3, "\x02\x01\x01", 3); /* the version */
	der.ptr[5] = 2;
	must_fail(retrieval_decode(buf_view(&der), &back, &err), ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
a_hash_twice_is_refused(void **state)
{
	struct retrieval r = usual(), back;
	struct buf der;
	struct err err;

	(void)state;
	kras[1] = chain[0];
	must(retrieval_encode(&r, &der, &err));
	must_fail(retrieval_decode(buf_view(&der), &back, &err), ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
what_is_not_whole_is_not_written(void **state)
{
	char bad[] = "a\u202eb", empty[] = "", *longest = calloc(RETRIEVAL_OFFICER_MAX + 2, 1);
	struct retrieval_hash *many = calloc(RETRIEVAL_CERTS_MAX, sizeof *many);
	const struct retrieval good = usual();
	struct retrieval rows[12];
	struct buf der;
	struct err err;

	(void)state;
	memset(longest, 'x', RETRIEVAL_OFFICER_MAX + 1);
	for (size_t i = 0; i < 12; i++)
		rows[i] = good;
	rows[0].request_id = 0;
	rows[1].audit_row = -1;
	rows[2].officer = NULL;
	rows[3].officer = bad;
	rows[4].officer = longest;
	rows[5].officer_sid = empty;
	rows[6].chain_count = 0;
	rows[7].kras = many;
	rows[7].kra_count = RETRIEVAL_CERTS_MAX - 1;
	rows[8].case_id = -1;
	rows[9].ticket = ticket; /* of no case */
	rows[10].case_id = rows[11].case_id = 1;
	rows[10].ticket = longest;
	rows[11].ticket = empty;
	for (size_t i = 0; i < 12; i++)
		must_fail(retrieval_encode(&rows[i], &der, &err), E_INVALIDARG);
	free(longest);
	free(many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_written_comes_back),
	    cmocka_unit_test(the_vector_of_the_specification_is_ours),
	    cmocka_unit_test(damage_is_found),
	    cmocka_unit_test(a_hash_twice_is_refused),
	    cmocka_unit_test(what_is_not_whole_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
