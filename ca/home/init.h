/*
 * Making a CA, before any daemon runs (`dirca ca init`): key, self-signed certificate or request to
 * a parent, TLS certificate of the service, state folder. Local files only; dircad makes
 * the database when told to; publishing to the directory is pki_publish_ca's.
 */
#ifndef HOME_INIT_H
#define HOME_INIT_H

#include "config.h"
#include "ca_key.h"

struct ca_init {
	const char *subject_dn; /* RFC 4514; NULL: CN=<ca_name> and the host's domain as DCs */
	enum ca_key_kind key;
	const char *key_uri; /* of the key, which a token keeps; NULL: one of that kind is made */
	const struct secret *passphrase; /* NULL: none */
	int64_t validity;                /* seconds; self-signed only */
	bool subordinate;                /* write <state>/ca.csr and stop */
};
/* Looks everything up before the first file, and goes on where an earlier run did not come to its
 * end; ERROR_FILE_EXISTS for a CA that is made already. Self-signed CA certificate (critical
 * basicConstraints, KU digitalSignature|certSign|crlSign, SKI, 21.1 CA version 0), or ca.csr. */
bool ca_init(const struct config *config, const struct ca_init *in, int64_t now, struct err *err);
/* The parent's answer for a subordinate: `certificate` must match ca.key; chain = parents, PEM file
 * content. Writes ca.crt, trust/chain.pem, then finishes like ca_init. ERROR_FILE_EXISTS for a CA
 * that is made already. */
bool ca_init_install(const struct config *config, struct view certificate, const struct view *chain,
    size_t chain_count, const struct secret *passphrase, int64_t now, struct err *err);
/* Is there no database yet, and was there never one? Then dircad is to make it
 * (`dircad --create-database`). DIRCA_E_DATABASE: it was lost. */
bool ca_init_database_is_due(const struct config *config, bool *due_out, struct err *err);
/* New TLS certificate (tls.crt, tls.key) for config->host and loopback names, two years, signed by
 * the CA key. */
bool ca_init_tls(const struct config *config, EVP_PKEY *ca_key, int64_t now, struct err *err);

#endif
