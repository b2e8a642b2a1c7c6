#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca_authority.h"
#include "clock.h"
#include "file.h"
#include "home_lab.h"
#include "init.h"
#include "journal.h"
#include "killed.h"
#include "oids.h"
#include "given.h"
#include "renew.h"
#include "text.h"

#define YEAR (INT64_C(365) * 86400)

/* ---- a CA ---- */

static struct config *
root_ca(const char *name)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = 10 * YEAR};
	struct config *c = lab_config(name, "Test", "");
	struct err err;

	if (!ca_init(c, &in, clock_now(), &err))
		fail_msg("%s", err.msg);
	return c;
}

static bool
renew(const struct config *c, bool new_key, struct err *err)
{
	const struct ca_renew in = {
	    .new_key = new_key, .key = CA_KEY_EC_P384, .validity = 10 * YEAR};
	enum ca_renewed out;

	return ca_renew(c, &in, clock_now(), &out, err);
}

static void
must_renew(const struct config *c, bool new_key)
{
	struct err err;

	if (!renew(c, new_key, &err))
		fail_msg("%s", err.msg);
}

/* As dircad's vault does at its start: the key of each certificate that signs. */
static void
assert_it_would_start(const struct config *c, size_t certificates)
{
	char *folder = config_path(c, "vault");
	struct ca_issuers all;
	struct err err;

	read_ca(c, &all);
	assert_int_equal(all.count, certificates);
	for (size_t i = 0; i < all.count; i++) {
		struct buf spki;
		EVP_PKEY *key;

		if (!ca_key_open(folder, CA_VERSION_KEY(all.list[i].version), NULL, &key, &err))
			fail_msg("%s", err.msg);
		assert_true(pkix_key_spki(key, &spki, &err));
		assert_true(view_eq(buf_view(&spki), all.list[i].cert.spki));
		EVP_PKEY_free(key);
		buf_free(&spki);
	}
	ca_issuers_free(&all);
	free(folder);
}

static void
versions_grow_with_certificates_and_keys(void **state)
{
	static const uint32_t versions[] = {
	    CA_VERSION(2, 3), CA_VERSION(1, 2), CA_VERSION(0, 1), CA_VERSION(0, 0)};
	struct config *c = root_ca("versions");
	struct ca_issuers all;

	(void)state;
	must_renew(c, false);
	must_renew(c, true);
	must_renew(c, true);
	assert_it_would_start(c, 4);
	read_ca(c, &all);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(all.list[i].version, versions[i]);
	assert_true(view_eq(all.list[2].cert.spki, all.list[3].cert.spki));
	assert_true(view_eq(all.list[0].cert.subject, all.list[3].cert.subject));
	ca_issuers_free(&all);
	assert_int_equal(sh(c, "openssl verify -x509_strict -CAfile $S/ca.crt $S/ca.crt"), 0);
	config_free(&c);
}

static void
keys_vouch_for_their_neighbours(void **state)
{
	struct config *c = root_ca("cross");
	struct ca_authority a;
	struct ca_crosses crosses;
	struct ca_issuers all;
	struct err err;

	(void)state;
	must_renew(c, true);
	must_renew(c, true);
	read_ca(c, &all);
	assert_true(ca_crosses_read(c, &all, &crosses, &err));
	assert_int_equal(crosses.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(pkix_cert_is_ca(&crosses.list[i].cert));
		assert_true(crosses.list[i].by != crosses.list[i].of);
		assert_true(crosses.list[i].cert.not_after <= crosses.list[i].by->cert.not_after);
		assert_true(crosses.list[i].cert.not_after <= crosses.list[i].of->cert.not_after);
	}
	assert_true(ca_authority_make(c, &all, &crosses, clock_now(), &a, &err));
	assert_int_equal(a.pki.certificate_count, 3);
	assert_int_equal(a.pki.pair_count, 2);
	ca_authority_free(&a);
	/* Eleven years on the certificates have ended. */
	assert_true(ca_authority_make(c, &all, &crosses, clock_now() + 11 * YEAR, &a, &err));
	assert_int_equal(a.pki.certificate_count, 0);
	ca_authority_free(&a);
	ca_crosses_free(&crosses);
	/* One of them that names no key of the CA any more. */
	ca_issuers_free(&all);
	assert_int_equal(
	    sh(c, "cp $S/ca.crt $D/all && awk '/BEGIN/ { n++ } n > 1' $D/all >$S/ca.crt"), 0);
	read_ca(c, &all);
	assert_true(ca_crosses_read(c, &all, &crosses, &err));
	assert_int_equal(crosses.count, 2);
	ca_crosses_free(&crosses);
	ca_issuers_free(&all);
	config_free(&c);
}

