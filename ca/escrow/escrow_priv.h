/* The readers. Not for other rooms. */
#ifndef ESCROW_ESCROW_PRIV_H
#define ESCROW_ESCROW_PRIV_H

#include "escrow.h"
#include "material.h"

/* Is the file of this kind, as far as its first octets tell? */
typedef bool escrow_probe(struct view file);
typedef bool escrow_reader(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err);

escrow_probe escrow_is_batch, escrow_is_dogtag;
escrow_reader escrow_read_batch, escrow_read_material, escrow_read_recovery, escrow_read_dogtag;

/* Adds a key with its certificate of `with`; without one a problem that calls it `what`. Takes the
 * key. */
bool escrow_add_alone(const struct escrow_with *with, EVP_PKEY *key, const char *what,
    const char *user, const char *source, struct escrow_items *out, struct err *err);

#endif
