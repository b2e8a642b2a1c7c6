/* Completion of verbs and options in bash, zsh and fish, made from the table of verbs. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli.h"

/* The script for that shell on stdout; false after saying which there are. */
bool completion_print(const struct cli *cli, const char *shell);

#endif
