/*
 * Whether the CA itself stands: nothing is issued without a current CRL of the CA and of each CA
 * above it (paper, "User Enrollment Errors"). Looked at with each view; a request compares times.
 */
#include "ca_priv.h"

#include <string.h>

#include "crl_check.h"
#include "crl_lists.h"
#include "event.h"
#include "mem.h"
#include "own.h"

static bool
check_above(struct ca *ca, const struct ca_view *v, size_t at, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0}, issuer = {0};
	OWNED(own_memory) char *name = NULL;

	if (!pkix_cert_decode(buf_view(&ca->chain[at]), &cert, err))
		return false;
	if (view_eq(cert.issuer, cert.subject))
		return true; /* nobody revokes what signed itself */
	name = pkix_name_text(cert.subject);
	if (at + 1 == ca->chain_count)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "the certificate of the CA above %s is not known; `dirca ca install FILE "
		    "--chain FILE` adds it",
		    name);
	return (pkix_cert_decode(buf_view(&ca->chain[at + 1]), &issuer, err) &&
		   ca_check_link(ca, v, &cert, &issuer, err)) ||
	       err_prefix(err, "the CA certificate of %s", name);
}

/* False: nothing is known now. */
static bool
read_above(struct ca *ca, struct ca_view *v, struct err *err)
{
	for (size_t i = 0; i < ca->chain_count; i++) {
		if (check_above(ca, v, i, err))
			continue;
		if (err->code != CRYPT_E_REVOKED && err_is_undecided(err->code))
			return false;
		v->chain_code =
		    err->code == CRYPT_E_REVOKED ? CRYPT_E_REVOKED : CRYPT_E_REVOCATION_OFFLINE;
		v->chain_problem = mem_text(err->msg);
		break;
	}
	return true;
}

bool
view_read_chain(struct ca *ca, struct ca_view *v, struct err *err)
{
	const struct store_crl_id own = crl_of_newest_key(ca);
	struct store_crl crl;

	if (!store_newest_crl_dates(ca->store, &own, &crl, err))
		return false;
	v->crl_until = crl.next_update;
	/* Before the directory was read nothing is decided on the view. */
	return !v->places_known || read_above(ca, v, err);
}

bool
ca_check_chain(const struct ca_view *v, int64_t now, struct err *err)
{
	if (v->chain_problem != NULL)
		err_set(err, v->chain_code, "%s", v->chain_problem);
	else if (now > v->crl_until)
		err_set(err, CRYPT_E_REVOCATION_OFFLINE,
		    "the CA has no CRL of its own that is current");
	else
		return true;
	return err->code == CRYPT_E_REVOCATION_OFFLINE &&
	       (v->settings.num[SETTING_CRL_FLAGS] & CRLF_REVCHECK_IGNORE_OFFLINE) != 0;
}

/* At a start the CA's own CRL is made after the first view that is read: it is told of when the
 * next has none either. */
void
chain_events(struct ca *ca, const struct ca_view *last, const struct ca_view *v)
{
	char **told = &ca->state->told_stopped;
	struct err why, before;

	if (ca_check_chain(v, v->made_at, &why)) {
		free(*told);
		*told = NULL;
		return;
	}
	if ((v->chain_problem == NULL && (last == NULL || !last->places_known ||
					     ca_check_chain(last, last->made_at, &before))) ||
	    (*told != NULL && strcmp(*told, why.msg) == 0))
		return;
	free(*told);
	*told = mem_text(why.msg);
	OWNED(own_memory) char *error = event_error(&why);

	ca_event(ca, EVENT_ISSUING_STOPPED, error);
}
