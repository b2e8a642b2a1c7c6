/*
 * The OCSP responder (RFC 6960, RFC 5019): answers from the database and the vault, without the
 * directory. An answer to one question without a nonce is kept and given again until half of its
 * time is over, or the certificate's row says something else. What this CA never issued is revoked
 * (RFC 6960 2.2): a certificate that is not in the database is none that anybody should take. A
 * question about another CA's is answered with unknown.
 */
#ifndef CORE_OCSP_RESPONDER_H
#define CORE_OCSP_RESPONDER_H

#include "ca.h"

enum ocsp_kind { OCSP_KIND_SIGNED, OCSP_KIND_KEPT, OCSP_KIND_FAILURE, OCSP_KINDS };
struct ocsp_answer {
	enum ocsp_kind kind;
	struct buf der;
	bool may_be_kept; /* by everybody, until next_update */
	int64_t produced_at, next_update;
};
/* An answer there always is; one that tells a failure (malformed, unauthorized, internal) too. */
void ca_ocsp_answer(struct ca *ca, struct vault *v, const struct ca_view *view, struct view request,
    int64_t now, struct ocsp_answer *out);
/* When the responder's certificate ends; 0: there is none yet. */
int64_t ca_ocsp_until(struct ca *ca);

struct ocsp_responder;
struct ocsp_responder *ocsp_responder_new(void);
void ocsp_responder_free(struct ocsp_responder **r);

#endif
