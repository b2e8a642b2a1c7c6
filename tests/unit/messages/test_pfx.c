/* PKCS#12 files: what is written comes back, with the right password only, and openssl reads it. */
#include "messages_support.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "mem.h"
#include "pfx_priv.h"
#include "pkcs8.h"

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
	must(buf_alloc(PFX_FILE_MAX + 1, &pfx, &err));
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

/* What people have: beyond ASCII, beyond 16 bits, nothing at all; and what programs made of it. The
 * file was written with the second, of which the first was typed. */
static void
every_password_opens_what_it_closed(void **state)
{
	static const struct {
		const char *typed, *written;
		bool opens;
	} rows[] = {
	    {"p\xc3\xa4ss", "p\xc3\xa4ss", true},
	    {"\xf0\x9f\x94\x91 key", "\xf0\x9f\x94\x91 key", true},
	    {"\xe5\xaf\x86\xe7\xa0\x81", "\xe5\xaf\x86\xe7\xa0\x81", true},
	    {"", "", true},
	    {" ", " ", true},
	    /* OpenSSL before 1.1 took UTF-8 for Latin-1 */
	    {"p\xc3\xa4ss", "p\xc3\x83\xc2\xa4ss", true},
	    {"\xf0\x9f\x94\x91", "\xc3\xb0\xc2\x9f\xc2\x94\xc2\x91", true},
	    /* a password file in Latin-1 */
	    {"p\xe4ss", "p\xc3\xa4ss", true},
	    {"p\xc3\xa4ss", "pass", false},
	    {"p\xe4ss", "p\xe4", false},
	    {"", " ", false},
	    {" ", "", false},
	};
	char dir[64], path[96], command[400];
	struct err err;

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(support_run(dir, "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem "
					  "-out c.pem -subj /CN=u 2>/dev/null"),
	    0);
	snprintf(path, sizeof path, "%s/it.pfx", dir);
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		struct secret pass = password(rows[i / 2].typed);
		struct pfx read;
		struct buf pfx;

		snprintf(command, sizeof command,
		    "openssl pkcs12 -export -inkey k.pem -in c.pem -out it.pfx -iter 1 -passout "
		    "'pass:%s' %s",
		    rows[i / 2].written,
		    i % 2 == 0 ? "-macalg sha256"
			       : "-legacy -macalg sha1 -certpbe PBE-SHA1-RC2-40");
		assert_int_equal(support_run(dir, "%s", command), 0);
		pfx = support_file(path);
		if (pfx_decode(buf_view(&pfx), &pass, &read, &err) != rows[i / 2].opens)
			fail_msg("%s", command);
		pfx_free(&read);
		buf_free(&pfx);
		secret_free(&pass);
	}
	support_remove(dir);
}

/* A file whose MAC is by `mac`, and whose parts are PBES2 under these octets. */
static struct buf
sealed_by_octets(EVP_PKEY *key, struct view certificate, const char *mac, struct view octets)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = sk_PKCS12_SAFEBAG_new_null(),
				 *certs = sk_PKCS12_SAFEBAG_new_null();
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	const unsigned char *p = certificate.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)certificate.len);
	const char *pass = (const char *)octets.ptr;
	PKCS12 *p12;
	uint8_t *der = NULL;
	struct buf out;
	struct err err;
	int len;

	sk_PKCS12_SAFEBAG_push(keys, PKCS12_SAFEBAG_create_pkcs8_encrypt(NID_aes_256_cbc, pass,
					 (int)octets.len, NULL, 0, 1, plain));
	sk_PKCS12_SAFEBAG_push(certs, PKCS12_SAFEBAG_create_cert(x));
	sk_PKCS7_push(safes, PKCS12_pack_p7data(keys));
	sk_PKCS7_push(safes,
	    PKCS12_pack_p7encdata(NID_aes_256_cbc, pass, (int)octets.len, NULL, 0, 1, certs));
	p12 = PKCS12_add_safes(safes, 0);
	assert_true(p12 != NULL && PKCS12_set_mac(p12, mac, -1, NULL, 0, 1, EVP_sha256()) == 1);
	len = i2d_PKCS12(p12, &der);
	must(buf_take_openssl(der, len, &out, &err));
	PKCS12_free(p12);
	PKCS8_PRIV_KEY_INFO_free(plain);
	X509_free(x);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(certs, PKCS12_SAFEBAG_free);
	return out;
}

