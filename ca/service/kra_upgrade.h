/*
 * From a CA of an older program, which sealed keys to all of its KRA store, to one that has a list
 * of enabled KRAs (kra_policy.h).
 */
#ifndef SERVICE_KRA_UPGRADE_H
#define SERVICE_KRA_UPGRADE_H

#include "config.h"

/* Writes the list if there is none: all that is in the KRA store, and the number that the database
 * has for CA\\KRACertCount, which the front's user reads. */
bool kra_upgrade(const struct config *config, struct err *err);

#endif
