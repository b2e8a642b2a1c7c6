#include "journal_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "oids.h"
#include "pkix.h"
#include "store.h"
#include "text.h"

#define PAGE       1000
#define IN_FLIGHT  10 /* seconds between a signature and its row */
#define LOST_FIRST 1  /* a second before the last record: clocks of rows are read earlier */

/* A signature that a row of the database has. */
struct stored {
	uint8_t sha256[32];
	struct journal_difference row;
	bool is_signed;
};

struct cut {
	int64_t last; /* record before a start without an end */
};

struct work {
	struct journal_comparison *out;
	int64_t now;
	struct stored *rows;
	size_t row_count, row_room;
	int64_t *retrievals;
	size_t retrieval_count;
	struct cut *cuts;
	size_t cut_count;
	struct journal_entry previous;
};

static void
work_free(struct work *w)
{
	free(w->rows);
	free(w->retrievals);
	free(w->cuts);
}

static bool
add_difference(struct journal_differences *to, const struct journal_difference *d, struct err *err)
{
	struct journal_difference *grown = reallocarray(to->list, to->count + 1, sizeof *grown);

	if (grown == NULL)
		return err_nomem(err);
	to->list = grown;
	to->list[to->count++] = *d;
	return true;
}

/* ---- the database ---- */

static bool
add_row(struct work *w, struct view tbs, const struct journal_difference *row, struct err *err)
{
	if (w->row_count == w->row_room) {
		size_t room = w->row_room > 0 ? 2 * w->row_room : PAGE;
		struct stored *grown = reallocarray(w->rows, room, sizeof *grown);

		if (grown == NULL)
			return err_nomem(err);
		w->rows = grown;
		w->row_room = room;
	}
	w->rows[w->row_count] = (struct stored){.row = *row};
	SHA256(tbs.ptr, tbs.len, w->rows[w->row_count++].sha256);
	return true;
}

static bool
add_request(struct work *w, const struct store_request *r, struct err *err)
{
	struct journal_difference row = {.kind = (r->request_flags & CR_FLG_CAXCHGCERT) != 0
						     ? JOURNAL_EXCHANGE
						     : JOURNAL_CERTIFICATE,
	    .when = r->resolved_when,
	    .request_id = r->request_id};
	struct pkix_cert c = {0};
	bool ok;

	if (r->raw_certificate.len == 0 || r->disposition == DISP_FOREIGN)
		return true;
	ok = pkix_cert_decode(buf_view(&r->raw_certificate), &c, err);
	snprintf(
	    row.number, sizeof row.number, "%s", r->serial_number != NULL ? r->serial_number : "");
	ok = ok && add_row(w, c.tbs, &row, err);
	pkix_cert_free(&c);
	return ok || err_prefix(err, "request %lld", (long long)r->request_id);
}

static bool
read_requests(struct work *w, struct store *store, struct err *err)
{
	struct store_filter filter = {.limit = PAGE};
	struct store_requests rows = {0};
	bool ok = true, more = true;

	while (ok && more) {
		ok = store_list_requests(store, &filter, &rows, err);
		more = ok && rows.count == PAGE;
		for (size_t i = 0; ok && i < rows.count; i++) {
			filter.after_id = rows.list[i].request_id;
			ok = add_request(w, &rows.list[i], err);
		}
		store_requests_free(&rows);
	}
	return ok;
}

static bool
add_crl(int64_t number, int64_t this_update, struct view crl, void *arg, struct err *err)
{
	struct journal_difference row = {.kind = JOURNAL_CRL, .when = this_update};
	struct view tbs;

	snprintf(row.number, sizeof row.number, "%lld", (long long)number);
	return pkix_crl_tbs(crl, &tbs, err) && add_row(arg, tbs, &row, err);
}

static bool
add_retrieval(const struct audit_record *a, void *arg)
{
	struct work *w = arg;
	int64_t *grown;

	if (a->event != AUDIT_KEY_RETRIEVED || !a->success ||
	    (grown = reallocarray(w->retrievals, w->retrieval_count + 1, sizeof *grown)) == NULL)
		return true;
	w->retrievals = grown;
	w->retrievals[w->retrieval_count++] = a->when;
	return true;
}

static int
by_hash(const void *a, const void *b)
{
	return memcmp(((const struct stored *)a)->sha256, ((const struct stored *)b)->sha256, 32);
}

static bool
read_database(struct work *w, const struct config *config, struct err *err)
{
	char *path = config_path(config, "dirca.db");
	struct store *store = NULL;
	int64_t rows;
	bool ok;

	if (path == NULL)
		return err_nomem(err);
	/* store_open would make one. */
	ok = access(path, F_OK) == 0 ? store_open(path, &store, err)
				     : err_errno(err, ERROR_FILE_NOT_FOUND, "%s", path);
	ok = ok && read_requests(w, store, err) && store_walk_crls(store, add_crl, w, err) &&
	     store_audit_walk(store, 0, add_retrieval, w, &rows, err);
	store_close(&store);
	free(path);
	if (ok && w->row_count > 0)
		qsort(w->rows, w->row_count, sizeof *w->rows, by_hash);
	return ok;
}

