/*
 * Makers of certificate extensions (RFC 5280 4.2, [MS-WCCE] 2.2.2.7.7): each pushes one onto a
 * list, in the order of the calls. Values are built with libcrypto's own types; nothing is decided
 * here.
 */
#ifndef MESSAGES_EXTENSION_H
#define MESSAGES_EXTENSION_H

#include <openssl/x509v3.h>

#include "buf.h"

typedef STACK_OF(X509_EXTENSION) ext_list;

#define KEY_ID_LEN 20

/* SHA-1 of the key's BIT STRING (RFC 5280 4.2.1.2 method 1). */
bool ext_key_id(struct view spki, uint8_t out[KEY_ID_LEN], struct err *err);

bool ext_push_key_usage(ext_list *list, uint16_t bits, bool critical, struct err *err);
bool ext_push_eku(ext_list *list, char *const *oids, size_t count, bool critical, struct err *err);
/* path_len -1: none. */
bool ext_push_basic_constraints(
    ext_list *list, bool is_ca, int path_len, bool critical, struct err *err);
bool ext_push_ski(ext_list *list, struct view key_id, struct err *err);
bool ext_push_aki(ext_list *list, struct view key_id, struct err *err);
/* `dotted` is 1.3.6.1.4.1.311.21.10, which has the form of certificatePolicies without qualifiers.
 */
bool ext_push_policies(
    ext_list *list, const char *dotted, char *const *oids, size_t count, struct err *err);
/* certificatePolicies with what an authority states about each policy. */
struct ext_policy {
	const char *oid;
	char *const *cps; /* URIs in ASCII */
	size_t cps_count;
	const char *notice; /* NULL: none; over 200 characters is ERROR_INVALID_DATA (RFC 5280) */
};
bool ext_push_issuance_policies(
    ext_list *list, const struct ext_policy *policies, size_t count, struct err *err);
bool ext_push_template_name(ext_list *list, const char *cn, struct err *err); /* 20.2 */
bool ext_push_template_info(
    ext_list *list, const char *oid, int64_t major, int64_t minor, struct err *err); /* 21.7 */
/* By which of them a request names its template: 21.7 where there is an OID, else 20.2. */
bool ext_push_template(
    ext_list *list, const char *cn, const char *oid, int64_t major, int64_t minor, struct err *err);
bool ext_push_ca_version(ext_list *list, int64_t version, struct err *err); /* 21.1 */
/* 21.2: SHA-1 of the CA certificate before. */
bool ext_push_previous_hash(ext_list *list, struct view sha1, struct err *err);
bool ext_push_smime_capabilities(ext_list *list, struct err *err);
bool ext_push_ocsp_nocheck(ext_list *list, struct err *err);
/* NULLs among them are left out. */
struct ext_urls {
	char *const *list;
	size_t count;
};
bool ext_push_cdp(ext_list *list, const struct ext_urls *urls, struct err *err);
bool ext_push_freshest(ext_list *list, const struct ext_urls *urls, struct err *err);
/* Of the issuer's certificate, NULLs left out, and of its OCSP responder; NULL: none. */
bool ext_push_aia(
    ext_list *list, char *const *urls, size_t count, const char *ocsp, struct err *err);
/* Of CRLs (RFC 5280 5.2). The first two are critical. */
bool ext_push_delta_indicator(ext_list *list, int64_t base_number, struct err *err);
bool ext_push_issuing_point(ext_list *list, const struct ext_urls *urls, struct err *err);
bool ext_push_crl_number(ext_list *list, int64_t number, struct err *err);
bool ext_push_next_publish(ext_list *list, int64_t when, struct err *err); /* 21.4 */
/* 21.14: where the CRL itself is published. */
bool ext_push_self_cdp(ext_list *list, const struct ext_urls *urls, struct err *err);
/* 25.2: SEQUENCE { [0] otherName { 25.2.1, OCTET STRING of the SID's text } } */
bool ext_push_sid(ext_list *list, const char *sid_text, struct err *err);

/* Values by themselves, as certutil -setextension makes them: an INTEGER, a UTF8String or (`ascii`)
 * an IA5String, a GeneralizedTime. */
bool ext_value_number(int64_t number, struct buf *out, struct err *err);
bool ext_value_text(const char *text, bool ascii, struct buf *out, struct err *err);
bool ext_value_instant(int64_t when, struct buf *out, struct err *err);

/* subjectAltName: makers of single names, then the list, which the caller frees with
 * GENERAL_NAMES_free. */
bool ext_add_name(GENERAL_NAMES *names, int type, const char *text,
    struct err *err); /* GEN_EMAIL, GEN_DNS, GEN_URI */
bool ext_add_upn(GENERAL_NAMES *names, const char *upn, struct err *err);
bool ext_add_guid(GENERAL_NAMES *names, const uint8_t guid[16], struct err *err);
bool ext_add_address(GENERAL_NAMES *names, const uint8_t *address, int len, struct err *err);
bool ext_push_san(ext_list *list, GENERAL_NAMES *names, bool critical, struct err *err);

#endif
