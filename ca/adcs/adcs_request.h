/*
 * The request of an imported certificate, to be looked at and exported: nothing is decided by it.
 */
#ifndef ADCS_ADCS_REQUEST_H
#define ADCS_ADCS_REQUEST_H

#include "buf.h"

/* *out: the request without an encrypted key, as own ones are kept. Empty where it is none that can
 * be read, too large, or not for this public key (pkix_key_hash): that is no reason to leave the
 * certificate out. */
void adcs_request(struct view der, struct view key_hash, struct buf *out);

#endif
