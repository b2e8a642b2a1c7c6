/* Fields of templates by name, and what may be done to a template. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ldif.h"
#include "tmpl_edit.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NEW_OID  "1.3.6.1.4.1.311.21.8.1.2.3.4"

static struct dir_entries sets[2];

static int
load(void **state)
{
	static const char *const files[] = {FIXTURES "/templates/default-templates-ws2003.ldif",
	    FIXTURES "/templates/default-templates-ws2008plus.ldif"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		if (!ldif_load(files[i], &sets[i], &err)) {
			print_error("%s\n", err.msg);
			return -1;
		}
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sets); i++)
		dir_entries_free(&sets[i]);
	return 0;
}

static const struct dir_entry *
default_named(const char *cn)
{
	const struct dir_entry *e = ldif_find(&sets[1], cn);

	assert_non_null(e);
	return e;
}

/* A version 2 copy of a default template, with settings separated by blanks. */
static bool
copy_with(const char *cn, const char *settings, struct dir_entry *out, struct err *err)
{
	char *text = strdup(settings), *rest = text, *one;
	const char *list[8];
	size_t count = 0;
	bool ok;

	while ((one = strsep(&rest, " ")) != NULL)
		if (*one != '\0')
			list[count++] = one;
	ok = tmpl_duplicate(default_named(cn), "Copy", NEW_OID, list, count, out, err);
	free(text);
	return ok;
}

static char *
field(const struct dir_entry *e, const char *name)
{
	struct err err;
	const struct tmpl_field *f = tmpl_field_find(name);
	char *text;

	assert_non_null(f);
	if ((text = tmpl_field_get(f, e, &err)) == NULL)
		fail_msg("%s", err.msg);
	return text;
}

static void
assert_field(const struct dir_entry *e, const char *name, const char *value)
{
	char *text = field(e, name);

	assert_string_equal(text, value);
	free(text);
}

/* What get prints, set takes, and nothing changes by it: all fields of all 65 default templates. */
static void
every_field_survives_get_and_set(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(sets); k++)
		for (size_t i = 0; i < sets[k].count; i++) {
			struct dir_entry e;
			struct err err;

			assert_true(dir_entry_copy(&sets[k].list[i], &e, &err));
			for (size_t f = 0; f < tmpl_field_count; f++) {
				char *was = tmpl_field_get(&tmpl_fields[f], &e, &err);

				assert_non_null(was);
				/* Version 1 is never set, an absent value neither. */
				if (strcmp(tmpl_fields[f].name, "version") == 0 || *was == '\0') {
					free(was);
					continue;
				}
				if (!tmpl_field_set(&tmpl_fields[f], &e, was, &err))
					fail_msg("%s: %s", e.dn, err.msg);
				assert_field(&e, tmpl_fields[f].name, was);
				free(was);
			}
			dir_entry_free(&e);
		}
}

