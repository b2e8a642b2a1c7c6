/*
 * Parts of the examination of a directory. Inside of this folder only.
 */
#ifndef SETUP_SETUP_PRIV_H
#define SETUP_SETUP_PRIV_H

#include "setup.h"

void setup_item_free(struct setup_item *item);
/* Appends an item, and takes over what it holds. */
void setup_add(struct setup *s, struct setup_item *item);
/* A record that adds the entry, which it takes over. */
void setup_todo_add(struct dir_entry *e, struct ldif *out);
/* A record that adds the attributes of `more`, which it takes, to what is there. */
bool setup_todo_modify(const char *dn, struct dir_entry *more, struct ldif *out, struct err *err);
/* Reads ldif_dir/name. */
bool setup_read_ldif(const char *ldif_dir, const char *name, struct ldif *out, struct err *err);
bool setup_exists(struct dir_conn *c, const char *dn, bool *out, struct err *err);
/* One attribute of the rootDSE; NULL if it is not there. */
bool setup_root_text(struct dir_conn *c, const char *name, char **out, struct err *err);

/* The server's schema; DIRCA_E_DIRECTORY where it is not shown. */
bool setup_subschema(struct dir_conn *c, struct dir_entry *out, struct err *err);
/* Whether "objectClasses" or "attributeTypes" of it define that name. */
bool setup_defines(const struct dir_entry *subschema, const char *attr, const char *name);

bool setup_schema(
    const struct setup_accounts *by, const char *ldif_dir, struct setup *s, struct err *err);
/* `oid_base` is what the OIDs of new templates begin with. */
bool setup_templates(struct dir_conn *c, const char *ldif_dir, const char *oid_base,
    struct setup *s, struct err *err);

#endif
