#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/mman.h>
#include <openssl/sha.h>

#include "bytes.h"
#include "clock.h"
#include "extension.h"
#include "mem.h"
#include "ocsp.h"
#include "recovery.h"
#include "vault_lab.h"
#include "crl_list.h"

/* ---- signing ---- */

static void
user_tbs(struct view issuer, struct buf *out)
{
	struct test_issue in = {.dn = "CN=user1",
	    .key = user_key,
	    .issuer = &ca,
	    .usage = "keyEncipherment",
	    .eku = "clientAuth",
	    .serial = 5,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY};
	struct buf sig_alg;

	test_tbs(&in, issuer, ca.key, out, &sig_alg);
	buf_free(&sig_alg);
}

static bool
sign_crl(struct vault *v, struct view tbs, struct buf *signature_out, struct err *err)
{
	return vault_sign_crl(v, 0, tbs, signature_out, err);
}

static void
info_names_the_ca_key(void **state)
{
	struct vault_info info;
	struct buf spki;
	struct err err;

	(void)state;
	ASSERT_DONE(vault_get_info(&child.front[0], &info, &err));
	assert_true(pkix_key_spki(ca.key, &spki, &err));
	assert_int_equal(info.issuers.count, 1);
	assert_true(view_eq(info.issuers.list[0].cert.spki, buf_view(&spki)));
	assert_true(view_eq(buf_view(&info.issuers.list[0].cert.raw), buf_view(&ca.der)));
	assert_true(info.issuers.list[0].sig_alg.len > 0);
	vault_info_free(&info);
	buf_free(&spki);
}

static void
certificate_of_this_ca_is_signed(void **state)
{
	struct buf tbs, signature;
	struct err err;

	(void)state;
	user_tbs(ca.cert.subject, &tbs);
	for (int i = 0; i < 3; i++) {
		ASSERT_DONE(
		    vault_sign_certificate(&child.front[0], buf_view(&tbs), &signature, &err));
		assert_true(is_signed_by(ca.key, buf_view(&tbs), buf_view(&signature)));
		buf_free(&signature);
	}
	buf_free(&tbs);
}

static void
sign_kra(const char *eku, const char *san, uint8_t serial)
{
	struct test_issue in = {.dn = "CN=kra",
	    .key = user_key,
	    .issuer = &ca,
	    .usage = "critical,keyEncipherment",
	    .eku = eku,
	    .san = san,
	    .serial = serial,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY};
	struct buf tbs, sig_alg, signature = {0};
	struct err err;

	test_tbs(&in, ca.cert.subject, ca.key, &tbs, &sig_alg);
	ASSERT_DONE(vault_sign_certificate(&child.front[0], buf_view(&tbs), &signature, &err));
	buf_free(&tbs);
	buf_free(&sig_alg);
	buf_free(&signature);
}

/* The last serial number of those that are kept, and how many are. */
static void
assert_kept(uint8_t last, size_t count)
{
	struct signed_kras kept;
	struct pkix_cert c;
	struct err err;

	ASSERT_DONE(signed_kras_open(&kept, vault_dir, &err));
	assert_int_equal(kept.count, count);
	if (count > 0) {
		ASSERT_DONE(pkix_cert_decode(buf_view(&kept.list[count - 1]), &c, &err));
		assert_true(view_eq(c.serial, view_of(&last, 1)));
		pkix_cert_free(&c);
	}
	signed_kras_close(&kept);
}

/* Root enables from there. The front has no say but by what it has signed, and fills nothing. */
static void
signed_kra_certificates_are_kept(void **state)
{
	char large[KRA_CERT_MAX + 8] = "URI:x:";

	(void)state;
	memset(large + strlen(large), 'x', KRA_CERT_MAX);
	sign_kra("1.3.6.1.5.5.7.3.4", NULL, 1);
	assert_kept(0, 0);
	sign_kra(KRA_EKU, NULL, 2);
	assert_kept(2, 1);
	sign_kra("1.3.6.1.5.5.7.3.4", "RID:1.3.6.1.4.1.311.21.6", 3);
	sign_kra(KRA_EKU, large, 4);
	assert_kept(2, 1);
	for (uint8_t i = 0; i < SIGNED_KRAS_MAX; i++)
		sign_kra(KRA_EKU, NULL, (uint8_t)(i + 10));
	assert_kept(SIGNED_KRAS_MAX + 9, SIGNED_KRAS_MAX);
}

typedef bool sign_function(struct vault *, struct view, struct buf *, struct err *);

static void
assert_not_signed(sign_function *sign, struct view what, enum err_code code)
{
	struct buf signature = {0};
	struct err err = {0};

	assert_false(sign(&child.front[0], what, &signature, &err));
	assert_int_equal(err.code, code);
	assert_null(signature.ptr);
}

static void
certificate_of_another_issuer_is_refused(void **state)
{
	struct buf tbs;

	(void)state;
	user_tbs(foreign_ca.cert.subject, &tbs);
	assert_not_signed(vault_sign_certificate, buf_view(&tbs), E_ACCESSDENIED);
	buf_free(&tbs);
}

static void
certificate_with_another_algorithm_is_refused(void **state)
{
	struct test_issue in = {.dn = "CN=user1",
	    .key = user_key,
	    .issuer = &ca,
	    .serial = 5,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY};
	struct buf tbs, sig_alg;

	(void)state;
	test_tbs(&in, ca.cert.subject, user_key, &tbs, &sig_alg);
	assert_not_signed(vault_sign_certificate, buf_view(&tbs), E_ACCESSDENIED);
	buf_free(&tbs);
	buf_free(&sig_alg);
}

static void
certificate_with_any_octet_missing_or_added_is_refused(void **state)
{
	struct buf tbs, longer;
	struct err err;

	(void)state;
	user_tbs(ca.cert.subject, &tbs);
	for (size_t len = 0; len < tbs.len; len++)
		assert_not_signed(vault_sign_certificate, view_of(tbs.ptr, len), E_ACCESSDENIED);
	assert_true(
	    buf_dup(buf_view(&tbs), &longer, &err) && buf_append(&longer, view_of("", 1), &err));
	assert_not_signed(vault_sign_certificate, buf_view(&longer), E_ACCESSDENIED);
	buf_free(&longer);
	buf_free(&tbs);
}

/* BER that is no DER: the outer length in one octet more than needed. */
static void
certificate_in_ber_is_refused(void **state)
{
	struct buf tbs, ber = {0};
	struct err err;

	(void)state;
	user_tbs(ca.cert.subject, &tbs);
	assert_int_equal(tbs.ptr[1], 0x82);
	assert_true(buf_append(&ber, view_of("\x30\x83\x00", 3), &err) &&
		    buf_append(&ber, view_of(tbs.ptr + 2, tbs.len - 2), &err));
	assert_not_signed(vault_sign_certificate, buf_view(&ber), E_ACCESSDENIED);
	buf_free(&ber);
	buf_free(&tbs);
}

static void
make_crl(struct view issuer, struct buf *out)
{
	struct pkix_revoked revoked[] = {
	    {.serial = view_of("\x05", 1), .when = TEST_NOW, .reason = 1}};
	struct buf sig_alg;
	struct err err;

	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	ASSERT_DONE(crl_of_list(
	    &(struct pkix_crl_head){issuer, buf_view(&sig_alg), view_of("01234567890123456789", 20),
		TEST_NOW, TEST_NOW + TEST_DAY, 3, false, NULL},
	    revoked, 1, out, &err));
	buf_free(&sig_alg);
}

