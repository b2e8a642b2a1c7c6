/* The one engine that reads a command line by the tables of verbs and options. */
#include <stdio.h>
#include <string.h>

#include "completion.h"
#include "mem.h"
#include "nearest.h"
#include "options.h"
#include "own.h"
#include "text.h"
#include "verb_find.h"

static const struct option_row *
common_row(const char *name, size_t len)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (strlen(row->name) == len && strncmp(row->name, name, len) == 0 &&
		    (option_is_of(row, OPTS_SESSION) || option_is_of(row, OPTS_JSON) ||
			strcmp(name, "verbose") == 0))
			return row;
	}
	return NULL;
}

static bool
no_option(const struct verb *verb, const char *word, struct err *err)
{
	OWNED(own_memory) char *typed = text_printf("%.*s", (int)strcspn(word, "="), word);
	struct nearest near = {.typed = typed + strspn(typed, "-")};
	OWNED(own_memory) char *perhaps = NULL;

	for (size_t i = 0; word[1] == '-' && i < option_row_count; i++)
		if (option_applies(&option_rows[i], verb))
			nearest_offer(&near, option_rows[i].name);
	perhaps = nearest_sentence(&near, "--");
	return err_set(err, DIRCA_E_USAGE, "there is no option %s%s; `dirca %s --help` lists them",
	    typed, perhaps, verb->name);
}

static const struct option_row *
find_row(const struct verb *verb, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (!option_applies(&option_rows[i], verb))
			continue;
		if (letter != 0 ? option_rows[i].letter == letter
				: strlen(option_rows[i].name) == len &&
				      strncmp(option_rows[i].name, name, len) == 0)
			return &option_rows[i];
	}
	return NULL;
}

static bool
set_value(const struct option_row *row, struct cli_options *opt, const char *value, struct err *err)
{
	void *field = (char *)opt + row->offset;
	struct cli_list *list = field;

	switch (row->kind) {
	case FLAG:
		*(bool *)field = true;
		return true;
	case TEXT:
		*(const char **)field = value;
		return true;
	case NUMBER:
		if (!text_to_int(value, row->min, row->max, field))
			return err_set(err, DIRCA_E_USAGE,
			    row->max == INT64_MAX ? "--%s %s: not a number of at least %lld"
						  : "--%s %s: not a number from %lld to %lld",
			    row->name, value, (long long)row->min, (long long)row->max);
		return true;
	case LIST:
		if (list->count == CLI_LIST_MAX)
			return err_set(err, DIRCA_E_USAGE, "--%s: more than %d times", row->name,
			    CLI_LIST_MAX);
		list->list[list->count++] = value;
		return true;
	}
	return false;
}

/* Reads one option at argv[*at]; moves *at behind it. */
static bool
read_option(const struct verb *verb, struct cli_options *opt, int argc, char **argv, int *at,
    struct err *err)
{
	const char *word = argv[*at], *value = NULL, *equals = strchr(word, '=');
	bool is_long = word[1] == '-';
	const struct option_row *row =
	    is_long ? find_row(verb, word + 2,
			  equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2), 0)
		    : find_row(verb, NULL, 0, word[1]);

	if (row == NULL)
		return no_option(verb, word, err);
	(*at)++;
	if (row->kind != FLAG) {
		if (is_long && equals != NULL)
			value = equals + 1;
		else if (!is_long && word[2] != '\0')
			value = word + 2;
		else if (*at < argc)
			value = argv[(*at)++];
		else
			return err_set(
			    err, DIRCA_E_USAGE, "option %s needs %s", word, row->argument);
	} else if ((is_long && equals != NULL) || (!is_long && word[2] != '\0')) {
		return err_set(err, DIRCA_E_USAGE, "option %s takes no value", word);
	}
	return set_value(row, opt, value, err);
}

static bool
is_argument(const struct verb *verb, const char *word)
{
	return word[0] != '-' || word[1] == '\0' ||
	       (cli_takes(verb, OPTS_FLAGS) && word[1] >= 'A' && word[1] <= 'Z');
}

/* What stands there of the verb's arguments, "TEMPLATE NEWNAME [FIELD=VALUE...]": the nth word. */
static int
argument_name(const struct verb *verb, int n, const char **out)
{
	*out = verb->arguments;
	for (; n > 0; n--)
		*out += strcspn(*out, " ") + 1;
	return (int)strcspn(*out, " ");
}

