#include "principal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "groups_priv.h"
#include "text.h"

#define TOKEN_MAX 512
/* Enough to name in a sentence; more hits than that are an error of the search. */
#define HITS_MAX 100

/* ADS_UF_ACCOUNT_DISABLE, [MS-ADTS] 2.2.16. */
#define UF_ACCOUNT_DISABLE 0x2

/* Works on every directory: a class that the server does not know makes its part Undefined, and an
 * OR survives that. Groups are sorted out afterwards, because a NOT would not survive it. */
#define PEOPLE                                                                        \
	"(|(objectClass=user)(objectClass=person)(objectClass=computer)(objectClass=" \
	"securityPrincipal))"

static const char *const principal_attrs[] = {"objectClass", "cn", "sAMAccountName",
    "userPrincipalName", "mail", "dNSHostName", "objectGUID", "objectSid", "primaryGroupID", NULL};

void
principal_free(struct principal *p)
{
	if (p == NULL)
		return;
	free(p->dn);
	free(p->cn);
	free(p->sam);
	free(p->domain);
	free(p->downlevel);
	free(p->upn);
	free(p->mail);
	free(p->dns_name);
	sids_free(&p->sids);
	*p = (struct principal){0};
}

/* ---- Finding the entry ---- */

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
static bool
merge(struct dir_conn *c, struct dir_entries *from, const struct dir_entry *domain,
    struct dir_entries *to, struct err *err)
{
	for (size_t i = 0; i < from->count; i++) {
		struct dir_entry *e = &from->list[i], *grown;

		if (groups_is_group(e) || holds_dn(to, e->dn) ||
		    (domain != NULL && dir_domain_of(c, e->dn) != domain))
			continue;
		if ((grown = reallocarray(to->list, to->count + 1, sizeof *grown)) == NULL)
			return err_nomem(err);
		to->list = grown;
		to->list[to->count++] = *e;
		*e = (struct dir_entry){0};
	}
	return true;
}

/* One search whose hits are added to `hits`. Takes over `filter`. */
static bool
search_into(struct dir_conn *c, const char *base, enum dir_scope scope, char *filter,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	struct dir_entries found = {0};
	bool ok = dir_search(c,
		      &(struct dir_query){.base = base,
			  .scope = scope,
			  .filter = filter,
			  .attrs = principal_attrs,
			  .size_limit = HITS_MAX},
		      &found, err) &&
		  merge(c, &found, domain, hits, err);

	dir_entries_free(&found);
	free(filter);
	return ok;
}

/* Principals with this value of an attribute, anywhere, or in one domain. */
static bool
search_value(struct dir_conn *c, const char *attr, const char *value,
    const struct dir_entry *domain, struct dir_entries *hits, struct err *err)
{
	for (size_t i = 0; i < c->base_count; i++)
		if (!search_into(c, c->bases[i], DIR_SUBTREE,
			dir_filter("(&" PEOPLE "(%s=%s))", attr, value), domain, hits, err))
			return false;
	return true;
}

/* container\user: a container right below the domain, the user right in it, by its CN. */
static bool
search_container(struct dir_conn *c, const char *container, const char *cn,
    struct dir_entries *hits, struct err *err)
{
	struct dir_entries places = {0};
	char *filter = dir_filter("(|(cn=%s)(ou=%s))", container, container);
	bool ok = dir_search(c,
	    &(struct dir_query){.base = c->default_nc,
		.scope = DIR_ONE,
		.filter = filter,
		.attrs = (const char *const[]){LDAP_NO_ATTRS, NULL},
		.size_limit = HITS_MAX},
	    &places, err);

	for (size_t i = 0; ok && i < places.count; i++)
		ok = search_into(c, places.list[i].dn, DIR_ONE,
		    dir_filter("(&" PEOPLE "(cn=%s))", cn), NULL, hits, err);
	dir_entries_free(&places);
	free(filter);
	return ok;
}

