/* PKCS#12 files: what is written comes back, with the right password only, and openssl reads it. */
#include "messages_support.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "pfx.h"

#define PASSWORD "correct h\xc3\xb6rse"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(1 << 18, true, &err) ? 0 : -1;
}

static struct secret
password(const char *text)
{
	struct secret s = {0};
	struct err err;

	must(secret_dup(view_str(text), &s, &err));
	return s;
}

/* A certificate for a key, signed by itself. */
static struct buf
certificate(EVP_PKEY *key, const char *dn, const char *serial)
{
	struct buf alg = {0}, name = {0}, spki = {0}, tbs = {0}, signature, out = {0};
	struct err err;

	must(pkix_sig_alg(key, &alg, &err) && pkix_name_from_dn(dn, NULL, &name, &err) &&
	     pkix_key_spki(key, &spki, &err));
	must(pkix_tbs_encode(&(struct pkix_tbs){.serial = view_str(serial),
				 .sig_alg = buf_view(&alg),
				 .issuer = buf_view(&name),
				 .not_before = 1700000000,
				 .not_after = 1900000000,
				 .subject = buf_view(&name),
				 .spki = buf_view(&spki)},
	    &tbs, &err));
	signature = support_sign(key, EVP_sha256(), buf_view(&tbs));
	must(pkix_signed_wrap(buf_view(&tbs), buf_view(&alg), buf_view(&signature), &out, &err));
	buf_free(&signature);
	buf_free(&tbs);
	buf_free(&spki);
	buf_free(&name);
	buf_free(&alg);
	return out;
}

static struct buf
make_pfx(EVP_PKEY *key, struct view cert, const char *pass_text)
{
	EVP_PKEY *ca = support_ec("P-256");
	struct buf ca_cert = certificate(ca, "CN=Chain CA", "ca"), out = {0};
	struct view chain[] = {buf_view(&ca_cert)};
	struct secret pass = password(pass_text);
	struct err err;

	must(pfx_encode(key, cert, chain, 1, "user1's key", &pass, &out, &err));
	secret_free(&pass);
	buf_free(&ca_cert);
	EVP_PKEY_free(ca);
	return out;
}

