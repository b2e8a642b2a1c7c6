#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "issue.h"
#include "ldif.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY      86400
#define YEAR     (365 * (int64_t)DAY)
#define NOW      INT64_C(1800000000)
#define SKEW     600

static struct dir_entries ws2003, ws2008;

/* Everything a request may be about: a template of version 2 that archives nothing, a user who has
 * every name. */
struct scene {
	struct tmpl t;
	struct principal who;
	struct issue_request request;
	struct issue_limits limits;
};

static char template_cn[] = "T", template_oid[] = "1.2.3.4";
static char eku_oids[][24] = {"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2"};
static char *eku_list[] = {eku_oids[0], eku_oids[1]};
static char policy_oid[] = "1.2.3.5";
static char *policy_list[] = {policy_oid};
static char user_dn[] = "CN=user\\,DC=evil,CN=Users,DC=corp,DC=nwtraders,DC=com";
static char user_cn[] = "user1", user_downlevel[] = "NWTRADERS\\user1",
	    user_upn[] = "user1@nwtraders.com";
static char user_mail[] = "user1@mail.example", *user_mails[] = {user_mail},
	    user_dns[] = "host1.nwtraders.com", user_domain[] = "NWTRADERS";

static struct scene
scene(void)
{
	struct scene s = {
	    .t = {.cn = template_cn,
		.oid = template_oid,
		.schema_version = 2,
		.major = 100,
		.minor = 5,
		.max_depth = -1,
		.min_key_size = 2048,
		.key_usage = {0xa0, 0},
		.validity = YEAR,
		.overlap = 42 * DAY,
		.name_flag = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME,
		.eku = {eku_list, 2}},
	    .who = {.dn = user_dn,
		.cn = user_cn,
		.downlevel = user_downlevel,
		.upn = user_upn,
		.mails = {user_mails, 1},
		.dns_name = user_dns,
		.domain = user_domain,
		.has_guid = true,
		.guid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.has_sid = true},
	    .request = {.key_algorithm = "RSA", .key_bits = 2048},
	    .limits = {.now = NOW, .clock_skew = SKEW, .ca_not_after = NOW + 10 * YEAR},
	};

	assert_true(sid_from_text("S-1-5-21-1-2-3-1105", &s.who.sid));
	return s;
}

static struct issue_plan
plan_of(const struct scene *s)
{
	struct issue_plan plan;
	struct err err;

	if (!issue_plan_make(&s->t, &s->who, &s->request, &s->limits, &plan, &err))
		fail_msg("%s", err.msg);
	return plan;
}

static enum err_code
refusal_of(const struct scene *s)
{
	struct issue_plan plan;
	struct err err;

	if (issue_plan_make(&s->t, &s->who, &s->request, &s->limits, &plan, &err)) {
		issue_plan_free(&plan);
		return ERR_OK;
	}
	assert_null(plan.sans);
	assert_null(plan.subject_cn);
	return err.code;
}

static void
assert_text(const char *rule, const char *got, const char *expected)
{
	if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
		fail_msg("%s: \"%s\" instead of \"%s\"", rule, got != NULL ? got : "-",
		    expected != NULL ? expected : "-");
}

#define CN      CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME
#define DNSCN   CT_FLAG_SUBJECT_REQUIRE_DNS_AS_CN
#define PATH    CT_FLAG_SUBJECT_REQUIRE_DIRECTORY_PATH
#define MAIL    CT_FLAG_SUBJECT_REQUIRE_EMAIL
#define A_UPN   CT_FLAG_SUBJECT_ALT_REQUIRE_UPN
#define A_SPN   CT_FLAG_SUBJECT_ALT_REQUIRE_SPN
#define A_MAIL  CT_FLAG_SUBJECT_ALT_REQUIRE_EMAIL
#define A_DNS   CT_FLAG_SUBJECT_ALT_REQUIRE_DNS
#define A_GUID  CT_FLAG_SUBJECT_ALT_REQUIRE_DIRECTORY_GUID
#define A_DOM   CT_FLAG_SUBJECT_ALT_REQUIRE_DOMAIN_DNS
#define OWN_SAN CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME
#define OLD     CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME

