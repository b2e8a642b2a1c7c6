#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/x509.h>

#include "officer.h"
#include "pki_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

#define KRA_GRACE_SECONDS ((int64_t)24 * 60 * 60)

/* certificationAuthority demands two CRLs that nobody reads there. Active Directory takes any bytes
 * and customarily holds one zero byte; OpenLDAP checks the syntax, so there it is a CRL of nobody
 * that lists nothing: version 1, sha256WithRSAEncryption, no issuer, 1970-01-01, no signature. */
static const uint8_t no_crl_ad[] = {0x00};
static const uint8_t no_crl[] = {0x30, 0x34, 0x30, 0x20, /* tbs */
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05,
    0x00,                                                                        /* algorithm */
    0x30, 0x00,                                                                  /* issuer */
    0x17, 0x0d, '7', '0', '0', '1', '0', '1', '0', '0', '0', '0', '0', '0', 'Z', /* thisUpdate */
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05,
    0x00,              /* algorithm */
    0x03, 0x01, 0x00}; /* signature */

static bool
add_text(struct dir_entry *e, const char *attr, const char *value, struct err *err)
{
	return value == NULL || *value == '\0' || dir_entry_add(e, attr, view_str(value), err);
}

/* Adds an entry; one that is there already is as good. */
static bool
ensure(struct dir_conn *c, const struct dir_entry *e, bool *was_there_out, struct err *err)
{
	*was_there_out = false;
	if (dir_add(c, e, err))
		return true;
	*was_there_out = err->code == ERROR_FILE_EXISTS;
	return *was_there_out;
}

/* CN=<cn>,CN=<parent>,CN=Public Key Services... with an entry begun for it. */
static bool
begin_entry(const struct dir_conn *c, const char *cn, const char *parent, struct dir_entry *e,
    struct err *err)
{
	OWNED(own_memory) char *dn = pki_place_dn(c, cn, parent);

	if (dn == NULL)
		return err_set(err, E_INVALIDARG, "'%s' is not UTF-8", cn);
	e->dn = own_give(&dn);
	return add_text(e, "cn", cn, err);
}

/* ---- Certificates of a CA: AIA, NTAuthCertificates, Certification Authorities ---- */

static bool
authority_entry(
    const struct dir_conn *c, struct view certificate, struct dir_entry *e, struct err *err)
{
	struct view crl = dir_conn_root(c)->is_ad ? view_of(no_crl_ad, sizeof no_crl_ad)
						  : view_of(no_crl, sizeof no_crl);

	/* OpenLDAP's certificationAuthority is auxiliary and needs a structural class beside it
	 * (docs/FACTS.md 10). */
	return (dir_conn_root(c)->is_ad || add_text(e, "objectClass", "container", err)) &&
	       add_text(e, "objectClass", "certificationAuthority", err) &&
	       dir_entry_add(e, "cACertificate", certificate, err) &&
	       dir_entry_add(e, "certificateRevocationList", crl, err) &&
	       dir_entry_add(e, "authorityRevocationList", crl, err);
}

static bool
publish_authority(struct dir_conn *c, const char *cn, const char *parent, struct view certificate,
    struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	bool was_there;

	return (begin_entry(c, cn, parent, &e, err) && authority_entry(c, certificate, &e, err) &&
		   ensure(c, &e, &was_there, err) &&
		   (!was_there || dir_add_value(c, e.dn, "cACertificate", certificate, err))) ||
	       err_prefix(err, "publishing the CA certificate");
}

/* ---- Enrollment service ---- */

#define SERVICE_KEY   "dircaServiceKeyHash"
#define RIGHTS        "dircaCASecurity"
#define OFFICER_RULES "dircaOfficerRights"

/* A new CA restricts no certificate manager, and says so. */
static bool
add_unrestricted(struct dir_entry *e, struct err *err)
{
	const struct officer_rules none = {.unrestricted = true};
	OWNED(buf_free) struct buf sd = {0};

	return officer_rules_encode(&none, &sd, err) &&
	       dir_entry_add(e, OFFICER_RULES, buf_view(&sd), err);
}

static bool
service_entry(const struct pki_publication *p, struct dir_entry *e, struct err *err)
{
	if (!add_text(e, "objectClass", "pKIEnrollmentService", err) ||
	    !add_text(e, "displayName", p->ca_name, err) ||
	    !add_text(e, "dNSHostName", p->host, err) ||
	    !add_text(e, PKI_SERVICE_URL, p->url, err) ||
	    !add_text(e, "cACertificateDN", p->subject_dn, err) ||
	    !dir_entry_add(e, "cACertificate", p->certificate, err))
		return false;
	for (size_t i = 0; p->templates != NULL && p->templates[i] != NULL; i++)
		if (!add_text(e, "certificateTemplates", p->templates[i], err))
			return false;
	if ((p->url != NULL || p->ca_security.len > 0 || p->service_key.len > 0) &&
	    !add_text(e, "objectClass", PKI_AUTHORITY_CLASS, err))
		return false;
	if (p->service_key.len > 0 && !dir_entry_add(e, SERVICE_KEY, p->service_key, err))
		return false;
	return p->ca_security.len == 0 ||
	       (dir_entry_add(e, RIGHTS, p->ca_security, err) && add_unrestricted(e, err));
}

