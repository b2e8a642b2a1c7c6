#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "file.h"
#include "log.h"
#include "sign_kinds.h"

#define REQUIRED "ca_name = Test CA\nhost = ca1.nwtraders.com\ndir_uris = ldap://localhost\n"

static char dir[64];

static bool
load(const char *text, struct config **out, struct err *err)
{
	char path[96];

	snprintf(path, sizeof path, "%s/dircad.conf", dir);
	assert_true(file_replace(path, view_str(text), 0600, err));
	return config_load(path, out, err);
}

static void
assert_refused(const char *text, const char *because)
{
	struct config *c;
	struct err err;

	assert_false(load(text, &c, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	if (strstr(err.msg, because) == NULL)
		fail_msg("'%s' lacks '%s'", err.msg, because);
	assert_null(c);
}

static void
defaults_hold_when_only_the_required_is_given(void **state)
{
	struct config *c;
	struct err err;
	char *path;

	(void)state;
	assert_true(load(REQUIRED, &c, &err));
	assert_string_equal(c->ca_name, "Test CA");
	assert_string_equal(c->state_dir, "/var/lib/dirca");
	assert_int_equal(c->listen_count, 1);
	assert_string_equal(c->listen[0], "[::]:8443");
	assert_string_equal(c->url, "https://ca1.nwtraders.com:8443");
	assert_null(c->http_url);
	assert_null(c->socket);
	assert_int_equal(c->refresh_s, 1);
	assert_int_equal(c->workers, 8);
	assert_int_equal(c->max_request, 262144);
	assert_int_equal(c->max_connections, 1024);
	assert_null(c->metrics_listen);
	assert_int_equal(c->idle_timeout_s, 30);
	assert_int_equal(c->channel_binding, BINDING_OFFICERS);
	assert_int_equal(c->auth_max_age_s, 300);
	assert_true(c->auth_negotiate && c->auth_scram && c->auth_basic && c->sandbox);
	assert_int_equal(c->kinds, SIGN_KIND_KRA);
	assert_int_equal(c->kra_minimum, 1);
	assert_false(c->allow_same_holder);
	assert_false(c->allow_3des);
	assert_false(c->archive_pkcs8);
	assert_int_equal(c->archive_key_bits, 128);
	assert_int_equal(c->archive_floor, CMS_READER_OAEP);
	assert_int_equal(c->crl_http, CRL_HTTP_YES);
	assert_int_equal(c->archive_failures_requester, 30);
	assert_int_equal(c->archive_failures_key, 1000);
	assert_int_equal(c->archive_suspend_s, 3600);
	assert_null(c->exchange_key_uri);
	assert_true(c->exchange_key_fallback);
	assert_false(c->allow_sha1 || c->dir_allow_plain || c->dir_starttls || c->to_syslog);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->auth_failures, 5);
	assert_int_equal(c->auth_address_failures, 50);
	assert_int_equal(c->auth_delay_max_s, 900);
	path = config_path(c, "kra");
	assert_string_equal(path, "/var/lib/dirca/kra");
	free(path);
	config_free(&c);
	assert_null(c);
}

static void
passwords_are_not_asked_for_beside_a_keytab_unless_told(void **state)
{
	static const struct {
		const char *lines;
		bool scram, basic;
	} rows[] = {
	    {"", true, true},
	    {"keytab = /k\n", false, false},
	    {"keytab = /k\nauth_scram = yes\n", true, false},
	    {"auth_basic = yes\nkeytab = /k\n", false, true},
	    {"auth_basic = no\n", true, false},
	};
	char text[256];
	struct config *c;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, REQUIRED "%s", rows[i].lines);
		assert_true(load(text, &c, &err));
		assert_int_equal(c->auth_scram, rows[i].scram);
		assert_int_equal(c->auth_basic, rows[i].basic);
		assert_true(c->auth_negotiate);
		config_free(&c);
	}
}