/* `sans`: "U:", "E:", "D:", "G" in order, blanks between. */
static const struct {
	const char *rule;
	uint32_t name_flag;
	bool machine;
	const char *dn, *cn, *email, *sans;
} name_rows[] = {
    {"CN of a user", CN, false, NULL, user_cn, NULL, ""},
    {"CN of a machine", CN, true, NULL, user_dns, NULL, ""},
    {"DNS as CN of a user is the cn", DNSCN, false, NULL, user_cn, NULL, ""},
    {"DNS as CN of a machine", DNSCN, true, NULL, user_dns, NULL, ""},
    {"directory path", PATH, false, user_dn, NULL, NULL, ""},
    {"directory path before CN", PATH | CN, false, user_dn, NULL, NULL, ""},
    {"e-mail beside CN", CN | MAIL, false, NULL, user_cn, user_mail, ""},
    {"e-mail beside path", PATH | MAIL, false, user_dn, NULL, user_mail, ""},
    {"e-mail alone", MAIL, false, NULL, NULL, user_mail, ""},
    {"alternative name alone", A_UPN, false, NULL, NULL, NULL, "U:user1@nwtraders.com"},
    {"UPN", CN | A_UPN, false, NULL, user_cn, NULL, "U:user1@nwtraders.com"},
    {"SPN adds the UPN", CN | A_SPN, false, NULL, user_cn, NULL, "U:user1@nwtraders.com"},
    {"UPN and SPN add it once", CN | A_UPN | A_SPN, false, NULL, user_cn, NULL,
	"U:user1@nwtraders.com"},
    {"e-mail", CN | A_MAIL, false, NULL, user_cn, NULL, "E:user1@mail.example"},
    {"DNS", CN | A_DNS, true, NULL, user_dns, NULL, "D:host1.nwtraders.com"},
    {"GUID", CN | A_GUID, false, NULL, user_cn, NULL, "G"},
    {"domain", CN | A_DOM, false, NULL, user_cn, NULL, "D:corp.nwtraders.com D:NWTRADERS"},
    {"all", PATH | MAIL | A_UPN | A_MAIL | A_GUID | A_DOM | A_DNS, true, user_dn, NULL, user_mail,
	"U:user1@nwtraders.com E:user1@mail.example G D:corp.nwtraders.com D:NWTRADERS "
	"D:host1.nwtraders.com"},
    {"the requester's own SAN is ignored", CN | OWN_SAN, false, NULL, user_cn, NULL, ""},
    {"the old certificate is the client's matter", CN | OLD, false, NULL, user_cn, NULL, ""},
};

static void
sans_as_text(const struct issue_plan *p, char *out, size_t size)
{
	static const char letters[] = {
	    [ISSUE_SAN_UPN] = 'U', [ISSUE_SAN_EMAIL] = 'E', [ISSUE_SAN_DNS] = 'D'};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->san_count; i++) {
		const char *gap = i > 0 ? " " : "";

		if (p->sans[i].kind == ISSUE_SAN_GUID)
			used += (size_t)snprintf(out + used, size - used, "%sG", gap);
		else
			used += (size_t)snprintf(out + used, size - used, "%s%c:%s", gap,
			    letters[p->sans[i].kind], p->sans[i].text);
	}
}

static void
names_come_from_the_directory_by_flag(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(name_rows); i++) {
		struct scene s = scene();
		struct issue_plan p;
		char sans[256];

		s.t.name_flag = name_rows[i].name_flag;
		s.who.is_machine = name_rows[i].machine;
		/* What the request says about names is ignored. */
		s.request.has_subject = true;
		s.request.subject = view_str("subject");
		s.request.subject_alt_name = view_str("san");
		s.request.sid_extension = view_str("sid");
		p = plan_of(&s);
		assert_false(p.subject_from_request);
		assert_false(p.san_from_request);
		assert_false(p.sid_from_request);
		assert_text(name_rows[i].rule, p.subject_dn, name_rows[i].dn);
		assert_text(name_rows[i].rule, p.subject_cn, name_rows[i].cn);
		assert_text(name_rows[i].rule, p.subject_email, name_rows[i].email);
		sans_as_text(&p, sans, sizeof sans);
		assert_text(name_rows[i].rule, sans, name_rows[i].sans);
		assert_text(name_rows[i].rule, p.sid, "S-1-5-21-1-2-3-1105");
		issue_plan_free(&p);
	}
}

enum lack { LACK_CN, LACK_UPN, LACK_MAIL, LACK_DNS, LACK_GUID, LACK_DCS };

static const struct {
	const char *rule;
	enum lack lack;
	uint32_t name_flag;
	bool machine;
	enum err_code code;
} lack_rows[] = {
    {"CN of a user", LACK_CN, CN, false, CERTSRV_E_BAD_REQUESTSUBJECT},
    {"CN of a machine", LACK_DNS, CN, true, CERTSRV_E_SUBJECT_DNS_REQUIRED},
    {"UPN", LACK_UPN, CN | A_UPN, false, CERTSRV_E_SUBJECT_UPN_REQUIRED},
    {"SPN", LACK_UPN, CN | A_SPN, false, CERTSRV_E_SUBJECT_UPN_REQUIRED},
    {"e-mail in the subject", LACK_MAIL, CN | MAIL, false, CERTSRV_E_SUBJECT_EMAIL_REQUIRED},
    {"e-mail beside it", LACK_MAIL, CN | A_MAIL, false, CERTSRV_E_SUBJECT_EMAIL_REQUIRED},
    {"DNS", LACK_DNS, CN | A_DNS, false, CERTSRV_E_SUBJECT_DNS_REQUIRED},
    {"GUID", LACK_GUID, CN | A_GUID, false, CERTSRV_E_SUBJECT_DIRECTORY_GUID_REQUIRED},
    {"domain", LACK_DCS, CN | A_DOM, false, CERTSRV_E_SUBJECT_DNS_REQUIRED},
    /* and nothing that is not asked for */
    {"no UPN asked", LACK_UPN, CN, false, ERR_OK},
    {"no e-mail asked", LACK_MAIL, CN | A_UPN, false, ERR_OK},
    {"no DNS asked", LACK_DNS, CN | A_UPN, false, ERR_OK},
    {"no GUID asked", LACK_GUID, CN, false, ERR_OK},
    {"no cn asked", LACK_CN, PATH, false, ERR_OK},
};

