/* Files with keys and certificates: each kind is known by its content and read, with the right
 * password only; what is damaged is refused at every length. */
#include "messages_support.h"

#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "material.h"

static char dir[64];

/* One key pair, and a second one of a curve; everything in every kind that openssl writes. */
static const char make[] =
    "set -e; exec 2>err; P='-passout pass:right' ; "
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=u -days 9; "
    "openssl x509 -in c.pem -outform DER -out certificate; "
    "cat k.pem c.pem >pair; "
    "openssl ecparam -name prime256v1 -genkey -out ec; "
    "openssl pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out pkcs8; "
    "openssl pkcs8 -topk8 -in k.pem -outform DER $P -out sealed; "
    "openssl pkcs8 -topk8 -in k.pem $P -out sealed.pem; "
    "openssl pkcs8 -topk8 -in k.pem -v1 PBE-MD5-DES -provider legacy -provider default $P -out "
    "md5des; "
    "openssl pkcs8 -topk8 -in k.pem -v1 PBE-SHA1-RC4-128 -provider legacy -provider default $P "
    "-out rc4; "
    "openssl rsa -in k.pem -traditional -outform DER -out old; "
    "openssl rsa -in k.pem -traditional -out old.pem; "
    "openssl rsa -in k.pem -traditional -aes128 $P -out dek; "
    "openssl crl2pkcs7 -nocrl -certfile c.pem -outform DER -out p7b; "
    "openssl crl2pkcs7 -nocrl -certfile c.pem -out p7b.pem; "
    "openssl rsa -in k.pem -outform PVK -pvk-none -out pvk; "
    "openssl rsa -in k.pem -outform PVK -pvk-strong $P -provider legacy -provider default -out "
    "pvk4; "
    "openssl rsa -in k.pem -outform PVK -pvk-weak $P -provider legacy -provider default -out "
    "pvk40; "
    "openssl rsa -in k.pem -outform MSBLOB -out blob; "
    "openssl pkcs12 -export -inkey k.pem -in c.pem $P -out pfx; "
    "openssl pkcs12 -export -inkey k.pem -in c.pem -passout pass: -out emptypfx; "
    "openssl base64 -in pfx -out base64; "
    "printf '[Header]\\nVersion=1\\n' >epf; printf '\\376\\355\\376\\355\\0\\0' >jks; "
    "openssl smime -sign -in c.pem -signer c.pem -inkey k.pem -outform DER -out signed; "
    "openssl req -new -key k.pem -subj /CN=u -out request; "
    "openssl pkcs8 -topk8 -in k.pem -iter 10000001 $P -outform DER -out giant; "
    "openssl dsaparam -genkey -noout 1024 | openssl pkcs8 -topk8 -nocrypt -outform DER -out dsa";

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (!secret_heap_init(1 << 18, true, &err))
		return -1;
	support_temp_dir(dir);
	return support_run(dir, make);
}

static int
teardown(void **state)
{
	(void)state;
	support_remove(dir);
	return 0;
}

static struct buf
file(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return support_file(path);
}

static const struct {
	const char *name;
	enum material is;
	size_t keys, others;
	bool is_protected;
} files[] = {
    {"pair", MATERIAL_PEM, 1, 0, false},
    {"ec", MATERIAL_PEM, 1, 0, false},
    {"pkcs8", MATERIAL_PKCS8, 1, 0, false},
    {"dsa", MATERIAL_PKCS8, 1, 0, false},
    {"sealed", MATERIAL_SEALED_PKCS8, 1, 0, true},
    {"sealed.pem", MATERIAL_PEM, 1, 0, true},
    {"md5des", MATERIAL_PEM, 1, 0, true},
    {"rc4", MATERIAL_PEM, 1, 0, true},
    {"old", MATERIAL_OLD_KEY, 1, 0, false},
    {"old.pem", MATERIAL_PEM, 1, 0, false},
    {"dek", MATERIAL_PEM, 1, 0, true},
    {"certificate", MATERIAL_CERTIFICATE, 0, 1, false},
    {"p7b", MATERIAL_PKCS7, 0, 1, false},
    {"p7b.pem", MATERIAL_PEM, 0, 1, false},
    {"pvk", MATERIAL_PVK, 1, 0, false},
    {"pvk4", MATERIAL_PVK, 1, 0, true},
    {"pvk40", MATERIAL_PVK, 1, 0, true},
    {"blob", MATERIAL_BLOB, 1, 0, false},
    {"pfx", MATERIAL_PFX, 1, 0, true},
    {"base64", MATERIAL_BASE64, 1, 0, true},
};

