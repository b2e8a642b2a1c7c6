#include "idn.h"

#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "mem.h"
#include "net_name.h"
#include "own.h"
#include "text.h"

/* What libidn2 has allocated. */
static inline void
own_idn(char **text)
{
	idn2_free(*text);
}

/* What stands before the host: nothing, or all up to the "@". */
static size_t
prefix_len(const char *name)
{
	const char *at = strrchr(name, '@');

	return at != NULL ? (size_t)(at + 1 - name) : 0;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* RFC 5891 4.2.3.1, which libidn2 leaves to who asks. */
static bool
has_hyphen_at_an_end(const char *host)
{
	size_t len = strlen(host);

	return *host == '-' || (len > 0 && host[len - 1] == '-') || strstr(host, "-.") != NULL ||
	       strstr(host, ".-") != NULL;
}

static char *
joined(const char *name, size_t prefix, const char *host)
{
	return text_printf("%.*s%s", (int)prefix, name, host);
}

char *
idn_to_ascii(const char *name)
{
	size_t prefix = prefix_len(name);
	OWNED(own_memory) char *small = text_fold(name + prefix);
	OWNED(own_idn) char *host = NULL;

	if (is_ascii(name + prefix) || has_hyphen_at_an_end(small) ||
	    idn2_to_ascii_8z(small, &host, IDN2_NO_TR46 | IDN2_USE_STD3_ASCII_RULES) != IDN2_OK ||
	    net_host_why(host) != NULL)
		return NULL;
	return joined(name, prefix, host);
}

char *
idn_to_unicode(const char *name)
{
	size_t prefix = prefix_len(name);
	OWNED(own_memory) char *small = text_fold(name + prefix), *out = NULL, *back = NULL;
	OWNED(own_idn) char *host = NULL;

	if (strstr(small, "xn--") == NULL ||
	    idn2_to_unicode_8z8z(small, &host, IDN2_NO_TR46) != IDN2_OK)
		return NULL;
	out = joined(name, prefix, host);
	back = idn_to_ascii(out);
	return back != NULL && strcmp(back + prefix, small) == 0 ? own_give(&out) : NULL;
}

char *
idn_other(const char *name)
{
	char *ascii = idn_to_ascii(name);

	return ascii != NULL ? ascii : idn_to_unicode(name);
}
