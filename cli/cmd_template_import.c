/* dirca template import: templates from LDIF, or from the JSON of PowerShell's ADCSTemplate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "template_common.h"
#include "template_json.h"
#include "text.h"
#include "tmpl_edit.h"

/* The entries of content records and additions; other objects than templates are passed over. */
static bool
from_ldif(struct view text, struct dir_entries *out, struct err *err)
{
	struct ldif all;
	bool ok = false;

	if (!ldif_parse(text, &all, err))
		return false;
	if ((out->list = calloc(all.count + 1, sizeof *out->list)) == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < all.count; i++) {
		struct ldif_record *r = &all.list[i];

		if (r->kind != LDIF_ADD) {
			err_set(err, ERROR_INVALID_DATA,
			    "LDIF record %zu: a change where a template is expected", i + 1);
			goto out;
		}
		if (!dir_entry_has_value_nocase(&r->entry, "objectClass", "pKICertificateTemplate"))
			continue;
		out->list[out->count++] = r->entry;
		r->entry = (struct dir_entry){0};
	}
	ok = true;
out:
	ldif_free(&all);
	return ok;
}

static bool
is_json(struct view text)
{
	static const uint8_t utf16[] = {0xff, 0xfe}, utf8[] = {0xef, 0xbb, 0xbf};
	size_t i = text.len >= 3 && memcmp(text.ptr, utf8, 3) == 0 ? 3 : 0;

	if (text.len >= 2 && memcmp(text.ptr, utf16, 2) == 0)
		return true;
	while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0')
		i++;
	return i < text.len && (text.ptr[i] == '{' || text.ptr[i] == '[');
}

static bool
read_file(const char *path, const char *name, struct dir_entries *out, struct err *err)
{
	struct buf text = {0};
	bool ok = file_read(path, LDIF_FILE_MAX, &text, err) &&
		  ((is_json(buf_view(&text)) ? template_json_read(buf_view(&text), out, err)
					     : from_ldif(buf_view(&text), out, err)) ||
		      err_prefix(err, "%s", path));

	buf_free(&text);
	if (ok && out->count == 0)
		ok = err_set(err, ERROR_INVALID_DATA, "%s holds no certificate template", path);
	if (ok && name != NULL && out->count > 1)
		ok = err_set(err, E_INVALIDARG,
		    "--name %s: %s holds %zu templates; a name is for one", name, path, out->count);
	return ok;
}

/* Its own identifier with its object; a new one if that is wished, or if a version 2 or later
 * template has none. */
static bool
plan_identifier(struct session *s, struct dir_entry *e, struct ldif *plan, struct err *err)
{
	static const char attr[] = "msPKI-Cert-Template-OID";
	char *oid = NULL, *cn = NULL;
	int32_t version = 1;
	struct view v;
	bool ok = false;

	if (dir_entry_text(e, attr, &oid, err) == DIR_GET_FAILED ||
	    dir_entry_text(e, "cn", &cn, err) != DIR_GET_OK ||
	    dir_entry_int32(e, "msPKI-Template-Schema-Version", &version, err) == DIR_GET_FAILED)
		goto out;
	if (oid != NULL && !s->cli->opt.new_oid) {
		ok = pki_plan_oid(s->pki, cn, oid, plan, err);
		goto out;
	}
	if (oid == NULL && version < 2 && !s->cli->opt.new_oid) {
		ok = true;
		goto out;
	}
	free(oid);
	if (!pki_plan_new_oid(s->pki, cn, plan, &oid, err))
		goto out;
	v = view_str(oid);
	ok = dir_entry_set(e, attr, &v, 1, err);
out:
	free(oid);
	free(cn);
	return ok;
}

/* The next revision of what is there. The rest of the object, what is no part of a template, and
 * its rights stay. */
static bool
plan_update(struct session *s, const struct dir_entry *now, struct dir_entry *e, struct ldif *plan,
    struct err *err)
{
	struct dir_entry after = {0};
	bool ok = false;

	if (!tmpl_succeed(e, now, err) || !dir_entry_copy(now, &after, err))
		goto out;
	for (size_t i = 0; i < tmpl_attribute_count; i++) {
		const struct dir_attr *a = dir_entry_attr(e, tmpl_attributes[i].name);

		if (!dir_entry_set(&after, tmpl_attributes[i].name, NULL, 0, err))
			goto out;
		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (!dir_entry_add(&after, a->name, buf_view(&a->values[k]), err))
				goto out;
	}
	ok = pki_plan_change(s->directory, now, &after, plan, err);
out:
	dir_entry_free(&after);
	return ok;
}

static bool
import_one(struct session *s, const struct dir_entry *from, struct err *err)
{
	const struct cli_options *opt = &s->cli->opt;
	const struct dir_entry *now;
	struct dir_entry e = {0};
	struct ldif plan = {0};
	char *cn = NULL;
	bool ok = false;

	if (!tmpl_take_over(from, opt->name, opt->with_rights, &e, err) ||
	    dir_entry_text(&e, "cn", &cn, err) != DIR_GET_OK)
		goto out;
	now = pki_snapshot_template(s->pki, cn);
	if (now != NULL && !opt->force) {
		err_set(err, ERROR_FILE_EXISTS,
		    "there is a template %s already; --force makes the file its next revision, "
		    "--name "
		    "gives it another name",
		    cn);
		goto out;
	}
	ok = (now != NULL ? plan_update(s, now, &e, &plan, err)
			  : plan_identifier(s, &e, &plan, err) &&
				pki_plan_template(s->directory, s->pki, &e, &plan, err)) &&
	     template_commit(s, &plan, err);
	if (ok && !opt->dry_run)
		printf("Template %s %s.\n", cn, now != NULL ? "updated" : "imported");
out:
	ldif_free(&plan);
	dir_entry_free(&e);
	free(cn);
	return ok;
}

/* Two templates of one file under one name: the second would not see the first. */
static bool
check_names(const struct dir_entries *es, struct err *err)
{
	for (size_t i = 0; i < es->count; i++) {
		char *cn = NULL;
		bool ok = dir_entry_text(&es->list[i], "cn", &cn, err) != DIR_GET_FAILED;

		for (size_t k = 0; ok && cn != NULL && k < i; k++)
			if (dir_entry_has_value_nocase(&es->list[k], "cn", cn))
				ok = err_set(err, ERROR_INVALID_DATA,
				    "the file holds template %s twice", cn);
		free(cn);
		if (!ok)
			return false;
	}
	return true;
}

enum cli_exit
cmd_template_import(struct cli *cli)
{
	struct session session = {0};
	struct dir_entries found = {0};
	struct err err;
	bool ok = read_file(cli->args[0], cli->opt.name, &found, &err) &&
		  check_names(&found, &err) && template_open(&session, cli, &err);

	/* Each sees what the one before it has written. */
	for (size_t i = 0; ok && i < found.count; i++) {
		ok = import_one(&session, &found.list[i], &err);
		pki_snapshot_unref(&session.pki);
		ok = ok && pki_snapshot_load(session.directory, &session.pki, &err);
	}
	dir_entries_free(&found);
	session_close(&session);
	return ok ? CLI_OK : cli_fail(cli, &err);
}
