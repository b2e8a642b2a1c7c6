#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "own.h"
#include "setup_priv.h"
#include "text.h"

/* ---- Active Directory and Samba: objects of the schema naming context ---- */

#define AD_FILE "schema/ad-dirca-authority.ldif"
#define AD_CURE                                                                               \
	"as a member of Schema Admins run `dirca directory init` against the schema master; " \
	"Samba "                                                                              \
	"also needs `dsdb:schema update allowed = yes` in smb.conf for that time"

/* The object of that name, none if the schema lacks it. */
static bool
ad_find(struct dir_conn *c, const char *schema_nc, const char *name, struct dir_entries *out,
    struct err *err)
{
	OWNED(own_memory) char *filter = dir_filter("(lDAPDisplayName=%s)", name);

	return dir_search(c,
	    &(struct dir_query){.base = schema_nc,
		.scope = DIR_ONE,
		.filter = filter,
		.attrs = (const char *const[]){"mayContain", NULL}},
	    out, err);
}

/* The entry of the file, which ends in DC=X, under this forest's schema. */
static bool
ad_entry(
    const struct dir_entry *from, const char *schema_nc, struct dir_entry *out, struct err *err)
{
	OWNED(own_memory) char *cn = dir_dn_first_value(from->dn);

	if (cn == NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s: '%s' is no name", AD_FILE, from->dn);
	if (!dir_entry_copy(from, out, err))
		return false;
	free(out->dn);
	out->dn = text_printf("CN=%s,%s", cn, schema_nc);
	return true;
}

/* What a class of an older version does not allow yet. */
static bool
ad_update(const struct dir_entry *wanted, const struct dir_entry *known, struct setup_item *item,
    struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(wanted, "mayContain");
	OWNED(dir_entry_free) struct dir_entry more = {0};

	if (!dir_entry_init(&more, known->dn, err))
		return false;
	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *name = NULL;

		if (!text_from_view(buf_view(&a->values[i]), &name, err) ||
		    (!dir_entry_has_value_nocase(known, "mayContain", name) &&
			!dir_entry_add(&more, "mayContain", view_str(name), err)))
			return false;
	}
	item->present = more.count == 0;
	return item->present || setup_todo_modify(known->dn, &more, &item->todo, err);
}

static bool
ad_add(
    const struct dir_entry *wanted, const char *schema_nc, struct setup_item *item, struct err *err)
{
	struct dir_entry made = {0};

	if (!ad_entry(wanted, schema_nc, &made, err))
		return false;
	setup_todo_add(&made, &item->todo);
	return true;
}

static bool
ad_item(struct dir_conn *c, const struct dir_entry *e, const char *schema_nc, struct setup *s,
    struct err *err)
{
	OWNED(setup_item_free) struct setup_item item = {.is_ad_schema = true};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *name = NULL;

	if (dir_entry_text(e, "lDAPDisplayName", &name, err) != DIR_GET_OK)
		return err_set(
		    err, ERROR_INVALID_DATA, "%s: %s has no lDAPDisplayName", AD_FILE, e->dn);
	item.name = text_printf("schema %s", name);
	if (!ad_find(c, schema_nc, name, &found, err) ||
	    !(found.count > 0 ? ad_update(e, &found.list[0], &item, err)
			      : ad_add(e, schema_nc, &item, err)))
		return false;
	if (!item.present)
		item.cure = mem_text(AD_CURE);
	setup_add(s, &item);
	return true;
}

static bool
ad_schema(struct dir_conn *c, const char *ldif_dir, struct setup *s, struct err *err)
{
	OWNED(ldif_free) struct ldif file = {0};
	OWNED(own_memory) char *schema_nc = NULL;

	if (!setup_root_text(c, "schemaNamingContext", &schema_nc, err) ||
	    !setup_read_ldif(ldif_dir, AD_FILE, &file, err))
		return false;
	if (schema_nc == NULL)
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s names no schemaNamingContext", dir_conn_uri(c));
	for (size_t i = 0; i < file.count; i++)
		if (file.list[i].kind == LDIF_ADD &&
		    !ad_item(c, &file.list[i].entry, schema_nc, s, err))
			return false;
	return true;
}

/* ---- OpenLDAP: definitions in cn=config, seen by everybody in the subschema entry. 389: in the
 * subschema entry alone, where they are added too ---- */

