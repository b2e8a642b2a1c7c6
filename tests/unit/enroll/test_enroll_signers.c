/* Requests that somebody else signed too: registration authorities, enrollment agents who enroll
 * others, and the trust in their certificates. */
#include <openssl/ecdsa.h>

#include "ca_harness.h"
#include "certificate.h"
#include "enroll_ask.h"
#include "foreign_crl.h"

#define AGENT_EKU "1.3.6.1.4.1.311.20.2.1"
/* Of version 2; made here one that archives nothing and demands an enrollment agent's signature. */
#define TEMPLATE_DN "CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services"

static struct principal user1, user2, officer1, officer2;
static struct test_cert agent, second, weak, expired, revoked, unknown, encrypts, foreign_ca,
    foreign_agent, limited_ca, limited_agent;

struct row_insert {
	const struct test_cert *cert;
	bool revoked;
	int64_t id;
};

static bool
insert_row(struct store_tx *tx, void *arg, struct err *err)
{
	struct row_insert *in = arg;
	struct store_request row = {.disposition = DISP_ISSUED, .revoked_reason = -1};
	int64_t now = clock_now();
	bool ok;

	harness_must(
	    certificate_columns(harness.ca->issuer, buf_view(&in->cert->der), &row, err), err);
	ok = store_add_request(tx, &row, &in->id, err) &&
	     (!in->revoked || store_revoke(tx, in->id, 1, now, now, err));
	store_request_free(&row);
	return ok;
}

static int64_t
known(const struct test_cert *cert, bool is_revoked)
{
	struct row_insert in = {cert, is_revoked, 0};
	struct err err;

	harness_must(store_do(harness.ca->store, insert_row, &in, &err), &err);
	return in.id;
}

static struct test_cert
issue(const struct test_cert *issuer, const char *usage, const char *eku, uint8_t serial,
    int64_t until)
{
	char dn[64];

	snprintf(dn, sizeof dn, "CN=signer%u,CN=Users,DC=nwtraders,DC=com", serial);
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = test_key("P-256"),
	    .issuer = issuer,
	    .usage = usage,
	    .eku = eku,
	    .serial = serial,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + until});
}

static void
refused_by(const struct test_cert *signer, enum err_code code)
{
	ask_refused(&(struct ask){.signers = {signer}}, &user1, code);
	ask_refused(&(struct ask){.signers = {signer}, .wrapped = true}, &user1, code);
	ask_refused(
	    &(struct ask){.signers = {signer}, .wrapped = true, .cmc_inside = true}, &user1, code);
}

static void
a_request_that_an_agent_signed_is_issued(void **state)
{
	struct store_request row;

	(void)state;
	row = ask_row_of(ask_issued(&(struct ask){.signers = {&agent}}, &user1));
	assert_int_equal(row.request_type, CR_IN_CMC);
	assert_string_equal(row.requester_name, user1.downlevel);
	store_request_free(&row);
	row = ask_row_of(ask_issued(&(struct ask){.signers = {&agent}, .wrapped = true}, &user1));
	assert_int_equal(row.request_type, CR_IN_PKCS7);
	assert_true(row.raw_request.len > 0);
	store_request_free(&row);
	row = ask_row_of(ask_issued(
	    &(struct ask){.signers = {&agent}, .wrapped = true, .cmc_inside = true}, &user1));
	assert_int_equal(row.request_type, CR_IN_PKCS7);
	store_request_free(&row);
}

static void
a_signer_must_be_one_who_may(void **state)
{
	(void)state;
	ask_refused(&(struct ask){0}, &user1, CERTSRV_E_SIGNATURE_POLICY_REQUIRED);
	refused_by(&weak, CERTSRV_E_SIGNATURE_REJECTED);
	refused_by(&expired, CERT_E_EXPIRED);
	refused_by(&revoked, CRYPT_E_REVOKED);
	refused_by(&unknown, CERT_E_ISSUERCHAINING);
	refused_by(&encrypts, CERT_E_WRONG_USAGE);
	refused_by(&foreign_agent, CERT_E_ISSUERCHAINING);
}

