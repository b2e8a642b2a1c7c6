/*
 * What attempts to sign in lead to, whatever the mechanism: waits after failures (auth_failures.h),
 * a line in the log and a record in the audit trail. One for the process; thread-safe.
 */
#ifndef SERVICE_SIGN_IN_H
#define SERVICE_SIGN_IN_H

#include "ca.h"
#include "http.h"

/* Once, before workers start. `ca` must outlive it. */
bool sign_in_open(struct ca *ca, struct err *err);
void sign_in_close(void);

/* Who tries, and as whom: `claimed` is as the client wrote it, NULL if it has named nobody yet. */
struct sign_in {
	struct http_call *call;
	const char *mechanism;
	const char *claimed;
};
/* May the client go on now? Otherwise DIRCA_E_TOO_MANY_ATTEMPTS, and *wait_s_out says for how long.
 * Nothing is asked of the directory, and nothing of the password is looked at. */
bool sign_in_may_go_on(const struct sign_in *s, int64_t *wait_s_out, struct err *err);
/* The same, right before the password is looked at. */
bool sign_in_begin(const struct sign_in *s, int64_t *wait_s_out, struct err *err);
void sign_in_failed(const struct sign_in *s, const struct err *why);
void sign_in_succeeded(const struct sign_in *s);

/* How many records a client can write into the audit trail: so many at once, then one each period.
 * The next record says how many were left out. Pure. */
#define SIGN_IN_RECORDS          30
#define SIGN_IN_RECORD_PERIOD_MS 10000
struct sign_in_budget {
	int spent;
	int64_t since_ms; /* `spent` is of then */
	int64_t left_out;
};
bool sign_in_budget_spend(struct sign_in_budget *b, int64_t now_ms);

#endif
