#include <openssl/pem.h>

#include "ca_harness.h"
#include "cmc.h"
#include "enroll.h"
#include "extension.h"
#include "log.h"

static struct principal user1, officer1, officer2, kra1;

/* One request under construction: every field may be spoilt before it is sent. */
struct client {
	const char *kind; /* "rsa2048", "P-256" */
	const char *template_cn;
	bool archive;
	EVP_PKEY *key;
	EVP_PKEY *archived; /* another key inside the payload; NULL: `key` */
	struct buf message;
};

static void
make_request(struct client *c)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct buf pkcs10 = {0}, payload = {0};
	struct err err;

	if (c->key == NULL)
		c->key = test_key(c->kind);
	if (c->archive)
		harness_seal(
		    c->archived != NULL ? c->archived : c->key, &view->xchgs[0].cert, &payload);
	harness_must(pkix_request_make(c->key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make in = {.pkcs10 = buf_view(&pkcs10),
	    .key = c->key,
	    .archived_key = buf_view(&payload),
	    .template_cn = c->template_cn};
	harness_must(cmc_request_make(&in, &c->message, &err), &err);
	buf_free(&pkcs10);
	buf_free(&payload);
	ca_view_release(&view);
}

static void
client_free(struct client *c)
{
	EVP_PKEY_free(c->key);
	EVP_PKEY_free(c->archived);
	buf_free(&c->message);
}

static bool
submit_as(const struct principal *p, enum enroll_format format, struct view body,
    struct enroll_result *out, struct err *err)
{
	const struct enroll_input in = {.format = format,
	    .body = body,
	    .caller = p,
	    .caller_name = p->downlevel,
	    .now = clock_now()};

	return enroll_submit(harness.ca, &harness.vault, &in, out, err);
}

static struct store_request
row_of(int64_t id)
{
	struct store_request row;
	struct err err;

	assert_int_equal(store_get_request(harness.ca->store, id, &row, &err), STORE_FOUND);
	return row;
}

/* For when the account will be gone. */
static void
assert_groups_are_recorded(const struct store_request *row, const struct principal *p)
{
	struct buf expected = {0};
	struct err err;

	harness_must(sids_encode(&p->sids, &expected, &err), &err);
	assert_true(view_eq(buf_view(&row->requester_sids), buf_view(&expected)));
	buf_free(&expected);
}

/* The request was refused with this code: stored as failed, without key and certificate, answered
 * in kind, audited. */
static void
assert_refused_as(const struct principal *p, struct view body, enum err_code code, bool decoded)
{
	struct enroll_result r;
	struct cmc_response response;
	struct store_request row;
	struct err err;
	int denied = harness_audited(AUDIT_REQUEST_DENIED, false),
	    archived = harness_audited(AUDIT_KEY_ARCHIVED, true);

	harness_must(submit_as(p, ENROLL_CMC, body, &r, &err), &err);
	if (r.reason.code != code)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	assert_true(r.disposition == DISP_ERROR || r.disposition == DISP_DENIED);
	assert_int_equal(r.certificate.len, 0);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, r.disposition);
	assert_int_equal(row.status_code, (int32_t)code);
	assert_int_equal(row.raw_archived_key.len, 0);
	assert_int_equal(row.raw_certificate.len, 0);
	assert_null(row.key_recovery_hashes);
	assert_string_equal(row.requester_name, p->downlevel);
	assert_int_equal(row.raw_request.len, 0);
	assert_int_equal(row.request_hash.len, 32);
	assert_int_equal(row.requester_sids.len, 0);
	assert_int_equal(r.response.len > 0, decoded);
	if (decoded) {
		harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
		assert_int_equal(response.status, CMC_STATUS_FAILED);
		assert_memory_equal(response.text, err_name(code), strlen(err_name(code)));
		cmc_response_free(&response);
	}
	assert_int_equal(harness_audited(AUDIT_REQUEST_DENIED, false), denied + 1);
	assert_int_equal(harness_audited(AUDIT_KEY_ARCHIVED, true), archived);
	store_request_free(&row);
	enroll_result_free(&r);
}

static void
assert_refused(struct view body, enum err_code code)
{
	assert_refused_as(&user1, body, code, true);
}

static void
check_response(const struct enroll_result *r, const struct client *c)
{
	struct cmc_response response;
	struct cmc_request request;
	struct pkix_cert cert;
	struct err err;

	harness_must(cmc_request_decode(buf_view(&c->message), &request, &err), &err);
	harness_must(cmc_response_decode(buf_view(&r->response), &response, &err), &err);
	harness_must(pkix_cert_decode(buf_view(&r->certificate), &cert, &err), &err);
	assert_int_equal(response.status, CMC_STATUS_SUCCESS);
	assert_true(view_eq(response.issued_sha1, view_of(cert.sha1, 20)));
	assert_true(view_eq(response.key_hash, request.key_hash));
	assert_true(view_eq(cmc_response_certificate(&response), buf_view(&r->certificate)));
	harness_must(cms_signer_verify(&response.message, &response.message.signers[0],
			 harness.ca->issuer->key, false, &err),
	    &err);
	harness_must(pkix_verify(harness.ca->issuer->key, cert.sig_alg, cert.tbs, cert.signature,
			 false, &err),
	    &err);
	pkix_cert_free(&cert);
	cmc_response_free(&response);
	cmc_request_free(&request);
}

static void
archived_enrollment(const char *kind)
{
	struct client c = {.kind = kind, .template_cn = "EFSArchive", .archive = true};
	struct enroll_result r;
	struct store_request row;
	EVP_PKEY *recovered;
	struct err err;

	make_request(&c);
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	check_response(&r, &c);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, DISP_ISSUED);
	assert_string_equal(row.upn, "user1@nwtraders.com");
	assert_string_equal(row.common_name, "user1");
	assert_string_equal(row.template_name, "EFSArchive");
	assert_groups_are_recorded(&row, &user1);
	assert_true((row.request_flags & CR_FLG_VALIDENCRYPTEDKEYHASH) != 0);
	assert_int_equal(strlen(row.key_recovery_hashes), 2 * 59 + 1);
	assert_null(memmem(
	    row.raw_request.ptr, row.raw_request.len, "\x2b\x06\x01\x04\x01\x82\x37\x15\x0d", 9));
	recovered = harness_unseal(buf_view(&row.raw_archived_key));
	assert_int_equal(EVP_PKEY_eq(recovered, c.key), 1);
	harness_must(archive_key_matches(recovered, c.key, &err), &err);
	EVP_PKEY_free(recovered);
	store_request_free(&row);
	enroll_result_free(&r);
	client_free(&c);
}