/* A good signer does not make up for another's bad signature. */
static void
every_signature_counts(void **state)
{
	(void)state;
	ask_refused(&(struct ask){.signers = {&agent, &revoked}}, &user1, CRYPT_E_REVOKED);
	ask_refused(&(struct ask){.signers = {&agent, &foreign_agent}, .wrapped = true}, &user1,
	    CERT_E_ISSUERCHAINING);
}

static void
a_changed_signature_or_content_is_refused(void **state)
{
	struct ask a = {.signers = {&agent}, .wrapped = true};
	struct cmc_wrapped w;
	struct err err;
	uint8_t *at;

	(void)state;
	ask_make(&a);
	harness_must(cmc_wrapped_decode(buf_view(&a.message), &w, &err), &err);
	at = memmem(a.message.ptr, a.message.len, w.message.signers[0].signature.ptr,
	    w.message.signers[0].signature.len);
	at[w.message.signers[0].signature.len - 1] ^= 1;
	cmc_wrapped_free(&w);
	ask_refused_made(&a, &user1, NTE_BAD_SIGNATURE);
	ask_free(&a);
	/* The agent's certificate is not in the message: another with its key would not do. */
	a = (struct ask){.signers = {&agent}};
	ask_make(&a);
	at = memmem(a.message.ptr, a.message.len, agent.der.ptr, agent.der.len);
	assert_non_null(at);
	at[agent.der.len - 1] ^= 1; /* its own signature */
	ask_refused_made(&a, &user1, CERT_E_ISSUERCHAINING);
	ask_free(&a);
}

static void
as_many_signers_as_the_template_demands_must_sign(void **state)
{
	(void)state;
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("2"));
	ask_refused(&(struct ask){.signers = {&agent}}, &user1, CERTSRV_E_SIGNATURE_COUNT);
	ask_refused(&(struct ask){.signers = {&agent, &agent}}, &user1, CERTSRV_E_SIGNATURE_COUNT);
	ask_refused(
	    &(struct ask){.signers = {&agent, &weak}}, &user1, CERTSRV_E_SIGNATURE_REJECTED);
	ask_issued(&(struct ask){.signers = {&agent, &second}}, &user1);
	ask_issued(&(struct ask){.signers = {&agent, &second}, .wrapped = true}, &user1);
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("16"));
	ask_refused(&(struct ask){.signers = {&agent}}, &user1, CERTSRV_E_TOO_MANY_SIGNATURES);
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("1"));
}

struct received {
	int64_t id;
	bool seen;
	const char *parts[4];
};

static bool
find_received(const struct audit_record *a, void *arg)
{
	struct received *r = arg;

	if (a->event != AUDIT_REQUEST_RECEIVED || a->request_id != r->id)
		return true;
	assert_string_equal(a->actor, officer2.downlevel);
	for (size_t i = 0; i < 4 && r->parts[i] != NULL; i++)
		if (strstr(a->detail, r->parts[i]) == NULL)
			fail_msg("'%s' without '%s'", a->detail, r->parts[i]);
	r->seen = true;
	return true;
}

static void
check_on_behalf(int64_t id, const char *format)
{
	struct received want = {.id = id,
	    .parts = {
		format, "caller=NWTRADERS\\officer2", "requester=NWTRADERS\\user1", "signers=15"}};
	struct store_request row = ask_row_of(id);
	struct enroll_result fetched;
	struct err err;
	int64_t rows;

	assert_string_equal(row.requester_name, user1.downlevel);
	assert_string_equal(row.caller_name, officer2.downlevel);
	assert_string_equal(row.upn, user1.upn);
	assert_string_equal(row.common_name, "user1");
	assert_int_equal(row.request_flags & CR_FLG_ENROLLONBEHALFOF, CR_FLG_ENROLLONBEHALFOF);
	harness_must(
	    store_audit_walk(harness.ca->store, 0, find_received, &want, &rows, &err), &err);
	assert_true(want.seen);
	/* Agent and subject may fetch it, another may not. */
	harness_must(
	    enroll_retrieve(harness.ca, &harness.vault, &officer2, id, &fetched, &err), &err);
	enroll_result_free(&fetched);
	harness_must(enroll_retrieve(harness.ca, &harness.vault, &user1, id, &fetched, &err), &err);
	enroll_result_free(&fetched);
	assert_false(enroll_retrieve(harness.ca, &harness.vault, &user2, id, &fetched, &err));
	store_request_free(&row);
}