/* What PBES2 makes its key of: programs never agreed. */
static void
password_of_pbes2_is_tried_as_programs_write_it(void **state)
{
#define OCTETS(text) text, sizeof(text) - 1
#define LONG                                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* longer than a block of HMAC, which tells \
						      NULs */
#define WIDE "\0a\0a\0a\0a\0a"
	static const struct {
		const char *typed, *mac, *octets;
		size_t len;
		bool opens;
	} rows[] = {
	    {"p\xc3\xa4ss", "p\xc3\xa4ss", OCTETS("p\xc3\xa4ss"), true},
	    /* OpenSSL before 1.1 */
	    {"p\xc3\xa4ss", "p\xc3\x83\xc2\xa4ss", OCTETS("p\xc3\xa4ss"), true},
	    {"\xf0\x9f\x94\x91", "\xc3\xb0\xc2\x9f\xc2\x94\xc2\x91", OCTETS("\xf0\x9f\x94\x91"),
		true},
	    /* OpenSSL at a terminal in Latin-1 */
	    {"p\xc3\xa4ss", "p\xc3\xa4ss", OCTETS("p\xe4ss"), true},
	    /* a password file in Latin-1, of either */
	    {"p\xe4ss", "p\xc3\xa4ss", OCTETS("p\xe4ss"), true},
	    {"p\xe4ss", "p\xc3\xa4ss", OCTETS("p\xc3\xa4ss"), true},
	    /* NSS, with and without the NUL */
	    {"pass", "pass", OCTETS("\0p\0a\0s\0s\0\0"), true},
	    {"pass", "pass", OCTETS("\0p\0a\0s\0s"), true},
	    {LONG, LONG, OCTETS(WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE "\0\0"), true},
	    {LONG, LONG, OCTETS(WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE), true},
	    {LONG, LONG, OCTETS(WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE "\0"), false},
	    {"p\xc3\xa4ss", "p\xc3\xa4ss", OCTETS("\0p\0\xe4\0s\0s\0\0"), true},
	    {"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91", OCTETS("\xd8\x3d\xdd\x11\0\0"), true},
	    {"\xe5\xaf\x86", "\xe5\xaf\x86", OCTETS("\x5b\xc6\0\0"), true},
	    {"", "", OCTETS(""), true},
	    {"", "", OCTETS("\0\0"), true},
	    /* another password than the MAC's, or than was typed */
	    {"pass", "pass", OCTETS("Pass"), false},
	    {"p\xc3\xa4ss", "pass", OCTETS("p\xc3\xa4ss"), false},
	    {"pass", "pass", OCTETS("p\0a\0s\0s\0\0\0"), false},
	};
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=u", "u");
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct secret pass = password(rows[i].typed);
		struct buf pfx = sealed_by_octets(
		    key, buf_view(&cert), rows[i].mac, view_of(rows[i].octets, rows[i].len));
		struct pfx read;

		if (pfx_decode(buf_view(&pfx), &pass, &read, &err) != rows[i].opens)
			fail_msg("row %zu: %s", i, rows[i].opens ? err.msg : "opened");
		pfx_free(&read);
		buf_free(&pfx);
		secret_free(&pass);
	}
	buf_free(&cert);
	EVP_PKEY_free(key);
