#include "own_request.h"

#include <openssl/objects.h>

#include "idn.h"
#include "match.h"
#include "own.h"
#include "person.h"
#include "text.h"

static bool
refuse(const struct principal *officer, const char *why, struct err *err)
{
	return err_set(err, DIRCA_E_OWN_REQUEST,
	    "%s may not decide about this: %s. Another certificate manager has to "
	    "(allow_own_requests of dircad.conf)",
	    officer->downlevel, why);
}

/* Of what a directory takes for one name none is a way round: neither another normal form, wide
 * letters, nor A-labels of a host. */
static bool
may_be(const char *a, const char *b)
{
	OWNED(own_memory) char *other = a != NULL ? idn_other(a) : NULL;

	return a != NULL && b != NULL && (match_eq(a, b) || (other != NULL && match_eq(other, b)));
}

static bool
may_be_any(const struct texts *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (may_be(names->list[i], name))
			return true;
	return false;
}

/* Former SIDs count: the officer's SIDs hold them. That groups are among them too does no harm,
 * since no group makes requests. */
bool
own_is_recorded_as(const struct principal *officer, const char *sid_text, const char *name)
{
	struct sid sid;

	if (sid_text != NULL && officer->has_sid)
		return sid_from_text(sid_text, &sid) &&
		       (sid_eq(&sid, &officer->sid) || sids_contain(&officer->sids, &sid));
	return name != NULL && text_eq_nocase(name, officer->downlevel);
}

/* The same, in doubt yes. */
static bool
may_be_recorded_as(const struct principal *officer, const char *sid_text, const char *name)
{
	return own_is_recorded_as(officer, sid_text, name) ||
	       ((sid_text == NULL || !officer->has_sid) && may_be(name, officer->downlevel));
}

/* Is what it calls its unknown owner one of the officer's names? */
static bool
calls_officer(const struct principal *officer, const struct store_request *row)
{
	const char *name =
	    row->requester_sid == NULL ? person_unknown_name(row->requester_name) : NULL;

	return name != NULL &&
	       (principal_is_named(officer, name) || may_be(name, officer->upn) ||
		   may_be(name, officer->downlevel) || may_be_any(&officer->accounts, name) ||
		   may_be_any(&officer->mails, name) || may_be(name, officer->cn));
}

bool
own_check_row(const struct ca *ca, const struct principal *officer, const struct store_request *row,
    struct err *err)
{
	if (ca->config->allow_own_requests)
		return true;
	if (may_be_recorded_as(officer, row->requester_sid, row->requester_name))
		return refuse(officer, "it was requested for this account", err);
	if ((row->request_flags & CR_FLG_ENROLLONBEHALFOF) != 0 &&
	    may_be_recorded_as(officer, row->caller_sid, row->caller_name))
		return refuse(
		    officer, "it was requested by this account on behalf of another", err);
	if (calls_officer(officer, row))
		return refuse(
		    officer, "the imported key is of somebody called as this account", err);
	if (may_be(row->upn, officer->upn))
		return refuse(officer, "the certificate holds the UPN of this account", err);
	return true;
}

bool
own_check_person(const struct ca *ca, const struct principal *officer,
    const struct principal *person, struct err *err)
{
	bool same = officer->has_sid && person->has_sid ? sid_eq(&officer->sid, &person->sid)
							: may_be(officer->dn, person->dn);

	return ca->config->allow_own_requests || !same ||
	       refuse(officer, "it was requested by or for this account", err);
}

static bool
names_officer(const struct principal *officer, const struct texts *upns, const struct texts *emails,
    const char *sid_text)
{
	struct sid sid;
	bool own = sid_text != NULL && officer->has_sid && sid_from_text(sid_text, &sid) &&
		   sid_eq(&sid, &officer->sid);

	for (size_t i = 0; !own && i < upns->count; i++)
		own = may_be(upns->list[i], officer->upn);
	for (size_t i = 0; !own && i < emails->count; i++)
		own = may_be_any(&officer->mails, emails->list[i]);
	return own;
}

static bool
subject_is_officer(const struct principal *officer, struct view subject)
{
	OWNED(own_memory) char *cn = NULL;
	OWNED(own_memory) char *email = NULL;

	if (subject.len == 0)
		return false;
	cn = pkix_name_value(subject, NID_commonName);
	email = pkix_name_value(subject, NID_pkcs9_emailAddress);
	return may_be(cn, officer->cn) || (email != NULL && may_be_any(&officer->mails, email));
}

bool
own_check_names(const struct ca *ca, const struct principal *officer, const struct own_names *names,
    struct err *err)
{
	OWNED(texts_free) struct texts upns = {0};
	OWNED(texts_free) struct texts emails = {0};
	OWNED(own_memory) char *sid = NULL;

	if (ca->config->allow_own_requests)
		return true;
	pkix_san_names(names->san, &upns, &emails);
	sid = pkix_sid_text(names->sid);
	if (names_officer(officer, &upns, &emails, sid) ||
	    subject_is_officer(officer, names->subject))
		return refuse(officer, "the certificate would hold the name of this account", err);
	return true;
}
