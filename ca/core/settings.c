#include "ca.h"

#include <string.h>

#include "own.h"
#include "settings_priv.h"
#include "text.h"

#define HOUR 3600
#define DAY  86400

/* One row a setting, in the order of enum setting. Names are those of the AD CS registry where it
 * has the setting (docs/FACTS.md 5). */
static const struct row {
	const char *name;
	int64_t initial, min, max;
} rows[SETTING_COUNT] = {
    [SETTING_KRA_CERT_COUNT] = {"CA\\KRACertCount", 0, 0, 64},
    [SETTING_CNG_ENCRYPTION_ALGORITHM] = {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", 0, 0, 1},
    [SETTING_SYMMETRIC_KEY_SIZE] = {"CA\\EncryptionCSP\\SymmetricKeySize", 256, 128, 256},
    [SETTING_XCHG_KEY_SIZE] = {"CA\\EncryptionCSP\\KeySize", 2048, 2048, 4096},
    [SETTING_XCHG_VALIDITY_S] = {"CA\\CAXchgValidityPeriodSeconds", 7 * DAY, VAULT_XCHG_LIFE_MIN,
	VAULT_XCHG_LIFE_MAX},
    [SETTING_XCHG_OVERLAP_S] = {"CA\\CAXchgOverlapPeriodSeconds", DAY, 60, 30 * DAY},
    [SETTING_CRL_PERIOD_S] = {"CA\\CRLPeriodSeconds", 7 * DAY, 60, 366 * DAY},
    [SETTING_CRL_OVERLAP_S] = {"CA\\CRLOverlapSeconds", DAY, 0, 366 * DAY},
    [SETTING_VALIDITY_LIMIT_S] = {"CA\\ValidityPeriodSeconds", INT64_C(5) * 365 * DAY, HOUR,
	INT64_C(30) * 365 * DAY},
    [SETTING_REFUSE_ESCALATION] = {"CA\\RefuseEscalation", 1, 0, 1},
    [SETTING_ALLOW_SHARED_KEYS] = {"CA\\AllowSharedKeys", 0, 0, 1},
    [SETTING_KEEP_REFUSED] = {"CA\\KeepRefusedRequests", 0, 0, 1},
    [SETTING_REQUESTS_PER_HOUR] = {"CA\\MaxRequestsPerHour", 10000, 0, 1000000000},
    [SETTING_KILOBYTES_PER_HOUR] = {"CA\\MaxKilobytesPerHour", 65536, 0, 1000000000},
    [SETTING_REQUIRE_BINDING] = {"CA\\RequireRequestBinding", 0, 0, 1},
};

static const char *const cipher_names[] = {"AES", "3DES"};

const char *
setting_name(enum setting s)
{
	return rows[s].name;
}

bool
setting_find(const char *name, enum setting *out)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (text_eq_nocase(rows[i].name, name)) {
			*out = (enum setting)i;
			return true;
		}
	return false;
}

static bool
parse_cipher_name(const char *value, int64_t *out)
{
	for (int i = 0; i < 2; i++)
		if (text_eq_nocase(cipher_names[i], value)) {
			*out = i;
			return true;
		}
	return false;
}

bool
setting_parse(enum setting s, const char *value, int64_t *out, struct err *err)
{
	const struct row *r = &rows[s];

	if (s == SETTING_CNG_ENCRYPTION_ALGORITHM) {
		if (!parse_cipher_name(value, out))
			return err_set(err, E_INVALIDARG, "%s cannot be '%s': give AES or 3DES",
			    r->name, value);
		return true;
	}
	if (!text_to_int(value, r->min, r->max, out))
		return err_set(err, E_INVALIDARG,
		    "%s cannot be '%s': give a number from %lld to %lld", r->name, value,
		    (long long)r->min, (long long)r->max);
	if (s == SETTING_SYMMETRIC_KEY_SIZE && *out != 128 && *out != 192 && *out != 256)
		return err_set(
		    err, E_INVALIDARG, "%s cannot be '%s': give 128, 192 or 256", r->name, value);
	if (s == SETTING_XCHG_KEY_SIZE && *out % 256 != 0)
		return err_set(
		    err, E_INVALIDARG, "%s cannot be '%s': give a multiple of 256", r->name, value);
	return true;
}

bool
settings_finish(struct settings *s, struct err *err)
{
	static const enum cms_cipher aes[] = {CMS_AES_128_CBC, CMS_AES_192_CBC, CMS_AES_256_CBC};

	if (s->num[SETTING_XCHG_OVERLAP_S] >= s->num[SETTING_XCHG_VALIDITY_S])
		return err_set(err, E_INVALIDARG, "%s must be less than %s",
		    rows[SETTING_XCHG_OVERLAP_S].name, rows[SETTING_XCHG_VALIDITY_S].name);
	/* The vault keeps 64 exchange keys. */
	if ((s->num[SETTING_XCHG_VALIDITY_S] - s->num[SETTING_XCHG_OVERLAP_S]) * 32 <
	    s->num[SETTING_XCHG_VALIDITY_S])
		return err_set(err, E_INVALIDARG, "%s leaves too little of %s: at most 31/32 of it",
		    rows[SETTING_XCHG_OVERLAP_S].name, rows[SETTING_XCHG_VALIDITY_S].name);
	s->cipher = s->num[SETTING_CNG_ENCRYPTION_ALGORITHM] == 1
			? CMS_3DES_CBC
			: aes[s->num[SETTING_SYMMETRIC_KEY_SIZE] / 64 - 2];
	return true;
}

bool
settings_allowed(const struct settings *s, const struct config *config, struct err *err)
{
	int64_t count = s->num[SETTING_KRA_CERT_COUNT];

	if (count != 0 && count < config->kra_minimum)
		return err_set(err, E_ACCESSDENIED,
		    "%s is %lld, but dircad.conf demands at least %d key recovery agents "
		    "(kra_minimum)",
		    rows[SETTING_KRA_CERT_COUNT].name, (long long)count, config->kra_minimum);
	return s->cipher != CMS_3DES_CBC || config->allow_3des ||
	       err_set(err, E_ACCESSDENIED,
		   "%s is 3DES; to allow it, write 'allow_3des = yes' into dircad.conf and start "
		   "dircad again",
		   rows[SETTING_CNG_ENCRYPTION_ALGORITHM].name);
}

void
settings_default(struct settings *out)
{
	struct err ignored;

	*out = (struct settings){0};
	for (int i = 0; i < SETTING_COUNT; i++)
		out->num[i] = rows[i].initial;
	(void)settings_finish(out, &ignored);
}

bool
settings_load(struct store *store, struct settings *out, struct err *err)
{
	OWNED(store_settings_free) struct store_settings stored = {0};
	enum setting s;

	settings_default(out);
	if (!store_list_settings(store, &stored, err))
		return false;
	for (size_t i = 0; i < stored.count; i++)
		if (setting_find(stored.names[i], &s) &&
		    !setting_parse(s, stored.values[i], &out->num[s], err))
			return err_prefix(err, "setting in the CA database");
	return settings_finish(out, err);
}
