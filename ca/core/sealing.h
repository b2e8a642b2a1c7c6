/*
 * Whom keys may be sealed to, as far as the front knows, and whom the vault sealed one to (paper,
 * "Key Encryption"): of keys that come with requests, that the vault makes, and that are imported.
 */
#ifndef CORE_SEALING_H
#define CORE_SEALING_H

#include "ca.h"

/* CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED, CERTSRV_E_NO_VALID_KRA; E_ACCESSDENIED for settings that
 * root's floor does not allow. */
bool sealing_check(const struct ca *ca, const struct ca_view *v, int64_t now, struct err *err);
/* SHA-256 hashes of the KRAs that the vault may choose from; free(). */
void *sealing_usable(const struct ca_view *v, int64_t now, size_t *count_out);

/* Whom the vault chose. */
struct sealing {
	const struct ca_kra **kras; /* of the view */
	size_t count;
	char *hashes; /* KeyRecoveryHashes */
};
/* It stands in what the vault sealed. DIRCA_E_INTERNAL for one that it was not told to choose from.
 */
bool sealing_note(
    const struct ca_view *v, struct view sealed, struct sealing *out, struct err *err);
/* Copies of the certificates, in the unit of work that stores the key. */
bool sealing_keep(struct store_tx *tx, const struct sealing *s, struct err *err);
void sealing_free(struct sealing *s);

#endif