static const struct setting {
	const char *set;   /* on a copy of User */
	const char *field; /* that is looked at */
	const char *value; /* as it reads then */
} good[] = {
    {"archive=yes", "archive", "yes"},
    {"exportable=no", "exportable", "no"},
    {"validity=2y", "validity", "2y"},
    {"validity=90d", "validity", "90d"},
    {"validity=101h overlap=6000m", "overlap", "100h"},
    {"validity=30d overlap=36h", "overlap", "36h"},
    {"overlap=61s", "overlap", "61s"},
    {"subject=upn,email", "subject", "upn,email"},
    {"subject=request", "subject", "request"},
    {"subject=none", "subject", ""},
    {"key-usage=digitalSignature,decipherOnly", "key-usage", "digitalSignature,decipherOnly"},
    {"eku=clientAuth,1.2.3", "eku", "clientAuth,1.2.3"},
    {"eku=none", "eku", ""},
    {"policies=1.2.3.4", "policies", "1.2.3.4"},
    {"critical=keyUsage,2.5.29.37", "critical", "keyUsage,extKeyUsage"},
    {"path-length=none", "path-length", "none"},
    {"path-length=2", "path-length", "2"},
    {"min-key-size=3072", "min-key-size", "3072"},
    {"key-spec=signature", "key-spec", "signature"},
    {"providers=B;A", "providers", "B;A"},
    {"approval=yes", "approval", "yes"},
    {"ra-signatures=1 ra-policies=1.2.3", "ra-policies", "1.2.3"},
    {"ra-signatures=1 ra-application-policies=enrollmentAgent,1.2", "ra-application-policies",
	"enrollmentAgent,1.2"},
    {"version=4 ra-signatures=1 ra-application-policies=enrollmentAgent,1.2",
	"ra-application-policies", "enrollmentAgent,1.2"},
    {"supersedes=User,EFS", "supersedes", "User,EFS"},
    {"publish=no", "publish", "no"},
    {"display-name=Name", "display-name", "Name"},
    {"version=3", "version", "3"},
    {"version=4 transport=aes256", "transport", "aes256"},
    {"transport=3des version=3", "transport", "3des"},
    {"version=3 hash=sha256", "hash", "SHA256"},
    {"version=4 key-algorithm=ECDH_P256", "min-key-size", "256"},
    {"version=4 key-algorithm=ECDH_P384 archive=yes", "key-algorithm", "ECDH_P384"},
    {"version=4 legacy-provider=yes", "legacy-provider", "yes"},
    {"minimum-ca=2012 minimum-client=8.1", "minimum-ca", "2012"},
    {"minimum-ca=2012 minimum-client=8.1", "minimum-client", "8.1"},
    {"no-sid=yes", "no-sid", "yes"},
    {"machine=yes", "machine", "yes"},
};

static void
fields_are_set_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct dir_entry e;
		struct err err;
		struct tmpl t;

		if (!copy_with("User", good[i].set, &e, &err))
			fail_msg("%s: %s", good[i].set, err.msg);
		assert_field(&e, good[i].field, good[i].value);
		assert_true(tmpl_decode(&e, &t, &err));
		tmpl_free(&t);
		dir_entry_free(&e);
	}
}

static const struct {
	const char *from, *set, *why;
	enum err_code code;
} refused[] = {
    {"User", "archive=maybe", "yes or no", E_INVALIDARG},
    {"User", "archive", "no field=value", DIRCA_E_USAGE},
    {"User", "archiv=yes", "no field \"archiv\"", DIRCA_E_USAGE},
    {"User", "=yes", "no field", DIRCA_E_USAGE},
    {"User", "archive=yes archive=no", "twice", E_INVALIDARG},
    {"User", "validity=2", "as 2y", E_INVALIDARG},
    {"User", "validity=2x", "as 2y", E_INVALIDARG},
    {"User", "validity=0d", "as 2y", E_INVALIDARG},
    {"User", "validity=-1d", "as 2y", E_INVALIDARG},
    {"User", "validity=1001y", "1000y", E_INVALIDARG},
    {"User", "validity=9223372036854775807y", "1000y", E_INVALIDARG},
    {"User", "validity=6w overlap=6w", "shorter", E_INVALIDARG},
    {"User", "subject=nobody", "is not one of request", E_INVALIDARG},
    {"User", "subject=upn,,cn", "empty", E_INVALIDARG},
    {"User", "subject=upn,upn", "twice", E_INVALIDARG},
    {"User", "subject=request,upn", "takes the name from the directory", E_INVALIDARG},
    {"User", "key-usage=sign", "is not one of", E_INVALIDARG},
    {"User", "eku=clientauthentication", "neither", E_INVALIDARG},
    {"User", "eku=1.2.03", "neither", E_INVALIDARG},
    {"User", "policies=x", "neither", E_INVALIDARG},
    {"User", "path-length=-1", "number from 0", E_INVALIDARG},
    {"User", "min-key-size=99999", "number from", E_INVALIDARG},
    {"User", "min-key-size=", "number from", E_INVALIDARG},
    {"User", "key-spec=none", "is not one of", E_INVALIDARG},
    {"User", "display-name=", "characters", E_INVALIDARG},
    {"User", "display-name=a\nb", "field display-name", E_INVALIDARG},
    {"User", "ra-policies=1.2.3", "ra-signatures=1", E_INVALIDARG},
    {"User", "ra-signatures=1000", "number from", E_INVALIDARG},
    {"User", "supersedes=Copy", "itself", E_INVALIDARG},
    {"User", "version=1", "2, 3 or 4", E_INVALIDARG},
    {"User", "version=5", "2, 3 or 4", E_INVALIDARG},
    {"User", "transport=aes256", "version 3", E_INVALIDARG},
    {"User", "version=4 transport=aes257", "aes128, aes192", E_INVALIDARG},
    {"User", "version=4 legacy-provider=yes transport=aes256", "version 3", E_INVALIDARG},
    {"User", "key-algorithm=RSA", "version 3", E_INVALIDARG},
    {"User", "version=3 key-algorithm=rot13", "RSA", E_INVALIDARG},
    {"User", "version=3 hash=MD5", "SHA1", E_INVALIDARG},
    {"User", "archive=yes key-usage=digitalSignature", "encrypting key usage", E_INVALIDARG},
    {"User", "archive=yes key-spec=signature", "signature key", E_INVALIDARG},
    {"User", "archive=yes version=4 key-algorithm=ECDSA_P256", "signature key", E_INVALIDARG},
    {"User", "archive=yes ca=yes", "certification authority", E_INVALIDARG},
    {"User", "archive=yes do-not-store=yes", "record", E_INVALIDARG},
    {"UserSignature", "archive=yes", "encrypting key usage", E_INVALIDARG},
    {"User", "minimum-ca=1999", "is not one of", E_INVALIDARG},
};

