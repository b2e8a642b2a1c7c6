/*
 * Whether a name is a given principal's, without a look into the directory.
 */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
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
	OWNED(own_memory) char *account = mem_text_n(name, (size_t)(at - name));
	OWNED(own_memory) char *domain = domain_of(p->dn);

	return texts_has_nocase(&p->accounts, account) && eq_nocase(domain, at + 1);
}

/* DOMAIN\account, by any of its accounts. */
static bool
is_downlevel(const struct principal *p, const char *name, const char *slash)
{
	OWNED(own_memory) char *domain = mem_text_n(name, (size_t)(slash - name));

	return eq_nocase(p->downlevel, name) ||
	       (eq_nocase(p->domain, domain) && texts_has_nocase(&p->accounts, slash + 1));
}

bool
principal_is_named(const struct principal *p, const char *name)
{
	const char *at = strrchr(name, '@'), *slash = strchr(name, '\\');
	char sid[SID_TEXT_MAX];
	struct sid ignored;

	if (sid_from_text(name, &ignored)) {
		if (!p->has_sid)
			return false;
		sid_to_text(&p->sid, sid);
		return strcmp(sid, name) == 0;
	}
	if (slash != NULL)
		return is_downlevel(p, name, slash);
	if (at != NULL)
		return eq_nocase(p->upn, name) || is_account_at(p, name, at);
	return texts_has_nocase(&p->accounts, name);
}
