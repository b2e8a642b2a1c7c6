/*
 * One enrollment on the client's side: request made, sent, answer checked (paper, "Understanding
 * the Archival Process", steps 4, 5, 11).
 */
#ifndef CLIENT_CLIENT_ENROLL_H
#define CLIENT_CLIENT_ENROLL_H

#include "client_key.h"
#include "http_client.h"
#include "pki.h"
#include "tmpl.h"

/* Who signs the request beside its own key. */
struct client_signer {
	EVP_PKEY *key;
	struct buf certificate; /* DER */
};
void client_signer_free(struct client_signer *s);
/* Key and certificate of a PKCS#12. */
bool client_signer_read(
    const char *path, const struct secret *password, struct client_signer *out, struct err *err);

struct client_enroll {
	const struct pki_service *service;
	const struct tmpl *tmpl;
	EVP_PKEY *key;
	const char *subject;    /* DN, NULL: empty name */
	const char *const *dns; /* SAN names */
	size_t dns_count;
	const struct client_signer
	    *renews;                       /* certificate that this renews, with its key; or NULL */
	const struct client_signer *agent; /* enrollment agent; or NULL */
	const char *on_behalf_of;          /* whom the agent enrolls; NULL: the caller */
	const char *sender;                /* who signs in; NULL: unknown */
	int64_t now;
};

struct client_enrolled {
	long long request_id; /* 0 if the CA did not say */
	bool accepted; /* the CA says that it issued, or keeps the request: the key is of use, even
			  where client_enroll failed at the answer */
	bool pending;
	bool archived;
	struct buf certificate; /* empty when pending */
};
/* Archives the key when the template demands it. The answer's signature, hashes and public key are
 * checked before it counts. */
bool client_enroll(struct http_client *http, const struct client_enroll *in,
    struct client_enrolled *out, struct err *err);
void client_enrolled_free(struct client_enrolled *e);
/* Checks an answer (CMC response or certificate) that came for `key` from the CA of
 * `ca_certificate`; `key_hash`: that of the sealed key that was sent. A NULL view: the
 * caller no longer knows what was sent (a request that was pending). */
bool client_check_response(struct view der, struct view ca_certificate, EVP_PKEY *key,
    struct view key_hash, struct client_enrolled *out, struct err *err);

#endif
