/*
 * The rights of the account by which dircad works with the directory: what it reads, the few places
 * that it writes, and on OpenLDAP and 389 what makes both quick. For OpenLDAP they are changes of
 * cn=config, for 389 of the tree and of cn=config, for Active Directory and Samba AD the commands
 * that an administrator types there.
 */
#ifndef SETUP_SERVICE_ACCOUNT_H
#define SETUP_SERVICE_ACCOUNT_H

#include "setup.h"
#include "texts.h"

struct service_account {
	struct ldif changes; /* what is there already is left out */
	/* Access rules by which people could take the rights of others. */
	struct texts warnings;
	/* For Active Directory, one a line; lines that begin with '#' say why. */
	struct texts commands;
};

/* `dn`: of the account, or what OpenLDAP makes of a local user ("gidNumber=...,cn=auth"). */
bool service_account_plan(
    const struct setup_accounts *by, const char *dn, struct service_account *out, struct err *err);
/* Writes the changes; returns when they are in force. */
bool service_account_apply(
    const struct setup_accounts *by, const struct service_account *s, struct err *err);
void service_account_free(struct service_account *s);

#endif
