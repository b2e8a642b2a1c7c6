/* A security principal: names, account, and all SIDs it acts under. Found by principal.h. */
#ifndef SECURITY_SECURITY_PRINCIPAL_H
#define SECURITY_SECURITY_PRINCIPAL_H

#include "sid.h"
#include "texts.h"

struct principal {
	char *dn;
	char *cn;  /* the value in the DN where the attribute has several or none; never NULL */
	char *sam; /* the account name: sAMAccountName; where accounts are known by uid and there is
		      none, the uid of the DN, else the first by its letters. NULL if absent */
	struct texts accounts; /* all names that it signs in by: sAMAccountName, and uid where
				  accounts are known by that */
	char *domain;          /* nETBIOSName of its domain, NULL if unknown */
	char *downlevel;       /* DOMAIN\sam; falls back to sam, then cn. Never NULL */
	char *upn;             /* userPrincipalName, NULL if absent */
	/* Of mail, whatever the directory's order: the one that is the UPN first, the others by
	 * their letters without case. Where one is wanted it is the first. */
	struct texts mails;
	char *dns_name;  /* dNSHostName */
	bool is_machine; /* objectClass computer, or sAMAccountName ends in '$' */
	bool has_guid;
	uint8_t guid[16];
	bool has_sid;
	struct sid sid;
	bool is_hidden;   /* the domain controller does not show this account userAccountControl */
	bool is_disabled; /* userAccountControl */
	bool is_locked;   /* lockoutTime in force, or pwdAccountLockedTime for good */
	bool has_expiry;
	int64_t expires;  /* accountExpires as seconds since 1970 */
	int64_t created;  /* INT64_MAX if it cannot be told */
	struct sids sids; /* own and former, transitive groups, primary group, Everyone,
			     Authenticated Users, This Organization, and the groups they are in */
};

void principal_free(struct principal *p);
/* Its SID in `text`; NULL: it has none. */
char *principal_sid_text(const struct principal *p, char text[SID_TEXT_MAX]);

#endif
