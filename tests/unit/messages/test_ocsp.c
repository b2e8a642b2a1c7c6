/* OCSP requests and answers, against libcrypto's own. */
#include "messages_support.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "ocsp.h"
#include "own_openssl.h"

#define NOW 1790000000

static X509 *ca, *user;
static EVP_PKEY *ca_key;

static X509 *
certificate(EVP_PKEY *key, const char *cn, long serial)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"CA", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_NAME_free(name);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_NAME_free(name);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_set_pubkey(x, key);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 86400);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int
set_up_group(void **state)
{
	(void)state;
	ca_key = support_ec("P-256");
	ca = certificate(ca_key, "CA", 1);
	user = certificate(ca_key, "user", 0x1234);
	return 0;
}

static int
tear_down_group(void **state)
{
	(void)state;
	X509_free(ca);
	X509_free(user);
	EVP_PKEY_free(ca_key);
	return 0;
}

/* `nonce` octets of nonce: -1 none. */
static struct buf
request(int count, const EVP_MD *digest, int nonce)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	uint8_t octets[64] = {1}, *der = NULL;
	struct buf out;
	struct err err;
	int len;

	for (int i = 0; i < count; i++)
		assert_non_null(OCSP_request_add0_id(r, OCSP_cert_to_id(digest, user, ca)));
	if (nonce >= 0) {
		uint8_t value[2 + sizeof octets] = {V_ASN1_OCTET_STRING, (uint8_t)nonce};
		ASN1_OCTET_STRING *wrapped = ASN1_OCTET_STRING_new();
		X509_EXTENSION *x;

		memcpy(value + 2, octets, (size_t)nonce);
		ASN1_OCTET_STRING_set(wrapped, value, 2 + nonce);
		x = X509_EXTENSION_create_by_NID(NULL, NID_id_pkix_OCSP_Nonce, 0, wrapped);
		assert_int_equal(OCSP_REQUEST_add_ext(r, x, -1), 1);
		X509_EXTENSION_free(x);
		ASN1_OCTET_STRING_free(wrapped);
	}
	len = i2d_OCSP_REQUEST(r, &der);
	must(buf_take_openssl(der, len, &out, &err));
	OCSP_REQUEST_free(r);
	return out;
}

static bool
is_of_ca(const struct ocsp_question *q, X509 *issuer)
{
	OWNED(own_octets) uint8_t *name = NULL;
	OWNED(own_octets) uint8_t *spki = NULL;
	int name_len = i2d_X509_NAME(X509_get_subject_name(issuer), &name);
	int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);

	return ocsp_question_is_of(
	    q, view_of(name, (size_t)name_len), view_of(spki, (size_t)spki_len));
}

static void
requests_are_read(void **state)
{
	const EVP_MD *const digests[] = {EVP_sha1(), EVP_sha256(), EVP_sha384()};
	EVP_PKEY *other_key = support_ec("P-384");
	X509 *other = certificate(other_key, "CA", 1);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf der = request(2, digests[i], 32);
		struct ocsp_request r;
		struct err err;

		must(ocsp_request_decode(buf_view(&der), &r, &err));
		assert_int_equal(r.count, 2);
		assert_int_equal(r.nonce.len, 32);
		assert_true(view_eq(r.list[0].serial, view_of("\x12\x34", 2)));
		assert_true(is_of_ca(&r.list[1], ca));
		assert_false(is_of_ca(&r.list[1], user));  /* its name is another */
		assert_false(is_of_ca(&r.list[1], other)); /* its key */
		ocsp_request_free(&r);
		buf_free(&der);
	}
	X509_free(other);
	EVP_PKEY_free(other_key);
}

/* OCSPRequest { { { { CertID { { md4 }, "1", "2", 5 } } } } }: OpenSSL knows its name, and computes
 * it no more. */
