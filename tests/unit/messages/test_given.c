/* Files that people give: what Windows and others write is read, the leaf of a bundle is taken, and
 * of another file it is said what it is. */
#include "messages_support.h"

#include "given.h"

static char dir[64];

/* root -> sub -> leaf, and one on its own; each thing in every wrapping that is met. */
static const char make[] =
    "set -e; exec 2>err; P='-passout pass:right'; A='-newkey ec -pkeyopt ec_paramgen_curve:P-256 "
    "-nodes -days 9'; "
    "openssl req -x509 $A -keyout root.key -out root.pem -subj /CN=root; "
    "openssl req -new $A -keyout sub.key -out sub.csr -subj /CN=sub; "
    "openssl x509 -req -in sub.csr -CA root.pem -CAkey root.key -set_serial 2 -days 9 -out "
    "sub.pem; "
    "openssl req -new $A -keyout leaf.key -out leaf.csr -subj /CN=leaf; "
    "openssl x509 -req -in leaf.csr -CA sub.pem -CAkey sub.key -set_serial 3 -days 9 -out "
    "leaf.pem; "
    "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -keyout one.key -out one.pem -subj /CN=one; "
    "openssl x509 -in one.pem -outform DER -out der; "
    "sed 's/$/\\r/' one.pem >crlf; (printf '\\357\\273\\277'; cat crlf) >bom; "
    "tr '\\n' '\\r' <one.pem >cr; sed 's/^/    /' one.pem >indented; "
    "(echo Subject: one; echo; cat one.pem; echo '-- '; echo sent by mail) >mail; "
    "(printf '\\377\\376'; iconv -t UTF-16LE crlf) >utf16; "
    "(printf '\\376\\377'; iconv -t UTF-16BE crlf) >utf16be; iconv -t UTF-16LE one.pem >unmarked; "
    "base64 der >base64; base64 -w0 der >line; (printf '\\377\\376'; iconv -t UTF-16LE base64) "
    ">base64.utf16; (echo; base64 der | sed 's/$/\\r/') >base64.crlf; "
    "(echo '-----BEGIN CERTIFICATE-----'; base64 -w0 der; echo; echo '-----END CERTIFICATE-----') "
    ">long; sed 's/CERTIFICATE/X509 CERTIFICATE/' one.pem >x509; "
    "openssl crl2pkcs7 -nocrl -certfile one.pem -outform DER -out p7b; "
    "openssl crl2pkcs7 -nocrl -certfile one.pem -out p7b.pem; "
    "sed 's/PKCS7/CMS/' p7b.pem >cms.pem; sed 's/PKCS7/CERTIFICATE/' p7b.pem >certutil; "
    "base64 p7b >p7b.base64; cat one.pem one.pem >twice; cat one.key one.pem >pair; "
    "cat root.pem sub.pem leaf.pem >chain; cat leaf.pem sub.pem >part; "
    "openssl crl2pkcs7 -nocrl -certfile chain -outform DER -out chain.p7b; "
    "for i in $(seq 60); do cat one.pem; done >many; (cat one.pem; echo '-----BEGIN "
    "CERTIFICATE-----'; head -c 300 der | base64; echo '-----END CERTIFICATE-----') >spoilt; "
    "cat one.pem leaf.pem >two; cat one.pem root.pem >roots; "
    "openssl pkcs12 -export -inkey one.key -in one.pem -passout pass:right -out pfx; "
    "(echo '-----BEGIN CERTIFICATE-----'; base64 pfx; echo '-----END CERTIFICATE-----') >pfx.pem; "
    "openssl pkcs8 -topk8 -in one.key $P -out sealed; "
    "openssl rsa -in one.key -outform PVK -pvk-none -out pvk; "
    "openssl rsa -in one.key -outform MSBLOB -out blob; "
    "openssl pkey -in one.key -pubout -out public; "
    "openssl pkey -in one.key -pubout -outform DER -out public.der; "
    ": >index; echo 01 >number; printf "
    "'[ca]\\ndefault_ca=a\\n[a]\\ndatabase=index\\ncrlnumber=number\\n"
    "default_md=sha256\\ndefault_crl_days=9\\n' >cnf; "
    "openssl ca -config cnf -gencrl -keyfile root.key -cert root.pem -out crl; "
    "openssl crl -in crl -outform DER -out crl.der; base64 crl.der >crl.base64; "
    "(printf '\\377\\376'; iconv -t UTF-16LE crl) >crl.utf16; "
    "openssl cms -sign -in err -signer one.pem -inkey one.key -outform DER -out signed; "
    "openssl cms -encrypt -in err -outform DER -out sealed.cms one.pem; "
    "openssl cms -sign -in err -signer one.pem -inkey one.key -econtent_type 1.3.6.1.5.5.7.12.2 "
    "-nodetach -outform DER -out request.cmc; "
    "openssl cms -sign -in err -signer one.pem -inkey one.key -econtent_type 1.3.6.1.5.5.7.12.3 "
    "-nodetach -outform DER -out response.cmc; "
    "printf '\\r\\n[Version]\\r\\n[NewRequest]\\r\\n' >inf; printf 'dn: a\\n' >ldif; printf '[{}]' "
    ">json; "
    "echo hello >text; : >empty; head -c 300 der >cut; head -c 500 pfx >cut.pfx; "
    "head -c 64 der | tail -c 40 >binary; printf 'SQLite format 3\\0' >db; printf 'PK\\3\\4\\0' "
    ">zip; "
    "printf '\\1\\0\\4\\200aaaaaaaaaaaaaaaa' >sd; printf '[Digital Identity]\\n' >epf; "
    "printf '\\376\\355\\376\\355\\0\\0' >jks";

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (!secret_heap_init(1 << 18, true, &err) || !oids_init(&err))
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

