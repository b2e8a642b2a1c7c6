/* A vault of a CA that was renewed: several certificates, several keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "crl_list.h"
#include "der.h"
#include "vault_lab.h"

#define END (TEST_NOW + 5000 * TEST_DAY)

static EVP_PKEY *old_key, *new_key;

static struct test_cert
certificate(EVP_PKEY *key, uint32_t version, int64_t not_after)
{
	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	return test_issue(&(struct test_issue){.dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .key = key,
	    .usage = "critical,keyCertSign,cRLSign",
	    .ca_version = version,
	    .serial = (uint8_t)(1 + CA_VERSION_CERTIFICATE(version)),
	    .not_before = TEST_NOW - 1000 * TEST_DAY,
	    .not_after = not_after});
}

/* ca.crt, in this order. */
static void
write_ca(const struct test_cert *list, size_t count)
{
	struct buf all = {0};
	struct err err;

	for (size_t i = 0; i < count; i++) {
		struct buf one;

		write_certificate(ca_path, &list[i]);
		assert_true(file_read(ca_path, 65536, &one, &err));
		assert_true(buf_append(&all, buf_view(&one), &err));
		buf_free(&one);
	}
	write_file(ca_path, buf_view(&all));
	buf_free(&all);
}

static bool
open_state(struct vault_state *s, struct err *err)
{
	return vault_state_open(s,
	    &(struct vault_config){.folder = vault_dir,
		.ca_certificate = ca_path,
		.state_dir = state_dir,
		.fd_count = 1,
		.kinds = SIGN_KINDS_DEFAULT},
	    err);
}

static int
setup_keys(void **state)
{
	struct err err;

	if (setup(state) != 0 || !ca_key_open(vault_dir, 0, NULL, &old_key, &err) ||
	    !ca_key_create(vault_dir, 1, CA_KEY_RSA_2048, NULL, &err) ||
	    !ca_key_open(vault_dir, 1, NULL, &new_key, &err))
		return 1;
	return 0;
}

static int
teardown_keys(void **state)
{
	EVP_PKEY_free(old_key);
	EVP_PKEY_free(new_key);
	return teardown(state);
}

/* With the algorithm of that key. */
static void
make_crl(EVP_PKEY *key, struct buf *out)
{
	struct pkix_crl_head head = {.issuer = ca.cert.subject,
	    .this_update = TEST_NOW,
	    .next_update = TEST_NOW + 7 * TEST_DAY,
	    .number = 5};
	struct buf sig_alg;
	struct err err;

	assert_true(pkix_sig_alg(key, &sig_alg, &err));
	head.sig_alg = buf_view(&sig_alg);
	ASSERT_DONE(crl_of_list(&head, NULL, 0, out, &err));
	buf_free(&sig_alg);
}

/* The key with that index is asked for a CRL with the algorithm of `alg`; if it signs, `key` must
 * be it. */
static bool
is_signed(struct vault_worker *w, uint8_t index, EVP_PKEY *alg, EVP_PKEY *key)
{
	const uint8_t field[4] = {index};
	struct view fields[4];
	struct buf crl, frame = {0};
	struct err err;
	size_t count;
	bool yes;

	make_crl(alg, &crl);
	assert_true(wire_begin(&frame, VAULT_OP_SIGN_CRL, &err) &&
		    wire_field(&frame, view_of(field, sizeof field), &err) &&
		    wire_field(&frame, buf_view(&crl), &err));
	assert_true(vault_dispatch(
	    w, VAULT_OP_SIGN_CRL, false, view_of(frame.ptr + 5, frame.len - 5), &err));
	yes = w->reply.ptr[4] == VAULT_STATUS_OK;
	assert_true(
	    wire_split(view_of(w->reply.ptr + 5, w->reply.len - 5), fields, 4, &count, &err));
	if (yes)
		assert_true(is_signed_by(key, buf_view(&crl), fields[0]));
	buf_free(&crl);
	buf_free(&frame);
	return yes;
}

