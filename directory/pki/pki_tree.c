#include <stdlib.h>
#include <string.h>

#include "pki_priv.h"
#include "url.h"
#include "text.h"

/* Entries in the order of the tree. Depths are counted once: a container may hold thousands. */
struct sorting {
	const struct dir_entries *all;
	size_t *depths;
	bool *taken;
	size_t *order, count;
};

/* Parents before children, brothers in the order the directory gave. */
static void
add_level(struct sorting *s, const char *top, size_t depth)
{
	for (size_t i = 0; i < s->all->count; i++) {
		if (s->taken[i] || s->depths[i] != depth ||
		    !dir_dn_is_under(s->all->list[i].dn, top))
			continue;
		s->taken[i] = true;
		s->order[s->count++] = i;
		add_level(s, s->all->list[i].dn, depth + 1);
	}
}

static bool
sort_tree(const char *root, struct dir_entries *es, struct err *err)
{
	struct dir_entry *sorted = calloc(es->count + 1, sizeof *sorted);
	struct sorting s = {.all = es,
	    .depths = calloc(es->count + 1, sizeof *s.depths),
	    .taken = calloc(es->count + 1, sizeof *s.taken),
	    .order = calloc(es->count + 1, sizeof *s.order)};
	bool ok = sorted != NULL && s.depths != NULL && s.taken != NULL && s.order != NULL;

	if (!ok) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < es->count; i++)
		s.depths[i] = dir_dn_depth(es->list[i].dn);
	add_level(&s, root, dir_dn_depth(root));
	/* What is not reachable from the root, because a parent is hidden, comes last. */
	for (size_t i = 0; i < es->count; i++)
		if (!s.taken[i])
			s.order[s.count++] = i;
	for (size_t i = 0; i < s.count; i++)
		sorted[i] = es->list[s.order[i]];
	memcpy(es->list, sorted, s.count * sizeof *sorted);
out:
	free(sorted);
	free(s.depths);
	free(s.taken);
	free(s.order);
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
		    dir_conn_uri(c), root);
	if (!ok)
		dir_entries_free(out);
	free(root);
	return ok;
}

bool
pki_search_url(
    struct dir_conn *c, const char *url, struct dir_entries *out, char **attr_out, struct err *err)
{
	struct dir_url u;
	bool ok;

	*out = (struct dir_entries){0};
	*attr_out = NULL;
	if (!dir_url_parse(url, &u, err))
		return false;
	ok = *u.host == '\0'
		 ? dir_search(c,
		       &(struct dir_query){.base = u.dn, .scope = u.scope, .filter = u.filter}, out,
		       err)
		 : err_set(err, E_INVALIDARG,
		       "%s names a server; leave it out (ldap:///DN) and choose the server by -H",
		       url);
	if (ok) {
		*attr_out = u.attr;
		u.attr = NULL;
	}
	dir_url_free(&u);
	return ok;
}
