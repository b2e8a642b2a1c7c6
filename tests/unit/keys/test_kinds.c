#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "oids.h"
#include "pkix.h"
#include "sign_kinds.h"

#define EXCHANGE    "1.3.6.1.4.1.311.21.5"
#define KRA         "1.3.6.1.4.1.311.21.6"
#define AGENT       "1.3.6.1.4.1.311.20.2.1"
#define OCSP        "1.3.6.1.5.5.7.3.9"
#define ANY_EKU     "2.5.29.37.0"
#define ANY_POLICY  "1.3.6.1.4.1.311.10.12.1"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define SMART_CARD  "1.3.6.1.4.1.311.20.2.2"

#define DIGITAL_SIGNATURE PKIX_KU_DIGITAL_SIGNATURE
#define KEY_ENCIPHERMENT  PKIX_KU_KEY_ENCIPHERMENT
#define KEY_CERT_SIGN     PKIX_KU_CERT_SIGN
#define CRL_SIGN          PKIX_KU_CRL_SIGN
#define USAGES_MAX        3
#define TEXT_MAX          128

/* What is refused where `kinds` lack `needs`, and allowed where they hold exactly it. 0: allowed
 * always. */
struct row {
	const char *name;
	unsigned needs;
	bool is_ca;
	uint16_t key_usage;
	const char *eku[USAGES_MAX], *policy[USAGES_MAX];
};

static const struct row rows[] = {
    {"end entity", 0, false, DIGITAL_SIGNATURE | KEY_ENCIPHERMENT, {CLIENT_AUTH, SMART_CARD}, {0}},
    {"end entity with policies", 0, false, DIGITAL_SIGNATURE, {CLIENT_AUTH}, {CLIENT_AUTH}},
    {"KRA", SIGN_KIND_KRA, false, KEY_ENCIPHERMENT, {KRA}, {KRA}},
    {"KRA by its policies alone", SIGN_KIND_KRA, false, KEY_ENCIPHERMENT, {CLIENT_AUTH}, {KRA}},
    {"KRA among others", SIGN_KIND_KRA, false, KEY_ENCIPHERMENT, {CLIENT_AUTH, KRA}, {0}},
    {"subordinate CA", SIGN_KIND_SUB_CA, true, KEY_CERT_SIGN | CRL_SIGN, {0}, {0}},
    {"CA without key usage", SIGN_KIND_SUB_CA, true, 0, {0}, {0}},
    {"CA for client authentication", SIGN_KIND_SUB_CA, true, KEY_CERT_SIGN, {CLIENT_AUTH}, {0}},
    {"keyCertSign", SIGN_KIND_SUB_CA, false, KEY_CERT_SIGN, {CLIENT_AUTH}, {0}},
    {"cRLSign", SIGN_KIND_SUB_CA, false, CRL_SIGN, {CLIENT_AUTH}, {0}},
    {"enrollment agent", SIGN_KIND_AGENT, false, DIGITAL_SIGNATURE, {AGENT}, {0}},
    {"enrollment agent by its policies", SIGN_KIND_AGENT, false, DIGITAL_SIGNATURE, {CLIENT_AUTH},
	{AGENT}},
    {"OCSP signing", SIGN_KIND_OCSP, false, DIGITAL_SIGNATURE, {OCSP}, {OCSP}},
    {"OCSP signing by its policies", SIGN_KIND_OCSP, false, DIGITAL_SIGNATURE, {CLIENT_AUTH},
	{OCSP}},
    {"any extended key usage", SIGN_KIND_ANY_PURPOSE, false, DIGITAL_SIGNATURE,
	{CLIENT_AUTH, ANY_EKU}, {0}},
    {"any application policy", SIGN_KIND_ANY_PURPOSE, false, DIGITAL_SIGNATURE, {CLIENT_AUTH},
	{ANY_POLICY}},
    {"no extended key usage", SIGN_KIND_ANY_PURPOSE, false, DIGITAL_SIGNATURE, {0}, {0}},
    {"policies alone", SIGN_KIND_ANY_PURPOSE, false, DIGITAL_SIGNATURE, {0}, {CLIENT_AUTH}},
    {"agent and OCSP", SIGN_KIND_AGENT | SIGN_KIND_OCSP, false, DIGITAL_SIGNATURE, {AGENT, OCSP},
	{0}},
    {"CA that is an agent", SIGN_KIND_SUB_CA | SIGN_KIND_AGENT, true, KEY_CERT_SIGN, {AGENT}, {0}},
    {"keyCertSign for every purpose", SIGN_KIND_SUB_CA | SIGN_KIND_ANY_PURPOSE, false,
	KEY_CERT_SIGN, {0}, {0}},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])
#define ALL_KINDS 0x1fu

