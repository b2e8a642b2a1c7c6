#include "match.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define BLANKS " \t\n\v\f\r"

/* RFC 4518 2.6.1, in place. */
static void
squeeze_blanks(char *text)
{
	char *to = text;

	for (const char *from = text + strspn(text, BLANKS); *from != '\0';) {
		size_t word = strcspn(from, BLANKS);

		if (to != text)
			*to++ = ' ';
		memmove(to, from, word);
		to += word;
		from += word;
		from += strspn(from, BLANKS);
	}
	*to = '\0';
}

char *
match_key(const char *text)
{
	char *folded = (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)text);

	if (folded == NULL)
		return mem_text(text);
	squeeze_blanks(folded);
	return folded;
}

static bool
is_squeezed_ascii(const char *text)
{
	if (strchr(BLANKS, *text) != NULL && *text != '\0')
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80 || (*text > 0 && *text < ' ') ||
		    (*text == ' ' && (text[1] == ' ' || text[1] == '\0')))
			return false;
	return true;
}

bool
match_eq(const char *a, const char *b)
{
	bool plain = is_squeezed_ascii(a) && is_squeezed_ascii(b);
	OWNED(own_memory) char *one = plain ? NULL : match_key(a);
	OWNED(own_memory) char *other = plain ? NULL : match_key(b);

	return plain ? text_eq_nocase(a, b) : strcmp(one, other) == 0;
}

char *
match_key_beyond_ascii(const char *text)
{
	OWNED(own_memory) char *key = is_squeezed_ascii(text) ? NULL : match_key(text);

	return key == NULL || text_eq_nocase(key, text) ? NULL : own_give(&key);
}
