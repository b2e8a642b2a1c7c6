/* Bytes as they come from a connection: a request's head, and a chunk's line. Whatever is whole
 * ends where it says, with an empty line, and was not whole before. */
#include <stdlib.h>
#include <string.h>

#include "http_framing.h"
#include "target.h"

static void
check_head(struct view bytes)
{
	struct http_head head, again;
	struct err err;

	if (http_head_scan(bytes, &head, &err) != HTTP_WHOLE)
		return;
	if (head.len < 4 || head.len > bytes.len || head.len > HTTP_HEAD_MAX ||
	    memcmp(bytes.ptr + head.len - 4, "\r\n\r\n", 4) != 0 ||
	    memchr(bytes.ptr, '\0', head.len) != NULL)
		abort();
	if (head.method.len == 0 || head.target.len == 0 ||
	    (head.chunked && head.content_length > 0))
		abort();
	if (http_head_scan(view_of(bytes.ptr, head.len), &again, &err) != HTTP_WHOLE ||
	    again.len != head.len ||
	    http_head_scan(view_of(bytes.ptr, head.len - 1), &again, &err) != HTTP_PART)
		abort();
}

static void
check_chunk(struct view bytes)
{
	size_t len, ignored;
	uint64_t number;
	struct err err;

	if (http_chunk_scan(bytes, &len, &number, &err) != HTTP_WHOLE)
		return;
	if (len < 3 || len > bytes.len || number > UINT32_MAX ||
	    memcmp(bytes.ptr + len - 2, "\r\n", 2) != 0 ||
	    http_chunk_scan(view_of(bytes.ptr, len - 1), &ignored, &number, &err) != HTTP_PART)
		abort();
}

int
target(const uint8_t *data, size_t size)
{
	check_head(view_of(data, size));
	check_chunk(view_of(data, size));
	return 0;
}
