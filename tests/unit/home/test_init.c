#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive_pki.h"
#include "clock.h"
#include "file.h"
#include "home_lab.h"
#include "init.h"
#include "journal.h"
#include "kra_store.h"
#include "pem.h"
#include "text.h"

#define YEAR (INT64_C(365) * 86400)

static void
assert_out_has(const char *what)
{
	char path[96];
	struct buf out;
	struct err err;

	snprintf(path, sizeof path, "%s/out", lab_dir);
	assert_true(file_read(path, 65536, &out, &err));
	if (memmem(out.ptr, out.len, what, strlen(what)) == NULL)
		fail_msg("'%s' is not in: %.*s", what, (int)out.len, (const char *)out.ptr);
	buf_free(&out);
}

static mode_t
mode_of(const struct config *c, const char *name)
{
	char *path = config_path(c, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_mode & 07777;
}

static void
openssl_reads_root_and_tls_certificate(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P384, .validity = 10 * YEAR};
	struct config *c = lab_config("root", "Test, CA", "");
	struct err err;

	(void)state;
	if (!ca_init(c, &in, clock_now(), &err))
		fail_msg("%s", err.msg);
	assert_int_equal(sh(c, "openssl x509 -in $S/ca.crt -noout -text -nameopt oneline"), 0);
	assert_out_has("CA:TRUE");
	assert_out_has("Digital Signature, Certificate Sign, CRL Sign");
	assert_out_has("X509v3 Subject Key Identifier");
	assert_out_has("1.3.6.1.4.1.311.21.1");
	assert_out_has("Subject: DC = com, DC = nwtraders, CN = \"Test, CA\"");
	assert_out_has("ecdsa-with-SHA384");
	assert_int_equal(sh(c, "openssl verify -x509_strict -CAfile $S/ca.crt $S/ca.crt"), 0);
	assert_int_equal(
	    sh(c,
		"openssl verify -x509_strict -purpose sslserver -verify_hostname ca1.nwtraders.com "
		"-CAfile $S/ca.crt $S/tls.crt"),
	    0);
	assert_int_equal(
	    sh(c, "openssl verify -verify_hostname localhost -CAfile $S/ca.crt $S/tls.crt"), 0);
	assert_int_equal(
	    sh(c, "openssl verify -verify_ip 127.0.0.1 -CAfile $S/ca.crt $S/tls.crt"), 0);
	assert_int_equal(sh(c, "openssl verify -verify_ip ::1 -CAfile $S/ca.crt $S/tls.crt"), 0);
	assert_int_not_equal(
	    sh(c,
		"openssl verify -verify_hostname other.nwtraders.com -CAfile $S/ca.crt $S/tls.crt"),
	    0);
	assert_int_equal(sh(c, "test \"$(openssl pkey -in $S/tls.key -pubout)\" = \"$(openssl x509 "
			       "-in $S/tls.crt -noout -pubkey)\""),
	    0);
	assert_int_equal(mode_of(c, "tls.key"), 0600);
	assert_int_equal(mode_of(c, "vault"), 0700);
	assert_false(exists(c, "dirca.db")); /* dircad makes it when it is told to */
	config_free(&c);
}

static void
second_init_does_not_overwrite_the_key(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct config *c = lab_config("twice", "Test, CA", "");
	struct err err;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(sh(c, "cp $S/vault/ca.key $S/before && touch $S/dirca.db"), 0);
	assert_false(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_int_equal(sh(c, "cmp $S/vault/ca.key $S/before"), 0);
	config_free(&c);
}

/* Each file that an interrupted run did not come to is made, those that are there stay. */
static void
init_finishes_what_it_began(void **state)
{
	static const char *const missing[] = {"tls.crt", "ca.crt $S/tls.crt $S/tls.key"};
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct config *c = lab_config("began", "Test, CA", "");
	char command[128];
	struct err err;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(sh(c, "cp $S/vault/ca.key $S/before"), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof command, "rm $S/%s", missing[i]);
		assert_int_equal(sh(c, command), 0);
		if (!ca_init(c, &in, clock_now(), &err))
			fail_msg("%s", err.msg);
		assert_int_equal(sh(c, "openssl verify -CAfile $S/ca.crt $S/tls.crt"), 0);
		assert_int_equal(sh(c, "cmp $S/vault/ca.key $S/before"), 0);
	}
	config_free(&c);
}

