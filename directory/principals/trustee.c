#include "trustee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domains.h"
#include "groups_priv.h"
#include "principal_priv.h"
#include "printable.h"
#include "sid_alias.h"
#include "text.h"
#include "own.h"
#include "mem.h"

static bool
sid_of(struct dir_conn *c, const struct dir_entry *e, struct sid *out, struct err *err)
{
	struct view raw;

	switch (dir_entry_bytes(e, "objectSid", &raw, err)) {
	case DIR_GET_OK:
		return sid_decode(raw, out, err);
	case DIR_GET_ABSENT:
		return err_set(err, E_INVALIDARG,
		    "%s has no objectSid, so that no right can be given to it%s", e->dn,
		    dir_conn_root(c)->is_ad ? "" : ": `dirca directory adopt` gives it one");
	case DIR_GET_FAILED:
		break;
	}
	return false;
}

/* ---- From a name to a SID ---- */

/* All that a name means; more than one thing is too many. */
struct meanings {
	struct sid sid;  /* of what was found first */
	char names[340]; /* DNs, or well-known names, as many as fit */
	size_t count;
	char *other; /* DN of what the directory takes for it, and is spelled otherwise */
};

static void
meanings_free(struct meanings *m)
{
	free(m->other);
}

static void
add_meaning(struct meanings *m, const char *what, const struct sid *sid)
{
	size_t used = strlen(m->names);

	/* A group of the directory that is a well-known one. */
	if (m->count > 0 && sid_eq(&m->sid, sid))
		return;
	if (m->count++ == 0)
		m->sid = *sid;
	snprintf(
	    m->names + used, sizeof m->names - used, "%s%.160s", used > 0 ? " and " : "", what);
}

static bool
add_entry(struct dir_conn *c, struct meanings *m, const struct dir_entry *e, struct err *err)
{
	struct sid sid;

	if (!sid_of(c, e, &sid, err))
		return false;
	add_meaning(m, e->dn, &sid);
	return true;
}

/* A name that gives a right is the one that is typed: whoever called himself by letters that only
 * the directory's rules make equal would have it for the one who was meant. */
static bool
add_if_spelled(struct dir_conn *c, struct meanings *m, const struct dir_entry *e, bool spelled,
    struct err *err)
{
	if (spelled)
		return add_entry(c, m, e, err);
	if (m->other == NULL)
		m->other = mem_text(e->dn);
	return true;
}

/* The name of a service is no attribute that principals are read with. */
static bool
has_service(struct dir_conn *c, const char *dn, const char *service, bool *yes_out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"servicePrincipalName", NULL}},
		&found, err))
		return false;
	*yes_out = found.count == 1 &&
		   principal_is_spelled(&found.list[0], "servicePrincipalName", service);
	return true;
}

static bool
is_spelled(struct dir_conn *c, const struct dir_entry *e, const char *token, bool *yes_out,
    struct err *err)
{
	static const char *const attrs[] = {
	    "uid", "sAMAccountName", "cn", "userPrincipalName", "dNSHostName"};
	const char *slash = strrchr(token, '\\'), *name = slash != NULL ? slash + 1 : token,
		   *at = slash == NULL ? strrchr(token, '@') : NULL;
	OWNED(own_memory)
	char *account = at != NULL ? mem_text_n(token, (size_t)(at - token)) : NULL;
	uint8_t guid[GUID_LEN];

	*yes_out = true;
	if ((strchr(token, '=') != NULL && dir_dn_depth(token) > 1) ||
	    guid_from_text(token, guid) || *token == '{')
		return true;
	/* Everybody writes his uid at Active Directory. */
	for (size_t i = dir_conn_root(c)->is_ad ? 1 : 0; i < COUNT_OF(attrs); i++)
		if (principal_is_spelled(e, attrs[i], name) ||
		    (i < 2 && account != NULL && principal_is_spelled(e, attrs[i], account)))
			return true;
	*yes_out = false;
	return strchr(token, '/') == NULL || has_service(c, e->dn, token, yes_out, err);
}

/* Only the entry itself is wanted, so that a person whose groups cannot be read is still found. */
static bool
add_people(struct dir_conn *c, const char *token, struct meanings *m, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries hits = {0};
	bool ok = principal_locate_all(c, principal_search_token, token, &hits, err), spelled;

	for (size_t i = 0; ok && i < hits.count; i++)
		ok = is_spelled(c, &hits.list[i], token, &spelled, err) &&
		     add_if_spelled(c, m, &hits.list[i], spelled, err);
	return ok;
}

/* One search for groups. With `domain`, only those that belong to it. `name` NULL: by DN. Takes
 * over `filter`. */
