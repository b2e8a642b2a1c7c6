/*
 * Wire structures of CMS (RFC 5652) and of its elliptic-curve key agreement (RFC 5753): private to
 * cms*.c and cmc*.c. What the product does not look into stays DER. The SET OFs keep the order in
 * which they came, so that decode and encode give the received bytes.
 */
#ifndef MESSAGES_CMS_ASN1_H
#define MESSAGES_CMS_ASN1_H

#include <openssl/asn1.h>
#include <openssl/safestack.h>
#include <openssl/x509.h>

#include "own_openssl.h"

/* A SET whose ASN1_STRING holds the whole encoding, with the header as received (an implicit tag
 * included). */
DECLARE_ASN1_ITEM(CMSW_RAW_SET)

/* RFC 5652 3 */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_TYPE *content;
} CMSW_CONTENT_INFO;
DECLARE_ASN1_FUNCTIONS(CMSW_CONTENT_INFO)

/* RFC 5652 5.3 and 10.2.4; the serial is an INTEGER of which the content octets are kept. */
typedef struct {
	ASN1_STRING *issuer;
	ASN1_OCTET_STRING *serial;
} CMSW_ISSUER_SERIAL;
DECLARE_ASN1_FUNCTIONS(CMSW_ISSUER_SERIAL)

enum { CMSW_ID_ISSUER_SERIAL = 0, CMSW_ID_KEY = 1 };

/* SignerIdentifier and the RecipientIdentifier of key transport: the same CHOICE. */
typedef struct {
	int type;
	union {
		CMSW_ISSUER_SERIAL *issuer_serial;
		ASN1_OCTET_STRING *key_id;
	} d;
} CMSW_ID;
DECLARE_ASN1_FUNCTIONS(CMSW_ID)

typedef struct {
	ASN1_OBJECT *type;
	ASN1_STRING *values; /* CMSW_RAW_SET */
} CMSW_ATTRIBUTE;
DECLARE_ASN1_FUNCTIONS(CMSW_ATTRIBUTE)
OWN_POINTER(own_cmsw_attribute, CMSW_ATTRIBUTE, CMSW_ATTRIBUTE_free)
DEFINE_STACK_OF(CMSW_ATTRIBUTE)
static inline void
own_cmsw_attributes(STACK_OF(CMSW_ATTRIBUTE) * *list)
{
	sk_CMSW_ATTRIBUTE_pop_free(*list, CMSW_ATTRIBUTE_free);
}

/* SET OF Attribute: read in the order received; written in DER order. */
DECLARE_ASN1_ITEM(CMSW_ATTRIBUTES)
DECLARE_ASN1_ITEM(CMSW_ATTRIBUTES_SORTED)

/* RFC 5652 5.3 */
typedef struct {
	int32_t version;
	CMSW_ID *sid;
	X509_ALGOR *digest_alg;
	ASN1_STRING *signed_attrs; /* CMSW_RAW_SET, tagged [0]; NULL if absent */
	X509_ALGOR *sig_alg;
	ASN1_OCTET_STRING *signature;
	STACK_OF(CMSW_ATTRIBUTE) * unsigned_attrs;
} CMSW_SIGNER_INFO;
DECLARE_ASN1_FUNCTIONS(CMSW_SIGNER_INFO)
OWN_POINTER(own_cmsw_signer_info, CMSW_SIGNER_INFO, CMSW_SIGNER_INFO_free)
DEFINE_STACK_OF(CMSW_SIGNER_INFO)

/* RFC 5652 5.2 */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_OCTET_STRING *content;
} CMSW_ENCAP;
DECLARE_ASN1_FUNCTIONS(CMSW_ENCAP)

/* RFC 5652 5.1 */
typedef struct {
	int32_t version;
	STACK_OF(X509_ALGOR) * digest_algs;
	CMSW_ENCAP *encap;
	STACK_OF(ASN1_TYPE) * certificates;
	STACK_OF(ASN1_TYPE) * crls;
	STACK_OF(CMSW_SIGNER_INFO) * signers;
} CMSW_SIGNED_DATA;
DECLARE_ASN1_FUNCTIONS(CMSW_SIGNED_DATA)

