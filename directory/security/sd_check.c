#include "sd.h"

#include <string.h>

#include "sd_priv.h"

#define GENERIC_BITS  (SD_GENERIC_ALL | SD_GENERIC_EXECUTE | SD_GENERIC_WRITE | SD_GENERIC_READ)
#define OWNER_IMPLIED (SD_RIGHT_READ_CONTROL | SD_RIGHT_WRITE_DACL)

const uint8_t GUID_RIGHT_ENROLL[GUID_LEN] = {
    0x68, 0xc9, 0x10, 0x0e, 0xfb, 0x78, 0xd2, 0x11, 0x90, 0xd4, 0x00, 0xc0, 0x4f, 0x79, 0xdc, 0x55};
const uint8_t GUID_RIGHT_AUTOENROLL[GUID_LEN] = {
    0xc2, 0x8c, 0x5b, 0xa0, 0xbc, 0x17, 0x02, 0x48, 0xa7, 0x10, 0xe7, 0xc1, 0x5a, 0xb8, 0x66, 0xa2};

/* READ_CONTROL | LIST | READ_PROP | LIST_OBJECT; READ_CONTROL | SELF | WRITE_PROP; READ_CONTROL |
 * LIST; every DS bit with the standard rights. */
const struct sd_mapping SD_MAPPING_DS = {
    .read = 0x00020094, .write = 0x00020028, .execute = 0x00020004, .all = 0x000f01ff};

static const struct sid principal_self = {.count = 1, .authority = 5, .subs = {10}};
static const struct sid owner_rights = {.count = 1, .authority = 3, .subs = {4}};

uint32_t
sd_map_generic(const struct sd_mapping *mapping, uint32_t mask)
{
	uint32_t mapped = mask & ~GENERIC_BITS;

	mapped |= (mask & SD_GENERIC_READ) != 0 ? mapping->read : 0;
	mapped |= (mask & SD_GENERIC_WRITE) != 0 ? mapping->write : 0;
	mapped |= (mask & SD_GENERIC_EXECUTE) != 0 ? mapping->execute : 0;
	mapped |= (mask & SD_GENERIC_ALL) != 0 ? mapping->all : 0;
	return mapped;
}

enum effect { EFFECT_NONE, EFFECT_ALLOW, EFFECT_DENY };

/* Callback ACEs (sd.h) count as [MS-DTYP] 2.4.4.17.3 has it for a result that is unknown. A type
 * that nobody knows could deny, so it does; the types of a SACL do nothing in a DACL. */
static enum effect
ace_effect(const struct ace *ace)
{
	if (ace_is_deny(ace->type) || !ace_is_known(ace->type))
		return EFFECT_DENY;
	return ace_is_allow(ace->type) && !ace_is_callback(ace->type) ? EFFECT_ALLOW : EFFECT_NONE;
}

struct check {
	const struct sd_request *request;
	const struct sids *sids;
	bool is_owner;
	bool maximum;
	struct sd_node tree[SD_TREE_MAX];
	uint32_t missing[SD_TREE_MAX]; /* rights that the node has not been granted */
	size_t count;
	uint32_t denied; /* with SD_MAXIMUM_ALLOWED */
};

static bool
names_caller(const struct check *c, const struct sid *sid)
{
	if (sid_eq(sid, &principal_self) && c->request->self != NULL)
		return sids_contain(c->sids, c->request->self);
	if (sid_eq(sid, &owner_rights))
		return c->is_owner;
	return sids_contain(c->sids, sid);
}

static bool
speaks_of_owner(const struct sd *sd)
{
	for (size_t i = 0; i < sd->count; i++)
		if ((sd->aces[i].flags & ACE_FLAG_INHERIT_ONLY) == 0 &&
		    ace_is_known(sd->aces[i].type) && sid_eq(&sd->aces[i].sid, &owner_rights))
			return true;
	return false;
}

/* What the ACE says to this principal; an unknown type names nobody that could be read, hence
 * everybody. */
