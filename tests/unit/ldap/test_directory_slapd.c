#include "slapd_lab.h"

#include <pthread.h>

#include "ahead.h"
#include "clock.h"
#include "conn_priv.h"
#include "own.h"
#include "pool.h"
#include "quiet.h"

const char *__lsan_default_suppressions(void);

/* Cyrus SASL's GSSAPI plugin keeps the client's credentials for ever when no security layer is
 * negotiated, as over TLS; ldapwhoami -O maxssf=0 shows the same. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:gss_acquire_cred_from\nleak:libgssapi_krb5.so\n";
}

static struct secret
password(const char *text)
{
	struct secret s;
	struct err err;

	assert_true(secret_dup(view_str(text), &s, &err));
	return s;
}

static void
refuses(const struct dir_config *config, const char *because)
{
	struct dir_conn *c = NULL;
	struct err err;

	assert_false(dir_connect(config, &c, &err));
	assert_null(c);
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	if (strstr(err.msg, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

/* ---- Connecting ---- */

static void
the_root_of_openldap_is_understood(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	const struct dir_root *root = dir_conn_root(c);

	(void)state;
	assert_true(dir_dn_eq(root->config_nc, CONFIG_DN));
	assert_true(dir_dn_eq(root->default_nc, BASE_DN));
	assert_false(root->is_ad);
	assert_false(root->has_sd_flags);
	assert_true(root->has_paging);
	assert_true(root->has_sync);
	assert_false(root->has_notification);
	assert_false(root->has_dirsync);
	assert_string_equal(root->vendor, "OpenLDAP");
	assert_non_null(strstr(root->sasl_mechs, "SCRAM-SHA-256"));
	assert_string_equal(dir_groups_name(root->groups), "member walk");
	assert_string_equal(dir_descriptors_name(root->descriptors), "plain attribute");
	assert_string_equal(dir_watching_name(root->watching), "syncrepl refreshAndPersist");
	assert_string_equal(dir_conn_uri(c), getenv("LDAPI_URI"));
	assert_false(dir_conn_is_broken(c));
	dir_disconnect(&c);
	assert_null(c);
	dir_disconnect(&c);
}

static struct dir_config
simple(const char *uri, const struct secret *pw)
{
	return (struct dir_config){.uris = uri,
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=dircad," USERS_DN,
	    .password = pw,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .timeout_ms = 5000};
}

static void
a_simple_bind_needs_tls(void **state)
{
	struct secret pw = password("dircad-Passw0rd");
	struct dir_config config = simple(getenv("LDAP_URI"), &pw);
	struct dir_conn *c;

	(void)state;
	refuses(&config, "in clear");
	config.starttls = true;
	c = lab_connect(&config);
	dir_disconnect(&c);
	config = simple(getenv("LDAPS_URI"), &pw);
	c = lab_connect(&config);
	dir_disconnect(&c);
	config = simple(getenv("LDAPI_URI"), &pw);
	c = lab_connect(&config);
	dir_disconnect(&c);
	config = simple(getenv("LDAP_URI"), &pw);
	config.allow_plain = true;
	c = lab_connect(&config);
	dir_disconnect(&c);
	secret_free(&pw);
}

static void
a_wrong_or_empty_password_is_refused(void **state)
{
	struct secret wrong = password("dircad-passw0rd"), empty = password("");
	struct dir_config config = simple(getenv("LDAPS_URI"), &wrong);

	(void)state;
	refuses(&config, "Invalid credentials");
	config.password = &empty;
	refuses(&config, "needs a DN and a password");
	config.password = NULL;
	refuses(&config, "needs a DN and a password");
	config.password = &wrong;
	config.bind_dn = NULL;
	refuses(&config, "needs a DN and a password");
	secret_free(&wrong);
	secret_free(&empty);
}

static void
a_server_of_another_ca_is_refused(void **state)
{
	struct secret pw = password("dircad-Passw0rd");
	struct dir_config config = simple(getenv("LDAPS_URI"), &pw);
	char other[128];

	(void)state;
	assert_true(lab_sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			   "-keyout /dev/null -out "
			   "\"$1/other.pem\" -days 2 -subj '/CN=other' 2>/dev/null"));
	snprintf(other, sizeof other, "%s/other.pem", lab_dir);
	config.tls_ca_file = other;
	refuses(&config, "TLS handshake");
	config.uris = getenv("LDAP_URI");
	config.starttls = true;
	refuses(&config, "TLS handshake");
	config.tls_ca_file = "/nonexistent/ca.pem";
	refuses(&config, "TLS");
	secret_free(&pw);
}

