#include "kra_authorities.h"

#include <stdlib.h>
#include <string.h>

#include "ca_issuers.h"
#include "daemon_directory.h"
#include "mem.h"
#include "own.h"
#include "trust.h"

void
kra_authorities_free(struct kra_authorities *a)
{
	for (size_t i = 0; i < a->count; i++) {
		pkix_cert_free(&a->list[i].cert);
		texts_free(&a->list[i].places);
	}
	free(a->list);
	*a = (struct kra_authorities){0};
}

/* NULL: it is not the certificate of a CA. */
static struct kra_authority *
find_or_add(struct kra_authorities *a, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct kra_authority *fresh;
	struct err ignored;

	for (size_t i = 0; i < a->count; i++)
		if (view_eq(buf_view(&a->list[i].cert.raw), der))
			return &a->list[i];
	if (!pkix_cert_decode(der, &cert, &ignored) || !pkix_cert_is_ca(&cert))
		return NULL;
	a->list = mem_grow(a->list, a->count, sizeof *a->list);
	fresh = &a->list[a->count++];
	*fresh = (struct kra_authority){.cert = cert};
	cert = (struct pkix_cert){0};
	return fresh;
}

static void
take_container(struct kra_authorities *a, const struct dir_entries *entries, const char *place)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct dir_attr *values = dir_entry_attr(&entries->list[i], "cACertificate");

		for (size_t k = 0; values != NULL && k < values->count; k++) {
			struct kra_authority *one = find_or_add(a, buf_view(&values->values[k]));

			if (one != NULL && !texts_has(&one->places, place))
				texts_add(&one->places, place);
		}
	}
}

static bool
take_directory(struct work *w, struct kra_authorities *a, struct err *err)
{
	OWNED(daemon_directory_close) struct daemon_directory d = {0};
	OWNED(pki_snapshot_free) struct pki_snapshot *pki = NULL;

	if (!daemon_directory_open(w, &d, err) || !pki_snapshot_load(d.conn, &pki, err))
		return false;
	take_container(a, &pki->authorities, "CN=AIA");
	take_container(a, &pki->roots, "CN=Certification Authorities");
	take_container(a, &pki->nt_auth, "CN=NTAuthCertificates");
	return true;
}

/* What root's file holds is shown, whatever it is. */
static bool
take_file(const struct config *config, struct kra_authorities *a, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs taken = {0};

	if (!trust_kra_issuers_read(config->state_dir, &taken, err))
		return false;
	for (size_t i = 0; i < taken.count; i++) {
		struct kra_authority *one = find_or_add(a, buf_view(&taken.list[i].raw));

		if (one != NULL)
			one->is_taken = true;
	}
	return true;
}

static bool
mark_own(const struct config *config, struct kra_authorities *a, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers own = {0};

	if (!ca_issuers_read(path, &own, err))
		return false;
	for (size_t i = 0; i < own.count; i++)
		for (size_t k = 0; k < a->count; k++)
			if (view_eq(
				buf_view(&own.list[i].cert.raw), buf_view(&a->list[k].cert.raw)))
				a->list[k].is_own = true;
	return true;
}

bool
kra_authorities_read(struct work *w, struct kra_authorities *out, struct err *err)
{
	*out = (struct kra_authorities){0};
	if (take_directory(w, out, err) && take_file(w->config, out, err) &&
	    mark_own(w->config, out, err))
		return true;
	kra_authorities_free(out);
	return false;
}
