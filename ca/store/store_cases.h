/*
 * Recovery cases: why archived keys of somebody are to be recovered, who opened and who approved
 * it, and what was fetched. What leads from one state to another says ca/recover/case_states.h; the
 * database holds that one that ended stays as it is, that nobody approves what he opened, and that
 * none goes away.
 */
#ifndef STORE_STORE_CASES_H
#define STORE_STORE_CASES_H

#include "store.h"

enum case_state {
	CASE_WAITING = 1, /* for a second certificate manager */
	CASE_OPEN,        /* its keys can be fetched */
	CASE_DENIED,
	CASE_CLOSED,
	CASE_EXPIRED
};

enum case_reason {
	CASE_BY_ITSELF, /* opened and closed by a retrieval that needs no case */
	CASE_KEY_COMPROMISE,
	CASE_LOST,    /* nobody knows who has it */
	CASE_DAMAGED, /* gone, and nobody has it */
	CASE_LEFT,    /* its owner did */
	CASE_LEGAL,
	CASE_OTHER /* as the note says */
};

#define CASE_KEYS_MAX 100

struct store_case_key {
	int64_t request_id;
	char *serial;       /* read only */
	char *foreign_hash; /* read only: SHA-1 of another CA's, whose number others may have */
	int64_t fetches, fetched_when;
	int64_t received_when; /* 0: nobody said that it arrived */
};

/* Strings are owned when read, borrowed when written; NULL and 0 are SQL NULL. */
struct store_case {
	int64_t case_id;
	enum case_state state;
	enum case_reason reason;
	char *ticket, *note;
	char *owner_name, *owner_sid; /* of all its keys */
	char *opened_by, *opened_by_sid;
	int64_t opened_when;
	bool needs_approver;
	char *approved_by, *approved_by_sid;
	int64_t approved_when;
	char *ended_by, *ended_why;
	int64_t ended_when;
	int64_t usable_until; /* while it waits: until when it may be approved */
	int64_t seen_when;    /* the latest time that the CA's clock had while it was not ended */
	struct store_case_key *keys; /* by request */
	size_t key_count;
};
void store_case_free(struct store_case *c);

/* ---- inside a unit of work ---- */
bool store_add_case(
    struct store_tx *tx, const struct store_case *c, int64_t *case_id_out, struct err *err);
/* As it is there. */
enum store_find store_case_now(
    struct store_tx *tx, int64_t case_id, struct store_case *out, struct err *err);
/* State, approval, end, usable_until and seen_when of c. DIRCA_E_CHANGED: it is in another state
 * than `from`. */
bool store_move_case(
    struct store_tx *tx, const struct store_case *c, enum case_state from, struct err *err);
/* That a key of it was fetched, or arrived. */
bool store_note_fetch(
    struct store_tx *tx, int64_t case_id, int64_t request_id, int64_t now, struct err *err);
bool store_note_receipt(
    struct store_tx *tx, int64_t case_id, int64_t request_id, int64_t now, struct err *err);
/* seen_when of all that are not ended, unless it is later already. */
bool store_see_cases(struct store_tx *tx, int64_t now, struct err *err);

/* ---- reading ---- */
enum store_find store_get_case(
    struct store *s, int64_t case_id, struct store_case *out, struct err *err);
/* The case that `opener` would use for a key: the newest that is open, else that waits, with a key
 * that did not arrive and was fetched less than `most_fetches` times; usable at `now`. */
struct store_case_query {
	int64_t request_id;
	struct store_principal opener;
	int64_t now, most_fetches;
};
enum store_find store_find_case(
    struct store *s, const struct store_case_query *q, struct store_case *out, struct err *err);

/* Was the archived key handed out, by whatever case? */
bool store_key_was_fetched(struct store *s, int64_t request_id, bool *out, struct err *err);

struct store_cases {
	struct store_case *list;
	size_t count;
};
void store_cases_free(struct store_cases *cs);
/* In order of case_id. */
struct store_case_filter {
	bool ended_too;        /* else those that wait or are open */
	enum case_state state; /* 0: any */
	const char *owner;     /* NULL: any; without case, as the next */
	const char *officer;   /* who opened it */
	int64_t request_id;    /* 0: any */
	int64_t due_at;        /* 0: any; else only those that are not usable then */
	int64_t after_id;
	int limit; /* 0: 100; at most 1000 */
};
bool store_list_cases(
    struct store *s, const struct store_case_filter *f, struct store_cases *out, struct err *err);

/* Of those that did not end. */
struct store_case_counts {
	int64_t waiting, open;
};
bool store_count_cases(struct store *s, struct store_case_counts *out, struct err *err);

#endif
