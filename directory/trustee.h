/*
 * Trustees: whoever an access control entry can name, a user, a computer or a group.
 */
#ifndef DIRECTORY_TRUSTEE_H
#define DIRECTORY_TRUSTEE_H

#include "principal.h"

/* SID of a user or computer (any token of principal_find), of a group (sAMAccountName or CN), or
 * the SID itself as text. Several matches are TYPE_E_AMBIGUOUSNAME; an object without objectSid is
 * E_INVALIDARG; both FAILED. */
enum dir_find trustee_find(struct dir_conn *c, const char *token, struct sid *out, struct err *err);

#endif
