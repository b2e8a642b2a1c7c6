#include "sd.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sd_priv.h"

#define SD_MAX           65536
#define SD_REVISION      1
#define SD_HEADER_LEN    20
#define ACL_HEADER_LEN   8
#define ACE_HEADER_LEN   4
#define ACL_REVISION     2
#define ACL_REVISION_DS  4
#define OBJECT_PRESENT   1u
#define INHERITED_OBJECT 2u

/* Control bits of parts that struct sd does not keep: the SACL's, and the resource manager's byte.
 */
#define CONTROL_DROPPED                                                                      \
	(SD_CONTROL_SACL_PRESENT | SD_CONTROL_SACL_DEFAULTED | SD_CONTROL_SACL_INHERIT_REQ | \
	    SD_CONTROL_SACL_INHERITED | SD_CONTROL_SACL_PROTECTED | SD_CONTROL_RM_VALID)

bool
ace_has_object_part(uint8_t type)
{
	return type == ACE_ALLOW_OBJECT || type == ACE_DENY_OBJECT || type == ACE_AUDIT_OBJECT ||
	       type == ACE_ALLOW_CALLBACK_OBJECT || type == ACE_DENY_CALLBACK_OBJECT;
}

bool
ace_is_callback(uint8_t type)
{
	return type == ACE_ALLOW_CALLBACK || type == ACE_DENY_CALLBACK ||
	       type == ACE_ALLOW_CALLBACK_OBJECT || type == ACE_DENY_CALLBACK_OBJECT;
}