static const char *
path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
a_certificate_is_read_however_it_was_written(void **state)
{
	static const char *const names[] = {"der", "one.pem", "crlf", "bom", "cr", "indented",
	    "mail", "utf16", "utf16be", "unmarked", "base64", "line", "base64.utf16", "base64.crlf",
	    "long", "x509", "p7b", "p7b.pem", "cms.pem", "certutil", "p7b.base64", "twice", "pair"};
	struct buf der = support_file(path_of("der")), one;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!given_certificate(path_of(names[i]), &one, NULL, &err))
			fail_msg("%s: %s", names[i], err.msg);
		assert_true(view_eq(buf_view(&one), buf_view(&der)));
		buf_free(&one);
	}
	buf_free(&der);
}

/* What libldap and libcurl are given: PEM, whatever the file is, and however many are in it. */
static void
what_tls_trusts_is_read_however_it_was_written(void **state)
{
	static const struct {
		const char *file;
		size_t count;
	} rows[] = {{"der", 1}, {"one.pem", 1}, {"crlf", 1}, {"bom", 1}, {"mail", 1}, {"utf16", 1},
	    {"utf16be", 1}, {"base64", 1}, {"base64.utf16", 1}, {"p7b", 1}, {"p7b.base64", 1},
	    {"chain", 3}, {"chain.p7b", 3}, {"two", 2}, {"twice", 2}, {"many", 60}};
	struct buf pem;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t found = 0;

		if (!given_trust(path_of(rows[i].file), &pem, &err))
			fail_msg("%s: %s", rows[i].file, err.msg);
		for (size_t at = 0; at + 17 < pem.len; at++)
			found += memcmp(pem.ptr + at, "BEGIN CERTIFICATE", 17) == 0;
		assert_int_equal(found, rows[i].count);
		buf_free(&pem);
	}
	/* one that nobody can use hides among others */
	must_fail(given_trust(path_of("spoilt"), &pem, &err), ERROR_INVALID_DATA);
	assert_non_null(strstr(err.msg, "/spoilt: this is damaged, cut off"));
	assert_null(pem.ptr);
	must_fail(given_trust(path_of("pfx"), &pem, &err), ERROR_INVALID_DATA);
	assert_non_null(strstr(err.msg, "/pfx: this is a PKCS#12, and a certificate is wanted"));
	must_fail(given_trust(path_of("empty"), &pem, &err), ERROR_INVALID_DATA);
	must_fail(given_trust(path_of("."), &pem, &err), DIRCA_E_IO);
	assert_non_null(strstr(err.msg, "/.: a folder, not a regular file"));
}

/* By the name of its subject: "/CN=leaf". */
static void
assert_subject(struct view der, const char *want)
{
	struct pkix_cert c;
	char *name;
	struct err err;

	must(pkix_cert_decode(der, &c, &err));
	name = pkix_name_text(c.subject);
	assert_string_equal(name, want);
	free(name);
	pkix_cert_free(&c);
}

