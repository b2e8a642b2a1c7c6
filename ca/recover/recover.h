/*
 * Recovery on the CA's side: candidates by the names people have, and the recovery BLOB for a
 * certificate manager who may. (paper, "Finding Recovery Candidates", "Retrieving the Key BLOB from
 * the CA Database"; [MS-CSRA] 3.1.4.2.9)
 */
#ifndef RECOVER_RECOVER_H
#define RECOVER_RECOVER_H

#include "ca.h"
#include "explain.h"

/* What a search token is. Pure and total: every string is something. */
enum token_kind {
	TOKEN_UPN,            /* holds '@' */
	TOKEN_DOWNLEVEL,      /* DOMAIN\user or container\user: decided by the directory */
	TOKEN_SERIAL_OR_HASH, /* only hex digits (blanks and colons skipped); 40 digits: also SHA-1
			       */
	TOKEN_CN
};
struct token {
	enum token_kind kind;
	char *text; /* cleaned: hex lower-case, whole octets without blanks and leading zero octets;
		       names trimmed */
	char *name; /* as given, trimmed: hex digits may be a name too */
	size_t digits;      /* hex digits as given, leading zeros counted; 0 for names */
	char *left, *right; /* around the '\' */
};
bool token_parse(const char *text, struct token *out,
    struct err *err); /* empty, over 512 bytes or control characters: E_INVALIDARG */
void token_free(struct token *t);

/* All certificates with archived keys, revoked and imported ones too, that the token names and that
 * this officer may see: 40 hex digits are tried as SHA-1, hex tokens then as serial, then as CN: a
 * serial number of another CA is whatever its maker wants, a SHA-1 is not. DOMAIN\user:
 * Request.RequesterName; container\user is resolved in the directory to DOMAIN\user first. What a
 * token's own form does not find is looked for as common name, UPN, DOMAIN\user, SID and at last as
 * the number of a request. Beside
 * the rows of a UPN or account name stand those that its present owner made under another. Officer
 * restrictions filter; `hidden` tells of what they hid. No rights at all: E_ACCESSDENIED. Every
 * search is audited before it is answered, refused ones up to REFUSALS_RECORDED (audit.h); whoever
 * has the right pays each with a request of the hour (ca_take_quota). */
struct recover_hidden {
	size_t count;
	struct err first; /* why the first of them */
};
bool recover_candidates(struct ca *ca, const struct principal *officer, const char *token,
    struct store_requests *out, struct recover_hidden *hidden, struct err *err);
/* The same page by page: those behind request `after`, and where the next begins in out->next. What
 * is no last page may hold no row. */
bool recover_page(struct ca *ca, const struct principal *officer, const char *token, int64_t after,
    struct store_requests *out, struct recover_hidden *hidden, struct err *err);
/* The certificates of those who can open any of these keys, each once, wherever they are
 * (recover_blob); those that are nowhere are left out. */
bool recover_agents(
    struct ca *ca, const struct store_requests *rows, struct pkix_certs *out, struct err *err);

/* The BLOB for one certificate. Order: account, rights, restrictions, own key, archived
 * key, recovery case, KRA certificates at hand; the case used up and audit record 787 committed,
 * then the blob. A refusal is audited up to REFUSALS_RECORDED (audit.h), with the case that it is
 * about, but not what is no serial number. CERTSRV_E_PROPERTY_EMPTY: no such row or no key.
 * CERTSRV_E_RESTRICTEDOFFICER names the rule. *case_out: the case that its receipt ends
 * (recover_case_received); 0: there is nothing to say. */
struct recover_wish {
	/* Or SHA-1 of the certificate. TYPE_E_AMBIGUOUSNAME: several that were imported have it. */
	const char *serial;
	int64_t case_id; /* 0: the officer's own that fits */
};
bool recover_blob(struct ca *ca, struct vault *v, const struct principal *officer,
    const struct recover_wish *wish, int64_t now, struct buf *blob_out, int64_t *case_out,
    struct err *err);

/* What recover_blob would answer this officer now for each archived key that the token names, by
 * the same checks. Of recovery cases only what `asker` may know (recover_case_get). False: this CA
 * could not decide. */
struct recover_key {
	struct store_request row;
	struct explanation steps;
	bool allowed;
	struct err refusal; /* code ERR_OK: none */
};
struct recover_explanation {
	struct recover_key *keys;
	size_t count, omitted; /* of very many the first RECOVER_EXPLAIN_MAX */
};
#define RECOVER_EXPLAIN_MAX 100
struct recover_question {
	const struct principal *asker, *officer;
	const char *token;
};
bool recover_explain(struct ca *ca, const struct recover_question *q, int64_t now,
    struct recover_explanation *out, struct err *err);
void recover_explanation_free(struct recover_explanation *x);

#endif
