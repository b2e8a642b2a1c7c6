/* Pages of archived keys that the CA looked at: one that does not come, and going on behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "own_json.h"
#include "verbs.h"
#include "work.h"

/* What each asking gets, in their order: one that is cut off, or so many keys. */
static struct {
	const char *path;
	bool cut;
	int keys, bad, next;
} pages[5];
static size_t asked;

bool __wrap_http_client_json(struct http_client *c, const char *method, const char *path,
    json_t *body, json_t **out, struct err *err);

bool
__wrap_http_client_json(struct http_client *c, const char *method, const char *path, json_t *body,
    json_t **out, struct err *err)
{
	size_t at = asked++;

	(void)c;
	(void)body;
	assert_true(at < 5 && pages[at].path != NULL);
	assert_string_equal(method, "GET");
	assert_string_equal(strchr(path, '?'), pages[at].path);
	if (pages[at].cut)
		return err_set(err, DIRCA_E_NETWORK, "no answer came");
	*out = json_pack("{s:i, s:i, s:[{s:s, s:s, s:b, s:i}], s:[], s:o}", "keys", pages[at].keys,
	    "bad", pages[at].bad, "agents", "certificate_hash", "aa", "subject", "CN=kra1", "known",
	    1, "keys", pages[at].keys, "findings", "next",
	    pages[at].next > 0 ? json_integer(pages[at].next) : json_null());
	return true;
}

static void
begin(void)
{
	memset(pages, 0, sizeof pages);
	asked = 0;
}

/* What it prints is left out. */
static bool
verify(int64_t after, int64_t limit, enum cli_exit *status_out, struct err *err)
{
	struct cli cli = {.opt = {.after = after, .limit = limit}};
	struct work w = {.cli = &cli};
	int kept = dup(STDOUT_FILENO);
	bool ok;

	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stdout));
	ok = cmd_archive_verify(&w, err);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	*status_out = w.status;
	return ok;
}

static void
where_it_breaks_off_it_says_how_to_go_on(void **state)
{
	enum cli_exit status;
	struct err err;

	(void)state;
	begin();
	pages[0].path = "?after=0&limit=1000";
	pages[0].keys = 1000;
	pages[0].bad = 2;
	pages[0].next = 1234;
	pages[1].path = "?after=1234&limit=1000";
	pages[1].cut = true;
	assert_false(verify(0, 0, &status, &err));
	assert_int_equal(asked, 2);
	assert_int_equal(err.code, DIRCA_E_NETWORK);
	assert_non_null(
	    strstr(err.msg, "1000 keys looked at, 2 of them bad; --after 1234 goes on"));
	/* and there it goes on: with what is left alone */
	asked = 0;
	pages[0] = pages[1];
	pages[0].cut = false;
	pages[0].keys = 3;
	assert_true(verify(1234, 0, &status, &err));
	assert_int_equal(asked, 1);
	assert_int_equal(status, CLI_OK);
}

static void
a_key_that_is_bad_is_a_finding(void **state)
{
	enum cli_exit status;
	struct err err;

	(void)state;
	begin();
	pages[0].path = "?after=0&limit=1000";
	pages[0].keys = 5;
	assert_true(verify(0, 0, &status, &err));
	assert_int_equal(status, CLI_OK);
	asked = 0;
	pages[0].bad = 1;
	assert_true(verify(0, 0, &status, &err));
	assert_int_equal(status, CLI_FINDINGS);
}

/* A limit counts over the pages; a CA that gives the same page again is not asked for ever. */
static void
it_ends(void **state)
{
	enum cli_exit status;
	struct err err;

	(void)state;
	begin();
	pages[0].path = "?after=7&limit=1000";
	pages[0].keys = 1000;
	pages[0].next = 1100;
	pages[1].path = "?after=1100&limit=500";
	pages[1].keys = 500;
	pages[1].next = 1700;
	assert_true(verify(7, 1500, &status, &err));
	assert_int_equal(asked, 2);
	asked = 0;
	pages[1].path = "?after=1100&limit=1000";
	pages[1].next = 1100;
	assert_true(verify(7, 0, &status, &err));
	assert_int_equal(asked, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(where_it_breaks_off_it_says_how_to_go_on),
	    cmocka_unit_test(a_key_that_is_bad_is_a_finding),
	    cmocka_unit_test(it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
