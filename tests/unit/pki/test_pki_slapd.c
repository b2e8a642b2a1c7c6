#include "slapd_lab.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "clock.h"
#include "conn_priv.h"
#include "mem.h"
#include "pki.h"

#define DAY ((int64_t)86400)

static struct dir_conn *conn;

/* A self-signed certificate valid from `from` to `to`. */
static struct buf
certificate(const char *cn, time_t from, time_t to)
{
	static long serial = 1;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	struct buf der;
	uint8_t *raw = NULL;
	struct err err;
	int len;

	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0),
	    1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_set_version(x, X509_VERSION_3);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	ASN1_TIME_set(X509_getm_notBefore(x), from);
	ASN1_TIME_set(X509_getm_notAfter(x), to);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	len = i2d_X509(x, &raw);
	assert_true(buf_take_openssl(raw, len, &der, &err));
	X509_NAME_free(name);
	X509_free(x);
	EVP_PKEY_free(key);
	return der;
}

/* A CRL of that issuer of that date. */
static struct buf
revocation_list(const char *cn, time_t when)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, when);
	struct buf der;
	uint8_t *raw = NULL;
	struct err err;
	int len;

	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0),
	    1);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, name);
	X509_CRL_set1_lastUpdate(crl, at);
	X509_CRL_set1_nextUpdate(crl, at);
	assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	len = i2d_X509_CRL(crl, &raw);
	assert_true(buf_take_openssl(raw, len, &der, &err));
	ASN1_TIME_free(at);
	X509_NAME_free(name);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	return der;
}

static struct dir_entries
tree(const char *base)
{
	struct dir_entries found;
	struct err err;

	if (!dir_search(conn,
		&(struct dir_query){
		    .base = base, .scope = DIR_SUBTREE, .filter = "(objectClass=*)"},
		&found, &err))
		fail_msg("%s", err.msg);
	return found;
}

static bool
has_value(const struct dir_entry *e, const char *attr, struct view value)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (view_eq(buf_view(&a->values[i]), value))
			return true;
	return false;
}

static size_t
values(const struct dir_entry *e, const char *attr)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	return a != NULL ? a->count : 0;
}

/* The same DNs with the same values. */
static void
same_trees(const struct dir_entries *a, const struct dir_entries *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct dir_entry *x = &a->list[i], *y = &b->list[i];

		assert_string_equal(x->dn, y->dn);
		assert_int_equal(x->count, y->count);
		for (size_t k = 0; k < x->count; k++) {
			assert_int_equal(x->attrs[k].count, values(y, x->attrs[k].name));
			for (size_t n = 0; n < x->attrs[k].count; n++)
				assert_true(has_value(
				    y, x->attrs[k].name, buf_view(&x->attrs[k].values[n])));
		}
	}
}

static struct dir_entry
read_entry(const char *dn)
{
	struct dir_entries found;
	struct dir_entry e;
	struct err err;

	if (!dir_search(
		conn, &(struct dir_query){.base = dn, .filter = "(objectClass=*)"}, &found, &err))
		fail_msg("%s", err.msg);
	if (found.count != 1)
		fail_msg("%s does not exist", dn);
	e = found.list[0];
	found.list[0] = (struct dir_entry){0};
	dir_entries_free(&found);
	return e;
}

static struct pki_publication
publication(struct view cert)
{
	static const char *const templates[] = {"User", "EFS", NULL};

	return (struct pki_publication){.ca_name = "Test (CA) 9",
	    .host = "northwind5.nwtraders.com",
	    .url = "https://northwind5.nwtraders.com:8443",
	    .subject_dn = "CN=Test (CA) 9,DC=nwtraders,DC=com",
	    .certificate = cert,
	    .is_root = true,
	    .templates = templates,
	    .ca_security = view_str("descriptor"),
	    .service_key = view_str("key 1")};
}

static void
publish(const struct pki_publication *p)
{
	struct err err;

	if (!pki_publish_ca(conn, p, &err))
		fail_msg("%s", err.msg);
}

