/*
 * Files that people give: the one place that reads the certificates, requests, lists and messages
 * of them, whatever Windows, a mail program or an editor wrote around the DER (PEM, base64 alone,
 * UTF-16, byte order marks, a PKCS#7 around certificates), and says of another file what it is.
 * Files with private keys are material.h's, which shares the reader.
 */
#ifndef MESSAGES_GIVEN_H
#define MESSAGES_GIVEN_H

#include <stdio.h>

#include "material.h"
#include "pem.h"

/* What is wanted of a file. */
enum given {
	GIVEN_CERTIFICATE,
	GIVEN_REQUEST, /* PKCS#10 or CMC */
	GIVEN_CRL,
	GIVEN_RESPONSE, /* a CA's: CMC, or certificates */
	GIVEN_RECOVERY,
	GIVEN_KEYS, /* a private key, or certificates too */
	GIVEN_KEY,  /* without its certificate, too */
	GIVEN_PAIR, /* a private key with its certificate */
	GIVEN_SHARE,
	GIVEN_SHARES, /* of the keys of a batch */
	GIVEN_BATCH,  /* of keys to be sealed anew */
	GIVEN_DRILL,
	GIVEN_INF,
	GIVEN_TEMPLATES,
	GIVEN_DESCRIPTOR,
	GIVEN_ESCROW, /* keys, and archives of them */
	GIVEN_EXPORT, /* of the audit trail */
	GIVEN_ROWS,
};

/* What could not be read, by its name: where it is another kind of thing, what it is and what is
 * wanted, with the command that makes the one of the other if there is one; else the sentence that
 * *err holds. The code becomes ERROR_INVALID_DATA where it is another kind. path NULL: the caller
 * names it, and there is no command. Returns false. */
bool given_failed(const char *path, struct view file, enum given wanted, struct err *err);

/* Of what is read bit by bit: can it be that, by how it begins? ERROR_INVALID_DATA: what else it
 * is. The file stands at its beginning afterwards; one that cannot, a pipe, may be anything. */
bool given_begins_as(const char *path, FILE *file, enum given wanted, struct err *err);

/* Every certificate of the file (pem_certificates); an absent file is ERROR_FILE_NOT_FOUND. */
bool given_certificates(const char *path, struct pem_certs *out, struct err *err);
/* The same of a file that was read already. */
bool given_certificates_of(
    const char *path, struct view file, struct pem_certs *out, struct err *err);
/* Those that TLS is to be verified by, a whole system's too, as PEM for who can read nothing else.
 */
bool given_trust(const char *path, struct buf *pem, struct err *err);
/* Those of them that issued none of the others: what a bundle is about, without its chain. */
bool given_leaves(const char *path, struct pem_certs *out, struct err *err);
/* The one of given_leaves, and where `others` is no NULL what else is there; ERROR_INVALID_DATA:
 * there are several, which are named. */
bool given_certificate(
    const char *path, struct buf *out, struct pem_certs *others, struct err *err);
/* The DER of a file that was read already: of whatever kind, the first object of PEM. */
bool given_der(
    const char *path, struct view file, enum given wanted, struct buf *out, struct err *err);
/* The DER of a CRL. */
bool given_crl(const char *path, struct buf *out, struct err *err);

#endif
