#include "principal_priv.h"

#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "clock.h"
#include "domains.h"
#include "groups_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

/* ---- Reading the entry ---- */

/* cn may have several values on OpenLDAP; the name is then what the first RDN says: its cn, or what
 * it has instead. */
static bool
read_cn(const struct dir_entry *e, struct principal *p, struct err *err)
{
	const struct dir_attr *cn = dir_entry_attr(e, "cn");

	if (cn != NULL && cn->count == 1)
		return dir_entry_text(e, "cn", &p->cn, err) == DIR_GET_OK;
	if ((p->cn = dir_dn_first_value_of(e->dn, "cn")) == NULL &&
	    (p->cn = dir_dn_first_value(e->dn)) == NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s has no name that can be read", e->dn);
	return true;
}

/* The one that is known to be the first; then by the folded text, then by the text itself. */
static bool
goes_before(const char *a, const char *b, const char *first)
{
	OWNED(own_memory) char *one = text_fold(a), *other = text_fold(b);
	int order = strcmp(one, other);

	if (first != NULL && text_eq_fold(a, first) != text_eq_fold(b, first))
		return text_eq_fold(a, first);
	return order != 0 ? order < 0 : strcmp(a, b) < 0;
}

/* mail and uid have several values on OpenLDAP, in an order that nobody promises. */
static bool
read_sorted(const struct dir_entry *e, const char *attr, const char *first, struct texts *out,
    struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		char *text;

		if (!text_from_view(buf_view(&a->values[i]), &text, err))
			return err_prefix(err, "%s of %s", attr, e->dn);
		texts_take(out, text);
		for (size_t k = out->count - 1; k > 0 && goes_before(text, out->list[k - 1], first);
		     k--) {
			out->list[k] = out->list[k - 1];
			out->list[k - 1] = text;
		}
	}
	return true;
}

bool
principal_read_accounts(const struct dir_entry *e, bool by_uid, struct texts *out, struct err *err)
{
	OWNED(own_memory) char *first = dir_dn_first_value_of(e->dn, "uid"), *sam = NULL;
	OWNED(texts_free) struct texts uids = {0};

	if (dir_entry_text(e, "sAMAccountName", &sam, err) == DIR_GET_FAILED ||
	    (by_uid && !read_sorted(e, "uid", first, &uids, err)))
		return false;
	if (sam != NULL)
		texts_add(out, sam);
	for (size_t i = 0; i < uids.count; i++)
		if (!texts_has_nocase(out, uids.list[i]))
			texts_add(out, uids.list[i]);
	return true;
}

static bool
read_names(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	p->dn = mem_text(e->dn);
	if (!read_cn(e, p, err) ||
	    !principal_read_accounts(e, !dir_conn_root(c)->is_ad, &p->accounts, err))
		return false;
	if (p->accounts.count > 0)
		p->sam = mem_text(p->accounts.list[0]);
	return dir_entry_text(e, "userPrincipalName", &p->upn, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "dNSHostName", &p->dns_name, err) != DIR_GET_FAILED &&
	       read_sorted(e, "mail", p->upn, &p->mails, err);
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
	return true;
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

/* The accounts that Windows makes in every domain have numbers below it ([MS-DTYP] 2.4.2.4). */
#define RID_FIRST_OWN 1000

/* Whether an account can have been that before: one of a domain, and none that every domain has,
 * unless it is that itself. Who writes Administrators or Domain Admins there has other plans. */
static bool
may_have_been(const struct principal *p, const struct sid *old)
{
	if (old->authority != 5 || old->count != 5 || old->subs[0] != 21)
		return false;
	return old->subs[4] >= RID_FIRST_OWN ||
	       (p->has_sid && p->sid.count == 5 && p->sid.subs[4] == old->subs[4]);
}

/* Who else has that SID today; NULL: nobody. One of another domain may be known here by a
 * foreignSecurityPrincipal of that SID. */
static bool
find_owner(
    struct dir_conn *c, const struct principal *p, struct view sid, char **out, struct err *err)
{
	OWNED(own_memory)
	char *filter =
	    dir_filter("(&(objectSid=%S)(!(objectClass=foreignSecurityPrincipal)))", &sid);

	*out = NULL;
	for (size_t i = 0; *out == NULL && i < dir_domains(c)->bases.count; i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};

		if (!dir_search(c,
			&(struct dir_query){.base = dir_domains(c)->bases.list[i],
			    .scope = DIR_SUBTREE,
			    .filter = filter,
			    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
			&found, err))
			return false;
		for (size_t k = 0; *out == NULL && k < found.count; k++)
			if (!dir_dn_eq(found.list[k].dn, p->dn))
				*out = mem_text(found.list[k].dn);
	}
	return true;
}

/* SIDs of accounts that this one was before it was moved between domains: Windows puts them into
 * the token too. A SID that somebody has is nobody's past. */
static bool
add_history(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "sIDHistory");

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *owner = NULL;
		char text[SID_TEXT_MAX];
		struct sid sid;

		if (!sid_decode(buf_view(&a->values[i]), &sid, err))
			return err_prefix(err, "sIDHistory of %s", e->dn);
		sid_to_text(&sid, text);
		if (!may_have_been(p, &sid))
			return err_set(err, ERROR_INVALID_DATA,
			    "sIDHistory of %s holds %s, which no account can have been before: "
			    "find out who wrote it, and take it out",
			    e->dn, text);
		if (!find_owner(c, p, buf_view(&a->values[i]), &owner, err))
			return false;
		if (owner != NULL)
			return err_set(err, ERROR_INVALID_DATA,
			    "sIDHistory of %s holds %s, which is %s today: find out who wrote it, "
			    "and take it out",
			    e->dn, text, owner);
		sids_put(&p->sids, &sid);
	}
	return true;
}

