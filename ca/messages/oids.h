/*
 * Object identifiers that OpenSSL does not know, one X-macro row each, registered once by
 * oids_init(). Compare by NID.
 */
#ifndef MESSAGES_OIDS_H
#define MESSAGES_OIDS_H

#include <openssl/types.h>

#include "buf.h"
#include "err.h"

/* The project's own arc; .4 is that of what messages carry (docs/PROTOCOL.md). */
#define DIRCA_ARC "1.2.840.113556.1.8000.2554.37439.18520.28200.17134.42653.6345135.7414574"

/* Where the dotted text itself is needed. */
#define KP_CA_EXCHANGE        "1.3.6.1.4.1.311.21.5"
#define KP_KEY_RECOVERY_AGENT "1.3.6.1.4.1.311.21.6"
#define KP_ENROLLMENT_AGENT   "1.3.6.1.4.1.311.20.2.1"
/* Private keys that are brought to the CA are encrypted to it (docs/PROTOCOL.md). */
#define KP_KEY_IMPORT DIRCA_ARC ".4.6"

/* X(name, dotted, szOID-like short name) */
#define OIDS(X)                                                                                  \
	X(OID_RENEWAL_CERTIFICATE, "1.3.6.1.4.1.311.13.1", "renewalCertificate")                 \
	X(OID_ENROLLMENT_NAME_VALUE_PAIR, "1.3.6.1.4.1.311.13.2.1", "enrollmentNameValuePair")   \
	X(OID_ENROLLMENT_CSP_PROVIDER, "1.3.6.1.4.1.311.13.2.2", "enrollmentCspProvider")        \
	X(OID_OS_VERSION, "1.3.6.1.4.1.311.13.2.3", "osVersion")                                 \
	X(OID_CMC_ADD_ATTRIBUTES, "1.3.6.1.4.1.311.10.10.1", "cmcAddAttributes")                 \
	X(OID_ENROLLMENT_AGENT, KP_ENROLLMENT_AGENT, "enrollmentAgent")                          \
	X(OID_ENROLL_CERTTYPE, "1.3.6.1.4.1.311.20.2", "enrollCerttype")                         \
	X(OID_CERTIFICATE_TEMPLATE, "1.3.6.1.4.1.311.21.7", "certificateTemplate")               \
	X(OID_PREVIOUS_CERT_HASH, "1.3.6.1.4.1.311.21.2", "certsrvPreviousCertHash")             \
	X(OID_CA_VERSION, "1.3.6.1.4.1.311.21.1", "certsrvCaVersion")                            \
	X(OID_KP_CA_EXCHANGE, KP_CA_EXCHANGE, "kpCaExchange")                                    \
	X(OID_KP_KEY_RECOVERY_AGENT, KP_KEY_RECOVERY_AGENT, "kpKeyRecoveryAgent")                \
	X(OID_APPLICATION_CERT_POLICIES, "1.3.6.1.4.1.311.21.10", "applicationCertPolicies")     \
	X(OID_APPLICATION_POLICY_MAPPINGS, "1.3.6.1.4.1.311.21.11", "applicationPolicyMappings") \
	X(OID_APPLICATION_POLICY_CONSTRAINTS, "1.3.6.1.4.1.311.21.12",                           \
	    "applicationPolicyConstraints")                                                      \
	X(OID_ARCHIVED_KEY_ATTR, "1.3.6.1.4.1.311.21.13", "archivedKeyAttr")                     \
	X(OID_ARCHIVED_KEY_CERT_HASH, "1.3.6.1.4.1.311.21.16", "archivedKeyCertHash")            \
	X(OID_ISSUED_CERT_HASH, "1.3.6.1.4.1.311.21.17", "issuedCertHash")                       \
	X(OID_REQUEST_CLIENT_INFO, "1.3.6.1.4.1.311.21.20", "requestClientInfo")                 \
	X(OID_ENCRYPTED_KEY_HASH, "1.3.6.1.4.1.311.21.21", "encryptedKeyHash")                   \
	X(OID_NTDS_REPLICATION, "1.3.6.1.4.1.311.25.1", "ntdsReplication")                       \
	X(OID_NTDS_CA_SECURITY_EXT, "1.3.6.1.4.1.311.25.2", "ntdsCaSecurityExt")                 \
	X(OID_NTDS_OBJECTSID, "1.3.6.1.4.1.311.25.2.1", "ntdsObjectSid")                         \
	X(OID_KEY_RETRIEVAL, DIRCA_ARC ".4.1", "dircaKeyRetrieval")                              \
	X(OID_KEY_DELIVERY, DIRCA_ARC ".4.2", "dircaKeyDelivery")                                \
	X(OID_CT_AUDIT_CHECKPOINT, DIRCA_ARC ".4.3", "dircaCtAuditCheckpoint")                   \
	X(OID_CA_BACKUP, DIRCA_ARC ".4.5", "dircaBackup")                                        \
	X(OID_KP_KEY_IMPORT, KP_KEY_IMPORT, "dircaKpKeyImport")                                  \
	X(OID_CT_ESCROW_ENTRY, DIRCA_ARC ".4.7", "dircaCtEscrowEntry")                           \
	X(OID_CT_DRILL_REPORT, DIRCA_ARC ".4.8", "dircaCtDrillReport")                           \
	X(OID_CT_REWRAP_ORDER, DIRCA_ARC ".4.9", "dircaCtRewrapOrder")                           \
	X(OID_KEY_SHARE, DIRCA_ARC ".6.1", "dircaKeyShare")                                      \
	X(OID_CMC_STATUS_INFO, "1.3.6.1.5.5.7.7.1", "cmcStatusInfo")                             \
	X(OID_CMC_DATA_RETURN, "1.3.6.1.5.5.7.7.4", "cmcDataReturn")                             \
	X(OID_CMC_TRANSACTION_ID, "1.3.6.1.5.5.7.7.5", "cmcTransactionId")                       \
	X(OID_CMC_SENDER_NONCE, "1.3.6.1.5.5.7.7.6", "cmcSenderNonce")                           \
	X(OID_CMC_RECIPIENT_NONCE, "1.3.6.1.5.5.7.7.7", "cmcRecipientNonce")                     \
	X(OID_CMC_ADD_EXTENSIONS, "1.3.6.1.5.5.7.7.8", "cmcAddExtensions")                       \
	X(OID_CMC_REG_INFO, "1.3.6.1.5.5.7.7.18", "cmcRegInfo")                                  \
	X(OID_CT_PKI_DATA, "1.3.6.1.5.5.7.12.2", "ctPKIData")                                    \
	X(OID_CT_PKI_RESPONSE, "1.3.6.1.5.5.7.12.3", "ctPKIResponse")                            \
	X(OID_CT_KEY_PACKAGE, "2.16.840.1.101.2.1.2.78.5", "ctKeyPackage")                       \
	X(OID_DECRYPT_KEY_ID, "1.2.840.113549.1.9.16.2.37", "decryptKeyId")                      \
	X(OID_ASYMMETRIC_DECRYPT_KEY_ID, "1.2.840.113549.1.9.16.2.54", "asymmDecryptKeyId")      \
	X(OID_DIRCA_REQUEST_BINDING,                                                             \
	    "1.2.840.113556.1.8000.2554.37439.18520.28200.17134.42653.6345135.7414574.5.1",      \
	    "dircaRequestBinding")

enum oid_id {
#define OID_ENUM(name, dotted, sn) name,
	OIDS(OID_ENUM)
#undef OID_ENUM
	    OID_COUNT
};

/* Registers all with OpenSSL (or finds the NID that OpenSSL has); call once before threads start;
 * calling again is harmless. */
bool oids_init(struct err *err);
int oid_nid(enum oid_id id);
const char *oid_dotted(enum oid_id id);
/* The content of its encoding; of the others, empty if there is no such object. */
struct view oid_octets(enum oid_id id);
struct view oid_object_octets(const ASN1_OBJECT *object);
struct view oid_nid_octets(int nid);
/* As dotted text, NUL-terminated; false if it does not fit. */
bool oid_text(const ASN1_OBJECT *oid, char *out, size_t size);
/* The same, and the NID (NID_undef: nobody knows it), of the content of an OBJECT IDENTIFIER. */
bool oid_octets_text(struct view content, char *out, size_t size);
int oid_octets_nid(struct view content);
/* Do the octets of the object identifier stand anywhere in it? What has none need not be decoded to
 * know that; what has them may mean something else. */
bool oid_occurs(enum oid_id id, struct view der);

#endif
