/* The two routes of metrics_listen, for whoever watches the CA: no sign-in, no secrets, no names of
 * people. docs/MONITORING.md says what to make of them. */
#include "routes.h"

#include <stdlib.h>

#include "ca_issuers.h"
#include "clock.h"
#include "crl_lists.h"
#include "kra_coverage.h"
#include "mem.h"
#include "metrics.h"
#include "notices.h"
#include "ocsp_responder.h"
#include "own.h"
#include "publication.h"
#include "space.h"
#include "store_cases.h"
#include "text.h"

/* What the CA cannot do without; each ERR_OK or with the sentence. */
enum part { PART_DATABASE, PART_VAULT, PART_DIRECTORY, PART_COUNT };
static const char *const part_names[PART_COUNT] = {"database", "vault", "directory"};

/* A list that the CA makes. */
struct list_end {
	struct store_crl_id id;
	int64_t own, there; /* nextUpdate of its newest CRL, and of the directory's; 0: none */
};

struct seen {
	int64_t now;
	const struct ca_view *view;
	struct err why[PART_COUNT];
	struct store_counts counts; /* these five if the database answers */
	struct store_case_counts cases;
	struct list_end *lists;
	size_t list_count;
	int64_t service_end;
};

static void
seen_free(struct seen *s)
{
	free(s->lists);
}

static bool
ask_list(struct ca *ca, const struct store_crl_id *id, struct seen *s, struct err *err)
{
	struct store_crl crl;

	if (!store_newest_crl_dates(ca->store, id, &crl, err))
		return false;
	s->lists = mem_grow(s->lists, s->list_count, sizeof *s->lists);
	s->lists[s->list_count++] = (struct list_end){
	    *id, crl.number == 0 ? 0 : crl.next_update, ca_crl_there_until(ca, id)};
	return true;
}

/* Of each key that signs CRLs still. */
static bool
ask_lists(struct ca *ca, struct seen *s, struct err *err)
{
	const struct ca_issuers *issuers = &ca->info.issuers;

	for (size_t i = 0; i < issuers->count; i++) {
		OWNED(crl_ids_free) struct crl_ids ids = {0};

		if (!ca_issuers_signs_crl(issuers, i, s->now))
			continue;
		if (!crl_ids_list(ca, &s->view->settings, CA_VERSION_KEY(issuers->list[i].version),
			&ids, err))
			return false;
		for (size_t k = 0; k < ids.count; k++)
			if (!ask_list(ca, &ids.list[k], s, err))
				return false;
	}
	return true;
}

static bool
ask_database(struct ca *ca, struct seen *s)
{
	struct err *err = &s->why[PART_DATABASE];

	return store_count(ca->store, &s->counts, err) &&
	       store_count_cases(ca->store, &s->cases, err) && ask_lists(ca, s, err) &&
	       ca_service_until(ca, &s->service_end, err);
}

static bool
ask_vault(struct vault *v, struct err *err)
{
	OWNED(vault_info_free) struct vault_info info = {0};

	return vault_get_info(v, &info, err);
}

static bool
ask_directory(const struct ca_view *view, struct err *err)
{
	return ca_view_is_fresh(view, clock_boot_ms()) ||
	       err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		   "what the CA knows of the directory is older than %d seconds; the log says why",
		   CA_VIEW_MAX_AGE_S);
}

static void
look(const struct route_call *c, const struct ca_view *view, struct seen *out)
{
	*out = (struct seen){.now = clock_now(), .view = view};
	if (ask_database(c->ca, out))
		out->why[PART_DATABASE].code = ERR_OK;
	if (ask_vault(c->vault, &out->why[PART_VAULT]))
		out->why[PART_VAULT].code = ERR_OK;
	if (ask_directory(view, &out->why[PART_DIRECTORY]))
		out->why[PART_DIRECTORY].code = ERR_OK;
}

