#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net_name.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG253                             \
	LABEL63 "." LABEL63 "." LABEL63 "." \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LOCAL64 LABEL63 "a"

typedef const char *why_not(const char *text);

struct row {
	const char *text, *why; /* a part of the reason; NULL: it is one */
};

static void
run(why_not *why, const struct row *rows)
{
	for (; rows->text != NULL; rows++) {
		const char *got = why(rows->text);

		if (rows->why == NULL && got != NULL)
			fail_msg("\"%s\" %s", rows->text, got);
		if (rows->why != NULL && (got == NULL || strstr(got, rows->why) == NULL))
			fail_msg("\"%s\": %s", rows->text, got != NULL ? got : "taken");
	}
}

static void
hosts_are_in_preferred_syntax(void **state)
{
	static const struct row rows[] = {
	    {"web.nwtraders.com", NULL},
	    {"WEB", NULL},
	    {"3com.example", NULL},
	    {"a_b.example", NULL},
	    {"_ldap._tcp.example", NULL},
	    {"xn--mller-kva.example", NULL},
	    {LABEL63 ".example", NULL},
	    {LONG253, NULL},
	    {"", "empty"},
	    {"a..b", "empty label"},
	    {".a", "empty label"},
	    {"a.", "empty label"},
	    {".", "empty label"},
	    {LABEL63 "a.example", "63"},
	    {LONG253 "a", "253"},
	    {"m\303\274ller.example", "A-label"},
	    {"a b", "blank"},
	    {"a\tb", "control"},
	    {"web.example, www.example", "blank"},
	    {"web.example,www.example", "letter"},
	    {"-a.example", "hyphen"},
	    {"a-.example", "hyphen"},
	    {"a@b", "letter"},
	    {"https://a.example", "letter"},
	    {"10.0.0.1", "address"},
	    {"1.2", "address"},
	    {"a.1", NULL},
	    {"0123", NULL},
	    {"*.example", "letter"},
	    {NULL, NULL},
	};

	(void)state;
	run(net_host_why, rows);
}

static void
a_wildcard_is_the_first_label_of_several(void **state)
{
	static const struct row rows[] = {
	    {"*.nwtraders.com", NULL},
	    {"web.nwtraders.com", NULL},
	    {"*", "letter"},
	    {"*.", "empty"},
	    {"*.*.example", "letter"},
	    {"a*.example", "letter"},
	    {"a.*.example", "letter"},
	    {"*..example", "empty label"},
	    {NULL, NULL},
	};

	(void)state;
	run(net_host_or_wildcard_why, rows);
}

static void
mailboxes_have_a_local_part_and_a_host(void **state)
{
	static const struct row rows[] = {
	    {"max@nwtraders.com", NULL},
	    {"Max.Muster+tag@nwtraders.com", NULL},
	    {"o'neil/x=y@b", NULL},
	    {"\"a@b\"@c.example", NULL},
	    {"\"a\\\"b\"@c.example", NULL},
	    {"a@[192.0.2.1]", NULL},
	    {"a@[IPv6:2001:db8::1]", NULL},
	    {LOCAL64 "@b", NULL},
	    {"", "empty"},
	    {"n/a", "no \"@\""},
	    {"max", "no \"@\""},
	    {"@b", "nothing before"},
	    {"a@", "empty label"},
	    {"a@b@c", "quoted"},
	    {"a@x;b@x", "quoted"},
	    {"a@x,b@x", "quoted"},
	    {"a@x; b@x", "blank"},
	    {"Max <max@x>", "blank"},
	    {"<max@x>", "quoted"},
	    {"max@x>", "letter"},
	    {"max@*.x", "letter"},
	    {".a@b", "dot"},
	    {"a.@b", "dot"},
	    {"a..b@c", "dot"},
	    {"a@b..c", "empty label"},
	    {"a@10.0.0.1", "address"},
	    {"a@[]", "brackets"},
	    {"a@[x", "brackets"},
	    {"a@[1.2.3.4].x", "brackets"},
	    {"\"\"@b", "nothing"},
	    {"\"a\"b\"@c", "quotes"},
	    {"\"a\\\"@c", "quotes"},
	    {"j\303\274rgen@nwtraders.com", "ASCII"},
	    {"max@m\303\274ller.example", "A-label"},
	    {LOCAL64 "a@b", "64"},
	    {NULL, NULL},
	};

	(void)state;
	run(net_mailbox_why, rows);
}

static void
uris_have_a_scheme(void **state)
{
	static const struct row rows[] = {
	    {"https://a.example/x?y#z", NULL},
	    {"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", NULL},
	    {"spiffe://domain/path", NULL},
	    {"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500", NULL},
	    {"file:///etc/passwd", NULL},
	    {"FILE:///etc/passwd", NULL},
	    {"", "empty"},
	    {"a.example", "scheme"},
	    {"//a.example/x", "scheme"},
	    {"1a:b", "scheme"},
	    {"http:", "scheme"},
	    {"https:///x", "host"},
	    {"https://", "host"},
	    {"https://a b", "blank"},
	    {"https://a/<b>", "%hh"},
	    {"https://a/\303\274", "ASCII"},
	    {NULL, NULL},
	};

	(void)state;
	run(net_uri_why, rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_are_in_preferred_syntax),
	    cmocka_unit_test(a_wildcard_is_the_first_label_of_several),
	    cmocka_unit_test(mailboxes_have_a_local_part_and_a_host),
	    cmocka_unit_test(uris_have_a_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
