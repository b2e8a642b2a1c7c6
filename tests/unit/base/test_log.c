#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"
#include "log.h"

/* The clock of the events' buckets goes on where a test says so (--wrap). */
static int64_t now_ms = 1000000;

int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return now_ms;
}

static char written[16384];
static int saved_stderr;
static FILE *capture;

static void
begin(enum log_level most)
{
	log_open("front", false, most);
	assert_non_null(capture = tmpfile());
	fflush(stderr);
	assert_int_not_equal(saved_stderr = dup(STDERR_FILENO), -1);
	assert_int_not_equal(dup2(fileno(capture), STDERR_FILENO), -1);
}

static void
end(void)
{
	size_t n;

	assert_int_not_equal(dup2(saved_stderr, STDERR_FILENO), -1);
	close(saved_stderr);
	rewind(capture);
	n = fread(written, 1, sizeof written - 1, capture);
	written[n] = '\0';
	fclose(capture);
}

static size_t
lines(void)
{
	size_t n = 0;

	for (const char *p = written; *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

/* Quotes that are not escaped. */
static size_t
quotes(void)
{
	size_t n = 0;

	for (const char *p = written; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else
			n += *p == '"';
	}
	return n;
}

static void
an_event_is_one_line_of_fields(void **state)
{
	(void)state;
	begin(LOG_LEVEL_INFO);
	log_info("template.loaded", LOG_STR("cn", "EFS2"), LOG_INT("version", -3));
	end();
	assert_int_equal(lines(), 1);
	/* "2026-11-24T05:22:34Z " stands before it. */
	assert_string_equal(
	    written + 21, "front level=info event=\"template.loaded\" cn=\"EFS2\" version=-3\n");
}

static void
a_value_cannot_forge_a_line(void **state)
{
	(void)state;
	begin(LOG_LEVEL_INFO);
	log_info("request",
	    LOG_STR(
		"cn", "x\nfront level=info event=\"key.recovered\" by=\"admin\"\r\n\x1b[2J\x7f"),
	    LOG_INT("id", 1));
	end();
	assert_int_equal(lines(), 1);
	assert_null(strchr(written, '\r'));
	assert_null(strchr(written, '\x1b'));
	assert_null(strchr(written, '\x7f'));
	assert_non_null(
	    strstr(written, "cn=\"x\\u000afront level=info event=\\\"key.recovered\\\" "
			    "by=\\\"admin\\\"\\u000d\\u000a\\u001b[2J\\u007f\" id=1\n"));
}

static void
a_value_cannot_turn_the_line_around(void **state)
{
	(void)state;
	begin(LOG_LEVEL_INFO);
	log_info("request", LOG_STR("cn", "a\u202eb\xc2\x9b"
					  "31m \xff m\u00fcller"));
	end();
	assert_non_null(strstr(written, "cn=\"a\\u202eb\\u009b31m \\xff m\u00fcller\"\n"));
}

static void
a_value_cannot_leave_its_quotes(void **state)
{
	static const char *const values[] = {
	    "\" id=7 x=\"", "\\\" id=7 x=\\\"", "\\", "\"", "\\\\\""};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		begin(LOG_LEVEL_INFO);
		log_info("request", LOG_STR("cn", values[i]), LOG_INT("id", 1));
		end();
		assert_int_equal(lines(), 1);
		assert_int_equal(quotes(), 4); /* of the event and of the value */
		assert_string_equal(written + strlen(written) - 6, " id=1\n");
	}
}

static void
a_value_that_is_too_long_is_cut_inside_its_quotes(void **state)
{
	static const char units[] = {'x', '"', '\\', '\n'};
	char *value = malloc(5000);

	(void)state;
	assert_non_null(value);
	for (size_t i = 0; i < sizeof units; i++) {
		memset(value, units[i], 4999);
		value[4999] = '\0';
		begin(LOG_LEVEL_INFO);
		log_info("request", LOG_STR("cn", value));
		end();
		assert_int_equal(lines(), 1);
		assert_true(strlen(written) <= 2048);
		assert_int_equal(quotes(), 4);
		assert_string_equal(written + strlen(written) - 2, "\"\n");
	}
	free(value);
}

static void
lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	begin(LOG_LEVEL_WARN);
	log_error("a", LOG_INT("n", 1));
	log_warn("b", LOG_INT("n", 1));
	log_info("c", LOG_INT("n", 1));
	log_debug("d", LOG_INT("n", 1));
	end();
	assert_int_equal(lines(), 2);
	assert_non_null(strstr(written, "level=error event=\"a\""));
	assert_non_null(strstr(written, "level=warn event=\"b\""));
}

