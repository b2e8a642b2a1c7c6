#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group_path.h"
#include "mem.h"
#include "own.h"
#include "text.h"
#include "trustee.h"

/* Takes over `reason`. */
static struct explain_step *
add_step(struct explanation *x, const char *check, enum explain_verdict verdict, char *reason)
{
	struct explain_step *step;

	x->steps = mem_grow(x->steps, x->count, sizeof *x->steps);
	step = &x->steps[x->count++];
	*step = (struct explain_step){.check = check, .verdict = verdict, .reason = reason};
	return step;
}

void
explain_note(struct explanation *x, const char *check, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	/* Not cut: half a character would be no text. */
	if (vasprintf(&text, fmt, ap) < 0)
		mem_exhausted();
	va_end(ap);
	add_step(x, check, EXPLAIN_NOTE, text);
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

static void
way_free(struct way *w)
{
	free(w->name);
	free(w->path);
}

static bool
find_way(struct dir_conn *c, void *arg, struct err *err)
{
	struct way *w = arg;

	way_free(w);
	w->path = NULL;
	w->name = trustee_name(c, w->sid);
	return w->dn == NULL || groups_path(c, w->dn, w->sid, &w->path, err);
}

static void
explain_ace(struct ca *ca, struct explain_step *step, const struct explain_reason *r)
{
	const struct ace *ace = &r->sd->aces[r->at];
	OWNED(way_free) struct way way = {.dn = r->who->dn, .sid = &ace->sid};
	OWNED(own_memory) char *text = NULL;
	struct err ignored;

	(void)ca_directory_do(ca, find_way, &way, &ignored);
	(void)sd_ace_text(ace, r->rights, &text);
	step->ace = text_printf("entry %d of %s: %s%s%s", r->at,
	    r->rights == SD_RIGHTS_CA ? "dircaCASecurity" : "nTSecurityDescriptor",
	    text != NULL ? text : "?", way.name != NULL ? ", " : "",
	    way.name != NULL ? way.name : "");
	step->path = own_give(&way.path);
}

/* "Sales, Engineering"; NULL if the directory does not tell. free(). */
static char *
requester_names(struct ca *ca, const struct officer_rule *rule)
{
	OWNED(own_memory) char *all = mem_text("");
	struct err ignored;

	for (size_t i = 0; i < rule->requesters.count; i++) {
		OWNED(way_free) struct way way = {.sid = &rule->requesters.list[i]};

		if (!ca_directory_do(ca, find_way, &way, &ignored))
			return NULL;
		text_list_add(&all, ", ", way.name);
	}
	return own_give(&all);
}

static void
explain_rule(struct ca *ca, struct explain_step *step, const struct explain_reason *r)
{
	const struct officer_rule *rule = &r->rules->list[r->at];
	OWNED(way_free) struct way officer = {.sid = &rule->officer};
	OWNED(own_memory) char *requesters = NULL;
	struct err ignored;

	(void)ca_directory_do(ca, find_way, &officer, &ignored);
	requesters = requester_names(ca, rule);
	step->ace = text_printf("rule %d of dircaOfficerRights: %s %s for %s, %s%s", r->at + 1,
	    rule->deny ? "deny" : "allow", officer.name != NULL ? officer.name : "?",
	    requesters != NULL ? requesters : "?", rule->template_cn != NULL ? "template " : "",
	    rule->template_cn != NULL ? rule->template_cn : "all templates");
	for (size_t i = 0;
	     r->requester_dn != NULL && step->path == NULL && i < rule->requesters.count; i++) {
		OWNED(way_free)
		struct way way = {.dn = r->requester_dn, .sid = &rule->requesters.list[i]};

		(void)ca_directory_do(ca, find_way, &way, &ignored);
		step->path = own_give(&way.path);
	}
}

void
explain_check(struct explanation *x, struct ca *ca, const char *check, const struct err *refusal,
    char *told, const struct explain_reason *reason)
{
	struct explain_step *step =
	    refusal != NULL ? add_step(x, check, EXPLAIN_REFUSED, mem_text(refusal->msg))
			    : add_step(x, check, EXPLAIN_PASSED, told);

	if (refusal != NULL) {
		step->code = refusal->code;
		free(told);
	}
	if (reason->at >= 0 && reason->sd != NULL)
		explain_ace(ca, step, reason);
	else if (reason->at >= 0 && reason->rules != NULL)
		explain_rule(ca, step, reason);
}

bool
explain_principal(struct ca *ca, const char *token, struct principal *out, struct err *err)
{
	enum dir_find found = ca_find(ca, token, out, err);

	return found == DIR_FOUND ||
	       (found == DIR_NOT_FOUND &&
		   err_set(err, CRYPT_E_NOT_FOUND, "the directory has no account '%s'", token));
}

bool
explain_groups(struct ca *ca, const struct store_request *row, struct texts *out, struct err *err)
{
	const struct principal_record record = ca_requester_of(row);
	OWNED(principal_free) struct principal who = {0};
	enum dir_find found = ca_find_recorded(ca, &record, &who, err);

	if (found == DIR_NOT_FOUND)
		return err_set(
		    err, CRYPT_E_NOT_FOUND, "the requester's account is no longer there");
	for (size_t i = 0; found == DIR_FOUND && i < who.sids.count; i++) {
		OWNED(way_free) struct way way = {.sid = &who.sids.list[i]};

		if (who.has_sid && sid_eq(&who.sid, way.sid))
			continue;
		if (!ca_directory_do(ca, find_way, &way, err))
			return false;
		texts_take(out, own_give(&way.name));
	}
	return found == DIR_FOUND;
}
