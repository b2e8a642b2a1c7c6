#include "groups_priv.h"

#include "own.h"

/* Active Directory and Samba: domain-local groups and nesting included ([MS-ADTS] 3.1.1.4.5.19). */
bool
groups_token(struct dir_conn *c, const char *dn, struct sids *sids, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	const struct dir_attr *a;
	struct err why;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"tokenGroups", NULL}},
		&found, &why)) {
		if (why.code == DIRCA_E_DIRECTORY)
			return groups_unreadable(c, dn, "tokenGroups", why.msg, err);
		*err = why;
		return false;
	}
	a = found.count == 1 ? dir_entry_attr(&found.list[0], "tokenGroups") : NULL;
	if (a == NULL)
		return groups_unreadable(
		    c, dn, "tokenGroups", "the domain controller does not show it", err);
	for (size_t i = 0; i < a->count; i++) {
		struct sid sid;

		if (!sid_decode(buf_view(&a->values[i]), &sid, err))
			return err_prefix(err, "tokenGroups of %s", dn);
		sids_put(sids, &sid);
	}
	return true;
}

/* The SIDs of all groups that the walk finds. On a domain controller, which knows better, only
 * those that everybody is in: tokenGroups leaves them out. */
static bool
collect_walk(struct dir_conn *c, const struct group_subject *s, struct sids *sids, struct err *err)
{
	OWNED(group_walk_free) struct group_walk w = {0};

	if (!group_walk_run(c, s, &w, err))
		return false;
	for (size_t i = 0; i < w.count; i++)
		if (w.nodes[i].has_sid)
			sids_put(sids, &w.nodes[i].sid);
	return true;
}

bool
groups_collect(
    struct dir_conn *c, const struct group_subject *s, struct sids *sids, struct err *err)
{
	static const struct group_subject everybody = {0};
	struct sid primary;

	if (groups_primary(s, &primary) && !sids_add(sids, &primary, err))
		return false;
	for (size_t i = 0; i < WELL_KNOWN_COUNT; i++)
		if (!sids_add(sids, groups_well_known[i], err))
			return false;
	if (!dir_conn_root(c)->is_ad)
		return collect_walk(c, s, sids, err);
	/* No objectSid, no tokenGroups ([MS-ADTS] 3.1.1.4.5.19): a principal without one is in no
	 * group that a right could be given to. */
	return (s->sid == NULL || groups_token(c, s->dn, sids, err)) &&
	       collect_walk(c, &everybody, sids, err);
}
