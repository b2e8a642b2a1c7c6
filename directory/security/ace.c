#include <string.h>

#include "bytes.h"
#include "sd_priv.h"

#define ACE_HEADER_LEN   4
#define OBJECT_PRESENT   1u
#define INHERITED_OBJECT 2u

enum {
	KNOWN = 1,    /* mask and SID */
	OBJECT = 2,   /* GUIDs between them */
	DATA = 4,     /* bytes behind the SID */
	CALLBACK = 8, /* a condition or data of the caller's own */
	ALLOW = 16,
	DENY = 32
};

/* [MS-DTYP] 2.4.4.2 to 2.4.4.16, by type. The trust label and the access filter have no section
 * there; their layouts are those of the label and of a callback. */
static const uint8_t layouts[] = {
    [ACE_ALLOW] = KNOWN | ALLOW,
    [ACE_DENY] = KNOWN | DENY,
    [ACE_AUDIT] = KNOWN,
    [ACE_ALARM] = KNOWN,
    [ACE_ALLOW_COMPOUND] = 0,
    [ACE_ALLOW_OBJECT] = KNOWN | OBJECT | ALLOW,
    [ACE_DENY_OBJECT] = KNOWN | OBJECT | DENY,
    [ACE_AUDIT_OBJECT] = KNOWN | OBJECT,
    [ACE_ALARM_OBJECT] = KNOWN | OBJECT,
    [ACE_ALLOW_CALLBACK] = KNOWN | DATA | CALLBACK | ALLOW,
    [ACE_DENY_CALLBACK] = KNOWN | DATA | CALLBACK | DENY,
    [ACE_ALLOW_CALLBACK_OBJECT] = KNOWN | OBJECT | DATA | CALLBACK | ALLOW,
    [ACE_DENY_CALLBACK_OBJECT] = KNOWN | OBJECT | DATA | CALLBACK | DENY,
    [ACE_AUDIT_CALLBACK] = KNOWN | DATA | CALLBACK,
    [ACE_ALARM_CALLBACK] = KNOWN | DATA | CALLBACK,
    [ACE_AUDIT_CALLBACK_OBJECT] = KNOWN | OBJECT | DATA | CALLBACK,
    [ACE_ALARM_CALLBACK_OBJECT] = KNOWN | OBJECT | DATA | CALLBACK,
    [ACE_MANDATORY_LABEL] = KNOWN,
    [ACE_RESOURCE_ATTRIBUTE] = KNOWN | DATA,
    [ACE_SCOPED_POLICY] = KNOWN,
    [ACE_TRUST_LABEL] = KNOWN,
    [ACE_ACCESS_FILTER] = KNOWN | DATA | CALLBACK,
};

static bool
layout_has(uint8_t type, int what)
{
	return type < sizeof layouts && (layouts[type] & what) != 0;
}

bool
ace_is_known(uint8_t type)
{
	return layout_has(type, KNOWN);
}

bool
ace_has_object_part(uint8_t type)
{
	return layout_has(type, OBJECT);
}

bool
ace_is_callback(uint8_t type)
{
	return layout_has(type, CALLBACK);
}

bool
ace_has_data(uint8_t type)
{
	return layout_has(type, DATA);
}

bool
ace_is_allow(uint8_t type)
{
	return layout_has(type, ALLOW);
}

bool
ace_is_deny(uint8_t type)
{
	return layout_has(type, DENY);
}

/* [MS-DTYP] 2.4.5 allows revision 2 for the plain types and those of labels and attributes; unknown
 * types are taken for the directory's. */
uint8_t
ace_revision(uint8_t type)
{
	return ace_has_object_part(type) || !ace_is_known(type) ? ACL_REVISION_DS : ACL_REVISION;
}

static bool
get_guid(struct view *v, uint8_t out[GUID_LEN])
{
	struct view raw;

	if (!bytes_get(v, GUID_LEN, &raw))
		return false;
	memcpy(out, raw.ptr, GUID_LEN);
	return true;
}

static bool
get_object_part(struct view *v, struct ace *ace)
{
	uint32_t present;

	if (!bytes_get_u32le(v, &present) || (present & ~(OBJECT_PRESENT | INHERITED_OBJECT)) != 0)
		return false;
	ace->has_object = (present & OBJECT_PRESENT) != 0;
	ace->has_inherited_object = (present & INHERITED_OBJECT) != 0;
	return (!ace->has_object || get_guid(v, ace->object)) &&
	       (!ace->has_inherited_object || get_guid(v, ace->inherited_object));
}

bool
ace_get(struct view *acl, struct ace *out)
{
	struct ace ace = {0};
	struct view body;
	uint16_t size;

	if (!bytes_get_u8(acl, &ace.type) || !bytes_get_u8(acl, &ace.flags) ||
	    !bytes_get_u16le(acl, &size) || size < ACE_HEADER_LEN || size % 4 != 0 ||
	    !bytes_get(acl, size - (size_t)ACE_HEADER_LEN, &body))
		return false;
	if (ace_is_known(ace.type) &&
	    (!bytes_get_u32le(&body, &ace.mask) ||
		(ace_has_object_part(ace.type) && !get_object_part(&body, &ace)) ||
		!sid_get(&body, &ace.sid)))
		return false;
	if (ace_is_known(ace.type) && !ace_has_data(ace.type) && body.len != 0)
		return false;
	ace.data = body;
	*out = ace;
	return true;
}

static bool
put_object_part(const struct ace *ace, struct buf *out, struct err *err)
{
	uint32_t present = (ace->has_object ? OBJECT_PRESENT : 0) |
			   (ace->has_inherited_object ? INHERITED_OBJECT : 0);

	return bytes_put_u32le(out, present, err) &&
	       (!ace->has_object || buf_append(out, view_of(ace->object, GUID_LEN), err)) &&
	       (!ace->has_inherited_object ||
		   buf_append(out, view_of(ace->inherited_object, GUID_LEN), err));
}

bool
ace_put(const struct ace *ace, struct buf *out, struct err *err)
{
	size_t start = out->len, size;

	if (ace_is_known(ace->type) && !ace_has_data(ace->type) && ace->data.len != 0)
		return err_set(
		    err, E_INVALIDARG, "an ACE of type %u holds no data", (unsigned)ace->type);
	if (!bytes_put_u8(out, ace->type, err) || !bytes_put_u8(out, ace->flags, err) ||
	    !bytes_put_u16le(out, 0, err))
		return false;
	if (ace_is_known(ace->type) &&
	    (!bytes_put_u32le(out, ace->mask, err) ||
		(ace_has_object_part(ace->type) && !put_object_part(ace, out, err)) ||
		!sid_encode(&ace->sid, out, err)))
		return false;
	if (!buf_append(out, ace->data, err))
		return false;
	size = out->len - start;
	if (size > UINT16_MAX || size % 4 != 0)
		return err_set(err, E_INVALIDARG, "an ACE of %zu bytes cannot be written", size);
	out->ptr[start + 2] = (uint8_t)size;
	out->ptr[start + 3] = (uint8_t)(size >> 8);
	return true;
}

bool
ace_eq(const struct ace *a, const struct ace *b)
{
	return a->type == b->type && a->flags == b->flags && a->mask == b->mask &&
	       a->has_object == b->has_object &&
	       (!a->has_object || memcmp(a->object, b->object, GUID_LEN) == 0) &&
	       a->has_inherited_object == b->has_inherited_object &&
	       (!a->has_inherited_object ||
		   memcmp(a->inherited_object, b->inherited_object, GUID_LEN) == 0) &&
	       sid_eq(&a->sid, &b->sid) && view_eq(a->data, b->data);
}
