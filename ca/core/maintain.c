/*
 * Housekeeping: CA exchange certificates, CRLs (crl_make.c) and the certificate of the TLS service,
 * each stored and audited in one unit of work before anybody sees it.
 */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "certificate.h"
#include "clock.h"
#include "event.h"
#include "extension.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "publication.h"
#include "text.h"

#define NO_XCHG_EVERY_MS INT64_C(3600000)
#define IMPORT_KEY_BITS  3072
#define DEFAULT_PROVIDER "OpenSSL, with keys in the vault's folder"

/* One that the vault made and the database did not take, because it failed or the front died in
 * between, is taken up: the vault keeps its key whatever becomes of the row. */
static bool
take_up(struct ca *ca, struct view certificate, enum own_kind kind, int64_t now, bool *taken,
    struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	OWNED(own_memory) char *serial = NULL;
	enum store_find found;

	if (!pkix_cert_decode(certificate, &c, err))
		return false;
	serial = pkix_serial_text(c.serial);
	found = store_get_by_serial(ca->store, serial, &row, err);
	if (found != STORE_NOT_FOUND || c.not_after <= now)
		return found != STORE_FAILED;
	if (!add_own_row(ca, certificate, kind, OWN_ACTOR, now, err))
		return false;
	*taken = *taken || c.not_before <= now;
	return true;
}

/* Certificates of the exchange keys that the vault holds. */
struct held {
	struct buf list[VAULT_XCHG_MAX];
	size_t count;
};

static void
held_free(struct held *h)
{
	while (h->count > 0)
		buf_free(&h->list[--h->count]);
}

static bool
take_up_all(struct ca *ca, const struct held *held, enum own_kind kind, int64_t now, bool *taken,
    struct err *err)
{
	*taken = false;
	for (size_t i = 0; i < held->count; i++)
		if (!take_up(ca, buf_view(&held->list[i]), kind, now, taken, err))
			return false;
	return true;
}

static bool
take_up_xchgs(struct ca *ca, struct vault *v, int64_t now, bool *taken, struct err *err)
{
	OWNED(held_free) struct held held = {0};

	*taken = false;
	return vault_xchg_list(v, held.list, &held.count, err) &&
	       take_up_all(ca, &held, OWN_EXCHANGE, now, taken, err);
}

/* Once until another error comes, or an hour has passed: it is tried again and again. */
static void
raise_no_xchg(struct ca *ca, const struct err *why)
{
	OWNED(own_memory) char *error = event_error(why);
	struct ca_state *s = ca->state;
	int64_t now = clock_mono_ms();

	if (s->no_xchg == why->code && now - s->no_xchg_ms < NO_XCHG_EVERY_MS)
		return;
	s->no_xchg = why->code;
	s->no_xchg_ms = now;
	if (why->code == NTE_PROVIDER_DLL_FAIL)
		ca_event(ca, EVENT_BAD_DEFAULT_CA_XCHG_CSP, error);
	ca_event(ca, EVENT_CANNOT_CREATE_XCHG_CERT, "Error", error);
}

/* Told once, as the next. */
static void
look_at_seed(struct ca *ca, const struct vault_xchg_provider *provider)
{
	OWNED(own_memory) char *error = NULL;

	if (ca->state->no_seed == provider->no_seed.code)
		return;
	ca->state->no_seed = provider->no_seed.code;
	if (provider->no_seed.code == ERR_OK)
		return;
	error = event_error(&provider->no_seed);
	ca_event(ca, EVENT_NO_TOKEN_RANDOM, error);
}

/* What makes exchange keys now. That the token's key which root names is not used is told once. */
static bool
look_at_provider(
    struct ca *ca, struct vault *v, struct vault_xchg_provider *provider, struct err *err)
{
	struct ca_state *s = ca->state;
	OWNED(own_memory) char *error = NULL;

	if (!vault_xchg_provider(v, provider, err))
		return false;
	look_at_seed(ca, provider);
	if (s->no_token == provider->why.code)
		return true;
	s->no_token = provider->why.code;
	if (s->no_token == ERR_OK)
		return true;
	error = event_error(&provider->why);
	ca_event(ca, EVENT_BAD_REGISTRY_CA_XCHG_CSP, error);
	if (provider->fallback)
		ca_event(ca, EVENT_USE_DEFAULT_CA_XCHG_CSP, DEFAULT_PROVIDER);
	return true;
}