static void
a_question_by_a_digest_of_old_is_of_nobody(void **state)
{
	static const uint8_t der[] = {0x30, 0x1d, 0x30, 0x1b, 0x30, 0x19, 0x30, 0x17, 0x30, 0x15,
	    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x04, 0x04, 0x01,
	    0x31, 0x04, 0x01, 0x32, 0x02, 0x01, 0x05};
	struct ocsp_request r;
	struct err err;

	(void)state;
	must(ocsp_request_decode(view_of(der, sizeof der), &r, &err));
	assert_false(is_of_ca(&r.list[0], ca));
	assert_int_equal(ERR_peek_error(), 0);
	ocsp_request_free(&r);
}

/* The issuer's key with something behind it, without its last octet, or of bits that are no whole
 * octets is not the key that was hashed. */
static void
a_damaged_key_is_of_nobody(void **state)
{
	struct buf der = request(1, EVP_sha1(), -1);
	OWNED(own_octets) uint8_t *name = NULL;
	OWNED(own_octets) uint8_t *spki = NULL;
	struct view issuer = view_of(NULL, 0), key;
	struct buf tampered;
	struct ocsp_request r;
	struct err err;
	size_t unused;

	(void)state;
	issuer.len = (size_t)i2d_X509_NAME(X509_get_subject_name(ca), &name);
	issuer.ptr = name;
	key.len = (size_t)i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ca), &spki);
	key.ptr = spki;
	unused = key.len - 66; /* before the 65 octets of an uncompressed point on P-256 */
	must(ocsp_request_decode(buf_view(&der), &r, &err));
	must(buf_dup(key, &tampered, &err) && buf_append(&tampered, view_of("", 1), &err));
	assert_true(ocsp_question_is_of(&r.list[0], issuer, key));
	assert_false(ocsp_question_is_of(&r.list[0], issuer, buf_view(&tampered)));
	for (size_t len = 0; len < key.len; len++)
		assert_false(ocsp_question_is_of(&r.list[0], issuer, view_of(key.ptr, len)));
	assert_int_equal(tampered.ptr[unused], 0);
	tampered.ptr[unused] = 1;
	assert_false(ocsp_question_is_of(&r.list[0], issuer, view_of(tampered.ptr, key.len)));
	buf_free(&tampered);
	ocsp_request_free(&r);
	buf_free(&der);
}

static void
requests_of_other_lengths_are_refused(void **state)
{
	struct buf der = request(1, EVP_sha1(), 16), longer;
	struct ocsp_request r;
	struct err err;

	(void)state;
	for (size_t len = 0; len < der.len; len++)
		must_fail(ocsp_request_decode(view_of(der.ptr, len), &r, &err), ERROR_INVALID_DATA);
	must(buf_dup(buf_view(&der), &longer, &err) && buf_append(&longer, view_of("", 1), &err));
	must_fail(ocsp_request_decode(buf_view(&longer), &r, &err), ERROR_INVALID_DATA);
	buf_free(&longer);
	buf_free(&der);
}

/* RFC 8954 2.1, and as many questions as there is room for. */
static void
requests_are_bounded(void **state)
{
	static const struct {
		int count, nonce;
		bool good;
	} cases[] = {{1, -1, true}, {1, 0, false}, {1, 1, true}, {1, 32, true}, {1, 33, false},
	    {0, 8, false}, {OCSP_QUESTIONS_MAX, 8, true}, {OCSP_QUESTIONS_MAX + 1, 8, false}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf der = request(cases[i].count, EVP_sha1(), cases[i].nonce);
		struct ocsp_request r;
		struct err err;

		if (cases[i].good) {
			must(ocsp_request_decode(buf_view(&der), &r, &err));
			assert_int_equal(r.nonce.len, cases[i].nonce < 0 ? 0 : cases[i].nonce);
			ocsp_request_free(&r);
		} else {
			must_fail(
			    ocsp_request_decode(buf_view(&der), &r, &err), ERROR_INVALID_DATA);
		}
		buf_free(&der);
	}
}

/* ---- answers ---- */

static const uint8_t key_hash[20] = {7};

