/*
 * The audit trail of what root does to the CA's files, past dircad: written into the CA's database
 * by the verb itself.
 */
#ifndef CLI_LOCAL_AUDIT_H
#define CLI_LOCAL_AUDIT_H

#include "audit.h"

/* One record of an act on `object` by `verb`: "uid=0 login=alice sudo=alice" is the actor, as the
 * kernel's loginuid and sudo's environment tell, which root can make say anything. `failure` NULL:
 * the act is about to be done. Without a database that this user may write (before dircad's first
 * start) nothing is written. */
bool local_audit(const struct config *config, enum audit_event event, const char *verb,
    const char *object, const struct err *failure, struct err *err);

#endif
