/*
 * Housekeeping: CA exchange certificates and CRLs, each stored and audited in one unit of work
 * before anybody sees it.
 */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "certificate.h"
#include "clock.h"
#include "log.h"
#include "publication.h"

#define ACTOR "dircad"

struct xchg_row {
	struct store_request *row;
	int64_t now;
};

static bool
store_xchg(struct store_tx *tx, void *arg, struct err *err)
{
	const struct xchg_row *x = arg;
	struct ca_audit a = {.when = x->now,
	    .event = AUDIT_ISSUED,
	    .actor = ACTOR,
	    .object = x->row->serial_number,
	    .detail = "CA exchange certificate"};

	return store_add_request(tx, x->row, &a.request_id, err) && ca_audit(tx, &a, err);
}

/* Request row of [MS-WCCE] 3.2.1.4.3.2.15.1: issued, no request, CAXCHGCERT | FORCEUTF8. */
static bool
add_xchg_row(struct ca *ca, struct view certificate, int64_t now, struct err *err)
{
	struct store_request row = {.disposition = DISP_ISSUED,
	    .request_flags = CR_FLG_CAXCHGCERT | CR_FLG_FORCEUTF8,
	    .submitted_when = now,
	    .resolved_when = now,
	    .revoked_reason = -1};
	struct xchg_row arg = {&row, now};
	bool ok = false;

	if (!certificate_columns(certificate, &row, err))
		goto out;
	row.requester_name = strdup(ACTOR);
	row.caller_name = strdup(ACTOR);
	row.template_name = strdup("CAExchange");
	if (row.requester_name == NULL || row.caller_name == NULL || row.template_name == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = store_do(ca->store, store_xchg, &arg, err);
out:
	store_request_free(&row);
	return ok;
}

/* One that the vault made and the database did not take, because it failed or the front died in
 * between, is taken up: the vault keeps its key whatever becomes of the row. */
static bool
take_up(struct ca *ca, struct view certificate, int64_t now, bool *taken, struct err *err)
{
	struct store_request row = {0};
	struct pkix_cert c = {0};
	char *serial = NULL;
	bool ok = false;

	if (!pkix_cert_decode(certificate, &c, err))
		goto out;
	if ((serial = pkix_serial_text(c.serial)) == NULL) {
		err_nomem(err);
		goto out;
	}
	switch (store_get_by_serial(ca->store, serial, &row, err)) {
	case STORE_FOUND:
		ok = true;
		break;
	case STORE_NOT_FOUND:
		ok = c.not_after <= now || add_xchg_row(ca, certificate, now, err);
		*taken = *taken || (ok && c.not_after > now);
		break;
	case STORE_FAILED:
		break;
	}
out:
	store_request_free(&row);
	pkix_cert_free(&c);
	free(serial);
	return ok;
}

static bool
take_up_xchgs(struct ca *ca, struct vault *v, int64_t now, bool *taken, struct err *err)
{
	struct buf list[VAULT_XCHG_MAX];
	size_t count;
	bool ok = vault_xchg_list(v, list, &count, err);

	*taken = false;
	for (size_t i = 0; ok && i < count; i++)
		ok = take_up(ca, buf_view(&list[i]), now, taken, err);
	while (count > 0)
		buf_free(&list[--count]);
	return ok;
}

static bool
make_xchg(struct ca *ca, struct vault *v, const struct settings *s, int64_t now, struct err *err)
{
	struct buf certificate = {0};
	bool taken, ok = false;

	if (!take_up_xchgs(ca, v, now, &taken, err))
		goto out;
	ok = taken || (certificate_xchg(ca, v, s->num[SETTING_XCHG_KEY_SIZE],
			   s->num[SETTING_XCHG_VALIDITY_S], &certificate, err) &&
			  add_xchg_row(ca, buf_view(&certificate), now, err));
out:
	buf_free(&certificate);
	return ok || err_prefix(err, "making a CA exchange certificate");
}

/* Does the vault have its key, and not retired it? */
static bool
is_held(struct vault *v, struct view certificate, bool *held_out, struct err *err)
{
	struct buf list[VAULT_XCHG_MAX];
	size_t count;
	bool ok = vault_xchg_list(v, list, &count, err);

	*held_out = false;
	while (count > 0) {
		*held_out = *held_out || view_eq(buf_view(&list[count - 1]), certificate);
		buf_free(&list[--count]);
	}
	return ok;
}

/* From the database: the view is not renewed while the directory is away. One that ends with the CA
 * certificate cannot be bettered. */
static bool
xchg_is_due(struct ca *ca, struct vault *v, const struct settings *s, int64_t now, bool *due_out,
    struct err *err)
{
	struct store_requests rows = {0};
	const struct store_request *newest;
	bool ok = false, held;

	*due_out = false;
	if (ca->no_archival != NULL || now >= ca->ca_cert.not_after)
		return true;
	if (!store_exchange_certificates(ca->store, now, &rows, err))
		goto out;
	newest = rows.count > 0 ? &rows.list[0] : NULL;
	*due_out = newest == NULL || (newest->not_after < ca->ca_cert.not_after &&
					 newest->not_after - s->num[SETTING_XCHG_OVERLAP_S] <= now);
	ok = true;
	if (!*due_out && (ok = is_held(v, buf_view(&newest->raw_certificate), &held, err)))
		*due_out = !held;
out:
	store_requests_free(&rows);
	return ok;
}

struct crl {
	const char *actor;
	int64_t number, this_update, next_update;
	struct buf der;
};

static bool
store_crl(struct store_tx *tx, void *arg, struct err *err)
{
	const struct crl *c = arg;
	char *object = text_printf("CRL %lld", (long long)c->number);
	const struct ca_audit a = {.when = c->this_update,
	    .event = AUDIT_CRL_PUBLISHED,
	    .actor = c->actor,
	    .object = object};
	bool ok = object != NULL ? store_add_crl(tx, c->number, c->this_update, c->next_update,
				       buf_view(&c->der), err) &&
				       ca_audit(tx, &a, err)
				 : err_nomem(err);

	free(object);
	return ok;
}

/* Serials as the CRL wants them; the octets lie in `storage`, one buffer an entry. */
static bool
revoked_entries(const struct store_revoked *rows, size_t count, struct pkix_revoked *list,
    struct buf *storage, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(rows[i].serial);
		char *even = text_printf("%s%s", len % 2 != 0 ? "0" : "", rows[i].serial);
		bool ok = even != NULL ? hex_decode(even, &storage[i], err) : err_nomem(err);

		free(even);
		if (!ok)
			return false;
		list[i] =
		    (struct pkix_revoked){buf_view(&storage[i]), rows[i].when, rows[i].reason};
	}
	return true;
}