static struct buf
answer_data(const struct ocsp_request *r, enum ocsp_status status, int64_t at, int64_t until)
{
	const struct ocsp_single said = {r->list[0].cert_id, status, NOW - 100, 1};
	struct ocsp_data data = {.produced_at = at,
	    .next_update = until,
	    .list = &said,
	    .count = 1,
	    .nonce = r->nonce,
	    .extended_revoke = status == OCSP_REVOKED};
	struct buf der;
	struct err err;

	memcpy(data.key_hash, key_hash, sizeof key_hash);
	must(ocsp_data_encode(&data, &der, &err));
	return der;
}

static void
check_answer(const struct buf *request_der, enum ocsp_status status, int wanted)
{
	struct buf alg, data, signature, der, certificate_der = {0};
	OCSP_BASICRESP *basic;
	OCSP_RESPONSE *response;
	struct ocsp_request r;
	const uint8_t *p;
	uint8_t *x = NULL;
	int len = i2d_X509(ca, &x), found, reason;
	ASN1_GENERALIZEDTIME *when, *this_update, *next_update;
	struct err err;

	must(buf_take_openssl(x, len, &certificate_der, &err));
	must(ocsp_request_decode(buf_view(request_der), &r, &err));
	data = answer_data(&r, status, NOW, NOW + 3600);
	must(pkix_sig_alg(ca_key, &alg, &err));
	signature = support_sign(ca_key, EVP_sha256(), buf_view(&data));
	must(ocsp_response_wrap(buf_view(&data), buf_view(&alg), buf_view(&signature),
	    buf_view(&certificate_der), &der, &err));
	p = der.ptr;
	assert_non_null(response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len));
	assert_ptr_equal(p, der.ptr + der.len);
	assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	assert_non_null(basic = OCSP_response_get1_basic(response));
	assert_int_equal(OCSP_check_nonce(r.der, basic), 1);
	assert_int_equal(sk_X509_num(OCSP_resp_get0_certs(basic)), 1);
	found = OCSP_resp_find(basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(r.der, 0)), -1);
	assert_int_equal(found, 0);
	assert_int_equal(OCSP_single_get0_status(
			     OCSP_resp_get0(basic, 0), &reason, &when, &this_update, &next_update),
	    wanted);
	assert_int_equal(ASN1_TIME_cmp_time_t(this_update, NOW), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(next_update, NOW + 3600), 0);
	if (status == OCSP_REVOKED) {
		assert_int_equal(reason, 1);
		assert_int_equal(ASN1_TIME_cmp_time_t(when, NOW - 100), 0);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ocsp_request_free(&r);
	buf_free(&alg);
	buf_free(&data);
	buf_free(&signature);
	buf_free(&der);
	buf_free(&certificate_der);
}

static void
openssl_reads_the_answers(void **state)
{
	struct buf der = request(1, EVP_sha1(), 16);

	(void)state;
	check_answer(&der, OCSP_GOOD, V_OCSP_CERTSTATUS_GOOD);
	check_answer(&der, OCSP_REVOKED, V_OCSP_CERTSTATUS_REVOKED);
	check_answer(&der, OCSP_UNKNOWN, V_OCSP_CERTSTATUS_UNKNOWN);
	buf_free(&der);
}

static void
failures_are_answers(void **state)
{
	uint8_t der[OCSP_FAILURE_LEN];
	const uint8_t *p = der;
	OCSP_RESPONSE *r;

	(void)state;
	ocsp_failure(OCSP_RESPONSE_STATUS_TRYLATER, der);
	assert_non_null(r = d2i_OCSP_RESPONSE(NULL, &p, sizeof der));
	assert_int_equal(OCSP_response_status(r), OCSP_RESPONSE_STATUS_TRYLATER);
	OCSP_RESPONSE_free(r);
}

