/*
 * Templates as JSON, in the shape in which PowerShell's ADCSTemplate module exports them: one
 * object a template, attribute names as members, numbers, texts and lists of them, bytes as lists
 * of numbers.
 */
#ifndef CLI_TEMPLATE_JSON_H
#define CLI_TEMPLATE_JSON_H

#include "entry.h"

/* One object or a list of them; members that are no attribute of a template are passed over. UTF-8,
 * or UTF-16 with a byte order mark, as PowerShell writes files. dir_entries_free. */
bool template_json_read(struct view text, struct dir_entries *out, struct err *err);

#endif
