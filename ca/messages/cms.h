/*
 * CMS SignedData and EnvelopedData (RFC 5652), as ASN.1 templates of our own with the parts that archival needs and nothing else.
 * Bytes <-> structs, no policy. Hashes and signatures are computed over received bytes, never over a re-encoding.
 */
#ifndef MESSAGES_CMS_H
#define MESSAGES_CMS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "buf.h"

struct cms_attr {
	char oid[80];
	int nid;
	struct view values;     /* content of the SET OF: one or more values, DER */
	size_t value_count;
};

struct cms_signer {
	struct view issuer, serial;     /* issuerAndSerialNumber, or: */
	struct view key_id;             /* subjectKeyIdentifier */
	const EVP_MD *digest;           /* NULL: unknown algorithm */
	struct view signed_attrs;       /* DER re-tagged as SET OF (0x31), what the signature covers; empty if none */
	struct cms_attr *attrs;         /* signed */
	size_t attr_count;
	struct cms_attr *unsigned_attrs;
	size_t unsigned_count;
	X509_ALGOR *sig_alg;
	struct view signature;
	struct buf signed_attrs_set;    /* storage of signed_attrs */
};

/* Views point into `raw`. */
struct cms_signed {
	struct buf raw;
	char content_oid[80];
	struct view content;            /* eContent octets; empty if detached */
	struct view *certificates;
	size_t certificate_count;
	struct cms_signer *signers;
	size_t signer_count;
};

/* `der` is a ContentInfo with signedData. At most 1 MiB. CRYPT_E_INVALID_MSG_TYPE if it is another type. */
bool cms_signed_decode(struct view der, struct cms_signed *out, struct err *err);
void cms_signed_free(struct cms_signed *s);
const struct cms_attr *cms_signer_attr(const struct cms_signer *s, int nid, bool is_signed);
/* One value attribute -> its DER; ERROR_INVALID_DATA if absent twice or with several values. */
bool cms_attr_single(const struct cms_attr *a, struct view *value_out, struct err *err);
/* messageDigest and contentType against the content, then the signature under `key`. CRYPT_E_HASH_VALUE, NTE_BAD_SIGNATURE, NTE_BAD_ALGID. */
bool cms_signer_verify(const struct cms_signed *s, const struct cms_signer *signer, EVP_PKEY *key, bool allow_sha1, struct err *err);

/* One signature made in two steps, since the key is elsewhere (the vault): first the SET OF signedAttrs to sign, then the whole. */
struct cms_sign {
	const char *content_oid;
	struct view content;
	const EVP_MD *digest;
	struct view issuer, serial;      /* of the signer's certificate, or: */
	struct view key_id;
	const struct cms_attr *extra_attrs; /* further signed attributes (oid, values) */
	size_t extra_count;
	const struct cms_attr *unsigned_attrs;
	size_t unsigned_count;
	const struct view *certificates;
	size_t certificate_count;
	int64_t signing_time;            /* 0: no signingTime attribute */
};
bool cms_sign_attrs(const struct cms_sign *in, struct buf *attrs_out, struct err *err);
bool cms_sign_finish(const struct cms_sign *in, struct view attrs, struct view sig_alg, struct view signature, struct buf *out, struct err *err);
/* Certs-only SignedData (RFC 7030). */
bool cms_certs_only(const struct view *certificates, size_t count, struct buf *out, struct err *err);

/* EnvelopedData: recipients by issuer and serial or key identifier. */
struct cms_recipient {
	bool is_key_agreement;
	struct view issuer, serial, key_id;
	struct view raw; /* the RecipientInfo */
};
struct cms_enveloped {
	struct buf raw;
	struct cms_recipient *recipients;
	size_t count;
	const char *cipher; /* short name, "AES-256-CBC", "DES-EDE3-CBC" */
};
bool cms_enveloped_decode(struct view der, struct cms_enveloped *out, struct err *err);
void cms_enveloped_free(struct cms_enveloped *e);
bool cms_recipient_is(const struct cms_recipient *r, struct view issuer, struct view serial);

/* Opens with the private key of recipient `index`: RSA PKCS#1 v1.5 or OAEP, or ECDH (RFC 5753 ephemeral-static, dhSinglePass-stdDH with
 * SHA-1/256/384/512 KDF, aes wrap). Implicit rejection: a wrong RSA key gives NTE_BAD_DATA at the end like any other damage (no oracle). */
bool cms_enveloped_open(const struct cms_enveloped *e, size_t index, EVP_PKEY *key, struct secret *content_out, struct err *err);

/* A recipient's certificate with its key parsed once. */
struct cms_kra {
	struct view issuer, serial;
	EVP_PKEY *key; /* borrowed */
};
enum cms_cipher { CMS_AES_256_CBC, CMS_AES_192_CBC, CMS_AES_128_CBC, CMS_3DES_CBC };
/* ContentInfo(EnvelopedData) of `content` to all recipients, fresh key: version, KeyTransRecipientInfo (rsaEncryption; OAEP-SHA256 if oaep)
 * or KeyAgreeRecipientInfo (dhSinglePass-stdDH-sha256kdf, aes256-wrap) per key kind, contentType id-data, PKCS#7 padding. */
bool cms_enveloped_seal(struct view content, const struct cms_kra *to, size_t count, enum cms_cipher cipher, bool oaep, struct buf *out, struct err *err);

#endif
