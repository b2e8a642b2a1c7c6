/* Mail goes by TLS to the server that it is meant for, or not at all, unless root says otherwise.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../support/home_lab.h"
#include "mail.h"
#include "own.h"
#include "text.h"

#define PASSWORD "mail-Passw0rd"

static pid_t server = -1;
static char port[16];

static int
shell(const char *what)
{
	OWNED(own_memory) char *command = text_printf("cd %s && { %s; } >out 2>&1", lab_dir, what);

	return system(command);
}

static void
start_server(void)
{
	OWNED(own_memory) char *certificate = text_printf("%s/server.crt", lab_dir);
	OWNED(own_memory) char *key = text_printf("%s/server.key", lab_dir);

	if ((server = fork()) == 0) {
		if (chdir(lab_dir) != 0 || freopen("log", "w", stderr) == NULL)
			_exit(127);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(SOURCE_DIR "/tests/support/smtp_server.py", "smtp_server.py", lab_dir,
		    certificate, key, "dircad", PASSWORD, (char *)NULL);
		_exit(127);
	}
}

static int
setup(void **state)
{
	OWNED(own_memory) char *path = NULL;
	FILE *f;

	if (lab_setup(state) != 0 ||
	    shell("for n in server other; do openssl req -x509 -newkey ec -pkeyopt "
		  "ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.crt -days 9 -subj "
		  "/CN=localhost -addext subjectAltName=DNS:localhost; done") != 0)
		return -1;
	start_server();
	if (shell("for i in $(seq 900); do [ -s port ] && exit 0; sleep 0.1; done; exit 1") != 0)
		return -1;
	path = text_printf("%s/port", lab_dir);
	if ((f = fopen(path, "r")) == NULL || fgets(port, sizeof port, f) == NULL)
		return -1;
	fclose(f);
	return 0;
}

static int
teardown(void **state)
{
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	return lab_teardown(state);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* By what the server offers ("plain", "smtps" or ""), and what the configuration says. */
static bool
sends(
    const char *offers, const char *scheme, const char *trusted, bool allow_plain, struct err *err)
{
	static const char *const to[] = {"admin@nwtraders.com"};
	const struct mail m = {.from = "ca@nwtraders.com",
	    .to = to,
	    .to_count = 1,
	    .subject = "subject",
	    .text = "text",
	    .when = 1795497754,
	    .id = "0123"};
	OWNED(own_memory) char *url = text_printf("%s://localhost:%s", scheme, port);
	OWNED(own_memory) char *ca = text_printf("%s/%s", lab_dir, trusted);
	OWNED(own_memory)
	char *begin = text_printf("rm -f plain smtps lines *.eml; touch ./%s", offers);
	char password[] = PASSWORD, user[] = "dircad";
	struct config config = {.mail_server = url,
	    .mail_tls_ca = ca,
	    .mail_allow_plain = allow_plain,
	    .mail_user = user,
	    .mail_password = {.ptr = (uint8_t *)password, .len = strlen(password)}};

	assert_int_equal(shell(begin), 0);
	return mail_send(&config, &m, 10000, never, NULL, err);
}

/* Neither message nor password; what is said in the clear before TLS is seen too. */
static void
assert_nothing_sent(void)
{
	assert_int_not_equal(shell("ls *.eml"), 0);
	assert_int_not_equal(shell("grep -E 'AUTH|MAIL' lines"), 0);
}

static void
mail_goes_by_tls(void **state)
{
	struct err err;

	(void)state;
	assert_true(sends("", "smtp", "server.crt", false, &err));
	assert_true(sends("smtps", "smtps", "server.crt", false, &err));
	assert_int_equal(shell("ls *.eml && test ! -e lines"), 0);
}

static void
what_it_is_verified_by_may_be_of_any_kind(void **state)
{
	static const char *const names[] = {"der", "base64", "p7b", "utf16", "both"};
	struct err err;

	(void)state;
	assert_int_equal(shell("openssl x509 -in server.crt -outform DER -out der; base64 der "
			       ">base64; openssl crl2pkcs7 -nocrl -certfile server.crt -outform "
			       "DER -out p7b; (printf '\\377\\376'; iconv -t UTF-16LE server.crt) "
			       ">utf16; cat other.crt server.crt >both; echo hello >text"),
	    0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_true(sends("", "smtp", names[i], false, &err));
	assert_false(sends("", "smtp", "text", false, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_non_null(strstr(err.msg, "mail_tls_ca: /"));
	assert_non_null(strstr(err.msg, "/text: this is a text file, and a certificate is wanted"));
	assert_nothing_sent();
}

static void
where_there_is_none_nothing_goes(void **state)
{
	struct err err;

	(void)state;
	assert_false(sends("plain", "smtp", "server.crt", false, &err));
	assert_nothing_sent();
	assert_false(sends("plain", "smtps", "server.crt", false, &err));
	assert_nothing_sent();
	assert_false(sends("plain", "smtps", "server.crt", true, &err));
	assert_nothing_sent();
}

static void
a_server_with_another_certificate_gets_nothing(void **state)
{
	struct err err;

	(void)state;
	assert_false(sends("", "smtp", "other.crt", false, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_nothing_sent();
	assert_false(sends("smtps", "smtps", "other.crt", false, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_nothing_sent();
	assert_false(sends("smtps", "smtps", "other.crt", true, &err));
	assert_nothing_sent();
}

static void
in_the_clear_only_where_root_says_so(void **state)
{
	struct err err;

	(void)state;
	assert_true(sends("plain", "smtp", "server.crt", true, &err));
	assert_int_equal(shell("ls *.eml && grep AUTH lines"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail_goes_by_tls),
	    cmocka_unit_test(what_it_is_verified_by_may_be_of_any_kind),
	    cmocka_unit_test(where_there_is_none_nothing_goes),
	    cmocka_unit_test(a_server_with_another_certificate_gets_nothing),
	    cmocka_unit_test(in_the_clear_only_where_root_says_so),
	};

	return cmocka_run_group_tests_name("mail_send", tests, setup, teardown);
}
