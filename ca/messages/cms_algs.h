/*
 * The algorithms of CMS messages, fetched from OpenSSL once and kept: fetching takes global locks
 * (EVP_sha256() and its like fetch anew for each use). Thread-safe.
 */
#ifndef MESSAGES_CMS_ALGS_H
#define MESSAGES_CMS_ALGS_H

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "cms.h"

#define CMS_KEY_MAX 32 /* content-encryption and key-encryption keys */
#define CMS_IV_MAX  16
#define CMS_TAG_MAX 16

struct cms_content_alg {
	enum cms_cipher id;
	int nid;
	const char *name;
	size_t key_len, iv_len;
	size_t block_len; /* the content is padded to it; 1: it is not */
	size_t tag_len;   /* 0: nothing authenticates the content */
	EVP_CIPHER *cipher;
};
/* NULL if it is not one of enum cms_cipher. */
const struct cms_content_alg *cms_content_alg_by_nid(int nid);
const struct cms_content_alg *cms_content_alg(enum cms_cipher id);

struct cms_wrap_alg {
	int nid;
	const char *name;
	size_t key_len;
	EVP_CIPHER *cipher;
};
const struct cms_wrap_alg *cms_wrap_alg_by_nid(int nid);

/* Digest of the KDF of a dhSinglePass-stdDH scheme (RFC 5753 7.1.4); NULL if it is another
 * algorithm. */
const EVP_MD *cms_kdf_digest(int scheme_nid);
/* ANSI X9.63 key derivation. */
EVP_KDF *cms_x963kdf(void);

/* One hash over one view; `out` has room for EVP_MAX_MD_SIZE bytes. */
bool cms_hash(const EVP_MD *md, struct view data, uint8_t *out, size_t *len_out, struct err *err);

#endif