static struct sign_usages
usages(const char *const from[USAGES_MAX], char *to[USAGES_MAX], char text[USAGES_MAX][TEXT_MAX])
{
	struct sign_usages u = {.list = to};

	for (; u.count < USAGES_MAX && from[u.count] != NULL; u.count++) {
		strcpy(text[u.count], from[u.count]);
		to[u.count] = text[u.count];
	}
	return u;
}

static bool
check(unsigned allowed, const struct row *r, struct err *err)
{
	char text[2][USAGES_MAX][TEXT_MAX], *list[2][USAGES_MAX];
	struct sign_purpose p = {.is_ca = r->is_ca,
	    .key_usage = r->key_usage,
	    .has_eku = r->eku[0] != NULL,
	    .eku = usages(r->eku, list[0], text[0]),
	    .policy = usages(r->policy, list[1], text[1])};

	return sign_kinds_check(allowed, &p, err);
}

static void
each_kind_needs_all_that_it_is_and_no_more(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!check(rows[i].needs, &rows[i], &err))
			fail_msg("%s: %s", rows[i].name, err.msg);
		for (unsigned allowed = 0; allowed <= ALL_KINDS; allowed++)
			if (check(allowed, &rows[i], &err) != ((rows[i].needs & ~allowed) == 0))
				fail_msg("%s: with kinds %02x", rows[i].name, allowed);
	}
}

static void
usages_of_the_vaults_keys_are_allowed_by_nothing(void **state)
{
	static const struct row exchange[] = {
	    {"usage", 0, false, KEY_ENCIPHERMENT, {EXCHANGE}, {0}},
	    {"policy", 0, false, KEY_ENCIPHERMENT, {CLIENT_AUTH}, {EXCHANGE}},
	    {"among others", 0, false, KEY_ENCIPHERMENT, {CLIENT_AUTH, EXCHANGE}, {0}},
	    {"of a CA", 0, true, KEY_CERT_SIGN, {EXCHANGE}, {0}},
	    {"import", 0, false, KEY_ENCIPHERMENT, {KP_KEY_IMPORT}, {0}},
	    {"import by its policies", 0, false, KEY_ENCIPHERMENT, {CLIENT_AUTH}, {KP_KEY_IMPORT}},
	    {"import among others", 0, false, KEY_ENCIPHERMENT, {CLIENT_AUTH, KP_KEY_IMPORT}, {0}},
	    {"of dirca, whatever it may be", 0, false, KEY_ENCIPHERMENT, {DIRCA_ARC ".4.99"}, {0}},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof exchange / sizeof exchange[0]; i++) {
		assert_false(check(ALL_KINDS, &exchange[i], &err));
		assert_int_equal(err.code, DIRCA_E_KIND_NOT_ALLOWED);
		assert_null(strstr(err.msg, "sign_kinds"));
	}
}

/* The line of the sentence, typed, must work: it allows what was refused, and takes nothing away.
 */
static void
line_of_the_refusal_allows_it(void **state)
{
	char line[SIGN_KINDS_TEXT_MAX];
	const char *from;
	unsigned kinds;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++)
		for (unsigned allowed = 0; allowed <= ALL_KINDS; allowed++) {
			if (check(allowed, &rows[i], &err))
				continue;
			assert_int_equal(err.code, DIRCA_E_KIND_NOT_ALLOWED);
			from = strstr(err.msg, "'sign_kinds = ");
			assert_non_null(from);
			from += strlen("'sign_kinds = ");
			snprintf(line, sizeof line, "%.*s", (int)strcspn(from, "'"), from);
			assert_true(sign_kinds_parse(line, &kinds, &err));
			assert_int_equal(kinds & allowed, allowed);
			assert_true(check(kinds, &rows[i], &err));
		}
}

static void
words_are_read_and_written(void **state)
{
	char text[SIGN_KINDS_TEXT_MAX];
	unsigned kinds;
	struct err err;

	(void)state;
	assert_true(sign_kinds_parse("end-entity", &kinds, &err));
	assert_int_equal(kinds, 0);
	assert_true(sign_kinds_parse(" kra,sub-ca\tenrollment-agent ", &kinds, &err));
	assert_int_equal(kinds, SIGN_KIND_KRA | SIGN_KIND_SUB_CA | SIGN_KIND_AGENT);
	for (kinds = 0; kinds <= ALL_KINDS; kinds++) {
		unsigned again;

		sign_kinds_text(kinds, text);
		assert_true(sign_kinds_parse(text, &again, &err));
		assert_int_equal(again, kinds);
	}
	assert_string_equal(
	    text, "end-entity kra sub-ca enrollment-agent ocsp-signing any-purpose");
	assert_false(sign_kinds_parse("kra sub-c", &kinds, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_non_null(strstr(err.msg, "'sub-c'"));
	assert_false(sign_kinds_parse("exchange", &kinds, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_needs_all_that_it_is_and_no_more),
	    cmocka_unit_test(usages_of_the_vaults_keys_are_allowed_by_nothing),
	    cmocka_unit_test(line_of_the_refusal_allows_it),
	    cmocka_unit_test(words_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
