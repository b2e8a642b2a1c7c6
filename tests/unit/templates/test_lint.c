/*
 * Lint: a tree in which nothing is wrong gives no finding; each row changes one thing and names the
 * findings that must come of it, and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "escalation.h"
#include "lint.h"
#include "sd.h"
#include "tmpl.h"

#define PKS "CN=Public Key Services,CN=Services,CN=Configuration,DC=x"
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

#define ENROLL_GUID     "0e10c968-78fb-11d2-90d4-00c04f79dc55"
#define AUTOENROLL_GUID "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
#define KEY_FLAG        "bab04ac2-0435-4709-9307-28380e7c7001"
#define NAME_FLAG       "ea1dddc4-60ff-416e-8cc0-17cee534bce7"
#define DISPLAY_NAME    "bf967953-0de6-11d0-a285-00aa003049e2"
#define CA_CERTIFICATE  "bf967932-0de6-11d0-a285-00aa003049e2"
#define KRA_CLASS       "1562a632-44b9-4a7e-a2d3-e426c96a3acc"
/* Administrators have everything, Domain Users may enroll, everybody may read. */
#define ADMINS  "O:DAG:DAD:(A;;0xf01ff;;;DA)(A;;RPLCLORC;;;AU)"
#define PEOPLE  "(OA;;CR;" ENROLL_GUID ";;DU)"
#define SAFE_CA "O:BAG:BAD:(A;;0x1;;;DA)(A;;0x2;;;S-1-5-21-1-2-3-1200)(A;;0x200;;;AU)"

/* Good for the spelling of these entries; the product's is dir_dn_is_under. */
static bool
is_under(const char *dn, const char *base)
{
	size_t a = strlen(dn), b = strlen(base);

	return a >= b && strcmp(dn + a - b, base) == 0;
}

static struct sid domain;
static struct err err;

/* The parts of the tree that rows change, by the attribute's name. */
enum {
	TEMPLATE,
	ARCHIVING,
	KRA_TEMPLATE,
	SERVICE,
	KRA_CONTAINER,
	KRA_OBJECT,
	POLICY,
	NTAUTH,
	COUNT
};

static void
add(struct dir_entry *e, const char *attr, const char *value)
{
	assert_true(dir_entry_add(e, attr, view_str(value), &err));
}

static void
remove_attr(struct dir_entry *e, const char *attr)
{
	for (size_t i = 0; i < e->count; i++) {
		struct dir_attr *a = &e->attrs[i];

		if (strcmp(a->name, attr) != 0)
			continue;
		for (size_t k = 0; k < a->count; k++)
			buf_free(&a->values[k]);
		free(a->values);
		free(a->name);
		*a = e->attrs[--e->count];
		return;
	}
}

static void
add_sd(struct dir_entry *e, const char *attr, const char *sddl)
{
	struct buf raw = {0};
	struct sd sd;

	if (!sd_from_sddl(sddl, &domain, &sd, &err))
		fail_msg("%s: %s", sddl, err.msg);
	assert_true(sd_encode(&sd, &raw, &err));
	assert_true(dir_entry_add(e, attr, buf_view(&raw), &err));
	buf_free(&raw);
	sd_free(&sd);
}

static void
begin(struct dir_entry *e, const char *cn, const char *parent, const char *class)
{
	char dn[256];

	snprintf(dn, sizeof dn, "CN=%s%s%s,%s", cn, *parent != '\0' ? "," : "", parent, PKS);
	assert_true(dir_entry_init(e, dn, &err));
	add(e, "objectClass", class);
	add(e, "cn", cn);
}

