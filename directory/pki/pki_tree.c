#include <stdlib.h>
#include <string.h>

#include "pki_priv.h"
#include "url.h"
#include "text.h"
#include "mem.h"
#include "own.h"

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

static void
sort_tree(const char *root, struct dir_entries *es)
{
	OWNED(own_memory) struct dir_entry *sorted = mem_zero(es->count, sizeof *sorted);
	OWNED(own_memory) size_t *depths = mem_zero(es->count, sizeof *depths);
	OWNED(own_memory) bool *taken = mem_zero(es->count, sizeof *taken);
	OWNED(own_memory) size_t *order = mem_zero(es->count, sizeof *order);
	struct sorting s = {.all = es, .depths = depths, .taken = taken, .order = order};

	for (size_t i = 0; i < es->count; i++)
		s.depths[i] = dir_dn_depth(es->list[i].dn);
	add_level(&s, root, dir_dn_depth(root));
	/* What is not reachable from the root, because a parent is hidden, comes last. */
	for (size_t i = 0; i < es->count; i++)
		if (!s.taken[i])
			s.order[s.count++] = i;
	for (size_t i = 0; i < s.count; i++)
		sorted[i] = es->list[s.order[i]];
	if (s.count > 0)
		memcpy(es->list, sorted, s.count * sizeof *sorted);
}

bool
pki_tree(struct dir_conn *c, struct dir_entries *out, struct err *err)
{
	OWNED(own_memory) char *root = pki_services_dn(c);

	if (!dir_search(c,
		&(struct dir_query){.base = root,
		    .scope = DIR_SUBTREE,
		    .filter = "(objectClass=*)",
		    .want_sd = true},
		out, err))
		return false;
	sort_tree(root, out);
	return out->count > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND,
		   "%s does not show %s: load the directory tree, or use an account that may "
		   "read it",
		   dir_conn_uri(c), root);
}

bool
pki_search_url(
    struct dir_conn *c, const char *url, struct dir_entries *out, char **attr_out, struct err *err)
{
	OWNED(dir_url_free) struct dir_url u = {0};

	*out = (struct dir_entries){0};
	*attr_out = NULL;
	if (!dir_url_parse(url, &u, err))
		return false;
	if (*u.host != '\0')
		return err_set(err, E_INVALIDARG,
		    "%s names a server; leave it out (ldap:///DN) and choose the server by -H",
		    url);
	if (!dir_search(c, &(struct dir_query){.base = u.dn, .scope = u.scope, .filter = u.filter},
		out, err))
		return false;
	*attr_out = own_give(&u.attr);
	return true;
}

bool
pki_read_values(
    struct dir_conn *c, const char *dn, const char *attr, struct dir_entries *out, struct err *err)
{
	return dir_search(c,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){attr, NULL}},
	    out, err);
}
