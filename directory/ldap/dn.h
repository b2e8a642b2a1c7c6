/* Distinguished names as text (RFC 4514), compared as the directory does. */
#ifndef LDAP_DN_H
#define LDAP_DN_H

#include <stdbool.h>
#include <stddef.h>

/* Escapes an RDN value (RFC 4514). free(). */
char *dir_rdn_escape(const char *value);
/* DNs equal after normalisation (case, blanks, escapes). Malformed: false. */
bool dir_dn_eq(const char *a, const char *b);
/* True if `dn` is `base` or lies under it. */
bool dir_dn_is_under(const char *dn, const char *base);
/* How many RDNs; 0 if it is malformed. */
size_t dir_dn_depth(const char *dn);
/* Value of the first RDN, that of the attribute in it, which may have several (without case), and
 * the DNS name of the DC= parts; NULL if there is none. free(). */
char *dir_dn_first_value(const char *dn);
char *dir_dn_first_value_of(const char *dn, const char *attribute);
char *dir_dn_to_dns(const char *dn);
/* As people write it: "Users\user1" of CN=user1,CN=Users,DC=nwtraders,DC=com. NULL if it is
 * malformed or nothing but DC= parts. free(). */
char *dir_dn_path(const char *dn);

#endif