static void
every_kind_of_value_is_read(void **state)
{
	static const char text[] =
	    "# comment\n\n" REQUIRED
	    "\t listen=127.0.0.1:9443\nlisten = [::1]:9443\r\nhttp_listen = 127.0.0.1:9080\n"
	    "metrics_listen = 127.0.0.1:9464\n"
	    "http_url = http://ca1.nwtraders.com:9080\npeers = 0 caadmin@nwtraders.com\n"
	    "dir_auth = simple\ndir_bind_dn = CN=dircad,CN=Users,DC=nwtraders,DC=com\n"
	    "workers = 3\nmax_request = 65536\nallow_sha1 = yes\nsandbox = no\nlog_level = debug\n"
	    "sign_kinds = kra sub-ca\nkra_minimum = 2\nallow_same_holder = yes\nallow_3des = yes\n"
	    "crl_http = no\narchive_floor = pkcs1\narchive_key_bits = 128\n"
	    "archive_pkcs8 = yes\n"
	    "archive_failures_requester = 5\narchive_failures_key = 6\narchive_suspend_s = 7\n"
	    "exchange_key_uri = pkcs11:token=t;object=x\nexchange_key_fallback = no\n";
	char whole[1100], password[96];
	struct dir_config d;
	struct config *c;
	struct err err;

	(void)state;
	snprintf(password, sizeof password, "%s/password", dir);
	assert_true(file_replace(password, view_str("secret word\nmore\n"), 0600, &err));
	snprintf(whole, sizeof whole, "%sdir_password_file = %s\n", text, password);
	assert_true(load(whole, &c, &err));
	/* Only who asks for the password holds it. */
	assert_null(c->dir_password.ptr);
	assert_true(config_read_password(c, &err));
	assert_int_equal(c->listen_count, 2);
	assert_string_equal(c->listen[1], "[::1]:9443");
	assert_string_equal(c->url, "https://ca1.nwtraders.com:9443");
	assert_string_equal(c->metrics_listen, "127.0.0.1:9464");
	assert_int_equal(c->peer_count, 1);
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->max_request, 65536);
	assert_true(c->allow_sha1);
	assert_false(c->sandbox);
	assert_int_equal(c->kinds, SIGN_KIND_KRA | SIGN_KIND_SUB_CA);
	assert_int_equal(c->kra_minimum, 2);
	assert_true(c->allow_same_holder);
	assert_true(c->allow_3des);
	assert_true(c->archive_pkcs8);
	assert_int_equal(c->archive_floor, CMS_READER_PKCS1);
	assert_int_equal(c->crl_http, CRL_HTTP_NO);
	assert_int_equal(c->archive_failures_requester, 5);
	assert_int_equal(c->archive_failures_key, 6);
	assert_int_equal(c->archive_suspend_s, 7);
	assert_string_equal(c->exchange_key_uri, "pkcs11:token=t;object=x");
	assert_false(c->exchange_key_fallback);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_true(config_directory(c, &d, &err));
	assert_int_equal(d.auth, DIR_AUTH_SIMPLE);
	assert_int_equal(d.password->len, strlen("secret word"));
	assert_memory_equal(d.password->ptr, "secret word", d.password->len);
	assert_string_equal(d.uris, "ldap://localhost");
	assert_int_equal(d.timeout_ms, 10000);
	config_free(&c);
}

