/*
 * Whether the disk of the state folder has room for new requests. Below the floor that root sets
 * (low_space_mb of dircad.conf) they are refused, so that what is left is there for the audit
 * trail, and with it for approvals and recoveries.
 */
#ifndef CORE_SPACE_H
#define CORE_SPACE_H

#include "ca.h"

struct ca_space {
	int64_t free_mb;
	bool low;
};
/* DIRCA_E_IO if the file system does not tell. */
bool ca_space(const struct ca *ca, struct ca_space *out, struct err *err);
/* DIRCA_E_LOW_SPACE. Logs when the state changes, not each time. */
bool ca_check_space(struct ca *ca, struct err *err);

#endif
