/* PKCS#12 files: what is written comes back, with the right password only, and openssl reads it. */
#include "messages_support.h"

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
	    cmocka_unit_test(pfx_with_wrong_parts_is_not_made),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
