#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca.h"
#include "settings_priv.h"

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
	    {"CA\\EncryptionCSP\\KeySize", "3072", true},
	    {"CA\\EncryptionCSP\\KeySize", "1024", false},
	    {"CA\\EncryptionCSP\\KeySize", "2049", false},
	    {"CA\\CRLPeriodSeconds", "60", true},
	    {"CA\\CRLPeriodSeconds", "59", false},
	    {"CA\\NoSuchSetting", "1", false},
	    {"KRACertCount", "1", false},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum setting s;
		int64_t n;

		err.code = E_INVALIDARG;
		if ((setting_find(rows[i].name, &s) && setting_parse(s, rows[i].value, &n, &err)) !=
		    rows[i].ok)
			fail_msg("%s = %s", rows[i].name, rows[i].value);
		if (!rows[i].ok)
			assert_int_equal(err.code, E_INVALIDARG);
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
	assert_int_equal(s.num[SETTING_XCHG_VALIDITY_S], 7 * 86400);
	assert_int_equal(s.num[SETTING_XCHG_OVERLAP_S], 86400);
	assert_int_equal(s.num[SETTING_CRL_PERIOD_S], 7 * 86400);
	assert_int_equal(s.num[SETTING_CRL_OVERLAP_S], 86400);
	assert_int_equal(s.num[SETTING_VALIDITY_LIMIT_S], 5 * 365 * 86400);
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
bad_value_in_the_database_is_no_default(void **state)
{
	struct settings s;
	struct err err;

	(void)state;
	set("CA\\KRACertCount", "many");
	assert_false(settings_load(store, &s, &err));
	assert_non_null(strstr(err.msg, "CA\\KRACertCount"));
	set("CA\\KRACertCount", NULL);
	set("CA\\CAXchgOverlapPeriodSeconds", "604800");
	assert_false(settings_load(store, &s, &err));
	set("CA\\CAXchgOverlapPeriodSeconds", NULL);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_in_range_are_accepted_and_others_refused),
	    cmocka_unit_test(empty_database_gives_the_defaults),
	    cmocka_unit_test(cipher_follows_both_settings),
	    cmocka_unit_test(bad_value_in_the_database_is_no_default),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
