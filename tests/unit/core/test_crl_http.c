/* CRLs by HTTP, from a server that plays each trick: what counts is what the issuer signed, in
 * time, and nobody is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive_pki.h"
#include "clock.h"
#include "crl_http.h"
#include "mem.h"
#include "own_openssl.h"
#include "quiet.h"
#include "text.h"

#define REVOKED 7

/* ---- a server ---- */

enum trick { HONEST, HANGS, REDIRECTS, FAILS, LARGE, SAYS_LARGE };

static struct {
	int fd;
	char *url;
	enum trick trick;
	pthread_mutex_t lock; /* guards `crl` */
	struct buf crl;
	int asked;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
say(int fd, const void *what, size_t len)
{
	if (send(fd, what, len, MSG_NOSIGNAL) != (ssize_t)len)
		return; /* who asked has gone */
}

/* A copy: the next CRL is made while this one is sent still. */
static void
say_crl(int fd, const char *head)
{
	OWNED(buf_free) struct buf crl = {0};
	OWNED(own_memory) char *all = NULL;
	struct err err;

	pthread_mutex_lock(&server.lock);
	assert_true(buf_dup(buf_view(&server.crl), &crl, &err));
	pthread_mutex_unlock(&server.lock);
	all = text_printf("%sContent-Length: %zu\r\nConnection: close\r\n\r\n", head, crl.len);
	say(fd, all, strlen(all));
	say(fd, crl.ptr, crl.len);
}

static void
answer(int fd)
{
	static const char zeros[65536];
	OWNED(own_memory) char *head = NULL;

	switch (server.trick) {
	case HANGS:
		sleep(120);
		return;
	case REDIRECTS:
		head = text_printf("HTTP/1.1 302 Found\r\nLocation: %s\r\n", server.url);
		break;
	case FAILS:
		head = mem_text("HTTP/1.1 404 Not Found\r\n");
		break;
	case LARGE: /* without saying how large */
		say(fd, "HTTP/1.0 200 OK\r\n\r\n", 19);
		for (size_t sent = 0; sent <= CRL_HTTP_MAX; sent += sizeof zeros)
			say(fd, zeros, sizeof zeros);
		return;
	case SAYS_LARGE:
		head =
		    text_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", CRL_HTTP_MAX + 1);
		say(fd, head, strlen(head));
		return;
	case HONEST:
		head = mem_text("HTTP/1.1 200 OK\r\n");
		break;
	}
	say_crl(fd, head);
}

static void *
serve(void *arg)
{
	char request[4096];

	for (;;) {
		int fd = accept(server.fd, NULL, NULL);

		if (fd == -1)
			return arg;
		server.asked++;
		if (recv(fd, request, sizeof request, 0) > 0)
			answer(fd);
		close(fd);
	}
}

static int
start(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	pthread_t thread;

	(void)state;
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (struct sockaddr *)&at, len) != 0 || listen(server.fd, 9) != 0 ||
	    getsockname(server.fd, (struct sockaddr *)&at, &len) != 0)
		return -1;
	server.url = text_printf("http://127.0.0.1:%u/ca.crl", ntohs(at.sin_port));
	return pthread_create(&thread, NULL, serve, NULL) != 0 ? -1 : pthread_detach(thread);
}

/* ---- time goes on ---- */

static int64_t later_ms;

int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + later_ms;
}

/* ---- a CA, and a certificate of it ---- */

static struct test_cert ca, other;

static void
make_crl(const struct test_cert *by, int64_t from, int64_t until, int serial)
{
	OWNED(own_x509_crl) X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	const unsigned char *p = by->cert.subject.ptr;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)by->cert.subject.len);
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	unsigned char *der = NULL;
	struct err err;
	int len;

	assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		    X509_CRL_set_issuer_name(crl, name) == 1);
	ASN1_TIME_set(t, from);
	X509_CRL_set1_lastUpdate(crl, t);
	X509_REVOKED_set_revocationDate(r, t);
	ASN1_TIME_set(t, until);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_INTEGER_set(n, serial);
	X509_REVOKED_set_serialNumber(r, n);
	X509_CRL_add0_revoked(crl, r);
	assert_true(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
	len = i2d_X509_CRL(crl, &der);
	pthread_mutex_lock(&server.lock);
	buf_free(&server.crl);
	assert_true(buf_take_openssl(der, len, &server.crl, &err));
	pthread_mutex_unlock(&server.lock);
	X509_NAME_free(name);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(n);
}

static struct test_cert
certificate(const char *points)
{
	struct test_cert c = test_issue(&(struct test_issue){.dn = "CN=kra",
	    .key = test_key("P-256"),
	    .issuer = &ca,
	    .cdp = points,
	    .eku = KRA_EKU,
	    .serial = REVOKED,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + TEST_DAY});

	return c;
}

struct asked {
	struct test_cert cert;
	struct crl_check in;
	struct crl_http *h;
};

