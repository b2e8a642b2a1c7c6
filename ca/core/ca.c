#include "ca_priv.h"

#include <string.h>

#include "audit.h"
#include "clock.h"
#include "log.h"
#include "own.h"

bool
ca_principal(struct ca *ca, const struct identity *id, struct principal *out, struct err *err)
{
	bool kept = principal_cache_get(ca->state->principals, id, clock_mono_ms(), out);
	enum dir_find found = kept ? DIR_FOUND : ca_find_identity(ca, id, out, err);

	if (found != DIR_FOUND)
		return found == DIR_NOT_FOUND && err_set(err, DIRCA_E_AUTHENTICATION,
						     "'%s' is not in the directory", id->text);
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

struct setting_change {
	const char *actor;
	struct settings was, now;
	bool set[SETTING_COUNT];
	bool to_default; /* the rows go */
};

/* Whom keys are sealed to is decided where the vault can be sure who decides. */
static bool
check_owner(enum setting s, struct err *err)
{
	if (setting_owner(s) != SETTING_OF_ROOT)
		return true;
	if (s == SETTING_KRA_CERT_COUNT)
		return err_set(err, E_ACCESSDENIED,
		    "%s is root's: `dirca kra count` on the CA's machine says how many key "
		    "recovery agents a key is sealed to, `dirca kra enable` and `disable` which",
		    setting_name(s));
	return err_set(err, E_ACCESSDENIED,
	    "%s is set by root alone, on the CA's machine: kra_flags of dircad.conf",
	    setting_name(s));
}

static bool
store_one(struct store_tx *tx, const struct setting_change *c, enum setting s, struct err *err)
{
	OWNED(own_memory) char *old = setting_text(&c->was, s);
	OWNED(own_memory) char *new = setting_text(&c->now, s);
	OWNED(own_memory) char *detail = text_printf("value=%s old=%s", new, old);
	const struct ca_audit a = {.when = clock_now(),
	    .event = s == SETTING_AUDIT_FILTER ? AUDIT_FILTER : AUDIT_CONFIGURATION,
	    .actor = c->actor,
	    .object = setting_name(s),
	    .detail = detail};

	return store_set_setting(tx, setting_name(s), c->to_default ? NULL : new, err) &&
	       ca_audit(tx, &a, err);
}

static bool
store_change(struct store_tx *tx, void *arg, struct err *err)
{
	const struct setting_change *c = arg;

	for (int s = 0; s < SETTING_COUNT; s++)
		if (c->set[s] && !store_one(tx, c, (enum setting)s, err))
			return false;
	return true;
}

/* The settings as they would be after the change must fit together. */
static bool
check_change(
    struct ca *ca, struct setting_change *c, enum setting s, const char *value, struct err *err)
{
	struct settings initial;

	settings_default(&initial);
	if (!settings_load(ca->store, &c->was, err))
		return false;
	c->now = c->was;
	c->set[s] = true;
	if (value == NULL)
		c->now.num[s] = initial.num[s];
	else if (!setting_parse(s, value, &c->now, c->set, err))
		return false;
	for (int each = 0; each < SETTING_COUNT; each++)
		if (c->set[each] && !check_owner((enum setting)each, err))
			return false;
	if (!settings_finish(&c->now, err))
		return false;
	if (s != SETTING_CNG_ENCRYPTION_ALGORITHM)
		return true;
	/* Each by itself: one that root does not allow must not keep the other from being mended.
	 */
	initial.num[s] = c->now.num[s];
	return settings_finish(&initial, err) && settings_allowed(&initial, ca->config, err);
}

bool
ca_set_setting(struct ca *ca, struct vault *v, const char *actor, const char *name,
    const char *value, struct err *err)
{
	struct setting_change change = {.actor = actor, .to_default = value == NULL};
	struct err later;
	enum setting s;
	bool ok;

	if (!setting_find(name, &s, err))
		return false;
	/* Check and change are one step: two administrators at once must not leave what neither may
	 * set. */
	pthread_mutex_lock(&ca->state->maintain_lock);
	ok = check_change(ca, &change, s, value, err) &&
	     store_do(ca->store, store_change, &change, err);
	/* In the order of the commits: the filter that is in force is the one that is stored. */
	if (ok)
		store_set_audit_filter(ca->store, change.now.num[SETTING_AUDIT_FILTER]);
	pthread_mutex_unlock(&ca->state->maintain_lock);
	if (!ok)
		return false;
	/* The change is committed; if the directory is away just now, the next refresh brings it
	 * into force. */
	if (!ca_refresh(ca, v, &later))
		log_warn("setting not in force yet", LOG_STR("setting", setting_name(s)),
		    LOG_REASON(&later));
	return true;
}
