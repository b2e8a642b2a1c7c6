#include "command_words.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define BEGIN "\140dirca " /* a backquote: no sentence of ours begins here */

void
print_quoted(FILE *to, const char *text)
{
	OWNED(own_memory) char *word = command_quoted(text);

	fputs(word, to);
}

void
print_file(FILE *to, const char *name)
{
	OWNED(own_memory) char *word = command_file(name);

	fputs(word, to);
}

static char *
option(const char *name)
{
	OWNED(own_memory) char *word = command_word(name);

	return text_printf(" --ca %s", word);
}

char *
command_ca(const struct session *s, const struct pki_service *service)
{
	OWNED(own_memory) char *name = NULL;

	if (s->cli->opt.ca != NULL)
		return option(s->cli->opt.ca);
	if (s->ca != NULL || s->service_count < 2 || service == NULL || service->host == NULL)
		return mem_text("");
	name = text_printf("%s\\%s", service->host, service->name);
	return option(name);
}

/* The verb that a command begins with: the longest name that stands there. */
static const struct verb *
verb_of(const struct cli *cli, const char *command)
{
	const struct verb *found = NULL;

	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct verb *v = &cli->verbs[i];
		size_t len = strlen(v->name);

		if (strncmp(command, v->name, len) == 0 && strchr(" `", command[len]) != NULL &&
		    (found == NULL || len > strlen(found->name)))
			found = v;
	}
	return found;
}

/* Does the command, which ends at `end`, ask a CA that it does not name? Root's on the CA's machine
 * know it by its configuration, and all of them are in `dirca cas`. */
static bool
asks_ca(const struct cli *cli, const char *command, const char *end)
{
	const struct verb *v = verb_of(cli, command);
	size_t len = (size_t)(end - command);

	return v != NULL && strcmp(v->name, "cas") != 0 && cli_takes(v, OPTS_SESSION) &&
	       !cli_takes(v, OPTS_DAEMON) && memmem(command, len, " --ca ", 6) == NULL;
}

char *
command_complete(const struct cli *cli, const char *sentence, const char *ca)
{
	OWNED(own_memory) char *out = mem_text("");
	const char *from = sentence, *begin, *end;

	while ((begin = strstr(from, BEGIN)) != NULL &&
	       (end = strchr(begin + strlen(BEGIN), '`')) != NULL) {
		char *more = text_printf("%s%.*s%s`", out, (int)(end - from), from,
		    asks_ca(cli, begin + strlen(BEGIN), end) ? ca : "");

		free(out);
		out = more;
		from = end + 1;
	}
	return text_printf("%s%s", out, from);
}

void
command_complete_err(const struct cli *cli, struct err *err, const char *ca)
{
	OWNED(own_memory) char *whole = command_complete(cli, err->msg, ca);

	if (strlen(whole) < sizeof err->msg)
		strcpy(err->msg, whole);
}
