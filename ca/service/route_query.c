#include "mem.h"
#include "own.h"
#include "routes.h"
#include "text.h"

bool
route_number(const struct route_call *c, const char *name, int64_t min, int64_t max, int64_t *out,
    struct err *err)
{
	OWNED(own_memory) char *text = http_call_query(c->http, name);

	return text == NULL || text_to_int(text, min, max, out) ||
	       err_set(err, E_INVALIDARG, "%s '%s' is not a number from %lld to %lld", name, text,
		   (long long)min, (long long)max);
}

char *
route_folded(const struct route_call *c, const char *name)
{
	OWNED(own_memory) char *text = http_call_query(c->http, name);

	return text != NULL ? text_fold(text) : NULL;
}
