/*
 * How somebody is in a group, for sentences and for `dirca explain`: the decision itself is made on
 * the SIDs of a `struct principal`.
 */
#ifndef PRINCIPALS_GROUP_PATH_H
#define PRINCIPALS_GROUP_PATH_H

#include "conn.h"
#include "sid.h"

/* The shortest way from the entry `dn` to the group, by names: "user1 -> Sales -> EMEA Sales". A
 * primary group says so: "user1 -> Domain Users (primary group)". SIDs that everybody has, and the
 * entry's own, count: "user1 -> Authenticated Users", "user1". Where a domain controller lists the
 * group and does not show the way, the group's name or SID stands at the end with "(of
 * tokenGroups)". Success with *path_out NULL: the entry is not in the group, or is not there.
 * free(). DIRCA_E_GROUPS_UNREADABLE where that cannot be told. */
bool groups_path(
    struct dir_conn *c, const char *dn, const struct sid *group, char **path_out, struct err *err);

#endif
