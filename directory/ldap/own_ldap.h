/* Ownership by scope (own.h) of what libldap allocates. */
#ifndef LDAP_OWN_LDAP_H
#define LDAP_OWN_LDAP_H

#include <ldap.h>

#include "own.h"

OWN_POINTER(own_ldap_text, char, ldap_memfree)
OWN_POINTER(own_ldap_message, LDAPMessage, ldap_msgfree)
OWN_POINTER(own_ldap_dn, LDAPRDN, ldap_dnfree)
OWN_POINTER(own_berval, struct berval, ber_bvfree)

static inline void
own_ldap_texts(char ***list)
{
	ber_memvfree((void **)*list);
}

#endif
