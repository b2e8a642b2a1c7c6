/*
 * Text as editors and Windows save it: UTF-8 or UTF-16 of either order, with a byte order mark or
 * without. Who reads a file that a person wrote reads it through here.
 */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "buf.h"

/* Octets that are UTF-16, by the mark, or, since no other text has a NUL there, by the first
 * characters. */
bool plain_is_utf16(struct view file);
/* The text without its mark. UTF-16 is made UTF-8 in *hold, which must then outlive *out, and be
 * wiped where it may be a secret; what is neither passes as it is. ERROR_INVALID_DATA: UTF-16 with
 * a half of a pair, or a NUL. */
bool plain_text(struct view file, struct buf *hold, struct view *out, struct err *err);

/* Reads a password: first line of a file without its end-of-line; at most 1024 bytes. */
bool secret_read_file(const char *path, struct secret *out, struct err *err);

#endif
