/* What servers answer that hold more, or less, than they give at once: tests/support/fake_ldap.py.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conn.h"
#include "text.h"

struct server {
	pid_t pid;
	char uri[64], catalog[64];
	struct dir_config config;
	struct dir_conn *conn;
};

static struct server plain, ad;

static bool
start(struct server *s, const char *kind)
{
	int out[2], port;
	char line[64] = "", address[32];
	struct err err;

	if (pipe(out) != 0)
		return false;
	if ((s->pid = fork()) == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl("/usr/bin/python3", "python3", SOURCE_DIR "/tests/support/fake_ldap.py", kind,
		    (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	for (size_t n = 0; n < sizeof line - 1 && strchr(line, '\n') == NULL; n++)
		if (read(out[0], line + n, 1) != 1)
			break;
	close(out[0]);
	if (sscanf(line, "%31s %d", address, &port) != 2)
		return false;
	snprintf(s->uri, sizeof s->uri, "ldap://%s:%d", address, port);
	snprintf(s->catalog, sizeof s->catalog, "ldap://%s:3268", address);
	s->config = (struct dir_config){.uris = s->uri, .timeout_ms = 60000};
	if (dir_connect(&s->config, &s->conn, &err))
		return true;
	fprintf(stderr, "%s\n", err.msg);
	return false;
}

static void
stop(struct server *s)
{
	dir_disconnect(&s->conn);
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		waitpid(s->pid, NULL, 0);
	}
}

static bool
read_group(const char *dn, struct dir_entries *out, struct err *err)
{
	return dir_search(plain.conn,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){"member", "cn", NULL}},
	    out, err);
}

static void
values_in_parts_are_read_whole(void **state)
{
	static const struct {
		const char *dn;
		size_t count;
	} cases[] = {{"CN=big,DC=x", 4000}, {"CN=whole,DC=x", 2}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dir_entries found = {0};
		const struct dir_attr *a;
		struct err err;
		char last[32];

		if (!read_group(cases[i].dn, &found, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(found.count, 1);
		a = dir_entry_attr(&found.list[0], "member");
		assert_non_null(a);
		assert_int_equal(a->count, cases[i].count);
		snprintf(last, sizeof last, "CN=%d,DC=x", i == 0 ? 3999 : 2);
		assert_true(dir_attr_has(a, view_str(last)));
		assert_non_null(dir_entry_attr(&found.list[0], "cn"));
		dir_entries_free(&found);
	}
}

/* What does not follow the part before is no part. */
static void
a_part_never_passes_for_the_whole(void **state)
{
	static const char *const dns[] = {"CN=later,DC=x", "CN=gap,DC=x", "CN=again,DC=x",
	    "CN=empty,DC=x", "CN=other,DC=x", "CN=gone,DC=x", "CN=odd,DC=x"};

	(void)state;
	for (size_t i = 0; i < sizeof dns / sizeof dns[0]; i++) {
		struct dir_entries found = {0};
		struct err err;

		if (read_group(dns[i], &found, &err))
			fail_msg("%s was taken", dns[i]);
		assert_int_equal(err.code, DIRCA_E_DIRECTORY);
		assert_non_null(strstr(err.msg, "a part of the values of member"));
		assert_non_null(strstr(err.msg, dns[i]));
		assert_int_equal(found.count, 0);
	}
}

static bool
search_below(struct dir_conn *c, const char *base, struct dir_entries *out, struct err *err)
{
	return dir_search(c,
	    &(struct dir_query){.base = base, .scope = DIR_SUBTREE, .filter = "(objectClass=*)"},
	    out, err);
}

static void
who_is_referred_to_is_told_by_name(void **state)
{
	static const char *const bases[] = {"OU=split,DC=x", "OU=moved,DC=x"};
	struct view value = view_str("x");
	struct dir_entries found;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_false(search_below(plain.conn, bases[i], &found, &err));
		assert_int_equal(err.code, DIRCA_E_DIRECTORY);
		assert_non_null(strstr(err.msg, plain.uri));
		assert_non_null(strstr(err.msg, "ldap://other.example/"));
		assert_non_null(strstr(err.msg, "not followed"));
	}
	assert_false(dir_replace(plain.conn, "CN=x,DC=x", "cn", &value, 1, &err));
	assert_non_null(strstr(err.msg, "ldap://other.example/"));
	assert_null(dir_conn_references(plain.conn));
}

/* Its other domains are no part of this one. What moved is. */
static void
a_domain_controllers_other_domains_are_kept(void **state)
{
	struct dir_entries found;
	struct err err;

	(void)state;
	assert_true(dir_conn_root(ad.conn)->is_ad);
	assert_null(dir_conn_references(ad.conn));
	for (size_t i = 0; i < 2; i++) {
		assert_true(search_below(ad.conn, "OU=split,DC=x", &found, &err));
		assert_int_equal(found.count, 1);
		dir_entries_free(&found);
	}
	assert_string_equal(dir_conn_references(ad.conn), "ldap://other.example/OU=elsewhere,DC=x");
	assert_false(search_below(ad.conn, "OU=moved,DC=x", &found, &err));
	assert_non_null(strstr(err.msg, "ldap://other.example/"));
}

static void
a_global_catalog_is_refused_by_name(void **state)
{
	struct dir_config config = {.uris = ad.catalog, .timeout_ms = 60000};
	struct dir_conn *c;
	struct err err;

	(void)state;
	assert_false(dir_connect(&config, &c, &err));
	assert_null(c);
	assert_non_null(strstr(err.msg, ad.catalog));
	assert_non_null(strstr(err.msg, "is the global catalog"));
}

static int
begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return start(&plain, "plain") && start(&ad, "ad") ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	stop(&plain);
	stop(&ad);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_in_parts_are_read_whole),
	    cmocka_unit_test(a_part_never_passes_for_the_whole),
	    cmocka_unit_test(who_is_referred_to_is_told_by_name),
	    cmocka_unit_test(a_domain_controllers_other_domains_are_kept),
	    cmocka_unit_test(a_global_catalog_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
