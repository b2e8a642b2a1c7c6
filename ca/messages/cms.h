/*
 * CMS SignedData and EnvelopedData (RFC 5652), as ASN.1 templates of our own with the parts that
 * archival needs and nothing else. Bytes <-> structs, no policy. Hashes and signatures are computed
 * over received bytes, never over a re-encoding.
 */
#ifndef MESSAGES_CMS_H
#define MESSAGES_CMS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "buf.h"

#define CMS_ID_DATA "1.2.840.113549.1.7.1" /* RFC 5652 4 */

struct cms_attr {
	char oid[80];
	int nid;
	struct view values; /* content of the SET OF: one or more values, DER */
	size_t value_count;
};

struct cms_signer {
	struct view issuer, serial; /* issuerAndSerialNumber, or: */
	struct view key_id;         /* subjectKeyIdentifier */
	const EVP_MD *digest;       /* NULL: unknown algorithm */
	struct view signed_attrs;   /* DER re-tagged as SET OF (0x31), what the signature covers;
				       empty if none */
	struct cms_attr *attrs;     /* signed */
	size_t attr_count;
	struct cms_attr *unsigned_attrs;
	size_t unsigned_count;
	X509_ALGOR *sig_alg;
	struct view signature;
	struct view kept;            /* the SignerInfo's content up to its unsigned attributes */
	struct buf signed_attrs_set; /* storage of signed_attrs */
};

/* Views point into memory that the struct owns and that does not move when it is copied; they live
 * until cms_signed_free. */
struct cms_signed {
	struct buf raw; /* the message as received; storage of the views */
	char content_oid[80];
	struct view content; /* eContent octets; empty if detached */
	struct view *certificates;
	size_t certificate_count;
	struct cms_signer *signers;
	size_t signer_count;
	struct view before_signers; /* the SignedData's content up to them */
};

/* SHA-1, SHA-256, SHA-384 or SHA-512 by NID, fetched once for the life of the process; NULL for
 * others. Thread-safe. */
const EVP_MD *cms_digest(int nid);
/* By it: what OpenSSL's SHA256() and its like do with a fetch and its locks each time. */
bool cms_digest_of(int nid, struct view data, uint8_t *out, struct err *err);

/* `der` is a ContentInfo with signedData, in DER, with embedded or no content. At most 1 MiB, 64
 * certificates, 16 signers, 64 attributes each. CRYPT_E_INVALID_MSG_TYPE if it is another type,
 * DIRCA_E_TOO_LARGE, else ERROR_INVALID_DATA. An attribute twice is refused, unless it is unsigned
 * and outside Microsoft's arc 311.21. */
bool cms_signed_decode(struct view der, struct cms_signed *out, struct err *err);
void cms_signed_free(struct cms_signed *s);
/* The message without unsigned attributes, which no signature covers. */
bool cms_signed_strip(const struct cms_signed *s, struct buf *out, struct err *err);
const struct cms_attr *cms_signer_attr(const struct cms_signer *s, int nid, bool is_signed);
/* One value attribute -> its DER; ERROR_INVALID_DATA if absent twice or with several values. */
bool cms_attr_single(const struct cms_attr *a, struct view *value_out, struct err *err);
/* messageDigest and contentType against the content, then the signature under `key`.
 * CRYPT_E_HASH_VALUE, NTE_BAD_SIGNATURE, NTE_BAD_ALGID; CRYPT_E_INVALID_MSG_TYPE if the contentType
 * attribute is another's. */
bool cms_signer_verify(const struct cms_signed *s, const struct cms_signer *signer, EVP_PKEY *key,
    bool allow_sha1, struct err *err);

/* The certificate of the message that a signer names; CRYPT_E_NOT_FOUND if it is not there. */
bool cms_signer_certificate(const struct cms_signed *s, const struct cms_signer *signer,
    struct view *der_out, struct err *err);

/* One signature made in two steps, since the key is elsewhere (the vault): first the SET OF
 * signedAttrs to sign, then the whole. */
struct cms_sign {
	const char *content_oid;
	struct view content;
	const EVP_MD *digest;
	struct view issuer, serial; /* of the signer's certificate, or: */
	struct view key_id;
	const struct cms_attr *extra_attrs; /* further signed attributes (oid, values) */
	size_t extra_count;
	const struct cms_attr *unsigned_attrs;
	size_t unsigned_count;
	const struct view *certificates;
	size_t certificate_count;
	int64_t signing_time; /* 0: no signingTime attribute */
};
bool cms_sign_attrs(const struct cms_sign *in, struct buf *attrs_out, struct err *err);
bool cms_sign_finish(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct buf *out, struct err *err);
/* The same of content that is a secret, of 32 octets at least: SignedData alone, as it is the
 * content of an EnvelopedData (RFC 5652 6). No copy of the content outlives the call but `out`. */
