/* The second person of a batch: no other name of the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "batches.h"

static void
who_gave_a_batch_out_has_several_names(void **state)
{
	static const char *const his[] = {"uid=0 login=user1 sudo=-", "uid=0 login=- sudo=user1",
	    "uid=0 login=root sudo=NWTRADERS\\User1", "uid=0 login=user1@nwtraders.com sudo=root"};
	static const char *const others[] = {"uid=0 login=root sudo=-", "uid=0 login=- sudo=user11",
	    "uid=0 login=user sudo=NWTRADERS\\user2", ""};

	(void)state;
	for (size_t i = 0; i < sizeof his / sizeof *his; i++) {
		assert_true(recover_batch_is_by(his[i], "NWTRADERS\\user1"));
		assert_true(recover_batch_is_by(his[i], "user1"));
		assert_false(recover_batch_is_by(others[i], "NWTRADERS\\user1"));
	}
	assert_false(recover_batch_is_by("uid=0 login= sudo=", "NWTRADERS\\"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_gave_a_batch_out_has_several_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
