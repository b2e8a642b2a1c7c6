#include "sealing.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static bool
is_usable(const struct ca_kra *k, int64_t now)
{
	return now >= k->cert.not_before && now <= k->cert.not_after;
}

static bool
refuse_kras(const struct ca_view *v, size_t valid, size_t needed, struct err *err)
{
	const struct texts *problems = &v->kra_problems;
	const char *reason = problems->count > 0 ? problems->list[0] : NULL;

	for (size_t i = 0; i < v->kra_count && reason == NULL; i++)
		reason = v->kras[i].reason;
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "%zu of %zu enabled KRA certificates are valid and of different agents, but %s wants "
	    "%zu%s%s",
	    valid, v->kra_count, setting_name(SETTING_KRA_CERT_COUNT), needed,
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static size_t
count_usable(const struct ca_view *v, int64_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < v->agent_count; i++)
		count += is_usable(v->agents[i], now);
	return count;
}

bool
sealing_check(const struct ca *ca, const struct ca_view *v, int64_t now, struct err *err)
{
	size_t needed = (size_t)v->settings.num[SETTING_KRA_CERT_COUNT],
	       usable = count_usable(v, now);

	if (needed == 0 || v->kra_count == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "no key recovery agent is enabled; `dirca kra add` or `enable` on the CA's "
		    "machine does it");
	return settings_allowed(&v->settings, ca->config, err) &&
	       (usable >= needed || refuse_kras(v, usable, needed, err));
}

void *
sealing_usable(const struct ca_view *v, int64_t now, size_t *count_out)
{
	uint8_t(*hashes)[32] = mem_zero(v->kra_count, sizeof *hashes);
	size_t count = 0;

	for (size_t i = 0; i < v->kra_count; i++) {
		const struct ca_kra *k = &v->kras[i];

		if (k->status == KRA_VALID && is_usable(k, now))
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

static const struct ca_kra *
find_recipient(const struct ca_view *v, const struct cms_recipient *recipient)
{
	for (size_t i = 0; i < v->kra_count; i++) {
		const struct ca_kra *k = &v->kras[i];

		if (cms_recipient_is(recipient, k->cert.issuer, k->cert.serial))
			return k;
	}
	return NULL;
}

bool
sealing_note(const struct ca_view *v, struct view sealed, struct sealing *out, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};

	*out = (struct sealing){0};
	if (!cms_sealed_decode(sealed, &e, err))
		return err_prefix(err, "reading what the vault sealed");
	out->kras = mem_zero(e.count, sizeof(*out->kras));
	out->count = e.count;
	for (size_t i = 0; i < e.count; i++)
		if ((out->kras[i] = find_recipient(v, &e.recipients[i])) == NULL) {
			sealing_free(out);
			return err_set(err, DIRCA_E_INTERNAL,
			    "the vault sealed a key to another agent than it was told to choose "
			    "from");
		}
	out->hashes = kra_hashes_close(hash_lines(out->kras, out->count), e.threshold);
	return true;
}

bool
sealing_keep(struct store_tx *tx, const struct sealing *s, struct err *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (!ca_kra_keep(tx, s->kras[i], err))
			return false;
	return true;
}

void
sealing_free(struct sealing *s)
{
	free(s->kras);
	free(s->hashes);
	*s = (struct sealing){0};
}
