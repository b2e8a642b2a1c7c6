/* Who a session is: configuration file, then options over it; and the mechanism that follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "session.h"

static char folder[] = "/tmp/dirca-session.XXXXXX";
static char config_file[64], password_file[64];

static void
put(const char *path, const char *text)
{
	struct err err;

	assert_true(file_replace(path, view_str(text), 0600, &err));
}

static bool
open_with(const char *config, struct cli *cli, struct session *s, struct err *err)
{
	put(config_file, config);
	cli->opt.client_config = config_file;
	return session_open(cli, s, err);
}

static void
the_file_gives_what_options_do_not(void **state)
{
	struct cli cli = {0};
	struct session s;
	struct err err;

	(void)state;
	cli.opt.ca = "Other CA";
	assert_true(open_with("# people\nuri = ldap://a\nca = CA\nmech = GSSAPI\nsocket = /s\n"
			      "starttls = yes\n",
	    &cli, &s, &err));
	assert_string_equal(s.uri, "ldap://a");
	assert_string_equal(s.ca, "Other CA");
	assert_string_equal(s.socket, "/s");
	assert_true(s.starttls);
	assert_int_equal(s.dir_config.auth, DIR_AUTH_GSSAPI);
	session_close(&s);
}

/* At the directory it is a DN, at the CA a name: by its socket alone no DN is needed. */
static void
a_simple_bind_needs_a_dn(void **state)
{
	struct cli cli = {0};
	struct session s;
	char text[256];
	struct err err;

	(void)state;
	snprintf(text, sizeof text,
	    "uri = ldaps://a\nuser = user1\nmech = SIMPLE\npassword_file = %s\n", password_file);
	assert_false(open_with(text, &cli, &s, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	assert_non_null(strstr(err.msg, "--bind-dn"));
	assert_non_null(strstr(err.msg, "user1"));
	session_close(&s);
	snprintf(text, sizeof text,
	    "socket = /s\nuser = user1\nmech = SIMPLE\npassword_file = %s\n", password_file);
	assert_true(open_with(text, &cli, &s, &err));
	session_close(&s);
}

static void
the_mechanism_follows_from_the_rest(void **state)
{
	static const struct {
		const char *config, *mech;
		enum dir_auth auth;
	} rows[] = {
	    {"uri = ldap://a\n", "GSSAPI", DIR_AUTH_GSSAPI},
	    {"uri = ldapi://a\n", "EXTERNAL", DIR_AUTH_EXTERNAL},
	    {"user = user1\npassword_file = @\n", "SCRAM-SHA-256", DIR_AUTH_SCRAM},
	    {"user = user1\nbind_dn = cn=x\npassword_file = @\n", "SIMPLE", DIR_AUTH_SIMPLE},
	    {"user = user1\nmech = simple\npassword_file = @\n", "SIMPLE", DIR_AUTH_SIMPLE},
	    {"user = user1\nmech = gssapi\n", "GSSAPI", DIR_AUTH_GSSAPI},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cli cli = {0};
		struct session s;
		char text[256];
		const char *at = strchr(rows[i].config, '@');
		struct err err;

		snprintf(text, sizeof text, "%.*s%s%s",
		    at != NULL ? (int)(at - rows[i].config) : (int)strlen(rows[i].config),
		    rows[i].config, at != NULL ? password_file : "", at != NULL ? "\n" : "");
		assert_true(open_with(text, &cli, &s, &err));
		assert_string_equal(s.mech, rows[i].mech);
		assert_int_equal(s.dir_config.auth, rows[i].auth);
		assert_int_equal(s.password.len, at != NULL ? 6 : 0);
		session_close(&s);
	}
}

static void
a_wrong_file_is_refused_with_its_line(void **state)
{
	static const char *const texts[] = {"uri = ldap://a\nnothing = x\n", "uri = a\nuri\n",
	    "uri = a\nstarttls = maybe\n", "uri = a\nca =\n"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct cli cli = {0};
		struct session s;
		struct err err;

		assert_false(open_with(texts[i], &cli, &s, &err));
		assert_int_equal(err.code, DIRCA_E_CONFIG);
		assert_non_null(strstr(err.msg, "line 2"));
		session_close(&s);
	}
}

/* What a CA is called in DNs comes before what people are shown; HOST\\NAME tells two of one name.
 */
static void
the_exact_name_of_a_ca_wins(void **state)
{
	static char names[][16] = {"Blue", "Green", "Green", "Two !0028x!0029"},
		    titles[][16] = {"Green", "Green", "Green", "Two (x)"},
		    hosts[][16] = {"a.x", "b.x", "c.x", "d.x"}, url[] = "https://b.x:1";
	static const struct {
		const char *ca;
		bool means[4];
	} rows[] = {
	    {NULL, {true, true, true, true}},
	    {"blue", {true, false, false, false}},
	    {"Green", {false, true, true, false}},
	    {"B.X\\green", {false, true, false, false}},
	    {"a.x\\Green", {true, false, false, false}},
	    {"a.x\\Blue", {true, false, false, false}},
	    {"Two (x)", {false, false, false, true}},
	    {"Two !0028x!0029", {false, false, false, true}},
	    {"Gree", {false, false, false, false}},
	    {"b.x", {false, false, false, false}},
	    {"https://B.X:1", {false, true, false, false}},
	    {"https://b.x", {false, false, false, false}},
	};
	struct pki_service services[4] = {0};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		services[i] = (struct pki_service){
		    .name = names[i], .display_name = titles[i], .host = hosts[i]};
	services[1].url = url;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session s = {.services = services, .service_count = 4};
		char ca[32];

		snprintf(ca, sizeof ca, "%s", rows[i].ca != NULL ? rows[i].ca : "");
		s.ca = rows[i].ca != NULL ? ca : NULL;
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(session_means(&s, &services[k]), rows[i].means[k]);
	}
}

static void
an_unknown_mechanism_is_a_usage_error(void **state)
{
	struct cli cli = {0};
	struct session s;
	struct err err;

	(void)state;
	cli.opt.mech = "DIGEST-MD5";
	assert_false(open_with("", &cli, &s, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	session_close(&s);
}

static void
a_named_file_that_is_absent_is_an_error(void **state)
{
	struct cli cli = {0};
	struct session s;
	struct err err;

	(void)state;
	cli.opt.client_config = "/nonexistent/dirca.conf";
	assert_false(session_open(&cli, &s, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	session_close(&s);
}

static void
without_a_directory_nothing_is_asked(void **state)
{
	struct cli cli = {0};
	struct session s;
	struct err err;

	(void)state;
	assert_true(open_with("mech = GSSAPI\n", &cli, &s, &err));
	assert_false(session_pki(&s, &err));
	assert_int_equal(err.code, DIRCA_E_USAGE);
	session_close(&s);
}

static int
begin(void **state)
{
	struct err err;

	(void)state;
	if (mkdtemp(folder) == NULL || !secret_heap_init(65536, true, &err))
		return -1;
	snprintf(config_file, sizeof config_file, "%s/dirca.conf", folder);
	snprintf(password_file, sizeof password_file, "%s/password", folder);
	put(password_file, "secret\n");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unlink(config_file);
	unlink(password_file);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_exact_name_of_a_ca_wins),
	    cmocka_unit_test(the_file_gives_what_options_do_not),
	    cmocka_unit_test(a_simple_bind_needs_a_dn),
	    cmocka_unit_test(the_mechanism_follows_from_the_rest),
	    cmocka_unit_test(a_wrong_file_is_refused_with_its_line),
	    cmocka_unit_test(an_unknown_mechanism_is_a_usage_error),
	    cmocka_unit_test(a_named_file_that_is_absent_is_an_error),
	    cmocka_unit_test(without_a_directory_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