/* ContentInfo that holds a SignedData. */
typedef struct cmsw_signed {
	ASN1_OBJECT *type;
	CMSW_SIGNED_DATA *data;
} CMSW_SIGNED;
DECLARE_ASN1_FUNCTIONS(CMSW_SIGNED)
OWN_POINTER(own_cmsw_signed, CMSW_SIGNED, CMSW_SIGNED_free)

/* RFC 5652 6.2.1 */
typedef struct {
	int32_t version;
	CMSW_ID *rid;
	X509_ALGOR *key_alg;
	ASN1_OCTET_STRING *encrypted_key;
} CMSW_KEY_TRANS;
DECLARE_ASN1_FUNCTIONS(CMSW_KEY_TRANS)

/* RFC 5652 6.2.2 */
typedef struct {
	X509_ALGOR *alg;
	ASN1_BIT_STRING *key;
} CMSW_ORIGINATOR_KEY;
DECLARE_ASN1_FUNCTIONS(CMSW_ORIGINATOR_KEY)

enum { CMSW_ORIGINATOR_IS_KEY = 2 };

typedef struct {
	int type;
	union {
		CMSW_ISSUER_SERIAL *issuer_serial;
		ASN1_OCTET_STRING *key_id;
		CMSW_ORIGINATOR_KEY *key;
	} d;
} CMSW_ORIGINATOR;
DECLARE_ASN1_FUNCTIONS(CMSW_ORIGINATOR)

typedef struct {
	ASN1_OCTET_STRING *key_id;
	ASN1_GENERALIZEDTIME *date;
	ASN1_TYPE *other;
} CMSW_RECIPIENT_KEY_ID;
DECLARE_ASN1_FUNCTIONS(CMSW_RECIPIENT_KEY_ID)

typedef struct {
	int type;
	union {
		CMSW_ISSUER_SERIAL *issuer_serial;
		CMSW_RECIPIENT_KEY_ID *key;
	} d;
} CMSW_AGREE_ID;
DECLARE_ASN1_FUNCTIONS(CMSW_AGREE_ID)

typedef struct {
	CMSW_AGREE_ID *rid;
	ASN1_OCTET_STRING *encrypted_key;
} CMSW_AGREED_KEY;
DECLARE_ASN1_FUNCTIONS(CMSW_AGREED_KEY)
OWN_POINTER(own_cmsw_agreed_key, CMSW_AGREED_KEY, CMSW_AGREED_KEY_free)
DEFINE_STACK_OF(CMSW_AGREED_KEY)

typedef struct {
	int32_t version;
	CMSW_ORIGINATOR *originator;
	ASN1_OCTET_STRING *ukm;
	X509_ALGOR *key_alg;
	STACK_OF(CMSW_AGREED_KEY) * keys;
} CMSW_KEY_AGREE;
DECLARE_ASN1_FUNCTIONS(CMSW_KEY_AGREE)

/* RFC 5652 6.2.5 */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_TYPE *value;
} CMSW_OTHER_RECIPIENT;
DECLARE_ASN1_FUNCTIONS(CMSW_OTHER_RECIPIENT)

enum { CMSW_RECIPIENT_TRANS = 0, CMSW_RECIPIENT_AGREE = 1, CMSW_RECIPIENT_OTHER = 4 };

/* RFC 5652 6.2; shared keys, passwords and others than shares are not opened. */
typedef struct cmsw_recipient {
	int type;
	union {
		CMSW_KEY_TRANS *trans;
		CMSW_KEY_AGREE *agree;
		ASN1_STRING *unread;
		CMSW_OTHER_RECIPIENT *other;
	} d;
} CMSW_RECIPIENT;
DECLARE_ASN1_FUNCTIONS(CMSW_RECIPIENT)
OWN_POINTER(own_cmsw_recipient, CMSW_RECIPIENT, CMSW_RECIPIENT_free)
DEFINE_STACK_OF(CMSW_RECIPIENT)

