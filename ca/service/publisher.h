/*
 * The thread that brings to the directory what the CA owes it (publication.h), at the start and
 * whenever something new is owed; after a failure again and again.
 */
#ifndef SERVICE_PUBLISHER_H
#define SERVICE_PUBLISHER_H

#include "ca.h"

struct publisher;

bool publisher_start(struct ca *ca, struct publisher **out, struct err *err);
/* Waits for the try that is under way. NULL-safe. */
void publisher_stop(struct publisher **p);

#endif
