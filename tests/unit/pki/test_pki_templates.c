/* Plans for templates and their object identifiers, from snapshots in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ldif.h"
#include "pki_templates.h"

#define SERVICES "CN=Public Key Services,CN=Services,CN=Configuration,DC=x"
#define BASE     "1.3.6.1.4.1.311.21.8.1.2.3"

static const char with_base[] =
    "dn: CN=OID," SERVICES "\ncn: OID\n"
    "msPKI-Cert-Template-OID: " BASE "\n\n"
    "dn: CN=7.AA,CN=OID," SERVICES "\ncn: 7.AA\nflags: 1\n"
    "displayName: Left (unfinished)\nmsPKI-Cert-Template-OID: " BASE ".6.7\n\n"
    "dn: CN=8.AA,CN=OID," SERVICES "\ncn: 8.AA\nflags: 2\n"
    "displayName: Policy\nmsPKI-Cert-Template-OID: " BASE ".6.8\n\n"
    "dn: CN=9.AA,CN=OID," SERVICES "\ncn: 9.AA\nflags: 1\n"
    "displayName: Used\nmsPKI-Cert-Template-OID: " BASE ".6.9\n\n"
    "dn: CN=10.AA,CN=OID," SERVICES "\ncn: 10.AA\nflags: 1\n"
    "displayName: Gone\nmsPKI-Cert-Template-OID: " BASE ".6.10\n";
static const char without_base[] = "dn: CN=OID," SERVICES "\ncn: OID\n";
static const char template_list[] = "dn: CN=Used,CN=Certificate Templates," SERVICES
				    "\ncn: Used\nmsPKI-Cert-Template-OID: " BASE ".6.9\n";

static struct pki_snapshot
snapshot(const char *oids)
{
	static char services[] = SERVICES;
	struct pki_snapshot s = {.services_dn = services};
	struct err err;

	assert_true(ldif_entries(view_str(oids), &s.oids, &err));
	assert_true(ldif_entries(view_str(template_list), &s.templates, &err));
	return s;
}

static void
snapshot_free(struct pki_snapshot *s)
{
	dir_entries_free(&s->oids);
	dir_entries_free(&s->templates);
}

static void
assert_object(const struct ldif_record *r, const char *name, const char *oid)
{
	const char *last = strrchr(oid, '.') + 1;

	assert_int_equal(r->kind, LDIF_ADD);
	assert_true(dir_entry_has_value_nocase(&r->entry, "displayName", name));
	assert_true(dir_entry_has_value_nocase(&r->entry, "msPKI-Cert-Template-OID", oid));
	assert_true(dir_entry_has_value_nocase(&r->entry, "flags", "1"));
	assert_int_equal(strncmp(r->entry.dn, "CN=", 3), 0);
	assert_int_equal(strncmp(r->entry.dn + 3, last, strlen(last)), 0);
	assert_non_null(strstr(r->entry.dn, ",CN=OID," SERVICES));
	assert_int_equal(strcspn(r->entry.dn + 3 + strlen(last) + 1, ","), 32);
}

static void
a_new_oid_lies_below_the_enterprise_base(void **state)
{
	struct pki_snapshot s = snapshot(with_base);
	struct ldif plan = {0};
	struct err err;
	char *oid;

	(void)state;
	assert_true(pki_plan_new_oid(&s, "New", &plan, &oid, &err));
	assert_int_equal(strncmp(oid, BASE ".", sizeof BASE), 0);
	assert_int_equal(plan.count, 1);
	assert_object(&plan.list[0], "New (unfinished)", oid);
	free(oid);
	ldif_free(&plan);
	snapshot_free(&s);
}

static void
a_directory_without_a_base_gets_one(void **state)
{
	static const char root[] = "1.3.6.1.4.1.311.21.8.";
	struct pki_snapshot s = snapshot(without_base);
	struct ldif plan = {0};
	const struct buf *base;
	struct err err;
	char *oid;

	(void)state;
	assert_true(pki_plan_new_oid(&s, "New", &plan, &oid, &err));
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.list[0].kind, LDIF_MODIFY);
	assert_string_equal(plan.list[0].entry.dn, "CN=OID," SERVICES);
	assert_int_equal(plan.list[0].mods[0].op, LDIF_OP_ADD);
	base = &plan.list[0].mods[0].attr.values[0];
	assert_true(base->len > sizeof root - 1);
	assert_memory_equal(base->ptr, root, sizeof root - 1);
	assert_memory_equal(oid, base->ptr, base->len);
	assert_object(&plan.list[1], "New (unfinished)", oid);
	free(oid);
	ldif_free(&plan);
	snapshot_free(&s);
}

/* The rest of a try that ended halfway; an issuance policy, one that is in use, and that of a
 * template which was deleted are none. */
static void
what_an_earlier_try_left_is_taken(void **state)
{
	static const char *const no_rest[] = {"Policy", "Used", "Lef", "Gone"};
	struct pki_snapshot s = snapshot(with_base);
	struct ldif plan = {0};
	struct err err;
	char *oid;

	(void)state;
	assert_true(pki_plan_new_oid(&s, "Left", &plan, &oid, &err));
	assert_string_equal(oid, BASE ".6.7");
	assert_int_equal(plan.count, 0);
	free(oid);
	for (size_t i = 0; i < sizeof no_rest / sizeof no_rest[0]; i++) {
		assert_true(pki_plan_new_oid(&s, no_rest[i], &plan, &oid, &err));
		assert_int_equal(plan.count, i + 1);
		free(oid);
	}
	ldif_free(&plan);
	snapshot_free(&s);
}