static void
crl_of_this_ca_is_signed_and_no_other(void **state)
{
	struct buf crl, foreign, signature;
	struct err err;

	(void)state;
	make_crl(ca.cert.subject, &crl);
	make_crl(foreign_ca.cert.subject, &foreign);
	ASSERT_DONE(vault_sign_crl(&child.front[0], 0, buf_view(&crl), &signature, &err));
	assert_true(is_signed_by(ca.key, buf_view(&crl), buf_view(&signature)));
	assert_not_signed(sign_crl, buf_view(&foreign), E_ACCESSDENIED);
	for (size_t len = 0; len < crl.len; len++)
		assert_not_signed(sign_crl, view_of(crl.ptr, len), E_ACCESSDENIED);
	buf_free(&signature);
	buf_free(&crl);
	buf_free(&foreign);
}

/* Stopped as by a disk or a debugger that holds it. */
static void
vault_that_hangs_is_not_waited_for(void **state)
{
	struct vault_info info = {0};
	struct err err;
	int status;

	(void)state;
	ASSERT_DONE(vault_get_info(&child.front[0], &info, &err));
	vault_info_free(&info);
	ASSERT_DONE(vault_limit(child.front[0].fd, 1, &err));
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(child.pid, &status, WUNTRACED), child.pid);
	assert_true(WIFSTOPPED(status));
	ASSERT_DONE(vault_ping(child.control, &err));
	assert_false(vault_get_info(&child.front[0], &info, &err));
	assert_int_equal(err.code, DIRCA_E_VAULT);
	assert_non_null(strstr(err.msg, "no answer in time"));
	assert_true(child.front[0].broken);
	assert_int_equal(vault_ponged(child.control), VAULT_SILENT);
	assert_int_equal(kill(child.pid, SIGCONT), 0);
	for (int i = 0; i < 3000 && vault_ponged(child.control) == VAULT_SILENT; i++)
		usleep(20000);
	ASSERT_DONE(vault_get_info(&child.front[1], &info, &err));
	assert_false(child.front[1].broken);
	vault_info_free(&info);
}

static void
vault_answers_its_supervisor(void **state)
{
	enum vault_pong pong = VAULT_SILENT;
	struct err err;

	(void)state;
	ASSERT_DONE(vault_ping(child.control, &err));
	for (int i = 0; i < 3000 && (pong = vault_ponged(child.control)) == VAULT_SILENT; i++)
		usleep(20000);
	assert_int_equal(pong, VAULT_ANSWERED);
}

static void
large_crl_is_signed(void **state)
{
	size_t count = 40000;
	struct pkix_revoked *revoked = calloc(count, sizeof *revoked);
	struct buf sig_alg, crl, signature;
	struct err err;

	(void)state;
	for (size_t i = 0; i < count; i++)
		revoked[i] =
		    (struct pkix_revoked){.serial = view_of("\x11\x22\x33\x44\x55\x66\x77\x88", 8),
			.when = TEST_NOW,
			.reason = -1};
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	ASSERT_DONE(crl_of_list(
	    &(struct pkix_crl_head){ca.cert.subject, buf_view(&sig_alg),
		view_of("01234567890123456789", 20), TEST_NOW, TEST_NOW + TEST_DAY, 3, false, NULL},
	    revoked, count, &crl, &err));
	assert_true(crl.len > 1 << 20);
	ASSERT_DONE(vault_sign_crl(&child.front[0], 0, buf_view(&crl), &signature, &err));
	assert_true(is_signed_by(ca.key, buf_view(&crl), buf_view(&signature)));
	buf_free(&signature);
	buf_free(&crl);
	buf_free(&sig_alg);
	free(revoked);
}

