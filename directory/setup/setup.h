/*
 * What dirca needs of a directory beside the people in it: schema, CN=Public Key Services with its
 * containers, a base for the OIDs of templates, the domain's NetBIOS name, templates. What that is
 * comes from the LDIF files that dirca brings along (ldif/), so one program prepares and checks
 * OpenLDAP, Samba AD and Active Directory. Nothing is changed that is there already.
 */
#ifndef SETUP_SETUP_H
#define SETUP_SETUP_H

#include "conn.h"
#include "dir_ldif.h"

struct setup_item {
	char *name; /* for people: "schema dirca-authority", "template User", a DN */
	bool present;
	char *cure; /* what mends it, where setup_apply cannot or may not; NULL: setup_apply does */
	/* The one record that is to be written; none: this account cannot even see where. */
	struct ldif todo;
	bool is_ad_schema; /* the server must be told to read its schema again */
	bool in_config;    /* lies in cn=config of OpenLDAP */
};

struct setup {
	struct setup_item *list; /* in the order in which they must be made */
	size_t count;
};

/* On OpenLDAP the account that may write cn=config is often another than the one that may write the
 * tree: as Debian installs it, root by EXTERNAL and the rootDN. */
struct setup_accounts {
	struct dir_conn *tree;   /* one that `dir_config.bare` allowed may lack the tree */
	struct dir_conn *config; /* may be the same */
};

/* Compares the directory with the files in `ldif_dir`; `templates`: those too. */
bool setup_examine(const struct setup_accounts *by, const char *ldif_dir, bool templates,
    struct setup *out, struct err *err);
void setup_free(struct setup *s);

/* Writes what an item lacks; `todo` must hold its record. Somebody who was faster is as good. */
bool setup_apply(const struct setup_accounts *by, const struct setup_item *item, struct err *err);
/* The rootDN of the tree, as cn=config says; NULL: it is not shown. free(). */
char *setup_tree_root_dn(const struct setup_accounts *by);

#endif
