/* An explanation says what a real enrollment then does, word for word. */
#include "ca_harness.h"
#include "cmc.h"
#include "enroll.h"
#include "enroll_priv.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const users[] = {"user1", "user2", "kra1", "officer1", "disabled1", "expired1",
    "locked1", "CN=ws1,CN=Computers,DC=nwtraders,DC=com"};
static const char *const templates[] = {"User", "EFSArchive", "UserArchive", "KeyRecoveryAgent",
    "efsarchive", "EFS", "WebServer", "NoSuchTemplate"};

static EVP_PKEY *keys[COUNT(users) + 1]; /* 3072 bits would only be slower */

static bool
find_account(struct dir_conn *c, void *arg, struct err *err)
{
	const struct {
		const char *name;
		struct principal *out;
	} *q = arg;

	return principal_find(c, q->name, q->out, err) == DIR_FOUND;
}

static struct principal
account(const char *name)
{
	struct principal p = {0};
	struct {
		const char *name;
		struct principal *out;
	} q = {name, &p};
	struct err err;

	harness_must(ca_directory_do(harness.ca, find_account, &q, &err), &err);
	return p;
}

/* One for each account, the last for all that are not in the list by this name: nobody else may
 * have it. */
static EVP_PKEY *
key_of(const struct principal *p)
{
	size_t i = 0;

	while (i < COUNT(users) && strcmp(p->cn, users[i]) != 0)
		i++;
	if (keys[i] == NULL)
		keys[i] = test_key("rsa2048");
	return keys[i];
}

/* As a client would ask that knows the template: with the key if it archives. No two requests are
 * the same, since a repeated one is answered without being decided. */
static void
submit(const struct principal *p, const char *cn, struct enroll_result *out)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct tmpl *t = ca_view_template(view, cn);
	struct buf pkcs10 = {0}, payload = {0}, message = {0}, subject = {0};
	EVP_PKEY *key = key_of(p);
	static int number;
	char dn[32];
	struct err err;

	snprintf(dn, sizeof dn, "CN=%d", ++number);
	harness_must(pkix_name_from_dn(dn, NULL, &subject, &err), &err);

	if (t != NULL && tmpl_requires_key_archival(t))
		harness_seal(key, &view->xchgs[0].cert, &payload);
	harness_must(pkix_request_make(key, buf_view(&subject), NULL, &pkcs10, &err), &err);
	const struct cmc_make make = {.pkcs10 = buf_view(&pkcs10),
	    .key = key,
	    .archived_key = buf_view(&payload),
	    .template_cn = cn};
	harness_must(cmc_request_make(&make, &message, &err), &err);
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = buf_view(&message),
	    .caller = p,
	    .caller_name = p->downlevel,
	    .now = clock_now()};
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, out, &err), &err);
	buf_free(&subject);
	buf_free(&pkcs10);
	buf_free(&payload);
	buf_free(&message);
	ca_view_release(&view);
}

/* The last step but notes is the one that decided. */
static const struct explain_step *
last_check(const struct enroll_explanation *x)
{
	size_t at = x->steps.count;

	while (at > 0 && x->steps.steps[at - 1].verdict == EXPLAIN_NOTE)
		at--;
	assert_true(at > 0);
	return &x->steps.steps[at - 1];
}

static enum err_code
assert_agree(const struct principal *p, const char *cn)
{
	struct enroll_explanation x;
	struct enroll_result r;
	struct err err;
	enum err_code code;

	harness_must(enroll_explain(harness.ca, p, cn, clock_now(), &x, &err), &err);
	submit(p, cn, &r);
	if (x.outcome != r.disposition || x.refusal.code != r.reason.code ||
	    strcmp(x.refusal.msg, r.reason.msg) != 0)
		fail_msg("%s, %s: explained %s %s '%s', done %s %s '%s'", p->downlevel, cn,
		    disposition_name(x.outcome), err_name(x.refusal.code), x.refusal.msg,
		    disposition_name(r.disposition), err_name(r.reason.code), r.reason.msg);
	assert_int_equal(x.allowed, r.reason.code == ERR_OK);
	assert_int_equal(last_check(&x)->verdict, x.allowed ? EXPLAIN_PASSED : EXPLAIN_REFUSED);
	if (!x.allowed)
		assert_string_equal(last_check(&x)->reason, r.reason.msg);
	code = x.refusal.code;
	enroll_explanation_free(&x);
	enroll_result_free(&r);
	return code;
}

/* How many of all pairs came to this code. */
static int
agree_everywhere(enum err_code wanted)
{
	int hits = 0;

	for (size_t i = 0; i < COUNT(users); i++) {
		struct principal p = account(users[i]);

		for (size_t k = 0; k < COUNT(templates); k++)
			hits += assert_agree(&p, templates[k]) == wanted;
		principal_free(&p);
	}
	return hits;
}