static void
of_a_bundle_the_one_that_issued_none_is_meant(void **state)
{
	static const struct {
		const char *file;
		size_t others;
	} rows[] = {{"chain", 2}, {"chain.p7b", 2}, {"part", 1}};
	struct pem_certs others;
	struct buf one;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		must(given_certificate(path_of(rows[i].file), &one, &others, &err));
		assert_subject(buf_view(&one), "CN=leaf");
		assert_int_equal(others.count, rows[i].others);
		pem_certs_free(&others);
		buf_free(&one);
	}
	must(given_certificates(path_of("chain.p7b"), &others, &err));
	assert_int_equal(others.count, 3);
	pem_certs_free(&others);
}

static void
of_several_none_is_taken_and_each_is_named(void **state)
{
	static const char *const rows[][3] = {
	    {"two", "CN=one", "CN=leaf"}, {"roots", "CN=one", "CN=root"}};
	struct pem_certs all;
	struct buf one;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		must_fail(
		    given_certificate(path_of(rows[i][0]), &one, &all, &err), ERROR_INVALID_DATA);
		assert_null(one.ptr);
		assert_null(all.list);
		assert_non_null(strstr(err.msg, rows[i][1]));
		assert_non_null(strstr(err.msg, rows[i][2]));
		must(given_leaves(path_of(rows[i][0]), &all, &err));
		assert_int_equal(all.count, 2);
		pem_certs_free(&all);
	}
}

static void
a_crl_is_read_however_it_was_written(void **state)
{
	static const char *const names[] = {"crl", "crl.der", "crl.base64", "crl.utf16"};
	struct buf der = support_file(path_of("crl.der")), one;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		must(given_crl(path_of(names[i]), &one, &err));
		assert_true(view_eq(buf_view(&one), buf_view(&der)));
		buf_free(&one);
	}
	must_fail(given_crl(path_of("one.pem"), &one, &err), ERROR_INVALID_DATA);
	assert_non_null(strstr(err.msg, "/one.pem: this is a certificate, and a CRL is wanted"));
	buf_free(&der);
}

static const struct {
	const char *file, *is;
} kinds[] = {
    {"pfx", "a PKCS#12"},
    {"pfx.pem", "a PKCS#12"},
    {"one.key", "a private key"},
    {"sealed", "an encrypted private key"},
    {"pvk", "a private key (PVK)"},
    {"blob", "a private key blob"},
    {"public", "a public key"},
    {"public.der", "a public key"},
    {"one.pem", "a certificate"},
    {"p7b", "a PKCS#7 bundle of certificates"},
    {"p7b.base64", "a PKCS#7 bundle of certificates"},
    {"leaf.csr", "a certificate request (PKCS#10)"},
    {"crl", "a CRL"},
    {"crl.utf16", "a CRL"},
    {"signed", "a signed message"},
    {"sealed.cms", "an encrypted message"},
    {"request.cmc", "a certificate request (CMC)"},
    {"response.cmc", "a CA's response (CMC)"},
    {"inf", "an INF file"},
    {"ldif", "LDIF"},
    {"json", "JSON"},
    {"text", "a text file"},
    {"empty", "an empty file"},
    {"sd", "a security descriptor"},
    {"db", "an SQLite database"},
    {"zip", "a ZIP archive"},
    {"epf", "an Entrust profile"},
    {"jks", "a Java key store"},
    {"cut", "damaged, cut off, or DER that dirca does not know"},
    {"binary", "of no kind that dirca knows"},
};

/* What is wanted never says so of itself; the library's words never reach anybody. */
static void
of_each_file_it_is_said_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct buf b = support_file(path_of(kinds[i].file));
		enum material m = material_inside(buf_view(&b));
		struct err err;

		assert_string_equal(material_told(m), kinds[i].is);
		for (int want = GIVEN_CERTIFICATE; want <= GIVEN_ROWS; want++) {
			err_set(&err, NTE_BAD_DATA, "reason");
			assert_false(given_failed("a b.x", buf_view(&b), (enum given)want, &err));
			assert_int_equal(strncmp(err.msg, "a b.x: ", 7), 0);
			assert_true(strcmp(err.msg, "a b.x: reason") == 0 ||
				    strstr(err.msg, kinds[i].is) == err.msg + 15);
		}
		buf_free(&b);
	}
}

