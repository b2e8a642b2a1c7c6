/*
 * SDDL ([MS-DTYP] 2.5.1), of owner, group and DACL. Two things go beyond the published grammar, so
 * that every descriptor that decodes can be printed and read again: a number ("0x14") stands for an
 * ACE type, flags or rights without letters, and a seventh field "#hex" holds the data of callback
 * ACEs and the body of unknown ones.
 */
#include "sd.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sd_priv.h"

struct word {
	const char *name; /* two letters, so that rights can be written without blanks between */
	uint32_t value;
};

static const struct word type_words[] = {
    {"A", ACE_ALLOW},
    {"D", ACE_DENY},
    {"AU", ACE_AUDIT},
    {"OA", ACE_ALLOW_OBJECT},
    {"OD", ACE_DENY_OBJECT},
    {"OU", ACE_AUDIT_OBJECT},
    {"XA", ACE_ALLOW_CALLBACK},
    {"XD", ACE_DENY_CALLBACK},
    {"ZA", ACE_ALLOW_CALLBACK_OBJECT},
};

static const struct word flag_words[] = {{"OI", 0x01}, {"CI", 0x02}, {"NP", 0x04}, {"IO", 0x08},
    {"ID", 0x10}, {"SA", 0x40}, {"FA", 0x80}};

static const struct word right_words[] = {{"CC", 0x00000001}, {"DC", 0x00000002},
    {"LC", 0x00000004}, {"SW", 0x00000008}, {"RP", 0x00000010}, {"WP", 0x00000020},
    {"DT", 0x00000040}, {"LO", 0x00000080}, {"CR", 0x00000100}, {"SD", 0x00010000},
    {"RC", 0x00020000}, {"WD", 0x00040000}, {"WO", 0x00080000}, {"GA", 0x10000000},
    {"GX", 0x20000000}, {"GW", 0x40000000}, {"GR", 0x80000000}};

/* Read, never written: several bits at once. */
static const struct word right_groups[] = {{"FA", 0x001f01ff}};

static const struct word dacl_words[] = {{"P", SD_CONTROL_DACL_PROTECTED},
    {"AR", SD_CONTROL_DACL_INHERIT_REQ}, {"AI", SD_CONTROL_DACL_INHERITED}};

#define NO_DACL "NO_ACCESS_CONTROL"

static const struct {
	const char *name;
	const char *sid;
} absolute_aliases[] = {{"BA", "S-1-5-32-544"}, {"AU", "S-1-5-11"}, {"SY", "S-1-5-18"},
    {"WD", "S-1-1-0"}, {"RU", "S-1-5-32-554"}};

static const struct word domain_aliases[] = {
    {"LA", 500}, {"DA", 512}, {"DU", 513}, {"DC", 515}, {"DD", 516}, {"CA", 517}, {"EA", 519}};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Writing. A FILE in memory: its error state is asked once, at the end. */