static void
rsa_key_is_archived_and_opens_with_a_kra_key(void **state)
{
	int archived = harness_audited(AUDIT_KEY_ARCHIVED, true),
	    issued = harness_audited(AUDIT_ISSUED, true);

	(void)state;
	archived_enrollment("rsa2048");
	assert_int_equal(harness_audited(AUDIT_KEY_ARCHIVED, true), archived + 1);
	assert_int_equal(harness_audited(AUDIT_ISSUED, true), issued + 1);
}

static void
p256_key_is_archived_and_opens_with_a_kra_key(void **state)
{
	(void)state;
	archived_enrollment("P-256");
}

static void
archived_keys_wander_over_all_kras(void **state)
{
	struct store_filter f = {.disposition = DISP_ISSUED, .requester_name = user1.downlevel};
	struct store_requests rows;
	char *hash;
	struct err err;
	bool used[HARNESS_KRAS] = {false};

	(void)state;
	archived_enrollment("P-256");
	archived_enrollment("P-256");
	harness_must(store_list_requests(harness.ca->store, &f, &rows, &err), &err);
	for (size_t k = 0; k < HARNESS_KRAS; k++) {
		hash = hex_encode(view_of(harness.kras[k].cert.sha1, 20), ' ');
		for (size_t i = 0; i < rows.count; i++)
			if (rows.list[i].key_recovery_hashes != NULL &&
			    strstr(rows.list[i].key_recovery_hashes, hash) != NULL)
				used[k] = true;
		assert_true(used[k]);
		free(hash);
	}
	store_requests_free(&rows);
}

/* Not every name of a template can stand in a path; its OID can. What is neither is refused. */
static void
a_label_may_be_the_oid_of_a_template(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct {
		const char *label;
		enum err_code code;
	} rows[] = {{ca_view_template(view, "User")->oid, ERR_OK}, {"user", ERR_OK},
	    {"1.2.3.4", CERTSRV_E_UNSUPPORTED_CERT_TYPE},
	    {"User/", CERTSRV_E_UNSUPPORTED_CERT_TYPE}};
	EVP_PKEY *key = test_key("rsa2048");
	struct buf body;
	struct err err;

	(void)state;
	harness_must(pkix_request_make(key, (struct view){0}, NULL, &body, &err), &err);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct enroll_input in = {.format = ENROLL_PKCS10,
		    .body = buf_view(&body),
		    .template_label = rows[i].label,
		    .caller = &user1,
		    .caller_name = user1.downlevel,
		    .now = clock_now()};
		struct enroll_result r;

		harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
		if (r.reason.code != rows[i].code)
			fail_msg("%s: %s", rows[i].label, r.reason.msg);
		enroll_result_free(&r);
	}
	buf_free(&body);
	EVP_PKEY_free(key);
	ca_view_release(&view);
}

static void
pkcs10_of_a_template_without_archival_is_issued(void **state)
{
	EVP_PKEY *key = test_key("rsa2048");
	struct buf body;
	struct enroll_result r;
	struct pkix_cert cert;
	struct err err;
	const struct principal *p = &user1;

	(void)state;
	harness_must(pkix_request_make(key, (struct view){0}, NULL, &body, &err), &err);
	const struct enroll_input in = {.format = ENROLL_PKCS10,
	    .body = buf_view(&body),
	    .template_label = "User",
	    .caller = p,
	    .caller_name = p->downlevel,
	    .now = clock_now()};
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	assert_int_equal(r.response.len, 0);
	harness_must(pkix_cert_decode(buf_view(&r.certificate), &cert, &err), &err);
	assert_non_null(pkix_cert_extension(&cert, oid_nid(OID_ENROLL_CERTTYPE)));
	pkix_cert_free(&cert);
	enroll_result_free(&r);
	buf_free(&body);
	EVP_PKEY_free(key);
}

/* An extension that names the template (311.20.2), as certreq of Windows 2000 asked for it. */
static void
add_old_extensions(X509_REQ *req)
{
	static const unsigned char name[] = {0x1e, 8, 0, 'U', 0, 's', 0, 'e', 0, 'r'}; /* BMP */
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.311.20.2", 1);

	assert_int_equal(ASN1_OCTET_STRING_set(value, name, sizeof name), 1);
	sk_X509_EXTENSION_push(list, X509_EXTENSION_create_by_OBJ(NULL, type, 0, value));
	assert_int_equal(X509_REQ_add_extensions_nid(req, list, NID_ms_ext_req), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(type);
}

static void
add_attribute(X509_REQ *req, const char *type, int kind, const char *value, int len)
{
	assert_int_equal(
	    X509_REQ_add1_attr_by_txt(req, type, kind, (const unsigned char *)value, len), 1);
}

static void
add_empty_extensions(X509_REQ *req)
{
	add_attribute(req, "1.2.840.113549.1.9.14", V_ASN1_SEQUENCE, "\x30\x00", 2);
}

static void
add_challenge(X509_REQ *req)
{
	add_attribute(req, "1.2.840.113549.1.9.7", MBSTRING_UTF8, "p\xc3\xa4sswort", 9);
	add_attribute(req, "1.2.840.113549.1.9.2", V_ASN1_IA5STRING, "router1", 7);
}

/* Its client's version and name, and the provider of its key. */
static void
add_old_certreq(X509_REQ *req)
{
	static const char client[] = "\x30\x0f\x02\x01\x05\x0c\x02PC\x0c\x03N\\u\x0c\x01x";
	static const char provider[] = "\x30\x0a\x02\x01\x01\x1e\x02\0S\x03\x01\0";

	add_attribute(req, "1.3.6.1.4.1.311.13.2.3", V_ASN1_IA5STRING, "5.0.2195.2", 10);
	add_attribute(
	    req, "1.3.6.1.4.1.311.21.20", V_ASN1_SEQUENCE, client, (int)sizeof client - 1);
	add_attribute(
	    req, "1.3.6.1.4.1.311.13.2.2", V_ASN1_SEQUENCE, provider, (int)sizeof provider - 1);
	add_old_extensions(req);
}

static void
add_nothing(X509_REQ *req)
{
	(void)req;
}

/* The certificate that the request gets, by the template of the path; NULL: by its own words. */
static X509 *
issued_for(const char *what, X509_REQ *req, const char *label)
{
	unsigned char *der = NULL;
	int len = i2d_X509_REQ(req, &der);
	const struct enroll_input in = {.format = ENROLL_PKCS10,
	    .body = view_of(der, (size_t)len),
	    .template_label = label,
	    .caller = &user1,
	    .caller_name = user1.downlevel,
	    .now = clock_now()};
	struct enroll_result r;
	const unsigned char *at;
	X509 *cert;
	struct err err;

	assert_true(len > 0);
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s: %s", what, err_name(r.reason.code), r.reason.msg);
	at = r.certificate.ptr;
	cert = d2i_X509(NULL, &at, (long)r.certificate.len);
	assert_non_null(cert);
	enroll_result_free(&r);
	OPENSSL_free(der);
	return cert;
}

/* What devices, libraries and old programs put into a request stands in nobody's way. */
static void
requests_of_other_makers_are_issued(void **state)
{
	static const struct {
		const char *what, *label;
		void (*add)(X509_REQ *req);
	} rows[] = {{"without attributes", "User", add_nothing},
	    {"an empty extensionRequest", "User", add_empty_extensions},
	    {"a challenge and a name", "User", add_challenge},
	    {"an old extension request", NULL, add_old_extensions},
	    {"an old certreq", NULL, add_old_certreq}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		EVP_PKEY *key = test_key("rsa2048");
		X509_REQ *req = X509_REQ_new();
		X509 *cert;

		assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
		rows[i].add(req);
		assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
		cert = issued_for(rows[i].what, req, rows[i].label);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), key), 1);
		assert_true(X509_get_ext_by_NID(cert, oid_nid(OID_ENROLL_CERTTYPE), -1) >= 0);
		X509_free(cert);
		X509_REQ_free(req);
		EVP_PKEY_free(key);
	}
}

