/* What a server is and can do, read from its rootDSE, and the ways of working that follow. */
#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

#define VENDOR_MAX       120
#define PORT_CATALOG     3268
#define PORT_CATALOG_TLS 3269

/* ---- Naming contexts ---- */

static bool
names_config(const char *dn)
{
	OWNED(own_memory) char *first = dir_dn_first_value(dn);

	return first != NULL && text_eq_nocase(first, "Configuration");
}

/* Sets config_nc if CN=Configuration lies right below this naming context. */
static bool
probe_config_nc(struct dir_conn *c, const char *nc, struct err *err)
{
	OWNED(own_memory) char *dn = text_printf("CN=Configuration,%s", nc);
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	if (found.count == 1)
		c->config_nc = own_give(&dn);
	return true;
}

/* OpenLDAP: a naming context of its own, else (`probe`) an entry right below another one. */
static bool
find_config_nc(struct dir_conn *c, const struct dir_attr *contexts, bool probe, struct err *err)
{
	for (size_t i = 0; contexts != NULL && i < contexts->count && c->config_nc == NULL; i++) {
		OWNED(own_memory) char *nc = NULL;

		if (!text_from_view(buf_view(&contexts->values[i]), &nc, err) ||
		    (probe && !probe_config_nc(c, nc, err)))
			return false;
		if (!probe && names_config(nc))
			c->config_nc = own_give(&nc);
	}
	return true;
}

/* 389 counts the log of its changes among the naming contexts (docs/FACTS.md 17). */
static bool
is_changelog(const struct dir_entry *dse, const char *nc)
{
	return dir_entry_has_value_nocase(dse, "changelog", nc);
}

/* OpenLDAP: the naming context above the configuration, else the first other one. */
static bool
find_default_nc(struct dir_conn *c, const struct dir_entry *dse, struct err *err)
{
	const struct dir_attr *contexts = dir_entry_attr(dse, "namingContexts");
	OWNED(own_memory) char *first = NULL;

	for (size_t i = 0; contexts != NULL && i < contexts->count; i++) {
		OWNED(own_memory) char *nc = NULL;

		if (!text_from_view(buf_view(&contexts->values[i]), &nc, err))
			return false;
		if (dir_dn_eq(c->config_nc, nc) || is_changelog(dse, nc))
			continue;
		if (dir_dn_is_under(c->config_nc, nc)) {
			c->default_nc = own_give(&nc);
			return true;
		}
		if (first == NULL)
			first = own_give(&nc);
	}
	c->default_nc = own_give(&first);
	return true;
}

/* A directory without the tree: where it is going to be. */
static bool
assume_config_nc(struct dir_conn *c, const struct dir_entry *dse, struct err *err)
{
	const struct dir_attr *contexts = dir_entry_attr(dse, "namingContexts");

	for (size_t i = 0; contexts != NULL && i < contexts->count && c->config_nc == NULL; i++) {
		OWNED(own_memory) char *nc = NULL;

		if (!text_from_view(buf_view(&contexts->values[i]), &nc, err))
			return false;
		if (!is_changelog(dse, nc))
			c->config_nc = text_printf("CN=Configuration,%s", nc);
	}
	return true;
}

/* What the server calls its default naming context; NULL if it names none. */
static bool
told_default_nc(struct dir_conn *c, const struct dir_entry *dse, struct err *err)
{
	if (dir_entry_text(dse, "defaultNamingContext", &c->default_nc, err) == DIR_GET_FAILED)
		return false;
	if (c->default_nc != NULL && is_changelog(dse, c->default_nc)) {
		free(c->default_nc);
		c->default_nc = NULL;
	}
	return true;
}

static bool
find_contexts(struct dir_conn *c, const struct dir_entry *dse, struct err *err)
{
	const struct dir_attr *contexts = dir_entry_attr(dse, "namingContexts");

	if (dir_entry_text(dse, "configurationNamingContext", &c->config_nc, err) ==
		DIR_GET_FAILED ||
	    !told_default_nc(c, dse, err))
		return false;
	if (!find_config_nc(c, contexts, false, err) || !find_config_nc(c, contexts, true, err))
		return false;
	if (c->config_nc == NULL && c->config->bare && !assume_config_nc(c, dse, err))
		return false;
	if (c->config_nc == NULL)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s has no CN=Configuration that this account may read; load the directory "
		    "tree first",
		    c->uri);
	if (c->default_nc == NULL && !find_default_nc(c, dse, err))
		return false;
	if (c->default_nc == NULL)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s has no naming context for principals beside %s", c->uri, c->config_nc);
	return true;
}

/* ---- Server ---- */

/* Vendor and version where the server names them; Active Directory and OpenLDAP are known by other
 * signs. */
static void
find_vendor(struct dir_conn *c, const struct dir_entry *dse)
{
	OWNED(own_memory) char *name = NULL, *version = NULL;
	struct err ignored;

	/* What is not text is not shown; nothing depends on it. */
	(void)dir_entry_text(dse, "vendorName", &name, &ignored);
	(void)dir_entry_text(dse, "vendorVersion", &version, &ignored);
	if (name != NULL)
		c->vendor = text_printf("%.*s%s%.*s", VENDOR_MAX, name, version != NULL ? " " : "",
		    VENDOR_MAX, version != NULL ? version : "");
	else if (dir_entry_has_value_nocase(dse, "objectClass", "OpenLDAProotDSE"))
		c->vendor = mem_text("OpenLDAP");
	else
		c->vendor = mem_text(
		    dir_entry_has_value_nocase(dse, "supportedCapabilities", DIR_CAPABILITY_AD)
			? "Active Directory"
			: "unknown vendor");
}

