/*
 * OCSP (RFC 6960): requests read, answers made in two steps, for another process signs what lies
 * between. No policy: what is asked about is decided elsewhere.
 */
#ifndef MESSAGES_OCSP_H
#define MESSAGES_OCSP_H

#include <openssl/ocsp.h>

#include "buf.h"

#define OCSP_REQUEST_MAX   16384
#define OCSP_QUESTIONS_MAX 32
#define OCSP_NONCE_MAX     32 /* RFC 8954 2.1 */

/* One certificate that is asked about. */
struct ocsp_question {
	struct view cert_id;  /* CertID DER, as it was asked */
	const EVP_MD *digest; /* of the hashes; NULL: one that is not known */
	struct view name_hash, key_hash;
	struct view serial; /* unsigned, no leading zero; empty: negative, or over 20 octets */
};
struct ocsp_request {
	struct ocsp_question list[OCSP_QUESTIONS_MAX];
	size_t count;
	struct view nonce; /* its octets; empty: there is none */
	OCSP_REQUEST *der; /* what the views point into */
	struct buf ids[OCSP_QUESTIONS_MAX];
};
/* A signature on it is not looked at: everybody may ask. ERROR_INVALID_DATA also for a nonce of no
 * or over OCSP_NONCE_MAX octets, a critical extension that is not known, and no or over
 * OCSP_QUESTIONS_MAX questions. */
bool ocsp_request_decode(struct view der, struct ocsp_request *out, struct err *err);
void ocsp_request_free(struct ocsp_request *r);
/* Does it ask about a certificate of that issuer (Name DER, SubjectPublicKeyInfo)? */
bool ocsp_question_is_of(
    const struct ocsp_question *q, struct view issuer, struct view issuer_spki);

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };
struct ocsp_single {
	struct view cert_id;
	enum ocsp_status status;
	int64_t revoked_when; /* of OCSP_REVOKED */
	int reason;           /* CRLReason; -1 none */
};
struct ocsp_data {
	uint8_t key_hash[20]; /* SHA-1 of the responder's key */
	int64_t produced_at;  /* and thisUpdate */
	int64_t next_update;
	const struct ocsp_single *list;
	size_t count;
	struct view nonce;    /* empty: none */
	bool extended_revoke; /* RFC 6960 4.4.8: what was never issued is told as revoked */
};
/* ResponseData, to be signed. */
bool ocsp_data_encode(const struct ocsp_data *data, struct buf *out, struct err *err);
/* OCSPResponse with it and the responder's certificate. */
bool ocsp_response_wrap(struct view data, struct view sig_alg, struct view signature,
    struct view certificate, struct buf *out, struct err *err);
/* OCSPResponse that tells a failure: OCSP_RESPONSE_STATUS_*. */
#define OCSP_FAILURE_LEN 5
void ocsp_failure(int status, uint8_t out[OCSP_FAILURE_LEN]);

/* What the responder's key may sign: exactly one DER ResponseData, of the responder with this key
 * hash, made within `skew_s` of `now`, each answer of it until `not_after` at most.
 * E_ACCESSDENIED. */
bool ocsp_data_check(struct view der, const uint8_t key_hash[20], int64_t now, int64_t skew_s,
    int64_t not_after, struct err *err);

#endif
