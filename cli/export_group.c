#include "export_group.h"

#include <openssl/objects.h>

#include "own.h"
#include "texts.h"
#include "trustee.h"

bool
export_group_open(
    struct dir_conn *directory, const char *name, struct export_group *out, struct err *err)
{
	enum dir_find found = trustee_find(directory, name, &out->sid, err);

	out->directory = directory;
	return found == DIR_FOUND ||
	       (found == DIR_NOT_FOUND &&
		   err_set(err, CRYPT_E_NOT_FOUND, "the directory has no group %s", name));
}

/* What was found so far. */
struct members {
	const struct export_group *group;
	size_t known, of_group;
};

static bool
look_up(struct members *m, enum identity_kind kind, const char *name, struct err *err)
{
	const struct identity id = {kind, name};
	OWNED(principal_free) struct principal p = {0};
	enum dir_find found = principal_find_identity(m->group->directory, &id, &p, err);

	if (found == DIR_FOUND) {
		m->known++;
		m->of_group += sids_contain(&p.sids, &m->group->sid);
	}
	return found != DIR_FIND_FAILED;
}

static bool
look_up_all(struct members *m, enum identity_kind kind, const struct texts *names, struct err *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (!look_up(m, kind, names->list[i], err))
			return false;
	return true;
}

static bool
by_mail(
    struct members *m, const struct pkix_cert *cert, const struct texts *emails, struct err *err)
{
	OWNED(own_memory) char *email = pkix_name_value(cert->subject, NID_pkcs9_emailAddress);

	return look_up_all(m, IDENTITY_MAIL, emails, err) &&
	       (email == NULL || look_up(m, IDENTITY_MAIL, email, err));
}

bool
export_group_has(const struct export_group *g, const struct pkix_cert *cert, const char *user,
    bool *has_out, struct err *err)
{
	OWNED(texts_free) struct texts upns = {0};
	OWNED(texts_free) struct texts emails = {0};
	OWNED(own_memory) char *sid = pkix_cert_sid(cert);
	struct members m = {.group = g};
	bool ok;

	pkix_cert_san_names(cert, &upns, &emails);
	ok = (sid == NULL || look_up(&m, IDENTITY_SID, sid, err)) &&
	     look_up_all(&m, IDENTITY_NAME, &upns, err) &&
	     (user == NULL || look_up(&m, IDENTITY_NAME, user, err)) &&
	     (sid != NULL || upns.count > 0 || user != NULL || by_mail(&m, cert, &emails, err));
	*has_out = m.known > 0 && m.of_group == m.known;
	return ok;
}
