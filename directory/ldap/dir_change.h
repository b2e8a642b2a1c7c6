/*
 * Changes of the directory as LDIF records: made as data, shown (--dry-run) or sent. What is shown
 * is what would be sent.
 */
#ifndef LDAP_DIR_CHANGE_H
#define LDAP_DIR_CHANGE_H

#include "conn.h"
#include "dir_ldif.h"

/* Appends a record to a plan. The record is an addition of a copy of `e`. */
bool plan_add(struct ldif *plan, const struct dir_entry *e, struct err *err);
/* Appends a modification of one attribute of `dn`. */
bool plan_modify(struct ldif *plan, const char *dn, enum ldif_op op, const char *attr,
    struct view value, struct err *err);
/* Appends what makes `before` into `after`, attribute by attribute; nothing where they are equal.
 * Attributes of `guards` (NULL-terminated) that change are deleted by their old value and added
 * with the new one, so that the server refuses the change if somebody was faster; the others are
 * replaced. Order of values does not count. */
bool plan_difference(struct ldif *plan, const struct dir_entry *before,
    const struct dir_entry *after, const char *const *guards, struct err *err);

/* LDIF change records (RFC 2849) of the plan. */
bool plan_print(const struct ldif *plan, struct buf *out, struct err *err);
/* Sends one record. Where the server knows the SD-flags control, of nTSecurityDescriptor only the
 * DACL is written. DIRCA_E_CHANGED: a guard is not what it was. */
bool plan_send(struct dir_conn *c, const struct ldif_record *r, struct err *err);

/* Sends all, in order. Where one fails, what this run added before it is taken away again, as far
 * as the directory lets it. */
bool plan_run(struct dir_conn *c, const struct ldif *plan, struct err *err);

#endif
