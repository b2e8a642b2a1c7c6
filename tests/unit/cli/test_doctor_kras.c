/* What the doctor says of key recovery agents in the directory, each beside its clean twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doctor_kras.h"
#include "own_json.h"

struct told {
	size_t count;
	char text[512], cure[512]; /* of the last */
};

static void
take(void *arg, const char *text, const char *cure)
{
	struct told *t = arg;

	t->count++;
	snprintf(t->text, sizeof t->text, "%s", text);
	snprintf(t->cure, sizeof t->cure, "%s", cure);
}

static struct told
look(const char *type, int fresh, int counts, int published, const char *not_stored)
{
	struct told t = {0};
	OWNED(own_json)
	json_t *status = json_pack("{s:s, s:b, s:[{s:s, s:s, s:b, s:b}], s:o}", "ca_type", type,
	    "directory_fresh", fresh, "kras", "subject", "CN=kra1", "certificate_hash", "aa01",
	    "counts", counts, "published", published, "kras_not_stored",
	    not_stored != NULL ? json_pack("[s]", not_stored) : json_array());

	assert_non_null(status);
	doctor_kras(status, take, &t);
	return t;
}

static void
one_in_use_is_to_be_published(void **state)
{
	struct told t = look("enterprise", 1, 1, 0, NULL);

	(void)state;
	assert_int_equal(t.count, 1);
	assert_non_null(strstr(t.text, "CN=kra1 (SHA-1 aa01)"));
	assert_non_null(strstr(t.cure, "`dirca kra publish FILE`"));
	assert_non_null(strstr(t.cure, "kra/aa01.crt"));
	assert_int_equal(look("enterprise", 1, 1, 1, NULL).count, 0);
	assert_int_equal(look("enterprise", 1, 0, 0, NULL).count, 0);
}

/* Nothing of that enables one: whoever put it there would be the agent. */
static void
one_that_is_published_is_to_be_in_the_store(void **state)
{
	struct told t = look("enterprise", 1, 1, 1, "bb02");

	(void)state;
	assert_int_equal(t.count, 1);
	assert_non_null(strstr(t.text, "SHA-1 bb02"));
	assert_ptr_equal(strstr(t.cure, "`dirca kra unpublish bb02`"), t.cure);
	assert_null(strstr(t.cure, "kra enable"));
}

static void
what_was_not_read_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(look("enterprise", 1, 1, 0, "bb02").count, 2);
	assert_int_equal(look("enterprise", 0, 1, 0, "bb02").count, 0);
	assert_int_equal(look("standalone", 1, 1, 0, "bb02").count, 0);
}

static struct told
look_at_count(int count, int threshold)
{
	struct told t = {0};
	OWNED(own_json)
	json_t *status =
	    json_pack("{s:i, s:i}", "kra_cert_count", count, "kra_threshold", threshold);

	assert_non_null(status);
	doctor_kras(status, take, &t);
	return t;
}

static void
the_loss_of_one_agent_is_to_lose_no_key(void **state)
{
	struct told t = look_at_count(3, 3);

	(void)state;
	assert_int_equal(t.count, 1);
	assert_non_null(strstr(t.text, "all of its 3 agents"));
	assert_non_null(strstr(t.cure, "`dirca kra count 4 --threshold 3`"));
	assert_int_equal(look_at_count(3, 2).count, 0);
	assert_int_equal(look_at_count(1, 1).count, 0);
	assert_int_equal(look_at_count(0, 1).count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_in_use_is_to_be_published),
	    cmocka_unit_test(one_that_is_published_is_to_be_in_the_store),
	    cmocka_unit_test(what_was_not_read_says_nothing),
	    cmocka_unit_test(the_loss_of_one_agent_is_to_lose_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
