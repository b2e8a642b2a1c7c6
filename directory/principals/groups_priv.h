/*
 * Group memberships of a principal. Inside of this folder only.
 *
 * Which groups count is what Active Directory says ([MS-ADTS] 3.1.1.4.5.19, [MS-DRSR] 4.1.8): a
 * distribution group (groupType without 0x80000000) gives nothing and leads nowhere, a domain-local
 * group counts only in the CA's own domain. A group without groupType is a security group.
 * Elsewhere than in Active Directory a posixGroup (RFC 2307) holds whoever has a uid of its
 * memberUid, or its gidNumber.
 */
#ifndef PRINCIPALS_GROUPS_PRIV_H
#define PRINCIPALS_GROUPS_PRIV_H

#include "conn.h"
#include "sid.h"
#include "texts.h"

/* Classes of groups that are walked; one that a server does not know is harmless in an OR. */
#define GROUP_CLASSES                                                                     \
	"(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=group)" \
	"(objectClass=groupOfMembers)(objectClass=groupOfURLs)(objectClass=posixGroup))"

/* True if the entry is a group of a kind that is walked. */
bool groups_is_group(const struct dir_entry *e);

/* Whose groups: the entry, and what it says of itself. */
struct group_subject {
	const char *dn;
	const struct sid *sid;      /* NULL: it has none */
	const int32_t *primary_rid; /* primaryGroupID; NULL: it has none */
	struct texts uids;          /* uid */
	char *gid;                  /* gidNumber; NULL: it has none */
};

/* uid and gidNumber of the entry, which group_subject_free frees. */
bool group_subject_read_posix(const struct dir_entry *e, struct group_subject *s, struct err *err);
void group_subject_free(struct group_subject *s);

/* <domain SID>-<primaryGroupID>; the domain SID is the subject's without its last part. False if
 * it has no primary group. */
bool groups_primary(const struct group_subject *s, struct sid *out);

/* Adds to `sids` the SIDs of all groups that hold the subject, directly or not, of its primary
 * group, and those that everybody has. Whatever keeps the list from being whole is an error,
 * DIRCA_E_GROUPS_UNREADABLE: a missing group could be the one that a right is denied to. */
bool groups_collect(
    struct dir_conn *c, const struct group_subject *s, struct sids *sids, struct err *err);

/* The server's own list (Active Directory and Samba), without what everybody has. */
bool groups_token(struct dir_conn *c, const char *dn, struct sids *sids, struct err *err);

/* SIDs that every principal of the directory has beside its own. */
#define WELL_KNOWN_COUNT 3
extern const struct sid *const groups_well_known[WELL_KNOWN_COUNT];

/* ---- The walk (group_walk.c) ---- */

enum group_node_kind {
	NODE_SUBJECT,
	NODE_FOREIGN, /* foreignSecurityPrincipal that stands for the subject or for everybody */
	NODE_PRIMARY,
	NODE_GROUP
};

struct group_node {
	char *dn;
	enum group_node_kind kind;
	bool has_sid;
	struct sid sid;
};

/* Bounds of a walk: past them the answer is an error, not a part of the list. */
#define GROUP_NODES_MAX  4096
#define GROUP_LEVELS_MAX 64
/* Members asked about in one filter. */
#define GROUP_FILTER_MEMBERS_MAX 128

/* Everything that leads to a group, in the order it was found: level 0 is the subject, what stands
 * for it, and its primary group; each group of level n holds something of level n - 1. */
struct group_walk {
	struct group_node *nodes;
	size_t count, room;
	size_t *slots; /* hash table of DNs: index of a node + 1 */
	size_t slot_count;
	size_t level_end[GROUP_LEVELS_MAX + 1];
	size_t levels;
	const struct texts *uids; /* of the subject, where some posixGroup may name one */
	bool has_posix;           /* a posixGroup is among the nodes */
};

/* `s` lives as long as the walk. `s->dn` NULL: only what everybody is in. */
bool group_walk_run(
    struct dir_conn *c, const struct group_subject *s, struct group_walk *w, struct err *err);
void group_walk_free(struct group_walk *w);
/* Adds a node (group_nodes.c); a DN that is there already stays what it is. `sid` NULL: it has
 * none. DIRCA_E_GROUPS_UNREADABLE past GROUP_NODES_MAX. */
bool group_walk_add(struct group_walk *w, const char *dn, enum group_node_kind kind,
    const struct sid *sid, struct err *err);
/* Some node of [from, to) that is a member of the group at `group`; DIRCA_E_GROUPS_UNREADABLE if
 * none is any more. */
bool group_walk_member(struct dir_conn *c, const struct group_walk *w, size_t group, size_t from,
    size_t to, size_t *member_out, struct err *err);

/* DIRCA_E_GROUPS_UNREADABLE with the object, the attribute, the account that read, the reason and
 * the cure. Returns false. */
bool groups_unreadable(struct dir_conn *c, const char *object, const char *attribute,
    const char *why, struct err *err);

#endif
