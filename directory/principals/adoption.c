/* Reads the tree for adoption_plan.c. */
#include <stdlib.h>
#include <string.h>

#include "adoption.h"
#include "groups_priv.h"
#include "mem.h"
#include "own.h"
#include "principal_priv.h"
#include "text.h"

/* People and groups of one tree. */
#define TREE_MOST 10000000

static void
tree_free(struct adoption_tree *t)
{
	dir_entry_free(&t->domain);
	dir_entries_free(&t->all);
	texts_free(&t->selected);
}

static bool
read_domain(struct dir_conn *c, struct adoption_tree *t, struct err *err)
{
	const char *nc = dir_conn_root(c)->default_nc;
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = nc,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"objectClass", "objectSid", "nextRid", NULL}},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(err, DIRCA_E_DIRECTORY, "%s does not show %s, the root of its tree",
		    dir_conn_uri(c), nc);
	t->domain = found.list[0];
	found.list[0] = (struct dir_entry){0};
	return true;
}

/* Searches that cannot be answered whole must not be taken for all there is: two people with one
 * number may be among what is missing. */
static bool
search_all(struct dir_conn *c, const char *base, const char *filter, const char *const *attrs,
    struct dir_entries *out, struct err *err)
{
	if (dir_search(c,
		&(struct dir_query){.base = base,
		    .scope = DIR_SUBTREE,
		    .filter = filter,
		    .attrs = attrs,
		    .size_limit = TREE_MOST},
		out, err))
		return true;
	return err_prefix(
	    err, "reading people and groups, as who may read all of them (the rootDN)");
}

static bool
read_all(struct dir_conn *c, struct adoption_tree *t, struct err *err)
{
	static const char *const attrs[] = {"objectClass", "objectSid", "userPrincipalName",
	    "sAMAccountName", "uid", "uidNumber", "gidNumber", "mail", ADOPTION_GIVEN_SID, NULL};
	const struct dir_root *root = dir_conn_root(c);
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!search_all(c, root->default_nc,
		"(|" PEOPLE GROUP_CLASSES "(objectSid=*)(userPrincipalName=*))", attrs, &found,
		err))
		return false;
	for (size_t i = 0; i < found.count; i++)
		if (!dir_dn_is_under(found.list[i].dn, root->config_nc) &&
		    !dir_dn_eq(found.list[i].dn, root->default_nc))
			dir_entries_take(&t->all, &found.list[i]);
	return true;
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
select_them(
    struct dir_conn *c, const struct adoption_options *o, struct adoption_tree *t, struct err *err)
{
	const char *base = o->base != NULL ? o->base : dir_conn_root(c)->default_nc;
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!search_all(c, base, o->filter != NULL ? o->filter : "(objectClass=*)",
		(const char *const[]){DIR_NO_ATTRS, NULL}, &found, err))
		return false;
	if (found.count == 0)
		return err_set(err, ERROR_FILE_NOT_FOUND, "nothing under %s fits", base);
	for (size_t i = 0; i < found.count; i++)
		texts_add(&t->selected, found.list[i].dn);
	qsort(t->selected.list, t->selected.count, sizeof *t->selected.list, compare_texts);
	return true;
}

bool
adoption_examine(
    struct dir_conn *c, const struct adoption_options *o, struct adoption *out, struct err *err)
{
	OWNED(tree_free) struct adoption_tree t = {0};
	OWNED(own_memory) char *dns = dir_dn_to_dns(dir_conn_root(c)->default_nc);
	struct sid domain;

	*out = (struct adoption){0};
	if (dir_conn_root(c)->is_ad)
		return err_set(err, E_INVALIDARG,
		    "%s is Active Directory or Samba AD, which gives SIDs and names itself",
		    dir_conn_uri(c));
	t.dns = dns;
	t.new_domain = &domain;
	return sid_new_domain(&domain, err) && read_domain(c, &t, err) && read_all(c, &t, err) &&
	       select_them(c, o, &t, err) && adoption_plan(&t, o, out, err);
}
