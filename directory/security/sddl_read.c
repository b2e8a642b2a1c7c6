#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sd_priv.h"
#include "sddl_priv.h"
#include "sid_alias.h"
#include "own.h"
#include "mem.h"

#define FIELD_MAX 256 /* of type, flags, rights and GUIDs */

/* One ACL while it is read; each ACE's data points into its buffer. */
struct acl {
	struct ace *aces;
	struct buf *datas;
	size_t count;
};

/* A place in the text that is read. */
struct reader {
	const char *at;
	const struct sddl_domains *domains;
};

struct parts {
	struct sd sd; /* without raw; handed to sd_encode at the end */
	bool seen_dacl, seen_sacl;
	struct acl dacl, sacl;
};

static void
acl_free(struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++)
		buf_free(&acl->datas[i]);
	free(acl->datas);
	free(acl->aces);
}

static void
acl_add(struct acl *acl)
{
	acl->aces = mem_grow(acl->aces, acl->count, sizeof *acl->aces);
	acl->datas = mem_grow(acl->datas, acl->count, sizeof *acl->datas);
	acl->aces[acl->count] = (struct ace){0};
	acl->datas[acl->count] = (struct buf){0};
	acl->count++;
}

static bool
fail_at(const char *at, const char *why, struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA, "SDDL: %s at \"%.40s\"", why, at);
}

/* "S-1-5-21-1": the longest text that can be a SID, since nothing separates it from what follows.
 * An authority in hexadecimal has twelve digits. */
static size_t
sid_len(const char *text)
{
	size_t len = strlen("S-1-"), hex = 0;

	if (strncmp(text, "S-1-", len) != 0)
		return 0;
	if (strncmp(text + len, "0x", 2) == 0)
		for (len += 2; hex < 12 && isxdigit((unsigned char)text[len]); hex++)
			len++;
	while (isdigit((unsigned char)text[len]) ||
	       (text[len] == '-' && isdigit((unsigned char)text[len + 1])))
		len++;
	return len;
}

static bool
get_sid(struct reader *r, struct sid *out, struct err *err)
{
	size_t len = sid_len(r->at);
	char text[SID_TEXT_MAX];

	if (len > 0 && len < sizeof text) {
		memcpy(text, r->at, len);
		text[len] = '\0';
		if (sid_from_text(text, out)) {
			r->at += len;
			return true;
		}
	}
	switch (len > 0 ? SID_ALIAS_UNKNOWN : sid_of_alias(r->at, r->domains, out)) {
	case SID_ALIAS_OK:
		r->at += 2;
		return true;
	case SID_ALIAS_NEEDS_DOMAIN:
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL: %.2s belongs to a domain, and none was given", r->at);
	case SID_ALIAS_UNKNOWN:
	default:
		return fail_at(r->at, "neither a SID nor a known alias", err);
	}
}

/* Two digits a byte, as many as there are. */
static bool
get_hex(struct reader *r, struct buf *out, struct err *err)
{
	for (; text_hex_digit(r->at[0]) >= 0; r->at += 2) {
		int high = text_hex_digit(r->at[0]), low = text_hex_digit(r->at[1]);
		uint8_t byte = (uint8_t)(16 * high + low);

		if (low < 0)
			return fail_at(r->at, "an odd number of hexadecimal digits", err);
		if (!buf_append(out, view_of(&byte, 1), err))
			return false;
	}
	return true;
}

/* "0x1f" hexadecimal, "017" octal, "15" decimal, the whole text. */
static bool
read_number(const char *text, uint32_t *out)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 20)
		return false;
	if (strncmp(text, "0x", 2) == 0 && !isxdigit((unsigned char)text[2]))
		return false;
	v = strtoull(text, &end, 0);
	*out = (uint32_t)v;
	return *end == '\0' && v <= UINT32_MAX;
}

static const struct sddl_word *
find_word(const struct sddl_words *words, const char *name, size_t len)
{
	for (size_t i = 0; i < words->count; i++)
		if (strlen(words->list[i].name) == len &&
		    memcmp(words->list[i].name, name, len) == 0)
			return &words->list[i];
	return NULL;
}

