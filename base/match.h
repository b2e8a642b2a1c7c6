/*
 * Names compared as directories compare them (caseIgnoreMatch, RFC 4518 2): without the case of any
 * script, after normalisation (NFKC), without characters that do not show, runs of blanks as one
 * and those at the ends as none. The tables are utf8proc's.
 */
#ifndef BASE_MATCH_H
#define BASE_MATCH_H

#include <stdbool.h>

/* The one spelling of all texts that match; that of a spelling is the spelling itself. What is no
 * UTF-8 matches itself alone. free(). */
char *match_key(const char *text);
bool match_eq(const char *a, const char *b);
/* The key, or NULL where it and the text differ in the case of ASCII letters alone, as most names
 * do. free(). */
char *match_key_beyond_ascii(const char *text);

#endif
