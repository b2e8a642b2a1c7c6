#include "settings.h"

#include <string.h>

#include "flag_set.h"
#include "kra_flags.h"
#include "mem.h"
#include "nearest.h"
#include "own.h"
#include "text.h"
#include "vault.h"

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)
#define YEAR (365 * DAY)

struct word {
	const char *text;
	int64_t value;
};

static const struct word ciphers[] = {{"AES", 0}, {"3DES", 1}, {NULL, 0}};
/* ALG_ID of wincrypt.h; in `ciphers` and bits below. */
static const struct word alg_ids[] = {{"CALG_3DES", 0x6603}, {"CALG_AES_128", 0x660e},
    {"CALG_AES_192", 0x660f}, {"CALG_AES_256", 0x6610}, {NULL, 0}};
static const struct word hash_ids[] = {{"CALG_SHA1", 0x8004}, {"CALG_SHA_256", 0x800c},
    {"CALG_SHA_384", 0x800d}, {"CALG_SHA_512", 0x800e}, {NULL, 0}};
static const struct word providers[] = {
    {"OpenSSL", PROVIDER_SOFTWARE}, {"PKCS#11", PROVIDER_TOKEN}, {NULL, 0}};
/* RSA, or bits of a curve. */
static const struct word key_algorithms[] = {
    {"RSA", 0}, {"ECDH_P256", 256}, {"ECDH_P384", 384}, {"ECDH_P521", 521}, {NULL, 0}};
static const struct word units[] = {{"Seconds", 1}, {"Minutes", 60}, {"Hours", HOUR}, {"Days", DAY},
    {"Weeks", WEEK}, {"Months", 30 * DAY}, {"Years", YEAR}, {NULL, 0}};

#define UNITS_MAX 1000000000
/* Each is a CRL of its own, made with the others. */
#define CRL_PARTITIONS_MAX 1000
#define CRL_DELTA_MIN_S    60

/* [MS-CSRA] 3.1.4.2.11 */
static const struct flag_name audit_filter[] = {
#define AUDIT_FILTER_NAME(name, value) {"AUDIT_FILTER_" #name, (value), false},
    AUDIT_FILTERS(AUDIT_FILTER_NAME)
#undef AUDIT_FILTER_NAME
	{NULL, 0, false}};

/* docs/FACTS.md 16; `known_only` until something here does it. */
static const struct flag_name crl_flags[] = {
    {"CRLF_REVCHECK_IGNORE_OFFLINE", CRLF_REVCHECK_IGNORE_OFFLINE, false},
    {"CRLF_PUBLISH_EXPIRED_CERT_CRLS", 0x200, true},
    {"CRLF_USE_XCHG_CERT_TEMPLATE", CRLF_USE_XCHG_CERT_TEMPLATE, false}, {NULL, 0, false}};

/* 0x3, which has the request say what becomes of it, is for nobody here. */
static const struct flag_name request_dispositions[] = {{"REQDISP_ISSUE", REQDISP_ISSUE, false},
    {"REQDISP_DENY", REQDISP_DENY, false}, {"REQDISP_PENDINGFIRST", REQDISP_PENDINGFIRST, false},
    {NULL, 0, false}};

static const struct flag_name revoke_first[] = {{"KeyCompromise", REVOKE_FIRST_COMPROMISED, false},
    {"Lost", REVOKE_FIRST_LOST, false}, {NULL, 0, false}};
static const struct word tell_owner[] = {{"Never", TELL_OWNER_NEVER},
    {"AtFetch", TELL_OWNER_AT_FETCH}, {"AtOpening", TELL_OWNER_AT_OPENING}, {NULL, 0}};

/* One row a setting, in the order of enum setting: numbers within a range, or words. Names are
 * those of the AD CS registry where it has the setting (docs/FACTS.md 5). */
