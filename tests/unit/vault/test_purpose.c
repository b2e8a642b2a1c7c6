/* The extensions of a TBSCertificate as the vault reads them: known, once, well-formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "der.h"
#include "extension.h"
#include "oids.h"
#include "vault_priv.h"

#define KEY_USAGE         "2.5.29.15"
#define BASIC_CONSTRAINTS "2.5.29.19"
#define EXT_KEY_USAGE     "2.5.29.37"
#define POLICIES          "1.3.6.1.4.1.311.21.10"
#define CA_VERSION_EXT    "1.3.6.1.4.1.311.21.1"
#define PREVIOUS_HASH     "1.3.6.1.4.1.311.21.2"

static ext_list *list;

static int
open_list(void **state)
{
	static char client_auth[] = "1.3.6.1.5.5.7.3.2";
	char *const eku[] = {client_auth};
	struct err err;

	(void)state;
	if (!oids_init(&err) || (list = sk_X509_EXTENSION_new_null()) == NULL)
		return 1;
	return ext_push_eku(list, eku, 1, false, &err) ? 0 : 1;
}

static int
close_list(void **state)
{
	(void)state;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return 0;
}

static bool
check_by(const struct vault_rules *rules, struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509_EXTENSIONS(list, &der);
	struct view whole = view_of(der, (size_t)len), extensions = {0};
	bool ok;

	assert_true(len > 0 && der_take(&whole, DER_SEQUENCE, &extensions));
	ok = vault_check_purpose(extensions, rules, err);
	OPENSSL_free(der);
	return ok;
}

static bool
check(struct err *err)
{
	const struct vault_rules rules = {.kinds = SIGN_KINDS_DEFAULT};

	return check_by(&rules, err);
}

/* Not by pkix_ext_push, which refuses what is there already. */
static void
push(const char *oid, const void *value, size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *x;

	assert_int_equal(ASN1_OCTET_STRING_set(octets, value, (int)len), 1);
	x = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
	assert_true(sk_X509_EXTENSION_push(list, x) > 0);
	ASN1_OBJECT_free(object);
	ASN1_OCTET_STRING_free(octets);
}

/* An extension of the list in the place of its last one, refused or not. */
static void
assert_last(const char *oid, const char *value, size_t len, bool allowed)
{
	struct err err;

	push(oid, value, len);
	if (check(&err) != allowed)
		fail_msg("extension %s of %zu octets: %s", oid, len, allowed ? err.msg : "allowed");
	if (!allowed)
		assert_non_null(strstr(err.msg, oid));
	X509_EXTENSION_free(sk_X509_EXTENSION_pop(list));
}

static void
extensions_that_the_ca_does_not_make_are_refused(void **state)
{
	static const char null[] = "\x05\x00", ia5[] = "\x16\x01x";

	(void)state;
	assert_last("1.3.6.1.5.5.7.48.1.5", null, 2, true);
	assert_last("2.16.840.1.113730.1.1", "\x03\x02\x00\x04", 4, false); /* nsCertType: a CA */
	assert_last("2.5.29.30", "\x30\x00", 2, false);                     /* nameConstraints */
	assert_last("1.3.6.1.4.1.311.21.11", "\x30\x00", 2, false);         /* policy mappings */
	assert_last("1.2.3.4", ia5, 3, false);
}

static void
extension_that_is_there_twice_is_refused(void **state)
{
	(void)state;
	assert_last(KEY_USAGE, "\x03\x02\x07\x80", 4, true);
	push(KEY_USAGE, "\x03\x02\x07\x80", 4);
	assert_last(KEY_USAGE, "\x03\x02\x02\x04", 4, false);
	assert_last("2.5.29.14", "\x04\x01x", 3, true);
	push("2.5.29.14", "\x04\x01x", 3);
	assert_last("2.5.29.14", "\x04\x01x", 3, false);
}

static void
malformed_values_are_refused(void **state)
{
	(void)state;
	assert_last(BASIC_CONSTRAINTS, "\x30\x00", 2, true);
	assert_last(BASIC_CONSTRAINTS, "\x30\x03\x01\x01\x00", 5, false); /* FALSE is not written */
	assert_last(BASIC_CONSTRAINTS, "\x30\x00\x00", 3, false);
	assert_last(KEY_USAGE, "\x03\x02\x07\x80\x00", 5, false);
	assert_last(KEY_USAGE, "\x04\x01\x80", 3, false);
	assert_last(POLICIES, "\x30\x06\x30\x04\x06\x02\x2a\x03", 8, true);
	assert_last(POLICIES, "\x30\x00", 2, false);
	assert_last(POLICIES, "\x30\x06\x30\x04\x06\x02\x2a", 7, false);
}

