/* Certificates and CRLs made, and read by OpenSSL. */
#include "messages_support.h"
#include "crl_list.h"
#include "der.h"
#include "mem.h"
#include "pkix_priv.h"

#include <openssl/x509v3.h>

#define NOW INT64_C(1790000000)

static const EVP_MD *
digest_of(EVP_PKEY *key)
{
	switch (EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_bits(key) : 0) {
	case 384:
		return EVP_sha384();
	case 521:
		return EVP_sha512();
	default:
		return EVP_sha256();
	}
}

/* Signs what was encoded and wraps it. */
static struct buf
sign_and_wrap(EVP_PKEY *key, struct view tbs, struct view alg)
{
	struct buf signature = support_sign(key, digest_of(key), tbs), out = {0};
	struct err err;

	must(pkix_signed_wrap(tbs, alg, buf_view(&signature), &out, &err));
	buf_free(&signature);
	return out;
}

struct parts {
	EVP_PKEY *ca;
	struct buf alg, issuer, subject, spki;
	STACK_OF(X509_EXTENSION) * extensions;
	struct pkix_tbs tbs;
};

static void
parts_make(struct parts *p, EVP_PKEY *ca)
{
	EVP_PKEY *user = support_ec("P-256");
	struct err err;

	*p = (struct parts){.ca = ca, .extensions = sk_X509_EXTENSION_new_null()};
	must(pkix_sig_alg(ca, &p->alg, &err));
	must(pkix_name_from_dn("CN=Test CA,DC=nwtraders,DC=com", NULL, &p->issuer, &err));
	must(pkix_name_from_dn(
	    "CN=user1,CN=Users,DC=nwtraders,DC=com", "user1@nwtraders.com", &p->subject, &err));
	must(pkix_key_spki(user, &p->spki, &err));
	must(pkix_ext_push(p->extensions, "2.5.29.15", true, view_of("\x03\x02\x05\x20", 4), &err));
	must(pkix_ext_push(
	    p->extensions, "1.3.6.1.4.1.311.20.2", false, view_of("\x1e\x02\x00\x41", 4), &err));
	p->tbs = (struct pkix_tbs){
	    .serial = view_of("\x00\xf1\x02\x03", 4),
	    .sig_alg = buf_view(&p->alg),
	    .issuer = buf_view(&p->issuer),
	    .not_before = NOW,
	    .not_after = NOW + 365 * 86400,
	    .subject = buf_view(&p->subject),
	    .spki = buf_view(&p->spki),
	    .extensions = p->extensions,
	};
	EVP_PKEY_free(user);
}

static void
parts_free(struct parts *p)
{
	sk_X509_EXTENSION_pop_free(p->extensions, X509_EXTENSION_free);
	buf_free(&p->alg);
	buf_free(&p->issuer);
	buf_free(&p->subject);
	buf_free(&p->spki);
	EVP_PKEY_free(p->ca);
}

static void
check_against_openssl(const struct parts *p, struct view der)
{
	const unsigned char *at = der.ptr;
	X509 *theirs = d2i_X509(NULL, &at, (long)der.len);
	BIGNUM *serial = NULL;
	uint8_t *again = NULL;
	struct tm tm;
	char *hex = NULL;
	int len = 0;

	assert_non_null(theirs);
	assert_ptr_equal(at, der.ptr + der.len);
	assert_int_equal(X509_verify(theirs, p->ca), 1);
	assert_int_equal(X509_get_version(theirs), X509_VERSION_3);
	serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(theirs), NULL);
	hex = BN_bn2hex(serial);
	assert_string_equal(hex, "F10203");
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(theirs), &tm), 1);
	assert_int_equal(timegm(&tm), p->tbs.not_before);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(theirs), &tm), 1);
	assert_int_equal(timegm(&tm), p->tbs.not_after);
	len = i2d_X509_NAME(X509_get_subject_name(theirs), &again);
	assert_true(view_eq(view_of(again, (size_t)len), buf_view(&p->subject)));
	OPENSSL_free(again);
	again = NULL;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(theirs), &again);
	assert_true(view_eq(view_of(again, (size_t)len), buf_view(&p->spki)));
	assert_int_equal(X509_get_ext_count(theirs), 2);
	assert_int_equal(X509_get_key_usage(theirs), KU_KEY_ENCIPHERMENT);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(theirs, 0)), 1);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(theirs, 1)), 0);
	OPENSSL_free(again);
	OPENSSL_free(hex);
	BN_free(serial);
	X509_free(theirs);
}

