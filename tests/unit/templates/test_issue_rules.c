/*
 * Who else signed, on whose behalf, what is renewed, which policies and which key: each rule with
 * its happy case and its tampered twin ([MS-WCCE] 3.2.2.6.2.1.4.5.1 to .8, .4.8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "flags.h"
#include "issue.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NOW      INT64_C(1800000000)
#define DAY      INT64_C(86400)

static char agent_oid[] = "1.3.6.1.4.1.311.20.2.1", other_oid[] = "1.3.6.1.5.5.7.3.2",
	    low_oid[] = "1.2.3.400", high_oid[] = "1.2.3.402", any_oid[] = "2.5.29.32.0";
static char *agent[] = {agent_oid}, *other[] = {other_oid}, *both[] = {agent_oid, other_oid},
	    *low[] = {low_oid}, *any[] = {any_oid}, *low_high[] = {low_oid, high_oid};
static char cn_t[] = "T", cn_old[] = "Old", oid_t[] = "1.2.3.4", dn1[] = "CN=user1,DC=x,DC=y",
	    dn2[] = "CN=user2,DC=x,DC=y", cn1[] = "user1", cn2[] = "user2", upn1[] = "user1@x.y",
	    upn2[] = "user2@x.y", mail1[] = "one@x.y", *mails1[] = {mail1};
static char *superseded[] = {cn_old};

struct scene {
	struct tmpl t;
	struct principal who, other;
	struct issue_signer signers[17];
	struct issue_renewed renewed;
	struct issue_request request;
};

/* Of version 2, for a user with UPN; nothing is demanded. */
static void
scene(struct scene *s)
{
	*s = (struct scene){
	    .t = {.cn = cn_t,
		.oid = oid_t,
		.schema_version = 2,
		.max_depth = -1,
		.key_usage = {0xa0, 0},
		.validity = 365 * DAY,
		.name_flag = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME | CT_FLAG_SUBJECT_ALT_REQUIRE_UPN},
	    .who = {.dn = dn1, .cn = cn1, .downlevel = cn1, .upn = upn1, .mails = {mails1, 1}},
	    .other = {.dn = dn2, .cn = cn2, .downlevel = cn2, .upn = upn2},
	    .renewed = {.template_oid = oid_t, .template_cn = cn_t, .subject = view_str("name")},
	    .request = {.key_algorithm = "RSA", .key_bits = 2048, .signers = s->signers},
	};
	assert_true(sid_from_text("S-1-5-21-1-2-3-1105", &s->who.sid));
	s->who.has_sid = true;
}

static enum err_code
decide(const struct scene *s, struct issue_plan *p, struct err *err)
{
	const struct issue_limits limits = {
	    .now = NOW, .clock_skew = 600, .ca_not_after = NOW + 4000 * DAY};

	return issue_plan_make(&s->t, &s->who, &s->request, &limits, p, err) ? ERR_OK : err->code;
}

static void
expect(const struct scene *s, const char *rule, enum err_code code, const char *words)
{
	struct issue_plan p;
	struct err err = {0};
	enum err_code got = decide(s, &p, &err);

	if (got != code)
		fail_msg("%s: %s (%s) instead of %s", rule, err_name(got), err.msg, err_name(code));
	if (got == ERR_OK) {
		issue_plan_free(&p);
		return;
	}
	if (strstr(err.msg, "template T") == NULL || strstr(err.msg, words) == NULL)
		fail_msg("%s: the sentence does not say '%s': %s", rule, words, err.msg);
}

static struct issue_plan
plan_of(const struct scene *s)
{
	struct issue_plan p;
	struct err err;

	if (decide(s, &p, &err) != ERR_OK)
		fail_msg("%s", err.msg);
	return p;
}

static void
sign(struct scene *s, const char *name, struct texts application, struct texts issuance)
{
	s->signers[s->request.signer_count++] = (struct issue_signer){.name = name,
	    .key = view_str(name),
	    .application_policies = application,
	    .issuance_policies = issuance};
}

#define LIST(a) ((struct texts){(a), COUNT(a)})
#define NONE    ((struct texts){0})

