/* What a verb without members of its own says to people, as JSON: everything that reached standard
 * output while it ran, also of programs that it started. */
#ifndef CLI_SAID_H
#define CLI_SAID_H

#include "cli.h"

struct said {
	int before; /* standard output as it was; -1: nothing is kept */
	int kept;
};
/* From here on nothing reaches standard output. */
bool said_begin(struct said *s, struct err *err);
/* Standard output is as it was, and gets {"verb", "status", "said": [lines]}. A verb that failed
 * has said why on standard error; what it said before goes there too. DIRCA_E_IO;
 * ERROR_INVALID_DATA: octets that are no text. */
bool said_end(
    struct said *s, const struct verb *verb, enum cli_exit status, bool failed, struct err *err);

#endif
