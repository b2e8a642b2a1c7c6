/*
 * What the CA says of a retrieval inside the signature of a recovery BLOB: a signed attribute of
 * its own, specified in docs/PROTOCOL.md. It binds the officer's act and every certificate of the
 * message, which CMS leaves outside the signature.
 */
#ifndef MESSAGES_RETRIEVAL_H
#define MESSAGES_RETRIEVAL_H

#include "buf.h"

#define RETRIEVAL_HASH_LEN    32 /* SHA-256 of a certificate */
#define RETRIEVAL_CERTS_MAX   62 /* chain and KRAs; one more makes the most that a message has */
#define RETRIEVAL_OFFICER_MAX 512
#define RETRIEVAL_TICKET_MAX  64

struct retrieval_hash {
	uint8_t sha256[RETRIEVAL_HASH_LEN];
};

struct retrieval {
	int64_t request_id, audit_row, when; /* row 0: the audit filter left it out */
	char *officer;                       /* DOMAIN\name */
	char *officer_sid;                   /* text; NULL: the directory gives none */
	int64_t case_id;                     /* recovery case; 0: none is named */
	char *ticket;                        /* of it; NULL: it has none, being one by itself */
	struct retrieval_hash certificate;
	struct retrieval_hash *chain; /* the CA that signs first */
	size_t chain_count;
	struct retrieval_hash *kras; /* whose certificates the CA has; none need be */
	size_t kra_count;
};

/* E_INVALIDARG if something is missing or too long. */
bool retrieval_encode(const struct retrieval *r, struct buf *der_out, struct err *err);
/* Exactly one KeyRetrieval in DER, with texts that can be shown and no hash twice.
 * ERROR_INVALID_DATA. */
bool retrieval_decode(struct view der, struct retrieval *out, struct err *err);
void retrieval_free(struct retrieval *r);
/* The certificate is one of those named. */
bool retrieval_has(const struct retrieval *r, const uint8_t sha256[RETRIEVAL_HASH_LEN]);

#endif
