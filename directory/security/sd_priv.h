/*
 * Security descriptors, shared by sd.c and ace.c (bytes), sddl*.c (text) and sd_check.c (access
 * check): control bits and ACE layouts.
 */
#ifndef SECURITY_SD_PRIV_H
#define SECURITY_SD_PRIV_H

#include "sd.h"

/* [MS-DTYP] 2.4.6, Control */
#define SD_CONTROL_DACL_PRESENT     0x0004u
#define SD_CONTROL_SACL_PRESENT     0x0010u
#define SD_CONTROL_DACL_INHERIT_REQ 0x0100u
#define SD_CONTROL_SACL_INHERIT_REQ 0x0200u
#define SD_CONTROL_DACL_INHERITED   0x0400u
#define SD_CONTROL_SACL_INHERITED   0x0800u
#define SD_CONTROL_DACL_PROTECTED   0x1000u
#define SD_CONTROL_SACL_PROTECTED   0x2000u
#define SD_CONTROL_RM_VALID         0x4000u
#define SD_CONTROL_SELF_RELATIVE    0x8000u

#define ACL_REVISION    2
#define ACL_REVISION_DS 4

/* Which layout an ACE type has; a type that is not known keeps its whole body in ace.data. */
bool ace_is_known(uint8_t type);
bool ace_has_object_part(uint8_t type);
bool ace_is_callback(uint8_t type);
/* Whether bytes may follow the SID. */
bool ace_has_data(uint8_t type);
bool ace_is_allow(uint8_t type); /* also by callback */
bool ace_is_deny(uint8_t type);
/* The smallest ACL revision that may hold the type. */
uint8_t ace_revision(uint8_t type);

/* Takes one ACE from the front of `acl`; its data points into it. Bytes behind the SID of a type
 * that has no data are an error. */
bool ace_get(struct view *acl, struct ace *out);
bool ace_put(const struct ace *ace, struct buf *out, struct err *err); /* appends */

#endif
