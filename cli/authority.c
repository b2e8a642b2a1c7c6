#include "authority.h"

#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "trustee.h"

/* The object itself, as the session would choose the CA, but never by the Unix socket: that leads
 * to the CA and not to the directory. */
static bool
find_service(struct authority *a, struct err *err)
{
	struct session *s = a->session;
	const struct pki_service *service;

	free(s->socket);
	s->socket = NULL;
	if (!session_service(s, &service, err))
		return false;
	a->service = pki_snapshot_service(s->pki, service->name);
	return a->service != NULL || err_set(err, TYPE_E_AMBIGUOUSNAME,
					 "several objects of the directory claim the name %s; "
					 "remove what is not the CA's",
					 service->name);
}

static bool
read_raw(const struct dir_entry *e, const char *attr, struct view *out, struct err *err)
{
	*out = (struct view){0};
	return dir_entry_bytes(e, attr, out, err) != DIR_GET_FAILED;
}

bool
authority_open(struct session *session, struct authority *out, struct err *err)
{
	*out = (struct authority){.session = session};
	if (!find_service(out, err) ||
	    !read_raw(out->service, "dircaCASecurity", &out->raw_security, err) ||
	    !read_raw(out->service, "dircaOfficerRights", &out->raw_officers, err))
		return false;
	out->has_security = out->raw_security.len > 0;
	if (!out->has_security)
		return ca_rights_initial(&out->security, err);
	return sd_decode(out->raw_security, &out->security, err) ||
	       err_prefix(err, "dircaCASecurity of %s", out->service->dn);
}

void
authority_close(struct authority *a)
{
	sd_free(&a->security);
}

bool
authority_write(
    struct authority *a, const char *attr, struct view old, struct view fresh, struct err *err)
{
	static const char class[] = "dircaAuthority";
	bool has_class = dir_entry_has_value_nocase(a->service, "objectClass", class);

	return a->session->cli->opt.dry_run || dir_swap(a->session->directory, a->service->dn, attr,
						   old, fresh, has_class ? NULL : class, err);
}

bool
authority_trustee(struct authority *a, const char *name, struct sid *out, struct err *err)
{
	switch (trustee_find(a->session->directory, name, out, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(
		    err, CRYPT_E_NOT_FOUND, "the directory has no user or group %s", name);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

json_t *
authority_json_sid(const struct authority *a, const struct sid *sid)
{
	OWNED(own_memory) char *name = trustee_name(a->session->directory, sid);
	char text[SID_TEXT_MAX];
	json_t *out;

	sid_to_text(sid, text);
	out = json_pack("{s:s, s:s}", "name", name, "sid", text);
	return out != NULL ? out : json_pack("{s:s, s:s}", "name", text, "sid", text);
}
