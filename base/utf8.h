/* Code points of UTF-8. Below err.h's implementation, whose sentences must be UTF-8. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "buf.h"

/* The first code point of a view that is not empty; how many bytes it has, 0 if they are no UTF-8
 * (RFC 3629: no overlong forms, no surrogates). */
size_t utf8_next(struct view v, uint32_t *code_point_out);
/* How many octets at the beginning are ASCII. */
size_t utf8_ascii(struct view v);
/* Writes one, into room for four bytes; how many it has. */
size_t utf8_put(uint32_t cp, char *out);

#endif
