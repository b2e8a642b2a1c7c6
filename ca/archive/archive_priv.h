/* What the files of this room share. Not for other rooms. */
#ifndef ARCHIVE_ARCHIVE_PRIV_H
#define ARCHIVE_ARCHIVE_PRIV_H

#include "archive.h"

/* archive_payload_read, of what `decode` takes. */
typedef bool archive_decode(struct view der, struct cms_enveloped *out, struct err *err);
bool archive_read(archive_decode *decode, struct view payload, struct view issuer,
    struct view serial, const EVP_PKEY *key, struct archive_payload *out, struct err *err);

/* archive_key_matches, of what was read from a private key blob. */
bool archive_blob_matches(const struct keyblob_key *priv, EVP_PKEY *pub, struct err *err);

/* Content to agents, each of whom opens it, or so many of them together, whose shares are then
 * bound to the public key whose private key it is. As the vault seals, and as an agent does to
 * others. */
struct archive_sealing {
	const struct cms_kra *kras;
	size_t kra_count;
	size_t threshold; /* 0 or 1: each alone */
	enum cms_cipher cipher;
	struct view seed; /* cms_enveloped_seal_seeded */
};
bool archive_seal(const struct archive_sealing *s, const struct secret *content,
    const EVP_PKEY *pub, struct buf *out, struct err *err);

#endif