static struct asked
begin(enum crl_http_from from)
{
	OWNED(own_memory) char *points = text_printf("URI:%s", server.url);
	struct asked a = {.cert = certificate(points), .h = crl_http_new(from)};

	server.asked = 0;
	a.in = (struct crl_check){.issuer = &ca.cert, .key = ca.key, .now = TEST_NOW};
	return a;
}

static void
end(struct asked *a)
{
	crl_http_free(&a->h);
	test_cert_free(&a->cert);
}

static void
assert_unknown(struct asked *a, const char *why)
{
	struct err err = {0};
	bool listed;

	a->in.cert = &a->cert.cert;
	assert_false(crl_http_lists(a->h, &a->in, &listed, &err));
	assert_true(listed);
	assert_int_equal(err.code, CRYPT_E_REVOCATION_OFFLINE);
	if (strstr(err.msg, why) == NULL)
		fail_msg("%s: %s", why, err.msg);
}

static void
assert_listed(struct asked *a, bool listed)
{
	struct err err;
	bool is_listed;

	a->in.cert = &a->cert.cert;
	if (!crl_http_lists(a->h, &a->in, &is_listed, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(is_listed, listed);
}

/* ---- ---- */

static void
crl_of_the_issuer_counts_and_is_kept(void **state)
{
	struct asked a = begin(CRL_HTTP_LOCAL);

	(void)state;
	server.trick = HONEST;
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, 1);
	assert_listed(&a, false);
	assert_listed(&a, false);
	assert_int_equal(server.asked, 1);
	end(&a);
	a = begin(CRL_HTTP_LOCAL);
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, REVOKED);
	assert_listed(&a, true);
	/* It has ended: another is asked for, but not at once again. */
	a.in.now = TEST_NOW + 2 * TEST_DAY;
	assert_unknown(&a, "not current");
	assert_int_equal(server.asked, 1);
	end(&a);
}

static void
what_is_no_current_crl_of_the_issuer_counts_for_nothing(void **state)
{
	struct asked a = begin(CRL_HTTP_LOCAL);

	(void)state;
	server.trick = HONEST;
	make_crl(&other, TEST_NOW - 60, TEST_NOW + TEST_DAY, 1);
	assert_unknown(&a, "another issuer");
	end(&a);
	a = begin(CRL_HTTP_LOCAL);
	make_crl(&ca, TEST_NOW - 2 * TEST_DAY, TEST_NOW - TEST_DAY, 1);
	assert_unknown(&a, "not current");
	end(&a);
	a = begin(CRL_HTTP_LOCAL);
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, 1);
	server.crl.ptr[server.crl.len - 1] ^= 1;
	assert_unknown(&a, "CRL");
	/* Who says nothing usable is not asked again and again. */
	assert_unknown(&a, "CRL");
	assert_int_equal(server.asked, 1);
	end(&a);
}

static void
what_is_no_crl_takes_no_good_ones_place(void **state)
{
	struct asked a = begin(CRL_HTTP_LOCAL);

	(void)state;
	server.trick = HONEST;
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, REVOKED);
	assert_listed(&a, true);
	make_crl(&other, TEST_NOW - 30, TEST_NOW + TEST_DAY, 1);
	later_ms += 3601 * INT64_C(1000);
	assert_listed(&a, true);
	assert_int_equal(server.asked, 2);
	end(&a);
}

static void
server_has_little_to_say(void **state)
{
	static const struct {
		enum trick trick;
		const char *why;
	} rows[] = {{REDIRECTS, "answered 302"}, {FAILS, "answered 404"},
	    {LARGE, "Failure writing"}, {SAYS_LARGE, "Maximum file size"}};

	(void)state;
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct asked a = begin(CRL_HTTP_LOCAL);

		server.trick = rows[i].trick;
		assert_unknown(&a, rows[i].why);
		assert_int_equal(server.asked, 1);
		end(&a);
	}
}

static void
this_machine_is_asked_only_where_root_says_so(void **state)
{
	static const char *const others[] = {"URI:http://localhost:1/", "URI:http://[::1]:1/",
	    "URI:http://169.254.169.254/", "URI:http://[::ffff:127.0.0.1]:1/"};
	struct asked a = begin(CRL_HTTP_YES);

	(void)state;
	server.trick = HONEST;
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, 1);
	assert_unknown(&a, server.url);
	end(&a);
	a = begin(CRL_HTTP_NO);
	assert_unknown(&a, "crl_http");
	assert_int_equal(server.asked, 0);
	end(&a);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		int64_t begun = quiet_ms();

		a = begin(CRL_HTTP_YES);
		test_cert_free(&a.cert);
		a.cert = certificate(others[i]);
		assert_unknown(&a, "http://");
		assert_true(quiet_ms() - begun < 2000);
		end(&a);
	}
}

