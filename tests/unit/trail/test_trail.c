/* The chain of the audit trail, record by record; its events by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "own.h"
#include "text.h"
#include "trail.h"

#define TEXT(s)   \
	(char[])  \
	{         \
		s \
	}

static struct err err;

/* Made by another program (Python's struct and hashlib): trails that were written stay valid. */
static void
a_record_has_the_hash_that_it_always_had(void **state)
{
	struct audit_record a = {
	    .row_id = 1,
	    .when = 1764000000,
	    .event = AUDIT_KEY_RETRIEVED,
	    .success = false,
	    .status = (int32_t)E_ACCESSDENIED,
	    .actor = TEXT("NWTRADERS\\officer1"),
	    .request_id = 7,
	    .object = TEXT("01ab"),
	};
	static const uint8_t zeros[TRAIL_HASH_LEN];
	uint8_t hash[TRAIL_HASH_LEN];

	(void)state;
	assert_true(trail_hash(EVP_sha256(), zeros, &a, hash, &err));
	OWNED(own_memory) char *hex = hex_encode(view_of(hash, sizeof hash), '\0');
	assert_string_equal(
	    hex, "1e3830863a9047a2f35734d2bb939dbdeeb800aec68bc913ca1614fe94976978");
}

static void
a_row_follows_the_one_before_it_only(void **state)
{
	struct audit_record a = {.row_id = 1, .event = AUDIT_ISSUED, .actor = TEXT("a")};
	struct trail_head at = {0}, before;

	(void)state;
	assert_true(trail_hash(EVP_sha256(), at.hash, &a, a.hash, &err));
	before = at;
	assert_true(trail_next(EVP_sha256(), &at, &a, &err));
	assert_int_equal(at.count, 1);
	assert_true(trail_end(&at, &at, &err));
	assert_false(trail_next(EVP_sha256(), &at, &a, &err));
	assert_int_equal(err.code, CRYPT_E_HASH_VALUE);
	assert_non_null(strstr(err.msg, "audit row 2 is missing: row 1 stands in its place"));
	a.success = true;
	assert_false(trail_next(EVP_sha256(), &before, &a, &err));
	assert_non_null(strstr(err.msg, "audit row 1 does not fit"));
	assert_false(trail_end(&before, &at, &err));
	assert_non_null(strstr(err.msg, "audit row 1 is missing"));
	assert_false(trail_end(&at, &before, &err));
}

static void
events_are_found_by_number_and_word(void **state)
{
	enum audit_event e;

	(void)state;
	assert_true(audit_event_find("787", &e, &err));
	assert_int_equal(e, AUDIT_KEY_RETRIEVED);
	assert_true(audit_event_find("Keys-Searched", &e, &err));
	assert_int_equal(e, AUDIT_KEYS_SEARCHED);
	assert_string_equal(audit_event_text(e), "archived keys were searched for");
	assert_string_equal(audit_event_text((enum audit_event)1), "?");
	assert_false(audit_event_find("779", &e, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_non_null(strstr(err.msg, " key-retrieved "));
	assert_false(audit_event_find("", &e, &err));
	assert_false(audit_event_find("0", &e, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_has_the_hash_that_it_always_had),
	    cmocka_unit_test(a_row_follows_the_one_before_it_only),
	    cmocka_unit_test(events_are_found_by_number_and_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
