/* The key and the certificate by which a client signs in, and the key that waits for a certificate:
 * of whatever kind the files are, and another kind told by its name. */
#include "../messages/messages_support.h"

#include "client_key.h"
#include "own_certificate.h"
#include "own_openssl.h"
#include "pkix.h"

static char dir[64];

static const char make[] =
    "set -e; exec 2>err; umask 077; printf 'right\\n' >pw; printf '\\n' >none; "
    "printf 'Gr\\303\\274n\\n' >umlaut; "
    "for n in one two; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-keyout $n.key -out $n.pem -days 9 -subj /CN=$n; done; E='openssl pkcs12 -export -in one.pem "
    "-inkey one.key'; $E -passout file:pw -out pfx; $E -passout file:umlaut -out umlaut.pfx; "
    "$E -passout pass: -out empty.pfx; $E -passout file:pw -nomac -out nomac.pfx; "
    "$E -passout file:pw -legacy -out legacy.pfx; base64 pfx >base64; "
    "openssl pkcs12 -export -nocerts -inkey one.key -passout file:pw -out key.pfx; "
    "openssl pkcs12 -export -nokeys -in one.pem -passout file:pw -out certificate.pfx; "
    "cat one.key one.pem >pair.pem; (printf '\\377\\376'; iconv -t UTF-16LE pair.pem) >pair.utf16; "
    "openssl x509 -in one.pem -outform DER -out one.der; openssl pkcs8 -topk8 -in one.key -outform "
    "DER -nocrypt -out key.der; openssl pkcs8 -topk8 -in one.key -passout file:pw -out sealed.pem; "
    "openssl ec -in one.key -aes128 -passout file:pw -out old.pem; openssl req -new -key one.key "
    "-subj /CN=one -out request; echo hello >text; : >empty; mkdir folder; mkfifo fifo; "
    "head -c 200 pfx >cut; (cat pfx; echo) >trailing.pfx; truncate -s 2G large";

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (!secret_heap_init(1 << 20, true, &err) || !oids_init(&err))
		return -1;
	support_temp_dir(dir);
	return chdir(dir) == 0 ? support_run(dir, make) : -1;
}

static int
teardown(void **state)
{
	(void)state;
	support_remove(dir);
	return 0;
}

