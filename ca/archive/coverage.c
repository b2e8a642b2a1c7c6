#include "coverage.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static void
set_free(struct coverage_set *s)
{
	free(s->agents);
	texts_free(&s->hashes);
	*s = (struct coverage_set){0};
}

void
coverage_free(struct coverage *c)
{
	for (size_t i = 0; i < c->agent_count; i++)
		free(c->agents[i].subject);
	for (size_t i = 0; i < c->set_count; i++)
		set_free(&c->sets[i]);
	free(c->agents);
	free(c->sets);
	*c = (struct coverage){0};
}

struct coverage_agent *
coverage_find(const struct coverage *c, struct view sha1)
{
	for (size_t i = 0; i < c->agent_count; i++)
		if (view_eq(view_of(c->agents[i].sha1, sizeof c->agents[i].sha1), sha1))
			return &c->agents[i];
	return NULL;
}

static size_t
agent_index(struct coverage *c, struct view sha1)
{
	const struct coverage_agent *found = coverage_find(c, sha1);

	if (found != NULL)
		return (size_t)(found - c->agents);
	c->agents = mem_grow(c->agents, c->agent_count, sizeof *c->agents);
	c->agents[c->agent_count] = (struct coverage_agent){0};
	memcpy(c->agents[c->agent_count].sha1, sha1.ptr, sizeof c->agents->sha1);
	return c->agent_count++;
}

/* In its place among those that are there; once. */
static void
set_add(struct coverage_set *s, size_t agent)
{
	size_t at = 0;

	while (at < s->count && s->agents[at] < agent)
		at++;
	if (at < s->count && s->agents[at] == agent)
		return;
	s->agents = mem_grow(s->agents, s->count, sizeof *s->agents);
	memmove(s->agents + at + 1, s->agents + at, (s->count - at) * sizeof *s->agents);
	s->agents[at] = agent;
	s->count++;
}

static bool
read_hashes(struct coverage *c, const char *hashes, struct coverage_set *out, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(hashes);
	char *rest = copy, *line;
	size_t threshold;

	out->threshold = 1;
	while ((line = strsep(&rest, "\n")) != NULL) {
		OWNED(buf_free) struct buf sha1 = {0};

		if (*line == '\0')
			continue;
		if ((threshold = kra_hashes_threshold(line)) != 0) {
			out->threshold = threshold;
			continue;
		}
		if (!hex_decode(line, &sha1, err))
			return false;
		if (sha1.len != sizeof c->agents->sha1)
			return err_set(err, ERROR_INVALID_DATA, "'%s' is no SHA-1", line);
		set_add(out, agent_index(c, buf_view(&sha1)));
	}
	return true;
}

static struct coverage_set *
find_set(const struct coverage *c, const struct coverage_set *like)
{
	for (size_t i = 0; i < c->set_count; i++) {
		const struct coverage_set *s = &c->sets[i];

		if (s->count == like->count && s->threshold == like->threshold &&
		    (s->count == 0 ||
			memcmp(s->agents, like->agents, s->count * sizeof *s->agents) == 0))
			return &c->sets[i];
	}
	return NULL;
}

bool
coverage_add(struct coverage *c, const char *hashes, int64_t keys, struct err *err)
{
	OWNED(set_free) struct coverage_set set = {0};
	struct coverage_set *there;

	if (!read_hashes(c, hashes, &set, err))
		return false;
	if ((there = find_set(c, &set)) == NULL) {
		c->sets = mem_grow(c->sets, c->set_count, sizeof *c->sets);
		there = &c->sets[c->set_count++];
		*there = set;
		set = (struct coverage_set){0};
	}
	texts_add(&there->hashes, hashes);
	there->keys += keys;
	return true;
}

bool
coverage_is_open(const struct coverage_set *s)
{
	return s->living >= s->threshold;
}

/* When so many of them, and no more, are left that still open it. */
static int64_t
open_until(const struct coverage *c, const struct coverage_set *s)
{
	int64_t until = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct coverage_agent *a = &c->agents[s->agents[i]];
		size_t as_long = 0;

		for (size_t k = 0; k < s->count; k++)
			as_long += c->agents[s->agents[k]].lives &&
				   c->agents[s->agents[k]].until >= a->until;
		if (a->lives && as_long >= s->threshold && a->until > until)
			until = a->until;
	}
	return until;
}

