/* dirca template grant, dirca template revoke: the DACL of a template. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "template_common.h"
#include "tmpl_edit.h"
#include "tmpl_rights.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

static bool
parse_rights(const struct cli *cli, unsigned *rights_out, struct err *err)
{
	*rights_out = 0;
	for (int i = 2; i < cli->count; i++) {
		unsigned right;

		if (!tmpl_right_parse(cli->args[i], &right, err))
			return false;
		*rights_out |= right;
	}
	return true;
}

static bool
find_trustee(struct session *s, const char *name, struct sid *out, struct err *err)
{
	switch (trustee_find(s->directory, name, out, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the directory has no user, computer or group %s; a DN, a UPN, DOMAIN\\name or "
		    "a SID names one",
		    name);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

/* The rights that are there. Where the directory shows none, those that a new template gets: on
 * OpenLDAP a template may have been loaded without; on Active Directory it means that this account
 * may not see them, and then nothing is overwritten. */
static bool
read_rights(struct session *s, const struct dir_entry *e, struct sd *out, struct err *err)
{
	struct view raw;

	switch (dir_entry_bytes(e, "nTSecurityDescriptor", &raw, err)) {
	case DIR_GET_OK:
		return sd_decode(raw, out, err) || err_prefix(err, "%s: its rights", e->dn);
	case DIR_GET_ABSENT:
		return dir_conn_root(s->directory)->is_ad
			   ? err_set(err, E_ACCESSDENIED,
				 "%s: this account may not read its rights", e->dn)
			   : pki_default_rights(s->directory, out, err);
	case DIR_GET_FAILED:
		break;
	}
	return false;
}

/* One more minor revision, except in version 1, whose revision stays. */
static bool
new_entry(const struct dir_entry *e, const struct sd *sd, struct dir_entry *out, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};
	struct view value;
	int32_t version = 1;

	if (!dir_entry_copy(e, out, err) || !sd_encode(sd, &raw, err) ||
	    dir_entry_int32(e, "msPKI-Template-Schema-Version", &version, err) == DIR_GET_FAILED)
		return false;
	value = buf_view(&raw);
	return dir_entry_set(out, "nTSecurityDescriptor", &value, 1, err) &&
	       (version < 2 || tmpl_bump(out, err));
}

static bool
edit_rights(struct session *s, const struct dir_entry *e, const struct sid *who, unsigned rights,
    bool grant, struct sd *sd, struct err *err)
{
	const struct cli_options *opt = &s->cli->opt;
	bool had_writer, changed;

	if (!read_rights(s, e, sd, err))
		return false;
	had_writer = tmpl_has_writer(sd);
	if (grant) {
		if (!tmpl_grant(sd, who, rights, opt->deny, &changed, err))
			return false;
	} else {
		tmpl_revoke(sd, who, rights, opt->deny, &changed);
	}
	if (!changed)
		return grant ? err_set(err, ERROR_FILE_EXISTS, "%s %s that already",
				   s->cli->args[1], opt->deny ? "is denied" : "may do")
			     : err_set(err, CRYPT_E_NOT_FOUND,
				   "no entry of its own %s %s that on %s; `dirca template show` "
				   "lists "
				   "the entries, also those of groups",
				   opt->deny ? "denies" : "lets", s->cli->args[1], e->dn);
	if (had_writer && !tmpl_has_writer(sd) && !opt->force)
		return err_set(err, E_INVALIDARG,
		    "nobody could change template %s any more; give somebody else full control "
		    "first, or insist with --force",
		    s->cli->args[0]);
	return true;
}

static void
print_ace(struct session *s, char sign, const struct ace *ace)
{
	const char *kind = tmpl_ace_kind(ace);
	OWNED(own_memory) char *name = trustee_name(s->directory, &ace->sid);

	printf("%c %s %s: ", sign, kind != NULL ? kind : "other", name);
	tmpl_ace_words(ace, stdout);
	putchar('\n');
}

/* The ACEs of `in` that `other` lacks. */
static void
print_missing(struct session *s, char sign, const struct sd *in, const struct sd *other)
{
	for (size_t i = 0; i < in->count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < other->count; k++)
			found = ace_eq(&in->aces[i], &other->aces[k]);
		if (!found)
			print_ace(s, sign, &in->aces[i]);
	}
}

static void
print_changes(struct session *s, const struct dir_entry *e, const struct sd *after)
{
	OWNED(sd_free) struct sd before = {0};
	struct err ignored;

	if (!read_rights(s, e, &before, &ignored))
		return;
	print_missing(s, '-', &before, after);
	print_missing(s, '+', after, &before);
}

static bool
grant_or_revoke(struct session *s, bool grant, struct err *err)
{
	const struct cli *cli = s->cli;
	const struct dir_entry *e;
	OWNED(dir_entry_free) struct dir_entry after = {0};
	OWNED(ldif_free) struct ldif plan = {0};
	OWNED(sd_free) struct sd sd = {0};
	struct sid who;
	unsigned rights;

	if (!template_find(s, cli->args[0], &e, err) || !parse_rights(cli, &rights, err) ||
	    !find_trustee(s, cli->args[1], &who, err) ||
	    !edit_rights(s, e, &who, rights, grant, &sd, err) || !new_entry(e, &sd, &after, err) ||
	    !pki_plan_change(s->directory, e, &after, &plan, err) ||
	    !template_commit(s, &plan, err))
		return false;
	if (!cli->opt.dry_run)
		print_changes(s, e, &sd);
	return true;
}

bool
cmd_template_grant(struct work *w, struct err *err)
{
	return grant_or_revoke(&w->session, true, err);
}

bool
cmd_template_revoke(struct work *w, struct err *err)
{
	return grant_or_revoke(&w->session, false, err);
}
