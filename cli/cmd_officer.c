/* dirca officer list, restrict, allow, deny, remove: dircaOfficerRights, [MS-CSRA] 2.2.1.11 (paper,
 * "Configuring Certificate Managers"). */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "mem.h"
#include "officer_edit.h"
#include "own_json.h"
#include "pki_templates.h"
#include "print.h"
#include "text.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

struct officers {
	struct authority authority;
	struct officer_rules rules;
	struct err problem; /* why there are none; code ERR_OK: they were read */
};

/* ---- reading and showing ---- */

/* Rules that cannot be read are no failure yet: `restrict` can put others in their place. */
static void
read_rules(struct officers *o)
{
	struct view raw = o->authority.raw_officers;
	OWNED(sd_free) struct sd sd = {0};

	if (raw.len == 0)
		err_set(&o->problem, CRYPT_E_NOT_FOUND,
		    "dircaOfficerRights is absent or hidden from this account, and the CA lets "
		    "nobody "
		    "act; set it with 'dirca officer restrict' (or restrict --off)");
	else if (!sd_decode(raw, &sd, &o->problem) ||
		 !officer_rules_decode(&sd, &o->rules, &o->problem))
		err_prefix(&o->problem, "dircaOfficerRights of %s", o->authority.service->dn);
	else
		o->problem.code = ERR_OK;
}

static bool
officers_open(struct work *w, struct officers *o, struct err *err)
{
	*o = (struct officers){0};
	if (!authority_open(&w->session, &o->authority, err))
		return false;
	read_rules(o);
	return true;
}

static void
officers_close(struct officers *o)
{
	officer_rules_free(&o->rules);
	authority_close(&o->authority);
}

static json_t *
json_requesters(const struct officers *o, const struct officer_rule *rule)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rule->requesters.count; i++)
		json_array_append_new(
		    list, authority_json_sid(&o->authority, &rule->requesters.list[i]));
	return list;
}

static json_t *
json_rules(const struct officers *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->rules.count; i++) {
		const struct officer_rule *rule = &o->rules.list[i];
		int shadow = officer_rules_shadow(&o->rules, i);

		json_array_append_new(
		    list, json_pack("{s:i, s:s, s:o, s:o, s:s?, s:o}", "number", (int)i + 1,
			      "effect", rule->deny ? "deny" : "allow", "officer",
			      authority_json_sid(&o->authority, &rule->officer), "requesters",
			      json_requesters(o, rule), "template", rule->template_cn,
			      "shadowed_by", shadow >= 0 ? json_integer(shadow + 1) : json_null()));
	}
	return list;
}

/* Who holds the right that rules can only narrow. */
static bool
json_holders(const struct officers *o, json_t *list, struct err *err)
{
	OWNED(sids_free) struct sids holders = {0};

	if (!ca_rights_holders(&o->authority.security, CA_RIGHT_OFFICER, &holders, err))
		return false;
	for (size_t i = 0; i < holders.count; i++) {
		json_t *who = authority_json_sid(&o->authority, &holders.list[i]);

		json_object_set_new(who, "restricted", json_boolean(!o->rules.unrestricted));
		json_object_set_new(who, "has_rules",
		    json_boolean(officer_rules_name(&o->rules, &holders.list[i])));
		json_array_append_new(list, who);
	}
	return true;
}

static void
print_rules(const json_t *rules)
{
	size_t i, k;
	json_t *r, *who;

	json_array_foreach(rules, i, r)
	{
		const json_t *shadow = json_object_get(r, "shadowed_by");

		printf("  %2zu  %-5s  %s for", i + 1, json_text(r, "effect"),
		    json_text(json_object_get(r, "officer"), "name"));
		json_array_foreach(json_object_get(r, "requesters"), k, who)
		    printf("%s %s", k > 0 ? "," : "", json_text(who, "name"));
		printf(", %s%s", json_is_string(json_object_get(r, "template")) ? "template " : "",
		    json_is_string(json_object_get(r, "template")) ? json_text(r, "template")
								   : "all templates");
		if (json_is_integer(shadow))
			printf(" (decides nothing beside rule %lld)",
			    (long long)json_integer_value(shadow));
		putchar('\n');
	}
}

static void
print_officers(const struct officers *o, const json_t *holders, const json_t *rules)
{
	size_t i;
	json_t *who;

	printf("Certificate managers of %s\n", o->authority.service->dn);
	json_array_foreach(holders, i, who) printf("  %s (%s)%s\n", json_text(who, "name"),
	    json_text(who, "sid"),
	    o->rules.unrestricted                             ? ""
	    : json_is_true(json_object_get(who, "has_rules")) ? ", restricted"
							      : ", restricted, no rule names it");
	if (json_array_size(holders) == 0)
		puts("  nobody holds Issue and Manage Certificates");
	if (o->problem.code != ERR_OK)
		printf("Rules: none could be read: %s\n", o->problem.msg);
	else if (o->rules.unrestricted)
		puts("Restrictions: off, every certificate manager may act for everyone");
	else if (o->rules.count == 0)
		puts("Rules: none, so that no certificate manager may act for anyone");
	else
		puts("Rules (a denial beats every grant; what no rule grants is denied):");
	print_rules(rules);
}

