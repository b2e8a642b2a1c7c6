/*
 * A shell script (POSIX sh) of a whole recovery (paper, "Recovery Batch File"): fetch every BLOB,
 * open each, merge them into one file, clean up, say the password once. Names in it are somebody
 * else's: they are comments that cannot end, or quoted.
 */
#ifndef CLI_RECOVERY_SCRIPT_H
#define CLI_RECOVERY_SCRIPT_H

#include "find_keys.h"

/* E_INVALIDARG: a CA gave a hash that is none. */
bool recovery_script_print(FILE *to, const struct key_search *s, struct err *err);

/* "user1-611e23c2": a CN's unusual characters become '_'. free(). */
char *recovery_file_name(const json_t *candidate, bool with_serial);

#endif