static struct pki_snapshot *
snapshot(void)
{
	struct pki_snapshot *s;
	struct err err;

	if (!pki_snapshot_load(conn, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static void
the_snapshot_has_the_templates_with_their_descriptors(void **state)
{
	struct pki_snapshot *s = snapshot();

	(void)state;
	assert_true(dir_dn_eq(s->services_dn, PKS_DN));
	assert_true(s->templates.count >= 33);
	for (size_t i = 0; i < s->templates.count; i++) {
		assert_int_equal(values(&s->templates.list[i], "nTSecurityDescriptor"), 1);
		assert_true(dir_entry_has_value_nocase(
		    &s->templates.list[i], "objectClass", "pKICertificateTemplate"));
	}
	assert_int_equal(s->services.count, 0);
	assert_int_equal(s->nt_auth.count, 0);
	assert_true(s->loaded_at > 0);
	pki_snapshot_free(&s);
	assert_null(s);
	pki_snapshot_free(&s);
}

static void
a_ca_is_published_whole(void **state)
{
	struct buf cert = certificate("Test (CA) 9", 1700000000, 1800000000);
	struct pki_publication p = publication(buf_view(&cert));
	struct dir_entry e;
	char *dn;

	(void)state;
	publish(&p);
	dn = pki_service_dn(conn, p.ca_name);
	assert_true(dir_dn_eq(dn, "CN=Test !0028CA!0029 9,CN=Enrollment Services," PKS_DN));
	e = read_entry(dn);
	assert_true(dir_entry_has_value_nocase(&e, "displayName", "Test (CA) 9"));
	assert_true(dir_entry_has_value_nocase(&e, "dNSHostName", p.host));
	assert_true(dir_entry_has_value_nocase(&e, "cACertificateDN", p.subject_dn));
	assert_true(dir_entry_has_value_nocase(&e, "certificateTemplates", "EFS"));
	assert_true(dir_entry_has_value_nocase(&e, "objectClass", "dircaAuthority"));
	assert_true(has_value(&e, "dircaCASecurity", p.ca_security));
	assert_true(has_value(&e, "cACertificate", p.certificate));
	dir_entry_free(&e);
	free(dn);

	static const char *const authorities[] = {"CN=Test !0028CA!0029 9,CN=AIA," PKS_DN,
	    "CN=Test !0028CA!0029 9,CN=Certification Authorities," PKS_DN,
	    "CN=NTAuthCertificates," PKS_DN};
	for (size_t i = 0; i < 3; i++) {
		e = read_entry(authorities[i]);
		assert_true(
		    dir_entry_has_value_nocase(&e, "objectClass", "certificationAuthority"));
		assert_int_equal(values(&e, "cACertificate"), 1);
		assert_true(has_value(&e, "cACertificate", p.certificate));
		dir_entry_free(&e);
	}
	buf_free(&cert);
}

/* The service's keys as clients see them, "key 1,key 2" in the order of the directory. */
static char *
service_keys(void)
{
	struct pki_snapshot *s = snapshot();
	struct pki_service *list;
	size_t count;
	struct buf text = {0};
	struct err err;
	char *out;

	assert_true(pki_services(s, &list, &count, &err));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < list[0].service_key_count; i++)
		assert_true((i == 0 || buf_append(&text, view_str(","), &err)) &&
			    buf_append(&text, buf_view(&list[0].service_keys[i]), &err));
	out = strndup(text.ptr != NULL ? (const char *)text.ptr : "", text.len);
	buf_free(&text);
	pki_services_free(&list, count);
	pki_snapshot_free(&s);
	return out;
}

static void
assert_service_keys(const char *expected)
{
	char *keys = service_keys();

	assert_string_equal(keys, expected);
	free(keys);
}

static void
a_services_keys_change_one_after_the_other(void **state)
{
	struct buf cert = certificate("Test (CA) 9", 1700000000, 1800000000);
	struct pki_publication p = publication(buf_view(&cert));
	char *dn = pki_service_dn(conn, p.ca_name);
	struct view class = view_str("dircaAuthority"), url = view_str(p.url);
	struct err err;

	(void)state;
	publish(&p);
	assert_service_keys("key 1");
	assert_true(pki_publish_service_key(conn, p.ca_name, view_str("key 2"), &err));
	assert_true(pki_publish_service_key(conn, p.ca_name, view_str("key 2"), &err));
	assert_service_keys("key 1,key 2");
	p.service_key = (struct view){0};
	publish(&p);
	assert_service_keys("key 1,key 2");
	p.service_key = view_str("key 2");
	publish(&p);
	assert_service_keys("key 2");
	/* the object of an older version may lack the class, and has its URL elsewhere */
	assert_true(dir_replace(conn, dn, "dircaServiceURL", NULL, 0, &err));
	assert_true(dir_replace(conn, dn, "msPKI-Enrollment-Servers", &url, 1, &err));
	assert_true(dir_replace(conn, dn, "dircaServiceKeyHash", NULL, 0, &err));
	assert_true(dir_replace(conn, dn, "dircaCASecurity", NULL, 0, &err));
	assert_true(dir_replace(conn, dn, "dircaOfficerRights", NULL, 0, &err));
	assert_true(dir_delete_value(conn, dn, "objectClass", class, &err));
	assert_true(pki_publish_service_key(conn, p.ca_name, view_str("key 3"), &err));
	assert_service_keys("key 3");
	assert_true(pki_unpublish_ca(conn, p.ca_name, 0, p.host, p.certificate, true, &err));
	free(dn);
	buf_free(&cert);
}

static void
publishing_again_changes_nothing(void **state)
{
	struct buf cert = certificate("Test (CA) 9", 1700000000, 1800000000);
	struct pki_publication p = publication(buf_view(&cert));
	struct dir_entries before, after;

	(void)state;
	publish(&p);
	before = tree(PKS_DN);
	publish(&p);
	after = tree(PKS_DN);
	same_trees(&before, &after);
	dir_entries_free(&before);
	dir_entries_free(&after);
	buf_free(&cert);
}

static void
publishing_finishes_what_was_left_and_keeps_the_administrators_choice(void **state)
{
	struct buf cert = certificate("Test (CA) 9", 1710000000, 1810000000);
	struct pki_publication p = publication(buf_view(&cert));
	char *dn = pki_service_dn(conn, p.ca_name);
	struct view only = view_str("SmartcardLogon"), host = view_str("old.nwtraders.com");
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(dir_delete(conn, "CN=Test !0028CA!0029 9,CN=AIA," PKS_DN, &err));
	assert_true(dir_replace(conn, dn, "certificateTemplates", &only, 1, &err));
	assert_true(dir_replace(conn, dn, "dNSHostName", &host, 1, &err));
	publish(&p);
	e = read_entry("CN=Test !0028CA!0029 9,CN=AIA," PKS_DN);
	assert_int_equal(values(&e, "cACertificate"), 1);
	dir_entry_free(&e);
	e = read_entry(dn);
	assert_int_equal(values(&e, "certificateTemplates"), 1);
	assert_true(has_value(&e, "certificateTemplates", only));
	assert_true(dir_entry_has_value_nocase(&e, "dNSHostName", p.host));
	assert_true(values(&e, "cACertificate") >= 2); /* a renewed CA keeps its old certificates */
	assert_true(has_value(&e, "cACertificate", p.certificate));
	dir_entry_free(&e);
	buf_free(&cert);
	free(dn);
}

static void
a_subordinate_ca_is_no_root(void **state)
{
	struct buf cert = certificate("Sub", 1700000000, 1800000000);
	struct pki_publication p = publication(buf_view(&cert));
	struct dir_entries found;
	struct err err;

	(void)state;
	p.ca_name = "Sub";
	p.is_root = false;
	p.ca_security = view_of(NULL, 0);
	p.templates = NULL;
	publish(&p);
	assert_true(dir_search(conn,
	    &(struct dir_query){
		.base = "CN=Sub,CN=Certification Authorities," PKS_DN, .filter = "(objectClass=*)"},
	    &found, &err));
	assert_int_equal(found.count, 0);
	assert_true(dir_delete(conn, "CN=Sub,CN=Enrollment Services," PKS_DN, &err));
	buf_free(&cert);
}

static void
services_are_found_by_plain_and_sanitized_name(void **state)
{
	struct pki_snapshot *s = snapshot();
	const struct dir_entry *e = pki_snapshot_service(s, "Test (CA) 9");

	(void)state;
	assert_non_null(e);
	assert_ptr_equal(pki_snapshot_service(s, "test !0028ca!0029 9"), e);
	assert_null(pki_snapshot_service(s, "Test"));
	assert_null(pki_snapshot_service(s, "\xff"));
	assert_int_equal(s->nt_auth.count, 1);
	assert_int_equal(s->roots.count, 1);
	pki_snapshot_free(&s);
}

/* Where the only service is; NULL: there is none that a client could use. */
static void
assert_url(const char *expected)
{
	struct pki_snapshot *s = snapshot();
	struct pki_service *list;
	size_t count;
	struct err err;

	assert_true(pki_services(s, &list, &count, &err));
	assert_int_equal(count, expected != NULL);
	if (expected != NULL)
		assert_string_equal(list[0].url, expected);
	pki_services_free(&list, count);
	pki_snapshot_free(&s);
}

static void
discovery_shows_what_a_client_can_use(void **state)
{
	static const char *const own[] = {
	    "dircaServiceKeyHash", "dircaCASecurity", "dircaOfficerRights"};
	struct buf newest = certificate("Test (CA) 9", 1720000000, 1820000000);
	struct pki_publication p = publication(buf_view(&newest));
	char *dn = pki_service_dn(conn, p.ca_name);
	struct pki_snapshot *s;
	struct pki_service *list;
	struct view ces[2] = {view_str("1\n4\n0\nhttps://evil/CES\n0"),
	    view_str("https://northwind5.nwtraders.com:9443/")};
	struct view bad = view_str("https://a b/../@x"), url = view_str(p.url);
	struct dir_entry e;
	size_t count;
	struct err err;

	(void)state;
	publish(&p);
	LAB_ADD(conn, "CN=empty,CN=Enrollment Services," PKS_DN, "objectClass",
	    "pKIEnrollmentService", "dNSHostName", "h");
	assert_true(dir_replace(conn, dn, "msPKI-Enrollment-Servers", ces, 2, &err));
	s = snapshot();
	assert_true(pki_services(s, &list, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(list[0].name, "Test !0028CA!0029 9");
	assert_string_equal(list[0].display_name, "Test (CA) 9");
	assert_string_equal(list[0].host, "northwind5.nwtraders.com");
	/* What an older version wrote does not count beside it. */
	assert_string_equal(list[0].url, "https://northwind5.nwtraders.com:8443");
	assert_null(list[0].site);
	assert_true(view_eq(buf_view(&list[0].certificate), p.certificate));
	assert_int_equal(list[0].template_count, 1);
	assert_string_equal(list[0].templates[0], "SmartcardLogon");
	pki_services_free(&list, count);
	assert_null(list);
	pki_snapshot_free(&s);

	/* That of an older version, which has no other. */
	assert_true(dir_replace(conn, dn, "dircaServiceURL", NULL, 0, &err));
	assert_url("https://northwind5.nwtraders.com:9443");
	/* What belongs to Windows' services is nothing, nor is the host. */
	assert_true(dir_replace(conn, dn, "msPKI-Enrollment-Servers", ces, 1, &err));
	assert_url(NULL);
	/* Nor is a URL that would lead elsewhere, whatever stands in the old place. */
	assert_true(dir_replace(conn, dn, "msPKI-Enrollment-Servers", ces, 2, &err));
	assert_true(dir_replace(conn, dn, "dircaServiceURL", &bad, 1, &err));
	assert_url(NULL);

	/* To publish again is to upgrade: Windows' values stay. */
	publish(&p);
	assert_url("https://northwind5.nwtraders.com:8443");
	e = read_entry(dn);
	assert_int_equal(values(&e, "msPKI-Enrollment-Servers"), 1);
	assert_true(
	    dir_entry_has_value_nocase(&e, "msPKI-Enrollment-Servers", (const char *)ces[0].ptr));
	dir_entry_free(&e);

	/* The object of another program's CA, with the same value. */
	assert_true(dir_replace(conn, dn, "dircaServiceURL", NULL, 0, &err));
	assert_true(dir_replace(conn, dn, "msPKI-Enrollment-Servers", &url, 1, &err));
	assert_url(p.url);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		assert_true(dir_replace(conn, dn, own[i], NULL, 0, &err));
	assert_true(dir_delete_value(conn, dn, "objectClass", view_str("dircaAuthority"), &err));
	assert_url(NULL);
	buf_free(&newest);
	free(dn);
}

static void
the_latest_crl_replaces_the_one_before(void **state)
{
	struct buf one = revocation_list("Test (CA) 9", 1700000000),
		   two = revocation_list("Test (CA) 9", 1700086400);
	const char *dn = "CN=Test !0028CA!0029 9,CN=northwind5,CN=CDP," PKS_DN;
	const struct pki_crl_place place = {.ca_name = "Test (CA) 9",
				       .host = "northwind5.nwtraders.com"},
				   delta = {.ca_name = "Test (CA) 9",
				       .host = "northwind5",
				       .delta = true},
				   none = {.ca_name = "", .host = "northwind5"};
	struct buf found;
	struct dir_entry e;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct view crl = buf_view(i == 0 ? &one : &two);

		if (!pki_publish_crl(conn, &place, crl, &err))
			fail_msg("%s", err.msg);
		e = read_entry(dn);
		assert_true(dir_entry_has_value_nocase(&e, "objectClass", "cRLDistributionPoint"));
		assert_int_equal(values(&e, "certificateRevocationList"), 1);
		assert_true(has_value(&e, "certificateRevocationList", crl));
		dir_entry_free(&e);
	}
	/* The delta CRL beside it. */
	assert_true(pki_find_crl(conn, &delta, &found, &err) && found.len == 0);
	assert_true(pki_publish_crl(conn, &delta, buf_view(&one), &err));
	assert_true(pki_find_crl(conn, &delta, &found, &err));
	assert_true(view_eq(buf_view(&found), buf_view(&one)));
	buf_free(&found);
	assert_true(pki_find_crl(conn, &place, &found, &err));
	assert_true(view_eq(buf_view(&found), buf_view(&two)));
	buf_free(&found);
	assert_false(pki_publish_crl(conn, &place, view_str("no CRL"), &err));
	assert_non_null(strstr(err.msg, "publishing the CRL"));
	assert_false(pki_publish_crl(conn, &none, buf_view(&one), &err));
	assert_int_equal(err.code, E_INVALIDARG);
	buf_free(&one);
	buf_free(&two);
}

static void
publish_crl_of(const struct pki_crl_place *place, struct view crl)
{
	struct err err;

	if (!pki_publish_crl(conn, place, crl, &err))
		fail_msg("%s", err.msg);
}

static bool
has_crl(const struct pki_crl_place *place)
{
	struct buf found;
	struct err err;
	bool has;

	if (!pki_find_crl(conn, place, &found, &err))
		fail_msg("%s", err.msg);
	has = found.len > 0;
	buf_free(&found);
	return has;
}

static void
a_ca_leaves_with_the_crls_of_its_partitions_and_no_other(void **state)
{
	static const struct {
		struct pki_crl_place place;
		bool stays;
	} rows[] = {
	    {{"Leaving (CA)", "leaving.nwtraders.com", 0, 0, false}, false},
	    {{"Leaving (CA)", "leaving.nwtraders.com", 0, 1, false}, false},
	    {{"Leaving (CA)", "leaving.nwtraders.com", 0, 12, true}, false},
	    {{"Leaving (CA)", "leaving.nwtraders.com", 1, 0, false}, true},
	    {{"Leaving (CA)", "leaving.nwtraders.com", 1, 1, false}, true},
	    {{"Leaving (CA)", "other.nwtraders.com", 0, 1, false}, true},
	    {{"Leaving (CA) 2", "leaving.nwtraders.com", 0, 0, false}, true},
	    {{"Leaving (CA)-p", "leaving.nwtraders.com", 0, 0, false}, true},
	    {{"Leaving (CA)-p01", "leaving.nwtraders.com", 0, 0, false}, true},
	    {{"Leaving (CA)-pq", "leaving.nwtraders.com", 0, 1, false}, true},
	};
	struct buf crl = revocation_list("Leaving (CA)", 1700000000),
		   cert = certificate("Leaving (CA)", 1700000000, 1800000000);
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		publish_crl_of(&rows[i].place, buf_view(&crl));
	assert_true(pki_unpublish_ca(
	    conn, "Leaving (CA)", 0, "leaving.nwtraders.com", buf_view(&cert), false, &err));
	assert_true(has_crl(&rows[1].place));
	assert_true(pki_unpublish_ca(
	    conn, "Leaving (CA)", 0, "leaving.nwtraders.com", buf_view(&cert), true, &err));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(has_crl(&rows[i].place), rows[i].stays);
	buf_free(&crl);
	buf_free(&cert);
}

static void
kra_certificates_gather_and_leave_a_day_after_they_expired(void **state)
{
	const int64_t now = 1800000000;
	struct buf live = certificate("kra1", now - DAY, now + DAY),
		   fresh = certificate("kra2", now, now + DAY),
		   just_expired = certificate("kra3", now - 9 * DAY, now - DAY + 60),
		   long_expired = certificate("kra4", now - 9 * DAY, now - DAY - 60);
	const char *dn = "CN=Test !0028CA!0029 9,CN=KRA," PKS_DN;
	struct pki_snapshot *s;
	struct dir_entry e;
	struct err err;

	(void)state;
	/* While the last one was not expired yet. */
	assert_true(
	    pki_publish_kra(conn, "Test (CA) 9", buf_view(&long_expired), now - 8 * DAY, &err));
	assert_true(
	    pki_publish_kra(conn, "Test (CA) 9", buf_view(&just_expired), now - 8 * DAY, &err));
	assert_true(pki_publish_kra(conn, "Test (CA) 9", buf_view(&live), now - 8 * DAY, &err));
	assert_true(pki_publish_kra(conn, "Test (CA) 9", buf_view(&live), now - 8 * DAY, &err));
	e = read_entry(dn);
	assert_int_equal(values(&e, "userCertificate"), 3);
	dir_entry_free(&e);
	for (int i = 0; i < 2; i++) {
		assert_true(pki_publish_kra(conn, "Test (CA) 9", buf_view(&fresh), now, &err));
		e = read_entry(dn);
		assert_int_equal(values(&e, "userCertificate"), 3);
		assert_true(has_value(&e, "userCertificate", buf_view(&live)));
		assert_true(has_value(&e, "userCertificate", buf_view(&fresh)));
		assert_true(has_value(&e, "userCertificate", buf_view(&just_expired)));
		dir_entry_free(&e);
	}
	s = snapshot();
	assert_int_equal(s->kras.count, 1);
	assert_int_equal(values(&s->kras.list[0], "userCertificate"), 3);
	pki_snapshot_free(&s);
	buf_free(&live);
	buf_free(&fresh);
	buf_free(&just_expired);
	buf_free(&long_expired);
}

static void
a_users_certificate_is_added_once(void **state)
{
	struct buf a = certificate("user1", 1700000000, 1800000000),
		   b = certificate("user1", 1700000001, 1800000000);
	const char *dn = "CN=user1," USERS_DN;
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(pki_publish_user_certificate(conn, dn, NULL, buf_view(&a), &err));
	assert_true(pki_publish_user_certificate(conn, dn, NULL, buf_view(&b), &err));
	assert_true(pki_publish_user_certificate(conn, dn, NULL, buf_view(&a), &err));
	e = read_entry(dn);
	assert_int_equal(values(&e, "userCertificate"), 2);
	assert_true(has_value(&e, "userCertificate", buf_view(&a)));
	assert_true(has_value(&e, "userCertificate", buf_view(&b)));
	dir_entry_free(&e);
	assert_false(
	    pki_publish_user_certificate(conn, "CN=nobody," USERS_DN, NULL, buf_view(&a), &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	assert_false(
	    pki_publish_user_certificate(conn, dn, NULL, view_str("no certificate"), &err));
	buf_free(&a);
	buf_free(&b);
}

/* As if slapd were Active Directory: it refuses a certificate that comes without `;binary`, which
 * shows that it did. */
static void
the_binary_option_is_for_openldap_only(void **state)
{
	struct buf cert = certificate("user2", 1700000000, 1800000000);
	struct err err;
	bool ok;

	(void)state;
	conn->root.is_ad = true;
	ok = pki_publish_user_certificate(conn, "CN=user2," USERS_DN, NULL, buf_view(&cert), &err);
	conn->root.is_ad = false;
	assert_false(ok);
	assert_non_null(strstr(err.msg, "requires ;binary transfer"));
	assert_true(
	    pki_publish_user_certificate(conn, "CN=user2," USERS_DN, NULL, buf_view(&cert), &err));
	buf_free(&cert);
}

static void
a_tree_that_may_not_be_read_is_an_error_and_not_an_empty_pki(void **state)
{
	struct dir_config nobody = {
	    .uris = getenv("LDAPI_URI"), .auth = DIR_AUTH_ANONYMOUS, .timeout_ms = 5000};
	struct view hide = view_str("{0}to dn.subtree=\"" PKS_DN "\" by * none"),
		    id = view_str("{0}");
	struct secret pw;
	struct dir_config user = {.uris = getenv("LDAPI_URI"),
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=user1," USERS_DN,
	    .password = &pw,
	    .timeout_ms = 5000};
	struct pki_snapshot *s = NULL;
	struct dir_conn *c;
	struct err err;

	(void)state;
	if (dir_connect(&nobody, &c, &err)) {
		assert_false(pki_snapshot_load(c, &s, &err));
		dir_disconnect(&c);
	}
	assert_true(secret_dup(view_str("user1-Passw0rd"), &pw, &err));
	assert_true(dir_add_value(conn, "olcDatabase={1}mdb,cn=config", "olcAccess", hide, &err));
	c = lab_connect(&user);
	assert_false(pki_snapshot_load(c, &s, &err));
	assert_null(s);
	assert_int_equal(err.code, DIRCA_E_DIRECTORY);
	assert_non_null(strcasestr(err.msg, PKS_DN));
	dir_disconnect(&c);
	assert_true(dir_delete_value(conn, "olcDatabase={1}mdb,cn=config", "olcAccess", id, &err));
	c = lab_connect(&user);
	assert_true(pki_snapshot_load(c, &s, &err));
	pki_snapshot_free(&s);
	dir_disconnect(&c);
	secret_free(&pw);
}

static int
start(void **state)
{
	static struct dir_config config;

	(void)state;
	return lab_begin(&config, &conn);
}

static int
end(void **state)
{
	return lab_finish(&conn, state);
}

/* The tests build on each other in this order. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_snapshot_has_the_templates_with_their_descriptors),
	    cmocka_unit_test(a_ca_is_published_whole),
	    cmocka_unit_test(a_services_keys_change_one_after_the_other),
	    cmocka_unit_test(publishing_again_changes_nothing),
	    cmocka_unit_test(publishing_finishes_what_was_left_and_keeps_the_administrators_choice),
	    cmocka_unit_test(a_subordinate_ca_is_no_root),
	    cmocka_unit_test(services_are_found_by_plain_and_sanitized_name),
	    cmocka_unit_test(discovery_shows_what_a_client_can_use),
	    cmocka_unit_test(the_latest_crl_replaces_the_one_before),
	    cmocka_unit_test(a_ca_leaves_with_the_crls_of_its_partitions_and_no_other),
	    cmocka_unit_test(kra_certificates_gather_and_leave_a_day_after_they_expired),
	    cmocka_unit_test(a_users_certificate_is_added_once),
	    cmocka_unit_test(the_binary_option_is_for_openldap_only),
	    cmocka_unit_test(a_tree_that_may_not_be_read_is_an_error_and_not_an_empty_pki),
	};

	return cmocka_run_group_tests(tests, start, end);
}