static const struct row {
	const char *name;
	int64_t initial, min, max;
	const struct word *words; /* NULL: a number */
} rows[SETTING_COUNT] = {
    [SETTING_KRA_CERT_COUNT] = {"CA\\KRACertCount", 0, 0, KRA_COUNT_MAX, NULL},
    [SETTING_CNG_ENCRYPTION_ALGORITHM] = {"CA\\EncryptionCSP\\CNGEncryptionAlgorithm", 0, 0, 0,
	ciphers},
    [SETTING_SYMMETRIC_KEY_SIZE] = {"CA\\EncryptionCSP\\SymmetricKeySize", 256, 128, 256, NULL},
    [SETTING_ENCRYPTION_ALGORITHM] = {"CA\\EncryptionCSP\\EncryptionAlgorithm", 0x6610, 0, 0,
	alg_ids},
    [SETTING_XCHG_ALGORITHM] = {"CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", 0, 0, 0,
	key_algorithms},
    [SETTING_XCHG_KEY_SIZE] = {"CA\\EncryptionCSP\\KeySize", 2048, 2048, 4096, NULL},
    [SETTING_XCHG_PROVIDER] = {"CA\\EncryptionCSP\\Provider", PROVIDER_SOFTWARE, 0, 0, providers},
    [SETTING_XCHG_PROVIDER_TYPE] = {"CA\\EncryptionCSP\\ProviderType", 1, 0, 1, NULL},
    [SETTING_XCHG_HASH] = {"CA\\EncryptionCSP\\HashAlgorithm", 0x800c, 0, 0, hash_ids},
    [SETTING_XCHG_VALIDITY] = {"CA\\CAXchgValidityPeriod", WEEK, 0, 0, units},
    [SETTING_XCHG_VALIDITY_UNITS] = {"CA\\CAXchgValidityPeriodUnits", 1, 1, UNITS_MAX, NULL},
    [SETTING_XCHG_OVERLAP] = {"CA\\CAXchgOverlapPeriod", DAY, 0, 0, units},
    [SETTING_XCHG_OVERLAP_UNITS] = {"CA\\CAXchgOverlapPeriodUnits", 1, 1, UNITS_MAX, NULL},
    [SETTING_CRL_PERIOD] = {"CA\\CRLPeriod", WEEK, 0, 0, units},
    [SETTING_CRL_PERIOD_UNITS] = {"CA\\CRLPeriodUnits", 1, 1, UNITS_MAX, NULL},
    [SETTING_CRL_OVERLAP] = {"CA\\CRLOverlapPeriod", DAY, 0, 0, units},
    [SETTING_CRL_OVERLAP_UNITS] = {"CA\\CRLOverlapUnits", 1, 0, UNITS_MAX, NULL},
    [SETTING_CRL_DELTA_PERIOD] = {"CA\\CRLDeltaPeriod", DAY, 0, 0, units},
    [SETTING_CRL_DELTA_PERIOD_UNITS] = {"CA\\CRLDeltaPeriodUnits", 0, 0, UNITS_MAX, NULL},
    [SETTING_CRL_DELTA_OVERLAP] = {"CA\\CRLDeltaOverlapPeriod", HOUR, 0, 0, units},
    [SETTING_CRL_DELTA_OVERLAP_UNITS] = {"CA\\CRLDeltaOverlapUnits", 0, 0, UNITS_MAX, NULL},
    [SETTING_CRL_PARTITIONS] = {"CA\\CRLMaxPartitions", 0, 0, CRL_PARTITIONS_MAX, NULL},
    [SETTING_FRESHEST_IN_CERT] = {"CA\\FreshestCRLInCertificates", 0, 0, 1, NULL},
    [SETTING_OCSP] = {"CA\\OCSPResponder", 1, 0, 1, NULL},
    [SETTING_OCSP_VALIDITY] = {"CA\\OCSPValidityPeriod", HOUR, 0, 0, units},
    [SETTING_OCSP_VALIDITY_UNITS] = {"CA\\OCSPValidityPeriodUnits", 12, 1, UNITS_MAX, NULL},
    [SETTING_OCSP_IN_CERT] = {"CA\\OCSPInCertificates", 0, 0, 1, NULL},
    [SETTING_VALIDITY] = {"CA\\ValidityPeriod", YEAR, 0, 0, units},
    [SETTING_VALIDITY_UNITS] = {"CA\\ValidityPeriodUnits", 5, 1, UNITS_MAX, NULL},
    [SETTING_REFUSE_ESCALATION] = {"CA\\RefuseEscalation", 1, 0, 1, NULL},
    [SETTING_ALLOW_SHARED_KEYS] = {"CA\\AllowSharedKeys", 0, 0, 1, NULL},
    [SETTING_KEEP_REFUSED] = {"CA\\KeepRefusedRequests", 0, 0, 1, NULL},
    [SETTING_REQUESTS_PER_HOUR] = {"CA\\MaxRequestsPerHour", 10000, 0, 1000000000, NULL},
    [SETTING_KILOBYTES_PER_HOUR] = {"CA\\MaxKilobytesPerHour", 65536, 0, 1000000000, NULL},
    [SETTING_REQUIRE_BINDING] = {"CA\\RequireRequestBinding", 0, 0, 1, NULL},
    [SETTING_LOG_LEVEL] = {"CA\\LogLevel", EVENT_LEVEL_WARNING, 0, 5, NULL},
    [SETTING_EVENTS_KEPT] = {"CA\\EventsKept", 100000, 1000, 10000000, NULL},
    [SETTING_CHECKPOINT_MINUTES] = {"CA\\AuditCheckpointMinutes", 60, 0, 1440, NULL},
    [SETTING_AUDIT_FILTER] = {"CA\\AuditFilter", AUDIT_FILTER_ALL, 0, 0, NULL},
    [SETTING_CRL_FLAGS] = {"CA\\CRLFlags", 0, 0, 0, NULL},
    [SETTING_KRA_FLAGS] = {"CA\\KRAFlags", 0, 0, 0, NULL},
    [SETTING_REQUEST_DISPOSITION] = {"Policy\\RequestDisposition",
	REQDISP_PENDINGFIRST | REQDISP_ISSUE, 0, 0, NULL},
    [SETTING_RECOVERY_CASE] = {"CA\\Recovery\\RequireCase", 0, 0, 1, NULL},
    [SETTING_RECOVERY_APPROVER] = {"CA\\Recovery\\SecondApprover", 0, 0, 0, NULL},
    [SETTING_RECOVERY_APPROVE_HOURS] = {"CA\\Recovery\\ApproveHours", 72, 1, 8760, NULL},
    [SETTING_RECOVERY_FETCH_HOURS] = {"CA\\Recovery\\FetchHours", 24, 1, 720, NULL},
    [SETTING_RECOVERY_REVOKE_FIRST] = {"CA\\Recovery\\RevokeFirst",
	REVOKE_FIRST_COMPROMISED | REVOKE_FIRST_LOST, 0, 0, NULL},
    [SETTING_RECOVERY_TELL_OWNER] = {"CA\\Recovery\\TellOwner", TELL_OWNER_AT_FETCH, 0, 0,
	tell_owner},
    [SETTING_RECOVERY_BATCHES] = {"CA\\Recovery\\ApproveBatches", 0, 0, 1, NULL},
    [SETTING_RECOVERY_DRILL_DAYS] = {"CA\\Recovery\\DrillDays", 0, 0, 3650, NULL},
};

