/*
 * What a stand-alone CA has in place of a directory: the accounts of its machine, the rights that
 * root gives them in dircad.conf, and the holders of its own certificates. It has no templates.
 */
#include "ca_priv.h"

#include <string.h>

#include "ca_holder.h"
#include "local_accounts.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static bool
open_nothing(struct ca *ca, struct err *err)
{
	(void)ca, (void)err;
	return true;
}

/* The first label of the machine's name; free(). */
static char *
host_label(const struct config *config)
{
	return text_printf("%.*s", (int)strcspn(config->host, "."), config->host);
}

/* ---- rights ---- */

/* Who is not there has no right, and keeps nobody else from his. */
static bool
find_people(struct ca_view *v, const char *option, char *const *names, size_t count,
    struct sids *out, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct sid who;

		switch (local_trustee_find(names[i], &who, err)) {
		case DIR_FOUND:
			sids_put(out, &who);
			break;
		case DIR_NOT_FOUND:
			free(v->security_problem);
			v->security_problem = text_printf(
			    "%s of dircad.conf names '%s', whom this machine does not know", option,
			    names[i]);
			break;
		case DIR_FIND_FAILED:
			return err_prefix(err, "%s of dircad.conf", option);
		}
	}
	return true;
}

static bool
read_roles(const struct config *c, struct ca_view *v, struct ca_roles *roles, struct err *err)
{
	return find_people(v, "ca_administrators", c->administrators, c->administrator_count,
		   &roles->admins, err) &&
	       find_people(v, "certificate_managers", c->managers, c->manager_count,
		   &roles->officers, err) &&
	       find_people(v, "auditors", c->auditors, c->auditor_count, &roles->auditors, err);
}

static bool
read_local(struct ca *ca, struct ca_view *v, struct err *err)
{
	OWNED(ca_roles_free) struct ca_roles roles = {0};

	v->pki = pki_snapshot_none();
	v->places_known = true;
	v->has_security = true;
	v->officer_rules.unrestricted = true;
	if (!read_roles(ca->config, v, &roles, err) ||
	    !ca_rights_of_roles(&roles, &v->security, err) ||
	    !sd_encode(&v->security, &v->own_rights, err))
		return false;
	v->raw_rights[0] = buf_view(&v->own_rights);
	return true;
}

/* ---- people ---- */

/* Whose SID it is, or, where there is none, whose name. NULL: nobody's. */
static const char *
token_of(const struct ca_wanted *w)
{
	if (w->token != NULL)
		return w->token;
	if (w->account != NULL)
		return w->account;
	if (w->record != NULL)
		return w->record->sid;
	return w->identity->kind == IDENTITY_NAME || w->identity->kind == IDENTITY_SID
		   ? w->identity->text
		   : NULL;
}

static enum dir_find
find_local(struct ca *ca, const struct ca_wanted *w, struct principal *out, struct err *err)
{
	OWNED(own_memory) char *host = host_label(ca->config);
	const char *token = token_of(w);
	struct sid sid;

	if (token == NULL)
		return DIR_NOT_FOUND;
	if (sid_from_text(token, &sid) && ca_holder_is(&sid))
		return ca_holder_find(ca, &sid, out, err);
	return local_account_find(host, token, out, err);
}

const struct ca_source ca_source_local = {"dircad.conf", open_nothing, read_local, find_local};
