/* Who gets which SID and which userPrincipalName. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adoption.h"
#include "dir_change.h"
#include "groups_priv.h"
#include "match.h"
#include "mem.h"
#include "own.h"
#include "principal_priv.h"
#include "text.h"

/* Below it are the RIDs that Windows gives to its own groups and people. */
#define FIRST_RID 1100
/* Where SIDs are made of numbers, those that are counted begin where few numbers lead. */
#define FIRST_RID_BESIDE_IDS UINT64_C(0xf0000000)
#define USER_BASE            1000
#define GROUP_BASE           1001

struct account {
	const struct dir_entry *e;
	bool is_group, is_selected;
	bool has_sid, has_upn, is_bad; /* bad: what it has cannot be read; nothing is added */
	struct texts names;            /* account names */
	bool gets_sid, is_counted;
	uint64_t rid;       /* that it has in this domain, or gets; 0: none */
	const char *of;     /* the attribute that makes its RID or UPN */
	char *upn, *upn_of; /* that it gets, and what that is made of */
};

/* Something that only one may have. */
struct claim {
	char *key;
	size_t account;
};

struct claims {
	struct claim *list;
	size_t count;
};

struct planner {
	const struct adoption_tree *t;
	const struct adoption_options *o;
	struct account *accounts;
	struct sid domain;
	bool domain_is_new;
	bool has_given; /* somebody has a SID of FreeIPA */
	char *counter;  /* as it is; NULL: there is none */
	uint64_t next;
	struct claims rids, upns;
	struct adoption *out;
};

static void
claims_add(struct claims *c, char *key, size_t account)
{
	c->list = mem_grow_long(c->list, c->count, sizeof *c->list);
	c->list[c->count++] = (struct claim){key, account};
}

static int
compare_claims(const void *a, const void *b)
{
	return strcmp(((const struct claim *)a)->key, ((const struct claim *)b)->key);
}

static void
claims_sort(struct claims *c)
{
	if (c->count > 0)
		qsort(c->list, c->count, sizeof *c->list, compare_claims);
}

static void
claims_free(struct claims *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->list[i].key);
	free(c->list);
	*c = (struct claims){0};
}

/* Somebody else than `me` (an index) who claims it too; NULL: nobody. Sorted before. */
static const struct account *
claimed_by_another(const struct planner *p, const struct claims *c, const char *key, size_t me)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(c->list[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->count && strcmp(c->list[low].key, key) == 0; low++)
		if (c->list[low].account != me)
			return &p->accounts[c->list[low].account];
	return NULL;
}

static char *
rid_key(uint64_t rid)
{
	return text_printf("%" PRIu64, rid);
}

static void
refuse(struct planner *p, const struct account *a, const char *what, char *why)
{
	texts_take(&p->out->refused, text_printf("%s: %s: %s", a->e->dn, what, why));
	free(why);
}

/* ---- What there is ---- */

static bool
is_text_selected(const struct texts *sorted, const char *dn)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sorted->list[middle], dn);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The last part of a SID of the domain; 0: it is of another. */
static uint64_t
rid_in(const struct sid *domain, const struct sid *sid)
{
	struct sid above = *sid;

	if (sid->count != domain->count + 1)
		return 0;
	above.subs[--above.count] = 0;
	return sid_eq(&above, domain) ? sid->subs[sid->count - 1] : 0;
}

static bool
read_sid(struct planner *p, struct account *a, struct err *err)
{
	struct view raw;
	struct sid sid;
	enum dir_get got = dir_entry_bytes(a->e, "objectSid", &raw, err);

	if (got == DIR_GET_ABSENT)
		return true;
	if (got == DIR_GET_FAILED || !sid_decode(raw, &sid, err))
		return err_prefix(err, "its objectSid");
	a->has_sid = true;
	a->rid = rid_in(&p->domain, &sid);
	return true;
}

/* Whoever nobody calls by a name is no account, as an entry of an address book. */
static bool
has_use(const struct account *a)
{
	return a->is_group || a->names.count > 0 ||
	       dir_entry_has_value_nocase(a->e, "objectClass", "computer");
}

static void
read_account(struct planner *p, const struct dir_entry *e, struct account *a)
{
	struct err why;

	*a = (struct account){.e = e, .is_group = groups_is_group(e)};
	a->has_upn = dir_entry_attr(e, "userPrincipalName") != NULL;
	if (!read_sid(p, a, &why) ||
	    (!a->is_group && !principal_read_accounts(e, true, &a->names, &why))) {
		a->is_bad = true;
		refuse(p, a, "left as it is", mem_text(why.msg));
	}
	a->is_selected = !a->is_bad && has_use(a) && is_text_selected(&p->t->selected, e->dn);
	p->out->people += a->is_selected && !a->is_group;
	p->out->groups += a->is_selected && a->is_group;
}

