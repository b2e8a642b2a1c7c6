/*
 * Key archival on the CA: proving an archived key, re-encrypting it to key recovery agents, and
 * choosing them (paper, "Key Verification", "Key Encryption";
 * [MS-WCCE] 3.2.2.6.2.1.2.2, 3.2.2.6.2.1.3). archive_rewrap and archive_generate are the functions
 * of the CA in which a subject's private key exists in plain; they run in the vault process only.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stdatomic.h>

#include "cms.h"
#include "keyblob.h"
#include "pkix.h"

/* Proof that `priv` belongs to `pub`: RSA: random data encrypted under `pub` (taken from the
 * request) and decrypted with `priv`; EC: `priv`'s d*G is compared with `pub` and an ECDH agreement
 * of an ephemeral key is computed both ways. DIRCA_E_KEY_MISMATCH. */
bool archive_key_matches(EVP_PKEY *priv, EVP_PKEY *pub, struct err *err);

/* SHA-256 of the SubjectPublicKeyInfo in DER: the key that shares are bound to. */
bool archive_key_id(const EVP_PKEY *pub, uint8_t out[CMS_BOUND_LEN], struct err *err);

/* What keys are sealed with at least, whoever says otherwise: root's. */
struct archive_floor {
	bool allow_3des;
	int aes_bits;
	enum cms_reader reader; /* of each agent; gcm: nothing else than GCM */
};
/* E_ACCESSDENIED names the line of dircad.conf. */
bool archive_floor_allows(const struct archive_floor *f, enum cms_cipher cipher, struct err *err);
/* May keys that `threshold` agents open together (1: each alone) be sealed to an agent whose
 * program reads that? CERTSRV_E_NO_VALID_KRA. */
bool archive_floor_reader(
    enum cms_reader floor, size_t threshold, enum cms_reader reader, struct err *err);
/* Does a key that was sealed once keep to it? */
bool archive_floor_holds(const struct archive_floor *f, const struct cms_enveloped *sealed);
/* What a key is sealed with to these: with GCM if all of them can read it. */
enum cms_cipher archive_cipher(enum cms_cipher cipher, const struct cms_kra *kras, size_t count);

/* An archived key as it came: read, its recipient found. Nothing is opened yet. */
struct archive_payload {
	struct cms_enveloped envelope;
	size_t recipient;
	uint8_t encrypted_key[32]; /* cms_recipient_fingerprint */
};
/* `payload` is a ContentInfo EnvelopedData; other recipients than the exchange certificate named by
 * issuer and serial are ignored. DIRCA_E_XCHG_CERT if it is not among them. */
bool archive_payload_read(struct view payload, struct view xchg_issuer, struct view xchg_serial,
    const EVP_PKEY *xchg_key, struct archive_payload *out, struct err *err);
void archive_payload_free(struct archive_payload *p);

/*
 * A key that is brought from elsewhere (docs/PROTOCOL.md): before the private key BLOB stand
 * ARCHIVE_BINDING octets that name the certificate it is brought for and the account that it is
 * said to be of, so that whoever catches it cannot bring it for another certificate that he has
 * made with the same public key. It is AuthEnvelopedData with AES-GCM, and nothing else: who could
 * change what is in it could change that.
 */
#define ARCHIVE_BINDING 32
bool archive_import_binding(
    struct view certificate, struct view user, uint8_t out[ARCHIVE_BINDING], struct err *err);
bool archive_import_seal(EVP_PKEY *key, const uint8_t binding[ARCHIVE_BINDING],
    const struct cms_kra *to, struct buf *out, struct err *err);
/* archive_payload_read of one. */
bool archive_import_read(struct view payload, struct view issuer, struct view serial,
    const EVP_PKEY *key, struct archive_payload *out, struct err *err);

/*
 * Opens the payload with the exchange key, decodes the blob, refuses signature-only keys, proves
 * the match with the request's SubjectPublicKeyInfo, seals the same blob to the KRAs, wipes. Where
 * `pkcs8` says so the payload may hold PKCS#8 instead; the KRAs find it as a blob.
 *
 * Everything that can go wrong with what is inside is one answer, DIRCA_E_KEY_NOT_ARCHIVED with one
 * sentence, after the same work: where the key cannot be used, the rest is done with a stand-in for
 * it. What is wrong for all to see is told before the exchange key is used.
 */
