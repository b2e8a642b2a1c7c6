/* What is told to whoever watches the CA: the text format, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"
#include "own.h"

static char *
sample(struct metric_label label, int64_t value)
{
	OWNED(buf_free) struct buf text = {0};
	struct err err;
	char *copy;

	assert_true(metrics_sample(&text, METRIC_REQUESTS, label, value, &err));
	copy = strndup((const char *)text.ptr, text.len);
	assert_non_null(copy);
	return copy;
}

static void
label_values_are_escaped(void **state)
{
	static const struct {
		const char *value, *line;
	} rows[] = {
	    {"issued", "dirca_requests{disposition=\"issued\"} 7\n"},
	    {"", "dirca_requests{disposition=\"\"} 7\n"},
	    {"a\"} 1\nb \\", "dirca_requests{disposition=\"a\\\"} 1\\nb \\\\\"} 7\n"},
	    {"\xc3\xa4", "dirca_requests{disposition=\"\xc3\xa4\"} 7\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		OWNED(own_memory)
		char *line = sample((struct metric_label){"disposition", rows[i].value}, 7);

		assert_string_equal(line, rows[i].line);
	}
}

static void
samples_without_label_have_no_braces(void **state)
{
	OWNED(own_memory) char *line = sample((struct metric_label){NULL, NULL}, -86400);

	(void)state;
	assert_string_equal(line, "dirca_requests -86400\n");
}

static void
a_head_says_what_it_is(void **state)
{
	OWNED(buf_free) struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(metrics_head(&text, METRIC_RECOVERIES, &err));
	assert_true(buf_append(&text, view_of("", 1), &err));
	assert_string_equal(text.ptr,
	    "# HELP dirca_recoveries_total Recovery BLOBs handed out since the start.\n"
	    "# TYPE dirca_recoveries_total counter\n");
}

static char *
all_counted(void)
{
	OWNED(buf_free) struct buf text = {0};
	struct err err;
	char *copy;

	assert_true(metrics_counted(&text, &err));
	copy = strndup((const char *)text.ptr, text.len);
	assert_non_null(copy);
	return copy;
}

static void
holds(const char *line)
{
	OWNED(own_memory) char *text = all_counted();

	if (strstr(text, line) == NULL)
		fail_msg("no line '%s' in\n%s", line, text);
}

static void
refusals_are_counted_by_cause(void **state)
{
	OWNED(own_memory) char *before = all_counted();

	(void)state;
	assert_null(strstr(before, "cause="));
	metrics_answered(ROUTE_OPEN, 1, DIRCA_E_KEY_RECIPIENT);
	metrics_answered(ROUTE_OPEN, 1, E_ACCESSDENIED);
	metrics_answered(ROUTE_OPEN, 1, E_ACCESSDENIED);
	metrics_answered(ROUTE_OPEN, 1, ERR_OK);
	holds("\ndirca_refusals_total{cause=\"E_ACCESSDENIED\"} 2\n");
	holds("\ndirca_refusals_total{cause=\"DIRCA_E_KEY_RECIPIENT\"} 1\n");
}

#define WORK "\ndirca_request_duration_seconds"

/* A bound counts what is at most as long, all of the shorter ones with it. */
static void
durations_are_a_histogram(void **state)
{
	static const int64_t ms[] = {0, 5, 6, 1000, 1001, 30000, 30001};

	(void)state;
	for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
		metrics_answered(ROUTE_WORK, ms[i], ERR_OK);
	holds(WORK "_bucket{lane=\"work\",le=\"0.005\"} 2\n");
	holds(WORK "_bucket{lane=\"work\",le=\"0.010\"} 3\n");
	holds(WORK "_bucket{lane=\"work\",le=\"1.000\"} 4\n");
	holds(WORK "_bucket{lane=\"work\",le=\"2.500\"} 5\n");
	holds(WORK "_bucket{lane=\"work\",le=\"30.000\"} 6\n");
	holds(WORK "_bucket{lane=\"work\",le=\"+Inf\"} 7\n");
	holds(WORK "_sum{lane=\"work\"} 62.013\n");
	holds(WORK "_count{lane=\"work\"} 7\n");
	holds(WORK "_count{lane=\"status\"} 0\n");
}

static void
queues_and_recoveries_are_counted(void **state)
{
	(void)state;
	holds("\ndirca_recoveries_total 0\n");
	metrics_recovered();
	holds("\ndirca_recoveries_total 1\n");
	metrics_queued(ROUTE_WORK, 1);
	metrics_queued(ROUTE_WORK, 1);
	metrics_queued(ROUTE_WORK, -1);
	holds("\ndirca_queue_length{lane=\"work\"} 1\n");
	holds("\ndirca_queue_length{lane=\"metrics\"} 0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(label_values_are_escaped),
	    cmocka_unit_test(samples_without_label_have_no_braces),
	    cmocka_unit_test(a_head_says_what_it_is),
	    cmocka_unit_test(refusals_are_counted_by_cause),
	    cmocka_unit_test(durations_are_a_histogram),
	    cmocka_unit_test(queues_and_recoveries_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