static bool
check_count(const struct cli *cli, struct err *err)
{
	const struct verb *v = cli->verb;
	const char *name;
	int len;

	if (cli->count > v->most)
		return err_set(err, DIRCA_E_USAGE, "'%s' is too much; usage: dirca %s%s%s",
		    cli->args[v->most], v->name, v->most > 0 ? " " : "", v->arguments);
	if (cli->count >= v->least)
		return true;
	len = argument_name(v, cli->count, &name);
	return err_set(err, DIRCA_E_USAGE, "%.*s is missing; usage: dirca %s %s", len, name,
	    v->name, v->arguments);
}

/* Options that every client takes may stand before the verb, as those of other programs do. */
static int
verb_begins(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2] != '\0') {
		const char *name = argv[at] + 2;
		const struct option_row *row = common_row(name, strcspn(name, "="));

		if (row == NULL)
			break;
		at += row->kind == FLAG || strchr(name, '=') != NULL ? 1 : 2;
	}
	return at < argc ? at : 1;
}

static bool
read_words(struct cli *cli, int argc, char **argv, int verb_at, int used, struct err *err)
{
	bool only_arguments = false;

	cli->args = argv + 1;
	for (int at = 1; at < argc;) {
		if (at == verb_at)
			at += used;
		else if (only_arguments || is_argument(cli->verb, argv[at]))
			cli->args[cli->count++] = argv[at++];
		else if (strcmp(argv[at], "--") == 0) {
			only_arguments = true;
			at++;
		} else if (!read_option(cli->verb, &cli->opt, argc, argv, &at, err))
			return false;
	}
	return true;
}

/* What is no verb: help, the version, completion. */
static bool
is_of_program(const struct cli *cli, const char *word, const char *next, enum cli_exit *exit_out)
{
	*exit_out = CLI_OK;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		cli_print_verbs(cli, NULL);
	else if (strcmp(word, "--completion") == 0)
		*exit_out =
		    completion_print(cli, next != NULL ? next : "bash") ? CLI_OK : CLI_USAGE;
	else if (strcmp(word, "--version") == 0)
		puts("dirca " DIRCA_VERSION);
	else
		return false;
	return true;
}

/* The words begin no verb; "template", or "template --help": those that begin with it. */
static enum cli_exit
tell_no_verb(const struct cli *cli, int argc, char **argv)
{
	OWNED(own_memory) char *group = NULL;
	struct err err;
	bool asks;
	int n = 1;

	while (n + 1 < argc && argv[n + 1][0] != '-')
		n++;
	asks =
	    n + 1 < argc && (strcmp(argv[n + 1], "--help") == 0 || strcmp(argv[n + 1], "-h") == 0);
	if ((n + 1 == argc || asks) && (group = verb_group(cli, n, argv + 1)) != NULL) {
		cli_print_verbs(cli, group);
		return asks ? CLI_OK : CLI_USAGE;
	}
	verb_refuse(cli, argc - 1, argv + 1, &err);
	return cli_fail(cli, &err);
}

bool
cli_parse(int argc, char **argv, struct cli *cli, enum cli_exit *exit_out)
{
	int verb_at, used;
	struct err err;

	*cli = (struct cli){
	    .paper = cli->paper, .verbs = cli->verbs, .verb_count = cli->verb_count, .args = argv};
	if (argc < 2) {
		cli_print_verbs(cli, NULL);
		*exit_out = CLI_USAGE;
		return false;
	}
	if (is_of_program(cli, argv[1], argv[2], exit_out))
		return false;
	verb_at = verb_begins(argc, argv);
	if ((cli->verb = verb_find(cli, argc - verb_at, argv + verb_at, &used)) == NULL) {
		*exit_out = tell_no_verb(cli, argc - verb_at + 1, argv + verb_at - 1);
		return false;
	}
	if (!read_words(cli, argc, argv, verb_at, used, &err)) {
		*exit_out = cli_fail(cli, &err);
		return false;
	}
	if (cli->opt.help) {
		cli_print_usage(cli->verb);
		return false;
	}
	if (!check_count(cli, &err)) {
		*exit_out = cli_fail(cli, &err);
		return false;
	}
	return true;
}
