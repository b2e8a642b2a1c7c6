/*
 * One enrollment on the client's side: a request sent, its answer checked (paper, "Understanding
 * the Archival Process", step 11).
 */
#ifndef CLIENT_CLIENT_ENROLL_H
#define CLIENT_CLIENT_ENROLL_H

#include "client_request.h"

/* What is known of a request that was to be sent. A private key is of no use only where nothing can
 * have become of it. */
enum client_outcome {
	CLIENT_NOT_SENT,  /* it did not leave, or the CA demanded a sign-in and took nothing */
	CLIENT_UNDECIDED, /* the CA says why it decides nothing now: nothing was stored */
	CLIENT_REFUSED,   /* the CA refused this request, and wrote that down */
	CLIENT_UNKNOWN,   /* no answer came, or none that counts: there may be a certificate */
	CLIENT_PENDING,
	CLIENT_ISSUED
};

struct client_enrolled {
	enum client_outcome outcome;
	long long request_id; /* 0 if the CA did not say */
	bool archived;
	struct buf certificate; /* of CLIENT_ISSUED */
	struct buf response;    /* the CA's CMC response; empty: it made none */
	char *remark;           /* what the CA says beside it; NULL: nothing */
};
/* True if it was issued or waits. The answer's signature, hashes and public key are checked before
 * it counts; `ca_certificate` is the CA's in the directory. May be repeated: of a request that was
 * sent before, CLIENT_REFUSED too says what became of it, and CLIENT_NOT_SENT and CLIENT_UNDECIDED
 * say nothing. */
bool client_enroll_send(struct http_client *http, const struct client_request *request,
    struct view ca_certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err);
void client_enrolled_free(struct client_enrolled *e);
/* Checks an answer (CMC response or certificate) that came for `key` (NULL: whose it is not known
 * here) from the CA of `ca_certificate`, about a request that the caller does not have any more. */
bool client_check_response(struct view der, struct view ca_certificate, EVP_PKEY *key,
    struct client_enrolled *out, struct err *err);
/* The same, about the request that was sent: a CMC response to a CMC request, which says that the
 * key was archived as it was sent. */
bool client_check_answer(struct view der, const struct client_request *request,
    struct view ca_certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err);

#endif
