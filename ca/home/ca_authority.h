/*
 * What the directory holds of a CA beside its enrollment service: its certificates, and those by
 * which its keys vouch for each other after a renewal.
 */
#ifndef HOME_CA_AUTHORITY_H
#define HOME_CA_AUTHORITY_H

#include "ca_issuers.h"
#include "config.h"
#include "pki.h"

/* A cross certificate: who trusts one key of the CA, trusts another. */
struct ca_cross {
	struct pkix_cert cert;
	const struct ca_issuer *by, *of; /* the newest of the key that signed it; of its own key */
};
struct ca_crosses {
	struct ca_cross *list;
	size_t count;
};
/* Of cross.crt, which must be root's or this process's; none where there is no such file. `own` is
 * borrowed. Those that a renewal left which did not come to its end are left out. */
bool ca_crosses_read(const struct config *config, const struct ca_issuers *own,
    struct ca_crosses *out, struct err *err);
void ca_crosses_free(struct ca_crosses *c);

/* For pki_publish_authority: the certificates whose time has not ended, and a pair for each renewal
 * with a new key. Borrows from the first three. */
struct ca_authority {
	struct pki_authority pki; /* points into the rest: not to be moved */
	struct view certificates[CA_ISSUERS_MAX];
	struct buf pairs[CA_ISSUERS_MAX];
	struct view pair_views[CA_ISSUERS_MAX];
};
bool ca_authority_make(const struct config *config, const struct ca_issuers *own,
    const struct ca_crosses *crosses, int64_t now, struct ca_authority *out, struct err *err);
void ca_authority_free(struct ca_authority *a);

#endif