static const char *const slapd_files[] = {"dirca-principals", "dirca-adpki", "dirca-authority"};
#define TYPES   "olcAttributeTypes"
#define CLASSES "olcObjectClasses"

/* The first name in "( 1.2.3 NAME 'a' ..." or "( 1.2.3 NAME ( 'a' 'b' ) ..." (RFC 4512 4.1); where
 * it ends in *len_out. NULL if there is none. */
static const char *
first_name(const char *definition, size_t *len_out)
{
	const char *name = strstr(definition, " NAME "), *end;

	if (name == NULL || (name = strchr(name, '\'')) == NULL ||
	    (end = strchr(++name, '\'')) == NULL)
		return NULL;
	*len_out = (size_t)(end - name);
	return name;
}

/* The server's definition of the same name, NULL if there is none; what dirca brings has one name
 * each. free(). */
static char *
find_definition(const struct dir_attr *known, const char *definition)
{
	size_t len, other_len;
	const char *name = first_name(definition, &len), *other;

	for (size_t i = 0; name != NULL && known != NULL && i < known->count; i++) {
		OWNED(own_memory)
		char *text = mem_text_n(known->values[i].ptr, known->values[i].len);

		if ((other = first_name(text, &other_len)) != NULL && len == other_len &&
		    strncasecmp(name, other, len) == 0)
			return own_give(&text);
	}
	return NULL;
}

/* Whether a list like "( cn $ sn )" in a definition names the attribute. */
static bool
names_word(const char *definition, const char *word, size_t len)
{
	static const char between[] = " $()";

	for (const char *p = definition; *(p += strspn(p, between)) != '\0';
	     p += strcspn(p, between))
		if (strcspn(p, between) == len && strncasecmp(p, word, len) == 0)
			return true;
	return false;
}

/* Whether the server's class allows all that ours needs: an older version may not. */
static bool
allows_all(const char *known, const char *wanted)
{
	static const char between[] = " $()";
	const char *must = strstr(wanted, " MUST "),
		   *p = must != NULL ? must : strstr(wanted, " MAY ");

	for (; p != NULL && *(p += strspn(p, between)) != '\0'; p += strcspn(p, between))
		if (!names_word(known, p, strcspn(p, between)))
			return false;
	return true;
}

enum definition { DEFINED, OUTDATED, UNDEFINED };

static enum definition
compare_definition(const struct dir_attr *known, struct view wanted)
{
	OWNED(own_memory) char *text = mem_text_n(wanted.ptr, wanted.len);
	OWNED(own_memory) char *same = find_definition(known, text);

	if (same == NULL)
		return UNDEFINED;
	return allows_all(same, text) ? DEFINED : OUTDATED;
}

/* Puts into `more` what the server's schema lacks: single attribute types, and all classes if one
 * of them is missing or outdated, since they replace those of an older version. */
static bool
collect_missing(const struct dir_entry *wanted, const struct dir_entry *subschema,
    struct dir_entry *more, struct err *err)
{
	const struct dir_attr *types = dir_entry_attr(wanted, TYPES),
			      *classes = dir_entry_attr(wanted, CLASSES),
			      *known_types = dir_entry_attr(subschema, "attributeTypes"),
			      *known_classes = dir_entry_attr(subschema, "objectClasses");
	bool all_good = true;

	for (size_t i = 0; types != NULL && i < types->count; i++)
		if (compare_definition(known_types, buf_view(&types->values[i])) == UNDEFINED &&
		    !dir_entry_add(more, TYPES, buf_view(&types->values[i]), err))
			return false;
	for (size_t i = 0; classes != NULL && i < classes->count; i++)
		all_good = all_good && compare_definition(
					   known_classes, buf_view(&classes->values[i])) == DEFINED;
	for (size_t i = 0; !all_good && i < classes->count; i++)
		if (!dir_entry_add(more, CLASSES, buf_view(&classes->values[i]), err))
			return false;
	return true;
}

/* DN of cn=schema,cn=config's child "{4}dirca-adpki", NULL if there is none; *visible_out: whether
 * this account sees cn=config at all. */
