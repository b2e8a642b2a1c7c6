/*
 * What of a text may be shown as it is. A control or format character (Unicode general categories
 * Cc and Cf, the bidirectional controls among them), a line or paragraph separator (Zl, Zp) and a
 * noncharacter change what people see, or are not seen: they are not certified, and are escaped in
 * everything that is printed or logged. One notion for both, one notation: \u202e as in JSON (RFC
 * 8259 7, two of them beyond U+FFFF), \x9b for a byte that is no UTF-8.
 *
 * U+200C and U+200D, which Persian and Indic scripts use, are format characters too: the string
 * preparation of LDAP maps them to nothing (RFC 4518 2.2), so that the directory takes two names
 * for one which a certificate would tell apart.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "buf.h"

#define PRINTABLE_MAX 13 /* "\udb40\udc01" */

/* By the tables of Unicode 15.0. */
bool printable_character(uint32_t code_point);
/* UTF-8, and all of it may be shown. False tells the first that may not in *bad_out: its code
 * point, or UINT32_MAX for a byte that is no UTF-8. */
bool printable_text(struct view text, uint32_t *bad_out);
/* The first character of a text that is not empty, as it is or escaped; how many bytes of the text
 * it is. A new line is escaped too. */
size_t printable_next(struct view text, char shown_out[PRINTABLE_MAX]);
/* A text with everything escaped that may not be shown; NULL on no memory. free(). */
char *printable_escape(const char *text);
/* The same into an array of `size`, with a NUL: what does not fit is cut off at a whole character.
 */
void printable_copy(struct view text, char *to, size_t size);

#endif