enum given { GIVEN_NONE, GIVEN_BAD, GIVEN };

static enum given
read_given(const struct dir_entry *e, struct sid *domain_out, uint32_t *rid_out)
{
	OWNED(own_memory) char *text = NULL;
	struct err ignored;
	enum dir_get got = dir_entry_text(e, ADOPTION_GIVEN_SID, &text, &ignored);

	if (got == DIR_GET_ABSENT)
		return GIVEN_NONE;
	if (got == DIR_GET_FAILED || !sid_from_text(text, domain_out) || domain_out->count < 2)
		return GIVEN_BAD;
	*rid_out = domain_out->subs[--domain_out->count];
	domain_out->subs[domain_out->count] = 0;
	return *rid_out != 0 ? GIVEN : GIVEN_BAD;
}

/* A domain without a SID has that of the SIDs that FreeIPA gave. */
static bool
find_given_domain(struct planner *p, struct err *err)
{
	const struct dir_entry *first = NULL;

	for (size_t i = 0; i < p->t->all.count; i++) {
		const struct dir_entry *e = &p->t->all.list[i];
		struct sid domain;
		uint32_t rid;

		if (read_given(e, &domain, &rid) != GIVEN)
			continue;
		p->has_given = true;
		if (p->domain_is_new && first != NULL && !sid_eq(&domain, &p->domain))
			return err_set(err, ERROR_INVALID_DATA,
			    "%s of %s and of %s are of two domains: give %s the objectSid of its "
			    "own",
			    ADOPTION_GIVEN_SID, first->dn, e->dn, p->t->domain.dn);
		if (p->domain_is_new)
			p->domain = domain;
		first = first != NULL ? first : e;
	}
	return true;
}

static bool
read_domain(struct planner *p, struct err *err)
{
	const struct dir_entry *e = &p->t->domain;
	struct view raw;
	enum dir_get got = dir_entry_bytes(e, "objectSid", &raw, err);

	if (got == DIR_GET_FAILED ||
	    dir_entry_text(e, "nextRid", &p->counter, err) == DIR_GET_FAILED)
		return false;
	p->domain_is_new = got == DIR_GET_ABSENT;
	if (p->domain_is_new)
		p->domain = *p->t->new_domain;
	else if (!sid_decode(raw, &p->domain, err))
		return err_prefix(err, "objectSid of %s", e->dn);
	if (!find_given_domain(p, err))
		return false;
	p->next = p->o->from_ids || p->has_given ? FIRST_RID_BESIDE_IDS : FIRST_RID;
	if (p->counter != NULL) {
		char *end;

		p->next = strtoull(p->counter, &end, 10);
		if (*end != '\0' || p->next < FIRST_RID || p->next > UINT32_MAX)
			return err_set(err, ERROR_INVALID_DATA,
			    "nextRid of %s is '%s', not a number from %d to %" PRIu32, e->dn,
			    p->counter, FIRST_RID, UINT32_MAX);
	}
	p->out->domain = p->domain;
	return true;
}

/* ---- SIDs ---- */

/* The RID that Samba makes of the number; 0: it has none, or one that makes none. */
static uint64_t
rid_of_number(struct planner *p, struct account *a)
{
	const char *attr = a->is_group ? "gidNumber" : "uidNumber";
	OWNED(own_memory) char *text = NULL;
	struct err why;
	uint64_t number, rid;

	switch (dir_entry_text(a->e, attr, &text, &why)) {
	case DIR_GET_ABSENT:
		a->is_counted = true;
		return 0;
	case DIR_GET_FAILED:
		refuse(p, a, "no SID", mem_text(why.msg));
		return 0;
	case DIR_GET_OK:
		break;
	}
	a->of = attr;
	number = strspn(text, "0123456789") == strlen(text) && strlen(text) <= 10
		     ? strtoull(text, NULL, 10)
		     : UINT64_MAX / 4;
	rid = 2 * number + (a->is_group ? GROUP_BASE : USER_BASE);
	if (rid <= UINT32_MAX)
		return rid;
	refuse(p, a, "no SID", text_printf("%s %s is too large to make one of", attr, text));
	return 0;
}

/* What it has from FreeIPA; false: nothing. */
static bool
take_given(struct planner *p, struct account *a)
{
	struct sid domain;
	uint32_t rid = 0;
	enum given given = read_given(a->e, &domain, &rid);

	if (given == GIVEN_NONE)
		return false;
	a->of = ADOPTION_GIVEN_SID;
	if (given == GIVEN && sid_eq(&domain, &p->domain))
		a->rid = rid;
	else
		refuse(p, a, "no SID",
		    text_printf("its %s is %s", a->of,
			given == GIVEN ? "of another domain" : "no SID of an account"));
	return true;
}

