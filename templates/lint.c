#include "lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lint_priv.h"
#include "mem.h"
#include "own.h"
#include "printable.h"
#include "text.h"
#include "tmpl_priv.h"

static const struct lint_rule rules[] = {
    {"DECODE", NULL, "a template that cannot be decoded",
	"mend the attribute that the finding names; the CA does not issue the template", NULL},
    {"UNSEEN", lint_unseen, "a template whose rights this account may not see",
	"look with an account that may read nTSecurityDescriptor, or give the template one: `dirca "
	"template grant`",
	NULL},
    {"ESC1", lint_esc1, "whoever enrolls chooses the name of a certificate for logon",
	"`dirca template set NAME subject=upn` or approval=yes, or take the Enroll right away",
	NULL},
    {"ESC2", lint_esc2, "certificates for any purpose",
	"name the purposes: `dirca template set NAME eku=...`", NULL},
    {"ESC3", lint_esc3, "enrollment agent certificates without approval",
	"`dirca template set NAME approval=yes`, or take the Enroll right away", NULL},
    {"ESC4", lint_esc4, "a template that others than administrators can change",
	"take the write rights away: `dirca template revoke NAME TRUSTEE write`", NULL},
    {"ESC5", lint_esc5, "PKI objects that others than administrators can change",
	"take the write rights away from the object's security descriptor", NULL},
    {"ESC6", NULL, "names in request attributes (EDITF_ATTRIBUTESUBJECTALTNAME2)",
	"dirca never takes names from request attributes", "a setting of Windows CAs' registry"},
    {"ESC7", lint_esc7, "everybody may manage a CA or certificates",
	"`dirca ca rights revoke TRUSTEE ...`", NULL},
    {"ESC8", lint_esc8, "enrollment without TLS", "publish an https URL: `dirca ca publish`", NULL},
    {"ESC9", lint_esc9, "certificates for logon without the SID of the account",
	"clear the flag: `dirca template set NAME no-sid=no`", NULL},
    {"ESC10", NULL, "weak certificate mapping of domain controllers",
	"StrongCertificateBindingEnforcement = 2 on domain controllers",
	"a setting of domain controllers' registry"},
    {"ESC11", NULL, "enrollment by RPC without encryption",
	"dirca offers HTTPS and a Unix socket only", "a setting of Windows CAs' registry"},
    {"ESC12", NULL, "a CA key that somebody with a shell on the CA can use",
	"dirca's vault is a process of its own; encrypt the CA key",
	"a matter of the CA's machine"},
    {"ESC13", lint_esc13, "an issuance policy that is linked to a group",
	"take the Enroll right away, or the link (msDS-OIDToGroupLink)", NULL},
    {"ESC14", lint_esc14, "weak explicit certificate mappings of accounts",
	"map by issuer and serial number, key identifier or hash", NULL},
    {"ESC15", lint_esc15, "a version 1 template whose requester chooses the subject",
	"duplicate it to version 2 and disable the old one; dirca takes no application policies "
	"from requests, Windows CAs may",
	NULL},
    {"ESC16", NULL, "a CA that leaves the SID extension out of all certificates",
	"dirca has no such setting", "a setting of Windows CAs' registry"},
    {"SRV1", lint_server_names, "whoever enrolls chooses the names of a server's certificate",
	"`dirca template set NAME subject=dns` or approval=yes, or take the Enroll right away",
	NULL},
    {"ARC1", lint_kra_container,
	"others than administrators can change who the key recovery agents are",
	"take the write rights away from CN=KRA and the objects in it", NULL},
    {"ARC2", lint_archival_writers, "others than administrators can switch key archival off",
	"take the write rights away: `dirca template revoke NAME TRUSTEE write`", NULL},
    {"ARC3", lint_officer_rights,
	"others than administrators can change officer rights or CA rights",
	"take the write rights away from the enrollment service's security descriptor", NULL},
    {"ARC4", lint_kra_templates, "key recovery agent certificates without approval",
	"`dirca template set NAME approval=yes`", NULL},
    {"ARC5", lint_officer_and_kra, "somebody is certificate manager and key recovery agent at once",
	"let two persons do it: `dirca ca rights revoke`, or another KRA", NULL},
    {"ARC6", lint_kra_expiry, "a key recovery agent certificate that ends soon or has ended",
	"enroll a new one, `dirca kra add` and `dirca kra publish` it", NULL},
    {"ARC7", lint_kra_autoenroll, "clients enroll for key recovery agents by themselves",
	"`dirca template revoke NAME TRUSTEE autoenroll`, or `dirca template set NAME "
	"autoenroll=no`",
	NULL},
    {"ARC8", lint_kra_unfit, "a certificate in the KRA container that is none of an agent",
	"take it out: `dirca kra unpublish SHA1`", NULL},
    {"ARC9", lint_kra_twice, "one key recovery agent twice in a CA's object",
	"take the older one out: `dirca kra unpublish SHA1`", NULL},
    {"REFUSED", lint_refused, "a template that the CA refuses, whoever asks",
	"do what the finding says, or take it off certificateTemplates", NULL},
    {"SUPERSEDE", lint_supersede, "a list of superseded templates that names nothing or leads back",
	"`dirca template set NAME supersedes=...` without that name", NULL},
};

