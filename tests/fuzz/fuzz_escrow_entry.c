/* What is signed of an entry of an escrow batch; what is read is written again as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "escrow_entry.h"
#include "oids.h"
#include "target.h"

int
target(const uint8_t *data, size_t size)
{
	struct escrow_entry e;
	struct buf again;
	struct err err;

	if (!escrow_entry_decode(view_of(data, size), &e, &err))
		return 0;
	if (!escrow_entry_encode(&e, &again, &err) ||
	    !view_eq(buf_view(&again), view_of(data, size)))
		abort();
	buf_free(&again);
	escrow_entry_free(&e);
	return 0;
}
