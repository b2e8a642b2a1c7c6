/*
 * What reading, opening and writing an EnvelopedData share. Private to cms*.c.
 */
#ifndef MESSAGES_CMS_ENVELOPED_H
#define MESSAGES_CMS_ENVELOPED_H

#include "cms_algs.h"
#include "cms_asn1.h"

#define CMS_ENVELOPED_MAX  (1024 * 1024)
#define CMS_RECIPIENTS_MAX 64

struct cms_enveloped_wire {
	bool is_authenticated; /* AuthEnvelopedData */
	int version;
	X509_ALGOR *content_alg; /* storage of the IV of CBC */
	STACK_OF(CMSW_RECIPIENT) * recipients;
	STACK_OF(CMSW_KEY_SHARE) * shares; /* what of them hold recipients of shares */
	bool reads_shares;
	const struct cms_content_alg *alg;
	CMSW_GCM *gcm; /* storage of the IV, if it is a nonce */
	struct view iv, ciphertext, tag;
};

/* Key-encryption key between a private and a public key of one curve (RFC 5753 7.2). `wrap_alg` is
 * the AlgorithmIdentifier DER that the derivation covers, `ukm` may be empty. `kek` has room for
 * wrap->key_len bytes; the caller cleanses it. */
bool cms_agree_kek(EVP_PKEY *own, EVP_PKEY *peer, const EVP_MD *md, struct view wrap_alg,
    const struct cms_wrap_alg *wrap, struct view ukm, uint8_t kek[CMS_KEY_MAX], struct err *err);
/* Wraps or unwraps (RFC 3394, RFC 3217) `in`; `out` has room for in.len + 16 bytes. */
bool cms_key_wrap(const struct cms_wrap_alg *wrap, const uint8_t *kek, bool seal, struct view in,
    uint8_t *out, size_t *len_out, struct err *err);

/* RSA-OAEP: sets up a context as parameters demand (RFC 4055 4.1), and writes those of SHA-256 for
 * both hash and mask, no label. */
bool cms_oaep_read(EVP_PKEY_CTX *ctx, int param_type, const void *param, struct err *err);
bool cms_oaep_write(X509_ALGOR *alg, struct err *err);

/* Content key of the `member`th recipient of a key agreement, or a random one of its length and
 * *right false: the caller goes on either way. What is wrong for all to see is cms_bad_data. */
bool cms_agreed_key(const CMSW_KEY_AGREE *wire, size_t member, EVP_PKEY *key, size_t key_len,
    uint8_t cek[CMS_KEY_MAX], bool *right, struct err *err);
/* cek = right ? plain : other, without a branch. */
void cms_key_choose(uint8_t cek[CMS_KEY_MAX], const uint8_t *plain, const uint8_t *other,
    size_t key_len, bool right);
/* Fills a KeyAgreeRecipientInfo for one recipient, with a fresh ephemeral key. */
bool cms_key_agree_fill(
    CMSW_KEY_AGREE *a, const struct cms_kra *to, struct view cek, struct err *err);
bool cms_recipient_name(CMSW_ISSUER_SERIAL **field, const struct cms_kra *to, struct err *err);

/* Content key, or share of it, of recipient `index`; or a random one, as above. */
bool cms_recipient_key(const struct cms_enveloped *e, size_t index, EVP_PKEY *key,
    uint8_t cek[CMS_KEY_MAX], bool *right, struct err *err);
/* The content under a content key; `right` false: the answer is no, after the same work. */
bool cms_content_open(const struct cms_enveloped *e, const uint8_t *cek, bool right,
    struct secret *out, struct err *err);

/* Reads a KeyShare, of which the recipient is in *inner then; what all of a message must have in
 * common is held against those before. */
bool cms_share_read(const CMSW_OTHER_RECIPIENT *wire, struct cms_enveloped *e,
    struct cms_recipient *r, CMSW_RECIPIENT **inner_out, struct err *err);
bool cms_is_share(const CMSW_RECIPIENT *wire);

/* The shares of a content key that is to be split, one row a recipient. */
struct cms_shares {
	const struct cms_split *split;
	uint8_t set_id[32];
	uint8_t rows[CMS_RECIPIENTS_MAX][CMS_KEY_MAX];
};
bool cms_shares_make(struct cms_shares *s, const struct cms_split *split, size_t count,
    struct view cek, struct view seed, struct err *err);
void cms_shares_wipe(struct cms_shares *s);
/* Puts a recipient of share `at` into a RecipientInfo of his share. Takes `inner`. */
bool cms_share_wrap(const struct cms_shares *s, size_t at, size_t len, CMSW_RECIPIENT **inner,
    CMSW_RECIPIENT **out, struct err *err);

/* The one answer to whatever an attacker can vary: NTE_BAD_DATA. */
bool cms_bad_data(struct err *err);

#endif
