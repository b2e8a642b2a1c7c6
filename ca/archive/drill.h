/*
 * The proof that an archived key opens, without showing it (docs/PROTOCOL.md): made on the machine
 * of the key recovery agent, checked where only its certificate is known.
 */
#ifndef ARCHIVE_DRILL_H
#define ARCHIVE_DRILL_H

#include <openssl/evp.h>

#include "cms.h"
#include "drill_report.h"
#include "pkix.h"

/* What a proof is about: it holds for nothing else. */
struct drill_subject {
	struct view drill;         /* DRILL_ID octets, random */
	struct view sealed;        /* SHA-256 of the archived key as it is sealed */
	uint8_t agent[DRILL_HASH]; /* archive_key_id of the agent who opens it */
};
/* A signature by the archived key. */
bool drill_proof_make(
    const struct drill_subject *s, EVP_PKEY *key, struct buf *signature_out, struct err *err);
/* `pub` is the key of the certificate that the archived key is of. NTE_BAD_SIGNATURE. */
bool drill_proof_check(
    const struct drill_subject *s, EVP_PKEY *pub, struct view signature, struct err *err);

/* A message of a report: signed by the agent, whose certificate is in it. */
bool drill_report_sign(const struct drill_report *r, EVP_PKEY *agent, struct view certificate,
    int64_t now, struct buf *out, struct err *err);
/* What it says, which nobody is to believe before drill_report_verify. */
struct drill_message {
	struct cms_signed message;
	struct drill_report report;
};
bool drill_message_decode(struct view der, struct drill_message *out, struct err *err);
/* The same of a file, which is such messages one after the other: takes the first from it. */
bool drill_message_next(struct view *file, struct drill_message *out, struct err *err);
void drill_message_free(struct drill_message *m);
/* By the key of the agent whose drill it is, whatever certificate the message brings: one that was
 * renewed with its key is the same agent. NTE_BAD_SIGNATURE, CRYPT_E_HASH_VALUE. */
bool drill_message_verify(const struct drill_message *m, EVP_PKEY *agent, struct err *err);

#endif
