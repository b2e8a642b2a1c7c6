/* msPKI-Enterprise-Oid entries, well made and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "enterprise_oid.h"
#include "ldif.h"
#include "tmpl_priv.h"

static const char good[] = "dn: CN=400,CN=OID\n"
			   "msPKI-Cert-Template-OID: 1.3.6.1.4.1.311.21.8.1.400\n"
			   "flags: 2\n"
			   "displayName: Low Assurance\n"
			   "msPKI-OID-CPS: http://pki.nwtraders.com/cps.html\n"
			   "msPKI-OID-CPS: https://pki.nwtraders.com/cps2.html\n"
			   "msPKI-OID-User-Notice: For tests only.\n"
			   "msDS-OIDToGroupLink: CN=Assured,CN=Users,DC=nwtraders,DC=com\n";

static struct dir_entries
parse(const char *text)
{
	struct dir_entries es;
	struct err err;

	if (!ldif_entries(view_str(text), &es, &err))
		fail_msg("%s", err.msg);
	return es;
}

static void
an_issuance_policy_has_its_statements(void **state)
{
	struct dir_entries es = parse(good);
	struct enterprise_oid o;
	struct err err;

	(void)state;
	assert_true(enterprise_oid_decode(&es.list[0], &o, &err));
	assert_string_equal(o.dn, "CN=400,CN=OID");
	assert_string_equal(o.oid, "1.3.6.1.4.1.311.21.8.1.400");
	assert_int_equal(o.kind, ENTERPRISE_OID_ISSUANCE_POLICY);
	assert_string_equal(o.display_name, "Low Assurance");
	assert_int_equal(o.cps.count, 2);
	assert_string_equal(o.cps.list[1], "https://pki.nwtraders.com/cps2.html");
	assert_string_equal(o.notice, "For tests only.");
	assert_string_equal(o.group_dn, "CN=Assured,CN=Users,DC=nwtraders,DC=com");
	enterprise_oid_free(&o);
	dir_entries_free(&es);
}

static void
an_oid_alone_suffices(void **state)
{
	struct dir_entries es = parse("dn: CN=OID\nmsPKI-Cert-Template-OID: 1.2.3\n");
	struct enterprise_oid o;
	struct err err;

	(void)state;
	assert_true(enterprise_oid_decode(&es.list[0], &o, &err));
	assert_int_equal(o.kind, ENTERPRISE_OID_BASE);
	assert_null(o.display_name);
	assert_null(o.notice);
	assert_null(o.group_dn);
	assert_int_equal(o.cps.count, 0);
	enterprise_oid_free(&o);
	dir_entries_free(&es);
}

static void
malformed_entries_are_refused_by_name(void **state)
{
	static const struct {
		const char *lines, *words;
	} rows[] = {
	    {"flags: 2\n", "msPKI-Cert-Template-OID: it is missing"},
	    {"msPKI-Cert-Template-OID: 1.2.x\n", "not an object identifier"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsPKI-Cert-Template-OID: 1.2.4\n", "2 values"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nflags: 4\n", "attribute flags"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nflags: -1\n", "attribute flags"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nflags: 1\nflags: 2\n", "attribute flags: 2 values"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsPKI-OID-CPS: two words\n", "msPKI-OID-CPS"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsPKI-OID-CPS:: aHR0cDovL8OpLw==\n", "msPKI-OID-CPS"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsPKI-OID-CPS: a:b\nmsPKI-OID-CPS: a:b\n",
		"msPKI-OID-CPS: "},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsPKI-OID-User-Notice:: /w==\n",
		"msPKI-OID-User-Notice"},
	    {"msPKI-Cert-Template-OID: 1.2.3\nmsDS-OIDToGroupLink: CN=a\nmsDS-OIDToGroupLink: "
	     "CN=b\n",
		"msDS-OIDToGroupLink: 2 values"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[256] = "dn: CN=bad,CN=OID\n";
		struct dir_entries es = parse(strcat(text, rows[i].lines));
		struct enterprise_oid o;
		struct err err;

		assert_false(enterprise_oid_decode(&es.list[0], &o, &err));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		if (strstr(err.msg, "CN=bad,CN=OID") == NULL ||
		    strstr(err.msg, rows[i].words) == NULL)
			fail_msg("\"%s\" instead of \"%s\"", err.msg, rows[i].words);
		assert_null(o.oid);
		dir_entries_free(&es);
	}
}

static void
a_notice_has_a_limit(void **state)
{
	struct dir_entries es = parse("dn: CN=OID\nmsPKI-Cert-Template-OID: 1.2.3\n");
	struct enterprise_oid o;
	uint8_t notice[2049];
	struct err err;

	(void)state;
	memset(notice, 'x', sizeof notice);
	assert_true(dir_entry_add(
	    &es.list[0], "msPKI-OID-User-Notice", view_of(notice, sizeof notice), &err));
	assert_false(enterprise_oid_decode(&es.list[0], &o, &err));
	assert_non_null(strstr(err.msg, "over 2048 bytes"));
	dir_entries_free(&es);
}

static void
rivals_for_an_oid_are_all_left_out(void **state)
{
	struct dir_entries es =
	    parse("dn: CN=a,CN=OID\nmsPKI-Cert-Template-OID: 1.2.3\n\n"
		  "dn: CN=b,CN=OID\nmsPKI-Cert-Template-OID: 1.2.4\n\n"
		  "dn: CN=c,CN=OID\nmsPKI-Cert-Template-OID: 1.2.3\nmsDS-OIDToGroupLink: CN=x\n\n"
		  "dn: CN=d,CN=OID\nflags: 2\n");
	struct enterprise_oids o;
	struct texts broken = {0};
	struct err err;

	(void)state;
	assert_true(enterprise_oids_load(&es, &o, &broken, &err));
	assert_int_equal(o.count, 1);
	assert_string_equal(enterprise_oids_find(&o, "1.2.4")->dn, "CN=b,CN=OID");
	assert_null(enterprise_oids_find(&o, "1.2.3"));
	assert_null(enterprise_oids_find(&o, "1.2.5"));
	assert_int_equal(broken.count, 3);
	assert_non_null(strstr(broken.list[0], "CN=d,CN=OID"));
	assert_non_null(strstr(broken.list[1], "CN=a,CN=OID: several entries"));
	assert_non_null(strstr(broken.list[2], "CN=c,CN=OID: several entries"));
	texts_free(&broken);
	enterprise_oids_free(&o);
	dir_entries_free(&es);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_issuance_policy_has_its_statements),
	    cmocka_unit_test(an_oid_alone_suffices),
	    cmocka_unit_test(malformed_entries_are_refused_by_name),
	    cmocka_unit_test(a_notice_has_a_limit),
	    cmocka_unit_test(rivals_for_an_oid_are_all_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
