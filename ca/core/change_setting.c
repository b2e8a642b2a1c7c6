/* A change of a setting: checked against the others, recorded and stored in one step, and in force.
 */
#include "ca_priv.h"

#include <string.h>

#include "audit.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* Whom keys are sealed to is decided where the vault can be sure who decides. */
static bool
check_owner(const struct ca *ca, enum setting s, struct err *err)
{
	if (s == SETTING_REQUEST_DISPOSITION && !ca->config->standalone)
		return err_set(err, E_INVALIDARG,
		    "%s is for a stand-alone CA: where there is a directory, each template says "
		    "whether its requests wait (CT_FLAG_PEND_ALL_REQUESTS)",
		    setting_name(s));
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

/* A fact, given as another. */
static bool
refuse_fact(enum setting s, const struct settings *was, const struct settings *now, struct err *err)
{
	OWNED(own_memory) char *is = setting_text(was, s);
	OWNED(own_memory) char *wanted = setting_text(now, s);

	if (s == SETTING_XCHG_PROVIDER)
		return err_set(err, NTE_KEYSET_NOT_DEF,
		    "%s is %s, and %s is not what keeps exchange keys here: root says so by "
		    "exchange_key_uri of dircad.conf, on the CA's machine",
		    setting_name(s), is, wanted);
	if (s == SETTING_XCHG_PROVIDER_TYPE)
		return err_set(err, NTE_KEYSET_NOT_DEF,
		    "%s is %s: there are no providers of CryptoAPI here; numbers of their "
		    "algorithms are taken as %s all the same",
		    setting_name(s), is, setting_name(SETTING_ENCRYPTION_ALGORITHM));
	return err_set(err, NTE_BAD_ALGID,
	    "%s is %s, which follows the CA key: `dirca ca renew --new-key` on the CA's machine "
	    "makes another; it cannot be %s",
	    setting_name(s), is, wanted);
}

/* What is given as what it is changes nothing. */
static bool
check_facts(struct setting_change *c, struct err *err)
{
	for (int s = 0; s < SETTING_COUNT; s++) {
		if (!c->set[s] || setting_owner((enum setting)s) != SETTING_OF_FACT)
			continue;
		if (c->now.num[s] != c->was.num[s])
			return refuse_fact((enum setting)s, &c->was, &c->now, err);
		c->set[s] = false;
	}
	return true;
}

/* A name that is none would protect nothing. */
static bool
check_templates(struct ca *ca, const char *list, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(own_memory) char *copy = mem_text(strcmp(list, "*") == 0 ? "" : list);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ",")) != NULL)
		if (*word != '\0' && ca_view_template(view, word) == NULL)
			return err_set(err, E_INVALIDARG, "%s: there is no template '%s'",
			    setting_name(SETTING_RECOVERY_APPROVER), word);
	return true;
}

/* The settings as they would be after the change must fit together. */
static bool
check_change(struct ca *ca, struct vault *v, struct setting_change *c, enum setting s,
    const char *value, struct err *err)
{
	struct settings initial;

	settings_default(&initial);
	if (!settings_load(ca->store, &c->was, err) ||
	    (setting_owner(s) == SETTING_OF_FACT && !ca_provider_settings(ca, v, &c->was, err)))
		return false;
	c->now = c->was;
	if (value == NULL)
		setting_reset(s, &c->now, c->set);
	else if (!setting_parse(s, value, &c->now, c->set, err))
		return false;
	for (int each = 0; each < SETTING_COUNT; each++)
		if (c->set[each] && !check_owner(ca, (enum setting)each, err))
			return false;
	if (!check_facts(c, err) || !settings_finish(&c->now, err) ||
	    (c->set[SETTING_RECOVERY_APPROVER] &&
		!check_templates(ca, c->now.second_approver, err)))
		return false;
	if (!c->set[SETTING_CNG_ENCRYPTION_ALGORITHM] && !c->set[SETTING_SYMMETRIC_KEY_SIZE])
		return true;
	/* Each by itself: one that root does not allow must not keep the other from being mended.
	 */
	for (int each = 0; each < SETTING_COUNT; each++)
		if (c->set[each])
			initial.num[each] = c->now.num[each];
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
	ok = check_change(ca, v, &change, s, value, err) && setting_store(ca, &change, err);
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
	/* A key of the new kind now; where that fails, the housekeeper goes on. */
	else if ((s == SETTING_XCHG_ALGORITHM || s == SETTING_XCHG_KEY_SIZE) &&
		 !ca_renew_exchange(ca, v, clock_now(), &later))
		log_warn("exchange certificate not made yet", LOG_REASON(&later));
	return true;
}
