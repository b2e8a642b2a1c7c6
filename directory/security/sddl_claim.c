#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sddl_priv.h"

#define HEADER_LEN 16
#define VALUES_MAX 1024

/* ValueType of [MS-DTYP] 2.4.10.1. */
enum { INT64 = 1, UINT64 = 2, STRING = 3, BOOLEAN = 6, OCTETS = 16 };

static const struct sddl_word type_list[] = {
    {"TI", INT64}, {"TU", UINT64}, {"TS", STRING}, {"TB", BOOLEAN}, {"TX", OCTETS}};
static const struct sddl_words types = {type_list, sizeof type_list / sizeof type_list[0]};

struct claim {
	struct view data;
	uint32_t name, flags, count;
	uint16_t type;
	struct view offsets;
};

/* What stands at the offset, to the end of the data. */
static bool
at_offset(const struct claim *c, uint32_t offset, struct view *out)
{
	if (offset > c->data.len)
		return false;
	*out = view_of(c->data.ptr + offset, c->data.len - offset);
	return true;
}

/* UTF-16 up to its NUL. */
static bool
string_at(const struct claim *c, uint32_t offset, struct view *out)
{
	struct view v;
	size_t len = 0;

	if (!at_offset(c, offset, &v))
		return false;
	while (len + 1 < v.len && (v.ptr[len] != 0 || v.ptr[len + 1] != 0))
		len += 2;
	*out = view_of(v.ptr, len);
	return len + 1 < v.len;
}

static bool
decode(struct view data, struct claim *out)
{
	struct view v = data;
	uint16_t reserved;

	*out = (struct claim){.data = data};
	return bytes_get_u32le(&v, &out->name) && bytes_get_u16le(&v, &out->type) &&
	       bytes_get_u16le(&v, &reserved) && bytes_get_u32le(&v, &out->flags) &&
	       bytes_get_u32le(&v, &out->count) && out->count <= VALUES_MAX &&
	       bytes_get(&v, 4 * (size_t)out->count, &out->offsets);
}

static bool
put_value(FILE *f, const struct claim *c, uint32_t offset)
{
	struct view v, octets;
	uint64_t number;
	uint32_t len;

	if (c->type == STRING)
		return string_at(c, offset, &v) && sddl_put_string(f, v);
	if (!at_offset(c, offset, &v))
		return false;
	if (c->type == OCTETS) {
		if (!bytes_get_u32le(&v, &len) || !bytes_get(&v, len, &octets))
			return false;
		fputc('#', f);
		for (size_t i = 0; i < octets.len; i++)
			fprintf(f, "%02x", octets.ptr[i]);
		return true;
	}
	if (!bytes_get_u64le(&v, &number))
		return false;
	if (c->type == INT64)
		fprintf(f, "%" PRId64, (int64_t)number);
	else
		fprintf(f, "%" PRIu64, number);
	return true;
}

static bool
put_claim(FILE *f, const struct claim *c)
{
	const char *type = sddl_word_of(&types, c->type);
	struct view name, offsets = c->offsets;
	uint32_t offset;

	if (type == NULL || !string_at(c, c->name, &name))
		return false;
	fputs("(\"", f);
	if (!sddl_put_name(f, name, true))
		return false;
	fprintf(f, "\",%s,0x%" PRIx32, type, c->flags);
	while (bytes_get_u32le(&offsets, &offset)) {
		fputc(',', f);
		if (!put_value(f, c, offset))
			return false;
	}
	fputc(')', f);
	return true;
}

bool
sddl_put_claim(FILE *f, struct view data)
{
	struct sddl_reader r = {.at = NULL};
	struct buf again = {0};
	struct claim claim;
	struct err ignored;
	char *text = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);
	bool ok;

	if (memory == NULL)
		return false;
	ok = decode(data, &claim) && put_claim(memory, &claim);
	ok = fclose(memory) == 0 && ok;
	r.at = text;
	/* Another order of the parts than ours is as good, but would be lost. */
	ok = ok && sddl_get_claim(&r, &again, &ignored) && *r.at == '\0' &&
	     view_eq(buf_view(&again), data);
	if (ok)
		fputs(text, f);
	buf_free(&again);
	free(text);
	return ok;
}

static bool
fail(const struct sddl_reader *r, const char *why, struct err *err)
{
	return err_set(
	    err, ERROR_INVALID_DATA, "SDDL resource attribute: %s at \"%.40s\"", why, r->at);
}

