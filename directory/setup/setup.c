#include <stdlib.h>
#include <string.h>

#include "file.h"
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
	struct dir_entries found;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	*out = found.count == 1;
	dir_entries_free(&found);
	return true;
}

/* ---- The tree ---- */

/* One more attribute of an object; the list ends with a NULL name. */
struct pair {
	const char *name, *value;
};

/* An object that must be there, whatever it holds. */
static bool
need_object(struct dir_conn *c, const char *dn, const char *class, const struct pair *more,
    struct setup *s, struct err *err)
{
	struct setup_item item = {.name = strdup(dn)};
	struct dir_entry e = {0};
	char *cn = NULL;
	bool ok = false;

	if (!setup_exists(c, dn, &item.present, err))
		goto out;
	if (!item.present) {
		cn = dir_dn_first_value(dn);
		if (cn == NULL) {
			err_nomem(err);
			goto out;
		}
		if (!dir_entry_init(&e, dn, err) ||
		    !dir_entry_add(&e, "objectClass", view_str(class), err) ||
		    !dir_entry_add(&e, "cn", view_str(cn), err))
			goto out;
		for (; more != NULL && more->name != NULL; more++)
			if (!dir_entry_add(&e, more->name, view_str(more->value), err))
				goto out;
		if (!setup_todo_add(&e, &item.todo, err))
			goto out;
	}
	ok = setup_add(s, &item, err);
out:
	dir_entry_free(&e);
	setup_item_free(&item);
	free(cn);
	return ok;
}

static bool
need_child(struct dir_conn *c, const char *cn, const char *parent, const char *class,
    const struct pair *more, struct setup *s, struct err *err)
{
	char *dn = pki_child_dn(cn, parent);
	bool ok = dn != NULL ? need_object(c, dn, class, more, s, err) : err_nomem(err);

	free(dn);
	return ok;
}

/* The base that the directory has; NULL if it has none. */
static bool
read_oid_base(struct dir_conn *c, const char *dn, bool *there_out, char **out, struct err *err)
{
	struct dir_entries found;
	bool ok;

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"msPKI-Cert-Template-OID", NULL}},
		&found, err))
		return false;
	*there_out = found.count == 1;
	ok = found.count == 0 ||
	     dir_entry_text(&found.list[0], "msPKI-Cert-Template-OID", out, err) != DIR_GET_FAILED;
	dir_entries_free(&found);
	return ok;
}

/* CN=OID is there, as Samba makes it, but its base is not. */
static bool
need_base_alone(const char *dn, const char *base, struct setup *s, struct err *err)
{
	struct setup_item item = {.name = text_printf("OID base of %s", dn)};
	struct dir_entry e = {0};
	bool ok = dir_entry_init(&e, dn, err) &&
		  dir_entry_add(&e, "msPKI-Cert-Template-OID", view_str(base), err) &&
		  setup_todo_modify(dn, &e, &item.todo, err) && setup_add(s, &item, err);

	dir_entry_free(&e);
	setup_item_free(&item);
	return ok;
}

static bool
need_oid(
    struct dir_conn *c, const char *services, char **base_out, struct setup *s, struct err *err)
{
	char *dn = pki_child_dn("OID", services);
	bool there = false, ok = false;

	if (dn == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!read_oid_base(c, dn, &there, base_out, err))
		goto out;
	if (*base_out == NULL) {
		if ((*base_out = pki_new_oid_base(err)) == NULL)
			goto out;
		if (there) {
			ok = need_base_alone(dn, *base_out, s, err);
			goto out;
		}
	}
	ok = need_object(c, dn, "msPKI-Enterprise-Oid",
	    (const struct pair[]){{"msPKI-Cert-Template-OID", *base_out}, {NULL, NULL}}, s, err);
out:
	free(dn);
	return ok;
}

/* The domain's NetBIOS name, which DOMAIN\user needs; where the directory has none it is the first
 * part of its DNS name, as is the custom. */
