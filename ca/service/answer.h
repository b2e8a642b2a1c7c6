/* The body of an answer: below everything that answers. */
#ifndef SERVICE_ANSWER_H
#define SERVICE_ANSWER_H

#include "http.h"

/* A body with its type. Out of memory becomes status 500. */
void answer_body(struct http_call *http, int status, const char *content_type, struct view body);
/* The same; the body is taken over. */
void answer_give(struct http_call *http, int status, const char *content_type, struct buf *body);

/* Of an answer that others may keep: its SHA-256 is the entity tag. */
struct answer_version {
	const uint8_t *sha256; /* 32 octets */
	int64_t modified;
	int64_t expires; /* 0: whoever keeps it asks each time whether it is still the answer */
};
/* Says so in the head, once for an answer. True: who asks by GET has just that one (RFC 9110
 * 13.2.2), and the status is 304; else 200, and the body is still to be put there. */
bool answer_version(struct http_call *http, const struct answer_version *v, int64_t now);

#endif
