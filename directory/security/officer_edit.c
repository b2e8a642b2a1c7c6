#include "officer_edit.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct officer_rule
rule_copy(const struct officer_rule *from)
{
	struct officer_rule copy = {.deny = from->deny,
	    .officer = from->officer,
	    .template_cn = mem_text(from->template_cn)};

	for (size_t i = 0; i < from->requesters.count; i++)
		sids_put(&copy.requesters, &from->requesters.list[i]);
	return copy;
}

static void
rule_free(struct officer_rule *rule)
{
	sids_free(&rule->requesters);
	free(rule->template_cn);
	*rule = (struct officer_rule){0};
}

static bool
covers_requesters(const struct sids *wide, const struct sids *narrow)
{
	if (sids_contain(wide, &SID_EVERYONE))
		return true;
	for (size_t i = 0; i < narrow->count; i++)
		if (!sids_contain(wide, &narrow->list[i]))
			return false;
	return true;
}

static bool
covers_template(const char *wide, const char *narrow)
{
	return wide == NULL || (narrow != NULL && text_eq_nocase(wide, narrow));
}

/* Everything that `narrow` speaks of, `wide` does too. */
static bool
covers(const struct officer_rule *wide, const struct officer_rule *narrow)
{
	return (sid_eq(&wide->officer, &narrow->officer) || sid_eq(&wide->officer, &SID_EVERYONE) ||
		   sid_eq(&wide->officer, &SID_AUTHENTICATED_USERS)) &&
	       covers_requesters(&wide->requesters, &narrow->requesters) &&
	       covers_template(wide->template_cn, narrow->template_cn);
}

static bool
rule_eq(const struct officer_rule *a, const struct officer_rule *b)
{
	return a->deny == b->deny && sid_eq(&a->officer, &b->officer) && covers(a, b) &&
	       covers(b, a);
}

bool
officer_rules_add(struct officer_rules *rules, const struct officer_rule *rule, size_t *at_out,
    bool *added_out, struct err *err)
{
	struct officer_rule *at;
	size_t place = 0;

	(void)err;
	*added_out = false;
	for (*at_out = 0; *at_out < rules->count; (*at_out)++)
		if (rule_eq(&rules->list[*at_out], rule))
			return true;
	rules->list = mem_grow(rules->list, rules->count, sizeof *rules->list);
	while (place < rules->count && (!rule->deny || rules->list[place].deny))
		place++;
	at = rules->list + place;
	memmove(at + 1, at, (rules->count - place) * sizeof *at);
	*at = rule_copy(rule);
	rules->count++;
	*at_out = place;
	*added_out = true;
	return true;
}

bool
officer_rules_begin(const struct sids *officers, struct officer_rules *out, struct err *err)
{
	struct sid everyone = SID_EVERYONE;

	*out = (struct officer_rules){0};
	for (size_t i = 0; i < officers->count; i++) {
		const struct officer_rule rule = {
		    .officer = officers->list[i], .requesters = {&everyone, 1}};
		size_t at;
		bool added;

		officer_rules_add(out, &rule, &at, &added, err);
	}
	return true;
}

void
officer_rules_remove(struct officer_rules *rules, size_t at)
{
	rule_free(&rules->list[at]);
	rules->count--;
	memmove(rules->list + at, rules->list + at + 1, (rules->count - at) * sizeof *rules->list);
}

bool
officer_rules_name(const struct officer_rules *rules, const struct sid *officer)
{
	for (size_t i = 0; i < rules->count; i++)
		if (sid_eq(&rules->list[i].officer, officer))
			return true;
	return false;
}

int
officer_rules_shadow(const struct officer_rules *rules, size_t at)
{
	const struct officer_rule *rule = &rules->list[at];

	for (size_t i = 0; i < rules->count; i++) {
		const struct officer_rule *other = &rules->list[i];
		bool decides = other->deny == rule->deny ? i < at : other->deny;

		if (i != at && decides && covers(other, rule))
			return (int)i;
	}
	return -1;
}
