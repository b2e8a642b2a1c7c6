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
};

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

/* Only the entry itself is wanted, so that a person whose groups cannot be read is still found. */
static bool
add_person(struct dir_conn *c, const char *token, struct meanings *m, struct err *err)
{
	struct dir_entry e;
	bool ok = true;

	switch (principal_locate(c, principal_search_token, token, &e, err)) {
	case DIR_FOUND:
		ok = add_entry(c, m, &e, err);
		break;
	case DIR_NOT_FOUND:
		break;
	case DIR_FIND_FAILED:
		return false;
	}
	dir_entry_free(&e);
	return ok;
}

/* One search for groups. With `domain`, only those that belong to it. Takes over `filter`. */
static bool
add_groups_of(struct dir_conn *c, const char *base, enum dir_scope scope, char *filter,
    const struct dir_entry *domain, struct meanings *m, struct err *err)
{
	static const char *const attrs[] = {"objectSid", NULL};
	struct dir_entries found;
	bool ok = dir_search(c,
	    &(struct dir_query){.base = base, .scope = scope, .filter = filter, .attrs = attrs},
	    &found, err);

	for (size_t i = 0; ok && i < found.count; i++)
		if (domain == NULL || dir_domain_of(c, found.list[i].dn) == domain)
			ok = add_entry(c, m, &found.list[i], err);
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
		return add_groups_of(c, token, DIR_BASE, mem_text(GROUP_CLASSES), NULL, m, err);
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
		    domain, m, err);
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
	struct meanings m = {0};

	if (sid_from_text(token, out))
		return DIR_FOUND;
	add_well_known(token, &m);
	if (!add_person(c, token, &m, err) || !add_groups(c, token, &m, err))
		return DIR_FIND_FAILED;
	if (m.count > 1) {
		err_set(err, TYPE_E_AMBIGUOUSNAME,
		    "Ambiguous name. \"%.64s\" names %s: give the DN or the SID", token, m.names);
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
