/* What a request may wish of a CA without templates, and what it gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "wish.h"

#define SERVER "1.3.6.1.5.5.7.3.1"
#define CLIENT "1.3.6.1.5.5.7.3.2"
#define MAIL   "1.3.6.1.5.5.7.3.4"

static void
usages_are_the_request_s_within_bounds(void **state)
{
	static const struct {
		bool has_usage, is_ca;
		uint8_t usage[2];
		const char *eku;
		enum err_code code;
		uint8_t gets[2];
		const char *purpose; /* the first; NULL: none */
	} rows[] = {
	    {false, false, {0, 0}, NULL, ERR_OK, {0xa0, 0}, SERVER},
	    {true, false, {0x80, 0}, NULL, ERR_OK, {0x80, 0}, SERVER},
	    {true, false, {0x20, 0}, MAIL, ERR_OK, {0x20, 0}, MAIL},
	    {true, false, {0xf9, 0xff}, MAIL, ERR_OK, {0xf9, 0x80}, MAIL},
	    /* a CA's usages without being one, and nothing at all */
	    {true, false, {0x84, 0}, MAIL, ERROR_INVALID_DATA, {0, 0}, NULL},
	    {true, false, {0x02, 0}, NULL, ERROR_INVALID_DATA, {0, 0}, NULL},
	    {true, false, {0, 0x80}, NULL, ERROR_INVALID_DATA, {0, 0}, NULL},
	    /* a CA, which sign_kinds decides about */
	    {false, true, {0, 0}, NULL, ERR_OK, {0x86, 0}, NULL},
	    {true, true, {0x06, 0}, NULL, ERR_OK, {0x86, 0}, NULL},
	    {true, true, {0xff, 0xff}, MAIL, ERR_OK, {0x86, 0}, MAIL},
	    {true, true, {0x04, 0}, NULL, ERROR_INVALID_DATA, {0, 0}, NULL},
	    {true, true, {0xa0, 0}, NULL, ERROR_INVALID_DATA, {0, 0}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char eku[32], *list[] = {eku};
		struct wish w = {.key_algorithm = "RSA",
		    .key_bits = 2048,
		    .has_key_usage = rows[i].has_usage,
		    .is_ca = rows[i].is_ca,
		    .path_len = 3};
		struct tmpl t;
		struct err err;
		bool ok;

		memcpy(w.key_usage, rows[i].usage, 2);
		if (rows[i].eku != NULL) {
			strcpy(eku, rows[i].eku);
			w.eku = (struct texts){list, 1};
		}
		ok = wish_template(&w, &t, &err);
		assert_int_equal(ok, rows[i].code == ERR_OK);
		if (!ok) {
			assert_int_equal(err.code, rows[i].code);
			continue;
		}
		assert_memory_equal(t.key_usage, rows[i].gets, 2);
		assert_int_equal(t.eku.count, rows[i].purpose == NULL ? 0
					      : rows[i].eku == NULL   ? 2
								      : 1);
		if (rows[i].purpose != NULL)
			assert_string_equal(t.eku.list[0], rows[i].purpose);
		assert_int_equal((t.flags & CT_FLAG_IS_CA) != 0, rows[i].is_ca);
		assert_int_equal(t.max_depth, rows[i].is_ca ? 3 : -1);
		tmpl_free(&t);
	}
}

/* Whatever a request says. */
static void
everything_waits_and_nothing_is_archived(void **state)
{
	const struct wish w = {.key_algorithm = "EC", .key_bits = 256, .path_len = -1};
	struct sid list[] = {SID_EVERYONE};
	const struct sids everybody = {list, 1}, nobody = {0};
	struct tmpl t;
	struct err err;

	(void)state;
	assert_true(wish_template(&w, &t, &err));
	assert_true(tmpl_pends(&t));
	assert_false(tmpl_requires_key_archival(&t));
	assert_int_equal(tmpl_signatures_needed(&t), 0);
	assert_true(t.of_request);
	assert_true((t.name_flag & CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT) != 0);
	/* A SID that the requester wrote into it is not certified. */
	assert_true((t.enrollment_flag & CT_FLAG_NO_SECURITY_EXTENSION) != 0);
	assert_false((t.flags & CT_FLAG_PUBLISH_TO_DS) != 0);
	/* Who may ask is the CA's right. */
	assert_true(tmpl_check_read(&t, &everybody, "x", &err));
	assert_true(tmpl_check_enroll(&t, &everybody, "x", &err));
	assert_false(tmpl_check_enroll(&t, &nobody, "x", &err));
	tmpl_free(&t);
}

static void
weak_keys_are_refused(void **state)
{
	struct wish w = {.key_algorithm = "RSA", .key_bits = 2047, .path_len = -1};
	struct tmpl t;
	struct err err;

	(void)state;
	assert_false(wish_template(&w, &t, &err));
	assert_int_equal(err.code, CERTSRV_E_KEY_LENGTH);
	w.key_bits = WISH_RSA_BITS;
	assert_true(wish_template(&w, &t, &err));
	tmpl_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usages_are_the_request_s_within_bounds),
	    cmocka_unit_test(everything_waits_and_nothing_is_archived),
	    cmocka_unit_test(weak_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
