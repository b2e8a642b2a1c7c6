#include "sd_review.h"

#include <stdlib.h>

#include "sd_priv.h"
#include "mem.h"

/* ---- What is wrong ---- */

static bool
is_unknown(const struct sd *sd, size_t at)
{
	return !ace_is_known(sd->aces[at].type);
}

static bool
belongs_elsewhere(const struct sd *sd, size_t at)
{
	const struct ace *ace = &sd->aces[at];

	return ace_is_known(ace->type) && !ace_is_allow(ace->type) && !ace_is_deny(ace->type);
}

static bool
allows_never(const struct sd *sd, size_t at)
{
	return ace_is_callback(sd->aces[at].type) && ace_is_allow(sd->aces[at].type);
}

static bool
denies_always(const struct sd *sd, size_t at)
{
	return ace_is_callback(sd->aces[at].type) && ace_is_deny(sd->aces[at].type);
}

static bool
names_no_right(const struct sd *sd, size_t at)
{
	return (ace_is_allow(sd->aces[at].type) || ace_is_deny(sd->aces[at].type)) &&
	       sd->aces[at].mask == 0;
}

static bool
is_inherited(const struct ace *ace)
{
	return (ace->flags & ACE_FLAG_INHERITED) != 0;
}

static bool
denies_late(const struct sd *sd, size_t at)
{
	if (!ace_is_deny(sd->aces[at].type) || is_inherited(&sd->aces[at]))
		return false;
	for (size_t i = 0; i < at; i++)
		if (ace_is_allow(sd->aces[i].type) && !allows_never(sd, i) &&
		    !is_inherited(&sd->aces[i]))
			return true;
	return false;
}

static bool
is_behind_inherited(const struct sd *sd, size_t at)
{
	return at > 0 && is_inherited(&sd->aces[at - 1]) && !is_inherited(&sd->aces[at]);
}

static bool
is_there_already(const struct sd *sd, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (ace_eq(&sd->aces[i], &sd->aces[at]))
			return true;
	return false;
}

static const struct {
	bool (*holds)(const struct sd *sd, size_t at);
	const char *what;
} checks[] = {
    {is_unknown, "its type is unknown: it grants nothing, and denies what no entry before grants"},
    {belongs_elsewhere, "its type belongs into a SACL: it neither grants nor denies"},
    {allows_never, "conditions are not evaluated: it grants nothing"},
    {denies_always, "conditions are not evaluated: it always denies"},
    {names_no_right, "it names no right"},
    {denies_late, "a denial behind a grant denies nothing of what was granted before it"},
    {is_behind_inherited, "an entry of the object's own stands behind inherited ones"},
    {is_there_already, "an earlier entry says the same"},
};
#define CHECK_COUNT COUNT_OF(checks)

void
sd_review(const struct sd *sd, struct sd_findings *out)
{
	*out =
	    (struct sd_findings){.list = mem_zero(1 + sd->count * CHECK_COUNT, sizeof *out->list)};
	if (!sd->has_dacl)
		out->list[out->count++] = (struct sd_finding){
		    SD_NULL_DACL, "there is no DACL: everybody has every right"};
	else if (sd->count == 0)
		out->list[out->count++] = (struct sd_finding){SD_NO_ACE,
		    "the DACL is empty: nobody has a right, but that the owner may "
		    "read and change it"};
	for (size_t i = 0; i < sd->count * CHECK_COUNT; i++)
		if (checks[i % CHECK_COUNT].holds(sd, i / CHECK_COUNT))
			out->list[out->count++] = (struct sd_finding){
			    (int)(i / CHECK_COUNT), checks[i % CHECK_COUNT].what};
}

void
sd_findings_free(struct sd_findings *f)
{
	free(f->list);
	*f = (struct sd_findings){0};
}

/* ---- What differs ---- */

struct acl {
	const struct ace *aces;
	size_t count;
};

static void
put(struct sd_differences *out, struct sd_difference d)
{
	out->list[out->count++] = d;
}

static void
compare_sids(
    const char *what, const struct sid *sid, const struct sid *wanted, struct sd_differences *out)
{
	if (sid != NULL && sid_eq(sid, wanted))
		return;
	if (sid != NULL)
		put(out, (struct sd_difference){.what = what, .sid = sid});
	put(out, (struct sd_difference){.wanted = true, .what = what, .sid = wanted});
}

static size_t
times(const struct ace *ace, const struct ace *list, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += ace_eq(&list[i], ace) ? 1 : 0;
	return n;
}

/* The ACEs of one that the other does not hold as often. */
static void
put_missing(const char *what, bool wanted, const struct acl *in, const struct acl *other,
    struct sd_differences *out)
{
	for (size_t i = 0; i < in->count; i++)
		if (times(&in->aces[i], in->aces, i + 1) >
		    times(&in->aces[i], other->aces, other->count))
			put(out, (struct sd_difference){
				     .wanted = wanted, .what = what, .ace = &in->aces[i]});
}

static void
compare_aces(
    const char *what, const struct acl *acl, const struct acl *wanted, struct sd_differences *out)
{
	size_t before = out->count;

	put_missing(what, false, acl, wanted, out);
	put_missing(what, true, wanted, acl, out);
	for (size_t i = 0; out->count == before && i < acl->count; i++)
		if (!ace_eq(&acl->aces[i], &wanted->aces[i]))
			put(out, (struct sd_difference){.wanted = true,
				     .what = what,
				     .words = "the same entries in another order"});
}

/* Something that one of both has. */
static void
compare_flags(
    const char *what, bool has, bool wanted, const char *words, struct sd_differences *out)
{
	if (has != wanted)
		put(out, (struct sd_difference){.wanted = wanted, .what = what, .words = words});
}

static void
compare_dacls(const struct sd *sd, const struct sd *wanted, struct sd_differences *out)
{
	const struct acl is = {sd->aces, sd->count}, should = {wanted->aces, wanted->count};

	if ((wanted->control & SD_CONTROL_DACL_PRESENT) == 0)
		return;
	compare_flags("DACL", !sd->has_dacl, !wanted->has_dacl,
	    "none at all: everybody has every right", out);
	compare_flags("DACL", sd_is_protected(sd), sd_is_protected(wanted),
	    "protected, inherits nothing", out);
	compare_aces("DACL", &is, &should, out);
}

static void
compare_sacls(const struct sd *sd, const struct sd *wanted, struct sd_differences *out)
{
	const struct acl is = {sd->sacl, sd->sacl_count},
			 should = {wanted->sacl, wanted->sacl_count};

	if ((wanted->control & SD_CONTROL_SACL_PRESENT) != 0)
		compare_aces("SACL", &is, &should, out);
}

void
sd_compare(const struct sd *sd, const struct sd *wanted, struct sd_differences *out)
{
	/* Owner and group twice, presence and protection of the DACL, and every ACE or an order. */
	size_t room = 8 + sd->count + wanted->count + sd->sacl_count + wanted->sacl_count;

	*out = (struct sd_differences){.list = mem_zero(room, sizeof *out->list)};
	if (wanted->has_owner)
		compare_sids("owner", sd->has_owner ? &sd->owner : NULL, &wanted->owner, out);
	if (wanted->has_group)
		compare_sids("group", sd->has_group ? &sd->group : NULL, &wanted->group, out);
	compare_dacls(sd, wanted, out);
	compare_sacls(sd, wanted, out);
}

void
sd_differences_free(struct sd_differences *d)
{
	free(d->list);
	*d = (struct sd_differences){0};
}
