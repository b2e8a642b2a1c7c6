/* The route table: which request reaches which handler, and what a refusal's HTTP status is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "routes_priv.h"
#include "status.h"

static struct http_call
call_of(enum http_channel channel, const char *method, const char *path)
{
	struct http_call call = {.channel = channel};

	call.method = strdup(method);
	call.path = strdup(path);
	assert_non_null(call.method);
	assert_non_null(call.path);
	return call;
}

static void
call_drop(struct http_call *call)
{
	free(call->method);
	free(call->path);
}

static const struct route *
look(enum http_channel channel, const char *method, const char *path, char part[256], bool *known)
{
	struct http_call call = call_of(channel, method, path);
	const struct route *route = route_find(&call, part, 256, known);

	call_drop(&call);
	return route;
}

static void
each_route_is_found_by_its_method_and_path(void **state)
{
	static const struct {
		const char *method, *path, *part;
		void (*run)(struct route_call *);
		bool open;
	} rows[] = {
	    {"GET", "/.well-known/est/cacerts", "", route_est_cacerts, true},
	    {"GET", "/.well-known/est/User/cacerts", "User", route_est_cacerts, true},
	    {"GET", "/.well-known/est/csrattrs", "", route_est_csrattrs, true},
	    {"GET", "/.well-known/est/User/csrattrs", "User", route_est_csrattrs, true},
	    {"POST", "/.well-known/est/simplereenroll", "", route_est_simplereenroll, false},
	    {"POST", "/.well-known/est/User/simplereenroll", "User", route_est_simplereenroll,
		false},
	    {"POST", "/.well-known/est/simpleenroll", "", route_est_simpleenroll, false},
	    {"POST", "/.well-known/est/User/simpleenroll", "User", route_est_simpleenroll, false},
	    {"POST", "/.well-known/est/fullcmc", "", route_est_fullcmc, false},
	    {"POST", "/.well-known/est/EFSArchive/fullcmc", "EFSArchive", route_est_fullcmc, false},
	    {"GET", "/dirca/v1/ca", "", route_ca_status, false},
	    {"GET", "/dirca/v1/exchange-certificate", "", route_exchange_certificate, false},
	    {"GET", "/dirca/v1/settings", "", route_settings_list, false},
	    {"PUT", "/dirca/v1/settings/CA\\KRACertCount", "CA\\KRACertCount", route_setting_put,
		false},
	    {"POST", "/dirca/v1/crl", "", route_crl_post, false},
	    {"GET", "/dirca/v1/requests", "", route_requests_list, false},
	    {"GET", "/dirca/v1/requests/17", "17", route_request_get, false},
	    {"GET", "/dirca/v1/requests/17/certificate", "17", route_request_certificate, false},
	    {"POST", "/dirca/v1/requests/17/approve", "17", route_request_approve, false},
	    {"POST", "/dirca/v1/requests/17/deny", "17", route_request_deny, false},
	    {"GET", "/dirca/v1/candidates", "", route_candidates, false},
	    {"POST", "/dirca/v1/recovery-blobs", "", route_recovery_blob, false},
	    {"GET", "/dirca/Test CA.crl", "Test CA.crl", route_public_file, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char part[256];
		bool known;
		const struct route *r = look(HTTP_TLS, rows[i].method, rows[i].path, part, &known);

		assert_non_null(r);
		assert_true(known);
		assert_ptr_equal(r->run, rows[i].run);
		assert_string_equal(part, rows[i].part);
		assert_int_equal(r->open, rows[i].open);
	}
}

static void
head_finds_what_get_finds(void **state)
{
	char part[256];
	bool known;
	const struct route *r = look(HTTP_TLS, "HEAD", "/dirca/v1/ca", part, &known);

	(void)state;
	assert_non_null(r);
	assert_ptr_equal(r->run, route_ca_status);
	assert_null(look(HTTP_TLS, "HEAD", "/dirca/v1/crl", part, &known));
}

static void
another_method_knows_the_path_and_finds_nothing(void **state)
{
	static const char *const methods[] = {"DELETE", "PUT", "POST", "?", "get", ""};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		assert_null(look(HTTP_TLS, methods[i], "/dirca/v1/ca", part, &known));
		assert_true(known);
	}
}

static void
paths_match_whole_and_a_star_is_one_segment(void **state)
{
	static const char *const strange[] = {"", "/", "/dirca", "/dirca/", "/dirca/v1",
	    "/dirca/v1/", "/dirca/v1/ca/", "/dirca/v1/CA", "//dirca/v1/ca", "/dirca/v1/ca?x",
	    "/dirca/v1/requests/", "/dirca/v1/requests//approve", "/dirca/v1/requests/1/2/approve",
	    "/dirca/v1/requests/1/approve/", "/dirca/v1/requests/1/approv",
	    "/.well-known/est//fullcmc", "/.well-known/est/a/b/fullcmc", "/dirca/a/b.crl",
	    "/dirca/v1/../v1/ca"};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		const struct route *r = look(HTTP_TLS, "POST", strange[i], part, &known);

		assert_null(r);
		r = look(HTTP_TLS, "GET", strange[i], part, &known);
		/* "/dirca/v1" is asked of the public files, which know no such file. */
		if (r != NULL)
			assert_ptr_equal(r->run, route_public_file);
	}
}

