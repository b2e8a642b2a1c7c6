/* Settings of several places: which goes before which, where each is from, and passwords of the
 * keyring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "client_config.h"
#include "file.h"

static char folder[] = "/tmp/dirca-client-config.XXXXXX";
static char system_file[64], own_file[64];

static void
put(const char *path, const char *text)
{
	struct err err;

	assert_true(file_replace(path, view_str(text), 0600, &err));
}

static void
assert_setting(
    const struct client_config *c, enum client_setting s, const char *value, const char *from)
{
	if (value == NULL)
		assert_null(c->list[s].value);
	else
		assert_string_equal(c->list[s].value, value);
	if (from == NULL)
		assert_null(c->list[s].from);
	else
		assert_string_equal(c->list[s].from, from);
}

static void
each_place_goes_before_the_last(void **state)
{
	struct cli_options opt = {.ca = "by option"};
	struct client_config c;
	struct err err;

	(void)state;
	put(system_file,
	    "uri = ldap://a\nuser = system\nca = system\nmech = GSSAPI\nsocket = /s\n");
	put(own_file, "# mine\nuser = own\nca = own\nmech = SIMPLE\n");
	setenv("DIRCA_MECH", "EXTERNAL", 1);
	setenv("DIRCA_CA", "by variable", 1);
	setenv("DIRCA_SOCKET", "", 1);
	assert_true(client_config_merge(system_file, own_file, &opt, &c, &err));
	assert_setting(&c, CLIENT_URI, "ldap://a", system_file);
	assert_setting(&c, CLIENT_USER, "own", own_file);
	assert_setting(&c, CLIENT_MECH, "EXTERNAL", "DIRCA_MECH");
	assert_setting(&c, CLIENT_CA, "by option", "--ca");
	assert_setting(&c, CLIENT_SOCKET, NULL, "DIRCA_SOCKET"); /* taken away */
	assert_setting(&c, CLIENT_TLS_CA, NULL, NULL);
	assert_true(c.found[0] && c.found[1]);
	client_config_free(&c);
	unsetenv("DIRCA_MECH");
	unsetenv("DIRCA_CA");
	unsetenv("DIRCA_SOCKET");
}

/* A file says where the directory is, not who somebody is who acts as the CA. */
static void
a_caller_is_named_by_option_or_variable(void **state)
{
	static const char *const variables[] = {"DIRCA_URI", "DIRCA_USER", "DIRCA_BIND_DN"};
	struct cli_options opt = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		unsetenv(variables[i]);
	assert_false(client_config_names_caller(&opt));
	for (size_t i = 0; i < 3; i++) {
		setenv(variables[i], "", 1);
		assert_false(client_config_names_caller(&opt));
		setenv(variables[i], "x", 1);
		assert_true(client_config_names_caller(&opt));
		unsetenv(variables[i]);
	}
	assert_true(client_config_names_caller(&(struct cli_options){.uri = "ldap://a"}));
	assert_true(client_config_names_caller(&(struct cli_options){.user = "a"}));
	assert_true(client_config_names_caller(&(struct cli_options){.bind_dn = "cn=a"}));
	assert_false(client_config_names_caller(&(struct cli_options){.tls_ca = "a"}));
}

static void
a_file_that_is_named_is_the_only_one(void **state)
{
	struct cli_options opt = {.client_config = own_file, .starttls = true};
	struct client_config c;
	struct err err;

	(void)state;
	put(system_file, "uri = ldap://a\n");
	put(own_file, "user = own\nstarttls = no\n");
	assert_true(client_config_merge(system_file, NULL, &opt, &c, &err));
	assert_setting(&c, CLIENT_URI, NULL, NULL);
	assert_setting(&c, CLIENT_USER, "own", own_file);
	assert_setting(&c, CLIENT_STARTTLS, "yes", "--starttls");
	client_config_free(&c);
	opt.client_config = "/nonexistent";
	assert_false(client_config_merge(system_file, own_file, &opt, &c, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	client_config_free(&c);
}

static void
a_wrong_value_is_told_with_its_place(void **state)
{
	const struct cli_options opt = {0};
	struct client_config c;
	struct err err;

	(void)state;
	put(system_file, "uri = ldap://a\n");
	put(own_file, "user = own\nnosuch = x\n");
	assert_false(client_config_merge(system_file, own_file, &opt, &c, &err));
	assert_non_null(strstr(err.msg, own_file));
	assert_non_null(strstr(err.msg, "line 2"));
	client_config_free(&c);
	put(own_file, "user = own\n");
	setenv("DIRCA_STARTTLS", "maybe", 1);
	assert_false(client_config_merge(system_file, own_file, &opt, &c, &err));
	assert_non_null(strstr(err.msg, "DIRCA_STARTTLS"));
	client_config_free(&c);
	unsetenv("DIRCA_STARTTLS");
}

static void
a_password_may_be_of_the_keyring(void **state)
{
	char name[40], from[60];
	struct secret password = {0};
	struct err err;

	(void)state;
	snprintf(name, sizeof name, "dirca-test-%d", (int)getpid());
	snprintf(from, sizeof from, "keyring:%s", name);
	assert_false(cli_password(from, "", false, &password, &err));
	assert_int_equal(err.code, CRYPT_E_NOT_FOUND);
	/* A container may have none. */
	if (syscall(SYS_add_key, "user", name, "se cret", 7, KEY_SPEC_PROCESS_KEYRING) == -1)
		skip();
	assert_true(cli_password(from, "", false, &password, &err));
	assert_int_equal(password.len, 7);
	assert_memory_equal(password.ptr, "se cret", 7);
	secret_free(&password);
}

static int
begin(void **state)
{
	struct err err;

	(void)state;
	if (mkdtemp(folder) == NULL || !secret_heap_init(65536, true, &err))
		return -1;
	snprintf(system_file, sizeof system_file, "%s/system.conf", folder);
	snprintf(own_file, sizeof own_file, "%s/own.conf", folder);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unlink(system_file);
	unlink(own_file);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_place_goes_before_the_last),
	    cmocka_unit_test(a_caller_is_named_by_option_or_variable),
	    cmocka_unit_test(a_file_that_is_named_is_the_only_one),
	    cmocka_unit_test(a_wrong_value_is_told_with_its_place),
	    cmocka_unit_test(a_password_may_be_of_the_keyring),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
