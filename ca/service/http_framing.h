/*
 * Where an HTTP/1.1 request begins and ends (RFC 9112), read strictly: what two programs could read
 * differently is refused, since who is calling is bound to the connection. Pure.
 */
#ifndef SERVICE_HTTP_FRAMING_H
#define SERVICE_HTTP_FRAMING_H

#include "buf.h"

#define HTTP_HEAD_MAX    (16 * 1024)
#define HTTP_HEADERS_MAX 100

enum http_scan {
	HTTP_PART,  /* more bytes are needed */
	HTTP_WHOLE, /* *out is filled */
	HTTP_BAD    /* answer 400 and close; err says why */
};

/* Request line and headers. Views borrow from the bytes scanned; .ptr NULL: the header is absent.
 */
struct http_head {
	size_t len; /* with the empty line */
	struct view method, target;
	struct view host; /* of the target, if that names one (RFC 9112 3.2.2) */
	struct view authorization, content_type, origin, fetch_site;
	struct view if_none_match, if_modified_since;
	bool chunked; /* else the body has content_length bytes */
	uint64_t content_length;
	bool close;     /* the connection ends after the answer */
	bool continues; /* the client waits for 100 before it sends the body */
};

/* Refused: a line end that is not CR LF, a control character, a folded line, a blank before the
 * colon, a header of the list above given twice (Host too few times), a Content-Length that is not
 * one number, a Transfer-Encoding that is not one "chunked", both of them, an encoding in HTTP/1.0,
 * another version, a head over HTTP_HEAD_MAX. */
enum http_scan http_head_scan(struct view bytes, struct http_head *out, struct err *err);

/* A line of the chunked coding with the size of the chunk behind it (RFC 9112 7.1). *len_out is the
 * line's own length. The last chunk has size 0, and its line ends the body: *len_out holds the
 * empty line, and trailers are refused. */
enum http_scan http_chunk_scan(
    struct view bytes, size_t *len_out, uint64_t *size_out, struct err *err);

#endif
