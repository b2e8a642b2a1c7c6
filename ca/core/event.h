/*
 * Raising events (events.h): to the log (information as level debug), and to the database as far as
 * CA\LogLevel says, which keeps the newest CA\EventsKept, and to people and programs outside
 * (notices.h). What cannot be written is logged; raising never fails.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "ca.h"
#include "clock.h"

struct ca_event {
	enum event_id id;
	int64_t when, request_id; /* 0: of no request */
	bool waited; /* of a request: it had to wait for whoever decided it; of a recovery case: its
			owner is told, and the trail has whether he was (owner_notices.h) */
	const char *values[EVENT_VALUES_MAX]; /* of its variables, in their order; NULL: none */
};

/* Takes the values: texts, borrowed.
 *
 *	ca_event(ca, EVENT_TOO_FEW_VALID_KRA_CERTS, "1", "2");
 *
 * It waits for the commit. */
#define ca_event(ca, number, ...)                      \
	ca_event_raise((ca), &(const struct ca_event){ \
				 .id = (number), .when = clock_now(), .values = {__VA_ARGS__}})
void ca_event_raise(struct ca *ca, const struct ca_event *e);

/* The same in two steps, for what happens in a unit of work: in it, and after its commit to the log
 * and to whoever is told (notices.h). */
bool ca_event_keep(struct store_tx *tx, struct ca *ca, const struct ca_event *e, struct err *err);
void ca_event_tell(struct ca *ca, const struct ca_event *e);

#endif
