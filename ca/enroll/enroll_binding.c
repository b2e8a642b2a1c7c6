/*
 * A request that says who sends it, to which CA, with which exchange certificate and when
 * (docs/PROTOCOL.md) is taken from nobody else, nowhere else, and not much later.
 */
#include "enroll_priv.h"

#include "clock.h"
#include "own.h"
#include "text.h"

static bool
check_ca(const struct enrollment *e, const struct cmc_binding *b, struct err *err)
{
	return ca_issuers_named(&e->ca->info.issuers, b->ca) != NULL ||
	       err_set(err, DIRCA_E_REQUEST_BINDING,
		   "the request was made for a CA with another certificate than that of '%s'",
		   e->ca->config->ca_name);
}

/* A request that waited with its sender is repeated, not sent: enroll_find_repeat comes first. */
static bool
check_time(const struct enrollment *e, const struct cmc_binding *b, struct err *err)
{
	char made[21], now[21];

	if (b->time >= e->submitted - PKIX_CLOCK_SKEW_S &&
	    b->time <= e->submitted + PKIX_CLOCK_SKEW_S)
		return true;
	clock_format(b->time, made);
	clock_format(e->submitted, now);
	return err_set(err, DIRCA_E_REQUEST_BINDING,
	    "the request was made at %s and the CA's clock says %s: more than %d s apart; set the "
	    "clock, or make the request anew",
	    made, now, PKIX_CLOCK_SKEW_S);
}

static bool
check_sender(const struct enrollment *e, const struct cmc_binding *b, struct err *err)
{
	OWNED(own_memory) char *name = NULL;

	if (b->sender.len == 0)
		return true;
	if (!text_from_view(b->sender, &name, err))
		return err_prefix(err, "who sends the request");
	return principal_is_named(e->caller, name) ||
	       err_set(err, DIRCA_E_REQUEST_BINDING,
		   "the request was made to be sent by another account than '%s'",
		   e->caller->downlevel);
}

static bool
check_said(const struct enrollment *e, const struct cmc_binding *b, struct err *err)
{
	if (e->view->settings.num[SETTING_REQUIRE_BINDING] == 0 || !e->has_key || e->generates ||
	    (b != NULL && b->sender.len > 0))
		return true;
	return err_set(err, DIRCA_E_REQUEST_BINDING,
	    "the request archives a key and does not say who sends it, which %s demands; use "
	    "`dirca enroll`, or `dirca new --bound`, not by the local socket",
	    setting_name(SETTING_REQUIRE_BINDING));
}

/* An explanation is about a request that `dirca enroll` would make. */
bool
enroll_check_binding(struct enrollment *e, struct err *err)
{
	const struct enroll_request *r = &e->request;
	const struct cmc_binding *b = r->cmc.has_binding ? &r->cmc.binding : NULL;

	if (r->key == NULL)
		return true;
	if (!check_said(e, b, err))
		return false;
	if (b == NULL)
		return true;
	if ((b->exchange.len > 0) != (r->payload.len > 0))
		return err_set(err, DIRCA_E_REQUEST_BINDING,
		    b->exchange.len > 0
			? "the request names an exchange certificate and archives no key"
			: "the request archives a key and names no exchange certificate");
	return check_ca(e, b, err) && check_time(e, b, err) && check_sender(e, b, err);
}

bool
enroll_check_bound_exchange(
    const struct enrollment *e, const struct pkix_cert *xchg, struct err *err)
{
	const struct cmc_binding *b = &e->request.cmc.binding;

	return !e->request.cmc.has_binding ||
	       view_eq(b->exchange, view_of(xchg->sha256, sizeof xchg->sha256)) ||
	       err_set(err, DIRCA_E_REQUEST_BINDING,
		   "the request was made for another exchange certificate than the one that its "
		   "key is encrypted to");
}