/* DOMAIN\user where the left side names a domain, else container\user. */
static bool
search_downlevel(struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	const char *slash = strchr(token, '\\'), *right = slash + 1;
	char *left = strndup(token, (size_t)(slash - token));
	const struct dir_entry *domain;
	bool ok;

	if (left == NULL)
		return err_nomem(err);
	if (*left == '\0' || *right == '\0')
		ok = true; /* names nobody */
	else if ((domain = dir_domain_named(c, left)) != NULL)
		ok = search_value(c, "sAMAccountName", right, domain, hits, err);
	else
		ok = search_container(c, left, right, hits, err);
	free(left);
	return ok;
}

static bool
search_token(struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err)
{
	if (strchr(token, '@') != NULL)
		return search_value(c, "userPrincipalName", token, NULL, hits, err);
	if (strchr(token, '\\') != NULL)
		return search_downlevel(c, token, hits, err);
	if (!search_value(c, "sAMAccountName", token, NULL, hits, err))
		return false;
	return hits->count > 0 || search_value(c, "cn", token, NULL, hits, err);
}

/* Account names: sAMAccountName and, where it is what the accounts of the directory are known by,
 * uid. Active Directory does not guard uid, so there it identifies nobody. */
static bool
search_account(struct dir_conn *c, const char *name, const struct dir_entry *domain,
    struct dir_entries *hits, struct err *err)
{
	return search_value(c, "sAMAccountName", name, domain, hits, err) &&
	       (c->root.is_ad || search_value(c, "uid", name, domain, hits, err));
}

/* user@REALM: the UPN, and the account of that name in the domain of that name. Both count, so that
 * somebody's UPN cannot pass for somebody else's account: two hits are ambiguous. */
static bool
search_realm_name(
    struct dir_conn *c, const char *identity, struct dir_entries *hits, struct err *err)
{
	const char *at = strrchr(identity, '@');
	const struct dir_entry *domain = dir_domain_named(c, at + 1);
	char *name = strndup(identity, (size_t)(at - identity));
	bool ok;

	if (name == NULL)
		return err_nomem(err);
	ok = search_value(c, "userPrincipalName", identity, NULL, hits, err) &&
	     (domain == NULL || *name == '\0' || search_account(c, name, domain, hits, err));
	free(name);
	return ok;
}

/* DOMAIN\user. Only a domain may stand on the left: a CN is not guarded well enough to identify
 * somebody. */
static bool
search_domain_account(
    struct dir_conn *c, const char *identity, struct dir_entries *hits, struct err *err)
{
	const char *slash = strchr(identity, '\\');
	char *left = strndup(identity, (size_t)(slash - identity));
	const struct dir_entry *domain;
	bool ok;

	if (left == NULL)
		return err_nomem(err);
	domain = dir_domain_named(c, left);
	ok = domain == NULL || slash[1] == '\0' || search_account(c, slash + 1, domain, hits, err);
	free(left);
	return ok;
}

static bool
search_dn(struct dir_conn *c, const char *dn, struct dir_entries *hits, struct err *err)
{
	return search_into(c, dn, DIR_BASE, strdup(PEOPLE), NULL, hits, err);
}

