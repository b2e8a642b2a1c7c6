/* dirca template lint: what is dangerous in the PKI objects of the directory. */
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "archive.h"
#include "clock.h"
#include "lint.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "text.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

/* What lint wants to know, with its storage. */
struct gathered {
	struct dir_entries tree, mapped;
	struct sids trusted;
	struct pkix_cert *certs; /* of the KRAs */
	struct principal *people;
	struct lint_kra *kras;
	size_t kra_count;
};

static void
gathered_free(struct gathered *g)
{
	for (size_t i = 0; i < g->kra_count; i++) {
		pkix_cert_free(&g->certs[i]);
		principal_free(&g->people[i]);
		free((char *)(uintptr_t)g->kras[i].subject);
		free((char *)(uintptr_t)g->kras[i].hash);
		free((char *)(uintptr_t)g->kras[i].unfit);
	}
	free(g->certs);
	free(g->people);
	free(g->kras);
	dir_entries_free(&g->tree);
	dir_entries_free(&g->mapped);
	sids_free(&g->trusted);
}

static bool
read_trusted(const struct cli *cli, struct session *s, struct sids *out, struct err *err)
{
	for (size_t i = 0; i < cli->opt.trusted.count; i++) {
		const char *name = cli->opt.trusted.list[i];
		struct sid sid;

		switch (trustee_find(s->directory, name, &sid, err)) {
		case DIR_FOUND:
			break;
		case DIR_NOT_FOUND:
			return err_set(
			    err, CRYPT_E_NOT_FOUND, "the directory has no user or group %s", name);
		case DIR_FIND_FAILED:
			return false;
		}
		if (!sids_add(out, &sid, err))
			return false;
	}
	return true;
}

/* The account that the certificate names by its UPN; none is no fault of the certificate. */
static bool
find_person(struct session *s, const struct pkix_cert *cert, struct principal *out,
    const struct sids **sids_out, struct err *err)
{
	OWNED(own_memory) char *upn = pkix_cert_upn(cert);
	enum dir_find found =
	    upn != NULL ? principal_find(s->directory, upn, out, err) : DIR_NOT_FOUND;

	*sids_out = found == DIR_FOUND ? &out->sids : NULL;
	return found != DIR_FIND_FAILED || err->code == TYPE_E_AMBIGUOUSNAME;
}

/* Whoever may write there can put in what is no certificate, and does not end lint by it. */
static bool
add_kra(struct session *s, struct gathered *g, const char *dn, struct view der, struct err *err)
{
	size_t at = g->kra_count++;
	struct pkix_cert *cert = &g->certs[at];
	struct lint_kra *k = &g->kras[at];
	uint8_t sha1[SHA_DIGEST_LENGTH];
	struct err why;

	SHA1(der.ptr, der.len, sha1);
	k->object = dn;
	k->hash = hex_encode(view_of(sha1, sizeof sha1), '\0');
	if (!pkix_cert_decode(der, cert, &why)) {
		k->subject = mem_text(dn);
		k->unfit = mem_text(why.msg);
		k->not_after = INT64_MAX;
		return true;
	}
	k->not_after = cert->not_after;
	k->subject = pkix_name_text(cert->subject);
	if (!kra_check_usage(cert, &why))
		k->unfit = mem_text(why.msg);
	return find_person(s, cert, &g->people[at], &k->sids, err);
}

static bool
is_usable(const struct lint_kra *k)
{
	return k->unfit == NULL && k->not_after >= clock_now();
}

/* Among those of one object, which begin at `first`. */
static void
find_older(struct gathered *g, size_t first)
{
	OWNED(own_memory)
	const struct pkix_cert **certs = mem_zero(g->kra_count - first + 1, sizeof(*certs));
	size_t count = 0;

	for (size_t i = first; i < g->kra_count; i++)
		if (is_usable(&g->kras[i]))
			certs[count++] = &g->certs[i];
	count = kra_agents(certs, count, true);
	for (size_t i = first; i < g->kra_count; i++)
		for (size_t k = 0; is_usable(&g->kras[i]) && k < count; k++)
			if (certs[k] != &g->certs[i] &&
			    kra_same_agent(certs[k], &g->certs[i], true))
				g->kras[i].newer = g->kras[certs[k] - g->certs].hash;
}

