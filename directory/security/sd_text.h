/*
 * Access control entries as people read them, for sentences: "ACE 3 denies it: deny Enroll to
 * S-1-5-21-1-2-3-1105". Pure; SIDs are not looked up (trustee.h does that), but well-known ones
 * get their name, and others the one that the caller knows.
 */
#ifndef SECURITY_SD_TEXT_H
#define SECURITY_SD_TEXT_H

#include "sd.h"

/* Which rights the bits of the mask are. */
enum sd_rights { SD_RIGHTS_DS, SD_RIGHTS_CA };

/* "allow Read, Enroll to S-1-5-11 (Authenticated Users)"; inherit-only, inherited and conditional
 * ACEs say so. free(). */
bool sd_ace_text(const struct ace *ace, enum sd_rights rights, char **out);
/* The same with this name behind the SID; NULL: that of a well-known SID, or none. */
bool sd_ace_text_of(const struct ace *ace, enum sd_rights rights, const char *trustee, char **out);

#endif
