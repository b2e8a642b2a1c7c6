/*
 * CRLs: all lists that are due are made from one picture of the database, and stored and audited in
 * one unit of work before anybody sees one. They share a number (RFC 5280 5.2.3). What changed
 * after the picture was taken has a number of its own (RevocationChange), so that no revocation is
 * missing from base and delta both.
 */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "crl_lists.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "pace.h"
#include "publication.h"
#include "text.h"

/* So many entries in a row, and how much longer than over them it pauses: a million need a fifth of
 * a second of one processor, which they get in under two. A small CRL, as after a revocation, has
 * no pause. */
#define STRETCH 4096
#define PAUSES  7

/* A CRL that is from further ahead than this was made by a clock that has been set back since. */
#define AHEAD_S 60

struct crl {
	struct store_crl_id id;
	struct store_new_crl row;
	int64_t since;
	struct pkix_crl_making making; /* row.der lies in it */
};

/* Those that are made together: of one key. */
struct crl_run {
	struct ca *ca;
	const struct ca_issuer *issuer; /* the newest certificate of the key */
	struct vault *vault;
	const struct ca_view *view;
	const char *actor;
	int64_t now, number;
	struct store_snapshot *snapshot;
	struct pace pace;
	struct crl *list;
	size_t count;
};

static void
crl_free(struct crl *crl)
{
	pkix_crl_making_free(&crl->making);
}

static void
run_free(struct crl_run *run)
{
	while (run->count > 0)
		crl_free(&run->list[--run->count]);
	free(run->list);
	store_snapshot_end(&run->snapshot);
}

/* ---- one of them ---- */

static void
set_times(const struct crl_run *run, bool delta, struct store_new_crl *row)
{
	const int64_t *seconds = run->view->settings.seconds;

	row->this_update = run->now;
	row->next_publish = run->now + seconds[delta ? PERIOD_CRL_DELTA : PERIOD_CRL];
	row->next_update =
	    row->next_publish + seconds[delta ? PERIOD_CRL_DELTA_OVERLAP : PERIOD_CRL_OVERLAP];
}

/* A delta CRL that is made with the first base CRL builds on that, and is empty. */
static bool
find_base(const struct crl_run *run, struct crl *crl, struct err *err)
{
	struct store_crl base;

	if (!crl->id.delta)
		return true;
	if (!store_delta_base(run->ca->store, &crl->id, run->now, &base, err))
		return false;
	crl->row.base_number = base.number > 0 ? base.number : run->number;
	crl->since = base.number > 0 ? base.changes : crl->row.changes;
	return true;
}

/* A partition's lists say which it is, by the names that its certificates have for it (RFC 5280
 * 6.3.3 b 2 i); those of a delta CRL are those of its base (5.2.4). */
static bool
push_scope(
    const struct crl_run *run, const struct store_crl_id *id, ext_list *list, struct err *err)
{
	OWNED(ca_urls_free) struct ca_urls urls = {0};
	struct store_crl_id base = {.key_index = id->key_index, .partition = id->partition};
	struct ext_urls view;

	if (id->partition == 0)
		return true;
	if (!crl_urls(run->ca, run->view, &base, &urls, err))
		return false;
	view = ca_urls_view(&urls);
	return ext_push_issuing_point(list, &view, err);
}

static bool
push_place(
    const struct crl_run *run, const struct store_crl_id *id, ext_list *list, struct err *err)
{
	OWNED(ca_urls_free) struct ca_urls urls = {0};

	return crl_urls(run->ca, run->view, id, &urls, err) &&
	       (urls.list[0] == NULL ||
		   ext_push_self_cdp(list, &(struct ext_urls){urls.list, 1}, err));
}

/* In the order of AD CS. */
static bool
push_extensions(const struct crl_run *run, const struct crl *crl, ext_list *list, struct err *err)
{
	return ext_push_next_publish(list, crl->row.next_publish, err) &&
	       (crl->id.delta || crl_push_freshest(run->ca, run->view, &crl->id, list, err)) &&
	       (!crl->id.delta || ext_push_delta_indicator(list, crl->row.base_number, err)) &&
	       push_place(run, &crl->id, list, err) && push_scope(run, &crl->id, list, err);
}

struct walk {
	struct pkix_crl_making *making;
	struct pace *pace;
};

static bool
add_revoked(const struct store_revoked *row, void *arg, struct err *err)
{
	struct walk *w = arg;
	uint8_t serial[PKIX_SERIAL_MAX];
	size_t len = hex_octets(row->serial, serial, sizeof serial);

	pace_step(w->pace);
	return pkix_crl_add(
	    w->making, &(struct pkix_revoked){view_of(serial, len), row->when, row->reason}, err);
}