static enum effect
effect_on(const struct check *c, const struct ace *ace)
{
	enum effect effect = ace_effect(ace);

	if ((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0)
		return EFFECT_NONE;
	if (ace_is_known(ace->type) && !names_caller(c, &ace->sid))
		return EFFECT_NONE;
	return effect;
}

static uint32_t
bits_of(const struct check *c, const struct ace *ace, enum effect effect)
{
	if (!ace_is_known(ace->type) ||
	    (effect == EFFECT_DENY && (ace->mask & SD_GENERIC_ALL) != 0))
		return UINT32_MAX;
	return c->request->mapping != NULL ? sd_map_generic(c->request->mapping, ace->mask)
					   : ace->mask;
}

/* The node that the ACE speaks of; count if none of the tree. Whoever asks for the whole object has
 * every attribute in mind: what is denied for one of them is denied for the root. */
static size_t
node_of(const struct check *c, const struct ace *ace, enum effect effect)
{
	size_t i = 0;

	if (!ace->has_object || (effect == EFFECT_DENY && c->request->tree == NULL))
		return 0;
	while (i < c->count &&
	       (c->tree[i].guid == NULL || memcmp(c->tree[i].guid, ace->object, GUID_LEN) != 0))
		i++;
	return i;
}

/* Children stand behind their parents, so that the way back meets every child first. */
static void
lift_to_parents(struct check *c)
{
	for (size_t parent = c->count; parent-- > 0;) {
		uint32_t missing = 0;
		bool leaf = true;

		for (size_t i = parent + 1;
		     i < c->count && c->tree[i].level > c->tree[parent].level; i++)
			if (c->tree[i].level == c->tree[parent].level + 1) {
				missing |= c->missing[i];
				leaf = false;
			}
		if (!leaf)
			c->missing[parent] &= missing;
	}
}

static void
grant(struct check *c, size_t node, uint32_t bits)
{
	uint8_t level = c->tree[node].level;

	c->missing[node] &= ~bits;
	for (size_t i = node + 1; i < c->count && c->tree[i].level > level; i++)
		c->missing[i] &= ~bits;
	lift_to_parents(c);
}

static struct sd_verdict
refused_by(int ace)
{
	return (struct sd_verdict){.allowed = false, .ace = ace};
}

static struct sd_verdict
walk(struct check *c, const struct sd *sd)
{
	for (size_t i = 0; i < sd->count; i++) {
		const struct ace *ace = &sd->aces[i];
		enum effect effect = effect_on(c, ace);
		size_t node = node_of(c, ace, effect);
		uint32_t bits = bits_of(c, ace, effect);

		if (effect == EFFECT_NONE || node == c->count)
			continue;
		if (effect == EFFECT_ALLOW) {
			grant(c, node, bits);
			if (c->missing[0] == 0 && !c->maximum)
				return (struct sd_verdict){
				    .allowed = true, .ace = (int)i, .granted = c->request->mask};
		} else if (c->maximum) {
			c->denied |= bits;
		} else if ((c->missing[node] & bits) != 0) {
			return refused_by((int)i);
		}
	}
	return refused_by(SD_NO_ACE);
}

/* Copies the tree, or makes one of a single node. */
static bool
take_tree(struct check *c)
{
	const struct sd_request *r = c->request;

	c->tree[0] = (struct sd_node){NULL, 0};
	c->count = 1;
	if (r->tree == NULL)
		return true;
	if (r->tree_count == 0 || r->tree_count > SD_TREE_MAX || r->tree[0].level != 0)
		return false;
	for (size_t i = 1; i < r->tree_count; i++)
		if (r->tree[i].level == 0 || r->tree[i].level > r->tree[i - 1].level + 1)
			return false;
	memcpy(c->tree, r->tree, r->tree_count * sizeof *r->tree);
	c->count = r->tree_count;
	return true;
}

static struct sd_verdict
maximum_allowed(struct check *c, const struct sd *sd, uint32_t wanted, uint32_t implied)
{
	uint32_t granted;

	(void)walk(c, sd);
	granted =
	    (~c->missing[0] & ~c->denied & ~(SD_SYSTEM_SECURITY | SD_MAXIMUM_ALLOWED)) | implied;
	if (granted == 0 || (granted & wanted) != wanted)
		return refused_by(SD_NO_ACE);
	return (struct sd_verdict){.allowed = true, .ace = SD_NO_ACE, .granted = granted};
}

struct sd_verdict
sd_check(const struct sd *sd, const struct sids *sids, const struct sd_request *request)
{
	struct check c = {.request = request, .sids = sids};
	uint32_t wanted = request->mask & ~SD_MAXIMUM_ALLOWED, implied = 0;

	if (request->mapping != NULL)
		wanted = sd_map_generic(request->mapping, wanted);
	if (request->mask == 0 || (wanted & SD_SYSTEM_SECURITY) != 0 || !take_tree(&c))
		return refused_by(SD_NO_ACE);
	c.maximum = (request->mask & SD_MAXIMUM_ALLOWED) != 0;
	c.is_owner = sd->has_owner && sids_contain(sids, &sd->owner);
	if (!sd->has_dacl)
		return (struct sd_verdict){.allowed = true,
		    .ace = SD_NULL_DACL,
		    .granted = c.maximum ? UINT32_MAX & ~(SD_SYSTEM_SECURITY | SD_MAXIMUM_ALLOWED)
					 : request->mask};
	if (c.is_owner && !speaks_of_owner(sd))
		implied = OWNER_IMPLIED;
	if (!c.maximum && (wanted & ~implied) == 0)
		return (struct sd_verdict){
		    .allowed = true, .ace = SD_OWNER, .granted = request->mask};
	for (size_t i = 0; i < c.count; i++)
		c.missing[i] = c.maximum ? UINT32_MAX : wanted & ~implied;
	return c.maximum ? maximum_allowed(&c, sd, wanted, implied) : walk(&c, sd);
}

struct sd_verdict
sd_check_extended_right(const struct sd *sd, const struct sids *sids, const uint8_t right[GUID_LEN])
{
	const struct sd_node tree[] = {{right, 0}};

	return sd_check(sd, sids,
	    &(struct sd_request){.mask = SD_RIGHT_CONTROL_ACCESS, .tree = tree, .tree_count = 1});
}

struct sd_verdict
sd_check_property(const struct sd *sd, const struct sids *sids, uint32_t mask,
    const uint8_t attribute[GUID_LEN], const uint8_t *property_set)
{
	const struct sd_node with_set[] = {{NULL, 0}, {property_set, 1}, {attribute, 2}};
	const struct sd_node alone[] = {{NULL, 0}, {attribute, 1}};
	const struct sd_request request = {.mask = mask,
	    .tree = property_set != NULL ? with_set : alone,
	    .tree_count = property_set != NULL ? 3 : 2};

	return sd_check(sd, sids, &request);
}

struct sd_verdict
sd_check_mask(const struct sd *sd, const struct sids *sids, uint32_t mask)
{
	return sd_check(sd, sids, &(struct sd_request){.mask = mask});
}