static bool
search_identity(struct dir_conn *c, const char *identity, struct dir_entries *hits, struct err *err)
{
	if (strncmp(identity, "dn:", 3) == 0)
		return identity[3] == '\0' || search_dn(c, identity + 3, hits, err);
	if (strchr(identity, '\\') != NULL)
		return search_domain_account(c, identity, hits, err);
	if (strchr(identity, '@') != NULL)
		return search_realm_name(c, identity, hits, err);
	return search_account(c, identity, NULL, hits, err);
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

typedef bool search_fn(
    struct dir_conn *c, const char *token, struct dir_entries *hits, struct err *err);

/* The one entry that a search finds. */
static enum dir_find
locate(struct dir_conn *c, search_fn *search, const char *token, struct dir_entry *out,
    struct err *err)
{
	struct dir_entries hits = {0};
	enum dir_find found = DIR_FIND_FAILED;

	*out = (struct dir_entry){0};
	if (*token == '\0' || strlen(token) > TOKEN_MAX) {
		err_set(err, E_INVALIDARG, "the name of a principal has 1 to %d bytes", TOKEN_MAX);
		goto out;
	}
	if (!dir_domains_load(c, err) || !search(c, token, &hits, err))
		goto out;
	if (hits.count > 1) {
		set_ambiguous(token, &hits, err);
		goto out;
	}
	found = DIR_NOT_FOUND;
	if (hits.count == 1) {
		*out = hits.list[0];
		hits.list[0] = (struct dir_entry){0};
		found = DIR_FOUND;
	}
out:
	dir_entries_free(&hits);
	return found;
}

/* ---- Reading the entry ---- */

/* cn may have several values on OpenLDAP; the one in the DN is the name then. */
static bool
read_cn(const struct dir_entry *e, struct principal *p, struct err *err)
{
	const struct dir_attr *cn = dir_entry_attr(e, "cn");

	if (cn != NULL && cn->count == 1)
		return dir_entry_text(e, "cn", &p->cn, err) == DIR_GET_OK;
	if ((p->cn = dir_dn_first_value(e->dn)) == NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s has no name that can be read", e->dn);
	return true;
}

/* Of several mail addresses none is the principal's one; then there is none, and what needs one
 * says so. */
static bool
read_mail(const struct dir_entry *e, struct principal *p, struct err *err)
{
	const struct dir_attr *mail = dir_entry_attr(e, "mail");

	return (mail != NULL && mail->count > 1) ||
	       dir_entry_text(e, "mail", &p->mail, err) != DIR_GET_FAILED;
}

static bool
read_names(const struct dir_entry *e, struct principal *p, struct err *err)
{
	if ((p->dn = strdup(e->dn)) == NULL)
		return err_nomem(err);
	return read_cn(e, p, err) && read_mail(e, p, err) &&
	       dir_entry_text(e, "sAMAccountName", &p->sam, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "userPrincipalName", &p->upn, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "dNSHostName", &p->dns_name, err) != DIR_GET_FAILED;
}

static bool
read_domain(struct dir_conn *c, struct principal *p, struct err *err)
{
	const struct dir_entry *domain = dir_domain_of(c, p->dn);

	if (domain != NULL &&
	    dir_entry_text(domain, "nETBIOSName", &p->domain, err) == DIR_GET_FAILED)
		return false;
	if (p->sam != NULL && p->domain != NULL)
		p->downlevel = text_printf("%s\\%s", p->domain, p->sam);
	else
		p->downlevel = text_printf("%s", p->sam != NULL ? p->sam : p->cn);
	return p->downlevel != NULL || err_nomem(err);
}

static bool
read_ids(const struct dir_entry *e, struct principal *p, struct err *err)
{
	struct view raw;
	enum dir_get got = dir_entry_bytes(e, "objectGUID", &raw, err);

	if (got == DIR_GET_FAILED)
		return false;
	if (got == DIR_GET_OK) {
		if (raw.len != sizeof p->guid)
			return err_set(err, ERROR_INVALID_DATA,
			    "%s: objectGUID has %zu bytes, not 16", e->dn, raw.len);
		memcpy(p->guid, raw.ptr, sizeof p->guid);
		p->has_guid = true;
	}
	if ((got = dir_entry_bytes(e, "objectSid", &raw, err)) == DIR_GET_FAILED)
		return false;
	if (got == DIR_GET_OK) {
		if (!sid_decode(raw, &p->sid, err))
			return err_prefix(err, "objectSid of %s", e->dn);
		p->has_sid = true;
	}
	return true;
}

static bool
read_sids(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	int32_t rid;
	enum dir_get got = dir_entry_int32(e, "primaryGroupID", &rid, err);
	struct group_subject s = {.dn = p->dn,
	    .sid = p->has_sid ? &p->sid : NULL,
	    .primary_rid = got == DIR_GET_OK ? &rid : NULL};

	if (got == DIR_GET_FAILED || (p->has_sid && !sids_add(&p->sids, &p->sid, err)))
		return false;
	return groups_collect(c, &s, &p->sids, err);
}

static bool
read_principal(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	size_t sam_len;

	if (!read_names(e, p, err) || !read_domain(c, p, err) || !read_ids(e, p, err) ||
	    !read_sids(c, e, p, err))
		return false;
	sam_len = p->sam != NULL ? strlen(p->sam) : 0;
	p->is_machine = dir_entry_has_value_nocase(e, "objectClass", "computer") ||
			(sam_len > 0 && p->sam[sam_len - 1] == '$');
	return true;
}

static enum dir_find
find_with(struct dir_conn *c, search_fn *search, const char *token, struct principal *out,
    struct err *err)
{
	struct dir_entry e;
	enum dir_find found = locate(c, search, token, &e, err);

	*out = (struct principal){0};
	if (found == DIR_FOUND && !read_principal(c, &e, out, err)) {
		principal_free(out);
		found = DIR_FIND_FAILED;
	}
	dir_entry_free(&e);
	return found;
}

enum dir_find
principal_find(struct dir_conn *c, const char *token, struct principal *out, struct err *err)
{
	return find_with(c, search_token, token, out, err);
}

enum dir_find
principal_find_identity(
    struct dir_conn *c, const char *identity, struct principal *out, struct err *err)
{
	return find_with(c, search_identity, identity, out, err);
}

enum dir_find
principal_get(struct dir_conn *c, const char *dn, struct principal *out, struct err *err)
{
	return find_with(c, search_dn, dn, out, err);
}

enum dir_find
principal_find_sids(struct dir_conn *c, const char *token, struct sids *out, struct err *err)
{
	struct principal p;
	enum dir_find found = principal_find(c, token, &p, err);

	*out = p.sids;
	p.sids = (struct sids){0};
	principal_free(&p);
	return found;
}

/* ---- SCRAM verifier ---- */

/* RFC 5803: "SCRAM-SHA-256$" iterations ":" salt "$" StoredKey ":" ServerKey; the scheme's name is
 * compared without case. */
static enum dir_find
pick_verifier(const struct dir_entry *e, char **out, struct err *err)
{
	static const char scheme[] = "SCRAM-SHA-256$";
	const struct dir_attr *a = dir_entry_attr(e, "authPassword");
	enum dir_find found = DIR_NOT_FOUND;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		struct view v = buf_view(&a->values[i]);

		if (v.len < sizeof scheme ||
		    strncasecmp((const char *)v.ptr, scheme, sizeof scheme - 1) != 0)
			continue;
		if (found == DIR_FOUND) {
			err_set(err, ERROR_INVALID_DATA,
			    "%s has several SCRAM-SHA-256 values in authPassword", e->dn);
			return DIR_FIND_FAILED;
		}
		if (!text_from_view(v, out, err)) {
			err_prefix(err, "authPassword of %s", e->dn);
			return DIR_FIND_FAILED;
		}
		found = DIR_FOUND;
	}
	return found;
}

/* An account that is switched off has no verifier: no bind is made that would tell. */
static enum dir_find
verifier_of(const struct dir_entry *e, char **out, struct err *err)
{
	int32_t control = 0;

	if (dir_entry_int32(e, "userAccountControl", &control, err) == DIR_GET_FAILED)
		return DIR_FIND_FAILED;
	return (control & UF_ACCOUNT_DISABLE) != 0 ? DIR_NOT_FOUND : pick_verifier(e, out, err);
}

enum dir_find
principal_scram_verifier(struct dir_conn *c, const char *identity, char **out, struct err *err)
{
	struct dir_entries read = {0};
	struct dir_entry e;
	enum dir_find found;

	*out = NULL;
	if ((found = locate(c, search_identity, identity, &e, err)) != DIR_FOUND)
		return found;
	if (!dir_search(c,
		&(struct dir_query){.base = e.dn,
		    .filter = PEOPLE,
		    .attrs = (const char *const[]){"authPassword", "userAccountControl", NULL}},
		&read, err))
		found = DIR_FIND_FAILED;
	else
		found = read.count == 1 ? verifier_of(&read.list[0], out, err) : DIR_NOT_FOUND;
	if (found != DIR_FOUND) {
		free(*out);
		*out = NULL;
	}
	dir_entries_free(&read);
	dir_entry_free(&e);
	return found;
}
