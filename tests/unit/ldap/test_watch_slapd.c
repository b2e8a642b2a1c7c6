/* The watch against a real slapd, with syncprov and without. */
#include "slapd_lab.h"

#include <fcntl.h>

#include "clock.h"
#include "quiet.h"
#include "watch.h"

#define TEMPLATES_DN "CN=Certificate Templates," PKS_DN

static struct dir_config config;
static struct dir_conn *admin;

static struct dir_watch *
open_watch(int poll_s)
{
	struct dir_watch *w;
	struct err err;

	if (!dir_watch_open(&config, "CN=Public Key Services,CN=Services", poll_s, &w, &err))
		fail_msg("%s", err.msg);
	return w;
}

static void
set_text(const char *dn, const char *attr, const char *text)
{
	struct view v = view_str(text);
	struct err err;

	if (!dir_replace(admin, dn, attr, &v, 1, &err))
		fail_msg("%s", err.msg);
}

#define PATIENCE_MS 60000

/* A change is told within `most_ms`, once. */
static void
tells(struct dir_watch *w, int most_ms)
{
	int64_t start = clock_mono_ms(), quiet = quiet_ms();
	struct err err;

	assert_int_equal(dir_watch_wait(w, PATIENCE_MS, -1, &err), DIR_WATCH_CHANGED);
	printf("told after %lld ms\n", (long long)(clock_mono_ms() - start));
	assert_true(quiet_ms() - quiet <= most_ms);
}

static void
is_silent(struct dir_watch *w, int ms)
{
	struct err err;

	assert_int_equal(dir_watch_wait(w, ms, -1, &err), DIR_WATCH_NOTHING);
}

/* Everything that can happen to an entry, and what must not wake us. */
static void
tells_of_everything(struct dir_watch *w, int most_ms)
{
	const char *made = "CN=Made," TEMPLATES_DN;
	struct err err;

	is_silent(w, 50);
	LAB_ADD(admin, made, "objectClass", "container");
	tells(w, most_ms);
	set_text("CN=User," TEMPLATES_DN, "displayName", "Changed");
	tells(w, most_ms);
	set_text("CN=User," TEMPLATES_DN, "nTSecurityDescriptor", "xyz");
	tells(w, most_ms);
	assert_true(dir_delete(admin, made, &err));
	tells(w, most_ms);
	set_text("CN=user1," USERS_DN, "displayName", "Somebody");
	LAB_ADD(admin, "CN=Other,CN=Services," CONFIG_DN, "objectClass", "container");
	is_silent(w, most_ms / 2);
	assert_true(dir_delete(admin, "CN=Other,CN=Services," CONFIG_DN, &err));
	is_silent(w, 50);
}

static void
syncrepl_tells_at_once(void **state)
{
	struct dir_watch *w = open_watch(30);

	(void)state;
	assert_int_equal(dir_watch_how(w), DIR_WATCHING_SYNCREPL);
	assert_null(dir_watch_why(w));
	assert_string_equal(dir_watch_uri(w), getenv("LDAPI_URI"));
	tells_of_everything(w, 500);
	dir_watch_close(&w);
	assert_null(w);
	dir_watch_close(&w);
}

/* A busy slapd sends a part of it later: then another one. */
static void
a_burst_is_told_once(void **state)
{
	struct dir_watch *w = open_watch(30);
	bool once = false;
	struct err err;
	char text[16];

	(void)state;
	for (int bursts = 0; bursts < 10 && !once; bursts++) {
		for (int i = 0; i < 50; i++) {
			snprintf(text, sizeof text, "%d", i);
			set_text("CN=User," TEMPLATES_DN, "displayName", text);
		}
		tells(w, 500);
		once = dir_watch_wait(w, 100, -1, &err) == DIR_WATCH_NOTHING;
		while (!once && dir_watch_wait(w, 1000, -1, &err) == DIR_WATCH_CHANGED)
			;
	}
	assert_true(once);
	dir_watch_close(&w);
}

static void
tls_hides_no_message(void **state)
{
	struct dir_config local = config;
	struct secret pw;
	struct dir_watch *w;
	struct err err;

	(void)state;
	assert_true(secret_dup(view_str("dircad-Passw0rd"), &pw, &err));
	config = (struct dir_config){.uris = getenv("LDAPS_URI"),
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=dircad," USERS_DN,
	    .password = &pw,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .timeout_ms = 5000};
	w = open_watch(30);
	assert_int_equal(dir_watch_how(w), DIR_WATCHING_SYNCREPL);
	tells_of_everything(w, 500);
	dir_watch_close(&w);
	secret_free(&pw);
	config = local;
}

static void
a_wake_ends_the_wait(void **state)
{
	struct dir_watch *w = open_watch(30);
	int64_t start = clock_mono_ms();
	struct err err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "", 1), 1);
	assert_int_equal(dir_watch_wait(w, PATIENCE_MS, fds[0], &err), DIR_WATCH_NOTHING);
	assert_true(clock_mono_ms() - start < PATIENCE_MS / 2);
	close(fds[0]);
	close(fds[1]);
	dir_watch_close(&w);
}

