/*
 * What the vault takes for a certificate that it may sign is one to OpenSSL and to our own reader
 * as well, with the same fields: over each way in which an octet of real ones can be another, and
 * over what can be written in two ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "archive_pki.h"
#include "der_write.h"
#include "mem.h"
#include "oids.h"
#include "vault_priv.h"

static struct test_cert ca;
static struct buf sig_alg;
static struct vault_rules rules;
static size_t taken, refused;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	assert_true(oids_init(&err));
	ca = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	rules = (struct vault_rules){.issuer = ca.cert.subject,
	    .sig_alg = buf_view(&sig_alg),
	    .not_after = ca.cert.not_after,
	    .kinds = SIGN_KINDS_DEFAULT};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	test_cert_free(&ca);
	buf_free(&sig_alg);
	return 0;
}

static bool
may_be_signed(struct view tbs, struct journal_entry *entry, uint8_t key_id[VAULT_ID_LEN])
{
	struct err err;
	bool may = vault_check_certificate(tbs, view_of(NULL, 0), &rules, entry, key_id, &err);

	assert_int_equal(ERR_peek_error(), 0);
	*(may ? &taken : &refused) += 1;
	return may;
}

static int64_t
openssl_time(const ASN1_TIME *t)
{
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(t, &tm), 1);
	return timegm(&tm);
}

static void
assert_openssl_reads(struct view tbs, struct view der, const struct journal_entry *entry,
    const uint8_t key_id[VAULT_ID_LEN])
{
	const uint8_t *p = der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	const ASN1_BIT_STRING *bits;
	uint8_t number[64], sha1[SHA_DIGEST_LENGTH], *again = NULL;
	BIGNUM *serial;
	int len;

	assert_non_null(x);
	assert_ptr_equal(p, der.ptr + der.len);
	len = i2d_re_X509_tbs(x, &again);
	assert_true(len > 0 && view_eq(view_of(again, (size_t)len), tbs));
	serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	len = BN_bn2bin(serial, number);
	assert_true(!BN_is_negative(serial) && !BN_is_zero(serial));
	assert_true(
	    view_eq(view_of(number, (size_t)len), view_of(entry->number, entry->number_len)));
	assert_true(openssl_time(X509_get0_notAfter(x)) <= rules.not_after);
	openssl_time(X509_get0_notBefore(x));
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_not_equal(X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(x)), 0);
	bits = X509_get0_pubkey_bitstr(x);
	SHA1(bits->data, (size_t)bits->length, sha1);
	assert_memory_equal(sha1, key_id, sizeof sha1);
	assert_int_equal(X509_get_extension_flags(x) & EXFLAG_CA, 0);
	assert_true(X509_get_key_usage(x) == UINT32_MAX ||
		    (X509_get_key_usage(x) & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) == 0);
	BN_free(serial);
	OPENSSL_free(again);
	X509_free(x);
	ERR_clear_error();
}

static void
try(struct view tbs)
{
	static const uint8_t signature[64] = {1};
	uint8_t key_id[VAULT_ID_LEN];
	struct journal_entry entry;
	struct pkix_cert cert;
	struct buf der;
	struct err err;

	if (!may_be_signed(tbs, &entry, key_id))
		return;
	assert_true(pkix_signed_wrap(
	    tbs, buf_view(&sig_alg), view_of(signature, sizeof signature), &der, &err));
	assert_openssl_reads(tbs, buf_view(&der), &entry, key_id);
	if (!pkix_cert_decode(buf_view(&der), &cert, &err))
		fail_msg("%s", err.msg);
	assert_true(cert.not_after <= rules.not_after);
	pkix_cert_free(&cert);
	buf_free(&der);
}

static void
make_tbs(struct buf *out)
{
	struct test_issue in = {.dn = "CN=user1,DC=nwtraders,DC=com",
	    .key = test_key("P-256"),
	    .issuer = &ca,
	    .usage = "critical,digitalSignature,keyAgreement",
	    .eku = "1.3.6.1.5.5.7.3.2,1.3.6.1.5.5.7.3.4",
	    .san = "email:user1@nwtraders.com",
	    .cdp = "URI:http://ca/x.crl",
	    .serial = 0x85,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY};
	struct buf alg;

	test_tbs(&in, ca.cert.subject, ca.key, out, &alg);
	buf_free(&alg);
	EVP_PKEY_free(in.key);
}

/* Each octet as some others. */
static void
try_changed(struct buf *tbs)
{
	static const uint8_t octets[] = {0, 0x7f, 0x80, 0x81, 0xff};

	for (size_t i = 0; i < tbs->len; i++) {
		uint8_t was = tbs->ptr[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			tbs->ptr[i] = (uint8_t)(was ^ 1 << bit);
			try(buf_view(tbs));
		}
		for (size_t k = 0; k < COUNT_OF(octets); k++) {
			tbs->ptr[i] = octets[k];
			try(buf_view(tbs));
		}
		tbs->ptr[i] = was;
	}
}

