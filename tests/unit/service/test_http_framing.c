/* Where a request begins and ends: what is read, and that everything that could be read in two ways
 * is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http_framing.h"

#define GET  "GET /a?b=c HTTP/1.1\r\n"
#define POST "POST /a HTTP/1.1\r\n"
#define HOST "Host: ca1:8443\r\n"
#define END  "\r\n"

static enum http_scan
scan(const char *text, struct http_head *out)
{
	struct err err;

	return http_head_scan(view_str(text), out, &err);
}

static bool
is(struct view v, const char *text)
{
	return v.ptr != NULL && view_eq(v, view_str(text));
}

static void
a_request_is_read(void **state)
{
	static const char text[] =
	    GET HOST "Authorization: Basic eA==\r\nOrigin:https://x\r\n"
		     "sec-fetch-site: \t same-origin \t\r\nContent-Type: a/b\r\n" END "rest";
	struct http_head head;

	(void)state;
	assert_int_equal(scan(text, &head), HTTP_WHOLE);
	assert_true(is(head.method, "GET"));
	assert_true(is(head.target, "/a?b=c"));
	assert_true(is(head.host, "ca1:8443"));
	assert_true(is(head.authorization, "Basic eA=="));
	assert_true(is(head.origin, "https://x"));
	assert_true(is(head.fetch_site, "same-origin"));
	assert_true(is(head.content_type, "a/b"));
	assert_false(head.chunked || head.close || head.continues);
	assert_int_equal(head.content_length, 0);
	assert_string_equal(text + head.len, "rest");
}

static void
what_is_whole_is_never_whole_before(void **state)
{
	static const char text[] = POST HOST "Content-Length: 17\r\nX: \xc3\xa9\r\n" END;
	struct http_head head;
	struct err err;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(http_head_scan(view_of(text, n), &head, &err), HTTP_PART);
	assert_int_equal(http_head_scan(view_str(text), &head, &err), HTTP_WHOLE);
	assert_int_equal(head.content_length, 17);
	assert_int_equal(head.len, strlen(text));
}

static void
bodies_and_connections_are_told(void **state)
{
	static const struct {
		const char *text;
		bool chunked, close, continues;
		uint64_t length;
	} rows[] = {
	    {POST HOST "Transfer-Encoding: Chunked\r\n" END, true, false, false, 0},
	    {POST HOST "Content-Length: 0\r\n" END, false, false, false, 0},
	    {POST HOST "content-length:999999999999999\r\n" END, false, false, false,
		999999999999999},
	    {POST HOST "Expect: 100-Continue\r\nContent-Length: 5\r\n" END, false, false, true, 5},
	    {GET HOST "Connection: close\r\n" END, false, true, false, 0},
	    {GET HOST "Connection: upgrade , CLOSE\r\n" END, false, true, false, 0},
	    {GET HOST "Connection: closed,keep-alive\r\n" END, false, false, false, 0},
	    {GET HOST "Connection: close\r\nConnection: keep-alive\r\n" END, false, true, false, 0},
	    {"GET /a HTTP/1.0\r\n" END, false, true, false, 0},
	    {"GET /a HTTP/1.0\r\nExpect: 100-continue\r\n" END, false, true, false, 0},
	};
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(scan(rows[i].text, &head), HTTP_WHOLE);
		assert_int_equal(head.chunked, rows[i].chunked);
		assert_int_equal(head.close, rows[i].close);
		assert_int_equal(head.continues, rows[i].continues);
		assert_int_equal(head.content_length, rows[i].length);
	}
}

static void
a_target_with_a_host_names_the_host(void **state)
{
	struct http_head head;

	(void)state;
	assert_int_equal(scan("GET HTTPS://evil:1/p?q HTTP/1.1\r\n" HOST END, &head), HTTP_WHOLE);
	assert_true(is(head.host, "evil:1"));
	assert_true(is(head.target, "/p?q"));
	assert_int_equal(scan("OPTIONS * HTTP/1.1\r\n" HOST END, &head), HTTP_WHOLE);
	assert_true(is(head.target, "*"));
}

static void
what_could_be_read_in_two_ways_is_refused(void **state)
{
	static const char *const rows[] = {
	    /* lengths and encodings */
	    POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n" END,
	    POST HOST "Content-Length: 5\r\ncontent-length: 5\r\n" END,
	    POST HOST "Content-Length: 5, 5\r\n" END,
	    POST HOST "Content-Length: +5\r\n" END,
	    POST HOST "Content-Length: -1\r\n" END,
	    POST HOST "Content-Length: 0x5\r\n" END,
	    POST HOST "Content-Length: 5 5\r\n" END,
	    POST HOST "Content-Length:\r\n" END,
	    POST HOST "Content-Length: 18446744073709551616\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
	    POST HOST "Transfer-Encoding: xchunked\r\n" END,
	    POST HOST "Transfer-Encoding: gzip, chunked\r\n" END,
	    POST HOST "Transfer-Encoding: identity\r\n" END,
	    POST HOST "Transfer-Encoding:\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END,
	    POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
	    "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END,
	    /* names */
	    POST HOST "Content-Length : 5\r\n" END,
	    POST HOST "Content-Length\t: 5\r\n" END,
	    POST HOST " Content-Length: 5\r\n" END,
	    POST HOST "X: y\r\n z\r\n" END,
	    POST HOST "X: y\r\n\tz\r\n" END,
	    POST HOST ": y\r\n" END,
	    POST HOST "X\r\n" END,
	    POST HOST "X(y): z\r\n" END,
	    POST HOST "X\xc3\xa9: z\r\n" END,
	    /* lines */
	    POST HOST "X: y\nZ: a\r\n" END,
	    POST HOST "X: y\rZ: a\r\n" END,
	    POST HOST "X: y\x01\r\n" END,
	    POST HOST "X: y\x7f\r\n" END,
	    "POST /a HTTP/1.1\nHost: x\n\n",
	    "\r\n" POST HOST END,
	    /* twice, or not at all */
	    POST HOST HOST END,
	    POST END,
	    POST HOST "Authorization: Basic eA==\r\nauthorization: Basic eQ==\r\n" END,
	    POST HOST "Origin: a\r\nOrigin: a\r\n" END,
	    POST HOST "Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n" END,
	    POST HOST "Content-Type: a/b\r\nContent-Type: a/b\r\n" END,
	    POST HOST "Expect: 200-ok\r\n" END,
	    /* request line */
	    "GET /a\r\n" HOST END,
	    "GET  /a HTTP/1.1\r\n" HOST END,
	    "GET /a  HTTP/1.1\r\n" HOST END,
	    "GET /a HTTP/1.1 \r\n" HOST END,
	    "GET /a b HTTP/1.1\r\n" HOST END,
	    "GET\t/a HTTP/1.1\r\n" HOST END,
	    "G(T /a HTTP/1.1\r\n" HOST END,
	    " /a HTTP/1.1\r\n" HOST END,
	    "GET /a HTTP/2.0\r\n" HOST END,
	    "GET /a HTTP/1.2\r\n" HOST END,
	    "GET /a http/1.1\r\n" HOST END,
	    "GET a HTTP/1.1\r\n" HOST END,
	    "GET /a#b HTTP/1.1\r\n" HOST END,
	    "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END,
	    "GET https://x HTTP/1.1\r\n" HOST END,
	    "GET https:///a HTTP/1.1\r\n" HOST END,
	    "GET ftp://x/a HTTP/1.1\r\n" HOST END,
	    "CONNECT x:443 HTTP/1.1\r\n" HOST END,
	};
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (scan(rows[i], &head) != HTTP_BAD)
			fail_msg("row %zu is not refused: %s", i, rows[i]);
}

