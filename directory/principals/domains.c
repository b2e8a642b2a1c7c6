#include "domains.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"
#include "own.h"

#define DOMAINS_TTL_MS 60000

/* A directory without crossRef entries still has one domain: that of its default naming context, by
 * its DC= parts. */
static bool
add_default(struct dir_conn *c, struct dir_entries *domains, struct err *err)
{
	const char *nc = dir_conn_root(c)->default_nc;
	OWNED(own_memory) char *dns = dir_dn_to_dns(nc);
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_entry_init(&e, nc, err) || !dir_entry_add(&e, "nCName", view_str(nc), err) ||
	    (dns != NULL && !dir_entry_add(&e, "dnsRoot", view_str(dns), err)))
		return false;
	dir_entries_take(domains, &e);
	return true;
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

static void
add_base(struct dir_domains *d, const char *nc)
{
	for (size_t i = 0; i < d->bases.count; i++)
		if (dir_dn_eq(nc, d->bases.list[i]))
			return;
	texts_add(&d->bases, nc);
}

/* A domain that a crossRef promises and that is not there may hold groups that nobody sees. */
static bool
check_held(struct dir_conn *c, const char *nc, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	return dir_search(c,
		   &(struct dir_query){.base = nc,
		       .filter = "(objectClass=*)",
		       .attrs = (const char *const[]){DIR_NO_ATTRS, NULL},
		       .now_and_then = true},
		   &found, err) &&
	       (found.count == 1 ||
		   err_set(err, DIRCA_E_GROUPS_UNREADABLE,
		       "a crossRef in CN=Partitions names the domain %s, which %s does not hold or "
		       "show to this account: groups there stay unknown. Serve it, grant read, or "
		       "remove the crossRef",
		       nc, dir_conn_uri(c)));
}

/* Active Directory answers for its own domain and refers to other servers for the rest; elsewhere
 * one server may hold several domains, and whether a search of one descends into another depends on
 * its databases. */
static bool
find_bases(struct dir_conn *c, struct dir_domains *d, struct err *err)
{
	add_base(d, dir_conn_root(c)->default_nc);
	for (size_t i = 0; !dir_conn_root(c)->is_ad && i < d->list.count; i++) {
		OWNED(own_memory) char *nc = context_of(&d->list.list[i]);

		if (nc == NULL)
			continue;
		if (!check_held(c, nc, err))
			return false;
		add_base(d, nc);
	}
	return true;
}

/* Most directories have no groupOfUniqueNames, many no posixGroup, and asking for `uniqueMember` or
 * `memberUid` beside `member` costs as much again, or a read of all groups where it has no index.
 * Whatever is not a clear no is yes. */
static bool
has_groups(struct dir_conn *c, const struct dir_domains *d, const char *class)
{
	OWNED(own_memory) char *filter = dir_filter("(objectClass=%s)", class);

	for (size_t i = 0; i < d->bases.count; i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};
		struct err ignored;

		if (!dir_search(c,
			&(struct dir_query){.base = d->bases.list[i],
			    .scope = DIR_SUBTREE,
			    .filter = filter,
			    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL},
			    .size_limit = 1,
			    .now_and_then = true},
			&found, &ignored) ||
		    found.count > 0)
			return true;
	}
	return false;
}

static void
clear(void *kept)
{
	struct dir_domains *d = kept;

	dir_entries_free(&d->list);
	texts_free(&d->bases);
	*d = (struct dir_domains){.members_shown_ms = d->members_shown_ms};
}

struct dir_domains *
dir_domains(const struct dir_conn *c)
{
	static struct dir_domains none;
	struct dir_domains *d = dir_conn_kept(c);

	return d != NULL ? d : &none;
}

bool
dir_domains_load(struct dir_conn *c, struct err *err)
{
	static const char *const attrs[] = {"nCName", "dnsRoot", "nETBIOSName", NULL};
	struct dir_domains *d = dir_conn_keep(c, sizeof *d, clear);
	OWNED(own_memory) char *base = text_printf("CN=Partitions,%s", dir_conn_root(c)->config_nc);

	if (d->is_read && clock_mono_ms() - d->read_ms < DOMAINS_TTL_MS)
		return true;
	clear(d);

	/* Only domains have a NetBIOS name; the configuration, schema and application partitions
	 * have none. */
	d->is_read = dir_search(c,
			 &(struct dir_query){.base = base,
			     .scope = DIR_ONE,
			     .filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
			     .attrs = attrs,
			     .now_and_then = true},
			 &d->list, err) &&
		     (dir_domain_of(c, dir_conn_root(c)->default_nc) != NULL ||
			 add_default(c, &d->list, err)) &&
		     find_bases(c, d, err);
	if (!d->is_read)
		clear(d);
	else if (!dir_conn_root(c)->is_ad) {
		d->has_unique_groups = has_groups(c, d, "groupOfUniqueNames");
		d->has_posix_groups = has_groups(c, d, "posixGroup");
	}
	d->read_ms = clock_mono_ms();
	return d->is_read;
}

const struct dir_entry *
dir_domain_named(const struct dir_conn *c, const char *name)
{
	const struct dir_domains *d = dir_domains(c);

	for (size_t i = 0; i < d->list.count; i++)
		if (dir_entry_has_value_nocase(&d->list.list[i], "nETBIOSName", name) ||
		    dir_entry_has_value_nocase(&d->list.list[i], "dnsRoot", name))
			return &d->list.list[i];
	return NULL;
}

bool
dir_domain_find(struct dir_conn *c, const char *name, const struct dir_entry **out, struct err *err)
{
	const struct dir_domains *d = dir_domains(c);
	OWNED(own_memory) char *nc = NULL;

	if ((*out = dir_domain_named(c, name)) == NULL)
		return true;
	nc = context_of(*out);
	for (size_t i = 0; nc != NULL && i < d->bases.count; i++)
		if (dir_dn_eq(nc, d->bases.list[i]))
			return true;
	return err_set(err, DIRCA_E_DIRECTORY,
	    "%s does not hold the domain '%.64s' (%.120s): its accounts are found by a "
	    "server of that domain",
	    dir_conn_uri(c), name, nc != NULL ? nc : "without nCName");
}

const struct dir_entry *
dir_domain_of(const struct dir_conn *c, const char *dn)
{
	const struct dir_domains *d = dir_domains(c);
	const struct dir_entry *deepest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < d->list.count; i++) {
		OWNED(own_memory) char *nc = context_of(&d->list.list[i]);
		size_t depth = nc != NULL ? dir_dn_depth(nc) : 0;

		if (depth > most && dir_dn_is_under(dn, nc)) {
			deepest = &d->list.list[i];
			most = depth;
		}
	}
	return deepest;
}
