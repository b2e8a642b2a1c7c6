/* dirca directory adopt: SIDs and names for the people and groups of an ordinary tree. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adoption.h"
#include "dir_change.h"
#include "mem.h"
#include "own.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

static bool
read_upn(const char *word, enum adoption_upn *out, struct err *err)
{
	static const struct {
		const char *word;
		enum adoption_upn upn;
	} words[] = {
	    {"uid", ADOPTION_UPN_UID}, {"mail", ADOPTION_UPN_MAIL}, {"none", ADOPTION_UPN_NONE}};

	*out = ADOPTION_UPN_UID;
	if (word == NULL)
		return true;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(word, words[i].word) == 0) {
			*out = words[i].upn;
			return true;
		}
	return err_set(err, DIRCA_E_USAGE, "--upn: '%s' is not uid, mail or none", word);
}

/* objectSid is base64 in LDIF. */
static bool
append_sid(const struct ldif_record *r, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < r->mod_count; i++) {
		const struct dir_attr *a = &r->mods[i].attr;
		OWNED(own_memory) char *comment = NULL;
		char text[SID_TEXT_MAX];
		struct sid sid;

		if (!text_eq_nocase(a->name, "objectSid") || a->count != 1)
			continue;
		if (!sid_decode(buf_view(&a->values[0]), &sid, err))
			return false;
		sid_to_text(&sid, text);
		comment = text_printf("objectSid: %s", text);
		return ldif_append_comment(out, comment, err);
	}
	return true;
}

static bool
show_ldif(const struct ldif *plan, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	for (size_t i = 0; i < plan->count; i++)
		if (!append_sid(&plan->list[i], &text, err) ||
		    !ldif_append_change(&text, &plan->list[i], err))
			return false;
	fwrite(text.ptr, 1, text.len, stdout);
	return true;
}

/* One record after the other, so that whatever ends it can be gone on with. */
static bool
send_plan(struct work *w, const struct ldif *plan, struct err *err)
{
	const bool shows_progress = isatty(STDERR_FILENO) == 1;
	bool ok = true;
	size_t sent = 0;

	for (; ok && sent < plan->count; sent += ok) {
		const struct ldif_record *r = &plan->list[sent];

		if (shows_progress)
			fprintf(stderr, "\r%zu of %zu ", sent, plan->count);
		else if (w->cli->opt.verbose)
			fprintf(stderr, "%s\n", r->entry.dn);
		ok = plan_send(w->session.directory, r, err) || err_prefix(err, "%s", r->entry.dn);
	}
	if (shows_progress)
		fputs("\r\033[K", stderr);
	if (!ok && sent > 0)
		fprintf(stderr, "%zu of %zu entries are done; the same command goes on\n", sent,
		    plan->count);
	else if (!ok)
		fputs(
		    "The classes come with `dirca directory init`; who may write the tree is often "
		    "its rootDN (-D)\n",
		    stderr);
	return ok;
}

static json_t *
json_adoption(const struct adoption *a)
{
	char sid[SID_TEXT_MAX];
	json_t *refused = json_array();

	sid_to_text(&a->domain, sid);
	for (size_t i = 0; i < a->refused.count; i++)
		json_array_append_new(refused, json_string(a->refused.list[i]));
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "domain_sid", sid, "people",
	    (json_int_t)a->people, "groups", (json_int_t)a->groups, "changed",
	    (json_int_t)a->changes, "refused", refused);
}

static void
show_adoption(const struct cli *cli, const struct adoption *a)
{
	char sid[SID_TEXT_MAX];

	sid_to_text(&a->domain, sid);
	if (cli->opt.json)
		print_json(json_adoption(a));
	else
		printf(
		    "Domain SID %s; of %zu people and %zu groups %zu were given something, %zu are "
		    "left without something.\n",
		    sid, a->people, a->groups, a->changes, a->refused.count);
}

bool
cmd_directory_adopt(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	struct adoption_options o = {
	    .base = opt->base, .filter = opt->ldap_filter, .from_ids = opt->from_ids};
	OWNED(adoption_free) struct adoption a = {0};

	w->session.dir_config.bare = true;
	if (!read_upn(opt->upn, &o.upn, err) || !session_directory(&w->session, err) ||
	    !adoption_examine(w->session.directory, &o, &a, err))
		return false;
	for (size_t i = 0; i < a.refused.count; i++)
		fprintf(stderr, "%s\n", a.refused.list[i]);
	if (opt->dry_run) {
		if (!show_ldif(&a.plan, err))
			return false;
	} else {
		if (!send_plan(w, &a.plan, err))
			return false;
		show_adoption(w->cli, &a);
	}
	if (a.refused.count > 0)
		w->status = CLI_FINDINGS;
	return true;
}
