/*
 * Wire structs of OCSP answers (RFC 6960 4.2.1). Requests are libcrypto's; its answers can only be
 * made together with the key that signs them, and that is in another process.
 */
#ifndef MESSAGES_OCSP_ASN1_H
#define MESSAGES_OCSP_ASN1_H

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "own_openssl.h"

typedef struct {
	ASN1_GENERALIZEDTIME *when;
	ASN1_ENUMERATED *reason; /* NULL: none */
} OCSP_WIRE_REVOKED;

/* CertStatus */
typedef struct {
	int type; /* OCSP_WIRE_* */
	union {
		ASN1_NULL *good, *unknown;
		OCSP_WIRE_REVOKED *revoked;
	} value;
} OCSP_WIRE_STATUS;
enum { OCSP_WIRE_GOOD, OCSP_WIRE_REVOKED_AT, OCSP_WIRE_UNKNOWN };

/* SingleResponse; the CertID as it was asked. */
typedef struct {
	ASN1_STRING *cert_id;
	OCSP_WIRE_STATUS *status;
	ASN1_GENERALIZEDTIME *this_update, *next_update;
} OCSP_WIRE_SINGLE;
DECLARE_ASN1_FUNCTIONS(OCSP_WIRE_SINGLE)
DEFINE_STACK_OF(OCSP_WIRE_SINGLE)

/* ResponseData of version 1, its responder named by key. */
typedef struct {
	ASN1_OCTET_STRING *key_hash;
	ASN1_GENERALIZEDTIME *produced_at;
	STACK_OF(OCSP_WIRE_SINGLE) * singles;
	STACK_OF(X509_EXTENSION) * extensions; /* NULL: none */
} OCSP_WIRE_DATA;
DECLARE_ASN1_FUNCTIONS(OCSP_WIRE_DATA)
OWN_POINTER(own_ocsp_data, OCSP_WIRE_DATA, OCSP_WIRE_DATA_free)

/* BasicOCSPResponse; data and certificates are whole encodings. */
typedef struct {
	ASN1_STRING *data;
	X509_ALGOR *sig_alg;
	ASN1_BIT_STRING *signature;
	ASN1_STRING *certificates;
} OCSP_WIRE_BASIC;
DECLARE_ASN1_FUNCTIONS(OCSP_WIRE_BASIC)
OWN_POINTER(own_ocsp_basic, OCSP_WIRE_BASIC, OCSP_WIRE_BASIC_free)

#endif