void
route_healthz(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(seen_free) struct seen s = {0};

	look(c, view, &s);
	for (size_t i = 0; i < PART_COUNT; i++)
		if (s.why[i].code != ERR_OK) {
			OWNED(own_memory)
			char *text = text_printf("%s: %s\n", part_names[i], s.why[i].msg);

			answer_body(c->http, 503, "text/plain; charset=utf-8", view_str(text));
			return;
		}
	answer_body(c->http, 200, "text/plain; charset=utf-8", view_str("ok\n"));
}

/* ---- /metrics ---- */

static const struct metric_label no_label;

static bool
put_one(struct buf *to, enum metric m, int64_t value, struct err *err)
{
	return metrics_head(to, m, err) && metrics_sample(to, m, no_label, value, err);
}

static bool
put_build(struct buf *to, struct err *err)
{
	const struct metric_label version = {"version", DIRCA_VERSION};

	return metrics_head(to, METRIC_BUILD_INFO, err) &&
	       metrics_sample(to, METRIC_BUILD_INFO, version, 1, err);
}

static bool
put_parts(struct buf *to, const struct seen *s, struct err *err)
{
	if (!metrics_head(to, METRIC_WORKS, err))
		return false;
	for (size_t i = 0; i < PART_COUNT; i++) {
		const struct metric_label part = {"part", part_names[i]};

		if (!metrics_sample(to, METRIC_WORKS, part, s->why[i].code == ERR_OK, err))
			return false;
	}
	return put_one(to, METRIC_DIRECTORY_AGE, (clock_boot_ms() - s->view->read_ms) / 1000, err);
}

static bool
put_cases(struct buf *to, const struct store_case_counts *n, struct err *err)
{
	const struct metric_label waiting = {"state", "waiting"}, open = {"state", "open"};

	return metrics_head(to, METRIC_RECOVERY_CASES, err) &&
	       metrics_sample(to, METRIC_RECOVERY_CASES, waiting, n->waiting, err) &&
	       metrics_sample(to, METRIC_RECOVERY_CASES, open, n->open, err);
}