static bool
encode_crl(struct ca *ca, struct crl *crl, struct buf *tbs_out, struct err *err)
{
	struct store_revoked *rows = NULL;
	struct pkix_revoked *list = NULL;
	struct buf *storage = NULL;
	size_t count = 0;
	bool ok = false;

	if (!store_revoked(ca->store, crl->this_update, &rows, &count, err))
		goto out;
	list = calloc(count + 1, sizeof *list);
	storage = calloc(count + 1, sizeof *storage);
	if (list == NULL || storage == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = revoked_entries(rows, count, list, storage, err) &&
	     pkix_crl_encode(ca->ca_cert.subject, buf_view(&ca->info.sig_alg),
		 buf_view(&ca->ca_key_id), crl->this_update, crl->next_update, crl->number, list,
		 count, tbs_out, err);
out:
	for (size_t i = 0; i < count; i++) {
		free(rows[i].serial);
		if (storage != NULL)
			buf_free(&storage[i]);
	}
	free(rows);
	free(list);
	free(storage);
	return ok;
}

static bool
sign_crl(struct ca *ca, struct vault *v, struct crl *crl, struct err *err)
{
	struct buf tbs = {0}, signature = {0};
	bool ok = encode_crl(ca, crl, &tbs, err) &&
		  vault_sign_crl(v, buf_view(&tbs), &signature, err) &&
		  pkix_signed_wrap(buf_view(&tbs), buf_view(&ca->info.sig_alg),
		      buf_view(&signature), &crl->der, err);

	buf_free(&tbs);
	buf_free(&signature);
	return ok;
}

static bool
make_crl(struct ca *ca, struct vault *v, const struct settings *s, const char *actor, int64_t now,
    struct err *err)
{
	struct crl crl = {.actor = actor,
	    .this_update = now,
	    .next_update = now + s->num[SETTING_CRL_PERIOD_S] + s->num[SETTING_CRL_OVERLAP_S]};
	struct buf newest = {0};
	int64_t until;
	bool ok = false;

	if (!store_newest_crl(ca->store, &crl.number, &until, &newest, err))
		goto out;
	crl.number++;
	if (!sign_crl(ca, v, &crl, err) || !store_do(ca->store, store_crl, &crl, err))
		goto out;
	/* The CRL stands and is served over HTTP; the directory gets it from the publisher. */
	ca_publication_wake(ca);
	ok = true;
out:
	buf_free(&newest);
	buf_free(&crl.der);
	return ok || err_prefix(err, "publishing a CRL");
}

static bool
crl_is_due(struct ca *ca, const struct settings *s, int64_t now, bool *due_out, struct err *err)
{
	struct buf crl = {0};
	int64_t number, until;
	bool ok = store_newest_crl(ca->store, &number, &until, &crl, err);

	*due_out = ok && (number == 0 || until - s->num[SETTING_CRL_OVERLAP_S] <= now);
	buf_free(&crl);
	return ok;
}

bool
ca_publish_crl(struct ca *ca, struct vault *v, const char *actor, struct err *err)
{
	struct ca_view *view = ca_view_get(ca);
	bool ok;

	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = make_crl(ca, v, &view->settings, actor, clock_now(), err);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	ca_view_release(&view);
	return ok;
}

bool
ca_renew_exchange(struct ca *ca, struct vault *v, int64_t now, struct err *err)
{
	struct ca_view *view = ca_view_get(ca);
	bool due = false, ok;

	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = xchg_is_due(ca, v, &view->settings, now, &due, err) &&
	     (!due || make_xchg(ca, v, &view->settings, now, err));
	pthread_mutex_unlock(&ca->state->maintain_lock);
	ca_view_release(&view);
	return ok && (!due || ca_refresh(ca, err));
}

bool
ca_maintain(struct ca *ca, struct vault *v, int64_t now, struct err *err)
{
	struct ca_view *view = ca_view_get(ca);
	const struct settings *s = &view->settings;
	bool xchg_due = false, crl_due = false, crl, xchg;
	struct err crl_err, refresh_err;

	/* Neither waits for the other. */
	pthread_mutex_lock(&ca->state->maintain_lock);
	crl = crl_is_due(ca, s, now, &crl_due, &crl_err) &&
	      (!crl_due || make_crl(ca, v, s, ACTOR, now, &crl_err));
	xchg = xchg_is_due(ca, v, s, now, &xchg_due, err) &&
	       (!xchg_due || make_xchg(ca, v, s, now, err));
	pthread_mutex_unlock(&ca->state->maintain_lock);
	ca_view_release(&view);
	if (xchg && xchg_due && !ca_refresh(ca, &refresh_err))
		log_warn("new exchange certificate not in use yet", LOG_REASON(&refresh_err));
	if (xchg && !crl)
		*err = crl_err;
	return xchg && crl;
}
