/*
 * Events on their way to people and programs outside (docs/EVENTS.md): a queue of bounded length in
 * memory. Who raises an event waits for nobody; what finds no place is counted and lost.
 */
#ifndef CORE_NOTICES_H
#define CORE_NOTICES_H

#include "ca.h"

#define NOTICES_MAX 256

struct notice {
	struct event_record event;
	bool waited; /* as in struct ca_event */
};
void notice_free(struct notice *n);

/* Takes the oldest; waits up to `ms` for one. False: there is none, or it is time to stop. */
bool ca_notice_take(struct ca *ca, int64_t ms, struct notice *out);
/* Nobody takes any more, and nobody waits. */
void ca_notices_stop(struct ca *ca);
bool ca_notices_stopped(struct ca *ca);
/* How many found no place. */
int64_t ca_notices_lost(struct ca *ca);

/* What dircad.conf has for it: mail, else the program for events; one of them. */
enum owner_way { OWNER_BY_NOBODY, OWNER_BY_MAIL, OWNER_BY_PROGRAM };
enum owner_way owner_way(const struct config *config, int64_t event_number);
/* event_hook_on, or its default. E_INVALIDARG as event_set_parse. */
bool owner_hook_set(const struct config *config, struct event_set *out, struct err *err);
/* `waited` as in struct ca_event. */
bool owner_has_to_be_told(const struct config *config, int64_t event_number, bool waited);

/* The address (mail) of the account that made the request, as the directory has it; *out NULL: it
 * has none, or there is no such account any more. free(). */
bool ca_requester_mail(struct ca *ca, int64_t request_id, char **out, struct err *err);

#endif