static void
assert_crl_of_not_signed(struct view before, struct view middle, struct view after)
{
	uint8_t header[8], *p = header;
	struct buf der = {0};
	struct err err;

	ASN1_put_object(
	    &p, 1, (int)(before.len + middle.len + after.len), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	ASSERT_DONE(buf_append(&der, view_of(header, (size_t)(p - header)), &err) &&
		    buf_append(&der, before, &err) && buf_append(&der, middle, &err) &&
		    buf_append(&der, after, &err));
	assert_not_signed(sign_crl, buf_view(&der), E_ACCESSDENIED);
	buf_free(&der);
}

/* The vault does not look into the entries, but at what holds them. */
static void
crl_with_other_entries_than_one_der_sequence_is_not_signed(void **state)
{
	struct pkix_crl_parts parts;
	struct buf crl;
	struct err err;

	(void)state;
	make_crl(ca.cert.subject, &crl);
	ASSERT_DONE(pkix_crl_cut(buf_view(&crl), &parts, &err));
	assert_int_equal(parts.entries.len, 34);
	assert_crl_of_not_signed(
	    parts.before, view_of("\x30\x81\x02\x30\x00", 5), parts.after); /* BER */
	assert_crl_of_not_signed(parts.before, view_of("\x30\x80\x00\x00", 4), parts.after);
	assert_crl_of_not_signed(
	    parts.before, view_of("\x30\x02\x30\x00\x30\x02\x30\x00", 8), parts.after);
	assert_crl_of_not_signed(parts.before, view_of("\x31\x02\x30\x00", 4), parts.after);
	assert_crl_of_not_signed(parts.before, view_of("\x30\x7f\x30\x00", 4), parts.after);
	assert_crl_of_not_signed(parts.after, (struct view){0}, parts.before);
	/* nextUpdate, the last element of `before`, behind the entries. */
	assert_crl_of_not_signed(view_of(parts.before.ptr, parts.before.len - 15),
	    view_of("\x30\x02\x30\x00\x17\x0d"
		    "491231235959Z",
		19),
	    parts.after);
	buf_free(&crl);
}

/* RFC 5280 5.1.2.4 and 5.1.2.5: others would read them otherwise, or the list would never end. */
static void
crl_whose_times_are_written_otherwise_is_not_signed(void **state)
{
	static const char *const times[] = {"\x17\x0d"
					    "170714024000Z",
	    "\x17\x0b"
	    "1707140240Z"
	    "\x17\x0d"
	    "170715024000Z",
	    "\x17\x0d"
	    "170714024000Z"
	    "\x17\x11"
	    "170715024000+0000",
	    "\x18\x0f"
	    "20170714024000Z"
	    "\x17\x0d"
	    "170715024000Z",
	    "\x17\x0d"
	    "170714024000Z"
	    "\x18\x11"
	    "20500715024000.5Z",
	    "\x17\x0d"
	    "170714024000Z"
	    "\x17\x0d"
	    "170714024000Z",
	    "\x17\x0d"
	    "170714024000Z"
	    "\x17\x0d"
	    "170732024000Z"};
	struct pkix_crl_parts parts;
	struct buf crl;
	struct err err;

	(void)state;
	make_crl(ca.cert.subject, &crl);
	ASSERT_DONE(pkix_crl_cut(buf_view(&crl), &parts, &err));
	parts.before.len = (size_t)(parts.this_update.ptr - parts.before.ptr);
	for (size_t i = 0; i < COUNT_OF(times); i++)
		assert_crl_of_not_signed(parts.before, view_str(times[i]), parts.after);
	buf_free(&crl);
}

/* Which of the extensions is critical, and how often it is there. */
static void
crl_of_scope(bool delta, bool critical, int times, struct buf *out)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf sig_alg;
	struct err err;

	ASSERT_DONE(
	    delta ? pkix_ext_push(list, "2.5.29.27", critical, view_of("\x02\x01\x01", 3), &err)
		  : pkix_ext_push(list, "2.5.29.28", critical, view_of("\x30\x00", 2), &err));
	for (int i = 1; i < times; i++) {
		X509_EXTENSION *x = X509_EXTENSION_dup(sk_X509_EXTENSION_value(list, 0));

		assert_non_null(x);
		assert_true(sk_X509_EXTENSION_push(list, x) > 0);
	}
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	ASSERT_DONE(crl_of_list(
	    &(struct pkix_crl_head){ca.cert.subject, buf_view(&sig_alg),
		view_of("01234567890123456789", 20), TEST_NOW, TEST_NOW + TEST_DAY, 3, delta, list},
	    NULL, 0, out, &err));
	buf_free(&sig_alg);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

/* Part of the whole, and a reader that does not know the extension would take it for the whole. */
static void
crl_that_is_a_part_says_so_critically(void **state)
{
	(void)state;
	for (int delta = 0; delta < 2; delta++) {
		struct buf crl, signature;
		struct err err;

		crl_of_scope(delta, true, 1, &crl);
		ASSERT_DONE(vault_sign_crl(&child.front[0], 0, buf_view(&crl), &signature, &err));
		buf_free(&signature);
		buf_free(&crl);
		crl_of_scope(delta, false, 1, &crl);
		assert_not_signed(sign_crl, buf_view(&crl), E_ACCESSDENIED);
		buf_free(&crl);
		crl_of_scope(delta, true, 2, &crl);
		assert_not_signed(sign_crl, buf_view(&crl), E_ACCESSDENIED);
		buf_free(&crl);
	}
}

/* ---- OCSP ---- */

/* ResponseData of the responder with that key, of `at`, on the certificate with the serial 5. */
static void
ocsp_data(const uint8_t key_hash[20], int64_t at, struct buf *out)
{
	static const uint8_t cert_id[] = {0x30, 0x12, 0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03,
	    0x02, 0x1a, 0x04, 0x01, 0x00, 0x04, 0x01, 0x00, 0x02, 0x01, 0x05};
	const struct ocsp_single said = {
	    .cert_id = view_of(cert_id, sizeof cert_id), .status = OCSP_GOOD, .reason = -1};
	struct ocsp_data data = {
	    .produced_at = at, .next_update = at + 3600, .list = &said, .count = 1};
	struct err err;

	memcpy(data.key_hash, key_hash, sizeof data.key_hash);
	ASSERT_DONE(ocsp_data_encode(&data, out, &err));
}

static bool
sign_ocsp(struct vault *v, struct view what, struct buf *signature_out, struct err *err)
{
	return vault_sign_ocsp(v, 0, what, signature_out, err);
}

static void
ocsp_key_signs_answers_of_its_own_and_nothing_else(void **state)
{
	int64_t now = clock_now();
	struct buf der, again, data, signature, tbs, crl;
	struct pkix_cert cert;
	uint8_t key_hash[20];
	EVP_PKEY *key;
	struct err err;

	(void)state;
	ocsp_data((const uint8_t[20]){0}, now, &data);
	assert_not_signed(sign_ocsp, buf_view(&data), E_ACCESSDENIED); /* there is no key yet */
	buf_free(&data);
	ASSERT_DONE(vault_ocsp_certificate(&child.front[0], 0, &der, &err));
	ASSERT_DONE(vault_ocsp_certificate(&child.front[1], 0, &again, &err));
	assert_true(view_eq(buf_view(&der), buf_view(&again)));
	buf_free(&again);
	ASSERT_DONE(pkix_cert_decode(buf_view(&der), &cert, &err));
	assert_true(cert.not_after - now <= VAULT_OCSP_LIFE_S);
	assert_non_null(pkix_cert_extension(&cert, NID_id_pkix_OCSP_noCheck));
	ASSERT_DONE(ext_key_id(cert.spki, key_hash, &err));
	ocsp_data(key_hash, now, &data);
	ASSERT_DONE(vault_sign_ocsp(&child.front[0], 0, buf_view(&data), &signature, &err));
	ASSERT_DONE(pkix_public_key(cert.spki, &key, &err));
	assert_true(is_signed_by(key, buf_view(&data), buf_view(&signature)));
	/* The CA key signs no answer, and this key nothing else. */
	assert_not_signed(vault_sign_certificate, buf_view(&data), E_ACCESSDENIED);
	assert_not_signed(sign_crl, buf_view(&data), E_ACCESSDENIED);
	assert_not_signed(vault_sign_message, buf_view(&data), E_ACCESSDENIED);
	for (size_t len = 0; len < data.len; len++)
		assert_not_signed(sign_ocsp, view_of(data.ptr, len), E_ACCESSDENIED);
	user_tbs(ca.cert.subject, &tbs);
	make_crl(ca.cert.subject, &crl);
	assert_not_signed(sign_ocsp, buf_view(&tbs), E_ACCESSDENIED);
	assert_not_signed(sign_ocsp, buf_view(&crl), E_ACCESSDENIED);
	buf_free(&data);
	/* Neither for later, nor in another's name. */
	ocsp_data(key_hash, now + 3600, &data);
	assert_not_signed(sign_ocsp, buf_view(&data), E_ACCESSDENIED);
	buf_free(&data);
	key_hash[0] ^= 1;
	ocsp_data(key_hash, now, &data);
	assert_not_signed(sign_ocsp, buf_view(&data), E_ACCESSDENIED);
	buf_free(&data);
	buf_free(&tbs);
	buf_free(&crl);
	/* Nor does it get a certificate for something else. */
	struct test_issue in = {.dn = "CN=user1",
	    .key = key,
	    .issuer = &ca,
	    .usage = "keyEncipherment",
	    .eku = "clientAuth",
	    .serial = 5,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY};
	struct buf sig_alg;

	test_tbs(&in, ca.cert.subject, ca.key, &tbs, &sig_alg);
	assert_not_signed(vault_sign_certificate, buf_view(&tbs), E_ACCESSDENIED);
	assert_false(vault_ocsp_certificate(&child.front[0], 7, &again, &err));
	EVP_PKEY_free(key);
	pkix_cert_free(&cert);
	buf_free(&tbs);
	buf_free(&sig_alg);
	buf_free(&signature);
	buf_free(&der);
}

/* One kind of object is not signed as another. */
static void
objects_are_not_signed_as_other_kinds(void **state)
{
	struct buf tbs, crl;

	(void)state;
	user_tbs(ca.cert.subject, &tbs);
	make_crl(ca.cert.subject, &crl);
	assert_not_signed(sign_crl, buf_view(&tbs), E_ACCESSDENIED);
	assert_not_signed(vault_sign_message, buf_view(&tbs), E_ACCESSDENIED);
	assert_not_signed(vault_sign_certificate, buf_view(&crl), E_ACCESSDENIED);
	assert_not_signed(vault_sign_message, buf_view(&crl), E_ACCESSDENIED);
	assert_not_signed(vault_sign_certificate, buf_view(&ca.der), E_ACCESSDENIED);
	buf_free(&tbs);
	buf_free(&crl);
}

static void
message_attrs(
    const char *content_oid, const struct cms_attr *extra, size_t extra_count, struct buf *out)
{
	struct cms_sign in = {.content_oid = content_oid,
	    .content = view_str("content"),
	    .digest = EVP_sha256(),
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial,
	    .extra_attrs = extra,
	    .extra_count = extra_count};
	struct err err;

	ASSERT_DONE(cms_sign_attrs(&in, out, &err));
}

static struct buf
test_retrieval(void)
{
	static char officer[] = "NWTRADERS\\officer1";
	struct retrieval_hash chain = {{1}}, kra = {{2}};
	const struct retrieval r = {.request_id = 1,
	    .audit_row = 1,
	    .when = TEST_NOW,
	    .officer = officer,
	    .chain = &chain,
	    .chain_count = 1,
	    .kras = &kra,
	    .kra_count = 1};
	struct buf der;
	struct err err;

	ASSERT_DONE(retrieval_encode(&r, &der, &err));
	return der;
}

static struct cms_attr
retrieval_attr(struct view value)
{
	struct cms_attr a = {.nid = oid_nid(OID_KEY_RETRIEVAL), .values = value, .value_count = 1};

	strcpy(a.oid, oid_dotted(OID_KEY_RETRIEVAL));
	return a;
}

static void
only_cmc_responses_and_recovery_blobs_are_signed_as_messages(void **state)
{
	static const uint8_t hash[22] = {0x04, 20, 1, 2, 3}, short_hash[21] = {0x04, 19},
			     number[3] = {0x02, 1, 1};
	const struct cms_attr good = {.oid = "1.3.6.1.4.1.311.21.16",
	    .nid = oid_nid(OID_ARCHIVED_KEY_CERT_HASH),
	    .values = {hash, sizeof hash},
	    .value_count = 1};
	const struct cms_attr too_short = {.oid = "1.3.6.1.4.1.311.21.16",
	    .nid = oid_nid(OID_ARCHIVED_KEY_CERT_HASH),
	    .values = {short_hash, sizeof short_hash},
	    .value_count = 1};
	struct buf retrieval = test_retrieval();
	struct cms_attr blob[2] = {good}, no_hash, damaged[2] = {good}, twice[3] = {good};
	const struct cms_attr unknown = {.oid = "1.2.3.4",
	    .nid = NID_undef,
	    .values = {number, sizeof number},
	    .value_count = 1};
	const struct {
		const char *content_oid;
		const struct cms_attr *extra;
		size_t extra_count;
		bool is_signed;
	} rows[] = {
	    {"1.3.6.1.5.5.7.12.3", NULL, 0, true},     /* id-cct-PKIResponse */
	    {"1.2.840.113549.1.7.1", blob, 2, true},   /* recovery blob */
	    {"1.2.840.113549.1.7.1", &good, 1, false}, /* one that binds no retrieval */
	    {"1.2.840.113549.1.7.1", &no_hash, 1, false},
	    {"1.2.840.113549.1.7.1", damaged, 2, false}, {"1.2.840.113549.1.7.1", twice, 3, false},
	    {"1.3.6.1.5.5.7.12.3", &no_hash, 1, false},
	    {"1.2.840.113549.1.7.1", NULL, 0, false}, /* anything */
	    {"1.2.840.113549.1.7.1", &too_short, 1, false},
	    {"1.2.840.113549.1.7.1", &unknown, 1, false}, {"1.3.6.1.5.5.7.12.3", &good, 1, false},
	    {"1.3.6.1.5.5.7.12.3", &unknown, 1, false},
	    {"1.3.6.1.5.5.7.12.2", NULL, 0, false}, /* id-cct-PKIData: a request in the CA's name */
	    {"1.2.840.113549.1.9.16.1.4", NULL, 0, false}, /* a timestamp */
	};
	struct buf attrs, signature;
	struct err err;

	(void)state;
	no_hash = retrieval_attr(buf_view(&retrieval));
	blob[1] = twice[1] = twice[2] = no_hash;
	damaged[1] = retrieval_attr(view_of("\x30\x03\x02\x01\x01", 5));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		message_attrs(rows[i].content_oid, rows[i].extra, rows[i].extra_count, &attrs);
		if (rows[i].is_signed) {
			ASSERT_DONE(vault_sign_message(
			    &child.front[0], buf_view(&attrs), &signature, &err));
			assert_true(is_signed_by(ca.key, buf_view(&attrs), buf_view(&signature)));
			buf_free(&signature);
			for (size_t len = 0; len < attrs.len; len++)
				assert_not_signed(
				    vault_sign_message, view_of(attrs.ptr, len), E_ACCESSDENIED);
		} else {
			assert_not_signed(vault_sign_message, buf_view(&attrs), E_ACCESSDENIED);
		}
		buf_free(&attrs);
	}
	buf_free(&retrieval);
}

