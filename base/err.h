/*
 * Errors: a code for programs and a sentence for the administrator.
 *
 * Functions that can fail return bool and take `struct err *` last, never NULL. The sentence says
 * what was tried, on which object, why it failed and what mends it; it never holds key bytes,
 * passwords or other secrets. Only main programs print. Numbers and names of CERTSRV_E_* and
 * friends are those of [MS-ERREF] 2.1.1; own codes carry the customer bit (0xA0DCxxxx) so that none
 * can be taken for another's.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

/* What kind of failure a code is. Everything that depends on that derives from the category: the
 * HTTP status (ca/service/status.c), the exit status of `dirca`, whether a request was refused or
 * could not be decided, whether another CA may be tried. */
enum err_category {
	ERR_CATEGORY_OK,
	ERR_CATEGORY_BAD_REQUEST,       /* what was asked is wrong, as it stands */
	ERR_CATEGORY_NOT_AUTHENTICATED, /* nobody known asks */
	ERR_CATEGORY_REFUSED,           /* somebody who may not */
	ERR_CATEGORY_NOT_FOUND,         /* there is no such thing, or more than one */
	ERR_CATEGORY_CONFLICT,          /* not in this state */
	ERR_CATEGORY_TOO_LARGE,
	ERR_CATEGORY_TOO_MANY, /* for now; later again */
	ERR_CATEGORY_UNABLE,   /* what the answer depends on is away, or not set up */
	ERR_CATEGORY_INTERNAL, /* a defect, or a part of the machine that fails */
};