static void
put_words(FILE *f, const struct word *words, size_t count, uint32_t value)
{
	uint32_t named = 0;

	for (size_t i = 0; i < count; i++)
		named |= words[i].value;
	if ((value & ~named) != 0) {
		fprintf(f, "0x%" PRIx32, value);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if ((value & words[i].value) != 0)
			fputs(words[i].name, f);
}

static void
put_sid(FILE *f, const struct sid *sid)
{
	char text[SID_TEXT_MAX];

	sid_to_text(sid, text);
	fputs(text, f);
}

static void
put_guid(FILE *f, bool present, const uint8_t guid[GUID_LEN])
{
	char text[37];

	if (!present)
		return;
	guid_to_text(guid, text);
	fputs(text, f);
}

static void
put_type(FILE *f, uint8_t type)
{
	for (size_t i = 0; i < COUNT(type_words); i++)
		if (type_words[i].value == type) {
			fputs(type_words[i].name, f);
			return;
		}
	fprintf(f, "0x%x", (unsigned)type);
}

static void
put_ace(FILE *f, const struct ace *ace)
{
	fputc('(', f);
	put_type(f, ace->type);
	fputc(';', f);
	put_words(f, flag_words, COUNT(flag_words), ace->flags);
	fputc(';', f);
	if (ace_is_known(ace->type))
		put_words(f, right_words, COUNT(right_words), ace->mask);
	fputc(';', f);
	put_guid(f, ace->has_object, ace->object);
	fputc(';', f);
	put_guid(f, ace->has_inherited_object, ace->inherited_object);
	fputc(';', f);
	if (ace_is_known(ace->type))
		put_sid(f, &ace->sid);
	if (ace->data.len > 0) {
		fputs(";#", f);
		for (size_t i = 0; i < ace->data.len; i++)
			fprintf(f, "%02x", ace->data.ptr[i]);
	}
	fputc(')', f);
}

static void
put_dacl(FILE *f, const struct sd *sd)
{
	if (!sd->has_dacl && (sd->control & SD_CONTROL_DACL_PRESENT) == 0)
		return;
	fputs("D:", f);
	put_words(f, dacl_words, COUNT(dacl_words),
	    sd->control & (SD_CONTROL_DACL_PROTECTED | SD_CONTROL_DACL_INHERIT_REQ |
			      SD_CONTROL_DACL_INHERITED));
	if (!sd->has_dacl)
		fputs(NO_DACL, f);
	for (size_t i = 0; i < sd->count; i++)
		put_ace(f, &sd->aces[i]);
}

char *
sd_to_sddl(const struct sd *sd)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (f == NULL)
		return NULL;
	if (sd->has_owner) {
		fputs("O:", f);
		put_sid(f, &sd->owner);
	}
	if (sd->has_group) {
		fputs("G:", f);
		put_sid(f, &sd->group);
	}
	put_dacl(f, sd);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* Reading. */

struct reader {
	const struct sid *domain;
	struct sd sd;      /* without raw; handed to sd_encode at the end */
	struct buf *datas; /* what the ACEs' data points into, one each */
	size_t cap;
};

static bool
read_number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long v;

	if (strncmp(text, "0x", 2) != 0 || !isxdigit((unsigned char)text[2]) || strlen(text) > 10)
		return false;
	v = strtoul(text, &end, 16);
	*out = (uint32_t)v;
	return *end == '\0';
}

static const struct word *
find_word(const struct word *words, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
			return &words[i];
	return NULL;
}

/* Two-letter words one after the other, or one number. */
static bool
read_pairs(const char *text, const struct word *words, size_t count, uint32_t *out)
{
	const struct word *w;

	*out = 0;
	if (*text == '0')
		return read_number(text, out);
	for (; *text != '\0'; text += 2) {
		if ((w = find_word(words, count, text, strnlen(text, 2))) == NULL)
			return false;
		*out |= w->value;
	}
	return true;
}

static bool
read_rights(const char *text, uint32_t *out)
{
	const struct word *group = find_word(right_groups, COUNT(right_groups), text, strlen(text));

	if (group != NULL) {
		*out = group->value;
		return true;
	}
	return read_pairs(text, right_words, COUNT(right_words), out);
}

static bool
read_sid(const struct reader *r, const char *text, struct sid *out, struct err *err)
{
	const struct word *relative =
	    find_word(domain_aliases, COUNT(domain_aliases), text, strlen(text));

	for (size_t i = 0; i < COUNT(absolute_aliases); i++)
		if (strcmp(absolute_aliases[i].name, text) == 0)
			return sid_from_text(absolute_aliases[i].sid, out);
	if (relative != NULL && r->domain == NULL)
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL: %s belongs to a domain, and none was given", text);
	if (relative != NULL ? sid_with_rid(r->domain, relative->value, out)
			     : sid_from_text(text, out))
		return true;
	return err_set(
	    err, ERROR_INVALID_DATA, "SDDL: \"%s\" is neither a SID nor a known alias", text);
}

