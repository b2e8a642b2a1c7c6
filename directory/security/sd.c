#include "sd.h"

#include <stdlib.h>

#include "bytes.h"
#include "sd_priv.h"
#include "own.h"
#include "mem.h"

#define SD_MAX         65536
#define SD_REVISION    1
#define SD_HEADER_LEN  20
#define ACL_HEADER_LEN 8
#define ACE_LEN_MIN    4

enum { OWNER, GROUP, SACL, DACL, PARTS };

static const char *const part_names[PARTS] = {"owner", "group", "SACL", "DACL"};

struct parts {
	uint32_t offset[PARTS];
	size_t end[PARTS]; /* of those whose offset is not 0 */
};

struct acl {
	struct ace *aces;
	size_t count;
	uint8_t revision;
};

static bool
get_aces(struct view v, uint16_t count, const char *which, struct acl *out, struct err *err)
{
	if (count > v.len / ACE_LEN_MIN)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: the %s has no room for %u ACEs", which, (unsigned)count);
	out->aces = mem_zero(count, sizeof *out->aces);
	for (; out->count < count; out->count++) {
		struct ace *ace = &out->aces[out->count];

		if (!ace_get(&v, ace)) {
			free(out->aces);
			return err_set(err, ERROR_INVALID_DATA,
			    "security descriptor: ACE %zu of the %s is malformed", out->count,
			    which);
		}
		/* Object ACEs under revision 2 are a writer's slip; revision 4 is what they need.
		 */
		if (out->revision < ace_revision(ace->type))
			out->revision = ace_revision(ace->type);
	}
	return true;
}

/* [MS-DTYP] 2.4.5. Bytes behind the last ACE are slack that Windows leaves too; they mean nothing.
 */
static bool
decode_acl(struct view raw, struct parts *parts, size_t part, struct acl *out, struct err *err)
{
	struct view v = view_of(raw.ptr + parts->offset[part], raw.len - parts->offset[part]), aces;
	uint16_t size, count, reserved2;
	uint8_t reserved1;

	*out = (struct acl){0};
	if (!bytes_get_u8(&v, &out->revision) || !bytes_get_u8(&v, &reserved1) ||
	    !bytes_get_u16le(&v, &size) || !bytes_get_u16le(&v, &count) ||
	    !bytes_get_u16le(&v, &reserved2) || size < ACL_HEADER_LEN ||
	    !bytes_get(&v, size - (size_t)ACL_HEADER_LEN, &aces))
		return err_set(err, ERROR_INVALID_DATA, "security descriptor: the %s is cut off",
		    part_names[part]);
	if (out->revision != ACL_REVISION && out->revision != ACL_REVISION_DS)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: %s revision %u is unknown", part_names[part],
		    (unsigned)out->revision);
	parts->end[part] = (size_t)parts->offset[part] + size;
	return get_aces(aces, count, part_names[part], out, err);
}

static bool
decode_sid(struct view raw, struct parts *parts, size_t part, struct sid *out, struct err *err)
{
	struct view v = view_of(raw.ptr + parts->offset[part], raw.len - parts->offset[part]);

	if (!sid_get(&v, out))
		return err_set(err, ERROR_INVALID_DATA, "security descriptor: the %s is malformed",
		    part_names[part]);
	parts->end[part] = raw.len - v.len;
	return true;
}

