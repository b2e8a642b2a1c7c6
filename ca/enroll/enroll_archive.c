/*
 * Archival of a request's key: which exchange certificate opens it, which KRAs it may be sealed to
 * (the vault chooses). The key itself is seen by the vault alone (paper, "Key Verification", "Key
 * Encryption").
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* The largest blob, of an RSA-8192 key, has less than 5 KiB. */
#define PAYLOAD_MAX 32768

/* The recipient of the payload among the exchange certificates of this CA; other recipients are
 * ignored ([MS-WCCE] 3.2.2.6.2.1.2.2). */
static bool
find_xchg(const struct enrollment *e, const struct ca_xchg **out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped env = {0};
	const struct ca_xchg *found = NULL;

	if (!cms_enveloped_decode(e->request.payload, &env, err))
		return err_prefix(err, "reading the encrypted private key");
	for (size_t i = 0; i < env.count && found == NULL; i++)
		for (size_t k = 0; k < e->view->xchg_count && found == NULL; k++)
			if (cms_recipient_is(&env.recipients[i], e->view->xchgs[k].cert.issuer,
				e->view->xchgs[k].cert.serial))
				found = &e->view->xchgs[k];
	if (found == NULL)
		return err_set(err, DIRCA_E_XCHG_CERT,
		    "the private key is not encrypted to a CA exchange certificate of this CA; "
		    "fetch the current one and try again");
	if (e->now < found->cert.not_before || e->now > found->cert.not_after)
		return err_set(err, DIRCA_E_XCHG_CERT,
		    "the private key is encrypted to a CA exchange certificate that has expired; "
		    "fetch the current one and try again");
	*out = found;
	return true;
}

bool
enroll_check_kras(struct enrollment *e, struct err *err)
{
	return !e->has_key || e->was_archived || sealing_check(e->ca, e->view, e->now, err);
}

/* Who sends the request, whoever it is for. */
static struct view
sender(const struct enrollment *e, char sid[SID_TEXT_MAX])
{
	if (!e->caller->has_sid)
		return view_str(e->caller->dn);
	sid_to_text(&e->caller->sid, sid);
	return view_str(sid);
}

/* The exchange key may be retired: the next request finds another. Or it is one of a token, which
 * is told at once. */
void
enroll_archival_failed(struct enrollment *e, enum err_code code)
{
	struct err err;

	if ((code == DIRCA_E_KEY_NOT_ARCHIVED || code == DIRCA_E_XCHG_CERT ||
		code == NTE_PROVIDER_DLL_FAIL) &&
	    !ca_renew_exchange(e->ca, e->vault, e->now, &err))
		log_error("no other exchange certificate", LOG_REASON(&err));
}

bool
enroll_archival_begin(struct enrollment *e, struct enroll_archival *a, struct err *err)
{
	const struct ca_xchg *xchg = NULL;

	*a = (struct enroll_archival){0};
	if (e->request.payload.len > PAYLOAD_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the encrypted private key has %zu bytes; no key needs more than %d",
		    e->request.payload.len, PAYLOAD_MAX);
	if (!find_xchg(e, &xchg, err) || !enroll_check_bound_exchange(e, &xchg->cert, err))
		return false;
	a->order = (struct vault_rewrap){
	    .payload = e->request.payload,
	    .xchg_issuer = xchg->cert.issuer,
	    .xchg_serial = xchg->cert.serial,
	    .spki = e->request.pkix->spki,
	    .requester = sender(e, a->sid),
	    .cipher = e->view->settings.cipher,
	};
	a->kra_hashes = sealing_usable(e->view, e->now, &a->order.kra_count);
	a->order.kra_sha256 = a->kra_hashes;
	memcpy(a->order.xchg_id, xchg->id, sizeof a->order.xchg_id);
	return true;
}

void
enroll_archival_free(struct enroll_archival *a)
{
	free(a->kra_hashes);
}

bool
enroll_archive(struct enrollment *e, struct err *err)
{
	OWNED(enroll_archival_free) struct enroll_archival a = {0};

	if (e->request.payload.len == 0)
		return true;
	if (!enroll_archival_begin(e, &a, err))
		return false;
	if (vault_rewrap(e->vault, &a.order, &e->archived, err))
		return sealing_note(e->view, buf_view(&e->archived), &e->sealed, err);
	enroll_archival_failed(e, err->code);
	return false;
}

bool
enroll_generate(struct enrollment *e, struct err *err)
{
	OWNED(vault_generated_free) struct vault_generated made = {0};
	OWNED(own_memory) void *hashes = NULL;
	struct vault_generate generate = {.recipient = buf_view(&e->recipient.raw),
	    .transport = e->transport,
	    .cipher = e->view->settings.cipher};
	if (!certificate_partition(e->view, &e->partition, err))
		return false;
	const struct certificate_order order = {.view = e->view,
	    .plan = &e->plan,
	    .names = &e->names,
	    .spki = e->request.pkix->spki,
	    .partition = e->partition,
	    .generate = &generate,
	    .made = &made};

	generate.kra_sha256 = hashes = sealing_usable(e->view, e->now, &generate.kra_count);
	if (!certificate_issue(e->ca, e->vault, &order, &e->certificate, err))
		return false;
	e->archived = buf_give(&made.archived);
	e->delivered = buf_give(&made.delivered);
	return sealing_note(e->view, buf_view(&e->archived), &e->sealed, err);
}
