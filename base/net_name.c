#include "net_name.h"

#include <string.h>
#include <strings.h>

#define HOST_MAX    253 /* RFC 1034 3.1, without the length octets of both ends */
#define LABEL_MAX   63
#define MAILBOX_MAX 254 /* RFC 5321 4.5.3.1.3 */
#define LOCAL_MAX   64
#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS      "0123456789"
#define ATEXT       LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~" /* RFC 5322 3.2.3 */

static const char *
ascii_why(const char *text)
{
	if (*text == '\0')
		return "is empty";
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return "has letters beyond ASCII; write the A-label of its host "
			       "(\"xn--...\")";
		else if (*text <= ' ' || *text == 0x7f)
			return "has a blank or a control character";
	return NULL;
}

static const char *
label_why(const char *label, size_t len)
{
	if (len == 0)
		return "has an empty label";
	if (len > LABEL_MAX)
		return "has a label of over 63 characters";
	if (strspn(label, LETTERS DIGITS "-_") < len)
		return "has a character that is no letter, digit, hyphen or underscore";
	if (label[0] == '-' || label[len - 1] == '-')
		return "has a label that begins or ends with a hyphen";
	return NULL;
}

/* Of `len` characters. */
static const char *
labels_why(const char *host, size_t len)
{
	size_t last = 0;

	if (len > HOST_MAX)
		return "has over 253 characters";
	for (size_t at = 0; at <= len; at += last + 1) {
		const char *dot = memchr(host + at, '.', len - at), *why;

		last = dot != NULL ? (size_t)(dot - host) - at : len - at;
		if ((why = label_why(host + at, last)) != NULL)
			return why;
	}
	return last < len && strspn(host, DIGITS ".") >= len ? "is an address, no host" : NULL;
}

const char *
net_host_why(const char *text)
{
	const char *why = ascii_why(text);

	return why != NULL ? why : labels_why(text, strlen(text));
}

const char *
net_host_or_wildcard_why(const char *text)
{
	return net_host_why(strncmp(text, "*.", 2) == 0 ? text + 2 : text);
}

/* Characters of a quoted local part, RFC 5321 4.1.2; the text is visible ASCII. */
static const char *
quoted_why(const char *local, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++) {
		if (local[i] == '"' || (local[i] == '\\' && i + 2 >= len))
			return "has quotes that do not fit before its \"@\"";
		if (local[i] == '\\')
			i++;
	}
	return len < 3 ? "has nothing before its \"@\"" : NULL;
}

static const char *
local_why(const char *local, size_t len)
{
	if (len == 0)
		return "has nothing before its \"@\"";
	if (len > LOCAL_MAX)
		return "has over 64 characters before its \"@\"";
	if (len > 1 && local[0] == '"' && local[len - 1] == '"')
		return quoted_why(local, len);
	if (strspn(local, ATEXT ".") < len)
		return "has a character before its \"@\" that must be quoted";
	for (size_t i = 0; i < len; i++)
		if (local[i] == '.' && (i == 0 || i + 1 == len || local[i + 1] == '.'))
			return "has a dot before its \"@\" that stands beside nothing";
	return NULL;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static const char *
literal_why(const char *literal)
{
	size_t len = strlen(literal);

	return len > 2 && literal[len - 1] == ']' &&
		       strspn(literal + 1, LETTERS DIGITS ".:-") == len - 2
		   ? NULL
		   : "has an address in brackets that cannot be read";
}

const char *
net_mailbox_why(const char *text)
{
	const char *at = strrchr(text, '@'), *why = ascii_why(text);

	if (why != NULL)
		return why;
	if (at == NULL)
		return "has no \"@\"";
	if (strlen(text) > MAILBOX_MAX)
		return "has over 254 characters";
	if ((why = local_why(text, (size_t)(at - text))) != NULL)
		return why;
	return at[1] == '[' ? literal_why(at + 1) : labels_why(at + 1, strlen(at + 1));
}

const char *
net_uri_why(const char *text)
{
	size_t scheme = strspn(text, LETTERS DIGITS "+-.");
	const char *why = ascii_why(text);

	if (why != NULL)
		return why;
	if (strspn(text, LETTERS) == 0 || text[scheme] != ':' || text[scheme + 1] == '\0')
		return "has no scheme (\"https:...\")";
	if (strpbrk(text, "\"<>\\^`{|}") != NULL)
		return "has a character that a URI must have as %hh";
	/* A file's host may be left out (RFC 8089 2). */
	if (strncmp(text + scheme, "://", 3) == 0 && strchr("/?#", text[scheme + 3]) != NULL &&
	    strncasecmp(text, "file:", 5) != 0)
		return "names no host";
	return NULL;
}