#undef OCTETS
#undef LONG
#undef WIDE
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
	struct pfx_content read;
	struct err err;

	(void)state;
	must(pfx_read(buf_view(&pfx), &pass, &read, &err));
	assert_int_equal(read.key_count, 2);
	assert_int_equal(read.other_count, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(EVP_PKEY_eq(read.keys[i].key, keys[i]), 1);
		assert_true(view_eq(buf_view(&read.keys[i].certificate), buf_view(&certs[i])));
	}
	pfx_content_free(&read);
	must_fail(pfx_read(buf_view(&pfx), &wrong, &read, &err), NTE_BAD_DATA);
	assert_int_equal(read.key_count, 0);
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

/* ---- many keys ---- */

static struct pfx_content
content_of(EVP_PKEY *const *keys, const struct buf *certs, const char *const *names, size_t count)
{
	struct pfx_content c = {0};
	struct err err;

	for (size_t i = 0; i < count; i++)
		must(pfx_add_key(&c, keys[i], buf_view(&certs[i]), names[i], &err));
	return c;
}

static struct pfx_content
read_back(struct buf *pfx, const char *pass)
{
	struct secret p = password(pass);
	struct pfx_content read;
	struct err err;

	if (!pfx_read(buf_view(pfx), &p, &read, &err))
		fail_msg("%s", err.msg);
	secret_free(&p);
	buf_free(pfx);
	return read;
}

static struct buf
written(const struct pfx_content *c, enum pfx_strength strength)
{
	struct secret pass = password("p");
	struct buf out;
	struct err err;

	if (!pfx_write(c, &pass, strength, &out, &err))
		fail_msg("%s", err.msg);
	secret_free(&pass);
	return out;
}

#define BEYOND_BMP "\xf0\xa0\xae\xb7\xe9\x87\x8e"

static void
many_keys_come_back_with_names_and_their_certificates(void **state)
{
	EVP_PKEY *keys[3] = {support_ec("P-256"), support_ec("P-384"), support_rsa(2048)},
		 *ca = support_ec("P-256");
	struct buf certs[3], root = certificate(ca, "CN=CA", "ca"), pfx;
	static const char *const names[] = {"Mail", BEYOND_BMP, "mail"}, *const back[] = {"Mail",
									     BEYOND_BMP,
									     "mail (2)"};
	struct pfx_content c, read;
	uint8_t id[20];
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		certs[i] = certificate(keys[i], "CN=u", "u");
	c = content_of(keys, certs, names, 3);
	/* the chain once, however often it comes */
	must(pfx_add_certificate(&c, buf_view(&root), "The CA", &err));
	must(pfx_add_certificate(&c, buf_view(&root), NULL, &err));
	for (int strength = PFX_AES; strength <= PFX_LEGACY; strength++) {
		pfx = written(&c, (enum pfx_strength)strength);
		read = read_back(&pfx, "p");
		assert_int_equal(read.key_count, 3);
		assert_int_equal(read.other_count, 1);
		assert_string_equal(read.others[0].friendly_name, "The CA");
		assert_int_equal(read.others[0].local_key_id.len, 0);
		for (size_t i = 0; i < 3; i++) {
			struct pfx_entry *e = &read.keys[i];

			assert_int_equal(EVP_PKEY_eq(e->key, keys[i]), 1);
			assert_true(view_eq(buf_view(&e->certificate), buf_view(&certs[i])));
			assert_string_equal(e->friendly_name, back[i]);
			EVP_Digest(certs[i].ptr, certs[i].len, id, NULL, EVP_sha1(), NULL);
			assert_true(view_eq(buf_view(&e->local_key_id), view_of(id, 20)));
		}
		pfx_content_free(&read);
	}
	pfx_content_free(&c);
	for (size_t i = 0; i < 3; i++) {
		buf_free(&certs[i]);
		EVP_PKEY_free(keys[i]);
	}
	buf_free(&root);
	EVP_PKEY_free(ca);
}

