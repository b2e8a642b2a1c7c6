#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ldif.h"
#include "tmpl.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY      86400

static struct dir_entries ws2003, ws2008;

static struct tmpl
decoded(const struct dir_entry *e)
{
	struct tmpl t;
	struct err err;

	assert_non_null(e);
	if (!tmpl_decode(e, &t, &err))
		fail_msg("%s", err.msg);
	return t;
}

/* The default templates of Windows Server 2008 and later, [MS-CRTD] Appendix A. */
static const struct {
	const char *cn, *display_name;
	int schema_version;
	int32_t min_key_size, major, minor;
	uint32_t flags, name_flag, enrollment_flag, private_key_flag;
	int32_t key_spec;
	uint8_t usage0, usage1;
	int64_t validity_days, overlap_days;
	const char *eku;
	int32_t ra_signatures;
	const char *ra_application_policies;
} defaults[] = {
    {"Administrator", "Administrator", 1, 2048, 4, 1, 0x1023a, 0xa6000000, 0x29, 0x10, 1, 0xa0,
	0x00, 365, 42,
	"1.3.6.1.4.1.311.10.3.1 1.3.6.1.4.1.311.10.3.4 1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.2", 0, ""},
    {"CA", "Root Certification Authority", 1, 1024, 5, 1, 0x100d1, 0x00000001, 0x0, 0x10, 2, 0x86,
	0x00, 1825, 42, "", 0, ""},
    {"CAExchange", "CA Exchange", 2, 2048, 106, 0, 0x10040, 0x00000001, 0x1, 0x0, 1, 0x20, 0x00, 7,
	1, "1.3.6.1.4.1.311.21.5", 0, ""},
    {"CEPEncryption", "CEP Encryption", 1, 1024, 4, 1, 0x10241, 0x00000001, 0x0, 0x0, 1, 0x20, 0x00,
	730, 42, "1.3.6.1.4.1.311.20.2.1", 0, ""},
    {"ClientAuth", "Authenticated Session", 1, 2048, 3, 1, 0x10220, 0x82000000, 0x20, 0x0, 2, 0x80,
	0x00, 365, 42, "1.3.6.1.5.5.7.3.2", 0, ""},
    {"CodeSigning", "Code Signing", 1, 2048, 3, 1, 0x10220, 0x82000000, 0x20, 0x0, 2, 0x80, 0x00,
	365, 42, "1.3.6.1.5.5.7.3.3", 0, ""},
    {"CrossCA", "Cross Certification Authority", 2, 1024, 105, 0, 0x10810, 0x00000001, 0x8, 0x10, 2,
	0x86, 0x00, 1825, 42, "", 1, "1.3.6.1.4.1.311.10.3.10"},
    {"CTLSigning", "Trust List Signing", 1, 2048, 3, 1, 0x10220, 0x82000000, 0x20, 0x0, 2, 0x80,
	0x00, 365, 42, "1.3.6.1.4.1.311.10.3.1", 0, ""},
    {"DirectoryEmailReplication", "Directory Email Replication", 2, 2048, 115, 0, 0x10060,
	0x09000000, 0x29, 0x0, 1, 0xa0, 0x00, 365, 42, "1.3.6.1.4.1.311.21.19", 0, ""},
    {"DomainController", "Domain Controller", 1, 2048, 4, 1, 0x1026c, 0x19000000, 0x29, 0x0, 1,
	0xa0, 0x00, 365, 42, "1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1", 0, ""},
    {"DomainControllerAuthentication", "Domain Controller Authentication", 2, 2048, 110, 0, 0x10060,
	0x08000000, 0x20, 0x0, 1, 0xa0, 0x00, 365, 42,
	"1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1 1.3.6.1.4.1.311.20.2.2", 0, ""},
    {"EFS", "Basic EFS", 1, 2048, 3, 1, 0x10238, 0x82000000, 0x29, 0x10, 1, 0x20, 0x00, 365, 42,
	"1.3.6.1.4.1.311.10.3.4", 0, ""},
    {"EFSRecovery", "EFS Recovery Agent", 1, 2048, 6, 1, 0x10230, 0x82000000, 0x21, 0x10, 1, 0x20,
	0x00, 1825, 42, "1.3.6.1.4.1.311.10.3.4.1", 0, ""},
    {"EnrollmentAgent", "Enrollment Agent", 1, 2048, 4, 1, 0x10220, 0x82000000, 0x20, 0x0, 2, 0x80,
	0x00, 730, 42, "1.3.6.1.4.1.311.20.2.1", 0, ""},
    {"EnrollmentAgentOffline", "Exchange Enrollment Agent (Offline request)", 1, 1024, 4, 1,
	0x10201, 0x00000001, 0x0, 0x0, 2, 0x80, 0x00, 730, 42, "1.3.6.1.4.1.311.20.2.1", 0, ""},
    {"ExchangeUser", "Exchange User", 1, 2048, 7, 1, 0x10211, 0x00000001, 0x1, 0x10, 1, 0x20, 0x00,
	365, 42, "1.3.6.1.5.5.7.3.4", 0, ""},
    {"ExchangeUserSignature", "Exchange Signature Only", 1, 2048, 6, 1, 0x10201, 0x00000001, 0x0,
	0x0, 2, 0x80, 0x00, 365, 42, "1.3.6.1.5.5.7.3.4", 0, ""},
    {"IPSECIntermediateOffline", "IPSec (Offline request)", 1, 1024, 7, 1, 0x10241, 0x00000001, 0x0,
	0x0, 1, 0xa0, 0x00, 730, 42, "1.3.6.1.5.5.8.2.2", 0, ""},
    {"IPSECIntermediateOnline", "IPSec", 1, 2048, 8, 1, 0x10260, 0x18000000, 0x20, 0x0, 1, 0xa0,
	0x00, 730, 42, "1.3.6.1.5.5.8.2.2", 0, ""},
    {"KerberosAuthentication", "Kerberos Authentication", 2, 2048, 110, 0, 0x10060, 0x08400000,
	0x20, 0x0, 1, 0xa0, 0x00, 365, 42,
	"1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1 1.3.6.1.4.1.311.20.2.2 1.3.6.1.5.2.3.5", 0, ""},
    {"KeyRecoveryAgent", "Key Recovery Agent", 2, 2048, 105, 0, 0x10020, 0x82000000, 0x27, 0x10, 1,
	0x20, 0x00, 730, 42, "1.3.6.1.4.1.311.21.6", 0, ""},
    {"Machine", "Computer", 1, 2048, 5, 1, 0x10260, 0x18000000, 0x20, 0x0, 1, 0xa0, 0x00, 365, 42,
	"1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1", 0, ""},
    {"MachineEnrollmentAgent", "Enrollment Agent (Computer)", 1, 2048, 5, 1, 0x10260, 0x18000000,
	0x20, 0x0, 2, 0x80, 0x00, 730, 42, "1.3.6.1.4.1.311.20.2.1", 0, ""},
    {"OCSPResponseSigning", "OCSP Response Signing", 3, 2048, 101, 0, 0x10240, 0x18000000, 0x1000,
	0x0, 2, 0x80, 0x00, 14, 2, "1.3.6.1.5.5.7.3.9", 0, ""},
    {"OfflineRouter", "Router (Offline request)", 1, 2048, 4, 1, 0x10241, 0x00000001, 0x0, 0x0, 1,
	0xa0, 0x00, 730, 42, "1.3.6.1.5.5.7.3.2", 0, ""},
    {"RASAndIASServer", "RAS and IAS Server", 2, 2048, 101, 0, 0x10260, 0x48000000, 0x20, 0x0, 1,
	0xa0, 0x00, 365, 42, "1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1", 0, ""},
    {"SmartcardLogon", "Smartcard Logon", 1, 512, 6, 1, 0x10200, 0x82000000, 0x0, 0x0, 1, 0xa0,
	0x00, 365, 42, "1.3.6.1.5.5.7.3.2 1.3.6.1.4.1.311.20.2.2", 0, ""},
    {"SmartcardUser", "Smartcard User", 1, 512, 11, 1, 0x1020a, 0xa6000000, 0x9, 0x0, 1, 0xa0, 0x00,
	365, 42, "1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.2 1.3.6.1.4.1.311.20.2.2", 0, ""},
    {"SubCA", "Subordinate Certification Authority", 1, 1024, 5, 1, 0x102d1, 0x00000001, 0x0, 0x10,
	2, 0x86, 0x00, 1825, 42, "", 0, ""},
    {"User", "User", 1, 2048, 3, 1, 0x1023a, 0xa6000000, 0x29, 0x10, 1, 0xa0, 0x00, 365, 42,
	"1.3.6.1.4.1.311.10.3.4 1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.2", 0, ""},
    {"UserSignature", "User Signature Only", 1, 2048, 4, 1, 0x10222, 0xa6000000, 0x20, 0x0, 2, 0x80,
	0x00, 365, 42, "1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.2", 0, ""},
    {"WebServer", "Web Server", 1, 2048, 4, 1, 0x10241, 0x00000001, 0x0, 0x0, 1, 0xa0, 0x00, 730,
	42, "1.3.6.1.5.5.7.3.1", 0, ""},
    {"Workstation", "Workstation Authentication", 2, 2048, 101, 0, 0x10260, 0x08000000, 0x20, 0x0,
	1, 0xa0, 0x00, 365, 42, "1.3.6.1.5.5.7.3.2", 0, ""},
};

