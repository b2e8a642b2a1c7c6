/*
 * Well-known SIDs ([MS-DTYP] 2.4.2.4): their aliases in SDDL (2.5.1.1) and their names. A table;
 * nothing is looked up.
 */
#ifndef SECURITY_SID_ALIAS_H
#define SECURITY_SID_ALIAS_H

#include "sd.h"

/* "Authenticated Users"; NULL for a SID of a domain and one that has no name here. */
const char *sid_well_known_name(const struct sid *sid);
/* The SID of such a name, without case; the name as the table writes it, NULL if there is none. */
const char *sid_by_well_known_name(const char *name, struct sid *out);
/* "AU", "DA"; NULL if it has none. */
const char *sid_alias_of(const struct sid *sid, const struct sddl_domains *domains);

enum sid_alias_read { SID_ALIAS_OK, SID_ALIAS_UNKNOWN, SID_ALIAS_NEEDS_DOMAIN };
/* The SID of the alias that `text` begins with. */
enum sid_alias_read sid_of_alias(
    const char *text, const struct sddl_domains *domains, struct sid *out);

#endif