/* Those that are flags, and those that not every administrator sets. */
static const struct {
	const struct flag_name *flags;
	enum setting_owner owner;
} kinds[SETTING_COUNT] = {
    [SETTING_KRA_CERT_COUNT] = {NULL, SETTING_OF_ROOT},
    [SETTING_XCHG_PROVIDER] = {NULL, SETTING_OF_FACT},
    [SETTING_XCHG_PROVIDER_TYPE] = {NULL, SETTING_OF_FACT},
    [SETTING_XCHG_HASH] = {NULL, SETTING_OF_FACT},
    [SETTING_CHECKPOINT_MINUTES] = {NULL, SETTING_OF_AUDITOR},
    [SETTING_AUDIT_FILTER] = {audit_filter, SETTING_OF_AUDITOR},
    [SETTING_CRL_FLAGS] = {crl_flags, SETTING_OF_ADMIN},
    [SETTING_KRA_FLAGS] = {kra_flag_names, SETTING_OF_ROOT},
    [SETTING_REQUEST_DISPOSITION] = {request_dispositions, SETTING_OF_ADMIN},
    [SETTING_RECOVERY_REVOKE_FIRST] = {revoke_first, SETTING_OF_ADMIN},
};

/* The pair of each, the unit first, and what is allowed in all. */
static const struct {
	enum setting unit;
	int64_t min_s, max_s;
	const char *range;
} periods[PERIOD_COUNT] = {
    [PERIOD_XCHG_VALIDITY] = {SETTING_XCHG_VALIDITY, VAULT_XCHG_LIFE_MIN, VAULT_XCHG_LIFE_MAX,
	"an hour to 31 days"},
    [PERIOD_XCHG_OVERLAP] = {SETTING_XCHG_OVERLAP, 60, 30 * DAY, "a minute to 30 days"},
    [PERIOD_CRL] = {SETTING_CRL_PERIOD, 60, 366 * DAY, "a minute to 366 days"},
    [PERIOD_CRL_OVERLAP] = {SETTING_CRL_OVERLAP, 0, 366 * DAY, "0 to 366 days"},
    [PERIOD_CRL_DELTA] = {SETTING_CRL_DELTA_PERIOD, 0, 366 * DAY, "0 to 366 days"},
    [PERIOD_CRL_DELTA_OVERLAP] = {SETTING_CRL_DELTA_OVERLAP, 0, 366 * DAY, "0 to 366 days"},
    /* Less than the half of the responder's certificate: VAULT_OCSP_LIFE_S. */
    [PERIOD_OCSP_VALIDITY] = {SETTING_OCSP_VALIDITY, 60, 36 * HOUR, "a minute to 36 hours"},
    [PERIOD_VALIDITY] = {SETTING_VALIDITY, HOUR, 30 * YEAR, "an hour to 30 years"},
};

