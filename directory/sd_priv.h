/*
 * Security descriptors, shared by sd.c (bytes), sddl.c (text) and sd_check.c (access check):
 * control bits and ACE layouts.
 */
#ifndef DIRECTORY_SD_PRIV_H
#define DIRECTORY_SD_PRIV_H

#include "sd.h"

/* [MS-DTYP] 2.4.6, Control */
#define SD_CONTROL_DACL_PRESENT     0x0004u
#define SD_CONTROL_SACL_PRESENT     0x0010u
#define SD_CONTROL_SACL_DEFAULTED   0x0020u
#define SD_CONTROL_DACL_INHERIT_REQ 0x0100u
#define SD_CONTROL_SACL_INHERIT_REQ 0x0200u
#define SD_CONTROL_DACL_INHERITED   0x0400u
#define SD_CONTROL_SACL_INHERITED   0x0800u
#define SD_CONTROL_DACL_PROTECTED   0x1000u
#define SD_CONTROL_SACL_PROTECTED   0x2000u
#define SD_CONTROL_RM_VALID         0x4000u
#define SD_CONTROL_SELF_RELATIVE    0x8000u

/* Which layout an ACE type has; a type that is not known keeps its whole body in ace.data. */
bool ace_is_known(uint8_t type);
bool ace_has_object_part(uint8_t type);
bool ace_is_callback(uint8_t type);

#endif
