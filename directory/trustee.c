#include "trustee.h"

#include <stdlib.h>
#include <string.h>

#include "groups_priv.h"

static bool
sid_of(const struct dir_entry *e, struct sid *out, struct err *err)
{
	struct view raw;

	switch (dir_entry_bytes(e, "objectSid", &raw, err)) {
	case DIR_GET_OK:
		return sid_decode(raw, out, err);
	case DIR_GET_ABSENT:
		return err_set(err, E_INVALIDARG,
		    "%s has no objectSid, so that no right can be given to it", e->dn);
	case DIR_GET_FAILED:
		break;
	}
	return false;
}

static enum dir_find
find_group(struct dir_conn *c, const char *token, struct sid *out, struct err *err)
{
	static const char *const attrs[] = {"objectSid", NULL};
	char *filter =
	    dir_filter("(&" GROUP_CLASSES "(|(sAMAccountName=%s)(cn=%s)))", token, token);
	struct dir_query query = {.base = dir_conn_root(c)->default_nc,
	    .scope = DIR_SUBTREE,
	    .filter = filter,
	    .attrs = attrs};
	struct dir_entries found = {0};
	enum dir_find result = DIR_FIND_FAILED;

	if (filter == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!dir_search(c, &query, &found, err))
		goto out;
	if (found.count > 1)
		err_set(err, TYPE_E_AMBIGUOUSNAME, "several groups are named %s: %s, %s ...", token,
		    found.list[0].dn, found.list[1].dn);
	else if (found.count == 0)
		result = DIR_NOT_FOUND;
	else if (sid_of(&found.list[0], out, err))
		result = DIR_FOUND;
out:
	free(filter);
	dir_entries_free(&found);
	return result;
}

enum dir_find
trustee_find(struct dir_conn *c, const char *token, struct sid *out, struct err *err)
{
	struct principal p = {0};
	struct sid group;
	enum dir_find person, team;

	if (sid_from_text(token, out))
		return DIR_FOUND;
	if ((person = principal_find(c, token, &p, err)) == DIR_FIND_FAILED ||
	    (team = find_group(c, token, &group, err)) == DIR_FIND_FAILED) {
		principal_free(&p);
		return DIR_FIND_FAILED;
	}
	if (person == DIR_FOUND && team == DIR_FOUND) {
		err_set(
		    err, TYPE_E_AMBIGUOUSNAME, "%s is a user, %s, and a group too", token, p.dn);
		person = DIR_FIND_FAILED;
	} else if (person == DIR_FOUND && !p.has_sid) {
		err_set(err, E_INVALIDARG,
		    "%s has no objectSid, so that no right can be given to it", p.dn);
		person = DIR_FIND_FAILED;
	} else if (person == DIR_FOUND) {
		*out = p.sid;
	} else if (team == DIR_FOUND) {
		*out = group;
		person = DIR_FOUND;
	}
	principal_free(&p);
	return person;
}
