/*
 * The decision about one archived key, for the BLOB and for explanations. Not for other rooms.
 */
#ifndef RECOVER_RECOVER_PRIV_H
#define RECOVER_RECOVER_PRIV_H

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
	int64_t now;
	recover_step *step; /* NULL, but for explanations */
	void *step_arg;
	/* results */
	struct officer_decision restriction;
	struct buf *kras; /* certificates that the key is sealed to, as far as they were found */
	size_t kra_count, sealed_to;
};

/* The one list of checks. Stops at the first refusal. */
bool recover_decide(struct recovery *r, struct err *err);
void recover_decision_free(struct recovery *r);

/* The KRA certificates of the row, wherever they are: KRA store, copies and own rows of the
 * database, KRA container of the directory. Valid or not: an expired KRA can open what was sealed
 * to it. */
bool recover_find_kras(struct recovery *r, struct err *err);

bool recover_check_fresh(const struct ca_view *view, struct err *err);
/* Rows that a search token names, without their keys. */
bool recover_find_rows(
    struct ca *ca, const char *token, struct store_requests *out, struct err *err);
/* Those of a token container\user, by where the account was at the request. */
bool recover_find_place(
    struct ca *ca, const char *token, struct store_requests *out, struct err *err);

#endif
