/*
 * Principals: users and computers of the directory, found by every name form of the paper, with all
 * SIDs they act under.
 */
#ifndef PRINCIPALS_PRINCIPAL_H
#define PRINCIPALS_PRINCIPAL_H

#include "conn.h"
#include "security_principal.h"

enum dir_find { DIR_FOUND, DIR_NOT_FOUND, DIR_FIND_FAILED };

/* Whether the account may act now: ERROR_ACCOUNT_DISABLED, ERROR_ACCOUNT_EXPIRED or
 * ERROR_ACCOUNT_LOCKED_OUT says why not; E_ACCESSDENIED if that is hidden from this program.
 * Whoever asks for a certificate or manages some must be active; whose keys are recovered need not.
 */
bool principal_check_active(const struct principal *p, int64_t now, struct err *err);

/* What a token may be, by its form:
 *   S-1-5-21-...            objectSid, else sIDHistory
 *   {3f2504e0-...}          objectGUID, with or without the braces
 *   CN=user1,CN=Users,...   DN
 *   DOMAIN\user1            account name; DOMAIN is the NetBIOS or DNS name of a domain
 *   container\user1         CN, in a container or OU right below the domain; also with several
 *                           containers, and with the domain before them
 *   user1@suffix            userPrincipalName, and account name in the domain of that DNS or
 *                           NetBIOS name. Never mail
 *   HTTP/ws1                servicePrincipalName
 *   anything                account name, else CN, else (with a dot) dNSHostName
 * An account name is sAMAccountName and, but for Active Directory and Samba, uid.
 * More than one match is TYPE_E_AMBIGUOUSNAME (FAILED) with the DNs in the sentence; never the
 * first hit. An account of a domain that the server does not hold is DIRCA_E_DIRECTORY (FAILED). */
enum dir_find principal_find(
    struct dir_conn *c, const char *token, struct principal *out, struct err *err);

/* Who a door says that somebody is. The kind stands beside the text and is set by the door, so that
 * no text can pass for a name of another kind. */
enum identity_kind {
	/* As people write it: "user1", "DOMAIN\user1", "user1@suffix" (UPN, or account in the
	 * domain of that DNS or NetBIOS name). Account names only, never a CN, and spelled as in
	 * the directory but for the case: what its matching rules call equal beyond that (width of
	 * letters, blanks, characters that do not show) names nobody. Where a UPN and an account
	 * name point to different principals it is ambiguous. */
	IDENTITY_NAME,
	/* Proved by a Kerberos ticket: "user1" of the service's own realm, "user1@REALM" otherwise.
	 * The realm must be a domain of the directory: that somebody has the UPN "user1@REALM" says
	 * nothing about the realm of that name. */
	IDENTITY_KERBEROS,
	/* DN of an entry that this program has found. */
	IDENTITY_DN,
	/* SID, as text, of whoever the operating system or a certificate of this CA says it is. */
	IDENTITY_SID,
	/* Value of `mail`, which in many directories everybody writes for himself: of no door, and
	 * of a certificate that is imported only where it names its holder by nothing else. */
	IDENTITY_MAIL
};
struct identity {
	enum identity_kind kind;
	const char *text;
};
enum dir_find principal_find_identity(
    struct dir_conn *c, const struct identity *id, struct principal *out, struct err *err);
/* The same without its SIDs, so that it can hold no right: for what needs no group, and must not
 * fail where groups cannot be read. */
enum dir_find principal_find_account(
    struct dir_conn *c, const struct identity *id, struct principal *out, struct err *err);
enum dir_find principal_find_token_account(
    struct dir_conn *c, const char *token, struct principal *out, struct err *err);
enum dir_find principal_get(
    struct dir_conn *c, const char *dn, struct principal *out, struct err *err);

/* Whether `name` is one of this principal's: its SID as text, DOMAIN\user, userPrincipalName, its
 * account name alone or with "@" and the DNS name of its domain. Names without case; any other form
 * is nobody's. Asks no directory. */
bool principal_is_named(const struct principal *p, const char *name);

/* What was written down of somebody when a request was made; NULL for what is not known. */
struct principal_record {
	const char *sid; /* text */
	const char *dn;
	const char *name; /* DOMAIN\user */
	int64_t when;     /* 0: not known */
};
/* The same account today, renamed or moved as it may be. Where there is a SID, the SID alone says
 * who it is: an account that got the old name or place since is another one. Where there is a name
 * alone, it is an account's that the directory had by then. DIR_NOT_FOUND if it is gone. */
enum dir_find principal_find_recorded(
    struct dir_conn *c, const struct principal_record *r, struct principal *out, struct err *err);
/* One spelling of the IDENTITY_NAMEs that would be the same account if there were one: with the
 * domain, without case. free(). */
char *principal_account_key(struct dir_conn *c, const char *name);
/* RFC 5803 SCRAM-SHA-256 verifier from authPassword for the identity, free(); DIR_NOT_FOUND if
 * there is none. *state_out is ERR_OK, or what principal_check_active says: then the verifier may
 * be shown to the client but nobody may sign in by it. The directory is asked as often for a name
 * that it does not have as for one that it has. */
enum dir_find principal_scram_verifier(struct dir_conn *c, const struct identity *id, int64_t now,
    char **out, struct err *state_out, struct err *err);

#endif
