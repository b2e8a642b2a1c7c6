/*
 * What a new view says of the KRAs that the one before it did not: the events of paper, "Loading
 * KRA Certificates" and "KRA Certificate Status".
 */
#include "ca_priv.h"

#include <string.h>

#include "clock.h"
#include "event.h"
#include "kra_coverage.h"
#include "own.h"
#include "text.h"

static const struct ca_kra *
find_kra(const struct ca_view *v, const struct ca_kra *kra)
{
	for (size_t i = 0; v != NULL && i < v->kra_count; i++)
		if (memcmp(v->kras[i].cert.sha256, kra->cert.sha256, sizeof kra->cert.sha256) == 0)
			return &v->kras[i];
	return NULL;
}

static void
raise_of_kra(
    struct ca *ca, enum event_id id, size_t index, const struct ca_kra *kra, const char *reason)
{
	OWNED(own_memory) char *number = text_printf("%zu", index);
	OWNED(own_memory) char *subject = pkix_name_text(kra->cert.subject);

	ca_event(ca, id, number, subject, reason);
}

static bool
ends_soon(const struct ca_kra *kra, int64_t now)
{
	return kra->status == KRA_VALID && kra->cert.not_after - now <= CA_KRA_NOTICE_S;
}

static void
raise_ending(struct ca *ca, size_t index, const struct ca_kra *kra)
{
	char until[21];
	OWNED(own_memory) char *reason = NULL;

	clock_format(kra->cert.not_after, until);
	reason = text_printf("it is valid until %s", until);
	raise_of_kra(ca, EVENT_EXPIRATION_KRA_CERT, index, kra, reason);
}

static void
look_at_each(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	for (size_t i = 0; i < v->kra_count; i++) {
		const struct ca_kra *kra = &v->kras[i], *was = find_kra(last, kra);

		if (kra->status != KRA_VALID && (was == NULL || was->status != kra->status))
			raise_of_kra(ca, EVENT_INVALID_KRA_CERT, i, kra, kra->reason);
		if (ends_soon(kra, v->made_at) && (was == NULL || !ends_soon(was, last->made_at)))
			raise_ending(ca, i, kra);
	}
}

static void
look_at_problems(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	for (size_t i = 0; i < v->kra_problems.count; i++) {
		OWNED(own_memory) char *number = text_printf("%zu", v->kra_count + i);
		const char *problem = v->kra_problems.list[i];

		if (last != NULL && texts_has(&last->kra_problems, problem))
			continue;
		if (v->kra_store_unread)
			ca_event(ca, EVENT_LOADING_KRA_CERTS, problem);
		else
			ca_event(ca, EVENT_CANNOT_LOAD_KRA_CERT, number, NULL, problem);
	}
}

static size_t
uncovered_sets(const struct ca_view *v)
{
	size_t count = 0;

	for (size_t i = 0; v != NULL && i < v->coverage.set_count; i++) {
		const struct coverage_set *s = &v->coverage.sets[i];

		count += !coverage_is_open(s) && s->keys > 0;
	}
	return count;
}

static struct coverage_end
soon(const struct ca_view *v)
{
	return v != NULL ? coverage_ends(&v->coverage, v->made_at + CA_KRA_NOTICE_S)
			 : (struct coverage_end){0};
}

/* By combinations of agents: each further key of one that was told of is no news. */
static void
look_at_keys(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	struct coverage_end was = soon(last), is = soon(v);
	OWNED(own_memory) char *ending = text_printf("%lld", (long long)is.keys);
	OWNED(own_memory)
	char *uncovered = text_printf("%lld", (long long)v->coverage.uncovered);
	char until[21];

	clock_format(is.first, until);
	if (is.sets > was.sets || (is.sets > 0 && is.first != was.first))
		ca_event(ca, EVENT_LAST_KRA_ENDS, ending, is.agent->subject, until);
	if (uncovered_sets(v) > uncovered_sets(last))
		ca_event(ca, EVENT_KEYS_UNCOVERED, uncovered);
}

static size_t
unproved(const struct ca_view *v, const struct coverage_agent **first_out)
{
	*first_out = NULL;
	return v == NULL ? 0
			 : coverage_unproved(
			       &v->coverage, ca_proved_since(&v->settings, v->made_at), first_out);
}

static void
look_at_drills(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	const struct coverage_agent *first, *ignored;
	size_t count = unproved(v, &first);
	OWNED(own_memory) char *agents = text_printf("%zu", count);
	char since[21] = "never";

	if (count <= unproved(last, &ignored))
		return;
	if (first->proved != 0)
		clock_format(first->proved, since);
	ca_event(ca, EVENT_KRA_UNPROVED, agents, first->subject, since);
}

static size_t
incomplete(const struct ca_view *v, const struct coverage_agent **first_out)
{
	*first_out = NULL;
	return v == NULL ? 0
			 : coverage_incomplete(&v->coverage, v->made_at - CA_DRILL_S, first_out);
}

static void
look_at_incomplete(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	const struct coverage_agent *first, *ignored;
	size_t count = incomplete(v, &first);
	OWNED(own_memory) char *agents = text_printf("%zu", count);
	char opened[21];

	if (count <= incomplete(last, &ignored))
		return;
	clock_format(first->drill.opened, opened);
	ca_event(ca, EVENT_DRILL_INCOMPLETE, agents, first->subject, opened);
}

static int64_t
needed(const struct ca_view *v)
{
	return v != NULL ? v->settings.num[SETTING_KRA_CERT_COUNT] : 0;
}

static bool
too_few(const struct ca_view *v)
{
	return (int64_t)v->agent_count < needed(v);
}

/* Of the causes that the paper lists for event 83, the first that is met. */
static const char *
cause(const struct ca_view *v)
{
	if (v->kra_problems.count > 0)
		return v->kra_problems.list[0];
	for (size_t i = 0; i < v->kra_count; i++)
		if (v->kras[i].status != KRA_VALID)
			return v->kras[i].reason;
	return v->kra_count == 0 ? "no KRA is enabled" : "too few different agents are enabled";
}

void
kra_events(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	bool loads = last == NULL || needed(last) != needed(v);
	OWNED(own_memory) char *have = text_printf("%zu", v->agent_count);
	OWNED(own_memory) char *want = text_printf("%lld", (long long)needed(v));

	look_at_problems(ca, last, v);
	look_at_each(ca, last, v);
	look_at_keys(ca, last, v);
	look_at_drills(ca, last, v);
	look_at_incomplete(ca, last, v);
	if (!too_few(v) || (!loads && too_few(last)))
		return;
	if (!loads)
		ca_event(ca, EVENT_TOO_MANY_KRA_INVALID, NULL);
	else if (!v->kra_store_unread)
		ca_event(ca, EVENT_LOADING_KRA_CERTS, cause(v));
	ca_event(ca, EVENT_TOO_FEW_VALID_KRA_CERTS, have, want);
}
