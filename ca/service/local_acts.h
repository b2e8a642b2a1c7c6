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
/* How many archived keys hang on the KRA certificate with this SHA-1, on stdout. 4: some do. */
int act_kra_keys(const struct config *config, const char *sha1_hex);
/* One audit record: verb, object and, if it failed, code and reason. */
int act_record(const struct config *config, char *const *args, int count);

#endif