static void
a_name_that_is_missing_refuses_the_request(void **state)
{
	static char empty[] = "", elsewhere[] = "CN=user1,O=nwtraders";

	(void)state;
	for (size_t i = 0; i < COUNT(lack_rows); i++)
		for (int how = 0; how < 2; how++) {
			struct scene s = scene();
			char *nothing = how == 0 ? NULL : empty;

			s.t.name_flag = lack_rows[i].name_flag;
			s.who.is_machine = lack_rows[i].machine;
			switch (lack_rows[i].lack) {
			case LACK_CN:
				s.who.cn = nothing;
				break;
			case LACK_UPN:
				s.who.upn = nothing;
				break;
			case LACK_MAIL:
				s.who.mails =
				    how == 0 ? (struct texts){0} : (struct texts){&nothing, 1};
				break;
			case LACK_DNS:
				s.who.dns_name = nothing;
				break;
			case LACK_GUID:
				s.who.has_guid = false;
				break;
			case LACK_DCS:
				s.who.dn = elsewhere;
				break;
			}
			if (refusal_of(&s) != lack_rows[i].code)
				fail_msg("%s: %s", lack_rows[i].rule, err_name(refusal_of(&s)));
		}
}

static void
names_that_are_no_mailbox_or_host_are_refused(void **state)
{
	static char bad[][16] = {
	    "us\303\274r@x", "a b@x", "a\nb", "a@x;b@x", "n/a", "a..b", "a@b..c", "-", "@"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct scene s = scene();

		s.t.name_flag = CN | A_MAIL;
		s.who.mails = (struct texts){&(char *){bad[i]}, 1};
		assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_EMAIL_REQUIRED);
		s.t.name_flag = CN | A_DNS;
		s.who.dns_name = bad[i];
		assert_int_equal(refusal_of(&s), i < 3 ? CERTSRV_E_SUBJECT_DNS_REQUIRED : ERR_OK);
	}
}

/* RFC 5280 7.2, 7.5: hosts as A-labels; what comes before the "@" has no other spelling. */
static void
hosts_of_other_scripts_are_certified_by_their_a_labels(void **state)
{
	static char host[] = "anna@M\u00fcller.example", local[] = "\u00e4nna@x.example",
		    wide[] = "anna@x.exampl\uff45", dns[] = "pc1.m\u00fcller.example";
	char *mail[] = {host}, sans[256];
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.who.mails = (struct texts){mail, 1};
	s.who.dns_name = dns;
	s.t.name_flag = CN | MAIL | A_MAIL | A_DNS;
	p = plan_of(&s);
	assert_string_equal(p.subject_email, "anna@xn--mller-kva.example");
	sans_as_text(&p, sans, sizeof sans);
	assert_string_equal(sans, "E:anna@xn--mller-kva.example D:pc1.xn--mller-kva.example");
	issue_plan_free(&p);
	mail[0] = local;
	assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_EMAIL_REQUIRED);
	mail[0] = wide; /* is not x.example */
	assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_EMAIL_REQUIRED);
}

/* All of them beside the subject, the first in it. */
static void
several_mail_addresses_are_all_certified(void **state)
{
	static char one[] = "a@x.example", two[] = "b@x.example", wrong[] = "n/a";
	char *list[] = {one, two, wrong}, sans[256];
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.who.mails = (struct texts){list, 2};
	s.t.name_flag = CN | MAIL | A_MAIL;
	p = plan_of(&s);
	assert_string_equal(p.subject_email, one);
	sans_as_text(&p, sans, sizeof sans);
	assert_string_equal(sans, "E:a@x.example E:b@x.example");
	issue_plan_free(&p);
	s.who.mails.count = 3;
	assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_EMAIL_REQUIRED);
	s.t.name_flag = CN | MAIL; /* which is not used is not minded */
	assert_int_equal(refusal_of(&s), ERR_OK);
}