/* "a b c" against a list, in any order. */
static void
assert_list(const char *cn, const struct texts *l, const char *words)
{
	char *copy = strdup(words), *rest = copy, *one;
	size_t n = 0;

	assert_non_null(copy);
	while (*words != '\0' && (one = strsep(&rest, " ")) != NULL) {
		bool found = false;

		for (size_t i = 0; i < l->count; i++)
			found = found || strcmp(l->list[i], one) == 0;
		if (!found)
			fail_msg("%s lacks %s", cn, one);
		n++;
	}
	assert_int_equal(l->count, n);
	free(copy);
}

static void
all_65_default_templates_decode(void **state)
{
	(void)state;
	assert_int_equal(ws2003.count, 32);
	assert_int_equal(ws2008.count, 33);
	for (size_t i = 0; i < ws2003.count + ws2008.count; i++) {
		const struct dir_entry *e =
		    i < ws2003.count ? &ws2003.list[i] : &ws2008.list[i - ws2003.count];
		struct tmpl t = decoded(e);

		assert_non_null(t.cn);
		assert_string_equal(t.dn, e->dn);
		assert_true(t.validity >= t.overlap);
		assert_false(t.has_sd);
		assert_false(tmpl_requires_key_archival(&t));
		tmpl_free(&t);
	}
}