static void
a_segment_over_its_limit_matches_nothing(void **state)
{
	char path[400] = "/dirca/v1/requests/", part[256];
	bool known;

	(void)state;
	memset(path + strlen(path), '1', 256);
	assert_null(look(HTTP_TLS, "GET", path, part, &known));
	path[strlen("/dirca/v1/requests/") + 255] = '\0';
	assert_non_null(look(HTTP_TLS, "GET", path, part, &known));
	assert_int_equal(strlen(part), 255);
}

static void
plain_http_serves_public_files_only(void **state)
{
	static const char *const closed[] = {"/dirca/v1/ca", "/dirca/v1/settings",
	    "/dirca/v1/exchange-certificate", "/.well-known/est/cacerts",
	    "/.well-known/est/User/cacerts", "/dirca/v1/candidates", "/dirca/v1/requests/1"};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
		assert_null(look(HTTP_PLAIN, "GET", closed[i], part, &known));
		assert_false(known);
	}
	assert_null(look(HTTP_PLAIN, "POST", "/.well-known/est/fullcmc", part, &known));
	assert_false(known);
	assert_non_null(look(HTTP_PLAIN, "GET", "/dirca/Test CA.crl", part, &known));
	assert_non_null(look(HTTP_LOCAL, "GET", "/dirca/v1/ca", part, &known));
}

static void
metrics_are_served_on_their_listener_alone(void **state)
{
	static const char *const theirs[] = {"/metrics", "/healthz"};
	static const char *const others[] = {
	    "/dirca/v1/ca", "/dirca/Test CA.crl", "/.well-known/est/cacerts", "/", "/metrics/"};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
		assert_non_null(look(HTTP_METRICS, "GET", theirs[i], part, &known));
		assert_non_null(look(HTTP_METRICS, "HEAD", theirs[i], part, &known));
		assert_null(look(HTTP_METRICS, "POST", theirs[i], part, &known));
		assert_true(known);
		for (int channel = 0; channel < HTTP_CHANNELS; channel++)
			if (channel != HTTP_METRICS)
				assert_null(look(
				    (enum http_channel)channel, "GET", theirs[i], part, &known));
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_null(look(HTTP_METRICS, "GET", others[i], part, &known));
		assert_false(known);
	}
}

