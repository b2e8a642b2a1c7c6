/* Ids of requests as people write them: "12", "12-40". Pure. */
#ifndef CLI_REQUEST_IDS_H
#define CLI_REQUEST_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

struct id_range {
	int64_t from, to; /* both are of it */
};
struct request_ids {
	struct id_range *list;
	size_t count;
};
/* DIRCA_E_USAGE: neither an id nor a range of them. */
bool request_ids_add(struct request_ids *ids, const char *word, struct err *err);
/* The same of each line's first word; empty lines do not count. */
bool request_ids_read(struct request_ids *ids, FILE *from, struct err *err);
void request_ids_free(struct request_ids *ids);

#endif
