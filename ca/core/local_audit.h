/* The audit trail of what root does to the CA's files, past the running CA. */
#ifndef CORE_LOCAL_AUDIT_H
#define CORE_LOCAL_AUDIT_H

#include <sys/types.h>

#include "config.h"

/* What user `who` does to `object` by `verb` of dirca. */
struct local_act {
	uid_t who;
	const char *verb, *object;
	const char *change;        /* "value=2 old=1", or "" */
	const struct err *failure; /* NULL: it is about to be done */
};
/* Who that is: "uid=0 login=alice sudo=alice", as the kernel's loginuid and sudo's environment
 * tell, which root can make say anything. free(). */
char *local_actor(uid_t who);
/* One record of it. */
bool local_audit(const struct config *config, const struct local_act *act, struct err *err);

#endif
