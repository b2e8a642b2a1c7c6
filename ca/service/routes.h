/*
 * The routes of docs/openapi.yaml: one table, one handler a row. A handler runs on a worker and
 * fills the call's answer.
 */
#ifndef SERVICE_ROUTES_H
#define SERVICE_ROUTES_H

#include "answer.h"
#include "ca.h"
#include "json.h"

/* What a handler works with. */
struct route_call {
	struct http_call *http;
	struct ca *ca;
	struct vault *vault;
	struct principal caller; /* of routes that need one */
	bool by_root;            /* the directory is away, and the machine's root asks */
	const char *part;        /* what the '*' of the pattern matched, NULL if it has none */
};

/* Views of the CA are for its administrators, certificate managers, auditors and readers
 * ([MS-CSRA] 3.1.1.7). */
bool route_may_view(const struct ca_view *view, const struct principal *p, struct err *err);
/* Events are for its auditors and administrators. */
bool route_may_watch(const struct ca_view *view, const struct principal *p, struct err *err);

/* Parameter `name` of the query: a number, which stays what it was where there is none
 * (E_INVALIDARG names the range); in small letters (text_fold), NULL where there is none. */
bool route_number(const struct route_call *c, const char *name, int64_t min, int64_t max,
    int64_t *out, struct err *err);
char *route_folded(const struct route_call *c, const char *name);

/* Whose turn a call is. */
enum route_lane {
	ROUTE_WORK,    /* may ask vault and directory */
	ROUTE_OPEN,    /* for everybody: CRL and CA certificates */
	ROUTE_STATUS,  /* of the CA */
	ROUTE_OCSP,    /* for everybody; asks the vault */
	ROUTE_METRICS, /* metrics_listen; asks the vault */
	ROUTE_LANES
};
/* Finds the route of a call, for route_dispatch. */
enum route_lane route_choose(struct http_call *call);

/* The gate, authentication where the route asks for it, the handler. */
void route_dispatch(struct ca *ca, struct vault *vault, struct http_call *call);

/* Handlers, by file. */
void route_est_cacerts(struct route_call *c);
void route_est_csrattrs(struct route_call *c);
void route_est_simpleenroll(struct route_call *c);
void route_est_simplereenroll(struct route_call *c);
void route_est_serverkeygen(struct route_call *c);
void route_est_fullcmc(struct route_call *c);
void route_ca_status(struct route_call *c);
void route_exchange_certificate(struct route_call *c);
void route_exchange_post(struct route_call *c);
void route_settings_list(struct route_call *c);
void route_setting_put(struct route_call *c);
void route_crl_post(struct route_call *c);
void route_public_file(struct route_call *c);
void route_ocsp_post(struct route_call *c);
void route_ocsp_get(struct route_call *c);
void route_requests_list(struct route_call *c);
void route_expiring(struct route_call *c);
void route_request_get(struct route_call *c);
void route_request_certificate(struct route_call *c);
void route_request_binary(struct route_call *c);
void route_request_approve(struct route_call *c);
void route_request_resubmit(struct route_call *c);
void route_request_deny(struct route_call *c);
void route_request_attribute(struct route_call *c);
void route_request_extension(struct route_call *c);
void route_revocation(struct route_call *c);
void route_audit(struct route_call *c);
void route_audit_checkpoint(struct route_call *c);
void route_events(struct route_call *c);
void route_archived_keys(struct route_call *c);
void route_candidates(struct route_call *c);
void route_recovery_blob(struct route_call *c);
void route_batches_list(struct route_call *c);
void route_batch_approve(struct route_call *c);
void route_cases_list(struct route_call *c);
void route_case_open(struct route_call *c);
void route_case_get(struct route_call *c);
void route_case_approve(struct route_call *c);
void route_case_deny(struct route_call *c);
void route_case_close(struct route_call *c);
void route_case_received(struct route_call *c);
/* routes_import.c */
void route_import_certificate(struct route_call *c);
void route_import_certificate_post(struct route_call *c);
void route_import_post(struct route_call *c);
void route_explain_enroll(struct route_call *c);
void route_explain_recover(struct route_call *c);
void route_explain_request(struct route_call *c);
void route_description(struct route_call *c);
void route_metrics(struct route_call *c);
void route_healthz(struct route_call *c);

#endif
