/*
 * The audit trail of what root does to the CA's files, past the running CA: dircad --record writes
 * it, for the database is not this program's.
 */
#ifndef CLI_LOCAL_AUDIT_H
#define CLI_LOCAL_AUDIT_H

#include "cli.h"

/* The record of the verb's act on `object`, which is about to be done: without it nothing is done.
 * `change` is "" or what is changed, "value=2 old=1". */
bool local_audit_begin(
    const struct cli *cli, const char *object, const char *change, struct err *err);
/* The record that it failed, with `err` for why. Returns false, and leaves err as it is. */
bool local_audit_failed(
    const struct cli *cli, const char *object, const char *change, const struct err *err);
/* The record of an act that is done, where its end is an event of its own. */
bool local_audit_ended(const struct cli *cli, const char *object, struct err *err);

#endif