static bool
add_groups_of(struct dir_conn *c, const char *base, enum dir_scope scope, char *filter,
    const struct dir_entry *domain, const char *name, struct meanings *m, struct err *err)
{
	static const char *const attrs[] = {"objectSid", "sAMAccountName", "cn", NULL};
	struct dir_entries found;
	bool ok = dir_search(c,
	    &(struct dir_query){.base = base, .scope = scope, .filter = filter, .attrs = attrs},
	    &found, err);

	for (size_t i = 0; ok && i < found.count; i++) {
		const struct dir_entry *e = &found.list[i];

		if (domain == NULL || dir_domain_of(c, e->dn) == domain)
			ok = add_if_spelled(c, m, e,
			    name == NULL || principal_is_spelled(e, "sAMAccountName", name) ||
				principal_is_spelled(e, "cn", name),
			    err);
	}
	dir_entries_free(&found);
	free(filter);
	return ok;
}

/* DN, DOMAIN\group, or sAMAccountName or CN. */
static bool
add_groups(struct dir_conn *c, const char *token, struct meanings *m, struct err *err)
{
	const struct dir_entry *domain = NULL;
	const char *slash = strchr(token, '\\'), *name = slash != NULL ? slash + 1 : token;
	bool ok = true;

	if (strchr(token, '=') != NULL && dir_dn_depth(token) > 1)
		return add_groups_of(
		    c, token, DIR_BASE, mem_text(GROUP_CLASSES), NULL, NULL, m, err);
	if (slash != NULL) {
		OWNED(own_memory) char *left = mem_text_n(token, (size_t)(slash - token));

		if (!dir_domain_find(c, left, &domain, err))
			return false;
		if (domain == NULL)
			return true;
	}
	for (size_t i = 0; ok && i < dir_domains(c)->bases.count; i++)
		ok = add_groups_of(c, dir_domains(c)->bases.list[i], DIR_SUBTREE,
		    dir_filter("(&" GROUP_CLASSES "(|(sAMAccountName=%s)(cn=%s)))", name, name),
		    domain, name, m, err);
	return ok;
}

static void
add_well_known(const char *token, struct meanings *m)
{
	struct sid sid;
	const char *name = sid_by_well_known_name(token, &sid);

	if (name != NULL)
		add_meaning(m, name, &sid);
}

enum dir_find
trustee_find(struct dir_conn *c, const char *token, struct sid *out, struct err *err)
{
	OWNED(meanings_free) struct meanings m = {0};

	if (sid_from_text(token, out))
		return DIR_FOUND;
	add_well_known(token, &m);
	if (!add_people(c, token, &m, err) || !add_groups(c, token, &m, err))
		return DIR_FIND_FAILED;
	if (m.count > 1) {
		err_set(err, TYPE_E_AMBIGUOUSNAME,
		    "Ambiguous name. \"%.64s\" names %s: give the DN or the SID", token, m.names);
		return DIR_FIND_FAILED;
	}
	if (m.count == 0 && m.other != NULL) {
		err_set(err, CRYPT_E_NOT_FOUND,
		    "\"%.64s\" is nobody's name as it is spelled; the directory takes it for "
		    "%.200s: "
		    "write the name as it stands there, or give the DN or the SID",
		    token, m.other);
		return DIR_FIND_FAILED;
	}
	*out = m.sid;
	return m.count > 0 ? DIR_FOUND : DIR_NOT_FOUND;
}

/* ---- From a SID to a name ---- */

static char *
name_of_entry(struct dir_conn *c, const struct dir_entry *e)
{
	const struct dir_entry *domain = dir_domain_of(c, e->dn);
	OWNED(own_memory) char *netbios = NULL, *name = NULL;
	OWNED(texts_free) struct texts accounts = {0};
	struct err ignored;

	if (domain != NULL)
		(void)dir_entry_text(domain, "nETBIOSName", &netbios, &ignored);
	if (principal_read_accounts(e, !dir_conn_root(c)->is_ad, &accounts, &ignored) &&
	    accounts.count > 0)
		name = text_printf("%s%s%s", netbios != NULL ? netbios : "",
		    netbios != NULL ? "\\" : "", accounts.list[0]);
	else
		name = dir_dn_first_value(e->dn);
	return name != NULL ? printable_escape(name) : NULL;
}

static char *
find_trustee_name(struct dir_conn *c, const struct sid *sid)
{
	static const char *const attrs[] = {"sAMAccountName", "uid", NULL};
	OWNED(own_memory) char *filter = NULL;
	OWNED(buf_free) struct buf raw = {0};
	struct err ignored;
	struct view value;

	if (!sid_encode(sid, &raw, &ignored) || !dir_domains_load(c, &ignored))
		return NULL;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	for (size_t i = 0; i < dir_domains(c)->bases.count; i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};
		char *name;

		if (dir_search(c,
			&(struct dir_query){.base = dir_domains(c)->bases.list[i],
			    .scope = DIR_SUBTREE,
			    .filter = filter,
			    .attrs = attrs},
			&found, &ignored) &&
		    found.count == 1 && (name = name_of_entry(c, &found.list[0])) != NULL)
			return name;
	}
	return NULL;
}

char *
trustee_name(struct dir_conn *c, const struct sid *sid)
{
	const char *known = sid_well_known_name(sid);
	char text[SID_TEXT_MAX], *name;

	if (known != NULL)
		return mem_text(known);
	name = find_trustee_name(c, sid);
	sid_to_text(sid, text);
	return name != NULL ? name : mem_text(text);
}
