/*
 * What making a CA and renewing it share. Not for other rooms.
 */
#ifndef HOME_HOME_PRIV_H
#define HOME_HOME_PRIV_H

#include "ca_key.h"
#include "config.h"
#include "extension.h"
#include "home_files.h"
#include "pkix.h"

struct home_key {
	enum ca_key_kind kind;
	const char *uri; /* of a key that a token keeps; NULL: one of that kind */
	const struct secret *passphrase;
};
/* Makes the CA key with that index, or takes up the one of a run that did not come to its end,
 * which must be of that kind: ERROR_FILE_EXISTS. */
bool home_key(const struct config *config, uint32_t index, const struct home_key *k, EVP_PKEY **out,
    struct err *err);

/* An empty list; NULL with err. */
ext_list *home_extensions(struct err *err);
/* What a CA certificate of that key has, or the request for one; `last` NULL: it is the first. */
bool home_push_ca(ext_list *list, struct view spki, uint32_t version, const struct pkix_cert *last,
    struct err *err);
/* A certificate of the CA's own name that `signer` signs. */
struct home_order {
	EVP_PKEY *signer;
	struct view name, spki;
	int64_t now, not_after;
	const ext_list *extensions;
};
bool home_certify(
    const struct config *config, const struct home_order *o, struct buf *out, struct err *err);
/* ca.csr. */
bool home_write_request(const struct config *config, EVP_PKEY *key, struct view name,
    const ext_list *list, struct err *err);
/* Users of dircad.conf that do not exist. */
bool home_check_users(const struct config *config, struct err *err);
/* The folders of a new CA, which seals keys to nobody yet. */
bool home_make_folders(const struct config *config, struct err *err);
/* Where root made the CA: files and folders to the users that front and vault run as. */
bool home_hand_over(const struct config *config, struct err *err);
/* The key file with that index, and the journal, to the vault's user, where root runs it as one. */
bool home_give_key(const struct config *config, uint32_t key_index, struct err *err);
/* Is there a file of that name in the state folder? */
bool home_has(const struct config *config, const char *name);
/* Its owner; one that is not there is as good. */
bool home_give_to(
    const struct config *config, const char *name, uid_t uid, gid_t gid, struct err *err);
/* Replaces a file of the state folder by these, in PEM. */
bool home_write_pem(const struct config *config, const char *name, const char *label,
    const struct view *ders, size_t count, struct err *err);
/* Adds the one certificate that is there, DER or PEM. */
bool home_read_certificate(struct view text, struct pkix_certs *out, struct err *err);
/* Each is issued by the next, the last by itself: a chain with an end that readers can trust.
 * SHA-1 is refused but where that end signed itself. */
bool home_check_chain(const struct pkix_cert *list, size_t count, struct err *err);
/* CERT_E_EXPIRED. */
bool home_check_time(const struct pkix_cert *c, int64_t now, struct err *err);
/* Replaces TRUST_CHAIN by the parents of the first; leaves it where there are none. */
bool home_write_chain(const struct config *config, const struct pkix_certs *chain, struct err *err);

/* In the vault's journal, on the disk. dircad must not run: the journal is its vault's. */
bool home_note_signed(
    const struct config *config, struct view what, struct view serial, struct err *err);
/* Signs with the key at hand: only `dirca` on the CA's machine does that, while dircad does not
 * run; the daemon's signatures are the vault's. */
bool home_sign_here(const struct config *config, EVP_PKEY *key, struct view tbs, struct view serial,
    struct view sig_alg, struct buf *certificate_out, struct err *err);

#endif