static X509_REQ *
request_of_8192_bits(void)
{
	FILE *file = fopen(FIXTURES "/requests/rsa8192.pem", "re");
	X509_REQ *req = file != NULL ? PEM_read_X509_REQ(file, NULL, NULL, NULL) : NULL;

	assert_non_null(req);
	fclose(file);
	return req;
}

static void
rsa_of_8192_bits_is_issued(void **state)
{
	X509_REQ *req = request_of_8192_bits();
	X509 *cert = issued_for("8192 bits", req, "User");

	(void)state;
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 8192);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), X509_REQ_get0_pubkey(req)), 1);
	X509_free(cert);
	X509_REQ_free(req);
}

/* The template's year, or the five of the setting where those end before. */
static void
the_shorter_of_template_and_setting_is_the_validity(void **state)
{
	static const struct {
		const char *unit;
		int64_t left;
	} rows[] = {
	    {"Months", INT64_C(150) * 86400}, {"Years", INT64_C(365) * 86400 - PKIX_CLOCK_SKEW_S}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct client c = {.kind = "P-256", .template_cn = "User"};
		struct enroll_result r;
		struct pkix_cert cert;
		struct err err;
		int64_t now = clock_now();

		make_request(&c);
		harness_set("CA\\ValidityPeriod", rows[i].unit);
		harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
		if (r.disposition != DISP_ISSUED)
			fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
		harness_must(pkix_cert_decode(buf_view(&r.certificate), &cert, &err), &err);
		assert_in_range(cert.not_after - now, rows[i].left, rows[i].left + 60);
		pkix_cert_free(&cert);
		enroll_result_free(&r);
		client_free(&c);
	}
}