/* ---- names ---- */

const char *
setting_name(enum setting s)
{
	return rows[s].name;
}

enum setting_owner
setting_owner(enum setting s)
{
	return kinds[s].owner;
}

/* What stands behind the last backslash. */
static const char *
leaf(const char *name)
{
	const char *last = strrchr(name, '\\');

	return last != NULL ? last + 1 : name;
}

static bool
not_found(const char *name, struct err *err)
{
	OWNED(own_memory) char *like = mem_text("");
	struct nearest near = {.typed = leaf(name)};

	for (int i = 0; i < SETTING_COUNT; i++)
		nearest_offer(&near, leaf(rows[i].name));
	for (size_t i = 0; i < near.count; i++)
		for (int k = 0; k < SETTING_COUNT; k++)
			if (near.names[i] == leaf(rows[k].name))
				text_list_add(&like, ", ", rows[k].name);
	return err_set(err, E_INVALIDARG, "there is no setting '%s'%s%s", name,
	    *like != '\0' ? "; there is " : "; `dirca getreg` lists them", like);
}

/* Without what stands before the last backslash a name means the only setting that ends so. */
bool
setting_find(const char *name, enum setting *out, struct err *err)
{
	int found = 0;

	for (int i = 0; i < SETTING_COUNT; i++) {
		bool whole = text_eq_nocase(rows[i].name, name);

		if (!whole && !text_eq_nocase(leaf(rows[i].name), name))
			continue;
		*out = (enum setting)i;
		if (whole)
			return true;
		found++;
	}
	return found == 1 || not_found(name, err);
}

/* ---- values ---- */

static bool
parse_word(const struct word *words, const char *text, int64_t *out)
{
	for (; words->text != NULL; words++)
		if (text_eq_nocase(words->text, text)) {
			*out = words->value;
			return true;
		}
	return false;
}

/* Decimal, or as the registry shows it: 0x with hexadecimal digits. */
static bool
parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (strncasecmp(text, "0x", 2) != 0)
		return text_to_int(text, min, max, out);
	text += 2;
	if (*text == '\0' || strlen(text) > 8)
		return false;
	for (; *text != '\0'; text++) {
		if (text_hex_digit(*text) < 0)
			return false;
		n = n * 16 + text_hex_digit(*text);
	}
	*out = n;
	return n >= min && n <= max;
}

/* As the registry has it too: by number. */
static bool
parse_alg_id(const struct word *ids, const char *text, int64_t *out)
{
	int64_t n;

	if (parse_word(ids, text, out))
		return true;
	if (!parse_number(text, 0, UINT32_MAX, &n))
		return false;
	for (const struct word *w = ids; w->text != NULL; w++)
		if (w->value == n) {
			*out = n;
			return true;
		}
	return false;
}

