/*
 * A directory entry as the rest of the program sees it: a DN and attributes with byte values, in
 * the order the server gave. No <ldap.h>. Attribute names are compared without case and without
 * options (`userCertificate;binary` is `userCertificate`: docs/FACTS.md 11). Entries own all they
 * hold; dir_entries_free frees an array of them.
 */
#ifndef ENTRY_ENTRY_H
#define ENTRY_ENTRY_H

#include "buf.h"

struct dir_attr {
	char *name; /* without options */
	struct buf *values;
	size_t count;
};

struct dir_entry {
	char *dn;
	struct dir_attr *attrs;
	size_t count;
};

struct dir_entries {
	struct dir_entry *list;
	size_t count;
};

/* NULL if the entry lacks the attribute. */
const struct dir_attr *dir_entry_attr(const struct dir_entry *e, const char *name);
/* Is this one of the values? `a` NULL: there are none. */
bool dir_attr_has(const struct dir_attr *a, struct view value);
bool dir_entry_has_value_nocase(const struct dir_entry *e, const char *name, const char *value);

enum dir_get { DIR_GET_OK, DIR_GET_ABSENT, DIR_GET_FAILED };

/* Single-valued readers. ABSENT leaves *out; FAILED (several values, malformed) sets err with DN
 * and attribute. Text refuses control characters and invalid UTF-8; the string is owned by the
 * caller. Numbers are signed 32-bit in LDAP (docs/FACTS.md 8). */
enum dir_get dir_entry_text(
    const struct dir_entry *e, const char *name, char **out, struct err *err);
enum dir_get dir_entry_int32(
    const struct dir_entry *e, const char *name, int32_t *out, struct err *err);
enum dir_get dir_entry_bytes(
    const struct dir_entry *e, const char *name, struct view *out, struct err *err);

/* Builders, for tests and for what is about to be written to the directory. */
bool dir_entry_init(struct dir_entry *e, const char *dn, struct err *err);
bool dir_entry_add(struct dir_entry *e, const char *name, struct view value, struct err *err);
/* Gives the attribute these values instead of those it had; `count` 0 takes it out. */
bool dir_entry_set(struct dir_entry *e, const char *name, const struct view *values, size_t count,
    struct err *err);
bool dir_entry_copy(const struct dir_entry *from, struct dir_entry *out, struct err *err);
/* Puts the entry itself at the end of the list; *e becomes an empty one. */
void dir_entries_take(struct dir_entries *es, struct dir_entry *e);
void dir_entry_free(struct dir_entry *e);
void dir_entries_free(struct dir_entries *es);

#endif
