/*
 * The request table's columns, once: X(kind, column, member of struct store_request, most bytes).
 * The names and most sizes are those of AD CS ([MS-CSRA] 3.1.1.1.2, note <4>). Statements, binding
 * and reading all derive from these lists, so that a column cannot be written to one member and
 * read into another. The two big blobs have a table of their own.
 */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#define REQUEST_COLUMNS(X)                                         \
	X(COL_U32, Disposition, disposition, 0)                    \
	X(COL_TEXT, DispositionMessage, disposition_message, 8192) \
	X(COL_I32, StatusCode, status_code, 0)                     \
	X(COL_I32, RequestType, request_type, 0)                   \
	X(COL_U32, RequestFlags, request_flags, 0)                 \
	X(COL_I64, SubmittedWhen, submitted_when, 0)               \
	X(COL_I64, ResolvedWhen, resolved_when, 0)                 \
	X(COL_TEXT, RequesterName, requester_name, 2048)           \
	X(COL_TEXT, CallerName, caller_name, 2048)                 \
	X(COL_TEXT, RequesterSID, requester_sid, 256)              \
	X(COL_TEXT, CallerSID, caller_sid, 256)                    \
	X(COL_TEXT, RequesterDN, requester_dn, 8192)               \
	X(COL_TEXT, CertificateTemplate, template_name, 254)       \
	X(COL_TEXT, TemplateOID, template_oid, 254)                \
	X(COL_U32, EnrollmentFlags, enrollment_flags, 0)           \
	X(COL_U32, GeneralFlags, general_flags, 0)                 \
	X(COL_U32, PrivateKeyFlags, private_key_flags, 0)          \
	X(COL_TEXT, RequestAttributes, request_attributes, 32768)  \
	X(COL_BLOB, KeyHash, key_hash, 64)                         \
	X(COL_TEXT, KeyRecoveryHashes, key_recovery_hashes, 8192)  \
	X(COL_BLOB, PublicKeyHash, public_key_hash, 32)            \
	X(COL_BLOB, RequestHash, request_hash, 32)

/* Bound only when the row is revoked. */
#define REVOCATION_COLUMNS(X)                                       \
	X(COL_I64, RevokedWhen, revoked_when, 0)                    \
	X(COL_I64, RevokedEffectiveWhen, revoked_effective_when, 0) \
	X(COL_REASON, RevokedReason, revoked_reason, 0)

#define CERTIFICATE_COLUMNS(X)                                         \
	X(COL_TEXT, SerialNumber, serial_number, 128)                  \
	X(COL_BLOB, CertificateHash, certificate_hash, 20)             \
	X(COL_I64, NotBefore, not_before, 0)                           \
	X(COL_I64, NotAfter, not_after, 0)                             \
	X(COL_TEXT, SubjectKeyIdentifier, subject_key_identifier, 128) \
	X(COL_TEXT, UPN, upn, 2048)                                    \
	X(COL_TEXT, CommonName, common_name, 8192)                     \
	X(COL_TEXT, DistinguishedName, distinguished_name, 8192)       \
	X(COL_TEXT, EMail, email, 8192)                                \
	X(COL_I32, PublicKeyLength, public_key_length, 0)              \
	X(COL_TEXT, PublicKeyAlgorithm, public_key_algorithm, 254)     \
	X(COL_BLOB, RawPublicKey, raw_public_key, 4096)                \
	X(COL_BLOB, RawCertificate, raw_certificate, 16384)

#define RAW_REQUEST_MAX      65536
#define RAW_ARCHIVED_KEY_MAX 65536

#define COLUMN_NAME(kind, column, member, most)      ", " #column
#define COLUMN_QUALIFIED(kind, column, member, most) ", r." #column
#define COLUMN_MARK(kind, column, member, most)      ", ?"
#define COLUMN_SET(kind, column, member, most)       ", " #column " = ?"

#endif
