/*
 * The walk from a principal up to all groups that hold it: one search a level, whatever the number
 * of groups in it, as long as the filter stays small.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "domains.h"
#include "groups_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

#define FILTER_BYTES_MAX 16384
#define SHOWN_TTL_MS     60000

/* groupType, [MS-ADTS] 2.2.12. */
#define GROUP_TYPE_RESOURCE_GROUP   0x00000004u
#define GROUP_TYPE_SECURITY_ENABLED 0x80000000u

const struct sid *const groups_well_known[WELL_KNOWN_COUNT] = {
    &SID_EVERYONE, &SID_AUTHENTICATED_USERS, &SID_THIS_ORGANIZATION};

/* ---- What cannot be read ---- */

bool
groups_unreadable(
    struct dir_conn *c, const char *object, const char *attribute, const char *why, struct err *err)
{
	OWNED(own_memory) char *reader = dir_conn_reader(c);

	return err_set(err, DIRCA_E_GROUPS_UNREADABLE,
	    "the groups of %.160s are not known: %s cannot read %s there (%.120s). %s", object,
	    reader, attribute, why,
	    dir_conn_root(c)->is_ad
		? "Add that account to Pre-Windows 2000 Compatible Access of the domain"
		: "Grant it read and search of member, uniqueMember, memberUid, memberOf, "
		  "groupType "
		  "and objectSid of all groups");
}

/* A search that the server refused, or answered in part, hides groups. */
static bool
search(struct dir_conn *c, const struct group_walk *w, const struct dir_query *q,
    struct dir_entries *out, struct err *err)
{
	struct err why;

	if (dir_search(c, q, out, &why))
		return true;
	if (why.code != DIRCA_E_DIRECTORY) {
		*err = why;
		return false;
	}
	return groups_unreadable(
	    c, w->count > 0 ? w->nodes[0].dn : q->base, "member", why.msg, err);
}

/* ---- Which groups count ---- */

bool
groups_is_group(const struct dir_entry *e)
{
	return dir_entry_has_value_nocase(e, "objectClass", "group") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfNames") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfUniqueNames") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfMembers") ||
	       dir_entry_has_value_nocase(e, "objectClass", "groupOfURLs") ||
	       dir_entry_has_value_nocase(e, "objectClass", "posixGroup");
}

/* *counts_out: whether rights given to the group reach its members here. */
static bool
group_counts(struct dir_conn *c, const struct dir_entry *g, bool *counts_out, struct err *err)
{
	int32_t type;

	switch (dir_entry_int32(g, "groupType", &type, err)) {
	case DIR_GET_FAILED:
		return false;
	case DIR_GET_ABSENT:
		*counts_out = true;
		return true;
	case DIR_GET_OK:
		break;
	}
	*counts_out =
	    ((uint32_t)type & GROUP_TYPE_SECURITY_ENABLED) != 0 &&
	    (((uint32_t)type & GROUP_TYPE_RESOURCE_GROUP) == 0 ||
		dir_domain_of(c, g->dn) == dir_domain_of(c, dir_conn_root(c)->default_nc));
	return true;
}

static enum dir_get
sid_of(const struct dir_entry *e, struct sid *out, struct err *err)
{
	struct view raw;
	enum dir_get got = dir_entry_bytes(e, "objectSid", &raw, err);

	if (got == DIR_GET_OK && !sid_decode(raw, out, err)) {
		err_prefix(err, "objectSid of %s", e->dn);
		got = DIR_GET_FAILED;
	}
	return got;
}

/* A group without a SID can be in no security descriptor, but in other groups. */
static bool
take_group(struct dir_conn *c, const struct dir_entry *g, enum group_node_kind kind,
    struct group_walk *w, struct err *err)
{
	struct sid sid;
	enum dir_get got;
	bool counts;

	if (!group_counts(c, g, &counts, err))
		return false;
	if (!counts)
		return true;
	if ((got = sid_of(g, &sid, err)) == DIR_GET_FAILED)
		return false;
	w->has_posix = w->has_posix || dir_entry_has_value_nocase(g, "objectClass", "posixGroup");
	return group_walk_add(w, g->dn, kind, got == DIR_GET_OK ? &sid : NULL, err);
}

static const char *const group_attrs[] = {
    "objectClass", "objectSid", "groupType", "gidNumber", NULL};

/* ---- Level 0 ---- */

