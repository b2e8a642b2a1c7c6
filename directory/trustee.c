#include "trustee.h"

#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "groups_priv.h"
#include "text.h"

/* [MS-DTYP] 2.4.2.4: those that access control entries of PKI objects name. */
static const struct {
	const char *sid, *name;
} well_known[] = {
    {"S-1-1-0", "Everyone"},
    {"S-1-3-0", "CREATOR OWNER"},
    {"S-1-3-4", "OWNER RIGHTS"},
    {"S-1-5-7", "Anonymous"},
    {"S-1-5-9", "Enterprise Domain Controllers"},
    {"S-1-5-10", "SELF"},
    {"S-1-5-11", "Authenticated Users"},
    {"S-1-5-18", "SYSTEM"},
    {"S-1-5-19", "LOCAL SERVICE"},
    {"S-1-5-20", "NETWORK SERVICE"},
    {"S-1-5-32-544", "BUILTIN\\Administrators"},
    {"S-1-5-32-545", "BUILTIN\\Users"},
    {"S-1-5-32-546", "BUILTIN\\Guests"},
    {"S-1-5-32-554", "BUILTIN\\Pre-Windows 2000 Compatible Access"},
};
#define WELL_KNOWN (sizeof well_known / sizeof well_known[0])

static const char *
well_known_name(const struct sid *sid)
{
	char text[SID_TEXT_MAX];

	sid_to_text(sid, text);
	for (size_t i = 0; i < WELL_KNOWN; i++)
		if (strcmp(well_known[i].sid, text) == 0)
			return well_known[i].name;
	return NULL;
}

static bool
well_known_sid(const char *name, struct sid *out)
{
	for (size_t i = 0; i < WELL_KNOWN; i++)
		if (text_eq_nocase(well_known[i].name, name))
			return sid_from_text(well_known[i].sid, out);
	return false;
}

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

/* "DOMAIN\\group" is looked for in that domain, "group" in the CA's own. False: no such domain. */
static bool
place_of(struct dir_conn *c, const char **token, char **base_out, struct err *err)
{
	const char *backslash = strchr(*token, '\\');
	const struct dir_entry *domain;
	char *name;

	*base_out = NULL;
	if (backslash == NULL)
		return (*base_out = strdup(dir_conn_root(c)->default_nc)) != NULL || err_nomem(err);
	if ((name = strndup(*token, (size_t)(backslash - *token))) == NULL)
		return err_nomem(err);
	domain = dir_domains_load(c, err) ? dir_domain_named(c, name) : NULL;
	free(name);
	*token = backslash + 1;
	if (domain == NULL)
		return c->has_domains;
	return dir_entry_text(domain, "nCName", base_out, err) != DIR_GET_FAILED;
}

static enum dir_find
find_group(struct dir_conn *c, const char *token, struct sid *out, struct err *err)
{
	static const char *const attrs[] = {"objectSid", NULL};
	struct dir_query query = {.scope = DIR_SUBTREE, .attrs = attrs};
	struct dir_entries found = {0};
	enum dir_find result = DIR_FIND_FAILED;
	char *filter = NULL, *base = NULL;

	if (!place_of(c, &token, &base, err))
		goto out;
	if (base == NULL) {
		result = DIR_NOT_FOUND;
		goto out;
	}
	filter = dir_filter("(&" GROUP_CLASSES "(|(sAMAccountName=%s)(cn=%s)))", token, token);
	if (filter == NULL) {
		err_nomem(err);
		goto out;
	}
	query.base = base;
	query.filter = filter;
	if (!dir_search(c, &query, &found, err))
		goto out;
	if (found.count > 1)
		err_set(err, TYPE_E_AMBIGUOUSNAME, "several groups are named %s: %s, %s%s", token,
		    found.list[0].dn, found.list[1].dn, found.count > 2 ? " ..." : "");
	else if (found.count == 0)
		result = DIR_NOT_FOUND;
	else if (sid_of(&found.list[0], out, err))
		result = DIR_FOUND;
out:
	free(base);
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

	if (sid_from_text(token, out) || well_known_sid(token, out))
		return DIR_FOUND;
	if ((person = principal_find_account(c, token, &p, err)) == DIR_FIND_FAILED ||
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

static char *
name_of_entry(struct dir_conn *c, const struct dir_entry *e)
{
	const struct dir_entry *domain = dir_domain_of(c, e->dn);
	char *netbios = NULL, *sam = NULL, *name = NULL;
	struct err ignored;

	if (domain != NULL)
		(void)dir_entry_text(domain, "nETBIOSName", &netbios, &ignored);
	if (dir_entry_text(e, "sAMAccountName", &sam, &ignored) == DIR_GET_OK)
		name = netbios != NULL ? text_printf("%s\\%s", netbios, sam) : strdup(sam);
	else
		name = dir_dn_first_value(e->dn);
	free(netbios);
	free(sam);
	return name;
}

char *
trustee_name(struct dir_conn *c, const struct sid *sid)
{
	static const char *const attrs[] = {"sAMAccountName", NULL};
	const char *known = well_known_name(sid);
	char text[SID_TEXT_MAX], *name = NULL, *filter = NULL;
	struct buf raw = {0};
	struct err ignored;
	struct view value;

	if (known != NULL)
		return strdup(known);
	if (!sid_encode(sid, &raw, &ignored) || !dir_domains_load(c, &ignored))
		goto out;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	for (size_t i = 0; filter != NULL && i < c->base_count && name == NULL; i++) {
		struct dir_entries found;

		if (dir_search(c,
			&(struct dir_query){.base = c->bases[i],
			    .scope = DIR_SUBTREE,
			    .filter = filter,
			    .attrs = attrs},
			&found, &ignored) &&
		    found.count == 1)
			name = name_of_entry(c, &found.list[0]);
		dir_entries_free(&found);
	}
out:
	free(filter);
	buf_free(&raw);
	sid_to_text(sid, text);
	return name != NULL ? name : strdup(text);
}
