/* Every target's way in, and what must hold of every decoder whatever it was given. */
#include <openssl/err.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int status = target(data, size);

	/* What is left in the queue would be told as the cause of the next failure of another. */
	if (ERR_peek_error() != 0) {
		ERR_print_errors_fp(stderr);
		abort();
	}
	return status;
}
