/* What the gate before the routes lets pass: a table of requests as clients and browsers send
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate.h"

#define JSON "application/json"

static char host[] = "ca1.nwtraders.com", url[] = "https://pki.nwtraders.com",
	    http_url[] = "http://crl.nwtraders.com:8080", any[] = "[::]:8443",
	    one[] = "10.0.0.1:9443", loopback[] = "127.0.0.1:7443", plain[] = "0.0.0.0:80",
	    metrics[] = "127.0.0.1:9464";

static const struct config config = {
    .host = host,
    .url = url,
    .http_url = http_url,
    .listen = {any, one, loopback},
    .listen_count = 3,
    .http_listen = {plain},
    .http_listen_count = 1,
    .metrics_listen = metrics,
};

struct row {
	enum http_channel channel;
	const char *method, *host, *origin, *fetch_site, *type;
};

static bool
admits(const struct row *r)
{
	char *const text[] = {strdup(r->method), r->host != NULL ? strdup(r->host) : NULL,
	    r->origin != NULL ? strdup(r->origin) : NULL,
	    r->fetch_site != NULL ? strdup(r->fetch_site) : NULL,
	    r->type != NULL ? strdup(r->type) : NULL};
	const struct http_call call = {.channel = r->channel,
	    .method = text[0],
	    .host = text[1],
	    .origin = text[2],
	    .fetch_site = text[3],
	    .body_type = text[4]};
	struct err err;
	bool ok = gate_admits(&config, &call, &err);

	assert_true(ok || err.code == DIRCA_E_CROSS_SITE);
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
		free(text[i]);
	return ok;
}

static void
ours_passes(void **state)
{
	static const struct row rows[] = {
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "PKI.nwtraders.com:443", NULL, NULL,
		"Application/JSON; charset=utf-8"},
	    {HTTP_TLS, "POST", "ca1.nwtraders.com:8443", NULL, NULL, "application/pkcs10"},
	    {HTTP_TLS, "PUT", "ca1.nwtraders.com.:9443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "ca1.nwtraders.com:7443", NULL, NULL, "application/octet-stream"},
	    {HTTP_TLS, "POST", "10.0.0.1:9443", NULL, NULL,
		"application/pkcs7-mime; smime-type=CMC-request"},
	    {HTTP_TLS, "POST", "127.0.0.1:7443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "localhost:7443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "192.0.2.9:8443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "[2001:db8::9]:8443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "localhost:8443", NULL, NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "https://pki.nwtraders.com", "same-origin",
		JSON},
	    {HTTP_TLS, "GET", "pki.nwtraders.com", NULL, NULL, NULL},
	    {HTTP_TLS, "HEAD", "pki.nwtraders.com", "https://evil.example", "cross-site", NULL},
	    {HTTP_PLAIN, "GET", "crl.nwtraders.com:8080", NULL, NULL, NULL},
	    {HTTP_PLAIN, "GET", "ca1.nwtraders.com", NULL, NULL, NULL},
	    {HTTP_PLAIN, "GET", "192.0.2.9", NULL, NULL, NULL},
	    {HTTP_PLAIN, "GET", NULL, NULL, NULL, NULL}, /* HTTP/1.0 */
	    {HTTP_LOCAL, "POST", "localhost", NULL, NULL, JSON},
	    {HTTP_METRICS, "GET", "127.0.0.1:9464", NULL, NULL, NULL},
	    {HTTP_METRICS, "GET", "localhost:9464", NULL, NULL, NULL},
	    {HTTP_METRICS, "GET", "ca1.nwtraders.com:9464", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!admits(&rows[i]))
			fail_msg("row %zu does not pass: %s %s", i, rows[i].method,
			    rows[i].host != NULL ? rows[i].host : "-");
}

static void
what_another_site_can_send_does_not(void **state)
{
	static const struct row rows[] = {
	    /* rebinding, reads too */
	    {HTTP_TLS, "GET", "evil.example", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "evil.example:8443", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "pki.nwtraders.com:8443", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "ca1.nwtraders.com", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "ca1.nwtraders.com:84430", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "ca1.nwtraders.com:8443x", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "ca1.nwtraders.com:", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "ca1.nwtraders.com.evil.example:8443", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "evil.example:8443@ca1.nwtraders.com:8443", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "[::1", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "localhost:9443", NULL, NULL, NULL},
	    {HTTP_TLS, "GET", "192.0.2.9:9443", NULL, NULL, NULL},
	    {HTTP_PLAIN, "GET", "evil.example", NULL, NULL, NULL},
	    {HTTP_METRICS, "GET", "evil.example:9464", NULL, NULL, NULL},
	    {HTTP_METRICS, "GET", "crl.nwtraders.com:8080", NULL, NULL, NULL},
	    {HTTP_PLAIN, "GET", "ca1.nwtraders.com:8443", NULL, NULL, NULL},
	    {HTTP_LOCAL, "GET", "evil.example", NULL, NULL, NULL},
	    {HTTP_TLS, "POST", NULL, NULL, NULL, JSON},
	    /* origins */
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "https://evil.example", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "null", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "http://pki.nwtraders.com", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "https://pki.nwtraders.com:444", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", "http://crl.nwtraders.com:8080", NULL, JSON},
	    {HTTP_LOCAL, "POST", "localhost", "https://localhost", NULL, JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, "cross-site", JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, "same-site", JSON},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, "none", JSON},
	    /* forms */
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, NULL},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, ""},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, "text/plain"},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL,
		"application/x-www-form-urlencoded"},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, "multipart/form-data; boundary=x"},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, "text/plain; application/json"},
	    {HTTP_TLS, "POST", "pki.nwtraders.com", NULL, NULL, "application/jsonp"},
	    {HTTP_TLS, "DELETE", "pki.nwtraders.com", NULL, NULL, NULL},
	    {HTTP_TLS, "OPTIONS", "pki.nwtraders.com", "https://evil.example", "cross-site", NULL},
	    {HTTP_TLS, "get", "pki.nwtraders.com", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (admits(&rows[i]))
			fail_msg("row %zu passes: %s %s", i, rows[i].method,
			    rows[i].host != NULL ? rows[i].host : "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ours_passes),
	    cmocka_unit_test(what_another_site_can_send_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
