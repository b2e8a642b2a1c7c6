#include <stdlib.h>
#include <string.h>

#include "conn_priv.h"
#include "pki_priv.h"
#include "text.h"

/* Parents before children, brothers in the order the directory gave. */
static void
add_children(
    const char *parent, const struct dir_entries *all, bool *taken, size_t *order, size_t *count)
{
	for (size_t i = 0; i < all->count; i++) {
		if (taken[i] || !dir_dn_is_under(all->list[i].dn, parent) ||
		    dir_dn_depth(all->list[i].dn) > dir_dn_depth(parent) + 1)
			continue;
		taken[i] = true;
		order[(*count)++] = i;
		add_children(all->list[i].dn, all, taken, order, count);
	}
}

static bool
sort_tree(const char *root, struct dir_entries *es, struct err *err)
{
	struct dir_entry *sorted = calloc(es->count + 1, sizeof *sorted);
	bool *taken = calloc(es->count + 1, sizeof *taken);
	size_t *order = calloc(es->count + 1, sizeof *order), count = 0;
	bool ok = sorted != NULL && taken != NULL && order != NULL;

	if (!ok) {
		err_nomem(err);
		goto out;
	}
	add_children(root, es, taken, order, &count);
	/* What is not reachable from the root, because a parent is hidden, comes last. */
	for (size_t i = 0; i < es->count; i++)
		if (!taken[i])
			order[count++] = i;
	for (size_t i = 0; i < count; i++)
		sorted[i] = es->list[order[i]];
	memcpy(es->list, sorted, count * sizeof *sorted);
out:
	free(sorted);
	free(taken);
	free(order);
	return ok;
}

bool
pki_tree(struct dir_conn *c, struct dir_entries *out, struct err *err)
{
	char *root = pki_services_dn(c);
	bool ok;

	*out = (struct dir_entries){0};
	if (root == NULL)
		return err_nomem(err);
	ok = dir_search(c,
		 &(struct dir_query){.base = root,
		     .scope = DIR_SUBTREE,
		     .filter = "(objectClass=*)",
		     .want_sd = true},
		 out, err) &&
	     sort_tree(root, out, err);
	if (ok && out->count == 0)
		ok = err_set(err, CRYPT_E_NOT_FOUND,
		    "%s does not show %s: load the directory tree, or use an account that may "
		    "read it",
		    c->uri, root);
	if (!ok)
		dir_entries_free(out);
	free(root);
	return ok;
}

bool
pki_search_url(
    struct dir_conn *c, const char *url, struct dir_entries *out, char **attr_out, struct err *err)
{
	static const enum dir_scope scopes[] = {[LDAP_SCOPE_BASE] = DIR_BASE,
	    [LDAP_SCOPE_ONELEVEL] = DIR_ONE,
	    [LDAP_SCOPE_SUBTREE] = DIR_SUBTREE};
	LDAPURLDesc *u = NULL;
	bool ok = false;

	*out = (struct dir_entries){0};
	*attr_out = NULL;
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS)
		return err_set(err, E_INVALIDARG, "%s is no LDAP URL", url);
	if (u->lud_host != NULL && *u->lud_host != '\0') {
		err_set(err, E_INVALIDARG,
		    "%s names a server; leave it out (ldap:///DN) and choose the server by -H",
		    url);
		goto out;
	}
	if (u->lud_crit_exts > 0 || u->lud_scope > LDAP_SCOPE_SUBTREE) {
		err_set(err, E_INVALIDARG, "%s has a scope or extension that is unknown", url);
		goto out;
	}
	if (u->lud_attrs != NULL && u->lud_attrs[0] != NULL &&
	    (*attr_out = strndup(u->lud_attrs[0], strcspn(u->lud_attrs[0], ";"))) == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = dir_search(c,
	    &(struct dir_query){.base = u->lud_dn != NULL ? u->lud_dn : "",
		.scope = u->lud_scope < 0 ? DIR_BASE : scopes[u->lud_scope],
		.filter = u->lud_filter != NULL ? u->lud_filter : "(objectClass=*)"},
	    out, err);
out:
	if (!ok) {
		free(*attr_out);
		*attr_out = NULL;
	}
	ldap_free_urldesc(u);
	return ok;
}
