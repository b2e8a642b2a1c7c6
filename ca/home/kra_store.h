/*
 * The KRA store: <state>/kra/<sha1>.crt (PEM), the certificates that this CA may seal keys to. The
 * folder is root's.
 */
#ifndef HOME_KRA_STORE_H
#define HOME_KRA_STORE_H

#include "config.h"
#include "pkix.h"
#include "texts.h"

bool kra_store_add(const struct config *config, struct view certificate, struct err *err);
/* Is this very certificate there? */
bool kra_store_has(const struct config *config, const struct pkix_cert *certificate);
bool kra_store_remove(const struct config *config, const char *sha1_hex, struct err *err);
/* What can be used of it; kra_store_free. What is no certificate of the store is left out, with a
 * sentence each in `skipped_out`, which may be NULL (paper, "Loading KRA Certificates"). False:
 * what is in the store is not known now, since descriptors, memory or the disk fail. */
bool kra_store_list(const struct config *config, struct buf **list_out, size_t *count_out,
    struct texts *skipped_out, struct err *err);
void kra_store_free(struct buf **list, size_t count);

#endif
