/*
 * The states of a recovery case and what leads from one to another, by whom (case_states.c has the
 * table). Pure: no clock, no database.
 *
 *	open ----> WAITING --approve--> OPEN --close--> CLOSED
 *	   \__________________________/   \---deny----> DENIED    (from WAITING too, as the others)
 *	     where nobody has to approve   \--expire--> EXPIRED
 *
 * DENIED, CLOSED and EXPIRED are ends: nothing leads out of them, the database holds that too.
 */
#ifndef RECOVER_CASE_STATES_H
#define RECOVER_CASE_STATES_H

#include "settings.h"
#include "store_cases.h"

enum case_act { CASE_APPROVE, CASE_DENY, CASE_FETCH, CASE_RECEIVE, CASE_CLOSE, CASE_EXPIRE };
/* Whose keys they are is none of these: own_check_row keeps him away before. */
enum case_actor { CASE_OPENER = 1, CASE_ANOTHER = 2, CASE_CLOCK = 4 };

/* CERTSRV_E_BAD_REQUESTSTATUS: not from this state; DIRCA_E_OWN_REQUEST and E_ACCESSDENIED: not by
 * him. */
bool case_step(const struct store_case *c, enum case_act act, enum case_actor actor,
    enum case_state *to_out, struct err *err);

/* Has its time passed, by the later of `now` and what the CA's clock has shown before? */
bool case_is_due(const struct store_case *c, int64_t now);
/* A clock that was set back makes no time: what shows so is refused. */
#define CASE_CLOCK_SLACK_S 120
bool case_check_clock(const struct store_case *c, int64_t now, struct err *err);

/* How often a key may be fetched by one case, while nobody says that it arrived. */
#define CASE_FETCHES_MAX 3
/* NULL: the case is not about the request. */
struct store_case_key *case_key(const struct store_case *c, int64_t request_id);
/* Did each of its keys arrive? */
bool case_is_done(const struct store_case *c);

const char *case_state_name(enum case_state s);
bool case_state_find(const char *text, enum case_state *out, struct err *err);
const char *case_reason_name(enum case_reason r);
/* Of those that people give; E_INVALIDARG names them. */
bool case_reason_find(const char *text, enum case_reason *out, struct err *err);

/* Must the certificate be revoked for good before its key is handed out (paper, "Best Practices
 * for Key Archival and Recovery")? `revoke_first`: REVOKE_FIRST_*. One that has ended, or that
 * another CA issued, need not: it is trusted no more, or not ours to revoke. */
bool case_check_revoked(const struct store_case *c, int64_t revoke_first,
    const struct store_request *row, int64_t now, struct err *err);

#endif