static void
add_template(struct dir_entry *e, const char *cn, const char *eku)
{
	static const uint8_t year[] = {0x00, 0x40, 0x39, 0x87, 0x2e, 0xe1, 0xfe, 0xff};

	begin(e, cn, "CN=Certificate Templates", "pKICertificateTemplate");
	add(e, "flags", "131616");
	add(e, "msPKI-Template-Schema-Version", "2");
	add(e, "msPKI-Cert-Template-OID", "1.2.3.4");
	add(e, "msPKI-Certificate-Name-Flag", "33554432");
	add(e, "msPKI-Enrollment-Flag", "0");
	add(e, "msPKI-Private-Key-Flag", "0");
	add(e, "pKIExtendedKeyUsage", eku);
	assert_true(dir_entry_add(e, "pKIExpirationPeriod", view_of(year, sizeof year), &err));
	add_sd(e, "nTSecurityDescriptor", ADMINS PEOPLE);
}

static void
set(struct dir_entry *e, const char *attr, const char *value)
{
	remove_attr(e, attr);
	if (value == NULL)
		return;
	if (strncmp(value, "O:", 2) == 0)
		add_sd(e, attr, value);
	else
		add(e, attr, value);
}

static void
build(struct dir_entry list[COUNT])
{
	add_template(&list[TEMPLATE], "User", "1.3.6.1.5.5.7.3.2");
	add_template(&list[ARCHIVING], "Archive", "1.3.6.1.4.1.311.10.3.4");
	set(&list[ARCHIVING], "msPKI-Private-Key-Flag", "1");
	add_template(&list[KRA_TEMPLATE], "KRA", OID_KEY_RECOVERY_AGENT);
	set(&list[KRA_TEMPLATE], "msPKI-Enrollment-Flag", "2");
	begin(&list[SERVICE], "CA1", "CN=Enrollment Services", "pKIEnrollmentService");
	add(&list[SERVICE], "certificateTemplates", "User");
	add(&list[SERVICE], "certificateTemplates", "KRA");
	add(&list[SERVICE], "msPKI-Enrollment-Servers", "https://ca1.x:8443");
	add_sd(&list[SERVICE], "dircaCASecurity", SAFE_CA);
	add_sd(&list[SERVICE], "nTSecurityDescriptor", ADMINS);
	begin(&list[KRA_CONTAINER], "KRA", "", "container");
	add_sd(&list[KRA_CONTAINER], "nTSecurityDescriptor", ADMINS);
	begin(&list[KRA_OBJECT], "CA1", "CN=KRA", "msPKI-PrivateKeyRecoveryAgent");
	add_sd(&list[KRA_OBJECT], "nTSecurityDescriptor", ADMINS);
	begin(&list[POLICY], "1.ABC", "CN=OID", "msPKI-Enterprise-Oid");
	add(&list[POLICY], "msPKI-Cert-Template-OID", "1.2.3.9");
	begin(&list[NTAUTH], "NTAuthCertificates", "", "certificationAuthority");
	add_sd(&list[NTAUTH], "nTSecurityDescriptor", ADMINS);
}

struct change {
	int entry;
	const char *attr, *value; /* NULL: remove */
};

struct row {
	const char *name;
	struct change changes[3];
	const char *found; /* "RULE:level:who ..." in order; who is a SID or "-" */
};

#define DOMAIN_USERS "S-1-5-21-1-2-3-513"
#define SUBJECT      "msPKI-Certificate-Name-Flag"
#define SD           "nTSecurityDescriptor"
#define BY_REQUEST(entry)             \
	{                             \
		(entry), SUBJECT, "1" \
	}