const char *
lint_level_name(enum lint_level level)
{
	static const char *const names[] = {"note", "warning", "danger"};

	return names[level];
}

const struct lint_rule *
lint_rules(size_t *count_out)
{
	*count_out = COUNT_OF(rules);
	return rules;
}

void
lint_findings_free(struct lint_findings *fs)
{
	for (size_t i = 0; i < fs->count; i++) {
		free(fs->list[i].object);
		free(fs->list[i].detail);
		sids_free(&fs->list[i].trustees);
	}
	free(fs->list);
	*fs = (struct lint_findings){0};
}

static bool
is_enabled(const struct lint_input *in, const char *cn)
{
	for (size_t i = 0; i < in->tree->count; i++) {
		const struct dir_entry *e = &in->tree->list[i];

		if (dir_entry_has_value_nocase(e, "objectClass", "pKIEnrollmentService") &&
		    dir_entry_has_value_nocase(e, "certificateTemplates", cn))
			return true;
	}
	return false;
}

static bool
read_template(struct lint *l, const struct dir_entry *e, struct err *err)
{
	struct lint_template *lt = &l->templates[l->count];
	struct err why;

	if (!tmpl_decode(e, &lt->t, &why)) {
		l->rule = &rules[0];
		return lint_find(l, LINT_WARNING, e->dn, NULL, err, "%s", why.msg);
	}
	l->count++;
	lt->enabled = is_enabled(l->in, lt->t.cn);
	return !lt->t.has_sd || lint_holders(l, &lt->t.sd, LINT_ENROLL, &lt->enrollers, err);
}

static bool
read_templates(struct lint *l, struct err *err)
{
	l->templates = mem_zero(l->in->tree->count, sizeof *l->templates);
	for (size_t i = 0; i < l->in->tree->count; i++) {
		const struct dir_entry *e = &l->in->tree->list[i];

		if (dir_entry_has_value_nocase(e, "objectClass", "pKICertificateTemplate") &&
		    !read_template(l, e, err))
			return false;
	}
	return true;
}

static void
lint_free(struct lint *l)
{
	for (size_t i = 0; i < l->count; i++) {
		tmpl_free(&l->templates[i].t);
		sids_free(&l->templates[i].enrollers);
	}
	free(l->templates);
}

bool
lint_run(const struct lint_input *in, struct lint_findings *out, struct err *err)
{
	OWNED(lint_findings_free) struct lint_findings found = {0};
	OWNED(lint_free) struct lint l = {.in = in, .out = &found};

	*out = (struct lint_findings){0};
	if (!read_templates(&l, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		l.rule = &rules[i];
		if (rules[i].check != NULL && !rules[i].check(&l, err))
			return false;
	}
	*out = found;
	found = (struct lint_findings){0};
	return true;
}