static void
explanations_are_what_enrollments_do(void **state)
{
	(void)state;
	assert_true(agree_everywhere(CERTSRV_E_TEMPLATE_DENIED) > 0);
	assert_true(agree_everywhere(ERR_OK) > 0);
	assert_true(agree_everywhere(CERTSRV_E_UNSUPPORTED_CERT_TYPE) > 0);
	assert_true(agree_everywhere(ERROR_ACCOUNT_EXPIRED) > 0);
}

static void
without_enough_kras_too(void **state)
{
	(void)state;
	harness_count_kras(9);
	assert_true(agree_everywhere(CERTSRV_E_NO_VALID_KRA) > 0);
	harness_count_kras(0);
	assert_true(agree_everywhere(CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED) > 0);
	harness_count_kras(2);
}

struct person_attr {
	const char *who;
	struct harness_attr attr;
};

static bool
set_person(struct dir_conn *c, void *arg, struct err *err)
{
	const struct person_attr *p = arg;
	char dn[80];

	snprintf(dn, sizeof dn, "CN=%s,CN=Users,DC=nwtraders,DC=com", p->who);
	return dir_replace(c, dn, p->attr.name, &p->attr.value, p->attr.value.len > 0, err);
}

static void
change(const char *who, const char *attr, const char *value)
{
	struct person_attr p = {who, {attr, view_str(value)}};
	struct err err;

	harness_must(ca_directory_do(harness.ca, set_person, &p, &err), &err);
}

static void
with_what_people_lack_too(void **state)
{
	struct principal p;

	(void)state;
	change("user2", "mail", "");
	p = account("user2");
	assert_int_equal(assert_agree(&p, "User"), CERTSRV_E_SUBJECT_EMAIL_REQUIRED);
	principal_free(&p);
	change("user2", "mail", "user2@nwtraders.com");
	change("user2", "userAccountControl", "514");
	p = account("user2");
	assert_int_equal(assert_agree(&p, "User"), ERROR_ACCOUNT_DISABLED);
	principal_free(&p);
	change("user2", "userAccountControl", "512");
}

static void
with_changed_rights_too(void **state)
{
	struct ca_view *v = ca_view_get(harness.ca);
	struct principal p = account("user1");
	struct buf before, changed;
	struct sd sd;
	struct err err;
	bool done;

	(void)state;
	harness_must(buf_dup(v->raw_rights[0], &before, &err), &err);
	ca_view_release(&v);
	harness_must(sd_decode(buf_view(&before), &sd, &err), &err);
	harness_must(ca_rights_grant(&sd, &p.sid, CA_RIGHT_ENROLL, true, &done, &err), &err);
	harness_must(sd_encode(&sd, &changed, &err), &err);
	harness_set_attr("dircaCASecurity", buf_view(&changed));
	assert_int_equal(assert_agree(&p, "User"), CERTSRV_E_ENROLL_DENIED);
	harness_set_attr("dircaCASecurity", buf_view(&before));
	assert_int_equal(assert_agree(&p, "User"), ERR_OK);
	sd_free(&sd);
	buf_free(&before);
	buf_free(&changed);
	principal_free(&p);
}

/* EFSArchive's right comes from Domain Users or so: the entry and the way to it are named. */
static void
the_deciding_entry_and_the_way_to_it_are_named(void **state)
{
	struct principal p = account("user1");
	struct enroll_explanation x;
	bool found = false;
	struct err err;

	(void)state;
	harness_must(enroll_explain(harness.ca, &p, "EFSArchive", clock_now(), &x, &err), &err);
	assert_non_null(strstr(x.assumed, "archived"));
	for (size_t i = 0; i < x.steps.count; i++) {
		const struct explain_step *s = &x.steps.steps[i];

		if (strcmp(s->check, "enroll-right") == 0) {
			assert_non_null(strstr(s->ace, "of nTSecurityDescriptor: allow "));
			assert_non_null(strstr(s->path, "user1 -> "));
			found = true;
		}
	}
	assert_true(found);
	enroll_explanation_free(&x);
	principal_free(&p);
}

/* A step that is cut within a character could not be told, and would be missing. */
static void
long_names_are_told_whole(void **state)
{
	struct principal p = account("user1");
	struct enroll_explanation x;
	char name[801] = "x";
	struct err err;

	(void)state;
	for (size_t i = 1; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "\u00f1", 2);
	free(p.downlevel);
	p.downlevel = strdup(name);
	harness_must(enroll_explain(harness.ca, &p, "User", clock_now(), &x, &err), &err);
	assert_non_null(strstr(x.steps.steps[0].reason, name));
	for (size_t i = 0; i < x.steps.count; i++)
		assert_true(text_is_utf8(view_str(x.steps.steps[i].reason)));
	enroll_explanation_free(&x);
	principal_free(&p);
}

