/*
 * What the domain, people and groups of an ordinary tree lack so that rights can be given to them
 * and certificates can name them: SIDs, the auxiliary class that holds them, userPrincipalName.
 * What is there already is never changed. Elsewhere than in Active Directory only, which gives SIDs
 * itself.
 */
#ifndef PRINCIPALS_ADOPTION_H
#define PRINCIPALS_ADOPTION_H

#include "conn.h"
#include "dir_ldif.h"
#include "sid.h"
#include "texts.h"

enum adoption_upn { ADOPTION_UPN_UID, ADOPTION_UPN_MAIL, ADOPTION_UPN_NONE };

struct adoption_options {
	const char *base;   /* of those who are adopted; NULL: the domain */
	const char *filter; /* those alone; NULL: whoever has an account name, and every group */
	/* SIDs of uidNumber and gidNumber, as Samba makes them: 2 * uid + 1000, 2 * gid + 1001.
	 * Otherwise, and for who has none, they are counted up; the counter is kept in nextRid of
	 * the domain, so that no SID is given twice. */
	bool from_ids;
	enum adoption_upn upn;
};

struct adoption {
	struct ldif plan;     /* in the order in which it is sent: the domain, its counter, first */
	struct texts refused; /* "DN: why", those who are left as they are in that */
	size_t people, groups; /* that were looked at */
	size_t changes;        /* how many of them the plan changes */
	struct sid domain;
};

/* Looks at the tree. Two people with one number, account name or mail are refused by name, both. */
bool adoption_examine(
    struct dir_conn *c, const struct adoption_options *o, struct adoption *out, struct err *err);
void adoption_free(struct adoption *a);

/* What FreeIPA has, as text: the SID that its own services and tickets tell. Who has it gets that
 * one. */
#define ADOPTION_GIVEN_SID "ipaNTSecurityIdentifier"

/* ---- The decision, without a directory (adoption_plan.c) ---- */

struct adoption_tree {
	struct dir_entry domain; /* objectClass, objectSid and nextRid, as they are */
	const char *dns;         /* its DNS name; NULL: its DN has none */
	struct dir_entries all;  /* whoever has a name, a SID or a UPN that counts */
	struct texts selected;   /* DNs of those who are adopted, as `all` spells them, sorted */
	const struct sid *new_domain; /* what the domain gets if it has no SID */
};
bool adoption_plan(const struct adoption_tree *t, const struct adoption_options *o,
    struct adoption *out, struct err *err);

#endif
