/* dirca archive verify: could every archived key be recovered, as far as the CA can tell without
 * opening one; page by page, none of which is kept. */
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "progress.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define PATH      "/dirca/v1/archived-keys"
#define SHOWN_MAX 100 /* in JSON; the others are counted, and --after reads them */

struct totals {
	json_t *agents;   /* by hash: {"subject", "known", "keys"} */
	json_t *findings; /* of --json */
	long long keys, bad;
	long long after; /* of the next page; 0: there is none */
};

static void
totals_free(struct totals *t)
{
	json_decref(t->agents);
	json_decref(t->findings);
}

static long long
number(const json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
}

static void
add_agents(struct totals *t, const json_t *page)
{
	const json_t *agent;
	size_t i;

	json_array_foreach(json_object_get(page, "agents"), i, agent)
	{
		const char *hash = json_text(agent, "certificate_hash");
		const json_t *before = json_object_get(t->agents, hash);
		json_t *now = json_deep_copy(agent);

		json_object_set_new(
		    now, "keys", json_integer(number(agent, "keys") + number(before, "keys")));
		json_object_set_new(t->agents, hash, now);
	}
}

static void
add_findings(struct totals *t, const json_t *page, bool json)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(page, "findings"), i, one)
	{
		if (json && json_array_size(t->findings) < SHOWN_MAX)
			json_array_append(t->findings, one);
		else if (!json)
			printf("request %lld: %s\n", number(one, "request_id"),
			    json_text(one, "what"));
	}
}

static bool
take_page(struct work *w, struct totals *t, int64_t limit, struct err *err)
{
	OWNED(own_memory)
	char *path = text_printf(PATH "?after=%lld&limit=%lld", t->after, (long long)limit);
	OWNED(own_json) json_t *page = NULL;
	long long next;

	if (!http_client_json(w->ca, "GET", path, NULL, &page, err))
		return false;
	progress_clear();
	t->keys += number(page, "keys");
	t->bad += number(page, "bad");
	add_agents(t, page);
	add_findings(t, page, w->cli->opt.json);
	next = number(page, "next");
	/* A CA that gives the same page again is not asked for ever. */
	t->after = next > t->after ? next : 0;
	if (t->after > 0)
		progress_say("%lld keys, up to request %lld", t->keys, t->after);
	return true;
}

/* As many as are wanted; on the way it can be broken off, and says where. */
static bool
take_all(struct work *w, struct totals *t, struct err *err)
{
	int64_t left = w->cli->opt.limit > 0 ? w->cli->opt.limit : INT64_MAX;

	t->after = w->cli->opt.after;
	do {
		long long before = t->keys;

		if (!take_page(w, t, left < CLI_PAGE ? left : CLI_PAGE, err)) {
			progress_clear();
			return err_prefix(err,
			    "%lld keys looked at, %lld of them bad; --after %lld goes on", t->keys,
			    t->bad, t->after);
		}
		left -= t->keys - before;
	} while (t->after > 0 && left > 0);
	progress_clear();
	return true;
}

static void
print_totals(const struct totals *t)
{
	const char *hash;
	json_t *agent;

	printf("Archived keys: %lld, of which something is wrong with %lld\n", t->keys, t->bad);
	json_object_foreach(t->agents, hash, agent)
	{
		printf("Sealed to ");
		print_name(stdout, json_is_true(json_object_get(agent, "known"))
				       ? json_text(agent, "subject")
				       : "an agent who is not known");
		printf(" (%s): %lld\n", hash, number(agent, "keys"));
	}
	if (t->after > 0)
		fprintf(stderr, "There may be more: --after %lld goes on.\n", t->after);
}

static json_t *
json_agents(const struct totals *t)
{
	json_t *list = json_array(), *agent;
	const char *hash;

	json_object_foreach(t->agents, hash, agent) json_array_append(list, agent);
	return list;
}

bool
cmd_archive_verify(struct work *w, struct err *err)
{
	OWNED(totals_free)
	struct totals t = {.agents = json_object(), .findings = json_array()};

	if (!take_all(w, &t, err))
		return false;
	if (w->cli->opt.json)
		print_json(json_pack("{s:I, s:I, s:o, s:O, s:o}", "keys", (json_int_t)t.keys, "bad",
		    (json_int_t)t.bad, "agents", json_agents(&t), "findings", t.findings, "next",
		    t.after > 0 ? json_integer(t.after) : json_null()));
	else
		print_totals(&t);
	if (t.bad > 0)
		w->status = CLI_FINDINGS;
	return true;
}
