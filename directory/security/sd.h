/*
 * Security descriptors ([MS-DTYP] 2.4.6) in their self-relative form, SDDL, and the access check.
 * Pure. The traps of [MS-DTYP] 2.5.3.2 and [MS-CRTD] 2.5 apply: no DACL = everyone, empty DACL =
 * nobody, inherit-only ACEs do not count, an object ACE without a GUID means all rights, "full
 * control" 0xF00FF holds no extended right. ACE types that nobody knows are kept (their body in
 * ace.data), written back and grant nothing; one that stands before the grant could be a denial and
 * refuses.
 *
 * Conditions, claims and resource attributes are bytes here: carried, shown as "#hex", never
 * evaluated. A callback ACE that is no officer rule (officer.h) grants nothing where it allows, and
 * denies as if its condition were met where it denies.
 *
 * For the trustees who hold a right see sd_effective.h, for ACEs as sentences sd_text.h, for
 * changes to a DACL sd_edit.h, for what is wrong with one or other than in another sd_review.h.
 */
#ifndef SECURITY_SD_H
#define SECURITY_SD_H

#include "sid.h"
#include "text.h"

/* Access mask ([MS-DTYP] 2.4.3, [MS-ADTS] 5.1.3.2). */
#define SD_RIGHT_CREATE_CHILD   0x00000001u
#define SD_RIGHT_DELETE_CHILD   0x00000002u
#define SD_RIGHT_LIST           0x00000004u
#define SD_RIGHT_SELF           0x00000008u /* validated write */
#define SD_RIGHT_READ_PROP      0x00000010u
#define SD_RIGHT_WRITE_PROP     0x00000020u
#define SD_RIGHT_DELETE_TREE    0x00000040u
#define SD_RIGHT_LIST_OBJECT    0x00000080u
#define SD_RIGHT_CONTROL_ACCESS 0x00000100u /* DS extended right */
#define SD_RIGHT_DELETE         0x00010000u
#define SD_RIGHT_READ_CONTROL   0x00020000u
#define SD_RIGHT_WRITE_DACL     0x00040000u
#define SD_RIGHT_WRITE_OWNER    0x00080000u
#define SD_SYSTEM_SECURITY      0x01000000u
#define SD_MAXIMUM_ALLOWED      0x02000000u
#define SD_GENERIC_ALL          0x10000000u
#define SD_GENERIC_EXECUTE      0x20000000u
#define SD_GENERIC_WRITE        0x40000000u
#define SD_GENERIC_READ         0x80000000u

enum ace_type { /* [MS-DTYP] 2.4.4.1 */
	ACE_ALLOW = 0,
	ACE_DENY = 1,
	ACE_AUDIT = 2,
	ACE_ALARM = 3,
	ACE_ALLOW_COMPOUND = 4, /* reserved, no layout is published: kept as bytes */
	ACE_ALLOW_OBJECT = 5,
	ACE_DENY_OBJECT = 6,
	ACE_AUDIT_OBJECT = 7,
	ACE_ALARM_OBJECT = 8,
	ACE_ALLOW_CALLBACK = 9,
	ACE_DENY_CALLBACK = 10,
	ACE_ALLOW_CALLBACK_OBJECT = 11,
	ACE_DENY_CALLBACK_OBJECT = 12,
	ACE_AUDIT_CALLBACK = 13,
	ACE_ALARM_CALLBACK = 14,
	ACE_AUDIT_CALLBACK_OBJECT = 15,
	ACE_ALARM_CALLBACK_OBJECT = 16,
	ACE_MANDATORY_LABEL = 17,
	ACE_RESOURCE_ATTRIBUTE = 18,
	ACE_SCOPED_POLICY = 19,
	ACE_TRUST_LABEL = 20,
	ACE_ACCESS_FILTER = 21
};

#define ACE_FLAG_OBJECT_INHERIT    0x01
#define ACE_FLAG_CONTAINER_INHERIT 0x02
#define ACE_FLAG_INHERIT_ONLY      0x08
#define ACE_FLAG_INHERITED         0x10

struct ace {
	uint8_t type; /* enum ace_type, or another number */
	uint8_t flags;
	uint32_t mask;
	bool has_object;
	bool has_inherited_object;
	uint8_t object[GUID_LEN];
	uint8_t inherited_object[GUID_LEN];
	struct sid sid;
	/* Opaque: callback ACEs: application data (a condition, [MS-DTYP] 2.4.4.17, or the
	 * caller's own); resource attributes: the claim (2.4.10.1); types without a known layout:
	 * the whole body. Points into sd.raw. */
	struct view data;
};

/* The same in all members, data by its bytes. */
bool ace_eq(const struct ace *a, const struct ace *b);

struct sd {
	struct buf raw; /* the bytes it was decoded from */
	uint16_t control;
	uint8_t rm_control; /* resource manager's byte (Sbz1), meant if control says so */
	bool has_owner, has_group;
	bool has_dacl, has_sacl; /* has_dacl false: NULL DACL */
	struct sid owner, group;
	struct ace *aces; /* DACL */
	size_t count;
	struct ace *sacl;
	size_t sacl_count;
	/* ACL revision, 2 or 4; 0: the smallest that its ACEs need. */
	uint8_t dacl_revision, sacl_revision;
};

/* At most 64 KiB. Every offset, size, count and SID is checked; parts may not overlap, and no bytes
 * may follow the last one. Bytes between parts and slack inside an ACL mean nothing and are not
 * kept. */
bool sd_decode(struct view raw, struct sd *out, struct err *err);
/* Self-relative form in the order owner, group, SACL, DACL, as Windows writes it; decode(encode(x))
 * == x field by field. */
