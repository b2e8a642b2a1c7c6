/*
 * Who prepares the directory: the caller, and over the local socket of OpenLDAP beside him whoever
 * may write cn=config.
 */
#ifndef CLI_DIRECTORY_ACCOUNTS_H
#define CLI_DIRECTORY_ACCOUNTS_H

#include "setup.h"
#include "work.h"

struct directory_accounts {
	struct setup_accounts by;
	struct dir_config local; /* of by.config, where it is a connection of its own */
};

/* Signs in, to a directory that may lack the tree. by.tree is the session's. */
bool directory_accounts_open(struct session *s, struct directory_accounts *out, struct err *err);
void directory_accounts_close(struct directory_accounts *a);
/* The same, and compares it with the LDIF files of --ldif, or the installed ones. setup_free. */
bool directory_examine(struct work *w, bool templates, struct directory_accounts *a,
    struct setup *out, struct err *err);

#endif
