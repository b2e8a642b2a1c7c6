/*
 * A publication of the CA that is under way: <state>/publication.ldif, written by `dirca ca
 * publish` before its first change and removed after the last. It holds the entry of the enrollment
 * service as it is to be.
 */
#ifndef HOME_PUBLICATION_FILE_H
#define HOME_PUBLICATION_FILE_H

#include "config.h"
#include "pki.h"

bool publication_begin(
    const struct config *config, const struct pki_publication *p, struct err *err);
/* Publishes what the file says, if there is one, and removes it. *finished_out: there was one. */
bool publication_finish(
    const struct config *config, struct dir_conn *c, bool *finished_out, struct err *err);
/* Forgets it: the CA is being unpublished. */
bool publication_forget(const struct config *config, struct err *err);

#endif