static bool
read_type(const char *text, uint8_t *out)
{
	const struct word *w = find_word(type_words, COUNT(type_words), text, strlen(text));
	uint32_t number;

	if (w != NULL) {
		*out = (uint8_t)w->value;
		return true;
	}
	if (!read_number(text, &number) || number > UINT8_MAX)
		return false;
	*out = (uint8_t)number;
	return true;
}

static bool
read_guid(const char *text, bool *present, uint8_t guid[GUID_LEN])
{
	*present = *text != '\0';
	return !*present || guid_from_text(text, guid);
}

enum { TYPE, FLAGS, RIGHTS, OBJECT, INHERITED, SID, DATA, FIELDS };

/* Cuts "a;b;c" in place; false if there are more than FIELDS. Missing fields are left NULL. */
static bool
split_fields(char *text, char *fields[FIELDS])
{
	size_t n = 0;

	for (char *p = text; p != NULL;) {
		if (n == FIELDS)
			return false;
		fields[n++] = strsep(&p, ";");
	}
	return n > SID;
}

static bool
read_data(const char *text, uint8_t type, struct buf *data, struct ace *ace, struct err *err)
{
	if (text == NULL)
		return true;
	if (*text != '#' || (ace_is_known(type) && !ace_is_callback(type)))
		return err_set(err, ERROR_INVALID_DATA,
		    "SDDL: conditions are not read; data is written as #hex");
	if (!hex_decode(text + 1, data, err))
		return false;
	ace->data = buf_view(data);
	return true;
}

static bool
read_ace(const struct reader *r, char *text, struct buf *data, struct ace *ace, struct err *err)
{
	char *fields[FIELDS] = {NULL};
	uint32_t flags;

	if (!split_fields(text, fields))
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: an ACE has six fields, or seven with data");
	if (!read_type(fields[TYPE], &ace->type))
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: unknown ACE type \"%s\"", fields[TYPE]);
	if (!read_pairs(fields[FLAGS], flag_words, COUNT(flag_words), &flags) || flags > UINT8_MAX)
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: unknown ACE flags \"%s\"", fields[FLAGS]);
	ace->flags = (uint8_t)flags;
	if (!ace_is_known(ace->type)) {
		for (size_t i = RIGHTS; i <= SID; i++)
			if (*fields[i] != '\0')
				return err_set(err, ERROR_INVALID_DATA,
				    "SDDL: an ACE of an unknown type has data alone");
		return read_data(fields[DATA], ace->type, data, ace, err);
	}
	if (!read_rights(fields[RIGHTS], &ace->mask))
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: unknown rights \"%s\"", fields[RIGHTS]);
	if (!read_guid(fields[OBJECT], &ace->has_object, ace->object) ||
	    !read_guid(fields[INHERITED], &ace->has_inherited_object, ace->inherited_object))
		return err_set(err, ERROR_INVALID_DATA, "SDDL: malformed GUID");
	if ((ace->has_object || ace->has_inherited_object) && !ace_has_object_part(ace->type))
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: an ACE of type %s holds no GUID", fields[TYPE]);
	return read_sid(r, fields[SID], &ace->sid, err) &&
	       read_data(fields[DATA], ace->type, data, ace, err);
}

static bool
grow(struct reader *r, struct err *err)
{
	size_t cap = r->cap == 0 ? 16 : 2 * r->cap;
	struct ace *aces;
	struct buf *datas;

	if (r->sd.count < r->cap)
		return true;
	if ((aces = reallocarray(r->sd.aces, cap, sizeof *aces)) == NULL)
		return err_nomem(err);
	r->sd.aces = aces;
	if ((datas = reallocarray(r->datas, cap, sizeof *datas)) == NULL)
		return err_nomem(err);
	r->datas = datas;
	r->cap = cap;
	return true;
}