static void
an_agent_enrolls_another_subject(void **state)
{
	(void)state;
	check_on_behalf(
	    ask_issued(
		&(struct ask){.signers = {&agent}, .subject = "NWTRADERS\\user1"}, &officer2),
	    "format=CMC");
	check_on_behalf(
	    ask_issued(
		&(struct ask){.signers = {&agent}, .subject = "NWTRADERS\\user1", .wrapped = true},
		&officer2),
	    "format=PKCS7");
}

/* The subject has the key then, and the agent does not; an agent who signs around a request of his
 * victim's cannot give the key to another. */
static void
an_agent_gives_nobody_the_key_of_another(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct ask first = {.signers = {&agent}, .subject = "NWTRADERS\\user2", .wrapped = true},
		   other = {.signers = {&agent}, .subject = "NWTRADERS\\user1", .wrapped = true},
		   own = {.signers = {&agent}, .wrapped = true}, subjects = own;

	(void)state;
	first.key = other.key = own.key = subjects.key = key;
	for (int i = 0; i < 4; i++) /* each takes one over */
		assert_int_equal(EVP_PKEY_up_ref(key), 1);
	ask_issued(&first, &officer2);
	ask_refused(&other, &officer2, DIRCA_E_KEY_IN_USE);
	ask_refused(&own, &officer2, DIRCA_E_KEY_IN_USE);
	ask_issued(&subjects, &user2);
	EVP_PKEY_free(key);
}

/* That nobody but the agent has the key says nothing of whom he enrolls with it. */
static void
an_agent_gives_nobody_a_key_of_his_own(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct ask own = {.signers = {&agent}, .wrapped = true},
		   other = {.signers = {&agent}, .subject = "NWTRADERS\\user1", .wrapped = true};

	(void)state;
	own.key = other.key = key;
	for (int i = 0; i < 2; i++) /* each takes one over */
		assert_int_equal(EVP_PKEY_up_ref(key), 1);
	ask_issued(&own, &officer2);
	ask_refused(&other, &officer2, DIRCA_E_KEY_IN_USE);
	EVP_PKEY_free(key);
}

static void
on_behalf_of_oneself_is_an_ordinary_request(void **state)
{
	struct store_request row;

	(void)state;
	row = ask_row_of(
	    ask_issued(&(struct ask){.signers = {&agent}, .subject = "NWTRADERS\\user1"}, &user1));
	assert_int_equal(row.request_flags & CR_FLG_ENROLLONBEHALFOF, 0);
	store_request_free(&row);
}

