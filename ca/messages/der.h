/*
 * One way in and one way out for every wire structure of cms*.c and cmc*.c, and the small steps
 * between OpenSSL's ASN.1 strings and views.
 */
#ifndef MESSAGES_CMS_DER_H
#define MESSAGES_CMS_DER_H

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "cms.h"
#include "der_read.h"
#include "own_openssl.h"

/* Strict DER of exactly one `what`: nothing left over, and writing it again gives the same bytes
 * (so no indefinite lengths, no constructed strings, no padding). The structure, freed with
 * ASN1_item_free; NULL after ERROR_INVALID_DATA, or DIRCA_E_TOO_LARGE over `max`. */
void *der_decode(
    const ASN1_ITEM *item, struct view der, size_t max, const char *what, struct err *err);
/* The same where nobody asks why: NULL, with OpenSSL's error queue empty. */
void *der_exact(const ASN1_ITEM *item, struct view der);
/* Of a message that did not decode: true if it is a ContentInfo of a type other than `nid`, whose
 * dotted name goes to `oid`. */
bool der_is_other_content(struct view der, int nid, char oid[80]);
bool der_encode(
    const ASN1_ITEM *item, const void *value, const char *what, struct buf *out, struct err *err);

struct view der_string(const ASN1_STRING *s);
/* The same octets in `der`, of which the string was decoded: it lies whole in it, and outlives the
 * structure. NULL: none. */
struct view der_within(const struct buf *der, const ASN1_STRING *s);
/* New string of an ASN.1 type (V_ASN1_SEQUENCE, V_ASN1_SET: whole encodings); NULL on no memory. */
ASN1_STRING *der_string_new(int type, struct view content);
/* Replaces the content of a string that the structure holds already. */
bool der_string_set(ASN1_STRING *s, struct view content, struct err *err);

/* Seconds since 1970 of a GeneralizedTime in DER, YYYYMMDDHHMMSSZ (X.690 11.7). */
bool der_instant(const ASN1_GENERALIZEDTIME *from, int64_t *out);

/* Content octets of an INTEGER that names a certificate: not empty, at most 64, no superfluous
 * first octet. */
bool der_is_serial(struct view octets);

/* ASN1_get_object that leaves nothing in OpenSSL's error queue: 0x80 is damage or more than there
 * is, 1 an indefinite length, 0x20 constructed. */
int der_head(const unsigned char **p, long *len, int *tag, int *class, size_t max);
/*
 * What the templates of OpenSSL read, from strict DER where it lies. Each takes the next element
 * from `cursor`; false, and `cursor` anywhere, if it is not that element in its only encoding.
 */
/* OBJECT IDENTIFIER: its content. */
bool der_take_oid(struct view *cursor, struct view *octets_out);
/* INTEGER that fits. */
bool der_take_int32(struct view *cursor, int32_t *out);
/* AlgorithmIdentifier, with parameters of any kind or without; the whole, and the content of its
 * object identifier. */
bool der_take_algorithm(struct view *cursor, struct view *whole, struct view *oid_out);
/* ANY: the whole. What is in a SEQUENCE, a SET or a tag that is not universal is not looked into,
 * and may be BER. */
bool der_take_value(struct view *cursor, struct view *whole);
/* The same of an element that begins with `first`, of a SEQUENCE or SET. */
bool der_take_raw(struct view *cursor, uint8_t first, struct view *whole);

/* Splits the content of a SET or SEQUENCE: takes the next whole value from `cursor`. False at the
 * end or on damage (cursor then not empty). */
bool der_next(struct view *cursor, struct view *value_out);

/* An attribute, or a CMC control which has the same shape: its type, whose octets are given, as
 * text and NID, and the values of its raw SET. */
bool der_attr(struct view type, struct view raw_set, struct cms_attr *out, struct err *err);
/* Whole SET (0x31 ...) around values that are DER already. */
bool der_set_wrap(struct view values, ASN1_STRING **out, struct err *err);

/* The single value of an attribute as an OCTET STRING, e.g. messageDigest. The content is a view
 * into the attribute. */
bool der_attr_octets(const struct cms_attr *a, struct view *out, struct err *err);

/* The number, if it fits; nothing of one that does not stays in OpenSSL's queue of errors. */
bool der_int64(int64_t *out, const ASN1_INTEGER *from);
/* The encoding of a structure as a string, for the parameters of an algorithm and the like; NULL on
 * no memory or a NULL value. */
ASN1_STRING *der_pack(const ASN1_ITEM *item, const void *value);
/* AlgorithmIdentifier with parameters of type V_ASN1_NULL or without (V_ASN1_UNDEF). */
X509_ALGOR *der_alg_new(int nid, int param_type);
/* Sets an AlgorithmIdentifier whose parameters are another structure. Takes `params`, NULL is an
 * error of the caller's memory. */
bool der_alg_set(X509_ALGOR *alg, int nid, ASN1_STRING *params, struct err *err);

#endif