static bool
set_text(struct dir_conn *c, const char *dn, const char *attr, const char *value, struct err *err)
{
	struct view v;

	if (value == NULL || *value == '\0')
		return true;
	v = view_str(value);
	return dir_replace(c, dn, attr, &v, 1, err);
}

/* The class is the attribute's. On Active Directory it is an auxiliary class of the single object.
 */
static bool
set_service_key(
    struct dir_conn *c, const char *dn, const struct pki_publication *p, struct err *err)
{
	return p->service_key.len == 0 ||
	       (dir_add_value(c, dn, "objectClass", view_str(PKI_AUTHORITY_CLASS), err) &&
		   dir_replace(c, dn, SERVICE_KEY, &p->service_key, 1, err));
}

static bool
has_rights(struct dir_conn *c, const char *dn, bool *yes_out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*yes_out = false;
	if (!pki_read_values(c, dn, RIGHTS, &found, err))
		return false;
	*yes_out = found.count == 1 && dir_entry_attr(&found.list[0], RIGHTS) != NULL;
	return true;
}

/* Takes away what an older version wrote; values of Windows' services, which have another form,
 * stay. */
static bool
drop_old_urls(struct dir_conn *c, const char *dn, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	const struct dir_attr *a = NULL;

	if (!pki_read_values(c, dn, PKI_OLD_SERVICE_URL, &found, err))
		return false;
	if (found.count == 1)
		a = dir_entry_attr(&found.list[0], PKI_OLD_SERVICE_URL);
	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (pki_is_service_url(buf_view(&a->values[i])) &&
		    !dir_delete_value(c, dn, PKI_OLD_SERVICE_URL, buf_view(&a->values[i]), err))
			return false;
	return true;
}

static bool
set_url(struct dir_conn *c, const char *dn, const char *url, struct err *err)
{
	return url == NULL ||
	       (dir_add_value(c, dn, "objectClass", view_str(PKI_AUTHORITY_CLASS), err) &&
		   set_text(c, dn, PKI_SERVICE_URL, url, err) && drop_old_urls(c, dn, err));
}

/* Of an object that has none: another program's CA was taken over. */
static bool
set_rights(struct dir_conn *c, const char *dn, const struct pki_publication *p, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	const struct dir_attr *rules;
	struct view none;
	bool there;

	if (p->ca_security.len == 0)
		return true;
	if (!has_rights(c, dn, &there, err))
		return false;
	if (there)
		return true;
	if (!add_unrestricted(&e, err))
		return false;
	rules = dir_entry_attr(&e, OFFICER_RULES);
	none = buf_view(&rules->values[0]);
	return dir_add_value(c, dn, "objectClass", view_str(PKI_AUTHORITY_CLASS), err) &&
	       dir_replace(c, dn, OFFICER_RULES, &none, 1, err) &&
	       dir_replace(c, dn, RIGHTS, &p->ca_security, 1, err);
}

/* Templates and rights of an object that is there are the administrator's; only what the CA knows
 * better is brought up to date. */
static bool
update_service(struct dir_conn *c, const char *dn, const struct pki_publication *p, struct err *err)
{
	return set_rights(c, dn, p, err) && set_text(c, dn, "displayName", p->ca_name, err) &&
	       set_text(c, dn, "dNSHostName", p->host, err) && set_url(c, dn, p->url, err) &&
	       set_text(c, dn, "cACertificateDN", p->subject_dn, err) &&
	       dir_add_value(c, dn, "cACertificate", p->certificate, err) &&
	       set_service_key(c, dn, p, err);
}

static bool
publish_service(
    struct dir_conn *c, const char *cn, const struct pki_publication *p, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	bool was_there;

	return (begin_entry(c, cn, "Enrollment Services", &e, err) && service_entry(p, &e, err) &&
		   ensure(c, &e, &was_there, err) &&
		   (!was_there || update_service(c, e.dn, p, err))) ||
	       err_prefix(err, "publishing the enrollment service");
}

static char *
crl_cn(const char *ca_name, uint32_t partition, uint32_t key_index, struct err *err)
{
	char *cn = pki_crl_cn(ca_name, partition, key_index);

	if (cn == NULL)
		err_set(err, E_INVALIDARG, "the name of the CA is empty or not UTF-8");
	return cn;
}

static char *
sanitized(const char *ca_name, struct err *err)
{
	return crl_cn(ca_name, 0, 0, err);
}

