/* Which attributes dircad's account needs, and which people must not write of themselves. */
#include "service_account_priv.h"

#include <stdlib.h>

#include "mem.h"
#include "text.h"

/* What dircad reads of people, groups and domains (ldif/README.md); each only where the schema has
 * it. */
static const char *const read_attributes[] = {"objectClass", "cn", "ou", "uid", "uidNumber",
    "gidNumber", "mail", "member", "uniqueMember", "memberUid", "memberOf", "memberURL",
    "objectSid", "objectGUID", "sIDHistory", "userPrincipalName", "sAMAccountName", "dNSHostName",
    "servicePrincipalName", "primaryGroupID", "groupType", "userAccountControl", "accountExpires",
    "lockoutTime", "pwdAccountLockedTime", "createTimestamp", "nCName", "dnsRoot", "nETBIOSName"};

static const char *const searched[] = {"objectClass", "cn", "uid", "gidNumber", "member",
    "uniqueMember", "memberUid", "objectSid", "objectGUID", "sIDHistory", "userPrincipalName",
    "sAMAccountName", "dNSHostName", "servicePrincipalName"};

char *
service_account_reads(const struct dir_entry *subschema, const char *between)
{
	char *list = mem_text("objectClass");

	for (size_t i = 1; i < COUNT_OF(read_attributes); i++)
		if (setup_defines(subschema, "attributeTypes", read_attributes[i]))
			text_list_add(&list, between, read_attributes[i]);
	return list;
}

void
service_account_searches(const struct dir_entry *subschema, struct texts *out)
{
	for (size_t i = 0; i < COUNT_OF(searched); i++)
		if (setup_defines(subschema, "attributeTypes", searched[i]))
			texts_add(out, searched[i]);
}

char *
service_account_partitions(const struct dir_conn *c)
{
	return text_printf("CN=Partitions,%s", dir_conn_root(c)->config_nc);
}

/* Rights follow from the first, whoever writes them for himself is somebody else; the others are
 * names that certificates are issued for. */
static const char *const identities[] = {"objectSid", "sIDHistory", "primaryGroupID", "uid",
    "uidNumber", "gidNumber", "sAMAccountName", "userPrincipalName", "member", "uniqueMember",
    "memberUid"};
static const char *const names[] = {"cn", "mail", "dNSHostName"};

static const char *
one_of(service_account_covers *covers, const void *rule, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (covers(rule, list[i]))
			return list[i];
	return NULL;
}

void
service_account_warn(const char *where, const char *text, service_account_covers *covers,
    const void *rule, struct texts *out)
{
	const char *attr = one_of(covers, rule, identities, COUNT_OF(identities));

	if (attr != NULL)
		texts_take(out,
		    text_printf("%s: the rule \"%s\" lets people write %s, by which rights are "
				"given: one that comes before it must forbid that",
			where, text, attr));
	else if ((attr = one_of(covers, rule, names, COUNT_OF(names))) != NULL)
		texts_take(out,
		    text_printf("%s: the rule \"%s\" lets people write %s, for which certificates "
				"are issued by templates that take it from the directory",
			where, text, attr));
}
