/*
 * PKCS#12 (RFC 7292): any number of private keys with their certificates, and further certificates.
 * The one reader and the one writer of all that reads and writes such files.
 */
#ifndef MESSAGES_PFX_H
#define MESSAGES_PFX_H

#include <openssl/evp.h>

#include "buf.h"

#define PFX_FILE_MAX (16 * 1024 * 1024) /* octets of a file that is read */

/* What a bag says of its content beside name and localKeyID: one value of a string type, or none.
 * Attributes of other shapes are not kept. */
struct pfx_attr {
	char oid[80];
	int type; /* V_ASN1_...; 0: no value */
	struct buf value;
};
struct pfx_attrs {
	struct pfx_attr *list;
	size_t count;
};

/* SHA-256 of a public key as OpenSSL writes it, once it was asked for: of thousands each is
 * compared with each. */
#define PFX_KEY_HASH_LEN 32
struct pfx_key_id {
	bool asked, known; /* not known: none that OpenSSL knows */
	uint8_t hash[PFX_KEY_HASH_LEN];
};
struct pfx_entry {
	EVP_PKEY *key;           /* NULL: a certificate alone */
	struct buf certificate;  /* DER; empty: a key alone */
	char *friendly_name;     /* UTF-8, of anybody's choice; NULL: none */
	struct buf local_key_id; /* as it was read; what is written is the certificate's SHA-1 */
	struct pfx_attrs of_key, of_certificate;
	struct pfx_key_id id; /* pfx_key_id */
	const char *file;     /* that it came from, for messages; borrowed; NULL: not said */
};
struct pfx_content {
	struct pfx_entry *keys; /* each with its certificate, if that is there */
	size_t key_count;
	struct pfx_entry *others; /* certificates alone: chains, and whatever is there */
	size_t other_count;
};

/* Everything of a file, in its order; a certificate belongs to the key whose public half it has, of
 * several to the one with its localKeyID. An empty password is tried in both ways that programs
 * write it. NTE_BAD_DATA with a clear sentence on a wrong password, and for a file that wants too
 * many iterations, in one place or in all; DIRCA_E_TOO_LARGE. */
bool pfx_read(
    struct view der, const struct secret *password, struct pfx_content *out, struct err *err);
void pfx_content_free(struct pfx_content *c);

/* Adds a key, of which a reference is taken, with its certificate (empty: none) and a name (NULL:
 * none), or a certificate alone. What is there already by public key or DER is not added; the
 * certificate of a key that has none, and a name where there is none, are. */
bool pfx_add_key(struct pfx_content *c, EVP_PKEY *key, struct view certificate, const char *name,
    struct err *err);
bool pfx_add_certificate(
    struct pfx_content *c, struct view certificate, const char *name, struct err *err);
/* Moves all of `from`, in the same way and with its attributes; `from` is empty afterwards. */
void pfx_merge(struct pfx_content *to, struct pfx_content *from);

enum pfx_strength {
	PFX_AES,   /* AES-256-CBC, PBKDF2 with HMAC-SHA-256; MAC with SHA-256 */
	PFX_LEGACY /* 3DES and SHA-1, which everything since Windows 2000 reads */
};
/* 300,000 iterations each; of more than 20 keys the sum of theirs is held, down to 10,000. Parts of
 * no more keys, or certificates, than GnuTLS reads of one. Names
 * are made unique, as keytool keeps one entry a name; each certificate is written once.
 * E_INVALIDARG if the password is empty or there is nothing, DIRCA_E_KEY_MISMATCH. */
bool pfx_write(const struct pfx_content *what, const struct secret *password,
    enum pfx_strength strength, struct buf *out, struct err *err);

/* ---- one key and its certificate ---- */

/* pfx_write of them, PFX_AES; `friendly_name` may be NULL. */
bool pfx_encode(EVP_PKEY *key, struct view certificate, const struct view *chain,
    size_t chain_count, const char *friendly_name, const struct secret *password, struct buf *out,
    struct err *err);
struct pfx {
	EVP_PKEY *key;
	struct buf certificate;
	struct buf *others; /* further certificates: the chain, and whatever is there */
	size_t other_count;
};
/* Takes the first key that has its certificate there out of the content, and all other
 * certificates. False: there is none. pfx_free. */
bool pfx_pair(struct pfx_content *c, struct pfx *out);
/* pfx_read, then that. */
bool pfx_decode(struct view der, const struct secret *password, struct pfx *out, struct err *err);
void pfx_free(struct pfx *p);

#endif
