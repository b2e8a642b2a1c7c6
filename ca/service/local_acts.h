/*
 * What dircad does for verbs of dirca on the CA's machine, beside or without the running service:
 * they know no database and no journal. Output and exit status are the verb's.
 */
#ifndef SERVICE_LOCAL_ACTS_H
#define SERVICE_LOCAL_ACTS_H

#include "config.h"

/* Journal of the vault against the database, on stdout. 4: they differ, or the journal is broken.
 */
int act_compare(const struct config *config, bool json);
/* Makes the database, unless there is one. */
int act_create_database(const struct config *config);
/* Who can open the archived keys; `list`: which keys nobody does. 4: there are such. With the SHA-1
 * of certificates: what would be lost without those, and which keys; 4 if any. */
int act_coverage(
    const struct config *config, bool json, bool list, char *const *leaving, int leaving_count);
/* What hangs on the KRA certificates with these SHA-1 hashes, on stdout. 4: keys that nobody else
 * opens who lives. */
int act_kra_leaves(const struct config *config, char *const *hashes, int count);
/* A copy of the database as it is now, beside it under `name`, after it was checked: one line of
 * what is in it on stdout, how far it is on stderr if that is a terminal. 4: the check has found
 * something; there is no copy then. */
int act_copy_database(const struct config *config, const char *name);
/* What is wrong in the database, on stdout. 4: something is. `path` NULL: the CA's own, in use or
 * not. */
int act_check_database(const struct config *config, const char *path, bool json);
/* What is in it, and how big it is. */
int act_size_database(const struct config *config, bool json);
/* What archived keys in it are sealed with. 4: some with less than root demands today. */
int act_sealed(const struct config *config, bool json);
/* Whether each could be recovered, as far as can be told without opening one. 4: something is wrong
 * with some. */
int act_verify_keys(const struct config *config, bool json);
/* Archived keys for an agent who seals them to others: FILE, how many at most (0: 10,000), SHA-1 of
 * his certificate, how many give him their shares (0: he opens the keys alone), SHA-1 of each of
 * theirs, SHA-1 of each of the agents to come. FILE must not be there. 4: there are none. */
int act_archive_export(const struct config *config, char *const *args, int count);
/* Takes them back, each that is sealed to whom root has enabled. 4: some were refused. */
int act_archive_import(const struct config *config, const char *name);
/* Puts back what was before that batch. 4: some have been changed since. */
int act_archive_revert(const struct config *config, const char *batch_hex);
/* Archived keys that an agent is to prove that he opens: FILE, SHA-1 of his certificate, how many,
 * of which batch ("": of all), SHA-1 of those who give him their shares. FILE must not be there. 4:
 * there are none. */
int act_drill_new(const struct config *config, char *const *args, int count);
/* Lets go what was before a batch, of each key that another agent has proved that he opens. 4: some
 * are left. */
int act_archive_settle(const struct config *config, const char *batch_hex);
/* Each drill, the newest last. 4: the newest of an agent lacks keys, as coverage_incomplete has it,
 * whether he lives or not. */
int act_drill_list(const struct config *config);
/* Takes what he proved. 4: some were refused, or are missing still. */
int act_drill_report(const struct config *config, const char *name);
/* Writes it anew without what is free in it; dircad must not run. */
int act_vacuum_database(const struct config *config);
/* The schema that the database has and the one of this program. */
int act_database_version(const struct config *config, bool json);
/* From one to the other, while dircad does not run; or on a copy that is gone afterwards, at any
 * time. */
int act_migrate_database(const struct config *config, bool dry_run);
/* adcs_import of a file; `columns` and `dates` ("mdy", "dmy") "": the file says it. The rows that
 * are not taken, and how many were, on stdout. 4: some were refused. */
int act_import_adcs(const struct config *config, const char *name, const char *columns,
    const char *dates, bool dry);
/* kra_upgrade. */
int act_kra_upgrade(const struct config *config);
/* One audit record: verb, object, what changed or "", and, if it failed, code and reason. */
int act_record(const struct config *config, char *const *args, int count);

#endif