static void
mistakes_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *because;
	} rows[] = {
	    {"colour = blue\n", "line 4: unknown name 'colour'"},
	    {"workers 3\n", "no '='"},
	    {"workers =\n", "'workers' has no value"},
	    {"= 3\n", "unknown name ''"},
	    {"workers = 3\nworkers = 4\n", "line 5: 'workers' is given twice"},
	    {"workers = 0\n", "from 1 to 31"},
	    {"metrics_listen = 9464\n", "'metrics_listen' is '9464'"},
	    {"workers = 3x\n", "from 1 to 31"},
	    {"workers = 99999999999999999999\n", "from 1 to 31"},
	    {"max_request = 1048577\n", "from 4096 to 1048576"},
	    {"sandbox = true\n", "'yes' or 'no'"},
	    {"sign_kinds = kra exchange\n", "'exchange'"},
	    {"kra_minimum = 0\n", "from 1 to 64"},
	    {"crl_http = off\n", "no, yes or local"},
	    {"archive_floor = cbc\n", "pkcs1, oaep or gcm"},
	    {"archive_key_bits = 64\n", "from 128 to 256"},
	    {"archive_key_bits = 160\n", "128, 192 or 256"},
	    {"allow_3des = yes\narchive_key_bits = 192\n", "says less"},
	    {"allow_3des = yes\narchive_floor = gcm\n", "says less"},
	    {"archive_failures_requester = 0\n", "from 1 to 1000000"},
	    {"archive_failures_key = 0\n", "from 1 to 1000000"},
	    {"exchange_key_uri = /etc/dirca/x.key\n", "must be a URI of RFC 7512"},
	    {"archive_suspend_s = 0\n", "from 1 to 86400"},
	    {"dir_auth = kerberos\n", "gssapi"},
	    {"log_level = loud\n", "warn"},
	    {"listen = 8443\n", "address:port"},
	    {"listen = :8443\n", "address:port"},
	    {"listen = 127.0.0.1:0\n", "address:port"},
	    {"listen = 127.0.0.1:65536\n", "address:port"},
	    {"peers = caadmin\n", "uid"},
	    {"peers = 0\n", "uid"},
	    {"url = http://ca1\n", "https://"},
	    {"url = https://\n", "https://"},
	    {"http_url = http://ca1/\n", "without a '/'"},
	    {"http_url = http://ca 1\n", "character"},
	    {"dir_auth = simple\n", "dir_bind_dn"},
	    {"event_hook = hook.sh\n", "begin with a '/'"},
	    {"event_mail_to = a@b\n", "mail_server"},
	    {"requester_mail = yes\nmail_server = smtp://b\n", "mail_from"},
	    {"mail_server = http://b\n", "smtp://"},
	    {"mail_server = smtp://b/?x\n", "character"},
	    {"mail_user = dircad\n", "mail_password_file"},
	    {"dir_auth = scram\ndir_authcid = dircad\n", "dir_password_file"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, REQUIRED "%s", rows[i].text);
		assert_refused(text, rows[i].because);
	}
	assert_refused("", "'ca_name' is missing");
	assert_refused("ca_name = x\n", "'host' is missing");
	assert_refused("ca_name = x\nhost = h\n", "'dir_uris' is missing");
	assert_refused(REQUIRED "kerberos_realm = EXAMPLE.ORG\n", "a realm, a blank and a domain");
	assert_refused(REQUIRED "kerberos_realm = EXAMPLE.ORG a b\n", "a realm, a blank");
	assert_refused(REQUIRED "officer_extension = 2.5.29.17\n", "nothing below 2.5.29. is");
	assert_refused(REQUIRED "officer_extension = 1.3.6.1.4.1.311.25.2\n", "nothing below");
	assert_refused(REQUIRED "officer_extension = 3.1.2\n", "no object identifier");
	assert_refused(REQUIRED "officer_extension = 2.5.029.17\n", "no object identifier");
	assert_refused(REQUIRED "officer_extension = subjectAltName\n", "no object identifier");
	assert_refused(REQUIRED "auth_failures = 0\n", "from 1 to 1000");
	assert_refused(REQUIRED "channel_binding = yes\n", "off, officers or all");
	assert_refused(REQUIRED "auth_max_age_s = 0\n", "auth_max_age_s");
	assert_refused(REQUIRED "realm = \xff\n", "UTF-8");
}

#define STANDALONE "ca_name = Test CA\nhost = ca1\nca_type = standalone\n"

