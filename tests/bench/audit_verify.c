/* audit_verify DATABASE: walks the audit trail of a stopped CA, whose chain must hold to its head.
 */
#include <stdio.h>

#include "store.h"

int
main(int argc, char **argv)
{
	struct store *store = NULL;
	struct err err;
	int64_t count = 0;
	bool ok;

	if (argc != 2) {
		fprintf(stderr, "usage: audit_verify DATABASE\n");
		return 2;
	}
	ok = store_open(argv[1], &store, &err) &&
	     store_audit_walk(store, 0, NULL, NULL, &count, &err);
	if (store != NULL)
		store_close(&store);
	if (!ok) {
		fprintf(stderr, "audit_verify: %s\n", err.msg);
		return 1;
	}
	printf("%lld\n", (long long)count);
	return 0;
}
