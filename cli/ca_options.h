/* What `dirca ca init`, `ca renew` and `ca install` are told of the CA's key and certificate. */
#ifndef CLI_CA_OPTIONS_H
#define CLI_CA_OPTIONS_H

#include "ca_key.h"
#include "work.h"

struct ca_options {
	enum ca_key_kind key;
	const char *key_uri; /* of a key that a token keeps; NULL: one of that kind */
	int64_t validity;    /* seconds */
	struct secret passphrase;
};
/* --key, --years, and the passphrase of --passphrase-file or of dircad.conf. */
bool ca_options_read(const struct work *w, struct ca_options *out, struct err *err);
void ca_options_free(struct ca_options *o);
/* NULL: the keys are not encrypted. */
const struct secret *ca_options_passphrase(const struct ca_options *o);

#endif
