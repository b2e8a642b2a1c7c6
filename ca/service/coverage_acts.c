/* Who can open the archived keys, and what is lost if some of them leave. As root: whom root has
 * enabled; as the front: what is in its database. */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "enabled_kras.h"
#include "kra_coverage.h"
#include "mem.h"
#include "own.h"
#include "settings.h"
#include "text.h"

#define PAGE 1000

struct looking {
	struct settings settings;
	struct enabled_kras kras;
	struct store *store;
	struct coverage coverage;
};

static void
looking_free(struct looking *l)
{
	enabled_kras_free(&l->kras);
	coverage_free(&l->coverage);
	store_close(&l->store);
}

static bool
look(const struct config *config, struct looking *l, struct err *err)
{
	OWNED(own_memory) const struct pkix_cert **living = NULL;

	if (!enabled_kras_read(config, &l->kras, err) ||
	    !act_open_store(config, NULL, &l->store, err) ||
	    !settings_load(l->store, &l->settings, err) ||
	    !enabled_kras_living(&l->kras, l->store, err))
		return false;
	living = mem_zero(l->kras.count, sizeof(*living));
	for (size_t i = 0; i < l->kras.count; i++)
		living[i] = &l->kras.list[i];
	return kra_coverage(l->store, living, l->kras.count, &l->coverage, err);
}

/* By the SHA-1 of their certificates. Who opens no key takes none with him. */
static bool
mark_leaving(struct coverage *c, char *const *hashes, int count, struct err *err)
{
	for (int i = 0; i < count; i++) {
		OWNED(buf_free) struct buf sha1 = {0};
		struct coverage_agent *a;

		if (!hex_decode(hashes[i], &sha1, err))
			return false;
		if ((a = coverage_find(c, buf_view(&sha1))) != NULL)
			a->leaves = true;
	}
	coverage_count(c);
	return true;
}

/* ---- what is told of each ---- */

static char *
sha1_of(const struct coverage_agent *a)
{
	return hex_encode(view_of(a->sha1, sizeof a->sha1), '\0');
}

static const char *
time_text(int64_t when, char out[21])
{
	if (when == 0)
		return "-";
	clock_format(when, out);
	return out;
}

static json_t *
json_agents(const struct coverage *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->agent_count; i++) {
		const struct coverage_agent *a = &c->agents[i];
		OWNED(own_memory) char *sha1 = sha1_of(a);
		char until[21], ends[21], proved[21];

		json_array_append_new(list,
		    json_pack("{s:s, s:s?, s:s?, s:b, s:s?, s:s?, s:b, s:I, s:I, s:I}",
			"certificate_hash", sha1, "subject", a->subject, "not_after",
			a->ends != 0 ? time_text(a->ends, ends) : NULL, "lives", (int)a->lives,
			"lives_until", a->lives ? time_text(a->until, until) : NULL, "proved",
			a->proved != 0 ? time_text(a->proved, proved) : NULL, "leaves",
			(int)a->leaves, "keys", (json_int_t)a->keys, "alone", (json_int_t)a->alone,
			"last", (json_int_t)a->last));
	}
	return list;
}

static json_t *
json_sets(const struct coverage *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->set_count; i++) {
		const struct coverage_set *s = &c->sets[i];
		json_t *agents = json_array();
		char until[21];

		for (size_t k = 0; k < s->count; k++) {
			OWNED(own_memory) char *sha1 = sha1_of(&c->agents[s->agents[k]]);

			json_array_append_new(agents, json_string(sha1));
		}
		json_array_append_new(
		    list, json_pack("{s:o, s:I, s:I, s:I, s:I, s:s?}", "agents", agents,
			      "threshold", (json_int_t)s->threshold, "keys", (json_int_t)s->keys,
			      "living", (json_int_t)s->living, "left", (json_int_t)s->left, "until",
			      s->until != 0 ? time_text(s->until, until) : NULL));
	}
	return list;
}

static void
print_agents(const struct coverage *c)
{
	char until[21], proved[21];

	printf("%-40s  %8s  %8s  %8s  %-20s  %-20s  %s\n", "AGENT", "KEYS", "ALONE", "LAST",
	    "LIVES UNTIL", "PROVED", "SUBJECT");
	for (size_t i = 0; i < c->agent_count; i++) {
		const struct coverage_agent *a = &c->agents[i];
		OWNED(own_memory) char *sha1 = sha1_of(a);

		printf("%s  %8" PRId64 "  %8" PRId64 "  %8" PRId64 "  %-20s  %-20s  %s\n", sha1,
		    a->keys, a->alone, a->last, a->lives ? time_text(a->until, until) : "-",
		    time_text(a->proved, proved), a->subject != NULL ? a->subject : "?");
	}
}

static void
print_sets(const struct coverage *c)
{
	printf("\n%8s  %-8s  %s\n", "KEYS", "LIVING", "SEALED TO");
	for (size_t i = 0; i < c->set_count; i++) {
		const struct coverage_set *s = &c->sets[i];
		OWNED(own_memory) char *living = text_printf("%zu of %zu", s->living, s->count);

		printf("%8" PRId64 "  %-8s ", s->keys, living);
		for (size_t k = 0; k < s->count; k++) {
			OWNED(own_memory) char *sha1 = sha1_of(&c->agents[s->agents[k]]);

			printf(" %.8s", sha1);
		}
		if (s->threshold > 1)
			printf("  (%zu together)", s->threshold);
		putchar('\n');
	}
}

