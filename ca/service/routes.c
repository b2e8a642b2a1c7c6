#include "routes_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "gate.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define PART_MAX 256

static const struct route routes[] = {
    {"GET", "/.well-known/est/cacerts", true, false, ROUTE_OPEN, BY_ANYBODY, route_est_cacerts},
    {"GET", "/.well-known/est/*/cacerts", true, false, ROUTE_OPEN, BY_ANYBODY, route_est_cacerts},
    {"GET", "/.well-known/est/csrattrs", true, false, ROUTE_OPEN, BY_ANYBODY, route_est_csrattrs},
    {"GET", "/.well-known/est/*/csrattrs", true, false, ROUTE_OPEN, BY_ANYBODY, route_est_csrattrs},
    {"POST", "/.well-known/est/simpleenroll", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_simpleenroll},
    {"POST", "/.well-known/est/*/simpleenroll", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_simpleenroll},
    {"POST", "/.well-known/est/simplereenroll", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_simplereenroll},
    {"POST", "/.well-known/est/*/simplereenroll", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_simplereenroll},
    {"POST", "/.well-known/est/serverkeygen", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_serverkeygen},
    {"POST", "/.well-known/est/*/serverkeygen", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_serverkeygen},
    {"POST", "/.well-known/est/fullcmc", false, false, ROUTE_WORK, BY_ENROLLEE, route_est_fullcmc},
    {"POST", "/.well-known/est/*/fullcmc", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_est_fullcmc},
    {"GET", "/dirca/v1/ca", false, false, ROUTE_STATUS, BY_VIEWER, route_ca_status},
    {"GET", "/dirca/v1/exchange-certificate", false, false, ROUTE_WORK, BY_ENROLLEE,
	route_exchange_certificate},
    {"POST", "/dirca/v1/exchange-certificate", false, false, ROUTE_WORK, BY_ADMIN,
	route_exchange_post},
    {"GET", "/dirca/v1/settings", false, false, ROUTE_WORK, BY_VIEWER, route_settings_list},
    {"PUT", "/dirca/v1/settings/*", false, false, ROUTE_WORK, BY_ADMIN, route_setting_put},
    {"POST", "/dirca/v1/crl", false, false, ROUTE_WORK, BY_ADMIN, route_crl_post},
    {"GET", "/dirca/v1/requests", false, false, ROUTE_WORK, BY_ANYBODY, route_requests_list},
    {"GET", "/dirca/v1/expiring", false, false, ROUTE_WORK, BY_VIEWER, route_expiring},
    {"GET", "/dirca/v1/requests/*", false, false, ROUTE_WORK, BY_ANYBODY, route_request_get},
    {"GET", "/dirca/v1/requests/*/certificate", false, false, ROUTE_WORK, BY_ANYBODY,
	route_request_certificate},
    {"GET", "/dirca/v1/requests/*/binary", false, false, ROUTE_WORK, BY_ANYBODY,
	route_request_binary},
    {"POST", "/dirca/v1/requests/*/approve", false, false, ROUTE_WORK, BY_OFFICER,
	route_request_approve},
    {"POST", "/dirca/v1/requests/*/resubmit", false, false, ROUTE_WORK, BY_OFFICER,
	route_request_resubmit},
    {"POST", "/dirca/v1/requests/*/deny", false, false, ROUTE_WORK, BY_OFFICER, route_request_deny},
    {"POST", "/dirca/v1/requests/*/attributes", false, false, ROUTE_WORK, BY_OFFICER,
	route_request_attribute},
    {"POST", "/dirca/v1/requests/*/extensions", false, false, ROUTE_WORK, BY_OFFICER,
	route_request_extension},
    {"POST", "/dirca/v1/revocations", false, false, ROUTE_WORK, BY_OFFICER, route_revocation},
    {"GET", "/dirca/v1/audit", false, false, ROUTE_WORK, BY_AUDITOR, route_audit},
    {"POST", "/dirca/v1/audit/checkpoints", false, false, ROUTE_WORK, BY_AUDITOR,
	route_audit_checkpoint},
    {"GET", "/dirca/v1/events", false, false, ROUTE_WORK, BY_WATCHER, route_events},
    {"GET", "/dirca/v1/archived-keys", false, false, ROUTE_WORK, BY_WATCHER, route_archived_keys},
    {"GET", "/dirca/v1/candidates", false, false, ROUTE_WORK, BY_OFFICER, route_candidates},
    {"POST", "/dirca/v1/recovery-blobs", false, false, ROUTE_WORK, BY_OFFICER, route_recovery_blob},
    {"GET", "/dirca/v1/archive-batches", false, false, ROUTE_WORK, BY_WATCHER, route_batches_list},
    {"POST", "/dirca/v1/archive-batches/*/approve", false, false, ROUTE_WORK, BY_ADMIN,
	route_batch_approve},
    {"GET", "/dirca/v1/cases", false, false, ROUTE_WORK, BY_REVIEWER, route_cases_list},
    {"POST", "/dirca/v1/cases", false, false, ROUTE_WORK, BY_OFFICER, route_case_open},
    {"GET", "/dirca/v1/cases/*", false, false, ROUTE_WORK, BY_REVIEWER, route_case_get},
    {"POST", "/dirca/v1/cases/*/approve", false, false, ROUTE_WORK, BY_OFFICER, route_case_approve},
    {"POST", "/dirca/v1/cases/*/deny", false, false, ROUTE_WORK, BY_OFFICER, route_case_deny},
    {"POST", "/dirca/v1/cases/*/close", false, false, ROUTE_WORK, BY_OFFICER, route_case_close},
    {"POST", "/dirca/v1/cases/*/received", false, false, ROUTE_WORK, BY_OFFICER,
	route_case_received},
    {"GET", "/dirca/v1/import-certificate", false, false, ROUTE_WORK, BY_OFFICER,
	route_import_certificate},
    {"POST", "/dirca/v1/import-certificate", false, false, ROUTE_WORK, BY_ADMIN,
	route_import_certificate_post},
    {"POST", "/dirca/v1/imports", false, false, ROUTE_WORK, BY_OFFICER, route_import_post},
    {"GET", "/dirca/v1/explain/enroll", false, false, ROUTE_WORK, BY_ANYBODY, route_explain_enroll},
    {"GET", "/dirca/v1/explain/recover", false, false, ROUTE_WORK, BY_VIEWER,
	route_explain_recover},
    {"GET", "/dirca/v1/explain/request", false, false, ROUTE_WORK, BY_OFFICER,
	route_explain_request},
    {"GET", "/dirca/v1/openapi.yaml", true, false, ROUTE_OPEN, BY_ANYBODY, route_description},
    {"GET", "/dirca/*", true, true, ROUTE_OPEN, BY_ANYBODY, route_public_file},
    {"POST", "/ocsp", true, true, ROUTE_OCSP, BY_ANYBODY, route_ocsp_post},
    {"GET", "/ocsp/**", true, true, ROUTE_OCSP, BY_ANYBODY, route_ocsp_get},
};

