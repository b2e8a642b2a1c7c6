/*
 * Files with keys that a verb is given, and the passwords that may open them: each is tried on each
 * file, and one that somebody types is one of them from then on.
 */
#ifndef CLI_KEY_INPUT_H
#define CLI_KEY_INPUT_H

#include "cli.h"
#include "pfx.h"

struct key_passwords {
	struct secret *list;
	size_t count;
	bool given; /* by --password-file: nobody is asked */
};
/* Of --password-file, as often as it is given. */
bool key_passwords_read(const struct cli_list *files, struct key_passwords *out, struct err *err);
void key_passwords_free(struct key_passwords *p);

/* Everything of a file (ca/messages/material.h), added to what is there; each key notes `path`,
 * which is borrowed. Where no password was
 * given, and one is needed, the terminal is asked, three times. */
bool key_input_read(
    const char *path, struct key_passwords *p, struct pfx_content *to, struct err *err);

#endif
