/* Proofs that archived keys open, and the reports that they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drill.h"
#include "own_openssl.h"
#include "recovery_lab.h"

static const uint8_t drill_id[DRILL_ID] = {1, 2, 3}, sealed[DRILL_HASH] = {4, 5, 6};

static struct drill_subject
usual_subject(void)
{
	struct drill_subject s = {
	    .drill = view_of(drill_id, sizeof drill_id), .sealed = view_of(sealed, sizeof sealed)};
	struct err err;

	assert_true(archive_key_id(kra1.key, s.agent, &err));
	return s;
}

static void
a_proof_holds_for_its_key_drill_archived_key_and_agent(void **state)
{
	static const char *const kinds[] = {"rsa1024", "rsa2048", "P-256", "P-384", "P-521"};
	static const uint8_t other[DRILL_HASH] = {9};
	const struct drill_subject good = usual_subject();
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		OWNED(own_pkey) EVP_PKEY *key = test_key(kinds[i]);
		OWNED(own_pkey) EVP_PKEY *stranger_key = test_key(kinds[i]);
		OWNED(buf_free) struct buf proof = {0};
		struct drill_subject bad[] = {good, good, good};

		bad[0].drill = view_of(other, DRILL_ID);
		bad[1].sealed = view_of(other, DRILL_HASH);
		bad[2].agent[0] ^= 1;
		assert_true(drill_proof_make(&good, key, &proof, &err));
		assert_true(drill_proof_check(&good, key, buf_view(&proof), &err));
		for (size_t k = 0; k < 3; k++) {
			assert_false(drill_proof_check(&bad[k], key, buf_view(&proof), &err));
			assert_int_equal(err.code, NTE_BAD_SIGNATURE);
		}
		assert_false(drill_proof_check(&good, stranger_key, buf_view(&proof), &err));
		assert_int_equal(err.code, NTE_BAD_SIGNATURE);
		proof.ptr[proof.len - 1] ^= 1;
		assert_false(drill_proof_check(&good, key, buf_view(&proof), &err));
		assert_int_equal(err.code, NTE_BAD_SIGNATURE);
		assert_false(drill_proof_check(&good, key, (struct view){0}, &err));
	}
}

/* What docs/PROTOCOL.md says is signed, put together once more. */
static void
written(const struct drill_subject *s, struct buf *out)
{
	struct err err;

	for (int i = 0; i < 64; i++)
		assert_true(buf_append(out, view_str(" "), &err));
	assert_true(buf_append(out, view_of("dirca archive drill 1\0", 22), &err));
	assert_true(buf_append(out, s->drill, &err));
	assert_true(buf_append(out, s->sealed, &err));
	assert_true(buf_append(out, view_of(s->agent, sizeof s->agent), &err));
	assert_int_equal(out->len, 166);
}

static void
what_is_signed_is_what_is_written(void **state)
{
	const struct drill_subject s = usual_subject();
	OWNED(own_pkey) EVP_PKEY *key = test_key("P-256");
	OWNED(buf_free) struct buf what = {0}, proof = {0};
	struct err err;

	(void)state;
	written(&s, &what);
	test_sign(key, buf_view(&what), &proof);
	assert_true(drill_proof_check(&s, key, buf_view(&proof), &err));
}

/* A key that never was to sign makes nothing that a reader of PKCS#1 v1.5 takes. */
static void
rsa_signs_by_pss_alone(void **state)
{
	const struct drill_subject s = usual_subject();
	OWNED(buf_free) struct buf what = {0}, proof = {0};
	struct err err;

	(void)state;
	written(&s, &what);
	test_sign(user.key, buf_view(&what), &proof);
	assert_false(drill_proof_check(&s, user.key, buf_view(&proof), &err));
	assert_int_equal(err.code, NTE_BAD_SIGNATURE);
}

static void
make_report(const struct test_cert *by, struct buf *out)
{
	const struct drill_report r = {.drill = view_of(drill_id, sizeof drill_id),
	    .proofs = {{view_of(sealed, sizeof sealed), view_str("signature")}},
	    .count = 1};
	struct err err;

	assert_true(drill_report_sign(&r, by->key, buf_view(&by->der), 1000000000, out, &err));
}

static void
a_report_is_its_agents(void **state)
{
	const struct test_cert *const who[] = {&kra1, &ec_kra};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		OWNED(buf_free) struct buf message = {0};
		OWNED(drill_message_free) struct drill_message m = {0};
		struct view file;

		make_report(who[i], &message);
		file = buf_view(&message);
		assert_true(drill_message_next(&file, &m, &err));
		assert_int_equal(file.len, 0);
		assert_int_equal(m.report.count, 1);
		assert_true(drill_message_verify(&m, who[i]->key, &err));
		assert_false(drill_message_verify(&m, kra2.key, &err));
		assert_false(drill_message_verify(&m, who[1 - i]->key, &err));
	}
}

static void
a_report_that_was_changed_is_refused(void **state)
{
	OWNED(buf_free) struct buf message = {0};
	OWNED(drill_message_free) struct drill_message m = {0};
	uint8_t *at;
	struct view file;
	struct err err;

	(void)state;
	make_report(&kra1, &message);
	at = memmem(message.ptr, message.len, sealed, sizeof sealed);
	assert_non_null(at);
	*at ^= 1;
	assert_true(drill_message_decode(buf_view(&message), &m, &err));
	assert_false(drill_message_verify(&m, kra1.key, &err));
	assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
	file = view_of(message.ptr, message.len - 1);
	drill_message_free(&m);
	assert_false(drill_message_next(&file, &m, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
}

/* The same content in a message of another kind. */
static void
what_an_agent_signed_elsewhere_is_no_report(void **state)
{
	const struct cms_cosigner by = {.key = kra1.key, .certificate = buf_view(&kra1.der)};
	OWNED(buf_free) struct buf message = {0}, other = {0};
	OWNED(drill_message_free) struct drill_message m = {0};
	struct err err;

	(void)state;
	make_report(&kra1, &message);
	assert_true(drill_message_decode(buf_view(&message), &m, &err));
	assert_true(
	    cms_sign_content(&by, CMS_ID_DATA, m.message.content, 1000000000, &other, &err));
	drill_message_free(&m);
	assert_false(drill_message_decode(buf_view(&other), &m, &err));
	assert_int_equal(err.code, CRYPT_E_INVALID_MSG_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_proof_holds_for_its_key_drill_archived_key_and_agent),
	    cmocka_unit_test(what_is_signed_is_what_is_written),
	    cmocka_unit_test(rsa_signs_by_pss_alone),
	    cmocka_unit_test(a_report_is_its_agents),
	    cmocka_unit_test(a_report_that_was_changed_is_refused),
	    cmocka_unit_test(what_an_agent_signed_elsewhere_is_no_report),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
