#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "conn_priv.h"
#include "mem.h"
#include "own_ldap.h"
#include "text.h"

/* LDAP_SERVER_SD_FLAGS_OID of [MS-ADTS] 3.1.1.3.4.1.11, value SEQUENCE { INTEGER 7 }: owner, group
 * and DACL, no SACL. */
static char sd_flags_oid[] = "1.2.840.113556.1.4.801";
static char sd_flags_value[] = {0x30, 0x03, 0x02, 0x01, 0x07};

#define SD_ATTR "nTSecurityDescriptor"
/* Of one attribute, where they come in parts: what is more is nobody's group. */
#define DIR_VALUES_MAX 1000000
/* Octets that are kept of one reference, and after which no more are. */
#define REFERENCE_MAX  256
#define REFERENCES_MAX 1024

static void
own_attr_cursor(BerElement **ber)
{
	ber_free(*ber, 0);
}

/* Of an attribute description (RFC 4512 2.5), options included. */
#define DESCRIPTION_MAX 255

/* One attribute where it lies in the message; only the list of its values is allocated. */
struct attribute {
	char name[DESCRIPTION_MAX + 1]; /* empty: there is none */
	struct berval *values;          /* up to one without bv_val; NULL: none */
};

static void
attribute_free(struct attribute *a)
{
	ber_memfree(a->values);
	a->values = NULL;
}

static bool
broken_entry(const struct dir_conn *c, struct err *err)
{
	return err_set(err, DIRCA_E_DIRECTORY, "%s sent an entry that cannot be decoded", c->uri);
}

/* The attributes of an entry, one after the other, from `ber` as ldap_get_dn_ber gives it. */
static bool
next_attribute(
    struct dir_conn *c, LDAPMessage *msg, BerElement *ber, struct attribute *a, struct err *err)
{
	struct berval name = {0};

	*a = (struct attribute){0};
	if (ldap_get_attribute_ber(c->ld, msg, ber, &name, &a->values) != LDAP_SUCCESS ||
	    name.bv_len > DESCRIPTION_MAX)
		return broken_entry(c, err);
	if (name.bv_val != NULL)
		memcpy(a->name, name.bv_val, name.bv_len);
	return name.bv_val == NULL || a->name[0] != '\0' || broken_entry(c, err);
}

/* One query on its way: the page's cookie moves on from page to page. */
struct paging {
	const struct dir_query *q;
	const char **attrs; /* NULL: all user attributes */
	size_t limit;
	bool paged;
	struct berval cookie;
};

static const char **
wanted_attrs(const struct dir_query *q)
{
	size_t n = 0, used = 0;
	const char **list;

	while (q->attrs != NULL && q->attrs[n] != NULL)
		n++;
	if (n == 0 && !q->want_sd)
		return NULL;
	list = mem_zero(n + 3, sizeof *list);
	if (n == 0)
		list[used++] = LDAP_ALL_USER_ATTRIBUTES;
	for (size_t i = 0; i < n; i++)
		list[used++] = q->attrs[i];
	if (q->want_sd)
		list[used++] = SD_ATTR;
	return list;
}

/* An answer "member;range=0-1499" holds a part of the values ([MS-ADTS] 3.1.1.3.1.3.3), and the
 * last part is "member;range=3000-*". A part must not pass for the whole. */
struct part {
	bool is_one;  /* false: all values */
	int64_t from; /* -1: it cannot be read */
	bool is_last;
};

static struct part
read_part(const char *description)
{
	const char *option = strchr(description, ';');
	struct part out = {.from = -1, .is_last = true};
	OWNED(own_memory) char *from = NULL;

	while (option != NULL && strncasecmp(option + 1, "range=", 6) != 0)
		option = strchr(option + 1, ';');
	if (option == NULL)
		return out;
	option += 1 + strlen("range=");
	out.is_one = true;
	from = mem_text_n(option, strcspn(option, "-;"));
	if (option[strlen(from)] != '-' || !text_to_int(from, 0, DIR_VALUES_MAX, &out.from))
		out.from = -1;
	else
		out.is_last = option[strlen(from) + 1] == '*';
	return out;
}

