#include "command.h"

#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@%+,"

char *
command_quoted(const char *text)
{
	char *quoted = mem_zero(4 * strlen(text) + 3, 1), *to = quoted;

	*to++ = '\'';
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	*to = '\'';
	return quoted;
}

char *
command_word(const char *text)
{
	bool is_plain = *text != '\0' && text[strspn(text, PLAIN)] == '\0' && *text != '-';

	return is_plain ? mem_text(text) : command_quoted(text);
}

char *
command_file(const char *name)
{
	OWNED(own_memory) char *word = command_word(name);

	return text_printf("%s%s", *name == '-' ? "./" : "", word);
}
