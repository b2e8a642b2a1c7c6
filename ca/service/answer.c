#include "answer.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "own.h"
#include "text.h"

void
answer_give(struct http_call *http, int status, const char *content_type, struct buf *body)
{
	buf_free(&http->answer);
	http->status = status;
	snprintf(http->content_type, sizeof http->content_type, "%s", content_type);
	http->answer = buf_give(body);
}

void
answer_body(struct http_call *http, int status, const char *content_type, struct view body)
{
	struct buf copy = {0};
	struct err err;

	if (buf_dup(body, &copy, &err))
		answer_give(http, status, content_type, &copy);
	else
		answer_give(http, 500, "", &copy);
}

/* The tag goes before the time. */
static bool
has_it(const struct http_call *http, const char *tag, int64_t modified)
{
	int64_t since;

	if (strcmp(http->method, "POST") == 0)
		return false;
	if (http->if_none_match != NULL)
		return strstr(http->if_none_match, tag) != NULL;
	return http->if_modified_since != NULL &&
	       clock_http_parse(http->if_modified_since, &since) && since >= modified;
}

static void
put_time(struct http_call *http, const char *name, int64_t when)
{
	char text[CLOCK_HTTP_LEN];
	struct err ignored;

	clock_http_format(when, text);
	(void)http_call_header(http, name, text, &ignored);
}

bool
answer_version(struct http_call *http, const struct answer_version *v, int64_t now)
{
	OWNED(own_memory) char *hex = hex_encode(view_of(v->sha256, 32), '\0');
	OWNED(own_memory) char *tag = text_printf("\"%s\"", hex);
	struct err ignored;

	(void)http_call_header(http, "ETag", tag, &ignored);
	put_time(http, "Last-Modified", v->modified);
	if (v->expires != 0)
		put_time(http, "Expires", v->expires);
	if (v->expires != 0) /* RFC 5019 6.2 */
		snprintf(http->cache_control, sizeof http->cache_control,
		    "max-age=%lld, public, no-transform, must-revalidate",
		    (long long)(v->expires - now));
	else
		snprintf(http->cache_control, sizeof http->cache_control, "no-cache");
	http->status = has_it(http, tag, v->modified) ? 304 : 200;
	return http->status == 304;
}