static bool
publish_everywhere(
    struct dir_conn *c, const char *cn, struct view certificate, bool is_root, struct err *err)
{
	return publish_authority(c, cn, "AIA", certificate, err) &&
	       publish_authority(c, "NTAuthCertificates", NULL, certificate, err) &&
	       (!is_root ||
		   publish_authority(c, cn, "Certification Authorities", certificate, err));
}

/* The service comes last: whoever sees it finds all that it refers to. */
bool
pki_publish_ca(struct dir_conn *c, const struct pki_publication *p, struct err *err)
{
	OWNED(own_memory) char *cn = sanitized(p->ca_name, err);

	return cn != NULL && publish_everywhere(c, cn, p->certificate, p->is_root, err) &&
	       publish_service(c, cn, p, err);
}

/* The attribute has no rule by which OpenLDAP could tell one value from another: all at once. */
static bool
publish_pairs(struct dir_conn *c, const char *cn, const struct pki_authority *a, struct err *err)
{
	OWNED(own_memory) char *dn = pki_place_dn(c, cn, "AIA");
	const char *attr =
	    dir_conn_root(c)->is_ad ? "crossCertificatePair" : "crossCertificatePair;binary";

	return a->pair_count == 0 || dir_replace(c, dn, attr, a->pairs, a->pair_count, err) ||
	       err_prefix(err, "publishing the cross certificates");
}

static bool
publish_in_service(
    struct dir_conn *c, const struct pki_authority *a, struct view certificate, struct err *err)
{
	OWNED(own_memory) char *dn = pki_service_dn(c, a->ca_name);

	return dir_add_value(c, dn, "cACertificate", certificate, err) ||
	       err_prefix(err, "publishing the enrollment service");
}

bool
pki_publish_authority(struct dir_conn *c, const struct pki_authority *a, struct err *err)
{
	OWNED(own_memory) char *cn = sanitized(a->ca_name, err);

	if (cn == NULL)
		return false;
	for (size_t i = 0; i < a->certificate_count; i++)
		if (!publish_everywhere(c, cn, a->certificates[i], a->is_root, err))
			return false;
	if (!publish_pairs(c, cn, a, err))
		return false;
	for (size_t i = 0; i < a->certificate_count; i++)
		if (!publish_in_service(c, a, a->certificates[i], err))
			return false;
	return true;
}

bool
pki_publish_service_key(struct dir_conn *c, const char *ca_name, struct view hash, struct err *err)
{
	OWNED(own_memory) char *dn = pki_service_dn(c, ca_name);

	if (dn == NULL)
		err_set(err, E_INVALIDARG, "the name of the CA is not UTF-8");
	return (dn != NULL &&
		   dir_add_value(c, dn, "objectClass", view_str(PKI_AUTHORITY_CLASS), err) &&
		   dir_add_value(c, dn, SERVICE_KEY, hash, err)) ||
	       err_prefix(err, "publishing the key of the service; `dirca ca publish` of an "
			       "administrator does it too");
}

/* ---- CRL ---- */

/* CN=<host>,CN=CDP */
static bool
ensure_host(struct dir_conn *c, const char *host, char **dn_out, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {0};
	bool was_there;

	if (!begin_entry(c, host, "CDP", &e, err) ||
	    !add_text(&e, "objectClass", "container", err) || !ensure(c, &e, &was_there, err))
		return false;
	*dn_out = own_give(&e.dn);
	return true;
}

static bool
publish_point(struct dir_conn *c, const char *cn, const char *host_dn, const char *attribute,
    struct view crl, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry e = {.dn = pki_child_dn(cn, host_dn)};
	bool was_there;

	return add_text(&e, "cn", cn, err) &&
	       add_text(&e, "objectClass", "cRLDistributionPoint", err) &&
	       dir_entry_add(&e, attribute, crl, err) && ensure(c, &e, &was_there, err) &&
	       (!was_there || dir_replace(c, e.dn, attribute, &crl, 1, err));
}

bool
pki_publish_crl(
    struct dir_conn *c, const struct pki_crl_place *place, struct view crl, struct err *err)
{
	OWNED(own_memory)
	char *cn = crl_cn(place->ca_name, place->partition, place->key_index, err),
	     *computer = pki_short_host(place->host), *host_dn = NULL;

	return (cn != NULL && ensure_host(c, computer, &host_dn, err) &&
		   publish_point(c, cn, host_dn, pki_crl_attribute(place), crl, err)) ||
	       err_prefix(err, "publishing the CRL");
}

