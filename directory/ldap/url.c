#include "url.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static char *
copy(const char *text, const char *otherwise)
{
	return mem_text(text != NULL ? text : otherwise);
}

static void
fill(const LDAPURLDesc *u, struct dir_url *out)
{
	static const enum dir_scope scopes[] = {[LDAP_SCOPE_BASE] = DIR_BASE,
	    [LDAP_SCOPE_ONELEVEL] = DIR_ONE,
	    [LDAP_SCOPE_SUBTREE] = DIR_SUBTREE};
	const char *attr = u->lud_attrs != NULL ? u->lud_attrs[0] : NULL;

	*out = (struct dir_url){
	    .host = copy(u->lud_host, ""),
	    .dn = copy(u->lud_dn, ""),
	    .attr = attr != NULL ? mem_text_n(attr, strcspn(attr, ";")) : NULL,
	    .filter = copy(u->lud_filter, "(objectClass=*)"),
	    .scope = u->lud_scope < 0 ? DIR_BASE : scopes[u->lud_scope],
	};
}

bool
dir_url_parse(const char *text, struct dir_url *out, struct err *err)
{
	LDAPURLDesc *u = NULL;
	bool ok;

	*out = (struct dir_url){0};
	if (ldap_url_parse(text, &u) != LDAP_URL_SUCCESS)
		return err_set(err, E_INVALIDARG, "%s is no LDAP URL", text);
	ok = u->lud_crit_exts == 0 && u->lud_scope <= LDAP_SCOPE_SUBTREE;
	if (ok)
		fill(u, out);
	else
		err_set(err, E_INVALIDARG, "%s has a scope or extension that is unknown", text);
	ldap_free_urldesc(u);
	return ok;
}

void
dir_url_free(struct dir_url *u)
{
	free(u->host);
	free(u->dn);
	free(u->attr);
	free(u->filter);
	*u = (struct dir_url){0};
}
