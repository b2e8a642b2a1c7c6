/* Work on the directory, on a connection of the pool. */
#include "ca_priv.h"

bool
ca_directory_do(struct ca *ca, ca_directory_work *work, void *arg, struct err *err)
{
	struct dir_conn *c = NULL;
	bool ok = false, again = true;

	/* A kept connection may have been closed by the server meanwhile. */
	for (int tries = 0; !ok && again && tries < 2; tries++) {
		if (!dir_pool_take(ca->directory, &c, err))
			return false;
		ok = work(c, arg, err);
		again = !ok && dir_conn_is_broken(c);
		dir_pool_give(ca->directory, &c);
	}
	return ok;
}
