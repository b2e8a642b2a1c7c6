/*
 * Wire structures of CMC (RFC 2797 and 5272; [MS-WCCE] 2.2.2.6 refers to the former): private to
 * cmc*.c.
 */
#ifndef MESSAGES_CMC_ASN1_H
#define MESSAGES_CMC_ASN1_H

#include <openssl/asn1.h>
#include <openssl/safestack.h>
#include <openssl/x509.h>

#include "cms_asn1.h"

/* RFC 5272 3.2.1: a control */
typedef struct {
	uint32_t id;
	ASN1_OBJECT *type;
	ASN1_STRING *values; /* CMSW_RAW_SET */
} CMCW_CONTROL;
DECLARE_ASN1_FUNCTIONS(CMCW_CONTROL)
OWN_POINTER(own_cmcw_control, CMCW_CONTROL, CMCW_CONTROL_free)
DEFINE_STACK_OF(CMCW_CONTROL)

typedef struct {
	uint32_t id;
	ASN1_STRING *pkcs10;
} CMCW_CERT_REQUEST;
DECLARE_ASN1_FUNCTIONS(CMCW_CERT_REQUEST)

enum { CMCW_REQUEST_PKCS10 = 0 };

/* RFC 5272 3.2.1.2; CRMF and other requests are not read. */
typedef struct {
	int type;
	union {
		CMCW_CERT_REQUEST *pkcs10;
		ASN1_STRING *other;
	} d;
} CMCW_REQUEST;
DECLARE_ASN1_FUNCTIONS(CMCW_REQUEST)
OWN_POINTER(own_cmcw_request, CMCW_REQUEST, CMCW_REQUEST_free)
DEFINE_STACK_OF(CMCW_REQUEST)

/* RFC 5272 3.2.1 */
typedef struct {
	STACK_OF(CMCW_CONTROL) * controls;
	STACK_OF(CMCW_REQUEST) * requests;
	STACK_OF(ASN1_TYPE) * messages;
	STACK_OF(ASN1_TYPE) * others;
} CMCW_PKI_DATA;
DECLARE_ASN1_FUNCTIONS(CMCW_PKI_DATA)
OWN_POINTER(own_cmcw_pki_data, CMCW_PKI_DATA, CMCW_PKI_DATA_free)

/* [MS-WCCE] 2.2.2.6.4 CmcAddAttributes */
typedef struct {
	uint32_t data_reference;
	STACK_OF(ASN1_INTEGER) * references;
	STACK_OF(CMSW_ATTRIBUTE) * attributes;
} CMCW_ADD_ATTRIBUTES;
DECLARE_ASN1_FUNCTIONS(CMCW_ADD_ATTRIBUTES)
OWN_POINTER(own_cmcw_add_attributes, CMCW_ADD_ATTRIBUTES, CMCW_ADD_ATTRIBUTES_free)

/* RFC 5272 6.5.2 */
typedef struct {
	uint32_t data_reference;
	STACK_OF(ASN1_INTEGER) * references;
	STACK_OF(X509_EXTENSION) * extensions;
} CMCW_ADD_EXTENSIONS;
DECLARE_ASN1_FUNCTIONS(CMCW_ADD_EXTENSIONS)

/* docs/PROTOCOL.md RequestBinding */
typedef struct {
	ASN1_GENERALIZEDTIME *time;
	ASN1_OCTET_STRING *ca;
	ASN1_OCTET_STRING *exchange;
	ASN1_UTF8STRING *sender;
} CMCW_BINDING;
DECLARE_ASN1_FUNCTIONS(CMCW_BINDING)
OWN_POINTER(own_cmcw_binding, CMCW_BINDING, CMCW_BINDING_free)

/* RFC 5272 4.2 */
typedef struct {
	STACK_OF(CMCW_CONTROL) * controls;
	STACK_OF(ASN1_TYPE) * messages;
	STACK_OF(ASN1_TYPE) * others;
} CMCW_RESPONSE;
DECLARE_ASN1_FUNCTIONS(CMCW_RESPONSE)

typedef struct {
	ASN1_OCTET_STRING *token;
	ASN1_GENERALIZEDTIME *time;
} CMCW_PEND_INFO;
DECLARE_ASN1_FUNCTIONS(CMCW_PEND_INFO)

enum { CMCW_OTHER_FAIL = 0, CMCW_OTHER_PEND = 1 };

typedef struct {
	int type;
	union {
		ASN1_INTEGER *fail;
		CMCW_PEND_INFO *pend;
	} d;
} CMCW_OTHER_INFO;
DECLARE_ASN1_FUNCTIONS(CMCW_OTHER_INFO)

/* RFC 5272 6.1 CMCStatusInfo, which is that of RFC 2797 5.1 */
typedef struct {
	int32_t status;
	STACK_OF(ASN1_INTEGER) * body_list;
	ASN1_UTF8STRING *text;
	CMCW_OTHER_INFO *other;
} CMCW_STATUS_INFO;
DECLARE_ASN1_FUNCTIONS(CMCW_STATUS_INFO)
OWN_POINTER(own_cmcw_status_info, CMCW_STATUS_INFO, CMCW_STATUS_INFO_free)

#endif