/* ---- the journal ---- */

/* Of a CRL its number as the database writes it, of a certificate the serial in hex. */
static void
number_text(const struct journal_entry *e, char out[2 * JOURNAL_NUMBER_MAX + 1])
{
	unsigned long long number = 0;

	out[0] = '\0';
	for (size_t i = 0; i < e->number_len; i++) {
		snprintf(out + 2 * i, 3, "%02x", e->number[i]);
		number = number << 8 | e->number[i];
	}
	if (e->kind == JOURNAL_CRL && e->number_len < sizeof number)
		snprintf(out, 2 * JOURNAL_NUMBER_MAX + 1, "%llu", number);
}

static bool
match(struct work *w, const struct journal_entry *e, struct err *err)
{
	struct journal_difference d = {.kind = e->kind, .when = e->when};
	struct stored key, *row = NULL;

	memcpy(key.sha256, e->sha256, sizeof key.sha256);
	if (w->row_count > 0)
		row = bsearch(&key, w->rows, w->row_count, sizeof *w->rows, by_hash);
	if (row != NULL) {
		row->is_signed = true;
		w->out->matched++;
		return true;
	}
	if (e->when > w->now - IN_FLIGHT) {
		w->out->in_progress++;
		return true;
	}
	number_text(e, d.number);
	return add_difference(&w->out->signed_only, &d, err);
}

/* The vault started, and what was before is not its end. */
static bool
note_cut(struct work *w, struct err *err)
{
	struct cut *grown = reallocarray(w->cuts, w->cut_count + 1, sizeof *grown);

	if (grown == NULL)
		return err_nomem(err);
	w->cuts = grown;
	w->cuts[w->cut_count++] = (struct cut){w->previous.when};
	return true;
}

static bool
take_record(const struct journal_entry *e, void *arg, struct err *err)
{
	struct work *w = arg;
	bool ok = true;

	w->out->records[e->kind]++;
	if (e->kind == JOURNAL_BEGUN)
		w->out->begun = e->when;
	else if (e->kind == JOURNAL_STARTED && w->previous.kind != JOURNAL_STOPPED &&
		 w->previous.kind != JOURNAL_BEGUN && w->previous.kind != JOURNAL_INIT)
		ok = note_cut(w, err);
	else if (e->kind == JOURNAL_CERTIFICATE || e->kind == JOURNAL_EXCHANGE ||
		 e->kind == JOURNAL_CRL)
		ok = match(w, e, err);
	w->previous = *e;
	return ok;
}

static bool
read_journal(struct work *w, const struct config *config, struct err *err)
{
	char *path = config_path(config, "vault/" JOURNAL_FILE);
	bool ok = path != NULL ? journal_walk(path, take_record, w, err) : err_nomem(err);

	free(path);
	return ok;
}

/* ---- what is left over ---- */

static bool
may_be_lost(const struct work *w, int64_t when)
{
	for (size_t i = 0; i < w->cut_count; i++)
		if (when >= w->cuts[i].last - LOST_FIRST &&
		    when <= w->cuts[i].last + JOURNAL_LOSS_S)
			return true;
	return false;
}

static bool
sort_rows(struct work *w, struct err *err)
{
	struct journal_comparison *out = w->out;
	bool ok = true;

	for (size_t i = 0; ok && i < w->row_count; i++) {
		const struct stored *s = &w->rows[i];

		if (s->is_signed)
			continue;
		if (s->row.when < out->begun)
			out->before++;
		else
			ok = add_difference(
			    may_be_lost(w, s->row.when) ? &out->perhaps_lost : &out->stored_only,
			    &s->row, err);
	}
	for (size_t i = 0; i < w->retrieval_count; i++)
		out->retrievals += w->retrievals[i] >= out->begun;
	return ok;
}

bool
journal_compare(
    const struct config *config, int64_t now, struct journal_comparison *out, struct err *err)
{
	struct work w = {.out = out, .now = now};
	bool ok;

	*out = (struct journal_comparison){0};
	/* The database first: each of its rows then has its record, if the vault signed it. */
	ok = oids_init(err) && read_database(&w, config, err) && read_journal(&w, config, err) &&
	     sort_rows(&w, err);
	work_free(&w);
	if (!ok)
		journal_comparison_free(out);
	return ok;
}

bool
journal_agrees(const struct journal_comparison *c)
{
	return c->signed_only.count == 0 && c->stored_only.count == 0 &&
	       c->records[JOURNAL_RECOVERY] <= c->retrievals;
}

void
journal_comparison_free(struct journal_comparison *c)
{
	free(c->signed_only.list);
	free(c->stored_only.list);
	free(c->perhaps_lost.list);
	*c = (struct journal_comparison){0};
}
