#include "verb_find.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "nearest.h"
#include "own.h"
#include "text.h"

#define WORDS_MOST 3 /* of a verb */

static char *
join(int count, char *const *words)
{
	char *name = mem_text("");

	for (int i = 0; i < count; i++)
		text_list_add(&name, " ", words[i]);
	return name;
}

const struct verb *
verb_find(const struct cli *cli, int count, char *const *words, int *used_out)
{
	for (*used_out = count < WORDS_MOST ? count : WORDS_MOST; *used_out >= 1; (*used_out)--) {
		OWNED(own_memory) char *name = join(*used_out, words);

		for (size_t i = 0; i < cli->verb_count; i++)
			if (text_eq_nocase(cli->verbs[i].name, name))
				return &cli->verbs[i];
	}
	return NULL;
}

char *
verb_group(const struct cli *cli, int count, char *const *words)
{
	char *name = join(count, words);
	size_t len = strlen(name);

	for (size_t i = 0; len > 0 && i < cli->verb_count; i++)
		if (strncasecmp(cli->verbs[i].name, name, len) == 0 &&
		    cli->verbs[i].name[len] == ' ')
			return name;
	free(name);
	return NULL;
}

static int
words_of(const char *name)
{
	int count = 1;

	for (; *name != '\0'; name++)
		count += *name == ' ';
	return count;
}

/* What follows an option is none of the verb's words. */
static int
leading_words(int count, char *const *words)
{
	int n = 0;

	while (n < count && n < WORDS_MOST && words[n][0] != '-')
		n++;
	return n;
}

bool
verb_refuse(const struct cli *cli, int count, char *const *words, struct err *err)
{
	int given = leading_words(count, words), known = given;
	OWNED(own_memory) char *group = NULL, *typed = NULL, *perhaps = NULL, *list = NULL;
	struct nearest best = {0};

	while (known > 0 && (group = verb_group(cli, known, words)) == NULL)
		known--;
	typed = join(known < given ? known + 1 : known > 0 ? known : 1, words);
	best.typed = typed;

	for (int n = 1; n <= given; n++) {
		OWNED(own_memory) char *some = join(n, words);
		struct nearest near = {.typed = some};

		for (size_t i = 0; i < cli->verb_count; i++)
			if (words_of(cli->verbs[i].name) == n)
				nearest_offer(&near, cli->verbs[i].name);
		if (near.count > 0) {
			best = near;
			best.typed = typed;
		}
	}
	perhaps = nearest_sentence(&best, "dirca ");
	list = group != NULL ? text_printf("help %s", group) : mem_text("help");
	return err_set(err, DIRCA_E_USAGE, "there is no verb '%s'%s; `dirca %s` lists them", typed,
	    perhaps, list);
}