/* What the responder's key signs: each rule, and its tampered twin. */
static void
only_answers_of_now_may_be_signed(void **state)
{
	static const struct {
		int64_t at, until;
		bool good;
	} cases[] = {{NOW, NOW + 3600, true}, {NOW - 300, NOW + 3600, true},
	    {NOW + 300, NOW + 3600, true}, {NOW - 301, NOW + 3600, false},
	    {NOW + 301, NOW + 3600, false}, {NOW, NOW + 7200, true}, {NOW, NOW + 7201, false},
	    {NOW, NOW - 1, false}};
	struct buf der = request(1, EVP_sha1(), 8), data;
	const uint8_t other[20] = {8};
	struct ocsp_request r;
	struct err err;

	(void)state;
	must(ocsp_request_decode(buf_view(&der), &r, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		data = answer_data(&r, OCSP_GOOD, cases[i].at, cases[i].until);
		if (cases[i].good)
			must(
			    ocsp_data_check(buf_view(&data), key_hash, NOW, 300, NOW + 7200, &err));
		else
			must_fail(
			    ocsp_data_check(buf_view(&data), key_hash, NOW, 300, NOW + 7200, &err),
			    E_ACCESSDENIED);
		buf_free(&data);
	}
	data = answer_data(&r, OCSP_GOOD, NOW, NOW + 3600);
	must_fail(
	    ocsp_data_check(buf_view(&data), other, NOW, 300, NOW + 7200, &err), E_ACCESSDENIED);
	for (size_t len = 0; len < data.len; len++)
		must_fail(
		    ocsp_data_check(view_of(data.ptr, len), key_hash, NOW, 300, NOW + 7200, &err),
		    E_ACCESSDENIED);
	buf_free(&data);
	ocsp_request_free(&r);
	buf_free(&der);
}

/* `data` with its time number `which` written with an offset, four octets longer: so are all that
 * it lies in, whose lengths are one octet each, or two behind 0x81. */
static struct buf
with_offset(struct view data, int which)
{
	struct buf out = {0};
	size_t at = 0;
	struct err err;

	for (; at + 2 < data.len; at++)
		if (data.ptr[at] == V_ASN1_GENERALIZEDTIME && data.ptr[at + 1] == 15 &&
		    which-- == 0)
			break;
	assert_true(at + 17 < data.len);
	must(buf_append(&out, view_of(data.ptr, at + 16), &err) &&
	     buf_append(&out, view_of("+0000", 5), &err) &&
	     buf_append(&out, view_of(data.ptr + at + 17, data.len - at - 17), &err));
	for (size_t i = 0; i <= at; i++) {
		bool is_long = out.ptr[i + 1] == 0x81;
		size_t begin = i + (is_long ? 3 : 2), len = out.ptr[i + 1 + is_long];

		if (begin + len >= at + 17) {
			out.ptr[i + 1 + is_long] = (uint8_t)(len + 4);
			i = i == at ? at : begin - 1;
		} else {
			i = begin + len - 1;
		}
	}
	return out;
}

/* producedAt, revocationTime, thisUpdate, nextUpdate (RFC 6960 4.2.2.1, RFC 5280 4.1.2.5.2). */
static void
answers_whose_times_are_written_otherwise_are_not_signed(void **state)
{
	struct buf der = request(1, EVP_sha1(), 8), data;
	struct ocsp_request r;
	struct err err;

	(void)state;
	must(ocsp_request_decode(buf_view(&der), &r, &err));
	data = answer_data(&r, OCSP_REVOKED, NOW, NOW + 3600);
	must(ocsp_data_check(buf_view(&data), key_hash, NOW, 300, NOW + 7200, &err));
	for (int i = 0; i < 4; i++) {
		struct buf other = with_offset(buf_view(&data), i);

		must_fail(ocsp_data_check(buf_view(&other), key_hash, NOW, 300, NOW + 7200, &err),
		    E_ACCESSDENIED);
		assert_null(strstr(err.msg, "not one DER"));
		buf_free(&other);
	}
	buf_free(&data);
	ocsp_request_free(&r);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_read),
	    cmocka_unit_test(a_question_by_a_digest_of_old_is_of_nobody),
	    cmocka_unit_test(a_damaged_key_is_of_nobody),
	    cmocka_unit_test(requests_of_other_lengths_are_refused),
	    cmocka_unit_test(requests_are_bounded),
	    cmocka_unit_test(openssl_reads_the_answers),
	    cmocka_unit_test(failures_are_answers),
	    cmocka_unit_test(only_answers_of_now_may_be_signed),
	    cmocka_unit_test(answers_whose_times_are_written_otherwise_are_not_signed),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
