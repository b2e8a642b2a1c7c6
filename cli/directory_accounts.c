#include "directory_accounts.h"

#include <limits.h>
#include <string.h>

#include "installed.h"

void
directory_accounts_close(struct directory_accounts *a)
{
	if (a->by.config != a->by.tree)
		dir_disconnect(&a->by.config);
}

/* Over the local socket whoever runs this may be the one who may write cn=config, beside the
 * account that is named for the tree. */
bool
directory_accounts_open(struct session *s, struct directory_accounts *a, struct err *err)
{
	struct err ignored;

	s->dir_config.bare = true;
	if (!session_directory(s, err))
		return false;
	a->by.tree = a->by.config = s->directory;
	if (s->dir_config.auth == DIR_AUTH_EXTERNAL ||
	    strncmp(dir_conn_uri(s->directory), "ldapi:", 6) != 0)
		return true;
	a->local = s->dir_config;
	a->local.auth = DIR_AUTH_EXTERNAL;
	if (!dir_connect(&a->local, &a->by.config, &ignored))
		a->by.config = a->by.tree;
	return true;
}

bool
directory_examine(struct work *w, bool templates, struct directory_accounts *a, struct setup *out,
    struct err *err)
{
	const char *ldif = w->cli->opt.ldif;
	char installed[PATH_MAX];

	if (ldif == NULL) {
		if (!installed_ldif(installed, err))
			return false;
		ldif = installed;
	}
	if (!directory_accounts_open(&w->session, a, err))
		return false;
	if (setup_examine(&a->by, ldif, templates, out, err))
		return true;
	return err->code == ERROR_FILE_NOT_FOUND
		   ? err_prefix(err, "dirca's LDIF files, whose folder --ldif names")
		   : false;
}
