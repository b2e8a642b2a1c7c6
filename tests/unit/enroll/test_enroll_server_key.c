/* Keys that the CA makes (RFC 7030 4.4): what becomes of a request, and whom no key is encrypted
 * to. */
#include "enroll_ask.h"
#include "issued.h"
#include "key_package.h"

#include <openssl/cms.h>

static struct principal user1, user2, officer1;

/* A PKCS#10 of its own making: attributes that no client of ours writes. */
struct csr {
	EVP_PKEY *key;
	struct buf id;           /* AsymmetricDecryptKeyIdentifier; empty: absent */
	bool shared, spoiled;    /* DecryptKeyIdentifier; a signature that does not verify */
	const char *capability;  /* SMIMECapabilities with this one */
	const char *template_cn; /* default EFSArchive */
	struct view certificate; /* of the connection */
	int64_t later;           /* seconds from now */
	struct buf der;
};

static void
add_attribute(X509_REQ *req, const char *oid, int type, const void *value, size_t len)
{
	assert_int_equal(X509_REQ_add1_attr_by_txt(req, oid, type, value, (int)len), 1);
}

static void
add_capability(X509_REQ *req, const char *oid)
{
	X509_ALGOR *alg = X509_ALGOR_new();
	X509_ALGORS *list = sk_X509_ALGOR_new_null();
	unsigned char *der = NULL;
	int len;

	X509_ALGOR_set0(alg, OBJ_txt2obj(oid, 1), V_ASN1_UNDEF, NULL);
	sk_X509_ALGOR_push(list, alg);
	assert_true((len = i2d_X509_ALGORS(list, &der)) > 0);
	add_attribute(req, "1.2.840.113549.1.9.15", V_ASN1_SEQUENCE, der, (size_t)len);
	OPENSSL_free(der);
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
}

static void
csr_make(struct csr *c)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	struct err err;
	int len;

	if (c->key == NULL)
		c->key = test_key("P-256");
	assert_int_equal(X509_REQ_set_pubkey(req, c->key), 1);
	if (c->id.len > 0)
		add_attribute(
		    req, "1.2.840.113549.1.9.16.2.54", V_ASN1_OCTET_STRING, c->id.ptr, c->id.len);
	if (c->shared)
		add_attribute(req, "1.2.840.113549.1.9.16.2.37", V_ASN1_OCTET_STRING, "key1", 4);
	if (c->capability != NULL)
		add_capability(req, c->capability);
	assert_true(X509_REQ_sign(req, c->key, EVP_sha256()) > 0);
	assert_true((len = i2d_X509_REQ(req, &der)) > 0);
	assert_true(buf_take_openssl(der, len, &c->der, &err));
	if (c->spoiled)
		c->der.ptr[c->der.len - 1] ^= 1;
	X509_REQ_free(req);
}

static void
csr_free(struct csr *c)
{
	EVP_PKEY_free(c->key);
	buf_free(&c->id);
	buf_free(&c->der);
	*c = (struct csr){0};
}

static struct enroll_result
csr_send(const struct csr *c, const struct principal *caller)
{
	const struct enroll_input in = {.format = ENROLL_PKCS10,
	    .body = buf_view(&c->der),
	    .template_label = c->template_cn != NULL ? c->template_cn : "EFSArchive",
	    .generates = true,
	    .client_certificate = c->certificate,
	    .caller = caller,
	    .caller_name = caller->downlevel,
	    .now = clock_now() + c->later};
	struct enroll_result r;
	struct err err;

	harness_must(enroll_submit(harness.ca, &harness.vault, &in, &r, &err), &err);
	return r;
}