/* And by number, since no test reaches most of them: each with its neighbour that is asked. */
static void
near_addresses_are_not_asked(void **state)
{
	static const struct {
		const char *address;
		bool near;
	} rows[] = {{"127.0.0.1", true}, {"127.255.255.255", true}, {"126.255.255.255", false},
	    {"128.0.0.1", false}, {"0.0.0.0", true}, {"0.1.2.3", true}, {"1.0.0.0", false},
	    {"169.254.169.254", true}, {"169.253.1.1", false}, {"169.255.1.1", false},
	    {"224.0.0.1", true}, {"239.255.255.250", true}, {"255.255.255.255", true},
	    {"223.255.255.255", false}, {"10.0.0.1", false}, {"192.168.1.1", false}, {"::1", true},
	    {"::", true}, {"::2", false}, {"fe80::1", true}, {"febf::1", true}, {"fec0::1", false},
	    {"ff02::1", true}, {"fd00::1", false}, {"2001:db8::1", false},
	    {"::ffff:127.0.0.1", true}, {"::ffff:169.254.169.254", true}, {"::ffff:0.0.0.0", true},
	    {"::ffff:224.0.0.1", true}, {"::ffff:10.0.0.1", false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool is_six = strchr(rows[i].address, ':') != NULL;
		struct sockaddr_in four = {.sin_family = AF_INET};
		struct sockaddr_in6 six = {.sin6_family = AF_INET6};
		const struct sockaddr *sa = is_six ? (const void *)&six : (const void *)&four;

		assert_int_equal(inet_pton(is_six ? AF_INET6 : AF_INET, rows[i].address,
				     is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr),
		    1);
		if (crl_http_is_near(sa) != rows[i].near)
			fail_msg("%s", rows[i].address);
	}
	assert_true(crl_http_is_near(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void
nothing_but_http_is_asked(void **state)
{
	static const char *const points[] = {
	    "URI:file:///etc/passwd", "URI:https://localhost/", "URI:ldap:///CN=x", NULL};
	struct asked a = begin(CRL_HTTP_LOCAL);

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		test_cert_free(&a.cert);
		a.cert = certificate(points[i]);
		assert_unknown(&a, "names no http URL");
	}
	end(&a);
}

/* Whoever answers in the server's place has one of yesterday, which is current still. */
static void
older_crl_takes_no_newer_ones_place(void **state)
{
	struct asked a = begin(CRL_HTTP_LOCAL);

	(void)state;
	server.trick = HONEST;
	make_crl(&ca, TEST_NOW - 60, TEST_NOW + TEST_DAY, REVOKED);
	assert_listed(&a, true);
	make_crl(&ca, TEST_NOW - 3600, TEST_NOW + 9 * TEST_DAY, 1);
	later_ms += 3601 * INT64_C(1000);
	assert_listed(&a, true);
	assert_int_equal(server.asked, 2);
	/* Also when the newer one has ended. */
	a.in.now = TEST_NOW + 2 * TEST_DAY;
	later_ms += 61 * INT64_C(1000);
	assert_unknown(&a, "older than the one");
	assert_int_equal(server.asked, 3);
	make_crl(&ca, TEST_NOW + TEST_DAY, TEST_NOW + 9 * TEST_DAY, 1);
	later_ms += 61 * INT64_C(1000);
	assert_listed(&a, false);
	end(&a);
}

/* The last, since the server hangs. Two servers of three seconds, and the third has the rest. */
static void
server_that_hangs_holds_up_for_seconds(void **state)
{
	struct asked a = begin(CRL_HTTP_LOCAL);
	int64_t begun = quiet_ms();

	(void)state;
	server.trick = HANGS;
	for (int i = 0; i < 6; i++) {
		OWNED(own_memory) char *points = text_printf("URI:%s?%d", server.url, i);

		test_cert_free(&a.cert);
		a.cert = certificate(points);
		assert_unknown(&a, i < 3 ? "timed out" : "not asked now");
	}
	assert_true(quiet_ms() - begun < 15000);
	end(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crl_of_the_issuer_counts_and_is_kept),
	    cmocka_unit_test(what_is_no_current_crl_of_the_issuer_counts_for_nothing),
	    cmocka_unit_test(what_is_no_crl_takes_no_good_ones_place),
	    cmocka_unit_test(server_has_little_to_say),
	    cmocka_unit_test(this_machine_is_asked_only_where_root_says_so),
	    cmocka_unit_test(near_addresses_are_not_asked),
	    cmocka_unit_test(nothing_but_http_is_asked),
	    cmocka_unit_test(older_crl_takes_no_newer_ones_place),
	    cmocka_unit_test(server_that_hangs_holds_up_for_seconds),
	};
	int bad;

	ca = test_ca("CN=CA", "P-256");
	other = test_ca("CN=other", "P-256");
	bad = cmocka_run_group_tests(tests, start, NULL);
	test_cert_free(&ca);
	test_cert_free(&other);
	free(server.url);
	buf_free(&server.crl);
	return bad;
}
