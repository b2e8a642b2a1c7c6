#include "trustee.h"

#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "groups_priv.h"
#include "text.h"

static const struct {
	const struct sid sid;
	const char *name;
} well_known[] = {
    {{.count = 1, .authority = 1, .subs = {0}}, "Everyone"},
    {{.count = 1, .authority = 5, .subs = {11}}, "Authenticated Users"},
    {{.count = 1, .authority = 5, .subs = {18}}, "SYSTEM"},
    {{.count = 2, .authority = 5, .subs = {32, 544}}, "BUILTIN\\Administrators"},
};
#define WELL_KNOWN_NAMES (sizeof well_known / sizeof well_known[0])

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
	for (size_t i = 0; i < WELL_KNOWN_NAMES; i++)
		if (text_eq_nocase(well_known[i].name, token)) {
			*out = well_known[i].sid;
			return DIR_FOUND;
		}
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

/* *out NULL: no object, or several, of which none is meant then. */
static bool
name_of_object(struct dir_conn *c, const struct sid *sid, char **out, struct err *err)
{
	static const char *const attrs[] = {"sAMAccountName", "cn", NULL};
	struct dir_entries found = {0};
	struct buf raw = {0};
	struct view value;
	char *filter = NULL;
	bool ok = false;

	if (!sid_encode(sid, &raw, err))
		goto out;
	value = buf_view(&raw);
	if ((filter = dir_filter("(objectSid=%S)", &value)) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!dir_search(c,
		&(struct dir_query){.base = dir_conn_root(c)->default_nc,
		    .scope = DIR_SUBTREE,
		    .filter = filter,
		    .attrs = attrs},
		&found, err))
		goto out;
	ok = found.count != 1 ||
	     dir_entry_text(&found.list[0], "sAMAccountName", out, err) != DIR_GET_FAILED;
	if (ok && found.count == 1 && *out == NULL)
		ok = dir_entry_text(&found.list[0], "cn", out, err) != DIR_GET_FAILED;
out:
	free(filter);
	buf_free(&raw);
	dir_entries_free(&found);
	return ok;
}

bool
trustee_name(struct dir_conn *c, const struct sid *sid, char **out, struct err *err)
{
	char text[SID_TEXT_MAX];

	*out = NULL;
	for (size_t i = 0; i < WELL_KNOWN_NAMES; i++)
		if (sid_eq(&well_known[i].sid, sid))
			return (*out = strdup(well_known[i].name)) != NULL || err_nomem(err);
	if (!name_of_object(c, sid, out, err))
		return false;
	if (*out != NULL)
		return true;
	sid_to_text(sid, text);
	return (*out = strdup(text)) != NULL || err_nomem(err);
}
