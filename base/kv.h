/*
 * Configuration files of "name = value" lines: '#' begins a comment line, blanks around names and
 * values do not count. What the names mean is the caller's table.
 */
#ifndef BASE_KV_H
#define BASE_KV_H

#include "buf.h"

/* One line; `value` is never empty. An error gets file name and line number in front. */
typedef bool kv_each(void *arg, const char *name, const char *value, struct err *err);

/* Reads at most 64 KiB of UTF-8. ERROR_FILE_NOT_FOUND if absent; DIRCA_E_CONFIG for a line without
 * '=' or value. */
bool kv_read(const char *path, kv_each *each, void *arg, struct err *err);
/* The same of a file that was read already; `path` is for sentences. */
bool kv_read_text(const char *path, struct view text, kv_each *each, void *arg, struct err *err);

#endif