bool
pki_find_crl(
    struct dir_conn *c, const struct pki_crl_place *place, struct buf *out, struct err *err)
{
	const char *attribute = pki_crl_attribute(place);
	OWNED(own_memory)
	char *cn = crl_cn(place->ca_name, place->partition, place->key_index, err);
	OWNED(own_memory) char *computer = pki_short_host(place->host);
	OWNED(own_memory) char *host_dn = pki_place_dn(c, computer, "CDP");
	OWNED(own_memory) char *dn = NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	const struct dir_attr *a;

	*out = (struct buf){0};
	if (cn == NULL || host_dn == NULL)
		return cn != NULL && err_set(err, E_INVALIDARG, "'%s' is not UTF-8", place->host);
	dn = pki_child_dn(cn, host_dn);
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){attribute, NULL}},
		&found, err))
		return err_prefix(err, "reading the CRL that is published");
	a = found.count == 1 ? dir_entry_attr(&found.list[0], attribute) : NULL;
	return a == NULL || buf_dup(buf_view(&a->values[0]), out, err);
}

/* ---- Key recovery agents ---- */

/* True if the certificate expired more than a day before `now`. What cannot be read is left to the
 * administrator. */
static bool
is_long_expired(struct view der, int64_t now)
{
	const uint8_t *p = der.ptr;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	time_t limit = (time_t)(now - KRA_GRACE_SECONDS);
	bool yes = cert != NULL && X509_cmp_time(X509_get0_notAfter(cert), &limit) < 0;

	X509_free(cert);
	return yes;
}

/* [MS-WCCE] 3.2.2.1.4.1: the values that stay, and the new one. */
static bool
merge_kra(struct dir_conn *c, const struct dir_entry *old, struct view certificate, int64_t now,
    struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(old, "userCertificate");
	size_t n = 0, had = a != NULL ? a->count : 0;
	OWNED(own_memory) struct view *values = mem_zero(had + 1, sizeof *values);
	bool is_new = true;

	for (size_t i = 0; i < had; i++) {
		struct view v = buf_view(&a->values[i]);

		if (view_eq(v, certificate))
			is_new = false;
		else if (is_long_expired(v, now))
			continue;
		values[n++] = v;
	}
	if (is_new)
		values[n++] = certificate;
	return (n == had && !is_new) || dir_replace(c, old->dn, "userCertificate", values, n, err);
}

static bool
update_kra(
    struct dir_conn *c, const char *dn, struct view certificate, int64_t now, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"userCertificate", NULL}},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(err, DIRCA_E_DIRECTORY, "%s cannot be read by this account", dn);
	return merge_kra(c, &found.list[0], certificate, now, err);
}

bool
pki_publish_kra(
    struct dir_conn *c, const char *ca_name, struct view certificate, int64_t now, struct err *err)
{
	OWNED(own_memory) char *cn = sanitized(ca_name, err);
	OWNED(dir_entry_free) struct dir_entry e = {0};
	bool was_there;

	return (cn != NULL && begin_entry(c, cn, "KRA", &e, err) &&
		   add_text(&e, "objectClass", "msPKI-PrivateKeyRecoveryAgent", err) &&
		   dir_entry_add(&e, "userCertificate", certificate, err) &&
		   ensure(c, &e, &was_there, err) &&
		   (!was_there || update_kra(c, e.dn, certificate, now, err))) ||
	       err_prefix(err, "publishing the key recovery agent certificate");
}

/* The entry that the SID belongs to now: the one of `dn` if it still does, else wherever it went.
 */
static bool
find_account(
    struct dir_conn *c, const char *dn, const struct sid *sid, char **dn_out, struct err *err)
{
	const struct {
		const char *base;
		enum dir_scope scope;
	} places[] = {{dn, DIR_BASE}, {dir_conn_root(c)->default_nc, DIR_SUBTREE}};
	OWNED(buf_free) struct buf raw = {0};
	OWNED(own_memory) char *filter = NULL;
	struct view value;

	*dn_out = NULL;
	if (!sid_encode(sid, &raw, err))
		return false;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	for (size_t i = 0; i < COUNT_OF(places) && *dn_out == NULL; i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};

		if (!dir_search(c,
			&(struct dir_query){.base = places[i].base,
			    .scope = places[i].scope,
			    .filter = filter,
			    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
			&found, err))
			return false;
		if (found.count == 1)
			*dn_out = own_give(&found.list[0].dn);
	}
	return *dn_out != NULL || err_set(err, ERROR_FILE_NOT_FOUND,
				      "the account of %s is not in the directory any more", dn);
}

bool
pki_publish_user_certificate(struct dir_conn *c, const char *user_dn, const struct sid *sid,
    struct view certificate, struct err *err)
{
	OWNED(own_memory) char *dn = NULL;

	return ((sid == NULL || find_account(c, user_dn, sid, &dn, err)) &&
		   dir_add_value(
		       c, dn != NULL ? dn : user_dn, "userCertificate", certificate, err)) ||
	       err_prefix(err, "publishing the certificate of %s", user_dn);
}
