/*
 * How many wrong keys a requester may send. Who is a requester is what the front says; a front that
 * lies is met by the count of each exchange key (vault_xchg.c). Kept in memory: a vault that starts
 * again begins anew. Nobody's entry is thrown out for another's while it counts. Thread-safe.
 */
#ifndef VAULT_BUDGET_H
#define VAULT_BUDGET_H

#include <pthread.h>

#include "buf.h"

struct vault_budget_entry {
	uint8_t requester[16]; /* of a SHA-256 */
	uint32_t failures;
	int64_t begun_ms;        /* of the count */
	int64_t suspended_until; /* 0: not; on the same clock */
};

struct vault_budget {
	pthread_mutex_t lock;
	uint32_t failures_max; /* so many within `period_ms` suspend for as long */
	int64_t period_ms;
	struct vault_budget_entry *list;
	size_t count, room;
};

void vault_budget_open(struct vault_budget *b, uint32_t failures_max, int64_t period_s);
void vault_budget_close(struct vault_budget *b);
/* DIRCA_E_ARCHIVAL_SUSPENDED; E_OUTOFMEMORY if there is no room to count a failure. */
bool vault_budget_check(
    struct vault_budget *b, struct view requester, int64_t now_ms, struct err *err);
/* After vault_budget_check said yes. True: the requester is suspended from now on. */
bool vault_budget_fail(struct vault_budget *b, struct view requester, int64_t now_ms);

#endif
