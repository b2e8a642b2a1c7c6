/* The description of the interface, as docs/openapi.yaml has it. */
#include "answer.h"
#include "routes.h"

static const uint8_t description[] = {
#include "openapi.inc"
};

void
route_description(struct route_call *c)
{
	/* RFC 9512 */
	answer_body(c->http, 200, "application/yaml", view_of(description, sizeof description));
}
