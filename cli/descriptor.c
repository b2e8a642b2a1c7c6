#include "descriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "officer.h"
#include "own.h"
#include "pki_templates.h"
#include "plain.h"
#include "sid_alias.h"
#include "text.h"
#include "trustee.h"

#define FILE_MAX (256 * 1024)

bool
descriptor_from_sddl(const struct descriptor *d, const char *sddl, struct sd *out, struct err *err)
{
	const struct sddl_domains domains = {
	    d->has_domains ? &d->domain : NULL, d->has_domains ? &d->forest_root : NULL};

	return sd_from_sddl_in(sddl, &domains, out, err);
}

/* Officer rules look like a descriptor and are none. */
static bool
check_is_access(const struct descriptor *d, struct err *err)
{
	OWNED(officer_rules_free) struct officer_rules rules = {0};
	struct err ignored;

	if (!officer_rules_decode(&d->sd, &rules, &ignored) || rules.count == 0)
		return true;
	return err_set(err, ERROR_INVALID_DATA,
	    "%s holds rules of certificate managers, not rights; `dirca dump FILE` shows them, and "
	    "`dirca officer list` those of a CA",
	    d->name);
}

/* ---- from a file ---- */

/* "O:", "G:", "D:" or "S:"; a descriptor as bytes begins with 1. */
static bool
is_sddl(struct view v)
{
	return v.len > 1 && strchr("OGDS", v.ptr[0]) != NULL && v.ptr[1] == ':';
}

/* Without the line break behind it. */
static struct view
trimmed(struct view v)
{
	while (v.len > 0 && strchr(" \t\r\n", v.ptr[v.len - 1]) != NULL)
		v.len--;
	return v;
}

static bool
read_file(struct descriptor *d, const char *path, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0}, hold = {0};
	OWNED(own_memory) char *text = NULL;
	struct view plain;

	d->name = mem_text(path);
	if (!file_read(path, FILE_MAX, &raw, err))
		return false;
	if (!plain_text(buf_view(&raw), &hold, &plain, err) || !is_sddl(plain))
		return sd_decode(buf_view(&raw), &d->sd, err) ||
		       given_failed(path, buf_view(&raw), GIVEN_DESCRIPTOR, err);
	return (text_from_view(trimmed(plain), &text, err) &&
		   descriptor_from_sddl(d, text, &d->sd, err)) ||
	       err_prefix(err, "%s", path);
}

/* ---- from the directory ---- */

/* The DN of the template or the CA of that name; d->rights says which it is. */
static bool
find_by_name(struct descriptor *d, const char *name, const char **dn_out, struct err *err)
{
	struct session *s = d->session;
	const struct dir_entry *template, *service;

	if (!session_pki(s, err))
		return false;
	if (!pki_template_named(s->pki, name, &template, err))
		return false;
	service = pki_snapshot_service(s->pki, name);
	if (template != NULL && service != NULL)
		return err_set(err, TYPE_E_AMBIGUOUSNAME,
		    "%s is a template and a certification authority: give the DN", name);
	if (template == NULL && service == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "there is no file %s, and the directory has no template or certification "
		    "authority of that name; other objects are named by their DN",
		    name);
	d->rights = template != NULL ? SD_RIGHTS_DS : SD_RIGHTS_CA;
	*dn_out = template != NULL ? template->dn : service->dn;
	return true;
}

static bool
take_attribute(struct descriptor *d, const struct dir_entry *e, const char *attr, struct err *err)
{
	struct view raw;

	switch (dir_entry_bytes(e, attr, &raw, err)) {
	case DIR_GET_OK:
		return sd_decode(raw, &d->sd, err) || err_prefix(err, "%s", e->dn);
	case DIR_GET_ABSENT:
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "%s has no %s, or this account may not read it", e->dn, attr);
	case DIR_GET_FAILED:
		break;
	}
	return false;
}

static bool
read_object(struct descriptor *d, const char *dn, struct err *err)
{
	bool of_ca = d->rights == SD_RIGHTS_CA;
	const char *attr = of_ca ? "dircaCASecurity" : "nTSecurityDescriptor";
	const char *const attrs[] = {of_ca ? attr : "objectClass", NULL};
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(d->session->directory,
		&(struct dir_query){
		    .base = dn, .filter = "(objectClass=*)", .attrs = attrs, .want_sd = !of_ca},
		&found, err))
		return false;
	if (found.count == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "the directory has no object %s", dn);
	d->name = mem_text(found.list[0].dn);
	return take_attribute(d, &found.list[0], attr, err);
}

/* ---- either ---- */

static bool
open_directory(struct descriptor *d, struct err *err)
{
	return session_directory(d->session, err) &&
	       pki_alias_sids(
		   d->session->directory, &d->has_domains, &d->domain, &d->forest_root, err);
}

/* What lies outside of the directory is read without it too. */
static void
try_directory(struct descriptor *d)
{
	struct err err;

	if (d->session->uri == NULL || open_directory(d, &err))
		return;
	dir_disconnect(&d->session->directory);
	fprintf(stderr, "dirca %s: SIDs have no names here: %s\n", d->session->cli->verb->name,
	    err.msg);
}

static bool
read_argument(struct descriptor *d, const char *what, struct err *err)
{
	/* Only a well-formed DN equals itself. */
	bool is_dn = dir_dn_eq(what, what);
	const char *dn = what;

	if (!is_dn && (strchr(what, '/') != NULL || access(what, F_OK) == 0)) {
		try_directory(d);
		return read_file(d, what, err);
	}
	return open_directory(d, err) && (is_dn || find_by_name(d, what, &dn, err)) &&
	       read_object(d, dn, err);
}

bool
descriptor_open(struct work *w, struct descriptor *out, struct err *err)
{
	const struct cli *cli = w->cli;

	*out = (struct descriptor){.session = &w->session};
	if (cli->count == 0 && cli->opt.sddl == NULL)
		return err_set(err, DIRCA_E_USAGE, "an object, a file or --sddl is needed");
	if (!work_open(w, NEEDS_SESSION, err))
		return false;
	if (cli->count > 0)
		return read_argument(out, cli->args[0], err) && check_is_access(out, err);
	try_directory(out);
	out->name = mem_text("SDDL");
	return descriptor_from_sddl(out, cli->opt.sddl, &out->sd, err) && check_is_access(out, err);
}

void
descriptor_close(struct descriptor *d)
{
	sd_free(&d->sd);
	free(d->name);
	*d = (struct descriptor){0};
}

/* ---- names ---- */

char *
descriptor_name_of(const struct descriptor *d, const struct sid *sid)
{
	const char *known = sid_well_known_name(sid);
	char text[SID_TEXT_MAX];

	if (known != NULL || d->session->directory == NULL)
		return mem_text(known);
	OWNED(own_memory) char *name = trustee_name(d->session->directory, sid);

	sid_to_text(sid, text);
	return name == NULL || strcmp(name, text) == 0 ? NULL : own_give(&name);
}

json_t *
descriptor_json_sid(const struct descriptor *d, const struct sid *sid)
{
	OWNED(own_memory) char *name = descriptor_name_of(d, sid);
	char text[SID_TEXT_MAX];

	sid_to_text(sid, text);
	return json_pack("{s:s, s:s?}", "sid", text, "name", name);
}

char *
descriptor_ace_text(const struct descriptor *d, const struct ace *ace)
{
	OWNED(own_memory)
	char *name = ace->sid.count > 0 ? descriptor_name_of(d, &ace->sid) : NULL;
	char *text;

	(void)sd_ace_text_of(ace, d->rights, name, &text);
	return text;
}
