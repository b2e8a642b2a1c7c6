/* Settings and their audit records, in one unit of work. */
#include "ca_priv.h"

#include "audit.h"
#include "clock.h"
#include "own.h"
#include "text.h"

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

bool
setting_store(struct ca *ca, struct setting_change *c, struct err *err)
{
	return store_do(ca->store, store_change, c, err);
}