static void
default_templates_hold_what_the_specification_lists(void **state)
{
	(void)state;
	assert_int_equal(COUNT(defaults), ws2008.count);
	for (size_t i = 0; i < COUNT(defaults); i++) {
		struct tmpl t = decoded(ldif_find(&ws2008, defaults[i].cn));

		assert_string_equal(t.cn, defaults[i].cn);
		assert_string_equal(t.display_name, defaults[i].display_name);
		assert_int_equal(t.schema_version, defaults[i].schema_version);
		assert_int_equal(t.min_key_size, defaults[i].min_key_size);
		assert_int_equal(t.major, defaults[i].major);
		assert_int_equal(t.minor, defaults[i].minor);
		assert_int_equal(t.flags, defaults[i].flags);
		assert_int_equal(t.name_flag, defaults[i].name_flag);
		assert_int_equal(t.enrollment_flag, defaults[i].enrollment_flag);
		assert_int_equal(t.private_key_flag, defaults[i].private_key_flag);
		assert_int_equal(t.key_spec, defaults[i].key_spec);
		assert_int_equal(t.key_usage[0], defaults[i].usage0);
		assert_int_equal(t.key_usage[1], defaults[i].usage1);
		assert_int_equal(t.validity, defaults[i].validity_days * DAY);
		assert_int_equal(t.overlap, defaults[i].overlap_days * DAY);
		assert_int_equal(t.ra_signatures, defaults[i].ra_signatures);
		assert_list(t.cn, &t.eku, defaults[i].eku);
		assert_list(t.cn, &t.ra_application_policies, defaults[i].ra_application_policies);
		tmpl_free(&t);
	}
}

