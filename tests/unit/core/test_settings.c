#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca.h"

static char dir[64];
static struct store *store;

static void
values_in_range_are_accepted_and_others_refused(void **state)
{
	static const struct {
		const char *name, *value;
		bool ok;
	} rows[] = {
	    {"CA\\KRACertCount", "0", true},
	    {"CA\\KRACertCount", "64", true},
	    {"ca\\kracertcount", "2", true},
	    {"CA\\KRACertCount", "65", false},
	    {"CA\\KRACertCount", "-1", false},
	    {"CA\\KRACertCount", "two", false},
	    {"CA\\KRACertCount", "", false},
	    {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", "AES", true},
	    {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", "3des", true},
	    {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", "RC2", false},
	    {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", "0", false},
	    {"CA\\EncryptionCSP\\SymmetricKeySize", "192", true},
	    {"CA\\EncryptionCSP\\SymmetricKeySize", "160", false},
	    {"CA\\EncryptionCSP\\EncryptionAlgorithm", "0x6603", true},
	    {"CA\\EncryptionCSP\\EncryptionAlgorithm", "26128", true},
	    {"CA\\EncryptionCSP\\EncryptionAlgorithm", "calg_aes_256", true},
	    {"CA\\EncryptionCSP\\EncryptionAlgorithm", "0x6602", false},
	    {"CA\\EncryptionCSP\\EncryptionAlgorithm", "CALG_RC4", false},
	    {"CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", "ECDH_P384", true},
	    {"CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", "rsa", true},
	    {"CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", "ECDSA_P256", false},
	    {"CA\\EncryptionCSP\\KeySize", "3072", true},
	    {"CA\\EncryptionCSP\\KeySize", "1024", false},
	    {"CA\\EncryptionCSP\\KeySize", "2049", false},
	    {"CA\\KRACertCount", "0x3F", true},
	    {"CA\\KRACertCount", "0x41", false},
	    {"CA\\KRACertCount", "0x", false},
	    {"CA\\KRACertCount", "0x1000000000000000000", false},
	    {"CA\\KRACertCount", "2 Days", false},
	    {"CA\\CRLPeriod", "days", true},
	    {"CA\\CRLPeriod", "12 Hours", true},
	    {"CA\\CRLPeriod", "Fortnights", false},
	    {"CA\\CRLPeriod", "7", false},
	    {"CA\\CRLPeriod", "0 Days", false},
	    {"CA\\CRLPeriod", "-1 Days", false},
	    {"CA\\CRLPeriodUnits", "0", false},
	    {"CA\\CRLPeriodUnits", "1000000000", true},
	    {"CA\\AuditFilter", "0x7f", true},
	    {"CA\\AuditFilter", "0", true},
	    {"CA\\AuditFilter", "0x80", false},
	    {"CA\\AuditFilter", "AUDIT_FILTER_STARTSTOP | audit_filter_caconfig", true},
	    {"CA\\AuditFilter", "-AUDIT_FILTER_STARTSTOP +AUDIT_FILTER_CACONFIG", true},
	    {"CA\\AuditFilter", "AUDIT_FILTER_STARTSTOP -AUDIT_FILTER_CACONFIG", false},
	    {"CA\\AuditFilter", "+", false},
	    {"CA\\AuditFilter", "", false},
	    {"CA\\AuditFilter", "+0x3", true},
	    {"CA\\KRAFlags", "KRAF_ENABLEARCHIVEALL", false},
	    {"CA\\CRLFlags", "0x200", false},
	    {"CA\\Recovery\\RequireCase", "2", false},
	    {"CA\\Recovery\\SecondApprover", "none", true},
	    {"CA\\Recovery\\SecondApprover", "All", true},
	    {"CA\\Recovery\\SecondApprover", "EFSArchive, User Archive", true},
	    {"CA\\Recovery\\SecondApprover", "", false},
	    {"CA\\Recovery\\SecondApprover", "EFSArchive,,UserArchive", false},
	    {"CA\\Recovery\\SecondApprover", "EFSArchive,*", false},
	    {"CA\\Recovery\\RevokeFirst", "-Lost", true},
	    {"CA\\Recovery\\RevokeFirst", "Stolen", false},
	    {"CA\\Recovery\\FetchHours", "0", false},
	    {"CA\\Recovery\\DrillDays", "0", true},
	    {"CA\\Recovery\\DrillDays", "3651", false},
	    {"CA\\Recovery\\TellOwner", "AtOpening", true},
	    {"CA\\Recovery\\TellOwner", "1", false},
	    {"CA\\NoSuchSetting", "1", false},
	    {"KRACertCount", "1", true}, /* no other ends so */
	    {"X\\KRACertCuont", "1", false},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool set[SETTING_COUNT];
		struct settings in;
		enum setting s;

		settings_default(&in);
		err.code = E_INVALIDARG;
		if ((setting_find(rows[i].name, &s, &err) &&
			setting_parse(s, rows[i].value, &in, set, &err)) != rows[i].ok)
			fail_msg("%s = %s", rows[i].name, rows[i].value);
		if (!rows[i].ok)
			assert_int_equal(err.code, E_INVALIDARG);
	}
}

static void
what_was_meant_is_named(void **state)
{
	static const struct {
		const char *name, *told;
	} rows[] = {
	    {"KRACertCuont", "CA\\KRACertCount"},
	    {"KRACert", "CA\\KRACertCount"},
	    {"CA\\CRLPeriodSeconds", "CA\\CRLPeriod"},
	    {"CA\\EncryptionCSP\\Key", "CA\\EncryptionCSP\\KeySize"},
	    {"CA\\Nonsense", "`dirca getreg`"},
	};
	enum setting s;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_false(setting_find(rows[i].name, &s, &err));
		if (strstr(err.msg, rows[i].told) == NULL)
			fail_msg("%s: %s", rows[i].name, err.msg);
	}
}

/* What is shown can be given, and means the same. */
static void
each_value_reads_as_it_is_written(void **state)
{
	bool set[SETTING_COUNT] = {false};
	struct settings was, now;
	struct err err;

	(void)state;
	settings_default(&was);
	was.num[SETTING_CNG_ENCRYPTION_ALGORITHM] = 1;
	strcpy(was.second_approver, "EFSArchive,User Archive");
	now = was;
	now.second_approver[0] = '\0';
	for (int s = 0; s < SETTING_COUNT; s++) {
		char *text = setting_text(&was, (enum setting)s);

		now.num[s] = -1;
		assert_true(setting_parse((enum setting)s, text, &now, set, &err));
		if (s == SETTING_ENCRYPTION_ALGORITHM) /* of others, which are stored */
			assert_true(now.num[SETTING_CNG_ENCRYPTION_ALGORITHM] == 1 && !set[s]);
		else if (s == SETTING_RECOVERY_APPROVER)
			assert_string_equal(now.second_approver, was.second_approver);
		else
			assert_true(set[s] && now.num[s] == was.num[s]);
		free(text);
	}
}

static void
templates_that_need_an_approver_are_named(void **state)
{
	static const struct {
		const char *setting, *template;
		bool needs;
	} rows[] = {{"None", "EFSArchive", false}, {"None", NULL, false}, {"All", "User", true},
	    {"All", NULL, true}, {"EFSArchive, User Archive", "efsarchive", true},
	    {"EFSArchive, User Archive", "User Archive", true},
	    {"EFSArchive, User Archive", "User", false},
	    {"EFSArchive, User Archive", "EFSArchive,User Archive", false},
	    {"EFSArchive", NULL, true}}; /* which one it is nobody knows */
	bool set[SETTING_COUNT] = {false};
	struct settings in;
	struct err err;

	(void)state;
	settings_default(&in);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(
		    setting_parse(SETTING_RECOVERY_APPROVER, rows[i].setting, &in, set, &err));
		if (settings_need_approver(&in, rows[i].template) != rows[i].needs)
			fail_msg("row %zu", i);
	}
	setting_reset(SETTING_RECOVERY_APPROVER, &in, set);
	assert_false(settings_need_approver(&in, "EFSArchive"));
}

static void
a_period_is_a_pair(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
	    {"60 Seconds", 60},
	    {"59 Seconds", -1},
	    {"90 Minutes", 5400},
	    {"366 Days", 366 * 86400},
	    {"2 Weeks", 14 * 86400},
	    {"12 Months", 360 * 86400},
	    {"1 Years", 365 * 86400},
	    {"2 Years", -1},
	    {"1000000000 Years", -1},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool set[SETTING_COUNT] = {false};
		struct settings in;

		settings_default(&in);
		assert_true(setting_parse(SETTING_CRL_PERIOD, rows[i].text, &in, set, &err));
		assert_true(set[SETTING_CRL_PERIOD] && set[SETTING_CRL_PERIOD_UNITS]);
		if (settings_finish(&in, &err) != (rows[i].seconds != -1) ||
		    (rows[i].seconds != -1 && in.seconds[PERIOD_CRL] != rows[i].seconds))
			fail_msg("%s: %lld", rows[i].text, (long long)in.seconds[PERIOD_CRL]);
	}
}

struct change {
	const char *name, *value;
};

static bool
work(struct store_tx *tx, void *arg, struct err *err)
{
	const struct change *c = arg;

	return store_set_setting(tx, c->name, c->value, err);
}

static void
set(const char *name, const char *value)
{
	struct change c = {name, value};
	struct err err;

	assert_true(store_do(store, work, &c, &err));
}

static void
empty_database_gives_the_defaults(void **state)
{
	struct settings s;
	struct err err;

	(void)state;
	assert_true(settings_load(store, &s, &err));
	assert_int_equal(s.num[SETTING_KRA_CERT_COUNT], 0);
	assert_int_equal(s.seconds[PERIOD_XCHG_VALIDITY], 7 * 86400);
	assert_int_equal(s.seconds[PERIOD_XCHG_OVERLAP], 86400);
	assert_int_equal(s.seconds[PERIOD_CRL], 7 * 86400);
	assert_int_equal(s.seconds[PERIOD_CRL_OVERLAP], 86400);
	assert_int_equal(s.seconds[PERIOD_VALIDITY], 5 * 365 * 86400);
	assert_int_equal(s.cipher, CMS_AES_256_CBC);
}

static void
cipher_follows_both_settings(void **state)
{
	static const struct {
		const char *algorithm, *size;
		enum cms_cipher cipher;
	} rows[] = {
	    {"AES", "128", CMS_AES_128_CBC},
	    {"AES", "192", CMS_AES_192_CBC},
	    {"AES", "256", CMS_AES_256_CBC},
	    {"3DES", "256", CMS_3DES_CBC},
	};
	struct settings s;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		set("CA\\EncryptionCSP\\CNGEncryptionAlgorithm", rows[i].algorithm);
		set("CA\\EncryptionCSP\\SymmetricKeySize", rows[i].size);
		assert_true(settings_load(store, &s, &err));
		assert_int_equal(s.cipher, rows[i].cipher);
	}
	set("CA\\EncryptionCSP\\CNGEncryptionAlgorithm", NULL);
	set("CA\\EncryptionCSP\\SymmetricKeySize", NULL);
}