static bool
bad_word(const struct row *r, const char *text, struct err *err)
{
	OWNED(own_memory) char *list = mem_text("");

	for (const struct word *w = r->words; w->text != NULL; w++)
		text_list_add(&list, ", ", w->text);
	return err_set(err, E_INVALIDARG, "%s cannot be '%s': give one of %s%s", r->name, text,
	    list, r->words == units ? ", or a number with it" : "");
}

/* One of another platform's. */
static bool
no_provider(const char *text, struct err *err)
{
	return err_set(err, NTE_KEYSET_NOT_DEF,
	    "%s: there is no provider '%s' here. OpenSSL keeps exchange keys in the vault's "
	    "folder, PKCS#11 is the token whose key root names: exchange_key_uri of dircad.conf",
	    rows[SETTING_XCHG_PROVIDER].name, text);
}

static bool
number_allowed(enum setting s, const char *text, int64_t n, struct err *err)
{
	if (s == SETTING_SYMMETRIC_KEY_SIZE && n != 128 && n != 192 && n != 256)
		return err_set(err, E_INVALIDARG, "%s cannot be '%s': give 128, 192 or 256",
		    rows[s].name, text);
	return s != SETTING_XCHG_KEY_SIZE || n % 256 == 0 ||
	       err_set(err, E_INVALIDARG, "%s cannot be '%s': give a multiple of 256", rows[s].name,
		   text);
}

static bool
flags_allowed(enum setting s, const char *text, int64_t value, struct err *err)
{
	return s != SETTING_REQUEST_DISPOSITION ||
	       (value & (REQDISP_ISSUE | REQDISP_DENY)) != (REQDISP_ISSUE | REQDISP_DENY) ||
	       err_set(err, E_INVALIDARG, "%s cannot be '%s': a request is issued or denied",
		   rows[s].name, text);
}

static bool
parse_one(enum setting s, const char *text, int64_t *out, struct err *err)
{
	const struct row *r = &rows[s];

	if (kinds[s].flags != NULL)
		return flags_parse(kinds[s].flags, r->name, text, *out, out, err) &&
		       flags_allowed(s, text, *out, err);
	if (s == SETTING_ENCRYPTION_ALGORITHM || s == SETTING_XCHG_HASH)
		return parse_alg_id(r->words, text, out) || bad_word(r, text, err);
	if (s == SETTING_XCHG_PROVIDER)
		return parse_word(r->words, text, out) || no_provider(text, err);
	if (r->words != NULL)
		return parse_word(r->words, text, out) || bad_word(r, text, err);
	if (!parse_number(text, r->min, r->max, out))
		return err_set(err, E_INVALIDARG,
		    "%s cannot be '%s': give a number from %lld to %lld", r->name, text,
		    (long long)r->min, (long long)r->max);
	return number_allowed(s, text, *out, err);
}

/* One ALG_ID stands for both of the others, which are what is stored. */
static void
spread_alg_id(int64_t alg_id, struct settings *in, bool set[SETTING_COUNT])
{
	in->num[SETTING_CNG_ENCRYPTION_ALGORITHM] = alg_id == 0x6603 ? 1 : 0;
	set[SETTING_CNG_ENCRYPTION_ALGORITHM] = true;
	if (alg_id == 0x6603)
		return;
	in->num[SETTING_SYMMETRIC_KEY_SIZE] = 128 + 64 * (alg_id - 0x660e);
	set[SETTING_SYMMETRIC_KEY_SIZE] = true;
}

