#include <stdlib.h>
#include <string.h>

#include "dir_change.h"
#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "setup_priv.h"
#include "text.h"

void
setup_free(struct setup *s)
{
	for (size_t i = 0; i < s->count; i++)
		setup_item_free(&s->list[i]);
	free(s->list);
	*s = (struct setup){0};
}

bool
setup_exists(struct dir_conn *c, const char *dn, bool *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	*out = found.count == 1;
	return true;
}

/* ---- The tree ---- */

/* One more attribute of an object; the list ends with a NULL name. */
struct extra {
	const char *name, *value;
};

static bool
make_object(const char *dn, const char *class, const struct extra *more, struct dir_entry *e,
    struct err *err)
{
	OWNED(own_memory) char *cn = dir_dn_first_value(dn);

	if (cn == NULL)
		return err_set(err, ERROR_INVALID_DATA, "'%s' is no name of an object", dn);
	if (!dir_entry_init(e, dn, err) || !dir_entry_add(e, "objectClass", view_str(class), err) ||
	    !dir_entry_add(e, "cn", view_str(cn), err))
		return false;
	for (; more != NULL && more->name != NULL; more++)
		if (!dir_entry_add(e, more->name, view_str(more->value), err))
			return false;
	return true;
}

/* An object that must be there, whatever it holds. */
static bool
need_object(struct dir_conn *c, const char *dn, const char *class, const struct extra *more,
    struct setup *s, struct err *err)
{
	OWNED(setup_item_free) struct setup_item item = {.name = mem_text(dn)};
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!setup_exists(c, dn, &item.present, err))
		return false;
	if (!item.present) {
		if (!make_object(dn, class, more, &e, err))
			return false;
		setup_todo_add(&e, &item.todo);
	}
	setup_add(s, &item);
	return true;
}

static bool
need_child(struct dir_conn *c, const char *cn, const char *parent, const char *class,
    const struct extra *more, struct setup *s, struct err *err)
{
	OWNED(own_memory) char *dn = pki_child_dn(cn, parent);

	return need_object(c, dn, class, more, s, err);
}

/* The base that the directory has; NULL if it has none. */
static bool
read_oid_base(struct dir_conn *c, const char *dn, bool *there_out, char **out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"msPKI-Cert-Template-OID", NULL}},
		&found, err))
		return false;
	*there_out = found.count == 1;
	return found.count == 0 || dir_entry_text(&found.list[0], "msPKI-Cert-Template-OID", out,
				       err) != DIR_GET_FAILED;
}

/* CN=OID is there, as Samba makes it, but its base is not. */
static bool
need_base_alone(const char *dn, const char *base, struct setup *s, struct err *err)
{
	OWNED(setup_item_free)
	struct setup_item item = {.name = text_printf("OID base of %s", dn)};
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_entry_init(&e, dn, err) ||
	    !dir_entry_add(&e, "msPKI-Cert-Template-OID", view_str(base), err) ||
	    !setup_todo_modify(dn, &e, &item.todo, err))
		return false;
	setup_add(s, &item);
	return true;
}

static bool
need_oid(
    struct dir_conn *c, const char *services, char **base_out, struct setup *s, struct err *err)
{
	OWNED(own_memory) char *dn = pki_child_dn("OID", services);
	bool there = false;

	if (!read_oid_base(c, dn, &there, base_out, err))
		return false;
	if (*base_out == NULL) {
		if ((*base_out = pki_new_oid_base(err)) == NULL)
			return false;
		if (there)
			return need_base_alone(dn, *base_out, s, err);
	}
	return need_object(c, dn, "msPKI-Enterprise-Oid",
	    (const struct extra[]){{"msPKI-Cert-Template-OID", *base_out}, {NULL, NULL}}, s, err);
}

/* The domain's NetBIOS name, which DOMAIN\user needs; where the directory has none it is the first
 * part of its DNS name, as is the custom. */
static bool
need_netbios_name(struct dir_conn *c, struct setup *s, struct err *err)
{
	const char *nc = dir_conn_root(c)->default_nc;
	OWNED(own_memory)
	char *parent = text_printf("CN=Partitions,%s", dir_conn_root(c)->config_nc);
	OWNED(own_memory) char *dns = dir_dn_to_dns(nc), *name = NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!need_object(c, parent, "crossRefContainer", NULL, s, err) ||
	    !dir_search(c,
		&(struct dir_query){.base = parent,
		    .scope = DIR_ONE,
		    .filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
		    .attrs = (const char *const[]){"nETBIOSName", NULL}},
		&found, err))
		return false;
	/* A suffix that is no domain name has no NetBIOS name either. */
	if (found.count > 0 || dns == NULL)
		return true;
	name = mem_text_n(dns, strcspn(dns, "."));
	for (char *p = name; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return need_child(c, name, parent, "crossRef",
	    (const struct extra[]){
		{"nCName", nc}, {"dnsRoot", dns}, {"nETBIOSName", name}, {NULL, NULL}},
	    s, err);
}