static bool
show_officers(const struct officers *o, struct err *err)
{
	OWNED(own_json) json_t *holders = json_array(), *rules = json_rules(o);

	if (!json_holders(o, holders, err))
		return false;
	if (o->authority.session->cli->opt.json)
		print_json(json_pack("{s:s, s:b, s:s?, s:O, s:O}", "dn", o->authority.service->dn,
		    "restricted", (int)!o->rules.unrestricted, "problem",
		    o->problem.code != ERR_OK ? o->problem.msg : NULL, "officers", holders, "rules",
		    rules));
	else
		print_officers(o, holders, rules);
	return true;
}

bool
cmd_officer_list(struct work *w, struct err *err)
{
	OWNED(officers_close) struct officers o = {0};

	return officers_open(w, &o, err) && show_officers(&o, err);
}

/* ---- changing ---- */

static void
warn(const struct officers *o, const char *text, const char *who)
{
	fprintf(
	    stderr, "dirca %s: warning: %s%s\n", o->authority.session->cli->verb->name, who, text);
}

static bool
write_rules(struct officers *o, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	return officer_rules_encode(&o->rules, &raw, err) &&
	       authority_write(&o->authority, "dircaOfficerRights", o->authority.raw_officers,
		   buf_view(&raw), err);
}

/* A change of single rules begins with rules. */
static bool
check_restricted(const struct officers *o, struct err *err)
{
	if (o->problem.code != ERR_OK) {
		*err = o->problem;
		return false;
	}
	return !o->rules.unrestricted || err_set(err, E_INVALIDARG,
					     "restrictions are off, and one rule alone would lock "
					     "out every other certificate "
					     "manager; begin with 'dirca officer restrict'");
}

static bool
show_changed(const struct officers *o, struct err *err)
{
	const struct cli *cli = o->authority.session->cli;

	if (o->rules.count == 0 && !o->rules.unrestricted)
		warn(o, "no rule is left: no certificate manager may act for anyone", "");
	if (!show_officers(o, err))
		return false;
	if (cli->opt.dry_run)
		fprintf(stderr, "dirca %s: dry run, nothing is written\n", cli->verb->name);
	return true;
}

static bool
restrict_all(struct officers *o, bool off, bool force, struct err *err)
{
	OWNED(sids_free) struct sids holders = {0};

	if (o->problem.code == ERR_OK && o->rules.unrestricted == off) {
		warn(o, "that is so already; nothing is changed", "");
		return true;
	}
	if (o->problem.code != ERR_OK && o->authority.raw_officers.len > 0 && !force)
		return err_set(
		    err, o->problem.code, "%s; --force puts others in their place", o->problem.msg);
	officer_rules_free(&o->rules);
	o->problem.code = ERR_OK;
	o->rules.unrestricted = off;
	if (off)
		return write_rules(o, err);
	return ca_rights_holders(&o->authority.security, CA_RIGHT_OFFICER, &holders, err) &&
	       officer_rules_begin(&holders, &o->rules, err) && write_rules(o, err);
}

bool
cmd_officer_restrict(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(officers_close) struct officers o = {0};

	return officers_open(w, &o, err) && restrict_all(&o, opt->off, opt->force, err) &&
	       show_changed(&o, err);
}

static bool
check_templates(const struct officers *o, const struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < cli->opt.templates.count; i++) {
		const char *name = cli->opt.templates.list[i];
		const struct dir_entry *e;

		if (!pki_template_named(o->authority.session->pki, name, &e, err))
			return false;
		if (e == NULL && !cli->opt.force)
			return err_set(err, CRYPT_E_NOT_FOUND,
			    "the directory has no template %s ('dirca templates' lists their "
			    "names); --force writes the rule all the same",
			    name);
	}
	return true;
}

/* What a rule calls a template: by its name, whatever it was called here; NULL: none, or *err. */
static char *
rule_name(const struct officers *o, const char *name, struct err *err)
{
	const struct dir_entry *e;
	char *cn = NULL;

	if (!pki_template_named(o->authority.session->pki, name, &e, err) ||
	    (e != NULL && dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED))
		return NULL;
	return cn != NULL ? cn : mem_text(name);
}

/* The right may come from a group, which for a person can be asked; where it cannot, nothing is
 * said.
 */