static void
check_certificate(EVP_PKEY *ca)
{
	struct buf tbs = {0}, der;
	struct pkix_cert c = {0};
	struct parts p;
	struct err err;

	parts_make(&p, ca);
	must(pkix_tbs_encode(&p.tbs, &tbs, &err));
	der = sign_and_wrap(ca, buf_view(&tbs), buf_view(&p.alg));
	check_against_openssl(&p, buf_view(&der));
	must(pkix_cert_decode(buf_view(&der), &c, &err));
	assert_true(view_eq(c.tbs, buf_view(&tbs)));
	assert_true(view_eq(c.spki, buf_view(&p.spki)));
	assert_true(view_eq(c.serial, p.tbs.serial));
	assert_int_equal(c.not_before, p.tbs.not_before);
	assert_int_equal(c.not_after, p.tbs.not_after);
	must(pkix_verify(ca, c.sig_alg, c.tbs, c.signature, false, &err));
	pkix_cert_free(&c);
	buf_free(&der);
	buf_free(&tbs);
	parts_free(&p);
}

static void
certificate_is_accepted_by_openssl_with_equal_fields(void **state)
{
	(void)state;
	check_certificate(support_rsa(2048));
	check_certificate(support_ec("P-256"));
	check_certificate(support_ec("P-384"));
	check_certificate(support_ec("P-521"));
}

static void
validity_beyond_2049_is_generalized_time(void **state)
{
	struct buf tbs = {0};
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	p.tbs.not_after = INT64_C(2524608000); /* 2050-01-01 */
	must(pkix_tbs_encode(&p.tbs, &tbs, &err));
	assert_non_null(memmem(tbs.ptr, tbs.len,
	    "\x18\x0f"
	    "20500101000000Z",
	    17));
	buf_free(&tbs);
	p.tbs.not_after--;
	must(pkix_tbs_encode(&p.tbs, &tbs, &err));
	assert_non_null(memmem(tbs.ptr, tbs.len,
	    "\x17\x0d"
	    "491231235959Z",
	    15));
	buf_free(&tbs);
	parts_free(&p);
}

/* OpenSSL, which reads and writes it by its templates, gives the same octets. */
static void
assert_written_as_openssl_does(const struct pkix_tbs *t)
{
	struct buf tbs;
	PKIX_TBS_CERT *read;
	struct err err;

	must(pkix_tbs_encode(t, &tbs, &err));
	read = der_decode(ASN1_ITEM_rptr(PKIX_TBS_CERT), buf_view(&tbs), 1 << 20, "it", &err);
	if (read == NULL)
		fail_msg("%s", err.msg);
	PKIX_TBS_CERT_free(read);
	buf_free(&tbs);
}

static void
every_length_is_written_as_openssl_does(void **state)
{
	uint8_t octets[20] = {0}, value[700] = {0};
	struct pkix_tbs t;
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	t = p.tbs;
	for (size_t len = 1; len <= sizeof octets; len++)
		for (unsigned first = 0; first < 0x100; first += first < 2 ? 1 : 0x7e) {
			octets[0] = (uint8_t)first;
			octets[1] = 0x80;
			t.serial = view_of(octets, len);
			if ((first != 0 || len > 1) && (first < 0x80 || len < 20))
				assert_written_as_openssl_does(&t);
		}
	t = p.tbs;
	for (int64_t when = INT64_C(-631152000); when < INT64_C(253402300799);
	     when += INT64_C(777777777)) {
		t.not_before = t.not_after = when;
		assert_written_as_openssl_does(&t);
	}
	t.not_after = INT64_C(253402300799);
	assert_written_as_openssl_does(&t);
	t = p.tbs;
	for (size_t len = 0; len < sizeof value; len++) {
		STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
		struct buf encoded, tbs, same;

		must(pkix_ext_push(list, "1.2.3", len % 2 == 0, view_of(value, len), &err));
		must(pkix_ext_push(list, "1.2.3.4", false, view_of(value, len / 2), &err));
		t.extensions = list;
		assert_written_as_openssl_does(&t);
		must(pkix_tbs_encode(&t, &tbs, &err));
		must(pkix_extensions_encode(list, &encoded, &err));
		t.extensions = NULL;
		t.encoded = buf_view(&encoded);
		must(pkix_tbs_encode(&t, &same, &err));
		assert_true(view_eq(buf_view(&tbs), buf_view(&same)));
		t.encoded = (struct view){0};
		sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
		buf_free(&encoded);
		buf_free(&same);
		buf_free(&tbs);
	}
	parts_free(&p);
}