static void
pending_request_is_issued_by_an_officer(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"};
	struct enroll_result r, approved, fetched;
	struct principal own; /* an officer who is the requester too */
	struct principal before = kra1;
	struct cmc_response response;
	struct store_request row;
	struct err err;

	(void)state;
	make_request(&c);
	before.sids = (struct sids){0}; /* was in one group more when the request came */
	for (size_t i = 0; i < kra1.sids.count; i++)
		sids_put(&before.sids, &kra1.sids.list[i]);
	sids_put(&before.sids, &officer1.sid);
	harness_must(submit_as(&before, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	assert_int_equal(r.disposition, DISP_PENDING);
	assert_int_equal(r.certificate.len, 0);
	row = row_of(r.request_id);
	assert_groups_are_recorded(&row, &before);
	sids_free(&before.sids);
	store_request_free(&row);
	harness_must(cmc_response_decode(buf_view(&r.response), &response, &err), &err);
	assert_int_equal(response.status, CMC_STATUS_PENDING);
	assert_int_equal(response.pending_id, r.request_id);
	cmc_response_free(&response);

	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &kra1, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	own = officer1;
	own.sid = kra1.sid;
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &own, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, DIRCA_E_OWN_REQUEST);
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	assert_int_equal(approved.disposition, DISP_ISSUED);
	check_response(&approved, &c);
	row = row_of(r.request_id);
	assert_groups_are_recorded(&row, &kra1);
	store_request_free(&row);
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, r.request_id, clock_now(), &fetched, &err));
	assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);

	harness_must(
	    enroll_retrieve(harness.ca, &harness.vault, &kra1, r.request_id, &fetched, &err), &err);
	assert_int_equal(fetched.disposition, DISP_ISSUED);
	assert_true(view_eq(buf_view(&fetched.certificate), buf_view(&approved.certificate)));
	check_response(&fetched, &c);
	enroll_result_free(&fetched);
	assert_false(
	    enroll_retrieve(harness.ca, &harness.vault, &user1, r.request_id, &fetched, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	enroll_result_free(&approved);
	enroll_result_free(&r);
	client_free(&c);
}

static void
denied_request_stays_denied(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"};
	struct enroll_result r, again;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(submit_as(&kra1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	assert_false(enroll_deny(harness.ca, &user1, r.request_id, "no", clock_now(), &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	harness_must(
	    enroll_deny(harness.ca, &officer1, r.request_id, "not now", clock_now(), &err), &err);
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, r.request_id, clock_now(), &again, &err));
	assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSTATUS);
	harness_must(
	    enroll_retrieve(harness.ca, &harness.vault, &kra1, r.request_id, &again, &err), &err);
	assert_int_equal(again.disposition, DISP_DENIED);
	assert_int_equal(again.reason.code, DIRCA_E_DENIED);
	assert_string_equal(again.reason.msg, "not now");
	enroll_result_free(&again);
	enroll_result_free(&r);
	client_free(&c);
	assert_false(enroll_deny(harness.ca, &officer1, 99999, NULL, clock_now(), &err));
	assert_int_equal(err.code, CERTSRV_E_NO_REQUEST);
}

static void
officer_outside_the_rules_may_not_decide(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"};
	struct enroll_result r, approved;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(submit_as(&kra1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	/* officer1 for Key Recovery Agents, officer2 for Sales only */
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1203", NULL}, {false, "1112", "1205", NULL}},
	    2);
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer2, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, CERTSRV_E_RESTRICTEDOFFICER);
	assert_false(enroll_deny(harness.ca, &officer2, r.request_id, "no", clock_now(), &err));
	assert_int_equal(err.code, CERTSRV_E_RESTRICTEDOFFICER);
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	harness_unrestrict();
	enroll_result_free(&approved);
	enroll_result_free(&r);
	client_free(&c);
}

static void
archived_key_of_another_pair_is_refused(void **state)
{
	struct client rsa = {.kind = "rsa2048",
	    .template_cn = "EFSArchive",
	    .archive = true,
	    .archived = test_key("rsa2048")};
	struct client ec = {.kind = "P-256",
	    .template_cn = "EFSArchive",
	    .archive = true,
	    .archived = test_key("P-256")};

	(void)state;
	make_request(&rsa);
	make_request(&ec);
	assert_refused(buf_view(&rsa.message), DIRCA_E_KEY_NOT_ARCHIVED);
	assert_refused(buf_view(&ec.message), DIRCA_E_KEY_NOT_ARCHIVED);
	client_free(&rsa);
	client_free(&ec);
}

/* Flips one byte where `what` occurs in the message. */
static void
flip(struct client *c, struct view what, size_t at)
{
	uint8_t *p = memmem(c->message.ptr, c->message.len, what.ptr, what.len);

	assert_non_null(p);
	p[at] ^= 1;
}

static void
payload_that_does_not_fit_the_hash_is_refused(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "EFSArchive", .archive = true};
	struct cmc_request request;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(cmc_request_decode(buf_view(&c.message), &request, &err), &err);
	flip(&c, request.archived_key, request.archived_key.len - 1);
	cmc_request_free(&request);
	assert_refused(buf_view(&c.message), CRYPT_E_HASH_VALUE);
	client_free(&c);
}

static void
tampered_signature_is_refused(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "EFSArchive", .archive = true};
	struct cmc_request request;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(cmc_request_decode(buf_view(&c.message), &request, &err), &err);
	flip(&c, request.message.signers[0].signature, 20);
	cmc_request_free(&request);
	assert_refused(buf_view(&c.message), NTE_BAD_SIGNATURE);
	client_free(&c);
}

static void
refused_request_is_kept_where_a_setting_says_so(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "User", .archive = true};
	struct enroll_result r;
	struct store_request row;
	struct err err;

	(void)state;
	make_request(&c);
	harness_set("CA\\KeepRefusedRequests", "1");
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	harness_set("CA\\KeepRefusedRequests", "0");
	assert_int_equal(r.reason.code, CERTSRV_E_ARCHIVED_KEY_UNEXPECTED);
	row = row_of(r.request_id);
	assert_true(row.raw_request.len > 0);
	assert_null(memmem(
	    row.raw_request.ptr, row.raw_request.len, "\x2b\x06\x01\x04\x01\x82\x37\x15\x0d", 9));
	store_request_free(&row);
	enroll_result_free(&r);
	client_free(&c);
}

static void
a_requester_has_a_quota(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "User"};
	struct enroll_result r;
	struct err err;

	(void)state;
	make_request(&c);
	harness_set("CA\\MaxRequestsPerHour", "1");
	assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err));
	assert_int_equal(err.code, DIRCA_E_QUOTA);
	assert_true(r.retry_after_s > 0 && r.retry_after_s <= 3600);
	assert_int_equal(r.request_id, 0);
	harness_set("CA\\MaxRequestsPerHour", "0");
	harness_set("CA\\MaxKilobytesPerHour", "1");
	assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err));
	assert_int_equal(err.code, DIRCA_E_QUOTA);
	harness_set("CA\\MaxKilobytesPerHour", "65536");
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	enroll_result_free(&r);
	client_free(&c);
}

static void
a_full_disk_refuses_new_requests_and_nothing_else(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"},
		      late = {.kind = "P-256", .template_cn = "User"};
	struct enroll_result r, approved, none;
	struct err err;

	(void)state;
	make_request(&c);
	make_request(&late);
	harness_must(submit_as(&kra1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	harness.config->low_space_mb = INT64_MAX;
	assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&late.message), &none, &err));
	assert_int_equal(err.code, DIRCA_E_LOW_SPACE);
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	harness.config->low_space_mb = 0;
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&late.message), &none, &err), &err);
	enroll_result_free(&none);
	enroll_result_free(&approved);
	enroll_result_free(&r);
	client_free(&c);
	client_free(&late);
}

static void
truncated_request_is_stored_without_its_bytes(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct enroll_result r;
	struct store_request row;
	struct err err;

	(void)state;
	make_request(&c);
	for (size_t len = 0; len < c.message.len; len += 97) {
		harness_must(
		    submit_as(&user1, ENROLL_CMC, view_of(c.message.ptr, len), &r, &err), &err);
		assert_int_equal(r.disposition, DISP_ERROR);
		assert_true(r.request_id > 0);
		row = row_of(r.request_id);
		assert_int_equal(row.raw_request.len, 0);
		assert_int_equal(row.raw_archived_key.len, 0);
		store_request_free(&row);
		enroll_result_free(&r);
	}
	client_free(&c);
}

