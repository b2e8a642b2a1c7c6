/*
 * Whether archived keys could be recovered, as far as can be told without opening one: the
 * structure of each, to whom it is sealed, whether that is whom its row names, and whose it is.
 */
#ifndef RECOVER_VERIFY_KEYS_H
#define RECOVER_VERIFY_KEYS_H

#include "pkix.h"
#include "store.h"

/* A KRA certificate that rows name, found once. */
struct verify_agent {
	uint8_t sha1[20];
	bool is_known;
	struct pkix_cert cert;
	int64_t keys; /* that name it, and are sealed to it */
};

struct verify_keys {
	struct store *store;
	/* Something is wrong with the key of this request; or nothing: NULL. */
	void (*seen)(int64_t request_id, const char *what, void *arg);
	void *arg;
	struct verify_agent *agents;
	size_t agent_count;
	int64_t keys, bad; /* so far */
	int64_t last;      /* the request of the newest */
};

/* So many keys behind a request (below 0: all), on top of those that were looked at before. Waits
 * for whoever verifies keys already. */
bool verify_keys(struct verify_keys *v, int64_t after, int64_t limit, struct err *err);
void verify_keys_free(struct verify_keys *v);

#endif