static bool
need_netbios_name(struct dir_conn *c, struct setup *s, struct err *err)
{
	char *parent = text_printf("CN=Partitions,%s", dir_conn_root(c)->config_nc),
	     *dns = dir_dn_to_dns(dir_conn_root(c)->default_nc), *name = NULL;
	struct dir_entries found = {0};
	bool ok = false;

	if (parent == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!need_object(c, parent, "crossRefContainer", NULL, s, err) ||
	    !dir_search(c,
		&(struct dir_query){.base = parent,
		    .scope = DIR_ONE,
		    .filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
		    .attrs = (const char *const[]){"nETBIOSName", NULL}},
		&found, err))
		goto out;
	/* A suffix that is no domain name has no NetBIOS name either. */
	if (found.count > 0 || dns == NULL) {
		ok = true;
		goto out;
	}
	if ((name = strndup(dns, strcspn(dns, "."))) == NULL) {
		err_nomem(err);
		goto out;
	}
	for (char *p = name; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	ok = need_child(c, name, parent, "crossRef",
	    (const struct pair[]){{"nCName", dir_conn_root(c)->default_nc}, {"dnsRoot", dns},
		{"nETBIOSName", name}, {NULL, NULL}},
	    s, err);
out:
	dir_entries_free(&found);
	free(parent);
	free(dns);
	free(name);
	return ok;
}

static bool
need_tree(struct dir_conn *c, char **oid_base_out, struct setup *s, struct err *err)
{
	static const char *const containers[] = {"Certificate Templates", "Enrollment Services",
	    "Certification Authorities", "AIA", "CDP", "KRA"};
	char *above = text_printf("CN=Services,%s", dir_conn_root(c)->config_nc),
	     *services = pki_services_dn(c);
	bool ok = above != NULL && services != NULL;

	if (!ok)
		err_nomem(err);
	ok = ok &&
	     (dir_conn_root(c)->is_ad ||
		 need_object(c, dir_conn_root(c)->config_nc, "configuration", NULL, s, err)) &&
	     need_object(c, above, "container", NULL, s, err) &&
	     need_object(c, services, "container", NULL, s, err);
	for (size_t i = 0; ok && i < sizeof containers / sizeof containers[0]; i++)
		ok = need_child(c, containers[i], services, "container", NULL, s, err);
	ok = ok && need_oid(c, services, oid_base_out, s, err) &&
	     (dir_conn_root(c)->is_ad || need_netbios_name(c, s, err));
	free(above);
	free(services);
	return ok;
}

bool
setup_examine(
    struct dir_conn *c, const char *ldif_dir, bool templates, struct setup *out, struct err *err)
{
	char *oid_base = NULL;
	bool ok;

	*out = (struct setup){0};
	ok = setup_schema(c, ldif_dir, out, err) && need_tree(c, &oid_base, out, err) &&
	     (!templates || setup_templates(c, ldif_dir, oid_base, out, err));
	free(oid_base);
	if (!ok)
		setup_free(out);
	return ok;
}

/* ---- Writing ---- */

static bool
apply_replace(struct dir_conn *c, const char *dn, const struct dir_attr *a, struct err *err)
{
	struct view *values = calloc(a->count, sizeof *values);
	bool ok;

	if (values == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < a->count; i++)
		values[i] = buf_view(&a->values[i]);
	ok = dir_replace(c, dn, a->name, values, a->count, err);
	free(values);
	return ok;
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
setup_apply(struct dir_conn *c, const struct setup_item *item, struct err *err)
{
	const struct ldif_record *r = &item->todo.list[0];

	if (r->kind == LDIF_MODIFY) {
		if (!apply_modify(c, r, err))
			return false;
	} else if (!dir_add(c, &r->entry, err) && err->code != ERROR_FILE_EXISTS) {
		return false;
	}
	return !item->is_ad_schema || dir_add_value(c, "", "schemaUpdateNow", view_str("1"), err);
}
