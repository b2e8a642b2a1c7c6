#include "case_receipt.h"

#include <stdio.h>

#include "own.h"
#include "own_json.h"
#include "text.h"

void
case_receipt(struct http_client *ca, long long case_id, const char *serial, long long request_id,
    const char *words)
{
	OWNED(own_memory) char *path = text_printf("/dirca/v1/cases/%lld/received", case_id);
	OWNED(own_memory) char *request = text_printf("%lld", request_id);
	OWNED(own_json)
	json_t *body = json_pack("{s:s, s:s}", "serial", serial, "request", request);
	OWNED(own_json) json_t *answer = NULL;
	struct err err;

	if (case_id != 0 && !http_client_json(ca, "POST", path, body, &answer, &err))
		fprintf(stderr,
		    "The CA could not be told that the key arrived (%s); recovery case %lld stays "
		    "open until its time has passed, or `dirca case close %lld%s`.\n",
		    err.msg, case_id, case_id, words);
}