static bool
read_kras(struct session *s, struct gathered *g, struct err *err)
{
	const struct dir_entries *kras = &s->pki->kras;
	size_t room = 1;

	for (size_t i = 0; i < kras->count; i++) {
		const struct dir_attr *a = dir_entry_attr(&kras->list[i], "userCertificate");

		room += a != NULL ? a->count : 0;
	}
	g->certs = mem_zero(room, sizeof *g->certs);
	g->people = mem_zero(room, sizeof *g->people);
	g->kras = mem_zero(room, sizeof *g->kras);
	for (size_t i = 0; i < kras->count; i++) {
		const struct dir_entry *e = &kras->list[i];
		const struct dir_attr *a = dir_entry_attr(e, "userCertificate");
		size_t first = g->kra_count;

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (!add_kra(s, g, e->dn, buf_view(&a->values[k]), err))
				return false;
		find_older(g, first);
	}
	return true;
}

static bool
gather(const struct cli *cli, struct session *s, struct gathered *g, struct err *err)
{
	return pki_tree(s->directory, &g->tree, err) &&
	       dir_search(s->directory,
		   &(struct dir_query){.base = dir_conn_root(s->directory)->default_nc,
		       .scope = DIR_SUBTREE,
		       .filter = "(altSecurityIdentities=*)",
		       .attrs = (const char *const[]){"altSecurityIdentities", NULL}},
		   &g->mapped, err) &&
	       read_trusted(cli, s, &g->trusted, err) && read_kras(s, g, err);
}

static json_t *
json_finding(struct session *s, const struct lint_finding *f)
{
	json_t *who = json_array();

	for (size_t i = 0; i < f->trustees.count; i++) {
		OWNED(own_memory) char *name = trustee_name(s->directory, &f->trustees.list[i]);
		char sid[SID_TEXT_MAX];

		sid_to_text(&f->trustees.list[i], sid);
		json_array_append_new(who, json_pack("{s:s, s:s?}", "sid", sid, "name", name));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "rule", f->rule->id, "level",
	    lint_level_name(f->level), "object", f->object, "title", f->rule->title, "detail",
	    f->detail, "cure", f->rule->cure, "trustees", who);
}

static void
print_finding(struct session *s, const struct lint_finding *f)
{
	printf("%s %s: %s: %s\n  %s\n", lint_level_name(f->level), f->rule->id, f->object,
	    f->rule->title, f->detail);
	for (size_t i = 0; i < f->trustees.count; i++) {
		OWNED(own_memory) char *name = trustee_name(s->directory, &f->trustees.list[i]);

		printf("%s%s", i == 0 ? "  who: " : ", ", name);
	}
	printf("%s  cure: %s\n", f->trustees.count > 0 ? "\n" : "", f->rule->cure);
}

static json_t *
json_unseen(void)
{
	json_t *list = json_array();
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		if (rules[i].unseen != NULL)
			json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s}", "rule", rules[i].id, "title",
				      rules[i].title, "reason", rules[i].unseen));
	return list;
}

static void
print_unseen(void)
{
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		if (rules[i].unseen != NULL)
			printf("not seen in the directory: %s, %s: %s\n", rules[i].id,
			    rules[i].title, rules[i].unseen);
}

static enum cli_exit
report_findings(struct session *s, const struct lint_findings *found)
{
	const struct cli_options *opt = &s->cli->opt;
	OWNED(own_json) json_t *list = json_array();
	size_t bad = 0;

	for (size_t i = 0; i < found->count; i++) {
		if (opt->json)
			json_array_append_new(list, json_finding(s, &found->list[i]));
		else
			print_finding(s, &found->list[i]);
		bad += found->list[i].level != LINT_NOTE ? 1 : 0;
	}
	if (opt->json) {
		print_json(json_pack("{s:O, s:o}", "findings", list, "not_seen", json_unseen()));
	} else {
		if (opt->verbose)
			print_unseen();
		printf("%zu finding%s.\n", found->count, found->count == 1 ? "" : "s");
	}
	return bad > 0 ? CLI_FINDINGS : CLI_OK;
}

bool
cmd_template_lint(struct work *w, struct err *err)
{
	OWNED(gathered_free) struct gathered g = {0};
	OWNED(lint_findings_free) struct lint_findings found = {0};

	if (!gather(w->cli, &w->session, &g, err))
		return false;
	const struct lint_input in = {.tree = &g.tree,
	    .services_dn = w->session.pki->services_dn,
	    .is_under = dir_dn_is_under,
	    .trusted = &g.trusted,
	    .kras = g.kras,
	    .kra_count = g.kra_count,
	    .mapped = &g.mapped,
	    .now = clock_now()};

	if (!lint_run(&in, &found, err))
		return false;
	w->status = report_findings(&w->session, &found);
	return true;
}