static const struct row rows[] = {
    {"nothing is wrong", {{0}}, ""},
    {"ESC1", {BY_REQUEST(TEMPLATE)}, "ESC1:danger:" DOMAIN_USERS},
    {"ESC1 of a template that no CA issues",
	{BY_REQUEST(TEMPLATE), {SERVICE, "certificateTemplates", "KRA"}},
	"ESC1:warning:" DOMAIN_USERS},
    {"ESC1, smart card logon",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.4.1.311.20.2.2"}},
	"ESC1:danger:" DOMAIN_USERS},
    {"ESC1, by application policy",
	{BY_REQUEST(ARCHIVING),
	    {ARCHIVING, "msPKI-Certificate-Application-Policy", "1.3.6.1.5.2.3.4"}},
	"ESC1:warning:" DOMAIN_USERS},
    {"ESC1 for everybody",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, SD, ADMINS "(OA;;CR;" ENROLL_GUID ";;WD)"}},
	"ESC1:danger:S-1-1-0"},
    {"ESC1 by all extended rights", {BY_REQUEST(TEMPLATE), {TEMPLATE, SD, ADMINS "(A;;CR;;;AU)"}},
	"ESC1:danger:S-1-5-11"},
    {"approval: no ESC1", {BY_REQUEST(TEMPLATE), {TEMPLATE, "msPKI-Enrollment-Flag", "2"}}, ""},
    {"a signature: no ESC1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, "msPKI-RA-Signature", "1"},
	    {TEMPLATE, "msPKI-RA-Policies", "1.2.3"}},
	""},
    {"other purposes: no ESC1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.3"}}, ""},
    {"SRV1", {BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.1"}},
	"SRV1:danger:" DOMAIN_USERS},
    {"SRV1, any purpose", {BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", NULL}},
	"ESC1:danger:" DOMAIN_USERS " SRV1:danger:" DOMAIN_USERS},
    {"the name is the directory's: no SRV1",
	{{TEMPLATE, SUBJECT, "134217728"}, {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.1"}},
	""},
    {"approval: no SRV1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.1"},
	    {TEMPLATE, "msPKI-Enrollment-Flag", "2"}},
	""},
    {"only administrators enroll: no SRV1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.1"},
	    {TEMPLATE, SD, ADMINS "(OA;;CR;" ENROLL_GUID ";;DA)"}},
	""},
    {"only administrators enroll: no ESC1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, SD, ADMINS "(OA;;CR;" ENROLL_GUID ";;DA)"}}, ""},
    {"the people are denied: no ESC1",
	{BY_REQUEST(TEMPLATE), {TEMPLATE, SD, "O:DAG:DAD:(OD;;CR;" ENROLL_GUID ";;DU)" PEOPLE}},
	""},
    {"another extended right: no ESC1",
	{BY_REQUEST(TEMPLATE),
	    {TEMPLATE, SD, "O:DAG:DAD:(OA;;CR;a05b8cc2-17bc-4802-a710-e7c15ab866a2;;DU)"}},
	""},
    {"ESC2, any purpose", {{TEMPLATE, "pKIExtendedKeyUsage", OID_ANY_PURPOSE}},
	"ESC2:danger:" DOMAIN_USERS},
    {"ESC2, no purpose", {{TEMPLATE, "pKIExtendedKeyUsage", NULL}}, "ESC2:danger:" DOMAIN_USERS},
    {"ESC2, a CA", {{TEMPLATE, "flags", "128"}, {TEMPLATE, "pKIExtendedKeyUsage", "1.2.3"}},
	"ESC2:danger:" DOMAIN_USERS},
    {"ESC3", {{TEMPLATE, "pKIExtendedKeyUsage", OID_CERTIFICATE_REQUEST_AGENT}},
	"ESC3:danger:" DOMAIN_USERS},
    {"ESC4, write everything", {{TEMPLATE, SD, ADMINS "(A;;WP;;;DU)"}},
	"ESC4:danger:" DOMAIN_USERS},
    {"ESC4, the DACL", {{TEMPLATE, SD, ADMINS "(A;;WD;;;DU)"}}, "ESC4:danger:" DOMAIN_USERS},
    {"ESC4, the owner", {{TEMPLATE, SD, "O:DUG:DAD:(A;;RP;;;AU)"}}, "ESC4:danger:" DOMAIN_USERS},
    {"ESC4, no DACL", {{TEMPLATE, SD, "O:DAG:DA"}}, "ESC4:danger:S-1-1-0"},
    {"ESC4, one attribute", {{TEMPLATE, SD, ADMINS "(OA;;WP;" NAME_FLAG ";;DU)"}},
	"ESC4:danger:" DOMAIN_USERS},
    {"ESC4 beside a denial for another attribute",
	{{TEMPLATE, SD, "O:DAG:DAD:(OD;;WP;" DISPLAY_NAME ";;WD)(A;;WP;;;DU)"}},
	"ESC4:danger:" DOMAIN_USERS},
    {"one attribute that is denied: no ESC4",
	{{TEMPLATE, SD, "O:DAG:DAD:(OD;;WP;" NAME_FLAG ";;DU)(OA;;WP;" NAME_FLAG ";;DU)"}}, ""},
    {"Enroll as real templates have it: no ESC4",
	{{TEMPLATE, SD, ADMINS "(OA;;RPWPCR;" ENROLL_GUID ";;DU)"}}, ""},
    {"UNSEEN", {{TEMPLATE, SD, NULL}}, "UNSEEN:warning:-"},
    {"inherit only: no ESC4", {{TEMPLATE, SD, ADMINS "(A;CIIO;WP;;;DU)"}}, ""},
    {"ESC5", {{NTAUTH, SD, ADMINS "(A;;WP;;;S-1-5-21-1-2-3-1300)"}},
	"ESC5:danger:S-1-5-21-1-2-3-1300"},
    {"ESC5, one attribute", {{NTAUTH, SD, ADMINS "(OA;;WP;" CA_CERTIFICATE ";;DU)"}},
	"ESC5:danger:" DOMAIN_USERS},
    {"ESC7", {{SERVICE, "dircaCASecurity", "O:BAG:BAD:(A;;0x2;;;AU)(A;;0x1;;;DA)"}},
	"ESC7:danger:S-1-5-11"},
    {"ESC8", {{SERVICE, "msPKI-Enrollment-Servers", "1\n4\n0\nhttp://ca1.x/ces\n0"}},
	"ESC8:danger:-"},
    {"ESC9", {{TEMPLATE, "msPKI-Enrollment-Flag", "524288"}}, "ESC9:danger:" DOMAIN_USERS},
    {"ESC9 needs logon", {{ARCHIVING, "msPKI-Enrollment-Flag", "524288"}}, ""},
    {"ESC13",
	{{TEMPLATE, "msPKI-Certificate-Policy", "1.2.3.9"},
	    {POLICY, "msDS-OIDToGroupLink", "CN=Admins,DC=x"}},
	"ESC13:danger:" DOMAIN_USERS},
    {"ESC13, an object that cannot be read",
	{{TEMPLATE, "msPKI-Certificate-Policy", "1.2.3.9"}, {POLICY, "flags", "many"}},
	"ESC13:danger:" DOMAIN_USERS},
    {"no link: no ESC13", {{TEMPLATE, "msPKI-Certificate-Policy", "1.2.3.9"}}, ""},
    {"ESC15",
	{{TEMPLATE, "msPKI-Template-Schema-Version", "1"}, BY_REQUEST(TEMPLATE),
	    {TEMPLATE, "pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.1"}},
	"ESC15:danger:" DOMAIN_USERS " SRV1:danger:" DOMAIN_USERS},
    {"ARC1, container", {{KRA_CONTAINER, SD, ADMINS "(A;;CC;;;DU)"}}, "ARC1:danger:" DOMAIN_USERS},
    {"ARC1, one class", {{KRA_CONTAINER, SD, ADMINS "(OA;;CC;" KRA_CLASS ";;DU)"}},
	"ARC1:danger:" DOMAIN_USERS},
    {"ARC1, object", {{KRA_OBJECT, SD, ADMINS "(A;;WP;;;DU)"}}, "ARC1:danger:" DOMAIN_USERS},
    {"ARC2", {{ARCHIVING, SD, ADMINS "(OA;;WP;" KEY_FLAG ";;DU)"}},
	"ESC4:warning:" DOMAIN_USERS " ARC2:warning:" DOMAIN_USERS},
    {"a denial before: no ARC2",
	{{ARCHIVING, SD, "O:DAG:DAD:(OD;;WP;" KEY_FLAG ";;DU)(OA;;WP;" KEY_FLAG ";;DU)"}}, ""},
    {"ARC3, one attribute", {{SERVICE, SD, ADMINS "(OA;;WP;" CA_CERTIFICATE ";;DU)"}},
	"ARC3:danger:" DOMAIN_USERS},
    {"ARC3", {{SERVICE, SD, ADMINS "(A;;WP;;;DU)"}}, "ARC3:danger:" DOMAIN_USERS},
    {"ARC4", {{KRA_TEMPLATE, "msPKI-Enrollment-Flag", "0"}}, "ARC4:danger:" DOMAIN_USERS},
    {"ARC7",
	{{KRA_TEMPLATE, "msPKI-Enrollment-Flag", "34"},
	    {KRA_TEMPLATE, SD, ADMINS PEOPLE "(OA;;CR;" AUTOENROLL_GUID ";;DU)"}},
	"ARC7:warning:" DOMAIN_USERS},
    {"ARC7 by all extended rights",
	{{KRA_TEMPLATE, "msPKI-Enrollment-Flag", "34"}, {KRA_TEMPLATE, SD, ADMINS "(A;;CR;;;DU)"}},
	"ARC7:warning:" DOMAIN_USERS},
    {"the flag alone: no ARC7", {{KRA_TEMPLATE, "msPKI-Enrollment-Flag", "34"}}, ""},
    {"the right alone: no ARC7",
	{{KRA_TEMPLATE, SD, ADMINS PEOPLE "(OA;;CR;" AUTOENROLL_GUID ";;DU)"}}, ""},
    {"nobody may enroll: no ARC7",
	{{KRA_TEMPLATE, "msPKI-Enrollment-Flag", "34"},
	    {KRA_TEMPLATE, SD, ADMINS "(OA;;CR;" AUTOENROLL_GUID ";;DU)"}},
	""},
    {"another purpose: no ARC7",
	{{TEMPLATE, "msPKI-Enrollment-Flag", "34"},
	    {TEMPLATE, SD, ADMINS PEOPLE "(OA;;CR;" AUTOENROLL_GUID ";;DU)"}},
	""},
    {"REFUSED, attestation", {{TEMPLATE, "msPKI-Private-Key-Flag", "8192"}}, "REFUSED:warning:-"},
    {"REFUSED, no CA issues it", {{ARCHIVING, "msPKI-Cert-Template-OID", NULL}}, "REFUSED:note:-"},
    {"REFUSED, anybody's signature", {{TEMPLATE, "msPKI-RA-Signature", "1"}}, "REFUSED:warning:-"},
    {"REFUSED, archival of a signature key", {{ARCHIVING, "pKIDefaultKeySpec", "2"}},
	"REFUSED:note:-"},
    {"SUPERSEDE, unknown", {{TEMPLATE, "msPKI-Supersede-Templates", "Gone"}}, "SUPERSEDE:note:-"},
    {"SUPERSEDE, a cycle",
	{{TEMPLATE, "msPKI-Supersede-Templates", "Archive"},
	    {ARCHIVING, "msPKI-Supersede-Templates", "User"}},
	"SUPERSEDE:note:- SUPERSEDE:note:-"},
    {"no cycle: no SUPERSEDE", {{TEMPLATE, "msPKI-Supersede-Templates", "Archive"}}, ""},
    {"a template that does not decode", {{TEMPLATE, "flags", "many"}}, "DECODE:warning:-"},
    {"rights that do not decode", {{SERVICE, "dircaCASecurity", "x"}},
	"ESC7:danger:- ARC5:danger:-"},
};