static bool
decode_header(struct view raw, struct sd *sd, struct parts *parts, struct err *err)
{
	struct view v = raw;
	uint8_t revision;

	if (raw.len < SD_HEADER_LEN || !bytes_get_u8(&v, &revision) ||
	    !bytes_get_u8(&v, &sd->rm_control) || !bytes_get_u16le(&v, &sd->control))
		return err_set(
		    err, ERROR_INVALID_DATA, "security descriptor: the header is cut off");
	for (size_t i = 0; i < PARTS; i++) {
		uint32_t offset;

		if (!bytes_get_u32le(&v, &offset) ||
		    (offset != 0 && (offset < SD_HEADER_LEN || offset > raw.len)))
			return err_set(err, ERROR_INVALID_DATA,
			    "security descriptor: the offset of its %s lies outside its %zu bytes",
			    part_names[i], raw.len);
		parts->offset[i] = offset;
	}
	if (revision != SD_REVISION || (sd->control & SD_CONTROL_SELF_RELATIVE) == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: not of revision 1 in self-relative form");
	/* A list whose "present" bit is off would count as absent, and an absent DACL as
	 * "everyone". */
	if ((parts->offset[DACL] != 0 && (sd->control & SD_CONTROL_DACL_PRESENT) == 0) ||
	    (parts->offset[SACL] != 0 && (sd->control & SD_CONTROL_SACL_PRESENT) == 0))
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: it holds a list that its control bits deny");
	return true;
}

static bool
check_layout(struct view raw, const struct parts *parts, struct err *err)
{
	size_t last = SD_HEADER_LEN;

	for (size_t a = 0; a < PARTS; a++) {
		if (parts->offset[a] == 0)
			continue;
		last = parts->end[a] > last ? parts->end[a] : last;
		for (size_t b = a + 1; b < PARTS; b++)
			if (parts->offset[b] != 0 && parts->offset[a] < parts->end[b] &&
			    parts->offset[b] < parts->end[a])
				return err_set(err, ERROR_INVALID_DATA,
				    "security descriptor: its %s and its %s overlap", part_names[a],
				    part_names[b]);
	}
	if (last != raw.len)
		return err_set(err, ERROR_INVALID_DATA,
		    "security descriptor: %zu bytes belong to no part of it", raw.len - last);
	return true;
}

static bool
decode_parts(struct view raw, struct sd *sd, struct err *err)
{
	struct parts parts = {0};
	struct acl acl;

	if (!decode_header(raw, sd, &parts, err))
		return false;
	sd->has_owner = parts.offset[OWNER] != 0;
	sd->has_group = parts.offset[GROUP] != 0;
	sd->has_sacl = parts.offset[SACL] != 0;
	sd->has_dacl = parts.offset[DACL] != 0;
	if ((sd->has_owner && !decode_sid(raw, &parts, OWNER, &sd->owner, err)) ||
	    (sd->has_group && !decode_sid(raw, &parts, GROUP, &sd->group, err)))
		return false;
	if (sd->has_sacl) {
		if (!decode_acl(raw, &parts, SACL, &acl, err))
			return false;
		sd->sacl = acl.aces;
		sd->sacl_count = acl.count;
		sd->sacl_revision = acl.revision;
	}
	if (sd->has_dacl) {
		if (!decode_acl(raw, &parts, DACL, &acl, err))
			return false;
		sd->aces = acl.aces;
		sd->count = acl.count;
		sd->dacl_revision = acl.revision;
	}
	return check_layout(raw, &parts, err);
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
	free(sd->sacl);
	buf_free(&sd->raw);
	*sd = (struct sd){0};
}

bool
sd_is_protected(const struct sd *sd)
{
	return (sd->control & SD_CONTROL_DACL_PROTECTED) != 0;
}

static void
patch_u16le(struct buf *b, size_t at, size_t v)
{
	b->ptr[at] = (uint8_t)v;
	b->ptr[at + 1] = (uint8_t)(v >> 8);
}

/* Puts the offset of the part that comes next into the header. */
static void
patch_offset(struct buf *b, size_t part)
{
	patch_u16le(b, 4 + 4 * part, b->len);
	patch_u16le(b, 6 + 4 * part, b->len >> 16);
}

static bool
put_sid(const struct sid *sid, size_t part, struct buf *out, struct err *err)
{
	patch_offset(out, part);
	return sid_encode(sid, out, err);
}

static bool
put_acl(const struct acl *acl, size_t part, struct buf *out, struct err *err)
{
	uint8_t revision = acl->revision != 0 ? acl->revision : ACL_REVISION;
	size_t start = out->len;

	patch_offset(out, part);
	for (size_t i = 0; i < acl->count; i++)
		if (revision < ace_revision(acl->aces[i].type))
			revision = ace_revision(acl->aces[i].type);
	if (!bytes_put_u8(out, revision, err) || !bytes_put_u8(out, 0, err) ||
	    !bytes_put_u16le(out, 0, err) || !bytes_put_u16le(out, (uint16_t)acl->count, err) ||
	    !bytes_put_u16le(out, 0, err))
		return false;
	for (size_t i = 0; i < acl->count; i++)
		if (!ace_put(&acl->aces[i], out, err))
			return false;
	if (acl->count > UINT16_MAX || out->len - start > UINT16_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "a %s holds at most 65535 bytes", part_names[part]);
	patch_u16le(out, start + 2, out->len - start);
	return true;
}

static bool
put_parts(const struct sd *sd, struct buf *out, struct err *err)
{
	const struct acl sacl = {sd->sacl, sd->sacl_count, sd->sacl_revision};
	const struct acl dacl = {sd->aces, sd->count, sd->dacl_revision};

	return (!sd->has_owner || put_sid(&sd->owner, OWNER, out, err)) &&
	       (!sd->has_group || put_sid(&sd->group, GROUP, out, err)) &&
	       (!sd->has_sacl || put_acl(&sacl, SACL, out, err)) &&
	       (!sd->has_dacl || put_acl(&dacl, DACL, out, err));
}

bool
sd_encode(const struct sd *sd, struct buf *out, struct err *err)
{
	uint16_t control = (uint16_t)(sd->control | SD_CONTROL_SELF_RELATIVE);
	OWNED(buf_free) struct buf b = {0};

	*out = (struct buf){0};
	if (sd->has_dacl)
		control |= SD_CONTROL_DACL_PRESENT;
	if (sd->has_sacl)
		control |= SD_CONTROL_SACL_PRESENT;
	if (!buf_alloc(SD_HEADER_LEN, &b, err))
		return false;
	b.ptr[0] = SD_REVISION;
	b.ptr[1] = sd->rm_control;
	patch_u16le(&b, 2, control);
	if (!put_parts(sd, &b, err))
		return false;
	if (b.len > SD_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "a security descriptor holds at most %d bytes", SD_MAX);
	*out = buf_give(&b);
	return true;
}