static void
nobody_else_is_enrolled_without_an_agent(void **state)
{
	(void)state;
	ask_refused(&(struct ask){.subject = "NWTRADERS\\user1"}, &officer2,
	    CERTSRV_E_SIGNATURE_POLICY_REQUIRED);
	ask_refused(&(struct ask){.signers = {&weak}, .subject = "NWTRADERS\\user1"}, &officer2,
	    CERTSRV_E_SIGNATURE_REJECTED);
	ask_refused(&(struct ask){.signers = {&agent}, .subject = "NWTRADERS\\nobody"}, &officer2,
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	/* A template that demands no agent does not allow one either. */
	ask_refused(&(struct ask){.signers = {&agent},
			.template_cn = "UserArchive",
			.subject = "NWTRADERS\\user1",
			.archive = true},
	    &officer2, CERTSRV_E_TEMPLATE_DENIED);
}

/* An agent who signed user1's request did not sign that it is for another: who puts a signature of
 * its own before that one, with another name, gets nothing. */
static void
a_name_counts_only_if_the_agent_signed_it(void **state)
{
	struct ask a = {.signers = {&weak, &agent}, .subject = "NWTRADERS\\user1", .wrapped = true};

	(void)state;
	ask_refused(&a, &officer2, CERTSRV_E_SIGNATURE_REJECTED);
	ask_issued(
	    &(struct ask){
		.signers = {&agent, &weak}, .subject = "NWTRADERS\\user1", .wrapped = true},
	    &officer2);
}

static void
an_account_that_is_disabled_is_not_enrolled_by_an_agent(void **state)
{
	(void)state;
	ask_refused(&(struct ask){.signers = {&agent}, .subject = "NWTRADERS\\disabled1"},
	    &officer2, ERROR_ACCOUNT_DISABLED);
}

static bool
set_primary_group(struct dir_conn *c, void *arg, struct err *err)
{
	struct view v = view_str(arg);

	return dir_replace(
	    c, "CN=user2,CN=Users,DC=nwtraders,DC=com", "primaryGroupID", &v, 1, err);
}

/* Whose groups the CA cannot see is not denied: the CA could not decide, and nothing is kept. */
static void
a_subject_whose_groups_are_hidden_is_no_refusal(void **state)
{
	struct ask a = {.signers = {&agent}, .subject = "NWTRADERS\\user2"};
	char hidden[] = "9999", users[] = "513";
	struct enroll_result r;
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, set_primary_group, hidden, &err), &err);
	ask_make(&a);
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = buf_view(&a.message),
	    .template_label = a.template_cn,
	    .caller = &officer2,
	    .caller_name = officer2.downlevel,
	    .now = clock_now()};
	assert_false(enroll_submit(harness.ca, &harness.vault, &in, &r, &err));
	assert_int_equal(err.code, DIRCA_E_GROUPS_UNREADABLE);
	assert_int_equal(r.request_id, 0);
	harness_must(ca_directory_do(harness.ca, set_primary_group, users, &err), &err);
	ask_free(&a);
}

static void
an_agent_has_a_key_archived_by_cmc_alone(void **state)
{
	struct store_request row;
	EVP_PKEY *key = test_key("rsa2048"), *recovered;

	(void)state;
	harness_change(TEMPLATE_DN, "msPKI-Private-Key-Flag", view_str("17"));
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	row = ask_row_of(ask_issued(
	    &(struct ask){
		.signers = {&agent}, .subject = "NWTRADERS\\user1", .archive = true, .key = key},
	    &officer2));
	recovered = harness_unseal(buf_view(&row.raw_archived_key));
	assert_int_equal(EVP_PKEY_eq(recovered, key), 1);
	EVP_PKEY_free(recovered);
	EVP_PKEY_free(key);
	store_request_free(&row);
	ask_refused(
	    &(struct ask){
		.signers = {&agent}, .wrapped = true, .cmc_inside = true, .archive = true},
	    &user1, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	harness_change(TEMPLATE_DN, "msPKI-Private-Key-Flag", view_str("16"));
}

static bool
publish_foreign(struct dir_conn *c, void *arg, struct err *err)
{
	const struct test_cert *ca = arg;
	char dn[256];

	snprintf(dn, sizeof dn, "CN=NTAuthCertificates,CN=Public Key Services,CN=Services,%s",
	    dir_conn_root(c)->config_nc);
	return dir_add_value(c, dn, "cACertificate", buf_view(&ca->der), err);
}

static void
put_crl(const struct test_cert *listed, const struct test_cert *signer, int64_t until)
{
	foreign_crl_put(&(struct foreign_crl){.name = "Foreign CA",
	    .issuer = &foreign_ca.cert,
	    .signer = signer->key,
	    .revoked = listed != NULL ? listed->cert.serial : (struct view){0},
	    .next_update = clock_now() + until});
}

static void
an_agent_of_a_ca_of_ntauth_counts_while_its_crl_is_current(void **state)
{
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, publish_foreign, &foreign_ca, &err), &err);
	harness_refresh();
	refused_by(&foreign_agent, CRYPT_E_REVOCATION_OFFLINE);
	put_crl(NULL, &foreign_ca, 3600);
	ask_issued(&(struct ask){.signers = {&foreign_agent}}, &user1);
	ask_issued(&(struct ask){.signers = {&foreign_agent}, .wrapped = true}, &user1);
	put_crl(&foreign_agent, &foreign_ca, 3600);
	refused_by(&foreign_agent, CRYPT_E_REVOKED);
	put_crl(NULL, &foreign_ca, -3600);
	refused_by(&foreign_agent, CRYPT_E_REVOCATION_OFFLINE);
	put_crl(NULL, &agent, 3600); /* signed by another */
	refused_by(&foreign_agent, CRYPT_E_REVOCATION_OFFLINE);
}