/* All that metrics_listen serves, and served nowhere else. */
static const struct route watched[] = {
    {"GET", "/metrics", true, true, ROUTE_METRICS, BY_ANYBODY, route_metrics},
    {"GET", "/healthz", true, true, ROUTE_METRICS, BY_ANYBODY, route_healthz},
};

static bool
matches(const char *pattern, const char *path, char *part, size_t size)
{
	const char *star = strchr(pattern, '*');
	size_t head, len;
	bool whole;

	part[0] = '\0';
	if (star == NULL)
		return strcmp(pattern, path) == 0;
	head = (size_t)(star - pattern);
	if (strncmp(pattern, path, head) != 0)
		return false;
	whole = star[1] == '*'; /* all the rest, whatever is in it */
	len = whole ? strlen(path + head) : strcspn(path + head, "/");
	if (len == 0 || len >= size || strcmp(star + 1 + whole, path + head + len) != 0)
		return false;
	memcpy(part, path + head, len);
	part[len] = '\0';
	return true;
}

static size_t
routes_of(enum http_channel channel, const struct route **list_out)
{
	*list_out = channel == HTTP_METRICS ? watched : routes;
	return channel == HTTP_METRICS ? COUNT_OF(watched) : COUNT_OF(routes);
}

/* Whatever the method. */
static bool
serves(const struct route *route, const struct http_call *call, char *part, size_t size)
{
	return matches(route->pattern, call->path, part, size) &&
	       (call->channel != HTTP_PLAIN || route->plain);
}

