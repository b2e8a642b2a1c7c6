/*
 * Private keys as other programs keep them, with the certificates that they belong to: bytes ->
 * items. What a file is, its content says and never its name; a reader is a row of one table
 * (escrow.c). No policy, no network. What is in an item was not checked but for one thing: the key
 * is that of the certificate.
 */
#ifndef ESCROW_ESCROW_H
#define ESCROW_ESCROW_H

#include <openssl/evp.h>

#include "pfx.h"
#include "pkix.h"
#include "recovery.h"
#include "texts.h"

#define ESCROW_FILE_MAX ((size_t)256 << 20)

struct escrow_item {
	EVP_PKEY *key;          /* NULL: there is an entry */
	struct buf entry;       /* of an escrow batch, signed and encrypted for the CA */
	struct buf certificate; /* DER */
	char *friendly_name;    /* NULL: none, as the next */
	char *user;             /* whose it is, as the file says: "DOMAIN\user", a UPN, a user id */
	const char *source;     /* what it was read from: "PKCS#12" */
	char *file;             /* its name, where there are several */
};
void escrow_item_free(struct escrow_item *i);
/* The entries of a batch. One that comes twice stands for no other. */
struct escrow_seen {
	uint8_t batch[16];
	int32_t total, *indexes;
	size_t count;
};
/* To the batch of the list that is `of`, which is added if it is not there. */
void escrow_seen_add(
    struct escrow_seen **list, size_t *count, const struct escrow_seen *of, int32_t index);
size_t escrow_seen_distinct(struct escrow_seen *s);
void escrow_seen_free(struct escrow_seen *list, size_t count);

struct escrow_items {
	struct escrow_item *list;
	size_t count;
	char *signer;             /* of an escrow batch: its name; NULL: it is none */
	struct escrow_seen *seen; /* of which batches there are which entries */
	size_t seen_count;
	struct texts problems; /* sentences: what is in the file and is no item */
};
void escrow_items_free(struct escrow_items *i);
/* Takes the key, whatever becomes of it. */
bool escrow_add(struct escrow_items *i, EVP_PKEY *key, struct view certificate, const char *name,
    const char *user, const char *source, struct err *err);

/* Certificates of keys that come without, found by the public key. */
struct escrow_certificate {
	uint8_t key_hash[PKIX_KEY_HASH_LEN];
	struct buf der;
};
struct escrow_certificates {
	struct escrow_certificate *list;
	size_t count;
	bool sorted;
};
bool escrow_certificates_add(struct escrow_certificates *c, struct view der, struct err *err);
/* Empty: there is none. Of renewals the last; TYPE_E_AMBIGUOUSNAME: those of several names have
 * this key, which anybody can have had certified. */
bool escrow_certificates_find(
    struct escrow_certificates *c, EVP_PKEY *key, struct view *out, struct err *err);
void escrow_certificates_free(struct escrow_certificates *c);

/* What helps to read it. */
struct escrow_with {
	const struct secret *passwords; /* each is tried */
	size_t password_count;
	const struct pfx_content *openers; /* keys that open: a KRA's, a Dogtag KRA's storage key.
					      NULL: none */
	struct escrow_certificates *certificates; /* NULL: none */
	const struct recovery_trust *trust;       /* whose recovery BLOBs; NULL: nobody's */
};

/* NTE_BAD_DATA for a wrong password, CRYPT_E_NO_DECRYPT_CERT if nothing opens it; what is no file
 * of any reader, or one of a kind that cannot be read, is ERROR_INVALID_DATA with a way round; the
 * codes of recovery_verify for a recovery BLOB. */
bool escrow_read(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err);

#endif
