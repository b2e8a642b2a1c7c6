/* A CA that was elsewhere is taken over: which are, which are not, and wherever a run may end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adopt.h"
#include "ca_authority.h"
#include "ca_issuers.h"
#include "ca_key.h"
#include "clock.h"
#include "file.h"
#include "home_lab.h"
#include "init.h"
#include "killed.h"
#include "mem.h"
#include "own.h"
#include "given.h"
#include "pkcs8.h"
#include "renew.h"
#include "text.h"

#define YEAR (INT64_C(365) * 86400)

/* Runs a shell command in the folder of all. */
static int
run(const char *what)
{
	char *command = text_printf("cd %s && { %s; } >out 2>&1", lab_dir, what);
	int status = system(command);

	free(command);
	return status;
}

/* ---- CAs of openssl ----
 * make NAME KIND VERSION(DER) MORE...: NAME.key, NAME.crt; a sub CA with PARENT set. */
static const char make_script[] =
    "make() { n=$1 kind=$2 version=$3; shift 3;"
    " case $kind in rsa*) openssl genrsa -out $n.key ${kind#rsa};;"
    " *) openssl ecparam -name $kind -genkey -noout -out $n.key;; esac;"
    " printf '[req]\\ndistinguished_name=d\\n[d]\\n[x]\\n%s\\nkeyUsage=critical,keyCertSign,"
    "cRLSign\\nsubjectKeyIdentifier=hash\\n1.3.6.1.4.1.311.21.1=DER:%s\\n'"
    " \"${CONSTRAINTS:-basicConstraints=critical,CA:TRUE}\" $version >$n.cnf;"
    " openssl req -new -key $n.key -subj \"${SUBJECT:-/DC=com/DC=nwtraders/CN=Old CA}\""
    " -config $n.cnf -out $n.csr;"
    " openssl x509 -req -in $n.csr -extfile $n.cnf -extensions x -out $n.crt"
    " ${PARENT:--signkey $n.key} \"$@\"; }; ";

static void
make(const char *what)
{
	char *command = text_printf("%s%s", make_script, what);

	if (run(command) != 0)
		fail_msg("%s: %s/out", what, lab_dir);
	free(command);
}

static void
add_key(struct pfx_content *to, const char *name)
{
	char *path = text_printf("%s/%s", lab_dir, name);
	struct secret pem;
	EVP_PKEY *key;
	struct err err;

	assert_true(file_read_secret(path, 65536, &pem, &err));
	if (!pkcs8_decode(&pem, NULL, &key, &err) ||
	    !pfx_add_key(to, key, (struct view){0}, NULL, &err))
		fail_msg("%s", err.msg);
	EVP_PKEY_free(key);
	secret_free(&pem);
	free(path);
}