static void
list_mechs(struct dir_conn *c, const struct dir_entry *dse)
{
	const struct dir_attr *a = dir_entry_attr(dse, "supportedSASLMechanisms");

	c->sasl_mechs = mem_text("");
	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *mech = NULL;
		struct err ignored;

		if (text_from_view(buf_view(&a->values[i]), &mech, &ignored))
			text_list_add(&c->sasl_mechs, " ", mech);
	}
}

/* ---- Ways of working ---- */

const char *
dir_groups_name(enum dir_groups how)
{
	static const char *const names[] = {
	    [DIR_GROUPS_TOKEN] = "tokenGroups",
	    [DIR_GROUPS_WALK] = "member walk",
	};

	return names[how];
}

const char *
dir_descriptors_name(enum dir_descriptors how)
{
	static const char *const names[] = {
	    [DIR_DESCRIPTORS_CONTROL] = "SD-flags control",
	    [DIR_DESCRIPTORS_PLAIN] = "plain attribute",
	};

	return names[how];
}

const char *
dir_watching_name(enum dir_watching how)
{
	static const char *const names[] = {
	    [DIR_WATCHING_SYNCREPL] = "syncrepl refreshAndPersist",
	    [DIR_WATCHING_NOTIFICATION] = "change notification",
	    [DIR_WATCHING_POLLING] = "polling",
	};

	return names[how];
}

static void
choose(struct dir_root *root)
{
	root->groups = root->is_ad ? DIR_GROUPS_TOKEN : DIR_GROUPS_WALK;
	root->descriptors = root->has_sd_flags ? DIR_DESCRIPTORS_CONTROL : DIR_DESCRIPTORS_PLAIN;
	root->watching = root->has_sync           ? DIR_WATCHING_SYNCREPL
			 : root->has_notification ? DIR_WATCHING_NOTIFICATION
						  : DIR_WATCHING_POLLING;
}

static void
find_features(const struct dir_entry *dse, struct dir_root *root)
{
	const struct {
		const char *attr, *oid;
		bool *has;
	} features[] = {
	    {"supportedCapabilities", DIR_CAPABILITY_AD, &root->is_ad},
	    {"supportedControl", "1.2.840.113556.1.4.801", &root->has_sd_flags},
	    {"supportedControl", LDAP_CONTROL_PAGEDRESULTS, &root->has_paging},
	    {"supportedControl", LDAP_CONTROL_SYNC, &root->has_sync},
	    {"supportedControl", DIR_CONTROL_NOTIFICATION, &root->has_notification},
	    {"supportedControl", "1.2.840.113556.1.4.841", &root->has_dirsync},
	};

	for (size_t i = 0; i < COUNT_OF(features); i++)
		*features[i].has =
		    dir_entry_has_value_nocase(dse, features[i].attr, features[i].oid);
}

/* The global catalog shows a part of each entry's attributes, and of domain local groups nothing:
 * whoever decided by it would allow what is denied ([MS-ADTS] 3.1.1.1.9). */
static bool
check_no_catalog(struct dir_conn *c, const struct dir_entry *dse, struct err *err)
{
	LDAPURLDesc *url = NULL;
	bool is_catalog = ldap_url_parse(c->uri, &url) == LDAP_URL_SUCCESS &&
			  (url->lud_port == PORT_CATALOG || url->lud_port == PORT_CATALOG_TLS) &&
			  dir_entry_attr(dse, "isGlobalCatalogReady") != NULL;

	ldap_free_urldesc(url);
	return !is_catalog ||
	       err_set(err, DIRCA_E_DIRECTORY,
		   "%s is the global catalog, which shows only a part of what rights are decided "
		   "by: name the domain controller's own port (ldap:// 389, ldaps:// 636)",
		   c->uri);
}

bool
dir_probe(struct dir_conn *c, struct err *err)
{
	static const char *const attrs[] = {"objectClass", "configurationNamingContext",
	    "isGlobalCatalogReady", "defaultNamingContext", "namingContexts", "supportedControl",
	    "supportedCapabilities", "supportedSASLMechanisms", "vendorName", "vendorVersion",
	    "changelog", NULL};
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = "", .filter = "(objectClass=*)", .attrs = attrs},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(err, DIRCA_E_DIRECTORY, "%s does not show its rootDSE", c->uri);
	if (!check_no_catalog(c, &found.list[0], err) || !find_contexts(c, &found.list[0], err))
		return false;
	find_vendor(c, &found.list[0]);
	list_mechs(c, &found.list[0]);
	c->root = (struct dir_root){
	    .config_nc = c->config_nc,
	    .default_nc = c->default_nc,
	    .vendor = c->vendor,
	    .sasl_mechs = c->sasl_mechs,
	};
	find_features(&found.list[0], &c->root);
	c->root.is_389 = dir_entry_has_value_nocase(&found.list[0], "vendorName", "389 Project");
	choose(&c->root);
	return true;
}