/* The same certificate with the other ECDSA signature over it, (r, n - s): anybody can write it. */
static struct test_cert
rewritten(const struct test_cert *of, const struct test_cert *issuer)
{
	const uint8_t *p = of->cert.signature.ptr;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)of->cert.signature.len);
	BIGNUM *s = BN_dup(ECDSA_SIG_get0_s(sig)), *r = BN_dup(ECDSA_SIG_get0_r(sig)), *n = NULL;
	struct test_cert out = {.key = of->key};
	struct buf alg, signature = {0};
	struct err err;

	assert_int_equal(EVP_PKEY_up_ref(of->key), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(issuer->key, "order", &n), 1);
	assert_int_equal(BN_sub(s, n, s), 1);
	assert_int_equal(ECDSA_SIG_set0(sig, r, s), 1);
	signature.len = (size_t)i2d_ECDSA_SIG(sig, &signature.ptr);
	harness_must(pkix_sig_alg(issuer->key, &alg, &err), &err);
	harness_must(
	    pkix_signed_wrap(of->cert.tbs, buf_view(&alg), buf_view(&signature), &out.der, &err),
	    &err);
	harness_must(pkix_cert_decode(buf_view(&out.der), &out.cert, &err), &err);
	OPENSSL_free(signature.ptr);
	buf_free(&alg);
	ECDSA_SIG_free(sig);
	BN_free(n);
	return out;
}

static void
a_rewritten_certificate_is_no_second_signer(void **state)
{
	struct test_cert twin = rewritten(&foreign_agent, &foreign_ca);
	struct ask a = {.signers = {&foreign_agent}, .template_cn = ASK_TEMPLATE};
	struct buf pkcs10, inner;
	struct err err;

	(void)state;
	put_crl(NULL, &foreign_ca, 3600);
	/* It is as good as the other ... */
	assert_false(view_eq(buf_view(&twin.der), buf_view(&foreign_agent.der)));
	ask_issued(&(struct ask){.signers = {&twin}}, &user1);
	/* ... and the same one's. */
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("2"));
	a.key = test_key("rsa2048");
	harness_must(pkix_request_make(a.key, (struct view){0}, NULL, &pkcs10, &err), &err);
	ask_make_cmc(&a, buf_view(&pkcs10), &inner);
	ask_cosign(&inner, &twin);
	wrapped_make(buf_view(&inner), foreign_agent.key, &foreign_agent.cert, NULL, &a.message);
	ask_refused_made(&a, &user1, CERTSRV_E_SIGNATURE_COUNT);
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("1"));
	buf_free(&pkcs10);
	buf_free(&inner);
	ask_free(&a);
	test_cert_free(&twin);
}

static void
a_ca_that_may_not_make_agents_makes_none(void **state)
{
	const struct foreign_crl f = {.name = "Limited CA",
	    .issuer = &limited_ca.cert,
	    .signer = limited_ca.key,
	    .next_update = clock_now() + 3600};
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, publish_foreign, &limited_ca, &err), &err);
	foreign_crl_put(&f);
	harness_refresh();
	refused_by(&limited_agent, CERTSRV_E_SIGNATURE_REJECTED);
}

