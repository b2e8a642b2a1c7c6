/*
 * Lint of the PKI objects of a directory: the escalation classes known as ESC1 to ESC16 as far as
 * the directory shows them, and rules of our own about key archival. Pure: entries in, findings
 * out. Conditions and cures at length: docs/TEMPLATE-LINT.md, which has a heading for every rule.
 */
#ifndef TEMPLATES_LINT_H
#define TEMPLATES_LINT_H

#include "entry.h"
#include "sid.h"
#include "text.h"

enum lint_level { LINT_NOTE, LINT_WARNING, LINT_DANGER };
const char *lint_level_name(enum lint_level level);

struct lint;
struct lint_rule {
	const char *id; /* "ESC1", "ARC1" */
	/* What finds it; NULL: the directory does not show it, or it is found while reading. */
	bool (*check)(struct lint *l, struct err *err);
	const char *title;
	const char *cure;
	const char *unseen; /* why the directory does not show it; NULL: the rule is checked */
};
/* All rules, in order; *count_out how many. */
const struct lint_rule *lint_rules(size_t *count_out);

/* A key recovery agent as its certificate in the KRA container tells. */
struct lint_kra {
	const char *object, *subject;
	int64_t not_after;
	const struct sids *sids; /* of the account that it names; NULL: none was found */
	const char *hash;        /* SHA-1 of the certificate */
	const char *unfit;       /* why it is none of a KRA; NULL: it is */
	const char *newer; /* SHA-1 of the newest of the same agent in `object`; NULL: this is it */
};

struct lint_input {
	/* Everything under CN=Public Key Services, with nTSecurityDescriptor where it is readable.
	 */
	const struct dir_entries *tree;
	const char *services_dn;
	/* Does a DN lie under another? dir_dn_is_under, which is not this room's. */
	bool (*is_under)(const char *dn, const char *base);
	/* Trustees whose rights are as they should be, beside administrators, domain controllers
	 * and the system itself. */
	const struct sids *trusted;
	const struct lint_kra *kras;
	size_t kra_count;
	const struct dir_entries *mapped; /* accounts with altSecurityIdentities */
	int64_t now;
};

struct lint_finding {
	const struct lint_rule *rule;
	enum lint_level level;
	char *object;         /* cn of a template, DN of something else */
	struct sids trustees; /* who; may be empty */
	char *detail;         /* what was found, a sentence */
};

struct lint_findings {
	struct lint_finding *list;
	size_t count;
};

/* Findings in the order of the rules. An object that cannot be decoded is a finding itself. */
bool lint_run(const struct lint_input *in, struct lint_findings *out, struct err *err);
void lint_findings_free(struct lint_findings *f);

#endif