static void
cmc_sent_as_pkcs10_keeps_no_key(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct enroll_result r;
	struct store_request row;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(submit_as(&user1, ENROLL_PKCS10, buf_view(&c.message), &r, &err), &err);
	assert_int_equal(r.reason.code, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	row = row_of(r.request_id);
	assert_int_equal(row.raw_request.len, 0);
	store_request_free(&row);
	enroll_result_free(&r);
	client_free(&c);
}

static void
request_over_the_size_limit_is_refused(void **state)
{
	struct buf large;
	struct err err;

	(void)state;
	harness_must(buf_alloc((size_t)harness.config->max_request + 1, &large, &err), &err);
	assert_refused_as(&user1, buf_view(&large), DIRCA_E_TOO_LARGE, false);
	buf_free(&large);
}

static void
archival_template_without_key_is_refused(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "EFSArchive"};

	(void)state;
	make_request(&c);
	assert_refused(buf_view(&c.message), CERTSRV_E_ARCHIVED_KEY_REQUIRED);
	client_free(&c);
}

static void
key_for_a_template_without_archival_is_refused(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "User", .archive = true};

	(void)state;
	make_request(&c);
	assert_refused(buf_view(&c.message), CERTSRV_E_ARCHIVED_KEY_UNEXPECTED);
	client_free(&c);
}