static void
init_looks_users_up_before_the_first_file(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct config *c = lab_config("users", "Test, CA", "");
	struct err err;

	(void)state;
	free(c->vault_user);
	c->vault_user = strdup("no-such-user");
	if (geteuid() == 0) {
		assert_false(ca_init(c, &in, clock_now(), &err));
		assert_int_equal(err.code, DIRCA_E_CONFIG);
		assert_non_null(strstr(err.msg, "useradd -r no-such-user"));
		assert_int_not_equal(access(c->state_dir, F_OK), 0);
	}
	config_free(&c);
}

/* Only a CA whose vault never ran has had no database. */
static void
database_is_due_until_the_vault_runs(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct journal_entry started = {.kind = JOURNAL_STARTED};
	struct config *c = lab_config("database", "Test, CA", "");
	char *folder = config_path(c, "vault");
	struct journal journal;
	struct err err;
	bool due;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_true(ca_init_database_is_due(c, &due, &err) && due);
	assert_int_equal(sh(c, "touch $S/dirca.db"), 0);
	assert_true(ca_init_database_is_due(c, &due, &err) && !due);
	assert_int_equal(sh(c, "rm $S/dirca.db"), 0);
	assert_true(journal_open(&journal, folder, clock_now(), 0, &err) &&
		    journal_add(&journal, &started, (struct view){0}, clock_now(), &err));
	journal_close(&journal);
	assert_false(ca_init_database_is_due(c, &due, &err));
	assert_int_equal(err.code, DIRCA_E_DATABASE);
	free(folder);
	config_free(&c);
}