static void
signatures_are_counted_with_their_policies(void **state)
{
	static const struct {
		const char *rule;
		int32_t demanded;
		struct texts application, issuance; /* of the template */
		int agents, strangers, agents_with_policy;
		enum err_code code;
		const char *words;
	} rows[] = {
	    {"none demanded", 0, {0}, {0}, 0, 0, 0, ERR_OK, ""},
	    {"none demanded, one given", 0, {0}, {0}, 1, 0, 0, ERR_OK, ""},
	    {"one of one", 1, {agent, 1}, {0}, 1, 0, 0, ERR_OK, ""},
	    {"two of two", 2, {agent, 1}, {0}, 2, 0, 0, ERR_OK, ""},
	    {"one more than demanded", 1, {agent, 1}, {0}, 1, 1, 0, ERR_OK, ""},
	    {"none of one", 1, {agent, 1}, {0}, 0, 0, 0, CERTSRV_E_SIGNATURE_POLICY_REQUIRED,
		"have it signed"},
	    {"one of two", 2, {agent, 1}, {0}, 1, 0, 0, CERTSRV_E_SIGNATURE_COUNT,
		"msPKI-RA-Signature"},
	    {"a stranger", 1, {agent, 1}, {0}, 0, 1, 0, CERTSRV_E_SIGNATURE_REJECTED,
		"1.3.6.1.4.1.311.20.2.1"},
	    {"a stranger fills up the number", 2, {agent, 1}, {0}, 1, 1, 0,
		CERTSRV_E_SIGNATURE_REJECTED, "msPKI-RA-Application-Policies"},
	    {"one of both policies", 1, {both, 2}, {0}, 1, 0, 0, CERTSRV_E_SIGNATURE_REJECTED,
		"1.3.6.1.5.5.7.3.2"},
	    {"issuance policy", 1, {0}, {low, 1}, 0, 0, 1, ERR_OK, ""},
	    {"issuance policy lacks", 1, {0}, {low, 1}, 1, 0, 0, CERTSRV_E_ISSUANCE_POLICY_REQUIRED,
		"msPKI-RA-Policies"},
	    {"both kinds", 1, {agent, 1}, {low, 1}, 0, 0, 1, ERR_OK, ""},
	    {"both kinds, in two signers", 1, {agent, 1}, {low, 1}, 1, 1, 0,
		CERTSRV_E_SIGNATURE_REJECTED, ""},
	    {"policies without a number", 0, {agent, 1}, {0}, 0, 0, 0,
		CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "demands 1"},
	    {"policies without a number, signed", 0, {agent, 1}, {0}, 1, 0, 0, ERR_OK, ""},
	    {"a number without policies", 1, {0}, {0}, 1, 0, 0, CERTSRV_E_TEMPLATE_POLICY_REQUIRED,
		"without saying whose"},
	    {"as many as fit", 15, {agent, 1}, {0}, 15, 0, 0, ERR_OK, ""},
	    {"more than fit", 16, {agent, 1}, {0}, 16, 0, 0, CERTSRV_E_TOO_MANY_SIGNATURES,
		"can carry 15"},
	};
	static const char *const names[] = {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9",
	    "b1", "b2", "b3", "b4", "b5", "b6", "b7"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int version = 1; version <= 4; version++) {
			struct scene s;
			int n = 0;

			scene(&s);
			s.t.schema_version = version;
			s.t.ra_signatures = rows[i].demanded;
			s.t.ra_application_policies = rows[i].application;
			s.t.ra_policies = rows[i].issuance;
			for (int k = 0; k < rows[i].agents; k++)
				sign(&s, names[n++], LIST(agent), NONE);
			for (int k = 0; k < rows[i].strangers; k++)
				sign(&s, names[n++], LIST(other), LIST(low));
			for (int k = 0; k < rows[i].agents_with_policy; k++)
				sign(&s, names[n++], LIST(agent), LIST(low));
			expect(&s, rows[i].rule, rows[i].code, rows[i].words);
		}
}