static void
propose_rids(struct planner *p)
{
	for (size_t i = 0; i < p->t->all.count; i++) {
		struct account *a = &p->accounts[i];

		if (a->is_selected && !a->has_sid) {
			if (take_given(p, a))
				;
			else if (p->o->from_ids)
				a->rid = rid_of_number(p, a);
			else
				a->is_counted = true;
			a->gets_sid = a->rid != 0;
		}
		if (a->rid != 0)
			claims_add(&p->rids, rid_key(a->rid), i);
	}
	claims_sort(&p->rids);
}

static void
check_rids(struct planner *p)
{
	for (size_t i = 0; i < p->t->all.count; i++) {
		struct account *a = &p->accounts[i];
		OWNED(own_memory) char *key = rid_key(a->rid);
		const struct account *other;

		if (!a->gets_sid || (other = claimed_by_another(p, &p->rids, key, i)) == NULL)
			continue;
		a->gets_sid = false;
		refuse(p, a, "no SID",
		    other->has_sid
			? text_printf("its %s makes the SID that %s has", a->of, other->e->dn)
			: text_printf("its %s is that of %s too", a->of, other->e->dn));
	}
}

static bool
count_rids(struct planner *p, struct err *err)
{
	for (size_t i = 0; i < p->t->all.count; i++) {
		struct account *a = &p->accounts[i];
		bool is_free = false;

		while (a->is_counted && !is_free) {
			OWNED(own_memory) char *key = rid_key(p->next);

			if (p->next == UINT32_MAX)
				return err_set(err, DIRCA_E_DIRECTORY,
				    "the domain %s has no SID left to give", p->t->domain.dn);
			is_free = claimed_by_another(p, &p->rids, key, SIZE_MAX) == NULL;
			a->rid = p->next++;
		}
		a->gets_sid = a->gets_sid || a->is_counted;
	}
	return true;
}

/* ---- userPrincipalName ---- */

/* What cannot stand in a UPN, or would be read as the form of another name. */
static bool
is_upn_part(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\"\\/[]:;|=,+*?<>()", *c))
			return false;
	return *text != '\0';
}

static bool
is_upn(const char *text)
{
	const char *at = strchr(text, '@');

	return is_upn_part(text) && at != NULL && at != text && at[1] != '\0' &&
	       strchr(at + 1, '@') == NULL;
}

/* By its account name, or its mail; NULL, and refused: there is none. */
static char *
make_upn(struct planner *p, struct account *a)
{
	const bool by_mail = p->o->upn == ADOPTION_UPN_MAIL;
	OWNED(own_memory) char *name = NULL, *upn = NULL;
	struct err why;

	a->of = by_mail ? "mail" : "uid";
	if (!by_mail) {
		name = mem_text(a->names.list[0]);
		upn = strchr(name, '@') != NULL || p->t->dns == NULL
			  ? mem_text(name)
			  : text_printf("%s@%s", name, p->t->dns);
	} else if (dir_entry_text(a->e, "mail", &name, &why) != DIR_GET_OK) {
		refuse(p, a, "no userPrincipalName",
		    mem_text(dir_entry_attr(a->e, "mail") == NULL ? "it has no mail"
								  : "its mail has several values"));
		return NULL;
	} else {
		upn = mem_text(name);
	}
	if (is_upn(upn))
		return own_give(&upn);
	refuse(p, a, "no userPrincipalName",
	    p->t->dns == NULL && !by_mail
		? text_printf("the suffix %s is no DNS name to put behind '%s'; make it of mail "
			      "(--upn mail)",
		      p->t->domain.dn, name)
		: text_printf("'%s' cannot be one", upn));
	return NULL;
}

/* What it has, what is meant by its account names, and what it gets. */
static void
claim_names(struct planner *p, size_t i)
{
	struct account *a = &p->accounts[i];
	const struct dir_attr *upns = dir_entry_attr(a->e, "userPrincipalName");

	for (size_t k = 0; upns != NULL && k < upns->count; k++) {
		OWNED(own_memory)
		char *text = mem_text_n(upns->values[k].ptr, upns->values[k].len);

		claims_add(&p->upns, match_key(text), i);
	}
	for (size_t k = 0; p->t->dns != NULL && k < a->names.count; k++) {
		OWNED(own_memory) char *text = text_printf("%s@%s", a->names.list[k], p->t->dns);

		claims_add(&p->upns, match_key(text), i);
	}
	if (a->upn != NULL)
		claims_add(&p->upns, match_key(a->upn), i);
}