/* gidNumber has no case and one spelling, that of RFC 4517 3.3.16. */
static bool
has_gid(const struct dir_entry *e, const char *gid)
{
	return gid != NULL && dir_entry_has_value_nocase(e, "objectClass", "posixGroup") &&
	       dir_entry_has_value_nocase(e, "gidNumber", gid);
}

/* What has the SID of the primary group, or is the posixGroup of the subject's gidNumber, is that
 * group; a foreignSecurityPrincipal stands for the SID that it has in the groups of its domain. */
static bool
take_seed(struct dir_conn *c, const struct dir_entry *e, const struct sid *primary, const char *gid,
    struct group_walk *w, struct err *err)
{
	struct sid sid;

	if (has_gid(e, gid))
		return take_group(c, e, NODE_PRIMARY, w, err);

	if (dir_entry_has_value_nocase(e, "objectClass", "foreignSecurityPrincipal"))
		return sid_of(e, &sid, err) == DIR_GET_OK &&
		       group_walk_add(w, e->dn, NODE_FOREIGN, &sid, err);
	if (primary == NULL || !groups_is_group(e))
		return true;
	return sid_of(e, &sid, err) == DIR_GET_OK &&
	       (!sid_eq(&sid, primary) || take_group(c, e, NODE_PRIMARY, w, err));
}

static bool
append_sid(struct buf *b, const struct sid *sid, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};
	OWNED(own_memory) char *part = NULL;
	struct view v;

	if (!sid_encode(sid, &raw, err))
		return false;
	v = buf_view(&raw);
	part = dir_filter("(objectSid=%S)", &v);
	return buf_append(b, view_str(part), err);
}

/* Filter for whatever has one of these SIDs, or is the posixGroup of that gidNumber; `a`, `b` and
 * `gid` may be NULL. */
static bool
seeds_filter(
    const struct sid *a, const struct sid *b, const char *gid, struct buf *out, struct err *err)
{
	OWNED(own_memory)
	char *posix = gid != NULL ? dir_filter("(&(objectClass=posixGroup)(gidNumber=%s))", gid)
				  : mem_text("");
	bool ok = buf_append(out, view_str("(|"), err) && (a == NULL || append_sid(out, a, err)) &&
		  (b == NULL || append_sid(out, b, err));

	for (size_t i = 0; ok && i < WELL_KNOWN_COUNT; i++)
		ok = append_sid(out, groups_well_known[i], err);
	return ok && buf_append(out, view_str(posix), err) && buf_append(out, view_of(")", 2), err);
}

/* A groupOfNames has members; where none can be searched for, the walk would find no group and no
 * error. The entry may be large: it is asked about once a minute. */
static bool
check_members_shown(
    struct dir_conn *c, const struct group_walk *w, const char *group, struct err *err)
{
	struct dir_entries found = {0};
	bool ok, shown;

	if (dir_domains(c)->members_shown_ms != 0 &&
	    clock_mono_ms() - dir_domains(c)->members_shown_ms < SHOWN_TTL_MS)
		return true;
	ok = search(c, w,
	    &(struct dir_query){.base = group,
		.filter = "(|(member=*)(uniqueMember=*)(!(objectClass=groupOfNames)))",
		.attrs = (const char *const[]){DIR_NO_ATTRS, NULL},
		.now_and_then = true},
	    &found, err);
	shown = found.count == 1;
	dir_entries_free(&found);
	if (!ok)
		return false;
	if (!shown)
		return groups_unreadable(c, w->nodes[0].dn, "member", group, err);
	dir_domains(c)->members_shown_ms = clock_mono_ms();
	return true;
}

/* The primary group is the one that must be there: where it cannot be seen, or its members cannot,
 * others are hidden too. */
static bool
check_shown(
    struct dir_conn *c, const struct group_walk *w, const struct sid *primary, struct err *err)
{
	char text[SID_TEXT_MAX];

	for (size_t i = 0; i < w->count; i++)
		if (w->nodes[i].has_sid && sid_eq(&w->nodes[i].sid, primary))
			return check_members_shown(c, w, w->nodes[i].dn, err);
	sid_to_text(primary, text);
	return groups_unreadable(c, w->nodes[0].dn, "objectSid of its primary group", text, err);
}

