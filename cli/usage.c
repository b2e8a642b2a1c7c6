/* What is told of verbs and options: help. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "options.h"
#include "own.h"
#include "text.h"

/* The first of each manual page, in the order of their names (cli/tools/verb_examples.awk). */
static const struct {
	const char *page, *example;
} examples[] = {
#include "verb_examples.h"
};

const char *
cli_example(const struct verb *verb)
{
	OWNED(own_memory) char *page = mem_text(verb->name);

	for (char *c = page; *c != '\0'; c++)
		if (*c == ' ')
			*c = '-';
	for (size_t i = 0; i < COUNT_OF(examples); i++)
		if (strcmp(examples[i].page, page) == 0)
			return examples[i].example;
	return NULL;
}

static void
print_option(const struct option_row *row)
{
	char left[48], letter[8] = "    ";

	if (row->letter != 0)
		snprintf(letter, sizeof letter, "-%c, ", row->letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name,
	    row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
	printf("  %-30s %s\n", left, row->help);
}

/* Options that many verbs take stand below their own. */
static enum cli_opts
group_of(const struct option_row *row, const struct verb *verb)
{
	static const enum cli_opts shared[] = {OPTS_ALL, OPTS_SESSION, OPTS_TABLE};

	for (size_t i = 0; i < COUNT_OF(shared); i++)
		if (option_is_of(row, shared[i]) &&
		    (shared[i] == OPTS_ALL || cli_takes(verb, shared[i])))
			return shared[i];
	return OPTS_END;
}

/* Those of the verb that are of this group; OPTS_END: its own. */
static void
print_options(const struct verb *verb, enum cli_opts group, const char *heading)
{
	bool any = false;

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!option_applies(row, verb) || group_of(row, verb) != group)
			continue;
		if (!any && heading != NULL)
			printf("\n%s:\n", heading);
		any = true;
		print_option(row);
	}
}

void
cli_print_usage(const struct verb *verb)
{
	const char *example = cli_example(verb);

	printf("usage: dirca %s%s%s [options]\n%s\nBy %s.\n", verb->name,
	    *verb->arguments != '\0' ? " " : "", verb->arguments, verb->summary, verb->who);
	if (example != NULL)
		printf("\n  %s\n", example);
	print_options(verb, OPTS_END, "options");
	if (cli_takes(verb, OPTS_FIELDS))
		template_print_fields(stdout);
	print_options(
	    verb, OPTS_TABLE, "which columns and rows of the list, in which form (dirca(1))");
	print_options(verb, OPTS_SESSION,
	    "who calls, and where the directory and the CA are (dirca.conf(5))");
	print_options(verb, OPTS_ALL, "everywhere");
}

static void
print_verb(const struct verb *v)
{
	char left[64];

	snprintf(
	    left, sizeof left, "%s%s%s", v->name, *v->arguments != '\0' ? " " : "", v->arguments);
	printf("  %-28s %s\n", left, v->summary);
}

static bool
is_in_group(const struct verb *v, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(v->name, word, len) == 0 &&
	       (v->name[len] == ' ' || v->name[len] == '\0');
}

void
cli_print_verbs(const struct cli *cli, const char *group)
{
	const char *heading = NULL;

	printf("usage: dirca %s%sVERB [arguments] [options]; `dirca help %s%sVERB` tells more\n",
	    group != NULL ? group : "", group != NULL ? " " : "", group != NULL ? group : "",
	    group != NULL ? " " : "");
	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct verb *v = &cli->verbs[i];

		if (group != NULL && !is_in_group(v, group))
			continue;
		if (heading == NULL || strcmp(v->group, heading) != 0)
			printf("\n%s:\n", v->group);
		heading = v->group;
		print_verb(v);
	}
}