static void
what_makes_no_sense_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct dir_entry e;
		struct err err;

		if (copy_with(refused[i].from, refused[i].set, &e, &err))
			fail_msg("%s is taken", refused[i].set);
		if (err.code != refused[i].code || strstr(err.msg, refused[i].why) == NULL)
			fail_msg("%s: %s %s", refused[i].set, err_name(err.code), err.msg);
	}
}

static int32_t
number(const struct dir_entry *e, const char *attr)
{
	struct err err;
	int32_t n;

	assert_int_equal(dir_entry_int32(e, attr, &n, &err), DIR_GET_OK);
	return n;
}

/* All 65 make copies that decode; what marks a copy is there, what belongs to the original not. */
static void
every_default_template_can_be_copied(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(sets); k++)
		for (size_t i = 0; i < sets[k].count; i++) {
			struct dir_entry e;
			struct err err;
			struct tmpl t;

			if (!tmpl_duplicate(
				&sets[k].list[i], "New Name", NEW_OID, NULL, 0, &e, &err))
				fail_msg("%s: %s", sets[k].list[i].dn, err.msg);
			assert_true(tmpl_decode(&e, &t, &err));
			assert_string_equal(t.cn, "New Name");
			assert_string_equal(t.display_name, "New Name");
			assert_string_equal(t.oid, NEW_OID);
			assert_true(t.schema_version >= 2);
			assert_int_equal(t.major, 100);
			assert_int_equal(t.minor, 1);
			assert_int_equal(t.flags & CT_FLAG_IS_DEFAULT, 0);
			assert_int_not_equal(t.flags & CT_FLAG_IS_MODIFIED, 0);
			assert_int_equal(t.application_policies.count, t.eku.count);
			assert_null(dir_entry_attr(&e, "objectGUID"));
			tmpl_free(&t);
			dir_entry_free(&e);
		}
}

static void
a_change_makes_a_new_revision(void **state)
{
	static const char *const archive[] = {"archive=yes"};
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "", &e, &err));
	assert_true(tmpl_edit(&e, archive, 1, &err));
	assert_int_equal(number(&e, TMPL_MINOR_REVISION), 2);
	/* The same once more changes nothing. */
	assert_true(tmpl_edit(&e, archive, 1, &err));
	assert_int_equal(number(&e, TMPL_MINOR_REVISION), 2);
	dir_entry_free(&e);
}