/* No `member` value leads to the primary group, and it may be nested in others. */
static bool
add_seeds(struct dir_conn *c, const struct group_subject *s, struct group_walk *w, struct err *err)
{
	struct sid primary;
	bool has_primary = groups_primary(s, &primary), ok;
	const char *gid = dir_domains(c)->has_posix_groups ? s->gid : NULL;
	struct buf filter = {0};

	ok = seeds_filter(s->sid, has_primary ? &primary : NULL, gid, &filter, err);
	for (size_t i = 0; ok && i < dir_domains(c)->bases.count; i++) {
		struct dir_entries found = {0};

		ok = search(c, w,
		    &(struct dir_query){.base = dir_domains(c)->bases.list[i],
			.scope = DIR_SUBTREE,
			.filter = (const char *)filter.ptr,
			.attrs = group_attrs},
		    &found, err);
		for (size_t k = 0; ok && k < found.count; k++)
			ok = take_seed(
			    c, &found.list[k], has_primary ? &primary : NULL, gid, w, err);
		dir_entries_free(&found);
	}
	buf_free(&filter);
	return ok && (!has_primary || dir_conn_root(c)->is_ad || check_shown(c, w, &primary, err));
}

/* ---- Level by level ---- */

static bool
append_members(
    struct buf *b, const char *format, const struct group_walk *w, size_t from, size_t to)
{
	struct err ignored;
	bool ok = true;

	for (; ok && from < to; from++) {
		char *part = dir_filter(format, w->nodes[from].dn);

		ok = part != NULL && buf_append(b, view_str(part), &ignored);
		free(part);
	}
	return ok;
}

/* memberUid names the subject alone: groups have no uid. */
static bool
append_uids(struct buf *b, const struct group_walk *w, size_t from)
{
	struct err ignored;
	bool ok = true;

	for (size_t i = 0; ok && from == 0 && w->uids != NULL && i < w->uids->count; i++) {
		OWNED(own_memory) char *part = dir_filter("(memberUid=%s)", w->uids->list[i]);

		ok = part != NULL && buf_append(b, view_str(part), &ignored);
	}
	return ok;
}

/* Filter for the groups that hold one of the nodes of [from, to), as many as fit, at least one.
 * *next_out is the first that did not. A server tests what its index found from left to right and
 * stops at what is true: so the members come first. */
static char *
holders_filter(
    struct dir_conn *c, const struct group_walk *w, size_t from, size_t to, size_t *next_out)
{
	static const char tail[] = ")" GROUP_CLASSES ")";
	struct err ignored;
	struct buf b = {0};
	size_t end = from, len = 0;

	for (; end < to && end - from < GROUP_FILTER_MEMBERS_MAX && len < FILTER_BYTES_MAX; end++)
		len += strlen(w->nodes[end].dn);
	*next_out = end;
	if (buf_append(&b, view_str("(&(|"), &ignored) &&
	    append_members(&b, "(member=%s)", w, from, end) &&
	    (!dir_domains(c)->has_unique_groups ||
		append_members(&b, "(uniqueMember=%s)", w, from, end)) &&
	    append_uids(&b, w, from) && buf_append(&b, view_of(tail, sizeof tail), &ignored))
		return (char *)b.ptr;
	buf_free(&b);
	return NULL;
}

/* Searches all places where groups may be, and takes what is found. */
static bool
search_groups(struct dir_conn *c, const char *filter, struct group_walk *w, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < dir_domains(c)->bases.count; i++) {
		struct dir_entries found = {0};

		ok = search(c, w,
		    &(struct dir_query){.base = dir_domains(c)->bases.list[i],
			.scope = DIR_SUBTREE,
			.filter = filter,
			.attrs = group_attrs,
			.size_limit = GROUP_NODES_MAX},
		    &found, err);
		for (size_t k = 0; ok && k < found.count; k++)
			ok = !groups_is_group(&found.list[k]) ||
			     take_group(c, &found.list[k], NODE_GROUP, w, err);
		dir_entries_free(&found);
	}
	return ok;
}

static bool
walk_level(struct dir_conn *c, struct group_walk *w, size_t from, size_t to, struct err *err)
{
	while (from < to) {
		char *filter = holders_filter(c, w, from, to, &from);
		bool ok = search_groups(c, filter, w, err);

		free(filter);
		if (!ok)
			return false;
	}
	return true;
}

/* An account other than the subject that has the uid too, or NULL. */
static const struct dir_entry *
other_of(const struct dir_entries *found, const char *dn)
{
	for (size_t i = 0; i < found->count; i++)
		if (!dir_dn_eq(found->list[i].dn, dn))
			return &found->list[i];
	return NULL;
}

static bool
check_uid(struct dir_conn *c, const struct group_walk *w, const char *base, const char *uid,
    struct err *err)
{
	OWNED(own_memory) char *filter = dir_filter("(uid=%s)", uid);
	OWNED(dir_entries_free) struct dir_entries found = {0};
	const struct dir_entry *other;

