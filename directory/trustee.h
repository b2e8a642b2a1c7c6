/*
 * Trustees: whoever an access control entry can name, a user, a computer or a group.
 */
#ifndef DIRECTORY_TRUSTEE_H
#define DIRECTORY_TRUSTEE_H

#include "principal.h"

/* SID of a user or computer (any token of principal_find), of a group (sAMAccountName or CN), of a
 * well-known name (Everyone), or the SID itself as text. Several matches are TYPE_E_AMBIGUOUSNAME;
 * an object without objectSid is E_INVALIDARG; both FAILED. */
enum dir_find trustee_find(struct dir_conn *c, const char *token, struct sid *out, struct err *err);

/* What people call a SID: a well-known name, else sAMAccountName or cn of the one object that has
 * it, else the SID as text. free(). */
bool trustee_name(struct dir_conn *c, const struct sid *sid, char **out, struct err *err);

#endif