static void
encoded_extensions_are_extensions_and_none_twice(void **state)
{
	static const uint8_t one[] = {0x30, 7, 6, 2, 0x2a, 3, 4, 1, 0}, null[] = {5, 0};
	struct buf two = {0}, out = {0};
	struct pkix_tbs t;
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	t = p.tbs;
	t.extensions = NULL;
	t.encoded = view_of(one, sizeof one);
	assert_written_as_openssl_does(&t);
	must(buf_append(&two, t.encoded, &err));
	must(buf_append(&two, t.encoded, &err));
	t.encoded = buf_view(&two);
	must_fail(pkix_tbs_encode(&t, &out, &err), E_INVALIDARG);
	t.encoded.len--;
	must_fail(pkix_tbs_encode(&t, &out, &err), E_INVALIDARG);
	t.encoded = view_of(null, sizeof null);
	must_fail(pkix_tbs_encode(&t, &out, &err), E_INVALIDARG);
	assert_null(out.ptr);
	buf_free(&two);
	parts_free(&p);
}

static void
wrong_parts_of_a_certificate_are_refused(void **state)
{
	struct view none = {0};
	struct pkix_tbs t;
	struct buf out = {0};
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
#define REFUSED(change, want)                             \
	t = p.tbs;                                        \
	change;                                           \
	must_fail(pkix_tbs_encode(&t, &out, &err), want); \
	assert_null(out.ptr)
	REFUSED(t.serial = none, E_INVALIDARG);
	REFUSED(t.serial = view_of("\x00\x00", 2), E_INVALIDARG);
	REFUSED(t.serial = view_of("\x80zzzzzzzzzzzzzzzzzzz", 20), E_INVALIDARG);
	REFUSED(t.serial = view_of("\x01zzzzzzzzzzzzzzzzzzzz", 21), E_INVALIDARG);
	REFUSED(t.not_after = t.not_before - 1, E_INVALIDARG);
	REFUSED(t.not_after = INT64_C(253402300800), E_INVALIDARG);
	REFUSED(t.not_before = INT64_MIN, E_INVALIDARG);
	REFUSED(t.issuer = none, E_INVALIDARG);
	REFUSED(t.subject.len--, E_INVALIDARG);
	REFUSED(t.spki = view_str("key"), E_INVALIDARG);
	REFUSED(t.sig_alg = none, ERROR_INVALID_DATA);
	REFUSED(t.sig_alg = t.issuer, ERROR_INVALID_DATA);
#undef REFUSED
	must_fail(pkix_ext_push(p.extensions, "2.5.29.15", true, none, &err), E_INVALIDARG);
	must_fail(pkix_ext_push(p.extensions, "x", true, none, &err), E_INVALIDARG);
	assert_int_equal(sk_X509_EXTENSION_num(p.extensions), 2);
	assert_true(sk_X509_EXTENSION_push(p.extensions,
			X509_EXTENSION_dup(sk_X509_EXTENSION_value(p.extensions, 0))) > 0);
	must_fail(pkix_tbs_encode(&p.tbs, &out, &err), E_INVALIDARG);
	parts_free(&p);
}

static void
no_extensions_leaves_the_field_out(void **state)
{
	struct buf tbs = {0}, der;
	struct pkix_cert c = {0};
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	p.tbs.extensions = NULL;
	must(pkix_tbs_encode(&p.tbs, &tbs, &err));
	der = sign_and_wrap(p.ca, buf_view(&tbs), buf_view(&p.alg));
	must(pkix_cert_decode(buf_view(&der), &c, &err));
	assert_int_equal(c.extension_count, 0);
	pkix_cert_free(&c);
	buf_free(&der);
	buf_free(&tbs);
	parts_free(&p);
}

static const struct pkix_revoked revoked[] = {
    {{(const uint8_t *)"\x00\xf1", 2}, NOW - 10, 1},
    {{(const uint8_t *)"\x05", 1}, NOW - 20, -1},
    {{(const uint8_t *)"\x06", 1}, NOW - 30, 0},
    {{(const uint8_t *)"\x07", 1}, NOW - 40, 10},
};