static void
standalone_ca_has_no_directory_and_says_so(void **state)
{
	struct dir_config d;
	struct config *c;
	struct err err;

	(void)state;
	assert_true(load(STANDALONE "certificate_managers = alice\ncertificate_managers = @pki\n"
				    "auditors = bob\n",
	    &c, &err));
	assert_true(c->standalone);
	assert_int_equal(c->manager_count, 2);
	assert_string_equal(c->managers[1], "@pki");
	assert_int_equal(c->auditor_count, 1);
	/* What is not said is the least. */
	assert_int_equal(c->administrator_count, 1);
	assert_string_equal(c->administrators[0], "root");
	assert_int_equal(c->kinds, 0);
	assert_false(c->auth_basic || c->auth_scram || c->auth_negotiate);
	assert_true(c->auth_certificate);
	assert_false(config_directory(c, &d, &err));
	assert_int_equal(err.code, DIRCA_E_STANDALONE);
	config_free(&c);
	assert_true(load(STANDALONE "sign_kinds = sub-ca\nca_administrators = carol\n", &c, &err));
	assert_int_equal(c->kinds, SIGN_KIND_SUB_CA);
	assert_string_equal(c->administrators[0], "carol");
	config_free(&c);
	assert_true(load(REQUIRED "ca_type = enterprise\n", &c, &err));
	assert_false(c->standalone);
	config_free(&c);
}

/* What would mean nothing is refused. */
static void
options_of_the_other_kind_of_ca_are_refused(void **state)
{
	static const char *const of_enterprise[] = {"peers = 0 x\n", "crl_hosts = x\n",
	    "dir_uris = ldap://x\n", "dir_auth = gssapi\n", "dir_tls_ca = /x\n", "refresh_s = 1\n",
	    "auth_basic = yes\n", "auth_scram = no\n", "auth_negotiate = yes\n", "keytab = /k\n",
	    "realm = x\n", "kerberos_realm = A b\n", "est_template = User\n"};
	static const char *const of_standalone[] = {
	    "ca_administrators = x\n", "certificate_managers = x\n", "auditors = x\n"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof of_enterprise / sizeof of_enterprise[0]; i++) {
		snprintf(text, sizeof text, STANDALONE "%s", of_enterprise[i]);
		assert_refused(text, "this one is stand-alone");
	}
	for (size_t i = 0; i < sizeof of_standalone / sizeof of_standalone[0]; i++) {
		snprintf(text, sizeof text, REQUIRED "%s", of_standalone[i]);
		assert_refused(text, "is for a stand-alone CA");
	}
	assert_refused(REQUIRED "ca_type = both\n", "enterprise or standalone");
}

static void
list_has_a_limit(void **state)
{
	char text[1024] = REQUIRED;

	(void)state;
	for (int i = 0; i <= CONFIG_LIST_MAX; i++)
		strcat(text, "listen = 127.0.0.1:8443\n");
	assert_refused(text, "more than 16 times");
}

static void
file_with_a_nul_byte_or_absent_is_refused(void **state)
{
	struct config *c;
	struct err err;
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/dircad.conf", dir);
	assert_true(file_replace(path, view_of(REQUIRED "\0", sizeof REQUIRED), 0600, &err));
	assert_false(config_load(path, &c, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	assert_false(config_load("/nonexistent/dircad.conf", &c, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	config_free(&c);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	strcpy(dir, "/tmp/dirca-config-XXXXXX");
	return secret_heap_init(65536, true, &err) && mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_hold_when_only_the_required_is_given),
	    cmocka_unit_test(passwords_are_not_asked_for_beside_a_keytab_unless_told),
	    cmocka_unit_test(every_kind_of_value_is_read),
	    cmocka_unit_test(mistakes_are_refused_with_their_line),
	    cmocka_unit_test(standalone_ca_has_no_directory_and_says_so),
	    cmocka_unit_test(options_of_the_other_kind_of_ca_are_refused),
	    cmocka_unit_test(list_has_a_limit),
	    cmocka_unit_test(file_with_a_nul_byte_or_absent_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