static bool
add_values(struct dir_entry *e, const char *name, const struct berval *values, size_t *count_out,
    struct err *err)
{
	for (*count_out = 0; values != NULL && values[*count_out].bv_val != NULL; ++*count_out)
		if (!dir_entry_add(e, name,
			view_of(values[*count_out].bv_val, values[*count_out].bv_len), err))
			return false;
	return true;
}

static bool
broken_part(const struct dir_entry *e, const char *name, struct err *err)
{
	return err_set(err, DIRCA_E_DIRECTORY,
	    "%s: the directory sent a part of the values of %s that does not follow the one "
	    "before; ask again",
	    e->dn, name);
}

/* Asks for the part that begins with value `from`. */
static bool
ask_part(struct dir_conn *c, const char *dn, const char *attr, int64_t from, LDAPMessage **out,
    struct err *err)
{
	OWNED(own_memory)
	char *wanted = text_printf("%s;range=%lld-*", attr, (long long)from);
	char *attrs[] = {wanted, NULL};
	struct timeval timeout;
	int rc;

	c->waits++;
	dir_conn_timeout(c->config, &timeout);
	rc = ldap_search_ext_s(
	    c->ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, NULL, NULL, &timeout, 1, out);
	return rc == LDAP_SUCCESS || dir_conn_fail(c, rc, err, "reading %s of %s", wanted, dn);
}

/* The only attribute of the only entry of that answer. */
static bool
first_attribute(struct dir_conn *c, LDAPMessage *answer, struct attribute *a, struct err *err)
{
	LDAPMessage *entry = ldap_first_entry(c->ld, answer);
	OWNED(own_attr_cursor) BerElement *ber = NULL;
	struct berval dn;

	*a = (struct attribute){0};
	if (entry == NULL)
		return true;
	return ldap_get_dn_ber(c->ld, entry, &ber, &dn) == LDAP_SUCCESS
		   ? next_attribute(c, entry, ber, a, err)
		   : broken_entry(c, err);
}

/* The values behind those that came first. They are many: the server decides how many come at once.
 */
static bool
copy_other_parts(
    struct dir_conn *c, const char *description, int64_t next, struct dir_entry *e, struct err *err)
{
	OWNED(own_memory) char *attr = mem_text_n(description, strcspn(description, ";"));
	bool is_last = false;

	while (!is_last) {
		OWNED(own_ldap_message) LDAPMessage *answer = NULL;
		OWNED(attribute_free) struct attribute a = {0};
		struct part part;
		size_t count;

		if (!ask_part(c, e->dn, attr, next, &answer, err) ||
		    !first_attribute(c, answer, &a, err))
			return false;
		part = read_part(a.name);
		if (!part.is_one || part.from != next || next >= DIR_VALUES_MAX ||
		    strncasecmp(a.name, attr, strlen(attr)) != 0 || a.name[strlen(attr)] != ';')
			return broken_part(e, description, err);
		if (!add_values(e, a.name, a.values, &count, err))
			return false;
		if (count == 0)
			return broken_part(e, description, err);
		next += (int64_t)count;
		is_last = part.is_last;
	}
	return true;
}

static bool
copy_attr(struct dir_conn *c, const struct attribute *a, struct dir_entry *e, struct err *err)
{
	struct part part = read_part(a->name);
	size_t count;

	if (part.is_one && part.from != 0)
		return broken_part(e, a->name, err);
	return add_values(e, a->name, a->values, &count, err) &&
	       (part.is_last || copy_other_parts(c, a->name, (int64_t)count, e, err));
}

static bool
copy_entry(struct dir_conn *c, LDAPMessage *msg, struct dir_entry *e, struct err *err)
{
	OWNED(own_attr_cursor) BerElement *ber = NULL;
	struct berval dn;

	if (ldap_get_dn_ber(c->ld, msg, &ber, &dn) != LDAP_SUCCESS)
		return broken_entry(c, err);
	e->dn = mem_text_n(dn.bv_val, dn.bv_len);
	for (;;) {
		OWNED(attribute_free) struct attribute a = {0};

		if (!next_attribute(c, msg, ber, &a, err))
			return false;
		if (a.name[0] == '\0')
			return true;
		if (!copy_attr(c, &a, e, err))
			return false;
	}
}

static bool
too_many(const struct paging *p, struct err *err)
{
	return err_set(err, DIRCA_E_DIRECTORY, "more than %zu entries match %s under \"%s\"",
	    p->limit, p->q->filter, p->q->base);
}