	if (!search(c, w,
		&(struct dir_query){.base = base,
		    .scope = DIR_SUBTREE,
		    .filter = filter,
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	if ((other = other_of(&found, w->nodes[0].dn)) == NULL)
		return true;
	return err_set(err, DIRCA_E_GROUPS_UNREADABLE,
	    "the groups of %.160s are not known: some say by memberUid who is in them, and %.160s "
	    "has "
	    "the uid '%.64s' too. Give each account a uid of its own",
	    w->nodes[0].dn, other->dn, uid);
}

/* Whoever gave himself another's uid would be in that one's groups. */
static bool
check_uids(struct dir_conn *c, const struct group_walk *w, struct err *err)
{
	for (size_t i = 0; w->has_posix && w->uids != NULL && i < w->uids->count; i++)
		for (size_t b = 0; b < dir_domains(c)->bases.count; b++)
			if (!check_uid(c, w, dir_domains(c)->bases.list[b], w->uids->list[i], err))
				return false;
	return true;
}

bool
group_walk_run(
    struct dir_conn *c, const struct group_subject *s, struct group_walk *w, struct err *err)
{
	size_t from = 0;

	*w = (struct group_walk){0};
	if (!dir_domains_load(c, err))
		return false;
	w->uids = dir_domains(c)->has_posix_groups ? &s->uids : NULL;
	if ((s->dn != NULL && !group_walk_add(w, s->dn, NODE_SUBJECT, s->sid, err)) ||
	    !add_seeds(c, s, w, err))
		return false;
	w->level_end[0] = w->count;
	while (from < w->count) {
		if (w->levels == GROUP_LEVELS_MAX)
			return err_set(err, DIRCA_E_GROUPS_UNREADABLE,
			    "the groups of %s are nested deeper than %d levels", w->nodes[0].dn,
			    GROUP_LEVELS_MAX);
		if (!walk_level(c, w, from, w->count, err))
			return false;
		from = w->level_end[w->levels++];
		w->level_end[w->levels] = w->count;
	}
	return check_uids(c, w, err);
}

/* ---- One step back ---- */

/* Whether the group holds one of [from, to). */
static bool
holds_one(struct dir_conn *c, const struct group_walk *w, size_t group, size_t from, size_t to,
    bool *yes_out, struct err *err)
{
	struct dir_entries found = {0};
	bool ok = true;

	*yes_out = false;
	while (ok && !*yes_out && from < to) {
		char *filter = holders_filter(c, w, from, to, &from);

		ok = search(c, w,
		    &(struct dir_query){.base = w->nodes[group].dn,
			.filter = filter,
			.attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		    &found, err);
		*yes_out = found.count == 1;
		dir_entries_free(&found);
		free(filter);
	}
	return ok;
}

/* By halves: the values of `member` may be many thousands. */
bool
group_walk_member(struct dir_conn *c, const struct group_walk *w, size_t group, size_t from,
    size_t to, size_t *member_out, struct err *err)
{
	bool yes;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;

		if (!holds_one(c, w, group, from, middle, &yes, err))
			return false;
		if (yes)
			to = middle;
		else
			from = middle;
	}
	*member_out = from;
	if (!holds_one(c, w, group, from, to, &yes, err))
		return false;
	return yes ||
	       err_set(err, DIRCA_E_GROUPS_UNREADABLE,
		   "%s changed while the way to it was searched: ask again", w->nodes[group].dn);
}

bool
groups_primary(const struct group_subject *s, struct sid *out)
{
	struct sid domain;

	if (s->sid == NULL || s->primary_rid == NULL || s->sid->count < 2)
		return false;
	domain = *s->sid;
	domain.subs[--domain.count] = 0;
	return sid_with_rid(&domain, (uint32_t)*s->primary_rid, out);
}

bool
group_subject_read_posix(const struct dir_entry *e, struct group_subject *s, struct err *err)
{
	const struct dir_attr *uids = dir_entry_attr(e, "uid");

	for (size_t i = 0; uids != NULL && i < uids->count; i++) {
		char *uid;

		if (!text_from_view(buf_view(&uids->values[i]), &uid, err))
			return err_prefix(err, "uid of %s", e->dn);
		texts_take(&s->uids, uid);
	}
	return dir_entry_text(e, "gidNumber", &s->gid, err) != DIR_GET_FAILED;
}

void
group_subject_free(struct group_subject *s)
{
	texts_free(&s->uids);
	free(s->gid);
	*s = (struct group_subject){0};
}