static bool
make_xchg(struct ca *ca, struct vault *v, const struct ca_view *view, const char *actor,
    int64_t now, struct err *err)
{
	const struct settings *s = &view->settings;
	OWNED(buf_free) struct buf certificate = {0};

	if (xchg_template_check(ca, view, err) &&
	    certificate_xchg(
		ca, v, s->xchg_bits, s->seconds[PERIOD_XCHG_VALIDITY], &certificate, err) &&
	    add_own_row(ca, buf_view(&certificate), OWN_EXCHANGE, actor, now, err))
		return true;
	raise_no_xchg(ca, err);
	return err_prefix(err, "making a CA exchange certificate");
}

static bool
take_up_or_make_xchg(
    struct ca *ca, struct vault *v, const struct ca_view *view, int64_t now, struct err *err)
{
	bool taken;

	if (!take_up_xchgs(ca, v, now, &taken, err))
		return err_prefix(err, "taking up a CA exchange certificate");
	return taken || make_xchg(ca, v, view, OWN_ACTOR, now, err);
}

/* Does the vault have its key, and not retired it? */
static bool
is_held(struct vault *v, struct view certificate, bool *held_out, struct err *err)
{
	OWNED(held_free) struct held held = {0};

	*held_out = false;
	if (!vault_xchg_list(v, held.list, &held.count, err))
		return false;
	for (size_t i = 0; i < held.count; i++)
		*held_out = *held_out || view_eq(buf_view(&held.list[i]), certificate);
	return true;
}

/* The one that is handed out, of the time `now`: those that a clock which was ahead has left do not
 * count, nor those of an older CA key. NULL: none. */
static const struct store_request *
newest_valid(const struct ca *ca, const struct store_requests *rows, int64_t now)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->list[i].not_before <= now &&
		    ca_issues_with_its_key(ca, rows->list[i].issuer_name_id))
			return &rows->list[i];
	return NULL;
}

/* Is it the token's, where that is used, or what the settings ask for? Only RSA keys have so many
 * bits. */
static bool
has_right_key(const struct store_request *row, const struct settings *s,
    const struct vault_xchg_provider *provider, bool *right_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	uint8_t id[VAULT_ID_LEN];

	*right_out = row->public_key_length == s->xchg_bits;
	if (!provider->usable)
		return true;
	if (!pkix_cert_decode(buf_view(&row->raw_certificate), &cert, err) ||
	    !ext_key_id(cert.spki, id, err))
		return false;
	*right_out = memcmp(id, provider->id, sizeof id) == 0;
	return true;
}

/* From the database: the view is not renewed while the directory is away. One that ends with the CA
 * certificate cannot be bettered. */
static bool
xchg_is_due(struct ca *ca, struct vault *v, const struct settings *s, int64_t now, bool *due_out,
    struct err *err)
{
	OWNED(store_requests_free) struct store_requests rows = {0};
	struct vault_xchg_provider provider;
	const struct store_request *newest;
	bool held, right = false;

	*due_out = false;
	if (ca->no_archival != NULL || now >= ca->issuer->cert.not_after)
		return true;
	if (!look_at_provider(ca, v, &provider, err) ||
	    !store_exchange_certificates(ca->store, now, &rows, err))
		return false;
	newest = newest_valid(ca, &rows, now);
	if (newest != NULL && !has_right_key(newest, s, &provider, &right, err))
		return false;
	*due_out = newest == NULL || !right ||
		   (newest->not_after < ca->issuer->cert.not_after &&
		       newest->not_after - s->seconds[PERIOD_XCHG_OVERLAP] <= now);
	if (*due_out)
		return true;
	if (!is_held(v, buf_view(&newest->raw_certificate), &held, err))
		return false;
	*due_out = !held;
	return true;
}

bool
ca_renew_exchange(struct ca *ca, struct vault *v, int64_t now, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	bool due = false, ok;

	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = xchg_is_due(ca, v, &view->settings, now, &due, err) &&
	     (!due || take_up_or_make_xchg(ca, v, view, now, err));
	pthread_mutex_unlock(&ca->state->maintain_lock);
	return ok && (!due || ca_refresh(ca, v, err));
}

