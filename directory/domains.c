#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn_priv.h"
#include "text.h"

#define DOMAINS_TTL_MS 60000

/* A directory without crossRef entries still has one domain: that of its default naming context, by
 * its DC= parts. */
static bool
add_default(struct dir_conn *c, struct dir_entries *domains, struct err *err)
{
	char *dns = dir_dn_to_dns(c->default_nc);
	struct dir_entry *grown, e = {0};
	bool ok = false;

	if (!dir_entry_init(&e, c->default_nc, err) ||
	    !dir_entry_add(&e, "nCName", view_str(c->default_nc), err))
		goto out;
	if (dns != NULL && !dir_entry_add(&e, "dnsRoot", view_str(dns), err))
		goto out;
	if ((grown = reallocarray(domains->list, domains->count + 1, sizeof *grown)) == NULL) {
		err_nomem(err);
		goto out;
	}
	domains->list = grown;
	domains->list[domains->count++] = e;
	e = (struct dir_entry){0};
	ok = true;
out:
	dir_entry_free(&e);
	free(dns);
	return ok;
}

/* nCName of a crossRef; NULL if it has none that can be read. */
static char *
context_of(const struct dir_entry *domain)
{
	struct err ignored;
	char *nc = NULL;

	dir_entry_text(domain, "nCName", &nc, &ignored);
	return nc;
}

static bool
add_base(struct dir_conn *c, const char *nc, struct err *err)
{
	char **grown;

	for (size_t i = 0; i < c->base_count; i++)
		if (dir_dn_eq(nc, c->bases[i]))
			return true;
	if ((grown = reallocarray(c->bases, c->base_count + 1, sizeof *grown)) == NULL)
		return err_nomem(err);
	c->bases = grown;
	if ((grown[c->base_count] = strdup(nc)) == NULL)
		return err_nomem(err);
	c->base_count++;
	return true;
}

/* A domain that a crossRef promises and that is not there may hold groups that nobody sees. */
static bool
check_held(struct dir_conn *c, const char *nc, struct err *err)
{
	struct dir_entries found = {0};
	bool ok =
	    dir_search(c,
		&(struct dir_query){.base = nc,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){LDAP_NO_ATTRS, NULL}},
		&found, err) &&
	    (found.count == 1 ||
		err_set(err, DIRCA_E_GROUPS_UNREADABLE,
		    "a crossRef in CN=Partitions names the domain %s, which %s does not hold or "
		    "show to this account: groups there stay unknown. Serve it, grant read, or "
		    "remove the crossRef",
		    nc, c->uri));

	dir_entries_free(&found);
	return ok;
}

/* Active Directory answers for its own domain and refers to other servers for the rest; elsewhere
 * one server may hold several domains, and whether a search of one descends into another depends on
 * its databases. */
static bool
find_bases(struct dir_conn *c, struct err *err)
{
	bool ok = add_base(c, c->default_nc, err);

	for (size_t i = 0; ok && !c->root.is_ad && i < c->domains.count; i++) {
		char *nc = context_of(&c->domains.list[i]);

		ok = nc == NULL || (check_held(c, nc, err) && add_base(c, nc, err));
		free(nc);
	}
	return ok;
}

/* Most directories have no groupOfUniqueNames, and asking for `uniqueMember` beside `member` costs
 * as much again, or a read of all groups where it has no index. Whatever is not a clear no is yes.
 */
static bool
has_unique_groups(struct dir_conn *c)
{
	struct err ignored;
	bool none = true;

	for (size_t i = 0; i < c->base_count && none; i++) {
		struct dir_entries found;

		none = dir_search(c,
			   &(struct dir_query){.base = c->bases[i],
			       .scope = DIR_SUBTREE,
			       .filter = "(objectClass=groupOfUniqueNames)",
			       .attrs = (const char *const[]){LDAP_NO_ATTRS, NULL},
			       .size_limit = 1},
			   &found, &ignored) &&
		       found.count == 0;
		dir_entries_free(&found);
	}
	return !none;
}

void
dir_domains_free(struct dir_conn *c)
{
	dir_entries_free(&c->domains);
	for (size_t i = 0; i < c->base_count; i++)
		free(c->bases[i]);
	free(c->bases);
	c->bases = NULL;
	c->base_count = 0;
	c->has_domains = false;
}

bool
dir_domains_load(struct dir_conn *c, struct err *err)
{
	static const char *const attrs[] = {"nCName", "dnsRoot", "nETBIOSName", NULL};
	char *base;

	if (c->has_domains && clock_mono_ms() - c->domains_read_ms < DOMAINS_TTL_MS)
		return true;
	dir_domains_free(c);
	if ((base = text_printf("CN=Partitions,%s", c->config_nc)) == NULL)
		return err_nomem(err);
	/* Only domains have a NetBIOS name; the configuration, schema and application partitions
	 * have none. */
	c->has_domains =
	    dir_search(c,
		&(struct dir_query){.base = base,
		    .scope = DIR_ONE,
		    .filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
		    .attrs = attrs},
		&c->domains, err) &&
	    (dir_domain_of(c, c->default_nc) != NULL || add_default(c, &c->domains, err)) &&
	    find_bases(c, err);
	free(base);
	if (!c->has_domains)
		dir_domains_free(c);
	else
		c->has_unique_groups = !c->root.is_ad && has_unique_groups(c);
	c->domains_read_ms = clock_mono_ms();
	return c->has_domains;
}

const struct dir_entry *
dir_domain_named(const struct dir_conn *c, const char *name)
{
	for (size_t i = 0; i < c->domains.count; i++)
		if (dir_entry_has_value_nocase(&c->domains.list[i], "nETBIOSName", name) ||
		    dir_entry_has_value_nocase(&c->domains.list[i], "dnsRoot", name))
			return &c->domains.list[i];
	return NULL;
}

bool
dir_domain_find(struct dir_conn *c, const char *name, const struct dir_entry **out, struct err *err)
{
	char *nc;
	bool held = false;

	if ((*out = dir_domain_named(c, name)) == NULL)
		return true;
	nc = context_of(*out);
	for (size_t i = 0; nc != NULL && !held && i < c->base_count; i++)
		held = dir_dn_eq(nc, c->bases[i]);
	if (!held)
		err_set(err, DIRCA_E_DIRECTORY,
		    "%s does not hold the domain '%.64s' (%.120s): its accounts are found by a "
		    "server of that domain",
		    c->uri, name, nc != NULL ? nc : "without nCName");
	free(nc);
	return held;
}

const struct dir_entry *
dir_domain_of(const struct dir_conn *c, const char *dn)
{
	const struct dir_entry *deepest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < c->domains.count; i++) {
		char *nc = context_of(&c->domains.list[i]);
		size_t depth = nc != NULL ? dir_dn_depth(nc) : 0;

		if (depth > most && dir_dn_is_under(dn, nc)) {
			deepest = &c->domains.list[i];
			most = depth;
		}
		free(nc);
	}
	return deepest;
}
