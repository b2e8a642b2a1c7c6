/* LDIF: what RFC 2849 allows is read as it stands, everything else is refused with its record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dir_ldif.h"

static struct ldif ldif;
static struct err err;

static bool
parse(const char *text)
{
	return ldif_parse(view_str(text), &ldif, &err);
}

static void
assert_value(const struct dir_attr *a, size_t i, const char *text)
{
	assert_non_null(a);
	assert_true(i < a->count);
	assert_true(view_eq(buf_view(&a->values[i]), view_str(text)));
}

static void
reads_entries(void **state)
{
	(void)state;
	assert_true(parse("# a comment\nversion: 1\n\ndn: cn=a,dc=x\r\nobjectClass: top\r\n"
			  "cn: a\ncn:: YsO8\ndescription: folded\n  line\n# between\nsn:b\n\n\n"
			  "dn:: Y249YixkYz14\nchangetype: add\ncn: b\n"));
	assert_int_equal(ldif.count, 2);
	assert_string_equal(ldif.list[0].entry.dn, "cn=a,dc=x");
	assert_int_equal(ldif.list[0].kind, LDIF_ADD);
	assert_value(dir_entry_attr(&ldif.list[0].entry, "cn"), 0, "a");
	assert_value(dir_entry_attr(&ldif.list[0].entry, "cn"), 1, "b\xc3\xbc");
	assert_value(dir_entry_attr(&ldif.list[0].entry, "description"), 0, "folded line");
	assert_value(dir_entry_attr(&ldif.list[0].entry, "sn"), 0, "b");
	assert_string_equal(ldif.list[1].entry.dn, "cn=b,dc=x");
	ldif_free(&ldif);
}

static void
reads_changes(void **state)
{
	const struct ldif_record *r;

	(void)state;
	assert_true(
	    parse("dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n-\n\n"
		  "dn: cn=a\nchangetype: modify\nreplace: cn\ncn: x\ncn: y\n-\ndelete: sn\n-\n"));
	assert_int_equal(ldif.count, 2);
	assert_string_equal(ldif.list[0].entry.dn, "");
	r = &ldif.list[1];
	assert_int_equal(r->kind, LDIF_MODIFY);
	assert_int_equal(r->mod_count, 2);
	assert_int_equal(r->mods[0].op, LDIF_OP_REPLACE);
	assert_value(&r->mods[0].attr, 1, "y");
	assert_int_equal(r->mods[1].op, LDIF_OP_DELETE);
	assert_string_equal(r->mods[1].attr.name, "sn");
	assert_int_equal(r->mods[1].attr.count, 0);
	ldif_free(&ldif);
}

static void
refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"cn: a\n", "DN"},
	    {"dn: cn=a\nno colon\n", "name"},
	    {"dn: cn=a\ncn:: !!!\n", "base64"},
	    {"dn: cn=a\ncn:< file:///etc/passwd\n", "URL"},
	    {"dn:< file:///etc/passwd\n", "URL"},
	    {"dn: cn=a\nchangetype: delete\n", "change type"},
	    {"dn: cn=a\nchangetype: modify\nincrement: x\n", "increment"},
	    {"dn: cn=a\nchangetype: modify\nreplace: cn\nsn: x\n-\n", "sn stands"},
	    {"dn: cn=a\ncn: a\nchangetype: modify\n", "no place"},
	    {"dn: cn=a\ncn: a\n-\n", "no place"},
	    {"dn: cn=a\ncn: a\n\ndn: cn=b\nbad\n", "record 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_false(parse(rows[i].text));
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		assert_non_null(strstr(err.msg, rows[i].why));
		assert_null(ldif.list);
	}
	assert_false(ldif_parse(view_of("dn: a\0b", 7), &ldif, &err));
}

static void
writes_what_it_reads(void **state)
{
	struct dir_entry e;
	struct buf out = {0};
	char all[256];

	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (char)i;
	assert_true(dir_entry_init(&e, "cn=M\xc3\xbcller,dc=x", &err));
	assert_true(dir_entry_add(&e, "cn", view_str("M\xc3\xbcller"), &err));
	assert_true(dir_entry_add(&e, "description", view_str(" leading"), &err));
	assert_true(dir_entry_add(&e, "description", view_str(":colon"), &err));
	assert_true(dir_entry_add(&e, "description", view_str(""), &err));
	assert_true(dir_entry_add(&e, "photo", view_of(all, sizeof all), &err));
	assert_true(ldif_append_entry(&out, &e, &err));
	assert_true(ldif_append_entry(&out, &e, &err));
	assert_true(ldif_parse(buf_view(&out), &ldif, &err));
	assert_int_equal(ldif.count, 2);
	for (size_t i = 0; i < ldif.count; i++) {
		const struct dir_entry *got = &ldif.list[i].entry;

		assert_string_equal(got->dn, e.dn);
		assert_int_equal(got->count, e.count);
		for (size_t k = 0; k < e.count; k++) {
			assert_string_equal(got->attrs[k].name, e.attrs[k].name);
			assert_int_equal(got->attrs[k].count, e.attrs[k].count);
			for (size_t v = 0; v < e.attrs[k].count; v++)
				assert_true(view_eq(buf_view(&got->attrs[k].values[v]),
				    buf_view(&e.attrs[k].values[v])));
		}
	}
	ldif_free(&ldif);
	buf_free(&out);
	dir_entry_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_entries),
	    cmocka_unit_test(reads_changes),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(writes_what_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