static void
nothing_is_renewed_beside_a_vault(void **state)
{
	struct config *c = root_ca("running");
	char *folder = config_path(c, "vault");
	struct journal journal;
	struct err err;

	(void)state;
	assert_true(journal_open(&journal, folder, clock_now(), 0, &err));
	assert_false(renew(c, true, &err));
	assert_int_equal(err.code, DIRCA_E_JOURNAL);
	assert_int_not_equal(sh(c, "test -e $S/vault/ca-1.key"), 0);
	journal_close(&journal);
	must_renew(c, true);
	free(folder);
	config_free(&c);
}

/* ---- killed ---- */

struct act {
	bool (*run)(const struct config *c, struct err *err);
	size_t before, after; /* certificates of the CA */
	const char *prepare;  /* shell, in a copy of the state folder; NULL: nothing */
};

static bool
with_new_key(const struct config *c, struct err *err)
{
	return renew(c, true, err);
}

static bool
with_same_key(const struct config *c, struct err *err)
{
	return renew(c, false, err);
}

static size_t
certificates_of(const struct config *c)
{
	struct ca_issuers all;
	size_t count;

	read_ca(c, &all);
	count = all.count;
	ca_issuers_free(&all);
	return count;
}

/* The CA could start wherever it was killed, and the same command comes to the end. */
static void
kill_at_each_step(const struct config *c, const struct act *a)
{
	struct err err;
	bool done = false;

	assert_int_equal(sh(c, "rm -rf $D/kept && cp -a $S $D/kept"), 0);
	for (int at = 1; !done; at++) {
		assert_true(at < 50);
		assert_int_equal(sh(c, "rm -rf $S && cp -a $D/kept $S"), 0);
		done = killed_run(a->run, c, at);
		if (certificates_of(c) == a->before) {
			assert_it_would_start(c, a->before);
			if (!a->run(c, &err))
				fail_msg("killed at %d: %s", at, err.msg);
		}
		assert_it_would_start(c, a->after);
	}
}

static void
a_renewal_may_be_killed_anywhere(void **state)
{
	const struct act new_key = {.run = with_new_key, .before = 1, .after = 2};
	const struct act same_key = {.run = with_same_key, .before = 1, .after = 2};
	struct config *c = root_ca("killed");
	struct ca_crosses crosses;
	struct ca_issuers all;
	struct err err;

	(void)state;
	kill_at_each_step(c, &same_key);
	assert_int_equal(sh(c, "rm -rf $S && cp -a $D/kept $S"), 0);
	kill_at_each_step(c, &new_key);
	read_ca(c, &all);
	assert_true(ca_crosses_read(c, &all, &crosses, &err));
	assert_int_equal(crosses.count, 2);
	ca_crosses_free(&crosses);
	ca_issuers_free(&all);
	config_free(&c);
}

/* The key of an earlier try is taken up, but not instead of another kind. */
static void
a_key_of_another_kind_is_no_earlier_try(void **state)
{
	const struct act new_key = {.run = with_new_key, .before = 1, .after = 2};
	struct ca_renew other = {.new_key = true, .key = CA_KEY_EC_P256, .validity = YEAR};
	struct config *c = root_ca("kinds");
	enum ca_renewed out;
	struct err err;
	int at = 1;

	(void)state;
	while (sh(c, "test -e $S/vault/ca-1.key") != 0)
		assert_false(killed_run(new_key.run, c, at++));
	for (enum ca_key_kind k = CA_KEY_RSA_2048; k < CA_KEY_EC_P384; k++) {
		other.key = k;
		assert_false(ca_renew(c, &other, clock_now(), &out, &err));
		assert_int_equal(err.code, ERROR_FILE_EXISTS);
	}
	assert_int_equal(certificates_of(c), 1);
	must_renew(c, true);
	assert_it_would_start(c, 2);
	config_free(&c);
}

/* ---- with a parent ---- */

static const char make_parent[] =
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout $D/root.key -out $D/root.crt -days 30 -subj "
    "/CN=Root -addext keyUsage=critical,keyCertSign,cRLSign && openssl x509 -req -in $S/ca.csr "
    "-CA $D/root.crt -CAkey $D/root.key -days 20 -copy_extensions copy -out $S/sub.crt";
