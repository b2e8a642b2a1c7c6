/*
 * The vault: the only process that holds CA signing keys and CA exchange keys. It has no network,
 * no directory and no database (seccomp, Landlock, locked and undumpable memory), and answers a
 * fixed table of requests on socket pairs from the front. No request returns a private key. Which
 * KRA certificates it seals keys to, and to how many, comes from the supervisor, never from the
 * front, so that a broken front cannot have keys sealed to a stranger; and the vault chooses among
 * them.
 *
 * Wire: u32 LE length, u8 operation or status, fields each u32 LE length + bytes. One request at a
 * time on a connection.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include <sys/types.h>

#include "archive.h"
#include "ca_issuers.h"
#include "key_package.h"
#include "sign_kinds.h"

#define VAULT_ID_LEN 20 /* an exchange key's name: SHA-1 of its BIT STRING (its SKI) */

/* ---- client side (front); one struct per thread ---- */
struct vault {
	int fd;
	bool broken; /* an answer did not come, or came wrong: nothing more can be asked */
};
/* No request on this socket, by whoever has it, waits longer than that for the other end. */
bool vault_limit(int fd, int seconds, struct err *err);

/* What the vault signs with and how. */
struct vault_info {
	struct ca_issuers issuers;
	uint64_t journal_records; /* on the disk, now */
	uint64_t newest_crl; /* number of the last CRL that was signed before the vault started */
};
bool vault_get_info(struct vault *v, struct vault_info *out, struct err *err);
void vault_info_free(struct vault_info *i);

/* Signs a TBSCertificate whose issuer and algorithm are the CA's, of a kind that root allows
 * (DIRCA_E_KIND_NOT_ALLOWED, sign_kinds.h), for another key than the CA's own ones; refuses
 * anything that is not exactly one. Signature octets out. */
bool vault_sign_certificate(
    struct vault *v, struct view tbs, struct buf *signature_out, struct err *err);
/* Signs a TBSCertList of this CA with its key of that index; CRYPT_E_NOT_FOUND: the vault does not
 * have it. */
bool vault_sign_crl(struct vault *v, uint32_t key_index, struct view tbs, struct buf *signature_out,
    struct err *err);
/* Signs a SET OF signedAttrs (tag 0x31) whose contentType is id-ct-PKIResponse or id-data with
 * 311.21.16 and the retrieval (recovery BLOB). */
bool vault_sign_message(
    struct vault *v, struct view attrs, struct buf *signature_out, struct err *err);

/* A checkpoint of the audit trail (checkpoint.h), made by the vault, with its own time: the whole
 * message. Only of a row behind that of the last one, ever: E_ACCESSDENIED; of that row itself the
 * same one again, or with another hash ERROR_FILE_EXISTS. `previous` is the last one's message; if
 * it is another, *lost_out is the last one, which the new one names. */
bool vault_sign_checkpoint(struct vault *v, int64_t row, const uint8_t hash[32],
    struct view previous, struct buf *message_out, struct buf *lost_out, struct err *err);

/* A CA exchange key and its certificate ([MS-WCCE] 3.2.1.4.3.2.15.1), made by the vault: its key,
 * its name, its usage and no other, its serial number and times by its own clock. What the front
 * may say is how long it lives (VAULT_XCHG_LIFE_MIN to _MAX seconds, never beyond the CA
 * certificate), where CRL and issuer are found, up to two URLs each, NULLs are left out, and which
 * OID and version the template CAExchange has. The certificate and its key lie in the vault's
 * folder before anybody learns of them. The key is destroyed when its certificate has ended by the
 * vault's clock and by the boot clock, counted from when the vault made or loaded it, an hour at
 * least after the vault started, and by no request. */
#define VAULT_XCHG_LIFE_MIN 3600
#define VAULT_XCHG_LIFE_MAX (31 * 86400)
#define VAULT_XCHG_URLS     2
struct vault_xchg_wish {
	int bits; /* of RSA, or 256, 384, 521: of a curve */
	int64_t life_s;
	const char *cdp[VAULT_XCHG_URLS], *aia[VAULT_XCHG_URLS];
	const char *template_oid; /* of the template CAExchange; NULL: only its name is known */
	uint32_t template_major, template_minor;
};
bool vault_xchg_create(struct vault *v, const struct vault_xchg_wish *wish,
    struct buf *certificate_out, struct err *err);
/* The certificates of the exchange keys that the vault holds, into list[VAULT_XCHG_MAX]; each is
 * the caller's. */
#define VAULT_XCHG_MAX 64
bool vault_xchg_list(
    struct vault *v, struct buf list[VAULT_XCHG_MAX], size_t *count_out, struct err *err);

/* What makes exchange keys: the key of a token that root names, or else the vault. The key lives
 * longer than its certificates, which are made by the wish in all but its size. */