static void
usages_are_read_whole(void **state)
{
	struct err err;

	(void)state;
	assert_true(check(&err));
	X509_EXTENSION_free(sk_X509_EXTENSION_pop(list));
	assert_last(EXT_KEY_USAGE, "\x30\x04\x06\x02\x2a\x03", 6, true);
	assert_last(EXT_KEY_USAGE, "\x30\x00", 2, false);
	assert_last(EXT_KEY_USAGE, "\x30\x04\x06\x02\x2a\x03\x00", 7, false);
	push(EXT_KEY_USAGE, "\x30\x06\x06\x04\x55\x1d\x25\x00", 8);
	assert_false(check(&err));
	assert_int_equal(err.code, DIRCA_E_KIND_NOT_ALLOWED);
	push(BASIC_CONSTRAINTS, "\x30\x03\x01\x01\xff", 5);
	assert_false(check(&err));
	assert_non_null(strstr(err.msg, "sub-ca any-purpose"));
}

/* One extension in bytes behind those of the list, which are good. */
static bool
takes(const void *bytes, size_t len)
{
	static const char eku[] = "\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08"
				  "\x2b\x06\x01\x05\x05\x07\x03\x02";
	const struct vault_rules rules = {.kinds = SIGN_KINDS_DEFAULT};
	struct buf all = {0};
	struct err err;
	bool ok;

	assert_true(buf_append(&all, view_of(eku, sizeof eku - 1), &err) &&
		    buf_append(&all, view_of(bytes, len), &err));
	ok = vault_check_purpose(buf_view(&all), &rules, &err);
	assert_true(ok || err.code == E_ACCESSDENIED);
	buf_free(&all);
	return ok;
}
#define TAKES(bytes) takes(bytes, sizeof(bytes) - 1)

/* keyUsage, and what OpenSSL reads as the same or as nearly the same. */
static void
extensions_are_der(void **state)
{
	(void)state;
	assert_true(TAKES("\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80"));
	assert_true(TAKES("\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\x00\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\x01\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0f\x06\x03\x55\x1d\x0f\x01\x02\xff\xff\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0d\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80\x05\x00"));
	assert_false(TAKES("\x30\x81\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0c\x06\x03\x55\x1d\x0f\x04\x81\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0d\x06\x03\x55\x1d\x0f\x24\x06\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x80\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80\x00\x00"));
	assert_false(TAKES("\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07"));
	assert_false(TAKES("\x30\x08\x06\x00\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x0c\x06\x04\x80\x55\x1d\x0f\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x06\x04\x04\x03\x02\x07\x80"));
	assert_false(TAKES("\x30\x05\x06\x03\x55\x1d\x0f"));
	assert_false(TAKES("\x05\x00"));
}

static void
replace_last(const char *oid, const void *value, size_t len)
{
	X509_EXTENSION_free(sk_X509_EXTENSION_pop(list));
	push(oid, value, len);
}

/* They are for CAs, which root must allow. */
static void
ca_versions_are_for_cas(void **state)
{
	const struct vault_rules rules = {.kinds = SIGN_KINDS_DEFAULT | SIGN_KIND_SUB_CA};
	struct err err;

	(void)state;
	push(CA_VERSION_EXT, "\x02\x01\x01", 3);
	assert_false(check_by(&rules, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	push(BASIC_CONSTRAINTS, "\x30\x03\x01\x01\xff", 5);
	assert_true(check_by(&rules, &err));
	assert_false(check(&err));
	assert_int_equal(err.code, DIRCA_E_KIND_NOT_ALLOWED);
	push(PREVIOUS_HASH, "\x04\x02\xab\xcd", 4);
	assert_true(check_by(&rules, &err));
	replace_last(PREVIOUS_HASH, "\x04\x01\xab\xcd", 4);
	assert_false(check_by(&rules, &err));
	X509_EXTENSION_free(sk_X509_EXTENSION_delete(list, 1));
	replace_last(CA_VERSION_EXT, "\x02\x02\x00\x01", 4);
	assert_false(check_by(&rules, &err));
}

static void
extensions_that_root_names_are_signed_once(void **state)
{
	char first[] = "1.3.6.1.4.1.8000.1", second[] = "1.3.6.1.4.1.8000.2";
	char *named[] = {first, second};
	const struct vault_rules rules = {.kinds = SIGN_KINDS_DEFAULT, .extensions = {named, 2}};
	struct err err;

	(void)state;
	push(second, "\x05\x00", 2);
	assert_true(check_by(&rules, &err));
	assert_false(check(&err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	push(first, "\x05\x00", 2);
	assert_true(check_by(&rules, &err));
	push(second, "\x05\x00", 2);
	assert_false(check_by(&rules, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	replace_last("1.3.6.1.4.1.8000.3", "\x05\x00", 2);
	assert_false(check_by(&rules, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		extensions_that_the_ca_does_not_make_are_refused, open_list, close_list),
	    cmocka_unit_test_setup_teardown(
		extension_that_is_there_twice_is_refused, open_list, close_list),
	    cmocka_unit_test_setup_teardown(malformed_values_are_refused, open_list, close_list),
	    cmocka_unit_test_setup_teardown(usages_are_read_whole, open_list, close_list),
	    cmocka_unit_test_setup_teardown(extensions_are_der, open_list, close_list),
	    cmocka_unit_test_setup_teardown(ca_versions_are_for_cas, open_list, close_list),
	    cmocka_unit_test_setup_teardown(
		extensions_that_root_names_are_signed_once, open_list, close_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
