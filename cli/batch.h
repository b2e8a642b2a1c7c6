/*
 * One act on many requests over one connection, each by itself: what is refused is told by its id
 * and the others go on; what would be answered to all of them alike ends it. Ctrl-C ends it when
 * the request under way is answered, and what was done is said.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include <jansson.h>

#include "request_ids.h"
#include "work.h"

/* Has the CA do it; *answer_out is what it says of the request. */
typedef bool batch_act(
    struct work *w, long long id, const void *arg, json_t **answer_out, struct err *err);

struct batch {
	const char *act_name;    /* "Approve" */
	const char *noun;        /* "request" */
	const char *remark;      /* of the question; NULL: none */
	const char *done;        /* "issued" */
	const char *disposition; /* of those that a range or --where is about */
	batch_act *act;
	const void *arg;
	/* As it goes: */
	long long *ids;
	size_t count, at, refused;
	bool many; /* it was not one that was named alone */
};

/* Which requests: the verb's arguments, --where or --stdin; opens the CA. --where asks, unless
 * --yes is given. DIRCA_E_USAGE: none or several of the three; CRYPT_E_NOT_FOUND: there is none. */
bool batch_find(struct work *w, struct batch *b, struct err *err);
bool batch_run(struct work *w, struct batch *b, struct err *err);
void batch_free(struct batch *b);

#endif