struct vault_xchg_provider {
	bool named;               /* root names a key */
	bool fallback;            /* where it cannot be used, the vault makes keys */
	bool usable;              /* the key that is named */
	uint8_t id[VAULT_ID_LEN]; /* its name, if it is usable */
	struct err why;           /* it is not */
	struct err no_seed; /* no key is archived: the CA key's token gives no random numbers */
};
bool vault_xchg_provider(struct vault *v, struct vault_xchg_provider *out, struct err *err);

/* The certificate by which the vault answers OCSP for what the CA key with that index issued (RFC
 * 6960 4.2.2.2): its key, usage, serial number and times are the vault's own. The key is in its
 * memory only. It is made when it is first asked for, and anew when half of its life is over; else
 * it is the one that there is. */
#define VAULT_OCSP_LIFE_S (4 * 86400)
bool vault_ocsp_certificate(
    struct vault *v, uint32_t key_index, struct buf *certificate_out, struct err *err);
/* Signs a ResponseData by the key of that certificate, as long as it is the newest:
 * ocsp_data_check.
 */
bool vault_sign_ocsp(struct vault *v, uint32_t key_index, struct view data,
    struct buf *signature_out, struct err *err);

/* The KRAs that root enabled, as the vault has them now, and how many seal a key. Whether they can
 * be used is not said. */
struct vault_kra_set {
	size_t needed;    /* recipients of an archived key; 0: archival is not configured */
	size_t threshold; /* of these to open it; 1: each alone */
	enum cms_reader readers[KRA_ENABLED_MAX];
	struct buf list[KRA_ENABLED_MAX];
	size_t count;
};
bool vault_get_kras(struct vault *v, struct vault_kra_set *out, struct err *err);
void vault_kra_set_free(struct vault_kra_set *set);

/* [MS-WCCE] 3.2.2.6.2.1.2.2 and 3.2.2.6.2.1.3 in one step: see archive_rewrap. The vault chooses by
 * round robin, as many as root says, of the KRAs that root enabled and that are valid by its own
 * clock; each agent counts once. The front names by SHA-256 those that are not revoked as far as it
 * knows: so it can keep one from being used, and have none used. Too few:
 * CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED, CERTSRV_E_NO_VALID_KRA; DIRCA_E_KRAS_CHANGED if it is the
 * front that does not name enough, whose list is then older than the vault's. Who it was is in the
 * answer, by the recipients. Sealed with RSA-OAEP or ECDH. An encrypted key is opened once, and
 * again only for the same payload, SubjectPublicKeyInfo and requester. DIRCA_E_KEY_NOT_ARCHIVED
 * whatever is wrong with the key; DIRCA_E_ARCHIVAL_SUSPENDED for a requester of too many such;
 * DIRCA_E_XCHG_CERT for an exchange key that is not (or no longer) there. */
struct vault_rewrap {
	struct view payload, xchg_issuer, xchg_serial, spki;
	struct view requester; /* what failures are counted by: any octets that name him */
	uint8_t xchg_id[VAULT_ID_LEN];
	const uint8_t (*kra_sha256)[32]; /* that may be used */
	size_t kra_count;
	enum cms_cipher cipher; /* as root's floor allows; GCM where all can read it */
};
bool vault_rewrap(
    struct vault *v, const struct vault_rewrap *in, struct buf *archived_out, struct err *err);

/* All that a request leads to, in one act: vault_rewrap where there is a key to archive,
 * vault_sign_certificate for that same public key, and where one is wanted the signature of a CMC
 * response (RFC 5272 4.2), whose content is `before`, the SHA-1 of the certificate and `after`.
 * Either all or nothing; the key is not opened if the certificate would not be signed. Errors are
 * those of the parts. */
struct vault_issue {
	struct view tbs;
	const struct vault_rewrap *rewrap; /* NULL: no key */
	struct view before, after;         /* both empty: no response */
};
struct vault_issued {
	struct buf archived;           /* EnvelopedData for the KRAs */
	struct buf signature;          /* of the certificate */
	struct buf attrs;              /* signed attributes of the response, a SET OF */
	struct buf response_signature; /* over them */
};
bool vault_issue(
    struct vault *v, const struct vault_issue *in, struct vault_issued *out, struct err *err);
void vault_issued_free(struct vault_issued *i);

/*
 * Keys that are brought from elsewhere ([MS-CSRA] 3.1.4.2.16) are encrypted to a key of their own
 * kind, whose certificate the vault makes as it makes exchange certificates, with the usage
 * OID_KP_KEY_IMPORT and no other; it ends and is destroyed as they do. What is encrypted to it is
 * opened by vault_import alone, and nothing else by that: who caught what somebody sent to be
 * archived with a request cannot bring it here, nor the other way round.
 *
 * The key must be that of `certificate`, which may be anybody's, and who encrypted it must have
 * said that it is for that certificate and of that `user` (archive_import_binding). All else,
 * errors too, as vault_rewrap, but that somebody else may send the same once more.
 */
