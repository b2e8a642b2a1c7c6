/*
 * The TLS connection of an HTTP client as far as trust goes beyond chain and host name: the pinned
 * key of the service, and what a sign-in is bound to (RFC 5929).
 */
#ifndef CLIENT_TLS_CHANNEL_H
#define CLIENT_TLS_CHANNEL_H

#include <curl/curl.h>
#include <openssl/evp.h>

#include "buf.h"

struct tls_channel {
	const struct buf *keys; /* SHA-256 of the SubjectPublicKeyInfo of each that may be there */
	size_t key_count;
	EVP_PKEY *client_key; /* shown with its certificate to a service that asks; NULL: none */
	struct view client_certificate;
	struct buf end_point; /* tls-server-end-point of the present connection; empty: none yet */
	bool bound; /* what is to be sent is bound to `end_point`: no connection with another may
		       carry it */
	struct err refusal; /* why the last handshake was refused here; ERR_OK: it was not */
};

/* Every handshake of `curl`, which must use OpenSSL, is checked from now on. `c` must outlive it.
 */
bool tls_channel_watch(struct tls_channel *c, CURL *curl, struct err *err);
void tls_channel_free(struct tls_channel *c);

#endif