bool sd_encode(const struct sd *sd, struct buf *out, struct err *err);
void sd_free(struct sd *sd);
/* Whether the DACL inherits nothing from the object above. */
bool sd_is_protected(const struct sd *sd);

/* SDDL as [MS-DTYP] 2.5.1 writes it, SIDs unabbreviated. What SDDL has no letters for is a number;
 * ace.data, if there is any, is a seventh field ";#hex": "(XA;;CR;;;S-1-1-0;#61727478...)". free();
 * NULL on no memory. */
char *sd_to_sddl(const struct sd *sd);

/* What the aliases that are relative to a domain mean. Members may be NULL; without forest root the
 * domain is taken for it. */
struct sddl_domains {
	const struct sid *domain;
	const struct sid *forest_root; /* EA, SA, RO, EK */
};

/* As sd_to_sddl, with an alias for every SID that has one. */
char *sd_to_sddl_aliases(const struct sd *sd, const struct sddl_domains *domains);
/* Reads SDDL, and byte for byte what sd_to_sddl writes. Conditions and resource attributes in the
 * words of [MS-DTYP] 2.5.1 are refused: their data is read as "#hex" only. An alias of a domain
 * that `domains` does not hold is refused, and so is all that the grammar does not know. */
bool sd_from_sddl_in(
    const char *sddl, const struct sddl_domains *domains, struct sd *out, struct err *err);
/* The same for one domain, which may be NULL. */
bool sd_from_sddl(const char *sddl, const struct sid *domain, struct sd *out, struct err *err);

extern const uint8_t GUID_RIGHT_ENROLL[GUID_LEN];     /* 0e10c968-78fb-11d2-90d4-00c04f79dc55 */
extern const uint8_t GUID_RIGHT_AUTOENROLL[GUID_LEN]; /* a05b8cc2-17bc-4802-a710-e7c15ab866a2 */

/* GENERIC_MAPPING ([MS-DTYP] 2.4.3): what the four generic bits mean for one kind of object. */
struct sd_mapping {
	uint32_t read, write, execute, all;
};

extern const struct sd_mapping SD_MAPPING_DS; /* [MS-ADTS] 5.1.3.2 */
/* `mask` with its generic bits replaced by what they mean. */
uint32_t sd_map_generic(const struct sd_mapping *mapping, uint32_t mask);

/* One node of an object type list ([MS-DTYP] 2.5.3.2), in pre-order: a node's children follow it,
 * one level deeper. Level 0 is the object itself, whose guid is its class or NULL. */
struct sd_node {
	const uint8_t *guid;
	uint8_t level;
};

#define SD_TREE_MAX 32

struct sd_request {
	uint32_t mask;              /* all bits needed; SD_MAXIMUM_ALLOWED: say what is granted */
	const struct sd_node *tree; /* NULL: the object as a whole */
	size_t tree_count;
	const struct sid *self; /* whom S-1-5-10 stands for; NULL: itself */
	/* NULL: generic bits stored in ACEs mean nothing, as in [MS-DTYP] 2.5.3.2, since Active
	 * Directory maps them when it writes; only a denial of GENERIC_ALL denies everything. Not
	 * NULL: they are mapped, in ACEs and in `mask`. */
	const struct sd_mapping *mapping;
};

enum { SD_NO_ACE = -1, SD_NULL_DACL = -2, SD_OWNER = -3 };

struct sd_verdict {
	bool allowed;
	/* Which ACE decided, for the sentence of a refusal: index into aces, or SD_NO_ACE (refused:
	 * no ACE granted it all; allowed: more than one was asked), SD_NULL_DACL (allowed) or
	 * SD_OWNER (allowed: the owner's implied rights). */
	int ace;
	uint32_t granted; /* the mask, if allowed; with SD_MAXIMUM_ALLOWED all that is granted */
};

/* Access check of [MS-DTYP] 2.5.3.2. `sids` holds the principal, its groups and the well-known
 * ones. ACEs in order; the owner has READ_CONTROL and WRITE_DACL unless an ACE for OWNER RIGHTS
 * (S-1-3-4) stands in the DACL, which then speaks of the owner. An ACE for one node grants that
 * node and those below, and a node whose children all have a right has it; granted is what the root
 * has; denied is what any node is denied, without a tree by any object ACE. Stricter than the
 * algorithm, always to the refusal: a request for nothing, SD_SYSTEM_SECURITY (there are no
 * privileges here) and a malformed tree are refused; callback ACEs as said above. With
 * SD_MAXIMUM_ALLOWED, a right that is denied anywhere in the DACL is not granted. Not modelled:
 * restricted and deny-only SIDs of a token, integrity labels and central policies; none exists for
 * a caller who comes over the network without a Windows token. */
struct sd_verdict sd_check(
    const struct sd *sd, const struct sids *sids, const struct sd_request *request);
/* One extended right of the object ([MS-ADTS] 5.1.3.3.4). */
struct sd_verdict sd_check_extended_right(
    const struct sd *sd, const struct sids *sids, const uint8_t right[GUID_LEN]);
/* SD_RIGHT_READ_PROP, SD_RIGHT_WRITE_PROP or SD_RIGHT_SELF for one attribute by its schemaIDGUID
 * (a validated write: by its rightsGuid), which may belong to a property set (NULL: to none). */
struct sd_verdict sd_check_property(const struct sd *sd, const struct sids *sids, uint32_t mask,
    const uint8_t attribute[GUID_LEN], const uint8_t *property_set);
/* Plain mask, all bits needed (CA rights: their bits are not DS rights). */
struct sd_verdict sd_check_mask(const struct sd *sd, const struct sids *sids, uint32_t mask);

#endif
