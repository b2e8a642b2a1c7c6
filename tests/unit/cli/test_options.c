/* The verb and option tables: what parses, what is refused, and how arguments are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "options.h"

#define MOST 1024

/* Splits at '|' (arguments may hold blanks) into argv of its own. */
static bool
parse(const char *line, struct cli *cli, enum cli_exit *status)
{
	static char text[4 * MOST];
	static char *argv[MOST + 1];
	int argc = 0;
	char *rest = text, *word;

	assert_true(strlen(line) < sizeof text);
	strcpy(text, line);
	while (argc < MOST && (word = strsep(&rest, "|")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	*status = CLI_OK;
	*cli = (struct cli){.verbs = verbs, .verb_count = verb_count};
	return cli_parse(argc, argv, cli, status);
}

static void
each_verb_parses_with_its_least_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < verb_count; i++) {
		char line[512] = "dirca|";
		struct cli cli;
		enum cli_exit status;

		for (const char *p = verbs[i].name; *p != '\0'; p++)
			strncat(line, *p == ' ' ? "|" : p, 1);
		for (int k = 0; k < verbs[i].least; k++)
			strcat(line, "|x");
		assert_true(parse(line, &cli, &status));
		assert_ptr_equal(cli.verb, &verbs[i]);
		assert_int_equal(cli.count, verbs[i].least);
	}
}

static void
too_few_and_too_many_arguments_are_usage_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < verb_count; i++) {
		char base[128] = "dirca|", line[4 * MOST];
		struct cli cli;
		enum cli_exit status;

		for (const char *p = verbs[i].name; *p != '\0'; p++)
			strncat(base, *p == ' ' ? "|" : p, 1);
		strcpy(line, base);
		for (int k = 0; k + 1 < verbs[i].least; k++)
			strcat(line, "|x");
		if (verbs[i].least > 0) {
			assert_false(parse(line, &cli, &status));
			assert_int_equal(status, CLI_USAGE);
		}
		strcpy(line, base);
		for (int k = 0; k <= verbs[i].most; k++)
			strcat(line, "|x");
		assert_false(parse(line, &cli, &status));
		assert_int_equal(status, CLI_USAGE);
	}
}

static void
each_verb_has_an_example(void **state)
{
	(void)state;
	for (size_t i = 0; i < verb_count; i++) {
		const char *example = cli_example(&verbs[i]);

		if (example == NULL || strstr(example, verbs[i].name) == NULL)
			fail_msg("%s: no example in its manual page", verbs[i].name);
	}
}

static void
each_verb_speaks_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < verb_count; i++)
		if (cli_takes(&verbs[i], OPTS_JSON) == cli_takes(&verbs[i], OPTS_SAID))
			fail_msg(
			    "%s: OPTS_JSON, with members of its own, or OPTS_SAID", verbs[i].name);
}

/* "template" is no verb, and "template --help" asks for those that begin so. */
static void
groups_have_help(void **state)
{
	static const struct {
		const char *line;
		enum cli_exit status;
	} rows[] = {{"dirca|template", CLI_USAGE}, {"dirca|template|--help", CLI_OK},
	    {"dirca|Template|-h", CLI_OK}, {"dirca|kra|--help", CLI_OK},
	    {"dirca|archive|drill", CLI_USAGE}, {"dirca|Archive|Drill|--help", CLI_OK},
	    {"dirca|archive|drill|lst|--help", CLI_USAGE}, {"dirca|ca|exchange|-h", CLI_OK},
	    {"dirca|template|lsit", CLI_USAGE}, {"dirca|template|lsit|--help", CLI_USAGE},
	    {"dirca|templ", CLI_USAGE}, {"dirca|templ|--help", CLI_USAGE}};
	struct cli cli;
	enum cli_exit status;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_false(parse(rows[i].line, &cli, &status));
		assert_int_equal(status, rows[i].status);
	}
}

static void
session_options_may_stand_before_the_verb(void **state)
{
	struct cli cli;
	enum cli_exit status;

	(void)state;
	assert_true(
	    parse("dirca|--client-config|F|--ca=A B|--json|case|show|7|--user|u", &cli, &status));
	assert_string_equal(cli.verb->name, "case show");
	assert_string_equal(cli.opt.client_config, "F");
	assert_string_equal(cli.opt.ca, "A B");
	assert_string_equal(cli.opt.user, "u");
	assert_true(cli.opt.json);
	assert_int_equal(cli.count, 1);
	assert_string_equal(cli.args[0], "7");
	/* Others may not, and one that the verb lacks is refused wherever it stands. */
	assert_false(parse("dirca|--reason|R|deny|7", &cli, &status));
	assert_false(parse("dirca|--user|u|dump|F|--kra|x", &cli, &status));
	assert_false(parse("dirca|--user|u|recoverkey|F", &cli, &status));
	assert_false(parse("dirca|--user|getkey|x", &cli, &status));
	assert_false(parse("dirca|--user", &cli, &status));
	assert_int_equal(status, CLI_USAGE);
}

