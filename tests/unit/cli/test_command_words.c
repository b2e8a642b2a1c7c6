/* Commands that people are told to type: they work as they are printed, whatever a CA's name is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command_words.h"
#include "own.h"
#include "verbs.h"

static char host[] = "ca1.nwtraders.com", name[] = "K!00f6ln's CA";
static struct pki_service services[2] = {{.host = host, .name = name}, {.host = host}};
static struct cli cli = {.verbs = verbs};

static void
assert_ca(struct session *s, const struct pki_service *service, const char *words)
{
	OWNED(own_memory) char *got = command_ca(s, service);

	assert_string_equal(got, words);
}

static void
the_ca_is_named_where_there_are_several(void **state)
{
	static char configured[] = "CA1";
	struct cli typed = {.opt = {.ca = "CA 1"}};
	struct session s = {.cli = &cli, .services = services, .service_count = 2};

	(void)state;
	assert_ca(&s, &services[0], " --ca 'ca1.nwtraders.com\\K!00f6ln'\\''s CA'");
	assert_ca(&s, NULL, "");
	s.service_count = 1;
	assert_ca(&s, &services[0], "");
	s.service_count = 2;
	s.ca = configured; /* dirca.conf names it, to the next command too */
	assert_ca(&s, &services[0], "");
	s.cli = &typed;
	assert_ca(&s, &services[0], " --ca 'CA 1'");
	typed.opt.ca = "CA1";
	assert_ca(&s, NULL, " --ca CA1");
	typed.opt.ca = "-x";
	assert_ca(&s, NULL, " --ca '-x'");
}

static void
it_is_put_into_commands_that_ask_it(void **state)
{
	static const struct {
		const char *sentence, *whole;
	} rows[] = {
	    {"refused; `dirca case open 1f --reason REASON` opens one, `dirca ca publish` not",
		"refused; `dirca case open 1f --reason REASON --ca X` opens one, `dirca ca "
		"publish` "
		"not"},
	    {"`dirca case approve 3` or `dirca case deny 3`",
		"`dirca case approve 3 --ca X` or `dirca case deny 3 --ca X`"},
	    {"`dirca revoke 1f --ca Y`", "`dirca revoke 1f --ca Y`"},
	    {"`dirca kra count` on the CA's machine", "`dirca kra count` on the CA's machine"},
	    {"`dirca nothing`, `ls`, `dirca case open", "`dirca nothing`, `ls`, `dirca case open"},
	    {"`dirca approved`", "`dirca approved`"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		OWNED(own_memory) char *whole = command_complete(&cli, rows[i].sentence, " --ca X");

		assert_string_equal(whole, rows[i].whole);
	}
}

static void
a_sentence_that_grows_too_long_stays(void **state)
{
	struct err err = {0};
	char before[sizeof err.msg];

	(void)state;
	for (size_t i = 0; strlen(err.msg) + 30 < sizeof err.msg; i++)
		strcat(err.msg, "`dirca approve 3` ");
	strcpy(before, err.msg);
	command_complete_err(&cli, &err, " --ca X");
	assert_string_equal(err.msg, before);
	strcpy(err.msg, "`dirca approve 3`");
	command_complete_err(&cli, &err, " --ca X");
	assert_string_equal(err.msg, "`dirca approve 3 --ca X`");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_ca_is_named_where_there_are_several),
	    cmocka_unit_test(it_is_put_into_commands_that_ask_it),
	    cmocka_unit_test(a_sentence_that_grows_too_long_stays),
	};

	cli.verb_count = verb_count;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