static X509_REVOKED *
find(X509_CRL *crl, long serial)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509_REVOKED *entry = NULL;

	ASN1_INTEGER_set(n, serial);
	X509_CRL_get0_by_serial(crl, &entry, n);
	ASN1_INTEGER_free(n);
	return entry;
}

static long
reason_of(X509_REVOKED *entry)
{
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long reason = code != NULL ? ASN1_ENUMERATED_get(code) : -1;

	ASN1_ENUMERATED_free(code);
	return reason;
}

static void
check_crl(EVP_PKEY *ca, size_t count)
{
	struct buf tbs = {0}, der;
	const unsigned char *at = NULL;
	AUTHORITY_KEYID *akid = NULL;
	ASN1_INTEGER *number = NULL;
	X509_CRL *crl = NULL;
	struct parts p;
	struct err err;

	parts_make(&p, ca);
	must(crl_of_list(&(struct pkix_crl_head){buf_view(&p.issuer), buf_view(&p.alg),
			     view_str("keyid"), NOW, NOW + 86400, 42, false, NULL},
	    revoked, count, &tbs, &err));
	der = sign_and_wrap(ca, buf_view(&tbs), buf_view(&p.alg));
	at = der.ptr;
	assert_non_null(crl = d2i_X509_CRL(NULL, &at, (long)der.len));
	assert_int_equal(X509_CRL_verify(crl, ca), 1);
	assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	assert_non_null(number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL));
	assert_int_equal(ASN1_INTEGER_get(number), 42);
	assert_non_null(akid = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL));
	assert_true(view_eq(
	    view_of(ASN1_STRING_get0_data(akid->keyid), (size_t)ASN1_STRING_length(akid->keyid)),
	    view_str("keyid")));
	assert_int_equal(
	    sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), count == 0 ? -1 : (int)count);
	if (count > 0) {
		assert_int_equal(reason_of(find(crl, 0xf1)), 1);
		assert_int_equal(reason_of(find(crl, 5)), -1);
		assert_int_equal(reason_of(find(crl, 6)), -1);
		assert_int_equal(reason_of(find(crl, 7)), 10);
		assert_null(find(crl, 8));
	}
	ASN1_INTEGER_free(number);
	AUTHORITY_KEYID_free(akid);
	X509_CRL_free(crl);
	buf_free(&der);
	buf_free(&tbs);
	parts_free(&p);
}

static void
crl_is_accepted_by_openssl(void **state)
{
	(void)state;
	check_crl(support_rsa(2048), 4);
	check_crl(support_ec("P-256"), 4);
	check_crl(support_ec("P-384"), 0);
}

/* As OpenSSL writes them, whatever the day of the entry before. */
static void
times_of_entries_are_those_of_their_days(void **state)
{
	static const int64_t times[] = {NOW, NOW + 1, 1790035199, 1790035200, NOW, 0, -1,
	    -631152000, 2524607999, 2524608000, 253402300799, NOW};
	struct pkix_revoked list[COUNT_OF(times)];
	uint8_t serials[COUNT_OF(times)];
	struct buf tbs = {0}, der;
	const unsigned char *at;
	X509_CRL *crl;
	struct parts p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		serials[i] = (uint8_t)(i + 1);
		list[i] = (struct pkix_revoked){view_of(&serials[i], 1), times[i], -1};
	}
	parts_make(&p, support_ec("P-256"));
	must(crl_of_list(&(struct pkix_crl_head){buf_view(&p.issuer), buf_view(&p.alg), {0}, NOW,
			     NOW + 1, 1, false, NULL},
	    list, COUNT_OF(times), &tbs, &err));
	der = sign_and_wrap(p.ca, buf_view(&tbs), buf_view(&p.alg));
	at = der.ptr;
	assert_non_null(crl = d2i_X509_CRL(NULL, &at, (long)der.len));
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		ASN1_TIME *wanted = ASN1_TIME_set(NULL, (time_t)times[i]);
		const ASN1_TIME *is = X509_REVOKED_get0_revocationDate(find(crl, (long)i + 1));

		assert_int_equal(ASN1_STRING_type(is), ASN1_STRING_type(wanted));
		assert_int_equal(ASN1_STRING_cmp(is, wanted), 0);
		ASN1_TIME_free(wanted);
	}
	X509_CRL_free(crl);
	buf_free(&der);
	buf_free(&tbs);
	parts_free(&p);
}