static bool
read_reference(struct dir_conn *c, LDAPMessage *reference, char **out, struct err *err)
{
	OWNED(own_ldap_texts) char **uris = NULL;

	if (ldap_parse_reference(c->ld, reference, &uris, NULL, 0) != LDAP_SUCCESS ||
	    uris == NULL || uris[0] == NULL)
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s sent a reference that cannot be decoded", c->uri);
	*out = mem_text_n(uris[0], strnlen(uris[0], REFERENCE_MAX));
	return true;
}

/* The configuration, which is read by its own name, and zones of DNS hold no accounts. */
static bool
is_other_domain(const struct dir_conn *c, const char *uri)
{
	LDAPURLDesc *url = NULL;
	bool yes = true;

	if (ldap_url_parse(uri, &url) == LDAP_URL_SUCCESS && url->lud_dn != NULL)
		yes = (c->config_nc == NULL || !dir_dn_eq(url->lud_dn, c->config_nc)) &&
		      strncasecmp(url->lud_dn, "DC=DomainDnsZones,", 18) != 0 &&
		      strncasecmp(url->lud_dn, "DC=ForestDnsZones,", 18) != 0;
	ldap_free_urldesc(url);
	return yes;
}

static void
keep_reference(struct dir_conn *c, const char *uri)
{
	if (!is_other_domain(c, uri))
		return;
	if (c->references == NULL)
		c->references = mem_text("");
	if (strstr(c->references, uri) == NULL && strlen(c->references) < REFERENCES_MAX)
		text_list_add(&c->references, " ", uri);
}

/* A reference stands for entries that another server holds (RFC 4511 4.5.3). Active Directory sends
 * them for its other partitions and domains, which are no part of what is asked: they are kept, so
 * that they can be told. Elsewhere what is left out may be the group that is denied. */
static bool
check_references(struct dir_conn *c, const struct paging *p, LDAPMessage *page, struct err *err)
{
	for (LDAPMessage *m = ldap_first_reference(c->ld, page); m != NULL;
	     m = ldap_next_reference(c->ld, m)) {
		OWNED(own_memory) char *uri = NULL;

		if (!read_reference(c, m, &uri, err))
			return false;
		if (!c->root.is_ad)
			return err_set(err, DIRCA_E_DIRECTORY,
			    "%s holds only a part of what lies under \"%s\" and refers to %s for "
			    "the rest, which is not followed: name a server that holds all of it",
			    c->uri, p->q->base, uri);
		keep_reference(c, uri);
	}
	return true;
}

static bool
copy_page(struct dir_conn *c, const struct paging *p, LDAPMessage *page, struct dir_entries *es,
    struct err *err)
{
	if (!check_references(c, p, page, err))
		return false;
	for (LDAPMessage *m = ldap_first_entry(c->ld, page); m != NULL;
	     m = ldap_next_entry(c->ld, m)) {
		OWNED(dir_entry_free) struct dir_entry e = {0};

		if (es->count == p->limit)
			return p->q->some || too_many(p, err);
		if (!copy_entry(c, m, &e, err))
			return false;
		dir_entries_take(es, &e);
	}
	return true;
}

