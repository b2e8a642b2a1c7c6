/*
 * Ownership by scope (base/own.h) of what OpenSSL makes. All do nothing for NULL. A BIGNUM is
 * wiped, whichever it is: that costs little, and which of them is secret is then nobody's question.
 */
#ifndef MESSAGES_OWN_OPENSSL_H
#define MESSAGES_OWN_OPENSSL_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "own.h"

/* What i2d_* and OPENSSL_malloc give. */
static inline void
own_octets(void *variable)
{
	OPENSSL_free(*(void **)variable);
}

static inline void
own_x509_stack(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

static inline void
own_x509_algors(X509_ALGORS **stack)
{
	sk_X509_ALGOR_pop_free(*stack, X509_ALGOR_free);
}

static inline void
own_x509_extensions(STACK_OF(X509_EXTENSION) * *stack)
{
	sk_X509_EXTENSION_pop_free(*stack, X509_EXTENSION_free);
}

OWN_POINTER(own_access_description, ACCESS_DESCRIPTION, ACCESS_DESCRIPTION_free)
OWN_POINTER(own_asn1_bits, ASN1_BIT_STRING, ASN1_BIT_STRING_free)
OWN_POINTER(own_asn1_integer, ASN1_INTEGER, ASN1_INTEGER_free)
OWN_POINTER(own_asn1_object, ASN1_OBJECT, ASN1_OBJECT_free)
OWN_POINTER(own_asn1_octets, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OWN_POINTER(own_asn1_string, ASN1_STRING, ASN1_STRING_free)
OWN_POINTER(own_asn1_time, ASN1_TIME, ASN1_TIME_free)
OWN_POINTER(own_asn1_type, ASN1_TYPE, ASN1_TYPE_free)
OWN_POINTER(own_authority_info_access, AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free)
OWN_POINTER(own_authority_keyid, AUTHORITY_KEYID, AUTHORITY_KEYID_free)
OWN_POINTER(own_basic_constraints, BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
OWN_POINTER(own_bio, BIO, BIO_free_all)
OWN_POINTER(own_bn, BIGNUM, BN_clear_free)
OWN_POINTER(own_bn_ctx, BN_CTX, BN_CTX_free)
OWN_POINTER(own_cipher, EVP_CIPHER, EVP_CIPHER_free)
OWN_POINTER(own_cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
OWN_POINTER(own_crl_dist_points, CRL_DIST_POINTS, CRL_DIST_POINTS_free)
OWN_POINTER(own_ec_group, EC_GROUP, EC_GROUP_free)
OWN_POINTER(own_ec_point, EC_POINT, EC_POINT_free)
OWN_POINTER(own_eku, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
OWN_POINTER(own_general_name, GENERAL_NAME, GENERAL_NAME_free)
OWN_POINTER(own_general_names, GENERAL_NAMES, GENERAL_NAMES_free)
OWN_POINTER(own_kdf, EVP_KDF, EVP_KDF_free)
OWN_POINTER(own_kdf_ctx, EVP_KDF_CTX, EVP_KDF_CTX_free)
OWN_POINTER(own_md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
OWN_POINTER(own_oaep_params, RSA_OAEP_PARAMS, RSA_OAEP_PARAMS_free)
OWN_POINTER(own_param, OSSL_PARAM, OSSL_PARAM_free)
OWN_POINTER(own_param_bld, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
OWN_POINTER(own_pkcs12, PKCS12, PKCS12_free)
OWN_POINTER(own_pkcs7, PKCS7, PKCS7_free)
OWN_POINTER(own_pkcs8, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
OWN_POINTER(own_pkey, EVP_PKEY, EVP_PKEY_free)
OWN_POINTER(own_pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OWN_POINTER(own_policies, CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free)
OWN_POINTER(own_policyinfo, POLICYINFO, POLICYINFO_free)
OWN_POINTER(own_policy_constraints, POLICY_CONSTRAINTS, POLICY_CONSTRAINTS_free)
OWN_POINTER(own_pss_params, RSA_PSS_PARAMS, RSA_PSS_PARAMS_free)
OWN_POINTER(own_x509, X509, X509_free)
OWN_POINTER(own_x509_algor, X509_ALGOR, X509_ALGOR_free)
OWN_POINTER(own_x509_attribute, X509_ATTRIBUTE, X509_ATTRIBUTE_free)
OWN_POINTER(own_x509_crl, X509_CRL, X509_CRL_free)
OWN_POINTER(own_x509_extension, X509_EXTENSION, X509_EXTENSION_free)
OWN_POINTER(own_x509_pubkey, X509_PUBKEY, X509_PUBKEY_free)
OWN_POINTER(own_x509_name, X509_NAME, X509_NAME_free)
OWN_POINTER(own_x509_name_entry, X509_NAME_ENTRY, X509_NAME_ENTRY_free)
OWN_POINTER(own_x509_req, X509_REQ, X509_REQ_free)
OWN_POINTER(own_x509_sig, X509_SIG, X509_SIG_free)
OWN_POINTER(own_x509_store, X509_STORE, X509_STORE_free)
OWN_POINTER(own_x509_store_ctx, X509_STORE_CTX, X509_STORE_CTX_free)

#endif