bool vault_import_create(struct vault *v, const struct vault_xchg_wish *wish,
    struct buf *certificate_out, struct err *err);
bool vault_import_list(
    struct vault *v, struct buf list[VAULT_XCHG_MAX], size_t *count_out, struct err *err);
struct vault_import {
	struct view payload, certificate;
	struct view user; /* empty: nobody is named */
	struct view requester;
	const uint8_t (*kra_sha256)[32];
	size_t kra_count;
	enum cms_cipher cipher;
};
bool vault_import(
    struct vault *v, const struct vault_import *in, struct buf *archived_out, struct err *err);

/*
 * A key pair of the vault's own making, in one act with the certificate for it (RFC 7030 4.4): the
 * vault makes the key, of the kind and size of the public key in `tbs`, puts it there in its place
 * (subjectKeyIdentifier too), checks and signs as vault_sign_certificate does, seals the private
 * key to the KRAs as vault_rewrap does, and encrypts it to `recipient`: SignedData by the CA's key
 * over an AsymmetricKeyPackage, in EnvelopedData. The recipient's certificate must be one that this
 * CA signed, valid by the vault's clock, for encryption, and of the same holder as the one that is
 * signed (recipient.h): CERT_E_*, DIRCA_E_KEY_RECIPIENT. Whether it is revoked is the front's
 * knowledge. The key in plain is kept nowhere.
 */
struct vault_generate {
	struct view tbs;
	struct view recipient; /* certificate, DER */
	struct key_transport transport;
	const uint8_t (*kra_sha256)[32];
	size_t kra_count;
	enum cms_cipher cipher; /* of the archived key */
};
struct vault_generated {
	struct buf certificate; /* DER */
	struct buf archived;    /* EnvelopedData for the KRAs */
	struct buf delivered;   /* EnvelopedData for the recipient */
};
bool vault_generate(
    struct vault *v, const struct vault_generate *in, struct vault_generated *out, struct err *err);
void vault_generated_free(struct vault_generated *g);

/* ---- server side: a process of its own; does not return until its sockets close ---- */
/* The caller has opened the log (the sandbox lets no new socket be opened) and closed every
 * descriptor that the vault is not to have. It ends, with status 0, when the control socket or the
 * last of `fds` is closed at the other end. KRA certificates must be issued by the CA certificate
 * or by one of trust/kra-issuers.pem in the state folder (trust.h), read at the start; afterwards
 * the supervisor says what it holds. */
struct vault_config {
	const char *folder; /* <state>/vault: ca.key, ca-<index>.key, xchg-<id>.key and .crt,
			       journal; 0700 */
	const char *ca_certificate; /* <state>/ca.crt, PEM */
	const char *state_dir;
	const char *passphrase_file; /* NULL: ca.key is not encrypted */
	const int *fds;              /* one socket a thread */
	size_t fd_count;
	int control_fd; /* from the supervisor: KRA lists; EOF ends the vault */
	bool sandbox;   /* seccomp + Landlock; off only under sanitizers */
	/* Root's configuration, of which the front is told and which it cannot change. */
	unsigned kinds;                /* SIGN_KIND_* that may be signed */
	struct sign_usages extensions; /* dotted, that certificate managers may set */
	size_t kra_minimum;            /* recipients of an archived key, at least; 0 is 1 */
	bool allow_same_holder;        /* two of them, of different keys */
	struct archive_floor floor;    /* of what archived keys are sealed with */
	bool pkcs8;                    /* taken where clients send a private key blob */
	/* Keys that could not be archived: of one requester, who is then refused for so many
	 * seconds; under one exchange key, which is then retired. */
	uint32_t failures_requester, failures_key;
	int64_t suspend_s;
	const char *xchg_uri; /* a token's key, for exchange certificates (RSA); NULL: none */
	bool xchg_fallback;   /* where it cannot be used, keys are made as if none were named */
};
int vault_run(const struct vault_config *config); /* exit status */
/* Supervisor side of the control socket: the KRAs that root enabled, what each reads (NULL: OAEP),
 * how many of them seal a key, and how many of these open it together (1: each alone), replaced at
 * once; waits for the answer, which says how many are usable. */
bool vault_set_kras(int control_fd, size_t needed, size_t threshold,
    const struct view *certificates, const enum cms_reader *readers, size_t count,
    size_t *usable_out, struct err *err);
/* And before it the CAs beside this one that may have issued them, in the place of those of
 * trust/kra-issuers.pem at the start. */
bool vault_set_kra_issuers(
    int control_fd, const struct view *certificates, size_t count, struct err *err);
/* Is anybody there? One is asked at a time, and nothing else until it is answered. */
bool vault_ping(int control_fd, struct err *err);
enum vault_pong { VAULT_SILENT, VAULT_ANSWERED, VAULT_GONE };
enum vault_pong vault_ponged(int control_fd); /* does not wait */

#endif