/* docs/PROTOCOL.md, KeyShare; in the place of OtherRecipientInfo's value */
typedef struct {
	int32_t version, threshold, number;
	ASN1_OCTET_STRING *set_id;
	ASN1_OCTET_STRING *commitment;
	CMSW_RECIPIENT *recipient; /* of the share, as another's of the content key */
} CMSW_KEY_SHARE;
DECLARE_ASN1_FUNCTIONS(CMSW_KEY_SHARE)
OWN_POINTER(own_cmsw_key_share, CMSW_KEY_SHARE, CMSW_KEY_SHARE_free)
DEFINE_STACK_OF(CMSW_KEY_SHARE)

/* RFC 5652 6.1 */
typedef struct {
	ASN1_OBJECT *type;
	X509_ALGOR *alg;
	ASN1_OCTET_STRING *content;
} CMSW_ENCRYPTED_CONTENT;
DECLARE_ASN1_FUNCTIONS(CMSW_ENCRYPTED_CONTENT)

typedef struct {
	int32_t version;
	ASN1_STRING *originator_info;
	STACK_OF(ASN1_TYPE) * recipients; /* each the DER of a CMSW_RECIPIENT */
	CMSW_ENCRYPTED_CONTENT *content;
	ASN1_STRING *unprotected_attrs;
} CMSW_ENVELOPED_DATA;
DECLARE_ASN1_FUNCTIONS(CMSW_ENVELOPED_DATA)

/* ContentInfo that holds an EnvelopedData. */
typedef struct {
	ASN1_OBJECT *type;
	CMSW_ENVELOPED_DATA *data;
} CMSW_ENVELOPED;
DECLARE_ASN1_FUNCTIONS(CMSW_ENVELOPED)
OWN_POINTER(own_cmsw_enveloped, CMSW_ENVELOPED, CMSW_ENVELOPED_free)

/* RFC 5083 2.1; attributes are not read. */
typedef struct {
	int32_t version;
	ASN1_STRING *originator_info;
	STACK_OF(ASN1_TYPE) * recipients; /* each the DER of a CMSW_RECIPIENT */
	CMSW_ENCRYPTED_CONTENT *content;
	ASN1_STRING *auth_attrs;
	ASN1_OCTET_STRING *mac;
	ASN1_STRING *unauth_attrs;
} CMSW_AUTH_ENVELOPED_DATA;
DECLARE_ASN1_FUNCTIONS(CMSW_AUTH_ENVELOPED_DATA)

/* ContentInfo that holds an AuthEnvelopedData. */
typedef struct {
	ASN1_OBJECT *type;
	CMSW_AUTH_ENVELOPED_DATA *data;
} CMSW_AUTH_ENVELOPED;
DECLARE_ASN1_FUNCTIONS(CMSW_AUTH_ENVELOPED)
OWN_POINTER(own_cmsw_auth_enveloped, CMSW_AUTH_ENVELOPED, CMSW_AUTH_ENVELOPED_free)

/* RFC 5084 3.2 */
typedef struct {
	ASN1_OCTET_STRING *nonce;
	ASN1_INTEGER *tag_len; /* NULL: 12 */
} CMSW_GCM;
DECLARE_ASN1_FUNCTIONS(CMSW_GCM)
OWN_POINTER(own_cmsw_gcm, CMSW_GCM, CMSW_GCM_free)

/* RFC 5753 7.2 */
typedef struct {
	ASN1_STRING *key_info; /* AlgorithmIdentifier as received */
	ASN1_OCTET_STRING *entity_u_info;
	ASN1_OCTET_STRING *supp_pub_info;
} CMSW_SHARED_INFO;
DECLARE_ASN1_FUNCTIONS(CMSW_SHARED_INFO)
OWN_POINTER(own_cmsw_shared_info, CMSW_SHARED_INFO, CMSW_SHARED_INFO_free)

#endif