/* What an approval looks at again: a signer that was revoked while the request waited. */
static void
a_signer_revoked_while_the_request_waits_does_not_count(void **state)
{
	struct test_cert late =
	    issue(&harness.ca_cert, "critical,digitalSignature", AGENT_EKU, 77, 86400);
	struct ask a = {.signers = {&late}, .subject = "NWTRADERS\\user1"},
		   b = {.signers = {&agent}, .subject = "NWTRADERS\\user1", .wrapped = true};
	struct enroll_result first, other, approved;
	struct store_request row;
	int64_t late_row = known(&late, false);
	struct err err;
	char sql[256];

	(void)state;
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("43"));
	ask_make(&a);
	ask_make(&b);
	first = ask_submit(&a, &officer2);
	other = ask_submit(&b, &officer2);
	assert_int_equal(first.disposition, DISP_PENDING);
	assert_int_equal(other.disposition, DISP_PENDING);
	snprintf(sql, sizeof sql,
	    "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"UPDATE Request SET "
	    "Disposition = 21, RevokedWhen = 1, RevokedEffectiveWhen = 1, RevokedReason = 1 WHERE "
	    "RequestID = %lld\"",
	    harness.dir, (long long)late_row);
	assert_int_equal(system(sql), 0);
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, first.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, CRYPT_E_REVOKED);
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, other.request_id,
			 clock_now(), &approved, &err),
	    &err);
	assert_int_equal(approved.disposition, DISP_ISSUED);
	row = ask_row_of(other.request_id);
	assert_string_equal(row.upn, user1.upn);
	store_request_free(&row);
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("41"));
	enroll_result_free(&approved);
	enroll_result_free(&first);
	enroll_result_free(&other);
	ask_free(&a);
	ask_free(&b);
	test_cert_free(&late);
}

static void
names_are_given_away_and_sids_are_not(void **state)
{
	char name[] = "NWTRADERS\\user1", agent_name[] = "NWTRADERS\\officer2",
	     gone[] = "S-1-5-21-1-2-3-9999", own[SID_TEXT_MAX];
	struct store_request row = {.requester_name = name};
	struct principal plain = user1;

	(void)state;
	sid_to_text(&user1.sid, own);
	plain.has_sid = false;
	assert_false(enroll_is_requester(&user1, &row));
	assert_true(enroll_is_requester(&plain, &row));
	row.requester_sid = gone;
	assert_false(enroll_is_requester(&user1, &row));
	assert_false(enroll_is_requester(&plain, &row));
	row.requester_sid = own;
	assert_true(enroll_is_requester(&user1, &row));
	assert_false(enroll_is_requester(&user2, &row));
	row.caller_name = agent_name;
	assert_false(enroll_is_requester(&officer2, &row));
	row.request_flags = CR_FLG_ENROLLONBEHALFOF;
	assert_true(enroll_is_requester(&officer2, &row));
}

/* Without the agent's name the request would be decided as the subject's own. */
static void
a_waiting_request_of_an_unknown_agent_is_not_approved(void **state)
{
	struct ask a = {.signers = {&agent}, .subject = "NWTRADERS\\user1"};
	struct enroll_result r, approved;
	struct err err;
	char sql[512];

	(void)state;
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("43"));
	ask_make(&a);
	r = ask_submit(&a, &officer2);
	assert_int_equal(r.disposition, DISP_PENDING);
	snprintf(sql, sizeof sql,
	    "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"UPDATE Request SET CallerName = "
	    "NULL WHERE RequestID = %lld\"",
	    harness.dir, (long long)r.request_id);
	assert_int_equal(system(sql), 0);
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);
	harness_change(TEMPLATE_DN, "msPKI-Enrollment-Flag", view_str("41"));
	enroll_result_free(&r);
	ask_free(&a);
}