static void
the_2003_key_recovery_agent_wants_a_signature(void **state)
{
	struct tmpl t = decoded(ldif_find(&ws2003, "KeyRecoveryAgent"));

	(void)state;
	assert_int_equal(t.ra_signatures, 1);
	assert_list(t.cn, &t.ra_application_policies, "1.3.6.1.4.1.311.21.6");
	assert_null(t.oid);
	assert_true(tmpl_pends(&t));
	tmpl_free(&t);
}

static void
version_3_properties_come_from_triplets(void **state)
{
	struct tmpl t = decoded(ldif_find(&ws2008, "OCSPResponseSigning"));

	(void)state;
	assert_string_equal(t.asymmetric_algorithm, "RSA");
	assert_string_equal(t.hash_algorithm, "SHA1");
	assert_null(t.symmetric_algorithm);
	assert_int_equal(t.symmetric_key_length, 0);
	tmpl_free(&t);
}

/* A version 2 template that decodes; each test changes one attribute. */
static const char base[] = "dn: CN=T,DC=example\ncn: T\nflags: 65536\nrevision: 100\n"
			   "msPKI-Template-Schema-Version: 2\npKIExpirationPeriod:: AEA5hy7h/v8=\n";

static struct dir_entries
entry_with(const char *more)
{
	char *text = text_printf("%s%s", base, more);
	struct dir_entries es;
	struct err err;

	assert_non_null(text);
	if (!ldif_entries(view_str(text), &es, &err))
		fail_msg("%s: %s", more, err.msg);
	assert_int_equal(es.count, 1);
	free(text);
	return es;
}

static struct tmpl
template_with(const char *more)
{
	struct dir_entries es = entry_with(more);
	struct tmpl t = decoded(&es.list[0]);

	dir_entries_free(&es);
	return t;
}

static void
absent_attributes_have_their_defaults(void **state)
{
	struct tmpl t;
	struct dir_entries es;
	struct err err;

	(void)state;
	assert_true(ldif_entries(
	    view_str("dn: CN=T\ncn: T\nflags: 0\npKIExpirationPeriod:: AEA5hy7h/v8=\n"), &es,
	    &err));
	t = decoded(&es.list[0]);
	assert_int_equal(t.schema_version, 1);
	assert_int_equal(t.max_depth, -1);
	assert_int_equal(t.overlap, 0);
	assert_int_equal(t.private_key_flag, 0);
	assert_null(t.oid);
	assert_false(t.has_sd);
	tmpl_free(&t);
	dir_entries_free(&es);
}

static void
flags_may_be_written_signed_or_unsigned(void **state)
{
	struct tmpl a = template_with("msPKI-Certificate-Name-Flag: -2113929216\n");
	struct tmpl b = template_with("msPKI-Certificate-Name-Flag: 2181038080\n");

	(void)state;
	assert_int_equal(a.name_flag, 0x82000000u);
	assert_int_equal(b.name_flag, 0x82000000u);
	tmpl_free(&a);
	tmpl_free(&b);
}

static void
key_usage_may_lack_its_second_byte(void **state)
{
	struct tmpl t = template_with("pKIKeyUsage:: oA==\n");

	(void)state;
	assert_int_equal(t.key_usage[0], 0xa0);
	assert_int_equal(t.key_usage[1], 0);
	tmpl_free(&t);
}

