#include "pki_priv.h"
#include "own.h"

/* Objects that are gone already are as good as removed. */
static bool
delete_object(struct dir_conn *c, const char *dn, struct err *err)
{
	return dir_delete(c, dn, err) || err->code == ERROR_FILE_NOT_FOUND;
}

/* Takes one value out of an attribute that its class demands: with the last value the object goes.
 */
static bool
remove_value(struct dir_conn *c, const struct dir_entry *e, const char *attr, struct view value,
    bool *held_out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	*held_out = dir_attr_has(a, value);
	if (!*held_out)
		return true;
	return a->count == 1 ? delete_object(c, e->dn, err)
			     : dir_delete_value(c, e->dn, attr, value, err);
}

static bool
withdraw_authority(struct dir_conn *c, const char *cn, const char *parent, struct view certificate,
    struct err *err)
{
	OWNED(own_memory) char *dn = pki_place_dn(c, cn, parent);
	OWNED(dir_entries_free) struct dir_entries found = {0};
	bool held;

	return pki_read_values(c, dn, "cACertificate", &found, err) &&
	       (found.count == 0 ||
		   remove_value(c, &found.list[0], "cACertificate", certificate, &held, err));
}

static bool
withdraw_service(struct dir_conn *c, const char *cn, struct err *err)
{
	OWNED(own_memory) char *dn = pki_place_dn(c, cn, "Enrollment Services");

	return delete_object(c, dn, err);
}

static bool
search_points(struct dir_conn *c, const char *host_dn, const char *filter, struct dir_entries *out,
    struct err *err)
{
	return dir_search(c,
	    &(struct dir_query){.base = host_dn,
		.scope = DIR_SUBTREE,
		.filter = filter,
		.attrs = (const char *const[]){"cn", NULL}},
	    out, err);
}

/* The distribution points of the key, and their host's container if no other CA of the host is in
 * it. */
static bool
withdraw_crls(
    struct dir_conn *c, const char *ca_name, uint32_t key_index, const char *host, struct err *err)
{
	OWNED(own_memory) char *computer = pki_short_host(host);
	OWNED(own_memory) char *host_dn = pki_place_dn(c, computer, "CDP");
	OWNED(dir_entries_free) struct dir_entries points = {0}, left = {0};

	if (!search_points(c, host_dn, "(objectClass=cRLDistributionPoint)", &points, err))
		return false;
	for (size_t i = 0; i < points.count; i++) {
		OWNED(own_memory) char *cn = NULL;
		struct err ignored;

		if (dir_entry_text(&points.list[i], "cn", &cn, &ignored) == DIR_GET_OK &&
		    pki_crl_cn_is_of(cn, ca_name, key_index) &&
		    !delete_object(c, points.list[i].dn, err))
			return false;
	}
	return search_points(c, host_dn, "(objectClass=*)", &left, err) &&
	       (left.count != 1 || delete_object(c, host_dn, err));
}

bool
pki_unpublish_ca(struct dir_conn *c, const char *ca_name, uint32_t key_index, const char *host,
    struct view certificate, bool all, struct err *err)
{
	OWNED(own_memory) char *cn = pki_sanitize(ca_name);

	if (cn == NULL || *cn == '\0')
		return err_set(err, E_INVALIDARG, "the name of the CA is empty or not UTF-8");
	return (withdraw_service(c, cn, err) &&
		   withdraw_authority(c, "NTAuthCertificates", NULL, certificate, err) &&
		   (!all ||
		       (withdraw_authority(c, cn, "Certification Authorities", certificate, err) &&
			   withdraw_authority(c, cn, "AIA", certificate, err) &&
			   withdraw_crls(c, ca_name, key_index, host, err)))) ||
	       err_prefix(err, "removing the CA from the directory");
}

bool
pki_unpublish_kra(struct dir_conn *c, struct view certificate, size_t *removed_out, struct err *err)
{
	OWNED(own_memory) char *container = pki_place_dn(c, "KRA", NULL);
	OWNED(dir_entries_free) struct dir_entries kras = {0};

	*removed_out = 0;
	if (!dir_search(c,
		&(struct dir_query){.base = container,
		    .scope = DIR_SUBTREE,
		    .filter = "(objectClass=msPKI-PrivateKeyRecoveryAgent)",
		    .attrs = (const char *const[]){"userCertificate", NULL}},
		&kras, err))
		return false;
	for (size_t i = 0; i < kras.count; i++) {
		bool held;

		if (!remove_value(c, &kras.list[i], "userCertificate", certificate, &held, err))
			return err_prefix(err, "removing the key recovery agent certificate");
		*removed_out += held ? 1 : 0;
	}
	return true;
}
