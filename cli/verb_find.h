/* Which verb words mean, and which they may have meant. */
#ifndef CLI_VERB_FIND_H
#define CLI_VERB_FIND_H

#include "cli.h"

/* The verb of as many of the first words as there are, three at most; *used_out counts them. NULL:
 * they begin none. */
const struct verb *verb_find(const struct cli *cli, int count, char *const *words, int *used_out);
/* These words as one, if verbs of more words begin with them; else NULL. */
char *verb_group(const struct cli *cli, int count, char *const *words);
/* The sentence about words that begin no verb, with the nearest that do: DIRCA_E_USAGE. */
bool verb_refuse(const struct cli *cli, int count, char *const *words, struct err *err);

#endif