static struct secret
password(const char *text)
{
	struct secret s;
	struct err err;

	must(secret_dup(view_str(text), &s, &err));
	return s;
}

static void
every_kind_is_known_and_read(void **state)
{
	struct secret passwords[2] = {password("wrong"), password("right")};
	struct pfx_content first, c;
	struct buf b = file("pair");
	struct err err;

	(void)state;
	must(material_read(buf_view(&b), NULL, 0, &first, &err));
	assert_true(first.keys[0].certificate.len > 0);
	buf_free(&b);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		b = file(files[i].name);
		assert_int_equal(material_of(buf_view(&b)), files[i].is);
		assert_int_equal(material_is_protected(buf_view(&b)), files[i].is_protected);
		if (!material_read(buf_view(&b), passwords, 2, &c, &err))
			fail_msg("%s: %s", files[i].name, err.msg);
		assert_int_equal(c.key_count, files[i].keys);
		assert_int_equal(c.other_count, files[i].others);
		if (c.key_count > 0 && strcmp(files[i].name, "ec") != 0 &&
		    strcmp(files[i].name, "dsa") != 0)
			assert_int_equal(EVP_PKEY_eq(c.keys[0].key, first.keys[0].key), 1);
		pfx_content_free(&c);
		buf_free(&b);
	}
	pfx_content_free(&first);
	secret_free(&passwords[0]);
	secret_free(&passwords[1]);
}

static void
wrong_and_missing_passwords_open_nothing(void **state)
{
	struct secret wrong = password("wrong");
	struct pfx_content c;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct buf b = file(files[i].name);

		if (files[i].is_protected) {
			must_fail(material_read(buf_view(&b), &wrong, 1, &c, &err), NTE_BAD_DATA);
			must_fail(material_read(buf_view(&b), NULL, 0, &c, &err), NTE_BAD_DATA);
			assert_int_equal(c.key_count, 0);
		}
		buf_free(&b);
	}
	secret_free(&wrong);
}

static void
empty_password_of_a_pkcs12_needs_nobody_to_give_it(void **state)
{
	struct buf b = file("emptypfx");
	struct secret other = password("other");
	struct pfx_content c;
	struct err err;

	(void)state;
	must(material_read(buf_view(&b), NULL, 0, &c, &err));
	pfx_content_free(&c);
	must(material_read(buf_view(&b), &other, 1, &c, &err));
	pfx_content_free(&c);
	secret_free(&other);
	buf_free(&b);
}

static void
what_is_not_read_here_says_why(void **state)
{
	static const char *const cases[][2] = {
	    {"epf", "format is not published"},
	    {"jks", "keytool"},
	    {"signed", "dirca dump"},
	    {"request", "CERTIFICATE REQUEST"},
	    {"err", "neither a key nor a certificate"},
	};
	struct secret right = password("right");
	struct pfx_content c;
	struct buf b;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		b = file(cases[i][0]);
		must_fail(material_read(buf_view(&b), &right, 1, &c, &err), ERROR_INVALID_DATA);
		if (strstr(err.msg, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], err.msg);
		buf_free(&b);
	}
	b = file("giant");
	must_fail(material_read(buf_view(&b), &right, 1, &c, &err), NTE_BAD_DATA);
	buf_free(&b);
	secret_free(&right);
}

static void
damaged_files_are_refused_at_every_length(void **state)
{
	static const char *const names[] = {"pkcs8", "old", "certificate", "p7b", "pvk", "blob"};
	struct pfx_content c;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf b = file(names[i]);

		for (size_t len = 0; len < b.len; len++)
			if (material_read(view_of(b.ptr, len), NULL, 0, &c, &err))
				fail_msg("%s: %zu of %zu octets are read", names[i], len, b.len);
		buf_free(&b);
	}
}

