/* dirca ca renew, ca install: a new certificate for a CA that there is. */
#include <stdio.h>

#include "ca_answer.h"
#include "ca_issuers.h"
#include "ca_options.h"
#include "clock.h"
#include "local_audit.h"
#include "own.h"
#include "renew.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

static bool
renew(const struct work *w, enum ca_renewed *out, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	OWNED(ca_options_free) struct ca_options options = {0};

	if (o->key != NULL && !o->new_key)
		return err_set(err, DIRCA_E_USAGE, "--key is for --new-key");
	if (!ca_options_read(w, &options, err))
		return false;
	const struct ca_renew in = {.new_key = o->new_key,
	    .key = options.key,
	    .key_uri = options.key_uri,
	    .passphrase = ca_options_passphrase(&options),
	    .validity = options.validity};

	return ca_renew(w->config, &in, clock_now(), out, err);
}

static bool
print_newest(const struct config *config, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers all = {0};
	char until[CLOCK_LOCAL_LEN];

	if (!ca_issuers_read(path, &all, err))
		return false;
	clock_local_format(all.list[0].cert.not_after, until);
	printf("%s: CA version %u.%u, until %s. Start dircad: it makes the CRLs and brings the "
	       "certificate to the directory.\n",
	    path, CA_VERSION_CERTIFICATE(all.list[0].version), CA_VERSION_KEY(all.list[0].version),
	    until);
	if (!view_eq(all.list[0].cert.issuer, all.list[0].cert.subject))
		puts("It issues once the directory has a current CRL of each CA above it: `dirca "
		     "doctor ca` says which is missing.");
	return true;
}

static bool
audited(const struct work *w, bool (*act)(const struct work *, enum ca_renewed *, struct err *),
    enum ca_renewed *out, struct err *err)
{
	const char *name = w->config->ca_name;

	return local_audit_begin(w->cli, name, "", err) &&
	       (act(w, out, err) || local_audit_failed(w->cli, name, "", err));
}

bool
cmd_ca_renew(struct work *w, struct err *err)
{
	enum ca_renewed renewed;

	if (!audited(w, renew, &renewed, err))
		return false;
	if (renewed == CA_RENEWED)
		return print_newest(w->config, err);
	printf("%s/ca.csr written: let the parent CA issue it, then `dirca ca install CERT`. "
	       "Meanwhile the CA goes on with the certificate that it has.\n",
	    w->config->state_dir);
	return true;
}

static bool
install(const struct work *w, enum ca_renewed *out, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	OWNED(ca_answer_free) struct ca_answer answer = {0};
	OWNED(ca_options_free) struct ca_options options = {0};

	*out = CA_RENEWED;
	return ca_answer_read(w->cli->args[0], o->chain, &answer, err) &&
	       ca_options_read(w, &options, err) &&
	       ca_renew_install(w->config, buf_view(&answer.certificate), answer.parents,
		   answer.parent_count, ca_options_passphrase(&options), clock_now(), err);
}

bool
cmd_ca_install(struct work *w, struct err *err)
{
	enum ca_renewed renewed;

	return audited(w, install, &renewed, err) && print_newest(w->config, err);
}