/* Names with commas between them, as they are stored: trimmed, none twice, no blank one. */
static bool
parse_templates(enum setting s, const char *text, char out[SETTING_TEXT_MAX], struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(text);
	OWNED(own_memory) char *list = mem_text("");
	char *rest = copy, *word;

	if (text_eq_nocase(text, "None") || text_eq_nocase(text, "All")) {
		strcpy(out, text_eq_nocase(text, "All") ? "*" : "");
		return true;
	}
	while ((word = strsep(&rest, ",")) != NULL) {
		word += strspn(word, " ");
		for (size_t len = strlen(word); len > 0 && word[len - 1] == ' ';)
			word[--len] = '\0';
		if (*word == '\0' || strcmp(word, "*") == 0)
			return err_set(err, E_INVALIDARG,
			    "%s cannot be '%s': give None, All, or names of templates with commas "
			    "between them",
			    rows[s].name, text);
		text_list_add(&list, ",", word);
	}
	if (strlen(list) >= SETTING_TEXT_MAX)
		return err_set(err, E_INVALIDARG, "%s has %zu bytes and may have %d", rows[s].name,
		    strlen(list), SETTING_TEXT_MAX - 1);
	strcpy(out, list);
	return true;
}

bool
settings_need_approver(const struct settings *in, const char *template)
{
	OWNED(own_memory) char *copy = mem_text(in->second_approver);
	char *rest = copy, *word;

	if (*copy == '\0' || template == NULL || strcmp(copy, "*") == 0)
		return *copy != '\0';
	while ((word = strsep(&rest, ",")) != NULL)
		if (text_eq_nocase(word, template))
			return true;
	return false;
}

void
setting_reset(enum setting s, struct settings *in, bool set[SETTING_COUNT])
{
	in->num[s] = rows[s].initial;
	if (s == SETTING_RECOVERY_APPROVER)
		in->second_approver[0] = '\0';
	if (s == SETTING_ENCRYPTION_ALGORITHM)
		spread_alg_id(rows[s].initial, in, set);
	else
		set[s] = true;
}

bool
setting_parse(
    enum setting s, const char *text, struct settings *in, bool set[SETTING_COUNT], struct err *err)
{
	size_t digits = rows[s].words == units ? strspn(text, "0123456789") : 0;
	OWNED(own_memory) char *number = NULL;

	if (digits > 0 && text[digits] == ' ') {
		number = mem_text_n(text, digits);
		if (!parse_one(s + 1, number, &in->num[s + 1], err))
			return false;
		set[s + 1] = true;
		text += digits + strspn(text + digits, " ");
	}
	if (s == SETTING_RECOVERY_APPROVER) {
		set[s] = true;
		return parse_templates(s, text, in->second_approver, err);
	}
	if (s != SETTING_ENCRYPTION_ALGORITHM) {
		set[s] = true;
		return parse_one(s, text, &in->num[s], err);
	}
	if (!parse_one(s, text, &in->num[s], err))
		return false;
	spread_alg_id(in->num[s], in, set);
	return true;
}

/* What the two say. */
static int64_t
alg_id_of(const struct settings *in)
{
	return in->num[SETTING_CNG_ENCRYPTION_ALGORITHM] == 1
		   ? 0x6603
		   : 0x660e + (in->num[SETTING_SYMMETRIC_KEY_SIZE] - 128) / 64;
}

char *
setting_text(const struct settings *in, enum setting s)
{
	int64_t value = s == SETTING_ENCRYPTION_ALGORITHM ? alg_id_of(in) : in->num[s];

	if (s == SETTING_RECOVERY_APPROVER)
		return mem_text(*in->second_approver == '\0'            ? "None"
				: strcmp(in->second_approver, "*") == 0 ? "All"
									: in->second_approver);
	if (kinds[s].flags != NULL)
		return flags_text(kinds[s].flags, in->num[s]);
	for (const struct word *w = rows[s].words; w != NULL && w->text != NULL; w++)
		if (w->value == value)
			return mem_text(w->text);
	return text_printf("%lld", (long long)value);
}

void
setting_set_period(struct settings *in, enum period p, int64_t seconds, bool set[SETTING_COUNT])
{
	static const int64_t fits[] = {WEEK, DAY, HOUR, 60, 1};
	enum setting unit = periods[p].unit;
	size_t i = 0;

	while (seconds % fits[i] != 0)
		i++;
	in->num[unit] = fits[i];
	in->num[unit + 1] = seconds / fits[i];
	set[unit] = set[unit + 1] = true;
}

/* ---- all of them ---- */

