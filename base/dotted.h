/* Object identifiers as people and directories write them (X.660). */
#ifndef BASE_DOTTED_H
#define BASE_DOTTED_H

#include <stdbool.h>

/* Dotted decimal, at least two arcs, as X.660 allows them. */
bool oid_is_valid(const char *text);

#endif