static void
version_4_reads_the_syntax_that_its_legacy_bit_names(void **state)
{
	struct dir_entries es = {0};
	struct err err;
	struct tmpl t;
	static const char head[] = "dn: CN=T\ncn: T\nflags: 0\nmsPKI-Template-Schema-Version: 4\n"
				   "pKIExpirationPeriod:: AEA5hy7h/v8=\n";
	static const char legacy[] =
	    "msPKI-Private-Key-Flag: 257\nmsPKI-RA-Application-Policies: 1.2.3\n"
	    "msPKI-RA-Application-Policies: 1.2.4\n";
	static const char cng[] =
	    "msPKI-Private-Key-Flag: 1\nmsPKI-RA-Application-Policies: "
	    "msPKI-RA-Application-Policies`PZPWSTR`1.2.3,1.2.4`msPKI-Symmetric-Algorithm`PZPWSTR`"
	    "AES`"
	    "msPKI-Symmetric-Key-Length`DWORD`256`msPKI-Key-Usage`DWORD`4294967295`\n";
	const char *const texts[] = {legacy, cng};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char *text = text_printf("%s%s", head, texts[i]);

		assert_non_null(text);
		assert_true(ldif_entries(view_str(text), &es, &err));
		t = decoded(&es.list[0]);
		assert_list("T", &t.ra_application_policies, "1.2.3 1.2.4");
		assert_true(tmpl_requires_key_archival(&t));
		assert_int_equal(t.symmetric_key_length, i == 0 ? 0 : 256);
		if (i == 1)
			assert_string_equal(t.symmetric_algorithm, "AES");
		tmpl_free(&t);
		dir_entries_free(&es);
		free(text);
	}
}

static void
version_1_never_archives_but_keeps_what_restricts(void **state)
{
	struct dir_entries es;
	struct err err;
	struct tmpl t;

	(void)state;
	assert_true(ldif_entries(
	    view_str(
		"dn: CN=T\ncn: T\nflags: 0\nmsPKI-Template-Schema-Version: 1\n"
		"pKIExpirationPeriod:: AEA5hy7h/v8=\nmsPKI-Private-Key-Flag: 17\n"
		"msPKI-Enrollment-Flag: 2\nmsPKI-RA-Signature: 1\nmsPKI-Certificate-Policy: 1.2.3\n"
		"msPKI-Certificate-Application-Policy: 1.2.3\n"),
	    &es, &err));
	t = decoded(&es.list[0]);
	assert_int_equal(t.private_key_flag, CT_FLAG_EXPORTABLE_KEY);
	assert_false(tmpl_requires_key_archival(&t));
	assert_int_equal(t.policies.count, 0);
	assert_int_equal(t.application_policies.count, 0);
	assert_true(tmpl_pends(&t));
	assert_int_equal(t.ra_signatures, 1);
	tmpl_free(&t);
	dir_entries_free(&es);
}