static bool
need_tree(struct dir_conn *c, char **oid_base_out, struct setup *s, struct err *err)
{
	static const char *const containers[] = {"Certificate Templates", "Enrollment Services",
	    "Certification Authorities", "AIA", "CDP", "KRA"};
	const struct dir_root *root = dir_conn_root(c);
	OWNED(own_memory) char *above = text_printf("CN=Services,%s", root->config_nc);
	OWNED(own_memory) char *services = pki_services_dn(c);

	if (!root->is_ad && !need_object(c, root->config_nc, "configuration", NULL, s, err))
		return false;
	if (!need_object(c, above, "container", NULL, s, err) ||
	    !need_object(c, services, "container", NULL, s, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(containers); i++)
		if (!need_child(c, containers[i], services, "container", NULL, s, err))
			return false;
	return need_oid(c, services, oid_base_out, s, err) &&
	       (root->is_ad || need_netbios_name(c, s, err));
}

bool
setup_examine(const struct setup_accounts *by, const char *ldif_dir, bool templates,
    struct setup *out, struct err *err)
{
	OWNED(own_memory) char *oid_base = NULL;
	struct dir_conn *c = by->tree;

	*out = (struct setup){0};
	if (setup_schema(by, ldif_dir, out, err) && need_tree(c, &oid_base, out, err) &&
	    (!templates || setup_templates(c, ldif_dir, oid_base, out, err)))
		return true;
	setup_free(out);
	return false;
}

/* ---- Writing ---- */

static bool
apply_replace(struct dir_conn *c, const char *dn, const struct dir_attr *a, struct err *err)
{
	OWNED(own_memory) struct view *values = mem_zero(a->count, sizeof *values);

	for (size_t i = 0; i < a->count; i++)
		values[i] = buf_view(&a->values[i]);
	return dir_replace(c, dn, a->name, values, a->count, err);
}

static bool
apply_modify(struct dir_conn *c, const struct ldif_record *r, struct err *err)
{
	for (size_t i = 0; i < r->mod_count; i++) {
		const struct ldif_mod *m = &r->mods[i];

		if (m->op == LDIF_OP_REPLACE && !apply_replace(c, r->entry.dn, &m->attr, err))
			return false;
		for (size_t k = 0; m->op == LDIF_OP_ADD && k < m->attr.count; k++)
			if (!dir_add_value(
				c, r->entry.dn, m->attr.name, buf_view(&m->attr.values[k]), err))
				return false;
	}
	return true;
}

bool
setup_apply(const struct setup_accounts *by, const struct setup_item *item, struct err *err)
{
	struct dir_conn *c = item->in_config ? by->config : by->tree;
	const struct ldif_record *r = &item->todo.list[0];

	if (r->kind == LDIF_MODIFY) {
		/* 389 writes its schema anew for each modification, and hangs up on who sends many.
		 */
		if (!(dir_conn_root(c)->is_389 ? plan_send(c, r, err) : apply_modify(c, r, err)))
			return false;
	} else if (!dir_add(c, &r->entry, err) && err->code != ERROR_FILE_EXISTS) {
		return false;
	}
	return !item->is_ad_schema || dir_add_value(c, "", "schemaUpdateNow", view_str("1"), err);
}

char *
setup_tree_root_dn(const struct setup_accounts *by)
{
	OWNED(own_memory)
	char *filter = dir_filter("(&(objectClass=olcDatabaseConfig)(olcSuffix=%s))",
	    dir_conn_root(by->tree)->default_nc);
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct err ignored;
	char *dn = NULL;

	if (dir_search(by->config,
		&(struct dir_query){.base = "cn=config",
		    .scope = DIR_ONE,
		    .filter = filter,
		    .attrs = (const char *const[]){"olcRootDN", NULL}},
		&found, &ignored) &&
	    found.count == 1)
		(void)dir_entry_text(&found.list[0], "olcRootDN", &dn, &ignored);
	return dn;
}
