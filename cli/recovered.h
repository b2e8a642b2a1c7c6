/*
 * What is made of a recovered key: the file for the user, and beside it what is kept of the act, a
 * receipt for the records and a page to hand over. Neither holds a password or a key.
 */
#ifndef CLI_RECOVERED_H
#define CLI_RECOVERED_H

#include "cli.h"
#include "key_output.h"
#include "recovery.h"

struct recovered {
	const struct cli *cli;
	const struct recovery_blob *blob;
	struct view blob_file;          /* as it was read */
	const struct pkix_cert *kra;    /* who opened it; NULL: not known by a certificate */
	const struct pkix_certs *chain; /* the certificate, and behind it its issuers */
	EVP_PKEY *key;
	int64_t when;
};

/* --format, and what goes with it; whether each file could be written. Before anything is asked. */
bool recovered_check(const struct cli *cli, enum key_format *out, struct err *err);
/* Is there a password to ask for? */
bool recovered_has_password(const struct cli *cli);
/* All files or none. */
bool recovered_write(const struct recovered *r, enum key_format format,
    const struct secret *password, struct err *err);

#endif