/* Each with the attribute that the sentence must name. */
static const struct {
	const char *more;
	const char *attribute;
} malformed[] = {
    {"flags: 1\n", "flags"}, /* a second value */
    {"revision: 101\n", "revision"},
    {"displayName: a\ndisplayName: b\n", "displayName"},
    {"displayName:: YQBi\n", "displayName"}, /* NUL */
    {"displayName:: /w==\n", "displayName"}, /* not UTF-8 */
    {"msPKI-Certificate-Name-Flag: 4294967296\n", "msPKI-Certificate-Name-Flag"},
    {"msPKI-Certificate-Name-Flag: -2147483649\n", "msPKI-Certificate-Name-Flag"},
    {"msPKI-Certificate-Name-Flag: 0x1\n", "msPKI-Certificate-Name-Flag"},
    {"msPKI-Enrollment-Flag: \n", "msPKI-Enrollment-Flag"},
    {"msPKI-Private-Key-Flag: 1 \n", "msPKI-Private-Key-Flag"},
    {"msPKI-Template-Minor-Revision: -1\n", "msPKI-Template-Minor-Revision"},
    {"msPKI-Minimal-Key-Size: -2048\n", "msPKI-Minimal-Key-Size"},
    {"msPKI-Minimal-Key-Size: 2147483648\n", "msPKI-Minimal-Key-Size"},
    {"msPKI-RA-Signature: -1\n", "msPKI-RA-Signature"},
    {"pKIMaxIssuingDepth: -2\n", "pKIMaxIssuingDepth"},
    {"pKIKeyUsage:: oAAA\n", "pKIKeyUsage"},
    {"pKIKeyUsage:\n", "pKIKeyUsage"},
    {"pKIKeyUsage:: oAE=\n", "pKIKeyUsage"},
    {"pKIOverlapPeriod:: AEA5hy7h/g==\n", "pKIOverlapPeriod"},
    {"pKIOverlapPeriod:: AEA5hy7h/n8=\n", "pKIOverlapPeriod"},
    {"msPKI-Cert-Template-OID: 1.2.03\n", "msPKI-Cert-Template-OID"},
    {"msPKI-Cert-Template-OID: 1\n", "msPKI-Cert-Template-OID"},
    {"msPKI-Cert-Template-OID: 3.1\n", "msPKI-Cert-Template-OID"},
    {"msPKI-Cert-Template-OID: 1.40\n", "msPKI-Cert-Template-OID"},
    {"msPKI-Cert-Template-OID: 1.2.\n", "msPKI-Cert-Template-OID"},
    {"msPKI-Cert-Template-OID: .1.2\n", "msPKI-Cert-Template-OID"},
    {"pKIExtendedKeyUsage: 1.2.3\npKIExtendedKeyUsage: 1.2.x\n", "pKIExtendedKeyUsage"},
    {"pKIExtendedKeyUsage: 1.2.3\npKIExtendedKeyUsage: 1.2.3\n", "pKIExtendedKeyUsage"},
    {"pKICriticalExtensions: keyUsage\n", "pKICriticalExtensions"},
    {"msPKI-RA-Application-Policies: a`b`c`\n", "msPKI-RA-Application-Policies"},
    {"nTSecurityDescriptor:: AQAEgA==\n", "nTSecurityDescriptor"},
};

static void
malformed_attributes_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(malformed); i++) {
		struct dir_entries es = entry_with(malformed[i].more);
		struct err err;
		struct tmpl t;

		if (tmpl_decode(&es.list[0], &t, &err))
			fail_msg("%s was read", malformed[i].more);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		if (strstr(err.msg, malformed[i].attribute) == NULL ||
		    strstr(err.msg, "CN=T,DC=example") == NULL)
			fail_msg("%s: %s", malformed[i].more, err.msg);
		assert_null(t.cn);
		dir_entries_free(&es);
	}
}

static void
required_attributes_and_known_versions_are_demanded(void **state)
{
	static const char *const bad[] = {
	    "dn: CN=T\nflags: 0\npKIExpirationPeriod:: AEA5hy7h/v8=\n",
	    "dn: CN=T\ncn: T\npKIExpirationPeriod:: AEA5hy7h/v8=\n",
	    "dn: CN=T\ncn: T\nflags: 0\n",
	    "dn: CN=T\ncn: T\nflags: 0\npKIExpirationPeriod:: //////////8=\n", /* 100 ns */
	    "dn: CN=T\ncn: T\nflags: 0\npKIExpirationPeriod:: "
	    "AEA5hy7h/v8=\nmsPKI-Template-Schema-Version: 0\n",
	    "dn: CN=T\ncn: T\nflags: 0\npKIExpirationPeriod:: "
	    "AEA5hy7h/v8=\nmsPKI-Template-Schema-Version: 5\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct dir_entries es;
		struct err err;
		struct tmpl t;

		assert_true(ldif_entries(view_str(bad[i]), &es, &err));
		if (tmpl_decode(&es.list[0], &t, &err))
			fail_msg("%s was read", bad[i]);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		dir_entries_free(&es);
	}
}

