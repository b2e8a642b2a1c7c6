#include "setup_directory.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adoption.h"
#include "client_config.h"
#include "directory_accounts.h"
#include "kerberos.h"
#include "mem.h"
#include "own.h"
#include "service_account.h"
#include "setup_run.h"
#include "text.h"

/* "dirca directory WORD [ARGUMENT] --OPTION", as the person of the session. */
static void
say_verb(struct setup_words *out, const struct cli_options *o, const char *word,
    const char *argument, const char *option)
{
	setup_say(out, "dirca");
	setup_say(out, "directory");
	setup_say(out, word);
	if (argument != NULL)
		setup_say(out, argument);
	if (option != NULL)
		setup_say(out, option);
	setup_say_session(out, o);
}

/* ---- The account of the service ---- */

/* What OpenLDAP makes of the service's user, who comes by the local socket. */
static char *
local_dn(const struct config *c)
{
	const struct passwd *pw = c->user != NULL ? getpwnam(c->user) : NULL;

	return pw != NULL
		   ? text_printf("gidNumber=%lu+uidNumber=%lu,cn=peercred,cn=external,cn=auth",
			 (unsigned long)pw->pw_gid, (unsigned long)pw->pw_uid)
		   : NULL;
}

/* Whom the directory takes the service for: it is asked. NULL: nobody knows. */
static bool
service_dn(struct work *w, char **out, struct err *err)
{
	struct dir_config d = {0};
	struct dir_conn *c = NULL;

	*out = NULL;
	if (w->config->dir_auth == DIR_AUTH_EXTERNAL) {
		*out = local_dn(w->config);
		return true;
	}
	if (!config_read_password(w->config, err) || !config_directory(w->config, &d, err))
		return false;
	d.bare = true;
	if (!dir_sign_in(&d, &c, err))
		return err_prefix(err, "the account of the CA");
	*out = service_account_dn(c);
	dir_disconnect(&c);
	return true;
}

static bool
lacks_rights(struct directory_accounts *a, const char *dn, bool *out, struct err *err)
{
	OWNED(service_account_free) struct service_account s = {0};

	*out = false;
	if (!service_account_plan(&a->by, dn, &s, err))
		return false;
	*out = s.changes.count > 0;
	return true;
}

/* ---- The steps ---- */

static bool
adopt(struct work *w, struct directory_accounts *a, struct err *err)
{
	const struct adoption_options options = {0};
	OWNED(adoption_free) struct adoption adoption = {0};
	struct setup_words words = {0};

	if (dir_conn_root(a->by.tree)->is_ad)
		return true;
	if (!adoption_examine(a->by.tree, &options, &adoption, err))
		return false;
	if (adoption.plan.count == 0) {
		puts("People and groups: have what rights are given to");
		return true;
	}
	printf("People and groups: %zu lack what rights are given to:\n", adoption.changes);
	say_verb(&words, &w->cli->opt, "adopt", NULL, NULL);
	return setup_run(w, &words, err);
}

static bool
grant(struct work *w, struct directory_accounts *a, struct err *err)
{
	OWNED(own_memory) char *dn = NULL;
	struct setup_words words = {0};
	bool lacks;

	if (w->config == NULL || !service_dn(w, &dn, err))
		return w->config == NULL;
	if (dn == NULL) {
		puts("Account of the CA: nobody says who it is; see "
		     "dirca-directory-service-account(1)");
		return true;
	}
	if (!lacks_rights(a, dn, &lacks, err))
		return false;
	printf("Account of the CA, %s: %s\n", dn, lacks ? "lacks rights:" : "has what it needs");
	say_verb(&words, &w->cli->opt, "service-account", dn, "--apply");
	if (!lacks)
		return true;
	if (w->config->dir_keytab != NULL)
		kerberos_forget(w->config->dir_keytab);
	return setup_run(w, &words, err);
}

static bool
examine(struct work *w, struct directory_accounts *a, bool templates, size_t *missing_out,
    struct err *err)
{
	OWNED(setup_free) struct setup s = {0};

	*missing_out = 0;
	if (!directory_examine(w, templates, a, &s, err))
		return false;
	for (size_t i = 0; i < s.count; i++)
		*missing_out += !s.list[i].present;
	return true;
}

static bool
init(struct work *w, size_t missing, struct err *err)
{
	struct setup_words words = {0};

	if (missing == 0) {
		puts("Schema, containers and templates: are there");
		return true;
	}
	printf("Schema, containers and templates: %zu are missing:\n", missing);
	say_verb(&words, &w->cli->opt, "init", NULL, "--templates");
	return setup_run(w, &words, err);
}

static bool
prepare(struct work *w, struct err *err)
{
	OWNED(directory_accounts_close) struct directory_accounts a = {0};
	size_t missing;
	bool ok;

	ok = examine(w, &a, true, &missing, err) && init(w, missing, err);
	/* What the connection knows of the directory is from before. */
	if (ok && missing > 0 && !w->cli->opt.dry_run) {
		directory_accounts_close(&a);
		a = (struct directory_accounts){0};
		dir_disconnect(&w->session.directory);
		ok = directory_accounts_open(&w->session, &a, err);
	}
	return ok &&
	       (w->cli->opt.dry_run && missing > 0 ? true : adopt(w, &a, err) && grant(w, &a, err));
}

/* So that they can be looked at, and run. */
static bool
refuse(struct work *w, size_t missing, struct err *err)
{
	const char *const steps[][3] = {{"init", NULL, "--templates"}, {"adopt", NULL, NULL},
	    {"service-account", "DN", "--apply"}};
	bool is_ad = dir_conn_root(w->session.directory)->is_ad;

	printf("Directory: %zu of schema and containers are missing:\n", missing);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct setup_words words = {0};

		if (is_ad && i == 1)
			continue;
		say_verb(&words, &w->cli->opt, steps[i][0], steps[i][1], steps[i][2]);
		setup_show(&words);
	}
	return w->cli->opt.dry_run ||
	       err_set(err, DIRCA_E_CONFIG,
		   "the directory is not prepared: run these commands, or have it done by "
		   "--prepare; then run `dirca setup` again, which goes on here");
}

/* In Active Directory for good: nobody is taken at a word that he did not say. */
static bool
is_wanted(struct work *w, size_t missing)
{
	const struct cli_options *o = &w->cli->opt;
	struct err ignored;

	if (o->prepare || o->dry_run || missing == 0)
		return o->prepare;
	return !o->yes && isatty(STDIN_FILENO) &&
	       cli_confirm(
		   dir_conn_root(w->session.directory)->is_ad
		       ? "The directory is not prepared. Add schema, which cannot be undone "
			 "in Active Directory, containers and templates?"
		       : "The directory is not prepared. Add schema, containers, templates, "
			 "SIDs for people and groups, and the rights of the CA's account?",
		   &ignored);
}

bool
setup_directory(struct work *w, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	bool standalone = w->config != NULL ? w->config->standalone : o->standalone;
	size_t missing = 0;

	/* Nobody is to be asked for a password only to be shown something. */
	if (standalone || !client_config_names_caller(o) || (o->dry_run && !o->prepare))
		return true;
	if (!work_open(w, NEEDS_SESSION, err))
		return false;
	{
		OWNED(directory_accounts_close) struct directory_accounts a = {0};

		if (!examine(w, &a, false, &missing, err))
			return false;
	}
	if (is_wanted(w, missing) ? !prepare(w, err) : missing > 0 && !refuse(w, missing, err))
		return false;
	/* From now on a directory is one that has all. */
	dir_disconnect(&w->session.directory);
	w->session.dir_config.bare = false;
	return true;
}
