/* dirca revoke, unrevoke. */
#include <string.h>

#include "mem.h"
#include "own_json.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define ID_DIGITS 9 /* a serial number has more: it holds 64 random bits at least */

static json_t *
body_of(const char *what, const char *reason)
{
	bool is_id = strlen(what) <= ID_DIGITS && strspn(what, "0123456789") == strlen(what);

	return json_pack(
	    "{s:s, s:s}", is_id ? "request_id" : "serial_number", what, "reason", reason);
}

/* One after the other; the first refusal ends it, and what was said is done. */
static bool
revoke_each(struct work *w, const char *reason, const char *done, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++) {
		OWNED(own_json) json_t *answer = NULL;
		OWNED(own_json) json_t *body = body_of(w->cli->args[i], reason);

		if (body == NULL)
			return err_set(err, E_INVALIDARG, "a reason or serial number is not UTF-8");
		if (!http_client_json(w->ca, "POST", "/dirca/v1/revocations", body, &answer, err))
			return err_prefix(err, "%s", w->cli->args[i]);
		printf("Request %lld: %s\n",
		    (long long)json_integer_value(json_object_get(answer, "request_id")), done);
	}
	puts("It is in the next CRL; `dirca crl` publishes one now.");
	return true;
}

bool
cmd_revoke(struct work *w, struct err *err)
{
	const char *reason = w->cli->opt.reason;

	return revoke_each(w, reason != NULL ? reason : "unspecified", "revoked", err);
}

bool
cmd_unrevoke(struct work *w, struct err *err)
{
	return revoke_each(w, "removeFromCRL", "no longer on hold", err);
}