static void
nothing_is_twice_after_a_merge(void **state)
{
	EVP_PKEY *keys[2] = {support_ec("P-256"), support_ec("P-256")};
	struct buf certs[2] = {certificate(keys[0], "CN=u1", "a"),
	    certificate(keys[1], "CN=u2", "b")},
		   renewed = certificate(keys[0], "CN=u1 again", "c");
	static const char *const names[] = {"one", NULL};
	struct pfx_content to = content_of(keys, certs, names, 1), from = {0};
	struct err err;

	(void)state;
	/* the first key again, with the certificate of its renewal; the second one without its
	 * certificate, which comes by itself */
	must(pfx_add_key(&from, keys[0], buf_view(&renewed), "two", &err));
	must(pfx_add_key(&from, keys[1], (struct view){0}, NULL, &err));
	must(pfx_add_certificate(&from, buf_view(&certs[0]), NULL, &err));
	must(pfx_add_certificate(&to, buf_view(&certs[1]), "its name", &err));
	assert_int_equal(to.other_count, 1);
	pfx_merge(&to, &from);
	assert_int_equal(from.key_count + from.other_count, 0);
	assert_int_equal(to.key_count, 2);
	assert_string_equal(to.keys[0].friendly_name, "one");
	assert_true(view_eq(buf_view(&to.keys[0].certificate), buf_view(&certs[0])));
	assert_true(view_eq(buf_view(&to.keys[1].certificate), buf_view(&certs[1])));
	assert_string_equal(to.keys[1].friendly_name, "its name");
	assert_int_equal(to.other_count, 1);
	assert_true(view_eq(buf_view(&to.others[0].certificate), buf_view(&renewed)));
	/* a certificate that finds its key afterwards */
	must(pfx_add_key(&from, keys[1], (struct view){0}, NULL, &err));
	must(pfx_add_certificate(&from, buf_view(&certs[1]), NULL, &err));
	assert_int_equal(from.other_count, 0);
	assert_int_equal(from.keys[0].certificate.len, certs[1].len);
	must_fail(
	    pfx_add_key(&from, keys[0], buf_view(&certs[1]), NULL, &err), DIRCA_E_KEY_MISMATCH);
	pfx_content_free(&from);
	pfx_content_free(&to);
	buf_free(&renewed);
	for (size_t i = 0; i < 2; i++) {
		buf_free(&certs[i]);
		EVP_PKEY_free(keys[i]);
	}
}

/* Of two certificates of one key the one with its localKeyID, which comes last. */
static void
local_key_id_chooses_among_certificates_of_a_key(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct buf certs[2] = {certificate(key, "CN=old", "a"), certificate(key, "CN=new", "b")},
		   pfx;
	struct pfx_content c = {0}, read;
	struct err err;

	(void)state;
	must(pfx_add_certificate(&c, buf_view(&certs[0]), NULL, &err));
	c.keys = mem_zero(1, sizeof(*c.keys));
	must(buf_dup(buf_view(&certs[1]), &c.keys[0].certificate, &err));
	c.keys[0].key = key;
	c.key_count = 1;
	pfx = written(&c, PFX_AES);
	read = read_back(&pfx, "p");
	assert_int_equal(read.key_count, 1);
	assert_true(view_eq(buf_view(&read.keys[0].certificate), buf_view(&certs[1])));
	assert_int_equal(read.other_count, 1);
	pfx_content_free(&read);
	pfx_content_free(&c);
	buf_free(&certs[0]);
	buf_free(&certs[1]);
}