const struct route *
route_find(const struct http_call *call, char *part, size_t size, bool *path_known_out)
{
	const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;
	const struct route *list;
	size_t count = routes_of(call->channel, &list);

	*path_known_out = false;
	for (size_t i = 0; i < count; i++)
		if (serves(&list[i], call, part, size)) {
			*path_known_out = true;
			if (strcmp(list[i].method, method) == 0)
				return &list[i];
		}
	return NULL;
}

char *
route_methods(const struct http_call *call)
{
	const struct route *list;
	size_t count = routes_of(call->channel, &list);
	OWNED(own_memory) char *all = NULL;
	char part[PART_MAX];

	for (size_t i = 0; i < count; i++)
		if (serves(&list[i], call, part, sizeof part)) {
			OWNED(own_memory) char *before = own_give(&all);

			all = text_printf("%s%s%s%s", before != NULL ? before : "",
			    before != NULL ? ", " : "", list[i].method,
			    strcmp(list[i].method, "GET") == 0 ? ", HEAD" : "");
		}
	return own_give(&all);
}

/* A question that everybody may ask and that changes nothing, by POST too; and there are clients of
 * OCSP that name no port in Host. */
static bool
is_harmless(const struct route *route)
{
	return route != NULL && route->lane == ROUTE_OCSP;
}

enum route_lane
route_choose(struct http_call *call)
{
	char part[PART_MAX];

	call->route = route_find(call, part, sizeof part, &call->path_known);
	if (call->route != NULL && part[0] != '\0')
		call->part = mem_text(part);
	if (call->route != NULL)
		return call->route->lane;
	return call->channel == HTTP_METRICS ? ROUTE_METRICS : ROUTE_OPEN;
}

/* Else somebody on the path could pass the sign-in on and act in its name. */
static bool
check_binding(
    const struct config *config, const struct route *route, struct http_call *call, struct err *err)
{
	bool demanded = config->channel_binding == BINDING_ALL ||
			(config->channel_binding == BINDING_OFFICERS && route->actor >= BY_AUDITOR);

	return !demanded || call->channel == HTTP_LOCAL || auth_is_bound(call) ||
	       err_set(err, DIRCA_E_CHANNEL_BINDING,
		   "this needs a sign-in that is bound to the TLS channel, as `dirca` makes it by "
		   "Kerberos and SCRAM-SHA-256, or the CA's Unix socket (channel_binding of "
		   "dircad.conf)");
}

/* What several can open proves that one of them is calling. */
static bool
check_key(const struct route *route, struct http_call *call, struct err *err)
{
	return route->actor < BY_AUDITOR || !auth_is_by_archived_key(call) ||
	       err_set(err, E_ACCESSDENIED,
		   "the private key of the client certificate is archived, so that key recovery "
		   "agents can have it: nobody acts as administrator, certificate manager or "
		   "auditor by it");
}

/* Of the CA's state root on its machine is told while nobody can say what root is in the directory.
 */
static bool
is_told_to_root(const struct route *route, const struct http_call *call, const struct err *why)
{
	return route->run == route_ca_status && call->channel == HTTP_LOCAL &&
	       (call->uid == 0 || call->uid == getuid()) &&
	       why->code == DIRCA_E_DIRECTORY_UNAVAILABLE;
}