static void
malformed_triplets_are_refused(void **state)
{
	static const char *const bad[] = {"x", "msPKI-Hash-Algorithm",
	    "msPKI-Hash-Algorithm`PZPWSTR`SHA256", "msPKI-Hash-Algorithm`PZPWSTR`", "`", "```",
	    "msPKI-Hash-Algorithm`DWORD`1`",
	    "msPKI-Hash-Algorithm`PZPWSTR`A`msPKI-Hash-Algorithm`PZPWSTR`B`",
	    "msPKI-Nonsense`PZPWSTR`A`", "msPKI-Symmetric-Key-Length`DWORD`x`",
	    "msPKI-Symmetric-Key-Length`DWORD`-1`", "msPKI-Symmetric-Key-Length`DWORD`2147483648`",
	    "msPKI-Key-Usage`DWORD`4294967296`", "msPKI-RA-Application-Policies`PZPWSTR``",
	    "msPKI-RA-Application-Policies`PZPWSTR`1.2.3,`",
	    "msPKI-RA-Application-Policies`PZPWSTR`1.2.3,1.2.3`",
	    "msPKI-Hash-Algorithm`PZPWSTR`A`x"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *text = text_printf(
		    "dn: CN=T\ncn: T\nflags: 0\nmsPKI-Template-Schema-Version: 3\n"
		    "pKIExpirationPeriod:: AEA5hy7h/v8=\nmsPKI-RA-Application-Policies: %s\n",
		    bad[i]);
		struct dir_entries es;
		struct err err;
		struct tmpl t;

		assert_non_null(text);
		assert_true(ldif_entries(view_str(text), &es, &err));
		if (tmpl_decode(&es.list[0], &t, &err))
			fail_msg("%s was read", bad[i]);
		assert_non_null(strstr(err.msg, "msPKI-RA-Application-Policies"));
		dir_entries_free(&es);
		free(text);
	}
}

static void
add_descriptor(struct dir_entries *es, const char *sddl)
{
	struct err err;
	struct sd sd;

	assert_true(sd_from_sddl(sddl, NULL, &sd, &err));
	assert_true(dir_entry_add(&es->list[0], "nTSecurityDescriptor", buf_view(&sd.raw), &err));
	sd_free(&sd);
}

static void
enroll_right_comes_from_the_descriptor(void **state)
{
	static const struct {
		const char *sddl;
		bool allowed;
		const char *says;
	} rows[] = {
	    {"D:(OA;;CR;0e10c968-78fb-11d2-90d4-00c04f79dc55;;AU)", true, NULL},
	    {"D:(A;;LCRPLORC;;;AU)", false, "no ACE grants"},
	    {"D:", false, "no ACE grants"},
	    {"D:(D;;CR;;;AU)(A;;CR;;;AU)", false,
		"ACE 0 denies it: deny all extended rights to S-1-5-11 (Authenticated Users)"},
	    {"D:(0x30;;;;;;#00000000)(A;;CR;;;AU)", false, "unknown type"},
	    {NULL, false, "nTSecurityDescriptor"},
	};
	struct sid list[] = {SID_EVERYONE, SID_AUTHENTICATED_USERS};
	struct sids sids = {list, 2};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dir_entries es = entry_with("");
		struct err err;
		struct tmpl t;

		if (rows[i].sddl != NULL)
			add_descriptor(&es, rows[i].sddl);
		t = decoded(&es.list[0]);
		assert_int_equal(
		    tmpl_check_enroll(&t, &sids, "NWTRADERS\\user1", &err), rows[i].allowed);
		if (!rows[i].allowed) {
			assert_int_equal(err.code, CERTSRV_E_TEMPLATE_DENIED);
			assert_non_null(strstr(err.msg, "NWTRADERS\\user1"));
			if (strstr(err.msg, rows[i].says) == NULL)
				fail_msg("%s", err.msg);
		}
		tmpl_free(&t);
		dir_entries_free(&es);
	}
}