/* X(number, name, category, text) */
#define ERR_CODES(X)                                                                               \
	X(0x00000000u, ERR_OK, OK, "the operation completed successfully")                         \
	X(0x80094001u, CERTSRV_E_BAD_REQUESTSUBJECT, BAD_REQUEST,                                  \
	    "the request subject name is invalid or too long")                                     \
	X(0x80094002u, CERTSRV_E_NO_REQUEST, NOT_FOUND, "the request does not exist")              \
	X(0x80094003u, CERTSRV_E_BAD_REQUESTSTATUS, CONFLICT,                                      \
	    "the request's current status does not allow this operation")                          \
	X(0x80094004u, CERTSRV_E_PROPERTY_EMPTY, NOT_FOUND,                                        \
	    "the requested property value is empty")                                               \
	X(0x80094005u, CERTSRV_E_INVALID_CA_CERTIFICATE, BAD_REQUEST,                              \
	    "the CA's certificate contains invalid data")                                          \
	X(0x80094008u, CERTSRV_E_ROLECONFLICT, REFUSED,                                            \
	    "the user has multiple roles assigned and the CA enforces role separation")            \
	X(0x80094009u, CERTSRV_E_RESTRICTEDOFFICER, REFUSED,                                       \
	    "only a certificate manager allowed to manage certificates for this requester may do " \
	    "this")                                                                                \
	X(0x8009400Au, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED, BAD_REQUEST,                         \
	    "the CA is not configured for key archival")                                           \
	X(0x8009400Bu, CERTSRV_E_NO_VALID_KRA, BAD_REQUEST,                                        \
	    "the CA could not verify one or more key recovery certificates")                       \
	X(0x8009400Cu, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL, BAD_REQUEST,                            \
	    "the encrypted private key must be in an unauthenticated attribute of the outermost "  \
	    "signature")                                                                           \
	X(0x8009400Du, CERTSRV_E_NO_CAADMIN_DEFINED, BAD_REQUEST,                                  \
	    "at least one security principal must have the permission to manage this CA")          \
	X(0x8009400Eu, CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE, BAD_REQUEST,                          \
	    "the request contains an invalid renewal certificate attribute")                       \
	X(0x80094011u, CERTSRV_E_ENROLL_DENIED, REFUSED,                                           \
	    "the permissions on this CA do not allow the caller to enroll for certificates")       \
	X(0x80094012u, CERTSRV_E_TEMPLATE_DENIED, REFUSED,                                         \
	    "the permissions on the certificate template do not allow the caller to enroll")       \
	X(0x80094800u, CERTSRV_E_UNSUPPORTED_CERT_TYPE, BAD_REQUEST,                               \
	    "the requested certificate template is not supported by this CA")                      \
	X(0x80094801u, CERTSRV_E_NO_CERT_TYPE, BAD_REQUEST,                                        \
	    "the request contains no certificate template information")                            \
	X(0x80094802u, CERTSRV_E_TEMPLATE_CONFLICT, BAD_REQUEST,                                   \
	    "the request contains conflicting template information")                               \
	X(0x80094803u, CERTSRV_E_SUBJECT_ALT_NAME_REQUIRED, BAD_REQUEST,                           \
	    "the request is missing a required subject alternative name extension")                \
	X(0x80094804u, CERTSRV_E_ARCHIVED_KEY_REQUIRED, BAD_REQUEST,                               \
	    "the request is missing a required private key for archival by the server")            \
	X(0x80094805u, CERTSRV_E_SMIME_REQUIRED, BAD_REQUEST,                                      \
	    "the request is missing a required SMIME capabilities extension")                      \
	X(0x80094806u, CERTSRV_E_BAD_RENEWAL_SUBJECT, BAD_REQUEST,                                 \
	    "the request is for another subject than the caller and no signature authorizes it")   \
	X(0x80094807u, CERTSRV_E_BAD_TEMPLATE_VERSION, BAD_REQUEST,                                \
	    "the request template version is newer than the supported template version")           \
	X(0x80094808u, CERTSRV_E_TEMPLATE_POLICY_REQUIRED, BAD_REQUEST,                            \
	    "the template is missing a required signature policy attribute")                       \
	X(0x80094809u, CERTSRV_E_SIGNATURE_POLICY_REQUIRED, BAD_REQUEST,                           \
	    "the request is missing required signature policy information")                        \
	X(0x8009480Au, CERTSRV_E_SIGNATURE_COUNT, BAD_REQUEST,                                     \
	    "the request is missing one or more required signatures")                              \
	X(0x8009480Bu, CERTSRV_E_SIGNATURE_REJECTED, BAD_REQUEST,                                  \
	    "one or more signatures did not include the required policies")                        \
	X(0x8009480Cu, CERTSRV_E_ISSUANCE_POLICY_REQUIRED, BAD_REQUEST,                            \
	    "the request is missing one or more required signature issuance policies")             \
	X(0x8009480Du, CERTSRV_E_SUBJECT_UPN_REQUIRED, BAD_REQUEST,                                \
	    "the UPN is unavailable and cannot be added to the subject alternative name")          \
	X(0x8009480Eu, CERTSRV_E_SUBJECT_DIRECTORY_GUID_REQUIRED, BAD_REQUEST,                     \
	    "the directory GUID is unavailable and cannot be added to the subject alternative "    \
	    "name")                                                                                \
	X(0x8009480Fu, CERTSRV_E_SUBJECT_DNS_REQUIRED, BAD_REQUEST,                                \
	    "the DNS name is unavailable and cannot be added to the subject alternative name")     \
	X(0x80094810u, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED, BAD_REQUEST,                             \
	    "the request includes a private key but the template does not enable key archival")    \
	X(0x80094811u, CERTSRV_E_KEY_LENGTH, BAD_REQUEST,                                          \
	    "the public key does not meet the minimum size required by the certificate template")  \
	X(0x80094812u, CERTSRV_E_SUBJECT_EMAIL_REQUIRED, BAD_REQUEST,                              \
	    "the e-mail name is unavailable and cannot be added to the subject")                   \
	X(0x80094813u, CERTSRV_E_UNKNOWN_CERT_TYPE, BAD_REQUEST,                                   \
	    "one or more certificate templates to be enabled on this CA could not be found")       \
	X(0x80094814u, CERTSRV_E_CERT_TYPE_OVERLAP, BAD_REQUEST,                                   \
	    "the template renewal period is longer than the certificate validity period")          \
	X(0x80094815u, CERTSRV_E_TOO_MANY_SIGNATURES, BAD_REQUEST,                                 \
	    "the template demands more signatures than a request can carry")                       \
	X(0x80094816u, CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY, BAD_REQUEST,                              \
	    "the key used in a renewal request does not match the certificate being renewed")      \
	X(0x80095002u, XENROLL_E_RESPONSE_KA_HASH_NOT_FOUND, BAD_REQUEST,                          \
	    "the key archival hash attribute was not found in the response")                       \
	X(0x80095003u, XENROLL_E_RESPONSE_UNEXPECTED_KA_HASH, BAD_REQUEST,                         \
	    "an unexpected key archival hash attribute was found in the response")                 \
	X(0x80095004u, XENROLL_E_RESPONSE_KA_HASH_MISMATCH, BAD_REQUEST,                           \
	    "the key archival hashes of request and response differ")                              \
	X(0x80070002u, ERROR_FILE_NOT_FOUND, NOT_FOUND, "the file or object cannot be found")      \
	X(0x80070005u, E_ACCESSDENIED, REFUSED, "access is denied")                                \
	X(0x8007000Du, ERROR_INVALID_DATA, BAD_REQUEST, "the data is invalid")                     \
	X(0x8007000Eu, E_OUTOFMEMORY, UNABLE, "not enough memory")                                 \
	X(0x80070050u, ERROR_FILE_EXISTS, CONFLICT, "the file or object exists already")           \
	X(0x80070057u, E_INVALIDARG, BAD_REQUEST, "an argument is invalid")                        \
	X(0x80070533u, ERROR_ACCOUNT_DISABLED, REFUSED, "the account is disabled")                 \
	X(0x80070701u, ERROR_ACCOUNT_EXPIRED, REFUSED, "the account has expired")                  \
	X(0x80070775u, ERROR_ACCOUNT_LOCKED_OUT, REFUSED, "the account is locked out")             \
	X(0x8002802Cu, TYPE_E_AMBIGUOUSNAME, NOT_FOUND, "Ambiguous name.")                         \
	X(0x8010000Cu, SCARD_E_NO_SMARTCARD, UNABLE,                                               \
	    "the operation requires a smart card, but none is in the device")                      \
	X(0x80100028u, SCARD_E_WRITE_TOO_MANY, TOO_LARGE,                                          \
	    "what was to be written is more than the card has room for")                           \
	X(0x80090009u, NTE_BAD_FLAGS, BAD_REQUEST, "the key may not be exported")                  \
	X(0x80090005u, NTE_BAD_DATA, BAD_REQUEST, "bad data")                                      \
	X(0x80090006u, NTE_BAD_SIGNATURE, BAD_REQUEST, "invalid signature")                        \
	X(0x80090008u, NTE_BAD_ALGID, BAD_REQUEST, "the algorithm is unknown or not allowed")      \
	X(0x80090019u, NTE_KEYSET_NOT_DEF, BAD_REQUEST, "the keyset is not defined")               \
	X(0x8009001Du, NTE_PROVIDER_DLL_FAIL, UNABLE, "the provider of keys could not be set up")  \
	X(0x80091004u, CRYPT_E_INVALID_MSG_TYPE, BAD_REQUEST, "the message type is not valid")     \
	X(0x80091007u, CRYPT_E_HASH_VALUE, BAD_REQUEST, "the hash value is not correct")           \
	X(0x80092004u, CRYPT_E_NOT_FOUND, NOT_FOUND, "cannot find object or property")             \
	X(0x8009200Cu, CRYPT_E_NO_DECRYPT_CERT, BAD_REQUEST,                                       \
	    "no certificate with a private key opens this message")                                \
	X(0x8009200Eu, CRYPT_E_NO_SIGNER, BAD_REQUEST, "the message has no signer")                \
	X(0x80092010u, CRYPT_E_REVOKED, BAD_REQUEST, "the certificate is revoked")                 \
	X(0x80092013u, CRYPT_E_REVOCATION_OFFLINE, BAD_REQUEST,                                    \
	    "it cannot be checked whether the certificate is revoked")                             \
	X(0x800B0101u, CERT_E_EXPIRED, BAD_REQUEST,                                                \
	    "a required certificate is not within its validity period")                            \
	X(0x800B0109u, CERT_E_UNTRUSTEDROOT, BAD_REQUEST,                                          \
	    "the certificate chain ends in a root certificate that is not trusted")                \
	X(0x800B0107u, CERT_E_ISSUERCHAINING, BAD_REQUEST,                                         \
	    "the certificate was not issued by the expected parent")                               \
	X(0x800B0110u, CERT_E_WRONG_USAGE, BAD_REQUEST,                                            \
	    "the certificate is not valid for the requested usage")                                \
	X(0xA0DC0001u, DIRCA_E_INTERNAL, INTERNAL, "a defect in this program")                     \
	X(0xA0DC0002u, DIRCA_E_USAGE, BAD_REQUEST, "the command line is wrong")                    \
	X(0xA0DC0003u, DIRCA_E_CONFIG, UNABLE, "the configuration is wrong")                       \
	X(0xA0DC0004u, DIRCA_E_IO, INTERNAL, "a file could not be read or written")                \
	X(0xA0DC0005u, DIRCA_E_DIRECTORY, UNABLE,                                                  \
	    "the directory refused or does not hold what is needed")                               \
	X(0xA0DC0006u, DIRCA_E_DIRECTORY_UNAVAILABLE, UNABLE, "the directory cannot be reached")   \
	X(0xA0DC0007u, DIRCA_E_DATABASE, UNABLE, "the CA database failed")                         \
	X(0xA0DC0008u, DIRCA_E_CRYPTO, INTERNAL, "a cryptographic operation failed")               \
	X(0xA0DC0009u, DIRCA_E_VAULT, UNABLE, "the vault process did not answer")                  \
	X(0xA0DC000Au, DIRCA_E_TOO_LARGE, TOO_LARGE, "the data is over the size limit")            \
	X(0xA0DC000Bu, DIRCA_E_AUTHENTICATION, NOT_AUTHENTICATED,                                  \
	    "the caller could not be authenticated")                                               \
	X(0xA0DC000Cu, DIRCA_E_NETWORK, UNABLE, "the CA cannot be reached")                        \
	X(0xA0DC000Du, DIRCA_E_KEY_MISMATCH, BAD_REQUEST,                                          \
	    "the private key does not match the public key")                                       \
	X(0xA0DC000Eu, DIRCA_E_SIGNATURE_KEY, BAD_REQUEST, "a signature-only key is not archived") \
	X(0xA0DC000Fu, DIRCA_E_XCHG_CERT, BAD_REQUEST,                                             \
	    "the CA exchange certificate is unknown or expired")                                   \
	X(0xA0DC0010u, DIRCA_E_PENDING, BAD_REQUEST,                                               \
	    "the request waits for a certificate manager")                                         \
	X(0xA0DC0011u, DIRCA_E_DENIED, REFUSED, "the request was denied")                          \
	X(0xA0DC0012u, DIRCA_E_GROUPS_UNREADABLE, UNABLE,                                          \
	    "the CA's account cannot read the group memberships that the decision needs")          \
	X(0xA0DC0014u, DIRCA_E_CHANGED, CONFLICT, "somebody else changed the object meanwhile")    \
	X(0xA0DC0015u, DIRCA_E_KEY_NOT_ARCHIVED, BAD_REQUEST, "the key could not be archived")     \
	X(0xA0DC0016u, DIRCA_E_ARCHIVAL_SUSPENDED, TOO_MANY,                                       \
	    "too many keys of this requester could not be archived")                               \
	X(0xA0DC0017u, DIRCA_E_KIND_NOT_ALLOWED, REFUSED,                                          \
	    "the configuration does not allow the CA to sign this kind of certificate")            \
	X(0xA0DC0018u, DIRCA_E_JOURNAL, CONFLICT,                                                  \
	    "the journal of signatures and the database differ")                                   \
	X(0xA0DC0019u, DIRCA_E_KEY_IN_USE, BAD_REQUEST,                                            \
	    "the public key belongs to another principal")                                         \
	X(0xA0DC001Au, DIRCA_E_REQUEST_BINDING, BAD_REQUEST,                                       \
	    "the request was made for another requester, CA or time")                              \
	X(0xA0DC001Bu, DIRCA_E_OWN_REQUEST, REFUSED, "nobody decides about himself")               \
	X(0xA0DC001Cu, DIRCA_E_QUOTA, TOO_MANY, "the requester's quota is used up")                \
	X(0xA0DC001Du, DIRCA_E_LOW_SPACE, UNABLE, "the CA's disk is nearly full")                  \
	X(0xA0DC001Eu, DIRCA_E_SERVICE_KEY, UNABLE,                                                \
	    "the service does not have the key that the directory names for the CA")               \
	X(0xA0DC001Fu, DIRCA_E_CHANNEL_BINDING, REFUSED,                                           \
	    "the sign-in is not bound to the TLS channel")                                         \
	X(0xA0DC0020u, DIRCA_E_SERVICE_NAME, REFUSED, "the name belongs to the service of a CA")   \
	X(0xA0DC0021u, DIRCA_E_CROSS_SITE, REFUSED,                                                \
	    "the request could come from another site's page")                                     \
	X(0xA0DC0022u, DIRCA_E_TOO_MANY_ATTEMPTS, TOO_MANY, "too many failed sign-ins")            \
	X(0xA0DC0023u, DIRCA_E_KEY_RECIPIENT, BAD_REQUEST,                                         \
	    "no certificate of the requester is named that a new key can be encrypted to")         \
	X(0xA0DC0024u, DIRCA_E_KRAS_CHANGED, UNABLE, "the key recovery agents changed just now")   \
	X(0xA0DC0027u, DIRCA_E_CASE_REQUIRED, REFUSED,                                             \
	    "the key is handed out by a recovery case only")                                       \
	X(0xA0DC0028u, DIRCA_E_STANDALONE, BAD_REQUEST,                                            \
	    "the CA is stand-alone: it has no directory")                                          \
	X(0xA0DC0029u, DIRCA_E_KEY_SHARE, BAD_REQUEST,                                             \
	    "the shares of an archived key are missing, wrong or too few")                         \
	X(0xA0DC0030u, DIRCA_E_BACKUP, BAD_REQUEST, "the copy of the CA is not whole")             \
	X(0xA0DC0031u, DIRCA_E_BUSY, UNABLE, "the service has too much to do")

