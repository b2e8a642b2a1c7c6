#include "group_path.h"

#include <stdlib.h>
#include <string.h>

#include "groups_priv.h"
#include "sid_alias.h"
#include "text.h"

/* Puts `name` before a path. Takes over `path`. */
static bool
put_before(const char *name, char **path, struct err *err)
{
	char *longer =
	    *path != NULL ? text_printf("%s -> %s", name, *path) : text_printf("%s", name);

	free(*path);
	*path = longer;
	return longer != NULL || err_nomem(err);
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
	char *name = dir_dn_first_value(n->dn), *text;

	if (name == NULL)
		return strdup(n->dn);
	if (n->kind != NODE_PRIMARY)
		return name;
	text = text_printf("%s (primary group)", name);
	free(name);
	return text;
}

/* What stands for everybody or for the subject under another DN has the subject before it, or is
 * it. */
static bool
put_start(const struct group_walk *w, size_t at, char **path, struct err *err)
{
	const struct group_node *n = &w->nodes[at];
	const char *known = n->kind == NODE_FOREIGN ? name_of_everybody(&n->sid) : NULL;
	char *first = node_name(&w->nodes[0]),
	     *name = n->kind == NODE_PRIMARY ? node_name(n) : NULL;
	bool ok;

	if (first == NULL || (n->kind == NODE_PRIMARY && name == NULL))
		ok = err_nomem(err);
	else
		ok = (known == NULL || put_before(known, path, err)) &&
		     (name == NULL || put_before(name, path, err)) && put_before(first, path, err);
	free(first);
	free(name);
	return ok;
}

/* From the group at `at`, level by level down to level 0. */
static bool
path_back(struct dir_conn *c, const struct group_walk *w, size_t at, char **path, struct err *err)
{
	size_t level = 0;

	while (at >= w->level_end[level])
		level++;
	for (; level > 0; level--) {
		char *name = node_name(&w->nodes[at]);
		bool ok = name != NULL ? put_before(name, path, err) : err_nomem(err);

		free(name);
		if (!ok || !group_walk_member(c, w, at, level > 1 ? w->level_end[level - 2] : 0,
			       w->level_end[level - 1], &at, err))
			return false;
	}
	return put_start(w, at, path, err);
}

/* The domain controller says that it is a member and the walk, which sees less, does not. */
static bool
path_of_token(struct dir_conn *c, const struct group_subject *s, const struct sid *group,
    const struct group_walk *w, char **path, struct err *err)
{
	struct sids sids = {0};
	char text[SID_TEXT_MAX + 20], *first = node_name(&w->nodes[0]);
	bool ok = groups_token(c, s->dn, &sids, err);

	sid_to_text(group, text);
	strcat(text, " (of tokenGroups)");
	if (ok && sids_contain(&sids, group))
		ok = first != NULL ? put_before(text, path, err) && put_before(first, path, err)
				   : err_nomem(err);
	sids_free(&sids);
	free(first);
	return ok;
}

static bool
find_path(struct dir_conn *c, const struct group_subject *s, const struct sid *group, char **path,
    struct err *err)
{
	struct group_walk w;
	const char *known = name_of_everybody(group);
	bool ok = group_walk_run(c, s, &w, err), found = false;

	for (size_t i = 0; ok && !found && i < w.count; i++) {
		if (!w.nodes[i].has_sid || !sid_eq(&w.nodes[i].sid, group))
			continue;
		found = true;
		ok = path_back(c, &w, i, path, err);
	}
	if (ok && !found && known != NULL)
		ok = put_before(known, path, err) && put_start(&w, 0, path, err);
	else if (ok && !found && dir_conn_root(c)->is_ad && s->sid != NULL)
		ok = path_of_token(c, s, group, &w, path, err);
	group_walk_free(&w);
	return ok;
}

bool
groups_path(
    struct dir_conn *c, const char *dn, const struct sid *group, char **path_out, struct err *err)
{
	static const char *const attrs[] = {"objectSid", "primaryGroupID", NULL};
	struct dir_entries found = {0};
	struct group_subject s = {.dn = dn};
	struct view raw;
	struct sid sid;
	int32_t rid;
	bool ok = false;

	*path_out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		&found, err))
		goto out;
	if (found.count == 0) {
		ok = true;
		goto out;
	}
	s.dn = found.list[0].dn;
	switch (dir_entry_bytes(&found.list[0], "objectSid", &raw, err)) {
	case DIR_GET_FAILED:
		goto out;
	case DIR_GET_OK:
		if (!sid_decode(raw, &sid, err))
			goto out;
		s.sid = &sid;
		break;
	case DIR_GET_ABSENT:
		break;
	}
	switch (dir_entry_int32(&found.list[0], "primaryGroupID", &rid, err)) {
	case DIR_GET_FAILED:
		goto out;
	case DIR_GET_OK:
		s.primary_rid = &rid;
		break;
	case DIR_GET_ABSENT:
		break;
	}
	ok = find_path(c, &s, group, path_out, err);
out:
	if (!ok) {
		free(*path_out);
		*path_out = NULL;
	}
	dir_entries_free(&found);
	return ok;
}
