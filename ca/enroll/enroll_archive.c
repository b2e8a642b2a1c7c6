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

static bool
kra_is_usable(const struct enrollment *e, const struct ca_kra *k)
{
	return e->now >= k->cert.not_before && e->now <= k->cert.not_after;
}

static bool
refuse_kras(const struct enrollment *e, size_t valid, size_t needed, struct err *err)
{
	const struct texts *problems = &e->view->kra_problems;
	const char *reason = problems->count > 0 ? problems->list[0] : NULL;

	for (size_t i = 0; i < e->view->kra_count && reason == NULL; i++)
		reason = e->view->kras[i].reason;
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "%zu of %zu enabled KRA certificates are valid and of different agents, but %s wants "
	    "%zu%s%s",
	    valid, e->view->kra_count, setting_name(SETTING_KRA_CERT_COUNT), needed,
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static size_t
count_kras(const struct enrollment *e)
{
	size_t count = 0;

	for (size_t i = 0; i < e->view->agent_count; i++)
		count += kra_is_usable(e, e->view->agents[i]);
	return count;
}

bool
enroll_check_kras(struct enrollment *e, struct err *err)
{
	size_t needed = (size_t)e->view->settings.num[SETTING_KRA_CERT_COUNT],
	       usable = count_kras(e);

	if (!e->has_key || e->was_archived)
		return true;
	if (needed == 0 || e->view->kra_count == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "no key recovery agent is enabled; `dirca kra add` or `enable` on the CA's "
		    "machine does it");
	return settings_allowed(&e->view->settings, e->ca->config, err) &&
	       (usable >= needed || refuse_kras(e, usable, needed, err));
}

/* SHA-256 hashes of the KRAs that the vault may choose from; free(). */
static void *
usable_kras(const struct enrollment *e, size_t *count_out)
{
	uint8_t(*hashes)[32] = mem_zero(e->view->kra_count, sizeof *hashes);
	size_t count = 0;

	for (size_t i = 0; i < e->view->kra_count; i++) {
		const struct ca_kra *k = &e->view->kras[i];

		if (k->status == KRA_VALID && kra_is_usable(e, k))
			memcpy(hashes[count++], k->cert.sha256, sizeof hashes[0]);
	}
	*count_out = count;
	return hashes;
}

/* KeyRecoveryHashes: SHA-1 as "01 23 .. fe", a line each ([MS-WCCE] 3.2.2.6.2.1.3). */
static char *
hash_lines(const struct ca_kra *const *picks, size_t count)
{
	char *lines = mem_text("");

	for (size_t i = 0; i < count; i++) {
		OWNED(own_memory)
		char *hash =
		    hex_encode(view_of(picks[i]->cert.sha1, sizeof picks[i]->cert.sha1), ' ');

		text_list_add(&lines, "\n", hash);
	}
	return lines;
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

/* A refusal after which the exchange key may be retired: the next request finds another. Or one of
 * a token, which is told at once. */
static void
replace_xchg(struct enrollment *e, enum err_code code)
{
	struct err err;

	if ((code == DIRCA_E_KEY_NOT_ARCHIVED || code == DIRCA_E_XCHG_CERT ||
		code == NTE_PROVIDER_DLL_FAIL) &&
	    !ca_renew_exchange(e->ca, e->vault, e->now, &err))
		log_error("no other exchange certificate", LOG_REASON(&err));
}

static bool
rewrap(struct enrollment *e, const struct ca_xchg *xchg, struct err *err)
{
	size_t count;
	OWNED(own_memory) void *hashes = usable_kras(e, &count);
	struct vault_rewrap in = {
	    .payload = e->request.payload,
	    .xchg_issuer = xchg->cert.issuer,
	    .xchg_serial = xchg->cert.serial,
	    .spki = e->request.pkix->spki,
	    .kra_count = count,
	    .cipher = e->view->settings.cipher,
	};
	char sid[SID_TEXT_MAX];

	in.requester = sender(e, sid);
	memcpy(in.xchg_id, xchg->id, sizeof in.xchg_id);
	in.kra_sha256 = hashes;
	if (vault_rewrap(e->vault, &in, &e->archived, err))
		return true;
	replace_xchg(e, err->code);
	return false;
}

static const struct ca_kra *
find_recipient(const struct enrollment *e, const struct cms_recipient *recipient)
{
	for (size_t i = 0; i < e->view->kra_count; i++) {
		const struct ca_kra *k = &e->view->kras[i];

		if (cms_recipient_is(recipient, k->cert.issuer, k->cert.serial))
			return k;
	}
	return NULL;
}

/* Whom the vault chose stands in what it sealed. */
static bool
note_kras(struct enrollment *e, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped sealed = {0};

	if (!cms_sealed_decode(buf_view(&e->archived), &sealed, err))
		return err_prefix(err, "reading what the vault sealed");
	e->kras = mem_zero(sealed.count, sizeof(*e->kras));
	e->kra_count = sealed.count;
	for (size_t i = 0; i < sealed.count; i++)
		if ((e->kras[i] = find_recipient(e, &sealed.recipients[i])) == NULL)
			return err_set(err, DIRCA_E_INTERNAL,
			    "the vault sealed a key to another agent than it was told to choose "
			    "from");
	e->kra_hashes = hash_lines(e->kras, e->kra_count);
	return true;
}

bool
enroll_archive(struct enrollment *e, struct err *err)
{
	const struct ca_xchg *xchg = NULL;

	if (e->request.payload.len == 0)
		return true;
	if (e->request.payload.len > PAYLOAD_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the encrypted private key has %zu bytes; no key needs more than %d",
		    e->request.payload.len, PAYLOAD_MAX);
	return find_xchg(e, &xchg, err) && enroll_check_bound_exchange(e, &xchg->cert, err) &&
	       rewrap(e, xchg, err) && note_kras(e, err);
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

	generate.kra_sha256 = hashes = usable_kras(e, &generate.kra_count);
	if (!certificate_issue(e->ca, e->vault, &order, &e->certificate, err))
		return false;
	e->archived = buf_give(&made.archived);
	e->delivered = buf_give(&made.delivered);
	return note_kras(e, err);
}
