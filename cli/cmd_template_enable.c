/* dirca template enable, dirca template disable: what a CA issues. */
#include <stdio.h>
#include <stdlib.h>

#include "own.h"
#include "template_common.h"
#include "tmpl.h"
#include "verbs.h"
#include "work.h"

/* The CA would not issue it; better said now than found out by those who enroll. */
static bool
check_usable(const struct dir_entry *e, struct err *err)
{
	OWNED(tmpl_free) struct tmpl t = {0};

	if (!tmpl_decode(e, &t, err))
		return false;
	if (t.schema_version >= 2 && t.oid == NULL)
		return err_set(err, E_INVALIDARG,
		    "template %s has no object identifier, so that no CA can issue it; make a copy "
		    "with `dirca template duplicate`",
		    t.cn);
	return true;
}

static bool
enable_or_disable(struct session *s, const char *name, bool enable, struct err *err)
{
	const struct dir_entry *e, *service;
	OWNED(ldif_free) struct ldif plan = {0};
	OWNED(own_memory) char *cn = NULL, *ca = NULL;
	bool changed;

	/* A name whose template is gone can still be taken off the list. */
	if (!pki_template_named(s->pki, name, &e, err) ||
	    (enable && (!template_find(s, name, &e, err) || !check_usable(e, err))) ||
	    !template_service(s, &service, err) ||
	    (e != NULL && dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED) ||
	    dir_entry_text(service, "cn", &ca, err) != DIR_GET_OK ||
	    !pki_plan_enable(service, cn != NULL ? cn : name, enable, &plan, &changed, err))
		return false;
	if (!changed && !enable)
		return err_set(err, CRYPT_E_NOT_FOUND, "%s does not issue template %s", ca, name);
	if (!template_commit(s, &plan, err))
		return false;
	if (!s->cli->opt.dry_run)
		printf("%s %s %s%s.\n", ca, enable ? "issues" : "no longer issues",
		    cn != NULL ? cn : name, changed ? "" : " already");
	return true;
}

bool
cmd_template_enable(struct work *w, struct err *err)
{
	return enable_or_disable(&w->session, w->cli->args[0], true, err);
}

bool
cmd_template_disable(struct work *w, struct err *err)
{
	return enable_or_disable(&w->session, w->cli->args[0], false, err);
}