/* The last entry that has room, and one more. The octets before it are not written. */
static void
a_crl_is_bounded(void **state)
{
	const size_t most = PKIX_CRL_MAX - PKIX_MAX_DER;
	const struct pkix_revoked entry = {view_of("\x01", 1), NOW, -1};
	struct pkix_crl_making m;
	struct buf room;
	struct parts p;
	struct err err;
	size_t len;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	must(pkix_crl_begin(&(struct pkix_crl_head){buf_view(&p.issuer), buf_view(&p.alg), {0}, NOW,
				NOW + 1, 1, false, NULL},
	    &m, &err));
	len = m.octets.len;
	must(pkix_crl_add(&m, &entry, &err));
	len = m.octets.len - len;
	must(buf_alloc(PKIX_CRL_MAX, &room, &err));
	buf_free(&m.octets);
	m.octets = room;
	m.octets.len = most - len;
	must(pkix_crl_add(&m, &entry, &err));
	assert_int_equal(m.octets.len, most);
	m.octets.len = most - len + 1;
	must_fail(pkix_crl_add(&m, &entry, &err), DIRCA_E_TOO_LARGE);
	assert_int_equal(m.octets.len, most - len + 1);
	assert_int_equal(m.count, 2);
	pkix_crl_making_free(&m);
	parts_free(&p);
}

static void
wrong_parts_of_a_crl_are_refused(void **state)
{
	static const int reasons[] = {7, 8, 11, -2};
	const struct view serials[] = {{0}, view_of("\0\0", 2), view_str("123456789012345678901"),
	    view_str("\x80"
		     "1234567890123456789")};
	struct buf out = {0};
	struct parts p;
	struct err err;

	(void)state;
	parts_make(&p, support_ec("P-256"));
	struct pkix_crl_head head = {
	    buf_view(&p.issuer), buf_view(&p.alg), {0}, NOW, NOW + 1, 1, false, NULL};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		struct pkix_revoked bad = {view_of("\x01", 1), NOW, reasons[i]};

		must_fail(crl_of_list(&head, &bad, 1, &out, &err), E_INVALIDARG);
		assert_null(out.ptr);
	}
	for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
		struct pkix_revoked bad = {serials[i], NOW, -1};

		must_fail(crl_of_list(&head, &bad, 1, &out, &err), E_INVALIDARG);
	}
	must_fail(
	    crl_of_list(&head, &(struct pkix_revoked){view_str("1"), INT64_MAX, -1}, 1, &out, &err),
	    E_INVALIDARG);
	head.next_update = NOW;
	must_fail(crl_of_list(&head, NULL, 0, &out, &err), E_INVALIDARG);
	head.next_update = NOW + 1;
	head.number = -1;
	must_fail(crl_of_list(&head, NULL, 0, &out, &err), E_INVALIDARG);
	head.number = 1;
	head.issuer = (struct view){0};
	must_fail(crl_of_list(&head, NULL, 0, &out, &err), E_INVALIDARG);
	head.issuer = buf_view(&p.issuer);
	must(crl_of_list(&head, NULL, 0, &out, &err));
	buf_free(&out);
	parts_free(&p);
}

static void
signing_with_another_kind_of_key_is_refused(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *k256 = support_ec("secp256k1");
	struct buf out = {0};
	struct err err;

	(void)state;
	must_fail(pkix_sig_alg(ed, &out, &err), NTE_BAD_ALGID);
	must_fail(pkix_sig_alg(k256, &out, &err), NTE_BAD_ALGID);
	must_fail(pkix_key_spki(ed, &out, &err), NTE_BAD_ALGID);
	must_fail(pkix_request_make(k256, (struct view){0}, NULL, &out, &err), NTE_BAD_ALGID);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(k256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(certificate_is_accepted_by_openssl_with_equal_fields),
	    cmocka_unit_test(validity_beyond_2049_is_generalized_time),
	    cmocka_unit_test(wrong_parts_of_a_certificate_are_refused),
	    cmocka_unit_test(every_length_is_written_as_openssl_does),
	    cmocka_unit_test(encoded_extensions_are_extensions_and_none_twice),
	    cmocka_unit_test(no_extensions_leaves_the_field_out),
	    cmocka_unit_test(crl_is_accepted_by_openssl),
	    cmocka_unit_test(times_of_entries_are_those_of_their_days),
	    cmocka_unit_test(a_crl_is_bounded),
	    cmocka_unit_test(wrong_parts_of_a_crl_are_refused),
	    cmocka_unit_test(signing_with_another_kind_of_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