static bool
begin_crl(const struct crl_run *run, struct crl *crl, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();
	const struct pkix_crl_head head = {.issuer = run->issuer->cert.subject,
	    .sig_alg = buf_view(&run->issuer->sig_alg),
	    .authority_key_id = buf_view(&run->issuer->key_id),
	    .this_update = crl->row.this_update,
	    .next_update = crl->row.next_update,
	    .number = crl->row.number,
	    .is_delta = crl->id.delta,
	    .more = list};

	if (list == NULL)
		return err_nomem(err);
	return push_extensions(run, crl, list, err) && pkix_crl_begin(&head, &crl->making, err);
}

/* What any certificate of the key issued. */
static bool
add_all_revoked(struct crl_run *run, struct crl *crl, struct err *err)
{
	struct walk walk = {&crl->making, &run->pace};
	const struct ca_issuers *all = &run->ca->info.issuers;
	struct store_crl_query query = {.partition = crl->id.partition,
	    .now = run->now,
	    .delta = crl->id.delta,
	    .since = crl->since};

	for (size_t i = 0; i < all->count; i++) {
		query.issuer = all->list[i].version;
		if (CA_VERSION_KEY(query.issuer) == crl->id.key_index &&
		    !store_walk_revoked(run->snapshot, &query, add_revoked, &walk, err))
			return false;
	}
	return true;
}

static bool
sign_crl(const struct crl_run *run, struct crl *crl, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	struct view tbs;

	return pkix_crl_tbs_end(&crl->making, &tbs, err) &&
	       vault_sign_crl(run->vault, crl->id.key_index, tbs, &signature, err) &&
	       pkix_crl_signed_end(&crl->making, buf_view(&run->issuer->sig_alg),
		   buf_view(&signature), &crl->row.der, err);
}

static bool
make_one(struct crl_run *run, const struct store_crl_id *id, struct err *err)
{
	struct crl *crl;

	run->list = mem_grow(run->list, run->count, sizeof *run->list);
	crl = &run->list[run->count++];
	*crl = (struct crl){.id = *id,
	    .row = {.name_id = run->issuer->version,
		.partition = id->partition,
		.number = run->number,
		.changes = store_snapshot_changes(run->snapshot)}};
	set_times(run, id->delta, &crl->row);
	return find_base(run, crl, err) && begin_crl(run, crl, err) &&
	       add_all_revoked(run, crl, err);
}

/* ---- all of a key ---- */

/* A partition has no list before the CA knows where it is found. */
static bool
has_place(const struct crl_run *run, const struct store_crl_id *id)
{
	return id->partition == 0 || run->view->pki->services_dn != NULL ||
	       run->ca->config->http_url != NULL;
}

static bool
make_all(struct crl_run *run, bool bases, struct err *err)
{
	OWNED(crl_ids_free) struct crl_ids ids = {0};

	if (!crl_ids_list(
		run->ca, &run->view->settings, CA_VERSION_KEY(run->issuer->version), &ids, err))
		return false;
	for (size_t i = 0; i < ids.count; i++)
		if ((bases || ids.list[i].delta) && has_place(run, &ids.list[i]) &&
		    !make_one(run, &ids.list[i], err))
			return false;
	return run->count > 0 || err_set(err, E_INVALIDARG,
				     "the CA makes no delta CRLs: CA\\CRLDeltaPeriodUnits is 0");
}

static bool
store_crl(struct store_tx *tx, const struct crl_run *run, const struct crl *c, struct err *err)
{
	OWNED(own_memory) char *suffix = crl_file_suffix(&c->id);
	OWNED(own_memory)
	char *object = text_printf("%sCRL %lld%s%s", c->id.delta ? "delta " : "",
	    (long long)c->row.number, *suffix != '\0' ? " of list " : "", suffix);
	const struct ca_audit a = {.when = c->row.this_update,
	    .event = AUDIT_CRL_PUBLISHED,
	    .actor = run->actor,
	    .object = object};

	return store_add_crl(tx, &c->row, err) && ca_audit(tx, &a, err);
}

static bool
store_run(struct store_tx *tx, void *arg, struct err *err)
{
	const struct crl_run *run = arg;

	for (size_t i = 0; i < run->count; i++)
		if (!store_crl(tx, run, &run->list[i], err))
			return false;
	return store_forget_changes(tx, run->now, err);
}

static bool
next_number(struct ca *ca, int64_t *out, struct err *err)
{
	if (!store_last_crl_number(ca->store, out, err))
		return false;
	++*out;
	if (*out <= ca->state->foreign_crl)
		*out = ca->state->foreign_crl + 1;
	return true;
}

static bool
begin_run(struct crl_run *run, struct err *err)
{
	run->pace = pace_begin(STRETCH, PAUSES);
	return next_number(run->ca, &run->number, err) &&
	       store_snapshot_begin(run->ca->store, &run->snapshot, err);
}