static void
warn_no_right(struct officers *o, const char *name, const struct sid *sid)
{
	OWNED(principal_free) struct principal p = {0};
	struct sid alone[] = {*sid, SID_EVERYONE, SID_AUTHENTICATED_USERS};
	struct sids as = {alone, COUNT_OF(alone)};
	struct err ignored;
	enum dir_find found = principal_find(o->authority.session->directory, name, &p, &ignored);

	if (found == DIR_FIND_FAILED)
		return;
	if (found == DIR_FOUND && p.has_sid && sid_eq(&p.sid, sid))
		as = p.sids;
	if (!sd_check_mask(&o->authority.security, &as, CA_RIGHT_OFFICER).allowed)
		warn(o,
		    " does not hold Issue and Manage Certificates, which rules only narrow; 'dirca "
		    "ca rights grant' gives it",
		    name);
}

static void
warn_shadows(const struct officers *o)
{
	char text[96];

	for (size_t i = 0; i < o->rules.count; i++) {
		int other = officer_rules_shadow(&o->rules, i);

		if (other < 0)
			continue;
		snprintf(
		    text, sizeof text, "rule %zu decides nothing beside rule %d", i + 1, other + 1);
		warn(o, text, "");
	}
}

/* One rule a template, or one for all. */
static bool
add_rules(struct officers *o, const struct cli *cli, struct officer_rule *rule, struct err *err)
{
	const struct cli_list *templates = &cli->opt.templates;
	size_t at, count = templates->count > 0 ? templates->count : 1;
	bool added, any = false, ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		OWNED(own_memory)
		char *cn = templates->count > 0 ? rule_name(o, templates->list[i], err) : NULL;

		rule->template_cn = cn;
		ok = (cn != NULL || templates->count == 0) &&
		     officer_rules_add(&o->rules, rule, &at, &added, err);
		any = any || (ok && added);
		rule->template_cn = NULL;
	}
	if (ok && !any)
		warn(o, "there is such a rule already; nothing is changed", "");
	return ok && (!any || write_rules(o, err));
}

static bool
read_requesters(struct officers *o, const struct cli_list *names, struct sids *out, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		struct sid sid;

		if (!authority_trustee(&o->authority, names->list[i], &sid, err) ||
		    !sids_add(out, &sid, err))
			return false;
	}
	return true;
}

static bool
add_ruling(struct officers *o, const struct cli *cli, bool deny, struct err *err)
{
	const struct cli_list *names = &cli->opt.requesters;
	OWNED(sids_free) struct sids requesters = {0};
	struct officer_rule rule = {.deny = deny};

	if (names->count == 0)
		return err_set(err, DIRCA_E_USAGE,
		    "--for is needed: the groups or users that the rule speaks of, or Everyone");
	if (!check_restricted(o, err) || !check_templates(o, cli, err) ||
	    !authority_trustee(&o->authority, cli->args[0], &rule.officer, err) ||
	    !read_requesters(o, names, &requesters, err))
		return false;
	warn_no_right(o, cli->args[0], &rule.officer);
	rule.requesters = requesters; /* borrowed */
	if (!add_rules(o, cli, &rule, err))
		return false;
	warn_shadows(o);
	return true;
}

static bool
allow_or_deny(struct work *w, bool deny, struct err *err)
{
	OWNED(officers_close) struct officers o = {0};

	return officers_open(w, &o, err) && add_ruling(&o, w->cli, deny, err) &&
	       show_changed(&o, err);
}

bool
cmd_officer_allow(struct work *w, struct err *err)
{
	return allow_or_deny(w, false, err);
}

bool
cmd_officer_deny(struct work *w, struct err *err)
{
	return allow_or_deny(w, true, err);
}

/* Marks what one argument names: a number as `officer list` counts, or an officer. */
static bool
mark_doomed(struct officers *o, const char *word, bool *doomed, struct err *err)
{
	struct sid officer;
	int64_t number;
	bool any = false;

	if (text_to_int(word, 1, INT32_MAX, &number)) {
		if ((size_t)number > o->rules.count)
			return err_set(err, CRYPT_E_NOT_FOUND, "there is no rule %s, only %zu",
			    word, o->rules.count);
		doomed[number - 1] = true;
		return true;
	}
	if (!authority_trustee(&o->authority, word, &officer, err))
		return false;
	for (size_t i = 0; i < o->rules.count; i++)
		if (sid_eq(&o->rules.list[i].officer, &officer))
			any = doomed[i] = true;
	return any || err_set(err, CRYPT_E_NOT_FOUND, "no rule names %s as its officer", word);
}

static bool
remove_rules(struct officers *o, const struct cli *cli, struct err *err)
{
	OWNED(own_memory) bool *doomed = mem_zero(o->rules.count + 1, sizeof *doomed);

	if (!check_restricted(o, err))
		return false;
	for (int i = 0; i < cli->count; i++)
		if (!mark_doomed(o, cli->args[i], doomed, err))
			return false;
	for (size_t i = o->rules.count; i-- > 0;)
		if (doomed[i])
			officer_rules_remove(&o->rules, i);
	return write_rules(o, err);
}

bool
cmd_officer_remove(struct work *w, struct err *err)
{
	OWNED(officers_close) struct officers o = {0};

	return officers_open(w, &o, err) && remove_rules(&o, w->cli, err) && show_changed(&o, err);
}
