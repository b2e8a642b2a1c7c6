#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group_path.h"
#include "trustee.h"

/* Takes over `reason`. */
static struct explain_step *
add(struct explanation *x, const char *check, enum explain_verdict verdict, char *reason)
{
	struct explain_step *grown = reallocarray(x->steps, x->count + 1, sizeof *grown);

	if (grown == NULL) {
		free(reason);
		x->failed = true;
		return NULL;
	}
	x->steps = grown;
	grown[x->count] =
	    (struct explain_step){.check = check, .verdict = verdict, .reason = reason};
	x->failed = x->failed || reason == NULL;
	return &grown[x->count++];
}

static struct explain_step *add_printf(struct explanation *x, const char *check,
    enum explain_verdict verdict, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static struct explain_step *
add_printf(struct explanation *x, const char *check, enum explain_verdict verdict, const char *fmt,
    va_list ap)
{
	char *reason;

	/* Not cut: half a character would be no text. */
	if (vasprintf(&reason, fmt, ap) < 0)
		reason = NULL;
	return add(x, check, verdict, reason);
}

struct explain_step *
explain_passed(struct explanation *x, const char *check, const char *fmt, ...)
{
	struct explain_step *step;
	va_list ap;

	va_start(ap, fmt);
	step = add_printf(x, check, EXPLAIN_PASSED, fmt, ap);
	va_end(ap);
	return step;
}

void
explain_note(struct explanation *x, const char *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)add_printf(x, check, EXPLAIN_NOTE, fmt, ap);
	va_end(ap);
}

struct explain_step *
explain_refused(struct explanation *x, const char *check, const struct err *refusal)
{
	struct explain_step *step = add(x, check, EXPLAIN_REFUSED, strdup(refusal->msg));

	if (step != NULL)
		step->code = refusal->code;
	return step;
}

void
explain_free(struct explanation *x)
{
	for (size_t i = 0; i < x->count; i++) {
		free(x->steps[i].reason);
		free(x->steps[i].ace);
		free(x->steps[i].path);
	}
	free(x->steps);
	*x = (struct explanation){0};
}

/* ---- what the directory says of it ---- */

struct way {
	const char *dn; /* NULL: no way is asked for */
	const struct sid *sid;
	char *name, *path;
};

static bool
find_way(struct dir_conn *c, void *arg, struct err *err)
{
	struct way *w = arg;

	free(w->name);
	free(w->path);
	w->path = NULL;
	if ((w->name = trustee_name(c, w->sid)) == NULL)
		return err_nomem(err);
	return w->dn == NULL || groups_path(c, w->dn, w->sid, &w->path, err);
}

void
explain_ace(struct ca *ca, struct explain_step *step, enum sd_rights rights, const struct sd *sd,
    int at, const struct principal *who)
{
	struct way way = {.dn = who->dn};
	struct err ignored;
	char *text = NULL;

	if (step == NULL || at < 0)
		return;
	way.sid = &sd->aces[at].sid;
	(void)ca_directory_do(ca, find_way, &way, &ignored);
	(void)sd_ace_text(&sd->aces[at], rights, &text);
	step->ace = text_printf("entry %d of %s: %s%s%s", at,
	    rights == SD_RIGHTS_CA ? "dircaCASecurity" : "nTSecurityDescriptor",
	    text != NULL ? text : "?", way.name != NULL ? ", " : "",
	    way.name != NULL ? way.name : "");
	step->path = way.path;
	free(text);
	free(way.name);
}

/* "Sales, Engineering"; NULL on no memory. free(). */
static char *
requester_names(struct ca *ca, const struct officer_rule *rule)
{
	char *all = strdup("");
	struct err ignored;

	for (size_t i = 0; all != NULL && i < rule->requesters.count; i++) {
		struct way way = {.sid = &rule->requesters.list[i]};
		char *longer = NULL;

		if (ca_directory_do(ca, find_way, &way, &ignored))
			longer = text_printf("%s%s%s", all, i > 0 ? ", " : "", way.name);
		free(way.name);
		free(all);
		all = longer;
	}
	return all;
}

void
explain_rule(struct ca *ca, struct explain_step *step, const struct officer_rules *rules, int at,
    const char *requester_dn)
{
	const struct officer_rule *rule;
	struct way officer = {0};
	struct err ignored;
	char *requesters;

	if (step == NULL || at < 0)
		return;
	rule = &rules->list[at];
	officer.sid = &rule->officer;
	(void)ca_directory_do(ca, find_way, &officer, &ignored);
	requesters = requester_names(ca, rule);
	step->ace = text_printf("rule %d of dircaOfficerRights: %s %s for %s, %s%s", at + 1,
	    rule->deny ? "deny" : "allow", officer.name != NULL ? officer.name : "?",
	    requesters != NULL ? requesters : "?", rule->template_cn != NULL ? "template " : "",
	    rule->template_cn != NULL ? rule->template_cn : "all templates");
	for (size_t i = 0; requester_dn != NULL && step->path == NULL && i < rule->requesters.count;
	     i++) {
		struct way way = {.dn = requester_dn, .sid = &rule->requesters.list[i]};

		(void)ca_directory_do(ca, find_way, &way, &ignored);
		step->path = way.path;
		free(way.name);
	}
	free(requesters);
	free(officer.name);
}

struct name_query {
	const char *token;
	struct principal *out;
};

static bool
find_principal(struct dir_conn *c, void *arg, struct err *err)
{
	struct name_query *q = arg;

	switch (principal_find(c, q->token, q->out, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(
		    err, CRYPT_E_NOT_FOUND, "the directory has no account '%s'", q->token);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

bool
explain_principal(struct ca *ca, const char *token, struct principal *out, struct err *err)
{
	struct name_query q = {token, out};

	*out = (struct principal){0};
	return ca_directory_do(ca, find_principal, &q, err);
}
