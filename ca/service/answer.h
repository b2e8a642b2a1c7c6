/* The body of an answer: below everything that answers. */
#ifndef SERVICE_ANSWER_H
#define SERVICE_ANSWER_H

#include "http.h"

/* A body with its type. Out of memory becomes status 500. */
void answer_body(struct http_call *http, int status, const char *content_type, struct view body);

#endif