static void
a_nul_is_refused(void **state)
{
	static const char text[] = POST HOST "X: a\0b\r\n" END;
	struct http_head head;
	struct err err;

	(void)state;
	assert_int_equal(http_head_scan(view_of(text, sizeof text - 1), &head, &err), HTTP_BAD);
}

static void
a_head_that_is_too_large_is_refused(void **state)
{
	size_t size = HTTP_HEAD_MAX + 1;
	char *text = malloc(size + 1);
	struct http_head head;

	(void)state;
	assert_non_null(text);
	memset(text, 'y', size);
	memcpy(text, GET HOST "X: ", strlen(GET HOST "X: "));
	text[size] = '\0';
	assert_int_equal(scan(text, &head), HTTP_BAD);
	text[size - 1] = '\0';
	assert_int_equal(scan(text, &head), HTTP_PART);
	strcpy(text, GET HOST);
	for (int i = 1; i < HTTP_HEADERS_MAX; i++)
		strcat(text, "X: y\r\n");
	assert_int_equal(scan(strcat(text, END), &head), HTTP_WHOLE);
	text[strlen(text) - 2] = '\0';
	assert_int_equal(scan(strcat(text, "X: y\r\n" END), &head), HTTP_BAD);
	free(text);
}

/* ---- chunks ---- */

static void
lines_of_chunks_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint64_t size;
	} rows[] = {
	    {"5\r\nhello", 3, 5},
	    {"1A;x=y\r\n", 8, 26},
	    {"00000001\r\n", 10, 1},
	    {"ffffffff\r\n", 10, 0xffffffff},
	    {"0\r\n\r\nPOST", 5, 0},
	    {"000;x\r\n\r\n", 9, 0},
	};
	size_t len;
	uint64_t size;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t n = 0; n < rows[i].len; n++)
			assert_int_equal(
			    http_chunk_scan(view_of(rows[i].text, n), &len, &size, &err),
			    HTTP_PART);
		assert_int_equal(
		    http_chunk_scan(view_str(rows[i].text), &len, &size, &err), HTTP_WHOLE);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(size, rows[i].size);
	}
}

static void
bad_lines_of_chunks_are_refused(void **state)
{
	static const char *const rows[] = {"\r\n", "x\r\n", "-1\r\n", "0x3\r\n", " 3\r\n", "3 \r\n",
	    "3\n", "3\rx", "123456789\r\n", "3;\x01\r\n", "0\r\nX: y\r\n\r\n", "0\r\n\n",
	    "3;yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"};
	size_t len;
	uint64_t size;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (http_chunk_scan(view_str(rows[i]), &len, &size, &err) != HTTP_BAD)
			fail_msg("row %zu is not refused: %s", i, rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_read),
	    cmocka_unit_test(what_is_whole_is_never_whole_before),
	    cmocka_unit_test(bodies_and_connections_are_told),
	    cmocka_unit_test(a_target_with_a_host_names_the_host),
	    cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
	    cmocka_unit_test(a_nul_is_refused),
	    cmocka_unit_test(a_head_that_is_too_large_is_refused),
	    cmocka_unit_test(lines_of_chunks_are_read),
	    cmocka_unit_test(bad_lines_of_chunks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
