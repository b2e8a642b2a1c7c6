#include "vault_lost.h"

#include <signal.h>
#include <stdatomic.h>

#include "log.h"

void
vault_lost(const struct vault *v)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	if (!v->broken || atomic_flag_test_and_set(&told))
		return;
	log_error(
	    "the vault is lost; the front ends, to be started again with it", LOG_INT("fd", v->fd));
	raise(SIGTERM);
}
