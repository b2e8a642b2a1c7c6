/* dirca template set, dirca template duplicate. */
#include <stdlib.h>
#include <string.h>

#include "escalation.h"
#include "template_common.h"
#include "text.h"
#include "tmpl_edit.h"

/* A wrong field=value: the sentence, and which fields there are. */
static enum cli_exit
fail(const struct cli *cli, const struct err *err)
{
	enum cli_exit status = cli_fail(cli, err);

	if (status == CLI_USAGE)
		for (size_t i = 0; i < tmpl_field_count; i++)
			fprintf(stderr, "%s%s%s", i == 0 ? "The fields are " : " ",
			    tmpl_fields[i].name, i + 1 < tmpl_field_count ? "," : ".\n");
	return status;
}

/* What it supersedes must be there: a name that nobody has yet could become anybody's. */
static bool
check_superseded(const struct session *s, const struct dir_entry *e, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "msPKI-Supersede-Templates");
	const struct dir_entry *other;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		char *name;
		bool ok;

		if (!text_from_view(buf_view(&a->values[i]), &name, err))
			return false;
		ok = template_find(s, name, &other, err) || err_prefix(err, "supersedes");
		free(name);
		if (!ok)
			return false;
	}
	return true;
}

/* The CA will refuse what lets its holder pass for anybody; better said now. */
static void
warn(const struct dir_entry *e)
{
	struct tmpl t;
	struct err ignored;

	if (!tmpl_decode(e, &t, &ignored))
		return;
	if (tmpl_is_certain_escalation(&t))
		fprintf(stderr,
		    "warning: whoever may enroll for %s can name anybody as its subject and log on "
		    "with it; the CA refuses that unless it is told not to. Set approval=yes, or "
		    "another subject (`dirca template lint`)\n",
		    t.cn);
	tmpl_free(&t);
}

static void
print_changes(const struct dir_entry *before, const struct dir_entry *after)
{
	struct err ignored;
	char *was = template_revision(before), *is = template_revision(after);

	if (was != NULL && is != NULL)
		printf("revision: %s -> %s\n", was, is);
	free(was);
	free(is);
	for (size_t i = 0; i < tmpl_field_count; i++) {
		was = tmpl_field_get(&tmpl_fields[i], before, &ignored);
		is = tmpl_field_get(&tmpl_fields[i], after, &ignored);
		if (was != NULL && is != NULL && strcmp(was, is) != 0)
			printf("%s: %s -> %s\n", tmpl_fields[i].name, *was != '\0' ? was : "none",
			    *is != '\0' ? is : "none");
		free(was);
		free(is);
	}
}

static const char *const *
settings_of(const struct cli *cli, int first)
{
	return (const char *const *)&cli->args[first];
}

static bool
set(struct session *s, const char *name, const char *const *settings, size_t count, struct err *err)
{
	const struct dir_entry *before;
	struct dir_entry after = {0};
	struct ldif plan = {0};
	bool ok = false;

	if (!template_find(s, name, &before, err) || !dir_entry_copy(before, &after, err) ||
	    !tmpl_edit(&after, settings, count, err) || !check_superseded(s, &after, err) ||
	    !pki_plan_change(s->directory, before, &after, &plan, err) ||
	    !template_commit(s, &plan, err))
		goto out;
	if (plan.count == 0)
		fprintf(stderr, "Template %s is so already.\n", name);
	else if (!s->cli->opt.dry_run)
		print_changes(before, &after);
	warn(&after);
	ok = true;
out:
	ldif_free(&plan);
	dir_entry_free(&after);
	return ok;
}

enum cli_exit
cmd_template_set(struct cli *cli)
{
	struct session session = {0};
	enum cli_exit status = CLI_OK;
	struct err err;

	if (cli->count < 2) {
		cli_print_usage(cli->verb);
		return cli->count == 0 ? CLI_OK : CLI_USAGE;
	}
	if (!template_open(&session, cli, &err) ||
	    !set(&session, cli->args[0], settings_of(cli, 1), (size_t)cli->count - 1, &err))
		status = fail(cli, &err);
	session_close(&session);
	return status;
}

static bool
duplicate(struct session *s, const char *from, const char *name, const char *const *settings,
    size_t count, struct err *err)
{
	const struct dir_entry *original;
	struct dir_entry copy = {0};
	struct ldif plan = {0};
	char *oid = NULL;
	bool ok = false;

	if (!tmpl_name_is_good(name, err) || !template_find(s, from, &original, err) ||
	    !pki_plan_new_oid(s->pki, name, &plan, &oid, err) ||
	    !tmpl_duplicate(original, name, oid, settings, count, &copy, err) ||
	    !check_superseded(s, &copy, err) ||
	    !pki_plan_template(s->directory, s->pki, &copy, &plan, err) ||
	    !template_commit(s, &plan, err))
		goto out;
	if (!s->cli->opt.dry_run)
		printf("Template %s made, object identifier %s. Next: `dirca template grant`, "
		       "`dirca template enable`.\n",
		    name, oid);
	warn(&copy);
	ok = true;
out:
	ldif_free(&plan);
	dir_entry_free(&copy);
	free(oid);
	return ok;
}

enum cli_exit
cmd_template_duplicate(struct cli *cli)
{
	struct session session = {0};
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!template_open(&session, cli, &err) ||
	    !duplicate(&session, cli->args[0], cli->args[1], settings_of(cli, 2),
		(size_t)cli->count - 2, &err))
		status = fail(cli, &err);
	session_close(&session);
	return status;
}
