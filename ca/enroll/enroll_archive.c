/*
 * Archival of a request's key: which exchange certificate opens it, which KRAs it is sealed to. The
 * key itself is seen by the vault alone (paper, "Key Verification", "Key Encryption").
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

	if (e->view->kras_unknown)
		return err_set(err, DIRCA_E_IO, "the KRA store cannot be read now: %s",
		    reason != NULL ? reason : "?");
	for (size_t i = 0; i < e->view->kra_count && reason == NULL; i++)
		reason = e->view->kras[i].reason;
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "%zu of %zu KRA certificates are valid and of different agents, but %s wants %zu%s%s",
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
	if (needed == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "%s is 0: a CA administrator must add KRA certificates and set how many seal a "
		    "key",
		    setting_name(SETTING_KRA_CERT_COUNT));
	return settings_allowed(&e->view->settings, e->ca->config, err) &&
	       (usable >= needed || refuse_kras(e, usable, needed, err));
}

/* The KRAs for this key, by round robin over the valid ones, of which there are enough. `picks` has
 * room for `needed`. */
static void
pick_kras(const struct enrollment *e, const struct ca_kra **picks, size_t needed)
{
	OWNED(own_memory)
	const struct ca_kra **valid = mem_zero(e->view->agent_count, sizeof(*valid));
	OWNED(own_memory) size_t *places = mem_zero(needed, sizeof *places);
	size_t count = 0;

	for (size_t i = 0; i < e->view->agent_count; i++)
		if (kra_is_usable(e, e->view->agents[i]))
			valid[count++] = e->view->agents[i];
	kra_ring_pick(&e->ca->ring, count, needed, places);
	for (size_t i = 0; i < needed; i++)
		picks[i] = valid[places[i]];
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

/* A refusal after which the exchange key may be retired: the next request finds another. */
static void
replace_xchg(struct enrollment *e, enum err_code code)
{
	struct err err;

	if ((code == DIRCA_E_KEY_NOT_ARCHIVED || code == DIRCA_E_XCHG_CERT) &&
	    !ca_renew_exchange(e->ca, e->vault, e->now, &err))
		log_error("no other exchange certificate", LOG_REASON(&err));
}

/* As the vault knows them; free(). */
static void *
sha256_list(const struct ca_kra *const *picks, size_t count)
{
	uint8_t(*hashes)[32] = mem_zero(count, sizeof *hashes);

	for (size_t i = 0; i < count; i++)
		memcpy(hashes[i], picks[i]->cert.sha256, sizeof hashes[i]);
	return hashes;
}

static bool
rewrap(struct enrollment *e, const struct ca_xchg *xchg, const struct ca_kra *const *picks,
    size_t count, struct err *err)
{
	OWNED(own_memory) void *hashes = sha256_list(picks, count);
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

static void
note_kras(struct enrollment *e, size_t count)
{
	e->kra_count = count;
	e->kra_hashes = hash_lines(e->kras, count);
}

bool
enroll_archive(struct enrollment *e, struct err *err)
{
	size_t needed = (size_t)e->view->settings.num[SETTING_KRA_CERT_COUNT];
	const struct ca_xchg *xchg = NULL;

	if (e->request.payload.len == 0)
		return true;
	if (e->request.payload.len > PAYLOAD_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the encrypted private key has %zu bytes; no key needs more than %d",
		    e->request.payload.len, PAYLOAD_MAX);
	e->kras = mem_zero(needed, sizeof(*e->kras));
	if (!find_xchg(e, &xchg, err) || !enroll_check_bound_exchange(e, &xchg->cert, err))
		return false;
	pick_kras(e, e->kras, needed);
	if (!rewrap(e, xchg, e->kras, needed, err))
		return false;
	note_kras(e, needed);
	return true;
}

bool
enroll_generate(struct enrollment *e, struct err *err)
{
	size_t needed = (size_t)e->view->settings.num[SETTING_KRA_CERT_COUNT];
	OWNED(vault_generated_free) struct vault_generated made = {0};
	OWNED(own_memory) void *hashes = NULL;
	struct vault_generate generate = {.recipient = buf_view(&e->recipient.raw),
	    .transport = e->transport,
	    .kra_count = needed,
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

	e->kras = mem_zero(needed, sizeof(*e->kras));
	pick_kras(e, e->kras, needed);
	generate.kra_sha256 = hashes = sha256_list(e->kras, needed);
	if (!certificate_issue(e->ca, e->vault, &order, &e->certificate, err))
		return false;
	e->archived = buf_give(&made.archived);
	e->delivered = buf_give(&made.delivered);
	note_kras(e, needed);
	return true;
}