/* Takes the cookie out of the page's result; an empty one ends the search. */
static bool
next_cookie(struct dir_conn *c, struct paging *p, LDAPMessage *page, struct err *err)
{
	LDAPControl **controls = NULL, *control;
	bool ok = true;

	ber_memfree(p->cookie.bv_val);
	p->cookie = (struct berval){0};
	if (ldap_parse_result(c->ld, page, NULL, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s sent a search result that cannot be decoded", c->uri);
	control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (control != NULL &&
	    ldap_parse_pageresponse_control(c->ld, control, NULL, &p->cookie) != LDAP_SUCCESS)
		ok = err_set(err, DIRCA_E_DIRECTORY,
		    "%s sent a paging control that cannot be decoded", c->uri);
	ldap_controls_free(controls);
	return ok;
}

/* One search operation. Paging is a wish, not a demand: glued databases of OpenLDAP refuse the
 * demand, and an answer in one piece is as good. *page_out is set whenever the server answered. */
static bool
ask_page(struct dir_conn *c, struct paging *p, LDAPMessage **page_out, int *rc_out, struct err *err)
{
	LDAPControl sd = {sd_flags_oid, {sizeof sd_flags_value, sd_flags_value}, 1};
	LDAPControl *paging = NULL, *controls[3] = {NULL};
	size_t used = 0;
	struct timeval timeout;
	union {
		const char **ours;
		char **theirs; /* libldap's prototype lacks the const */
	} attrs = {p->attrs};

	*page_out = NULL;
	c->waits += !p->q->now_and_then;
	dir_conn_timeout(c->config, &timeout);
	if (p->paged && (*rc_out = ldap_create_page_control(
			     c->ld, DIR_PAGE_SIZE, &p->cookie, 0, &paging)) != LDAP_SUCCESS)
		return dir_conn_fail(c, *rc_out, err, "paging of a search");
	if (paging != NULL)
		controls[used++] = paging;
	if (p->q->want_sd && c->root.has_sd_flags)
		controls[used++] = &sd;
	/* Where it cannot be paged, the server's own limit of limit + 1 still tells "too many" from
	 * "all". */
	*rc_out = ldap_search_ext_s(c->ld, p->q->base, dir_search_scope(p->q->scope), p->q->filter,
	    attrs.theirs, 0, controls, NULL, &timeout, p->paged ? 0 : (int)p->limit + 1, page_out);
	ldap_control_free(paging);
	return true;
}

static bool
search_page(
    struct dir_conn *c, struct paging *p, struct dir_entries *es, bool *more_out, struct err *err)
{
	OWNED(own_ldap_message) LDAPMessage *page = NULL;
	int rc;

	*more_out = false;
	if (!ask_page(c, p, &page, &rc, err))
		return false;
	if (rc == LDAP_NO_SUCH_OBJECT && p->cookie.bv_len == 0)
		return true;
	if (rc == LDAP_SIZELIMIT_EXCEEDED && p->q->some)
		return copy_page(c, p, page, es, err);
	if (rc == LDAP_SIZELIMIT_EXCEEDED &&
	    es->count + (size_t)ldap_count_entries(c->ld, page) > p->limit)
		return too_many(p, err);
	if (rc != LDAP_SUCCESS)
		return dir_conn_fail(
		    c, rc, err, "search for %s under \"%s\"", p->q->filter, p->q->base);
	if (!copy_page(c, p, page, es, err) || (p->paged && !next_cookie(c, p, page, err)))
		return false;
	*more_out = p->cookie.bv_len > 0;
	return true;
}

/* *whole_out: all was found. What came instead of a success is not looked at. */
static bool
take_foreseen(struct dir_conn *c, const struct paging *p, struct dir_entries *es, bool *whole_out,
    struct err *err)
{
	OWNED(own_ldap_message) LDAPMessage *answer = NULL;
	struct err ignored;
	int rc;

	*whole_out = false;
	if (!dir_ahead_ask(c, p->q, &answer, &rc))
		return true;
	if (answer == NULL)
		return dir_conn_fail(
		    c, rc, err, "search for %s under \"%s\"", p->q->filter, p->q->base);
	*whole_out = rc == LDAP_SUCCESS && copy_page(c, p, answer, es, &ignored);
	if (!*whole_out) {
		dir_entries_free(es);
		dir_ahead_refuse(c);
	}
	return true;
}

static void
paging_free(struct paging *p)
{
	free(p->attrs);
	ber_memfree(p->cookie.bv_val);
}

bool
dir_search(struct dir_conn *c, const struct dir_query *q, struct dir_entries *out, struct err *err)
{
	OWNED(paging_free)
	struct paging p = {
	    .q = q,
	    .attrs = wanted_attrs(q),
	    .limit = q->size_limit > 0 ? (size_t)q->size_limit : DIR_SIZE_LIMIT_DEFAULT,
	    .paged = c->root.has_paging && q->scope != DIR_BASE,
	};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	bool whole, more;
	size_t pages = 0;

	*out = (struct dir_entries){0};
	if (q->filter == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "a search without a filter (dir_filter)");
	if (!take_foreseen(c, &p, &found, &whole, err))
		return false;
	more = !whole;
	while (more && !(q->some && found.count == p.limit)) {
		if (!search_page(c, &p, &found, &more, err))
			return false;
		if (pages++ > p.limit) /* empty pages without end */
			return too_many(&p, err);
	}
	*out = found;
	found = (struct dir_entries){0};
	return true;
}
