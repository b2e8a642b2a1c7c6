/*
 * Internationalised names of hosts (IDNA2008, RFC 5891), alone or behind the "@" of a mailbox: as
 * certificates hold them (A-labels, RFC 5280 7.2, RFC 9549 2.2) and as people write them
 * (U-labels). Nothing is mapped: what is no U-label as it stands, but for the case, has no other
 * spelling, so that nobody's wide letters or signs become another's name. The tables are libidn2's.
 */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include <stdbool.h>

/* With A-labels, ASCII throughout behind the "@"; NULL if it is that already, or is no such name.
 * free(). */
char *idn_to_ascii(const char *name);
/* With U-labels; NULL if it has no A-label, or one that is of no U-label. free(). */
char *idn_to_unicode(const char *name);
/* The other of the two spellings; NULL: there is none. free(). */
char *idn_other(const char *name);

#endif