static void
read_right_comes_from_the_descriptor(void **state)
{
	static const struct {
		const char *sddl;
		bool allowed;
	} rows[] = {
	    {"D:(A;;LCRPLORC;;;AU)", true},
	    {"D:(A;;GR;;;AU)", true},
	    {"D:(A;;GA;;;WD)", true},
	    {"D:(A;;LCLORC;;;AU)", false},
	    {"D:(D;;RP;;;AU)(A;;LCRPLORC;;;WD)", false},
	    {"D:(A;IO;RP;;;AU)", false},
	    {"D:(OA;;CR;0e10c968-78fb-11d2-90d4-00c04f79dc55;;AU)", false},
	    {"D:", false},
	    {NULL, false},
	};
	struct sid list[] = {SID_EVERYONE, SID_AUTHENTICATED_USERS};
	struct sids sids = {list, 2};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dir_entries es = entry_with("");
		struct err err;
		struct tmpl t;

		if (rows[i].sddl != NULL)
			add_descriptor(&es, rows[i].sddl);
		t = decoded(&es.list[0]);
		assert_int_equal(
		    tmpl_check_read(&t, &sids, "NWTRADERS\\user1", &err), rows[i].allowed);
		if (!rows[i].allowed) {
			assert_int_equal(err.code, CERTSRV_E_TEMPLATE_DENIED);
			assert_non_null(strstr(err.msg, "may not read it"));
		}
		tmpl_free(&t);
		dir_entries_free(&es);
	}
}

static void
ldif_that_is_malformed_is_refused(void **state)
{
	static const char *const bad[] = {
	    "cn: x\n", "dn: CN=x\n: y\n", "dn: CN=x\ncn\n", "dn: CN=x\ncn:: !\n", "dn:: AA==\n"};
	struct dir_entries es;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(ldif_entries(view_str(bad[i]), &es, &err));
	assert_true(ldif_entries(view_str("# c\n folded\nversion: 1\n\ndn: CN=x\nsn: a\n "
					  "b\nuserCertificate;binary:: eA==\n\n\n"
					  "dn: CN=y"),
	    &es, &err));
	assert_int_equal(es.count, 2);
	assert_true(dir_entry_has_value_nocase(&es.list[0], "sn", "ab"));
	assert_true(dir_entry_has_value_nocase(&es.list[0], "userCertificate", "x"));
	assert_string_equal(es.list[1].dn, "CN=y");
	dir_entries_free(&es);
}

static int
load(void **state)
{
	struct err err;

	(void)state;
	return ldif_load(FIXTURES "/templates/default-templates-ws2003.ldif", &ws2003, &err) &&
		       ldif_load(
			   FIXTURES "/templates/default-templates-ws2008plus.ldif", &ws2008, &err)
		   ? 0
		   : -1;
}

static int
unload(void **state)
{
	(void)state;
	dir_entries_free(&ws2003);
	dir_entries_free(&ws2008);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_65_default_templates_decode),
	    cmocka_unit_test(default_templates_hold_what_the_specification_lists),
	    cmocka_unit_test(the_2003_key_recovery_agent_wants_a_signature),
	    cmocka_unit_test(version_3_properties_come_from_triplets),
	    cmocka_unit_test(absent_attributes_have_their_defaults),
	    cmocka_unit_test(flags_may_be_written_signed_or_unsigned),
	    cmocka_unit_test(key_usage_may_lack_its_second_byte),
	    cmocka_unit_test(version_4_reads_the_syntax_that_its_legacy_bit_names),
	    cmocka_unit_test(version_1_never_archives_but_keeps_what_restricts),
	    cmocka_unit_test(malformed_attributes_are_refused_by_name),
	    cmocka_unit_test(required_attributes_and_known_versions_are_demanded),
	    cmocka_unit_test(malformed_triplets_are_refused),
	    cmocka_unit_test(enroll_right_comes_from_the_descriptor),
	    cmocka_unit_test(read_right_comes_from_the_descriptor),
	    cmocka_unit_test(ldif_that_is_malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
