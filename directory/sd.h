/*
 * Security descriptors ([MS-DTYP] 2.4.6) and the access check. Pure. The traps of facts section 0
 * (12, 13) and 4.1 apply: no DACL = everyone, empty DACL = nobody, inherit-only ACEs do not count,
 * an object ACE without a GUID means all rights, "full control" 0xF00FF holds no extended right.
 * Unknown ACE types are kept in the structure (their body in ace.data) and grant nothing; one that
 * stands before the grant could be a denial and refuses. Callback ACEs never allow, and they deny
 * as if their condition were true. Generic bits are not mapped.
 */
#ifndef DIRECTORY_SD_H
#define DIRECTORY_SD_H

#include "sid.h"
#include "text.h"

#define SD_RIGHT_CONTROL_ACCESS 0x00000100u /* DS extended right */
#define SD_RIGHT_READ_PROP      0x00000010u
#define SD_RIGHT_WRITE_PROP     0x00000020u
#define SD_GENERIC_ALL          0x10000000u

enum ace_type {
	ACE_ALLOW = 0,
	ACE_DENY = 1,
	ACE_AUDIT = 2,
	ACE_ALLOW_OBJECT = 5,
	ACE_DENY_OBJECT = 6,
	ACE_AUDIT_OBJECT = 7,
	ACE_ALLOW_CALLBACK = 9,
	ACE_DENY_CALLBACK = 10,
	ACE_ALLOW_CALLBACK_OBJECT = 11,
	ACE_DENY_CALLBACK_OBJECT = 12
};

#define ACE_FLAG_INHERIT_ONLY 0x08
#define ACE_FLAG_INHERITED    0x10

struct ace {
	uint8_t type; /* enum ace_type, or another number */
	uint8_t flags;
	uint32_t mask;
	bool has_object;
	bool has_inherited_object;
	uint8_t object[GUID_LEN];
	uint8_t inherited_object[GUID_LEN];
	struct sid sid;
	struct view data; /* callback ACEs: application data; points into sd.raw */
};

struct sd {
	struct buf raw; /* the bytes it was decoded from */
	uint16_t control;
	bool has_owner, has_group, has_dacl; /* has_dacl false: NULL DACL */
	struct sid owner, group;
	struct ace *aces; /* DACL */
	size_t count;
};

/* At most 64 KiB. Every offset, size and SID is checked; no byte may belong to no part. A SACL is
 * checked for its size and dropped, with its control bits. */
bool sd_decode(struct view raw, struct sd *out, struct err *err);
/* Self-relative form of owner, group and DACL; decode(encode(x)) == x field by field. */
bool sd_encode(const struct sd *sd, struct buf *out, struct err *err);
void sd_free(struct sd *sd);

/* SDDL of owner, group and DACL, as [MS-DTYP] 2.5.1 writes it with SIDs unabbreviated; for `dirca
 * dump`. What SDDL has no letters for is a number, data of callback and unknown ACEs a field
 * "#hex". free(). */
char *sd_to_sddl(const struct sd *sd);
/* Reads SDDL: aliases of facts 4.2, those relative to a domain need `domain` (may be NULL if none
 * is used), and what sd_to_sddl writes. S: and conditions are refused. For ldif/ tools and tests.
 */
bool sd_from_sddl(const char *sddl, const struct sid *domain, struct sd *out, struct err *err);

extern const uint8_t GUID_RIGHT_ENROLL[GUID_LEN];     /* 0e10c968-78fb-11d2-90d4-00c04f79dc55 */
extern const uint8_t GUID_RIGHT_AUTOENROLL[GUID_LEN]; /* a05b8cc2-17bc-4802-a710-e7c15ab866a2 */

/* Which ACE decided, for the sentence of a refusal: index into aces, or -1 = no ACE matched
 * (refused), -2 = NULL DACL (allowed). */
struct sd_verdict {
	bool allowed;
	int ace;
};

/* ACEs in order, deny before allow decides as in [MS-DTYP] 2.5.3.2; `sids` holds the principal, its
 * groups and the well-known ones. */
struct sd_verdict sd_check_extended_right(
    const struct sd *sd, const struct sids *sids, const uint8_t right[GUID_LEN]);
/* Plain mask, all bits needed (CA rights, facts 4.4: mask bits are not DS rights). */
struct sd_verdict sd_check_mask(const struct sd *sd, const struct sids *sids, uint32_t mask);

#endif
