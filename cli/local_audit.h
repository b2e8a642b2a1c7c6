/*
 * The audit trail of what root does to the CA's files, past the running CA: dircad --record writes
 * it, for the database is not this program's.
 */
#ifndef CLI_LOCAL_AUDIT_H
#define CLI_LOCAL_AUDIT_H

#include "cli.h"

/* One record of the verb's act on `object`. `failure` NULL: the act is about to be done. */
bool local_audit(
    const struct cli *cli, const char *object, const struct err *failure, struct err *err);
/* The same of a change: "value=2 old=1". */
bool local_audit_change(const struct cli *cli, const char *object, const char *change,
    const struct err *failure, struct err *err);
/* The record of an act that is done, where its end is an event of its own. */
bool local_audit_ended(const struct cli *cli, const char *object, struct err *err);

#endif