static void
help_of_each_verb_is_no_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < verb_count; i++) {
		char line[128] = "dirca|";
		struct cli cli;
		enum cli_exit status;

		for (const char *p = verbs[i].name; *p != '\0'; p++)
			strncat(line, *p == ' ' ? "|" : p, 1);
		strcat(line, "|--help");
		assert_false(parse(line, &cli, &status));
		assert_int_equal(status, CLI_OK);
	}
}

/* What `dirca VERB --help` prints. */
static const char *
help_of(const struct verb *verb)
{
	static char text[1 << 16];
	int file = memfd_create("help", MFD_CLOEXEC), before = dup(STDOUT_FILENO);
	ssize_t len;

	assert_true(file >= 0 && before >= 0 && fflush(stdout) == 0);
	assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
	cli_print_usage(verb);
	assert_int_equal(fflush(stdout), 0);
	assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
	len = pread(file, text, sizeof text - 1, 0);
	assert_in_range(len, 1, sizeof text - 2);
	text[len] = '\0';
	close(file);
	close(before);
	return text;
}

/* Where the option's line begins, of which there is one. */
static size_t
place_of(const char *help, const struct option_row *row)
{
	char left[64] = "\n      --";
	const char *at;

	if (row->letter != 0)
		snprintf(left, sizeof left, "\n  -%c, --", row->letter);
	strcat(left, row->name);
	strcat(left, row->argument != NULL ? " " : "  ");
	at = strstr(help, left);
	assert_non_null(at);
	assert_null(strstr(at + 1, left));
	return (size_t)(at - help);
}

/* Of options that many verbs take, those of lists before those of the session, and last what all
 * take. */
static void
help_begins_with_what_is_the_verbs_own(void **state)
{
	static const enum cli_opts shared[] = {OPTS_TABLE, OPTS_SESSION, OPTS_ALL};
	enum { OWN = 0, RANKS = 4 };
	size_t with_own = 0;

	(void)state;
	for (size_t i = 0; i < verb_count; i++) {
		const char *help = help_of(&verbs[i]), *example = cli_example(&verbs[i]);
		size_t first[RANKS] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}, last[RANKS] = {0};
		size_t end = 0;

		for (size_t k = 0; k < option_row_count; k++) {
			const struct option_row *row = &option_rows[k];
			size_t at, rank = OWN;

			if (!option_applies(row, &verbs[i]))
				continue;
			for (size_t g = 0; g < RANKS - 1; g++)
				if (option_is_of(row, shared[g]) &&
				    (shared[g] == OPTS_ALL || cli_takes(&verbs[i], shared[g])))
					rank = g + 1;
			at = place_of(help, row);
			first[rank] = at < first[rank] ? at : first[rank];
			last[rank] = at > last[rank] ? at : last[rank];
		}
		assert_int_equal(strncmp(help, "usage: dirca ", strlen("usage: dirca ")), 0);
		if (example != NULL) {
			assert_non_null(strstr(help, example));
			end = (size_t)(strstr(help, example) - help);
		}
		for (size_t rank = OWN; rank < RANKS; rank++) {
			if (first[rank] == SIZE_MAX)
				continue;
			assert_true(first[rank] > end);
			end = last[rank];
		}
		with_own += first[OWN] != SIZE_MAX;
	}
	assert_true(with_own > verb_count / 2);
}

static void
wrong_lines_are_usage_errors(void **state)
{
	static const char *const lines[] = {"dirca", "dirca|nothing", "dirca|", "dirca|-",
	    "dirca|ca", "dirca|ca|nothing", "dirca|getkey|--nothing|x", "dirca|getkey|-q|x",
	    "dirca|getkey|x|--ca", "dirca|getkey|x|-U", "dirca|getkey|x|--json=yes",
	    "dirca|getkey|x|-Wx", "dirca|getkey|x|--kra|t", "dirca|getkey|x|--c|t",
	    "dirca|ca|init|--years|0", "dirca|ca|init|--years|31", "dirca|ca|init|--years|ten",
	    "dirca|ca|init|--years=", "dirca|recoverkey|a|b|-U|user1",
	    "dirca|getkey|x|--password|secret"};
	struct cli cli;
	enum cli_exit status;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_false(parse(lines[i], &cli, &status));
		assert_int_equal(status, CLI_USAGE);
	}
}

