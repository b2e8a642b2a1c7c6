/*
 * <state>/vault/signed-kras.crt: copies of the KRA certificates that the vault signed, the newest
 * last. The vault writes them, before a signature leaves it, where the front cannot; root takes
 * from there whom keys are to be sealed to (`dirca kra enable SHA1`). Being here seals nothing: a
 * broken front can have a KRA certificate signed in anybody's name.
 */
#ifndef KEYS_SIGNED_KRAS_H
#define KEYS_SIGNED_KRAS_H

#include <pthread.h>

#include "buf.h"

#define SIGNED_KRAS_FILE "signed-kras.crt"
#define SIGNED_KRAS_MAX  32 /* of more the oldest goes */

struct signed_kras {
	char *path;
	pthread_mutex_t lock;
	struct buf *list; /* certificates, DER */
	size_t count;
};
/* Of the vault's folder; none if there is no file yet. */
bool signed_kras_open(struct signed_kras *s, const char *folder, struct err *err);
void signed_kras_close(struct signed_kras *s);
/* If it is a KRA's, of KRA_CERT_MAX octets at most, and not there: on disk when this returns. */
bool signed_kras_keep(struct signed_kras *s, struct view certificate, struct err *err);

#endif
