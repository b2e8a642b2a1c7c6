/*
 * Domains of the directory, and what is remembered of them and of its groups with a connection.
 * Inside of this folder only.
 */
#ifndef PRINCIPALS_DOMAINS_H
#define PRINCIPALS_DOMAINS_H

#include "conn.h"

#include "texts.h"

struct dir_domains {
	bool is_read;
	int64_t read_ms;
	struct dir_entries
	    list;           /* crossRef entries: nCName, dnsRoot and, where known, nETBIOSName */
	struct texts bases; /* where principals and groups are searched; one may hold another */
	bool has_unique_groups;   /* some group says who is in it by uniqueMember */
	bool has_posix_groups;    /* some group says so by memberUid or gidNumber */
	int64_t members_shown_ms; /* when members of a group were last seen (group_walk.c) */
};

/* Reads them, or uses for a minute what was read; whoever keeps a domain may not load again. */
bool dir_domains_load(struct dir_conn *c, struct err *err);
/* What was read; nothing before dir_domains_load. */
struct dir_domains *dir_domains(const struct dir_conn *c);
/* By NetBIOS or DNS name, without case; NULL if there is none. */
const struct dir_entry *dir_domain_named(const struct dir_conn *c, const char *name);
/* The same for a domain whose accounts are wanted; *out NULL if there is none. DIRCA_E_DIRECTORY
 * where this server does not hold it. */
bool dir_domain_find(
    struct dir_conn *c, const char *name, const struct dir_entry **out, struct err *err);
/* The domain that holds the DN: the deepest naming context above it; NULL if there is none. */
const struct dir_entry *dir_domain_of(const struct dir_conn *c, const char *dn);

#endif