static bool
read_dacl_flags(struct reader *r, char *text, struct err *err)
{
	char *null_dacl = strstr(text, NO_DACL);

	r->sd.control |= SD_CONTROL_DACL_PRESENT;
	r->sd.has_dacl = true;
	if (null_dacl != NULL && null_dacl[strlen(NO_DACL)] == '\0') {
		r->sd.has_dacl = false;
		*null_dacl = '\0';
	}
	while (*text != '\0') {
		const struct word *w =
		    find_word(dacl_words, COUNT(dacl_words), text, strnlen(text, 2));

		if (w == NULL)
			w = find_word(dacl_words, COUNT(dacl_words), text, 1);
		if (w == NULL)
			return err_set(
			    err, ERROR_INVALID_DATA, "SDDL: unknown DACL flags \"%s\"", text);
		r->sd.control |= (uint16_t)w->value;
		text += strlen(w->name);
	}
	return true;
}

/* "flags(ace)(ace)" */
static bool
read_dacl(struct reader *r, char *text, struct err *err)
{
	char *aces = strchr(text, '('), *end;
	bool open = aces != NULL;

	if (open)
		*aces = '\0';
	if (!read_dacl_flags(r, text, err))
		return false;
	if (open && !r->sd.has_dacl)
		return err_set(
		    err, ERROR_INVALID_DATA, "SDDL: a DACL that is absent holds no ACEs");
	while (open) {
		if ((end = strchr(aces + 1, ')')) == NULL)
			return err_set(err, ERROR_INVALID_DATA, "SDDL: an ACE is not closed");
		*end = '\0';
		if (!grow(r, err))
			return false;
		r->datas[r->sd.count] = (struct buf){0};
		r->sd.aces[r->sd.count] = (struct ace){0};
		r->sd.count++;
		if (!read_ace(
			r, aces + 1, &r->datas[r->sd.count - 1], &r->sd.aces[r->sd.count - 1], err))
			return false;
		aces = end + 1;
		open = *aces == '(';
		if (!open && *aces != '\0')
			return err_set(err, ERROR_INVALID_DATA, "SDDL: text between ACEs");
	}
	return true;
}

static bool
read_part(struct reader *r, char which, char *text, struct err *err)
{
	bool seen = which == 'O'   ? r->sd.has_owner
		    : which == 'G' ? r->sd.has_group
				   : (r->sd.control & SD_CONTROL_DACL_PRESENT) != 0;

	if (seen)
		return err_set(err, ERROR_INVALID_DATA, "SDDL: %c: stands there twice", which);
	switch (which) {
	case 'O':
		r->sd.has_owner = true;
		return read_sid(r, text, &r->sd.owner, err);
	case 'G':
		r->sd.has_group = true;
		return read_sid(r, text, &r->sd.group, err);
	case 'D':
		return read_dacl(r, text, err);
	default:
		return err_set(err, ERROR_INVALID_DATA, "SDDL: only O:, G: and D: are read");
	}
}

/* Parts are not separated: one ends where a letter and ':' begin the next. */
static bool
read_parts(struct reader *r, char *text, struct err *err)
{
	while (*text != '\0') {
		char which = *text, *next, kept = '\0';

		if (text[1] != ':')
			return err_set(err, ERROR_INVALID_DATA,
			    "SDDL: O:, G: or D: is expected at \"%s\"", text);
		text += 2;
		next = strchr(text, ':');
		next = next == NULL ? text + strlen(text) : next - 1;
		if (next < text)
			return err_set(err, ERROR_INVALID_DATA, "SDDL: \"::\" means nothing");
		kept = *next;
		*next = '\0';
		if (!read_part(r, which, text, err))
			return false;
		*next = kept;
		text = next;
	}
	return true;
}

bool
sd_from_sddl(const char *sddl, const struct sid *domain, struct sd *out, struct err *err)
{
	struct reader r = {.domain = domain};
	struct buf raw = {0};
	char *copy = strdup(sddl);
	bool ok;

	*out = (struct sd){0};
	if (copy == NULL)
		return err_nomem(err);
	ok = read_parts(&r, copy, err) && sd_encode(&r.sd, &raw, err) &&
	     sd_decode(buf_view(&raw), out, err);
	for (size_t i = 0; i < r.sd.count; i++)
		buf_free(&r.datas[i]);
	free(r.datas);
	free(r.sd.aces);
	buf_free(&raw);
	free(copy);
	return ok;
}
