#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "own.h"

#define TEMPLATE "CAExchange"

/* As whom the CA reads the directory: AD CS asks for the right of its machine. */
struct own_account {
	struct principal principal;
	char *authzid;
	bool found;
};

static void
own_account_free(struct own_account *a)
{
	principal_free(&a->principal);
	free(a->authzid);
}

static bool
find_own(struct dir_conn *c, void *arg, struct err *err)
{
	struct own_account *a = arg;
	struct identity id;
	enum dir_find found = DIR_NOT_FOUND;

	if (!dir_authzid(c, &a->authzid, err))
		return false;
	id = (struct identity){IDENTITY_DN, a->authzid + 3};
	if (strncasecmp(a->authzid, "u:", 2) == 0)
		id = (struct identity){IDENTITY_NAME, a->authzid + 2};
	if (strchr(a->authzid, ':') != NULL)
		found = principal_find_identity(c, &id, &a->principal, err);
	a->found = found == DIR_FOUND;
	return found != DIR_FIND_FAILED;
}

const struct tmpl *
xchg_template(const struct ca_view *v)
{
	return ca_view_template(v, TEMPLATE);
}

bool
xchg_template_check(struct ca *ca, const struct ca_view *v, struct err *err)
{
	const struct tmpl *t = xchg_template(v);
	OWNED(own_account_free) struct own_account own = {0};

	if ((v->settings.num[SETTING_CRL_FLAGS] & CRLF_USE_XCHG_CERT_TEMPLATE) == 0)
		return true;
	if (t == NULL)
		return err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
		    "CRLF_USE_XCHG_CERT_TEMPLATE is set, and there is no template " TEMPLATE
		    " in the directory, or it cannot be read");
	if (!ca_directory_do(ca, find_own, &own, err))
		return false;
	if (!own.found)
		return err_set(err, CERTSRV_E_TEMPLATE_DENIED,
		    "CRLF_USE_XCHG_CERT_TEMPLATE is set, and the CA, which is '%s' to the "
		    "directory, has no account there that could have the right to enroll by "
		    "template " TEMPLATE,
		    own.authzid);
	return tmpl_check_enroll(t, &own.principal.sids, own.principal.downlevel, err) ||
	       err_prefix(err, "CRLF_USE_XCHG_CERT_TEMPLATE is set");
}

/* Only what was read now says what is. */
bool
xchg_template_adopt(struct ca *ca, const struct ca_view *v, bool *changed, struct err *err)
{
	const struct tmpl *t = xchg_template(v);
	struct setting_change change = {.actor = OWN_ACTOR};
	struct err why;

	*changed = false;
	if (t == NULL || !ca_view_is_fresh(v, clock_boot_ms()))
		return true;
	if (!settings_load(ca->store, &change.was, err))
		return false;
	change.now = change.was;
	if (t->validity != change.was.seconds[PERIOD_XCHG_VALIDITY])
		setting_set_period(&change.now, PERIOD_XCHG_VALIDITY, t->validity, change.set);
	if (t->overlap != change.was.seconds[PERIOD_XCHG_OVERLAP])
		setting_set_period(&change.now, PERIOD_XCHG_OVERLAP, t->overlap, change.set);
	*changed = change.set[SETTING_XCHG_VALIDITY] || change.set[SETTING_XCHG_OVERLAP];
	if (!*changed)
		return true;
	if (!settings_finish(&change.now, &why)) {
		*changed = false;
		log_warn("template " TEMPLATE " not followed", LOG_REASON(&why));
		return true;
	}
	return setting_store(ca, &change, err);
}
