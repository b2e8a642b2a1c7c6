/*
 * Raising events (events.h): to the log (information as level debug), and to the database as far as
 * CA\LogLevel says, which keeps the newest CA\EventsKept. What cannot be written is logged; raising
 * never fails.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "ca.h"

/* Takes the values of the event's variables, in their order: texts; NULL where it has none.
 *Borrowed.
 *
 *	ca_event(ca, EVENT_TOO_FEW_VALID_KRA_CERTS, "1", "2");
 *
 * It waits for the commit. */
#define ca_event(ca, id, ...) \
	ca_event_raise((ca), (id), 0, (const char *const[EVENT_VALUES_MAX]){__VA_ARGS__})
void ca_event_raise(struct ca *ca, enum event_id id, int64_t request_id,
    const char *const values[EVENT_VALUES_MAX]);

/* The same in two steps, for what happens in a unit of work: in it, and to the log after its
 * commit. */
bool ca_event_keep(struct store_tx *tx, struct ca *ca, enum event_id id, int64_t when,
    int64_t request_id, const char *const values[EVENT_VALUES_MAX], struct err *err);
void ca_event_log(enum event_id id, const char *const values[EVENT_VALUES_MAX]);

#endif