static void
period_is_written_in_the_largest_unit_that_fits(void **state)
{
	static const struct {
		int64_t seconds;
		const char *unit;
		int64_t units;
	} rows[] = {{14 * 86400, "Weeks", 2}, {8 * 86400, "Days", 8}, {3600, "Hours", 1},
	    {5400, "Minutes", 90}, {3601, "Seconds", 3601}};
	bool set[SETTING_COUNT] = {false};
	struct settings in;
	struct err err;

	(void)state;
	settings_default(&in);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *unit;

		setting_set_period(&in, PERIOD_CRL, rows[i].seconds, set);
		unit = setting_text(&in, SETTING_CRL_PERIOD);
		assert_string_equal(unit, rows[i].unit);
		assert_int_equal(in.num[SETTING_CRL_PERIOD_UNITS], rows[i].units);
		assert_true(settings_finish(&in, &err));
		assert_int_equal(in.seconds[PERIOD_CRL], rows[i].seconds);
		free(unit);
	}
	assert_true(set[SETTING_CRL_PERIOD] && set[SETTING_CRL_PERIOD_UNITS]);
}

/* Another name for the two, by number and by name: whoever is set, all three say the same. */
static void
algorithm_by_number_is_the_cipher(void **state)
{
	static const struct {
		const char *value, *shown;
		enum cms_cipher cipher;
	} rows[] = {
	    {"0x660E", "CALG_AES_128", CMS_AES_128_CBC},
	    {"26127", "CALG_AES_192", CMS_AES_192_CBC},
	    {"0x6603", "CALG_3DES", CMS_3DES_CBC},
	    {"CALG_AES_256", "CALG_AES_256", CMS_AES_256_CBC},
	};
	bool set[SETTING_COUNT] = {false};
	struct settings in;
	struct err err;

	(void)state;
	settings_default(&in);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text;

		assert_true(
		    setting_parse(SETTING_ENCRYPTION_ALGORITHM, rows[i].value, &in, set, &err));
		assert_true(settings_finish(&in, &err));
		assert_int_equal(in.cipher, rows[i].cipher);
		assert_true(set[SETTING_CNG_ENCRYPTION_ALGORITHM]);
		text = setting_text(&in, SETTING_ENCRYPTION_ALGORITHM);
		assert_string_equal(text, rows[i].shown);
		free(text);
	}
	setting_reset(SETTING_ENCRYPTION_ALGORITHM, &in, set);
	assert_true(settings_finish(&in, &err));
	assert_int_equal(in.cipher, CMS_AES_256_CBC);
}

