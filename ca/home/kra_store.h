/*
 * The KRA store: <state>/kra/<sha1>.crt (PEM), the certificates that this CA may seal keys to. The
 * folder is root's.
 */
#ifndef HOME_KRA_STORE_H
#define HOME_KRA_STORE_H

#include "config.h"

bool kra_store_add(const struct config *config, struct view certificate, struct err *err);
bool kra_store_remove(const struct config *config, const char *sha1_hex, struct err *err);
/* kra_store_free. */
bool kra_store_list(
    const struct config *config, struct buf **list_out, size_t *count_out, struct err *err);
void kra_store_free(struct buf **list, size_t count);

#endif