/* What Windows says beside: the provider of the key, and that it is the machine's. */
static void
attributes_that_are_not_known_are_kept(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=u", "u"), pfx;
	static const char *const names[] = {"n"};
	struct pfx_content c = content_of(&key, &cert, names, 1), read;
	struct pfx_attrs *a = &c.keys[0].of_key;
	struct err err;

	(void)state;
	a->list = mem_zero(2, sizeof *a->list);
	a->count = 2;
	strcpy(a->list[0].oid, "1.3.6.1.4.1.311.17.1");
	a->list[0].type = V_ASN1_BMPSTRING;
	must(buf_dup(view_of("\0C\0S\0P", 6), &a->list[0].value, &err));
	strcpy(a->list[1].oid, "1.3.6.1.4.1.311.17.2");
	pfx = written(&c, PFX_AES);
	read = read_back(&pfx, "p");
	assert_int_equal(read.keys[0].of_key.count, 2);
	for (size_t i = 0; i < 2; i++) { /* a SET: in whatever order */
		const struct pfx_attr *got = &read.keys[0].of_key.list[i];
		bool is_empty = strcmp(got->oid, "1.3.6.1.4.1.311.17.2") == 0;

		assert_true(is_empty || strcmp(got->oid, "1.3.6.1.4.1.311.17.1") == 0);
		assert_int_equal(got->type, is_empty ? 0 : V_ASN1_BMPSTRING);
		assert_true(view_eq(buf_view(&got->value), view_of("\0C\0S\0P", is_empty ? 0 : 6)));
	}
	pfx_content_free(&read);
	pfx_content_free(&c);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

static void
keys_may_lack_a_certificate_and_certificates_a_key(void **state)
{
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=u", "u"), pfx, out;
	struct pfx_content c = {0}, read;
	struct secret pass = password("p");
	struct err err;

	(void)state;
	must_fail(pfx_write(&c, &pass, PFX_AES, &out, &err), E_INVALIDARG);
	must(pfx_add_key(&c, key, (struct view){0}, "alone", &err));
	pfx = written(&c, PFX_AES);
	read = read_back(&pfx, "p");
	assert_int_equal(read.key_count, 1);
	assert_int_equal(read.keys[0].certificate.len, 0);
	assert_string_equal(read.keys[0].friendly_name, "alone");
	pfx_content_free(&read);
	pfx_content_free(&c);
	must(pfx_add_certificate(&c, buf_view(&cert), NULL, &err));
	pfx = written(&c, PFX_AES);
	read = read_back(&pfx, "p");
	assert_int_equal(read.key_count, 0);
	assert_int_equal(read.other_count, 1);
	pfx_content_free(&read);
	pfx_content_free(&c);
	secret_free(&pass);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

/* ---- what a file may ask for ---- */

static struct buf
file_of(PKCS12 *p12)
{
	uint8_t *der = NULL;
	int len = i2d_PKCS12(p12, &der);
	struct buf out;
	struct err err;

	must(buf_take_openssl(der, len, &out, &err));
	return out;
}

static PKCS12 *
p12_of(struct buf *pfx)
{
	const unsigned char *p = pfx->ptr;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)pfx->len);

	assert_true(p12 != NULL);
	buf_free(pfx);
	return p12;
}

static struct buf
legacy_file(void)
{
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=u", "u"), pfx;
	static const char *const names[] = {"n"};
	struct pfx_content c = content_of(&key, &cert, names, 1);

	pfx = written(&c, PFX_LEGACY);
	pfx_content_free(&c);
	buf_free(&cert);
	EVP_PKEY_free(key);
	return pfx;
}

static void
refused(struct buf *pfx, int64_t iterations, const char *why)
{
	struct secret pass = password("p");
	struct pfx_content read;
	struct err err;

	must_fail(pfx_read_within(buf_view(pfx), &pass, iterations, &read, &err), NTE_BAD_DATA);
	if (strstr(err.msg, why) == NULL)
		fail_msg("%s", err.msg);
	assert_int_equal(read.key_count, 0);
	secret_free(&pass);
	buf_free(pfx);
}

static void
mac_of_too_many_iterations_is_not_computed(void **state)
{
	static const int64_t counts[] = {10000001, INT64_MAX, 0, -1};
	const ASN1_INTEGER *count;

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct buf pfx = legacy_file();
		PKCS12 *p12 = p12_of(&pfx);

		PKCS12_get0_mac(NULL, NULL, NULL, &count, p12);
		assert_true(
		    ASN1_INTEGER_set_int64((ASN1_INTEGER *)(uintptr_t)count, counts[i]) == 1);
		pfx = file_of(p12);
		PKCS12_free(p12);
		refused(&pfx, 1000000, "iteration count");
	}
}

