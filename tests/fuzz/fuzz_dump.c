/* What `dirca dump` says of a file, of whatever type it is taken for: text, JSON and the list of
 * its elements. Files with keys are fuzz_material's and fuzz_pfx's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "dump_listing.h"
#include "dump_types.h"
#include "mem.h"
#include "oids.h"
#include "target.h"

int
target(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
	    "request", "response", "blob", "pkcs10", "certificate", "crl", "sd"};
	static const struct key_passwords none;
	static FILE *nowhere;
	struct view v = view_of(data, size);
	struct err err;

	if (nowhere == NULL)
		require(secret_heap_init(1 << 18, true, &err) && oids_init(&err) &&
			(nowhere = fopen("/dev/null", "w")) != NULL);
	if (size > 65536)
		return 0;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		json_t *said = dump_as(types[i], v, v, &none, &err);

		require(said != NULL || err.code != ERR_OK);
		require(said == NULL || json_dumpf(said, nowhere, 0) == 0);
		json_decref(said);
	}
	dump_listing(nowhere, v);
	return 0;
}