static void
message_with_an_attribute_twice_is_refused(void **state)
{
	/* SET { contentType PKIResponse, contentType PKIResponse }, lengths kept small: no
	 * messageDigest either. */
	static const uint8_t type[] = {0x30, 0x17, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	    0x01, 0x09, 0x03, 0x31, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0c,
	    0x03};
	uint8_t twice[2 + 2 * sizeof type] = {0x31, 2 * sizeof type};

	(void)state;
	memcpy(twice + 2, type, sizeof type);
	memcpy(twice + 2 + sizeof type, type, sizeof type);
	assert_not_signed(vault_sign_message, view_of(twice, sizeof twice), E_ACCESSDENIED);
	twice[1] = sizeof type;
	assert_not_signed(vault_sign_message, view_of(twice, 2 + sizeof type), E_ACCESSDENIED);
	assert_not_signed(vault_sign_message, view_of("\x31\x00", 2), E_ACCESSDENIED);
}

/* ---- archival ---- */

static void
archived_key_is_sealed_to_the_named_kras(void **state)
{
	static const int bits[] = {2048, 256, 384, 521};
	struct buf archived;
	struct xchg x;
	struct rewrap r;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		x = make_xchg(bits[i]);
		rewrap_init(&r, &x);
		for (int j = 0; j < 2; j++) {
			r.in.cipher = j == 1 ? CMS_AES_128_CBC : CMS_AES_256_CBC;
			ASSERT_DONE(vault_rewrap(&child.front[1], &r.in, &archived, &err));
			assert_opens(&archived, &kra1);
			assert_opens(&archived, &kra2);
			buf_free(&archived);
		}
		rewrap_free(&r);
		test_cert_free(&x.cert);
	}
}

/* The archived key, of so many recipients. */
static struct buf
assert_recipients(const struct rewrap *r, size_t count)
{
	struct cms_enveloped sealed;
	struct buf archived;
	struct err err;

	ASSERT_DONE(vault_rewrap(&child.front[0], &r->in, &archived, &err));
	ASSERT_DONE(cms_sealed_decode(buf_view(&archived), &sealed, &err));
	assert_int_equal(sealed.count, count);
	cms_enveloped_free(&sealed);
	return archived;
}

/* To these and nobody else; `b` NULL: to one. */
static void
assert_sealed_to(const struct rewrap *r, const struct test_cert *a, const struct test_cert *b)
{
	struct buf archived = assert_recipients(r, b != NULL ? 2 : 1);

	assert_opens(&archived, a);
	if (b != NULL)
		assert_opens(&archived, b);
	buf_free(&archived);
}