/* Whoever knows the password wrote the MAC over it. */
static struct buf
safe_of_iterations(int64_t iterations)
{
	struct buf pfx = legacy_file();
	PKCS12 *p12 = p12_of(&pfx);
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	PKCS7 *sealed = sk_PKCS7_value(safes, 0);
	PBEPARAM *p = PBEPARAM_new();
	ASN1_STRING *packed = NULL;

	assert_true(PKCS7_type_is_encrypted(sealed));
	assert_true(ASN1_INTEGER_set_int64(p->iter, iterations) == 1);
	assert_true(ASN1_OCTET_STRING_set(p->salt, (const uint8_t *)"saltsalt", 8) == 1);
	assert_true(ASN1_item_pack(p, ASN1_ITEM_rptr(PBEPARAM), &packed) != NULL);
	assert_true(
	    X509_ALGOR_set0(sealed->d.encrypted->enc_data->algorithm,
		OBJ_nid2obj(NID_pbe_WithSHA1And3_Key_TripleDES_CBC), V_ASN1_SEQUENCE, packed) == 1);
	assert_true(PKCS12_pack_authsafes(p12, safes) == 1);
	assert_true(PKCS12_set_mac(p12, "p", -1, NULL, 0, 2000, EVP_sha1()) == 1);
	pfx = file_of(p12);
	PBEPARAM_free(p);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
	return pfx;
}

static void
iterations_of_parts_are_counted_at_once_and_together(void **state)
{
	struct buf pfx = safe_of_iterations(10000001);

	(void)state;
	refused(&pfx, INT64_MAX, "iteration count");
	pfx = safe_of_iterations(INT64_MAX);
	refused(&pfx, INT64_MAX, "iteration count");
	/* 300,000 for the certificate, 300,000 for the key */
	pfx = legacy_file();
	refused(&pfx, 599999, "iteration count");
	pfx = legacy_file();

	struct secret pass = password("p");
	struct pfx_content read;
	struct err err;

	must(pfx_read_within(buf_view(&pfx), &pass, 600000, &read, &err));
	pfx_content_free(&read);
	secret_free(&pass);
	buf_free(&pfx);
}

static void
empty_password_is_read_in_both_spellings(void **state)
{
	static const char *const spellings[] = {"", NULL};
	EVP_PKEY *key = support_ec("P-256");
	struct buf cert = certificate(key, "CN=u", "u"), pfx;
	const unsigned char *p = cert.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)cert.len);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		PKCS12 *p12 = PKCS12_create(spellings[i], "n", key, x, NULL,
		    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
		    2000, 2000, 0);
		struct pfx_content read;

		assert_true(p12 != NULL);
		pfx = file_of(p12);
		read = read_back(&pfx, "");
		assert_int_equal(EVP_PKEY_eq(read.keys[0].key, key), 1);
		pfx_content_free(&read);
		PKCS12_free(p12);
	}
	X509_free(x);
	buf_free(&cert);
	EVP_PKEY_free(key);
}

static void
mac_of_rfc_9579_is_refused_by_its_name(void **state)
{
	struct buf pfx = legacy_file();
	PKCS12 *p12 = p12_of(&pfx);
	const X509_ALGOR *alg;

	(void)state;
	PKCS12_get0_mac(NULL, &alg, NULL, NULL, p12);

	PBE2PARAM *params = PBE2PARAM_new();
	ASN1_STRING *packed = NULL;
	X509_ALGOR *kdf = PKCS5_pbkdf2_set(2000, NULL, 8, NID_hmacWithSHA256, 32);

	assert_true(X509_ALGOR_copy(params->keyfunc, kdf) == 1);
	assert_true(X509_ALGOR_set0(params->encryption, OBJ_nid2obj(NID_hmacWithSHA256),
			V_ASN1_NULL, NULL) == 1);
	assert_true(ASN1_item_pack(params, ASN1_ITEM_rptr(PBE2PARAM), &packed) != NULL);
	assert_true(X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)alg, OBJ_nid2obj(NID_pbmac1),
			V_ASN1_SEQUENCE, packed) == 1);
	pfx = file_of(p12);
	refused(&pfx, 1000000,
	    OpenSSL_version_num() < 0x30400000UL ? "PBMAC1 (RFC 9579)" : "password is wrong");
	X509_ALGOR_free(kdf);
	PBE2PARAM_free(params);
	PKCS12_free(p12);
}