/* Two-letter words of the tables, one after the other, or one number. */
static bool
read_pairs(const char *text, const struct sddl_words *const tables[], size_t count, uint32_t *out)
{
	*out = 0;
	if (isdigit((unsigned char)*text))
		return read_number(text, out);
	for (; *text != '\0'; text += 2) {
		const struct sddl_word *w = NULL;

		for (size_t i = 0; i < count && w == NULL; i++)
			w = find_word(tables[i], text, strnlen(text, 2));
		if (w == NULL)
			return false;
		*out |= w->value;
	}
	return true;
}

static bool
read_rights(const char *text, uint8_t type, uint32_t *out)
{
	static const struct sddl_words *const access[] = {&SDDL_RIGHTS, &SDDL_RIGHT_GROUPS};
	static const struct sddl_words *const label[] = {&SDDL_LABEL_RIGHTS};

	return type == ACE_MANDATORY_LABEL ? read_pairs(text, label, 1, out)
					   : read_pairs(text, access, 2, out);
}

static bool
read_flags(const char *text, uint8_t *out)
{
	static const struct sddl_words *const flags[] = {&SDDL_FLAGS};
	uint32_t value;

	if (!read_pairs(text, flags, 1, &value) || value > UINT8_MAX)
		return false;
	*out = (uint8_t)value;
	return true;
}

static bool
read_type(const char *text, uint8_t *out)
{
	const struct sddl_word *w = find_word(&SDDL_TYPES, text, strlen(text));
	uint32_t number;

	if (w == NULL && (!read_number(text, &number) || number > UINT8_MAX))
		return false;
	*out = (uint8_t)(w != NULL ? w->value : number);
	return true;
}

static bool
read_guid(const char *text, bool *present, uint8_t guid[GUID_LEN])
{
	*present = *text != '\0';
	return !*present || guid_from_text(text, guid);
}

/* Takes one field and the ';' behind it. */
static bool
get_field(struct reader *r, char out[FIELD_MAX], struct err *err)
{
	size_t len = strcspn(r->at, ";()");

	if (len >= FIELD_MAX || r->at[len] != ';')
		return fail_at(r->at, "an ACE has six fields with ';' between them", err);
	memcpy(out, r->at, len);
	out[len] = '\0';
	r->at += len + 1;
	return true;
}

enum { TYPE, FLAGS, RIGHTS, OBJECT, INHERITED, FIELDS };

static bool
read_fields(const char fields[FIELDS][FIELD_MAX], struct ace *ace, struct err *err)
{
	const char *wrong = NULL;

	if (!read_type(fields[TYPE], &ace->type))
		wrong = fields[TYPE];
	else if (!read_flags(fields[FLAGS], &ace->flags))
		wrong = fields[FLAGS];
	else if (!read_rights(fields[RIGHTS], ace->type, &ace->mask))
		wrong = fields[RIGHTS];
	else if (!read_guid(fields[OBJECT], &ace->has_object, ace->object))
		wrong = fields[OBJECT];
	else if (!read_guid(fields[INHERITED], &ace->has_inherited_object, ace->inherited_object))
		wrong = fields[INHERITED];
	if (wrong != NULL)
		return err_set(err, ERROR_INVALID_DATA, "SDDL: \"%.40s\" means nothing", wrong);
	if (!ace_has_object_part(ace->type) && (ace->has_object || ace->has_inherited_object))
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL: a GUID in an ACE of type %u, which has none", (unsigned)ace->type);
	if (!ace_is_known(ace->type) && ace->mask != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL: rights in an ACE of type %u, whose layout is not known",
		    (unsigned)ace->type);
	return true;
}

/* The seventh field, ";#hex". */
static bool
get_data(struct reader *r, struct ace *ace, struct buf *data, struct err *err)
{
	if (*r->at != ';')
		return true;
	r->at++;
	if (ace_is_known(ace->type) && !ace_has_data(ace->type))
		return fail_at(r->at, "data of an ACE that has none", err);
	if (*r->at != '#')
		return fail_at(r->at,
		    "conditions and other data are read as \"#\" and hexadecimal digits only", err);
	r->at++;
	if (!get_hex(r, data, err))
		return false;
	ace->data = buf_view(data);
	return true;
}

static bool
get_ace(struct reader *r, struct ace *ace, struct buf *data, struct err *err)
{
	char fields[FIELDS][FIELD_MAX];

	r->at++;
	for (size_t i = 0; i < FIELDS; i++)
		if (!get_field(r, fields[i], err))
			return false;
	if (!read_fields((const char(*)[FIELD_MAX])fields, ace, err) ||
	    (ace_is_known(ace->type) && !get_sid(r, &ace->sid, err)) ||
	    !get_data(r, ace, data, err))
		return false;
	if (*r->at != ')')
		return fail_at(r->at, "an ACE is not closed", err);
	r->at++;
	return true;
}