static const char answer[] = "openssl x509 -req -in $S/ca.csr -CA $D/root.crt -CAkey $D/root.key "
			     "-days 20 -copy_extensions copy -out $S/answer.crt";
static const char bare_answer[] =
    "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n' >$D/ext "
    "&& openssl x509 -req -in $S/ca.csr -CA $D/root.crt -CAkey $D/root.key -days 20 -extfile "
    "$D/ext -out $S/bare.crt";

/* A file of the state folder is the certificate, one of the folder of all the chain; NULL: none. */
static bool
install(const struct config *c, const char *file, const char *chain, struct err *err)
{
	char *path = config_path(c, file),
	     *chain_path = text_printf("%s/%s", lab_dir, chain != NULL ? chain : "");
	struct pem_certs parents = {0};
	struct buf text;
	struct view *views;
	bool ok;

	assert_true(file_read(path, 65536, &text, err));
	if (chain != NULL)
		assert_true(given_certificates(chain_path, &parents, err));
	views = buf_views(parents.list, parents.count);
	ok = ca_renew_install(c, buf_view(&text), views, parents.count, NULL, clock_now(), err);
	pem_certs_free(&parents);
	buf_free(&text);
	free(views);
	free(path);
	free(chain_path);
	return ok;
}

static bool
install_answer(const struct config *c, struct err *err)
{
	return install(c, "answer.crt", NULL, err);
}

static void
a_parent_answers_the_request_that_is_kept(void **state)
{
	const struct ca_init in = {
	    .key = CA_KEY_EC_P256, .subordinate = true, .subject_dn = "CN=Sub,O=Example"};
	const struct act installing = {.run = install_answer, .before = 1, .after = 2};
	struct config *c = lab_config("sub", "Test", "");
	struct buf pem = {0}, root = {0};
	char *root_path = text_printf("%s/root.crt", lab_dir),
	     *sub_path = config_path(c, "sub.crt");
	struct view chain;
	struct err err;

	(void)state;
	assert_true(ca_init(c, &in, clock_now(), &err));
	assert_int_equal(sh(c, make_parent), 0);
	assert_true(file_read(sub_path, 65536, &pem, &err));
	assert_true(file_read(root_path, 65536, &root, &err));
	chain = buf_view(&root);
	assert_true(ca_init_install(c, buf_view(&pem), &chain, 1, NULL, clock_now(), &err));
	assert_int_equal(unlink(sub_path), 0);
	/* ca.csr is that of ca init still, for the key but not for the version. */
	must_renew(c, true);
	assert_int_equal(sh(c, "openssl req -in $S/ca.csr -noout -verify"), 0);
	assert_it_would_start(c, 1);
	assert_int_equal(sh(c, answer), 0);
	assert_int_equal(sh(c, bare_answer), 0);

	assert_false(install(c, "bare.crt", NULL, &err)); /* the parent left the version out */
	assert_int_equal(err.code, CERTSRV_E_INVALID_CA_CERTIFICATE);
	assert_non_null(strstr(err.msg, "1.3.6.1.4.1.311.21.1"));
	assert_int_equal(
	    sh(c, "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out $D/other.crt "
		  "-subj /CN=Root -addext keyUsage=critical,keyCertSign,cRLSign"),
	    0);
	assert_false(install(c, "answer.crt", "other.crt", &err));
	assert_int_equal(err.code, CERT_E_ISSUERCHAINING);
	assert_int_equal(certificates_of(c), 1);
	kill_at_each_step(c, &installing);
	assert_int_not_equal(sh(c, "test -e $S/ca.csr"), 0);
	assert_int_equal(sh(c, "openssl verify -CAfile $S/trust/chain.pem $S/ca.crt"), 0);
	assert_false(install(c, "bare.crt", NULL, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	buf_free(&pem);
	buf_free(&root);
	free(root_path);
	free(sub_path);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(versions_grow_with_certificates_and_keys),
	    cmocka_unit_test(keys_vouch_for_their_neighbours),
	    cmocka_unit_test(nothing_is_renewed_beside_a_vault),
	    cmocka_unit_test(a_renewal_may_be_killed_anywhere),
	    cmocka_unit_test(a_key_of_another_kind_is_no_earlier_try),
	    cmocka_unit_test(a_parent_answers_the_request_that_is_kept),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