static void
run(const struct lint_input *in, char *out, size_t size)
{
	struct lint_findings found;
	size_t used = 0;

	assert_true(lint_run(in, &found, &err));
	*out = '\0';
	for (size_t i = 0; i < found.count; i++) {
		const struct lint_finding *f = &found.list[i];
		char sid[SID_TEXT_MAX] = "-";

		if (f->trustees.count > 0)
			sid_to_text(&f->trustees.list[0], sid);
		assert_true(f->trustees.count < 2);
		used += (size_t)snprintf(out + used, size - used, "%s%s:%s:%s", i > 0 ? " " : "",
		    f->rule->id, lint_level_name(f->level), sid);
	}
	lint_findings_free(&found);
}

static void
each_change_has_its_findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dir_entry list[COUNT];
		const struct dir_entries tree = {list, COUNT};
		const struct lint_input in = {
		    .tree = &tree, .services_dn = PKS, .is_under = is_under, .now = NOW};
		char found[512];

		build(list);
		for (size_t k = 0; k < 3 && rows[i].changes[k].attr != NULL; k++)
			set(&list[rows[i].changes[k].entry], rows[i].changes[k].attr,
			    rows[i].changes[k].value);
		run(&in, found, sizeof found);
		if (strcmp(found, rows[i].found) != 0)
			fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].name, rows[i].found,
			    found);
		for (size_t k = 0; k < COUNT; k++)
			dir_entry_free(&list[k]);
	}
}