static void
a_refused_change_changes_nothing(void **state)
{
	static const char *const bad[] = {"validity=5y", "archive=perhaps"};
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "", &e, &err));
	assert_false(tmpl_edit(&e, bad, 2, &err));
	assert_field(&e, "validity", "1y");
	assert_int_equal(number(&e, TMPL_MINOR_REVISION), 1);
	dir_entry_free(&e);
}

static void
version_1_is_not_edited(void **state)
{
	static const char *const setting[] = {"validity=2y"};
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(dir_entry_copy(default_named("User"), &e, &err));
	assert_false(tmpl_edit(&e, setting, 1, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_non_null(strstr(err.msg, "duplicate"));
	dir_entry_free(&e);
}

/* Bits that nobody knows stay as they are. */
static void
unknown_bits_stay(void **state)
{
	static const char *const setting[] = {"approval=yes", "subject=upn", "minimum-ca=2008"};
	struct view odd = view_str("-2130706432");    /* 0x81000000 */
	struct view odd_key = view_str("1879048208"); /* 0x70000010 */
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "", &e, &err));
	assert_true(dir_entry_set(&e, "msPKI-Enrollment-Flag", &odd, 1, &err));
	assert_true(dir_entry_set(&e, "msPKI-Private-Key-Flag", &odd_key, 1, &err));
	assert_true(tmpl_edit(&e, setting, 3, &err));
	assert_int_equal((uint32_t)number(&e, "msPKI-Enrollment-Flag"), 0x81000002u);
	assert_int_equal((uint32_t)number(&e, "msPKI-Private-Key-Flag"), 0x70020010u);
	dir_entry_free(&e);
}

/* Properties that no field names, as those of OCSPResponseSigning, survive a change and a change of
 * version where they can. */
static void
properties_survive(void **state)
{
	static const char *const hash[] = {"hash=SHA256"}, *const down[] = {"version=2"};
	struct dir_entry e;
	struct err err;
	char *text = NULL;

	(void)state;
	assert_true(copy_with("OCSPResponseSigning", "", &e, &err));
	assert_true(tmpl_edit(&e, hash, 1, &err));
	assert_int_equal(
	    dir_entry_text(&e, "msPKI-RA-Application-Policies", &text, &err), DIR_GET_OK);
	assert_non_null(strstr(text, "msPKI-Hash-Algorithm`PZPWSTR`SHA256`"));
	assert_non_null(strstr(text, "msPKI-Key-Security-Descriptor`PZPWSTR`D:(A;;FA;;;BA)"));
	free(text);
	assert_false(tmpl_edit(&e, down, 1, &err));
	assert_non_null(strstr(err.msg, "version 3"));
	dir_entry_free(&e);
}

/* Whatever the order of the words is. */
static void
what_is_in_the_way_of_a_version_can_go_with_it(void **state)
{
	static const char *const down[] = {"version=2", "key-algorithm=none", "transport=none"};
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "transport=aes128 key-algorithm=RSA version=3", &e, &err));
	if (!tmpl_edit(&e, down, 3, &err))
		fail_msg("%s", err.msg);
	assert_null(dir_entry_attr(&e, "msPKI-RA-Application-Policies"));
	assert_field(&e, "version", "2");
	dir_entry_free(&e);
}

static void
names_are_checked(void **state)
{
	static const char *const bad[] = {"", " a", "a ", "a/b", "a,b", "a\"b", "a\nb", "a=b",
	    "12345678901234567890123456789012345678901234567890123456789012345"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(tmpl_name_is_good(bad[i], &err));
		assert_int_equal(err.code, E_INVALIDARG);
	}
	assert_true(tmpl_name_is_good("Web-Server (internal) 2", &err));
	assert_true(tmpl_name_is_good("Schl\xc3\xbcssel", &err));
}

/* ---- entries from elsewhere ---- */

