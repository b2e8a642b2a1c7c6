/*
 * Rights are edited in the directory, past the CA: what it notices of that, it records.
 */
#ifndef CORE_RIGHTS_AUDIT_H
#define CORE_RIGHTS_AUDIT_H

#include "ca_priv.h"

/* Compares the two descriptors of `fresh` with those that were last recorded, also before a
 * restart, and records each change as AUDIT_SECURITY or AUDIT_OFFICERS with the hash of the old and
 * the SDDL of the new one. Under the refresh lock. */
bool audit_rights(struct ca *ca, const struct ca_view *fresh, struct err *err);

#endif