static void
give_upns(struct planner *p)
{
	for (size_t i = 0; i < p->t->all.count; i++) {
		struct account *a = &p->accounts[i];

		if (p->o->upn != ADOPTION_UPN_NONE && a->is_selected && !a->has_upn &&
		    a->names.count > 0)
			a->upn = make_upn(p, a);
		claim_names(p, i);
	}
	claims_sort(&p->upns);
	for (size_t i = 0; i < p->t->all.count; i++) {
		struct account *a = &p->accounts[i];
		OWNED(own_memory) char *key = a->upn != NULL ? match_key(a->upn) : NULL;
		const struct account *other =
		    key != NULL ? claimed_by_another(p, &p->upns, key, i) : NULL;

		if (other == NULL)
			continue;
		refuse(p, a, "no userPrincipalName",
		    text_printf(
			"%s, made of its %s, is a name of %s too", a->upn, a->of, other->e->dn));
		free(a->upn);
		a->upn = NULL;
	}
}

/* ---- The plan ---- */

static bool
add_class(const struct dir_entry *e, const char *class, struct dir_entry *after, struct err *err)
{
	return dir_entry_has_value_nocase(e, "objectClass", class) ||
	       dir_entry_add(after, "objectClass", view_str(class), err);
}

static bool
add_sid(const struct sid *sid, struct dir_entry *after, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	return sid_encode(sid, &raw, err) && dir_entry_add(after, "objectSid", buf_view(&raw), err);
}

/* Only additions: somebody who was faster makes the server refuse it. */
static bool
plan_additions(struct adoption *out, const struct dir_entry *additions, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry none = {0};

	return dir_entry_init(&none, additions->dn, err) &&
	       plan_difference(&out->plan, &none, additions, (const char *const[]){NULL}, err);
}

/* The counter is moved before a SID of it is given; by its old value, so that two who count at the
 * same time do not give the same. */
static bool
plan_domain(struct planner *p, struct err *err)
{
	static const char *const guards[] = {"nextRid", NULL};
	OWNED(dir_entry_free) struct dir_entry before = {0}, after = {0};
	OWNED(own_memory) char *next = rid_key(p->next);
	const char *dn = p->t->domain.dn;
	bool counts = false;

	for (size_t i = 0; i < p->t->all.count; i++)
		counts = counts || p->accounts[i].is_counted;
	if (!dir_entry_init(&before, dn, err) || !dir_entry_init(&after, dn, err))
		return false;
	if ((p->domain_is_new || counts) && !add_class(&p->t->domain, "samDomainBase", &after, err))
		return false;
	if (p->domain_is_new && !add_sid(&p->domain, &after, err))
		return false;
	if (counts && (!dir_entry_add(&after, "nextRid", view_str(next), err) ||
			  (p->counter != NULL &&
			      !dir_entry_add(&before, "nextRid", view_str(p->counter), err))))
		return false;
	return plan_difference(&p->out->plan, &before, &after, guards, err);
}

static bool
plan_account(struct planner *p, const struct account *a, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry after = {0};
	struct sid sid;

	if (!a->gets_sid && a->upn == NULL)
		return true;
	p->out->changes++;
	if (!dir_entry_init(&after, a->e->dn, err) ||
	    !add_class(a->e, "securityPrincipal", &after, err))
		return false;
	if (a->gets_sid &&
	    (!sid_with_rid(&p->domain, (uint32_t)a->rid, &sid) || !add_sid(&sid, &after, err)))
		return false;
	return (a->upn == NULL ||
		   dir_entry_add(&after, "userPrincipalName", view_str(a->upn), err)) &&
	       plan_additions(p->out, &after, err);
}

static bool
make_plan(struct planner *p, struct err *err)
{
	propose_rids(p);
	check_rids(p);
	give_upns(p);
	if (!count_rids(p, err) || !plan_domain(p, err))
		return false;
	for (size_t i = 0; i < p->t->all.count; i++)
		if (!plan_account(p, &p->accounts[i], err))
			return false;
	return true;
}

static void
planner_free(struct planner *p)
{
	for (size_t i = 0; p->accounts != NULL && i < p->t->all.count; i++) {
		texts_free(&p->accounts[i].names);
		free(p->accounts[i].upn);
	}
	free(p->accounts);
	free(p->counter);
	claims_free(&p->rids);
	claims_free(&p->upns);
}

bool
adoption_plan(const struct adoption_tree *t, const struct adoption_options *o, struct adoption *out,
    struct err *err)
{
	OWNED(planner_free) struct planner p = {.t = t, .o = o, .out = out};

	*out = (struct adoption){0};
	if (!read_domain(&p, err))
		return false;
	p.accounts = mem_zero(t->all.count + 1, sizeof *p.accounts);
	for (size_t i = 0; i < t->all.count; i++)
		read_account(&p, &t->all.list[i], &p.accounts[i]);
	if (make_plan(&p, err))
		return true;
	adoption_free(out);
	return false;
}

void
adoption_free(struct adoption *a)
{
	ldif_free(&a->plan);
	texts_free(&a->refused);
	*a = (struct adoption){0};
}