bool cms_sign_finish_secret(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, struct secret *out, struct err *err);
/* A further signature over the content of a message that is signed already, with the certificate
 * that names the signer: what a registration authority or enrollment agent does. */
struct cms_cosigner {
	EVP_PKEY *key;
	struct view certificate;            /* DER */
	const struct cms_attr *extra_attrs; /* signed attributes beside the usual ones */
	size_t extra_count;
};
bool cms_cosign(
    struct view message, const struct cms_cosigner *by, struct buf *out, struct err *err);
/* SignedData of `content` by one key at hand, its certificate with it; signingTime `now`. */
bool cms_sign_content(const struct cms_cosigner *by, const char *content_oid, struct view content,
    int64_t now, struct buf *out, struct err *err);
/* Certs-only SignedData (RFC 7030). */
bool cms_certs_only(
    const struct view *certificates, size_t count, struct buf *out, struct err *err);

/* Of content. */
enum cms_cipher {
	CMS_AES_256_CBC,
	CMS_AES_192_CBC,
	CMS_AES_128_CBC,
	CMS_3DES_CBC,
	CMS_AES_256_GCM, /* AuthEnvelopedData */
	CMS_AES_192_GCM,
	CMS_AES_128_GCM
};
bool cms_is_gcm(enum cms_cipher cipher);
/* What the program of a recipient can read; each of them what stands before it too. To who has an
 * elliptic-curve key the first two are one: ECDH. */
enum cms_reader {
	CMS_READER_PKCS1, /* CBC, and RSA with PKCS#1 v1.5 */
	CMS_READER_OAEP,  /* RSAES-OAEP: every dirca */
	CMS_READER_GCM    /* AES-GCM */
};
const char *cms_reader_word(enum cms_reader reader); /* "pkcs1", "oaep", "gcm" */
bool cms_reader_by_word(const char *word, enum cms_reader *out);
/* The same cipher with GCM, where there is one. */
enum cms_cipher cms_gcm_of(enum cms_cipher cipher);
int cms_key_bits(enum cms_cipher cipher);            /* 112 of 3DES */
const char *cms_cipher_name(enum cms_cipher cipher); /* as in struct cms_enveloped */

/* EnvelopedData: recipients by issuer and serial or key identifier. */
struct cms_recipient {
	bool is_key_agreement;
	bool is_pkcs1; /* RSA with PKCS#1 v1.5 */
	struct view issuer, serial, key_id;
	struct view raw; /* the RecipientInfo */
	struct cmsw_recipient *wire;
	size_t member; /* key agreement: which of the RecipientInfo's recipientEncryptedKeys */
	/* Of who has a share of the content key, and not the key (cms_enveloped.threshold > 1). */
	uint8_t number;         /* of the share; 0: he opens the message alone */
	struct view commitment; /* to it */
};
struct cms_enveloped {
	struct buf raw;
	struct cms_enveloped_wire *wire; /* storage of the views */
	struct cms_recipient *recipients;
	size_t count;
	enum cms_cipher cipher;
	const char *cipher_name; /* "AES-256-CBC", "DES-EDE3-CBC" */
	size_t threshold;        /* so many recipients open it together; 1: each alone */
	struct view set_id;      /* of the shares, where they are several */
};
/* ContentInfo(EnvelopedData) in DER, at most 1 MiB and 64 recipients. CRYPT_E_INVALID_MSG_TYPE for
 * another type, NTE_BAD_ALGID for another content cipher than AES-CBC and 3DES-CBC. Recipients
 * of other kinds (shared key, password) are listed without a name and cannot be opened. */
bool cms_enveloped_decode(struct view der, struct cms_enveloped *out, struct err *err);
/* That, or AuthEnvelopedData with AES-GCM (RFC 5083, RFC 5084) of id-data without attributes, for
 * recipients of whom each opens it, or each has a share: how keys are archived. */
bool cms_sealed_decode(struct view der, struct cms_enveloped *out, struct err *err);
void cms_enveloped_free(struct cms_enveloped *e);
/* `serial` as content octets, as in struct pkix_cert. */
bool cms_recipient_is(const struct cms_recipient *r, struct view issuer, struct view serial);

