#include <stdlib.h>

#include "pki_priv.h"

/* Objects that are gone already are as good as removed. */
static bool
delete_object(struct dir_conn *c, const char *dn, struct err *err)
{
	return dir_delete(c, dn, err) || err->code == ERROR_FILE_NOT_FOUND;
}

static bool
read_values(
    struct dir_conn *c, const char *dn, const char *attr, struct dir_entries *out, struct err *err)
{
	return dir_search(c,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){attr, NULL}},
	    out, err);
}

/* Takes one value out of an attribute that its class demands: with the last value the object goes.
 */
static bool
remove_value(struct dir_conn *c, const struct dir_entry *e, const char *attr, struct view value,
    bool *held_out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	*held_out = false;
	for (size_t i = 0; a != NULL && i < a->count; i++)
		*held_out = *held_out || view_eq(buf_view(&a->values[i]), value);
	if (!*held_out)
		return true;
	return a->count == 1 ? delete_object(c, e->dn, err)
			     : dir_delete_value(c, e->dn, attr, value, err);
}

/* CN=<cn>,CN=<parent>,CN=Public Key Services...; without parent right below. */
static char *
place_dn(const struct dir_conn *c, const char *cn, const char *parent)
{
	char *services = pki_services_dn(c),
	     *base = parent != NULL ? pki_child_dn(parent, services) : NULL;
	char *dn = pki_child_dn(cn, parent != NULL ? base : services);

	free(services);
	free(base);
	return dn;
}

static bool
withdraw_authority(struct dir_conn *c, const char *cn, const char *parent, struct view certificate,
    struct err *err)
{
	char *dn = place_dn(c, cn, parent);
	struct dir_entries found = {0};
	bool held, ok = false;

	if (dn == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = read_values(c, dn, "cACertificate", &found, err) &&
	     (found.count == 0 ||
		 remove_value(c, &found.list[0], "cACertificate", certificate, &held, err));
out:
	dir_entries_free(&found);
	free(dn);
	return ok;
}

static bool
withdraw_service(struct dir_conn *c, const char *cn, struct err *err)
{
	char *dn = place_dn(c, cn, "Enrollment Services");
	bool ok = dn != NULL ? delete_object(c, dn, err) : err_nomem(err);

	free(dn);
	return ok;
}

/* The distribution point, and its host's container if no other CA of the host is in it. */
static bool
withdraw_crl(struct dir_conn *c, const char *cn, const char *host, struct err *err)
{
	char *computer = pki_short_host(host), *host_dn = place_dn(c, computer, "CDP"),
	     *dn = pki_child_dn(cn, host_dn);
	struct dir_entries left = {0};
	bool ok = false;

	if (dn == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!delete_object(c, dn, err) ||
	    !dir_search(c,
		&(struct dir_query){.base = host_dn,
		    .scope = DIR_SUBTREE,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&left, err))
		goto out;
	ok = left.count != 1 || delete_object(c, host_dn, err);
out:
	dir_entries_free(&left);
	free(computer);
	free(host_dn);
	free(dn);
	return ok;
}

bool
pki_unpublish_ca(struct dir_conn *c, const char *ca_name, const char *host, struct view certificate,
    bool all, struct err *err)
{
	char *cn = pki_sanitize(ca_name);
	bool ok = false;

	if (cn == NULL || *cn == '\0') {
		err_set(err, E_INVALIDARG, "the name of the CA is empty or not UTF-8");
		goto out;
	}
	ok = withdraw_service(c, cn, err) &&
	     withdraw_authority(c, "NTAuthCertificates", NULL, certificate, err) &&
	     (!all || (withdraw_authority(c, cn, "Certification Authorities", certificate, err) &&
			  withdraw_authority(c, cn, "AIA", certificate, err) &&
			  withdraw_crl(c, cn, host, err)));
	if (!ok)
		err_prefix(err, "removing the CA from the directory");
out:
	free(cn);
	return ok;
}

bool
pki_unpublish_kra(struct dir_conn *c, struct view certificate, size_t *removed_out, struct err *err)
{
	char *container = place_dn(c, "KRA", NULL);
	struct dir_entries kras = {0};
	bool held, ok = false;

	*removed_out = 0;
	if (container == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!dir_search(c,
		&(struct dir_query){.base = container,
		    .scope = DIR_SUBTREE,
		    .filter = "(objectClass=msPKI-PrivateKeyRecoveryAgent)",
		    .attrs = (const char *const[]){"userCertificate", NULL}},
		&kras, err))
		goto out;
	ok = true;
	for (size_t i = 0; ok && i < kras.count; i++) {
		ok = remove_value(c, &kras.list[i], "userCertificate", certificate, &held, err);
		*removed_out += ok && held ? 1 : 0;
	}
	if (!ok)
		err_prefix(err, "removing the key recovery agent certificate");
out:
	dir_entries_free(&kras);
	free(container);
	return ok;
}