/* A blob that says "signature only": CAPI aiKeyAlg CALG_RSA_SIGN. */
static void
signature_only_key_is_refused(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct pkix_cert *xchg = &view->xchgs[0].cert;
	struct client c = {.key = test_key("rsa2048"), .template_cn = "EFSArchive"};
	struct buf pkcs10, payload;
	struct secret blob;
	EVP_PKEY *pub;
	struct err err;

	(void)state;
	harness_must(keyblob_encode(c.key, &blob, &err), &err);
	assert_int_equal(blob.ptr[5], 0xa4);
	blob.ptr[5] = 0x24;
	harness_must(pkix_public_key(xchg->spki, &pub, &err), &err);
	const struct cms_kra to = {.issuer = xchg->issuer, .serial = xchg->serial, .key = pub};
	harness_must(
	    cms_enveloped_seal(secret_view(&blob), &to, 1, CMS_AES_256_CBC, &payload, &err), &err);
	harness_must(pkix_request_make(c.key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make in = {.pkcs10 = buf_view(&pkcs10),
	    .key = c.key,
	    .archived_key = buf_view(&payload),
	    .template_cn = c.template_cn};
	harness_must(cmc_request_make(&in, &c.message, &err), &err);
	assert_refused(buf_view(&c.message), DIRCA_E_KEY_NOT_ARCHIVED);
	secret_free(&blob);
	buf_free(&pkcs10);
	buf_free(&payload);
	EVP_PKEY_free(pub);
	client_free(&c);
	ca_view_release(&view);
}

static void
refused_by_template(const char *template_cn, enum err_code code)
{
	struct client c = {.kind = "P-256", .template_cn = template_cn};

	make_request(&c);
	assert_refused(buf_view(&c.message), code);
	client_free(&c);
}

static void
template_that_is_unknown_or_not_on_this_ca_is_refused(void **state)
{
	(void)state;
	refused_by_template("NoSuchTemplate", CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	refused_by_template(
	    "EFS", CERTSRV_E_UNSUPPORTED_CERT_TYPE); /* exists, not among certificateTemplates */
}

static void
template_without_enroll_right_is_refused(void **state)
{
	(void)state;
	refused_by_template("KeyRecoveryAgent", CERTSRV_E_TEMPLATE_DENIED);
}

static void
request_without_or_with_two_templates_is_refused(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "User"};
	struct enroll_input in = {.format = ENROLL_CMC,
	    .template_label = "EFSArchive",
	    .caller = &user1,
	    .caller_name = user1.downlevel,
	    .now = clock_now()};
	struct enroll_result r;
	struct err err;

	(void)state;
	make_request(&c);
	in.body = buf_view(&c.message);
	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	assert_int_equal(r.reason.code, CERTSRV_E_TEMPLATE_CONFLICT);
	assert_int_equal(r.disposition, DISP_DENIED);
	enroll_result_free(&r);
	client_free(&c);
	refused_by_template(NULL, CERTSRV_E_NO_CERT_TYPE);
}

static void
caller_without_the_ca_right_is_refused(void **state)
{
	struct ace deny = harness_allow(HARNESS_DOMAIN "-1202", CA_RIGHT_OFFICER);
	const struct sd sd = {.has_dacl = true, .aces = &deny, .count = 1};
	struct client c = {.kind = "P-256", .template_cn = "User"};
	struct ca_view *view = ca_view_get(harness.ca);
	struct buf old, none;
	struct err err;

	(void)state;
	harness_must(sd_encode(&view->security, &old, &err), &err);
	ca_view_release(&view);
	harness_must(sd_encode(&sd, &none, &err), &err);
	harness_set_attr("dircaCASecurity", buf_view(&none));
	make_request(&c);
	assert_refused(buf_view(&c.message), CERTSRV_E_ENROLL_DENIED);
	/* A descriptor that cannot be read gives nobody anything. */
	harness_set_attr("dircaCASecurity", view_str("broken"));
	assert_refused(buf_view(&c.message), CERTSRV_E_ENROLL_DENIED);
	harness_set_attr("dircaCASecurity", buf_view(&old));
	buf_free(&none);
	buf_free(&old);
	client_free(&c);
}

/* The requester may choose the subject of EFSArchive, whose purpose is set to client
 * authentication; or as it was. */
static bool
make_escalation(struct dir_conn *c, void *arg, struct err *err)
{
	const bool *undo = arg;
	const struct view flag = view_str(*undo ? "-2113929216" : "1"),
			  purpose =
			      view_str(*undo ? "1.3.6.1.4.1.311.10.3.4" : "1.3.6.1.5.5.7.3.2");
	char dn[256];

	snprintf(dn, sizeof dn,
	    "CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s",
	    dir_conn_root(c)->config_nc);
	return dir_replace(c, dn, "msPKI-Certificate-Name-Flag", &flag, 1, err) &&
	       dir_replace(c, dn, "pKIExtendedKeyUsage", &purpose, 1, err) &&
	       dir_replace(c, dn, "msPKI-Certificate-Application-Policy", &purpose, 1, err);
}

static void
certain_escalation_is_refused_unless_a_setting_allows_it(void **state)
{
	struct client c = {.kind = "rsa2048", .template_cn = "EFSArchive", .archive = true};
	bool undo = false;
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, make_escalation, &undo, &err), &err);
	harness_refresh();
	make_request(&c);
	assert_refused(buf_view(&c.message), CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	harness_set("CA\\RefuseEscalation", "0");
	/* Now only the subject is missing. */
	assert_refused(buf_view(&c.message), CERTSRV_E_BAD_REQUESTSUBJECT);
	harness_set("CA\\RefuseEscalation", "1");
	undo = true;
	harness_must(ca_directory_do(harness.ca, make_escalation, &undo, &err), &err);
	harness_refresh();
	client_free(&c);
}

static void
too_few_valid_kras_are_refused(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct ca_view *view = ca_view_get(harness.ca);

	(void)state;
	make_request(&c);
	harness_count_kras(4);
	assert_refused(buf_view(&c.message), CERTSRV_E_NO_VALID_KRA);
	harness_count_kras(0);
	assert_refused(buf_view(&c.message), CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	harness_count_kras(3);
	ca_view_release(&view);
	view = ca_view_get(harness.ca);
	view->kras[1].cert.not_after = clock_now() - 1; /* expires while the view is in use */
	assert_refused(buf_view(&c.message), CERTSRV_E_NO_VALID_KRA);
	ca_view_release(&view);
	harness_count_kras(2);
	client_free(&c);
}

/* Root enables another agent while a request is on its way: the vault's list is not yet the view's.
 * The request is not decided. */
static void
nothing_is_refused_for_kras_that_changed_just_now(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct test_cert other = test_issue(&(struct test_issue){.dn = "CN=kra9",
	    .key = test_key("P-256"),
	    .issuer = &harness.ca_cert,
	    .usage = "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .serial = 0x60,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
	const struct view only = buf_view(&other.der);
	struct enroll_result r;
	struct err err;
	size_t usable;

	(void)state;
	make_request(&c);
	harness_must(vault_set_kras(harness.control, 1, 1, &only, NULL, 1, &usable, &err), &err);
	assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err));
	assert_int_equal(err.code, DIRCA_E_KRAS_CHANGED);
	assert_true(err_is_undecided(err.code));
	harness_refresh();
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	enroll_result_free(&r);
	harness_give_kras(HARNESS_KRAS);
	harness_refresh();
	test_cert_free(&other);
	client_free(&c);
}

static struct test_cert
another_of_kra1(EVP_PKEY *key, const char *usage, uint8_t serial)
{
	struct test_cert c =
	    test_issue(&(struct test_issue){.dn = "CN=kra1,CN=Users,DC=nwtraders,DC=com",
		.key = key,
		.issuer = &harness.ca_cert,
		.usage = usage,
		.eku = KRA_EKU,
		.serial = serial,
		.not_before = clock_now() - 86400 + serial,
		.not_after = clock_now() + 86400});
	struct err err;

	harness_must(kra_store_add(harness.config, buf_view(&c.der), &err), &err);
	return c;
}

static void
remove_another(struct test_cert *c)
{
	char *hash = hex_encode(view_of(c->cert.sha1, 20), '\0');
	struct err err;

	harness_must(kra_store_remove(harness.config, hash, &err), &err);
	free(hash);
	test_cert_free(c);
}

static void
assert_kept(const struct test_cert *kra, enum store_find expected)
{
	struct buf copy;
	struct err err;

	assert_int_equal(store_get_kra(harness.ca->store,
			     view_of(kra->cert.sha1, sizeof kra->cert.sha1), &copy, &err),
	    expected);
	assert_int_equal(copy.len > 0, expected == STORE_FOUND);
	buf_free(&copy);
}

/* Renewed with the key, and with another one: kra1 all the same, whose newest certificate counts.
 */
static void
certificates_of_one_kra_count_once(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct test_cert renewed, second;
	struct store_request row;
	struct enroll_result r;
	struct ca_view *view;
	struct err err;
	char *newest;

	(void)state;
	assert_int_equal(EVP_PKEY_up_ref(harness.kras[0].key), 1);
	renewed = another_of_kra1(harness.kras[0].key, "critical,keyEncipherment", 0x70);
	second = another_of_kra1(test_key("P-256"), "critical,keyAgreement", 0x71);
	harness_give_kras(HARNESS_KRAS + 2);
	make_request(&c);
	harness_count_kras(4);
	assert_refused(buf_view(&c.message), CERTSRV_E_NO_VALID_KRA);
	harness_count_kras(3);
	view = ca_view_get(harness.ca);
	assert_int_equal(view->kra_count, HARNESS_KRAS + 2);
	assert_int_equal(view->agent_count, HARNESS_KRAS);
	ca_view_release(&view);
	assert_kept(&second, STORE_NOT_FOUND);
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, DISP_ISSUED);
	assert_kept(&second, STORE_FOUND); /* with the key that is sealed to it */
	assert_kept(&renewed, STORE_NOT_FOUND);
	newest = hex_encode(view_of(second.cert.sha1, 20), ' ');
	assert_non_null(strstr(row.key_recovery_hashes, newest));
	free(newest);
	store_request_free(&row);
	enroll_result_free(&r);
	harness_count_kras(2);
	remove_another(&renewed);
	remove_another(&second);
	harness_refresh();
	harness_give_kras(HARNESS_KRAS);
	client_free(&c);
}

static void
key_for_another_or_an_expired_exchange_certificate_is_refused(void **state)
{
	struct client c = {.key = test_key("P-256"), .template_cn = "EFSArchive"};
	struct client expired = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct ca_view *view = ca_view_get(harness.ca);
	struct buf pkcs10, payload;
	struct err err;

	(void)state;
	harness_seal(c.key, &harness.kras[0].cert, &payload);
	harness_must(pkix_request_make(c.key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make in = {.pkcs10 = buf_view(&pkcs10),
	    .key = c.key,
	    .archived_key = buf_view(&payload),
	    .template_cn = c.template_cn};
	harness_must(cmc_request_make(&in, &c.message, &err), &err);
	assert_refused(buf_view(&c.message), DIRCA_E_XCHG_CERT);
	make_request(&expired);
	view->xchgs[0].cert.not_after = clock_now() - 1;
	assert_refused(buf_view(&expired.message), DIRCA_E_XCHG_CERT);
	harness_refresh();
	buf_free(&pkcs10);
	buf_free(&payload);
	client_free(&c);
	client_free(&expired);
	ca_view_release(&view);
}

static void
nothing_is_decided_without_a_fresh_directory(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "User"};
	struct ca_view *view = ca_view_get(harness.ca);
	struct enroll_result r;
	struct store_counts before, after;
	struct err err;

	(void)state;
	make_request(&c);
	harness_must(store_count(harness.ca->store, &before, &err), &err);
	view->read_ms -= 61000;
	assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_int_equal(r.request_id, 0);
	harness_must(store_count(harness.ca->store, &after, &err), &err);
	assert_memory_equal(&before, &after, sizeof before);
	ca_view_release(&view);
	harness_refresh();
	client_free(&c);
}

static void
nothing_is_stored_without_the_vault(void **state)
{
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct store_counts before, after;
	struct vault gone;
	struct enroll_result r;
	struct err err;
	int pair[2];

	(void)state;
	make_request(&c);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	close(pair[1]);
	gone.fd = pair[0];
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = buf_view(&c.message),
	    .caller = &user1,
	    .caller_name = user1.downlevel,
	    .now = clock_now()};
	harness_must(store_count(harness.ca->store, &before, &err), &err);
	assert_false(enroll_submit(harness.ca, &gone, &in, &r, &err));
	assert_int_equal(err.code, DIRCA_E_VAULT);
	harness_must(store_count(harness.ca->store, &after, &err), &err);
	assert_memory_equal(&before, &after, sizeof before);
	close(pair[0]);
	client_free(&c);
}

/* A request whose PKCS#10 says its template by 21.7. */
static void
make_with_oid(struct client *c, const char *oid, int64_t major, int64_t minor)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct ca_view *view = ca_view_get(harness.ca);
	struct buf pkcs10, payload;
	struct err err;

	c->key = test_key("P-256");
	harness_seal(c->key, &view->xchgs[0].cert, &payload);
	harness_must(ext_push_template_info(list, oid, major, minor, &err), &err);
	harness_must(pkix_request_make(c->key, (struct view){0}, list, &pkcs10, &err), &err);
	const struct cmc_make in = {.pkcs10 = buf_view(&pkcs10),
	    .key = c->key,
	    .archived_key = buf_view(&payload),
	    .template_cn = c->template_cn};
	harness_must(cmc_request_make(&in, &c->message, &err), &err);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&pkcs10);
	buf_free(&payload);
	ca_view_release(&view);
}

