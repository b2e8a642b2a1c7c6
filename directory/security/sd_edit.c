#include "sd_edit.h"

#include <stdlib.h>
#include <string.h>

#include "sd_priv.h"
#include "mem.h"

static int
canonical_rank(const struct ace *ace)
{
	if ((ace->flags & ACE_FLAG_INHERITED) != 0)
		return 2;
	return ace_is_deny(ace->type) ? 0 : 1;
}

size_t
sd_denials_end(const struct sd *sd)
{
	size_t i = 0;

	while (i < sd->count && !ace_is_allow(sd->aces[i].type))
		i++;
	return i;
}

bool
sd_add_ace(struct sd *sd, const struct ace *ace, bool *changed_out, struct err *err)
{
	bool denies = ace_is_deny(ace->type) && (ace->flags & ACE_FLAG_INHERITED) == 0;
	size_t place = 0, counts = denies ? sd_denials_end(sd) : sd->count;
	struct ace *at;

	*changed_out = false;
	if (!sd->has_dacl)
		return err_set(err, E_INVALIDARG,
		    "the security descriptor has no DACL, which gives everybody every right; set a "
		    "DACL first");
	for (size_t i = 0; i < counts; i++)
		if (ace_eq(&sd->aces[i], ace))
			return true;
	sd->aces = mem_grow(sd->aces, sd->count, sizeof *sd->aces);
	/* Behind the last of its kind, so that an order that was not canonical stays as it is. */
	for (size_t i = 0; i < sd->count; i++)
		if (canonical_rank(&sd->aces[i]) <= canonical_rank(ace))
			place = i + 1;
	/* A new denial must stand before every grant, or it does not deny. */
	if (denies)
		place = 0;
	at = sd->aces + place;
	memmove(at + 1, at, (sd->count - place) * sizeof *at);
	*at = *ace;
	sd->count++;
	*changed_out = true;
	return true;
}

size_t
sd_remove_aces(struct sd *sd, sd_ace_match *match, const void *arg)
{
	size_t kept = 0, removed;

	for (size_t i = 0; i < sd->count; i++)
		if ((sd->aces[i].flags & ACE_FLAG_INHERITED) != 0 || !match(&sd->aces[i], arg))
			sd->aces[kept++] = sd->aces[i];
	removed = sd->count - kept;
	sd->count = kept;
	return removed;
}
