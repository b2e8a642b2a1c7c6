#include "http_framing.h"

#include <string.h>
#include <strings.h>

#include "mem.h"
#include "text.h"

#define CHUNK_LINE_MAX 64

static enum http_scan
bad(struct err *err, const char *why)
{
	err_set(err, E_INVALIDARG, "HTTP: %s", why);
	return HTTP_BAD;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9110 5.6.2 */
static bool
is_token(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.ptr[i];

		if (!is_digit(c) && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
		    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return v.len > 0;
}

static bool
eq_nocase(struct view v, const char *text)
{
	return v.len == strlen(text) && strncasecmp((const char *)v.ptr, text, v.len) == 0;
}

static struct view
trim(struct view v)
{
	while (v.len > 0 && (v.ptr[0] == ' ' || v.ptr[0] == '\t')) {
		v.ptr++;
		v.len--;
	}
	while (v.len > 0 && (v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\t'))
		v.len--;
	return v;
}

/* One line without its CR LF; *at is moved behind it. */
static enum http_scan
next_line(struct view bytes, size_t *at, struct view *out, struct err *err)
{
	size_t begin = *at;

	for (size_t i = begin; i < bytes.len; i++) {
		uint8_t c = bytes.ptr[i];

		if (c == '\r' && i + 1 == bytes.len)
			return HTTP_PART;
		if (c == '\r' && bytes.ptr[i + 1] == '\n') {
			*out = view_of(bytes.ptr + begin, i - begin);
			*at = i + 2;
			return HTTP_WHOLE;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return bad(
			    err, "a control character, or a line that does not end in CR LF");
	}
	return HTTP_PART;
}

/* A target with a host in it (absolute-form) is split: the path is what routes are found by. */
static enum http_scan
split_target(struct http_head *out, struct err *err)
{
	struct view t = out->target;
	size_t scheme = 0, end;

	for (size_t i = 0; i < t.len; i++)
		if (t.ptr[i] <= ' ' || t.ptr[i] >= 0x7f || t.ptr[i] == '#')
			return bad(err, "a target with characters that no URI may hold");
	if (t.len > 0 && (t.ptr[0] == '/' || (t.len == 1 && t.ptr[0] == '*')))
		return HTTP_WHOLE;
	if (t.len > 8 && strncasecmp((const char *)t.ptr, "https://", 8) == 0)
		scheme = 8;
	else if (t.len > 7 && strncasecmp((const char *)t.ptr, "http://", 7) == 0)
		scheme = 7;
	for (end = scheme; end < t.len && t.ptr[end] != '/'; end++)
		;
	if (scheme == 0 || end == scheme || end == t.len)
		return bad(err, "a target that is neither a path nor a URL with one");
	out->host = view_of(t.ptr + scheme, end - scheme);
	out->target = view_of(t.ptr + end, t.len - end);
	return HTTP_WHOLE;
}

static enum http_scan
request_line(struct view line, struct http_head *out, bool *old_out, struct err *err)
{
	const uint8_t *end = line.ptr + line.len, *first, *second;
	struct view version;

	if ((first = memchr(line.ptr, ' ', line.len)) == NULL ||
	    (second = memchr(first + 1, ' ', (size_t)(end - first - 1))) == NULL)
		return bad(err, "a request line that is not METHOD TARGET VERSION");
	out->method = view_of(line.ptr, (size_t)(first - line.ptr));
	out->target = view_of(first + 1, (size_t)(second - first - 1));
	version = view_of(second + 1, (size_t)(end - second - 1));
	if (!is_token(out->method))
		return bad(err, "a method that is no word");
	*old_out = view_eq(version, view_str("HTTP/1.0"));
	if (!*old_out && !view_eq(version, view_str("HTTP/1.1")))
		return bad(err, "a version other than HTTP/1.1 and HTTP/1.0");
	out->close = *old_out;
	return split_target(out, err);
}

static enum http_scan
content_length(struct view value, uint64_t *out, struct err *err)
{
	if (value.len == 0 || value.len > 15)
		return bad(err, "a Content-Length that is not one number");
	*out = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.ptr[i]))
			return bad(err, "a Content-Length that is not one number");
		*out = *out * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	return HTTP_WHOLE;
}

/* "close" among the words of Connection. */
static bool
says_close(struct view v)
{
	while (v.len > 0) {
		const uint8_t *comma = memchr(v.ptr, ',', v.len);
		size_t len = comma != NULL ? (size_t)(comma - v.ptr) : v.len;

		if (eq_nocase(trim(view_of(v.ptr, len)), "close"))
			return true;
		if (comma == NULL)
			return false;
		v = view_of(comma + 1, v.len - len - 1);
	}
	return false;
}

/* The headers that count here; each at most once. */
struct seen {
	struct view host, length, encoding, expect;
};

static enum http_scan
header(struct view line, struct http_head *out, struct seen *seen, struct err *err)
{
	const struct {
		const char *name;
		struct view *at;
	} once[] = {
	    {"Host", &seen->host},
	    {"Content-Length", &seen->length},
	    {"Transfer-Encoding", &seen->encoding},
	    {"Expect", &seen->expect},
	    {"Authorization", &out->authorization},
	    {"Content-Type", &out->content_type},
	    {"Origin", &out->origin},
	    {"Sec-Fetch-Site", &out->fetch_site},
	    {"If-None-Match", &out->if_none_match},
	    {"If-Modified-Since", &out->if_modified_since},
	};
	const uint8_t *colon = memchr(line.ptr, ':', line.len);
	struct view name, value;

	if (colon == NULL)
		return bad(err, "a header without a colon");
	name = view_of(line.ptr, (size_t)(colon - line.ptr));
	value = trim(view_of(colon + 1, line.len - name.len - 1));
	/* A folded line and a blank before the colon are names with a blank. */
	if (!is_token(name))
		return bad(err, "a header's name that is no word");
	if (eq_nocase(name, "Connection"))
		out->close = out->close || says_close(value);
	for (size_t i = 0; i < COUNT_OF(once); i++) {
		if (!eq_nocase(name, once[i].name))
			continue;
		if (once[i].at->ptr != NULL)
			return bad(err, "a header that may stand once is given twice");
		*once[i].at = value;
	}
	return HTTP_WHOLE;
}

static enum http_scan
conclude(struct http_head *out, const struct seen *seen, bool old, struct err *err)
{
	if (seen->host.ptr == NULL && !old)
		return bad(err, "no Host");
	if (out->host.ptr == NULL)
		out->host = seen->host;
	if (seen->encoding.ptr != NULL) {
		if (old || seen->length.ptr != NULL)
			return bad(
			    err, "a Transfer-Encoding in HTTP/1.0 or beside a Content-Length");
		if (!eq_nocase(seen->encoding, "chunked"))
			return bad(err, "a Transfer-Encoding other than chunked");
		out->chunked = true;
	}
	if (seen->expect.ptr != NULL && !eq_nocase(seen->expect, "100-continue"))
		return bad(err, "an Expect other than 100-continue");
	out->continues = seen->expect.ptr != NULL && !old;
	if (seen->length.ptr != NULL)
		return content_length(seen->length, &out->content_length, err);
	return HTTP_WHOLE;
}

enum http_scan
http_head_scan(struct view bytes, struct http_head *out, struct err *err)
{
	struct seen seen = {0};
	struct view line;
	size_t at = 0;
	bool old = false;
	enum http_scan found;

	*out = (struct http_head){0};
	for (int count = 0; (found = next_line(bytes, &at, &line, err)) == HTTP_WHOLE; count++) {
		if (at > HTTP_HEAD_MAX)
			return bad(err, "request line and headers are too large");
		if (count > 0 && line.len == 0) {
			out->len = at;
			return conclude(out, &seen, old, err);
		}
		if (count > HTTP_HEADERS_MAX)
			return bad(err, "more headers than there is room for");
		found =
		    count == 0 ? request_line(line, out, &old, err) : header(line, out, &seen, err);
		if (found != HTTP_WHOLE)
			return found;
	}
	if (found == HTTP_PART && bytes.len > HTTP_HEAD_MAX)
		return bad(err, "request line and headers are too large");
	return found;
}

enum http_scan
http_chunk_scan(struct view bytes, size_t *len_out, uint64_t *size_out, struct err *err)
{
	struct view line, empty;
	size_t digits = 0;
	enum http_scan found;

	*len_out = 0;
	*size_out = 0;
	if ((found = next_line(bytes, len_out, &line, err)) != HTTP_WHOLE)
		return found == HTTP_PART && bytes.len > CHUNK_LINE_MAX + 1
			   ? bad(err, "the line of a chunk is too long")
			   : found;
	for (int digit; digits < line.len; digits++) {
		if ((digit = text_hex_digit((char)line.ptr[digits])) < 0)
			break;
		*size_out = (*size_out << 4) + (uint64_t)digit;
	}
	/* What stands behind ';' are extensions, which nobody may depend on. */
	if (digits == 0 || digits > 8 || line.len > CHUNK_LINE_MAX ||
	    (digits < line.len && line.ptr[digits] != ';'))
		return bad(err, "the line of a chunk does not begin with its size");
	if (*size_out > 0)
		return HTTP_WHOLE;
	if ((found = next_line(bytes, len_out, &empty, err)) != HTTP_WHOLE)
		return found;
	return empty.len == 0 ? HTTP_WHOLE : bad(err, "headers behind the last chunk");
}
