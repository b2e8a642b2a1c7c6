/*
 * The decision about one archived key, for the BLOB and for explanations. Not for other rooms.
 */
#ifndef RECOVER_RECOVER_PRIV_H
#define RECOVER_RECOVER_PRIV_H

#include "recover.h"

struct recovery;
/* Told of each check that was made; `refusal` NULL: it was passed. */
typedef void recover_step(struct recovery *r, const char *check, const struct err *refusal);

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
	int rule;          /* of dircaOfficerRights that decided; -1: none */
	struct view *kras; /* certificates that the key is sealed to, of the view */
	size_t kra_count;
};

/* The one list of checks. Stops at the first refusal. */
#define RECOVER_CHECK_ACCOUNT "account"
#define RECOVER_CHECK_RIGHT   "ca-right"
#define RECOVER_CHECK_RULES   "officer-rights"
#define RECOVER_CHECK_OWN     "own-request"
#define RECOVER_CHECK_KEY     "archived-key"
#define RECOVER_CHECK_KRAS    "kra"
bool recover_decide(struct recovery *r, struct err *err);
void recover_decision_free(struct recovery *r);

bool recover_check_fresh(const struct ca_view *view, int64_t now, struct err *err);
/* Rows that a search token names, without their keys. */
bool recover_find_rows(
    struct ca *ca, const char *token, struct store_requests *out, struct err *err);

#endif
