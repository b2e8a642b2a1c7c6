/* dirca template export: templates as LDIF that another directory can take. */
#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "own.h"
#include "template_common.h"
#include "text.h"
#include "tmpl_edit.h"
#include "verbs.h"
#include "work.h"

#define EXPORT_MODE 0644

/* The rights in words of a reader: SIDs mean nothing elsewhere, and the bytes nothing to people. */
static bool
append_sddl(struct buf *out, const struct dir_entry *e, struct err *err)
{
	OWNED(sd_free) struct sd sd = {0};
	struct view raw;

	if (dir_entry_bytes(e, "nTSecurityDescriptor", &raw, err) != DIR_GET_OK)
		return true;
	if (!sd_decode(raw, &sd, err))
		return false;
	OWNED(own_memory) char *sddl = sd_to_sddl(&sd);
	OWNED(own_memory) char *comment = text_printf("nTSecurityDescriptor: %s", sddl);

	return ldif_append_comment(out, comment, err);
}

/* A DN without the domain: whoever loads it by hand adds his own; `dirca template import` does not
 * look at it. */
static void
name_it(struct dir_entry *e)
{
	OWNED(own_memory) char *rdn = dir_rdn_escape(e->dn);

	free(e->dn);
	e->dn = text_printf("CN=%s,CN=Certificate Templates,CN=Public Key "
			    "Services,CN=Services,CN=Configuration",
	    rdn);
}

static bool
export_one(const struct session *s, const char *name, bool rights, struct buf *out, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	const struct dir_entry *from;

	if (!template_find(s, name, &from, err) || !tmpl_take_over(from, NULL, rights, &e, err))
		return false;
	name_it(&e);
	return (!rights || append_sddl(out, &e, err)) && ldif_append_entry(out, &e, err);
}

bool
cmd_template_export(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(buf_free) struct buf text = {0};

	if (!buf_append(&text, view_str("version: 1\n\n"), err))
		return false;
	for (int i = 0; i < cli->count; i++)
		if (!export_one(&w->session, cli->args[i], cli->opt.with_rights, &text, err))
			return false;
	if (cli->opt.out != NULL)
		return file_replace(cli->opt.out, buf_view(&text), EXPORT_MODE, err);
	fwrite(text.ptr, 1, text.len, stdout);
	return true;
}