static void
what_is_taken_is_a_certificate_to_others(void **state)
{
	struct buf tbs;

	(void)state;
	taken = refused = 0;
	make_tbs(&tbs);
	try(buf_view(&tbs));
	assert_int_equal(taken, 1);
	try_changed(&tbs);
	buf_free(&tbs);
	assert_true(taken > 1000 && refused > 1000);
}

/* ---- what can be written in two ways ---- */

#define OF(literal)   view_of(literal, sizeof(literal) - 1)
#define LONG(literal) literal, sizeof(literal) - 1

/* A certificate with these elements. */
static bool
takes(struct view subject, struct view spki, struct view not_before, struct view not_after)
{
	static const char head[] = "\xa0\x03\x02\x01\x02\x02\x01\x05",
			  tail[] =
			      "\xa3\x17\x30\x15\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08"
			      "\x2b\x06\x01\x05\x05\x07\x03\x02";
	struct der_out o = {0};
	size_t tbs = der_open(&o, DER_SEQUENCE), validity;
	uint8_t key_id[VAULT_ID_LEN];
	struct journal_entry entry;
	bool may;

	der_put(&o, OF(head));
	der_put(&o, buf_view(&sig_alg));
	der_put(&o, ca.cert.subject);
	validity = der_open(&o, DER_SEQUENCE);
	der_put(&o, not_before);
	der_put(&o, not_after);
	der_close(&o, validity);
	der_put(&o, subject);
	der_put(&o, spki);
	der_put(&o, OF(tail));
	der_close(&o, tbs);
	assert_false(o.failed);
	may = may_be_signed(buf_view(&o.buf), &entry, key_id);
	der_out_free(&o);
	return may;
}

static const char begin[] = "\x17\x0d"
			    "260101000000Z",
		  end[] = "\x17\x0d"
			  "270101000000Z";

static void
user_key(const char *kind, struct buf *spki)
{
	EVP_PKEY *key = test_key(kind);
	struct err err;

	assert_true(pkix_key_spki(key, spki, &err));
	EVP_PKEY_free(key);
}

struct part {
	int nid, type;
	const char *text;
	int set; /* as X509_NAME_add_entry_by_NID wants it */
};

static bool
takes_name(const struct part *parts, size_t count, bool empty_component)
{
	X509_NAME *name = X509_NAME_new();
	struct der_out o = {0};
	struct buf spki;
	struct view der, content;
	uint8_t *octets = NULL;
	size_t at;
	bool may;
	int len;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, parts[i].nid, parts[i].type,
				     (const uint8_t *)parts[i].text, -1, -1, parts[i].set),
		    1);
	len = i2d_X509_NAME(name, &octets);
	der = view_of(octets, (size_t)len);
	assert_true(der_take(&der, DER_SEQUENCE, &content));
	at = der_open(&o, DER_SEQUENCE);
	der_put(&o, content);
	if (empty_component)
		der_put_element(&o, DER_SET, view_of(NULL, 0));
	der_close(&o, at);
	user_key("P-256", &spki);
	may = takes(buf_view(&o.buf), buf_view(&spki), OF(begin), OF(end));
	buf_free(&spki);
	der_out_free(&o);
	OPENSSL_free(octets);
	X509_NAME_free(name);
	return may;
}

#define DC(type, text)                             \
	{                                          \
		NID_domainComponent, type, text, 0 \
	}
#define CN(type, text)                        \
	{                                     \
		NID_commonName, type, text, 0 \
	}
#define IA5       V_ASN1_IA5STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING
#define UTF8      V_ASN1_UTF8STRING

static void
own_name_in_another_spelling_is_refused(void **state)
{
	static const struct part own[][3] = {
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(UTF8, "Test CA")},
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(PRINTABLE, "Test CA")},
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(V_ASN1_T61STRING, "Test CA")},
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(UTF8, "test ca")},
	    {DC(IA5, "COM"), DC(UTF8, "NWtraders"), CN(UTF8, "Test CA")},
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(UTF8, " Test   CA ")}};
	static const struct part other[][3] = {
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(UTF8, "TestCA")},
	    {DC(IA5, "com"), DC(IA5, "nwtraders"), CN(UTF8, "Test CA2")},
	    {DC(IA5, "com"), CN(UTF8, "nwtraders"), CN(UTF8, "Test CA")},
	    {DC(IA5, "nwtraders"), DC(IA5, "com"), CN(UTF8, "Test CA")},
	    {DC(IA5, "com"), {NID_domainComponent, IA5, "nwtraders", -1}, CN(UTF8, "Test CA")}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		assert_false(takes_name(own[i], 3, false));
		assert_false(takes_name(own[i], 3, true));
		assert_true(takes_name(own[i], 2, false));
	}
	for (size_t i = 0; i < COUNT_OF(other); i++)
		assert_true(takes_name(other[i], 3, false));
}