static void
add_certificates(struct pfx_content *to, const char *name)
{
	char *path = text_printf("%s/%s", lab_dir, name);
	struct pem_certs certs;
	struct err err;

	if (!given_certificates(path, &certs, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < certs.count; i++)
		if (!pfx_add_certificate(to, buf_view(&certs.list[i]), NULL, &err))
			fail_msg("%s", err.msg);
	pem_certs_free(&certs);
	free(path);
}

/* What the files of these names hold, in blanks; keys end in ".key". */
static struct pfx_content
content_of(const char *names)
{
	struct pfx_content content = {0};
	char *copy = mem_text(names), *rest = copy, *name;

	while ((name = strtok_r(rest, " ", &rest)) != NULL) {
		size_t n = strlen(name);

		if (n > 4 && strcmp(name + n - 4, ".key") == 0)
			add_key(&content, name);
		else
			add_certificates(&content, name);
	}
	free(copy);
	return content;
}

static bool
adopt(const struct config *c, const char *names, int64_t now, struct err *err)
{
	struct pfx_content content = content_of(names);
	const struct ca_adopt in = {.from = &content, .crl_number = 57};
	bool ok = ca_adopt(c, &in, now, err);

	pfx_content_free(&content);
	return ok;
}

static void
must_adopt(const struct config *c, const char *names)
{
	struct err err;

	if (!adopt(c, names, clock_now(), &err))
		fail_msg("%s: %s", names, err.msg);
}

static bool
has_key(const struct config *c, const struct ca_issuer *issuer)
{
	char *folder = config_path(c, "vault");
	EVP_PKEY *key;
	struct err err;
	bool yes = ca_key_open(folder, CA_VERSION_KEY(issuer->version), NULL, &key, &err) &&
		   EVP_PKEY_eq(key, issuer->key) == 1;

	EVP_PKEY_free(key);
	free(folder);
	return yes;
}

/* ---- */

static void
its_version_names_its_key(void **state)
{
	struct config *c = lab_config("v21", "Old CA", "");
	struct ca_adopted mark;
	struct ca_issuers all;
	struct err err;

	(void)state;
	make("make v21 prime256v1 0203010002 -days 100");
	must_adopt(c, "v21.key v21.crt");
	read_ca(c, &all);
	assert_int_equal(all.count, 1);
	assert_int_equal(all.list[0].version, CA_VERSION(1, 2));
	assert_true(has_key(c, &all.list[0]));
	assert_true(exists(c, "vault/ca-1.key"));
	assert_false(exists(c, "vault/ca.key"));
	assert_int_equal(run("openssl verify -CAfile v21.crt v21/tls.crt "), 0);
	assert_true(ca_adopted_read(c, &mark, &err));
	assert_int_equal(mark.crl_number, 57);
	ca_issuers_free(&all);
	config_free(&c);
}

/* With its own programs, renewed with the same key and with a new one, and what the two keys say of
 * each other. */
static void
every_key_and_certificate_of_a_renewed_ca_comes(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = 10 * YEAR};
	struct ca_renew again = {.key = CA_KEY_RSA_2048, .validity = 10 * YEAR};
	struct config *from = lab_config("from", "Old CA", ""),
		      *to = lab_config("to", "Old CA", "");
	struct ca_crosses crosses;
	struct ca_issuers all;
	enum ca_renewed out;
	struct err err;

	(void)state;
	assert_true(ca_init(from, &in, clock_now(), &err));
	assert_true(ca_renew(from, &again, clock_now(), &out, &err));
	again.new_key = true;
	assert_true(ca_renew(from, &again, clock_now(), &out, &err));
	assert_int_equal(
	    run("cat from/cross.crt from/ca.crt >all.crt; cp from/vault/ca.key old.key; cp "
		"from/vault/ca-1.key new.key"),
	    0);
	must_adopt(to, "old.key all.crt new.key");
	read_ca(to, &all);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.list[0].version, CA_VERSION(1, 2));
	for (size_t i = 0; i < 3; i++)
		assert_true(has_key(to, &all.list[i]));
	assert_int_equal(run("cmp from/ca.crt to/ca.crt "), 0);
	assert_true(ca_crosses_read(to, &all, &crosses, &err));
	assert_int_equal(crosses.count, 2);
	ca_crosses_free(&crosses);
	ca_issuers_free(&all);
	/* The old key still signs a CRL. */
	assert_int_equal(run("rm -rf to "), 0);
	assert_false(adopt(to, "new.key all.crt", clock_now(), &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	assert_non_null(strstr(err.msg, "CA version 1.0"));
	config_free(&from);
	config_free(&to);
}

static void
what_is_no_ca_that_could_go_on_leaves_nothing(void **state)
{
	static const struct {
		const char *make, *files, *name;
		enum err_code code;
		const char *says;
		int64_t later;
	} rows[] = {
	    {"make good rsa2048 020100 -days 100; make other prime256v1 020100 -days 100",
		"other.key good.crt", "Old CA", DIRCA_E_KEY_MISMATCH, "none of them belong", 0},
	    {":", "good.key good.crt", "Another CA", DIRCA_E_CONFIG, "ca_name = Old CA", 0},
	    {":", "good.key good.crt", "Old CA", CERT_E_EXPIRED, "not valid now", 2 * YEAR},
	    {":", "good.key", "Old CA", DIRCA_E_KEY_MISMATCH, "0 certificates", 0},
	    {":", "good.crt", "Old CA", DIRCA_E_KEY_MISMATCH, "0 private keys", 0},
	    {":", "good.key good.crt other.key other.crt", "Old CA",
		CERTSRV_E_INVALID_CA_CERTIFICATE, "comes before", 0},
	    {"SUBJECT=/CN=Third make third prime256v1 020100 -days 100",
		"good.key good.crt third.key third.crt", "Old CA", CERTSRV_E_INVALID_CA_CERTIFICATE,
		"different names", 0},
	    {"CONSTRAINTS=basicConstraints=critical,CA:FALSE make leaf prime256v1 020100 -days 100",
		"leaf.key leaf.crt", "Old CA", CERTSRV_E_INVALID_CA_CERTIFICATE,
		"no CA certificate", 0},
	    {"make short rsa1024 020100 -days 100", "short.key short.crt", "Old CA", NTE_BAD_ALGID,
		"1024 bits", 0},
	    {"SUBJECT=/O=Nobody make unnamed prime256v1 020100 -days 100",
		"unnamed.key unnamed.crt", "Old CA", CERTSRV_E_INVALID_CA_CERTIFICATE,
		"common name", 0},
	    {"SUBJECT=/CN=Root CONSTRAINTS=basicConstraints=critical,CA:TRUE,pathlen:0 make root "
	     "prime256v1 020100 -days 100; PARENT='-CA root.crt -CAkey root.key' make sub "
	     "prime256v1 "
	     "020100 -days 50",
		"sub.key sub.crt root.crt", "Old CA", CERT_E_ISSUERCHAINING, "path length", 0},
	    {":", "sub.key sub.crt", "Old CA", CERT_E_ISSUERCHAINING, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct config *c = lab_config("none", rows[i].name, "");
		struct err err;

		make(rows[i].make);
		if (adopt(c, rows[i].files, clock_now() + rows[i].later, &err))
			fail_msg("%s was taken", rows[i].files);
		if (err.code != rows[i].code || strstr(err.msg, rows[i].says) == NULL)
			fail_msg("%zu: %s: %s", i, rows[i].files, err.msg);
		assert_int_not_equal(access(c->state_dir, F_OK), 0);
		config_free(&c);
	}
}

static void
a_subordinate_brings_its_parents(void **state)
{
	struct config *c = lab_config("below", "Old CA", "");

	(void)state;
	make("SUBJECT=/CN=Root CONSTRAINTS=basicConstraints=critical,CA:TRUE,pathlen:1 make top "
	     "prime256v1 020100 -days 100; PARENT='-CA top.crt -CAkey top.key' make below "
	     "prime256v1 "
	     "020100 -days 50");
	must_adopt(c, "below.key below.crt top.crt");
	assert_int_equal(run("cmp top.crt below/trust/chain.pem && openssl verify -CAfile top.crt "
			     "-untrusted below.crt below/tls.crt "),
	    0);
	config_free(&c);
}

/* What a root says of itself nobody relies on; what it says of others is relied on. */
static void
a_root_signed_with_sha1_is_taken_and_nothing_else_is(void **state)
{
	static const char top[] =
	    "SUBJECT=/CN=Root make top rsa2048 020100 -days 100 -sha1; PARENT='-CA top.crt -CAkey "
	    "top.key' make below rsa2048 020100 -days 50";
	OWNED(own_memory) char *weak = text_printf("%s -sha1", top);
	struct config *root = lab_config("sha1-root", "Old CA", ""),
		      *good = lab_config("sha1-top", "Old CA", ""),
		      *bad = lab_config("sha1-below", "Old CA", "");
	struct err err;

	(void)state;
	make("make root1 rsa2048 020100 -days 100 -sha1");
	assert_int_equal(run("openssl x509 -in root1.crt -noout -text | grep sha1With"), 0);
	must_adopt(root, "root1.key root1.crt");
	make(top);
	must_adopt(good, "below.key below.crt top.crt");
	make(weak);
	assert_false(adopt(bad, "below.key below.crt top.crt", clock_now(), &err));
	assert_int_equal(err.code, NTE_BAD_ALGID);
	assert_non_null(strstr(err.msg, "certificate 1 of the chain"));
	config_free(&root);
	config_free(&good);
	config_free(&bad);
}

static size_t
crosses_of(const char *folder, const char *digest)
{
	OWNED(own_memory)
	char *command = text_printf(
	    "make k0 rsa2048 020100 -days 100; make k1 rsa2048 0203010001 -days 100; openssl x509 "
	    "-req -in k1.csr -CA k0.crt -CAkey k0.key -extfile k1.cnf -extensions x %s -out "
	    "01.crt; "
	    "openssl x509 -req -in k0.csr -CA k1.crt -CAkey k1.key -extfile k0.cnf -extensions x "
	    "%s "
	    "-out 10.crt",
	    digest, digest);
	struct config *c = lab_config(folder, "Old CA", "");
	struct ca_crosses crosses;
	struct ca_issuers all;
	struct err err;
	size_t count;

	make(command);
	must_adopt(c, "k0.key k1.key k0.crt k1.crt 01.crt 10.crt");
	read_ca(c, &all);
	assert_int_equal(all.count, 2);
	assert_true(ca_crosses_read(c, &all, &crosses, &err));
	count = crosses.count;
	ca_crosses_free(&crosses);
	ca_issuers_free(&all);
	config_free(&c);
	return count;
}

static void
cross_certificates_with_sha1_are_not_published(void **state)
{
	(void)state;
	assert_int_equal(crosses_of("cross256", "-sha256"), 2);
	assert_int_equal(crosses_of("cross1", "-sha1"), 0);
}

/* ---- CRL numbers ---- */

static const char make_crls[] =
    "make crls prime256v1 020100 -days 100; make stranger prime256v1 020100 -days 100; "
    "printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=index\\ncrlnumber=number\\ndefault_md=sha256\\n"
    "default_crl_days=7\\ncrl_extensions=e\\n[e]\\n' >ca.cnf; : >index; echo 1000 >number; "
    "openssl ca -config ca.cnf -gencrl -keyfile crls.key -cert crls.crt -out a.crl; "
    "printf 'R\\t301130120000Z\\t251130120000Z%s\\t%s\\tunknown\\t/CN=u%s\\n' '' 0A 1 "
    "',certificateHold' 0B 2 ',keyCompromise' 0C 3 >index; "
    "openssl ca -config ca.cnf -gencrl -keyfile crls.key -cert crls.crt -out b.crl; "
    "openssl ca -config ca.cnf -gencrl -keyfile stranger.key -cert stranger.crt -out x.crl";

static char serials[64];

static bool
take_serial(void *arg, const char *serial, bool held, struct err *err)
{
	size_t len = strlen(serials);

	(void)arg;
	(void)err;
	snprintf(serials + len, sizeof serials - len, "%s%s ", serial, held ? "+" : "");
	return true;
}

static struct buf
crl_of(const char *name)
{
	char *path = text_printf("%s/%s", lab_dir, name);
	struct buf text, der;
	struct err err;

	assert_true(file_read(path, 65536, &text, &err));
	assert_true(pem_crl(buf_view(&text), &der, &err));
	buf_free(&text);
	free(path);
	return der;
}

static void
the_newest_crl_is_remembered(void **state)
{
	struct config *c = lab_config("numbers", "Old CA", "");
	struct buf crls[3];
	struct view views[3];
	struct pfx_content content;
	struct ca_adopt in = {.from = &content, .crls = views, .crl_count = 3, .crl_number = 9};
	struct ca_adopted mark;
	struct err err;

	(void)state;
	make(make_crls);
	content = content_of("crls.key crls.crt");
	crls[0] = crl_of("b.crl");
	crls[1] = crl_of("a.crl");
	crls[2] = crl_of("x.crl");
	for (size_t i = 0; i < 3; i++)
		views[i] = buf_view(&crls[i]);
	assert_false(ca_adopt(c, &in, clock_now(), &err));
	assert_int_equal(err.code, NTE_BAD_SIGNATURE);
	assert_int_not_equal(access(c->state_dir, F_OK), 0);
	in.crl_count = 2;
	if (!ca_adopt(c, &in, clock_now(), &err))
		fail_msg("%s", err.msg);
	assert_true(ca_adopted_read(c, &mark, &err));
	assert_int_equal(mark.crl_number, 0x1001);
	assert_int_equal(mark.revoked, 3);
	assert_true(ca_adopted_revoked(c, take_serial, NULL, &err));
	assert_string_equal(serials, "0a 0b+ 0c ");
	for (size_t i = 0; i < 3; i++)
		buf_free(&crls[i]);
	pfx_content_free(&content);
	config_free(&c);
}

/* ---- more than once ---- */

static bool
adopt_killed(const struct config *c, struct err *err)
{
	return adopt(c, "again.key again.crt", clock_now(), err);
}

static void
it_may_be_killed_anywhere_and_repeated(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	struct config *c = lab_config("again", "Old CA", "");
	struct err err;
	bool done = false;

	(void)state;
	make("make again prime256v1 0203010002 -days 100; make foreign prime256v1 0203010002 -days "
	     "100");
	for (int at = 1; !done; at++) {
		assert_true(at < 50);
		assert_int_equal(run("rm -rf again"), 0);
		done = killed_run(adopt_killed, c, at);
		/* Its key gets no other certificate, and no other CA its place. */
		if (exists(c, "trust/adopted")) {
			assert_false(ca_init(c, &in, clock_now(), &err));
			assert_int_equal(err.code, ERROR_FILE_EXISTS);
		}
		if (exists(c, "vault/ca-1.key")) {
			assert_false(adopt(c, "foreign.key foreign.crt", clock_now(), &err));
			assert_int_equal(err.code, ERROR_FILE_EXISTS);
		}
		if (!adopt_killed(c, &err))
			fail_msg("killed at %d: %s", at, err.msg);
		assert_int_equal(
		    run("cmp again.crt again/ca.crt && openssl verify -CAfile again.crt "
			"again/tls.crt "),
		    0);
	}
	assert_int_equal(run("touch again/dirca.db"), 0);
	assert_false(adopt_killed(c, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(its_version_names_its_key),
	    cmocka_unit_test(every_key_and_certificate_of_a_renewed_ca_comes),
	    cmocka_unit_test(what_is_no_ca_that_could_go_on_leaves_nothing),
	    cmocka_unit_test(a_subordinate_brings_its_parents),
	    cmocka_unit_test(a_root_signed_with_sha1_is_taken_and_nothing_else_is),
	    cmocka_unit_test(cross_certificates_with_sha1_are_not_published),
	    cmocka_unit_test(the_newest_crl_is_remembered),
	    cmocka_unit_test(it_may_be_killed_anywhere_and_repeated),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
