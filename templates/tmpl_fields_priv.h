/*
 * Kinds of fields, and what they share: numbers in entries, lists of words, properties of versions
 * 3 and 4. Inside this folder only.
 */
#ifndef TEMPLATES_TMPL_FIELDS_PRIV_H
#define TEMPLATES_TMPL_FIELDS_PRIV_H

#include "tmpl_fields.h"
#include "tmpl_priv.h"

struct tmpl_field_kind {
	char *(*get)(const struct tmpl_field *f, const struct dir_entry *e, struct err *err);
	bool (*set)(
	    const struct tmpl_field *f, struct dir_entry *e, const char *value, struct err *err);
};

extern const struct tmpl_field_kind FIELD_TEXT, FIELD_BIT, FIELD_BITS, FIELD_CHOICE, FIELD_NUMBER,
    FIELD_DEPTH, FIELD_PERIOD, FIELD_USAGE, FIELD_OIDS, FIELD_EKU, FIELD_NAMES, FIELD_PROVIDERS,
    FIELD_VERSION, FIELD_LEGACY, FIELD_PROPERTY, FIELD_TRANSPORT, FIELD_RA_POLICIES;

/* An Integer attribute, `absent` if it is not there. False with the entry's DN in the sentence if
 * it is no number. */
bool entry_int(
    const struct dir_entry *e, const char *attr, int32_t absent, int32_t *out, struct err *err);
bool entry_set_int(struct dir_entry *e, const char *attr, int32_t value, struct err *err);
bool entry_set_texts(
    struct dir_entry *e, const char *attr, const struct texts *values, struct err *err);

/* Cuts "a, b" at `separator`; "" and "none" are the empty list. */
bool list_split(const char *text, char separator, struct texts *out, struct err *err);
/* The opposite; NULL on no memory. */
char *list_join(const struct texts *l, const char *separator);
/* An OID by the name that tmpl_names.c knows or in dots; NULL if it is neither. */
const char *oid_of_name(const char *name);
/* The name of an OID; the OID itself if it has none. */
const char *name_of_oid(const char *oid);

/* "clientAuth,1.2.3" as OIDs, and OIDs as such a list. */
bool oids_parse(const char *value, struct texts *out, struct err *err);
char *oids_named(const struct texts *oids, struct err *err);
/* strdup that says so when there is no memory. */
char *text_copied(const char *text, struct err *err);

/* Properties ("triplets") of msPKI-RA-Application-Policies: the value of one, NULL if it is not
 * there (*out), and setting it (NULL: away). RA application policies are the property
 * PROPERTY_RA_POLICIES in either syntax. */
#define PROPERTY_RA_POLICIES "msPKI-RA-Application-Policies"
bool property_get(const struct dir_entry *e, const char *name, char **out, struct err *err);
bool property_set(
    struct dir_entry *e, const char *name, const char *type, const char *value, struct err *err);
/* Sets version and USE_LEGACY_PROVIDER and writes the properties in the syntax that belongs to
 * them ([MS-CRTD] 2.23). */
bool properties_convert(struct dir_entry *e, int32_t version, bool legacy, struct err *err);
bool properties_version(
    const struct dir_entry *e, int32_t *version_out, bool *legacy_out, struct err *err);

#endif