static void
an_oid_from_elsewhere_gets_its_object_unless_another_has_it(void **state)
{
	struct pki_snapshot s = snapshot(with_base);
	struct ldif plan = {0};
	struct err err;

	(void)state;
	assert_true(pki_plan_oid(&s, "New", "1.2.3.4", &plan, &err));
	assert_int_equal(plan.count, 1);
	assert_object(&plan.list[0], "New (unfinished)", "1.2.3.4");
	assert_true(pki_plan_oid(&s, "Used", BASE ".6.9", &plan, &err));
	assert_int_equal(plan.count, 1);
	assert_false(pki_plan_oid(&s, "New", BASE ".6.9", &plan, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	/* That of an issuance policy, which would come to mean a template. */
	assert_false(pki_plan_oid(&s, "New", BASE ".6.8", &plan, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	ldif_free(&plan);
	snapshot_free(&s);
}

static void
a_service_is_changed_only_where_it_differs(void **state)
{
	static const char ldif[] = "dn: CN=ca\ncn: ca\ncertificateTemplates: User\n";
	struct dir_entries es;
	struct ldif plan = {0};
	struct err err;
	bool changed;

	(void)state;
	assert_true(ldif_entries(view_str(ldif), &es, &err));
	assert_true(pki_plan_enable(&es.list[0], "user", true, &plan, &changed, &err));
	assert_false(changed);
	assert_true(pki_plan_enable(&es.list[0], "EFS", false, &plan, &changed, &err));
	assert_false(changed);
	assert_int_equal(plan.count, 0);
	assert_true(pki_plan_enable(&es.list[0], "EFS", true, &plan, &changed, &err));
	assert_true(changed);
	assert_int_equal(plan.list[0].mods[0].op, LDIF_OP_ADD);
	assert_true(pki_plan_enable(&es.list[0], "User", false, &plan, &changed, &err));
	assert_true(changed);
	assert_int_equal(plan.list[1].mods[0].op, LDIF_OP_DELETE);
	ldif_free(&plan);
	dir_entries_free(&es);
}

/* Its name, else its identifier, else what people are shown; of several none. */
static void
the_exact_name_wins_and_of_several_none(void **state)
{
#define TEMPLATE(cn, more) \
	"dn: CN=" cn ",CN=Certificate Templates," SERVICES "\ncn: " cn "\n" more "\n"
	static const char list[] = TEMPLATE("Early", "displayName: Late\n")
	    TEMPLATE("Late", "displayName: 1.2.3\nmsPKI-Cert-Template-OID: 1.2.4\n")
		TEMPLATE("Number", "msPKI-Cert-Template-OID: 1.2.3\ndisplayName: W\u00fcrfel\n")
		    TEMPLATE("A", "displayName: Twice\n") TEMPLATE("B", "displayName: twice\n")
			TEMPLATE("Twin", "displayName: Early\n")
			    TEMPLATE("Odd", "displayName: CN=x,CN=y\n")
				TEMPLATE("Greedy", "cn: Late\ndisplayName: Solo\n")
				    TEMPLATE("Solo2", "displayName: Solo\ndisplayName: Number\n");
#undef TEMPLATE
	static const struct {
		const char *name, *cn; /* NULL: none */
	} rows[] = {{"Late", "Late"}, {"late", "Late"}, {"Early", "Early"}, {"1.2.3", "Number"},
	    {"1.2.4", "Late"}, {"W\u00fcrfel", "Number"}, {"A", "A"}, {"Lat", NULL}, {"", NULL},
	    {"cn=late, cn=Certificate Templates," SERVICES, "Late"}, {"CN=Late", NULL},
	    {"CN=Late," SERVICES, NULL}, {"CN=x,CN=y", "Odd"},
	    /* one with two names is called neither; what is left of it is its DN */
	    {"Greedy", NULL}, {"Solo", "Greedy"},
	    {"CN=Greedy,CN=Certificate Templates," SERVICES, "Greedy"}, {"Solo2", "Solo2"}};
	struct pki_snapshot s = {0};
	const struct dir_entry *e;
	struct err err;

	(void)state;
	assert_true(ldif_entries(view_str(list), &s.templates, &err));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(pki_template_named(&s, rows[i].name, &e, &err));
		assert_int_equal(e != NULL, rows[i].cn != NULL);
		if (e != NULL)
			assert_true(dir_entry_has_value_nocase(e, "cn", rows[i].cn));
	}
	assert_false(pki_template_named(&s, "TWICE", &e, &err));
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	assert_non_null(strstr(err.msg, "A, B"));
	assert_null(e);
	snapshot_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_oid_lies_below_the_enterprise_base),
	    cmocka_unit_test(a_directory_without_a_base_gets_one),
	    cmocka_unit_test(what_an_earlier_try_left_is_taken),
	    cmocka_unit_test(an_oid_from_elsewhere_gets_its_object_unless_another_has_it),
	    cmocka_unit_test(a_service_is_changed_only_where_it_differs),
	    cmocka_unit_test(the_exact_name_wins_and_of_several_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
