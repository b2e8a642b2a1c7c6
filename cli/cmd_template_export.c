/* dirca template export: templates as LDIF that another directory can take. */
#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "template_common.h"
#include "text.h"
#include "tmpl_edit.h"

#define EXPORT_MODE 0644

/* The rights in words of a reader: SIDs mean nothing elsewhere, and the bytes nothing to people. */
static bool
append_sddl(struct buf *out, const struct dir_entry *e, struct err *err)
{
	struct view raw;
	struct sd sd = {0};
	char *sddl = NULL, *comment = NULL;
	bool ok = true;

	if (dir_entry_bytes(e, "nTSecurityDescriptor", &raw, err) != DIR_GET_OK)
		return true;
	if (!sd_decode(raw, &sd, err))
		return false;
	if ((sddl = sd_to_sddl(&sd)) == NULL ||
	    (comment = text_printf("nTSecurityDescriptor: %s", sddl)) == NULL)
		ok = err_nomem(err);
	ok = ok && ldif_append_comment(out, comment, err);
	sd_free(&sd);
	free(sddl);
	free(comment);
	return ok;
}

/* A DN without the domain: whoever loads it by hand adds his own; `dirca template import` does not
 * look at it. */
static bool
name_it(struct dir_entry *e, struct err *err)
{
	char *rdn = dir_rdn_escape(e->dn);
	char *dn = rdn != NULL ? text_printf("CN=%s,CN=Certificate Templates,CN=Public Key "
					     "Services,CN=Services,CN=Configuration",
				     rdn)
			       : NULL;

	free(rdn);
	if (dn == NULL)
		return err_nomem(err);
	free(e->dn);
	e->dn = dn;
	return true;
}

static bool
export_one(const struct session *s, const char *name, bool rights, struct buf *out, struct err *err)
{
	const struct dir_entry *from;
	struct dir_entry e = {0};
	bool ok = template_find(s, name, &from, err) &&
		  tmpl_take_over(from, NULL, rights, &e, err) && name_it(&e, err) &&
		  (!rights || append_sddl(out, &e, err)) && ldif_append_entry(out, &e, err);

	dir_entry_free(&e);
	return ok;
}

enum cli_exit
cmd_template_export(struct cli *cli)
{
	struct session session = {0};
	struct buf text = {0};
	struct err err;
	bool ok = template_open(&session, cli, &err) &&
		  buf_append(&text, view_str("version: 1\n\n"), &err);

	for (int i = 0; ok && i < cli->count; i++)
		ok = export_one(&session, cli->args[i], cli->opt.with_rights, &text, &err);
	if (ok && cli->opt.out != NULL)
		ok = file_replace(cli->opt.out, buf_view(&text), EXPORT_MODE, &err);
	else if (ok)
		fwrite(text.ptr, 1, text.len, stdout);
	buf_free(&text);
	session_close(&session);
	return ok ? CLI_OK : cli_fail(cli, &err);
}