static void
trusted_people_are_no_finding(void **state)
{
	struct dir_entry list[COUNT];
	const struct dir_entries tree = {list, COUNT};
	struct sid who;
	const struct sids trusted = {&who, 1};
	struct lint_input in = {
	    .tree = &tree, .services_dn = PKS, .is_under = is_under, .now = NOW};
	char found[512];

	(void)state;
	build(list);
	assert_true(sid_from_text("S-1-5-21-1-2-3-1300", &who));
	set(&list[KRA_CONTAINER], SD, ADMINS "(A;;WP;;;S-1-5-21-1-2-3-1300)");
	run(&in, found, sizeof found);
	assert_string_equal(found, "ARC1:danger:S-1-5-21-1-2-3-1300");
	in.trusted = &trusted;
	run(&in, found, sizeof found);
	assert_string_equal(found, "");
	for (size_t k = 0; k < COUNT; k++)
		dir_entry_free(&list[k]);
}

static void
key_recovery_agents_and_mappings(void **state)
{
	struct dir_entry list[COUNT], person;
	const struct dir_entries tree = {list, COUNT}, mapped = {&person, 1};
	struct sid officer[2];
	const struct sids sids = {officer, 2}, other = {officer + 1, 1};
	struct lint_kra kra = {.object = "CN=CA1,CN=KRA",
	    .subject = "CN=kra1",
	    .not_after = NOW + 61 * DAY,
	    .sids = &other,
	    .hash = "a1"};
	struct lint_input in = {.tree = &tree,
	    .services_dn = PKS,
	    .is_under = is_under,
	    .now = NOW,
	    .kras = &kra,
	    .kra_count = 1,
	    .mapped = &mapped};
	char found[512];

	(void)state;
	build(list);
	assert_true(sid_from_text("S-1-5-21-1-2-3-1200", &officer[0]));
	assert_true(sid_from_text("S-1-5-21-1-2-3-1100", &officer[1]));
	assert_true(dir_entry_init(&person, "CN=user1,DC=x", &err));
	add(&person, "altSecurityIdentities", "X509:<I>DC=x,CN=CA1<SR>01");
	add(&person, "altSecurityIdentities", "X509:<SKI>0102");
	add(&person, "altSecurityIdentities", "Kerberos:user1@X");
	run(&in, found, sizeof found);
	assert_string_equal(found, "");
	add(&person, "altSecurityIdentities", "X509:<RFC822>user1@x");
	kra.sids = &sids;
	kra.not_after = NOW + 59 * DAY;
	run(&in, found, sizeof found);
	assert_string_equal(found, "ESC14:warning:- ARC5:warning:- ARC6:warning:-");
	kra.sids = NULL;
	kra.not_after = NOW - 1;
	run(&in, found, sizeof found);
	assert_string_equal(found, "ESC14:warning:- ARC6:danger:-");
	kra.not_after = NOW + 61 * DAY;
	kra.unfit = "it has no key usage extension";
	run(&in, found, sizeof found);
	assert_string_equal(found, "ESC14:warning:- ARC8:warning:-");
	kra.unfit = NULL;
	kra.newer = "a2";
	run(&in, found, sizeof found);
	assert_string_equal(found, "ESC14:warning:- ARC9:warning:-");
	kra.newer = NULL;
	run(&in, found, sizeof found);
	assert_string_equal(found, "ESC14:warning:-");
	for (size_t k = 0; k < COUNT; k++)
		dir_entry_free(&list[k]);
	dir_entry_free(&person);
}

