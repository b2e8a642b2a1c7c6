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
	bool failed; /* out of memory: steps are missing */
};

/* The step just added, for what decided it; NULL if there was no memory. */
struct explain_step *explain_passed(struct explanation *x, const char *check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct explain_step *explain_refused(
    struct explanation *x, const char *check, const struct err *refusal);
void explain_note(struct explanation *x, const char *check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void explain_free(struct explanation *x);

/* Entry `at` of dircaCASecurity or a template's descriptor, as text and with the way from the
 * account to its trustee; nothing for an index below 0. What the directory does not tell stays out.
 */
void explain_ace(struct ca *ca, struct explain_step *step, enum sd_rights rights,
    const struct sd *sd, int at, const struct principal *who);
/* Rule `at` of dircaOfficerRights, with the way from the requester's DN (may be NULL) to one of its
 * requesters. */
void explain_rule(struct ca *ca, struct explain_step *step, const struct officer_rules *rules,
    int at, const char *requester_dn);

/* Somebody by any name form of principal_find, active or not; CRYPT_E_NOT_FOUND. */
bool explain_principal(struct ca *ca, const char *token, struct principal *out, struct err *err);

#endif