static void
values_come_in_each_spelling(void **state)
{
	static const char *const lines[] = {"dirca|getkey|-U|user1|--ca|A B|x",
	    "dirca|getkey|x|-Uuser1|--ca=A B", "dirca|getkey|--user=user1|x|--ca|A B",
	    "dirca|GetKey|x|--user|user1|--ca=A B"};
	struct cli cli;
	enum cli_exit status;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_true(parse(lines[i], &cli, &status));
		assert_string_equal(cli.verb->name, "getkey");
		assert_string_equal(cli.opt.user, "user1");
		assert_string_equal(cli.opt.ca, "A B");
		assert_int_equal(cli.count, 1);
		assert_string_equal(cli.args[0], "x");
	}
}

static void
a_period_is_a_number_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: none */
	} rows[] = {{"30d", 2592000}, {"12h", 43200}, {"8w", 4838400}, {"1h", 3600},
	    {"36600d", 3162240000}, {"36601d", 0}, {"", 0}, {"d", 0}, {"30", 0}, {"0d", 0},
	    {"-1d", 0}, {"30D", 0}, {"30days", 0}, {"3 d", 0}, {" 3d", 0}, {"1.5d", 0}, {"1m", 0},
	    {"100000030d", 0}, {"99999999999999999999d", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t seconds = 0;
		struct err err;

		assert_int_equal(cli_period(rows[i].text, &seconds, &err), rows[i].seconds != 0);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

static void
two_dashes_end_the_options(void **state)
{
	struct cli cli;
	enum cli_exit status;

	(void)state;
	assert_true(parse("dirca|getkey|--json|--|--json|-", &cli, &status));
	assert_true(cli.opt.json);
	assert_int_equal(cli.count, 2);
	assert_string_equal(cli.args[0], "--json");
	assert_string_equal(cli.args[1], "-");
}

static void
one_dash_is_an_argument(void **state)
{
	struct cli cli;
	enum cli_exit status;

	(void)state;
	assert_true(parse("dirca|dump|-", &cli, &status));
	assert_string_equal(cli.args[0], "-");
}

static void
a_list_keeps_each_value_up_to_its_limit(void **state)
{
	char line[1024] = "dirca|ca|publish";
	struct cli cli;
	enum cli_exit status;

	(void)state;
	for (int i = 0; i < CLI_LIST_MAX; i++)
		strcat(line, "|--admin=a");
	assert_true(parse(line, &cli, &status));
	assert_int_equal(cli.opt.admins.count, CLI_LIST_MAX);
	strcat(line, "|--admin=a");
	assert_false(parse(line, &cli, &status));
	assert_int_equal(status, CLI_USAGE);
}

static void
errors_have_the_exit_code_of_their_kind(void **state)
{
	static const struct {
		enum err_code code;
		enum cli_exit status;
	} rows[] = {{DIRCA_E_USAGE, CLI_USAGE}, {TYPE_E_AMBIGUOUSNAME, CLI_NOT_FOUND},
	    {CRYPT_E_NOT_FOUND, CLI_NOT_FOUND}, {CERTSRV_E_NO_REQUEST, CLI_NOT_FOUND},
	    {CERTSRV_E_TEMPLATE_DENIED, CLI_FAILED}, {DIRCA_E_NETWORK, CLI_FAILED}};
	struct cli cli = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err;

		err_set(&err, rows[i].code, "a sentence");
		assert_int_equal(cli_fail(&cli, &err), rows[i].status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_verb_parses_with_its_least_arguments),
	    cmocka_unit_test(too_few_and_too_many_arguments_are_usage_errors),
	    cmocka_unit_test(help_of_each_verb_is_no_error),
	    cmocka_unit_test(help_begins_with_what_is_the_verbs_own),
	    cmocka_unit_test(each_verb_has_an_example),
	    cmocka_unit_test(each_verb_speaks_json),
	    cmocka_unit_test(groups_have_help),
	    cmocka_unit_test(session_options_may_stand_before_the_verb),
	    cmocka_unit_test(wrong_lines_are_usage_errors),
	    cmocka_unit_test(values_come_in_each_spelling),
	    cmocka_unit_test(a_period_is_a_number_and_a_unit),
	    cmocka_unit_test(two_dashes_end_the_options),
	    cmocka_unit_test(one_dash_is_an_argument),
	    cmocka_unit_test(a_list_keeps_each_value_up_to_its_limit),
	    cmocka_unit_test(errors_have_the_exit_code_of_their_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
