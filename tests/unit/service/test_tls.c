/* The files of the service's TLS, as root or a public CA's mail wrote them: the certificate is that
 * of the key, wherever it stands, and what is of another kind is told by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../support/home_lab.h"
#include "own.h"
#include "text.h"
#include "tls.h"

/* root -> sub -> leaf; other is another key. */
static const char make[] =
    "set -e; exec 2>err; A='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9'; "
    "openssl req -x509 $A -keyout root.key -out root.pem -subj /CN=root; "
    "openssl req -new $A -keyout sub.key -out sub.csr -subj /CN=sub; "
    "openssl x509 -req -in sub.csr -CA root.pem -CAkey root.key -set_serial 2 -days 9 -out "
    "sub.pem; "
    "openssl req -new $A -keyout leaf.key -out leaf.csr -subj /CN=leaf; "
    "openssl x509 -req -in leaf.csr -CA sub.pem -CAkey sub.key -set_serial 3 -days 9 -out "
    "leaf.pem; "
    "openssl req -x509 $A -keyout other.key -out other.pem -subj /CN=other; "
    "cat leaf.pem sub.pem >chain.pem; cat root.pem sub.pem leaf.pem >upside.pem; "
    "openssl x509 -in leaf.pem -outform DER -out der; base64 der >base64; "
    "(printf '\\377\\376'; iconv -t UTF-16LE chain.pem) >utf16; "
    "openssl crl2pkcs7 -nocrl -certfile upside.pem -outform DER -out p7b; "
    "openssl pkey -in leaf.key -outform DER -out key.der; base64 key.der >key.base64; "
    "(printf '\\357\\273\\277'; sed 's/$/\\r/' leaf.key) >key.bom; "
    "openssl ec -in leaf.key -out key.old; cat leaf.pem leaf.key >both; "
    "openssl pkcs12 -export -inkey leaf.key -in leaf.pem -passout pass: -out key.pfx; "
    "openssl pkcs12 -export -inkey leaf.key -in leaf.pem -passout pass:x -out sealed.pfx; "
    "openssl pkcs8 -topk8 -in leaf.key -passout pass:x -out sealed.key; "
    "head -c 100 key.der >cut.key; head -c 200 der >cut; : >empty; echo hello >text; "
    "mkdir folder; mkfifo fifo; (cat der; echo) >trailing; truncate -s 2G large";

static int
setup(void **state)
{
	OWNED(own_memory) char *command = NULL;

	if (lab_setup(state) != 0)
		return -1;
	command = text_printf("cd %s; %s", lab_dir, make);
	return system(command);
}

static bool
takes(const char *certificate, const char *key, SSL_CTX **out, struct err *err)
{
	OWNED(own_memory)
	char *put = text_printf("cd %s && rm -f tls.* && ln -s %s tls.crt && "
				"ln -s %s tls.key",
	    lab_dir, certificate, key);
	struct config config = {.state_dir = lab_dir};

	assert_int_equal(system(put), 0);
	return tls_server_context(&config, out, err);
}

static void
the_certificate_of_the_key_is_shown_and_the_rest_is_its_chain(void **state)
{
	static const struct {
		const char *certificate, *key;
		int chain;
	} rows[] = {
	    {"leaf.pem", "leaf.key", 0},
	    {"chain.pem", "leaf.key", 1},
	    {"upside.pem", "leaf.key", 2},
	    {"der", "key.der", 0},
	    {"base64", "key.base64", 0},
	    {"utf16", "key.bom", 1},
	    {"p7b", "key.old", 2},
	    {"both", "both", 0},
	    {"leaf.pem", "key.pfx", 0},
	    {"upside.pem", "sub.key", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		STACK_OF(X509) *chain = NULL;
		SSL_CTX *ctx = NULL;
		struct err err;
		char name[64];

		if (!takes(rows[i].certificate, rows[i].key, &ctx, &err))
			fail_msg("%s: %s", rows[i].certificate, err.msg);
		X509_NAME_oneline(
		    X509_get_subject_name(SSL_CTX_get0_certificate(ctx)), name, sizeof name);
		assert_string_equal(
		    name, strcmp(rows[i].key, "sub.key") == 0 ? "/CN=sub" : "/CN=leaf");
		SSL_CTX_get0_chain_certs(ctx, &chain);
		assert_int_equal(chain != NULL ? sk_X509_num(chain) : 0, rows[i].chain);
		assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
		SSL_CTX_free(ctx);
	}
}

static void
another_file_is_told_by_its_name(void **state)
{
	static const struct {
		const char *certificate, *key, *said;
	} rows[] = {
	    {"other.pem", "leaf.key", "tls.crt and "},
	    {"leaf.pem", "other.key", "not a certificate and its key"},
	    {"leaf.key", "leaf.key", "tls.crt: this is a private key, and a certificate is wanted"},
	    {"key.pfx", "leaf.key", "tls.crt: this is a PKCS#12, and a certificate is wanted"},
	    {"leaf.csr", "leaf.key", "tls.crt: this is a certificate request (PKCS#10), and"},
	    {"leaf.pem", "leaf.pem", "tls.key: this is a certificate, and a private key is wanted"},
	    {"leaf.pem", "leaf.csr",
		"tls.key: this is a certificate request (PKCS#10), and a private key"},
	    {"leaf.pem", "sealed.key", "tls.key: PKCS#8: it is encrypted, and no password given"},
	    {"leaf.pem", "sealed.pfx", "tls.key: "},
	    {"leaf.pem", "cut.key", "tls.key: this is damaged, cut off"},
	    {"cut", "leaf.key", "tls.crt: "},
	    {"trailing", "leaf.key", "tls.crt: "},
	    {"empty", "leaf.key", "tls.crt: this is an empty file"},
	    {"leaf.pem", "empty", "tls.key: this is an empty file"},
	    {"text", "leaf.key", "tls.crt: this is a text file"},
	    {"folder", "leaf.key", "tls.crt: a folder, not a regular file"},
	    {"leaf.pem", "fifo", "tls.key: not a regular file"},
	    {"large", "leaf.key", "tls.crt: larger than"},
	    {"leaf.pem", "large", "tls.key: larger than"},
	    {"none", "leaf.key", "tls.crt: cannot open: No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		SSL_CTX *ctx = NULL;
		struct err err;

		if (takes(rows[i].certificate, rows[i].key, &ctx, &err))
			fail_msg("%s, %s: taken", rows[i].certificate, rows[i].key);
		assert_null(ctx);
		assert_int_equal(err.code, DIRCA_E_CONFIG);
		if (strstr(err.msg, rows[i].said) == NULL)
			fail_msg("%s: %s", rows[i].said, err.msg);
		assert_null(strstr(err.msg, "asn1"));
		assert_null(strstr(err.msg, "error:"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_certificate_of_the_key_is_shown_and_the_rest_is_its_chain),
	    cmocka_unit_test(another_file_is_told_by_its_name),
	};

	return cmocka_run_group_tests(tests, setup, lab_teardown);
}