static void
the_domain_is_the_end_of_the_dn_only(void **state)
{
	static const struct {
		char dn[64];
		const char *sans;
	} rows[] = {
	    {"CN=a,dc=x,dc=y", "D:x.y D:NWTRADERS"},
	    {"CN=a,DC=x,OU=b,DC=y", "D:y D:NWTRADERS"},
	    {"CN=a\\,DC=x,DC=y", "D:y D:NWTRADERS"},
	    {"CN=a\\\\,DC=x,DC=y", "D:x.y D:NWTRADERS"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();
		struct issue_plan p;
		char dn[64], sans[128];

		memcpy(dn, rows[i].dn, sizeof dn);
		s.who.dn = dn;
		s.t.name_flag = A_DOM;
		p = plan_of(&s);
		sans_as_text(&p, sans, sizeof sans);
		assert_text(rows[i].dn, sans, rows[i].sans);
		issue_plan_free(&p);
	}
}

static void
a_template_for_machines_wants_a_machine(void **state)
{
	static const uint32_t from_dns[] = {CN, DNSCN, A_DNS};

	(void)state;
	for (size_t i = 0; i < COUNT(from_dns); i++) {
		struct scene s = scene();

		s.t.flags = CT_FLAG_MACHINE_TYPE;
		s.t.name_flag = from_dns[i];
		assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_DNS_REQUIRED);
		s.who.is_machine = true;
		assert_int_equal(refusal_of(&s), ERR_OK);
		s.who.dns_name = NULL;
		assert_int_equal(refusal_of(&s), CERTSRV_E_SUBJECT_DNS_REQUIRED);
	}
}

static void
a_template_without_any_name_is_refused(void **state)
{
	struct scene s = scene();

	(void)state;
	s.t.name_flag = 0;
	assert_int_equal(refusal_of(&s), CERTSRV_E_BAD_REQUESTSUBJECT);
}

static void
the_enrollee_supplies_the_subject_where_the_template_says_so(void **state)
{
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t.name_flag = CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT;
	assert_int_equal(refusal_of(&s), CERTSRV_E_BAD_REQUESTSUBJECT);
	s.request.has_subject = true;
	p = plan_of(&s);
	assert_true(p.subject_from_request);
	assert_null(p.subject_cn);
	assert_false(p.san_from_request);
	assert_null(p.sid);
	assert_false(p.sid_from_request);
	issue_plan_free(&p);
	s.request.subject_alt_name = view_str("san");
	s.request.sid_extension = view_str("sid");
	p = plan_of(&s);
	assert_true(p.san_from_request);
	assert_true(p.sid_from_request);
	assert_null(p.sid);
	issue_plan_free(&p);
	s.t.enrollment_flag = CT_FLAG_NO_SECURITY_EXTENSION;
	p = plan_of(&s);
	assert_false(p.sid_from_request);
	issue_plan_free(&p);
	/* Alternative names are names enough, but not for a CA. */
	s.request.has_subject = false;
	s.request.subject = view_str("");
	assert_int_equal(refusal_of(&s), ERR_OK);
	s.t.flags |= CT_FLAG_IS_CA;
	assert_int_equal(refusal_of(&s), CERTSRV_E_BAD_REQUESTSUBJECT);
}

static void
alternative_names_fill_in_what_the_enrollee_leaves_out(void **state)
{
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t.name_flag = CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT | A_UPN;
	s.request.has_subject = true;
	p = plan_of(&s);
	assert_false(p.san_from_request);
	assert_int_equal(p.san_count, 1);
	issue_plan_free(&p);
	s.request.subject_alt_name = view_str("san");
	p = plan_of(&s);
	assert_true(p.san_from_request);
	assert_int_equal(p.san_count, 0);
	issue_plan_free(&p);
}

static void
the_sid_is_left_out_by_flag_or_when_there_is_none(void **state)
{
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t.enrollment_flag = CT_FLAG_NO_SECURITY_EXTENSION;
	p = plan_of(&s);
	assert_null(p.sid);
	issue_plan_free(&p);
	s = scene();
	s.who.has_sid = false;
	p = plan_of(&s);
	assert_null(p.sid);
	issue_plan_free(&p);
}

static void
key_usage_fits_the_algorithm_of_the_key(void **state)
{
	static const struct {
		const char *algorithm;
		uint8_t template_usage, issued;
	} rows[] = {{"RSA", 0xa0, 0xa0}, {"RSA", 0x20, 0x20}, {"RSA", 0x86, 0x86},
	    {"EC", 0xa0, 0x88}, {"EC", 0x20, 0x08}, {"EC", 0x30, 0x08}, {"EC", 0x80, 0x80},
	    {"EC", 0x86, 0x86}, {"EC", 0, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();
		struct issue_plan p;

		s.t.key_usage[0] = rows[i].template_usage;
		s.t.key_usage[1] = 0x80;
		s.request.key_algorithm = rows[i].algorithm;
		p = plan_of(&s);
		assert_int_equal(p.key_usage[0], rows[i].issued);
		assert_int_equal(p.key_usage[1], 0x80);
		issue_plan_free(&p);
	}
}

static void
extensions_are_critical_as_listed(void **state)
{
	static char usage[] = "2.5.29.15", constraints[] = "2.5.29.19", eku[] = "2.5.29.37";
	char *lists[][1] = {{usage}, {constraints}, {eku}};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct scene s = scene();
		struct issue_plan p;

		s.t.enrollment_flag = CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS;
		s.t.critical = (struct texts){lists[i], 1};
		p = plan_of(&s);
		assert_int_equal(p.key_usage_critical, i == 0);
		assert_int_equal(p.basic_constraints_critical, i == 1);
		assert_int_equal(p.eku_critical, i == 2);
		issue_plan_free(&p);
	}
}

