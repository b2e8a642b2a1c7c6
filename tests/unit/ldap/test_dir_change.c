/* Plans: differences of entries as LDIF change records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dir_change.h"
#include "ldif.h"

static const char *const no_guards[] = {NULL};
static const char *const guards[] = {"serial", NULL};

static struct dir_entry
entry(const char *ldif)
{
	struct dir_entries es;
	struct dir_entry e;
	struct err err;

	if (!ldif_entries(view_str(ldif), &es, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(es.count, 1);
	e = es.list[0];
	es.count = 0;
	dir_entries_free(&es);
	return e;
}

static void
assert_change(const char *before, const char *after, const char *const *guard, const char *wanted)
{
	struct dir_entry a = entry(before), b = entry(after);
	struct ldif plan = {0}, again;
	struct buf text = {0};
	struct err err;

	assert_true(plan_difference(&plan, &a, &b, guard, &err));
	assert_true(plan_print(&plan, &text, &err));
	assert_true(buf_append(&text, view_of("", 1), &err));
	assert_string_equal((char *)text.ptr, wanted);
	/* What is printed can be read again. */
	assert_true(ldif_parse(view_of(text.ptr, text.len - 1), &again, &err));
	assert_int_equal(again.count, plan.count);
	ldif_free(&again);
	ldif_free(&plan);
	buf_free(&text);
	dir_entry_free(&a);
	dir_entry_free(&b);
}

static void
only_what_differs_is_changed(void **state)
{
	(void)state;
	assert_change("dn: cn=x\na: 1\nb: 2\nb: 3\nc: 4\n", "dn: cn=x\na: 1\nb: 3\nb: 5\nd: 6\n",
	    no_guards,
	    "dn: cn=x\nchangetype: modify\nreplace: b\nb: 3\nb: 5\n-\nadd: d\nd: 6\n-\n"
	    "delete: c\n-\n\n");
}

static void
order_of_values_is_no_difference(void **state)
{
	(void)state;
	assert_change("dn: cn=x\nb: 2\nb: 3\n", "dn: cn=x\nb: 3\nb: 2\n", no_guards, "");
}

static void
a_guarded_attribute_is_changed_by_its_old_value(void **state)
{
	(void)state;
	assert_change("dn: cn=x\nserial: 1\n", "dn: cn=x\nserial: 2\n", guards,
	    "dn: cn=x\nchangetype: modify\ndelete: serial\nserial: 1\n-\nadd: serial\n"
	    "serial: 2\n-\n\n");
	assert_change("dn: cn=x\nserial: 1\n", "dn: cn=x\n", guards,
	    "dn: cn=x\nchangetype: modify\ndelete: serial\nserial: 1\n-\n\n");
	assert_change("dn: cn=x\n", "dn: cn=x\nserial: 1\n", guards,
	    "dn: cn=x\nchangetype: modify\nadd: serial\nserial: 1\n-\n\n");
}

static void
additions_and_single_values_are_printed(void **state)
{
	struct dir_entry e = entry("dn: cn=x\ncn: x\nbytes:: AAE=\n");
	struct ldif plan = {0};
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(plan_add(&plan, &e, &err));
	assert_true(plan_modify(&plan, "cn=y", LDIF_OP_DELETE, "list", view_str("x"), &err));
	assert_true(plan_print(&plan, &text, &err));
	assert_true(buf_append(&text, view_of("", 1), &err));
	assert_string_equal((char *)text.ptr,
	    "dn: cn=x\nchangetype: add\ncn: x\nbytes:: AAE=\n\n"
	    "dn: cn=y\nchangetype: modify\ndelete: list\nlist: x\n-\n\n");
	ldif_free(&plan);
	buf_free(&text);
	dir_entry_free(&e);
}

static void
values_of_an_entry_are_set_and_taken_out(void **state)
{
	struct dir_entry e = entry("dn: cn=x\na: 1\nb: 2\nc: 3\n");
	struct view two[] = {view_str("8"), view_str("9")};
	struct err err;

	(void)state;
	assert_true(dir_entry_set(&e, "B", two, 2, &err));
	assert_int_equal(dir_entry_attr(&e, "b")->count, 2);
	assert_true(dir_entry_set(&e, "a", NULL, 0, &err));
	assert_null(dir_entry_attr(&e, "a"));
	assert_int_equal(e.count, 2);
	assert_true(dir_entry_set(&e, "none", NULL, 0, &err));
	assert_true(dir_entry_set(&e, "d", two, 1, &err));
	assert_true(dir_entry_has_value_nocase(&e, "d", "8"));
	assert_true(dir_entry_has_value_nocase(&e, "c", "3"));
	dir_entry_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_differs_is_changed),
	    cmocka_unit_test(order_of_values_is_no_difference),
	    cmocka_unit_test(a_guarded_attribute_is_changed_by_its_old_value),
	    cmocka_unit_test(additions_and_single_values_are_printed),
	    cmocka_unit_test(values_of_an_entry_are_set_and_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