bool
ace_is_known(uint8_t type)
{
	return type == ACE_ALLOW || type == ACE_DENY || type == ACE_AUDIT ||
	       ace_has_object_part(type) || ace_is_callback(type);
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

/* [MS-DTYP] 2.4.4: header, then by type. What follows the SID is data in callback ACEs and an error
 * in the others. */
static bool
get_ace(struct view *acl, struct ace *ace)
{
	struct view body;
	uint16_t size;

	if (!bytes_get_u8(acl, &ace->type) || !bytes_get_u8(acl, &ace->flags) ||
	    !bytes_get_u16le(acl, &size) || size < ACE_HEADER_LEN || size % 4 != 0 ||
	    !bytes_get(acl, size - (size_t)ACE_HEADER_LEN, &body))
		return false;
	if (!ace_is_known(ace->type)) {
		ace->data = body;
		return true;
	}
	if (!bytes_get_u32le(&body, &ace->mask) ||
	    (ace_has_object_part(ace->type) && !get_object_part(&body, ace)) ||
	    !sid_get(&body, &ace->sid))
		return false;
	if (ace_is_callback(ace->type))
		ace->data = body;
	return ace_is_callback(ace->type) || body.len == 0;
}

struct acl_header {
	uint16_t count;
	size_t end; /* offset from the start of the descriptor */
	struct view aces;
};

static bool
get_acl_header(
    struct view raw, uint32_t offset, const char *which, struct acl_header *out, struct err *err)
{
	struct view v = view_of(raw.ptr + offset, raw.len - offset);
	uint8_t revision, reserved1;
	uint16_t size, reserved2;

	if (!bytes_get_u8(&v, &revision) || !bytes_get_u8(&v, &reserved1) ||
	    !bytes_get_u16le(&v, &size) || !bytes_get_u16le(&v, &out->count) ||
	    !bytes_get_u16le(&v, &reserved2) || size < ACL_HEADER_LEN ||
	    !bytes_get(&v, size - (size_t)ACL_HEADER_LEN, &out->aces))
		return err_set(
		    err, ERROR_INVALID_DATA, "security descriptor: the %s is cut off", which);
	if (revision != ACL_REVISION && revision != ACL_REVISION_DS)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: %s revision %u is unknown", which, (unsigned)revision);
	out->end = (size_t)offset + size;
	return true;
}

/* Bytes of the DACL behind its last ACE are slack that Windows leaves too; they mean nothing. */
static bool
decode_dacl(const struct acl_header *acl, struct sd *sd, struct err *err)
{
	struct view v = acl->aces;

	if (acl->count > v.len / ACE_HEADER_LEN)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: the DACL has no room for %u ACEs", (unsigned)acl->count);
	if ((sd->aces = calloc(acl->count > 0 ? acl->count : 1, sizeof *sd->aces)) == NULL)
		return err_nomem(err);
	for (; sd->count < acl->count; sd->count++)
		if (!get_ace(&v, &sd->aces[sd->count]))
			return err_set(err, ERROR_INVALID_DATA,
			    "security descriptor: ACE %zu is malformed", sd->count);
	return true;
}

static bool
decode_sid(struct view raw, uint32_t offset, const char *which, struct sid *out, size_t *end,
    struct err *err)
{
	struct view v = view_of(raw.ptr + offset, raw.len - offset);

	if (!sid_get(&v, out))
		return err_set(
		    err, ERROR_INVALID_DATA, "security descriptor: the %s is malformed", which);
	if (*end < raw.len - v.len)
		*end = raw.len - v.len;
	return true;
}

enum { OWNER, GROUP, SACL, DACL, PARTS };

static bool
decode_header(struct view raw, struct sd *sd, uint32_t offsets[PARTS], struct err *err)
{
	uint8_t revision, reserved;
	struct view v = raw;

	if (!bytes_get_u8(&v, &revision) || !bytes_get_u8(&v, &reserved) ||
	    !bytes_get_u16le(&v, &sd->control))
		return err_set(
		    err, ERROR_INVALID_DATA, "security descriptor: the header is cut off");
	for (size_t i = 0; i < PARTS; i++) {
		if (!bytes_get_u32le(&v, &offsets[i]))
			return err_set(
			    err, ERROR_INVALID_DATA, "security descriptor: the header is cut off");
		if (offsets[i] != 0 && (offsets[i] < SD_HEADER_LEN || offsets[i] > raw.len))
			return err_set(err, ERROR_INVALID_DATA,
			    "security descriptor: offset %u lies outside its %zu bytes",
			    (unsigned)offsets[i], raw.len);
	}
	if (revision != SD_REVISION || (sd->control & SD_CONTROL_SELF_RELATIVE) == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: not of revision 1 in self-relative form");
	/* A list whose "present" bit is off would count as absent, and an absent DACL as
	 * "everyone". */
	if ((offsets[DACL] != 0 && (sd->control & SD_CONTROL_DACL_PRESENT) == 0) ||
	    (offsets[SACL] != 0 && (sd->control & SD_CONTROL_SACL_PRESENT) == 0))
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: it holds a list that its control bits deny");
	return true;
}

static bool
decode_parts(struct view raw, struct sd *sd, struct err *err)
{
	uint32_t offsets[PARTS];
	size_t end = SD_HEADER_LEN;
	struct acl_header acl;

	if (!decode_header(raw, sd, offsets, err))
		return false;
	if (offsets[OWNER] != 0 && !decode_sid(raw, offsets[OWNER], "owner", &sd->owner, &end, err))
		return false;
	if (offsets[GROUP] != 0 && !decode_sid(raw, offsets[GROUP], "group", &sd->group, &end, err))
		return false;
	if (offsets[SACL] != 0) {
		if (!get_acl_header(raw, offsets[SACL], "SACL", &acl, err))
			return false;
		end = acl.end > end ? acl.end : end;
	}
	if (offsets[DACL] != 0) {
		if (!get_acl_header(raw, offsets[DACL], "DACL", &acl, err) ||
		    !decode_dacl(&acl, sd, err))
			return false;
		end = acl.end > end ? acl.end : end;
	}
	if (end != raw.len)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: %zu bytes belong to no part of it", raw.len - end);
	sd->has_owner = offsets[OWNER] != 0;
	sd->has_group = offsets[GROUP] != 0;
	sd->has_dacl = offsets[DACL] != 0;
	sd->control &= (uint16_t)~CONTROL_DROPPED;
	return true;
}

bool
sd_decode(struct view raw, struct sd *out, struct err *err)
{
	*out = (struct sd){0};
	if (raw.len > SD_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "security descriptor: larger than %d bytes", SD_MAX);
	if (buf_dup(raw, &out->raw, err) && decode_parts(buf_view(&out->raw), out, err))
		return true;
	sd_free(out);
	return false;
}

void
sd_free(struct sd *sd)
{
	free(sd->aces);
	buf_free(&sd->raw);
	*sd = (struct sd){0};
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

static void
patch_u16le(struct buf *b, size_t at, size_t v)
{
	b->ptr[at] = (uint8_t)v;
	b->ptr[at + 1] = (uint8_t)(v >> 8);
}

static bool
put_ace(const struct ace *ace, struct buf *out, struct err *err)
{
	size_t start = out->len, size;

	if (!bytes_put_u8(out, ace->type, err) || !bytes_put_u8(out, ace->flags, err) ||
	    !bytes_put_u16le(out, 0, err))
		return false;
	if (ace_is_known(ace->type) &&
	    (!bytes_put_u32le(out, ace->mask, err) ||
		(ace_has_object_part(ace->type) && !put_object_part(ace, out, err)) ||
		!sid_encode(&ace->sid, out, err)))
		return false;
	if ((!ace_is_known(ace->type) || ace_is_callback(ace->type)) &&
	    !buf_append(out, ace->data, err))
		return false;
	size = out->len - start;
	if (size > UINT16_MAX || size % 4 != 0)
		return err_set(err, E_INVALIDARG, "an ACE of %zu bytes cannot be written", size);
	patch_u16le(out, start + 2, size);
	return true;
}

static bool
put_dacl(const struct sd *sd, struct buf *out, struct err *err)
{
	uint8_t revision = ACL_REVISION;
	size_t start = out->len;

	for (size_t i = 0; i < sd->count; i++)
		if (ace_has_object_part(sd->aces[i].type) || !ace_is_known(sd->aces[i].type))
			revision = ACL_REVISION_DS;
	if (!bytes_put_u8(out, revision, err) || !bytes_put_u8(out, 0, err) ||
	    !bytes_put_u16le(out, 0, err) || !bytes_put_u16le(out, (uint16_t)sd->count, err) ||
	    !bytes_put_u16le(out, 0, err))
		return false;
	for (size_t i = 0; i < sd->count; i++)
		if (!put_ace(&sd->aces[i], out, err))
			return false;
	if (sd->count > UINT16_MAX || out->len - start > UINT16_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "a DACL holds at most 65535 bytes");
	patch_u16le(out, start + 2, out->len - start);
	return true;
}

/* Puts the offset of the part that comes next into the header. */
static void
patch_offset(struct buf *b, size_t part)
{
	patch_u16le(b, 4 + 4 * part, b->len);
}

bool
sd_encode(const struct sd *sd, struct buf *out, struct err *err)
{
	uint16_t control = (uint16_t)((sd->control & ~CONTROL_DROPPED) | SD_CONTROL_SELF_RELATIVE);
	struct buf b = {0};

	*out = (struct buf){0};
	if (sd->has_dacl)
		control |= SD_CONTROL_DACL_PRESENT;
	if (!buf_alloc(SD_HEADER_LEN, &b, err))
		return false;
	b.ptr[0] = SD_REVISION;
	patch_u16le(&b, 2, control);
	if (sd->has_owner) {
		patch_offset(&b, OWNER);
		if (!sid_encode(&sd->owner, &b, err))
			goto fail;
	}
	if (sd->has_group) {
		patch_offset(&b, GROUP);
		if (!sid_encode(&sd->group, &b, err))
			goto fail;
	}
	if (sd->has_dacl) {
		patch_offset(&b, DACL);
		if (!put_dacl(sd, &b, err))
			goto fail;
	}
	if (b.len > SD_MAX) {
		err_set(
		    err, DIRCA_E_TOO_LARGE, "a security descriptor holds at most %d bytes", SD_MAX);
		goto fail;
	}
	*out = b;
	return true;
fail:
	buf_free(&b);
	return false;
}
