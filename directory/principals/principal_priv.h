/*
 * The parts of a principal's lookup. Inside of this folder only.
 */
#ifndef PRINCIPALS_PRINCIPAL_PRIV_H
#define PRINCIPALS_PRINCIPAL_PRIV_H

#include "principal.h"

/* Works on every directory: a class that the server does not know makes its part Undefined, and an
 * OR survives that. Groups are sorted out afterwards, because a NOT would not survive it. */
#define PEOPLE                                                                        \
	"(|(objectClass=user)(objectClass=person)(objectClass=computer)(objectClass=" \
	"securityPrincipal)(objectClass=posixAccount))"

/* ---- principal_find.c: name -> entry ---- */

typedef bool principal_search(
    struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err);

/* The ways of searching: `token` in any form that an administrator may write, a DN, a SID as text.
 */
principal_search principal_search_token, principal_search_dn, principal_search_sid;
/* The way for a kind of identity. */
principal_search *principal_search_of(enum identity_kind kind);
/* Is this a value of the attribute, but for the case? What the directory's matching rules call
 * equal beyond that (wide letters, signs, blanks, what does not show) is another spelling. */
bool principal_is_spelled(const struct dir_entry *e, const char *attr, const char *value);
/* Every entry that a search finds. dir_entries_free, also on failure. */
bool principal_locate_all(struct dir_conn *c, principal_search *search, const char *token,
    struct dir_entries *out, struct err *err);
/* The one entry that a search finds; TYPE_E_AMBIGUOUSNAME (FAILED) lists several. */
enum dir_find principal_locate(struct dir_conn *c, principal_search *search, const char *token,
    struct dir_entry *out, struct err *err);

/* ---- principal.c ---- */

/* The names that it signs in by, the one that it is shown by first: sAMAccountName and, where uid
 * is what the accounts of the directory are known by (principal_find.c), that. */
bool principal_read_accounts(
    const struct dir_entry *e, bool by_uid, struct texts *out, struct err *err);

/* ---- principal_state.c: what the entry says of the account ---- */

#define PRINCIPAL_STATE_ATTRS                                                         \
	"userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", \
	    "lockoutTime", "pwdAccountLockedTime"

bool principal_read_state(const struct dir_entry *e, struct principal *p, struct err *err);

#endif
