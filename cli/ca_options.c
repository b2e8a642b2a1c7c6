#include "ca_options.h"

#include "key_uri.h"
#include "plain.h"

#define YEAR_S (365LL * 86400)

bool
ca_options_read(const struct work *w, struct ca_options *out, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	const char *kind = o->key != NULL ? o->key : "rsa3072";
	const char *file =
	    o->passphrase_file != NULL ? o->passphrase_file : w->config->passphrase_file;

	*out = (struct ca_options){.validity = (o->years != 0 ? o->years : 10) * YEAR_S};
	if (key_uri_is(kind))
		out->key_uri = kind;
	else if (!ca_key_kind_by_name(kind, &out->key))
		return err_set(err, DIRCA_E_USAGE,
		    "key kind %s is unknown: rsa2048, rsa3072, rsa4096, p256, p384 or a pkcs11: "
		    "URI",
		    kind);
	return file == NULL || secret_read_file(file, &out->passphrase, err);
}

void
ca_options_free(struct ca_options *o)
{
	secret_free(&o->passphrase);
}

const struct secret *
ca_options_passphrase(const struct ca_options *o)
{
	return o->passphrase.ptr != NULL ? &o->passphrase : NULL;
}
