/*
 * Changes to the DACL of a security descriptor, for the verbs that grant and revoke rights. Pure. A
 * changed descriptor keeps its owner, group, control bits and other ACEs as they were; encode it
 * with sd_encode.
 */
#ifndef SECURITY_SD_EDIT_H
#define SECURITY_SD_EDIT_H

#include "sd.h"

/* Puts a copy of `ace`, which holds no data, where its kind belongs in the canonical order
 * ([MS-DTYP] 2.4.5: explicit denials, explicit grants, inherited ones), denials first of all,
 * grants behind the last explicit one. An equal explicit ACE that is there already is enough,
 * a denial only before every grant: *changed_out false. A NULL DACL is refused with E_INVALIDARG:
 * the first ACE would take away what everybody has. */
bool sd_add_ace(struct sd *sd, const struct ace *ace, bool *changed_out, struct err *err);

/* How many ACEs stand before the first grant: a denial behind it may come too late. */
size_t sd_denials_end(const struct sd *sd);

/* Takes the explicit ACEs away for which `match` says yes; how many they were. */
typedef bool sd_ace_match(const struct ace *ace, const void *arg);
size_t sd_remove_aces(struct sd *sd, sd_ace_match *match, const void *arg);

#endif
