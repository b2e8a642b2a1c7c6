/*
 * Trustees: whoever an access control entry can name, a user, a computer or a group.
 */
#ifndef PRINCIPALS_TRUSTEE_H
#define PRINCIPALS_TRUSTEE_H

#include "principal.h"

/* SID of a user or computer (any token of principal_find), of a group (DN, DOMAIN\name,
 * sAMAccountName or CN), a well-known name ("Authenticated Users"), or the SID itself as text:
 * what trustee_name gives is found again. A name is spelled as in the directory but for the case:
 * what its matching rules call equal beyond that is refused by the DN (CRYPT_E_NOT_FOUND, FAILED),
 * and does not stand beside the one that was typed. Several matches are TYPE_E_AMBIGUOUSNAME; an
 * object without objectSid is E_INVALIDARG; both FAILED. */
enum dir_find trustee_find(struct dir_conn *c, const char *token, struct sid *out, struct err *err);
/* The name of a SID for people: of a well-known one, else DOMAIN\account or the cn of the
 * object that has it, else the SID itself. free(). */
char *trustee_name(struct dir_conn *c, const struct sid *sid);

#endif
