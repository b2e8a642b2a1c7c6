/*
 * PEM files of certificates and requests: armour around DER, nothing more. Private keys do not pass
 * here.
 */
#ifndef MESSAGES_PEM_H
#define MESSAGES_PEM_H

#include "buf.h"

#define PEM_FILE_MAX 262144

/* Appends one armoured object; `label` is "CERTIFICATE" or "CERTIFICATE REQUEST". */
bool pem_append(struct buf *to, const char *label, struct view der, struct err *err);
/* Every CERTIFICATE of a PEM text, or the text itself if it is DER. At least one. Free with
 * pem_list_free. */
bool pem_certificates(struct view text, struct buf **list_out, size_t *count_out, struct err *err);
/* The one certificate of such a text. ERROR_INVALID_DATA: there are others. */
bool pem_certificate(struct view text, struct buf *out, struct err *err);
/* pem_certificates of a file; an absent file is ERROR_FILE_NOT_FOUND. */
bool pem_certificates_file(
    const char *path, struct buf **list_out, size_t *count_out, struct err *err);
/* The same, as one thing to own. */
struct pem_certs {
	struct buf *list;
	size_t count; /* at least one, once it is read */
};
bool pem_certs_read(const char *path, struct pem_certs *out, struct err *err);
void pem_certs_free(struct pem_certs *c);
/* What a file holds: DER as it is, or the first object of a PEM text, of whatever label. Of any
 * size. */
bool pem_any(struct view text, struct buf *out, struct err *err);
/* The first CERTIFICATE REQUEST (or NEW CERTIFICATE REQUEST, RFC 7468 7) of a PEM text. */
bool pem_request(struct view text, struct buf *out, struct err *err);
/* The first X509 CRL of a PEM text, or the text itself if it is DER. Of any size. */
bool pem_crl(struct view text, struct buf *out, struct err *err);
void pem_list_free(struct buf **list, size_t count);

#endif
