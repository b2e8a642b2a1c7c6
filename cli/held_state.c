#include "held_state.h"

#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "own_json.h"
#include "text.h"

#define REASON_HOLD 6 /* RFC 5280 5.3.1, certificateHold */

static bool
is_issuer(const struct pki_service *service, const struct pkix_cert *cert)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	struct err ignored;

	return pkix_cert_decode(buf_view(&service->certificate), &ca, &ignored) &&
	       view_eq(ca.subject, cert->issuer);
}

static enum held_state
state_of(const json_t *row)
{
	const char *disposition = json_string_value(json_object_get(row, "disposition"));
	const json_t *reason = json_object_get(row, "revoked_reason");

	if (disposition == NULL)
		return HELD_UNKNOWN;
	if (strcmp(disposition, "revoked") != 0)
		return HELD_GOOD;
	return json_is_integer(reason) && json_integer_value(reason) == REASON_HOLD ? HELD_ON_HOLD
										    : HELD_REVOKED;
}

static enum held_state
ask(struct session *s, const struct pki_service *service, const struct pkix_cert *cert)
{
	OWNED(own_memory) char *serial = pkix_serial_text(cert->serial);
	OWNED(own_memory)
	char *path = text_printf("/dirca/v1/requests?serial_number=%s&limit=1", serial);
	OWNED(http_client_close) struct http_client *http = NULL;
	OWNED(own_json) json_t *answer = NULL;
	struct err ignored;

	if (!session_http(s, service, &http, &ignored) ||
	    !http_client_json(http, "GET", path, NULL, &answer, &ignored))
		return HELD_UNKNOWN;
	return state_of(json_array_get(json_object_get(answer, "requests"), 0));
}

enum held_state
held_state_ask(struct session *s, const struct pkix_cert *cert)
{
	enum held_state state = HELD_UNKNOWN;

	for (size_t i = 0; state == HELD_UNKNOWN && i < s->service_count; i++)
		if (is_issuer(&s->services[i], cert))
			state = ask(s, &s->services[i], cert);
	return state;
}