/* What the front names besides is not there. */
static void
kra_that_the_supervisor_did_not_name_is_refused(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&expired_kra.der),
	    buf_view(&foreign_kra.der), view_str("garbage"), buf_view(&kra1.der)};
	struct xchg x = make_xchg(256);
	struct rewrap r;
	struct err err;
	size_t usable;

	(void)state;
	rewrap_init(&r, &x);
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 5, &usable, &err));
	assert_int_equal(usable, 1);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA); /* kra2 is gone */
	memcpy(r.hashes[1], expired_kra.cert.sha256, 32);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	memcpy(r.hashes[1], foreign_kra.cert.sha256, 32);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	memcpy(r.hashes[1], kra1.cert.sha256, 32); /* twice */
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	ASSERT_DONE(vault_set_kras(child.control, 1, 1, list, NULL, 5, &usable, &err));
	assert_sealed_to(&r, &kra1, NULL);
	ASSERT_DONE(vault_set_kras(child.control, 1, 1, NULL, NULL, 0, &usable, &err));
	assert_not_rewrapped(&r.in, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	ASSERT_DONE(vault_set_kras(child.control, 0, 1, list, NULL, 1, &usable, &err));
	assert_not_rewrapped(&r.in, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

/* The front can keep an agent from being used, and no more: not have fewer used, and none chosen
 * that root did not enable. */
static void
number_of_kras_is_the_supervisors(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct xchg x = make_xchg(256);
	struct vault_kra_set known;
	struct buf archived;
	static const uint8_t large[KRA_CERT_MAX + 1];
	struct rewrap r;
	struct err err;
	size_t usable;

	(void)state;
	rewrap_init(&r, &x);
	assert_sealed_to(&r, &kra1, &kra2);
	r.in.kra_count = 1;
	assert_not_rewrapped(&r.in, DIRCA_E_KRAS_CHANGED);
	r.in.kra_count = 0;
	assert_not_rewrapped(&r.in, DIRCA_E_KRAS_CHANGED);
	ASSERT_DONE(vault_set_kras(child.control, 1, 1, list, NULL, 2, &usable, &err));
	r.in.kra_count = 2;
	archived = assert_recipients(&r, 1);
	buf_free(&archived);
	r.in.kra_count = 1;
	for (int i = 0; i < 3; i++)
		assert_sealed_to(&r, &kra1, NULL);
	ASSERT_DONE(vault_get_kras(&child.front[0], &known, &err));
	assert_int_equal(known.needed, 1);
	assert_int_equal(known.count, 2);
	assert_true(view_eq(buf_view(&known.list[1]), list[1]));
	vault_kra_set_free(&known);
	ASSERT_DONE(vault_set_kras(child.control, KRA_COUNT_MAX, 1, list, NULL, 2, &usable, &err));
	assert_false(
	    vault_set_kras(child.control, KRA_COUNT_MAX + 1, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_false(vault_set_kras(child.control, 1, 1,
	    (struct view[]){list[0], view_of(large, sizeof large)}, NULL, 2, &usable, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	ASSERT_DONE(vault_get_kras(&child.front[0], &known, &err));
	assert_int_equal(known.needed, KRA_COUNT_MAX);
	assert_int_equal(known.count, 2);
	vault_kra_set_free(&known);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

/* How many open a key together is root's, too: the front has no word for it. */
static void
threshold_is_the_supervisors(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct xchg x = make_xchg(256);
	struct vault_kra_set known;
	struct buf archived;
	struct rewrap r;
	struct err err;
	size_t usable;

	(void)state;
	rewrap_init(&r, &x);
	ASSERT_DONE(vault_set_kras(child.control, 2, 2, list, NULL, 2, &usable, &err));
	for (size_t wrong = 0; wrong < 4; wrong += 3) {
		assert_false(vault_set_kras(child.control, 2, wrong, list, NULL, 2, &usable, &err));
		assert_int_equal(err.code, E_INVALIDARG);
	}
	ASSERT_DONE(vault_get_kras(&child.front[0], &known, &err));
	assert_int_equal(known.threshold, 2);
	vault_kra_set_free(&known);
	archived = assert_recipients(&r, 2);
	assert_opens_together(&archived);
	buf_free(&archived);
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_sealed_to(&r, &kra1, &kra2);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

/* Two certificates must be two agents: of other keys, and of other holders unless root says so. */
static void
one_agent_does_not_count_twice(void **state)
{
	struct test_cert renewed = test_kra_renewed(&ca, &kra1, "CN=another name", 15),
			 second = test_kra(&ca, "CN=kra1", "P-256", 16);
	struct view by_key[] = {buf_view(&kra1.der), buf_view(&renewed.der)},
		    by_name[] = {buf_view(&kra1.der), buf_view(&second.der)};
	struct xchg x = make_xchg(256);
	struct rewrap r;
	struct err err;
	size_t usable;

	(void)state;
	rewrap_init(&r, &x);
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, by_key, NULL, 2, &usable, &err));
	assert_int_equal(usable, 2);
	memcpy(r.hashes[1], renewed.cert.sha256, 32);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, by_name, NULL, 2, &usable, &err));
	memcpy(r.hashes[1], second.cert.sha256, 32);
	assert_not_rewrapped(&r.in, CERTSRV_E_NO_VALID_KRA);
	rewrap_free(&r);
	test_cert_free(&renewed);
	test_cert_free(&second);
	test_cert_free(&x.cert);
}

/* Of 10,000 archivals to two of four certificates, two of which have one key: no key twice in one,
 * each agent as often as the others (chi-square, 2 degrees of freedom; the critical value is that
 * of one chance in a million), whether the vault goes on or is started anew each time. */
#define ARCHIVALS 10000
#define CRITICAL  27.6

static double
chi_square(const size_t counts[3], size_t total)
{
	double expected = (double)total / 3, sum = 0;

	for (size_t i = 0; i < 3; i++)
		sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
	return sum;
}

static void
choice_is_even(void **state)
{
	struct test_cert kras[] = {test_kra(&ca, "CN=a", "P-256", 30),
	    test_kra(&ca, "CN=b", "P-256", 31), test_kra(&ca, "CN=c", "P-256", 32)};
	struct test_cert shared = test_kra_renewed(&ca, &kras[2], "CN=d", 33);
	const struct view list[] = {buf_view(&kras[0].der), buf_view(&kras[1].der),
	    buf_view(&kras[2].der), buf_view(&shared.der)};
	static const uint8_t readers[4] = {
	    CMS_READER_OAEP, CMS_READER_OAEP, CMS_READER_OAEP, CMS_READER_OAEP};
	const struct vault_config config = {.state_dir = state_dir};
	struct ca_issuers own;
	struct vault_kras k;
	struct cms_kra chosen[KRA_COUNT_MAX];
	uint8_t named[4][32];
	struct err err;

	(void)state;
	ASSERT_DONE(ca_issuers_read(ca_path, &own, &err));
	for (size_t i = 0; i < 4; i++)
		memcpy(named[i], i < 3 ? kras[i].cert.sha256 : shared.cert.sha256, 32);
	for (size_t anew = 0; anew < 2; anew++) {
		size_t used[3] = {0}, count, threshold;

		ASSERT_DONE(vault_kras_open(&k, &config, &own, &err));
		assert_int_equal(vault_kras_set(&k, 2, 1, list, readers, 4, clock_now()), 4);
		for (size_t n = 0; n < ARCHIVALS; n++) {
			if (anew == 1)
				ASSERT_DONE(kra_ring_init(&k.ring, &err));
			ASSERT_DONE(vault_kras_choose(&k, k.current, view_of(named, sizeof named),
			    clock_now(), chosen, &count, &threshold, &err));
			assert_int_equal(count, 2);
			assert_int_not_equal(EVP_PKEY_eq(chosen[0].key, chosen[1].key), 1);
			for (size_t i = 0; i < 2; i++)
				for (size_t a = 0; a < 3; a++)
					used[a] += EVP_PKEY_eq(chosen[i].key, kras[a].key) == 1;
		}
		assert_int_equal(used[0] + used[1] + used[2], 2 * ARCHIVALS);
		assert_true(chi_square(used, (size_t)2 * ARCHIVALS) < CRITICAL);
		vault_kras_close(&k);
	}
	ca_issuers_free(&own);
	test_cert_free(&shared);
	for (size_t i = 0; i < 3; i++)
		test_cert_free(&kras[i]);
}

static struct test_cert
kra_within(const struct test_cert *issuer, const char *dn, uint8_t serial, int64_t from, int64_t to)
{
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = test_key("P-256"),
	    .issuer = issuer,
	    .usage = "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .serial = serial,
	    .not_before = from,
	    .not_after = to});
}

/* It is asked at each use; what else is asked of a KRA is asked whatever the time is. */
static void
time_decides_at_each_use(void **state)
{
	int64_t now = clock_now();
	struct test_cert soon = kra_within(&ca, "CN=soon", 14, now - 10, now + 1),
			 later = kra_within(&ca, "CN=later", 15, now + 2, now + 1000),
			 foreign =
			     kra_within(&foreign_ca, "CN=foreign later", 16, now + 2, now + 1000);
	struct view list[] = {buf_view(&soon.der), buf_view(&foreign.der), buf_view(&later.der)};
	struct xchg x = make_xchg(256);
	struct rewrap r;
	struct err err;
	size_t usable;

	(void)state;
	rewrap_init(&r, &x);
	for (size_t i = 0; i < 3; i++)
		memcpy(r.hashes[i],
		    (const struct test_cert *const[]){&soon, &foreign, &later}[i]->cert.sha256, 32);
	r.in.kra_count = 3;
	ASSERT_DONE(vault_set_kras(child.control, 1, 1, list, NULL, 3, &usable, &err));
	assert_int_equal(usable, 1);
	while (clock_now() <= now + 1)
		poll(NULL, 0, 100);
	assert_sealed_to(&r, &later, NULL);
	r.in.kra_count = 2;
	assert_not_rewrapped(&r.in, DIRCA_E_KRAS_CHANGED);
	rewrap_free(&r);
	test_cert_free(&soon);
	test_cert_free(&later);
	test_cert_free(&foreign);
	test_cert_free(&x.cert);
}

static void
kra_of_another_ca_needs_the_issuers_file(void **state)
{
	char *folder = text_printf("%s/trust", state_dir),
	     *path = text_printf("%s/kra-issuers.pem", folder);
	struct view list[] = {buf_view(&kra1.der), buf_view(&foreign_kra.der)};
	struct child second;
	struct err err;
	size_t usable;

	(void)state;
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 1);
	assert_int_equal(mkdir(folder, 0755), 0);
	write_certificate(path, &foreign_ca);
	use_sealed = true; /* a folder of its own: one journal, one vault */
	second = start();
	use_sealed = false;
	ASSERT_DONE(vault_set_kras(second.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 2);
	stop(&second);
	unlink(path);
	rmdir(folder);
	free(folder);
	free(path);
}

/* And what the supervisor says of it later is in force at once, both ways. */
static void
issuers_are_the_supervisors(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&foreign_kra.der)};
	const struct view issuer = buf_view(&foreign_ca.der), garbage = view_str("garbage");
	struct err err;
	size_t usable;

	(void)state;
	ASSERT_DONE(vault_set_kra_issuers(child.control, &issuer, 1, &err));
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 2);
	assert_false(vault_set_kra_issuers(child.control, &garbage, 1, &err));
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 2);
	ASSERT_DONE(vault_set_kra_issuers(child.control, NULL, 0, &err));
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 1);
	assert_false(vault_set_kra_issuers(child.front[0].fd, &issuer, 1, &err));
	ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	assert_int_equal(usable, 1);
}

