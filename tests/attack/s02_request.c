/*
 * One archival request as a client makes it, to be sent by whoever has it: what somebody on the way
 * captured. usage: s02_request EXCHANGE.der TEMPLATE OUT.der
 */
#include <stdio.h>

#include "file.h"
#include "load_request.h"
#include "oids.h"

#define CERTIFICATE_MAX 65536

int
main(int argc, char **argv)
{
	struct buf xchg = {0}, request = {0};
	struct err err;
	bool ok;

	if (argc != 4) {
		fprintf(stderr, "usage: s02_request EXCHANGE.der TEMPLATE OUT.der\n");
		return 2;
	}
	ok = secret_heap_init(65536, true, &err) && oids_init(&err) &&
	     file_read(argv[1], CERTIFICATE_MAX, &xchg, &err) &&
	     load_request_make(buf_view(&xchg), argv[2], &request, &err) &&
	     file_replace(argv[3], buf_view(&request), 0600, &err);
	if (!ok)
		fprintf(stderr, "s02_request: %s\n", err.msg);
	buf_free(&xchg);
	buf_free(&request);
	return ok ? 0 : 1;
}
