/* dirca template set, dirca template duplicate. */
#include <stdlib.h>
#include <string.h>

#include "escalation.h"
#include "own.h"
#include "template_common.h"
#include "text.h"
#include "tmpl_edit.h"
#include "verbs.h"
#include "work.h"

/* What it supersedes must be there: a name that nobody has yet could become anybody's. */
static bool
check_superseded(const struct session *s, const struct dir_entry *e, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "msPKI-Supersede-Templates");
	const struct dir_entry *other;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *name = NULL;

		if (!text_from_view(buf_view(&a->values[i]), &name, err))
			return false;
		if (!template_find(s, name, &other, err))
			return err_prefix(err, "supersedes");
	}
	return true;
}

/* The CA will refuse what lets its holder pass for anybody; better said now. */
static void
warn_of_escalation(const struct dir_entry *e)
{
	OWNED(tmpl_free) struct tmpl t = {0};
	struct err ignored;

	if (tmpl_decode(e, &t, &ignored) && tmpl_is_certain_escalation(&t))
		fprintf(stderr,
		    "warning: whoever may enroll for %s can name anybody as its subject and log on "
		    "with it; the CA refuses that unless it is told not to. Set approval=yes, or "
		    "another subject (`dirca template lint`)\n",
		    t.cn);
}

static void
print_changes(const struct dir_entry *before, const struct dir_entry *after)
{
	OWNED(own_memory) char *old = template_revision(before);
	OWNED(own_memory) char *new = template_revision(after);
	struct err ignored;

	printf("revision: %s -> %s\n", old, new);
	for (size_t i = 0; i < tmpl_field_count; i++) {
		OWNED(own_memory) char *was = tmpl_field_get(&tmpl_fields[i], before, &ignored);
		OWNED(own_memory) char *is = tmpl_field_get(&tmpl_fields[i], after, &ignored);

		if (was != NULL && is != NULL && strcmp(was, is) != 0)
			printf("%s: %s -> %s\n", tmpl_fields[i].name, *was != '\0' ? was : "none",
			    *is != '\0' ? is : "none");
	}
}

static const char *const *
settings_of(const struct cli *cli, int first)
{
	return (const char *const *)&cli->args[first];
}

static bool
set_fields(
    struct session *s, const char *name, const char *const *settings, size_t count, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry after = {0};
	OWNED(ldif_free) struct ldif plan = {0};
	const struct dir_entry *before;

	if (!template_find(s, name, &before, err) || !dir_entry_copy(before, &after, err) ||
	    !tmpl_edit(&after, settings, count, err) || !check_superseded(s, &after, err) ||
	    !pki_plan_change(s->directory, before, &after, &plan, err) ||
	    !template_commit(s, &plan, err))
		return false;
	if (plan.count == 0)
		fprintf(stderr, "Template %s is so already.\n", name);
	else if (!s->cli->opt.dry_run)
		print_changes(before, &after);
	warn_of_escalation(&after);
	return true;
}

bool
cmd_template_set(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;

	if (cli->count < 2) {
		cli_print_usage(cli->verb);
		w->status = cli->count == 0 ? CLI_OK : CLI_USAGE;
		return true;
	}
	return work_open(w, NEEDS_PKI, err) &&
	       set_fields(
		   &w->session, cli->args[0], settings_of(cli, 1), (size_t)cli->count - 1, err);
}

/* Those who may enroll for the original may for the copy, as soon as a CA issues it. */
static void
tell_copy(const struct dir_entry *original, const char *name, const char *oid)
{
	OWNED(own_memory) char *cn = dir_dn_first_value(original->dn);

	if (dir_entry_attr(original, "nTSecurityDescriptor") != NULL)
		printf("Template %s made, object identifier %s, with the rights of %s. Next: "
		       "`dirca template enable`; `dirca template show` lists who may enroll.\n",
		    name, oid, cn);
	else
		printf("Template %s made, object identifier %s; the rights of %s are not shown, "
		       "so that it has those of a new one. Next: `dirca template grant`, `dirca "
		       "template enable`.\n",
		    name, oid, cn);
}

static bool
duplicate(struct session *s, const char *from, const char *name, const char *const *settings,
    size_t count, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry copy = {0};
	OWNED(ldif_free) struct ldif plan = {0};
	OWNED(own_memory) char *oid = NULL;
	const struct dir_entry *original;

	if (!tmpl_name_is_good(name, err) || !template_find(s, from, &original, err) ||
	    !pki_plan_new_oid(s->pki, name, &plan, &oid, err) ||
	    !tmpl_duplicate(original, name, oid, settings, count, &copy, err) ||
	    !check_superseded(s, &copy, err) ||
	    !pki_plan_template(s->directory, s->pki, &copy, &plan, err) ||
	    !template_commit(s, &plan, err))
		return false;
	if (!s->cli->opt.dry_run)
		tell_copy(original, name, oid);
	warn_of_escalation(&copy);
	return true;
}

bool
cmd_template_duplicate(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;

	return duplicate(&w->session, cli->args[0], cli->args[1], settings_of(cli, 2),
	    (size_t)cli->count - 2, err);
}
