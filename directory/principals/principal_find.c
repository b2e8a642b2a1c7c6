/*
 * From a name to the one entry that has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domains.h"
#include "groups_priv.h"
#include "principal_priv.h"
#include "text.h"
#include "own.h"
#include "mem.h"

#define TOKEN_MAX 512
/* Enough to name in a sentence; more hits than that are an error of the search. */
#define HITS_MAX 100

static const char *const principal_attrs[] = {"objectClass", "cn", "sAMAccountName", "uid",
    "gidNumber", "userPrincipalName", "mail", "dNSHostName", "objectGUID", "objectSid",
    "sIDHistory", "primaryGroupID", "whenCreated", "createTimestamp", PRINCIPAL_STATE_ATTRS, NULL};

static bool
holds_dn(const struct dir_entries *es, const char *dn)
{
	for (size_t i = 0; i < es->count; i++)
		if (dir_dn_eq(es->list[i].dn, dn))
			return true;
	return false;
}

/* Moves the principals of `from` that are not there yet to `to`. With `domain`, only those that
 * belong to it count: a search of a domain also sees the domains below it. */
static void
merge(struct dir_conn *c, struct dir_entries *from, const struct dir_entry *domain,
    struct dir_entries *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct dir_entry *e = &from->list[i];

		if (!groups_is_group(e) && !holds_dn(to, e->dn) &&
		    (domain == NULL || dir_domain_of(c, e->dn) == domain))
			dir_entries_take(to, e);
	}
}

/* One search whose hits are added to `hits`. Takes over `filter`. */
static bool
search_into(struct dir_conn *c, const char *base, enum dir_scope scope, char *filter,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	bool ok = dir_search(c,
	    &(struct dir_query){.base = base,
		.scope = scope,
		.filter = filter,
		.attrs = principal_attrs,
		.size_limit = HITS_MAX},
	    &found, err);

	if (ok)
		merge(c, &found, domain, hits);
	free(filter);
	return ok;
}

/* A value of an attribute that a principal may be known by. */
struct name {
	const char *attr, *value;
};

/* The names first: a server stops at what no index has. free(). */
static char *
names_filter(const struct name *names, size_t count)
{
	OWNED(own_memory) char *any = mem_text("");

	for (size_t i = 0; i < count; i++) {
		OWNED(own_memory) char *before = any;
		OWNED(own_memory)
		char *one = dir_filter("(%s=%s)", names[i].attr, names[i].value);

		any = text_printf("%s%s", before, one);
	}
	return count == 1 ? text_printf("(&%s" PEOPLE ")", any)
			  : text_printf("(&(|%s)" PEOPLE ")", any);
}

/* Principals that have one of the names, anywhere, or in one domain: one search for all names,
 * since whoever has one mostly has another. */
static bool
search_names(struct dir_conn *c, const struct name *names, size_t count,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	for (size_t i = 0; i < dir_domains(c)->bases.count; i++)
		if (!search_into(c, dir_domains(c)->bases.list[i], DIR_SUBTREE,
			names_filter(names, count), domain, hits, err))
			return false;
	return true;
}

static bool
search_value(struct dir_conn *c, const char *attr, const char *value,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	return search_names(c, &(struct name){attr, value}, 1, domain, hits, err);
}

/* Anywhere. Takes over `filter`. */
static bool
search_all(struct dir_conn *c, char *filter, struct dir_entries *hits, struct err *err)
{
	OWNED(own_memory) char *whole = filter;

	for (size_t i = 0; i < dir_domains(c)->bases.count; i++)
		if (!search_into(c, dir_domains(c)->bases.list[i], DIR_SUBTREE, mem_text(whole),
			NULL, hits, err))
			return false;
	return true;
}

static bool
has_sid(const struct dir_entry *e, struct view sid)
{
	return dir_attr_has(dir_entry_attr(e, "objectSid"), sid);
}

/* Whose SID it is, if it is anybody's today; else who had it: whoever was moved in from another
 * domain got a new SID and keeps the old one in sIDHistory, which nobody but the domain's
 * administrators can write. */
static void
prefer_owners(struct dir_entries *hits, struct view sid)
{
	size_t owners = 0;

	for (size_t i = 0; i < hits->count; i++)
		owners += has_sid(&hits->list[i], sid);
	for (size_t i = hits->count; owners > 0 && i-- > 0;) {
		if (has_sid(&hits->list[i], sid))
			continue;
		dir_entry_free(&hits->list[i]);
		hits->list[i] = hits->list[--hits->count];
	}
}

