/*
 * Changes of templates: fields set, copies made, entries from elsewhere taken over. Pure: entry in,
 * entry out; what a version forbids and what makes no sense as a whole is refused with the reason.
 */
#ifndef TEMPLATES_TMPL_EDIT_H
#define TEMPLATES_TMPL_EDIT_H

#include "tmpl.h"
#include "tmpl_fields.h"

/* The attribute that changes with every change, for detecting that somebody else was faster. */
#define TMPL_MINOR_REVISION "msPKI-Template-Minor-Revision"

/* How an attribute of a template is written where entries come as text ([MS-ADA1] to [MS-ADA3] have
 * their syntaxes). */
enum tmpl_syntax { TMPL_INTEGER, TMPL_BYTES, TMPL_TEXT, TMPL_TEXTS };
struct tmpl_attribute {
	const char *name;
	enum tmpl_syntax syntax;
};
/* All that makes a template: without cn, objectClass, rights, and what belongs to one directory
 * (objectGUID, times ...). */
extern const struct tmpl_attribute tmpl_attributes[];
extern const size_t tmpl_attribute_count;

/* A name that a new template may have: CN, file name, JSON and command line bear it. E_INVALIDARG.
 */
bool tmpl_name_is_good(const char *name, struct err *err);

/* "field=value" settings applied in the order of the field table, then the whole checked. A
 * version 1 template and a field that is set twice are E_INVALIDARG, an unknown field
 * DIRCA_E_USAGE. Without a difference the entry stays as it is; else it is marked as modified and
 * its minor revision is one more. */
bool tmpl_edit(struct dir_entry *e, const char *const *settings, size_t count, struct err *err);
/* Minor revision plus one, CT_FLAG_IS_MODIFIED. Not for version 1, whose revision stays. */
bool tmpl_bump(struct dir_entry *e, struct err *err);

/* A copy under a new name, with settings as of tmpl_edit: only what makes a template and its
 * rights; version 1 becomes 2, revision 100.1, no longer a default one, `oid` as its object
 * identifier. Free with dir_entry_free. */
bool tmpl_duplicate(const struct dir_entry *from, const char *name, const char *oid,
    const char *const *settings, size_t count, struct dir_entry *out, struct err *err);
/* What of an entry from elsewhere is a template: known attributes, checked as the CA would read
 * them. `name` NULL: its own cn. With `rights` its nTSecurityDescriptor too. The DN is a
 * placeholder. ERROR_INVALID_DATA. */
bool tmpl_take_over(const struct dir_entry *from, const char *name, bool rights,
    struct dir_entry *out, struct err *err);
/* Makes `e` the next version of `now`, which is in the directory: its rights, OID and the later of
 * both versions, one more than `now` at least. */
bool tmpl_succeed(struct dir_entry *e, const struct dir_entry *now, struct err *err);

#endif
