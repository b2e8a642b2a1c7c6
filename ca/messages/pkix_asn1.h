/*
 * Wire structs of X.509 and PKCS#10 (RFC 5280 4.1, 5.1; RFC 2986 4). Names and public keys stay
 * whole DER elements in an ASN1_STRING (template ASN1_SEQUENCE): nothing here decodes a key or
 * canonicalises a name.
 */
#ifndef MESSAGES_PKIX_ASN1_H
#define MESSAGES_PKIX_ASN1_H

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "own_openssl.h"

/* SIGNED{}: Certificate, CertificateList and CertificationRequest have one shape. */
typedef struct {
	ASN1_STRING *tbs;
	X509_ALGOR *sig_alg;
	ASN1_BIT_STRING *signature;
} PKIX_SIGNED;
DECLARE_ASN1_FUNCTIONS(PKIX_SIGNED)
OWN_POINTER(own_pkix_signed, PKIX_SIGNED, PKIX_SIGNED_free)

/* RFC 2986 4.1 CertificationRequestInfo */
typedef struct {
	ASN1_INTEGER *version;
	ASN1_STRING *subject;
	ASN1_STRING *spki;
	STACK_OF(X509_ATTRIBUTE) * attributes;
} PKIX_REQUEST_INFO;
DECLARE_ASN1_FUNCTIONS(PKIX_REQUEST_INFO)
OWN_POINTER(own_pkix_request_info, PKIX_REQUEST_INFO, PKIX_REQUEST_INFO_free)

/* RFC 5280 4.1 TBSCertificate */
typedef struct {
	ASN1_INTEGER *version;
	ASN1_INTEGER *serial;
	X509_ALGOR *sig_alg;
	ASN1_STRING *issuer;
	X509_VAL *validity;
	ASN1_STRING *subject;
	ASN1_STRING *spki;
	ASN1_BIT_STRING *issuer_uid;
	ASN1_BIT_STRING *subject_uid;
	STACK_OF(X509_EXTENSION) * extensions;
} PKIX_TBS_CERT;
DECLARE_ASN1_FUNCTIONS(PKIX_TBS_CERT)
OWN_POINTER(own_pkix_tbs_cert, PKIX_TBS_CERT, PKIX_TBS_CERT_free)

/* RFC 5280 5.1 TBSCertList, without its entries */
typedef struct {
	ASN1_INTEGER *version;
	X509_ALGOR *sig_alg;
	ASN1_STRING *issuer;
	ASN1_TIME *this_update;
	ASN1_TIME *next_update;
	STACK_OF(X509_EXTENSION) * extensions;
} PKIX_TBS_CRL;
DECLARE_ASN1_FUNCTIONS(PKIX_TBS_CRL)
OWN_POINTER(own_pkix_tbs_crl, PKIX_TBS_CRL, PKIX_TBS_CRL_free)

/* RFC 5280 4.1.2.7 SubjectPublicKeyInfo */
typedef struct {
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *key;
} PKIX_SPKI;
DECLARE_ASN1_FUNCTIONS(PKIX_SPKI)
OWN_POINTER(own_pkix_spki, PKIX_SPKI, PKIX_SPKI_free)

/* RFC 8017 A.1.1 RSAPublicKey */
typedef struct {
	ASN1_INTEGER *n;
	ASN1_INTEGER *e;
} PKIX_RSA_KEY;
DECLARE_ASN1_FUNCTIONS(PKIX_RSA_KEY)

/* EnrollmentNameValuePair, 1.3.6.1.4.1.311.13.2.1 */
typedef struct {
	ASN1_STRING *name;
	ASN1_STRING *value;
} PKIX_NAME_VALUE;
DECLARE_ASN1_FUNCTIONS(PKIX_NAME_VALUE)
OWN_POINTER(own_pkix_name_value, PKIX_NAME_VALUE, PKIX_NAME_VALUE_free)

/* [MS-WCCE] 2.2.2.7.7.2 CertificateTemplateOID */
typedef struct {
	ASN1_OBJECT *oid;
	ASN1_INTEGER *major;
	ASN1_INTEGER *minor;
} PKIX_TEMPLATE;
DECLARE_ASN1_FUNCTIONS(PKIX_TEMPLATE)
OWN_POINTER(own_pkix_template, PKIX_TEMPLATE, PKIX_TEMPLATE_free)

/* [MS-WCCE] 2.2.2.7.7.1 in its SEQUENCE form */
typedef struct {
	ASN1_UTF8STRING *name;
} PKIX_TEMPLATE_NAME;
DECLARE_ASN1_FUNCTIONS(PKIX_TEMPLATE_NAME)
OWN_POINTER(own_pkix_template_name, PKIX_TEMPLATE_NAME, PKIX_TEMPLATE_NAME_free)

#endif
