/*
 * What the CA owes the directory: certificates whose templates publish them, the newest CRL, and a
 * publication of the CA itself that was begun. What is owed is written down before it is tried, so
 * that a directory that is away or refuses, or a crash, only delays it: it is finished later, at
 * the latest after the next start.
 */
#ifndef CORE_PUBLICATION_H
#define CORE_PUBLICATION_H

#include "ca.h"

/* In the unit of work that issues the certificate of `request_id`. */
bool ca_publication_add(
    struct store_tx *tx, int64_t request_id, bool to_requester, bool to_kra, struct err *err);
/* Tells the publisher, after the commit, that there is something. */
void ca_publication_wake(struct ca *ca);
/* The same, and whatever failed before is tried at once. */
void ca_publication_retry(struct ca *ca);
/* The directory answers again: what failed since it could not be reached is tried at once. */
void ca_publication_answered(struct ca *ca);
/* Waits for one of these, ca_publication_stop or the time; false: stop. */
bool ca_publication_wait(struct ca *ca, int64_t ms);
void ca_publication_stop(struct ca *ca);

/* Tries what is owed and due, each kind for itself: the CA, its CRL, the key of its service,
 * certificates; one that the directory refuses does not keep the others back. What failed is tried
 * less and less often (owed.h), a certificate that was just issued at once. Logs the first failure
 * of a kind for each reason, and its end. `ms` is clock_mono_ms; returns for how long there is
 * nothing to do. Called by one thread at a time. */
int64_t ca_publish_owed(struct ca *ca, int64_t ms);
/* nextUpdate of the CRL of that list that this process brought to the directory last, or found
 * there as its own; 0: none yet. */
int64_t ca_crl_there_until(struct ca *ca, const struct store_crl_id *id);
/* A sentence for each kind that is owed and could not be brought. */
void ca_publication_warnings(struct ca *ca, struct texts *out);

#endif