/* Opens with the private key of recipient `index`: RSA PKCS#1 v1.5 or OAEP, or ECDH (RFC 5753
 * ephemeral-static, dhSinglePass-stdDH with SHA-1/256/384/512 KDF, aes wrap; 3DES wrap too).
 * Implicit rejection: a wrong RSA key gives NTE_BAD_DATA at the end like any other damage (no
 * oracle). */
bool cms_enveloped_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    struct secret *content_out, struct err *err);

/*
 * Several recipients open a message together (docs/PROTOCOL.md, KeyShare). `bound_to` are 32 octets
 * that the commitments name: what the shares are for.
 */
#define CMS_BOUND_LEN 32
/* The share of recipient `index`, opened with his key, that he is committed to. DIRCA_E_KEY_SHARE:
 * the message has no shares; NTE_BAD_DATA: it is not that share, whatever is wrong. */
bool cms_share_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    const uint8_t bound_to[CMS_BOUND_LEN], struct secret *share_out, struct err *err);
/* Is it the one that the recipient is committed to? */
bool cms_share_is_of(const struct cms_enveloped *e, size_t index,
    const uint8_t bound_to[CMS_BOUND_LEN], struct view share);
struct cms_share {
	size_t recipient;
	struct view value;
};
/* Opens with shares, of which each must be right and nobody's come twice. DIRCA_E_KEY_SHARE names
 * what is wrong; NTE_BAD_DATA as in cms_enveloped_open. */
bool cms_shares_open(const struct cms_enveloped *e, const uint8_t bound_to[CMS_BOUND_LEN],
    const struct cms_share *shares, size_t count, struct secret *content_out, struct err *err);

/* SHA-256 of what recipient `index`'s content key follows from: the RSA ciphertext, the x
 * coordinate of the ephemeral point. Two messages with the same one carry the same content key or
 * keys from the same agreement, however else they differ. `key` is the recipient's (its public half
 * counts). ERROR_INVALID_DATA for a ciphertext that is not of the modulus' size or not below it,
 * and for a point in another form than SEC 1 2.3.3 compressed or uncompressed; NTE_BAD_ALGID. */
bool cms_recipient_fingerprint(const struct cms_enveloped *e, size_t index, const EVP_PKEY *key,
    uint8_t sha256_out[32], struct err *err);

/* Recipients of one archived key, at most; KRAs that can be enabled; octets of a certificate of
 * one: all of them together fit one answer of the vault. */
#define KRA_COUNT_MAX   64
#define KRA_ENABLED_MAX 255
#define KRA_CERT_MAX    8192

/* A recipient's certificate with its key parsed once. */
struct cms_kra {
	struct view issuer, serial;
	EVP_PKEY *key; /* borrowed */
	enum cms_reader reader;
};
/* ContentInfo(EnvelopedData) of `content` to all recipients, fresh key: version,
 * KeyTransRecipientInfo (OAEP-SHA256, or rsaEncryption) or KeyAgreeRecipientInfo
 * (dhSinglePass-stdDH-sha256kdf, aes256-wrap) per key kind, contentType id-data, PKCS#7 padding.
 * With GCM: AuthEnvelopedData, a tag of 16 octets, no attributes. */
bool cms_enveloped_seal(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct buf *out, struct err *err);
/* The same with a content key of which `seed`, CMS_SEED_LEN octets of another source of random
 * numbers, is a part (exclusive or; NIST SP 800-133 rev. 2, 4): whoever knows one of the two
 * sources does not know the key. Empty: none. E_INVALIDARG for another length. */
#define CMS_SEED_LEN 32
bool cms_enveloped_seal_seeded(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct view seed, struct buf *out, struct err *err);
/* The same, but no recipient opens it alone: each gets a share, and `threshold` of them open it. As
 * long as nobody knows both sources of random numbers, fewer know nothing. A threshold of 0 or 1,
 * or NULL, is the message above. E_INVALIDARG for one over `count`. */
struct cms_split {
	size_t threshold;
	uint8_t bound_to[CMS_BOUND_LEN];
};
bool cms_enveloped_seal_split(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct view seed, const struct cms_split *split, struct buf *out,
    struct err *err);
/* The same for SignedData (cms_sign_finish_secret): contentType id-signedData. NTE_BAD_ALGID for
 * GCM, which would need that type in an attribute (RFC 5083 2.1). */
bool cms_enveloped_seal_signed(struct view content, const struct cms_kra *to, size_t count,
    enum cms_cipher cipher, struct buf *out, struct err *err);

#endif
