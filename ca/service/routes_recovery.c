/* Recovery: candidates by search token, and the recovery BLOB. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "own.h"
#include "recover.h"
#include "text.h"

/* As much of an agent as people need to find him. */
static json_t *
json_agent(const struct pkix_cert *c)
{
	OWNED(own_memory) char *serial = pkix_serial_text(c->serial);
	OWNED(own_memory) char *subject = pkix_name_text(c->subject);
	OWNED(own_memory) char *issuer = pkix_name_text(c->issuer);
	OWNED(own_memory) char *hash = hex_encode(view_of(c->sha1, sizeof c->sha1), '\0');
	char until[21];

	clock_format(c->not_after, until);
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s}", "certificate_hash", hash, "serial_number",
	    serial, "subject", subject, "issuer", issuer, "not_after", until);
}

static json_t *
json_agents(struct ca *ca, const struct store_requests *rows)
{
	OWNED(pkix_certs_free) struct pkix_certs agents = {0};
	json_t *list = json_array();
	struct err err;

	/* An aid: their hashes stand in each row. */
	if (!recover_agents(ca, rows, &agents, &err))
		log_warn("key recovery agents not found", LOG_REASON(&err));
	for (size_t i = 0; i < agents.count; i++)
		json_array_append_new(list, json_agent(&agents.list[i]));
	return list;
}

static json_t *
json_candidates(const struct store_requests *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(list, json_candidate(&rows->list[i]));
	return list;
}

/* Who does not say that he reads pages gets all or a refusal. */
static bool
find_candidates(struct route_call *c, const char *token, struct store_requests *rows,
    struct recover_hidden *hidden, struct err *err)
{
	int64_t after = -1;

	if (!route_number(c, "after", 0, INT64_MAX, &after, err))
		return false;
	return after < 0 ? recover_candidates(c->ca, &c->caller, token, rows, hidden, err)
			 : recover_page(c->ca, &c->caller, token, after, rows, hidden, err);
}

void
route_candidates(struct route_call *c)
{
	OWNED(store_requests_free) struct store_requests rows = {0};
	OWNED(own_memory) char *token = http_call_query(c->http, "token");
	struct recover_hidden hidden;
	struct err err;

	if (token == NULL) {
		err_set(&err, E_INVALIDARG, "the query lacks token=");
		json_fail(c->http, &err);
		return;
	}
	if (!find_candidates(c, token, &rows, &hidden, &err)) {
		log_warn("candidate search refused", LOG_STR("by", c->caller.downlevel),
		    LOG_STR("token", token), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("archived keys searched", LOG_STR("by", c->caller.downlevel),
	    LOG_STR("token", token), LOG_INT("found", (int64_t)rows.count),
	    LOG_INT("hidden", (int64_t)hidden.count));
	json_answer(c->http, 200,
	    json_pack("{s:o, s:I, s:o, s:o, s:o}", "candidates", json_candidates(&rows), "hidden",
		(json_int_t)hidden.count, "refusal",
		hidden.count > 0 ? json_error(&hidden.first) : json_null(), "recovery_agents",
		json_agents(c->ca, &rows), "next",
		rows.next != 0 ? json_integer(rows.next) : json_null()));
}

void
route_recovery_blob(struct route_call *c)
{
	OWNED(own_memory) char *serial = json_body_string(c->http, "serial");
	OWNED(buf_free) struct buf blob = {0};
	OWNED(own_memory) char *case_id = json_body_string(c->http, "case");
	struct recover_wish wish = {.serial = serial};
	int64_t by_case;
	char number[24];
	struct err err;

	if (serial == NULL) {
		err_set(&err, E_INVALIDARG, "the body is not {\"serial\": \"...\"}");
		json_fail(c->http, &err);
		return;
	}
	if (case_id != NULL && !text_to_int(case_id, 1, INT64_MAX, &wish.case_id)) {
		err_set(&err, E_INVALIDARG, "'%s' is no number of a recovery case", case_id);
		json_fail(c->http, &err);
		return;
	}
	if (!recover_blob(c->ca, c->vault, &c->caller, &wish, clock_now(), &blob, &by_case, &err)) {
		log_warn("key retrieval refused", LOG_STR("by", c->caller.downlevel),
		    LOG_STR("serial", serial), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	metrics_recovered();
	log_info("archived key retrieved", LOG_STR("by", c->caller.downlevel),
	    LOG_STR("serial", serial));
	snprintf(number, sizeof number, "%lld", (long long)by_case);
	if (by_case != 0 && !http_call_header(c->http, "Dirca-Case", number, &err)) {
		json_fail(c->http, &err);
		return;
	}
	answer_body(c->http, 200, "application/pkcs7-mime", buf_view(&blob));
}