/* A DSA key whose public half would take hours to compute. */
static PKCS8_PRIV_KEY_INFO *
giant_dsa(void)
{
	PKCS8_PRIV_KEY_INFO *p8 = PKCS8_PRIV_KEY_INFO_new();
	BIGNUM *n = BN_new();
	ASN1_INTEGER *number;
	ASN1_STRING *parameters = ASN1_STRING_new();
	uint8_t one[8192], *der = NULL, *at, *key = NULL;
	int len, key_len;

	assert_int_equal(BN_rand(n, 60000, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_non_null(number = BN_to_ASN1_INTEGER(n, NULL));
	at = one;
	len = i2d_ASN1_INTEGER(number, &at);
	assert_non_null(der = OPENSSL_malloc(4 + 3 * (size_t)len));
	at = der;
	ASN1_put_object(&at, 1, 3 * len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	for (int i = 0; i < 3; i++, at += len)
		memcpy(at, one, (size_t)len);
	ASN1_STRING_set0(parameters, der, (int)(at - der));
	assert_true((key_len = i2d_ASN1_INTEGER(number, &key)) > 0);
	assert_int_equal(
	    PKCS8_pkey_set0(p8, OBJ_nid2obj(NID_dsa), 0, V_ASN1_SEQUENCE, parameters, key, key_len),
	    1);
	ASN1_INTEGER_free(number);
	BN_free(n);
	return p8;
}

static struct buf
taken(BIO *bio)
{
	struct buf out;
	struct err err;
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	must(buf_dup(view_of(at, (size_t)len), &out, &err));
	BIO_free(bio);
	return out;
}

static struct buf
pfx_of(PKCS8_PRIV_KEY_INFO *p8)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	STACK_OF(PKCS7) *safes = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	PKCS12 *p12;

	assert_true(sk_PKCS12_SAFEBAG_push(bags, PKCS12_SAFEBAG_create0_p8inf(p8)) > 0);
	assert_int_equal(PKCS12_add_safe(&safes, bags, -1, 0, NULL), 1);
	assert_non_null(p12 = PKCS12_add_safes(safes, NID_pkcs7_data));
	assert_int_equal(PKCS12_set_mac(p12, "right", -1, NULL, 0, 1000, EVP_sha256()), 1);
	assert_int_equal(i2d_PKCS12_bio(bio, p12), 1);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return taken(bio);
}

/* Whatever it lies in. */
static void
key_that_would_take_hours_is_not_read(void **state)
{
	static const char *const labels[] = {
	    PEM_STRING_PKCS8INF, PEM_STRING_RSA, PEM_STRING_ECPRIVATEKEY};
	PKCS8_PRIV_KEY_INFO *p8 = giant_dsa();
	struct secret right = password("right");
	struct buf files_of_it[6];
	uint8_t *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	BIO *bio = BIO_new(BIO_s_mem());
	struct pfx_content c;
	struct err err;
	X509_SIG *sealed = PKCS8_encrypt(-1, EVP_aes_128_cbc(), "right", 5, NULL, 0, 1000, p8);
	size_t n = 0;

	(void)state;
	assert_non_null(sealed);
	assert_int_equal(i2d_PKCS8_bio(bio, sealed), 1);
	X509_SIG_free(sealed);
	files_of_it[n++] = taken(bio);
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		bio = BIO_new(BIO_s_mem());
		assert_true(PEM_write_bio(bio, labels[i], "", der, len) > 0);
		files_of_it[n++] = taken(bio);
	}
	must(buf_dup(view_of(der, (size_t)len), &files_of_it[n++], &err));
	files_of_it[n++] = pfx_of(p8);
	alarm(60); /* it would not come back */
	for (size_t i = 0; i < n; i++) {
		must_fail(
		    material_read(buf_view(&files_of_it[i]), &right, 1, &c, &err), NTE_BAD_DATA);
		buf_free(&files_of_it[i]);
	}
	alarm(0);
	OPENSSL_free(der);
	secret_free(&right);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_is_known_and_read),
	    cmocka_unit_test(wrong_and_missing_passwords_open_nothing),
	    cmocka_unit_test(empty_password_of_a_pkcs12_needs_nobody_to_give_it),
	    cmocka_unit_test(what_is_not_read_here_says_why),
	    cmocka_unit_test(damaged_files_are_refused_at_every_length),
	    cmocka_unit_test(key_that_would_take_hours_is_not_read),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