static void
refused_with_oid(const char *template_cn, const char *oid, int64_t minor, enum err_code code)
{
	struct client c = {.template_cn = template_cn};

	make_with_oid(&c, oid, 100, minor);
	assert_refused(buf_view(&c.message), code);
	client_free(&c);
}

static void
template_is_pinned_by_its_oid_and_version(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const char *efs = ca_view_template(view, "EFSArchive")->oid,
		   *user = ca_view_template(view, "UserArchive")->oid;
	struct client c = {.template_cn = NULL};
	struct enroll_result r;
	struct err err;

	(void)state;
	refused_with_oid("EFSArchive", user, 1, CERTSRV_E_TEMPLATE_CONFLICT);
	refused_with_oid("EFSArchive", "1.2.3.4", 1, CERTSRV_E_TEMPLATE_CONFLICT);
	refused_with_oid(NULL, "1.2.3.4", 1, CERTSRV_E_UNSUPPORTED_CERT_TYPE);
	refused_with_oid("EFSArchive", efs, 2, CERTSRV_E_BAD_TEMPLATE_VERSION);
	make_with_oid(&c, efs, 100, 1);
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	client_free(&c);
	ca_view_release(&view);
}

static void
key_of_a_pending_request_waits_sealed_and_comes_with_the_approval(void **state)
{
	static const char dn[] =
	    "CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services";
	struct client c = {.kind = "rsa2048", .template_cn = "EFSArchive", .archive = true};
	struct enroll_result r, approved;
	struct store_requests rows;
	struct store_request row;
	EVP_PKEY *recovered;
	struct err err;

	(void)state;
	harness_change(dn, "msPKI-Enrollment-Flag", view_str("43")); /* + PEND_ALL_REQUESTS */
	make_request(&c);
	harness_must(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	assert_int_equal(r.disposition, DISP_PENDING);
	row = row_of(r.request_id);
	assert_true(row.raw_archived_key.len > 0);
	assert_int_equal(row.raw_certificate.len, 0);
	store_request_free(&row);
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	check_response(&approved, &c);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, DISP_ISSUED);
	recovered = harness_unseal(buf_view(&row.raw_archived_key));
	assert_int_equal(EVP_PKEY_eq(recovered, c.key), 1);
	harness_must(store_find_candidates(
			 harness.ca->store, STORE_BY_SERIAL, row.serial_number, &rows, &err),
	    &err);
	assert_int_equal(rows.count, 1);
	harness_change(dn, "msPKI-Enrollment-Flag", view_str("41"));
	EVP_PKEY_free(recovered);
	store_requests_free(&rows);
	store_request_free(&row);
	enroll_result_free(&approved);
	enroll_result_free(&r);
	client_free(&c);
}

