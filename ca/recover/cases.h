/*
 * Recovery cases: opened by a certificate manager with a reason and a ticket, approved by another
 * where the settings say so, used for a limited time to fetch each key once (recover_blob), ended.
 * Who opens and who approves may do so for each of the keys, as by recover_blob: the CA right, the
 * restrictions of certificate managers, nobody's own keys. Each act and refusal is audited.
 */
#ifndef RECOVER_CASES_H
#define RECOVER_CASES_H

#include "case_states.h"
#include "recover.h"

struct case_opening {
	const char *const *tokens; /* as of recover_candidates; all keys of one owner */
	size_t token_count;
	const char *reason, *ticket, *note; /* the note may be NULL, unless the reason is "other" */
};
/* `hidden`: of the keys that were found, those that officer restrictions left out.
 * TYPE_E_AMBIGUOUSNAME: keys of several owners. */
bool recover_case_open(struct ca *ca, const struct principal *officer,
    const struct case_opening *in, int64_t now, struct store_case *out,
    struct recover_hidden *hidden, struct err *err);

/* CASE_APPROVE, CASE_DENY or CASE_CLOSE, of the last two with a reason (NULL: none). `out` is what
 * became of it. */
struct case_decision {
	enum case_act act;
	const char *why;
};
bool recover_case_decide(struct ca *ca, const struct principal *officer, int64_t case_id,
    const struct case_decision *in, int64_t now, struct store_case *out, struct err *err);

/* Who fetched the key has it on disk: it is not fetched again, and with the last one the case is
 * closed. `request_id` tells which, where several keys have one serial number; 0: that which was
 * fetched and did not arrive yet. */
bool recover_case_received(struct ca *ca, const struct principal *officer, int64_t case_id,
    const char *serial, int64_t request_id, int64_t now, struct store_case *out, struct err *err);

/* For certificate managers who may act for each of its keys, and for auditors. */
bool recover_case_get(struct ca *ca, const struct principal *who, int64_t case_id,
    struct store_case *out, struct err *err);
/* Of a page those that he may see; *next_out: where the next one begins (after_id), 0: this was the
 * last. */
bool recover_case_list(struct ca *ca, const struct principal *who,
    const struct store_case_filter *filter, struct store_cases *out, int64_t *next_out,
    struct err *err);

/* Ends what is due, and notes what the clock shows. The housekeeper's. */
bool recover_cases_tend(struct ca *ca, int64_t now, struct err *err);

#endif