struct archive_rewrap {
	const struct archive_payload *payload;
	EVP_PKEY *xchg_key;
	struct view spki;
	const uint8_t *binding; /* that must stand before the key; NULL: none does */
	bool pkcs8;             /* root's */
	const struct cms_kra *kras;
	size_t kra_count;
	enum cms_cipher cipher; /* archive_cipher of it */
	struct view seed;       /* cms_enveloped_seal_seeded */
	size_t threshold;       /* so many of the KRAs open it together; 0 or 1: each alone */
};
bool archive_rewrap(const struct archive_rewrap *in, struct buf *archived_out, struct err *err);
/* That answer, for who refuses before it is looked for. */
bool archive_refuse(struct err *err);

/*
 * A key pair that is made here: of the kind and size of the public key `like`, whose numbers do not
 * matter, sealed to the KRAs as archive_rewrap seals what clients send. RSA of ARCHIVE_RSA_MIN to
 * _MAX bits, P-256, P-384, P-521: CERTSRV_E_KEY_LENGTH.
 */
#define ARCHIVE_RSA_MIN 2048
#define ARCHIVE_RSA_MAX 4096
struct archive_generate {
	struct view like; /* SubjectPublicKeyInfo */
	const struct cms_kra *kras;
	size_t kra_count;
	enum cms_cipher cipher; /* archive_cipher of it */
	struct view seed;       /* cms_enveloped_seal_seeded */
	size_t threshold;       /* as above */
};
bool archive_can_generate(const char *algorithm, int bits, struct err *err);
/* EVP_PKEY_free. */
bool archive_generate(const struct archive_generate *in, EVP_PKEY **key_out,
    struct buf *archived_out, struct err *err);

/* What a certificate is as KRA, as the tab Recovery Agents of AD CS tells it. It needs EKU
 * 1.3.6.1.4.1.311.21.6, keyEncipherment (RSA) or keyAgreement (EC), to be within its validity and
 * signed by one of `issuers` (their SPKI and subject). Not KRA_VALID: CERTSRV_E_NO_VALID_KRA with a
 * sentence that names the certificate and the reason. */
enum kra_status {
	KRA_VALID,
	KRA_NOT_YET_VALID,
	KRA_EXPIRED,
	KRA_INVALID,
	KRA_UNTRUSTED,
	KRA_REVOKED /* not of kra_check: who knows of CRLs says it */
};
enum kra_status kra_check(const struct pkix_cert *kra, const struct pkix_cert *const *issuers,
    size_t issuer_count, int64_t now, struct err *err);
/* What of that the certificate says of itself: key, EKU and key usage. CERTSRV_E_NO_VALID_KRA. */
bool kra_check_usage(const struct pkix_cert *kra, struct err *err);
/* Who of `issuers` signed it; NULL: nobody. */
const struct pkix_cert *kra_issuer(
    const struct pkix_cert *kra, const struct pkix_cert *const *issuers, size_t issuer_count);
const char *kra_status_word(enum kra_status status); /* "not yet valid" */
/* Is it KRA_VALID? */
bool kra_validate(const struct pkix_cert *kra, const struct pkix_cert *const *issuers,
    size_t issuer_count, int64_t now, struct err *err);

/* Are two KRA certificates one agent, who counts once in an archival? With one public key always;
 * `by_holder`: with one SID, one UPN or one subject too. */
bool kra_same_agent(const struct pkix_cert *a, const struct pkix_cert *b, bool by_holder);
/* Of certificates of usable KRAs those that count: of each agent the newest, newest first. Puts
 * them at the front of `certs` and returns how many. */
size_t kra_agents(const struct pkix_cert **certs, size_t count, bool by_holder);

/*
 * Whom a key is sealed to, as its row has it (KeyRecoveryHashes): "01 23 .. fe" of each agent, a
 * line each, and behind them "threshold=2" where so many of them open it together.
 */
char *kra_hashes_close(char *lines, size_t threshold); /* takes `lines`, which has the agents */
/* Of a line that is no agent's: the threshold. 0: it is an agent's. */
size_t kra_hashes_threshold(const char *line);

/* Round robin from a random start (paper, "Key Encryption"). */
struct kra_ring {
	atomic_uint next;
};
bool kra_ring_init(struct kra_ring *ring, struct err *err); /* random start */
/* Indices of the `use` KRAs of `total` for this archival, into picks[use]; use <= total. */
void kra_ring_pick(struct kra_ring *ring, size_t total, size_t use, size_t *picks);

#endif