static void
csr_refused(struct csr c, const struct principal *caller, enum err_code code)
{
	struct enroll_result r;
	struct store_request row;

	csr_make(&c);
	r = csr_send(&c, caller);
	if (r.disposition == DISP_ISSUED || r.disposition == DISP_PENDING || r.reason.code != code)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	assert_int_equal(r.delivered_key.len, 0);
	row = ask_row_of(r.request_id);
	assert_int_equal(row.raw_archived_key.len, 0);
	assert_int_equal(row.raw_delivered_key.len, 0);
	store_request_free(&row);
	enroll_result_free(&r);
	csr_free(&c);
}

/* A certificate of the CA's with its key, by an ordinary enrollment. */
struct own {
	EVP_PKEY *key;
	int64_t request_id;
	struct store_request row;
	struct pkix_cert cert;
};

static void
own_get(struct own *o, const struct principal *who, const char *template_cn)
{
	struct ask a = {.template_cn = template_cn, .key = test_key("P-256")};
	struct err err;

	*o = (struct own){.key = a.key};
	assert_int_equal(EVP_PKEY_up_ref(o->key), 1);
	o->request_id = ask_issued(&a, who);
	o->row = ask_row_of(o->request_id);
	harness_must(pkix_cert_decode(buf_view(&o->row.raw_certificate), &o->cert, &err), &err);
}

static struct buf
own_id(const struct own *o)
{
	struct buf id;
	struct err err;

	harness_must(pkix_cert_ski(&o->cert, &id, &err), &err);
	return id;
}

static void
own_free(struct own *o)
{
	EVP_PKEY_free(o->key);
	pkix_cert_free(&o->cert);
	store_request_free(&o->row);
}

static struct own mine, others;

static void
assert_opens(const struct buf *delivered, const struct own *o)
{
	const unsigned char *p = delivered->ptr, *q = o->row.raw_certificate.ptr;
	CMS_ContentInfo *m = d2i_CMS_ContentInfo(NULL, &p, (long)delivered->len);
	X509 *x = d2i_X509(NULL, &q, (long)o->row.raw_certificate.len);
	BIO *out = BIO_new(BIO_s_mem());

	assert_non_null(m);
	assert_int_equal(CMS_decrypt(m, o->key, x, NULL, out, 0), 1);
	BIO_free(out);
	X509_free(x);
	CMS_ContentInfo_free(m);
}