static void
a_server_that_dies_breaks_the_watch(void **state)
{
	struct dir_watch *w = open_watch(30);
	int64_t start;
	struct err err;

	(void)state;
	dir_disconnect(&admin);
	assert_true(lab_sh("lab_slapd_kill \"$1\""));
	start = quiet_ms();
	assert_int_equal(dir_watch_wait(w, PATIENCE_MS, -1, &err), DIR_WATCH_BROKEN);
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_true(quiet_ms() - start < 1000);
	dir_watch_close(&w);
	assert_false(dir_watch_open(&config, "CN=Public Key Services,CN=Services", 30, &w, &err));
	assert_null(w);
	assert_true(lab_sh("lab_slapd_start \"$1\""));
	admin = lab_connect(&config);
}

/* A server that hangs says nothing; only asking it tells. */
static void
a_server_that_hangs_breaks_the_watch_at_the_next_comparison(void **state)
{
	struct dir_config hasty = config, kept = config;
	struct dir_watch *w;
	int64_t start;
	struct err err;

	(void)state;
	hasty.timeout_ms = 300;
	config = hasty;
	w = open_watch(30);
	assert_true(lab_sh("kill -STOP $(cat \"$1/slapd.pid\")"));
	start = quiet_ms();
	assert_int_equal(dir_watch_wait(w, PATIENCE_MS, -1, &err), DIR_WATCH_BROKEN);
	assert_true(quiet_ms() - start < 7000);
	assert_true(lab_sh("kill -CONT $(cat \"$1/slapd.pid\")"));
	dir_watch_close(&w);
	config = kept;
}

/* Takes syncprov away, as a directory without it; slapd must be started anew for that. */
static bool
without_overlay(void)
{
	return lab_sh("lab_slapd_stop \"$1\" && rm \"$1/slapd.d/cn=config/olcDatabase={1}mdb/"
		      "olcOverlay={0}syncprov.ldif\" && lab_slapd_start \"$1\"");
}

static void
without_the_overlay_it_polls_and_says_why(void **state)
{
	struct dir_watch *w;

	(void)state;
	dir_disconnect(&admin);
	assert_true(without_overlay());
	admin = lab_connect(&config);
	assert_true(dir_conn_root(admin)->has_sync); /* the module is there, its use is not */
	w = open_watch(1);
	assert_int_equal(dir_watch_how(w), DIR_WATCHING_POLLING);
	assert_non_null(strstr(dir_watch_why(w), "refuses syncrepl refreshAndPersist"));
	tells_of_everything(w, 1500);
	dir_watch_close(&w);
}

static void
set_access(const char *first, const char *second)
{
	const struct view rules[] = {view_str(first), view_str(second)};
	struct err err;

	if (!dir_replace(admin, "olcDatabase={1}mdb,cn=config", "olcAccess", rules, 2, &err))
		fail_msg("%s", err.msg);
}

/* Where the time of a change is all that shows, a second one in the same second does not: each
 * change is told once more when that second is over, and then it is quiet. */
static void
where_only_times_show_a_change_is_told_until_its_second_is_over(void **state)
{
	struct secret pw;
	struct dir_config local = config;
	struct dir_watch *w;
	struct err err;

	(void)state;
	assert_true(secret_dup(view_str("user1-Passw0rd"), &pw, &err));
	set_access("{0}to attrs=entryCSN by users auth", "{1}to * by users read");
	config.auth = DIR_AUTH_SIMPLE;
	config.bind_dn = "CN=user1," USERS_DN;
	config.password = &pw;
	w = open_watch(1);
	tells(w, 2500); /* what was written in the second in which it was opened */
	is_silent(w, 1500);
	set_text("CN=User," TEMPLATES_DN, "displayName", "in this second");
	tells(w, 1500);
	tells(w, 1500);
	is_silent(w, 1500);
	dir_watch_close(&w);
	secret_free(&pw);
	config = local;
}

static void
without_change_numbers_every_poll_counts_and_without_the_tree_it_ends(void **state)
{
	struct secret pw;
	struct dir_config local = config;
	struct dir_watch *w;
	struct err err;

	(void)state;
	assert_true(secret_dup(view_str("user1-Passw0rd"), &pw, &err));
	set_access("{0}to attrs=entryCSN,modifyTimestamp by users auth", "{1}to * by users read");
	config.auth = DIR_AUTH_SIMPLE;
	config.bind_dn = "CN=user1," USERS_DN;
	config.password = &pw;
	w = open_watch(1);
	tells(w, 1500);
	tells(w, 1500);
	set_access("{0}to * by users none", "{1}to * by users none");
	assert_int_equal(dir_watch_wait(w, PATIENCE_MS, -1, &err), DIR_WATCH_BROKEN);
	if (strstr(err.msg, "does not show CN=Public Key Services,") == NULL)
		fail_msg("%s", err.msg);
	dir_watch_close(&w);
	secret_free(&pw);
	config = local;
}

static int
start(void **state)
{
	(void)state;
	return lab_begin(&config, &admin);
}

static int
end(void **state)
{
	return lab_finish(&admin, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(syncrepl_tells_at_once),
	    cmocka_unit_test(a_burst_is_told_once),
	    cmocka_unit_test(tls_hides_no_message),
	    cmocka_unit_test(a_wake_ends_the_wait),
	    cmocka_unit_test(a_server_that_dies_breaks_the_watch),
	    cmocka_unit_test(a_server_that_hangs_breaks_the_watch_at_the_next_comparison),
	    cmocka_unit_test(without_the_overlay_it_polls_and_says_why),
	    cmocka_unit_test(where_only_times_show_a_change_is_told_until_its_second_is_over),
	    cmocka_unit_test(without_change_numbers_every_poll_counts_and_without_the_tree_it_ends),
	};

	return cmocka_run_group_tests(tests, start, end);
}