static void
certificate_is_not_given_to_who_took_over_the_name(void **state)
{
	static const char dn[] = "CN=kra2,CN=Users";
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"};
	struct principal kra2;
	struct enroll_result r, approved;
	struct buf old = {0}, new = {0};
	struct sid sid;
	struct err err;

	(void)state;
	harness_principal("kra2", &kra2);
	make_request(&c);
	harness_must(submit_as(&kra2, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	assert_int_equal(r.disposition, DISP_PENDING);
	assert_true(sid_from_text(HARNESS_DOMAIN "-4711", &sid));
	harness_must(sid_encode(&kra2.sid, &old, &err), &err);
	harness_must(sid_encode(&sid, &new, &err), &err);
	harness_change(dn, "objectSid", buf_view(&new));
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	harness_change(dn, "objectSid", buf_view(&old));
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	buf_free(&old);
	buf_free(&new);
	principal_free(&kra2);
	enroll_result_free(&approved);
	enroll_result_free(&r);
	client_free(&c);
}

/* Disabled between request and approval, and before a request. */
static void
inactive_requester_gets_no_certificate(void **state)
{
	static const char dn[] = "CN=kra2,CN=Users";
	struct client c = {.kind = "rsa2048", .template_cn = "KeyRecoveryAgent"};
	struct principal kra2, off;
	struct enroll_result r, approved;
	struct err err;
	int failed;

	(void)state;
	harness_principal("kra2", &kra2);
	make_request(&c);
	harness_must(submit_as(&kra2, ENROLL_CMC, buf_view(&c.message), &r, &err), &err);
	failed = harness_events(EVENT_REQUEST_FAILED_WITH_INFO);
	harness_change(dn, "userAccountControl", view_str("514"));
	assert_false(enroll_approve(
	    harness.ca, &harness.vault, &officer1, r.request_id, clock_now(), &approved, &err));
	assert_int_equal(err.code, ERROR_ACCOUNT_DISABLED);
	/* 22: the approval failed, and the request waits on. */
	assert_int_equal(harness_events(EVENT_REQUEST_FAILED_WITH_INFO), failed + 1);
	harness_change(dn, "userAccountControl", view_str("512"));
	harness_must(enroll_approve(harness.ca, &harness.vault, &officer1, r.request_id,
			 clock_now(), &approved, &err),
	    &err);
	enroll_result_free(&approved);
	enroll_result_free(&r);

	off = kra2;
	off.is_disabled = true;
	assert_true(submit_as(&off, ENROLL_CMC, buf_view(&c.message), &r, &err));
	assert_int_equal(r.disposition, DISP_DENIED);
	assert_int_equal(r.reason.code, ERROR_ACCOUNT_DISABLED);
	enroll_result_free(&r);
	principal_free(&kra2);
	client_free(&c);
}

static void
sqlite(const char *sql)
{
	char command[512];

	snprintf(command, sizeof command, "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"%s\"",
	    harness.dir, sql);
	assert_int_equal(system(command), 0);
}

static void
certificate_key_and_record_are_one_transaction(void **state)
{
	static const char *const triggers[] = {
	    "CREATE TRIGGER full BEFORE INSERT ON Audit WHEN NEW.EventID = 790 BEGIN SELECT "
	    "RAISE(ABORT, 'full'); END",
	    "CREATE TRIGGER full BEFORE INSERT ON Audit WHEN NEW.EventID = 797 BEGIN SELECT "
	    "RAISE(ABORT, 'full'); END",
	    "CREATE TRIGGER full BEFORE INSERT ON Audit WHEN NEW.EventID = 791 BEGIN SELECT "
	    "RAISE(ABORT, 'full'); END",
	    "CREATE TRIGGER full BEFORE INSERT ON RequestBlob BEGIN SELECT RAISE(ABORT, 'full'); "
	    "END",
	};
	struct store_counts before, after;
	struct client c = {.kind = "P-256", .template_cn = "EFSArchive", .archive = true};
	struct enroll_result r;
	struct err err;

	(void)state;
	make_request(&c);
	for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
		harness_must(store_count(harness.ca->store, &before, &err), &err);
		sqlite(triggers[i]);
		assert_false(submit_as(&user1, ENROLL_CMC, buf_view(&c.message), &r, &err));
		assert_int_equal(err.code, DIRCA_E_DATABASE);
		assert_int_equal(r.request_id, 0);
		assert_int_equal(r.certificate.len, 0);
		assert_int_equal(r.response.len, 0);
		sqlite("DROP TRIGGER full");
		harness_must(store_count(harness.ca->store, &after, &err), &err);
		assert_memory_equal(&before, &after, sizeof before);
	}
	client_free(&c);
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("max_request = 65536\n") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	harness_person("kra1", &kra1);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rsa_key_is_archived_and_opens_with_a_kra_key),
	    cmocka_unit_test(p256_key_is_archived_and_opens_with_a_kra_key),
	    cmocka_unit_test(archived_keys_wander_over_all_kras),
	    cmocka_unit_test(a_label_may_be_the_oid_of_a_template),
	    cmocka_unit_test(pkcs10_of_a_template_without_archival_is_issued),
	    cmocka_unit_test(requests_of_other_makers_are_issued),
	    cmocka_unit_test(rsa_of_8192_bits_is_issued),
	    cmocka_unit_test(the_shorter_of_template_and_setting_is_the_validity),
	    cmocka_unit_test(pending_request_is_issued_by_an_officer),
	    cmocka_unit_test(denied_request_stays_denied),
	    cmocka_unit_test(officer_outside_the_rules_may_not_decide),
	    cmocka_unit_test(archived_key_of_another_pair_is_refused),
	    cmocka_unit_test(payload_that_does_not_fit_the_hash_is_refused),
	    cmocka_unit_test(tampered_signature_is_refused),
	    cmocka_unit_test(refused_request_is_kept_where_a_setting_says_so),
	    cmocka_unit_test(a_requester_has_a_quota),
	    cmocka_unit_test(a_full_disk_refuses_new_requests_and_nothing_else),
	    cmocka_unit_test(truncated_request_is_stored_without_its_bytes),
	    cmocka_unit_test(cmc_sent_as_pkcs10_keeps_no_key),
	    cmocka_unit_test(request_over_the_size_limit_is_refused),
	    cmocka_unit_test(archival_template_without_key_is_refused),
	    cmocka_unit_test(key_for_a_template_without_archival_is_refused),
	    cmocka_unit_test(signature_only_key_is_refused),
	    cmocka_unit_test(template_that_is_unknown_or_not_on_this_ca_is_refused),
	    cmocka_unit_test(template_without_enroll_right_is_refused),
	    cmocka_unit_test(request_without_or_with_two_templates_is_refused),
	    cmocka_unit_test(caller_without_the_ca_right_is_refused),
	    cmocka_unit_test(certain_escalation_is_refused_unless_a_setting_allows_it),
	    cmocka_unit_test(too_few_valid_kras_are_refused),
	    cmocka_unit_test(nothing_is_refused_for_kras_that_changed_just_now),
	    cmocka_unit_test(certificates_of_one_kra_count_once),
	    cmocka_unit_test(key_for_another_or_an_expired_exchange_certificate_is_refused),
	    cmocka_unit_test(template_is_pinned_by_its_oid_and_version),
	    cmocka_unit_test(key_of_a_pending_request_waits_sealed_and_comes_with_the_approval),
	    cmocka_unit_test(certificate_is_not_given_to_who_took_over_the_name),
	    cmocka_unit_test(inactive_requester_gets_no_certificate),
	    cmocka_unit_test(certificate_key_and_record_are_one_transaction),
	    cmocka_unit_test(nothing_is_decided_without_a_fresh_directory),
	    cmocka_unit_test(nothing_is_stored_without_the_vault),
	};

	return cmocka_run_group_tests(tests, group_setup, harness_teardown);
}