static bool
read_sids(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	int32_t rid;
	enum dir_get got = dir_entry_int32(e, "primaryGroupID", &rid, err);
	OWNED(group_subject_free)
	struct group_subject s = {.dn = p->dn,
	    .sid = p->has_sid ? &p->sid : NULL,
	    .primary_rid = got == DIR_GET_OK ? &rid : NULL};

	if (got == DIR_GET_FAILED || (p->has_sid && !sids_add(&p->sids, &p->sid, err)) ||
	    !add_history(c, e, p, err) || !group_subject_read_posix(e, &s, err))
		return false;
	return groups_collect(c, &s, &p->sids, err);
}

/* GeneralizedTime in UTC (RFC 4517 3.3.13), which both write to the second at least. */
static void
read_created(const struct dir_entry *e, struct principal *p)
{
	OWNED(own_memory) char *text = NULL;
	OWNED(own_memory) char *iso = NULL;
	struct err ignored;

	p->created = INT64_MAX;
	if (dir_entry_text(e, "whenCreated", &text, &ignored) != DIR_GET_OK &&
	    dir_entry_text(e, "createTimestamp", &text, &ignored) != DIR_GET_OK)
		return;
	if (strspn(text, "0123456789") != 14 || text[strlen(text) - 1] != 'Z')
		return;
	iso = text_printf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6, text + 8,
	    text + 10, text + 12);
	if (!clock_parse(iso, &p->created))
		p->created = INT64_MAX;
}

/* All but the SIDs. */
static bool
read_account(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	size_t sam_len;

	if (!read_names(c, e, p, err) || !read_domain(c, p, err) || !read_ids(e, p, err) ||
	    !principal_read_state(e, p, err))
		return false;
	/* Every account of a domain has it, and not everybody may read it: it is in the property
	 * set User-Account-Restrictions. */
	p->is_hidden = dir_conn_root(c)->is_ad && p->has_sid &&
		       dir_entry_attr(e, "userAccountControl") == NULL;
	read_created(e, p);
	sam_len = p->sam != NULL ? strlen(p->sam) : 0;
	p->is_machine = dir_entry_has_value_nocase(e, "objectClass", "computer") ||
			(sam_len > 0 && p->sam[sam_len - 1] == '$');
	return true;
}

static bool
read_principal(struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err)
{
	return read_account(c, e, p, err) && read_sids(c, e, p, err);
}

typedef bool entry_reader(
    struct dir_conn *c, const struct dir_entry *e, struct principal *p, struct err *err);

static enum dir_find
find_and_read(struct dir_conn *c, principal_search *search, const char *token, entry_reader *read,
    struct principal *out, struct err *err)
{
	struct dir_entry e;
	enum dir_find found = principal_locate(c, search, token, &e, err);

	*out = (struct principal){0};
	if (found == DIR_FOUND && !read(c, &e, out, err)) {
		principal_free(out);
		found = DIR_FIND_FAILED;
	}
	dir_entry_free(&e);
	return found;
}

/* Each search follows from what the one before found; the next time all are sent at once. */
static enum dir_find
find_with(struct dir_conn *c, principal_search *search, const char *token, struct principal *out,
    struct err *err)
{
	enum dir_find found;

	dir_ahead_begin(c, token);
	found = find_and_read(c, search, token, read_principal, out, err);
	dir_ahead_end(c, found == DIR_FOUND);
	return found;
}

enum dir_find
principal_find_account(
    struct dir_conn *c, const struct identity *id, struct principal *out, struct err *err)
{
	return find_and_read(c, principal_search_of(id->kind), id->text, read_account, out, err);
}

enum dir_find
principal_find_token_account(
    struct dir_conn *c, const char *token, struct principal *out, struct err *err)
{
	return find_and_read(c, principal_search_token, token, read_account, out, err);
}

enum dir_find
principal_find(struct dir_conn *c, const char *token, struct principal *out, struct err *err)
{
	return find_with(c, principal_search_token, token, out, err);
}

enum dir_find
principal_find_identity(
    struct dir_conn *c, const struct identity *id, struct principal *out, struct err *err)
{
	return find_with(c, principal_search_of(id->kind), id->text, out, err);
}

enum dir_find
principal_get(struct dir_conn *c, const char *dn, struct principal *out, struct err *err)
{
	return find_with(c, principal_search_dn, dn, out, err);
}

/* An account that has a SID now was given it, or is another one. */
static enum dir_find
without_sid(enum dir_find found, struct principal *p)
{
	if (found != DIR_FOUND || !p->has_sid)
		return found;
	principal_free(p);
	return DIR_NOT_FOUND;
}

/* An account that is younger than the record has got the name since. */
static enum dir_find
find_named(
    struct dir_conn *c, const struct principal_record *r, struct principal *out, struct err *err)
{
	const struct identity named = {IDENTITY_NAME, r->name};
	enum dir_find found = principal_find_identity(c, &named, out, err);

	if (found != DIR_FOUND || out->created <= r->when)
		return found;
	principal_free(out);
	return DIR_NOT_FOUND;
}

enum dir_find
principal_find_recorded(
    struct dir_conn *c, const struct principal_record *r, struct principal *out, struct err *err)
{
	enum dir_find found = DIR_NOT_FOUND;

	*out = (struct principal){0};
	if (r->sid != NULL)
		return find_with(c, principal_search_sid, r->sid, out, err);
	if (r->dn == NULL)
		return r->name != NULL ? find_named(c, r, out, err) : DIR_NOT_FOUND;
	found = without_sid(principal_get(c, r->dn, out, err), out);
	if (found == DIR_NOT_FOUND && r->name != NULL)
		found = without_sid(principal_find(c, r->name, out, err), out);
	return found;
}
