#include "answer.h"

#include <stdio.h>

void
answer_body(struct http_call *http, int status, const char *content_type, struct view body)
{
	struct err err;

	buf_free(&http->answer);
	http->status = status;
	snprintf(http->content_type, sizeof http->content_type, "%s", content_type);
	if (!buf_dup(body, &http->answer, &err)) {
		http->status = 500;
		http->content_type[0] = '\0';
	}
}
