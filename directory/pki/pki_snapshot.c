#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "clock.h"
#include "pki_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

/* All user attributes, or for templates also the security descriptor. */
static bool
read_container(struct dir_conn *c, const char *services_dn, const char *container,
    const char *filter, bool want_sd, struct dir_entries *out, struct err *err)
{
	OWNED(own_memory) char *base = pki_child_dn(container, services_dn);

	return dir_search(c,
	    &(struct dir_query){
		.base = base, .scope = DIR_SUBTREE, .filter = filter, .want_sd = want_sd},
	    out, err);
}

/* Empty containers are one thing, a tree that is missing or may not be read another: then the CA
 * must not go on as if there were no templates and no restrictions. */
static bool
check_tree(struct dir_conn *c, const char *services_dn, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = services_dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	return found.count == 1 ||
	       err_set(err, DIRCA_E_DIRECTORY,
		   "%s does not show %s: load the directory tree, or give this account the right "
		   "to read it",
		   dir_conn_uri(c), services_dn);
}

static bool
load(struct dir_conn *c, struct pki_snapshot *s, struct err *err)
{
	return check_tree(c, s->services_dn, err) &&
	       read_container(c, s->services_dn, "Certificate Templates",
		   "(objectClass=pKICertificateTemplate)", true, &s->templates, err) &&
	       read_container(c, s->services_dn, "Enrollment Services",
		   "(objectClass=pKIEnrollmentService)", false, &s->services, err) &&
	       read_container(c, s->services_dn, "KRA",
		   "(objectClass=msPKI-PrivateKeyRecoveryAgent)", false, &s->kras, err) &&
	       read_container(c, s->services_dn, "NTAuthCertificates",
		   "(|(objectClass=certificationAuthority)(objectClass=pkiCA))", false, &s->nt_auth,
		   err) &&
	       read_container(c, s->services_dn, "Certification Authorities",
		   "(|(objectClass=certificationAuthority)(objectClass=pkiCA))", false, &s->roots,
		   err) &&
	       read_container(c, s->services_dn, "AIA",
		   "(|(objectClass=certificationAuthority)(objectClass=pkiCA))", false,
		   &s->authorities, err) &&
	       read_container(c, s->services_dn, "OID", "(objectClass=msPKI-Enterprise-Oid)", false,
		   &s->oids, err);
}

bool
pki_snapshot_load(struct dir_conn *c, struct pki_snapshot **out, struct err *err)
{
	OWNED(pki_snapshot_free) struct pki_snapshot *s = mem_zero(1, sizeof *s);

	*out = NULL;
	s->loaded_at = clock_now();
	s->services_dn = pki_services_dn(c);
	if (!load(c, s, err))
		return err_prefix(err, "reading the PKI objects of the directory");
	*out = own_give(&s);
	return true;
}

struct pki_snapshot *
pki_snapshot_none(void)
{
	return mem_zero(1, sizeof(struct pki_snapshot));
}

void
pki_snapshot_free(struct pki_snapshot **snapshot)
{
	struct pki_snapshot *s = *snapshot;

	*snapshot = NULL;
	if (s == NULL)
		return;
	dir_entries_free(&s->templates);
	dir_entries_free(&s->services);
	dir_entries_free(&s->kras);
	dir_entries_free(&s->nt_auth);
	dir_entries_free(&s->roots);
	dir_entries_free(&s->authorities);
	dir_entries_free(&s->oids);
	free(s->services_dn);
	free(s);
}

const struct dir_attr *
pki_snapshot_nt_auth(const struct pki_snapshot *s)
{
	return s->nt_auth.count > 0 ? dir_entry_attr(&s->nt_auth.list[0], "cACertificate") : NULL;
}

static const struct dir_entry *
find_called(const struct dir_entries *entries, const char *ca_name)
{
	char *sanitized = pki_sanitize_long(ca_name), *shortened = pki_sanitize(ca_name);
	const struct dir_entry *found = NULL;
	size_t hits = 0;

	for (size_t i = 0; i < entries->count; i++) {
		const struct dir_entry *e = &entries->list[i];

		if (dir_entry_has_value_nocase(e, "cn", ca_name) ||
		    (sanitized != NULL && dir_entry_has_value_nocase(e, "cn", sanitized)) ||
		    (shortened != NULL && dir_entry_has_value_nocase(e, "cn", shortened))) {
			found = e;
			hits++;
		}
	}
	free(sanitized);
	free(shortened);
	/* Two objects that claim the name: none is trusted with the CA's rights. */
	return hits == 1 ? found : NULL;
}

const struct dir_entry *
pki_snapshot_service(const struct pki_snapshot *s, const char *ca_name)
{
	return find_called(&s->services, ca_name);
}

const struct dir_entry *
pki_snapshot_kras_of(const struct pki_snapshot *s, const char *ca_name)
{
	return find_called(&s->kras, ca_name);
}

struct view
pki_snapshot_kra(const struct pki_snapshot *s, struct view sha1)
{
	uint8_t hash[SHA_DIGEST_LENGTH];

	for (size_t i = 0; i < s->kras.count; i++) {
		const struct dir_attr *a = dir_entry_attr(&s->kras.list[i], "userCertificate");

		for (size_t k = 0; a != NULL && k < a->count; k++)
			if (SHA1(a->values[k].ptr, a->values[k].len, hash) != NULL &&
			    view_eq(view_of(hash, sizeof hash), sha1))
				return buf_view(&a->values[k]);
	}
	return (struct view){0};
}
