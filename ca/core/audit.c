#include "audit.h"

#include <stdlib.h>
#include <string.h>

static bool
copy_text(const char *from, char **out)
{
	return from == NULL || (*out = strdup(from)) != NULL;
}

bool
ca_audit(struct store_tx *tx, const struct ca_audit *a, struct err *err)
{
	struct audit_record r = {
	    .when = a->when,
	    .event = a->event,
	    .success = a->status == ERR_OK,
	    .status = (int32_t)a->status,
	    .request_id = a->request_id,
	};
	bool ok = copy_text(a->actor, &r.actor) && copy_text(a->object, &r.object) &&
			  copy_text(a->detail, &r.detail)
		      ? store_audit(tx, &r, err)
		      : err_nomem(err);

	free(r.actor);
	free(r.object);
	free(r.detail);
	return ok;
}

static bool
work(struct store_tx *tx, void *arg, struct err *err)
{
	return ca_audit(tx, arg, err);
}

bool
ca_audit_alone(struct store *store, const struct ca_audit *a, struct err *err)
{
	struct ca_audit copy = *a;

	return store_do(store, work, &copy, err);
}
