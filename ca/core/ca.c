#include "ca_priv.h"

#include <string.h>

#include "audit.h"
#include "clock.h"

bool
ca_principal(struct ca *ca, const struct identity *id, struct principal *out, struct err *err)
{
	bool kept = principal_cache_get(ca->state->principals, id, clock_mono_ms(), out);
	enum dir_find found = kept ? DIR_FOUND : ca_find_identity(ca, id, out, err);

	if (found != DIR_FOUND)
		return found == DIR_NOT_FOUND &&
		       err_set(err, DIRCA_E_AUTHENTICATION, "'%s' is %s", id->text,
			   ca->config->standalone ? "no account of this machine"
						  : "not in the directory");
	if (!principal_check_active(out, clock_now(), err)) {
		principal_free(out);
		return false;
	}
	/* Nobody is kept who may not act: the next request asks the directory again. */
	if (!kept)
		principal_cache_put(ca->state->principals, id, clock_mono_ms(), out);
	return true;
}

bool
ca_issues_with_its_key(const struct ca *ca, uint32_t issuer_name_id)
{
	return CA_VERSION_KEY(issuer_name_id) == CA_VERSION_KEY(ca->issuer->version);
}

bool
ca_get_row(struct ca *ca, int64_t request_id, struct store_request *out, struct err *err)
{
	enum store_find found = store_get_request(ca->store, request_id, out, err);

	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND &&
		   err_set(err, DIRCA_E_DATABASE, "request %lld is gone", (long long)request_id));
}

/* What the tables of quotas know a principal by; room for SID_TEXT_MAX. */
static const char *
quota_name(const struct principal *p, char *sid)
{
	if (!p->has_sid)
		return p->downlevel;
	sid_to_text(&p->sid, sid);
	return sid;
}

bool
ca_take_quota(struct ca *ca, const struct ca_view *v, const struct principal *p, size_t bytes,
    int64_t *retry_after_s, struct err *err)
{
	const struct quota_limits limits = {.requests = v->settings.num[SETTING_REQUESTS_PER_HOUR],
	    .bytes = v->settings.num[SETTING_KILOBYTES_PER_HOUR] * 1024};
	struct quota_verdict verdict;
	char sid[SID_TEXT_MAX];
	bool ok = quota_take(ca->state->requests, quota_name(p, sid), clock_mono_ms(),
	    (int64_t)bytes, &limits, &verdict, err);
	const struct ca_audit a = {
	    .when = clock_now(), .event = AUDIT_REQUEST_DENIED, .actor = p->downlevel};

	*retry_after_s = verdict.retry_after_s;
	if (!ok && verdict.left_out == 1)
		ca_audit_refusal(ca, &a, err);
	return ok;
}