static void
an_entry_is_taken_over_without_what_belongs_to_its_domain(void **state)
{
	struct dir_entry from, e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "archive=yes", &from, &err));
	assert_true(dir_entry_add(&from, "objectGUID", view_of("0123456789abcdef", 16), &err));
	assert_true(dir_entry_add(&from, "whenCreated", view_str("20260101000000.0Z"), &err));
	assert_true(dir_entry_add(&from, "nTSecurityDescriptor", view_of("x", 1), &err));
	assert_true(tmpl_take_over(&from, "Other", false, &e, &err));
	assert_null(dir_entry_attr(&e, "objectGUID"));
	assert_null(dir_entry_attr(&e, "whenCreated"));
	assert_null(dir_entry_attr(&e, "nTSecurityDescriptor"));
	assert_true(dir_entry_has_value_nocase(&e, "cn", "Other"));
	assert_field(&e, "archive", "yes");
	dir_entry_free(&e);
	/* Rights that cannot be read are not taken. */
	assert_false(tmpl_take_over(&from, "Other", true, &e, &err));
	dir_entry_free(&from);
}

static void
no_template_and_a_bad_one_are_refused(void **state)
{
	struct view signature = view_of("\x80", 1), many[] = {view_str("1"), view_str("2")};
	struct dir_entry from, e;
	struct err err;

	(void)state;
	assert_true(copy_with("User", "archive=yes", &from, &err));
	assert_true(dir_entry_set(&from, "pKIKeyUsage", &signature, 1, &err));
	assert_false(tmpl_take_over(&from, NULL, false, &e, &err));
	assert_non_null(strstr(err.msg, "encrypting key usage"));
	assert_true(dir_entry_set(&from, "flags", many, 2, &err));
	assert_false(tmpl_take_over(&from, NULL, false, &e, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	assert_true(dir_entry_set(&from, "objectClass", NULL, 0, &err));
	assert_false(tmpl_take_over(&from, NULL, false, &e, &err));
	assert_non_null(strstr(err.msg, "no certificate template"));
	dir_entry_free(&from);
}

static void
an_update_is_later_than_what_is_there(void **state)
{
	struct dir_entry now, e;
	struct view major = view_str("101");
	struct err err;

	(void)state;
	assert_true(copy_with("User", "", &now, &err));
	assert_true(copy_with("User", "archive=yes", &e, &err));
	assert_true(tmpl_succeed(&e, &now, &err));
	assert_int_equal(number(&e, "revision"), 100);
	assert_int_equal(number(&e, TMPL_MINOR_REVISION), 2);
	assert_true(dir_entry_set(&e, "revision", &major, 1, &err));
	assert_true(tmpl_succeed(&e, &now, &err));
	assert_int_equal(number(&e, "revision"), 101);
	assert_int_equal(number(&e, TMPL_MINOR_REVISION), 2);
	/* Version 1 stays what it is. */
	assert_false(tmpl_succeed(&e, default_named("User"), &err));
	assert_int_equal(err.code, E_INVALIDARG);
	dir_entry_free(&now);
	dir_entry_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_survives_get_and_set),
	    cmocka_unit_test(fields_are_set_by_name),
	    cmocka_unit_test(what_makes_no_sense_is_refused_with_the_reason),
	    cmocka_unit_test(every_default_template_can_be_copied),
	    cmocka_unit_test(a_change_makes_a_new_revision),
	    cmocka_unit_test(a_refused_change_changes_nothing),
	    cmocka_unit_test(version_1_is_not_edited),
	    cmocka_unit_test(unknown_bits_stay),
	    cmocka_unit_test(properties_survive),
	    cmocka_unit_test(what_is_in_the_way_of_a_version_can_go_with_it),
	    cmocka_unit_test(names_are_checked),
	    cmocka_unit_test(an_entry_is_taken_over_without_what_belongs_to_its_domain),
	    cmocka_unit_test(no_template_and_a_bad_one_are_refused),
	    cmocka_unit_test(an_update_is_later_than_what_is_there),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