static void
what_tls_is_verified_by_may_be_of_any_kind(void **state)
{
	static const char *const kinds[] = {"der", "base64", "p7b", "utf16", "both", "many"};
	struct secret pw = password("dircad-Passw0rd");
	struct dir_config config = simple(getenv("LDAPS_URI"), &pw);
	char path[128];

	(void)state;
	assert_true(
	    lab_sh("cd \"$1\" && openssl x509 -in \"$LDAP_CA_FILE\" -outform DER -out der && "
		   "base64 der >base64 && openssl crl2pkcs7 -nocrl -certfile "
		   "\"$LDAP_CA_FILE\" -outform DER -out p7b && (printf '\\377\\376'; iconv -t "
		   "UTF-16LE \"$LDAP_CA_FILE\") >utf16 && cat other.pem \"$LDAP_CA_FILE\" "
		   ">both && for i in $(seq 40); do cat other.pem; done >many && cat "
		   "\"$LDAP_CA_FILE\" >>many"));
	config.tls_ca_file = path;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct dir_conn *c;

		snprintf(path, sizeof path, "%s/%s", lab_dir, kinds[i]);
		c = lab_connect(&config);
		dir_disconnect(&c);
	}
	assert_true(
	    lab_sh("cd \"$1\" && openssl pkcs12 -export -nokeys -in other.pem -passout pass: "
		   "-out pfx && mkdir folder"));
	snprintf(path, sizeof path, "%s/pfx", lab_dir);
	refuses(&config, "/pfx: this is a PKCS#12, and a certificate is wanted");
	snprintf(path, sizeof path, "%s/folder", lab_dir);
	refuses(&config, "/folder: a folder, not a regular file");
	secret_free(&pw);
}

static void
scram_proves_the_password(void **state)
{
	struct secret right = password("dircad-Passw0rd"), wrong = password("nonsense");
	struct dir_config config = {.uris = getenv("LDAPI_URI"),
	    .auth = DIR_AUTH_SCRAM,
	    .authcid = "dircad",
	    .password = &right,
	    .timeout_ms = 5000};
	struct dir_conn *c = lab_connect(&config);

	(void)state;
	dir_disconnect(&c);
	config.password = &wrong;
	refuses(&config, "SCRAM-SHA-256");
	config.password = NULL;
	refuses(&config, "needs a name and a password");
	secret_free(&right);
	secret_free(&wrong);
}

static void
a_sasl_mechanism_that_shows_the_password_needs_tls(void **state)
{
	struct secret pw = password("dircad-Passw0rd");
	struct dir_config config = {.uris = getenv("LDAP_URI"),
	    .auth = DIR_AUTH_SCRAM,
	    .mech = "PLAIN",
	    .authcid = "dircad",
	    .password = &pw,
	    .timeout_ms = 5000};

	(void)state;
	refuses(&config, "SASL PLAIN: bind as dircad");
	secret_free(&pw);
}

static void
a_mechanism_without_plug_in_is_told_as_that(void **state)
{
	struct secret pw = password("dircad-Passw0rd");
	struct dir_config config = {.uris = getenv("LDAPI_URI"),
	    .auth = DIR_AUTH_SCRAM,
	    .mech = "SCRAM-SHA-1024",
	    .authcid = "dircad",
	    .password = &pw,
	    .timeout_ms = 5000};

	(void)state;
	refuses(&config, "no plug-in for it on this machine (Debian: libsasl2-modules)");
	config.mech = "GSS-NONE";
	refuses(&config, "no plug-in for it on this machine (Debian: libsasl2-modules-gssapi-mit)");
	secret_free(&pw);
}

static void
gssapi_uses_the_ticket_and_encrypts(void **state)
{
	struct dir_config config = {
	    .uris = getenv("LDAP_URI"), .auth = DIR_AUTH_GSSAPI, .timeout_ms = 5000};
	struct dir_entries found;
	struct dir_conn *c;
	char usual[200], other[220];
	struct err err;

	(void)state;
	refuses(&config, "there is no Kerberos ticket");
	assert_true(
	    lab_sh("kinit -c \"$KRB5CCNAME\" user1 <\"$(lab_password_file user1)\" >/dev/null"));
	c = lab_connect(&config);
	assert_true(dir_search(c,
	    &(struct dir_query){.base = "CN=user2," USERS_DN, .filter = "(objectClass=*)"}, &found,
	    &err));
	assert_int_equal(found.count, 1);
	dir_entries_free(&found);
	dir_disconnect(&c);
	/* No KDC gives a ticket for this one. */
	snprintf(usual, sizeof usual, "%s", getenv("KRB5_CONFIG"));
	snprintf(other, sizeof other, "%s.other", usual);
	assert_true(lab_sh("sed 's/localhost = .*/localhost = X.INVALID/' \"$KRB5_CONFIG\" "
			   ">\"$KRB5_CONFIG.other\""));
	setenv("KRB5_CONFIG", other, 1);
	refuses(&config, "by a ticket for ldap/localhost: ");
	setenv("KRB5_CONFIG", usual, 1);
	config.uris = getenv("LDAPS_URI");
	config.tls_ca_file = getenv("LDAP_CA_FILE");
	c = lab_connect(&config);
	dir_disconnect(&c);
}

