/*
 * The owners of archived keys who are to be told of a recovery. Whom to tell is written down in the
 * unit of work of what happened, so that neither a full queue nor a crash takes it away, and the
 * trail gets whether he was told: at the first success, the first failure and when it is given up.
 */
#ifndef CORE_OWNER_NOTICES_H
#define CORE_OWNER_NOTICES_H

#include "ca.h"
#include "owed.h"

enum owner_told {
	OWNER_TOLD,
	OWNER_UNTOLD,     /* perhaps later; err */
	OWNER_WITHOUT,    /* there is no way to tell him; err */
	OWNER_INTERRUPTED /* the CA stops */
};
/* *how_out: a word for the trail, "mail to=..."; free(). */
typedef enum owner_told owner_tell(
    const struct event_record *e, char **how_out, void *arg, struct err *err);

/* Who tells: one thread. Zeroed at first. */
struct owner_notices {
	int64_t tried; /* the last that was */
	struct owed owed;
};
/* Each that was not tried by this process, and if it is time each that failed, less and less often,
 * for three days. Failures to read and write are logged, and tried again. `ms` is clock_mono_ms. */
void ca_tell_owners(
    struct ca *ca, struct owner_notices *n, int64_t now, int64_t ms, owner_tell *tell, void *arg);

#endif