static void
count_living(const struct coverage *c, struct coverage_set *s)
{
	s->living = s->left = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct coverage_agent *a = &c->agents[s->agents[i]];

		s->living += a->lives;
		s->left += a->lives && !a->leaves;
	}
	s->until = open_until(c, s);
}

/* Whether it has one who leaves. */
static bool
count_agents(struct coverage *c, const struct coverage_set *s)
{
	bool leaves = false;

	for (size_t i = 0; i < s->count; i++) {
		struct coverage_agent *a = &c->agents[s->agents[i]];

		a->keys += s->keys;
		a->alone += s->count <= s->threshold ? s->keys : 0;
		a->single += s->threshold <= 1 ? s->keys : 0;
		a->last += s->living - (a->lives ? 1 : 0) < s->threshold ? s->keys : 0;
		leaves = leaves || a->leaves;
	}
	return leaves;
}

void
coverage_count(struct coverage *c)
{
	c->keys = c->uncovered = c->lost = 0;
	for (size_t i = 0; i < c->agent_count; i++)
		c->agents[i].keys = c->agents[i].alone = c->agents[i].last = c->agents[i].single =
		    0;
	for (size_t i = 0; i < c->set_count; i++) {
		struct coverage_set *s = &c->sets[i];
		bool leaves;

		count_living(c, s);
		leaves = count_agents(c, s);
		c->keys += s->keys;
		c->uncovered += coverage_is_open(s) ? 0 : s->keys;
		c->lost += leaves && s->left < s->threshold ? s->keys : 0;
	}
}

static const struct coverage_agent *
last_of(const struct coverage *c, const struct coverage_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (c->agents[s->agents[i]].lives && c->agents[s->agents[i]].until == s->until)
			return &c->agents[s->agents[i]];
	return NULL;
}

struct coverage_end
coverage_ends(const struct coverage *c, int64_t by)
{
	struct coverage_end end = {0};

	for (size_t i = 0; i < c->set_count; i++) {
		const struct coverage_set *s = &c->sets[i];

		if (!coverage_is_open(s) || s->until > by)
			continue;
		end.keys += s->keys;
		end.sets++;
		if (end.agent == NULL || s->until < end.first) {
			end.first = s->until;
			end.agent = last_of(c, s);
		}
	}
	return end;
}

typedef bool is_late(const struct coverage_agent *a, int64_t when);
typedef int64_t late_since(const struct coverage_agent *a);

static bool
is_unproved(const struct coverage_agent *a, int64_t since)
{
	return a->lives && a->key_known && a->single > 0 && a->proved < since;
}

static int64_t
unproved_since(const struct coverage_agent *a)
{
	return a->proved;
}

static bool
is_incomplete(const struct coverage_agent *a, int64_t before)
{
	return a->lives && a->key_known && a->drill.opened != 0 && !a->drill.whole &&
	       (a->drill.reported || a->drill.opened < before);
}

static int64_t
incomplete_since(const struct coverage_agent *a)
{
	return a->drill.opened;
}

/* Each key once. */
static size_t
count_late(const struct coverage *c, is_late *is, int64_t when, late_since *since,
    const struct coverage_agent **first_out)
{
	size_t count = 0;

	*first_out = NULL;
	for (size_t i = 0; i < c->agent_count; i++) {
		const struct coverage_agent *a = &c->agents[i];
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again = again || (is(&c->agents[k], when) &&
					     memcmp(c->agents[k].key, a->key, sizeof a->key) == 0);
		if (!is(a, when) || again)
			continue;
		if (count++ == 0 || since(a) < since(*first_out))
			*first_out = a;
	}
	return count;
}

size_t
coverage_unproved(const struct coverage *c, int64_t since, const struct coverage_agent **first_out)
{
	return count_late(c, is_unproved, since, unproved_since, first_out);
}

size_t
coverage_incomplete(
    const struct coverage *c, int64_t before, const struct coverage_agent **first_out)
{
	return count_late(c, is_incomplete, before, incomplete_since, first_out);
}
