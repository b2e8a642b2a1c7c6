/*
 * The decision about one archived key, for the BLOB and for explanations. Not for other rooms.
 */
#ifndef RECOVER_RECOVER_PRIV_H
#define RECOVER_RECOVER_PRIV_H

#include "case_states.h"
#include "event.h"
#include "recover.h"

/* A check of the one list: what it is called, and what it tells. */
struct recovery;
struct recover_check {
	const char *name;
	bool (*run)(struct recovery *r, struct err *err);
	/* Once it was passed: what it found. free(). */
	char *(*told)(const struct recovery *r);
	/* What in the directory decided; NULL: nothing. */
	struct explain_reason (*reason)(const struct recovery *r);
};
/* Told of each check that was made; `refusal` NULL: it was passed. */
typedef void recover_step(
    struct recovery *r, const struct recover_check *check, const struct err *refusal);

struct recovery {
	struct ca *ca;
	const struct ca_view *view;
	const struct principal *officer;
	const struct store_request *row; /* whole */
	const char *serial;
	int64_t case_id;  /* that is to be used; 0: the officer's own that fits */
	bool hides_cases; /* who asks for an explanation may not know of any */
	int64_t now;
	recover_step *step; /* NULL, but for explanations */
	void *step_arg;
	/* results */
	struct officer_decision restriction;
	struct buf *kras; /* certificates that the key is sealed to, as far as they were found */
	size_t kra_count, sealed_to;
	struct store_case used; /* case_id 0: the retrieval is a case by itself */
};

/* The one list of checks. Stops at the first refusal. */
bool recover_decide(struct recovery *r, struct err *err);
void recover_decision_free(struct recovery *r);

/* The KRA certificates of the row, wherever they are: KRA store, copies and own rows of the
 * database, KRA container of the directory. Valid or not: an expired KRA can open what was sealed
 * to it. */
bool recover_find_kras(struct recovery *r, struct err *err);

/* case_use.c: the case that lets the key be handed out, into r->used. DIRCA_E_CASE_REQUIRED: there
 * is none, and the settings demand one. */
bool recover_find_case(struct recovery *r, struct err *err);
char *recover_told_case(const struct recovery *r);
/* What is used up, in the unit of work of the retrieval: by the case as it is there now, whose id
 * is given; of none, one that is closed already is made. */
bool recover_use_case(
    struct store_tx *tx, const struct recovery *r, int64_t *case_id_out, struct err *err);

/* cases.c */
/* "case 7"; free(). */
char *case_text(int64_t case_id);
bool case_audit(struct store_tx *tx, enum audit_event event, const char *actor,
    const struct store_case *c, const char *why, int64_t now, struct err *err);
/* Case 0: none is there. */
void case_audit_refusal(struct ca *ca, enum audit_event event, const struct principal *officer,
    int64_t case_id, int64_t now, struct err *reason);
/* The view that decides, if he is a certificate manager at all. */
bool case_officer_view(
    struct ca *ca, const struct principal *officer, struct ca_view **out, struct err *err);
/* Can be shown in one line; NULL passes. `what` names it. */
bool case_check_note(const char *note, const char *what, struct err *err);
enum case_actor case_actor_of(const struct store_case *c, const struct principal *officer);
/* CERTSRV_E_BAD_REQUESTSTATUS: its time has passed. */
bool case_check_due(const struct store_case *c, int64_t now, struct err *err);
/* May `who` know whether there is a case about this key? */
bool case_may_know(struct ca *ca, const struct ca_view *view, const struct principal *who,
    const struct store_request *row);
/* STORE_NOT_FOUND as CRYPT_E_NOT_FOUND. */
bool case_must_be(enum store_find found, int64_t case_id, struct err *err);
/* An event about it. */
struct case_event {
	enum event_id id;
	const struct store_case *c;
	int64_t case_id, request_id, now;
	const char *last; /* its fourth value */
	const struct principal *officer;
	bool tell_owner;
	struct ca_event raised; /* points to what follows */
	char number[24];
};
const struct ca_event *case_event(struct case_event *e);

bool recover_check_fresh(const struct ca_view *view, struct err *err);
/* Rows that a search token names, without their keys: a page of those behind `after`, or with
 * RECOVER_ALL all of them (store_find_candidates). */
#define RECOVER_ALL (-1)
bool recover_find_rows(
    struct ca *ca, const char *token, int64_t after, struct store_requests *out, struct err *err);
/* store_find_candidates or store_page_candidates. */
bool recover_find_by(struct ca *ca, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, struct err *err);
/* Takes over the rows of `from` that are not in `to` yet; of two pages as far as both reach. */
void recover_add_rows(struct store_requests *to, struct store_requests *from);
/* Keeps the rows that this officer may see, in order. */
bool recover_filter_rows(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    struct store_requests *rows, struct recover_hidden *hidden, struct err *err);
/* Those of a token container\user, by where the account was at the request. */
bool recover_find_place(
    struct ca *ca, const char *token, int64_t after, struct store_requests *out, struct err *err);

#endif
