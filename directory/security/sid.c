#include "sid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bytes.h"
#include "text.h"
#include "mem.h"

#define SID_REVISION      1
#define SID_AUTHORITY_LEN 6
#define SID_AUTHORITY_MAX UINT64_C(0xffffffffffff)

const struct sid SID_EVERYONE = {.count = 1, .authority = 1, .subs = {0}};
const struct sid SID_AUTHENTICATED_USERS = {.count = 1, .authority = 5, .subs = {11}};
const struct sid SID_THIS_ORGANIZATION = {.count = 1, .authority = 5, .subs = {15}};

bool
sid_get(struct view *cursor, struct sid *out)
{
	struct view v = *cursor, authority;
	struct sid sid = {0};
	uint8_t revision;

	*out = (struct sid){0};
	if (!bytes_get_u8(&v, &revision) || revision != SID_REVISION ||
	    !bytes_get_u8(&v, &sid.count) || sid.count > SID_SUBS_MAX ||
	    !bytes_get(&v, SID_AUTHORITY_LEN, &authority))
		return false;
	/* The authority is big-endian, all else of a SID little-endian ([MS-DTYP] 2.4.2.2). */
	for (size_t i = 0; i < SID_AUTHORITY_LEN; i++)
		sid.authority = sid.authority << 8 | authority.ptr[i];
	for (size_t i = 0; i < sid.count; i++)
		if (!bytes_get_u32le(&v, &sid.subs[i]))
			return false;
	*cursor = v;
	*out = sid;
	return true;
}

bool
sid_decode(struct view raw, struct sid *out, struct err *err)
{
	if (!sid_get(&raw, out))
		return err_set(err, ERROR_INVALID_DATA, "not a security identifier of revision 1");
	if (raw.len != 0) {
		*out = (struct sid){0};
		return err_set(
		    err, ERROR_INVALID_DATA, "%zu bytes follow the security identifier", raw.len);
	}
	return true;
}

bool
sid_encode(const struct sid *sid, struct buf *out, struct err *err)
{
	uint8_t head[2 + SID_AUTHORITY_LEN] = {SID_REVISION, sid->count};

	if (sid->count > SID_SUBS_MAX || sid->authority > SID_AUTHORITY_MAX)
		return err_set(err, E_INVALIDARG,
		    "a security identifier holds at most %d sub-authorities", SID_SUBS_MAX);
	for (size_t i = 0; i < SID_AUTHORITY_LEN; i++)
		head[2 + i] = (uint8_t)(sid->authority >> (8 * (SID_AUTHORITY_LEN - 1 - i)));
	if (!buf_append(out, view_of(head, sizeof head), err))
		return false;
	for (size_t i = 0; i < sid->count; i++)
		if (!bytes_put_u32le(out, sid->subs[i], err))
			return false;
	return true;
}

/* Takes a number of at least one digit from the front of `*text`; false if there is none or it is
 * over `max`. */
static bool
take_number(const char **text, unsigned base, uint64_t max, uint64_t *out)
{
	const char *p = *text;
	uint64_t v = 0;

	for (; (unsigned)text_hex_digit(*p) < base; p++) {
		v = v * base + (unsigned)text_hex_digit(*p);
		if (v > max)
			return false;
	}
	if (p == *text)
		return false;
	*text = p;
	*out = v;
	return true;
}

bool
sid_from_text(const char *text, struct sid *out)
{
	struct sid sid = {0};
	uint64_t v;
	bool hex;

	*out = (struct sid){0};
	if (strncmp(text, "S-1-", 4) != 0)
		return false;
	text += 4;
	/* [MS-DTYP] 2.4.2.1: hexadecimal from 2^32 on. */
	hex = strncmp(text, "0x", 2) == 0;
	if (hex)
		text += 2;
	if (!take_number(&text, hex ? 16 : 10, SID_AUTHORITY_MAX, &sid.authority))
		return false;
	while (*text == '-') {
		text++;
		if (sid.count == SID_SUBS_MAX || !take_number(&text, 10, UINT32_MAX, &v))
			return false;
		sid.subs[sid.count++] = (uint32_t)v;
	}
	if (*text != '\0')
		return false;
	*out = sid;
	return true;
}

void
sid_to_text(const struct sid *sid, char out[SID_TEXT_MAX])
{
	size_t used;

	if (sid->authority <= UINT32_MAX)
		used = (size_t)snprintf(out, SID_TEXT_MAX, "S-1-%" PRIu64, sid->authority);
	else
		used = (size_t)snprintf(out, SID_TEXT_MAX, "S-1-0x%012" PRIx64, sid->authority);
	for (size_t i = 0; i < sid->count && i < SID_SUBS_MAX; i++)
		used +=
		    (size_t)snprintf(out + used, SID_TEXT_MAX - used, "-%" PRIu32, sid->subs[i]);
}

bool
sid_eq(const struct sid *a, const struct sid *b)
{
	return a->count == b->count && a->authority == b->authority && a->count <= SID_SUBS_MAX &&
	       memcmp(a->subs, b->subs, a->count * sizeof a->subs[0]) == 0;
}

bool
sid_with_rid(const struct sid *domain, uint32_t rid, struct sid *out)
{
	*out = (struct sid){0};
	if (domain->count >= SID_SUBS_MAX)
		return false;
	*out = *domain;
	out->subs[out->count++] = rid;
	return true;
}

void
sids_put(struct sids *set, const struct sid *sid)
{
	if (sids_contain(set, sid))
		return;
	set->list = mem_grow(set->list, set->count, sizeof *set->list);
	set->list[set->count++] = *sid;
}

bool
sids_add(struct sids *set, const struct sid *sid, struct err *err)
{
	(void)err;
	sids_put(set, sid);
	return true;
}

bool
sids_encode(const struct sids *set, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < set->count; i++)
		if (!sid_encode(&set->list[i], out, err))
			return false;
	return true;
}

bool
sids_decode(struct view raw, struct sids *out, struct err *err)
{
	struct sid sid;

	*out = (struct sids){0};
	while (raw.len > 0) {
		if (!sid_get(&raw, &sid)) {
			sids_free(out);
			return err_set(
			    err, ERROR_INVALID_DATA, "not a list of security identifiers");
		}
		sids_put(out, &sid);
	}
	return true;
}

/* Those of one domain differ in the last number: somebody in 500 groups is looked up 500 times. */
bool
sids_contain(const struct sids *set, const struct sid *sid)
{
	size_t last = sid->count > 0 && sid->count <= SID_SUBS_MAX ? sid->count - 1u : 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].subs[last] == sid->subs[last] && sid_eq(&set->list[i], sid))
			return true;
	return false;
}

void
sids_free(struct sids *set)
{
	free(set->list);
	*set = (struct sids){0};
}

bool
sid_new_domain(struct sid *out, struct err *err)
{
	uint32_t r[3];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		return err_set(err, DIRCA_E_CRYPTO, "no random bytes: %s", strerror(errno));
	*out = (struct sid){.count = 4, .authority = 5, .subs = {21, r[0], r[1], r[2]}};
	return true;
}