static void
unknown_exchange_key_is_refused(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;

	(void)state;
	rewrap_init(&r, &x);
	r.in.xchg_id[0] ^= 1;
	assert_not_rewrapped(&r.in, DIRCA_E_XCHG_CERT);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static void
key_that_does_not_fit_the_request_is_refused(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;

	(void)state;
	rewrap_init(&r, &x);
	r.in.spki = kra1.cert.spki;
	assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
	r.in.spki = buf_view(&r.spki);
	r.payload.ptr[r.payload.len - 1] ^= 1;
	assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
	r.in.cipher = (enum cms_cipher)9;
	assert_not_rewrapped(&r.in, E_INVALIDARG);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static struct vault_issue
issue_of(const struct rewrap *r, struct view tbs)
{
	return (struct vault_issue){.tbs = tbs,
	    .rewrap = &r->in,
	    .before = view_str("before "),
	    .after = view_str(" after")};
}

static void
issue_seals_signs_and_answers_in_one_act(void **state)
{
	struct xchg x = make_xchg(2048);
	uint8_t content[7 + 20 + 6] = "before ", digest[32];
	struct buf tbs, certificate;
	struct vault_issued made;
	struct vault_issue in;
	struct vault_info info;
	struct rewrap r;
	struct err err;

	(void)state;
	rewrap_init(&r, &x);
	user_tbs(ca.cert.subject, &tbs);
	in = issue_of(&r, buf_view(&tbs));
	ASSERT_DONE(vault_issue(&child.front[0], &in, &made, &err));
	assert_opens(&made.archived, &kra1);
	assert_true(is_signed_by(ca.key, buf_view(&tbs), buf_view(&made.signature)));
	assert_true(
	    is_signed_by(ca.key, buf_view(&made.attrs), buf_view(&made.response_signature)));
	/* The answer is about this certificate. */
	ASSERT_DONE(vault_get_info(&child.front[0], &info, &err));
	ASSERT_DONE(pkix_signed_wrap(buf_view(&tbs), buf_view(&info.issuers.list[0].sig_alg),
	    buf_view(&made.signature), &certificate, &err));
	vault_info_free(&info);
	SHA1(certificate.ptr, certificate.len, content + 7);
	memcpy(content + 27, " after", 6);
	SHA256(content, sizeof content, digest);
	assert_non_null(memmem(made.attrs.ptr, made.attrs.len, digest, sizeof digest));
	vault_issued_free(&made);
	/* What is not asked for is not there. */
	in.rewrap = NULL;
	in.before = in.after = view_str("");
	ASSERT_DONE(vault_issue(&child.front[0], &in, &made, &err));
	assert_true(is_signed_by(ca.key, buf_view(&tbs), buf_view(&made.signature)));
	assert_int_equal(made.archived.len + made.attrs.len + made.response_signature.len, 0);
	vault_issued_free(&made);
	buf_free(&certificate);
	buf_free(&tbs);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static uint64_t
count_signed(void)
{
	struct vault_info info;
	uint64_t records;
	struct err err;

	ASSERT_DONE(vault_get_info(&child.front[0], &info, &err));
	records = info.journal_records;
	vault_info_free(&info);
	return records;
}

static void
assert_nothing_issued(const struct vault_issue *in, enum err_code code)
{
	uint64_t before = count_signed();
	struct vault_issued made;
	struct err err;

	assert_false(vault_issue(&child.front[0], in, &made, &err));
	assert_int_equal(err.code, code);
	assert_int_equal(
	    made.archived.len + made.signature.len + made.attrs.len + made.response_signature.len,
	    0);
	assert_int_equal(count_signed(), before);
}

static void
issue_is_all_or_nothing(void **state)
{
	static const uint8_t large[(64 << 10) + 1];
	struct xchg x = make_xchg(2048);
	struct buf tbs, foreign, archived;
	struct vault_issue in;
	struct rewrap r;
	struct err err;

	(void)state;
	rewrap_init(&r, &x);
	user_tbs(ca.cert.subject, &tbs);
	user_tbs(kra1.cert.subject, &foreign);
	/* For a certificate that is not signed the key is not opened: it is nobody's yet. */
	in = issue_of(&r, buf_view(&foreign));
	r.in.requester = view_str("first");
	assert_nothing_issued(&in, E_ACCESSDENIED);
	r.in.requester = view_str("second");
	ASSERT_DONE(vault_rewrap(&child.front[0], &r.in, &archived, &err));
	buf_free(&archived);
	/* The bound of a certificate is its own, whatever comes with it. */
	in = issue_of(&r, view_of(large, sizeof large));
	assert_nothing_issued(&in, DIRCA_E_TOO_LARGE);
	/* Nothing is signed where the key is not archived. */
	in = issue_of(&r, buf_view(&tbs));
	r.in.requester = view_str("third");
	assert_nothing_issued(&in, DIRCA_E_KEY_NOT_ARCHIVED);
	/* The key that is archived is the one that is certified. */
	r.in.requester = view_str("second");
	r.in.spki = kra1.cert.spki;
	assert_nothing_issued(&in, E_ACCESSDENIED);
	buf_free(&tbs);
	buf_free(&foreign);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static void
exchange_key_sizes_are_limited(void **state)
{
	static const int wrong[] = {0, 1, 255, 512, 1024, 2047, 2049, 8192, -1};
	struct buf certificate;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const struct vault_xchg_wish wish = {.bits = wrong[i], .life_s = TEST_DAY};

		assert_false(vault_xchg_create(&child.front[0], &wish, &certificate, &err));
		assert_int_equal(err.code, E_INVALIDARG);
	}
}

static void
exchange_keys_survive_a_restart(void **state)
{
	struct xchg kept = make_xchg(2048);
	struct buf archived;
	struct rewrap r;
	struct stat st;
	char *hex = hex_encode(view_of(kept.id, VAULT_ID_LEN), '\0'),
	     *path = text_printf("%s/xchg-%s.key", sealed_dir, hex);
	char *leftover = text_printf("%s.new-1", path),
	     *alone =
		 text_printf("%s/xchg-0123456789abcdef0123456789abcdef01234567.crt", sealed_dir);
	struct secret pem;
	struct err err;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(file_read_secret(path, 65536, &pem, &err));
	assert_memory_equal(pem.ptr, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37);
	secret_free(&pem);
	write_file(leftover, view_str("half a key"));
	write_file(alone, view_str("a certificate whose key was never written"));
	stop(&child);
	start_child(state);
	rewrap_init(&r, &kept);
	ASSERT_DONE(vault_rewrap(&child.front[2], &r.in, &archived, &err));
	assert_opens(&archived, &kra1);
	buf_free(&archived);
	assert_int_equal(stat(leftover, &st), -1);
	assert_int_equal(stat(alone, &st), -1);
	rewrap_free(&r);
	test_cert_free(&kept.cert);
	free(hex);
	free(path);
	free(leftover);
	free(alone);
}

/* ---- concurrency ---- */

struct hammer {
	struct vault *v;
	const struct xchg *x;
	unsigned done;
};

static void *
hammer_main(void *context)
{
	struct hammer *h = context;
	struct buf tbs, signature, archived;
	struct rewrap r;
	struct err err;

	user_tbs(ca.cert.subject, &tbs);
	rewrap_init(&r, h->x);
	for (int i = 0; i < 20; i++) {
		if (vault_rewrap(h->v, &r.in, &archived, &err)) {
			assert_opens(&archived, &kra1);
			h->done++;
			buf_free(&archived);
		}
		if (vault_sign_certificate(h->v, buf_view(&tbs), &signature, &err)) {
			assert_true(is_signed_by(ca.key, buf_view(&tbs), buf_view(&signature)));
			h->done++;
			buf_free(&signature);
		}
	}
	rewrap_free(&r);
	buf_free(&tbs);
	return NULL;
}

static void
four_threads_are_served_at_once(void **state)
{
	struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct xchg x = make_xchg(2048);
	struct hammer h[WORKERS];
	pthread_t id[WORKERS];
	struct err err;
	size_t usable;

	(void)state;
	for (size_t i = 0; i < WORKERS; i++) {
		h[i] = (struct hammer){.v = &child.front[i], .x = &x};
		assert_int_equal(pthread_create(&id[i], NULL, hammer_main, &h[i]), 0);
	}
	for (int i = 0; i < 20; i++)
		ASSERT_DONE(vault_set_kras(child.control, 2, 1, list, NULL, 2, &usable, &err));
	for (size_t i = 0; i < WORKERS; i++) {
		pthread_join(id[i], NULL);
		assert_int_equal(h[i].done, 40);
	}
	test_cert_free(&x.cert);
}

/* ---- broken frames ---- */

static void
send_raw(int fd, struct view bytes)
{
	assert_int_equal(send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* The answer is an error, or the connection just ends. */
static void
assert_hung_up(int fd)
{
	uint8_t answer[1024];
	size_t len = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, answer + len, sizeof answer - len, 0)) > 0)
		len += (size_t)n;
	if (len > 0)
		assert_int_equal(answer[4], VAULT_STATUS_ERROR);
}

static void
broken_frames_end_one_connection_only(void **state)
{
	static const struct view frames[] = {
	    {(const uint8_t *)"\x00\x00\x00\x00\x01", 5}, /* no operation */
	    {(const uint8_t *)"\x01\x00\x00\x00\x63", 5}, /* unknown operation */
	    {(const uint8_t *)"\xff\xff\xff\xff\x02", 5}, /* oversized */
	};
	struct vault_info info;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		send_raw(child.front[i].fd, frames[i]);
		assert_hung_up(child.front[i].fd);
	}
	ASSERT_DONE(vault_get_info(&child.front[3], &info, &err));
	vault_info_free(&info);
	assert_false(vault_get_info(&child.front[1], &info, &err));
	assert_int_equal(err.code, DIRCA_E_VAULT);
}

static void
kra_list_is_not_taken_from_the_front(void **state)
{
	struct view list[] = {buf_view(&kra1.der)};
	struct err err;
	size_t usable;

	(void)state;
	assert_false(vault_set_kras(child.front[0].fd, 1, 1, list, NULL, 1, &usable, &err));
	assert_int_equal(usable, 0);
}

/* Every request of the table with too few, too many and cut fields. */
static void
fields_that_do_not_add_up_are_an_error(void **state)
{
	struct buf frame = {0}, body = {0};
	uint32_t len;
	uint8_t status;
	struct err err;

	(void)state;
	for (uint8_t op = VAULT_OP_ISSUE; op <= VAULT_OP_REWRAP; op++)
		for (int fields = op == VAULT_OP_XCHG_LIST; fields < 2; fields++) {
			assert_true(wire_begin(&frame, op, &err));
			for (int i = 0; i < fields * 2; i++)
				assert_true(wire_field(&frame, view_of("", 0), &err));
			if (fields == 1)
				frame.len--; /* the last length is cut */
			ASSERT_DONE(wire_send(child.front[0].fd, &frame, &err));
			if (frame.len == 4)
				continue;
			assert_int_equal(
			    wire_receive_header(child.front[0].fd, &status, &len, &err), WIRE_OK);
			assert_int_equal(status, VAULT_STATUS_ERROR);
			ASSERT_DONE(wire_receive_body(child.front[0].fd, len, &body, &err));
		}
	buf_free(&frame);
	buf_free(&body);
}

/* ---- life ---- */

static void
vault_ends_when_its_last_front_socket_closes(void **state)
{
	struct child c = start();
	struct vault_info info;
	struct err err;

	(void)state;
	ASSERT_DONE(vault_get_info(&c.front[0], &info, &err));
	vault_info_free(&info);
	for (int i = 0; i < WORKERS; i++)
		close(c.front[i].fd);
	assert_int_equal(wait_for(c.pid), 0);
	close(c.control);
}

static void
vault_does_not_start_without_its_passphrase_or_key(void **state)
{
	struct child c;
	struct test_cert right = ca;
	int status;

	use_sealed = true;
	write_file(passphrase_path, view_str("wrong\n"));
	c = start();
	status = wait_for(c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	use_sealed = false;
	for (int i = 0; i < WORKERS; i++)
		close(c.front[i].fd);
	close(c.control);
	write_file(passphrase_path, view_str(PASSPHRASE "\n"));

	write_certificate(ca_path, &foreign_ca); /* a certificate of another key */
	c = start();
	assert_int_equal(WEXITSTATUS(wait_for(c.pid)), 1);
	for (int i = 0; i < WORKERS; i++)
		close(c.front[i].fd);
	close(c.control);
	write_certificate(ca_path, &right);
	(void)state;
}

/* ---- key files ---- */

static void
key_file_is_private_and_never_overwritten(void **state)
{
	struct secret right = passphrase(), wrong;
	char *path = text_printf("%s/ca.key", sealed_dir);
	EVP_PKEY *key;
	struct stat st;
	struct err err;

	(void)state;
	assert_int_equal(stat(sealed_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(ca_key_create(sealed_dir, 0, CA_KEY_EC_P256, NULL, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_true(ca_key_open(sealed_dir, 0, &right, &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, ca.key), 1);
	EVP_PKEY_free(key);
	assert_false(ca_key_open(sealed_dir, 0, NULL, &key, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_true(secret_dup(view_str("wrong"), &wrong, &err));
	assert_false(ca_key_open(sealed_dir, 0, &wrong, &key, &err));
	assert_null(key);
	assert_int_equal(chmod(path, 0640), 0);
	assert_false(ca_key_open(sealed_dir, 0, &right, &key, &err));
	assert_non_null(strstr(err.msg, "chmod"));
	assert_int_equal(chmod(path, 0600), 0);
	secret_free(&right);
	secret_free(&wrong);
	free(path);
}

static void
each_kind_of_key_is_made_and_signs(void **state)
{
	static const char *const names[] = {"rsa2048", "rsa3072", "p256", "P384"};
	struct buf signature;
	enum ca_key_kind kind;
	EVP_PKEY *key;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *folder = text_printf("%s/kind%zu", state_dir, i);

		assert_true(ca_key_kind_by_name(names[i], &kind));
		ASSERT_DONE(ca_key_create(folder, 0, kind, NULL, &err));
		ASSERT_DONE(ca_key_open(folder, 0, NULL, &key, &err));
		ASSERT_DONE(ca_key_sign(key, view_str("to be signed"), &signature, &err));
		assert_true(is_signed_by(key, view_str("to be signed"), buf_view(&signature)));
		assert_false(is_signed_by(key, view_str("to be forged"), buf_view(&signature)));
		buf_free(&signature);
		EVP_PKEY_free(key);
		free(folder);
	}
	assert_false(ca_key_kind_by_name("rsa1024", &kind));
	assert_false(ca_key_open("/nonexistent", 0, NULL, &key, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
}

/* ---- the sandbox ---- */

enum deed {
	DEED_NOTHING,
	DEED_SOCKET,
	DEED_PASSWD,
	DEED_OWN_FILE,
	DEED_EXEC,
	DEED_FORK,
	DEED_PTRACE,
	DEED_CODE,
	DEED_KILL,
	DEED_NO_MEMORY
};

static pid_t other_pid;

/* Exit status: 0 allowed, otherwise errno. */
static int
attempt(enum deed deed)
{
	char *const argv[] = {NULL};
	char *path = text_printf("%s/probe", vault_dir);
	int fd = -1;

	switch (deed) {
	case DEED_NOTHING:
		return 0;
	case DEED_SOCKET:
		return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
	case DEED_PASSWD:
		return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : errno;
	case DEED_OWN_FILE:
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
		return fd >= 0 && unlink(path) == 0 ? 0 : errno;
	case DEED_EXEC:
		execve("/bin/true", argv, argv);
		return errno;
	case DEED_FORK:
		return fork() >= 0 ? 0 : errno;
	case DEED_PTRACE:
		return ptrace(PTRACE_ATTACH, other_pid, NULL, NULL) == 0 ? 0 : errno;
	case DEED_CODE:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0) != MAP_FAILED
			   ? 0
			   : errno;
	case DEED_KILL:
		return kill(other_pid, 0) == 0 ? 0 : errno;
	case DEED_NO_MEMORY:
		mem_exhausted();
	}
	return -1;
}

static int
attempt_in_sandbox(enum deed deed)
{
	struct err err;
	pid_t pid;

	other_pid = getpid();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!vault_sandbox_prepare(vault_dir, 64, &err) ||
		    !vault_sandbox_close(false, &err))
			_exit(99);
		_exit(attempt(deed));
	}
	return wait_for(pid);
}

static void
sandboxed_process_reaches_nothing_outside(void **state)
{
	static const enum deed deadly[] = {DEED_EXEC, DEED_FORK, DEED_PTRACE, DEED_CODE, DEED_KILL};
	int status;

	(void)state;
	if (!SANDBOX)
		skip();
	assert_int_equal(attempt_in_sandbox(DEED_NOTHING), 0);
	status = attempt_in_sandbox(DEED_SOCKET);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
	for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
		status = attempt_in_sandbox(deadly[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void
sandboxed_process_that_has_no_memory_aborts(void **state)
{
	int status;

	(void)state;
	if (!SANDBOX)
		skip();
	status = attempt_in_sandbox(DEED_NO_MEMORY);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
sandboxed_process_has_its_folder_and_no_other_file(void **state)
{
	int status;

	(void)state;
	if (!SANDBOX)
		skip();
	assert_int_equal(attempt_in_sandbox(DEED_OWN_FILE), 0);
	status = attempt_in_sandbox(DEED_PASSWD);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

int
main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)
	const struct CMUnitTest tests[] = {
	    WITH_CHILD(info_names_the_ca_key),
	    WITH_CHILD(certificate_of_this_ca_is_signed),
	    WITH_CHILD(signed_kra_certificates_are_kept),
	    WITH_CHILD(certificate_of_another_issuer_is_refused),
	    WITH_CHILD(certificate_with_another_algorithm_is_refused),
	    WITH_CHILD(certificate_with_any_octet_missing_or_added_is_refused),
	    WITH_CHILD(certificate_in_ber_is_refused),
	    WITH_CHILD(crl_of_this_ca_is_signed_and_no_other),
	    WITH_CHILD(vault_that_hangs_is_not_waited_for),
	    WITH_CHILD(vault_answers_its_supervisor),
	    WITH_CHILD(large_crl_is_signed),
	    WITH_CHILD(crl_with_other_entries_than_one_der_sequence_is_not_signed),
	    WITH_CHILD(crl_whose_times_are_written_otherwise_is_not_signed),
	    WITH_CHILD(crl_that_is_a_part_says_so_critically),
	    WITH_CHILD(ocsp_key_signs_answers_of_its_own_and_nothing_else),
	    WITH_CHILD(objects_are_not_signed_as_other_kinds),
	    WITH_CHILD(only_cmc_responses_and_recovery_blobs_are_signed_as_messages),
	    WITH_CHILD(message_with_an_attribute_twice_is_refused),
	    WITH_CHILD(archived_key_is_sealed_to_the_named_kras),
	    WITH_CHILD(kra_that_the_supervisor_did_not_name_is_refused),
	    WITH_CHILD(number_of_kras_is_the_supervisors),
	    WITH_CHILD(threshold_is_the_supervisors),
	    WITH_CHILD(one_agent_does_not_count_twice),
	    WITH_CHILD(time_decides_at_each_use),
	    cmocka_unit_test(choice_is_even),
	    WITH_CHILD(kra_of_another_ca_needs_the_issuers_file),
	    WITH_CHILD(issuers_are_the_supervisors),
	    WITH_CHILD(unknown_exchange_key_is_refused),
	    WITH_CHILD(key_that_does_not_fit_the_request_is_refused),
	    WITH_CHILD(issue_seals_signs_and_answers_in_one_act),
	    WITH_CHILD(issue_is_all_or_nothing),
	    WITH_CHILD(exchange_key_sizes_are_limited),
	    cmocka_unit_test_setup_teardown(
		exchange_keys_survive_a_restart, start_sealed_child, stop_child),
	    WITH_CHILD(four_threads_are_served_at_once),
	    WITH_CHILD(broken_frames_end_one_connection_only),
	    WITH_CHILD(kra_list_is_not_taken_from_the_front),
	    WITH_CHILD(fields_that_do_not_add_up_are_an_error),
	    cmocka_unit_test(vault_ends_when_its_last_front_socket_closes),
	    cmocka_unit_test(vault_does_not_start_without_its_passphrase_or_key),
	    cmocka_unit_test(key_file_is_private_and_never_overwritten),
	    cmocka_unit_test(each_kind_of_key_is_made_and_signs),
	    cmocka_unit_test(sandboxed_process_reaches_nothing_outside),
	    cmocka_unit_test(sandboxed_process_that_has_no_memory_aborts),
	    cmocka_unit_test(sandboxed_process_has_its_folder_and_no_other_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
