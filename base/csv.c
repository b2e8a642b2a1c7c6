#include "csv.h"

#include <errno.h>
#include <stdlib.h>

#include "mem.h"
#include "own.h"
#include "text.h"

/* Beside the code points. */
#define NOTHING UINT32_C(0xffffffff)
#define NO_MORE UINT32_C(0xfffffffe)
#define NO_TEXT UINT32_C(0xfffffffd) /* bytes that are none */

enum encoding { CSV_UTF8, CSV_UTF16_LE, CSV_UTF16_BE };

struct csv {
	FILE *file;
	enum encoding encoding;
	uint32_t ahead; /* a character that was read, and not taken yet; or NOTHING */
	uint32_t unit;  /* the same of a unit that was not the second half of a surrogate pair */
	int64_t line;
	char *text; /* of all fields, each with its NUL */
	size_t len, room;
	size_t starts[CSV_FIELDS_MAX];
	const char *fields[CSV_FIELDS_MAX];
	size_t count;
	const char *broken;
};

/* The byte order mark, which no other text begins with. */
static void
find_encoding(struct csv *c)
{
	int first = getc_unlocked(c->file), second = getc_unlocked(c->file);

	if (first == 0xff && second == 0xfe)
		c->encoding = CSV_UTF16_LE;
	else if (first == 0xfe && second == 0xff)
		c->encoding = CSV_UTF16_BE;
	else if (first != 0xef || second != 0xbb || getc_unlocked(c->file) != 0xbf)
		rewind(c->file);
}

struct csv *
csv_open(FILE *file)
{
	struct csv *c = mem_zero(1, sizeof *c);

	*c = (struct csv){.file = file, .ahead = NOTHING, .unit = NOTHING, .line = 1};
	find_encoding(c);
	return c;
}

void
csv_close(struct csv **csv)
{
	if (*csv != NULL)
		free((*csv)->text);
	free(*csv);
	*csv = NULL;
}

/* ---- characters ---- */

/* UTF-8 is looked at when the field is whole: here its bytes pass one by one. */
static uint32_t
read_unit(const struct csv *c)
{
	int first = getc_unlocked(c->file), second;

	if (first == EOF)
		return NO_MORE;
	if (c->encoding == CSV_UTF8)
		return (uint32_t)first;
	if ((second = getc_unlocked(c->file)) == EOF)
		return NO_TEXT;
	return c->encoding == CSV_UTF16_LE ? (uint32_t)(second << 8 | first)
					   : (uint32_t)(first << 8 | second);
}

static uint32_t
read_character(struct csv *c)
{
	uint32_t high = c->unit, low;

	c->unit = NOTHING;
	if (high == NOTHING)
		high = read_unit(c);
	if (c->encoding == CSV_UTF8 || high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff)
		return NO_TEXT;
	low = read_unit(c);
	if (low >= 0xdc00 && low <= 0xdfff)
		return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	c->unit = low;
	return NO_TEXT;
}

static uint32_t
take(struct csv *c)
{
	uint32_t code = c->ahead;

	c->ahead = NOTHING;
	return code != NOTHING ? code : read_character(c);
}

static uint32_t
peek(struct csv *c)
{
	return c->ahead = take(c);
}

static void
add_byte(struct csv *c, uint32_t byte)
{
	if (c->len == CSV_ROW_MAX) {
		c->broken = "it is longer than a mebibyte";
		return;
	}
	if (c->len == c->room) {
		char *more = realloc(c->text, c->room = c->room > 0 ? 2 * c->room : 4096);

		if (more == NULL)
			mem_exhausted();
		c->text = more;
	}
	c->text[c->len++] = (char)byte;
}

static void
add_character(struct csv *c, uint32_t code)
{
	if (code == 0 || code == NO_TEXT) {
		c->broken = "it holds bytes that are no text";
	} else if (c->encoding == CSV_UTF8 || code < 0x80) {
		add_byte(c, code);
	} else if (code < 0x800) {
		add_byte(c, 0xc0 | code >> 6);
		add_byte(c, 0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		add_byte(c, 0xe0 | code >> 12);
		add_byte(c, 0x80 | (code >> 6 & 0x3f));
		add_byte(c, 0x80 | (code & 0x3f));
	} else {
		add_byte(c, 0xf0 | code >> 18);
		add_byte(c, 0x80 | (code >> 12 & 0x3f));
		add_byte(c, 0x80 | (code >> 6 & 0x3f));
		add_byte(c, 0x80 | (code & 0x3f));
	}
}

/* ---- fields ---- */

static void
begin_field(struct csv *c)
{
	if (c->count == CSV_FIELDS_MAX)
		c->broken = "it has too many fields";
	else
		c->starts[c->count++] = c->len;
}

static void
end_field(struct csv *c)
{
	add_byte(c, 0);
}

/* Behind the quote that opens it, up to the one that closes it. */
static void
read_quoted(struct csv *c)
{
	for (;;) {
		uint32_t code = take(c);

		if (code == NO_MORE) {
			c->broken = "a quotation mark in it is not closed";
			return;
		}
		if (code == '"') {
			if (peek(c) != '"')
				return;
			take(c);
		}
		c->line += code == '\n';
		add_character(c, code);
	}
}

/* Up to the comma, or the end of the line, which stays. */
static void
read_field(struct csv *c)
{
	bool quoted = peek(c) == '"';

	begin_field(c);
	if (quoted) {
		take(c);
		read_quoted(c);
	}
	for (;;) {
		uint32_t code = peek(c);

		if (code == '\r' || code == '\n' || code == ',' || code == NO_MORE)
			break;
		if (quoted || code == '"')
			c->broken = "a quotation mark in it stands where none may";
		add_character(c, take(c));
	}
	end_field(c);
}

static void
end_line(struct csv *c)
{
	if (peek(c) == '\r')
		take(c);
	if (peek(c) == '\n')
		take(c);
	c->line++;
}

static void
check_text(struct csv *c)
{
	for (size_t i = 0; c->broken == NULL && i < c->count; i++) {
		c->fields[i] = c->text + c->starts[i];
		if (c->encoding == CSV_UTF8 && !text_is_utf8(view_str(c->fields[i])))
			c->broken = "it is not UTF-8 text (in Windows: chcp 65001)";
	}
}

static bool
read_row(struct csv *c, struct csv_row *out)
{
	c->len = c->count = 0;
	c->broken = NULL;
	*out = (struct csv_row){.line = c->line, .fields = c->fields};
	while (read_field(c), peek(c) == ',')
		take(c);
	end_line(c);
	check_text(c);
	out->count = c->count;
	out->broken = c->broken;
	return true;
}

bool
csv_next(struct csv *c, struct csv_row *out, struct err *err)
{
	*err = (struct err){0};
	*out = (struct csv_row){0};
	while (peek(c) == '\r' || peek(c) == '\n')
		end_line(c);
	if (peek(c) != NO_MORE)
		return read_row(c, out);
	return ferror(c->file) != 0 && err_errno(err, DIRCA_E_IO, "reading the file");
}
