#include "inf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "plain.h"
#include "text.h"

#define STRINGS "Strings"

struct reading {
	struct inf *inf;
	char *section; /* owned; NULL: none yet */
	int number;
};

static void
reading_free(struct reading *r)
{
	free(r->section);
}

static bool
to_text(struct view raw, char **out, struct err *err)
{
	OWNED(buf_free) struct buf hold = {0};

	if (raw.len > INF_FILE_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "larger than %d bytes", INF_FILE_MAX);
	if (!plain_text(raw, &hold, &raw, err))
		return false;
	if (!text_is_utf8(raw) || memchr(raw.ptr, '\0', raw.len) != NULL)
		return err_set(err, ERROR_INVALID_DATA,
		    "neither UTF-8 nor Unicode (UTF-16): save it in one of these");
	*out = mem_text_n(raw.ptr, raw.len);
	return true;
}

static char *
skip_blanks(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static void
cut_blanks(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
}

/* Undoes quotes in place and leaves comment and blanks behind the value away. A comma outside
 * quotes would make it a list, which nothing here is. */
static bool
unquote(char *value, struct err *err)
{
	char *to = value, *kept = value; /* blanks before it count */
	bool quoted = false;

	for (char *p = value; *p != '\0'; p++) {
		if (*p == '"' && quoted && p[1] == '"') {
			*to++ = *p++;
			kept = to;
		} else if (*p == '"') {
			quoted = !quoted;
			kept = to;
		} else if (*p == ';' && !quoted) {
			break;
		} else if (*p == ',' && !quoted) {
			return err_set(err, ERROR_INVALID_DATA,
			    "a value with a comma stands between quotation marks");
		} else {
			*to++ = *p;
			if (quoted || (*p != ' ' && *p != '\t'))
				kept = to;
		}
	}
	*kept = '\0';
	return !quoted || err_set(err, ERROR_INVALID_DATA, "the quotation marks do not end");
}

static void
append_line(struct reading *r, const char *name, const char *value)
{
	struct inf *inf = r->inf;

	inf->list = mem_grow(inf->list, inf->count, sizeof *inf->list);
	inf->list[inf->count++] = (struct inf_line){.section = mem_text(r->section),
	    .name = mem_text(name),
	    .value = mem_text(value),
	    .number = r->number};
}

static bool
read_line(struct reading *r, char *line, struct err *err)
{
	struct inf_line *last = r->inf->count > 0 ? &r->inf->list[r->inf->count - 1] : NULL;
	char *equals, *value;

	if (*line == '[') {
		char *end = strchr(line, ']');

		if (end == NULL || end == line + 1)
			return err_set(err, ERROR_INVALID_DATA, "no section is named");
		free(r->section);
		r->section = mem_text_n(line + 1, (size_t)(end - line - 1));
		return true;
	}
	if (r->section == NULL || (equals = strchr(line, '=')) == NULL)
		return err_set(err, ERROR_INVALID_DATA, "neither [section] nor name = value");
	*equals = '\0';
	cut_blanks(line);
	value = skip_blanks(equals + 1);
	if (!unquote(value, err) || !unquote(line, err))
		return false;
	if (!text_eq_nocase(line, "_continue_")) {
		append_line(r, line, value);
		return true;
	}
	if (last == NULL || !text_eq_nocase(last->section, r->section))
		return err_set(err, ERROR_INVALID_DATA, "_continue_ of nothing");
	text_list_add(&last->value, "", value);
	return true;
}

/* The next line, and those that go on from it; NULL: there is none. */
static char *
next_line(struct reading *r, char **rest)
{
	char *whole = NULL, *line;

	while ((line = strsep(rest, "\n")) != NULL) {
		size_t len;

		r->number++;
		cut_blanks(line);
		if (whole == NULL)
			whole = mem_text(skip_blanks(line));
		else
			text_list_add(&whole, "", skip_blanks(line));
		len = strlen(whole);
		if (len == 0 || whole[len - 1] != '\\')
			break;
		whole[len - 1] = '\0';
	}
	return whole;
}

static bool
read_lines(struct reading *r, char *text, struct err *err)
{
	for (;;) {
		OWNED(own_memory) char *line = next_line(r, &text);

		if (line == NULL)
			return true;
		if (*line != '\0' && *line != ';' && !read_line(r, line, err))
			return err_prefix(err, "line %d", r->number);
	}
}

/* ---- texts of [Strings] ---- */

static const char *
find_string(const struct inf *inf, const char *name, size_t len)
{
	for (size_t i = 0; i < inf->count; i++)
		if (text_eq_nocase(inf->list[i].section, STRINGS) &&
		    strlen(inf->list[i].name) == len &&
		    strncasecmp(inf->list[i].name, name, len) == 0)
			return inf->list[i].value;
	return NULL;
}

/* Once: what is put in is not looked through again. */
static bool
put_strings(const struct inf *inf, struct inf_line *line, struct err *err)
{
	char *out = mem_text("");

	for (const char *p = line->value; *p != '\0';) {
		const char *end = *p == '%' ? strchr(p + 1, '%') : NULL;
		size_t len = end != NULL ? (size_t)(end - p - 1) : strcspn(p + 1, "%") + 1;
		const char *found = end != NULL && len > 0 ? find_string(inf, p + 1, len) : "%";
		OWNED(own_memory) char *plain = end == NULL ? mem_text_n(p, len) : NULL;

		if (found == NULL) {
			free(out);
			return err_set(err, ERROR_INVALID_DATA,
			    "line %d: [" STRINGS "] has no %.*s", line->number, (int)len, p + 1);
		}
		text_list_add(&out, "", plain != NULL ? plain : found);
		p = end != NULL ? end + 1 : p + len;
	}
	free(line->value);
	line->value = out;
	return true;
}

bool
inf_read(struct view text, struct inf *out, struct err *err)
{
	OWNED(reading_free) struct reading r = {.inf = out};
	OWNED(own_memory) char *copy = NULL;
	bool ok;

	*out = (struct inf){0};
	ok = to_text(text, &copy, err) && read_lines(&r, copy, err);
	for (size_t i = 0; ok && i < out->count; i++)
		if (!text_eq_nocase(out->list[i].section, STRINGS))
			ok = put_strings(out, &out->list[i], err);
	if (!ok)
		inf_free(out);
	return ok;
}

void
inf_free(struct inf *inf)
{
	for (size_t i = 0; i < inf->count; i++) {
		free(inf->list[i].section);
		free(inf->list[i].name);
		free(inf->list[i].value);
	}
	free(inf->list);
	*inf = (struct inf){0};
}
