/* dirca template enable, dirca template disable: what a CA issues. */
#include <stdio.h>
#include <stdlib.h>

#include "template_common.h"
#include "tmpl.h"

/* The CA would not issue it; better said now than found out by those who enroll. */
static bool
check_usable(const struct dir_entry *e, struct err *err)
{
	struct tmpl t;
	bool ok = tmpl_decode(e, &t, err);

	if (!ok)
		return false;
	if (t.schema_version >= 2 && t.oid == NULL)
		ok = err_set(err, E_INVALIDARG,
		    "template %s has no object identifier, so that no CA can issue it; make a copy "
		    "with `dirca template duplicate`",
		    t.cn);
	tmpl_free(&t);
	return ok;
}

static bool
change(struct session *s, const char *name, bool enable, struct err *err)
{
	const struct dir_entry *e = pki_snapshot_template(s->pki, name), *service;
	struct ldif plan = {0};
	char *cn = NULL, *ca = NULL;
	bool changed, ok = false;

	/* A name whose template is gone can still be taken off the list. */
	if ((enable && (!template_find(s, name, &e, err) || !check_usable(e, err))) ||
	    !template_service(s, &service, err) ||
	    (e != NULL && dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED) ||
	    dir_entry_text(service, "cn", &ca, err) != DIR_GET_OK ||
	    !pki_plan_enable(service, cn != NULL ? cn : name, enable, &plan, &changed, err))
		goto out;
	if (!changed && !enable) {
		err_set(err, CRYPT_E_NOT_FOUND, "%s does not issue template %s", ca, name);
		goto out;
	}
	if (!template_commit(s, &plan, err))
		goto out;
	if (!s->cli->opt.dry_run)
		printf("%s %s %s%s.\n", ca, enable ? "issues" : "no longer issues",
		    cn != NULL ? cn : name, changed ? "" : " already");
	ok = true;
out:
	ldif_free(&plan);
	free(cn);
	free(ca);
	return ok;
}

static enum cli_exit
run(struct cli *cli, bool enable)
{
	struct session session = {0};
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!template_open(&session, cli, &err) || !change(&session, cli->args[0], enable, &err))
		status = cli_fail(cli, &err);
	session_close(&session);
	return status;
}

enum cli_exit
cmd_template_enable(struct cli *cli)
{
	return run(cli, true);
}

enum cli_exit
cmd_template_disable(struct cli *cli)
{
	return run(cli, false);
}