/* Clients of EST, OCSP and CRLs may add what they like to their addresses. */
static bool
is_ours(const struct route *route)
{
	static const char ours[] = "/dirca/v1/";

	return strncmp(route->pattern, ours, sizeof ours - 1) == 0;
}

static void
run_checked(const struct route *route, struct route_call *c)
{
	struct err err;

	if (is_ours(route) &&
	    (!route_check_query(route, c->http, &err) || !route_check_body(route, c->http, &err)))
		json_fail(c->http, &err);
	else
		route->run(c);
}

static void
run_authenticated(const struct route *route, struct route_call *c)
{
	struct identity identity;
	struct err err = {0};

	if (auth_call(c->ca, c->http, &identity) != AUTH_OK)
		return;
	if (!check_binding(c->ca->config, route, c->http, &err) ||
	    !check_key(route, c->http, &err)) {
		log_warn("act by such a sign-in refused", LOG_REASON(&err),
		    LOG_STR("peer", c->http->peer), LOG_STR("identity", identity.text),
		    LOG_STR("path", c->http->path));
		json_fail(c->http, &err);
		return;
	}
	if (!ca_principal(c->ca, &identity, &c->caller, &err)) {
		if (is_told_to_root(route, c->http, &err)) {
			c->by_root = true;
			route->run(c);
			return;
		}
		/* paper, "Unable to Recover User" */
		if (route->actor == BY_OFFICER && err.code == DIRCA_E_GROUPS_UNREADABLE)
			err.code = CERTSRV_E_RESTRICTEDOFFICER;
		log_warn("authenticated identity is no principal",
		    LOG_STR("identity", identity.text), LOG_REASON(&err));
		json_fail(c->http, &err);
		return;
	}
	run_checked(route, c);
}

/* What a handler said by the status alone is told as the description has it; 401 is a step of the
 * sign-in. */
static void
put_refusal(struct http_call *call)
{
	struct err err;

	if (call->answer.len > 0)
		return;
	switch (call->status) {
	case 404:
		err_set(&err, ERROR_FILE_NOT_FOUND, "there is nothing at %s", call->path);
		break;
	case 415:
		err_set(&err, E_INVALIDARG, "%s takes a body of another Content-Type", call->path);
		break;
	case 500:
		err_set(&err, DIRCA_E_INTERNAL, "the answer could not be made");
		break;
	default:
		return;
	}
	json_refuse(call, call->status, &err);
}

static void
refuse_method(struct http_call *call)
{
	OWNED(own_memory) char *methods = route_methods(call);
	struct err err;

	if (!http_call_header(call, "Allow", methods, &err)) {
		call->status = 500;
		return;
	}
	err_set(&err, E_INVALIDARG, "%s takes %s, and not %s", call->path, methods, call->method);
	json_refuse(call, 405, &err);
}

void
route_dispatch(struct ca *ca, struct vault *vault, struct http_call *call)
{
	const struct route *route = call->route;
	struct route_call c = {.http = call, .ca = ca, .vault = vault, .part = call->part};
	struct err err;

	if (!is_harmless(route) && !gate_admits(ca->config, call, &err)) {
		log_warn("request of another site refused", LOG_STR("peer", call->peer),
		    LOG_STR("method", call->method), LOG_STR("path", call->path), LOG_REASON(&err));
		json_fail(call, &err);
	} else if (route == NULL && call->path_known) {
		refuse_method(call);
	} else if (route == NULL) {
		call->status = 404;
	} else if (route->open) {
		run_checked(route, &c);
	} else {
		run_authenticated(route, &c);
	}
	put_refusal(call);
	principal_free(&c.caller);
	log_debug("request", LOG_STR("peer", call->peer), LOG_STR("method", call->method),
	    LOG_STR("path", call->path), LOG_INT("status", call->status));
}
