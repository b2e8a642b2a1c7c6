/* Archived keys, looked at without being opened, page by page. */
#include "routes.h"

#include <stdlib.h>

#include "json.h"
#include "log.h"
#include "own.h"
#include "text.h"
#include "verify_keys.h"

#define PAGE 1000

static void
add_finding(int64_t request_id, const char *what, void *arg)
{
	if (what != NULL)
		json_array_append_new(arg,
		    json_pack("{s:I, s:s}", "request_id", (json_int_t)request_id, "what", what));
}

static json_t *
json_agents(const struct verify_keys *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->agent_count; i++) {
		const struct verify_agent *a = &v->agents[i];
		OWNED(own_memory) char *hash = hex_encode(view_of(a->sha1, sizeof a->sha1), '\0');
		OWNED(own_memory)
		char *subject = a->is_known ? pkix_name_text(a->cert.subject) : NULL;

		json_array_append_new(
		    list, json_pack("{s:s, s:s?, s:b, s:I}", "certificate_hash", hash, "subject",
			      subject, "known", (int)a->is_known, "keys", (json_int_t)a->keys));
	}
	return list;
}

void
route_archived_keys(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(json_free) json_t *findings = json_array();
	OWNED(verify_keys_free)
	struct verify_keys v = {.store = c->ca->store, .seen = add_finding, .arg = findings};
	int64_t after = 0, limit = PAGE;
	struct err err;

	if (!route_may_watch(view, &c->caller, &err) ||
	    !route_number(c, "after", 0, INT64_MAX, &after, &err) ||
	    !route_number(c, "limit", 1, PAGE, &limit, &err) ||
	    !verify_keys(&v, after, limit, &err)) {
		log_warn("examination of archived keys refused", LOG_STR("by", c->caller.downlevel),
		    LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	json_answer(c->http, 200,
	    json_pack("{s:I, s:I, s:O, s:o, s:o}", "keys", (json_int_t)v.keys, "bad",
		(json_int_t)v.bad, "findings", findings, "agents", json_agents(&v), "next",
		v.keys == limit ? json_integer((json_int_t)v.last) : json_null()));
}
