/* Templates as the PowerShell module ADCSTemplate exports them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "file.h"
#include "template_json.h"
#include "text.h"
#include "tmpl_edit.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define FILE_MAX ((size_t)1 << 20)

static struct buf fixture;

static int
load(void **state)
{
	struct err err;

	(void)state;
	return file_read(FIXTURES "/templates/adcstemplate.json", FILE_MAX, &fixture, &err) ? 0
											    : -1;
}

static int
unload(void **state)
{
	(void)state;
	buf_free(&fixture);
	return 0;
}

static void
assert_is_message_signing(struct view text)
{
	struct dir_entries es;
	struct dir_entry e;
	struct err err;
	struct tmpl t;

	if (!template_json_read(text, &es, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(es.count, 1);
	if (!tmpl_take_over(&es.list[0], NULL, false, &e, &err))
		fail_msg("%s", err.msg);
	assert_true(tmpl_decode(&e, &t, &err));
	assert_string_equal(t.cn, "MessageEncryption");
	assert_string_equal(t.display_name, "Message Encryption");
	assert_int_equal(t.schema_version, 2);
	assert_int_equal(t.major, 100);
	assert_int_equal(t.minor, 4);
	assert_int_equal(t.name_flag, 0x82000000u);
	assert_int_equal(t.validity, INT64_C(730) * 86400);
	assert_int_equal(t.key_usage[0], 0xb0);
	assert_int_equal(t.csps.count, 1);
	assert_int_equal(t.eku.count, 2);
	tmpl_free(&t);
	dir_entry_free(&e);
	dir_entries_free(&es);
}

static void
an_export_is_read(void **state)
{
	(void)state;
	assert_is_message_signing(buf_view(&fixture));
}

/* As PowerShell 5 writes files. */
static void
utf_16_with_a_mark_is_read(void **state)
{
	struct buf wide = {0}, units = {0}, text = {0};
	struct err err;

	(void)state;
	assert_true(buf_append(&text, buf_view(&fixture), &err));
	assert_true(buf_append(&text, view_of("", 1), &err));
	assert_true(utf16le_encode((char *)text.ptr, &units, &err));
	assert_true(buf_append(&wide, view_of("\xff\xfe", 2), &err));
	assert_true(buf_append(&wide, buf_view(&units), &err));
	assert_is_message_signing(buf_view(&wide));
	wide.len--;
	assert_false(template_json_read(buf_view(&wide), &(struct dir_entries){0}, &err));
	buf_free(&wide);
	buf_free(&units);
	buf_free(&text);
}

static void
a_list_of_templates_and_utf_8_with_a_mark_are_read(void **state)
{
	static const char list[] = "\xef\xbb\xbf[{\"name\":\"A\",\"FLAGS\":4294967295},"
				   "{\"cn\":\"B\",\"flags\":-1,\"pKIKeyUsage\":160}]";
	struct dir_entries es;
	struct err err;

	(void)state;
	assert_true(template_json_read(view_str(list), &es, &err));
	assert_int_equal(es.count, 2);
	for (size_t i = 0; i < es.count; i++)
		assert_true(dir_entry_has_value_nocase(&es.list[i], "flags", "-1"));
	dir_entries_free(&es);
}

static const char *const bad[] = {
    "",
    "{",
    "1",
    "[1]",
    "{}",
    "{\"name\":1}",
    "{\"name\":\"A\",\"name\":\"B\"}",
    "{\"name\":\"A\",\"objectClass\":\"user\"}",
    "{\"name\":\"A\",\"flags\":\"1\"}",
    "{\"name\":\"A\",\"flags\":1.5}",
    "{\"name\":\"A\",\"flags\":4294967296}",
    "{\"name\":\"A\",\"flags\":-2147483649}",
    "{\"name\":\"A\",\"pKIKeyUsage\":[]}",
    "{\"name\":\"A\",\"pKIKeyUsage\":[256]}",
    "{\"name\":\"A\",\"pKIKeyUsage\":[\"1\"]}",
    "{\"name\":\"A\",\"pKIKeyUsage\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
    "{\"name\":\"A\",\"pKIExtendedKeyUsage\":[1]}",
    "{\"name\":\"A\",\"pKIExtendedKeyUsage\":{}}",
    "{\"name\":\"A\",\"displayName\":[\"x\"]}",
};

static void
what_is_no_template_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct dir_entries es;
		struct err err;

		if (template_json_read(view_str(bad[i]), &es, &err))
			fail_msg("%s", bad[i]);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		assert_null(es.list);
	}
}

static void
cut_at_every_length_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len + 2 < fixture.len; len++) {
		struct dir_entries es;
		struct err err;

		assert_false(template_json_read(view_of(fixture.ptr, len), &es, &err));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_export_is_read),
	    cmocka_unit_test(utf_16_with_a_mark_is_read),
	    cmocka_unit_test(a_list_of_templates_and_utf_8_with_a_mark_are_read),
	    cmocka_unit_test(what_is_no_template_is_refused),
	    cmocka_unit_test(cut_at_every_length_is_refused),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