struct acl_bits {
	uint16_t present, protected, inherit_req, inherited;
};

static const struct acl_bits dacl_bits = {SD_CONTROL_DACL_PRESENT, SD_CONTROL_DACL_PROTECTED,
    SD_CONTROL_DACL_INHERIT_REQ, SD_CONTROL_DACL_INHERITED};
static const struct acl_bits sacl_bits = {SD_CONTROL_SACL_PRESENT, SD_CONTROL_SACL_PROTECTED,
    SD_CONTROL_SACL_INHERIT_REQ, SD_CONTROL_SACL_INHERITED};

/* "PARAI" in any order, then perhaps NO_ACCESS_CONTROL. */
static void
get_acl_flags(struct reader *r, const struct acl_bits *bits, uint16_t *control, bool *has_acl)
{
	*control |= bits->present;
	*has_acl = true;
	for (;;) {
		if (strncmp(r->at, "AR", 2) == 0) {
			*control |= bits->inherit_req;
			r->at += 2;
		} else if (strncmp(r->at, "AI", 2) == 0) {
			*control |= bits->inherited;
			r->at += 2;
		} else if (*r->at == 'P') {
			*control |= bits->protected;
			r->at++;
		} else {
			break;
		}
	}
	if (strncmp(r->at, SDDL_NULL_ACL, strlen(SDDL_NULL_ACL)) == 0) {
		*has_acl = false;
		r->at += strlen(SDDL_NULL_ACL);
	}
}

static bool
get_acl(struct reader *r, const struct acl_bits *bits, uint16_t *control, bool *has_acl,
    struct acl *acl, struct err *err)
{
	get_acl_flags(r, bits, control, has_acl);
	if (!*has_acl && *r->at == '(')
		return fail_at(r->at, "a list that is absent holds no ACEs", err);
	while (*r->at == '(') {
		acl_add(acl);
		if (!get_ace(r, &acl->aces[acl->count - 1], &acl->datas[acl->count - 1], err))
			return false;
	}
	return true;
}

static bool
get_part(struct reader *r, struct parts *p, struct err *err)
{
	const char *at = r->at;
	bool *seen = *at == 'O'   ? &p->sd.has_owner
		     : *at == 'G' ? &p->sd.has_group
		     : *at == 'D' ? &p->seen_dacl
		     : *at == 'S' ? &p->seen_sacl
				  : NULL;

	if (seen == NULL || at[1] != ':')
		return fail_at(at, "O:, G:, D: or S: is expected", err);
	if (*seen)
		return fail_at(at, "this stands there twice", err);
	*seen = true;
	r->at += 2;
	switch (*at) {
	case 'O':
		return get_sid(r, &p->sd.owner, err);
	case 'G':
		return get_sid(r, &p->sd.group, err);
	case 'D':
		return get_acl(r, &dacl_bits, &p->sd.control, &p->sd.has_dacl, &p->dacl, err);
	default:
		return get_acl(r, &sacl_bits, &p->sd.control, &p->sd.has_sacl, &p->sacl, err);
	}
}

static void
parts_free(struct parts *p)
{
	acl_free(&p->dacl);
	acl_free(&p->sacl);
}

bool
sd_from_sddl_in(
    const char *sddl, const struct sddl_domains *domains, struct sd *out, struct err *err)
{
	struct reader r = {sddl, domains};
	OWNED(parts_free) struct parts p = {0};
	OWNED(buf_free) struct buf raw = {0};

	*out = (struct sd){0};
	while (*r.at != '\0')
		if (!get_part(&r, &p, err))
			return false;
	p.sd.aces = p.dacl.aces;
	p.sd.count = p.dacl.count;
	p.sd.sacl = p.sacl.aces;
	p.sd.sacl_count = p.sacl.count;
	return sd_encode(&p.sd, &raw, err) && sd_decode(buf_view(&raw), out, err);
}

bool
sd_from_sddl(const char *sddl, const struct sid *domain, struct sd *out, struct err *err)
{
	return sd_from_sddl_in(sddl, &(struct sddl_domains){domain, NULL}, out, err);
}
