#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "sd_edit.h"
#include "setup_priv.h"
#include "text.h"

static const char *const files[] = {"tree/20-templates.ldif", "tree/25-archival-templates.ldif"};

/* The RIDs below are the same in every domain; those above name somebody of the demo domain. */
#define FIRST_OWN_RID 1000

/* Made anew, or by the server. */
static const char *const not_copied[] = {
    "objectGUID", "nTSecurityDescriptor", "msPKI-Cert-Template-OID"};

static bool
is_of_domain(const struct sid *s)
{
	return s->authority == 5 && s->count == 5 && s->subs[0] == 21;
}

static bool
is_demo_ace(const struct ace *ace, const void *arg)
{
	(void)arg;
	return is_of_domain(&ace->sid) && ace->sid.subs[4] >= FIRST_OWN_RID;
}

/* The same group of this domain. */
static void
rebase(struct sid *s, const struct sid *domain)
{
	struct sid own;

	if (is_of_domain(s) && sid_with_rid(domain, s->subs[4], &own))
		*s = own;
}

/* The file's descriptor for this domain. Active Directory sets the owner itself, and lets not
 * everybody name another. */
static bool
make_descriptor(const struct dir_entry *from, const struct sid *domain, bool is_ad,
    struct dir_entry *to, struct err *err)
{
	struct view raw;
	OWNED(sd_free) struct sd sd = {0};
	OWNED(buf_free) struct buf made = {0};

	if (dir_entry_bytes(from, "nTSecurityDescriptor", &raw, err) != DIR_GET_OK)
		return err_set(err, ERROR_INVALID_DATA, "%s has no security descriptor", from->dn);
	if (!sd_decode(raw, &sd, err))
		return false;
	sd_remove_aces(&sd, is_demo_ace, NULL);
	for (size_t i = 0; i < sd.count; i++)
		rebase(&sd.aces[i].sid, domain);
	rebase(&sd.owner, domain);
	rebase(&sd.group, domain);
	sd.has_owner = sd.has_owner && !is_ad;
	sd.has_group = sd.has_group && !is_ad;
	return sd_encode(&sd, &made, err) &&
	       dir_entry_add(to, "nTSecurityDescriptor", buf_view(&made), err);
}

/* The last two arcs tell the templates of the files apart, whatever stands before them. */
static bool
make_oid(const struct dir_entry *from, const char *base, struct dir_entry *to, struct err *err)
{
	OWNED(own_memory) char *old = NULL, *new = NULL;
	char *dot;
	int arcs = 0;

	if (dir_entry_text(from, "msPKI-Cert-Template-OID", &old, err) != DIR_GET_OK)
		return err_set(err, ERROR_INVALID_DATA, "%s has no OID", from->dn);
	for (dot = old + strlen(old); dot > old && arcs < 2; arcs += *dot == '.')
		dot--;
	new = text_printf("%s%s", base, dot);
	return dir_entry_add(to, "msPKI-Cert-Template-OID", view_str(new), err);
}

static bool
copies(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(not_copied); i++)
		if (text_eq_nocase(name, not_copied[i]))
			return false;
	return true;
}

/* What every template of a run shares. */
struct context {
	struct dir_conn *c;
	const char *oid_base;
	char *container;
	bool has_domain;
	struct sid domain;
	struct dir_entries there; /* cn of each template of the directory */
};

static bool
make_template(
    const struct context *x, const struct dir_entry *from, struct ldif *out, struct err *err)
{
	OWNED(own_memory) char *cn = dir_dn_first_value(from->dn), *dn = NULL;
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (cn == NULL)
		return err_set(err, ERROR_INVALID_DATA, "'%s' is no name of a template", from->dn);
	dn = pki_child_dn(cn, x->container);
	if (!dir_entry_init(&e, dn, err))
		return false;
	for (size_t i = 0; i < from->count; i++)
		for (size_t k = 0; copies(from->attrs[i].name) && k < from->attrs[i].count; k++)
			if (!dir_entry_add(
				&e, from->attrs[i].name, buf_view(&from->attrs[i].values[k]), err))
				return false;
	if (!make_oid(from, x->oid_base, &e, err) ||
	    !make_descriptor(from, &x->domain, dir_conn_root(x->c)->is_ad, &e, err))
		return false;
	setup_todo_add(&e, out);
	return true;
}