/* A key recovery agent finds the key of the certificate. */
static void
assert_archived(const struct store_request *row)
{
	EVP_PKEY *pub, *key = harness_unseal(buf_view(&row->raw_archived_key));
	struct err err;

	harness_must(pkix_public_key(buf_view(&row->raw_public_key), &pub, &err), &err);
	assert_int_equal(EVP_PKEY_eq(key, pub), 1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(pub);
}

/* Archived, and no key of the request's. */
static void
assert_stored(const struct enroll_result *r, const struct csr *c)
{
	struct store_request row = ask_row_of(r->request_id);
	struct buf spki;
	struct err err;

	assert_int_equal(row.disposition, DISP_ISSUED);
	assert_true(row.raw_archived_key.len > 0);
	assert_archived(&row);
	assert_true(view_eq(buf_view(&row.raw_delivered_key), buf_view(&r->delivered_key)));
	assert_true(view_eq(buf_view(&row.key_recipient), buf_view(&mine.row.raw_certificate)));
	harness_must(pkix_key_spki(c->key, &spki, &err), &err);
	assert_false(view_eq(buf_view(&row.raw_public_key), buf_view(&spki)));
	buf_free(&spki);
	store_request_free(&row);
}

static void
key_is_made_archived_and_delivered(void **state)
{
	struct csr c = {.id = own_id(&mine), .key = test_key("rsa2048")};
	int64_t archived = harness_audited(AUDIT_KEY_ARCHIVED, true);
	struct enroll_result r;

	(void)state;
	csr_make(&c);
	r = csr_send(&c, &user1);
	if (r.disposition != DISP_ISSUED)
		fail_msg("%s: %s", err_name(r.reason.code), r.reason.msg);
	assert_opens(&r.delivered_key, &mine);
	assert_stored(&r, &c);
	assert_int_equal(harness_audited(AUDIT_KEY_ARCHIVED, true), archived + 1);
	enroll_result_free(&r);
	csr_free(&c);
}

/* The same again is the same; the request to simpleenroll is another. */
static void
repeat_brings_the_same_key(void **state)
{
	struct csr c = {.id = own_id(&mine)};
	struct enroll_result first, again;
	struct store_request row;

	(void)state;
	csr_make(&c);
	first = csr_send(&c, &user1);
	again = csr_send(&c, &user1);
	assert_int_equal(first.disposition, DISP_ISSUED);
	assert_int_equal(again.request_id, first.request_id);
	assert_true(view_eq(buf_view(&again.certificate), buf_view(&first.certificate)));
	assert_true(view_eq(buf_view(&again.delivered_key), buf_view(&first.delivered_key)));
	enroll_result_free(&again);
	again = csr_send(&c, &user2);
	assert_int_equal(again.reason.code, DIRCA_E_KEY_RECIPIENT);
	row = ask_row_of(again.request_id);
	assert_int_equal(row.raw_delivered_key.len, 0);
	store_request_free(&row);
	enroll_result_free(&first);
	enroll_result_free(&again);
	csr_free(&c);
}

static void
certificate_of_the_connection_is_taken(void **state)
{
	struct csr c = {.certificate = buf_view(&mine.row.raw_certificate)};
	struct enroll_result r;

	(void)state;
	csr_make(&c);
	r = csr_send(&c, &user1);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_opens(&r.delivered_key, &mine);
	enroll_result_free(&r);
	csr_free(&c);
	csr_refused((struct csr){.certificate = buf_view(&others.row.raw_certificate)}, &user1,
	    DIRCA_E_KEY_RECIPIENT);
}

/* RFC 7030 4.4.1: of the request's public key neither the numbers nor the signature count. */
static void
signature_and_key_of_the_request_do_not_count(void **state)
{
	struct csr c = {.id = own_id(&mine), .spoiled = true};
	struct csr borrowed = {.id = own_id(&mine), .key = others.key};
	struct enroll_result r;
	struct own again;

	(void)state;
	csr_make(&c);
	r = csr_send(&c, &user1);
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	csr_free(&c);
	/* user2's own key: no claim on it, neither before nor afterwards. */
	assert_int_equal(EVP_PKEY_up_ref(others.key), 1);
	csr_make(&borrowed);
	r = csr_send(&borrowed, &user1);
	assert_int_equal(r.disposition, DISP_ISSUED);
	enroll_result_free(&r);
	csr_free(&borrowed);
	own_get(&again, &user2, "User");
	own_free(&again);
}

static void
what_names_nobody_is_refused(void **state)
{
	struct csr unknown = {0};
	struct err err;

	(void)state;
	csr_refused((struct csr){0}, &user1, DIRCA_E_KEY_RECIPIENT);
	csr_refused((struct csr){.shared = true}, &user1, DIRCA_E_KEY_RECIPIENT);
	assert_true(buf_dup(view_str("a key that is nobody"), &unknown.id, &err));
	csr_refused(unknown, &user1, DIRCA_E_KEY_RECIPIENT);
}

static void
somebody_elses_certificate_is_refused(void **state)
{
	(void)state;
	csr_refused((struct csr){.id = own_id(&others)}, &user1, DIRCA_E_KEY_RECIPIENT);
	csr_refused((struct csr){.id = own_id(&mine)}, &user2, DIRCA_E_KEY_RECIPIENT);
}

/* The name and number of one of ours, by another key. */
static void
certificate_of_another_ca_is_refused(void **state)
{
	struct test_cert evil = test_ca("CN=Evil", "P-256");
	struct test_cert forged = test_issue(&(struct test_issue){.dn = "CN=user1",
	    .key = test_key("rsa2048"),
	    .issuer = &evil,
	    .usage = "keyEncipherment",
	    .serial = 5,
	    .not_before = clock_now() - 60,
	    .not_after = clock_now() + 86400});

	(void)state;
	csr_refused(
	    (struct csr){.certificate = buf_view(&forged.der)}, &user1, CERT_E_ISSUERCHAINING);
	test_cert_free(&evil);
	test_cert_free(&forged);
}

static void
what_is_not_for_encryption_is_refused(void **state)
{
	static const char dn[] =
	    "CN=User,CN=Certificate Templates,CN=Public Key Services,CN=Services";
	static const uint8_t signs_only[] = {0x80, 0}, as_before[] = {0xa0, 0};
	struct own signs;

	(void)state;
	harness_change(dn, "pKIKeyUsage", view_of(signs_only, sizeof signs_only));
	own_get(&signs, &user1, "User");
	harness_change(dn, "pKIKeyUsage", view_of(as_before, sizeof as_before));
	csr_refused((struct csr){.id = own_id(&signs)}, &user1, CERT_E_WRONG_USAGE);
	own_free(&signs);
}

static bool
work_revoke(struct store_tx *tx, void *arg, struct err *err)
{
	return store_revoke(tx, *(const int64_t *)arg, 0, clock_now(), clock_now(), err);
}

static void
revoked_certificate_is_refused(void **state)
{
	struct own revoked;
	struct err err;

	(void)state;
	own_get(&revoked, &user1, "User");
	harness_must(store_do(harness.ca->store, work_revoke, &revoked.request_id, &err), &err);
	csr_refused((struct csr){.id = own_id(&revoked)}, &user1, CRYPT_E_REVOKED);
	/* Of others' certificates nothing is told. */
	csr_refused((struct csr){.id = own_id(&revoked)}, &user2, DIRCA_E_KEY_RECIPIENT);
	own_free(&revoked);
}

static void
expired_certificate_is_refused(void **state)
{
	(void)state;
	csr_refused(
	    (struct csr){.id = own_id(&mine), .later = mine.cert.not_after - clock_now() + 60},
	    &user1, CERT_E_EXPIRED);
}

static void
what_is_not_archived_is_not_made(void **state)
{
	(void)state;
	csr_refused((struct csr){.id = own_id(&mine), .template_cn = "User"}, &user1,
	    CERTSRV_E_ARCHIVED_KEY_UNEXPECTED);
	csr_refused((struct csr){.id = own_id(&mine), .key = test_key("rsa1024")}, &user1,
	    CERTSRV_E_KEY_LENGTH);
	csr_refused((struct csr){.id = own_id(&mine), .capability = "1.2.840.113549.3.7"}, &user1,
	    NTE_BAD_ALGID);
	harness_count_kras(0);
	csr_refused(
	    (struct csr){.id = own_id(&mine)}, &user1, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	harness_count_kras(2);
}

/* ---- requests that wait ---- */

static void
pend(bool all)
{
	harness_change("CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services",
	    "msPKI-Enrollment-Flag", view_str(all ? "43" : "41"));
}

static int64_t
waits(const struct csr *c)
{
	struct enroll_result r = csr_send(c, &user1);
	struct store_request row = ask_row_of(r.request_id);
	int64_t id = r.request_id;

	assert_int_equal(r.disposition, DISP_PENDING);
	assert_int_equal(r.delivered_key.len, 0);
	assert_int_equal(row.raw_archived_key.len, 0);
	assert_int_equal(row.raw_delivered_key.len, 0);
	store_request_free(&row);
	enroll_result_free(&r);
	return id;
}

static bool
approve(int64_t id, struct err *err)
{
	struct enroll_result r;
	bool ok = enroll_approve(harness.ca, &harness.vault, &officer1, id, clock_now(), &r, err);

	enroll_result_free(&r);
	return ok;
}

static void
key_is_made_at_the_approval(void **state)
{
	struct csr c = {.id = own_id(&mine), .spoiled = true, .key = others.key};
	int archived = harness_audited(AUDIT_KEY_ARCHIVED, true);
	struct enroll_result r;
	struct store_request row;
	struct own again;
	struct err err;
	int64_t id;

	(void)state;
	assert_int_equal(EVP_PKEY_up_ref(others.key), 1);
	pend(true);
	csr_make(&c);
	id = waits(&c);
	assert_int_equal(waits(&c), id);
	own_get(&again, &user2, "User"); /* nobody is kept from a key by a request that waits */
	own_free(&again);
	harness_must(approve(id, &err), &err);
	row = ask_row_of(id);
	assert_archived(&row);
	assert_int_equal(harness_audited(AUDIT_KEY_ARCHIVED, true), archived + 1);
	r = csr_send(&c, &user1);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_int_equal(r.request_id, id);
	assert_true(view_eq(buf_view(&r.certificate), buf_view(&row.raw_certificate)));
	assert_opens(&r.delivered_key, &mine);
	pend(false);
	store_request_free(&row);
	enroll_result_free(&r);
	csr_free(&c);
}

static void
recipient_must_still_be_good_at_the_approval(void **state)
{
	struct csr c = {0};
	struct own revoked;
	struct store_request row;
	struct err err;
	int64_t id;

	(void)state;
	own_get(&revoked, &user1, "User");
	c.id = own_id(&revoked);
	pend(true);
	csr_make(&c);
	id = waits(&c);
	harness_must(store_do(harness.ca->store, work_revoke, &revoked.request_id, &err), &err);
	assert_false(approve(id, &err));
	assert_int_equal(err.code, CRYPT_E_REVOKED);
	row = ask_row_of(id);
	assert_int_equal(row.disposition, DISP_PENDING);
	assert_int_equal(row.raw_archived_key.len, 0);
	pend(false);
	store_request_free(&row);
	own_free(&revoked);
	csr_free(&c);
}

/* At the approval nobody is connected; whom the key is for was asked before. */
static void
recipient_is_that_of_the_submission(void **state)
{
	struct csr c = {.certificate = buf_view(&mine.row.raw_certificate)};
	struct enroll_result r;
	struct err err;

	(void)state;
	pend(true);
	csr_refused((struct csr){.certificate = buf_view(&others.row.raw_certificate)}, &user1,
	    DIRCA_E_KEY_RECIPIENT);
	csr_make(&c);
	harness_must(approve(waits(&c), &err), &err);
	r = csr_send(&c, &user1);
	assert_opens(&r.delivered_key, &mine);
	pend(false);
	enroll_result_free(&r);
	csr_free(&c);
}

static int
open_all(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user2", &user2);
	harness_person("officer1", &officer1);
	own_get(&mine, &user1, "User");
	own_get(&others, &user2, "User");
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	own_free(&mine);
	own_free(&others);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_is_made_archived_and_delivered),
	    cmocka_unit_test(repeat_brings_the_same_key),
	    cmocka_unit_test(certificate_of_the_connection_is_taken),
	    cmocka_unit_test(signature_and_key_of_the_request_do_not_count),
	    cmocka_unit_test(what_names_nobody_is_refused),
	    cmocka_unit_test(somebody_elses_certificate_is_refused),
	    cmocka_unit_test(certificate_of_another_ca_is_refused),
	    cmocka_unit_test(what_is_not_for_encryption_is_refused),
	    cmocka_unit_test(revoked_certificate_is_refused),
	    cmocka_unit_test(expired_certificate_is_refused),
	    cmocka_unit_test(what_is_not_archived_is_not_made),
	    cmocka_unit_test(key_is_made_at_the_approval),
	    cmocka_unit_test(recipient_is_that_of_the_submission),
	    cmocka_unit_test(recipient_must_still_be_good_at_the_approval),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