static void
who_signs_in_is_read_however_the_files_were_written(void **state)
{
	static const char *const rows[][3] = {
	    {"pfx", NULL, "pw"},
	    {"umlaut.pfx", NULL, "umlaut"},
	    {"empty.pfx", NULL, "none"},
	    {"legacy.pfx", NULL, "pw"},
	    {"base64", NULL, "pw"},
	    {"pair.pem", NULL, "none"},
	    {"pair.utf16", NULL, "none"},
	    {"one.pem", "one.key", "none"},
	    {"one.der", "key.der", "none"},
	    {"one.der", "sealed.pem", "pw"},
	    {"one.pem", "old.pem", "pw"},
	    {"one.pem", "key.pfx", "pw"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct own_certificate c;
		struct err err;

		if (!own_certificate_read(rows[i][0], rows[i][1], rows[i][2], &c, &err))
			fail_msg("%s: %s", rows[i][0], err.msg);
		assert_non_null(c.key);
		assert_true(c.certificate.len > 0);
		own_certificate_free(&c);
	}
}

static void
another_file_is_told_by_its_name(void **state)
{
	static const char *const rows[][3] = {
	    {"umlaut.pfx", NULL, "umlaut.pfx: PFX: the password is wrong, or the file is damaged"},
	    {"nomac.pfx", NULL, "nomac.pfx: PFX: it has no MAC"},
	    {"key.pfx", NULL, "key.pfx is a key without its certificate"},
	    {"certificate.pfx", NULL, "certificate.pfx is a certificate without its key"},
	    {"one.pem", NULL, "one.pem is a certificate without its key"},
	    {"request", NULL,
		"request: this is a certificate request (PKCS#10), and a private key"},
	    {"text", NULL, "text: this is a text file, and a private key with its certificate is"},
	    {"empty", NULL, "empty: this is an empty file, and"},
	    {"cut", NULL, "cut: this is damaged, cut off"},
	    {"trailing.pfx", NULL,
		"trailing.pfx: PFX: it is not one, or bytes are missing or left"},
	    {"folder", NULL, "folder: a folder, not a regular file"},
	    {"fifo", NULL, "fifo: not a regular file"},
	    {"large", NULL, "large: larger than"},
	    {"one.pem", "two.key", "two.key: the private key does not belong to the certificate "},
	    {"one.pem", "request", "request: this is a certificate request (PKCS#10), and a"},
	    {"one.key", "one.key", "one.key: this is a private key, and a certificate is wanted"},
	    {"pfx", "one.key", "pfx: this is a PKCS#12, and a certificate is wanted"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct own_certificate c;
		struct err err;

		if (own_certificate_read(rows[i][0], rows[i][1], "pw", &c, &err))
			fail_msg("%s: taken", rows[i][0]);
		if (strncmp(err.msg, rows[i][2], strlen(rows[i][2])) != 0)
			fail_msg("%s: %s", rows[i][0], err.msg);
	}
}

static void
a_kept_key_is_read_however_it_was_written(void **state)
{
	static const struct {
		const char *file, *refused; /* NULL: it is read */
	} rows[] = {
	    {"one.key", NULL},
	    {"key.der", NULL},
	    {"sealed.pem", NULL},
	    {"old.pem", NULL},
	    {"pfx", NULL},
	    {"key.pfx", NULL},
	    {"pair.utf16", NULL},
	    {"umlaut.pfx", "umlaut.pfx: PFX: "},
	    {"one.pem", "one.pem: this is a certificate, and a private key is wanted"},
	    {"request", "request: this is a certificate request (PKCS#10), and a private key is"},
	    {"text", "text: this is a text file, and a private key is wanted"},
	    {"empty", "empty: this is an empty file, and a private key is wanted"},
	    {"folder", "folder: a folder, not a regular file"},
	};
	struct secret password = {0};
	struct err err;

	(void)state;
	must(secret_dup(view_str("right"), &password, &err));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		EVP_PKEY *key;
		bool read = client_key_load(rows[i].file, &password, &key, &err);

		if (read != (rows[i].refused == NULL) ||
		    (!read && strncmp(err.msg, rows[i].refused, strlen(rows[i].refused)) != 0))
			fail_msg("%s: %s", rows[i].file, read ? "taken" : err.msg);
		EVP_PKEY_free(key);
	}
	secret_free(&password);
}

/* What enroll removes once it is of no use is what it wrote. */
static void
only_a_key_that_was_saved_is_taken_up(void **state)
{
	static const char *const others[] = {
	    "one.key", "sealed.pem", "old.pem", "pfx", "pair.pem", "key.der", "empty"};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(own_pkey) EVP_PKEY *again = NULL;
	struct secret password = {0};
	struct err err;

	(void)state;
	must(secret_dup(view_str("right"), &password, &err));
	must(client_key_generate("P-256", 0, &key, &err));
	must(client_key_save("kept.key", key, &password, &err));
	assert_true(client_key_was_saved("kept.key", &err));
	must(client_key_load("kept.key", &password, &again, &err));
	assert_true(pkix_same_key(key, again));
	secret_free(&password);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_false(client_key_was_saved(others[i], &err));
		assert_int_equal(err.code, ERROR_FILE_EXISTS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_signs_in_is_read_however_the_files_were_written),
	    cmocka_unit_test(another_file_is_told_by_its_name),
	    cmocka_unit_test(a_kept_key_is_read_however_it_was_written),
	    cmocka_unit_test(only_a_key_that_was_saved_is_taken_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
