/*
 * Accounts of this machine, for a CA that has no directory: users and groups as the system's own
 * look-up knows them (nsswitch.conf). Their SIDs are those that Samba makes for accounts that no
 * domain has, S-1-22-1-UID and S-1-22-2-GID, so that rights are decided on them as on any other.
 */
#ifndef PRINCIPALS_LOCAL_ACCOUNTS_H
#define PRINCIPALS_LOCAL_ACCOUNTS_H

#include <sys/types.h>

#include "principal.h"

struct sid local_user_sid(uid_t uid);
struct sid local_group_sid(gid_t gid);

/* "user", "HOST\user" (without case) or the SID of a user. `host`: the first label of the machine's
 * name, which stands in place of a domain. What the system cannot say now is DIR_FIND_FAILED with
 * DIRCA_E_IO. */
enum dir_find local_account_find(
    const char *host, const char *token, struct principal *out, struct err *err);
/* "user", or "@group". */
enum dir_find local_trustee_find(const char *name, struct sid *out, struct err *err);

#endif