/* Text of any length and encoding is text, however its beginning ends. */
static void
what_is_read_bit_by_bit_is_told_by_its_beginning(void **state)
{
	static const struct {
		const char *make, *said; /* NULL: it can be that */
	} rows[] = {
	    {"printf 'Request ID\\n' >it", NULL},
	    {"for i in $(seq 9000); do printf '\\303\\244\\303\\244\\303\\244\\303\\244'; done >it",
		NULL},
	    {"(printf a; for i in $(seq 9000); do printf "
	     "'\\303\\244\\303\\244\\303\\244\\303\\244'; done) >it",
		NULL},
	    {"for i in $(seq 9000); do printf a; printf '\\360\\237\\224\\221%.0s' 1 2; done >it",
		NULL},
	    {"iconv -t UTF-16 it >i && mv i it", NULL},
	    {"printf 'Gr\\374n,\\344\\n' >it", NULL},
	    {"(echo '\"Request ID\",\"Certificate\"'; printf '7,\"'; cat one.pem; echo '\"') >it",
		NULL},
	    {"iconv -t UTF-16 it >i && mv i it", NULL},
	    {"cp der it", "/it: this is a certificate, and what certutil wrote as CSV is wanted"},
	    {"cp one.pem it", "/it: this is a certificate, and"},
	    {"cp pfx it", "/it: this is a PKCS#12, and"},
	    {"cp db it", "/it: this is an SQLite database, and"},
	    {": >it", "/it: this is an empty file, and"},
	    {"rm it; truncate -s 2G it", "/it: this is of no kind that dirca knows, and"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		FILE *file;
		struct err err;
		bool fits;

		assert_int_equal(support_run(dir, "%s", rows[i].make), 0);
		must(file_open_stream(path_of("it"), false, &file, &err));
		fits = given_begins_as(path_of("it"), file, GIVEN_ROWS, &err);
		fclose(file);
		if (fits != (rows[i].said == NULL))
			fail_msg("%s: %s", rows[i].make, fits ? "taken" : err.msg);
		if (!fits)
			assert_non_null(strstr(err.msg, rows[i].said));
	}
}

static void
the_command_that_helps_is_named_as_a_shell_takes_it(void **state)
{
	struct buf b = support_file(path_of("pfx"));
	struct err err;

	(void)state;
	err_set(&err, ERROR_INVALID_DATA, "reason");
	assert_false(given_failed("it's.pfx", buf_view(&b), GIVEN_CERTIFICATE, &err));
	assert_string_equal(err.msg,
	    "it's.pfx: this is a PKCS#12, and a certificate is wanted; `dirca convert --format p7b "
	    "'it'\\''s.pfx' 'it'\\''s.pfx'.p7b` takes it out");
	/* What the machine refused is another matter. */
	err_set(&err, DIRCA_E_IO, "reason");
	assert_false(given_failed("x", buf_view(&b), GIVEN_CERTIFICATE, &err));
	assert_string_equal(err.msg, "x: reason");
	buf_free(&b);
}

static void
what_is_cut_off_anywhere_is_refused(void **state)
{
	static const char *const names[] = {"der", "p7b", "utf16", "base64"};
	struct pem_certs all;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf b = support_file(path_of(names[i]));

		for (size_t len = 0; len < b.len - 80; len += 7)
			if (pem_certificates(view_of(b.ptr, len), &all.list, &all.count, &err)) {
				/* DER of one certificate is looked at by who decodes it */
				struct pkix_cert c;

				assert_false(pkix_cert_decode(buf_view(&all.list[0]), &c, &err));
				pem_certs_free(&all);
			}
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_is_read_however_it_was_written),
	    cmocka_unit_test(what_tls_trusts_is_read_however_it_was_written),
	    cmocka_unit_test(of_a_bundle_the_one_that_issued_none_is_meant),
	    cmocka_unit_test(of_several_none_is_taken_and_each_is_named),
	    cmocka_unit_test(a_crl_is_read_however_it_was_written),
	    cmocka_unit_test(of_each_file_it_is_said_what_it_is),
	    cmocka_unit_test(what_is_read_bit_by_bit_is_told_by_its_beginning),
	    cmocka_unit_test(the_command_that_helps_is_named_as_a_shell_takes_it),
	    cmocka_unit_test(what_is_cut_off_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
