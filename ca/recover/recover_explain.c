/* What a certificate manager would be answered: the checks of blob.c for each key of somebody.
 * Nothing is handed out, and no key leaves the database but to be counted. */
#include "recover_priv.h"

#include <stdlib.h>
#include <string.h>

static struct explain_step *
tell_passed(const struct recovery *r, const char *check, struct explanation *x)
{
	const char *who = r->officer->downlevel;

	if (strcmp(check, RECOVER_CHECK_ACCOUNT) == 0)
		return explain_passed(x, check, "%s is active", who);
	if (strcmp(check, RECOVER_CHECK_RIGHT) == 0)
		return explain_passed(
		    x, check, "%s has the CA right '%s'", who, ca_right_name(CA_RIGHT_OFFICER));
	if (strcmp(check, RECOVER_CHECK_RULES) == 0)
		return explain_passed(x, check, "%s for %s and template %s",
		    r->view->officer_rules.unrestricted ? "no certificate manager is restricted"
							: "a rule of dircaOfficerRights allows it",
		    r->row->requester_name != NULL ? r->row->requester_name : "?",
		    r->row->template_name != NULL ? r->row->template_name : "?");
	if (strcmp(check, RECOVER_CHECK_OWN) == 0)
		return explain_passed(x, check,
		    r->ca->config->allow_own_requests
			? "certificate managers may decide about themselves (allow_own_requests)"
			: "the key is not the officer's own");
	if (strcmp(check, RECOVER_CHECK_KEY) == 0)
		return explain_passed(x, check, "the key of certificate %s is archived", r->serial);
	return explain_passed(
	    x, check, "%zu KRA certificates that can open it are known", r->kra_count);
}

static void
on_step(struct recovery *r, const char *check, const struct err *refusal)
{
	struct explanation *x = r->step_arg;
	struct explain_step *step =
	    refusal != NULL ? explain_refused(x, check, refusal) : tell_passed(r, check, x);

	if (strcmp(check, RECOVER_CHECK_RIGHT) == 0 && r->view->has_security)
		explain_ace(r->ca, step, SD_RIGHTS_CA, &r->view->security,
		    sd_check_mask(&r->view->security, &r->officer->sids, CA_RIGHT_OFFICER).ace,
		    r->officer);
	if (strcmp(check, RECOVER_CHECK_RULES) == 0)
		explain_rule(r->ca, step, &r->view->officer_rules, r->rule, r->row->requester_dn);
}

static bool
explain_key(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    const struct store_request *found, int64_t now, struct recover_key *out, struct err *err)
{
	struct recovery r = {.ca = ca,
	    .view = view,
	    .officer = officer,
	    .row = &out->row,
	    .now = now,
	    .step = on_step,
	    .step_arg = &out->steps};
	bool ok = false;

	switch (store_get_request(ca->store, found->request_id, &out->row, err)) {
	case STORE_FOUND:
		break;
	case STORE_NOT_FOUND:
		return err_set(
		    err, DIRCA_E_DATABASE, "request %lld is gone", (long long)found->request_id);
	case STORE_FAILED:
		return false;
	}
	r.serial = out->row.serial_number != NULL ? out->row.serial_number : "?";
	out->allowed = recover_decide(&r, &out->refusal);
	ok = out->allowed || !err_is_undecided(out->refusal.code);
	if (!ok)
		*err = out->refusal;
	if (ok && out->steps.failed)
		ok = err_nomem(err);
	recover_decision_free(&r);
	return ok;
}

/* As getkey finds them; else what the account of that name asked for. */
static bool
find_rows(struct ca *ca, const char *token, struct store_requests *out, struct err *err)
{
	struct principal p = {0};
	bool ok;

	if (!recover_find_rows(ca, token, out, err))
		return false;
	if (out->count > 0)
		return true;
	store_requests_free(out);
	if (explain_principal(ca, token, &p, err))
		ok = recover_find_rows(ca, p.downlevel, out, err);
	else
		ok = err->code == CRYPT_E_NOT_FOUND;
	principal_free(&p);
	return ok;
}

bool
recover_explain(struct ca *ca, const struct principal *officer, const char *token, int64_t now,
    struct recover_explanation *out, struct err *err)
{
	struct ca_view *view = ca_view_get(ca);
	struct store_requests rows = {0};
	bool ok = false;

	*out = (struct recover_explanation){0};
	if (!recover_check_fresh(view, now, err) || !find_rows(ca, token, &rows, err))
		goto out;
	if ((out->keys = calloc(rows.count + 1, sizeof *out->keys)) == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < rows.count && i < RECOVER_EXPLAIN_MAX; i++)
		if (!explain_key(
			ca, view, officer, &rows.list[i], now, &out->keys[out->count++], err))
			goto out;
	out->omitted = rows.count - out->count;
	ok = true;
out:
	if (!ok)
		recover_explanation_free(out);
	store_requests_free(&rows);
	ca_view_release(&view);
	return ok;
}

void
recover_explanation_free(struct recover_explanation *x)
{
	for (size_t i = 0; i < x->count; i++) {
		store_request_free(&x->keys[i].row);
		explain_free(&x->keys[i].steps);
	}
	free(x->keys);
	*x = (struct recover_explanation){0};
}
