#include "groups_priv.h"

#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "text.h"

/* Bounds of a walk: past them the answer is an error, not a part of the list. */
#define LEVELS_MAX 64
#define GROUPS_MAX 4096
/* Members asked about in one filter. */
#define BATCH 64

/* DNs in the order they were found. Those before `next` have been asked about. */
struct walk {
	char **dns;
	size_t count;
	size_t next;
};

bool
groups_is_group(const struct dir_entry *e)
{
	return dir_entry_has_value_nocase(e, "objectClass", "group") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfNames") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfUniqueNames") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfMembers") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfURLs");
}

/* Active Directory and Samba: the server's own list, domain-local groups and nesting included
 * (facts 4.6). */
static bool
from_token_groups(struct dir_conn *c, const char *dn, struct sids *sids, struct err *err)
{
	struct dir_entries found = {0};
	const struct dir_attr *a;
	bool ok = false;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"tokenGroups", NULL}},
		&found, err))
		goto out;
	a = found.count == 1 ? dir_entry_attr(&found.list[0], "tokenGroups") : NULL;
	if (a == NULL) {
		err_set(err, DIRCA_E_DIRECTORY,
		    "the groups of %s cannot be read: put this CA's account into the group "
		    "Pre-Windows 2000 Compatible "
		    "Access of that domain",
		    dn);
		goto out;
	}
	for (size_t i = 0; i < a->count; i++) {
		struct sid sid;

		if (!sid_decode(buf_view(&a->values[i]), &sid, err)) {
			err_prefix(err, "tokenGroups of %s", dn);
			goto out;
		}
		if (!sids_add(sids, &sid, err))
			goto out;
	}
	ok = true;
out:
	dir_entries_free(&found);
	return ok;
}

static bool
walk_add(struct walk *w, const char *dn, struct err *err)
{
	char **grown;

	for (size_t i = 0; i < w->count; i++)
		if (text_eq_nocase(
			w->dns[i], dn)) /* all come from search results, written in one way */
			return true;
	if (w->count > GROUPS_MAX)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s is in more than %d groups, which is too many to decide on", w->dns[0],
		    GROUPS_MAX);
	if ((grown = reallocarray(w->dns, w->count + 1, sizeof *grown)) == NULL)
		return err_nomem(err);
	w->dns = grown;
	if ((w->dns[w->count] = strdup(dn)) == NULL)
		return err_nomem(err);
	w->count++;
	return true;
}

static void
walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->dns[i]);
	free(w->dns);
	*w = (struct walk){0};
}

/* Filter for the groups that hold one of `count` members. */
static char *
holders_filter(char **members, size_t count)
{
	static const char head[] = "(&" GROUP_CLASSES "(|", tail[] = "))";
	struct err ignored;
	struct buf b = {0};
	bool ok = buf_append(&b, view_str(head), &ignored);

	for (size_t i = 0; ok && i < count; i++) {
		char *part = dir_filter("(member=%s)(uniqueMember=%s)", members[i], members[i]);

		ok = part != NULL && buf_append(&b, view_str(part), &ignored);
		free(part);
	}
	if (ok && buf_append(&b, view_of(tail, sizeof tail), &ignored))
		return (char *)b.ptr;
	buf_free(&b);
	return NULL;
}

/* Takes the groups into the walk, and their SIDs; a group without one can be in no security
 * descriptor, but in other groups. */
static bool
take_groups(const struct dir_entries *groups, struct walk *w, struct sids *sids, struct err *err)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct dir_entry *g = &groups->list[i];
		struct view raw;
		struct sid sid;
		enum dir_get got;

		if (!groups_is_group(g))
			continue;
		if (!walk_add(w, g->dn, err))
			return false;
		if ((got = dir_entry_bytes(g, "objectSid", &raw, err)) == DIR_GET_FAILED)
			return false;
		if (got == DIR_GET_ABSENT)
			continue;
		if (!sid_decode(raw, &sid, err))
			return err_prefix(err, "objectSid of %s", g->dn);
		if (!sids_add(sids, &sid, err))
			return false;
	}
	return true;
}

/* Searches all places where groups may be, and takes what is found. */
static bool
search_groups(
    struct dir_conn *c, const char *filter, struct walk *w, struct sids *sids, struct err *err)
{
	static const char *const attrs[] = {"objectClass", "objectSid", NULL};
	bool ok = true;

	for (size_t i = 0; ok && i < c->base_count; i++) {
		struct dir_entries found;

		ok = dir_search(c,
			 &(struct dir_query){.base = c->bases[i],
			     .scope = DIR_SUBTREE,
			     .filter = filter,
			     .attrs = attrs,
			     .size_limit = GROUPS_MAX},
			 &found, err) &&
		     take_groups(&found, w, sids, err);
		dir_entries_free(&found);
	}
	return ok;
}

/* One level up: every DN that has not been asked about is, in batches. */
static bool
walk_level(struct dir_conn *c, struct walk *w, struct sids *sids, struct err *err)
{
	size_t end = w->count;

	while (w->next < end) {
		size_t n = end - w->next < BATCH ? end - w->next : BATCH;
		char *filter = holders_filter(w->dns + w->next, n);
		bool ok = search_groups(c, filter, w, sids, err);

		free(filter);
		if (!ok)
			return false;
		w->next += n;
	}
	return true;
}

/* The primary group may be nested in others; no `member` value leads to it. */
static bool
add_primary(struct dir_conn *c, const struct sid *primary, struct walk *w, struct sids *sids,
    struct err *err)
{
	struct buf raw = {0};
	struct view value;
	char *filter = NULL;
	bool ok = false;

	if (!sid_encode(primary, &raw, err))
		goto out;
	value = buf_view(&raw);
	filter = dir_filter("(&" GROUP_CLASSES "(objectSid=%S))", &value);
	ok = search_groups(c, filter, w, sids, err);
out:
	free(filter);
	buf_free(&raw);
	return ok;
}

static bool
from_walk(struct dir_conn *c, const char *dn, const struct sid *primary, struct sids *sids,
    struct err *err)
{
	struct walk w = {0};
	bool ok = false;

	if (!walk_add(&w, dn, err) || (primary != NULL && !add_primary(c, primary, &w, sids, err)))
		goto out;
	for (int level = 0; w.next < w.count; level++) {
		if (level == LEVELS_MAX) {
			err_set(err, DIRCA_E_DIRECTORY,
			    "the groups of %s are nested deeper than %d levels", dn, LEVELS_MAX);
			goto out;
		}
		if (!walk_level(c, &w, sids, err))
			goto out;
	}
	ok = true;
out:
	walk_free(&w);
	return ok;
}

/* <domain SID>-<primaryGroupID>; the domain SID is the principal's without its last part. */
static bool
primary_sid(const struct sid *sid, int32_t rid, struct sid *out)
{
	struct sid domain = *sid;

	if (domain.count < 2)
		return false;
	domain.subs[--domain.count] = 0;
	return sid_with_rid(&domain, (uint32_t)rid, out);
}

bool
groups_collect(struct dir_conn *c, const char *dn, const struct sid *sid,
    const int32_t *primary_rid, struct sids *sids, struct err *err)
{
	struct sid primary;
	bool has_primary =
	    sid != NULL && primary_rid != NULL && primary_sid(sid, *primary_rid, &primary);

	if (has_primary && !sids_add(sids, &primary, err))
		return false;
	if (c->root.is_ad)
		return from_token_groups(c, dn, sids, err);
	if (!dir_domains_load(c, err))
		return false;
	return from_walk(c, dn, has_primary ? &primary : NULL, sids, err);
}
