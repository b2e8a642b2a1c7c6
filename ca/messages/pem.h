/*
 * Files of certificates, requests and CRLs: DER, or what Windows and others put around it, which is
 * PEM, base64 alone, UTF-16 and marks of it; around certificates PKCS#7, too. Private keys do not
 * pass here (material.h). What a person gives is read by given.h, which tells him what else it is.
 */
#ifndef MESSAGES_PEM_H
#define MESSAGES_PEM_H

#include "pkcs7.h"

#define PEM_FILE_MAX 262144

/* Appends one armoured object; `label` is "CERTIFICATE" or "CERTIFICATE REQUEST". */
bool pem_append(struct buf *to, const char *label, struct view der, struct err *err);
/* Every certificate of it, at least one. Free with pem_list_free. */
bool pem_certificates(struct view text, struct buf **list_out, size_t *count_out, struct err *err);
/* The one certificate of such a text. ERROR_INVALID_DATA: there are others. */
bool pem_certificate(struct view text, struct buf *out, struct err *err);
/* The same, as one thing to own. */
struct pem_certs {
	struct buf *list;
	size_t count; /* at least one, once it is read */
};
void pem_certs_free(struct pem_certs *c);
/* Calls for every certificate of it, none too; false ends it. Of any size. */
bool pem_each_certificate(struct view text, pkcs7_each *each, void *arg, struct err *err);
/* What a file holds: DER as it is, or the first object of PEM, of whatever label. Of any size. */
bool pem_any(struct view text, struct buf *out, struct err *err);
/* The same of a CERTIFICATE REQUEST (or NEW CERTIFICATE REQUEST, RFC 7468 7). */
bool pem_request(struct view text, struct buf *out, struct err *err);
/* The same of an X509 CRL. Of any size. */
bool pem_crl(struct view text, struct buf *out, struct err *err);
void pem_list_free(struct buf **list, size_t count);

#endif
