#include "group_path.h"

#include <stdlib.h>
#include <string.h>

#include "groups_priv.h"
#include "sid_alias.h"
#include "text.h"
#include "own.h"
#include "mem.h"

/* Puts `name` before a path. Takes over `path`. */
static void
put_before(const char *name, char **path)
{
	char *longer = *path != NULL ? text_printf("%s -> %s", name, *path) : mem_text(name);

	free(*path);
	*path = longer;
}

/* Name of a group that everybody is in; NULL: it is none. */
static const char *
name_of_everybody(const struct sid *sid)
{
	for (size_t i = 0; i < WELL_KNOWN_COUNT; i++)
		if (sid_eq(groups_well_known[i], sid))
			return sid_well_known_name(sid);
	return NULL;
}

/* Name of a node; `subject` is that of the one whose groups these are. */
static char *
node_name(const struct group_node *n)
{
	OWNED(own_memory) char *name = dir_dn_first_value(n->dn);

	if (name == NULL)
		return mem_text(n->dn);
	return n->kind == NODE_PRIMARY ? text_printf("%s (primary group)", name) : own_give(&name);
}

/* What stands for everybody or for the subject under another DN has the subject before it, or is
 * it. */
static void
put_start(const struct group_walk *w, size_t at, char **path)
{
	const struct group_node *n = &w->nodes[at];
	const char *known = n->kind == NODE_FOREIGN ? name_of_everybody(&n->sid) : NULL;
	OWNED(own_memory)
	char *first = node_name(&w->nodes[0]),
	     *name = n->kind == NODE_PRIMARY ? node_name(n) : NULL;

	if (known != NULL)
		put_before(known, path);
	if (name != NULL)
		put_before(name, path);
	put_before(first, path);
}

/* From the group at `at`, level by level down to level 0. */
static bool
path_back(struct dir_conn *c, const struct group_walk *w, size_t at, char **path, struct err *err)
{
	size_t level = 0;

	while (at >= w->level_end[level])
		level++;
	for (; level > 0; level--) {
		OWNED(own_memory) char *name = node_name(&w->nodes[at]);

		put_before(name, path);
		if (!group_walk_member(c, w, at, level > 1 ? w->level_end[level - 2] : 0,
			w->level_end[level - 1], &at, err))
			return false;
	}
	put_start(w, at, path);
	return true;
}

/* The domain controller says that it is a member and the walk, which sees less, does not. */
static bool
path_of_token(struct dir_conn *c, const struct group_subject *s, const struct sid *group,
    const struct group_walk *w, char **path, struct err *err)
{
	OWNED(own_memory) char *first = node_name(&w->nodes[0]);
	OWNED(sids_free) struct sids sids = {0};
	char text[SID_TEXT_MAX + 20];

	if (!groups_token(c, s->dn, &sids, err))
		return false;
	if (!sids_contain(&sids, group))
		return true;
	sid_to_text(group, text);
	strcat(text, " (of tokenGroups)");
	put_before(text, path);
	put_before(first, path);
	return true;
}

static bool
find_path(struct dir_conn *c, const struct group_subject *s, const struct sid *group, char **path,
    struct err *err)
{
	OWNED(group_walk_free) struct group_walk w = {0};
	const char *known = name_of_everybody(group);

	if (!group_walk_run(c, s, &w, err))
		return false;
	for (size_t i = 0; i < w.count; i++)
		if (w.nodes[i].has_sid && sid_eq(&w.nodes[i].sid, group))
			return path_back(c, &w, i, path, err);
	if (known != NULL) {
		put_before(known, path);
		put_start(&w, 0, path);
		return true;
	}
	return !dir_conn_root(c)->is_ad || s->sid == NULL ||
	       path_of_token(c, s, group, &w, path, err);
}

bool
groups_path(
    struct dir_conn *c, const char *dn, const struct sid *group, char **path_out, struct err *err)
{
	static const char *const attrs[] = {
	    "objectSid", "primaryGroupID", "uid", "gidNumber", NULL};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *path = NULL;
	OWNED(group_subject_free) struct group_subject s = {.dn = dn};
	enum dir_get got;
	struct view raw;
	struct sid sid;
	int32_t rid;

	*path_out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		&found, err))
		return false;
	if (found.count == 0)
		return true;
	s.dn = found.list[0].dn;
	got = dir_entry_bytes(&found.list[0], "objectSid", &raw, err);
	if (got == DIR_GET_FAILED || (got == DIR_GET_OK && !sid_decode(raw, &sid, err)))
		return false;
	s.sid = got == DIR_GET_OK ? &sid : NULL;
	got = dir_entry_int32(&found.list[0], "primaryGroupID", &rid, err);
	if (got == DIR_GET_FAILED)
		return false;
	s.primary_rid = got == DIR_GET_OK ? &rid : NULL;
	if (!group_subject_read_posix(&found.list[0], &s, err) ||
	    !find_path(c, &s, group, &path, err))
		return false;
	*path_out = own_give(&path);
	return true;
}