static bool
takes_key(struct view spki)
{
	static const char subject[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01u";

	return takes(OF(subject), spki, OF(begin), OF(end));
}

static bool
takes_point(int form)
{
	EVP_PKEY *key = test_key("P-256");
	uint8_t *der = NULL;
	bool may;
	int len;

	assert_int_equal(
	    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
		form == POINT_CONVERSION_COMPRESSED ? "compressed"
		: form == POINT_CONVERSION_HYBRID   ? "hybrid"
						    : "uncompressed"),
	    1);
	len = i2d_PUBKEY(key, &der);
	assert_true(len > 0);
	may = takes_key(view_of(der, (size_t)len));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return may;
}

#define RSA_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define PSS_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"

static bool
takes_rsa(struct view algorithm, uint8_t unused, struct view key)
{
	struct der_out o = {0};
	size_t spki = der_open(&o, DER_SEQUENCE), bits;
	bool may;

	der_put_element(&o, DER_SEQUENCE, algorithm);
	bits = der_open(&o, DER_BIT_STRING);
	der_put(&o, view_of(&unused, 1));
	der_put(&o, key);
	der_close(&o, bits);
	der_close(&o, spki);
	may = takes_key(buf_view(&o.buf));
	der_out_free(&o);
	return may;
}

/* Else a key of the vault itself could be certified: it is known by its octets. */
static void
key_in_another_encoding_is_refused(void **state)
{
	static const char rsa[] = RSA_OID "\x05\x00", bare[] = RSA_OID, odd[] = RSA_OID "\x05\x01x",
			  pss[] = PSS_OID;
	static const struct {
		bool may;
		const char *octets;
		size_t len;
	} keys[] = {{true, LONG("\x30\x08\x02\x03\x00\x80\x01\x02\x01\x03")},
	    {false, LONG("\x30\x81\x08\x02\x03\x00\x80\x01\x02\x01\x03")},
	    {false, LONG("\x30\x09\x02\x81\x03\x00\x80\x01\x02\x01\x03")},
	    {false, LONG("\x30\x09\x02\x04\x00\x00\x80\x01\x02\x01\x03")},
	    {false, LONG("\x30\x07\x02\x02\x80\x01\x02\x01\x03")},
	    {false, LONG("\x30\x09\x02\x03\x00\x80\x01\x02\x02\x00\x03")},
	    {false, LONG("\x30\x80\x02\x03\x00\x80\x01\x02\x01\x03\x00\x00")},
	    {false, LONG("\x30\x0b\x02\x03\x00\x80\x01\x02\x01\x03\x02\x01\x03")},
	    {false, LONG("\x30\x08\x02\x03\x00\x80\x01\x02\x01\x03\x00")}, {false, LONG("")}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct view key = view_of(keys[i].octets, keys[i].len);

		assert_int_equal(takes_rsa(OF(rsa), 0, key), keys[i].may);
		assert_int_equal(takes_rsa(OF(bare), 0, key), keys[i].may);
		assert_false(takes_rsa(OF(odd), 0, key));
		assert_false(takes_rsa(OF(pss), 0, key));
		assert_false(takes_rsa(OF(rsa), 1, key));
	}
	assert_true(takes_point(POINT_CONVERSION_UNCOMPRESSED));
	assert_false(takes_point(POINT_CONVERSION_COMPRESSED));
	assert_false(takes_point(POINT_CONVERSION_HYBRID));
}

static void
times_are_those_of_rfc_5280(void **state)
{
	static const char subject[] = "\x30\x00";
	static const struct {
		bool may;
		const char *octets;
		size_t len;
	} times[] = {{true, LONG("\x17\x0d"
				 "260101000000Z")},
	    {false, LONG("\x18\x0f"
			 "20260101000000Z")},
	    {false, LONG("\x17\x0b"
			 "2601010000Z")},
	    {false, LONG("\x17\x11"
			 "260101000000+0000")},
	    {false, LONG("\x18\x11"
			 "20260101000000.5Z")},
	    {false, LONG("\x17\x0d"
			 "260101000060Z")},
	    {false, LONG("\x17\x0d"
			 "260230000000Z")},
	    {false, LONG("\x17\x00")},
	    {false, LONG("\x17\x06"
			 "now-ish")}};
	struct buf spki;

	(void)state;
	user_key("P-256", &spki);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct view time = view_of(times[i].octets, times[i].len);

		assert_int_equal(takes(OF(subject), buf_view(&spki), time, OF(end)), times[i].may);
		assert_int_equal(
		    takes(OF(subject), buf_view(&spki), OF(begin), time), times[i].may);
	}
	buf_free(&spki);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(own_name_in_another_spelling_is_refused),
	    cmocka_unit_test(key_in_another_encoding_is_refused),
	    cmocka_unit_test(times_are_those_of_rfc_5280),
	    cmocka_unit_test(what_is_taken_is_a_certificate_to_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
