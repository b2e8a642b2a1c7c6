/* Batches of archived keys that were given out, and the second person. */
#include "routes.h"

#include <unistd.h>

#include "batches.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "own.h"

#define PAGE 100

static bool
list_batches(const struct route_call *c, int64_t *limit, struct store_batches *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(own_memory) char *after = http_call_query(c->http, "after");

	*limit = PAGE;
	return route_may_watch(view, &c->caller, err) &&
	       route_number(c, "limit", 1, 1000, limit, err) &&
	       recover_batch_list(c->ca, after, (int)*limit, out, err);
}

void
route_batches_list(struct route_call *c)
{
	OWNED(store_batches_free) struct store_batches batches = {0};
	json_t *list, *next;
	int64_t limit;
	struct err err;

	if (!list_batches(c, &limit, &batches, &err)) {
		json_fail(c->http, &err);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < batches.count; i++)
		json_array_append_new(list, json_batch(&batches.list[i]));
	next = (int64_t)batches.count == limit
		   ? json_object_get(json_array_get(list, batches.count - 1), "batch")
		   : NULL;
	json_answer(c->http, 200, json_pack("{s:o, s:O?}", "batches", list, "next", next));
}

void
route_batch_approve(struct route_call *c)
{
	OWNED(store_batch_free) struct store_batch batch = {0};
	const struct batch_approval in = {.by = &c->caller,
	    .from_root =
		c->http->channel == HTTP_LOCAL && (c->http->uid == 0 || c->http->uid == getuid()),
	    .id_hex = c->part,
	    .now = clock_now()};
	struct err err;

	if (!recover_batch_approve(c->ca, &in, &batch, &err)) {
		log_warn("approval of a batch refused", LOG_STR("by", c->caller.downlevel),
		    LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	log_info("batch of archived keys approved", LOG_STR("by", c->caller.downlevel),
	    LOG_STR("batch", c->part), LOG_INT("keys", batch.keys));
	json_answer(c->http, 200, json_batch(&batch));
}