static void
who_signs_twice_counts_once(void **state)
{
	struct scene s;

	(void)state;
	scene(&s);
	s.t.ra_signatures = 2;
	s.t.ra_application_policies = LIST(agent);
	sign(&s, "agent", LIST(agent), NONE);
	sign(&s, "agent", LIST(agent), NONE);
	expect(&s, "twice", CERTSRV_E_SIGNATURE_COUNT, "has 1");
	/* Nor does a stranger beside fill the number up. */
	sign(&s, "stranger", LIST(other), NONE);
	expect(&s, "and a stranger", CERTSRV_E_SIGNATURE_REJECTED, "stranger");
	sign(&s, "agent2", LIST(agent), NONE);
	expect(&s, "two", ERR_OK, "");
}

static void
any_issuance_policy_covers_all_but_no_application_policy(void **state)
{
	struct scene s;

	(void)state;
	scene(&s);
	s.t.ra_signatures = 1;
	s.t.ra_policies = LIST(low_high);
	sign(&s, "ra", NONE, LIST(any));
	expect(&s, "any policy", ERR_OK, "");
	s.t.ra_application_policies = LIST(agent);
	expect(&s, "no purpose", CERTSRV_E_SIGNATURE_REJECTED, "ra");
}

static void
another_subject_needs_template_and_agent(void **state)
{
	static const struct {
		const char *rule;
		uint32_t enrollment_flag, name_flag;
		int32_t demanded;
		char **signer;
		enum err_code code;
		const char *words;
	} rows[] = {
	    {"by flag", CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF, 0, 0, agent, ERR_OK, ""},
	    {"by demanded agent", 0, 0, 1, agent, ERR_OK, ""},
	    {"the template does not allow it", 0, 0, 0, agent, CERTSRV_E_TEMPLATE_DENIED,
		"CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF"},
	    {"nobody signed", CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF, 0, 0, NULL,
		CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "enrollment agent"},
	    {"no agent signed", CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF, 0, 0, other,
		CERTSRV_E_SIGNATURE_REJECTED, "1.3.6.1.4.1.311.20.2.1"},
	    {"the request brings the names", CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF,
		CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT, 0, agent, CERTSRV_E_BAD_REQUESTSUBJECT,
		"requestername"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s;

		scene(&s);
		s.t.enrollment_flag = rows[i].enrollment_flag;
		s.t.name_flag |= rows[i].name_flag;
		s.t.ra_signatures = rows[i].demanded;
		if (rows[i].demanded > 0)
			s.t.ra_application_policies = LIST(agent);
		if (rows[i].signer != NULL)
			sign(&s, "signer", (struct texts){rows[i].signer, 1}, NONE);
		s.request.on_behalf_of = &s.other;
		s.request.has_subject = true;
		expect(&s, rows[i].rule, rows[i].code, rows[i].words);
	}
}

static void
the_certificate_on_behalf_is_the_other_s(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	scene(&s);
	s.t.enrollment_flag = CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF;
	sign(&s, "agent", LIST(agent), NONE);
	p = plan_of(&s);
	assert_ptr_equal(p.subject, &s.who);
	assert_string_equal(p.subject_cn, "user1");
	issue_plan_free(&p);
	s.request.on_behalf_of = &s.other;
	p = plan_of(&s);
	assert_ptr_equal(p.subject, &s.other);
	assert_string_equal(p.subject_cn, "user2");
	assert_string_equal(p.sans[0].text, "user2@x.y");
	assert_null(p.sid); /* the other has none, and the agent's is not taken */
	issue_plan_free(&p);
}

static void
a_renewal_is_for_the_same_template_or_its_successor(void **state)
{
	static const struct {
		const char *rule;
		int version;
		const char *cn, *oid;
		bool supersedes;
		enum err_code code;
	} rows[] = {
	    {"same OID", 2, "T", "1.2.3.4", false, ERR_OK},
	    {"same OID, the name was changed", 2, "Other", "1.2.3.4", false, ERR_OK},
	    {"another OID under the same name", 2, "T", "1.2.3.5", false,
		CERTSRV_E_TEMPLATE_CONFLICT},
	    {"another template", 2, "Old", "1.2.3.5", false, CERTSRV_E_TEMPLATE_CONFLICT},
	    {"a superseded one", 2, "Old", "1.2.3.5", true, ERR_OK},
	    {"a superseded one of version 1", 2, "old", NULL, true, ERR_OK},
	    {"a superseded one that is gone", 2, NULL, "1.2.3.5", true,
		CERTSRV_E_TEMPLATE_CONFLICT},
	    {"version 1 by name", 1, "t", NULL, false, ERR_OK},
	    {"version 1, another name", 1, "Old", NULL, false, CERTSRV_E_TEMPLATE_CONFLICT},
	    {"of no template", 2, NULL, NULL, true, CERTSRV_E_TEMPLATE_CONFLICT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s;

		scene(&s);
		s.t.schema_version = rows[i].version;
		s.renewed.template_cn = rows[i].cn;
		s.renewed.template_oid = rows[i].oid;
		if (rows[i].supersedes)
			s.t.supersedes = LIST(superseded);
		s.request.renewed = &s.renewed;
		expect(&s, rows[i].rule, rows[i].code, "msPKI-Supersede-Templates");
	}
}

static void
a_renewal_keeps_its_key_where_that_is_demanded(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	scene(&s);
	s.request.renewed = &s.renewed;
	expect(&s, "another key", ERR_OK, "");
	s.t.private_key_flag = CT_FLAG_REQUIRE_SAME_KEY_RENEWAL;
	expect(&s, "another key", CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY,
	    "CT_FLAG_REQUIRE_SAME_KEY_RENEWAL");
	s.renewed.same_key = true;
	expect(&s, "the same key", ERR_OK, "");
	/* Archival of a key that is kept: it is archived already. */
	s.t.private_key_flag |= CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
	expect(&s, "its key was never archived", CERTSRV_E_ARCHIVED_KEY_REQUIRED, "");
	s.renewed.key_is_archived = true;
	p = plan_of(&s);
	assert_false(p.archive);
	issue_plan_free(&p);
	s.request.has_archived_key = true;
	p = plan_of(&s);
	assert_true(p.archive);
	issue_plan_free(&p);
	s.request.has_archived_key = false;
	s.t.private_key_flag = CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
	expect(&s, "may change its key", CERTSRV_E_ARCHIVED_KEY_REQUIRED, "");
	s.t.private_key_flag |= CT_FLAG_REQUIRE_SAME_KEY_RENEWAL;
	s.request.renewed = NULL;
	expect(&s, "no renewal", CERTSRV_E_ARCHIVED_KEY_REQUIRED, "");
}

/* A template that pends, with a renewal that was approved before. */
static void
approved_scene(struct scene *s)
{
	static char *upns[] = {upn1}, *mails[] = {mail1};

	scene(s);
	s->t.enrollment_flag =
	    CT_FLAG_PREVIOUS_APPROVAL_VALIDATE_REENROLLMENT | CT_FLAG_PEND_ALL_REQUESTS;
	s->t.ra_signatures = 1;
	s->t.ra_application_policies = LIST(agent);
	s->renewed.upns = LIST(upns);
	s->renewed.emails = LIST(mails);
	s->renewed.sid = "S-1-5-21-1-2-3-1105";
	s->request.renewed = &s->renewed;
}

static void
a_renewal_that_was_approved_before_waits_for_nobody(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	approved_scene(&s);
	p = plan_of(&s);
	assert_true(p.approved_before);
	assert_false(p.pend);
	issue_plan_free(&p);
	s.renewed.sid = NULL;
	expect(&s, "older than SID extensions", ERR_OK, "");
	s.renewed.emails = NONE;
	expect(&s, "UPN alone", ERR_OK, "");
}

/* [MS-WCCE] 3.2.2.6.2.1.4.8, condition by condition: without it, signatures are demanded. */
static void
each_condition_of_previous_approval_counts(void **state)
{
	static char *strangers[] = {upn1, upn2};
	enum {
		FLAG,
		NO_RENEWAL,
		NO_OID,
		SUPERSEDED,
		NO_NAMES,
		OTHER_UPN,
		NO_UPN,
		OTHER_MAIL,
		OTHER_SID,
		ON_BEHALF,
		CONDITIONS
	};

	(void)state;
	for (int i = 0; i < CONDITIONS; i++) {
		struct scene s;

		approved_scene(&s);
		if (i == FLAG)
			s.t.enrollment_flag = CT_FLAG_ALLOW_ENROLL_ON_BEHALF_OF;
		if (i == NO_RENEWAL)
			s.request.renewed = NULL;
		if (i == NO_OID)
			s.renewed.template_oid = NULL;
		if (i == SUPERSEDED) {
			s.renewed.template_oid = "1.2.3.5";
			s.renewed.template_cn = cn_old;
			s.t.supersedes = LIST(superseded);
		}
		if (i == NO_NAMES)
			s.renewed.upns = s.renewed.emails = NONE;
		if (i == OTHER_UPN)
			s.renewed.upns = LIST(strangers);
		if (i == NO_UPN) {
			s.t.name_flag = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME;
			s.who.upn = NULL;
		}
		if (i == OTHER_MAIL)
			s.renewed.emails = LIST(strangers);
		if (i == OTHER_SID)
			s.renewed.sid = "S-1-5-21-1-2-3-500";
		if (i == ON_BEHALF)
			s.request.on_behalf_of = &s.other;
		/* The agent is one of two who must sign. */
		if (i == ON_BEHALF) {
			s.t.ra_signatures = 2;
			sign(&s, "agent", LIST(agent), NONE);
		}
		expect(&s, "condition",
		    i == ON_BEHALF ? CERTSRV_E_SIGNATURE_COUNT
				   : CERTSRV_E_SIGNATURE_POLICY_REQUIRED,
		    "");
	}
}

static void
a_higher_issuance_policy_was_not_approved_before(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	approved_scene(&s);
	s.t.enrollment_flag |= CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST;
	s.t.policies = LIST(low_high);
	s.renewed.policies = LIST(low);
	s.request.policies = LIST(low);
	p = plan_of(&s);
	assert_true(p.approved_before && p.policies.count == 1);
	issue_plan_free(&p);
	s.request.policies = LIST(low_high);
	expect(&s, "one more than the old", CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "");
	s.renewed.policies = NONE;
	s.request.policies = LIST(low);
	expect(&s, "the old had none", CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "");
	/* Without the flag the request has no say. */
	s.t.enrollment_flag &= ~(uint32_t)CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST;
	expect(&s, "the template's own", ERR_OK, "");
}

static bool
same(struct view a, const char *text)
{
	return view_eq(a, view_str(text));
}

static void
a_supplied_subject_is_the_approved_one(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	approved_scene(&s);
	s.t.name_flag = CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT;
	s.request.has_subject = true;
	s.request.subject = view_str("name");
	s.request.subject_alt_name = view_str("wished");
	s.request.sid_extension = view_str("stolen");
	s.renewed.subject_alt_name = view_str("approved");
	s.renewed.sid_extension = view_str("own");
	p = plan_of(&s);
	assert_true(p.approved_before && p.san_from_request && p.sid_from_request);
	assert_true(same(p.given_subject, "name") && same(p.given_san, "approved") &&
		    same(p.given_sid, "own"));
	issue_plan_free(&p);
	/* What the old certificate did not have, nobody approved. */
	s.renewed.subject_alt_name = s.renewed.sid_extension = (struct view){0};
	p = plan_of(&s);
	assert_true(p.approved_before && !p.san_from_request && !p.sid_from_request);
	issue_plan_free(&p);
	s.request.subject = view_str("another name");
	expect(&s, "another subject", CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "");
	s.request.has_subject = false;
	expect(&s, "no subject", CERTSRV_E_SIGNATURE_POLICY_REQUIRED, "");
}

static void
the_old_certificate_supplies_the_names_by_flag(void **state)
{
	struct scene s;
	struct issue_plan p;

	(void)state;
	scene(&s);
	s.t.name_flag =
	    CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT | CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME;
	s.request.subject = view_str("wished");
	s.request.has_subject = true;
	s.request.subject_alt_name = view_str("wished san");
	p = plan_of(&s);
	assert_true(same(p.given_subject, "wished") && same(p.given_san, "wished san"));
	issue_plan_free(&p);
	s.request.renewed = &s.renewed;
	s.renewed.subject_alt_name = view_str("old san");
	s.renewed.sid_extension = view_str("old sid");
	p = plan_of(&s);
	assert_true(same(p.given_subject, "name") && same(p.given_san, "old san") &&
		    same(p.given_sid, "old sid"));
	assert_true(p.subject_from_request && p.san_from_request && p.sid_from_request);
	issue_plan_free(&p);
	s.t.enrollment_flag = CT_FLAG_NO_SECURITY_EXTENSION;
	p = plan_of(&s);
	assert_false(p.sid_from_request);
	issue_plan_free(&p);
	s.renewed.subject = view_str("0 ");
	s.renewed.subject_alt_name = (struct view){0};
	expect(&s, "no names", CERTSRV_E_BAD_REQUESTSUBJECT,
	    "CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME");
	/* Names of the directory are never old ones. */
	s.t.name_flag =
	    CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME | CT_FLAG_OLD_CERT_SUPPLIES_SUBJECT_AND_ALT_NAME;
	p = plan_of(&s);
	assert_string_equal(p.subject_cn, "user1");
	assert_false(p.subject_from_request);
	issue_plan_free(&p);
}

static void
the_request_chooses_among_the_policies_of_the_template(void **state)
{
	static const struct {
		const char *rule;
		bool chooses;
		struct texts tmpl, request;
		enum err_code code;
		size_t count;
		const char *first;
	} rows[] = {
	    {"without the flag", false, {low_high, 2}, {low, 1}, ERR_OK, 2, low_oid},
	    {"without the flag, a stranger", false, {low, 1}, {any, 1}, ERR_OK, 1, low_oid},
	    {"one of two", true, {low_high, 2}, {low, 1}, ERR_OK, 1, low_oid},
	    {"both", true, {low_high, 2}, {low_high, 2}, ERR_OK, 2, low_oid},
	    {"none", true, {low_high, 2}, {0}, ERR_OK, 0, NULL},
	    {"a stranger", true, {low, 1}, {low_high, 2}, CERTSRV_E_TEMPLATE_CONFLICT, 0, NULL},
	    {"any policy", true, {low, 1}, {any, 1}, CERTSRV_E_TEMPLATE_CONFLICT, 0, NULL},
	    {"none to choose", true, {0}, {low, 1}, CERTSRV_E_TEMPLATE_CONFLICT, 0, NULL},
	    {"none at all", true, {0}, {0}, ERR_OK, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s;
		struct issue_plan p;

		scene(&s);
		if (rows[i].chooses)
			s.t.enrollment_flag = CT_FLAG_ISSUANCE_POLICIES_FROM_REQUEST;
		s.t.policies = rows[i].tmpl;
		s.request.policies = rows[i].request;
		expect(&s, rows[i].rule, rows[i].code, "msPKI-Certificate-Policy");
		if (rows[i].code != ERR_OK)
			continue;
		p = plan_of(&s);
		assert_int_equal(p.policies.count, rows[i].count);
		if (rows[i].first != NULL)
			assert_string_equal(p.policies.list[0], rows[i].first);
		issue_plan_free(&p);
	}
}

static void
the_named_algorithm_is_demanded(void **state)
{
	static const struct {
		const char *named, *key;
		int bits, least;
		enum err_code code;
	} rows[] = {
	    {"RSA", "RSA", 2048, 2048, ERR_OK},
	    {"RSA", "RSA", 2047, 2048, CERTSRV_E_KEY_LENGTH},
	    {"RSA", "EC", 521, 2048, CERTSRV_E_KEY_LENGTH},
	    {"ECDH_P256", "EC", 256, 256, ERR_OK},
	    {"ECDH_P256", "EC", 384, 0, ERR_OK},
	    {"ecdh_p384", "EC", 384, 384, ERR_OK},
	    {"ECDH_P384", "EC", 256, 0, CERTSRV_E_KEY_LENGTH},
	    {"ECDH_P521", "EC", 521, 521, ERR_OK},
	    {"ECDSA_P256", "EC", 256, 256, ERR_OK},
	    {"ECDSA_P521", "EC", 384, 256, CERTSRV_E_KEY_LENGTH},
	    {"ECDSA", "EC", 256, 256, ERR_OK},
	    {"ECDH_P256", "RSA", 4096, 256, CERTSRV_E_KEY_LENGTH},
	    {"DSA", "RSA", 2048, 1024, CERTSRV_E_UNSUPPORTED_CERT_TYPE},
	    {"DH", "RSA", 2048, 1024, CERTSRV_E_UNSUPPORTED_CERT_TYPE},
	    {"", "RSA", 2048, 1024, CERTSRV_E_UNSUPPORTED_CERT_TYPE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s;
		char name[16];

		scene(&s);
		s.t.schema_version = 3;
		s.t.asymmetric_algorithm = strcpy(name, rows[i].named);
		s.t.min_key_size = rows[i].least;
		s.request.key_algorithm = rows[i].key;
		s.request.key_bits = rows[i].bits;
		expect(&s, rows[i].named, rows[i].code,
		    rows[i].bits == 2047 ? "msPKI-Minimal-Key-Size" : "msPKI-Asymmetric-Algorithm");
	}
}

static void
a_key_for_ecdsa_is_not_archived(void **state)
{
	static char ecdsa[] = "ECDSA_P256", ecdh[] = "ECDH_P256";
	struct scene s;

	(void)state;
	scene(&s);
	s.t.schema_version = 4;
	s.t.private_key_flag = CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL;
	s.request.key_algorithm = "EC";
	s.request.key_bits = 256;
	s.request.has_archived_key = true;
	s.t.asymmetric_algorithm = ecdh;
	expect(&s, "agrees", ERR_OK, "");
	s.t.asymmetric_algorithm = ecdsa;
	expect(&s, "signs", DIRCA_E_SIGNATURE_KEY, "only signs");
}

static void
keys_travel_under_the_cipher_of_the_template(void **state)
{
	static const struct {
		const char *name;
		int32_t bits;
		bool ok;
		enum tmpl_cipher cipher;
	} rows[] = {
	    {NULL, 0, true, TMPL_CIPHER_AES_256},
	    {NULL, 128, true, TMPL_CIPHER_AES_256},
	    {"AES", 0, true, TMPL_CIPHER_AES_256},
	    {"AES", 256, true, TMPL_CIPHER_AES_256},
	    {"aes", 192, true, TMPL_CIPHER_AES_192},
	    {"AES", 128, true, TMPL_CIPHER_AES_128},
	    {"3DES", 168, true, TMPL_CIPHER_3DES},
	    {"3DES", 192, true, TMPL_CIPHER_3DES},
	    {"3DES", 0, true, TMPL_CIPHER_3DES},
	    {"AES", 512, false, 0},
	    {"3DES", 112, false, 0},
	    {"DES", 56, false, 0},
	    {"RC2", 128, false, 0},
	    {"RC4", 128, false, 0},
	    {"", 0, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char name[8];
		struct tmpl t = {.cn = cn_t,
		    .schema_version = 3,
		    .symmetric_algorithm = rows[i].name != NULL ? strcpy(name, rows[i].name) : NULL,
		    .symmetric_key_length = rows[i].bits};
		enum tmpl_cipher got;
		struct err err;

		assert_int_equal(tmpl_transport_cipher(&t, &got, &err), rows[i].ok);
		if (rows[i].ok) {
			assert_int_equal(got, rows[i].cipher);
		} else {
			assert_int_equal(err.code, NTE_BAD_ALGID);
			assert_non_null(strstr(err.msg, "template T"));
		}
	}
}

static void
unknown_flags_are_refused_except_in_flags(void **state)
{
	struct scene s;

	(void)state;
	scene(&s);
	s.t.flags = 0x80000000u;
	expect(&s, "flags", ERR_OK, "");
	s.t.enrollment_flag = 0x80000000u;
	expect(&s, "enrollment", CERTSRV_E_UNSUPPORTED_CERT_TYPE, "msPKI-Enrollment-Flag");
	s.t.enrollment_flag = 0;
	s.t.name_flag |= 0x10;
	expect(&s, "name", CERTSRV_E_UNSUPPORTED_CERT_TYPE, "bit 0x10,");
	s.t.name_flag &= ~UINT32_C(0x10);
	s.t.private_key_flag = 0x40000000u;
	expect(&s, "key", CERTSRV_E_UNSUPPORTED_CERT_TYPE, "msPKI-Private-Key-Flag");
}

/* What a plan says, in short. */
static void
summary(const struct issue_plan *p, char *out, size_t size)
{
	snprintf(out, size,
	    "%s %s %s from %d%d%d sans %zu ku %02x bc %d%d%d template %d%d smime %d ocsp %d%d pend "
	    "%d%d publish %d%d archive %d policies %zu sid %s",
	    p->subject_dn != NULL ? "dn" : "", p->subject_cn != NULL ? "cn" : "",
	    p->subject_email != NULL ? "email" : "", p->subject_from_request, p->san_from_request,
	    p->sid_from_request, p->san_count, p->key_usage[0], p->basic_constraints, p->is_ca,
	    p->basic_constraints_critical, p->template_name, p->template_info,
	    p->smime_capabilities, p->ocsp_nocheck, p->no_revocation_info, p->pend,
	    p->approved_before, p->publish_to_kra, p->publish_to_ds, p->archive, p->policies.count,
	    p->sid != NULL ? p->sid : "");
}

/* A machine and user in one, whose template asks for a policy: every flag has something to do. */
static void
flag_scene(struct scene *s)
{
	static char ocsp[] = "1.3.6.1.5.5.7.3.9";
	static char *ocsp_list[] = {ocsp};

	scene(s);
	s->t.name_flag = CT_FLAG_SUBJECT_REQUIRE_COMMON_NAME;
	s->t.policies = LIST(low_high);
	s->t.application_policies = LIST(ocsp_list);
	s->who.has_guid = true;
	s->who.dns_name = mail1;
	s->who.domain = cn1;
	s->request.policies = LIST(low);
	s->request.has_subject = true;
	s->request.subject = view_str("name");
}

/* The table of flags tells the truth: what it calls refused is, and what it says speaks to others
 * than the CA changes nothing. */
static void
the_table_of_flags_says_what_happens(void **state)
{
	(void)state;
	for (enum tmpl_word w = 0; w < TMPL_WORDS; w++) {
		size_t count;
		const struct tmpl_flag *f = tmpl_flags(w, &count);

		for (size_t i = 0; i < count; i++) {
			struct scene s;
			struct issue_plan p;
			struct err err;
			char before[256], after[256];
			uint32_t bit = f[i].mask & (~f[i].mask + 1);
			uint32_t *word[] = {&s.t.flags, &s.t.enrollment_flag, &s.t.name_flag,
			    &s.t.private_key_flag};

			flag_scene(&s);
			p = plan_of(&s);
			summary(&p, before, sizeof before);
			issue_plan_free(&p);
			*word[w] |= bit;
			if (f[i].role == TMPL_FLAG_REFUSED) {
				expect(&s, f[i].name, CERTSRV_E_UNSUPPORTED_CERT_TYPE, f[i].name);
				continue;
			}
			if (f[i].role == TMPL_FLAG_HONOURED)
				continue;
			if (decide(&s, &p, &err) != ERR_OK)
				fail_msg("%s: %s", f[i].name, err.msg);
			summary(&p, after, sizeof after);
			issue_plan_free(&p);
			assert_string_equal(after, before);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signatures_are_counted_with_their_policies),
	    cmocka_unit_test(who_signs_twice_counts_once),
	    cmocka_unit_test(any_issuance_policy_covers_all_but_no_application_policy),
	    cmocka_unit_test(another_subject_needs_template_and_agent),
	    cmocka_unit_test(the_certificate_on_behalf_is_the_other_s),
	    cmocka_unit_test(a_renewal_is_for_the_same_template_or_its_successor),
	    cmocka_unit_test(a_renewal_keeps_its_key_where_that_is_demanded),
	    cmocka_unit_test(a_renewal_that_was_approved_before_waits_for_nobody),
	    cmocka_unit_test(each_condition_of_previous_approval_counts),
	    cmocka_unit_test(a_higher_issuance_policy_was_not_approved_before),
	    cmocka_unit_test(a_supplied_subject_is_the_approved_one),
	    cmocka_unit_test(the_old_certificate_supplies_the_names_by_flag),
	    cmocka_unit_test(the_request_chooses_among_the_policies_of_the_template),
	    cmocka_unit_test(the_named_algorithm_is_demanded),
	    cmocka_unit_test(a_key_for_ecdsa_is_not_archived),
	    cmocka_unit_test(keys_travel_under_the_cipher_of_the_template),
	    cmocka_unit_test(the_table_of_flags_says_what_happens),
	    cmocka_unit_test(unknown_flags_are_refused_except_in_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
