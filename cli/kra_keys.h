/*
 * The private keys of a key recovery agent, wherever he keeps them: a file of any kind
 * (ca/messages/material.h), a folder of such files, a token. Which of them opens a BLOB is found by
 * public key (ca/archive/recovery.h); nothing here needs a name.
 */
#ifndef CLI_KRA_KEYS_H
#define CLI_KRA_KEYS_H

#include "cli.h"
#include "recovery.h"

struct kra_keys {
	EVP_PKEY **list;
	size_t count;
	struct pkix_certs certificates; /* that lay beside them, and those of --kra-certificate */
};

/* Of every --kra, or without one of ~/.config/dirca/kra, which must be its owner's alone; with the
 * passwords of --kra-password-file: one for all, or one each in their order; asked for where a file
 * needs one. DIRCA_E_USAGE, DIRCA_E_CONFIG. */
bool kra_keys_open(const struct cli_options *o, struct kra_keys *out, struct err *err);
/* Those of --kra, or what can be read in ~/.config/dirca/kra without a question, if that is there.
 */
bool kra_keys_look(const struct cli_options *o, struct kra_keys *out, struct err *err);
void kra_keys_close(struct kra_keys *k);
/* As recover_unwrap wants them. */
struct recovery_agent kra_keys_agent(const struct kra_keys *k);

#endif