static void
an_error_is_its_symbol_and_sentence(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CERTSRV_E_NO_VALID_KRA, "KRA \"1\" expired");
	begin(LOG_LEVEL_INFO);
	log_error("archive.failed", LOG_REASON(&err));
	end();
	assert_non_null(
	    strstr(written, "code=\"CERTSRV_E_NO_VALID_KRA\" reason=\"KRA \\\"1\\\" expired\"\n"));
}

static void
an_absent_value_is_a_dash(void **state)
{
	const char *nothing = NULL;

	(void)state;
	begin(LOG_LEVEL_INFO);
	log_info("request", LOG_STR("cn", nothing));
	end();
	assert_non_null(strstr(written, "cn=\"-\"\n"));
}

/* Lines that hold `text`. */
static size_t
lines_with(const char *text)
{
	size_t n = 0;

	for (const char *p = written; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

static void
an_event_that_is_repeated_is_counted_instead(void **state)
{
	(void)state;
	begin(LOG_LEVEL_WARN);
	for (int i = 0; i < 5000; i++)
		log_warn("repeated", LOG_INT("n", i));
	log_warn("another", LOG_INT("n", 1));
	now_ms += 600;
	log_warn("repeated", LOG_STR("peer", "last"));
	log_warn("repeated", LOG_STR("peer", "none"));
	end();
	assert_int_equal(lines_with("another"), 1);
	assert_int_equal(lines_with("repeated"), 61);
	assert_int_equal(lines_with("suppressed=4940"), 1);
	assert_non_null(strstr(written, "peer=\"last\"\n"));
}

static void
what_was_left_out_is_said_without_another_event(void **state)
{
	char *said;

	(void)state;
	begin(LOG_LEVEL_WARN);
	for (int i = 0; i < 100; i++)
		log_warn("burst", LOG_INT("n", i));
	now_ms += 600;
	log_catch_up();
	log_catch_up();
	end();
	assert_non_null(said = strstr(written, "event=\"burst\" suppressed="));
	assert_null(strstr(said + 1, "event=\"burst\""));
}

static void
level_debug_leaves_out_nothing(void **state)
{
	(void)state;
	begin(LOG_LEVEL_DEBUG);
	for (int i = 0; i < 100; i++)
		log_debug("all", LOG_INT("n", i));
	end();
	assert_int_equal(lines(), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_event_is_one_line_of_fields),
	    cmocka_unit_test(a_value_cannot_forge_a_line),
	    cmocka_unit_test(a_value_cannot_turn_the_line_around),
	    cmocka_unit_test(a_value_cannot_leave_its_quotes),
	    cmocka_unit_test(a_value_that_is_too_long_is_cut_inside_its_quotes),
	    cmocka_unit_test(lines_above_the_level_are_dropped),
	    cmocka_unit_test(an_error_is_its_symbol_and_sentence),
	    cmocka_unit_test(an_absent_value_is_a_dash),
	    cmocka_unit_test(an_event_that_is_repeated_is_counted_instead),
	    cmocka_unit_test(what_was_left_out_is_said_without_another_event),
	    cmocka_unit_test(level_debug_leaves_out_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
