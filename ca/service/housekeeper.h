/*
 * The one thread that keeps the CA's picture of the world current: directory snapshot, settings,
 * KRA store, exchange certificate, CRL. It reads everything when it is woken and every half
 * minute; wakes that come together make one reading.
 */
#ifndef SERVICE_HOUSEKEEPER_H
#define SERVICE_HOUSEKEEPER_H

#include "ca.h"

struct housekeeper;
bool housekeeper_start(struct ca *ca, int vault_fd, struct housekeeper **out, struct err *err);
/* Do it now (SIGHUP, a change in the directory). */
void housekeeper_wake(struct housekeeper *h);
void housekeeper_stop(struct housekeeper **h);

#endif
