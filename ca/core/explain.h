/*
 * Explanations: which checks a decision passed, and what in the directory decided each. The checks
 * are those of the decision itself (ca/enroll/enroll_priv.h, ca/recover/recover_priv.h); here is
 * only how they are written down.
 */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

#include "ca.h"
#include "sd_text.h"

enum explain_verdict {
	EXPLAIN_PASSED,
	EXPLAIN_REFUSED,
	EXPLAIN_NOTE /* decides nothing, but what becomes of it */
};

struct explain_step {
	const char *check;
	enum explain_verdict verdict;
	enum err_code code; /* of a refusal */
	char *reason;       /* of a refusal, word for word what the CA sends */
	char *ace;          /* the entry or rule that decided; NULL: none */
	char *path;         /* how the account is whom it names; NULL: it is not, or unreadable */
};

struct explanation {
	struct explain_step *steps;
	size_t count;
};

/* What in the directory decided a check: an entry of a descriptor, or a rule of certificate
 * managers. */
struct explain_reason {
	int at; /* index of the entry or rule; below 0: none */
	const struct sd *sd;
	enum sd_rights rights;
	const struct principal *who;       /* whose right the entry gives or denies */
	const struct officer_rules *rules; /* instead of `sd` */
	const char *requester_dn;          /* whom the rule is about; may be NULL */
};

/* A check was made: passed if `refusal` is NULL, and then `told` (taken over) says what it found.
 * The reason is shown as text, with the way from the account to its trustee. What the directory
 * does not tell stays out. */
void explain_check(struct explanation *x, struct ca *ca, const char *check,
    const struct err *refusal, char *told, const struct explain_reason *reason);
void explain_note(struct explanation *x, const char *check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void explain_free(struct explanation *x);

/* Somebody by any name form of principal_find, active or not; CRYPT_E_NOT_FOUND. */
bool explain_principal(struct ca *ca, const char *token, struct principal *out, struct err *err);

/* Names of the groups that whoever made the request is in today, and of what else he acts as
 * (Everyone ...); one that the directory does not name is its SID. CRYPT_E_NOT_FOUND: the account
 * is gone; DIRCA_E_STANDALONE. */
bool explain_groups(
    struct ca *ca, const struct store_request *row, struct texts *out, struct err *err);

#endif
