/*
 * Group memberships of a principal. Inside of this folder only.
 */
#ifndef DIRECTORY_GROUPS_PRIV_H
#define DIRECTORY_GROUPS_PRIV_H

#include "conn.h"
#include "sid.h"

/* Classes of groups that are walked; one that a server does not know is harmless in an OR. */
#define GROUP_CLASSES                                                                     \
	"(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=group)" \
	"(objectClass=groupOfMembers)(objectClass=groupOfURLs))"

/* Adds to `sids` the SIDs of all groups that hold the entry `dn`, directly or not, and its primary
 * group. `sid` NULL: the entry has none. Whatever keeps the list from being whole is an error: a
 * missing group could be the one that a right is denied to. */
bool groups_collect(struct dir_conn *c, const char *dn, const struct sid *sid,
    const int32_t *primary_rid, struct sids *sids, struct err *err);
/* True if the entry is a group of a kind that is walked. */
bool groups_is_group(const struct dir_entry *e);

#endif
