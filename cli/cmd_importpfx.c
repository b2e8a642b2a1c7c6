/* dirca importpfx, exportpfx: keys into the store of a person or a machine, and out of it (paper,
 * "Importing Recovered Keys"). */
#include "key_input.h"
#include "key_output.h"
#include "key_store.h"
#include "own.h"
#include "verbs.h"
#include "work.h"

static bool
check_store(const struct cli_options *o, struct err *err)
{
	int n = (o->folder != NULL) + (o->nss != NULL) + (o->token != NULL) + o->user_store;

	return n <= 1 || err_set(err, DIRCA_E_USAGE,
			     "--user, --folder, --nss and --token: one of them at a time");
}

bool
key_store_import(const struct cli_options *o, struct pfx_content *c, struct err *err)
{
	return o->nss != NULL     ? key_nss_import(o, c, err)
	       : o->token != NULL ? key_token_import(o, c, err)
				  : key_folder_import(o, c, err);
}

bool
key_store_export(
    const struct cli_options *o, const char *wanted, struct pfx_content *out, struct err *err)
{
	if (o->token != NULL)
		return err_set(err, NTE_BAD_FLAGS,
		    "a token does not give its private keys out: `dirca recoverkey` and others use "
		    "them there");
	return o->nss != NULL ? key_nss_export(o, wanted, out, err)
			      : key_folder_export(o, wanted, out, err);
}

/* A store has a place for a key that has its certificate. */
static bool
check_pairs(const struct pfx_content *c, struct err *err)
{
	if (c->key_count == 0)
		return err_set(err, ERROR_INVALID_DATA, "there is no private key to import");
	return key_pairs_check(c, "", err);
}

bool
cmd_importpfx(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(key_passwords_free) struct key_passwords passwords = {0};
	OWNED(pfx_content_free) struct pfx_content c = {0};

	if (!check_store(&cli->opt, err) ||
	    !key_passwords_read(&cli->opt.password_files, &passwords, err))
		return false;
	for (int i = 0; i < cli->count; i++)
		if (!key_input_read(cli->args[i], &passwords, &c, err))
			return false;
	return check_pairs(&c, err) && key_store_import(&cli->opt, &c, err);
}

bool
cmd_exportpfx(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(pfx_content_free) struct pfx_content c = {0};

	if (!check_store(&cli->opt, err) || !key_store_export(&cli->opt, cli->args[0], &c, err) ||
	    !key_output_check(&cli->opt, KEY_PFX, &c, cli->args[1], err) ||
	    !key_output_write(&cli->opt, KEY_PFX, &c, cli->args[1], err))
		return false;
	key_output_print(&c, cli->args[1]);
	return true;
}
