#include "authority.h"

#include <stdlib.h>
#include <string.h>

#include "trustee.h"

/* The object itself, as the session would choose the CA, but never by the Unix socket: that leads
 * to the CA and not to the directory. */
static bool
find_service(struct authority *a, struct err *err)
{
	const struct pki_service *service;

	free(a->session.socket);
	a->session.socket = NULL;
	if (!session_service(&a->session, &service, err))
		return false;
	a->service = pki_snapshot_service(a->session.pki, service->name);
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
authority_open(struct cli *cli, struct authority *out, struct err *err)
{
	*out = (struct authority){0};
	if (!session_open(cli, &out->session, err) || !find_service(out, err) ||
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
	session_close(&a->session);
}

bool
authority_write(
    struct authority *a, const char *attr, struct view old, struct view fresh, struct err *err)
{
	static const char class[] = "dircaAuthority";
	bool has_class = dir_entry_has_value_nocase(a->service, "objectClass", class);

	return a->session.cli->opt.dry_run || dir_swap(a->session.directory, a->service->dn, attr,
						  old, fresh, has_class ? NULL : class, err);
}

bool
authority_trustee(struct authority *a, const char *name, struct sid *out, struct err *err)
{
	switch (trustee_find(a->session.directory, name, out, err)) {
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

bool
authority_json_sid(struct authority *a, const struct sid *sid, json_t **out, struct err *err)
{
	char text[SID_TEXT_MAX], *name = trustee_name(a->session.directory, sid);

	*out = NULL;
	if (name != NULL) {
		sid_to_text(sid, text);
		*out = json_pack("{s:s, s:s}", "name", name, "sid", text);
	}
	free(name);
	return *out != NULL || err_nomem(err);
}