static void
the_next_server_is_tried(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c;
	char uris[256];

	(void)state;
	snprintf(uris, sizeof uris, "  ldap://127.0.0.1:1\tldapi://%%2fnonexistent %s ",
	    getenv("LDAPI_URI"));
	config.uris = uris;
	c = lab_connect(&config);
	assert_string_equal(dir_conn_uri(c), getenv("LDAPI_URI"));
	dir_disconnect(&c);
}

/* Two names of one server. */
static void
who_answered_is_preferred_until_it_fails(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_entries found;
	size_t preferred = 0;
	struct dir_conn *c, *idle;
	struct dir_pool *pool;
	char uris[512];
	struct err err;

	(void)state;
	snprintf(uris, sizeof uris, "ldapi://%%2fnonexistent %s %s/", getenv("LDAPI_URI"),
	    getenv("LDAPI_URI"));
	config.uris = uris;
	config.preferred = &preferred;
	assert_true(dir_pool_open(&config, 2, &pool, &err));
	assert_true(dir_pool_take(pool, &c, &err));
	assert_true(dir_pool_take(pool, &idle, &err));
	assert_int_equal(preferred, 1);
	assert_string_equal(dir_conn_uri(idle), getenv("LDAPI_URI"));
	dir_conn_break(c);
	dir_conn_break(c); /* counts once */
	assert_int_equal(preferred, 2);
	assert_true(dir_conn_is_broken(c));
	assert_false(dir_conn_is_preferred(idle));
	dir_pool_give(pool, &c);
	dir_pool_give(pool, &idle);
	assert_true(dir_pool_take(pool, &c, &err)); /* not the idle one */
	assert_int_equal(uris[strlen(uris) - 1], '/');
	assert_string_equal(dir_conn_uri(c), uris + strlen(uris) - strlen(getenv("LDAPI_URI")) - 1);
	dir_conn_break(c); /* beyond the last is the first, which is dead */
	dir_pool_give(pool, &c);
	assert_true(dir_pool_take(pool, &c, &err));
	assert_string_equal(dir_conn_uri(c), getenv("LDAPI_URI"));
	assert_true(dir_search(
	    c, &(struct dir_query){.base = BASE_DN, .filter = "(objectClass=*)"}, &found, &err));
	dir_entries_free(&found);
	dir_pool_give(pool, &c);
	dir_pool_close(&pool);
}

struct asking {
	struct dir_pool *pool;
	int64_t took_ms;
	bool ok;
};

static void *
ask(void *arg)
{
	struct asking *a = arg;
	int64_t start = clock_mono_ms();
	struct dir_entries found;
	struct dir_conn *c;
	struct err err;

	a->ok = dir_pool_take(a->pool, &c, &err);
	if (a->ok) {
		a->ok =
		    dir_search(c, &(struct dir_query){.base = BASE_DN, .filter = "(objectClass=*)"},
			&found, &err);
		if (a->ok)
			dir_entries_free(&found);
		dir_pool_give(a->pool, &c);
	}
	a->took_ms = clock_mono_ms() - start;
	return NULL;
}

#define HUNG_MS 1000
/* The signal is one thing, that all threads stand still another. */
#define STOP_SLAPD                                                                             \
	"p=$(cat \"$1/slapd.pid\"); kill -STOP $p && for i in $(seq 100); do grep -h ^State: " \
	"/proc/$p/task/*/status | grep -qv T || exit 0; sleep 0.05; done; false"

/* Until it works, for a minute at most: the machine may be busy. */
static bool
answers_again(struct asking *a)
{
	int64_t start = clock_mono_ms();

	do {
		dir_pool_try_now(a->pool);
		ask(a);
	} while (!a->ok && clock_mono_ms() - start < 60000);
	return a->ok;
}

/* One pays for the operation, one for the connection; nobody else waits, nor a second time. */
static void
a_hung_directory_is_paid_for_once(void **state)
{
	struct dir_config config = lab_admin();
	struct asking asking[8] = {0};
	pthread_t threads[8];
	struct dir_pool *pool;
	int64_t start, took;
	size_t good = 0;
	struct err err;

	(void)state;
	config.timeout_ms = HUNG_MS;
	assert_true(dir_pool_open(&config, 4, &pool, &err));
	for (size_t i = 0; i < 8; i++)
		asking[i].pool = pool;
	assert_true(answers_again(&asking[0]));
	assert_true(lab_sh(STOP_SLAPD));
	start = quiet_ms();
	ask(&asking[0]); /* on the connection that was idle */
	good += asking[0].ok;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &asking[i]), 0);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		good += asking[i].ok;
	}
	for (int i = 0; i < 100; i++) {
		ask(&asking[0]);
		good += asking[0].ok;
	}
	took = quiet_ms() - start;
	assert_true(lab_sh("kill -CONT $(cat \"$1/slapd.pid\")"));
	assert_int_equal(good, 0);
	assert_true(took < 4 * HUNG_MS);
	assert_true(answers_again(&asking[0]));
	dir_pool_close(&pool);
}