static bool
put_requests(struct buf *to, const struct store_counts *n, struct err *err)
{
	const struct {
		const char *disposition;
		int64_t count;
	} rows[] = {
	    {"issued", n->issued},
	    {"pending", n->pending},
	    {"denied", n->denied},
	    {"error", n->error},
	    {"revoked", n->revoked},
	};

	if (!metrics_head(to, METRIC_REQUESTS, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct metric_label label = {"disposition", rows[i].disposition};

		if (!metrics_sample(to, METRIC_REQUESTS, label, rows[i].count, err))
			return false;
	}
	return put_one(to, METRIC_ARCHIVED_KEYS, n->archived_keys, err) &&
	       put_one(to, METRIC_PUBLICATIONS_OWED, n->unpublished, err);
}

static bool
put_kras(struct buf *to, const struct seen *s, struct err *err)
{
	const struct ca_view *v = s->view;

	if (!put_one(to, METRIC_KRAS_USABLE, (int64_t)v->agent_count, err) ||
	    !put_one(to, METRIC_KRAS_REQUIRED, v->settings.num[SETTING_KRA_CERT_COUNT], err) ||
	    !put_one(to, METRIC_KRAS_THRESHOLD, (int64_t)v->kra_threshold, err) ||
	    !metrics_head(to, METRIC_KRA_LEFT, err))
		return false;
	for (size_t i = 0; i < v->kra_count; i++) {
		const struct pkix_cert *c = &v->kras[i].cert;
		OWNED(own_memory) char *sha1 = hex_encode(view_of(c->sha1, sizeof c->sha1), '\0');
		const struct metric_label label = {"sha1", sha1};

		if (!metrics_sample(to, METRIC_KRA_LEFT, label, c->not_after - s->now, err))
			return false;
	}
	return true;
}

static bool
put_coverage(struct buf *to, const struct seen *s, struct err *err)
{
	const struct coverage *c = &s->view->coverage;
	const struct coverage_end end = coverage_ends(c, INT64_MAX);
	const struct coverage_agent *ignored;
	size_t unproved =
	    coverage_unproved(c, ca_proved_since(&s->view->settings, s->now), &ignored);

	return put_one(to, METRIC_KRAS_UNPROVED, (int64_t)unproved, err) &&
	       put_one(to, METRIC_DRILLS_INCOMPLETE,
		   (int64_t)coverage_incomplete(c, s->now - CA_DRILL_S, &ignored), err) &&
	       put_one(to, METRIC_KEYS_UNCOVERED, c->uncovered, err) &&
	       (end.sets == 0 || put_one(to, METRIC_KEYS_LEFT, end.first - s->now, err));
}

/* What is not there has no sample: an alert can ask for that. */
static bool
put_certificates(struct buf *to, struct ca *ca, const struct seen *s, struct err *err)
{
	const struct ca_xchg *xchg = ca_view_xchg(s->view, s->now);
	const struct {
		const char *name;
		int64_t end; /* 0: none */
	} rows[] = {
	    {"ca", ca->issuer->cert.not_after},
	    {"exchange", xchg != NULL ? xchg->cert.not_after : 0},
	    {"tls", s->service_end},
	    {"ocsp", ca_ocsp_until(ca)},
	};

	if (!metrics_head(to, METRIC_CERTIFICATE_LEFT, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct metric_label label = {"certificate", rows[i].name};

		if (rows[i].end != 0 &&
		    !metrics_sample(to, METRIC_CERTIFICATE_LEFT, label, rows[i].end - s->now, err))
			return false;
	}
	return true;
}

static bool
put_list(
    struct buf *to, const struct store_crl_id *id, const char *place, int64_t left, struct err *err)
{
	OWNED(own_memory) char *key = text_printf("%u", id->key_index);
	OWNED(own_memory) char *partition = text_printf("%u", id->partition);
	const struct metric_label labels[] = {{"kind", id->delta ? "delta" : "base"}, {"key", key},
	    {"partition", partition}, {"place", place}};

	return metrics_sample_of(
	    to, METRIC_CRL_LEFT, (struct metric_labels){labels, COUNT_OF(labels)}, left, err);
}

static bool
put_lists(struct buf *to, const struct seen *s, struct err *err)
{
	if (!metrics_head(to, METRIC_CRL_LEFT, err))
		return false;
	for (size_t i = 0; i < s->list_count; i++) {
		const struct list_end *l = &s->lists[i];

		if ((l->own != 0 && !put_list(to, &l->id, "ca", l->own - s->now, err)) ||
		    (l->there != 0 && !put_list(to, &l->id, "directory", l->there - s->now, err)))
			return false;
	}
	return true;
}

static bool
put_disk(struct buf *to, const struct ca *ca, struct err *err)
{
	struct ca_space space;
	struct err ignored;

	return !ca_space(ca, &space, &ignored) ||
	       put_one(to, METRIC_DISK_FREE, space.free_mb * 1024 * 1024, err);
}

static bool
put_all(struct buf *to, struct ca *ca, const struct seen *s, struct err *err)
{
	return put_build(to, err) && put_parts(to, s, err) &&
	       (s->why[PART_DATABASE].code != ERR_OK ||
		   (put_requests(to, &s->counts, err) && put_cases(to, &s->cases, err))) &&
	       put_kras(to, s, err) && put_coverage(to, s, err) &&
	       put_certificates(to, ca, s, err) && put_lists(to, s, err) &&
	       put_one(to, METRIC_NOTICES_LOST, ca_notices_lost(ca), err) &&
	       put_disk(to, ca, err) && metrics_counted(to, err);
}

void
route_metrics(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(buf_free) struct buf text = {0};
	OWNED(seen_free) struct seen s = {0};
	struct err err;

	look(c, view, &s);
	if (put_all(&text, c->ca, &s, &err))
		answer_body(
		    c->http, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&text));
	else
		json_fail(c->http, &err);
}
