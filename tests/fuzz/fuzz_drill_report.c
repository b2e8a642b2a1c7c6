/* What is signed of the report of a drill; what is read is written again as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "drill_report.h"
#include "target.h"

int
target(const uint8_t *data, size_t size)
{
	struct drill_report r;
	struct buf again;
	struct err err;

	if (!drill_report_decode(view_of(data, size), &r, &err))
		return 0;
	if (!drill_report_encode(&r, &again, &err) ||
	    !view_eq(buf_view(&again), view_of(data, size)))
		abort();
	buf_free(&again);
	drill_report_free(&r);
	return 0;
}