/* A name that holds the tags of a strong mapping; bytes that are no text, which JSON could not
 * hold.
 */
static void
mappings_that_pretend(void **state)
{
	static const char *const weak[] = {"X509:<I>CN=CA1<S>CN=<SR>01", "X509:<S>CN=<SKI>01",
	    "x509:<s>CN=u<SHA1-PUKEY>", "X509:<S>CN=\xff\x1b[2J"};
	static const char *const strong[] = {
	    "X509:<i>CN=CA1<sr>01", "X509:<ski>01", "X509:<SHA1-PUKEY>01", "X50"};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct dir_entry person;
		const struct dir_entries tree = {0}, mapped = {&person, 1};
		const struct lint_input in = {.tree = &tree,
		    .services_dn = PKS,
		    .is_under = is_under,
		    .now = NOW,
		    .mapped = &mapped};
		struct lint_findings found;

		assert_true(dir_entry_init(&person, "CN=user1,DC=x", &err));
		add(&person, "altSecurityIdentities", i < 4 ? weak[i] : strong[i - 4]);
		assert_true(lint_run(&in, &found, &err));
		assert_int_equal(found.count, i < 4);
		if (i == 3)
			assert_non_null(strstr(found.list[0].detail, "X509:<S>CN=\\xff\\u001b[2J"));
		lint_findings_free(&found);
		dir_entry_free(&person);
	}
}

