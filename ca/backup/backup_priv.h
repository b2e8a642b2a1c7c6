/* What the files of this room share. */
#ifndef BACKUP_BACKUP_PRIV_H
#define BACKUP_BACKUP_PRIV_H

#include <sys/types.h>

#include "backup.h"
#include "own.h"

#define BACKUP_MANIFEST   "manifest.p7m"
#define BACKUP_STATE      "state/"
#define BACKUP_RECIPIENTS "recipients.pem"
#define BACKUP_CONFIG     "dircad.conf"
#define BACKUP_PASSPHRASE "passphrase"
#define BACKUP_SEALED     ".p7m"
#define BACKUP_CA_KEY     "state/vault/ca.key"
#define BACKUP_SECRET_MAX (512 * 1024) /* of a secret file: room in an EnvelopedData of 1 MiB */

/* manifest.c: the JSON text <-> struct; `out` without the CA certificate. DIRCA_E_BACKUP. */
bool manifest_encode(const struct backup *b, struct buf *out, struct err *err);
bool manifest_decode(struct view text, struct backup *out, struct err *err);

/* backup_files.c */
bool backup_item_is_folder(const struct backup_item *i);
/* Where the item lies in the copy; free(). */
char *backup_item_path(const char *folder, const struct backup_item *i);
/* The folder that has another name until it is whole, "copy.part" of "copy" and of "copy/"; free().
 */
char *backup_beside(const char *folder, const char *end);
/* The room for one more, zeroed. */
struct backup_item *backup_add(struct backup *b);
const struct backup_item *backup_find(const struct backup *b, const char *path);
/* All of it to the new file `to`, for nobody else to read, synced, counted and hashed; `to` NULL:
 * hashed only. */
bool backup_copy(int from, const char *name, const char *to, int64_t *size_out,
    uint8_t sha256_out[32], struct err *err);
/* Is that what was listed? DIRCA_E_BACKUP. */
bool backup_item_is(const struct backup_item *i, int64_t size, const uint8_t sha256[32],
    const char *path, struct err *err);
/* A folder and all that is in it, at most two folders deep: what was made here and failed. */
void backup_discard(const char *folder);

/* The key of that certificate of the CA, in the vault's folder. */
bool backup_ca_key(const char *folder, const struct pkix_cert *ca, const struct secret *passphrase,
    EVP_PKEY **out, struct err *err);

/* The names in a folder without "." and "..", sorted; below the folder `at` as in openat(2). */
bool backup_names(int at, const char *folder, struct texts *out, struct err *err);

struct owner {
	uid_t uid;
	gid_t gid;
};
/* Those of dircad.conf, by enum backup_owner; who runs this where it names none. DIRCA_E_CONFIG. */
bool backup_owners(const struct config *config, struct owner out[3], struct err *err);

#endif
