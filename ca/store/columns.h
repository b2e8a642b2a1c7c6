/*
 * The columns of a request, once: X(kind, column, member of struct store_request, most bytes,
 * member of the API's JSON or NULL). Names and most sizes are those of AD CS ([MS-CSRA] 3.1.1.1.2,
 * note <4>). Statements, binding, reading and the JSON of the API derive from these lists, so that
 * a column cannot be written to one member and read into another; the API's description and the
 * client are held against them (tests/lint/openapi.py). RequestID and HasArchivedKey are not in
 * them: nobody writes these.
 */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#define REQUEST_COLUMNS(X)                                                                \
	X(COL_DISPOSITION, Disposition, disposition, 0, "disposition")                    \
	X(COL_TEXT, DispositionMessage, disposition_message, 8192, "disposition_message") \
	X(COL_STATUS, StatusCode, status_code, 0, "status")                               \
	X(COL_I32, RequestType, request_type, 0, NULL)                                    \
	X(COL_U32, RequestFlags, request_flags, 0, NULL)                                  \
	X(COL_WHEN, SubmittedWhen, submitted_when, 0, "submitted_when")                   \
	X(COL_WHEN, ResolvedWhen, resolved_when, 0, "resolved_when")                      \
	X(COL_TEXT, RequesterName, requester_name, 2048, "requester_name")                \
	X(COL_TEXT, CallerName, caller_name, 2048, NULL)                                  \
	X(COL_TEXT, RequesterSID, requester_sid, 256, NULL)                               \
	X(COL_TEXT, CallerSID, caller_sid, 256, NULL)                                     \
	X(COL_TEXT, RequesterDN, requester_dn, 8192, NULL)                                \
	X(COL_TEXT, CertificateTemplate, template_name, 254, "template")                  \
	X(COL_TEXT, TemplateOID, template_oid, 254, NULL)                                 \
	X(COL_U32, EnrollmentFlags, enrollment_flags, 0, NULL)                            \
	X(COL_U32, GeneralFlags, general_flags, 0, NULL)                                  \
	X(COL_U32, PrivateKeyFlags, private_key_flags, 0, NULL)                           \
	X(COL_TEXT, RequestAttributes, request_attributes, 32768, NULL)                   \
	X(COL_BLOB, KeyHash, key_hash, 64, NULL)                                          \
	X(COL_TEXT, KeyRecoveryHashes, key_recovery_hashes, 8192, "key_recovery_hashes")  \
	X(COL_BLOB, PublicKeyHash, public_key_hash, 32, NULL)                             \
	X(COL_BLOB, RequestHash, request_hash, 32, NULL)

/* Bound only when the row is revoked. */
#define REVOCATION_COLUMNS(X)                                              \
	X(COL_WHEN, RevokedWhen, revoked_when, 0, "revoked_when")          \
	X(COL_WHEN, RevokedEffectiveWhen, revoked_effective_when, 0, NULL) \
	X(COL_REASON, RevokedReason, revoked_reason, 0, "revoked_reason")

#define CERTIFICATE_COLUMNS(X)                                                 \
	X(COL_TEXT, SerialNumber, serial_number, 128, "serial_number")         \
	X(COL_BLOB, CertificateHash, certificate_hash, 20, "certificate_hash") \
	X(COL_WHEN, NotBefore, not_before, 0, "not_before")                    \
	X(COL_WHEN, NotAfter, not_after, 0, "not_after")                       \
	X(COL_TEXT, SubjectKeyIdentifier, subject_key_identifier, 128, NULL)   \
	X(COL_TEXT, UPN, upn, 2048, "upn")                                     \
	X(COL_TEXT, CommonName, common_name, 8192, "common_name")              \
	X(COL_TEXT, DistinguishedName, distinguished_name, 8192, "subject")    \
	X(COL_TEXT, EMail, email, 8192, NULL)                                  \
	X(COL_I32, PublicKeyLength, public_key_length, 0, NULL)                \
	X(COL_TEXT, PublicKeyAlgorithm, public_key_algorithm, 254, NULL)       \
	X(COL_BLOB, RawPublicKey, raw_public_key, 4096, NULL)                  \
	X(COL_BLOB, RawCertificate, raw_certificate, 16384, NULL)              \
	X(COL_U32, CRLPartitionIndex, crl_partition, 0, NULL)                  \
	X(COL_VERSION, IssuerNameId, issuer_name_id, 0, "issuer_name_id")

/* Of a table of their own, which lists do not read. */
#define BIG_COLUMNS(X)                                             \
	X(COL_BLOB, RawRequest, raw_request, 65536, NULL)          \
	X(COL_BLOB, RawArchivedKey, raw_archived_key, 65536, NULL) \
	X(COL_BLOB, RequesterSIDs, requester_sids, 65536, NULL)    \
	X(COL_BLOB, KeyRecipient, key_recipient, 16384, NULL)      \
	X(COL_BLOB, RawDeliveredKey, raw_delivered_key, 65536, NULL)

/* By which a list may be ordered: X(NAME, kind, column, member, member of the JSON); each has an
 * index Request<column> of column, RequestID and Disposition. */
#define SORTED_COLUMNS(X)                                                            \
	X(DISPOSITION, COL_DISPOSITION, Disposition, disposition, "disposition")     \
	X(SUBMITTED_WHEN, COL_WHEN, SubmittedWhen, submitted_when, "submitted_when") \
	X(RESOLVED_WHEN, COL_WHEN, ResolvedWhen, resolved_when, "resolved_when")     \
	X(REVOKED_WHEN, COL_WHEN, RevokedWhen, revoked_when, "revoked_when")         \
	X(REQUESTER_NAME, COL_TEXT, RequesterName, requester_name, "requester_name") \
	X(TEMPLATE, COL_TEXT, CertificateTemplate, template_name, "template")        \
	X(NOT_AFTER, COL_WHEN, NotAfter, not_after, "not_after")                     \
	X(UPN, COL_TEXT, UPN, upn, "upn")                                            \
	X(COMMON_NAME, COL_TEXT, CommonName, common_name, "common_name")

/* What a column holds, in the type of its member. */
enum column_kind {
	COL_U32,
	COL_VERSION, /* uint32_t, of which 0 is one: never NULL */
	COL_I32,
	COL_DISPOSITION, /* enum disposition */
	COL_STATUS,      /* int32_t, an HRESULT */
	COL_REASON,      /* int32_t, -1: none */
	COL_WHEN,        /* int64_t, seconds since 1970 */
	COL_TEXT,
	COL_BLOB
};

/* Most bytes of a column: MOST_RawRequest. */
#define COLUMN_MOST(kind, column, member, most, json) MOST_##column = (most),
enum column_most {
	REQUEST_COLUMNS(COLUMN_MOST) CERTIFICATE_COLUMNS(COLUMN_MOST) BIG_COLUMNS(COLUMN_MOST)
};

#define COLUMN_NAME(kind, column, member, most, json)      ", " #column
#define COLUMN_QUALIFIED(kind, column, member, most, json) ", r." #column
#define COLUMN_BIG(kind, column, member, most, json)       ", b." #column
#define COLUMN_MARK(kind, column, member, most, json)      ", ?"
#define COLUMN_SET(kind, column, member, most, json)       ", " #column " = ?"

#endif