bool
principal_search_sid(
    struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};
	struct view value;
	struct sid sid;

	if (!sid_from_text(token, &sid))
		return err_set(err, ERROR_INVALID_DATA, "'%.64s' is no SID", token);
	if (!sid_encode(&sid, &raw, err))
		return false;
	value = buf_view(&raw);
	if (!search_all(c,
		dir_filter("(&(|(objectSid=%S)(sIDHistory=%S))" PEOPLE ")", &value, &value), hits,
		err))
		return false;
	prefer_owners(hits, value);
	return true;
}

bool
principal_search_dn(struct dir_conn *c, const char *dn, struct dir_entries *hits, struct err *err)
{
	return search_into(c, dn, DIR_BASE, mem_text(PEOPLE), NULL, hits, err);
}

/* Containers of this name right below each of `places`, which they replace. */
static bool
descend(struct dir_conn *c, const char *name, struct dir_entries *places, struct err *err)
{
	OWNED(own_memory) char *filter = dir_filter("(|(cn=%s)(ou=%s))", name, name);
	OWNED(dir_entries_free) struct dir_entries above = *places;

	*places = (struct dir_entries){0};
	for (size_t i = 0; i < above.count; i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};

		if (!dir_search(c,
			&(struct dir_query){.base = above.list[i].dn,
			    .scope = DIR_ONE,
			    .filter = filter,
			    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL},
			    .size_limit = HITS_MAX},
			&found, err))
			return false;
		for (size_t k = 0; k < found.count; k++)
			dir_entries_take(places, &found.list[k]);
	}
	return true;
}

/* container\user and container\container\user: containers below `base`, the user right in the last
 * one, by its CN. `path` is cut into its parts. */
static bool
search_path(
    struct dir_conn *c, const char *base, char *path, struct dir_entries *hits, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries places = {0};
	char *part = path, *next;

	dir_entries_take(&places, &(struct dir_entry){.dn = mem_text(base)});
	for (; (next = strchr(part, '\\')) != NULL; part = next + 1) {
		*next = '\0';
		if (!descend(c, part, &places, err))
			return false;
	}
	for (size_t i = 0; i < places.count; i++)
		if (!search_into(c, places.list[i].dn, DIR_ONE,
			dir_filter("(&" PEOPLE "(cn=%s))", part), NULL, hits, err))
			return false;
	return true;
}

/* Names that accounts are known by: sAMAccountName, and uid where nobody but the directory's
 * administrators writes it. Active Directory does not guard uid, so there it identifies nobody.
 * Returns how many. */
static size_t
account_names(struct dir_conn *c, const char *name, struct name out[2])
{
	out[0] = (struct name){"sAMAccountName", name};
	out[1] = (struct name){"uid", name};
	return dir_conn_root(c)->is_ad ? 1 : 2;
}

static bool
search_known(struct dir_conn *c, const char *name, const struct dir_entry *domain,
    struct dir_entries *hits, struct err *err)
{
	struct name names[2];

	return search_names(c, names, account_names(c, name, names), domain, hits, err);
}

static bool
has_empty_part(const char *path)
{
	return *path == '\\' || strstr(path, "\\\\") != NULL || path[strlen(path) - 1] == '\\';
}

/* DOMAIN\user where the left side names a domain, DOMAIN\container\user, else container\user in the
 * domain of this server. */
static bool
search_downlevel(struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	OWNED(own_memory) char *left = mem_text(token), *nc = NULL;
	const struct dir_entry *domain;
	char *rest;

	if (has_empty_part(token))
		return true; /* names nobody */
	rest = strchr(left, '\\');
	*rest++ = '\0';
	if (!dir_domain_find(c, left, &domain, err))
		return false;
	if (domain == NULL) {
		rest[-1] = '\\';
		return search_path(c, dir_conn_root(c)->default_nc, left, hits, err);
	}
	if (strchr(rest, '\\') == NULL)
		return search_known(c, rest, domain, hits, err);
	return dir_entry_text(domain, "nCName", &nc, err) == DIR_GET_OK &&
	       search_path(c, nc, rest, hits, err);
}

bool
principal_is_spelled(const struct dir_entry *e, const char *attr, const char *value)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = NULL;
		struct err ignored;

		if (text_from_view(buf_view(&a->values[i]), &text, &ignored) &&
		    text_eq_fold(text, value))
			return true;
	}
	return false;
}