static void
a_stale_directory_explains_nothing(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct principal p = account("user1");
	struct enroll_explanation x;
	struct err err;

	(void)state;
	view->read_ms -= 61000;
	assert_false(enroll_explain(harness.ca, &p, "User", clock_now(), &x, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	ca_view_release(&view);
	harness_refresh();
	principal_free(&p);
}

/* ---- a request that is there ---- */

/* As officer1 decides it, word for word, and nothing is decided by being explained. */
static enum err_code
assert_approval_agrees(int64_t id)
{
	struct principal officer = account("officer1");
	struct enroll_explanation x;
	struct store_request row;
	struct enroll_result r;
	struct err err, why = {0};
	int issued = harness_audited(AUDIT_ISSUED, true),
	    refused = harness_audited(AUDIT_ISSUED, false);
	enum err_code code;
	bool ok;

	harness_must(
	    enroll_explain_request(harness.ca, &officer, id, clock_now(), &row, &x, &err), &err);
	assert_int_equal(harness_audited(AUDIT_ISSUED, true), issued);
	assert_int_equal(harness_audited(AUDIT_ISSUED, false), refused);
	ok = enroll_approve(harness.ca, &harness.vault, &officer, id, clock_now(), &r, &why);
	if (x.allowed != ok ||
	    (!ok && (x.refusal.code != why.code || strcmp(x.refusal.msg, why.msg) != 0)))
		fail_msg("request %lld: explained %s '%s', done %s '%s'", (long long)id,
		    err_name(x.refusal.code), x.refusal.msg, err_name(why.code), why.msg);
	assert_int_equal(last_check(&x)->verdict, ok ? EXPLAIN_PASSED : EXPLAIN_REFUSED);
	code = x.refusal.code;
	enroll_explanation_free(&x);
	store_request_free(&row);
	enroll_result_free(&r);
	principal_free(&officer);
	return code;
}

static int64_t
waiting(const char *who)
{
	struct principal p = account(who);
	struct enroll_result r;
	int64_t id;

	submit(&p, "KeyRecoveryAgent", &r);
	assert_int_equal(r.disposition, DISP_PENDING);
	id = r.request_id;
	enroll_result_free(&r);
	principal_free(&p);
	return id;
}

static void
a_request_is_explained_as_it_is_decided(void **state)
{
	int64_t id = waiting("kra1");

	(void)state;
	change("kra1", "userAccountControl", "514");
	assert_int_equal(assert_approval_agrees(id), ERROR_ACCOUNT_DISABLED);
	change("kra1", "userAccountControl", "512");
	assert_int_equal(assert_approval_agrees(id), ERR_OK);
	assert_int_equal(assert_approval_agrees(id), CERTSRV_E_BAD_REQUESTSTATUS); /* issued */
}

static void
of_nobodys_request_is_told(void **state)
{
	struct principal user = account("user1"), officer = account("officer1");
	struct enroll_explanation x;
	struct store_request row;
	struct err err;

	(void)state;
	assert_false(enroll_explain_request(harness.ca, &user, 1, clock_now(), &row, &x, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	assert_false(
	    enroll_explain_request(harness.ca, &officer, 999999, clock_now(), &row, &x, &err));
	assert_int_equal(err.code, CERTSRV_E_NO_REQUEST);
	principal_free(&user);
	principal_free(&officer);
}

static int
open_all(void **state)
{
	(void)state;
	return harness_open("");
}

static int
close_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		EVP_PKEY_free(keys[i]);
	return harness_close();
}

static void
assert_told_policy(char *dn, char *email, const char *begin)
{
	char name[] = "user1@nwtraders.com";
	struct issue_san_value upn = {.kind = ISSUE_SAN_UPN, .text = name};
	struct enrollment e = {
	    .plan = {.subject_dn = dn, .subject_email = email, .sans = &upn, .san_count = 1}};
	char *told = told_policy(&e);

	assert_memory_equal(told, begin, strlen(begin));
	free(told);
}

static void
a_certificate_without_a_subject_is_told_as_that(void **state)
{
	char dn[] = "CN=user1", email[] = "user1@nwtraders.com";

	(void)state;
	assert_told_policy(NULL, NULL, "from the directory: no subject, UPN user1@");
	assert_told_policy(dn, NULL, "from the directory: subject CN=user1, UPN user1@");
	assert_told_policy(NULL, email, "from the directory: subject user1@nwtraders.com, UPN ");
	assert_told_policy(dn, email, "from the directory: subject CN=user1 user1@nwtraders.com, ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(explanations_are_what_enrollments_do),
	    cmocka_unit_test(without_enough_kras_too),
	    cmocka_unit_test(with_what_people_lack_too),
	    cmocka_unit_test(with_changed_rights_too),
	    cmocka_unit_test(the_deciding_entry_and_the_way_to_it_are_named),
	    cmocka_unit_test(a_certificate_without_a_subject_is_told_as_that),
	    cmocka_unit_test(long_names_are_told_whole),
	    cmocka_unit_test(a_stale_directory_explains_nothing),
	    cmocka_unit_test(a_request_is_explained_as_it_is_decided),
	    cmocka_unit_test(of_nobodys_request_is_told),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