enum err_code {
#define ERR_ENUM(number, name, category, text) name = (int)(number),
	ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
	enum err_code code;
	char msg[512];
};

/* Sets code and sentence; always returns false, so that `return err_set(...)` reads well. Over-long
 * sentences are cut. Control characters and what is not UTF-8 are replaced by '?': the sentence may
 * quote hostile input. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, and empties OpenSSL's error queue. What that held is no sentence that anybody could
 * act upon: only a listener has it. */
bool err_openssl(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Is told what OpenSSL said, and what people are told; NULL, as at the beginning: nobody. The log
 * listens, on level debug. */
typedef void err_listener(const char *said, const char *told);
void err_listen(err_listener *who);

/* As err_set, and appends strerror(errno). */
bool err_errno(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context before the sentence; the code stays. Returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* E_OUTOFMEMORY with a fixed sentence. Returns false. */
bool err_nomem(struct err *err);

/* Symbol ("CERTSRV_E_NO_VALID_KRA") and text of a code; "?" and a fixed text for a number that the
 * table lacks. */
const char *err_name(enum err_code code);
const char *err_text(enum err_code code);

/* "<who>: <sentence> (0x80094012 CERTSRV_E_TEMPLATE_DENIED)" on stderr: the one voice of programs.
 */
void err_print(const char *who, const struct err *err);

/* Of a number that the table lacks: ERR_CATEGORY_BAD_REQUEST. */
enum err_category err_category(enum err_code code);
/* Nothing was decided: the answer could be another one later, or elsewhere. True of ERR_OK too. */
bool err_is_undecided(enum err_code code);

/* Finds a code by its number or its symbol; false if the table lacks it. */
bool err_by_number(uint32_t number, enum err_code *code_out);
bool err_by_name(const char *name, enum err_code *code_out);

#endif
