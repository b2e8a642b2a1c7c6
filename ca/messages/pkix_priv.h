/*
 * What the pkix_*.c files share: strict DER, elements, strings and times.
 * Not for other rooms.
 */
#ifndef MESSAGES_PKIX_PRIV_H
#define MESSAGES_PKIX_PRIV_H

#include "cms.h"
#include "pkix.h"
#include "pkix_asn1.h"

#define PKIX_MAX_DER   (64 * 1024)
#define PKIX_MAX_ITEMS 64

/* What the views of a decoded request or certificate point into. */
struct pkix_wire {
	PKIX_SIGNED *outer;
	PKIX_REQUEST_INFO *info;
	PKIX_TBS_CERT *tbs;
	STACK_OF(X509_EXTENSION) * requested[2]; /* extensionRequest, 311.2.1.14 */
	struct buf serial;
};
void pkix_wire_free(struct pkix_wire *w);

/* SIGNED{} of at most PKIX_MAX_DER strict bytes, whose BIT STRING has no unused bits. `what` is for
 * the error sentence. */
bool pkix_signed_decode(struct view der, const char *what, PKIX_SIGNED **out, struct err *err);

static inline struct view
pkix_string_view(const ASN1_STRING *s)
{
	return view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* BIT STRING of whole octets; false if bits are unused. */
bool pkix_bits_view(const ASN1_BIT_STRING *bits, struct view *out);
bool pkix_bits_set(ASN1_BIT_STRING *bits, struct view octets);

/* Puts a SEQUENCE element, checked by pkix_der_is_strict, into a template field. */
bool pkix_check_element(struct view der, const char *what, struct err *err);
bool pkix_put_element(ASN1_STRING *field, struct view der, const char *what, struct err *err);

/* Fields of what the CA makes: a time. */
bool pkix_time_fits(int64_t when, struct err *err);
bool pkix_put_time(ASN1_TIME *field, int64_t when, struct err *err);
/* The same as the content of an element, of a time that fits; the first octet of that. */
#define PKIX_TIME_TEXT 16
uint8_t pkix_time_text(int64_t when, char out[PKIX_TIME_TEXT]);
/* A positive number of at most 20 octets with its sign (RFC 5280 4.1.2.2). */
bool pkix_check_serial(struct view serial, struct err *err);

/* AlgorithmIdentifier from its DER; the first only looks at its shape. */
bool pkix_is_algorithm(struct view der);
X509_ALGOR *pkix_algor(struct view der, struct err *err);

/* Any ASN.1 text type as UTF-8; refuses NUL, control characters and characters that do not exist.
 */
bool pkix_string_text(const ASN1_STRING *s, char **out, struct err *err);
bool pkix_octets_text(int type, struct view content, char **out, struct err *err);

/* A string type of X.680 that holds text. */
bool pkix_is_text_type(int tag);

/* Appends a stack's extensions as views to a list. Duplicates and more than PKIX_MAX_ITEMS are
 * refused. */
bool pkix_extensions_add(const STACK_OF(X509_EXTENSION) * from, struct pkix_extension **list,
    size_t *count, struct err *err);

#endif
