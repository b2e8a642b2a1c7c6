/*
 * Which of some keys are of members of a group of the directory, by what their certificates and
 * files say of whose they are.
 */
#ifndef CLI_EXPORT_GROUP_H
#define CLI_EXPORT_GROUP_H

#include "pkix.h"
#include "principal.h"

struct export_group {
	struct dir_conn *directory;
	struct sid sid;
};
/* CRYPT_E_NOT_FOUND, TYPE_E_AMBIGUOUSNAME. */
bool export_group_open(
    struct dir_conn *directory, const char *name, struct export_group *out, struct err *err);
/* By SID, UPNs and `user` (NULL: none); where there is none of them, by mail addresses. *has_out:
 * the directory knows somebody by them, and everybody whom it knows is of the group, also by way of
 * other groups. */
bool export_group_has(const struct export_group *g, const struct pkix_cert *cert, const char *user,
    bool *has_out, struct err *err);

#endif