static bool
find_config_entry(
    struct dir_conn *c, const char *name, bool *visible_out, char **out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = "cn=schema,cn=config",
		    .scope = DIR_ONE,
		    .filter = "(objectClass=olcSchemaConfig)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	*visible_out = found.count > 0;
	for (size_t i = 0; *out == NULL && i < found.count; i++) {
		OWNED(own_memory) char *cn = dir_dn_first_value(found.list[i].dn);
		const char *brace = cn != NULL ? strchr(cn, '}') : NULL;
		const char *bare = brace != NULL ? brace + 1 : cn;

		if (bare != NULL && text_eq_nocase(bare, name))
			*out = mem_text(found.list[i].dn);
	}
	return true;
}

/* The entry of an older version: types are added, classes replaced. */
static bool
todo_update(const char *dn, struct dir_entry *more, struct ldif *out, struct err *err)
{
	struct ldif_record *r;

	if (!setup_todo_modify(dn, more, out, err))
		return false;
	r = &out->list[0];
	for (size_t i = 0; i < r->mod_count; i++)
		if (text_eq_nocase(r->mods[i].attr.name, CLASSES))
			r->mods[i].op = LDIF_OP_REPLACE;
	return true;
}

static bool
slapd_todo(struct dir_conn *config, const char *ldif_dir, const char *name,
    const struct dir_entry *wanted, struct dir_entry *missing, struct setup_item *item,
    struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry copy = {0};
	OWNED(own_memory) char *dn = NULL;
	bool visible;

	item->cure = text_printf("on the server: ldapadd -Q -Y EXTERNAL -H ldapi:/// -f "
				 "%s/schema/%s.ldif",
	    ldif_dir, name);
	if (!find_config_entry(config, name, &visible, &dn, err))
		return false;
	if (dn != NULL)
		return todo_update(dn, missing, &item->todo, err);
	if (!visible)
		return true;
	if (!dir_entry_copy(wanted, &copy, err))
		return false;
	setup_todo_add(&copy, &item->todo);
	return true;
}

/* A definition with the number of one that is there takes its place. */
static bool
subschema_todo(const struct dir_entry *subschema, struct dir_entry *missing,
    struct setup_item *item, struct err *err)
{
	for (size_t i = 0; i < missing->count; i++) {
		struct dir_attr *a = &missing->attrs[i];
		char *name =
		    mem_text(text_eq_nocase(a->name, TYPES) ? "attributeTypes" : "objectClasses");

		free(a->name);
		a->name = name;
	}
	item->cure = mem_text("run `dirca directory init` as the Directory Manager (-D)");
	return setup_todo_modify(subschema->dn, missing, &item->todo, err);
}

static bool
slapd_item(struct dir_conn *config, const char *ldif_dir, const char *name,
    const struct dir_entry *subschema, struct setup *s, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("schema/%s.ldif", name);
	OWNED(setup_item_free)
	struct setup_item item = {
	    .name = text_printf("schema %s", name), .in_config = !dir_conn_root(config)->is_389};
	OWNED(dir_entry_free) struct dir_entry missing = {0};
	OWNED(ldif_free) struct ldif file = {0};
	const struct dir_entry *wanted;

	if (!setup_read_ldif(ldif_dir, path, &file, err))
		return false;
	if (file.count != 1 || file.list[0].kind != LDIF_ADD ||
	    dir_entry_attr(&file.list[0].entry, CLASSES) == NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "%s/%s is not one schema entry", ldif_dir, path);
	wanted = &file.list[0].entry;
	if (!dir_entry_init(&missing, wanted->dn, err) ||
	    !collect_missing(wanted, subschema, &missing, err))
		return false;
	item.present = missing.count == 0;
	if (!item.present &&
	    !(dir_conn_root(config)->is_389
		    ? subschema_todo(subschema, &missing, &item, err)
		    : slapd_todo(config, ldif_dir, name, wanted, &missing, &item, err)))
		return false;
	setup_add(s, &item);
	return true;
}

static bool
slapd_schema(
    const struct setup_accounts *by, const char *ldif_dir, struct setup *s, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry subschema = {0};

	if (!setup_subschema(by->tree, &subschema, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(slapd_files); i++)
		if (!slapd_item(by->config, ldif_dir, slapd_files[i], &subschema, s, err))
			return false;
	return true;
}

bool
setup_schema(
    const struct setup_accounts *by, const char *ldif_dir, struct setup *s, struct err *err)
{
	return dir_conn_root(by->tree)->is_ad ? ad_schema(by->tree, ldif_dir, s, err)
					      : slapd_schema(by, ldif_dir, s, err);
}