/* Moves those that are spelled so, in the domain unless that is NULL, to `hits`. */
static void
pick_spelled(struct dir_conn *c, struct dir_entries *found, const struct name *names, size_t count,
    const struct dir_entry *domain, struct dir_entries *hits)
{
	OWNED(dir_entries_free) struct dir_entries spelled = {0};

	for (size_t i = 0; i < found->count; i++)
		for (size_t k = 0; k < count; k++)
			if (found->list[i].dn != NULL &&
			    principal_is_spelled(&found->list[i], names[k].attr, names[k].value))
				dir_entries_take(&spelled, &found->list[i]);
	merge(c, &spelled, domain, hits);
}

/* What signs in is spelled as the directory has it, but for the case: one account must not have
 * names without number, each of which could be guessed at anew. */
static bool
search_spelled(struct dir_conn *c, const struct name *names, size_t count,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!search_names(c, names, count, NULL, &found, err))
		return false;
	pick_spelled(c, &found, names, count, domain, hits);
	return true;
}

/* The names of search_known, of those who sign in. */
static bool
search_account(struct dir_conn *c, const char *name, const struct dir_entry *domain,
    struct dir_entries *hits, struct err *err)
{
	struct name names[2];

	return search_spelled(c, names, account_names(c, name, names), domain, hits, err);
}

/* user@domain: the UPN, and the account of that name in the domain of that name, which has this
 * UPN without an attribute that says so ([MS-ADTS] 5.1.1.1.1). Both count, so that somebody's UPN
 * cannot pass for somebody else's account: two hits are ambiguous. The suffix of a UPN need be no
 * domain (uPNSuffixes of CN=Partitions), and mail is no UPN. */
static bool
search_upn(struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	const char *at = strrchr(token, '@');
	const struct dir_entry *domain = dir_domain_named(c, at + 1);
	OWNED(own_memory) char *name = mem_text_n(token, (size_t)(at - token));
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct name names[3] = {{"userPrincipalName", token}};
	size_t count = domain != NULL && at != token ? account_names(c, name, names + 1) : 0;

	if (!search_names(c, names, 1 + count, NULL, &found, err))
		return false;
	pick_spelled(c, &found, names, 1, NULL, hits);
	if (count == 0)
		return true;
	if (hits->count == 0 && !dir_domain_find(c, at + 1, &domain, err))
		return false;
	pick_spelled(c, &found, names + 1, count, domain, hits);
	return true;
}

static bool
search_name(struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	/* In this order, and not all at once: account names are guarded, CNs are not, and whoever
	 * gives his CN another's account name must not make that name ambiguous. */
	const char *const attrs[] = {"cn", "dNSHostName"};
	size_t count = strchr(token, '.') != NULL ? 2 : 1;

	if (strchr(token, '/') != NULL &&
	    !search_value(c, "servicePrincipalName", token, NULL, hits, err))
		return false;
	if (hits->count == 0 && !search_known(c, token, NULL, hits, err))
		return false;
	for (size_t i = 0; hits->count == 0 && i < count; i++)
		if (!search_value(c, attrs[i], token, NULL, hits, err))
			return false;
	return true;
}

/* "{3f2504e0-...}", with or without the braces. */
static bool
is_guid(const char *token, uint8_t guid[GUID_LEN])
{
	char text[37];
	size_t len = strlen(token);

	if (len == 38 && token[0] == '{' && token[37] == '}') {
		token++;
		len -= 2;
	}
	if (len != 36)
		return false;
	memcpy(text, token, 36);
	text[36] = '\0';
	return guid_from_text(text, guid);
}

bool
principal_search_token(
    struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	uint8_t guid[GUID_LEN] = {0};
	const struct view raw = view_of(guid, sizeof guid);
	struct sid sid;

	if (sid_from_text(token, &sid))
		return principal_search_sid(c, token, hits, err);
	if (is_guid(token, guid))
		return search_all(c, dir_filter("(&(objectGUID=%S)" PEOPLE ")", &raw), hits, err);
	if (strchr(token, '=') != NULL && dir_dn_depth(token) > 1)
		return principal_search_dn(c, token, hits, err);
	if (strchr(token, '\\') != NULL)
		return search_downlevel(c, token, hits, err);
	if (strchr(token, '@') != NULL)
		return search_upn(c, token, hits, err);
	return search_name(c, token, hits, err);
}

/* DOMAIN\user. Only a domain may stand on the left: a CN is not guarded well enough to identify
 * somebody. */
static bool
search_domain_account(
    struct dir_conn *c, const char *identity, struct dir_entries *hits, struct err *err)
{
	const char *slash = strchr(identity, '\\');
	OWNED(own_memory) char *left = mem_text_n(identity, (size_t)(slash - identity));
	const struct dir_entry *domain;

