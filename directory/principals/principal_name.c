/*
 * Whether a name is a given principal's, without a look into the directory.
 */
#include <stdlib.h>
#include <string.h>

#include "principal.h"
#include "text.h"

static bool
eq_nocase(const char *a, const char *b)
{
	return a != NULL && b != NULL && text_eq_nocase(a, b);
}

/* The DNS name of the domain that the entry is in, NULL if its DN does not end in one. free(). */
static char *
domain_of(const char *dn)
{
	char *dns = NULL;

	for (const char *at = dn; dns == NULL && (at = strcasestr(at, ",dc=")) != NULL; at++)
		dns = dir_dn_to_dns(at + 1);
	return dns;
}

static bool
is_account_at(const struct principal *p, const char *name, const char *at)
{
	size_t len = (size_t)(at - name);
	char *domain;
	bool same;

	if (p->sam == NULL || strlen(p->sam) != len || strncasecmp(p->sam, name, len) != 0)
		return false;
	domain = domain_of(p->dn);
	same = eq_nocase(domain, at + 1);
	free(domain);
	return same;
}

bool
principal_is_named(const struct principal *p, const char *name)
{
	const char *at = strrchr(name, '@');
	char sid[SID_TEXT_MAX];
	struct sid ignored;

	if (sid_from_text(name, &ignored)) {
		if (!p->has_sid)
			return false;
		sid_to_text(&p->sid, sid);
		return strcmp(sid, name) == 0;
	}
	if (strchr(name, '\\') != NULL)
		return eq_nocase(p->downlevel, name);
	if (at != NULL)
		return eq_nocase(p->upn, name) || is_account_at(p, name, at);
	return eq_nocase(p->sam, name);
}
