/* What a certificate manager would be answered: the checks of blob.c for each key of somebody.
 * Nothing is handed out, and no key leaves the database but to be counted. */
#include "recover_priv.h"

#include <stdlib.h>

#include "mem.h"
#include "own.h"

static void
on_step(struct recovery *r, const struct recover_check *check, const struct err *refusal)
{
	const struct explain_reason none = {.at = -1};
	const struct explain_reason reason = check->reason != NULL ? check->reason(r) : none;

	explain_check(r->step_arg, r->ca, check->name, refusal,
	    refusal == NULL ? check->told(r) : NULL, &reason);
}

static bool
explain_key(struct ca *ca, const struct ca_view *view, const struct recover_question *q,
    const struct store_request *found, int64_t now, struct recover_key *out, struct err *err)
{
	OWNED(recover_decision_free)
	struct recovery r = {.ca = ca,
	    .view = view,
	    .officer = q->officer,
	    .row = &out->row,
	    .now = now,
	    .step = on_step,
	    .step_arg = &out->steps};

	if (!ca_get_row(ca, found->request_id, &out->row, err))
		return false;
	r.serial = out->row.serial_number != NULL ? out->row.serial_number : "?";
	r.hides_cases = !case_may_know(ca, view, q->asker, &out->row);
	out->allowed = recover_decide(&r, &out->refusal);
	if (out->allowed || !err_is_undecided(out->refusal.code))
		return true;
	*err = out->refusal;
	return false;
}

/* As getkey finds them; else what the account of that name asked for. */
static bool
find_rows(struct ca *ca, const char *token, struct store_requests *out, struct err *err)
{
	OWNED(principal_free) struct principal p = {0};

	if (!recover_find_rows(ca, token, RECOVER_ALL, out, err))
		return false;
	if (out->count > 0)
		return true;
	store_requests_free(out);
	return explain_principal(ca, token, &p, err)
		   ? recover_find_rows(ca, p.downlevel, RECOVER_ALL, out, err)
		   : err->code == CRYPT_E_NOT_FOUND;
}

static bool
explain_rows(struct ca *ca, const struct ca_view *view, const struct recover_question *q,
    const struct store_requests *rows, int64_t now, struct recover_explanation *out,
    struct err *err)
{
	out->keys = mem_zero(rows->count, sizeof *out->keys);
	for (size_t i = 0; i < rows->count && i < RECOVER_EXPLAIN_MAX; i++)
		if (!explain_key(ca, view, q, &rows->list[i], now, &out->keys[out->count++], err))
			return false;
	out->omitted = rows->count - out->count;
	return true;
}

bool
recover_explain(struct ca *ca, const struct recover_question *q, int64_t now,
    struct recover_explanation *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(store_requests_free) struct store_requests rows = {0};

	*out = (struct recover_explanation){0};
	if (recover_check_fresh(view, err) && find_rows(ca, q->token, &rows, err) &&
	    explain_rows(ca, view, q, &rows, now, out, err))
		return true;
	recover_explanation_free(out);
	return false;
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