static void
each_key_signs_its_own_crl(void **state)
{
	struct test_cert list[] = {certificate(new_key, CA_VERSION(1, 2), END),
	    certificate(old_key, CA_VERSION(0, 1), END), certificate(old_key, 0, END)};
	struct vault_state s;
	struct vault_worker w;
	struct err err;

	(void)state;
	write_ca(list, 3);
	ASSERT_DONE(open_state(&s, &err));
	assert_int_equal(s.key_count, 2);
	ASSERT_DONE(vault_worker_open(&w, &s, 0, &err));
	assert_true(is_signed(&w, 1, new_key, new_key));
	assert_true(is_signed(&w, 0, old_key, old_key));
	/* With the algorithm of the other one; with a key that there is not. */
	assert_false(is_signed(&w, 0, new_key, old_key));
	assert_false(is_signed(&w, 1, old_key, new_key));
	assert_false(is_signed(&w, 2, new_key, new_key));
	vault_worker_close(&w);
	vault_state_close(&s);
	for (size_t i = 0; i < 3; i++)
		test_cert_free(&list[i]);
}

/* Neither the front nor the vault takes one that is cut or has an octet more. */
static void
number_in_a_frame_has_its_length(void **state)
{
	const uint8_t octets[9] = {0x78, 0x56, 0x34, 0x12, 0xf0, 0xde, 0xbc, 0x9a};
	struct buf frame = {0};
	struct view fields[2];
	uint64_t n64 = 0;
	uint32_t n32 = 0;
	struct err err;
	size_t count;

	(void)state;
	assert_true(wire_begin(&frame, VAULT_OP_INFO, &err) &&
		    wire_field_u32(&frame, 0x12345678, &err) &&
		    wire_field_u64(&frame, UINT64_C(0x9abcdef012345678), &err));
	ASSERT_DONE(wire_split(view_of(frame.ptr + 5, frame.len - 5), fields, 2, &count, &err));
	assert_true(view_eq(fields[0], view_of(octets, 4)) && wire_u32(fields[0], &n32));
	assert_true(view_eq(fields[1], view_of(octets, 8)) && wire_u64(fields[1], &n64));
	assert_true(n32 == 0x12345678 && n64 == UINT64_C(0x9abcdef012345678));
	for (size_t len = 0; len <= sizeof octets; len++) {
		assert_int_equal(wire_u32(view_of(octets, len), &n32), len == 4);
		assert_int_equal(wire_u64(view_of(octets, len), &n64), len == 8);
	}
	buf_free(&frame);
}