/* Nobody who fetches a CRL, asks for a status or by OCSP waits behind those who enroll. */
static void
a_call_waits_in_the_lane_of_its_route(void **state)
{
	static const struct {
		enum http_channel channel;
		const char *method, *path;
		enum route_lane lane;
	} rows[] = {
	    {HTTP_TLS, "POST", "/.well-known/est/fullcmc", ROUTE_WORK},
	    {HTTP_TLS, "GET", "/.well-known/est/cacerts", ROUTE_OPEN},
	    {HTTP_TLS, "GET", "/dirca/v1/ca", ROUTE_STATUS},
	    {HTTP_LOCAL, "HEAD", "/dirca/v1/ca", ROUTE_STATUS},
	    {HTTP_TLS, "GET", "/dirca/v1/settings", ROUTE_WORK},
	    {HTTP_PLAIN, "GET", "/dirca/Test CA.crl", ROUTE_OPEN},
	    {HTTP_PLAIN, "POST", "/ocsp", ROUTE_OCSP},
	    {HTTP_TLS, "GET", "/ocsp/x/y", ROUTE_OCSP},
	    {HTTP_METRICS, "GET", "/healthz", ROUTE_METRICS},
	    {HTTP_METRICS, "GET", "/dirca/v1/ca", ROUTE_METRICS},
	    {HTTP_TLS, "GET", "/none", ROUTE_OPEN},
	    {HTTP_TLS, "POST", "/dirca/v1/ca", ROUTE_OPEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_call call = call_of(rows[i].channel, rows[i].method, rows[i].path);

		assert_int_equal(route_choose(&call), rows[i].lane);
		free(call.part);
		call_drop(&call);
	}
}

static void
refusals_have_the_status_of_their_code(void **state)
{
	static const struct {
		enum err_code code;
		int status;
	} rows[] = {
	    {E_ACCESSDENIED, 403},
	    {CERTSRV_E_TEMPLATE_DENIED, 403},
	    {CERTSRV_E_RESTRICTEDOFFICER, 403},
	    {DIRCA_E_AUTHENTICATION, 401},
	    {CERTSRV_E_NO_REQUEST, 404},
	    {CRYPT_E_NOT_FOUND, 404},
	    {CERTSRV_E_BAD_REQUESTSTATUS, 409},
	    {DIRCA_E_TOO_LARGE, 413},
	    {DIRCA_E_DIRECTORY_UNAVAILABLE, 503},
	    {DIRCA_E_DATABASE, 503},
	    {DIRCA_E_VAULT, 503},
	    {DIRCA_E_CONFIG, 503},
	    {DIRCA_E_QUOTA, 429},
	    {DIRCA_E_INTERNAL, 500},
	    {E_INVALIDARG, 400},
	    {ERROR_INVALID_DATA, 400},
	    {CERTSRV_E_ARCHIVED_KEY_REQUIRED, 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(status_of(rows[i].code), rows[i].status);
}

static void
acts_of_officers_and_administrators_are_known(void **state)
{
	static const struct {
		const char *method, *path;
		enum route_actor actor;
	} rows[] = {
	    {"POST", "/dirca/v1/requests/5/approve", BY_OFFICER},
	    {"POST", "/dirca/v1/requests/5/deny", BY_OFFICER},
	    {"GET", "/dirca/v1/candidates", BY_OFFICER},
	    {"POST", "/dirca/v1/recovery-blobs", BY_OFFICER},
	    {"PUT", "/dirca/v1/settings/x", BY_ADMIN},
	    {"POST", "/dirca/v1/crl", BY_ADMIN},
	    {"POST", "/.well-known/est/fullcmc", BY_ENROLLEE},
	    {"GET", "/dirca/v1/requests", BY_ANYBODY},
	    {"GET", "/dirca/v1/audit", BY_AUDITOR},
	};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct route *r = look(HTTP_TLS, rows[i].method, rows[i].path, part, &known);

		assert_non_null(r);
		assert_int_equal(r->actor, rows[i].actor);
	}
}

static void
what_a_path_takes_is_told(void **state)
{
	static const struct {
		enum http_channel channel;
		const char *path, *methods;
	} rows[] = {
	    {HTTP_TLS, "/dirca/v1/ca", "GET, HEAD"},
	    {HTTP_TLS, "/dirca/v1/cases", "GET, HEAD, POST"},
	    {HTTP_TLS, "/dirca/v1/settings/x", "PUT"},
	    {HTTP_TLS, "/ocsp", "POST"},
	    {HTTP_PLAIN, "/ocsp/x", "GET, HEAD"},
	    {HTTP_METRICS, "/metrics", "GET, HEAD"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_call call = call_of(rows[i].channel, "?", rows[i].path);
		char *methods = route_methods(&call);

		assert_string_equal(methods, rows[i].methods);
		free(methods);
		call_drop(&call);
	}
}

static void
what_a_route_does_not_know_is_refused(void **state)
{
	static const struct {
		const char *method, *path, *query, *body, *says; /* says NULL: it is taken */
	} rows[] = {
	    {"GET", "/dirca/v1/requests", NULL, "", NULL},
	    {"GET", "/dirca/v1/requests", "", "", NULL},
	    {"GET", "/dirca/v1/requests", "limit=1&sort=upn", "", NULL},
	    {"GET", "/dirca/v1/requests", "limit=1&sort=", "", NULL},
	    {"GET", "/dirca/v1/requests", "dispositon=pending", "",
		"'dispositon'; there are: sort"},
	    {"GET", "/dirca/v1/requests", "sor=upn", "", "'sor'"},
	    {"GET", "/dirca/v1/requests", "sort+order=upn", "", "'sort+order'"},
	    {"GET", "/dirca/v1/requests", "sort%20order=upn", "", "'sort%20order'"},
	    {"GET", "/dirca/v1/requests", "=1", "", ""},
	    {"GET", "/dirca/v1/requests", "limit", "", "names and values"},
	    {"GET", "/dirca/v1/requests", "limit=1&limit=2", "", "'limit' is there twice"},
	    {"GET", "/dirca/v1/requests", NULL, "{\"limit\":\"1\"}", "nor any other"},
	    {"GET", "/dirca/v1/settings", "limit=1", "", "nor any other"},
	    {"POST", "/dirca/v1/revocations", NULL, "", NULL},
	    {"POST", "/dirca/v1/revocations", NULL, "{}", NULL},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"reason\":\"hold\"}", NULL},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"reasn\":\"hold\"}", "'reasn'"},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"reason\":1}", "'reason' is a string"},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"reason\":null}", "'reason' is a string"},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"\":\"hold\"}", "''"},
	    {"POST", "/dirca/v1/revocations", NULL, "{\"reason\":\"a\",\"reason\":\"b\"}",
		"no JSON object"},
	    {"POST", "/dirca/v1/revocations", NULL, "[\"01\"]", "no JSON object"},
	    {"POST", "/dirca/v1/revocations", NULL, "reason", "no JSON object"},
	    {"POST", "/dirca/v1/revocations", "reason=hold", "{}", "nor any other"},
	    {"POST", "/dirca/v1/cases", NULL, "{\"keys\":[\"01\"]}", NULL},
	    {"POST", "/dirca/v1/cases", NULL, "{\"keys\":[1]}", "'keys' is an array"},
	    {"POST", "/dirca/v1/cases", NULL, "{\"keys\":\"01\"}", "'keys' is an array"},
	    {"POST", "/dirca/v1/cases", NULL, "{\"keys[]\":[]}", "'keys[]'"},
	    {"POST", "/dirca/v1/imports", NULL, "{\"foreign\":true}", NULL},
	    {"POST", "/dirca/v1/imports", NULL, "{\"foreign\":\"true\"}", "true or false"},
	};
	char part[256];
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_call call = call_of(HTTP_TLS, rows[i].method, rows[i].path);
		const struct route *r = route_find(&call, part, sizeof part, &known);
		struct err err = {0};

		call.query = (char *)(uintptr_t)rows[i].query;
		call.body.ptr = (uint8_t *)(uintptr_t)rows[i].body;
		call.body.len = strlen(rows[i].body);
		assert_non_null(r);
		assert_int_equal(
		    route_check_query(r, &call, &err) && route_check_body(r, &call, &err),
		    rows[i].says == NULL);
		if (rows[i].says != NULL && strstr(err.msg, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(err.code, rows[i].says == NULL ? ERR_OK : E_INVALIDARG);
		call_drop(&call);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_path_takes_is_told),
	    cmocka_unit_test(what_a_route_does_not_know_is_refused),
	    cmocka_unit_test(acts_of_officers_and_administrators_are_known),
	    cmocka_unit_test(each_route_is_found_by_its_method_and_path),
	    cmocka_unit_test(head_finds_what_get_finds),
	    cmocka_unit_test(another_method_knows_the_path_and_finds_nothing),
	    cmocka_unit_test(paths_match_whole_and_a_star_is_one_segment),
	    cmocka_unit_test(a_segment_over_its_limit_matches_nothing),
	    cmocka_unit_test(plain_http_serves_public_files_only),
	    cmocka_unit_test(metrics_are_served_on_their_listener_alone),
	    cmocka_unit_test(a_call_waits_in_the_lane_of_its_route),
	    cmocka_unit_test(refusals_have_the_status_of_their_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
