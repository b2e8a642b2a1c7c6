/*
 * The fields of a template by the names that people use: one table that says which attribute, bit
 * or encoding of [MS-CRTD] each stands for. Pure: works on an entry in memory. What `get` prints,
 * `set` takes. What one field alone cannot know, whether the template makes sense as a whole, is
 * tmpl_edit.h.
 */
#ifndef TEMPLATES_TMPL_FIELDS_H
#define TEMPLATES_TMPL_FIELDS_H

#include "entry.h"

/* A word of a field's value and the bits or the number that it stands for. */
struct tmpl_choice {
	const char *name;
	uint32_t value;
};

struct tmpl_field_kind;

struct tmpl_field {
	const char *name;     /* "validity" */
	const char *argument; /* "PERIOD" */
	const char *help;
	const struct tmpl_field_kind *kind;
	const char *attribute; /* or the property of msPKI-RA-Application-Policies */
	const struct tmpl_choice *words;
	uint32_t mask;       /* the bit, or those that the words share */
	int64_t least, most; /* of a number */
};

/* In the order in which changes are applied: what decides how others are encoded comes first. */
extern const struct tmpl_field tmpl_fields[];
extern const size_t tmpl_field_count;

/* NULL if there is none of that name. */
const struct tmpl_field *tmpl_field_find(const char *name);
/* The value as text, "" where there is none; NULL with ERROR_INVALID_DATA if the attribute is
 * malformed. free(). */
char *tmpl_field_get(const struct tmpl_field *f, const struct dir_entry *e, struct err *err);
/* E_INVALIDARG names the field, the value and what it may be. The entry is unchanged or changed
 * in part then: throw it away. */
bool tmpl_field_set(
    const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err);

#endif
