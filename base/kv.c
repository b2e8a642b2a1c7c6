#include "kv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "plain.h"
#include "text.h"

#define KV_FILE_MAX 65536

/* Cuts blanks at both ends; works in place. */
static char *
trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

static bool
read_line(char *line, kv_each *each, void *arg, struct err *err)
{
	char *name = trim(line), *value;

	if (*name == '\0' || *name == '#')
		return true;
	if ((value = strchr(name, '=')) == NULL)
		return err_set(err, DIRCA_E_CONFIG, "no '=' in '%s'; write 'name = value'", name);
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	if (*value == '\0')
		return err_set(err, DIRCA_E_CONFIG,
		    "'%s' has no value; remove the line to use the default", name);
	return each(arg, name, value, err);
}

bool
kv_read_text(const char *path, struct view raw, kv_each *each, void *arg, struct err *err)
{
	OWNED(buf_free) struct buf hold = {0};
	OWNED(own_memory) char *text = NULL;
	char *next;
	int number = 1;

	if (!plain_text(raw, &hold, &raw, err))
		return err_prefix(err, "%s", path);
	if (memchr(raw.ptr, '\0', raw.len) != NULL || !text_is_utf8(raw))
		return err_set(err, DIRCA_E_CONFIG, "%s: not a text file in UTF-8 or UTF-16", path);
	text = mem_text_n(raw.ptr, raw.len);
	for (char *line = text; line != NULL; line = next, number++) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		if (!read_line(line, each, arg, err))
			return err_prefix(err, "%s line %d", path, number);
	}
	return true;
}

bool
kv_read(const char *path, kv_each *each, void *arg, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	return file_read(path, KV_FILE_MAX, &raw, err) &&
	       kv_read_text(path, buf_view(&raw), each, arg, err);
}