/* A key that signs nothing any more may be taken away. */
static void
keys_are_needed_for_as_long_as_they_sign(void **state)
{
	struct test_cert living = certificate(old_key, 0, END),
			 ended = certificate(old_key, 0, clock_now() - 1),
			 newest = certificate(new_key, CA_VERSION(1, 1), END);
	struct test_cert list[2] = {newest, living};
	char *key = text_printf("%s/ca.key", vault_dir), *away = text_printf("%s/away", vault_dir);
	struct vault_state s;
	struct err err;

	(void)state;
	assert_int_equal(rename(key, away), 0);
	write_ca(list, 2);
	assert_false(open_state(&s, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	list[1] = ended;
	write_ca(list, 2);
	ASSERT_DONE(open_state(&s, &err));
	assert_int_equal(s.key_count, 1);
	assert_int_equal(s.issuers.count, 2);
	vault_state_close(&s);
	assert_int_equal(rename(away, key), 0);
	free(key);
	free(away);
	test_cert_free(&living);
	test_cert_free(&ended);
	test_cert_free(&newest);
}

static void
assert_refused(const struct test_cert *list, size_t count)
{
	struct vault_state s;
	struct err err;

	write_ca(list, count);
	assert_false(open_state(&s, &err));
	assert_int_equal(err.code, CERTSRV_E_INVALID_CA_CERTIFICATE);
}

static void
certificates_that_are_not_one_ca_are_refused(void **state)
{
	struct test_cert first = certificate(old_key, 0, END),
			 second = certificate(new_key, CA_VERSION(1, 1), END),
			 same_index = certificate(new_key, CA_VERSION(0, 1), END),
			 other_index = certificate(old_key, CA_VERSION(1, 1), END);
	const struct test_cert reversed[] = {first, second}, keys[] = {same_index, first},
			       indexes[] = {other_index, first}, names[] = {second, foreign_ca};

	(void)state;
	assert_refused(reversed, 2);
	assert_refused(keys, 2);
	assert_refused(indexes, 2);
	assert_refused(names, 2);
	assert_refused(&kra1, 1);
	/* Whole, but not for the key that is there. */
	assert_refused(&foreign_ca, 1);
	test_cert_free(&first);
	test_cert_free(&second);
	test_cert_free(&same_index);
	test_cert_free(&other_index);
}

/* Who believes an older key would believe it. */
static void
nobody_gets_the_name_of_the_ca(void **state)
{
	struct vault_state s;
	struct test_issue in = {.dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .key = user_key,
	    .is_ca = true,
	    .issuer = &ca,
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 40,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 10 * TEST_DAY};
	uint8_t id[VAULT_ID_LEN];
	struct journal_entry entry;
	struct buf tbs, sig_alg;
	struct err err;

	(void)state;
	write_certificate(ca_path, &ca);
	ASSERT_DONE(open_state(&s, &err));
	s.keys[0].rules.kinds |= SIGN_KIND_SUB_CA;
	test_tbs(&in, ca.cert.subject, ca.key, &tbs, &sig_alg);
	assert_false(vault_check_certificate(
	    buf_view(&tbs), view_of(NULL, 0), &s.keys[0].rules, &entry, id, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	buf_free(&tbs);
	buf_free(&sig_alg);
	in.dn = "CN=Another CA";
	test_tbs(&in, ca.cert.subject, ca.key, &tbs, &sig_alg);
	ASSERT_DONE(vault_check_certificate(
	    buf_view(&tbs), view_of(NULL, 0), &s.keys[0].rules, &entry, id, &err));
	buf_free(&tbs);
	buf_free(&sig_alg);
	vault_state_close(&s);
}

/* ---- one TBSCertificate in DER, and nothing that can be taken for it ---- */

#define SUBJECT "Some user of the CA"

/* What a vault of `ca` says of it; no certificate has a wrong code. */
static bool
is_signable(const struct vault_state *s, struct view tbs)
{
	struct journal_entry entry;
	uint8_t id[VAULT_ID_LEN];
	struct err err;
	bool ok =
	    vault_check_certificate(tbs, view_of(NULL, 0), &s->keys[0].rules, &entry, id, &err);

	assert_true(ok || err.code == E_ACCESSDENIED || err.code == DIRCA_E_KIND_NOT_ALLOWED);
	return ok;
}

static void
user_tbs_of(const struct test_cert *issuer, struct buf *tbs)
{
	struct test_issue in = {.dn = "CN=" SUBJECT,
	    .key = user_key,
	    .issuer = issuer,
	    .usage = "critical,digitalSignature",
	    .eku = "clientAuth",
	    .serial = 41,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 10 * TEST_DAY};
	struct buf sig_alg;

	test_tbs(&in, issuer->cert.subject, issuer->key, tbs, &sig_alg);
	buf_free(&sig_alg);
}

/* Does OpenSSL read it, and write it in the same bytes? */
static bool
is_encoded_once(struct view tbs, struct view sig_alg)
{
	struct buf der;
	unsigned char *again = NULL;
	const unsigned char *p;
	struct err err;
	X509 *x;
	int len;
	bool same;

	ASSERT_DONE(pkix_signed_wrap(tbs, sig_alg, view_of("x", 1), &der, &err));
	p = der.ptr;
	x = d2i_X509(NULL, &p, (long)der.len);
	len = x != NULL ? i2d_re_X509_tbs(x, &again) : -1;
	same = len > 0 && view_eq(view_of(again, (size_t)len), tbs);
	OPENSSL_free(again);
	X509_free(x);
	buf_free(&der);
	ERR_clear_error();
	return same;
}

/* With one bit of it another, but of the subject, of which the CA is the only judge. */
static void
what_is_signed_is_der(void **state)
{
	struct vault_state s;
	struct buf tbs;
	struct err err;
	const uint8_t *subject;
	size_t taken = 0;

	(void)state;
	write_certificate(ca_path, &ca);
	ASSERT_DONE(open_state(&s, &err));
	user_tbs_of(&ca, &tbs);
	assert_true(is_signable(&s, buf_view(&tbs)));
	subject = memmem(tbs.ptr, tbs.len, SUBJECT, strlen(SUBJECT));
	assert_non_null(subject);
	for (size_t bit = 0; bit < tbs.len * 8; bit++) {
		/* An RDN, its type and its string before the text. */
		if (tbs.ptr + bit / 8 > subject - 12 &&
		    tbs.ptr + bit / 8 < subject + strlen(SUBJECT))
			continue;
		tbs.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (is_signable(&s, buf_view(&tbs))) {
			taken++;
			if (!is_encoded_once(buf_view(&tbs), s.keys[0].rules.sig_alg))
				fail_msg("bit %zu", bit);
		}
		tbs.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Names, numbers, the key. */
	assert_true(taken > 100 && taken < tbs.len * 8);
	buf_free(&tbs);
	vault_state_close(&s);
}

/* The elements again, that of number `longer` with a length of one octet too many, that of number
 * `followed` with another behind it; `*at` counts. */
static void
put_elements(struct view from, size_t longer, size_t followed, size_t *at, struct buf *to)
{
	while (from.len > 0) {
		const unsigned char *p = from.ptr;
		OWNED(buf_free) struct buf inner = {0};
		size_t number = (*at)++;
		uint8_t head[4] = {from.ptr[0]};
		struct err err;
		long len;
		int tag, class, form = der_head(&p, &len, &tag, &class, from.len);

		assert_int_equal(form & 0x81, 0);
		if ((form & V_ASN1_CONSTRUCTED) != 0)
			put_elements(view_of(p, (size_t)len), longer, followed, at, &inner);
		else
			assert_true(buf_append(&inner, view_of(p, (size_t)len), &err));
		from = view_of(p + len, from.len - (size_t)(p + len - from.ptr));
		len = (long)inner.len;
		if (len < 128 && number != longer) {
			head[1] = (uint8_t)len;
			assert_true(buf_append(to, view_of(head, 2), &err));
		} else if (len < 128 || (len < 256 && number != longer)) {
			head[1] = 0x81;
			head[2] = (uint8_t)len;
			assert_true(buf_append(to, view_of(head, 3), &err));
		} else {
			head[1] = number != longer || len < 256 ? 0x82 : 0x83;
			assert_true(buf_append(to, view_of(head, 2), &err));
			if (head[1] == 0x83)
				assert_true(buf_append(to, view_of("", 1), &err));
			head[2] = (uint8_t)(len >> 8);
			head[3] = (uint8_t)len;
			assert_true(buf_append(to, view_of(head + 2, 2), &err));
		}
		assert_true(buf_append(to, buf_view(&inner), &err));
		if (number == followed)
			assert_true(buf_append(to, view_of("\x05\x00", 2), &err));
	}
}

static void
elements_are_those_and_no_others(void **state)
{
	struct vault_state s;
	struct buf tbs;
	struct err err;
	size_t count = 0;

	(void)state;
	write_certificate(ca_path, &ca);
	ASSERT_DONE(open_state(&s, &err));
	user_tbs_of(&ca, &tbs);
	for (size_t n = 0; n <= count; n++) {
		OWNED(buf_free) struct buf longer = {0}, more = {0};
		size_t at = 0, again = 0;

		put_elements(buf_view(&tbs), n, SIZE_MAX, &at, &longer);
		put_elements(buf_view(&tbs), SIZE_MAX, n, &again, &more);
		count = at;
		if (is_signable(&s, buf_view(&longer)) != (n == count))
			fail_msg("length of element %zu of %zu", n, count);
		if (n < count && is_signable(&s, buf_view(&more)))
			fail_msg("another behind element %zu of %zu", n, count);
	}
	assert_true(count > 40);
	buf_free(&tbs);
	vault_state_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_signs_its_own_crl),
	    cmocka_unit_test(number_in_a_frame_has_its_length),
	    cmocka_unit_test(keys_are_needed_for_as_long_as_they_sign),
	    cmocka_unit_test(certificates_that_are_not_one_ca_are_refused),
	    cmocka_unit_test(nobody_gets_the_name_of_the_ca),
	    cmocka_unit_test(what_is_signed_is_der),
	    cmocka_unit_test(elements_are_those_and_no_others),
	};

	return cmocka_run_group_tests(tests, setup_keys, teardown_keys);
}