static void
openssl_reads_many_keys_and_old_certificates(void **state)
{
	static const char make[] =
	    "for i in 1 2 3; do openssl req -newkey rsa:2048 -nodes -keyout k$i.pem -out r$i.pem "
	    "-subj /CN=u$i 2>/dev/null; openssl x509 -req -in r$i.pem -signkey k$i.pem -days 9 "
	    "-out c$i.pem 2>/dev/null; openssl x509 -in c$i.pem -outform DER -out c$i.der; done; "
	    "openssl x509 -in c1.pem -noout -text | grep -q 'Version: 1'";
	struct pfx_content c = {0}, read;
	struct secret pem;
	struct buf pfx, der;
	char dir[64], path[96];
	struct err err;

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(support_run(dir, make), 0);
	for (int i = 1; i <= 3; i++) {
		EVP_PKEY *key;

		snprintf(path, sizeof path, "%s/k%d.pem", dir, i);
		must(file_read_secret(path, 65536, &pem, &err));
		must(pkcs8_decode(&pem, NULL, &key, &err));
		snprintf(path, sizeof path, "%s/c%d.der", dir, i);
		der = support_file(path);
		must(pfx_add_key(&c, key, buf_view(&der), "same name", &err));
		buf_free(&der);
		secret_free(&pem);
		EVP_PKEY_free(key);
	}
	pfx = written(&c, PFX_AES);
	snprintf(path, sizeof path, "%s/all.pfx", dir);
	must(file_create(path, buf_view(&pfx), 0600, &err));
	read = read_back(&pfx, "p");
	assert_int_equal(read.key_count, 3);
	assert_int_equal(support_run(dir, "openssl pkcs12 -in all.pfx -passin pass:p -nodes "
					  "-out all.pem && test $(grep -c 'BEGIN PRIVATE' all.pem) "
					  "= 3 && test $(grep -c 'BEGIN CERT' all.pem) = 3 && grep "
					  "-q 'same name (3)' all.pem"),
	    0);
	pfx_content_free(&read);
	pfx_content_free(&c);
	support_remove(dir);
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
	    cmocka_unit_test(every_password_opens_what_it_closed),
	    cmocka_unit_test(password_of_pbes2_is_tried_as_programs_write_it),
	    cmocka_unit_test(every_key_of_a_file_is_found),
	    cmocka_unit_test(pfx_with_wrong_parts_is_not_made),
	    cmocka_unit_test(many_keys_come_back_with_names_and_their_certificates),
	    cmocka_unit_test(nothing_is_twice_after_a_merge),
	    cmocka_unit_test(local_key_id_chooses_among_certificates_of_a_key),
	    cmocka_unit_test(attributes_that_are_not_known_are_kept),
	    cmocka_unit_test(keys_may_lack_a_certificate_and_certificates_a_key),
	    cmocka_unit_test(mac_of_too_many_iterations_is_not_computed),
	    cmocka_unit_test(iterations_of_parts_are_counted_at_once_and_together),
	    cmocka_unit_test(empty_password_is_read_in_both_spellings),
	    cmocka_unit_test(mac_of_rfc_9579_is_refused_by_its_name),
	    cmocka_unit_test(openssl_reads_many_keys_and_old_certificates),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
