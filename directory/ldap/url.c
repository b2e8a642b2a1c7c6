#include "url.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

static char *
copy(const char *text, const char *otherwise)
{
	return strdup(text != NULL ? text : otherwise);
}

static bool
fill(const LDAPURLDesc *u, struct dir_url *out, struct err *err)
{
	static const enum dir_scope scopes[] = {[LDAP_SCOPE_BASE] = DIR_BASE,
	    [LDAP_SCOPE_ONELEVEL] = DIR_ONE,
	    [LDAP_SCOPE_SUBTREE] = DIR_SUBTREE};
	bool has_attr = u->lud_attrs != NULL && u->lud_attrs[0] != NULL;

	*out = (struct dir_url){
	    .host = copy(u->lud_host, ""),
	    .dn = copy(u->lud_dn, ""),
	    .attr = has_attr ? strndup(u->lud_attrs[0], strcspn(u->lud_attrs[0], ";")) : NULL,
	    .filter = copy(u->lud_filter, "(objectClass=*)"),
	    .scope = u->lud_scope < 0 ? DIR_BASE : scopes[u->lud_scope],
	};
	if (out->host != NULL && out->dn != NULL && out->filter != NULL &&
	    (!has_attr || out->attr != NULL))
		return true;
	dir_url_free(out);
	return err_nomem(err);
}

bool
dir_url_parse(const char *text, struct dir_url *out, struct err *err)
{
	LDAPURLDesc *u = NULL;
	bool ok;

	*out = (struct dir_url){0};
	if (ldap_url_parse(text, &u) != LDAP_URL_SUCCESS)
		return err_set(err, E_INVALIDARG, "%s is no LDAP URL", text);
	ok = u->lud_crit_exts == 0 && u->lud_scope <= LDAP_SCOPE_SUBTREE
		 ? fill(u, out, err)
		 : err_set(err, E_INVALIDARG, "%s has a scope or extension that is unknown", text);
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
