/* dirca template import: templates from LDIF, or from the JSON of PowerShell's ADCSTemplate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "own.h"
#include "plain.h"
#include "template_common.h"
#include "template_json.h"
#include "text.h"
#include "tmpl_edit.h"
#include "verbs.h"
#include "work.h"

/* The entries of content records and additions; other objects than templates are passed over. */
static bool
from_ldif(struct view text, struct dir_entries *out, struct err *err)
{
	OWNED(ldif_free) struct ldif all = {0};

	if (!ldif_parse(text, &all, err))
		return false;
	out->list = mem_zero(all.count + 1, sizeof *out->list);
	for (size_t i = 0; i < all.count; i++) {
		struct ldif_record *r = &all.list[i];

		if (r->kind != LDIF_ADD)
			return err_set(err, ERROR_INVALID_DATA,
			    "LDIF record %zu: a change where a template is expected", i + 1);
		if (!dir_entry_has_value_nocase(&r->entry, "objectClass", "pKICertificateTemplate"))
			continue;
		out->list[out->count++] = r->entry;
		r->entry = (struct dir_entry){0};
	}
	return true;
}

static bool
is_json(struct view text)
{
	size_t i = 0;

	while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0')
		i++;
	return i < text.len && (text.ptr[i] == '{' || text.ptr[i] == '[');
}

static bool
read_file(const char *path, const char *name, struct dir_entries *out, struct err *err)
{
	OWNED(buf_free) struct buf file = {0}, hold = {0};
	struct view text;

	if (!file_read(path, LDIF_FILE_MAX, &file, err))
		return false;
	if (!plain_text(buf_view(&file), &hold, &text, err) ||
	    !(is_json(text) ? template_json_read : from_ldif)(text, out, err))
		return given_failed(path, buf_view(&file), GIVEN_TEMPLATES, err);
	if (out->count == 0) {
		err_set(err, ERROR_INVALID_DATA, "no certificate template is in it");
		return given_failed(path, buf_view(&file), GIVEN_TEMPLATES, err);
	}
	if (name != NULL && out->count > 1)
		return err_set(err, E_INVALIDARG,
		    "--name %s: %s holds %zu templates; a name is for one", name, path, out->count);
	return true;
}

/* Its own identifier with its object; a new one if that is wished, or if a version 2 or later
 * template has none. */
static bool
plan_identifier(struct session *s, struct dir_entry *e, struct ldif *plan, struct err *err)
{
	static const char attr[] = "msPKI-Cert-Template-OID";
	OWNED(own_memory) char *oid = NULL, *fresh = NULL, *cn = NULL;
	bool wished = s->cli->opt.new_oid;
	int32_t version = 1;
	struct view v;

	if (dir_entry_text(e, attr, &oid, err) == DIR_GET_FAILED ||
	    dir_entry_text(e, "cn", &cn, err) != DIR_GET_OK ||
	    dir_entry_int32(e, "msPKI-Template-Schema-Version", &version, err) == DIR_GET_FAILED)
		return false;
	if (oid != NULL && !wished)
		return pki_plan_oid(s->pki, cn, oid, plan, err);
	if (oid == NULL && version < 2 && !wished)
		return true;
	if (!pki_plan_new_oid(s->pki, cn, plan, &fresh, err))
		return false;
	v = view_str(fresh);
	return dir_entry_set(e, attr, &v, 1, err);
}

/* The next revision of what is there. The rest of the object, what is no part of a template, and
 * its rights stay. */
static bool
plan_update(struct session *s, const struct dir_entry *now, struct dir_entry *e, struct ldif *plan,
    struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry after = {0};

	if (!tmpl_succeed(e, now, err) || !dir_entry_copy(now, &after, err))
		return false;
	for (size_t i = 0; i < tmpl_attribute_count; i++) {
		const struct dir_attr *a = dir_entry_attr(e, tmpl_attributes[i].name);

		if (!dir_entry_set(&after, tmpl_attributes[i].name, NULL, 0, err))
			return false;
		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (!dir_entry_add(&after, a->name, buf_view(&a->values[k]), err))
				return false;
	}
	return pki_plan_change(s->directory, now, &after, plan, err);
}

static bool
import_one(struct session *s, const struct dir_entry *from, struct err *err)
{
	const struct cli_options *opt = &s->cli->opt;
	OWNED(dir_entry_free) struct dir_entry e = {0};
	OWNED(ldif_free) struct ldif plan = {0};
	OWNED(own_memory) char *cn = NULL;
	const struct dir_entry *now;

	if (!tmpl_take_over(from, opt->name, opt->with_rights, &e, err) ||
	    dir_entry_text(&e, "cn", &cn, err) != DIR_GET_OK)
		return false;
	now = pki_snapshot_template(s->pki, cn);
	if (now != NULL && !opt->force)
		return err_set(err, ERROR_FILE_EXISTS,
		    "there is a template %s already; --force makes the file its next revision, "
		    "--name "
		    "gives it another name",
		    cn);
	if (!(now != NULL ? plan_update(s, now, &e, &plan, err)
			  : plan_identifier(s, &e, &plan, err) &&
				pki_plan_template(s->directory, s->pki, &e, &plan, err)) ||
	    !template_commit(s, &plan, err))
		return false;
	if (!opt->dry_run)
		printf("Template %s %s.\n", cn, now != NULL ? "updated" : "imported");
	return true;
}

/* Two templates of one file under one name: the second would not see the first. */
static bool
check_names(const struct dir_entries *es, struct err *err)
{
	for (size_t i = 0; i < es->count; i++) {
		OWNED(own_memory) char *cn = NULL;

		if (dir_entry_text(&es->list[i], "cn", &cn, err) == DIR_GET_FAILED)
			return false;
		for (size_t k = 0; cn != NULL && k < i; k++)
			if (dir_entry_has_value_nocase(&es->list[k], "cn", cn))
				return err_set(err, ERROR_INVALID_DATA,
				    "the file holds template %s twice", cn);
	}
	return true;
}

bool
cmd_template_import(struct work *w, struct err *err)
{
	struct session *s = &w->session;
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!read_file(w->cli->args[0], w->cli->opt.name, &found, err) ||
	    !check_names(&found, err) || !work_open(w, NEEDS_PKI, err))
		return false;
	/* Each sees what the one before it has written. */
	for (size_t i = 0; i < found.count; i++) {
		bool done = import_one(s, &found.list[i], err);

		pki_snapshot_free(&s->pki);
		if (!done || !pki_snapshot_load(s->directory, &s->pki, err))
			return false;
	}
	return true;
}