	return dir_domain_find(c, left, &domain, err) &&
	       (domain == NULL || slash[1] == '\0' ||
		   search_account(c, slash + 1, domain, hits, err));
}

static bool
search_identity_name(
    struct dir_conn *c, const char *name, struct dir_entries *hits, struct err *err)
{
	if (strchr(name, '\\') != NULL)
		return search_domain_account(c, name, hits, err);
	if (strchr(name, '@') != NULL)
		return search_upn(c, name, hits, err);
	return search_account(c, name, NULL, hits, err);
}

/* The parts of a name, and the domain that it is in: by any of the domain's names, or the server's
 * own where the name has none. NULL: there is no such domain. */
static const struct dir_entry *
split_name(struct dir_conn *c, const char *name, char **domain_out, char **account_out)
{
	const char *slash = strchr(name, '\\'), *at = slash == NULL ? strrchr(name, '@') : NULL;

	*domain_out = NULL;
	if (slash != NULL) {
		*domain_out = mem_text_n(name, (size_t)(slash - name));
		*account_out = mem_text(slash + 1);
	} else if (at != NULL) {
		*domain_out = mem_text(at + 1);
		*account_out = mem_text_n(name, (size_t)(at - name));
	} else {
		*account_out = mem_text(name);
		return dir_domain_of(c, dir_conn_root(c)->default_nc);
	}
	return dir_domain_named(c, *domain_out);
}

char *
principal_account_key(struct dir_conn *c, const char *name)
{
	OWNED(own_memory) char *domain_name = NULL, *account = NULL, *nc = NULL, *whole = NULL;
	const struct dir_entry *domain = split_name(c, name, &domain_name, &account);
	struct err ignored;

	if (domain != NULL && dir_entry_text(domain, "nCName", &nc, &ignored) == DIR_GET_OK)
		whole = text_printf("%s\\%s", nc, account);
	return text_fold(whole != NULL ? whole : name);
}

/* gss_display_name puts a backslash before an '@' that is no realm's: such a principal has no
 * account, whatever it is called. */
static bool
search_kerberos(struct dir_conn *c, const char *name, struct dir_entries *hits, struct err *err)
{
	const char *at = strrchr(name, '@');

	if (strchr(name, '\\') != NULL)
		return true;
	if (at == NULL)
		return search_account(c, name, NULL, hits, err);
	return dir_domain_named(c, at + 1) == NULL || search_upn(c, name, hits, err);
}

static bool
search_mail(struct dir_conn *c, const char *mail, struct dir_entries *hits, struct err *err)
{
	return search_spelled(c, &(struct name){"mail", mail}, 1, NULL, hits, err);
}

principal_search *
principal_search_of(enum identity_kind kind)
{
	switch (kind) {
	case IDENTITY_NAME:
		return search_identity_name;
	case IDENTITY_KERBEROS:
		return search_kerberos;
	case IDENTITY_SID:
		return principal_search_sid;
	case IDENTITY_MAIL:
		return search_mail;
	case IDENTITY_DN:
		break;
	}
	return principal_search_dn;
}

static void
set_ambiguous(const char *token, const struct dir_entries *hits, struct err *err)
{
	char list[400] = "";
	size_t used = 0;

	for (size_t i = 0; i < hits->count && used + strlen(hits->list[i].dn) + 3 < sizeof list;
	     i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
		    i == 0 ? ": " : "; ", hits->list[i].dn);
	err_set(err, TYPE_E_AMBIGUOUSNAME, "Ambiguous name. \"%.64s\" names %zu principals%s",
	    token, hits->count, list);
}

bool
principal_locate_all(struct dir_conn *c, principal_search *search, const char *token,
    struct dir_entries *out, struct err *err)
{
	*out = (struct dir_entries){0};
	if (*token == '\0' || strlen(token) > TOKEN_MAX)
		return err_set(
		    err, E_INVALIDARG, "the name of a principal has 1 to %d bytes", TOKEN_MAX);
	return dir_domains_load(c, err) && search(c, token, out, err);
}

enum dir_find
principal_locate(struct dir_conn *c, principal_search *search, const char *token,
    struct dir_entry *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries hits = {0};

	*out = (struct dir_entry){0};
	if (!principal_locate_all(c, search, token, &hits, err))
		return DIR_FIND_FAILED;
	if (hits.count > 1) {
		set_ambiguous(token, &hits, err);
		return DIR_FIND_FAILED;
	}
	if (hits.count == 0)
		return DIR_NOT_FOUND;
	*out = hits.list[0];
	hits.list[0] = (struct dir_entry){0};
	return DIR_FOUND;
}