static void
make_signers(void)
{
	static const char signs[] = "critical,digitalSignature";

	agent = issue(&harness.ca_cert, signs, AGENT_EKU, 0x15, 86400);
	second = issue(&harness.ca_cert, signs, AGENT_EKU, 0x16, 86400);
	weak = issue(&harness.ca_cert, signs, "clientAuth", 0x17, 86400);
	expired = issue(&harness.ca_cert, signs, AGENT_EKU, 0x18, -60);
	revoked = issue(&harness.ca_cert, signs, AGENT_EKU, 0x19, 86400);
	unknown = issue(&harness.ca_cert, signs, AGENT_EKU, 0x1a, 86400);
	encrypts = issue(&harness.ca_cert, "critical,keyAgreement", AGENT_EKU, 0x1b, 86400);
	foreign_ca = test_issue(&(struct test_issue){.dn = "CN=Foreign CA,DC=example,DC=com",
	    .key = test_key("P-256"),
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 1,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
	foreign_agent = issue(&foreign_ca, signs, AGENT_EKU, 0x15, 86400);
	limited_ca = test_issue(&(struct test_issue){.dn = "CN=Limited CA,DC=example,DC=com",
	    .key = test_key("P-256"),
	    .usage = "critical,keyCertSign,cRLSign",
	    .eku = "clientAuth",
	    .serial = 1,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
	limited_agent = issue(&limited_ca, signs, AGENT_EKU, 0x15, 86400);
	known(&agent, false);
	known(&second, false);
	known(&weak, false);
	known(&expired, false);
	known(&revoked, true);
	known(&encrypts, false);
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	make_signers();
	harness_change(TEMPLATE_DN, "msPKI-Private-Key-Flag", view_str("16"));
	harness_change(TEMPLATE_DN, "msPKI-RA-Application-Policies", view_str(AGENT_EKU));
	harness_change(TEMPLATE_DN, "msPKI-RA-Signature", view_str("1"));
	return 0;
}

static int
group_teardown(void **state)
{
	struct test_cert *all[] = {&agent, &second, &weak, &expired, &revoked, &unknown, &encrypts,
	    &foreign_ca, &foreign_agent, &limited_ca, &limited_agent};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		test_cert_free(all[i]);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_that_an_agent_signed_is_issued),
	    cmocka_unit_test(a_signer_must_be_one_who_may),
	    cmocka_unit_test(every_signature_counts),
	    cmocka_unit_test(a_changed_signature_or_content_is_refused),
	    cmocka_unit_test(as_many_signers_as_the_template_demands_must_sign),
	    cmocka_unit_test(an_agent_enrolls_another_subject),
	    cmocka_unit_test(an_agent_gives_nobody_the_key_of_another),
	    cmocka_unit_test(an_agent_gives_nobody_a_key_of_his_own),
	    cmocka_unit_test(on_behalf_of_oneself_is_an_ordinary_request),
	    cmocka_unit_test(nobody_else_is_enrolled_without_an_agent),
	    cmocka_unit_test(a_name_counts_only_if_the_agent_signed_it),
	    cmocka_unit_test(an_account_that_is_disabled_is_not_enrolled_by_an_agent),
	    cmocka_unit_test(a_subject_whose_groups_are_hidden_is_no_refusal),
	    cmocka_unit_test(an_agent_has_a_key_archived_by_cmc_alone),
	    cmocka_unit_test(a_signer_revoked_while_the_request_waits_does_not_count),
	    cmocka_unit_test(names_are_given_away_and_sids_are_not),
	    cmocka_unit_test(a_waiting_request_of_an_unknown_agent_is_not_approved),
	    cmocka_unit_test(an_agent_of_a_ca_of_ntauth_counts_while_its_crl_is_current),
	    cmocka_unit_test(a_rewritten_certificate_is_no_second_signer),
	    cmocka_unit_test(a_ca_that_may_not_make_agents_makes_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