static void
bad_value_in_the_database_is_no_default(void **state)
{
	struct settings s;
	struct err err;

	(void)state;
	set("CA\\KRACertCount", "many");
	assert_false(settings_load(store, &s, &err));
	assert_non_null(strstr(err.msg, "CA\\KRACertCount"));
	set("CA\\KRACertCount", NULL);
	set("CA\\CAXchgOverlapPeriod", "Weeks");
	assert_false(settings_load(store, &s, &err));
	set("CA\\CAXchgOverlapPeriod", NULL);
	set("CA\\SomethingElse", "kept for another version");
	assert_true(settings_load(store, &s, &err));
}

static int
setup(void **state)
{
	struct err err;
	char path[96];

	(void)state;
	strcpy(dir, "/tmp/dirca-settings-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/dirca.db", dir);
	return store_create(path, &store, &err) ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[96];

	(void)state;
	store_close(&store);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void
flags_are_added_and_taken_away(void **state)
{
	static const struct {
		const char *value, *becomes;
	} rows[] = {
	    {"0x21", "AUDIT_FILTER_STARTSTOP AUDIT_FILTER_KEYARCHIVAL"},
	    {"+AUDIT_FILTER_CACONFIG",
		"AUDIT_FILTER_STARTSTOP AUDIT_FILTER_KEYARCHIVAL AUDIT_FILTER_CACONFIG"},
	    {"-AUDIT_FILTER_STARTSTOP -0x40", "AUDIT_FILTER_KEYARCHIVAL"},
	    {"-AUDIT_FILTER_STARTSTOP", "AUDIT_FILTER_KEYARCHIVAL"},
	    {"AUDIT_FILTER_CACONFIG", "AUDIT_FILTER_CACONFIG"},
	    {"0", "0"},
	};
	bool set[SETTING_COUNT];
	struct settings in;
	struct err err;

	(void)state;
	settings_default(&in);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text;

		assert_true(setting_parse(SETTING_AUDIT_FILTER, rows[i].value, &in, set, &err));
		text = setting_text(&in, SETTING_AUDIT_FILTER);
		assert_string_equal(text, rows[i].becomes);
		free(text);
	}
	assert_false(setting_parse(SETTING_AUDIT_FILTER, "+AUDIT_FILTER_ALL", &in, set, &err));
	assert_non_null(strstr(err.msg, "AUDIT_FILTER_KEYARCHIVAL"));
	assert_false(
	    setting_parse(SETTING_CRL_FLAGS, "+CRLF_PUBLISH_EXPIRED_CERT_CRLS", &in, set, &err));
	assert_non_null(strstr(err.msg, "does not do"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_in_range_are_accepted_and_others_refused),
	    cmocka_unit_test(what_was_meant_is_named),
	    cmocka_unit_test(each_value_reads_as_it_is_written),
	    cmocka_unit_test(templates_that_need_an_approver_are_named),
	    cmocka_unit_test(a_period_is_a_pair),
	    cmocka_unit_test(empty_database_gives_the_defaults),
	    cmocka_unit_test(cipher_follows_both_settings),
	    cmocka_unit_test(period_is_written_in_the_largest_unit_that_fits),
	    cmocka_unit_test(algorithm_by_number_is_the_cipher),
	    cmocka_unit_test(flags_are_added_and_taken_away),
	    cmocka_unit_test(bad_value_in_the_database_is_no_default),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
