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
/* Waits for ca_publication_wake, ca_publication_stop or the time; false: stop. */
bool ca_publication_wait(struct ca *ca, int seconds, bool only_stop);
void ca_publication_stop(struct ca *ca);

/* Tries everything that is owed once. A certificate that the directory refuses does not keep the
 * others back; false with the first reason if something is still owed. Called by one thread at a
 * time. */
bool ca_publish_owed(struct ca *ca, int64_t now, struct err *err);

#endif