static void
usages_and_policies_depend_on_the_version(void **state)
{
	(void)state;
	for (int version = 1; version <= 4; version++) {
		struct scene s = scene();
		struct issue_plan p;

		s.t.schema_version = version;
		s.t.policies = (struct texts){policy_list, 1};
		p = plan_of(&s);
		assert_int_equal(p.eku.count, 2);
		assert_int_equal(p.application_policies.count, version == 1 ? 0 : 2);
		assert_int_equal(p.policies.count, version == 1 ? 0 : 1);
		issue_plan_free(&p);
		s.t.application_policies = (struct texts){policy_list, 1};
		p = plan_of(&s);
		assert_int_equal(p.eku.count, 2);
		assert_int_equal(p.application_policies.count, version == 1 ? 0 : 1);
		issue_plan_free(&p);
	}
}

static void
the_template_extension_depends_on_the_version(void **state)
{
	(void)state;
	for (int version = 1; version <= 4; version++)
		for (int named = 0; named < 2; named++) {
			struct scene s = scene();
			struct issue_plan p;

			s.t.schema_version = version;
			s.t.flags = named != 0 ? CT_FLAG_ADD_TEMPLATE_NAME : 0;
			p = plan_of(&s);
			assert_int_equal(p.template_name, version == 1 && named != 0);
			assert_int_equal(p.template_info, version > 1);
			assert_string_equal(p.template_cn, "T");
			assert_string_equal(p.template_oid, "1.2.3.4");
			assert_int_equal(p.template_major, 100);
			assert_int_equal(p.template_minor, 5);
			issue_plan_free(&p);
			s.t.oid = NULL;
			assert_int_equal(
			    refusal_of(&s), version > 1 ? CERTSRV_E_UNSUPPORTED_CERT_TYPE : ERR_OK);
		}
}