static bool
take(struct sddl_reader *r, const char *symbol, struct err *err)
{
	r->at += strspn(r->at, " \t");
	if (strncmp(r->at, symbol, strlen(symbol)) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL resource attribute: '%s' is expected at \"%.40s\"", symbol, r->at);
	r->at += strlen(symbol);
	r->at += strspn(r->at, " \t");
	return true;
}

static bool
pad(struct buf *b, struct err *err)
{
	while (b->len % 4 != 0)
		if (!bytes_put_u8(b, 0, err))
			return false;
	return true;
}

static bool
get_octets(struct sddl_reader *r, struct buf *out, struct err *err)
{
	struct buf octets = {0};
	bool ok = take(r, "#", err) && sddl_get_hex(r, &octets, err) &&
		  bytes_put_u32le(out, (uint32_t)octets.len, err) &&
		  buf_append(out, buf_view(&octets), err);

	buf_free(&octets);
	return ok;
}

static bool
get_text(struct sddl_reader *r, struct buf *out, struct err *err)
{
	struct buf utf16;
	bool ok = sddl_get_string(r, &utf16, err) && buf_append(out, buf_view(&utf16), err) &&
		  bytes_put_u16le(out, 0, err);

	buf_free(&utf16);
	return ok;
}

static bool
get_value(struct sddl_reader *r, uint32_t type, struct buf *out, struct err *err)
{
	struct sddl_number n;

	if (type == STRING)
		return get_text(r, out, err);
	if (type == OCTETS)
		return get_octets(r, out, err);
	if (!sddl_get_number(r, type == INT64, &n, err))
		return false;
	if (type == BOOLEAN && n.value > 1)
		return fail(r, "a truth value is 0 or 1, not what ends", err);
	return bytes_put_u64le(out, n.value, err);
}

/* Header, offsets, name and values, each behind the other: `tail` is what follows the offsets,
 * whose number is known at the end. */
static bool
assemble(const struct sddl_number *flags, uint32_t type, const struct buf *offsets,
    const struct buf *tail, struct buf *out, struct err *err)
{
	uint32_t base = (uint32_t)(HEADER_LEN + offsets->len), offset;
	struct view v = buf_view(offsets);

	if (!bytes_put_u32le(out, base, err) || !bytes_put_u16le(out, (uint16_t)type, err) ||
	    !bytes_put_u16le(out, 0, err) || !bytes_put_u32le(out, (uint32_t)flags->value, err) ||
	    !bytes_put_u32le(out, (uint32_t)(offsets->len / 4), err))
		return false;
	while (bytes_get_u32le(&v, &offset))
		if (!bytes_put_u32le(out, base + offset, err))
			return false;
	return buf_append(out, buf_view(tail), err);
}

static const struct sddl_word *
take_type(struct sddl_reader *r)
{
	for (size_t i = 0; i < types.count; i++)
		if (strncmp(r->at, types.list[i].name, 2) == 0) {
			r->at += 2;
			return &types.list[i];
		}
	return NULL;
}

static bool
get_head(struct sddl_reader *r, struct buf *name, uint32_t *type, struct sddl_number *flags,
    struct err *err)
{
	const struct sddl_word *w;

	if (!take(r, "(", err) || !take(r, "\"", err) || !sddl_get_name(r, name, err))
		return false;
	if (name->len == 0)
		return fail(r, "a name is expected", err);
	if (!bytes_put_u16le(name, 0, err) || !pad(name, err) || !take(r, "\"", err) ||
	    !take(r, ",", err))
		return false;
	if ((w = take_type(r)) == NULL)
		return fail(r, "TI, TU, TS, TB or TX is expected", err);
	*type = w->value;
	if (!take(r, ",", err) || !sddl_get_number(r, false, flags, err))
		return false;
	return flags->value <= UINT32_MAX || fail(r, "flags have 32 bits", err);
}

bool
sddl_get_claim(struct sddl_reader *r, struct buf *out, struct err *err)
{
	struct buf offsets = {0}, tail = {0};
	struct sddl_number flags;
	bool ok = false;
	uint32_t type;

	if (!get_head(r, &tail, &type, &flags, err))
		goto out;
	r->at += strspn(r->at, " \t");
	while (*r->at == ',')
		if (!take(r, ",", err) || !bytes_put_u32le(&offsets, (uint32_t)tail.len, err) ||
		    !get_value(r, type, &tail, err) || !pad(&tail, err))
			goto out;
	if (offsets.len > 4 * (size_t)VALUES_MAX) {
		ok = fail(r, "too many values", err);
		goto out;
	}
	ok = take(r, ")", err) && assemble(&flags, type, &offsets, &tail, out, err);
out:
	buf_free(&offsets);
	buf_free(&tail);
	return ok;
}