/* Before anything follows from the settings. The view is the caller's, and becomes that of now. */
static void
adopt_template(struct ca *ca, struct vault *v, struct ca_view **view)
{
	bool changed = false, ok;
	struct err err;

	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = xchg_template_adopt(ca, *view, &changed, &err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	if (!ok || (changed && !ca_refresh(ca, v, &err)))
		log_warn(
		    "the template of exchange certificates is not followed yet", LOG_REASON(&err));
	if (changed) {
		ca_view_release(view);
		*view = ca_view_get(ca);
	}
}

bool
ca_new_exchange(struct ca *ca, struct vault *v, const char *actor, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	bool ok;

	adopt_template(ca, v, &view);
	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = make_xchg(ca, v, view, actor, clock_now(), err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	return ok && ca_refresh(ca, v, err);
}

/* ---- keys for importing: made when an administrator says so ---- */

static bool
newest_import(const struct held *held, int64_t now, struct pkix_cert *out, struct err *err)
{
	for (size_t i = 0; i < held->count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert c = {0};

		if (!pkix_cert_decode(buf_view(&held->list[i]), &c, err))
			return false;
		if (c.not_before > now || c.not_after <= now ||
		    (out->raw.len > 0 && c.not_before <= out->not_before))
			continue;
		pkix_cert_free(out);
		*out = c;
		c = (struct pkix_cert){0};
	}
	return out->raw.len > 0 ||
	       err_set(err, DIRCA_E_XCHG_CERT,
		   "the CA has no valid key import certificate; a CA administrator makes one with "
		   "`dirca import certificate new`");
}

bool
ca_import_certificate(
    struct ca *ca, struct vault *v, int64_t now, struct pkix_cert *out, struct err *err)
{
	OWNED(held_free) struct held held = {0};
	bool ok, ignored;

	*out = (struct pkix_cert){0};
	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = vault_import_list(v, held.list, &held.count, err) &&
	     take_up_all(ca, &held, OWN_IMPORT, now, &ignored, err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	return ok && newest_import(&held, now, out, err);
}

bool
ca_new_import(struct ca *ca, struct vault *v, const char *actor, int64_t life_s, int64_t now,
    struct buf *certificate_out, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = certificate_import(ca, v, IMPORT_KEY_BITS, life_s, certificate_out, err) &&
	     add_own_row(ca, buf_view(certificate_out), OWN_IMPORT, actor, now, err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	if (!ok)
		buf_free(certificate_out);
	return ok || err_prefix(err, "making a key import certificate");
}

bool
ca_maintain(struct ca *ca, struct vault *v, int64_t now, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	const struct settings *s;
	bool xchg_due = false, crls_made, crl, xchg, service, checkpoint;
	struct err crl_err, service_err, checkpoint_err, refresh_err;

	adopt_template(ca, v, &view);
	s = &view->settings;
	/* None waits for another. */
	pthread_mutex_lock(&ca->state->make_crl_lock);
	crl = make_crls(ca, v, view, CRLS_DUE, OWN_ACTOR, now, &crls_made, &crl_err) &&
	      (!crls_made || remember_journal(ca, v, &crl_err));
	pthread_mutex_unlock(&ca->state->make_crl_lock);
	pthread_mutex_lock(&ca->state->maintain_lock);
	xchg = xchg_is_due(ca, v, s, now, &xchg_due, err) &&
	       (!xchg_due || take_up_or_make_xchg(ca, v, view, now, err));
	service = renew_service(ca, v, now, &service_err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	if (((xchg && xchg_due) || crls_made) && !ca_refresh(ca, v, &refresh_err))
		log_warn(
		    "new exchange certificate or CRL not in use yet", LOG_REASON(&refresh_err));
	checkpoint = checkpoint_maintain(ca, v, s, &checkpoint_err);
	if (xchg && !crl)
		*err = crl_err;
	else if (xchg && !service)
		*err = service_err;
	else if (xchg && !checkpoint)
		*err = checkpoint_err;
	return xchg && crl && service && checkpoint;
}
