/* How much room a text takes on a terminal: wide characters two columns, combining ones none (East
 * Asian Width, by the tables of utf8proc). UTF-8; a byte that is none counts as one. Pure. */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include <stddef.h>

size_t width_of(const char *text);
/* As much of the text as fits in `most` columns, at least one; where something is left out, it ends
 * in an ellipsis. free(). */
char *width_cut(const char *text, size_t most);

#endif
