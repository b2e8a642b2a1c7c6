/*
 * Whom root has enabled, for acts on the CA's machine: read as root, who alone can be believed
 * about it, and held against the database as the front, whose it is.
 */
#ifndef SERVICE_ENABLED_KRAS_H
#define SERVICE_ENABLED_KRAS_H

#include "archive.h"
#include "config.h"
#include "store.h"

struct enabled_kras {
	struct pkix_cert *list; /* valid by themselves */
	enum cms_reader *readers;
	size_t count;
	size_t needed;    /* recipients of each key */
	size_t threshold; /* so many of them open it together; 1: each alone */
};
void enabled_kras_free(struct enabled_kras *k);
bool enabled_kras_read(const struct config *config, struct enabled_kras *out, struct err *err);
/* Takes out those that this CA issued itself and revoked; of others' the running CA knows. */
bool enabled_kras_living(struct enabled_kras *k, struct store *store, struct err *err);

#endif