static void
a_newer_template_version_is_refused(void **state)
{
	static const struct {
		int schema;
		bool told;
		int64_t major, minor;
		enum err_code code;
	} rows[] = {
	    {2, true, 100, 5, ERR_OK},
	    {2, true, 99, 5, ERR_OK},
	    {2, true, 0, 0, ERR_OK},
	    {2, true, 101, 0, CERTSRV_E_BAD_TEMPLATE_VERSION},
	    {2, true, 100, 6, CERTSRV_E_BAD_TEMPLATE_VERSION},
	    {2, true, 99, 6,
		CERTSRV_E_BAD_TEMPLATE_VERSION}, /* the minor version is compared by itself */
	    {2, true, INT64_C(1) << 40, 0, CERTSRV_E_BAD_TEMPLATE_VERSION},
	    {3, true, 101, 0, CERTSRV_E_BAD_TEMPLATE_VERSION},
	    {4, true, 101, 0, CERTSRV_E_BAD_TEMPLATE_VERSION},
	    {1, true, 101, 6, ERR_OK},
	    {2, false, 101, 6, ERR_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();

		s.t.schema_version = rows[i].schema;
		s.request.has_template_version = rows[i].told;
		s.request.template_major = rows[i].major;
		s.request.template_minor = rows[i].minor;
		assert_int_equal(refusal_of(&s), rows[i].code);
	}
}

static void
validity_ends_with_the_template_or_the_ca(void **state)
{
	static const struct {
		int64_t validity, overlap, ca_left;
		enum err_code code;
		int64_t not_after; /* from NOW */
	} rows[] = {
	    {YEAR, 42 * DAY, 10 * YEAR, ERR_OK, YEAR - SKEW},
	    {YEAR, 42 * DAY, YEAR - SKEW, ERR_OK, YEAR - SKEW},
	    {YEAR, 42 * DAY, YEAR - SKEW - 1, ERR_OK, YEAR - SKEW - 1},
	    {YEAR, 42 * DAY, 100 * DAY, ERR_OK, 100 * DAY},
	    {YEAR, 0, 1, ERR_OK, 1},
	    {YEAR, 0, 0, CERT_E_EXPIRED, 0},
	    {YEAR, 0, -1, CERT_E_EXPIRED, 0},
	    {YEAR, 42 * DAY, 42 * DAY - SKEW, ERR_OK, 42 * DAY - SKEW},
	    {YEAR, 42 * DAY, 42 * DAY - SKEW - 1, CERTSRV_E_CERT_TYPE_OVERLAP, 0},
	    {7 * DAY, 7 * DAY, YEAR, ERR_OK, 7 * DAY - SKEW},
	    {7 * DAY, 7 * DAY + 1, YEAR, CERTSRV_E_CERT_TYPE_OVERLAP, 0},
	    {SKEW, 0, YEAR, ERROR_INVALID_DATA, 0},
	    {SKEW + 1, 0, YEAR, ERR_OK, 1},
	    {INT64_MAX, 0, YEAR, ERR_OK, YEAR},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();

		s.t.validity = rows[i].validity;
		s.t.overlap = rows[i].overlap;
		s.limits.ca_not_after = NOW + rows[i].ca_left;
		if (refusal_of(&s) != rows[i].code)
			fail_msg("row %zu: %s", i, err_name(refusal_of(&s)));
		if (rows[i].code == ERR_OK) {
			struct issue_plan p = plan_of(&s);

			assert_int_equal(p.not_before, NOW - SKEW);
			assert_int_equal(p.not_after, NOW + rows[i].not_after);
			issue_plan_free(&p);
		}
	}
}

static void
archival_is_demanded_and_refused_as_the_template_says(void **state)
{
	static const struct {
		int schema;
		uint32_t private_key_flag;
		bool has_key;
		enum err_code code;
		bool archive;
	} rows[] = {
	    {2, 0, false, ERR_OK, false},
	    {2, 0, true, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED, false},
	    {2, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, true, ERR_OK, true},
	    {2, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, false, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		false},
	    {2, CT_FLAG_EXPORTABLE_KEY, false, ERR_OK, false},
	    {3, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, true, ERR_OK, true},
	    {4, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, true, ERR_OK, true},
	    {4, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, false, CERTSRV_E_ARCHIVED_KEY_REQUIRED,
		false},
	    {1, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, false, ERR_OK, false},
	    {1, CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL, true, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED,
		false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();

		s.t.schema_version = rows[i].schema;
		s.t.private_key_flag = rows[i].private_key_flag;
		s.request.has_archived_key = rows[i].has_key;
		if (refusal_of(&s) != rows[i].code)
			fail_msg("row %zu: %s", i, err_name(refusal_of(&s)));
		if (rows[i].code == ERR_OK) {
			struct issue_plan p = plan_of(&s);

			assert_int_equal(p.archive, rows[i].archive);
			issue_plan_free(&p);
		}
	}
}

static void
archival_without_database_is_refused(void **state)
{
	struct scene s = scene();

	(void)state;
	s.t.flags = CT_FLAG_DONOTPERSISTINDB;
	assert_int_equal(refusal_of(&s), ERR_OK);
	s.t.private_key_flag = CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
	s.request.has_archived_key = true;
	assert_int_equal(refusal_of(&s), CERTSRV_E_UNSUPPORTED_CERT_TYPE);
}

static void
a_key_that_only_signs_is_not_archived(void **state)
{
	static const struct {
		uint8_t usage;
		int32_t key_spec;
		enum err_code code;
	} rows[] = {{0x80, 1, DIRCA_E_SIGNATURE_KEY}, {0xc0, 1, DIRCA_E_SIGNATURE_KEY},
	    {0x20, 1, ERR_OK}, {0xa0, 2, ERR_OK}, {0x08, 1, ERR_OK}, {0x10, 1, ERR_OK},
	    {0, 2, DIRCA_E_SIGNATURE_KEY}, {0, 1, ERR_OK}, {0, 0, ERR_OK}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();

		s.t.private_key_flag = CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
		s.request.has_archived_key = true;
		s.t.key_usage[0] = rows[i].usage;
		s.t.key_spec = rows[i].key_spec;
		assert_int_equal(refusal_of(&s), rows[i].code);
	}
}

static void
short_keys_are_refused(void **state)
{
	struct scene s = scene();

	(void)state;
	s.request.key_bits = 2047;
	assert_int_equal(refusal_of(&s), CERTSRV_E_KEY_LENGTH);
	s.t.min_key_size = 0;
	s.request.key_bits = 1;
	assert_int_equal(refusal_of(&s), ERR_OK);
}

static void
curve_keys_are_compared_by_strength_unless_the_template_names_an_algorithm(void **state)
{
	static const struct {
		int bits, least;
		const char *algorithm;
		enum err_code code;
	} rows[] = {
	    {256, 2048, NULL, ERR_OK},
	    {256, 3072, NULL, ERR_OK},
	    {256, 4096, NULL, CERTSRV_E_KEY_LENGTH},
	    {384, 4096, NULL, ERR_OK},
	    {521, 8192, NULL, ERR_OK},
	    {192, 1024, NULL, CERTSRV_E_KEY_LENGTH},
	    {256, 2048, "RSA", CERTSRV_E_KEY_LENGTH},
	    {256, 384, "ECDH_P384", CERTSRV_E_KEY_LENGTH},
	    {384, 384, "ECDH_P384", ERR_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scene s = scene();
		char algorithm[16] = "";

		s.request.key_algorithm = "EC";
		s.request.key_bits = rows[i].bits;
		s.t.min_key_size = rows[i].least;
		if (rows[i].algorithm != NULL)
			s.t.asymmetric_algorithm = strcpy(algorithm, rows[i].algorithm);
		assert_int_equal(refusal_of(&s), rows[i].code);
	}
}

static void
a_newer_server_version_or_attestation_is_refused(void **state)
{
	(void)state;
	for (uint32_t version = 0; version <= 15; version++) {
		struct scene s = scene();

		/* The client's version, four bits above, does not matter. */
		s.t.private_key_flag = version << 16 | 0x0f000000u;
		assert_int_equal(
		    refusal_of(&s), version <= 6 ? ERR_OK : CERTSRV_E_UNSUPPORTED_CERT_TYPE);
		s.t.private_key_flag |= 0x2000;
		assert_int_equal(refusal_of(&s), CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	}
}

static void
ca_templates_yield_basic_constraints(void **state)
{
	static const struct {
		uint32_t flags, enrollment_flag;
		int32_t max_depth;
		bool present, ca;
		int32_t path_len;
	} rows[] = {
	    {0, 0, 0, false, false, -1},
	    {CT_FLAG_IS_CA, 0, -1, true, true, -1},
	    {CT_FLAG_IS_CA, 0, 0, true, true, 0},
	    {CT_FLAG_IS_CA, 0, 2, true, true, 2},
	    {CT_FLAG_IS_CROSS_CA, 0, 1, true, true, 1},
	    {0, CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS, 3, true, false, -1},
	    {CT_FLAG_IS_CA, CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS, 3, true, true, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();
		struct issue_plan p;

		s.t.flags = rows[i].flags;
		s.t.enrollment_flag = rows[i].enrollment_flag;
		s.t.max_depth = rows[i].max_depth;
		p = plan_of(&s);
		assert_int_equal(p.basic_constraints, rows[i].present);
		assert_int_equal(p.is_ca, rows[i].ca);
		assert_int_equal(p.basic_constraints_critical, rows[i].ca);
		assert_int_equal(p.path_len, rows[i].path_len);
		issue_plan_free(&p);
	}
}

static void
each_enrollment_flag_does_its_own_thing(void **state)
{
	static const struct {
		uint32_t flag;
		size_t offset;
	} rows[] = {
	    {CT_FLAG_INCLUDE_SYMMETRIC_ALGORITHMS, offsetof(struct issue_plan, smime_capabilities)},
	    {CT_FLAG_PEND_ALL_REQUESTS, offsetof(struct issue_plan, pend)},
	    {CT_FLAG_PUBLISH_TO_KRA_CONTAINER, offsetof(struct issue_plan, publish_to_kra)},
	    {CT_FLAG_PUBLISH_TO_DS, offsetof(struct issue_plan, publish_to_ds)},
	    {CT_FLAG_NOREVOCATIONINFOINISSUEDCERTS,
		offsetof(struct issue_plan, no_revocation_info)},
	    {CT_FLAG_INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS,
		offsetof(struct issue_plan, basic_constraints)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = scene();
		struct issue_plan p;

		s.t.enrollment_flag = rows[i].flag;
		p = plan_of(&s);
		for (size_t k = 0; k < COUNT(rows); k++)
			assert_int_equal(
			    *(const bool *)((const char *)&p + rows[k].offset), k == i);
		issue_plan_free(&p);
	}
}

static void
ocsp_nocheck_needs_the_ocsp_policy(void **state)
{
	static char ocsp[] = "1.3.6.1.5.5.7.3.9";
	char *list[] = {ocsp};
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t.enrollment_flag = CT_FLAG_ADD_OCSP_NOCHECK;
	p = plan_of(&s);
	assert_false(p.ocsp_nocheck);
	assert_false(p.no_revocation_info);
	issue_plan_free(&p);
	s.t.application_policies = (struct texts){list, 1};
	p = plan_of(&s);
	assert_true(p.ocsp_nocheck);
	assert_true(p.no_revocation_info);
	issue_plan_free(&p);
	s.t.enrollment_flag = 0;
	p = plan_of(&s);
	assert_false(p.ocsp_nocheck);
	issue_plan_free(&p);
}

static struct tmpl
default_template(const struct dir_entries *es, const char *cn)
{
	struct tmpl t;
	struct err err;

	assert_true(tmpl_decode(ldif_find(es, cn), &t, &err));
	return t;
}

static void
a_key_recovery_agent_waits_and_is_published(void **state)
{
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t = default_template(&ws2008, "KeyRecoveryAgent");
	p = plan_of(&s);
	assert_true(p.pend);
	assert_true(p.publish_to_kra);
	assert_int_equal(p.eku.count, 1);
	assert_string_equal(p.eku.list[0], "1.3.6.1.4.1.311.21.6");
	assert_int_equal(p.application_policies.count, 1);
	assert_string_equal(p.application_policies.list[0], "1.3.6.1.4.1.311.21.6");
	assert_string_equal(p.subject_dn, user_dn);
	assert_true(p.template_info);
	assert_false(p.archive);
	issue_plan_free(&p);
	tmpl_free(&s.t);
	s.t = default_template(&ws2003, "KeyRecoveryAgent");
	s.t.oid = strdup("1.2.3");
	assert_int_equal(refusal_of(&s), CERTSRV_E_SIGNATURE_POLICY_REQUIRED);
	tmpl_free(&s.t);
}

static void
a_user_template_yields_a_user_certificate(void **state)
{
	struct scene s = scene();
	struct issue_plan p;
	char sans[128];

	(void)state;
	s.t = default_template(&ws2008, "User");
	p = plan_of(&s);
	assert_string_equal(p.subject_dn, user_dn);
	assert_string_equal(p.subject_email, user_mail);
	sans_as_text(&p, sans, sizeof sans);
	assert_string_equal(sans, "U:user1@nwtraders.com E:user1@mail.example");
	assert_int_equal(p.key_usage[0], 0xa0);
	assert_true(p.key_usage_critical);
	assert_int_equal(p.eku.count, 3);
	assert_int_equal(p.application_policies.count, 0);
	assert_true(p.template_name);
	assert_false(p.template_info);
	assert_true(p.smime_capabilities);
	assert_true(p.publish_to_ds);
	assert_false(p.pend);
	issue_plan_free(&p);
	tmpl_free(&s.t);
}

static void
a_subordinate_ca_template_yields_a_ca_certificate(void **state)
{
	struct scene s = scene();
	struct issue_plan p;

	(void)state;
	s.t = default_template(&ws2008, "SubCA");
	s.request.has_subject = true;
	p = plan_of(&s);
	assert_true(p.is_ca);
	assert_true(p.subject_from_request);
	assert_int_equal(p.key_usage[0], 0x86);
	assert_int_equal(p.path_len, -1);
	assert_int_equal(p.eku.count, 0);
	issue_plan_free(&p);
	tmpl_free(&s.t);
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

/* A certificate manager takes usages away: from the list that some programs read, too. */
static void
application_policies_are_narrowed_with_the_usages(void **state)
{
	static char mail[] = "1.3.6.1.5.5.7.3.4", efs[] = "1.3.6.1.4.1.311.10.3.4";
	static char client[] = "1.3.6.1.5.5.7.3.2";
	char *given[] = {mail, efs}, *left[] = {efs}, *more[] = {efs, client};
	struct issue_plan p = {.template_cn = "T",
	    .eku = {given, 2},
	    .application_policies = {given, 2},
	    .eku_critical = true};
	struct err err;

	(void)state;
	assert_false(issue_narrow_usages(&p, &(struct texts){more, 2}, false, &err));
	assert_int_equal(err.code, CERTSRV_E_TEMPLATE_CONFLICT);
	assert_false(issue_narrow_usages(&p, &(struct texts){0}, false, &err));
	assert_int_equal(err.code, CERTSRV_E_TEMPLATE_CONFLICT);
	assert_int_equal(p.eku.count, 2);
	assert_true(issue_narrow_usages(&p, &(struct texts){left, 1}, false, &err));
	assert_int_equal(p.eku.count, 1);
	assert_string_equal(p.eku.list[0], efs);
	assert_int_equal(p.application_policies.count, 1);
	assert_string_equal(p.application_policies.list[0], efs);
	assert_true(p.eku_critical);
	/* What was taken away does not come back. */
	assert_false(issue_narrow_usages(&p, &(struct texts){given, 2}, false, &err));
	issue_plan_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_come_from_the_directory_by_flag),
	    cmocka_unit_test(a_name_that_is_missing_refuses_the_request),
	    cmocka_unit_test(names_that_are_no_mailbox_or_host_are_refused),
	    cmocka_unit_test(hosts_of_other_scripts_are_certified_by_their_a_labels),
	    cmocka_unit_test(several_mail_addresses_are_all_certified),
	    cmocka_unit_test(the_domain_is_the_end_of_the_dn_only),
	    cmocka_unit_test(a_template_for_machines_wants_a_machine),
	    cmocka_unit_test(a_template_without_any_name_is_refused),
	    cmocka_unit_test(the_enrollee_supplies_the_subject_where_the_template_says_so),
	    cmocka_unit_test(alternative_names_fill_in_what_the_enrollee_leaves_out),
	    cmocka_unit_test(the_sid_is_left_out_by_flag_or_when_there_is_none),
	    cmocka_unit_test(key_usage_fits_the_algorithm_of_the_key),
	    cmocka_unit_test(extensions_are_critical_as_listed),
	    cmocka_unit_test(usages_and_policies_depend_on_the_version),
	    cmocka_unit_test(the_template_extension_depends_on_the_version),
	    cmocka_unit_test(a_newer_template_version_is_refused),
	    cmocka_unit_test(validity_ends_with_the_template_or_the_ca),
	    cmocka_unit_test(archival_is_demanded_and_refused_as_the_template_says),
	    cmocka_unit_test(archival_without_database_is_refused),
	    cmocka_unit_test(a_key_that_only_signs_is_not_archived),
	    cmocka_unit_test(short_keys_are_refused),
	    cmocka_unit_test(
		curve_keys_are_compared_by_strength_unless_the_template_names_an_algorithm),
	    cmocka_unit_test(a_newer_server_version_or_attestation_is_refused),
	    cmocka_unit_test(ca_templates_yield_basic_constraints),
	    cmocka_unit_test(each_enrollment_flag_does_its_own_thing),
	    cmocka_unit_test(ocsp_nocheck_needs_the_ocsp_policy),
	    cmocka_unit_test(a_key_recovery_agent_waits_and_is_published),
	    cmocka_unit_test(application_policies_are_narrowed_with_the_usages),
	    cmocka_unit_test(a_user_template_yields_a_user_certificate),
	    cmocka_unit_test(a_subordinate_ca_template_yields_a_ca_certificate),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
