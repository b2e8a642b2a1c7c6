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

void
route_candidates(struct route_call *c)
{
	OWNED(store_requests_free) struct store_requests rows = {0};
	OWNED(own_memory) char *token = http_call_query(c->http, "token");
	struct recover_hidden hidden;
	json_t *list;
	struct err err;

	if (token == NULL) {
		err_set(&err, E_INVALIDARG, "the query lacks token=");
		json_fail(c->http, &err);
		return;
	}
	if (!recover_candidates(c->ca, &c->caller, token, &rows, &hidden, &err)) {
		log_warn("candidate search refused", LOG_STR("by", c->caller.downlevel),
		    LOG_STR("token", token), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("archived keys searched", LOG_STR("by", c->caller.downlevel),
	    LOG_STR("token", token), LOG_INT("found", (int64_t)rows.count),
	    LOG_INT("hidden", (int64_t)hidden.count));
	list = json_array();
	for (size_t i = 0; i < rows.count; i++)
		json_array_append_new(list, json_candidate(&rows.list[i]));
	json_answer(c->http, 200,
	    json_pack("{s:o, s:I, s:o}", "candidates", list, "hidden", (json_int_t)hidden.count,
		"refusal", hidden.count > 0 ? json_error(&hidden.first) : json_null()));
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