static bool
make_of_key(struct crl_run *run, bool bases, struct err *err)
{
	if (!begin_run(run, err) || !make_all(run, bases, err))
		return false;
	/* While it is held the write-ahead log grows: it is given up before the vault works. */
	store_snapshot_end(&run->snapshot);
	for (size_t i = 0; i < run->count; i++)
		if (!sign_crl(run, &run->list[i], err))
			return false;
	if (!store_do(run->ca->store, store_run, run, err))
		return false;
	for (size_t i = 0; i < run->count; i++)
		crl_keep(run->ca, &run->list[i].row, &run->list[i].making.octets);
	/* The CRL stands and is served over HTTP; the directory gets it from the publisher. */
	ca_publication_wake(run->ca);
	return true;
}

/* ---- when ---- */

static bool
is_due(const struct settings *s, const struct store_crl *crl, int64_t now)
{
	bool delta = crl->base_number > 0;
	int64_t overlap = s->seconds[delta ? PERIOD_CRL_DELTA_OVERLAP : PERIOD_CRL_OVERLAP];

	return crl->number == 0 || crl->this_update > now + AHEAD_S || crl->next_publish <= now ||
	       crl->next_update - overlap <= now;
}

/* Which lists of the key: the delta CRLs alone, or all. */
enum due { DUE_NONE, DUE_DELTA, DUE_ALL };

/* A base CRL that is newer than its delta CRL was made when there were no such, and names none. */
static bool
find_due(struct ca *ca, const struct settings *s, size_t issuer, int64_t now, enum due *out,
    struct err *err)
{
	uint32_t key_index = CA_VERSION_KEY(ca->info.issuers.list[issuer].version);
	OWNED(crl_ids_free) struct crl_ids ids = {0};
	int64_t base = 0;

	*out = ca->state->crl_wanted[issuer] ? DUE_ALL : DUE_NONE;
	if (!crl_ids_list(ca, s, key_index, &ids, err))
		return false;
	for (size_t i = 0; i < ids.count && *out != DUE_ALL; i++) {
		bool delta = ids.list[i].delta;
		struct store_crl crl;

		if (!store_newest_crl_dates(ca->store, &ids.list[i], &crl, err))
			return false;
		if (!delta)
			base = crl.number;
		if (delta && base > crl.number)
			*out = DUE_ALL;
		else if (is_due(s, &crl, now))
			*out = delta ? DUE_DELTA : DUE_ALL;
	}
	return true;
}

/* Without a base CRL that a delta CRL can build on, who wants one gets both. */
static bool
make_wanted(
    struct crl_run *run, size_t issuer, enum crls_wanted wanted, bool *made_out, struct err *err)
{
	struct ca *ca = run->ca;
	enum due due = DUE_ALL;

	*made_out = false;
	if (wanted != CRLS_ALL && !find_due(ca, &run->view->settings, issuer, run->now, &due, err))
		return false;
	if (wanted == CRLS_DUE && due == DUE_NONE)
		return true;
	if (!make_of_key(run, due == DUE_ALL, err))
		return err_prefix(err, "publishing a CRL");
	if (due == DUE_ALL)
		ca->state->crl_wanted[issuer] = false;
	*made_out = true;
	return true;
}

bool
make_crls(struct ca *ca, struct vault *v, const struct ca_view *view, enum crls_wanted wanted,
    const char *actor, int64_t now, bool *made_out, struct err *err)
{
	const struct ca_issuers *issuers = &ca->info.issuers;
	bool ok = true;

	*made_out = false;
	for (size_t i = 0; i < issuers->count; i++) {
		OWNED(run_free)
		struct crl_run run = {.ca = ca,
		    .issuer = &issuers->list[i],
		    .vault = v,
		    .view = view,
		    .actor = actor,
		    .now = now};
		struct err why;
		bool done, made;

		if (!ca_issuers_signs_crl(issuers, i, now))
			continue;
		done = make_wanted(&run, i, wanted, &made, &why);
		*made_out = *made_out || made;
		if (!done && ok)
			*err = why;
		ok = ok && done;
	}
	return ok;
}

bool
ca_publish_crl(struct ca *ca, struct vault *v, bool delta_only, const char *actor, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	struct err later;
	bool ok, made;

	pthread_mutex_lock(&ca->state->make_crl_lock);
	ok = make_crls(
	    ca, v, view, delta_only ? CRLS_DELTA : CRLS_ALL, actor, clock_now(), &made, err);
	pthread_mutex_unlock(&ca->state->make_crl_lock);
	/* Requests are refused by a view that has none. */
	if (ok && view->crl_until < clock_now() && !ca_refresh(ca, v, &later))
		log_warn("new CRL not in use yet", LOG_REASON(&later));
	return ok;
}
