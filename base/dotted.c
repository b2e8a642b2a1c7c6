#include "dotted.h"

#include <stdlib.h>
#include <string.h>

#define OID_TEXT_MAX 255

/* Takes one arc without leading zeros from the front of `*text`. */
static bool
take_arc(const char **text, bool *small_out, unsigned *value_out)
{
	size_t len = strspn(*text, "0123456789");

	if (len == 0 || (len > 1 && **text == '0'))
		return false;
	*small_out = len <= 2;
	*value_out = *small_out ? (unsigned)strtoul(*text, NULL, 10) : 0;
	*text += len;
	return true;
}

bool
oid_is_valid(const char *text)
{
	unsigned first, second, value;
	bool small;

	if (strlen(text) > OID_TEXT_MAX || !take_arc(&text, &small, &first) || !small ||
	    first > 2 || *text != '.')
		return false;
	text++;
	if (!take_arc(&text, &small, &second) || (first < 2 && (!small || second > 39)))
		return false;
	while (*text == '.') {
		text++;
		if (!take_arc(&text, &small, &value))
			return false;
	}
	return *text == '\0';
}
