/*
 * The rights of the account by which dircad works with the directory: what it reads, the few places
 * that it writes, and on OpenLDAP and 389 what makes both quick. For OpenLDAP they are changes of
 * cn=config, for 389 of the tree and of cn=config, for Active Directory and Samba AD of the
 * containers' rights and of two groups, which an administrator there makes by commands of his own,
 * too.
 */
#ifndef SETUP_SERVICE_ACCOUNT_H
#define SETUP_SERVICE_ACCOUNT_H

#include "setup.h"
#include "texts.h"

struct service_account {
	struct ldif changes; /* what is there already is left out */
	/* Access rules by which people could take the rights of others. */
	struct texts warnings;
	/* The same for Active Directory, one a line; lines that begin with '#' say where. */
	struct texts commands;
};

/* `dn`: of the account, or what OpenLDAP makes of a local user ("gidNumber=...,cn=auth"). */
bool service_account_plan(
    const struct setup_accounts *by, const char *dn, struct service_account *out, struct err *err);
/* Writes the changes; returns when they are in force. */
bool service_account_apply(
    const struct setup_accounts *by, const struct service_account *s, struct err *err);
/* Whom the server takes the connection for: a DN, also where it says "u:DOMAIN\\name", as Active
 * Directory does. NULL: it does not say. free(). */
char *service_account_dn(struct dir_conn *c);
void service_account_free(struct service_account *s);

#endif