static void
certificate_without_validity_or_with_a_bad_name_makes_nothing(void **state)
{
	struct ca_init in = {.key = CA_KEY_EC_P256};
	struct config *c = lab_config("nothing", "Test, CA", "");
	struct err err;

	(void)state;
	assert_false(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(err.code, E_INVALIDARG);
	in.validity = YEAR;
	in.subject_dn = "no name";
	assert_false(ca_init(c, &in, clock_now(), &err));
	assert_int_not_equal(access(c->state_dir, F_OK), 0);
	config_free(&c);
}

/* The parent CA signs ca.csr with openssl. */
static const char sign_request[] =
    "openssl ecparam -name prime256v1 -genkey -noout -out $S/root.key && "
    "openssl req -x509 -new -key $S/root.key -subj /CN=Root -days 100 -out $S/root.crt "
    "-addext keyUsage=critical,keyCertSign,cRLSign && "
    "printf "
    "'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,"
    "cRLSign\\nsubjectKeyIdentifier=hash\\n' >$S/ext && "
    "openssl x509 -req -in $S/ca.csr -CA $S/root.crt -CAkey $S/root.key -CAcreateserial -days 50 "
    "-extfile $S/ext -out $S/sub.crt && "
    "openssl x509 -req -in $S/ca.csr -CA $S/root.crt -CAkey $S/root.key -days 50 -out $S/no-ca.crt";

static bool
install(const struct config *c, const char *certificate, const char *parent, int64_t now,
    struct err *err)
{
	char path[128];
	struct buf crt, root;
	bool ok;

	snprintf(path, sizeof path, "%s/%s", c->state_dir, certificate);
	assert_true(file_read(path, 65536, &crt, err));
	snprintf(path, sizeof path, "%s/%s", c->state_dir, parent);
	assert_true(file_read(path, 65536, &root, err));
	const struct view chain = buf_view(&root);
	ok = ca_init_install(c, buf_view(&crt), &chain, 1, NULL, now, err);
	buf_free(&crt);
	buf_free(&root);
	return ok;
}

static void
subordinate_is_finished_by_its_parents_answer(void **state)
{
	const struct ca_init in = {
	    .key = CA_KEY_RSA_2048, .subordinate = true, .subject_dn = "CN=Sub,O=Example"};
	struct config *c = lab_config("sub", "Test, CA", "");
	struct err err;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(sh(c, "openssl req -in $S/ca.csr -noout -verify -text"), 0);
	assert_out_has("CA:TRUE");
	assert_int_not_equal(sh(c, "test -e $S/ca.crt"), 0);
	assert_int_equal(sh(c, sign_request), 0);

	assert_false(install(c, "no-ca.crt", "root.crt", clock_now(), &err));
	assert_int_equal(err.code, CERTSRV_E_INVALID_CA_CERTIFICATE);
	assert_false(install(c, "root.crt", "root.crt", clock_now(), &err));
	assert_int_equal(err.code, CERTSRV_E_INVALID_CA_CERTIFICATE);
	assert_false(install(c, "sub.crt", "sub.crt", clock_now(), &err));
	assert_int_equal(err.code, CERT_E_ISSUERCHAINING);
	assert_false(install(c, "sub.crt", "root.crt", clock_now() + YEAR, &err));
	assert_int_equal(err.code, CERT_E_EXPIRED);
	assert_true(install(c, "sub.crt", "root.crt", clock_now(), &err));
	assert_int_equal(sh(c, "openssl verify -CAfile $S/trust/chain.pem $S/ca.crt"), 0);
	assert_int_equal(
	    sh(c, "openssl verify -CAfile $S/trust/chain.pem -untrusted $S/ca.crt $S/tls.crt"), 0);

	/* Until the CA is whole the same may be given again, afterwards nothing. */
	assert_true(install(c, "sub.crt", "root.crt", clock_now(), &err));
	assert_int_equal(sh(c, "touch $S/dirca.db && cp $S/ca.crt $S/before"), 0);
	assert_false(install(c, "sub.crt", "root.crt", clock_now(), &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_int_equal(sh(c, "cmp $S/ca.crt $S/before"), 0);
	config_free(&c);
}

static void
kra_store_keeps_adds_and_removes(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct test_cert ca = test_ca("CN=CA", "P-256"),
			 kra1 = test_kra(&ca, "CN=kra1", "P-256", 2),
			 kra2 = test_kra(&ca, "CN=kra2", "P-256", 3),
			 large = test_large_kra(&ca, 4);
	struct config *c = lab_config("kras", "Test, CA", "");
	struct buf *list;
	struct err err;
	struct texts skipped = {0};
	size_t count;
	char *hash;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_true(kra_store_list(c, &list, &count, &skipped, &err));
	assert_int_equal(count, 0);
	kra_store_free(&list, count);
	assert_true(kra_store_add(c, buf_view(&kra1.der), &err));
	assert_true(kra_store_add(c, buf_view(&kra2.der), &err));
	assert_false(kra_store_add(c, buf_view(&kra1.der), &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	assert_false(kra_store_add(c, buf_view(&ca.der), &err));
	assert_int_equal(err.code, CERT_E_WRONG_USAGE);
	assert_false(kra_store_add(c, view_str("no certificate"), &err));
	assert_false(kra_store_add(c, buf_view(&large.der), &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	assert_true(kra_store_list(c, &list, &count, &skipped, &err));
	assert_int_equal(count, 2);
	kra_store_free(&list, count);

	hash = hex_encode(view_of(kra1.cert.sha1, 20), ':');
	assert_true(kra_store_remove(c, hash, &err));
	assert_false(kra_store_remove(c, hash, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	assert_false(kra_store_remove(c, "../../etc/passwd", &err));
	assert_false(kra_store_remove(c, "00", &err));
	free(hash);
	assert_true(kra_store_list(c, &list, &count, &skipped, &err));
	assert_int_equal(count, 1);
	assert_true(view_eq(buf_view(&list[0]), buf_view(&kra2.der)));
	kra_store_free(&list, count);

	assert_int_equal(skipped.count, 0);
	test_cert_free(&ca);
	test_cert_free(&kra1);
	test_cert_free(&kra2);
	test_cert_free(&large);
	config_free(&c);
}

/* Nobody slips another KRA in by renaming, and one file that is damaged takes no other away. */
static void
what_is_no_certificate_of_the_kra_store_is_left_out_and_named(void **state)
{
	static const struct {
		const char *command, *why;
	} rows[] = {
	    {"cp $S/ca.crt $S/kra/0123456789012345678901234567890123456789.crt", "not the cert"},
	    {"echo damaged > $S/kra/0123456789012345678901234567890123456789.crt",
		"this is a text file, and a certificate is wanted"},
	    {"cp $S/ca.crt $S/kra/kra2.pem", "named otherwise"},
	    {"cp $S/large.crt $S/kra/0123456789012345678901234567890123456789.crt", "has at most"},
	    {"mkdir $S/kra/0123456789012345678901234567890123456789.crt", "not a regular file"},
	    {"ln -s nowhere $S/kra/0123456789012345678901234567890123456789.crt", "cannot open"},
	};
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct test_cert ca = test_ca("CN=CA", "P-256"),
			 kra1 = test_kra(&ca, "CN=kra1", "P-256", 2),
			 large = test_large_kra(&ca, 3);
	struct config *c = lab_config("damaged", "Test, CA", "");
	char *path = config_path(c, "large.crt");
	struct buf pem = {0};
	struct buf *list;
	struct err err;
	size_t count;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_true(kra_store_add(c, buf_view(&kra1.der), &err));
	assert_true(pem_append(&pem, "CERTIFICATE", buf_view(&large.der), &err));
	assert_true(file_replace(path, buf_view(&pem), 0644, &err));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct texts skipped = {0};

		assert_int_equal(sh(c, rows[i].command), 0);
		assert_true(kra_store_list(c, &list, &count, &skipped, &err));
		assert_int_equal(count, 1);
		assert_int_equal(skipped.count, 1);
		if (strstr(skipped.list[0], rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].why, skipped.list[0]);
		texts_free(&skipped);
		kra_store_free(&list, count);
		assert_int_equal(sh(c, "rm -rf $S/kra/kra2.pem $S/kra/0123456789*"), 0);
	}
	assert_int_equal(sh(c, "touch $S/kra/x.crt.new-0123"), 0);
	assert_true(kra_store_list(c, &list, &count, NULL, &err));
	kra_store_free(&list, count);
	free(path);
	buf_free(&pem);
	test_cert_free(&ca);
	test_cert_free(&kra1);
	test_cert_free(&large);
	config_free(&c);
}

/* That is no answer, and least of all that there is nobody. */
static void
kra_store_is_not_listed_without_descriptors(void **state)
{
	struct config *c = lab_config("descriptors", "Test, CA", "");
	struct rlimit usual, none;
	struct buf *list;
	struct err err;
	size_t count;

	(void)state;
	assert_int_equal(sh(c, "mkdir -p $S/kra"), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = usual;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(kra_store_list(c, &list, &count, NULL, &err));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(err.code, DIRCA_E_IO);
	config_free(&c);
}

static void
pem_with_damage_is_refused(void **state)
{
	struct test_cert ca = test_ca("CN=CA", "P-256");
	struct buf text = {0}, one, *list;
	struct err err;
	size_t count;

	(void)state;
	assert_true(pem_append(&text, "CERTIFICATE", buf_view(&ca.der), &err));
	assert_true(pem_certificate(buf_view(&text), &one, &err));
	assert_true(view_eq(buf_view(&one), buf_view(&ca.der)));
	buf_free(&one);
	assert_true(pem_append(&text, "CERTIFICATE", buf_view(&ca.der), &err));
	assert_true(pem_certificates(buf_view(&text), &list, &count, &err));
	assert_int_equal(count, 2);
	assert_true(view_eq(buf_view(&list[1]), buf_view(&ca.der)));
	pem_list_free(&list, count);
	assert_false(pem_certificate(buf_view(&text), &one, &err));
	assert_string_equal(err.msg, "2 certificates where one is expected");
	text.ptr[text.len - 40] = '!';
	assert_false(pem_certificates(buf_view(&text), &list, &count, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	assert_false(pem_certificates(view_str("nothing"), &list, &count, &err));
	assert_false(pem_certificates(view_of(NULL, 0), &list, &count, &err));
	buf_free(&text);
	test_cert_free(&ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(openssl_reads_root_and_tls_certificate),
	    cmocka_unit_test(second_init_does_not_overwrite_the_key),
	    cmocka_unit_test(init_finishes_what_it_began),
	    cmocka_unit_test(init_looks_users_up_before_the_first_file),
	    cmocka_unit_test(database_is_due_until_the_vault_runs),
	    cmocka_unit_test(certificate_without_validity_or_with_a_bad_name_makes_nothing),
	    cmocka_unit_test(subordinate_is_finished_by_its_parents_answer),
	    cmocka_unit_test(kra_store_keeps_adds_and_removes),
	    cmocka_unit_test(what_is_no_certificate_of_the_kra_store_is_left_out_and_named),
	    cmocka_unit_test(kra_store_is_not_listed_without_descriptors),
	    cmocka_unit_test(pem_with_damage_is_refused),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
