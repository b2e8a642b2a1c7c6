/* The table of events: each text says what its variables say, by number and by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"
#include "mem.h"
#include "own.h"

static struct err err;

static const int64_t numbers[] = {
#define EVENT_NUMBER(id, number, ...) (number),
    EVENTS(EVENT_NUMBER)
#undef EVENT_NUMBER
};

static void
each_variable_is_in_the_text_once(void **state)
{
	static const char *const marks[EVENT_VALUES_MAX] = {"<0>", "<1>", "<2>", "<3>"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct event_kind *kind = event_kind(numbers[i]);
		OWNED(own_memory) char *text = event_text(kind, marks);
		size_t v = 0;

		for (; v < EVENT_VALUES_MAX; v++) {
			OWNED(own_memory) char *name = event_variable(kind, v);
			const char *found = strstr(text, marks[v]);

			assert_int_equal(found != NULL, name != NULL);
			assert_true(found == NULL || strstr(found + 1, marks[v]) == NULL);
		}
		assert_null(event_variable(kind, v));
		assert_null(strpbrk(text, "{}?"));
	}
}

static void
an_event_is_found_by_number_and_name(void **state)
{
	(void)state;
	assert_int_equal(event_find("84", &err)->id, EVENT_INVALID_KRA_CERT);
	assert_int_equal(event_find("msg_w_expiration_kra_cert", &err)->id, 127);
	assert_null(event_find("83a", &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_null(event_kind(1));
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(numbers[i], numbers[k]);
			assert_string_not_equal(
			    event_kind(numbers[i])->symbol, event_kind(numbers[k])->symbol);
		}
}

static void
values_that_look_like_variables_stay_what_they_are(void **state)
{
	static const char *const values[EVENT_VALUES_MAX] = {"{ErrorCode}", NULL, "%s"};
	OWNED(own_memory) char *text = event_text(event_kind(85), values);

	(void)state;
	assert_string_equal(text, "key recovery agent certificate {ErrorCode} (-) is left out: %s");
}

static void
levels_have_names(void **state)
{
	enum event_level level;

	(void)state;
	assert_true(event_level_find("Warning", &level, &err));
	assert_int_equal(level, EVENT_LEVEL_WARNING);
	assert_string_equal(event_level_name(EVENT_LEVEL_ERROR), "error");
	assert_false(event_level_find("3", &level, &err));
}

static void
a_set_is_of_numbers_names_and_categories(void **state)
{
	static const char *const bad[] = {"9999", "kra 84x", "warning", "kra;crl"};
	struct event_set set;

	(void)state;
	assert_true(event_set_parse("kra, 53  msg_dn_cert_pending", &set, &err));
	assert_true(event_set_has(&set, 84));
	assert_true(event_set_has(&set, 53));
	assert_true(event_set_has(&set, 8));
	assert_false(event_set_has(&set, 6));
	assert_false(event_set_has(&set, 65));
	assert_false(event_set_has(&set, 9999));
	assert_true(event_set_parse("", &set, &err));
	assert_false(event_set_has(&set, 84));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (event_set_parse(bad[i], &set, &err))
			fail_msg("'%s' was read", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_variable_is_in_the_text_once),
	    cmocka_unit_test(an_event_is_found_by_number_and_name),
	    cmocka_unit_test(values_that_look_like_variables_stay_what_they_are),
	    cmocka_unit_test(levels_have_names),
	    cmocka_unit_test(a_set_is_of_numbers_names_and_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