static void
check_round_trip(EVP_PKEY *key)
{
	struct buf cert = certificate(key, "CN=user1", "u1"),
		   pfx = make_pfx(key, buf_view(&cert), PASSWORD);
	struct secret right = password(PASSWORD), wrong = password("wrong"), empty = {0};
	struct pkix_cert ca;
	struct pfx read;
	struct err err;

	must(pfx_decode(buf_view(&pfx), &right, &read, &err));
	assert_int_equal(EVP_PKEY_eq(read.key, key), 1);
	assert_true(view_eq(buf_view(&read.certificate), buf_view(&cert)));
	assert_int_equal(read.other_count, 1);
	must(pkix_cert_decode(buf_view(&read.others[0]), &ca, &err));
	assert_false(view_eq(buf_view(&ca.raw), buf_view(&cert)));
	pkix_cert_free(&ca);
	pfx_free(&read);
	must_fail(pfx_decode(buf_view(&pfx), &wrong, &read, &err), NTE_BAD_DATA);
	assert_non_null(strstr(err.msg, "password is wrong"));
	assert_null(read.key);
	assert_null(read.certificate.ptr);
	must_fail(pfx_decode(buf_view(&pfx), &empty, &read, &err), NTE_BAD_DATA);
	secret_free(&right);
	secret_free(&wrong);
	buf_free(&pfx);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

static void
key_and_certificate_come_back_with_the_right_password_only(void **state)
{
	(void)state;
	check_round_trip(support_rsa(2048));
	check_round_trip(support_ec("P-384"));
}

static void
openssl_command_reads_the_file_and_sees_its_algorithms(void **state)
{
	EVP_PKEY *key = support_rsa(2048);
	struct buf cert = certificate(key, "CN=user1", "u1"),
		   pfx = make_pfx(key, buf_view(&cert), "test pass");
	char dir[64], path[96];
	struct err err;

	(void)state;
	support_temp_dir(dir);
	snprintf(path, sizeof path, "%s/u.pfx", dir);
	must(file_create(path, buf_view(&pfx), 0600, &err));
	assert_int_equal(support_run(dir, "openssl pkcs12 -in u.pfx -passin 'pass:test pass' "
					  "-nodes -out all.pem -info 2>info"),
	    0);
	assert_int_equal(support_run(dir, "test $(grep -c 'BEGIN CERT' all.pem) = 2"), 0);
	assert_int_equal(support_run(dir, "grep -q 'BEGIN PRIVATE KEY' all.pem"), 0);
	assert_int_equal(support_run(dir, "grep -q 'user1.s key' all.pem"), 0);
	assert_int_equal(support_run(dir, "grep -q 'MAC: sha256, Iteration 300000' info"), 0);
	assert_int_equal(
	    support_run(dir,
		"grep -q 'PBES2, PBKDF2, AES-256-CBC, Iteration 300000, PRF hmacWithSHA256' info"),
	    0);
	assert_int_not_equal(
	    support_run(
		dir, "openssl pkcs12 -in u.pfx -passin pass:wrong -nodes -out x 2>/dev/null"),
	    0);
	support_remove(dir);
	buf_free(&pfx);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

static void
damaged_file_is_refused(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=user1", "u1"),
		   pfx = make_pfx(key, buf_view(&cert), "p");
	struct pfx read;
	struct secret pass = password("p");
	struct err err;

	(void)state;
	for (size_t len = 0; len < pfx.len; len++)
		must_fail(pfx_decode(view_of(pfx.ptr, len), &pass, &read, &err), NTE_BAD_DATA);
	pfx.ptr[pfx.len / 2] ^= 1;
	assert_false(pfx_decode(buf_view(&pfx), &pass, &read, &err));
	pfx.ptr[pfx.len / 2] ^= 1;
	must(buf_append(&pfx, view_of("", 1), &err));
	must_fail(pfx_decode(buf_view(&pfx), &pass, &read, &err), NTE_BAD_DATA);
	buf_free(&pfx);
	must(buf_alloc((1 << 20) + 1, &pfx, &err));
	must_fail(pfx_decode(buf_view(&pfx), &pass, &read, &err), DIRCA_E_TOO_LARGE);
	secret_free(&pass);
	buf_free(&pfx);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

static void
file_without_mac_or_key_is_refused(void **state)
{
	struct secret pass = password("p");
	struct pfx read;
	struct buf pfx;
	char dir[64], path[96];
	struct err err;

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(support_run(dir, "openssl req -x509 -newkey ec -pkeyopt "
					  "ec_paramgen_curve:P-256 -nodes -keyout k.pem "
					  "-out c.pem -subj /CN=u 2>/dev/null"),
	    0);
	assert_int_equal(
	    support_run(dir,
		"openssl pkcs12 -export -inkey k.pem -in c.pem -nomac -passout pass:p -out nomac"),
	    0);
	assert_int_equal(
	    support_run(dir, "openssl pkcs12 -export -nokeys -in c.pem -passout pass:p -out nokey"),
	    0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, i == 0 ? "nomac" : "nokey");
		pfx = support_file(path);
		must_fail(pfx_decode(buf_view(&pfx), &pass, &read, &err), NTE_BAD_DATA);
		assert_null(read.key);
		assert_null(read.certificate.ptr);
		buf_free(&pfx);
	}
	support_remove(dir);
	secret_free(&pass);
}

/* As Windows and `certutil -backupKey` of a CA that was renewed write it. */
static const char old_files[] =
    "for i in 1 2; do openssl req -x509 -newkey rsa:2048 -nodes -keyout k$i.pem -out c$i.pem "
    "-subj /CN=u$i 2>/dev/null; done && "
    "openssl pkcs12 -export -inkey k1.pem -in c1.pem -passout pass:p -out des3.pfx "
    "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -iter 2000 && "
    "openssl pkcs12 -export -inkey k1.pem -in c1.pem -passout pass:p -out rc2.pfx -legacy "
    "-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -iter 2000 && "
    "openssl pkcs12 -export -inkey k1.pem -in c1.pem -keypbe NONE -certpbe NONE -passout pass:p "
    "-out bare.pfx";

static void
files_of_old_programs_are_read(void **state)
{
	static const char *const names[] = {"des3.pfx", "rc2.pfx", "bare.pfx"};
	struct secret pass = password("p");
	char dir[64], path[96];
	struct err err;

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(support_run(dir, old_files), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct pfx read;
		struct buf pfx;

		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		pfx = support_file(path);
		if (!pfx_decode(buf_view(&pfx), &pass, &read, &err))
			fail_msg("%s: %s", names[i], err.msg);
		assert_non_null(read.key);
		pfx_free(&read);
		buf_free(&pfx);
	}
	/* RC2 is there for reading the file alone. */
	assert_null(EVP_CIPHER_fetch(NULL, "RC2-40-CBC", NULL));
	ERR_clear_error();
	support_remove(dir);
	secret_free(&pass);
}

/* OpenSSL writes no file of two pairs; a program of 20 lines does. */
static struct buf
two_pairs(EVP_PKEY *const keys[2], const struct buf certs[2], const struct buf *more)
{
	STACK_OF(PKCS7) *safes = NULL;
	PKCS12 *p12;
	uint8_t *der = NULL;
	struct buf out;
	struct err err;
	int len;

	for (size_t i = 0; i < 3; i++) {
		STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
		const struct buf *cert = i < 2 ? &certs[i] : more;
		const unsigned char *p = cert->ptr;
		X509 *x = d2i_X509(NULL, &p, (long)cert->len);

		must(PKCS12_add_cert(&bags, x) != NULL);
		if (i < 2)
			must(PKCS12_add_key(&bags, keys[i], 0, 2000,
				 NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "p") != NULL);
		must(PKCS12_add_safe(
			 &safes, bags, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2000, "p") == 1);
		sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
		X509_free(x);
	}
	p12 = PKCS12_add_safes(safes, 0);
	must(p12 != NULL && PKCS12_set_mac(p12, "p", -1, NULL, 0, 2000, EVP_sha1()) == 1);
	len = i2d_PKCS12(p12, &der);
	must(buf_take_openssl(der, len, &out, &err));
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return out;
}

static void
every_key_of_a_file_is_found(void **state)
{
	EVP_PKEY *keys[2] = {support_rsa(2048), support_ec("P-256")}, *ca = support_ec("P-256");
	struct buf certs[2] = {certificate(keys[0], "CN=u1", "u1"),
	    certificate(keys[1], "CN=u2", "u2")},
		   root = certificate(ca, "CN=CA", "ca"), pfx = two_pairs(keys, certs, &root);
	struct secret pass = password("p"), wrong = password("q");
	struct pfx_bags bags;
	struct err err;

	(void)state;
	must(pfx_open(buf_view(&pfx), &pass, &bags, &err));
	assert_int_equal(bags.key_count, 2);
	assert_int_equal(bags.certificate_count, 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(EVP_PKEY_eq(bags.keys[i], keys[i]), 1);
		assert_true(view_eq(buf_view(&bags.certificates[i]), buf_view(&certs[i])));
	}
	pfx_bags_free(&bags);
	must_fail(pfx_open(buf_view(&pfx), &wrong, &bags, &err), NTE_BAD_DATA);
	assert_int_equal(bags.key_count, 0);
	buf_free(&pfx);
	buf_free(&root);
	for (size_t i = 0; i < 2; i++) {
		buf_free(&certs[i]);
		EVP_PKEY_free(keys[i]);
	}
	EVP_PKEY_free(ca);
	secret_free(&pass);
	secret_free(&wrong);
}

static void
pfx_with_wrong_parts_is_not_made(void **state)
{
	EVP_PKEY *key = support_ec("P-256"), *other = support_ec("P-256");
	struct buf cert = certificate(key, "CN=user1", "u1"), out = {0};
	struct secret pass = password("p"), empty = {0}, latin1 = password("\xf6"), nul = {0};
	struct view broken = view_of(cert.ptr, cert.len - 1);
	struct err err;

	(void)state;
	must(secret_dup(view_of("a\0b", 3), &nul, &err));
	must_fail(pfx_encode(other, buf_view(&cert), NULL, 0, NULL, &pass, &out, &err),
	    DIRCA_E_KEY_MISMATCH);
	must_fail(
	    pfx_encode(key, buf_view(&cert), NULL, 0, NULL, &empty, &out, &err), E_INVALIDARG);
	must_fail(
	    pfx_encode(key, buf_view(&cert), NULL, 0, NULL, &latin1, &out, &err), E_INVALIDARG);
	must_fail(pfx_encode(key, buf_view(&cert), NULL, 0, NULL, &nul, &out, &err), E_INVALIDARG);
	must_fail(pfx_encode(key, broken, NULL, 0, NULL, &pass, &out, &err), ERROR_INVALID_DATA);
	must_fail(pfx_encode(key, buf_view(&cert), &broken, 1, NULL, &pass, &out, &err),
	    ERROR_INVALID_DATA);
	assert_null(out.ptr);
	must(pfx_encode(key, buf_view(&cert), NULL, 0, NULL, &pass, &out, &err));
	buf_free(&out);
	secret_free(&pass);
	secret_free(&latin1);
	secret_free(&nul);
	buf_free(&cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_and_certificate_come_back_with_the_right_password_only),
	    cmocka_unit_test(openssl_command_reads_the_file_and_sees_its_algorithms),
	    cmocka_unit_test(damaged_file_is_refused),
	    cmocka_unit_test(file_without_mac_or_key_is_refused),
	    cmocka_unit_test(files_of_old_programs_are_read),
	    cmocka_unit_test(every_key_of_a_file_is_found),
	    cmocka_unit_test(pfx_with_wrong_parts_is_not_made),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