static bool
find_seconds(struct settings *s, struct err *err)
{
	for (int p = 0; p < PERIOD_COUNT; p++) {
		enum setting unit = periods[p].unit;
		OWNED(own_memory) char *word = setting_text(s, unit);

		s->seconds[p] = s->num[unit] * s->num[unit + 1];
		if (s->seconds[p] < periods[p].min_s || s->seconds[p] > periods[p].max_s)
			return err_set(err, E_INVALIDARG, "%s cannot be %lld %s: give %s",
			    rows[unit].name, (long long)s->num[unit + 1], word, periods[p].range);
	}
	return true;
}

bool
settings_finish(struct settings *s, struct err *err)
{
	static const enum cms_cipher aes[] = {CMS_AES_128_CBC, CMS_AES_192_CBC, CMS_AES_256_CBC};
	int64_t validity, overlap;

	if (!find_seconds(s, err))
		return false;
	validity = s->seconds[PERIOD_XCHG_VALIDITY];
	overlap = s->seconds[PERIOD_XCHG_OVERLAP];
	if (overlap >= validity)
		return err_set(err, E_INVALIDARG, "%s must be less than %s",
		    rows[SETTING_XCHG_OVERLAP].name, rows[SETTING_XCHG_VALIDITY].name);
	/* The vault keeps 64 exchange keys. */
	if ((validity - overlap) * 32 < validity)
		return err_set(err, E_INVALIDARG, "%s leaves too little of %s: at most 31/32 of it",
		    rows[SETTING_XCHG_OVERLAP].name, rows[SETTING_XCHG_VALIDITY].name);
	if (s->seconds[PERIOD_CRL_DELTA] != 0 &&
	    (s->seconds[PERIOD_CRL_DELTA] < CRL_DELTA_MIN_S ||
		s->seconds[PERIOD_CRL_DELTA] >= s->seconds[PERIOD_CRL]))
		return err_set(err, E_INVALIDARG,
		    "%s must be 0 (no delta CRLs), or a minute at least and less than %s",
		    rows[SETTING_CRL_DELTA_PERIOD].name, rows[SETTING_CRL_PERIOD].name);
	s->cipher = s->num[SETTING_CNG_ENCRYPTION_ALGORITHM] == 1
			? CMS_3DES_CBC
			: aes[s->num[SETTING_SYMMETRIC_KEY_SIZE] / 64 - 2];
	s->xchg_bits = (int)s->num[SETTING_XCHG_ALGORITHM];
	if (s->xchg_bits == 0)
		s->xchg_bits = (int)s->num[SETTING_XCHG_KEY_SIZE];
	return true;
}

struct archive_floor
archive_floor_of_root(const struct config *config)
{
	return (struct archive_floor){.allow_3des = config->allow_3des,
	    .aes_bits = config->archive_key_bits,
	    .reader = config->archive_floor};
}

bool
settings_allowed(const struct settings *s, const struct config *config, struct err *err)
{
	const struct archive_floor floor = archive_floor_of_root(config);
	int64_t count = s->num[SETTING_KRA_CERT_COUNT];

	if (count != 0 && count < config->kra_minimum)
		return err_set(err, E_ACCESSDENIED,
		    "%s is %lld, but dircad.conf demands at least %d key recovery agents "
		    "(kra_minimum)",
		    rows[SETTING_KRA_CERT_COUNT].name, (long long)count, config->kra_minimum);
	return archive_floor_allows(&floor, s->cipher, err);
}

void
settings_of_root(const struct config *config, struct settings *in)
{
	in->num[SETTING_KRA_FLAGS] = config->kra_flags;
	if (!config->standalone)
		in->num[SETTING_REQUEST_DISPOSITION] = REQDISP_ISSUE;
}

bool
settings_issue_at_once(const struct settings *s)
{
	return s->num[SETTING_REQUEST_DISPOSITION] == REQDISP_ISSUE;
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
	bool set[SETTING_COUNT];
	struct err unknown;
	enum setting s;

	settings_default(out);
	if (!store_list_settings(store, &stored, err))
		return false;
	for (size_t i = 0; i < stored.count; i++)
		if (setting_find(stored.names[i], &s, &unknown) &&
		    !setting_parse(s, stored.values[i], out, set, err))
			return err_prefix(err, "setting in the CA database");
	return settings_finish(out, err);
}
