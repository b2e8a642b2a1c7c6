#include "import_priv.h"

#include <openssl/objects.h>

#include "idn.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* What one name leads to, beside what others led to. */
static bool
take(struct import_owner *out, enum dir_find found, struct principal *p, const char *by,
    const char *name, struct err *err)
{
	bool same;

	if (found != DIR_FOUND)
		return found == DIR_NOT_FOUND;
	if (out->by == NULL) {
		out->principal = *p;
		*p = (struct principal){0};
		out->by = by;
		return true;
	}
	same = out->principal.has_sid && p->has_sid ? sid_eq(&out->principal.sid, &p->sid)
						    : text_eq_nocase(out->principal.dn, p->dn);
	return same || err_set(err, TYPE_E_AMBIGUOUSNAME,
			   "Ambiguous name. The certificate is of %s by its %s, and '%s' is %s",
			   out->principal.downlevel, out->by, name, p->downlevel);
}

static bool
look_up(struct ca *ca, enum identity_kind kind, const char *name, const char *by,
    const struct pkix_cert *cert, struct import_owner *out, struct err *err)
{
	const struct identity id = {kind, name};
	OWNED(principal_free) struct principal p = {0};
	enum dir_find found = ca_find_identity(ca, &id, &p, err);

	/* A SID is never given again. */
	if (found == DIR_FOUND && kind != IDENTITY_SID && p.created != INT64_MAX &&
	    p.created > cert->not_after)
		return true;
	return take(out, found, &p, by, name, err) || err_prefix(err, "the owner of the key");
}

static bool
by_upns(struct ca *ca, const struct texts *upns, const struct pkix_cert *cert,
    struct import_owner *out, struct err *err)
{
	for (size_t i = 0; i < upns->count; i++)
		if (!look_up(ca, IDENTITY_NAME, upns->list[i], "UPN", cert, out, err))
			return false;
	return true;
}

/* The directory may have the host as people write it, the certificate has its A-labels. */
static bool
by_mailbox(struct ca *ca, const char *mail, const struct pkix_cert *cert, struct import_owner *out,
    struct err *err)
{
	OWNED(own_memory) char *other = idn_other(mail);

	return look_up(ca, IDENTITY_MAIL, mail, "mail", cert, out, err) &&
	       (other == NULL || look_up(ca, IDENTITY_MAIL, other, "mail", cert, out, err));
}

/* Of the SAN, and of the subject, where older certificates have it. */
static bool
by_mail(struct ca *ca, const struct texts *emails, const struct pkix_cert *cert,
    struct import_owner *out, struct err *err)
{
	OWNED(own_memory) char *email = pkix_name_value(cert->subject, NID_pkcs9_emailAddress);

	for (size_t i = 0; i < emails->count; i++)
		if (!by_mailbox(ca, emails->list[i], cert, out, err))
			return false;
	return email == NULL || by_mailbox(ca, email, cert, out, err);
}

bool
import_find_owner(struct ca *ca, const struct pkix_cert *cert, const char *user,
    struct import_owner *out, struct err *err)
{
	OWNED(texts_free) struct texts upns = {0};
	OWNED(texts_free) struct texts emails = {0};
	OWNED(own_memory) char *sid = pkix_cert_sid(cert);

	*out = (struct import_owner){0};
	pkix_cert_san_names(cert, &upns, &emails);
	if ((sid != NULL && !look_up(ca, IDENTITY_SID, sid, "SID", cert, out, err)) ||
	    !by_upns(ca, &upns, cert, out, err) ||
	    (user != NULL && !look_up(ca, IDENTITY_NAME, user, "user", cert, out, err)))
		return false;
	return sid != NULL || upns.count > 0 || user != NULL ||
	       by_mail(ca, &emails, cert, out, err);
}
