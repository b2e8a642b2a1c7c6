/*
 * Principals: users and computers of the directory, found by every name form of the paper, with all
 * SIDs they act under.
 */
#ifndef DIRECTORY_PRINCIPAL_H
#define DIRECTORY_PRINCIPAL_H

#include "conn.h"
#include "sid.h"

struct principal {
	char *dn;
	char *cn;     /* the value in the DN where the attribute has several or none; never NULL */
	char *sam;    /* sAMAccountName, NULL if absent */
	char *domain; /* nETBIOSName of its domain, NULL if unknown */
	char *downlevel; /* DOMAIN\sam; falls back to sam, then cn. Never NULL */
	char *upn;       /* userPrincipalName, NULL if absent */
	char *mail; /* NULL if absent, and where there are several: none of them is the principal's
		       one */
	char *dns_name;  /* dNSHostName */
	bool is_machine; /* objectClass computer, or sAMAccountName ends in '$' */
	bool has_guid;
	uint8_t guid[16];
	bool has_sid;
	struct sid sid;
	struct sids sids; /* own, transitive groups, primary group, Everyone, Authenticated Users */
};

void principal_free(struct principal *p);

enum dir_find { DIR_FOUND, DIR_NOT_FOUND, DIR_FIND_FAILED };

/* What a token may be. `principal_find` tries UPN if it holds '@', DOMAIN\user or container\user if
 * it holds '\', else sAMAccountName, then CN. More than one match is TYPE_E_AMBIGUOUSNAME (FAILED)
 * with the DNs in the sentence; never the first hit. */
enum dir_find principal_find(
    struct dir_conn *c, const char *token, struct principal *out, struct err *err);
/* The identity that SASL authenticated: "user1", "user1@REALM" (realm compared with the UPN suffix
 * and the domain, without case), "DOMAIN\user1" or a DN ("dn:..."). Account names only, never a CN;
 * where a UPN and an account name point to different principals it is ambiguous. */
enum dir_find principal_find_identity(
    struct dir_conn *c, const char *identity, struct principal *out, struct err *err);
enum dir_find principal_get(
    struct dir_conn *c, const char *dn, struct principal *out, struct err *err);
/* SIDs of a principal known only by its down-level or other name, for officer restrictions on who
 * requested long ago. */
enum dir_find principal_find_sids(
    struct dir_conn *c, const char *token, struct sids *out, struct err *err);
/* RFC 5803 SCRAM-SHA-256 verifier from authPassword for the identity; DIR_NOT_FOUND if it has none
 * or its account is disabled (userAccountControl). free(). */
enum dir_find principal_scram_verifier(
    struct dir_conn *c, const char *identity, char **out, struct err *err);

#endif