/* ---- which keys ---- */

typedef void take_id(int64_t request_id, void *arg);

/* Of one combination, as it was written. */
static bool
each_sealed_to(struct store *store, const char *hashes, take_id *take, void *arg, struct err *err)
{
	OWNED(store_ids_free) struct store_ids page = {0};
	int64_t after = 0;

	do {
		store_ids_free(&page);
		if (!store_sealed_to(store, hashes, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++)
			take(after = page.list[i], arg);
	} while (page.count == PAGE);
	return true;
}

/* With somebody who leaves those that are lost then, else those that nobody opens who lives. */
static bool
is_listed(const struct coverage *c, const struct coverage_set *s, bool leaving)
{
	bool leaves = false;

	for (size_t i = 0; i < s->count; i++)
		leaves = leaves || c->agents[s->agents[i]].leaves;
	return leaving ? leaves && s->left < s->threshold : !coverage_is_open(s);
}

static bool
each_listed(const struct looking *l, bool leaving, take_id *take, void *arg, struct err *err)
{
	for (size_t i = 0; i < l->coverage.set_count; i++) {
		const struct coverage_set *s = &l->coverage.sets[i];

		if (!is_listed(&l->coverage, s, leaving))
			continue;
		for (size_t k = 0; k < s->hashes.count; k++)
			if (!each_sealed_to(l->store, s->hashes.list[k], take, arg, err))
				return false;
	}
	return true;
}

static void
print_id(int64_t request_id, void *arg)
{
	(void)arg;
	printf("request %" PRId64 "\n", request_id);
}

static void
append_id(int64_t request_id, void *arg)
{
	json_array_append_new(arg, json_integer((json_int_t)request_id));
}

static size_t
unproved(const struct looking *l)
{
	const struct coverage_agent *first;

	return coverage_unproved(&l->coverage, ca_proved_since(&l->settings, clock_now()), &first);
}

static bool
tell_json(const struct looking *l, bool list, bool leaving, struct err *err)
{
	const struct coverage *c = &l->coverage;
	json_t *requests = json_array(), *value;

	if (list && !each_listed(l, leaving, append_id, requests, err)) {
		json_decref(requests);
		return false;
	}
	value = json_pack("{s:I, s:I, s:I, s:o, s:o}", "keys", (json_int_t)c->keys, "uncovered",
	    (json_int_t)c->uncovered, "unproved", (json_int_t)unproved(l), "agents", json_agents(c),
	    "combinations", json_sets(c));
	if (leaving)
		json_object_set_new(value, "lost", json_integer((json_int_t)c->lost));
	if (list)
		json_object_set(value, "requests", requests);
	json_decref(requests);
	act_print_json(value);
	return true;
}

static bool
tell_text(const struct looking *l, bool list, bool leaving, struct err *err)
{
	const struct coverage *c = &l->coverage;
	size_t late = unproved(l);

	print_agents(c);
	print_sets(c);
	printf("\nArchived keys: %" PRId64 ", of which %" PRId64
	       " can be opened by no key recovery agent that lives.\n",
	    c->keys, c->uncovered);
	if (late > 0)
		printf("%zu key recovery agents have not shown in a drill that they open keys, for "
		       "as long as CA\\Recovery\\DrillDays allows.\n",
		    late);
	if (leaving)
		printf("Without them %" PRId64 " could not be opened.\n", c->lost);
	return !list || each_listed(l, leaving, print_id, NULL, err);
}

int
act_coverage(
    const struct config *config, bool json, bool list, char *const *leaving, int leaving_count)
{
	OWNED(looking_free) struct looking l = {0};
	struct err err;

	if (!look(config, &l, &err) || !mark_leaving(&l.coverage, leaving, leaving_count, &err) ||
	    !(json ? tell_json : tell_text)(&l, list, leaving_count > 0, &err))
		return act_failed(&err, 1);
	return l.coverage.uncovered > 0 || l.coverage.lost > 0 || unproved(&l) > 0 ? ACT_FINDINGS
										   : 0;
}

int
act_kra_leaves(const struct config *config, char *const *hashes, int count)
{
	OWNED(looking_free) struct looking l = {0};
	const struct coverage *c = &l.coverage;
	struct err err;

	if (!look(config, &l, &err) || !mark_leaving(&l.coverage, hashes, count, &err))
		return act_failed(&err, 1);
	for (size_t i = 0; i < c->agent_count; i++) {
		const struct coverage_agent *a = &c->agents[i];
		OWNED(own_memory) char *sha1 = sha1_of(a);

		if (a->leaves && a->keys > 0)
			printf("%s: archived keys that are sealed to this certificate: %" PRId64
			       ", to no other: %" PRId64 ", to no other that lives: %" PRId64 "\n",
			    sha1, a->keys, a->alone, a->last);
	}
	if (c->lost == 0)
		return 0;
	printf("Nobody else who lives opens %" PRId64
	       " of them, only the private keys of these certificates: keep those.\n",
	    c->lost);
	return ACT_FINDINGS;
}
