/* Explanations: what the CA would decide now, and why. For those who may view the CA and its
 * auditors; everybody may ask about the own enrollment. */
#include "routes.h"

#include <stdlib.h>

#include "clock.h"
#include "enroll.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "recover.h"

static bool
may_ask(struct route_call *c, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);

	return route_may_view(view, &c->caller, err);
}

static json_t *
json_step(const struct explain_step *s)
{
	static const char *const verdicts[] = {
	    [EXPLAIN_PASSED] = "passed", [EXPLAIN_REFUSED] = "refused", [EXPLAIN_NOTE] = "note"};

	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "check", s->check, "verdict",
	    verdicts[s->verdict], "reason", s->reason, "code",
	    s->code != ERR_OK ? err_name(s->code) : NULL, "ace", s->ace, "group_path", s->path);
}

static json_t *
json_steps(const struct explanation *x)
{
	json_t *list = json_array();

	for (size_t i = 0; i < x->count; i++)
		json_array_append_new(list, json_step(&x->steps[i]));
	return list;
}

static json_t *
refusal_or_null(const struct err *refusal)
{
	return refusal->code != ERR_OK ? json_error(refusal) : json_null();
}

/* Both members of the query; false after the call was answered. */
static bool
queries(struct route_call *c, const char *first, const char *second, char **first_out,
    char **second_out)
{
	struct err err;

	*first_out = http_call_query(c->http, first);
	*second_out = http_call_query(c->http, second);
	if (*first_out != NULL && *second_out != NULL)
		return true;
	err_set(&err, E_INVALIDARG, "the query lacks %s= or %s=", first, second);
	json_fail(c->http, &err);
	return false;
}

/* Who may not ask about others learns nothing of them, not even whether they exist. */
static bool
find_subject(struct route_call *c, const char *user, struct principal *out, struct err *err)
{
	struct err denied, why;
	bool may = may_ask(c, &denied), found = explain_principal(c->ca, user, out, &why);

	if (may) {
		*err = why;
		return found;
	}
	if (found && out->has_sid && c->caller.has_sid && sid_eq(&out->sid, &c->caller.sid))
		return true;
	*err = denied;
	return false;
}

void
route_explain_enroll(struct route_call *c)
{
	OWNED(enroll_explanation_free) struct enroll_explanation x = {0};
	OWNED(principal_free) struct principal who = {0};
	OWNED(own_memory) char *user = NULL;
	OWNED(own_memory) char *template = NULL;
	struct err err;

	if (!queries(c, "user", "template", &user, &template))
		return;
	if (!find_subject(c, user, &who, &err) ||
	    !enroll_explain(c->ca, &who, template, clock_now(), &x, &err)) {
		json_fail(c->http, &err);
		return;
	}
	json_answer(c->http, 200,
	    json_pack("{s:s, s:s, s:b, s:s, s:s?, s:o, s:o}", "user", who.downlevel, "template",
		template, "allowed", (int)x.allowed, "outcome", disposition_name(x.outcome),
		"assumed", x.assumed, "refusal", refusal_or_null(&x.refusal), "steps",
		json_steps(&x.steps)));
}

static json_t *
json_key(const struct recover_key *k)
{
	return json_pack("{s:I, s:s?, s:s?, s:s?, s:b, s:o, s:o}", "request_id",
	    (json_int_t)k->row.request_id, "serial_number", k->row.serial_number, "template",
	    k->row.template_name, "requester_name", k->row.requester_name, "allowed",
	    (int)k->allowed, "refusal", refusal_or_null(&k->refusal), "steps",
	    json_steps(&k->steps));
}

void
route_explain_recover(struct route_call *c)
{
	OWNED(recover_explanation_free) struct recover_explanation x = {0};
	OWNED(principal_free) struct principal officer = {0};
	OWNED(own_memory) char *name = NULL;
	OWNED(own_memory) char *user = NULL;
	struct recover_question q = {.asker = &c->caller, .officer = &officer};
	json_t *keys;
	struct err err;

	if (!queries(c, "officer", "user", &name, &user))
		return;
	q.token = user;
	if (!may_ask(c, &err) || !explain_principal(c->ca, name, &officer, &err) ||
	    !recover_explain(c->ca, &q, clock_now(), &x, &err)) {
		json_fail(c->http, &err);
		return;
	}
	keys = json_array();
	for (size_t i = 0; i < x.count; i++)
		json_array_append_new(keys, json_key(&x.keys[i]));
	json_answer(c->http, 200,
	    json_pack("{s:s, s:s, s:o, s:I}", "officer", officer.downlevel, "user", user, "keys",
		keys, "omitted", (json_int_t)x.omitted));
}

void
route_explain_request(struct route_call *c)
{
	OWNED(enroll_explanation_free) struct enroll_explanation x = {0};
	OWNED(store_request_free) struct store_request row = {0};
	int64_t id = 0;
	struct err err;

	if (!route_number(c, "request", 1, INT64_MAX, &id, &err) ||
	    (id == 0 && !err_set(&err, E_INVALIDARG, "the query lacks request=")) ||
	    !enroll_explain_request(c->ca, &c->caller, id, clock_now(), &row, &x, &err)) {
		json_fail(c->http, &err);
		return;
	}
	json_answer(c->http, 200,
	    json_pack("{s:I, s:s?, s:s?, s:s, s:b, s:s, s:o, s:o}", "request_id", (json_int_t)id,
		"requester_name", row.requester_name, "template", row.template_name, "disposition",
		disposition_name(row.disposition), "allowed", (int)x.allowed, "outcome",
		disposition_name(x.outcome), "refusal", refusal_or_null(&x.refusal), "steps",
		json_steps(&x.steps)));
}
