/* The audit trail of what root does to the CA's files, past the running CA. */
#ifndef CORE_LOCAL_AUDIT_H
#define CORE_LOCAL_AUDIT_H

#include <sys/types.h>

#include "config.h"

/* One record of an act of user `who` on `object` by `verb` of dirca: "uid=0 login=alice sudo=alice"
 * is the actor, as the kernel's loginuid and sudo's environment tell, which root can make say
 * anything. `failure` NULL: the act is about to be done. */
bool local_audit(const struct config *config, uid_t who, const char *verb, const char *object,
    const struct err *failure, struct err *err);

#endif