/* What the CA refuses is what the rule ESC1 finds. */
static void
what_is_certain(void **state)
{
	static const struct {
		const char *attr, *value;
		bool certain;
	} cases[] = {
	    {SUBJECT, "1", true},
	    {"msPKI-Enrollment-Flag", "2", false},
	    {"msPKI-Enrollment-Flag", "0", true},
	    {"msPKI-RA-Signature", "1", false},
	    {"msPKI-RA-Signature", NULL, true},
	    {"flags", "128", false},
	    {"flags", "0", true},
	    {"pKIExtendedKeyUsage", "1.3.6.1.5.5.7.3.4", false},
	    {"msPKI-Certificate-Application-Policy", "1.3.6.1.5.5.7.3.2", true},
	};
	struct dir_entry e;
	struct tmpl t;

	(void)state;
	add_template(&e, "T", "1.3.6.1.5.5.7.3.2");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set(&e, cases[i].attr, cases[i].value);
		assert_true(tmpl_decode(&e, &t, &err));
		if (tmpl_is_certain_escalation(&t) != cases[i].certain)
			fail_msg("case %zu", i);
		tmpl_free(&t);
	}
	dir_entry_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_change_has_its_findings),
	    cmocka_unit_test(trusted_people_are_no_finding),
	    cmocka_unit_test(key_recovery_agents_and_mappings),
	    cmocka_unit_test(mappings_that_pretend),
	    cmocka_unit_test(what_is_certain),
	};

	assert_true(sid_from_text("S-1-5-21-1-2-3", &domain));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
