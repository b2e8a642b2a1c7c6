/*
 * The copy of a CA: all that it cannot be without, in a folder of its own.
 *
 *	FOLDER/manifest.p7m     what belongs to the copy: SignedData (RFC 5652) of a JSON text with
 *	                        path, size and SHA-256 of each file, by the CA key
 *	FOLDER/recipients.pem   to whom the secrets are encrypted
 *	FOLDER/dircad.conf      the configuration, for who makes the next one
 *	FOLDER/state/...        the state folder. Of a file that is secret there is NAME.p7m:
 *	                        EnvelopedData to each recipient, and nothing in plain
 *	FOLDER/passphrase.p7m   that of the CA key, where it has one
 *
 * Exchange keys are not in it: what they opened after the copy would be forgotten with it, and a
 * request be opened twice. The CA makes a new one when it starts. One that a token keeps is named
 * in the copy without what it opened, by which the vault knows not to use it again. A signed list
 *keeps whoever holds the copy from adding a KRA to it. Root only: the running CA does not take
 *part, but for the database, which dircad copies (ca/service/database_acts.c).
 */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "config.h"
#include "pkix.h"
#include "texts.h"

#define BACKUP_DATABASE "dirca.db.copy" /* what dircad made of it, in the state folder */

/* Whose a file is: the users that dircad.conf names, whatever their numbers are. */
enum backup_owner { BACKUP_ROOT, BACKUP_FRONT, BACKUP_VAULT };

struct backup_item {
	char *path; /* in the folder, without ".p7m": "state/vault/ca.key"; a folder ends in '/' */
	enum backup_owner user, group;
	unsigned mode; /* of the original */
	bool sealed;
	int64_t size;       /* of the file in the folder; 0: a folder */
	uint8_t sha256[32]; /* of the file in the folder */
};

struct backup {
	char *ca_name, *version; /* dirca's */
	int64_t made;
	struct backup_item *items;
	size_t count;
	struct pkix_cert ca; /* that signed it */
};
void backup_free(struct backup *b);
/* Of all files. */
int64_t backup_size(const struct backup *b);

struct backup_source {
	const struct config *config; /* backup_recipients is set, or it is DIRCA_E_CONFIG */
	const char *config_file;
	void (*told)(void *arg, const char *path); /* of each file; NULL: nobody is */
	void *arg;
};
/* Makes `folder`, which must not exist: FOLDER.part, all of it, verified, then the name.
 * BACKUP_DATABASE is there already. What fails leaves no folder behind. */
bool backup_make(const struct backup_source *from, const char *folder, int64_t now,
    struct backup *out, struct err *err);

/* The signed list, checked with the CA certificate that is in the copy: who reads it must know
 * whether b->ca is the one that is meant. NTE_BAD_SIGNATURE, DIRCA_E_BACKUP. */
bool backup_read(const char *folder, struct backup *out, struct err *err);
/* Is each file there as it was listed? DIRCA_E_BACKUP names the first that is not. */
bool backup_check(const char *folder, const struct backup *b, struct err *err);

/* Makes config->state_dir of the copy, which was read and is meant: into STATE.restoring, checked,
 * then the name. There must be no CA yet (ERROR_FILE_EXISTS). `key` is that of one of the
 * recipients. `check_database` says whether the database in that folder is good. A TLS certificate
 * for config->host is made if the copy's is another's. */
struct backup_target {
	const struct config *config;
	EVP_PKEY *key;
	int64_t now;
	bool (*check_database)(void *arg, const char *path, struct err *err);
	void *arg;
};
bool backup_restore(
    const char *folder, const struct backup *b, const struct backup_target *to, struct err *err);

#endif