static void
each_dead_server_is_named(void **state)
{
	struct dir_config config = lab_admin();

	(void)state;
	config.uris = "ldap://127.0.0.1:1 nonsense://x ldapi://%2fnonexistent";
	refuses(&config, "ldap://127.0.0.1:1 cannot be reached: ");
	refuses(&config, "'nonsense://x' is no URI of a directory");
	refuses(&config, "ldapi://%2fnonexistent cannot be reached: ");
}

static void
no_uri_is_a_mistake_of_the_configuration(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c;
	struct err err;

	(void)state;
	config.uris = " ";
	assert_false(dir_connect(&config, &c, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
	config.uris = NULL;
	assert_false(dir_connect(&config, &c, &err));
	assert_int_equal(err.code, DIRCA_E_CONFIG);
}

/* A listener that never answers. */
static void
a_silent_server_is_given_up(void **state)
{
	struct dir_config config = lab_admin();
	char uri[64];
	int pipe_fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	if ((pid = fork()) == 0) {
		execlp("python3", "python3", "-c",
		    "import "
		    "socket,os,sys,time\ns=socket.socket();s.bind(('127.0.0.1',0));s.listen(5)\n"
		    "os.write(int(sys.argv[1]),b'%d\\n'%s.getsockname()[1]);time.sleep(900)",
		    (char[]){(char)('0' + pipe_fds[1] / 10), (char)('0' + pipe_fds[1] % 10), '\0'},
		    (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	memset(uri, 0, sizeof uri);
	strcpy(uri, "ldap://127.0.0.1:");
	assert_true(read(pipe_fds[0], uri + strlen(uri), 16) > 0);
	uri[strcspn(uri, "\n")] = '\0';
	config.uris = uri;
	config.auth = DIR_AUTH_ANONYMOUS;
	config.timeout_ms = 300;
	refuses(&config, "Timed out");
	config.starttls = true;
	refuses(&config, "StartTLS at ldap://");
	config.starttls = false;
	memmove(uri + 5, uri + 4, strlen(uri + 4) + 1);
	memcpy(uri, "ldaps:", 6);
	refuses(&config, "Timed out");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it is still there */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pipe_fds[0]);
}

/* ---- Searching and writing ---- */

static size_t
count(struct dir_conn *c, const char *base, enum dir_scope scope, const char *filter, int limit)
{
	struct dir_entries found;
	struct err err;
	size_t n;

	if (!dir_search(c,
		&(struct dir_query){
		    .base = base, .scope = scope, .filter = filter, .size_limit = limit},
		&found, &err))
		fail_msg("%s", err.msg);
	n = found.count;
	dir_entries_free(&found);
	return n;
}

static void
a_base_that_does_not_exist_gives_no_entries(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);

	(void)state;
	assert_int_equal(count(c, "CN=nobody," USERS_DN, DIR_BASE, "(objectClass=*)", 0), 0);
	assert_int_equal(count(c, "CN=nobody," USERS_DN, DIR_SUBTREE, "(objectClass=*)", 0), 0);
	assert_false(dir_conn_is_broken(c));
	dir_disconnect(&c);
}

static void
a_bad_filter_is_an_error_and_not_an_empty_answer(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	struct dir_entries found;
	struct err err;

	(void)state;
	assert_false(
	    dir_search(c, &(struct dir_query){.base = BASE_DN, .filter = "(cn=x"}, &found, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY);
	assert_int_equal(found.count, 0);
	assert_false(
	    dir_search(c, &(struct dir_query){.base = BASE_DN, .filter = NULL}, &found, &err));
	assert_false(dir_conn_is_broken(c));
	dir_disconnect(&c);
}

static void
only_the_attributes_asked_for_come_and_the_descriptor_on_wish(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	struct dir_entries found;
	struct err err;
	const char *dn = "CN=Administrator,CN=Certificate Templates," PKS_DN;

	(void)state;
	assert_true(dir_search(c,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){"cn", NULL},
		.want_sd = true},
	    &found, &err));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.list[0].count, 2);
	assert_non_null(dir_entry_attr(&found.list[0], "cn"));
	assert_non_null(dir_entry_attr(&found.list[0], "nTSecurityDescriptor"));
	dir_entries_free(&found);
	dir_disconnect(&c);
}

#define CROWD 1500

/* `n` containers below CN=Crowd,<parent>; the test need not wait for the disk that often. */
static void
add_crowd(struct dir_conn *c, const char *database, const char *parent, int n)
{
	struct view yes = view_str("TRUE");
	struct err err;
	char dn[128];

	assert_true(dir_replace(c, database, "olcDbNoSync", &yes, 1, &err));
	snprintf(dn, sizeof dn, "CN=Crowd,%s", parent);
	LAB_ADD(c, dn, "objectClass", "container");
	for (int i = 0; i < n; i++) {
		snprintf(dn, sizeof dn, "CN=%d,CN=Crowd,%s", i, parent);
		LAB_ADD(c, dn, "objectClass", "container");
	}
}

static void
refuses_more_than(struct dir_conn *c, const char *base, int limit)
{
	struct dir_entries found;
	struct err err;

	assert_false(dir_search(c,
	    &(struct dir_query){.base = base,
		.scope = DIR_SUBTREE,
		.filter = "(objectClass=*)",
		.size_limit = limit},
	    &found, &err));
	assert_non_null(strstr(err.msg, "more than "));
	assert_int_equal(found.count, 0);
	assert_false(dir_conn_is_broken(c));
}

static void
many_entries_come_in_pages(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	const char *base = "CN=Crowd," CONFIG_DN;

	(void)state;
	add_crowd(c, "olcDatabase={1}mdb,cn=config", CONFIG_DN, CROWD);
	assert_int_equal(count(c, base, DIR_ONE, "(objectClass=*)", 0), CROWD);
	assert_int_equal(count(c, base, DIR_SUBTREE, "(objectClass=*)", CROWD + 1), CROWD + 1);
	refuses_more_than(c, base, CROWD);
	refuses_more_than(c, base, 1);
	dir_disconnect(&c);
}

static bool
user1_sees_the_crowd(struct dir_conn *admin, const char *limits, struct err *err)
{
	struct secret pw = password("user1-Passw0rd");
	struct dir_config user = simple(getenv("LDAPI_URI"), &pw);
	struct view v = view_str(limits);
	struct dir_entries found;
	struct dir_conn *c;
	bool ok;

	user.bind_dn = "CN=user1," USERS_DN;
	assert_true(dir_replace(admin, "olcDatabase={2}mdb,cn=config", "olcLimits", &v, 1, err));
	c = lab_connect(&user);
	ok = dir_search(c,
	    &(struct dir_query){
		.base = "CN=Crowd," CONFIG_DN, .scope = DIR_ONE, .filter = "(objectClass=*)"},
	    &found, err);
	assert_int_equal(found.count, ok ? CROWD : 0);
	dir_entries_free(&found);
	dir_disconnect(&c);
	assert_true(dir_replace(
	    admin, "olcDatabase={2}mdb,cn=config", "olcLimits", NULL, 0, &(struct err){0}));
	secret_free(&pw);
	return ok;
}

static void
a_limit_of_the_server_is_an_error_and_paging_passes_the_one_for_a_page(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *admin = lab_connect(&config);
	struct err err;

	(void)state;
	assert_true(
	    user1_sees_the_crowd(admin, "{0}users size.hard=600 size.prtotal=unlimited", &err));
	assert_false(user1_sees_the_crowd(admin, "{0}users size.prtotal=600", &err));
	assert_non_null(strstr(err.msg, "Size limit exceeded"));
	dir_disconnect(&admin);
}

/* The domain's database has the configuration's glued below it, and pages nothing. */
static void
a_server_that_does_not_page_answers_whole(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	const char *base = "CN=Crowd," BASE_DN;

	(void)state;
	add_crowd(c, "olcDatabase={2}mdb,cn=config", BASE_DN, DIR_PAGE_SIZE + 100);
	assert_int_equal(count(c, base, DIR_ONE, "(objectClass=*)", 0), DIR_PAGE_SIZE + 100);
	refuses_more_than(c, base, DIR_PAGE_SIZE + 99);
	dir_disconnect(&c);
}

/* Part of the tree on another server: what is not seen may be the group that is denied. */
static void
a_part_on_another_server_is_an_error_that_names_it(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	struct dir_query query = {
	    .base = BASE_DN, .scope = DIR_SUBTREE, .filter = "(sAMAccountName=user1)"};
	struct dir_entries found;
	struct err err;

	(void)state;
	LAB_ADD(c, "OU=Away," BASE_DN, "objectClass", "referral", "objectClass", "extensibleObject",
	    "ref", "ldap://other.example/OU=Away," BASE_DN);
	assert_false(dir_search(c, &query, &found, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY);
	if (strcasestr(err.msg, "refers to ldap://other.example/OU=Away,") == NULL)
		fail_msg("%s", err.msg);
	/* Beside it all is seen; below it the server sends elsewhere. */
	query.base = USERS_DN;
	assert_true(dir_search(c, &query, &found, &err));
	assert_int_equal(found.count, 1);
	dir_entries_free(&found);
	query.base = "CN=x,OU=Away," BASE_DN;
	assert_false(dir_search(c, &query, &found, &err));
	if (strstr(err.msg, "ldap://other.example/") == NULL)
		fail_msg("%s", err.msg);
	assert_true(lab_sh("ldapdelete -Q -M -Y EXTERNAL -H \"$LDAPI_URI\" OU=Away," BASE_DN));
	dir_disconnect(&c);
}

static void
adding_twice_says_so_and_values_are_idempotent(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);
	const char *dn = "OU=Writes," BASE_DN;
	struct view two[2] = {view_str("a"), view_str("b")};
	struct dir_entry e;
	struct err err;

	(void)state;
	assert_true(dir_entry_init(&e, dn, &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("organizationalUnit"), &err));
	assert_true(dir_entry_add(&e, "ou", view_str("Writes"), &err));
	assert_true(dir_add(c, &e, &err));
	assert_false(dir_add(c, &e, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	dir_entry_free(&e);

	assert_true(dir_add_value(c, dn, "description", view_str("x"), &err));
	assert_true(dir_add_value(c, dn, "description", view_str("x"), &err));
	assert_int_equal(count(c, dn, DIR_BASE, "(description=x)", 0), 1);
	assert_true(dir_replace(c, dn, "description", two, 2, &err));
	assert_int_equal(
	    count(c, dn, DIR_BASE, "(&(description=a)(description=b)(!(description=x)))", 0), 1);
	assert_true(dir_delete_value(c, dn, "description", two[0], &err));
	assert_true(dir_delete_value(c, dn, "description", two[0], &err));
	assert_true(dir_replace(c, dn, "description", NULL, 0, &err));
	assert_int_equal(count(c, dn, DIR_BASE, "(description=*)", 0), 0);

	assert_false(dir_replace(c, dn, "noSuchAttribute", two, 1, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY);
	assert_true(dir_delete(c, dn, &err));
	assert_false(dir_delete(c, dn, &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	assert_false(dir_add_value(c, dn, "description", two[0], &err));
	assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
	dir_disconnect(&c);
}

static void
who_may_not_write_is_told_so(void **state)
{
	struct secret pw = password("user1-Passw0rd");
	struct dir_config config = simple(getenv("LDAPI_URI"), &pw);
	struct dir_conn *c;
	struct err err;

	(void)state;
	config.bind_dn = "CN=user1," USERS_DN;
	c = lab_connect(&config);
	assert_false(dir_delete(c, "CN=user2," USERS_DN, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY);
	assert_non_null(strstr(err.msg, "Insufficient access"));
	dir_disconnect(&c);
	secret_free(&pw);
}

/* ---- Passwords of users ---- */

static void
checks_password(const char *uri, const char *dn, const char *text, enum err_code want)
{
	struct secret pw = password(text);
	struct dir_config config = {.uris = uri,
	    .auth = DIR_AUTH_EXTERNAL,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .timeout_ms = 5000};
	struct err err = {0};

	assert_int_equal(dir_check_password(&config, dn, &pw, &err), want == ERR_OK);
	assert_int_equal(err.code, want);
	assert_null(strstr(err.msg, "Passw0rd"));
	secret_free(&pw);
}

static void
a_users_password_is_checked_by_a_bind(void **state)
{
	const char *uri = getenv("LDAPS_URI"), *user = "CN=user1," USERS_DN;

	(void)state;
	checks_password(uri, user, "user1-Passw0rd", ERR_OK);
	checks_password(uri, user, "user1-Passw0rd ", DIRCA_E_AUTHENTICATION);
	checks_password(uri, user, "", DIRCA_E_AUTHENTICATION);
	checks_password(uri, "", "user1-Passw0rd", DIRCA_E_AUTHENTICATION);
	checks_password(uri, "CN=nobody," USERS_DN, "x", DIRCA_E_AUTHENTICATION);
	checks_password(uri, "garbage", "x", DIRCA_E_AUTHENTICATION);
	checks_password(
	    "ldap://127.0.0.1:1", user, "user1-Passw0rd", DIRCA_E_DIRECTORY_UNAVAILABLE);
	checks_password(
	    getenv("LDAP_URI"), user, "user1-Passw0rd", DIRCA_E_DIRECTORY_UNAVAILABLE); /* no TLS */
}

/* ---- Pool; these tests stop the server ---- */

static void
the_pool_lends_again_what_was_given_back(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_pool *pool;
	struct dir_conn *a, *b, *again;
	struct err err;

	(void)state;
	config.timeout_ms = 300;
	assert_true(dir_pool_open(&config, 2, &pool, &err));
	assert_ptr_equal(dir_pool_config(pool), &config);
	assert_true(dir_pool_take(pool, &a, &err));
	assert_true(dir_pool_take(pool, &b, &err));
	assert_false(dir_pool_take(pool, &again, &err)); /* both are out */
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_null(again);
	again = a;
	dir_pool_give(pool, &a);
	assert_null(a);
	dir_pool_give(pool, &a);
	assert_true(dir_pool_take(pool, &a, &err));
	assert_ptr_equal(a, again);
	dir_pool_give(pool, &a);
	dir_pool_give(pool, &b);
	dir_pool_close(&pool);
	assert_null(pool);
}

#define THREADS 6
#define ROUNDS  40

static void *
take_and_give(void *pool)
{
	struct err err;

	for (int i = 0; i < ROUNDS; i++) {
		struct dir_entries found;
		struct dir_conn *c;
		bool ok;

		if (!dir_pool_take(pool, &c, &err)) {
			print_error("%s\n", err.msg);
			return pool;
		}
		ok =
		    dir_search(c, &(struct dir_query){.base = BASE_DN, .filter = "(objectClass=*)"},
			&found, &err) &&
		    found.count == 1;
		dir_entries_free(&found);
		dir_pool_give(pool, &c);
		if (!ok) {
			print_error("%s\n", err.msg);
			return pool;
		}
	}
	return NULL;
}

static void
threads_share_fewer_connections(void **state)
{
	struct dir_config config = lab_admin();
	pthread_t threads[THREADS];
	struct dir_pool *pool;
	struct err err;

	(void)state;
	assert_true(dir_pool_open(&config, 2, &pool, &err));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, pool), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	dir_pool_close(&pool);
}

static void
a_killed_server_breaks_the_connection_and_the_pool_backs_off_then_reconnects(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_entries found;
	struct dir_pool *pool;
	struct dir_conn *c;
	struct err err;
	int64_t start;

	(void)state;
	assert_true(dir_pool_open(&config, 1, &pool, &err));
	assert_true(dir_pool_take(pool, &c, &err));
	assert_true(lab_sh("lab_slapd_kill \"$1\""));
	assert_false(dir_search(
	    c, &(struct dir_query){.base = BASE_DN, .filter = "(objectClass=*)"}, &found, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_true(dir_conn_is_broken(c));
	dir_pool_give(pool, &c);
	assert_null(c);

	assert_false(dir_pool_take(pool, &c, &err)); /* tries and fails */
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	start = quiet_ms();
	assert_false(dir_pool_take(pool, &c, &err)); /* does not even try */
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "next try in"));
	assert_non_null(strstr(err.msg, "ldapi://"));
	assert_true(quiet_ms() - start < 100);

	assert_true(lab_sh("lab_slapd_start \"$1\""));
	dir_pool_try_now(pool);
	assert_true(dir_pool_take(pool, &c, &err));
	assert_int_equal(count(c, BASE_DN, DIR_BASE, "(objectClass=*)", 0), 1);
	dir_pool_give(pool, &c);
	dir_pool_close(&pool);
}

static void
an_idle_connection_that_the_server_closed_is_not_lent(void **state)
{
	struct dir_config config = lab_admin();
	struct dir_pool *pool;
	struct dir_conn *c;
	struct err err;

	(void)state;
	assert_true(dir_pool_open(&config, 1, &pool, &err));
	assert_true(dir_pool_take(pool, &c, &err));
	dir_pool_give(pool, &c);
	assert_true(lab_sh("lab_slapd_stop \"$1\" && lab_slapd_start \"$1\""));
	assert_true(dir_pool_take(pool, &c, &err));
	assert_int_equal(count(c, BASE_DN, DIR_BASE, "(objectClass=*)", 0), 1);
	dir_pool_give(pool, &c);
	dir_pool_close(&pool);
}

static int
start(void **state)
{
	(void)state;
	return lab_start(true);
}

/* ---- Ahead ---- */

/* The number of entries that are found and, of the first, that of attributes; -1: none are. */
static int
asked(struct dir_conn *c, const struct dir_query *q)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct err err;

	if (!dir_search(c, q, &found, &err))
		return -1;
	return (int)(10 * found.count + (found.count > 0 ? found.list[0].count : 0));
}

/* Whoever asks something else than the last time is not answered by what was foreseen. */
static void
a_question_that_differs_in_anything_is_asked(void **state)
{
	static const char *const one[] = {"cn", NULL}, *const two[] = {"cn", "sn", NULL};
	const struct dir_query before = {.base = USERS_DN,
	    .scope = DIR_SUBTREE,
	    .filter = "(|(cn=user1)(cn=user2))",
	    .attrs = one};
	struct dir_query other[7];
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config), *plain = lab_connect(&config);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		other[i] = before;
	other[1].base = "CN=Computers," BASE_DN;
	other[2].scope = DIR_BASE;
	other[3].filter = "(cn=user1)";
	other[4].attrs = two;
	other[5].attrs = NULL;
	other[6].size_limit = 1;
	for (size_t i = 0; i < 7; i++) {
		struct timeval now = {0};
		LDAPMessage *left = NULL;
		size_t waits;

		dir_ahead_begin(c, "work");
		assert_int_equal(asked(c, &before), 21);
		assert_int_equal(asked(c, &before), 21);
		dir_ahead_end(c, true);
		waits = dir_conn_waits(c);
		dir_ahead_begin(c, "work");
		assert_int_equal(asked(c, &other[i]), asked(plain, &other[i]));
		assert_int_equal(asked(c, &before), 21);
		dir_ahead_end(c, true);
		assert_int_equal(dir_conn_waits(c) - waits, i == 0 ? 1 : 2);
		/* Nothing is on its way to whoever has the connection next. */
		assert_int_equal(asked(c, &before), 21);
		assert_true(ldap_result(c->ld, LDAP_RES_ANY, LDAP_MSG_ALL, &now, &left) <= 0);
	}
	dir_disconnect(&plain);
	dir_disconnect(&c);
}

/* What failed, or is asked by the clock, is not asked again for its own sake. */
static void
what_is_not_to_be_kept_is_forgotten(void **state)
{
	static const char *const works[] = {"failed", "by the clock"};
	struct dir_config config = lab_admin();
	struct dir_conn *c = lab_connect(&config);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct dir_query q = {
		    .base = USERS_DN, .filter = "(objectClass=*)", .now_and_then = i == 1};
		struct timeval now = {0};
		LDAPMessage *left = NULL;

		dir_ahead_begin(c, works[i]);
		assert_true(asked(c, &q) > 0);
		dir_ahead_end(c, i == 1);
		dir_ahead_begin(c, works[i]); /* sends nothing */
		q.filter = "(cn=*)";
		assert_true(asked(c, &q) > 0);
		assert_true(ldap_result(c->ld, LDAP_RES_ANY, LDAP_MSG_ALL, &now, &left) <= 0);
		dir_ahead_end(c, false);
	}
	dir_disconnect(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_root_of_openldap_is_understood),
	    cmocka_unit_test(a_simple_bind_needs_tls),
	    cmocka_unit_test(a_wrong_or_empty_password_is_refused),
	    cmocka_unit_test(a_server_of_another_ca_is_refused),
	    cmocka_unit_test(what_tls_is_verified_by_may_be_of_any_kind),
	    cmocka_unit_test(scram_proves_the_password),
	    cmocka_unit_test(a_sasl_mechanism_that_shows_the_password_needs_tls),
	    cmocka_unit_test(a_mechanism_without_plug_in_is_told_as_that),
	    cmocka_unit_test(gssapi_uses_the_ticket_and_encrypts),
	    cmocka_unit_test(the_next_server_is_tried),
	    cmocka_unit_test(who_answered_is_preferred_until_it_fails),
	    cmocka_unit_test(a_hung_directory_is_paid_for_once),
	    cmocka_unit_test(each_dead_server_is_named),
	    cmocka_unit_test(no_uri_is_a_mistake_of_the_configuration),
	    cmocka_unit_test(a_silent_server_is_given_up),
	    cmocka_unit_test(a_base_that_does_not_exist_gives_no_entries),
	    cmocka_unit_test(a_bad_filter_is_an_error_and_not_an_empty_answer),
	    cmocka_unit_test(only_the_attributes_asked_for_come_and_the_descriptor_on_wish),
	    cmocka_unit_test(many_entries_come_in_pages),
	    cmocka_unit_test(
		a_limit_of_the_server_is_an_error_and_paging_passes_the_one_for_a_page),
	    cmocka_unit_test(a_server_that_does_not_page_answers_whole),
	    cmocka_unit_test(a_part_on_another_server_is_an_error_that_names_it),
	    cmocka_unit_test(adding_twice_says_so_and_values_are_idempotent),
	    cmocka_unit_test(who_may_not_write_is_told_so),
	    cmocka_unit_test(a_question_that_differs_in_anything_is_asked),
	    cmocka_unit_test(what_is_not_to_be_kept_is_forgotten),
	    cmocka_unit_test(a_users_password_is_checked_by_a_bind),
	    cmocka_unit_test(the_pool_lends_again_what_was_given_back),
	    cmocka_unit_test(threads_share_fewer_connections),
	    cmocka_unit_test(
		a_killed_server_breaks_the_connection_and_the_pool_backs_off_then_reconnects),
	    cmocka_unit_test(an_idle_connection_that_the_server_closed_is_not_lent),
	};

	return cmocka_run_group_tests(tests, start, lab_end);
}