static bool
is_there(const struct dir_entries *there, const char *cn)
{
	for (size_t i = 0; i < there->count; i++)
		if (dir_entry_has_value_nocase(&there->list[i], "cn", cn))
			return true;
	return false;
}

static bool
need_template(const struct context *x, const struct dir_entry *e, struct setup *s, struct err *err)
{
	OWNED(setup_item_free) struct setup_item item = {0};
	OWNED(own_memory) char *cn = NULL;

	if (dir_entry_text(e, "cn", &cn, err) != DIR_GET_OK)
		return err_set(err, ERROR_INVALID_DATA, "%s has no cn", e->dn);
	item.name = text_printf("template %s", cn);
	item.present = is_there(&x->there, cn);
	if (!item.present && !x->has_domain)
		item.cure = text_printf("give %s an objectSid first: the template's rights are "
					"those of the domain's groups",
		    dir_conn_root(x->c)->default_nc);
	else if (!item.present && !make_template(x, e, &item.todo, err))
		return false;
	setup_add(s, &item);
	return true;
}

/* An ordinary tree has no SID; one that is there is never changed. */
static bool
need_domain_sid(struct context *x, struct setup *s, struct err *err)
{
	const char *nc = dir_conn_root(x->c)->default_nc;
	OWNED(setup_item_free)
	struct setup_item item = {.name = text_printf("domain SID of %s", nc)};
	OWNED(dir_entry_free) struct dir_entry more = {0};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(buf_free) struct buf raw = {0};

	item.present = x->has_domain;
	if (item.present) {
		setup_add(s, &item);
		return true;
	}
	if (!dir_search(x->c,
		&(struct dir_query){.base = nc,
		    .filter = "(objectClass=samDomainBase)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err) ||
	    !sid_new_domain(&x->domain, err) || !sid_encode(&x->domain, &raw, err) ||
	    !dir_entry_init(&more, nc, err) ||
	    (found.count == 0 &&
		!dir_entry_add(&more, "objectClass", view_str("samDomainBase"), err)) ||
	    !dir_entry_add(&more, "objectSid", buf_view(&raw), err) ||
	    !setup_todo_modify(nc, &more, &item.todo, err))
		return false;
	x->has_domain = true;
	setup_add(s, &item);
	return true;
}

static bool
read_context(struct context *x, struct err *err)
{
	OWNED(own_memory) char *services = pki_services_dn(x->c);

	x->container = pki_child_dn("Certificate Templates", services);
	return pki_domain_sid(x->c, &x->has_domain, &x->domain, err) &&
	       dir_search(x->c,
		   &(struct dir_query){.base = x->container,
		       .scope = DIR_ONE,
		       .filter = "(objectClass=pKICertificateTemplate)",
		       .attrs = (const char *const[]){"cn", NULL}},
		   &x->there, err);
}

static void
context_free(struct context *x)
{
	dir_entries_free(&x->there);
	free(x->container);
}

bool
setup_templates(struct dir_conn *c, const char *ldif_dir, const char *oid_base, struct setup *s,
    struct err *err)
{
	OWNED(context_free) struct context x = {.c = c, .oid_base = oid_base};

	if (!read_context(&x, err) || (!dir_conn_root(c)->is_ad && !need_domain_sid(&x, s, err)))
		return false;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		OWNED(ldif_free) struct ldif file = {0};

		if (!setup_read_ldif(ldif_dir, files[i], &file, err))
			return false;
		for (size_t k = 0; k < file.count; k++)
			if (!need_template(&x, &file.list[k].entry, s, err))
				return false;
	}
	return true;
}
