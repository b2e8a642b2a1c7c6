/*
 * The commands of `dirca setup`: each is shown as one could type it, and then run.
 */
#ifndef CLI_SETUP_RUN_H
#define CLI_SETUP_RUN_H

#include "work.h"

/* Three lists, each name behind its option, and what else there is. */
#define SETUP_WORDS_MAX (6 * CLI_LIST_MAX + 64)

/* A command line, word by word. */
struct setup_words {
	const char *list[SETUP_WORDS_MAX + 1];
	size_t count;
	bool by_session; /* it signs in to the directory as the session does */
};

void setup_say(struct setup_words *w, const char *word);
void setup_say_option(struct setup_words *w, const char *option, const char *value);
void setup_say_list(struct setup_words *w, const char *option, const struct cli_list *list);
/* Who writes the directory, as the caller said it; what he said by the environment, the command has
 * of it too. */
void setup_say_session(struct setup_words *w, const struct cli_options *o);

void setup_show(const struct setup_words *w);
/* Shows it and, but for --dry-run, runs it; "dirca" is this program, and is given the password that
 * the session has, so that nobody is asked for it again. */
bool setup_run(const struct work *w, const struct setup_words *words, struct err *err);

#endif
