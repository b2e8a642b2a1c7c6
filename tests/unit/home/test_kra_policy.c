/* trust/kra-enabled: what is written is read again, and what cannot be is refused as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "kra_policy.h"

static char folder[] = "/tmp/dirca-policy-XXXXXX";
static struct config config = {.state_dir = folder};

static char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
write_list(const char *text)
{
	struct err err;

	assert_true(file_replace(path_of("trust/kra-enabled"), view_str(text), 0644, &err));
}

static void
assert_refused(const char *text)
{
	struct kra_policy policy;
	struct err err;

	write_list(text);
	assert_false(kra_policy_read(&config, &policy, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_int_equal(policy.count, 0);
}

static void
threshold_is_kept_and_absent_where_each_agent_opens_alone(void **state)
{
	struct kra_policy policy = {.count = 3}, again;
	struct buf text;
	struct err err;

	(void)state;
	for (policy.threshold = 0; policy.threshold <= 3; policy.threshold++) {
		size_t want = policy.threshold > 1 ? policy.threshold : 1;

		assert_true(kra_policy_write(&config, &policy, &err));
		assert_true(file_read(path_of("trust/kra-enabled"), 1000, &text, &err));
		/* An older program reads the one, and refuses the other. */
		assert_int_equal(
		    memmem(text.ptr, text.len, "threshold", 9) != NULL, policy.threshold > 1);
		buf_free(&text);
		assert_true(kra_policy_read(&config, &again, &err));
		assert_int_equal(again.count, 3);
		assert_int_equal(kra_policy_threshold(&again), want);
		kra_policy_free(&again);
	}
	assert_false(kra_policy_write(&config, &policy, &err)); /* 4 of 3 */
	assert_int_equal(err.code, DIRCA_E_CONFIG);
}

static void
what_cannot_be_is_refused(void **state)
{
	struct kra_policy policy;
	struct err err;

	(void)state;
	write_list("count = 2\nthreshold = 2\n");
	assert_true(kra_policy_read(&config, &policy, &err));
	kra_policy_free(&policy);
	write_list("threshold = 2\ncount = 2\n"); /* in whatever order */
	assert_true(kra_policy_read(&config, &policy, &err));
	kra_policy_free(&policy);
	assert_refused("count = 2\nthreshold = 3\n");
	assert_refused("threshold = 2\n");
	assert_refused("count = 2\nthreshold = 0\n");
	assert_refused("count = 2\nthreshold = two\n");
	assert_refused("count = 2\nthreshold = 65\n");
	assert_refused("count = 65\n");
	assert_refused("number = 1\n");
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL || mkdir(path_of("trust"), 0755) != 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path_of("trust/kra-enabled"));
	return rmdir(path_of("trust")) != 0 || rmdir(folder) != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threshold_is_kept_and_absent_where_each_agent_opens_alone),
	    cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
