#include "journal_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "mem.h"
#include "oids.h"
#include "own.h"
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

struct work {
	struct journal_comparison *out;
	int64_t now;
	struct stored *rows;
	size_t row_count;
	int64_t *retrievals;
	size_t retrieval_count;
	int64_t *cuts; /* the last record before a start without an end */
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

static void
add_difference(struct journal_differences *to, const struct journal_difference *d)
{
	to->list = mem_grow(to->list, to->count, sizeof *to->list);
	to->list[to->count++] = *d;
}

static void
add_time(int64_t **list, size_t *count, int64_t when)
{
	*list = mem_grow(*list, *count, sizeof **list);
	(*list)[(*count)++] = when;
}

/* ---- the database ---- */

static void
add_row(struct work *w, struct view tbs, const struct journal_difference *row)
{
	w->rows = mem_grow_long(w->rows, w->row_count, sizeof *w->rows);
	w->rows[w->row_count] = (struct stored){.row = *row};
	SHA256(tbs.ptr, tbs.len, w->rows[w->row_count++].sha256);
}

static bool
add_request(struct work *w, const struct store_request *r, struct err *err)
{
	struct journal_difference row = {.kind = (r->request_flags & CR_FLG_CAXCHGCERT) != 0
						     ? JOURNAL_EXCHANGE
						     : JOURNAL_CERTIFICATE,
	    .when = r->resolved_when,
	    .request_id = r->request_id};
	OWNED(pkix_cert_free) struct pkix_cert c = {0};

	if (r->raw_certificate.len == 0 || r->disposition == DISP_FOREIGN)
		return true;
	if (!pkix_cert_decode(buf_view(&r->raw_certificate), &c, err))
		return err_prefix(err, "request %lld", (long long)r->request_id);
	snprintf(
	    row.number, sizeof row.number, "%s", r->serial_number != NULL ? r->serial_number : "");
	add_row(w, c.tbs, &row);
	return true;
}

static bool
read_requests(struct work *w, struct store *store, struct err *err)
{
	struct store_filter filter = {.limit = PAGE};
	bool more = true;

	while (more) {
		OWNED(store_requests_free) struct store_requests rows = {0};

		if (!store_list_requests(store, &filter, &rows, err))
			return false;
		more = rows.count == PAGE;
		for (size_t i = 0; i < rows.count; i++) {
			filter.after_id = rows.list[i].request_id;
			if (!add_request(w, &rows.list[i], err))
				return false;
		}
	}
	return true;
}

static bool
add_crl(int64_t number, int64_t this_update, struct view crl, void *arg, struct err *err)
{
	struct journal_difference row = {.kind = JOURNAL_CRL, .when = this_update};
	struct view tbs;

	if (!pkix_crl_tbs(crl, &tbs, err))
		return false;
	snprintf(row.number, sizeof row.number, "%lld", (long long)number);
	add_row(arg, tbs, &row);
	return true;
}

static bool
add_retrieval(const struct audit_record *a, void *arg)
{
	struct work *w = arg;

	if (a->event == AUDIT_KEY_RETRIEVED && a->success)
		add_time(&w->retrievals, &w->retrieval_count, a->when);
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
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(store_close) struct store *store = NULL;
	int64_t rows;

	if (!store_open(path, &store, err) || !read_requests(w, store, err) ||
	    !store_walk_crls(store, add_crl, w, err) ||
	    !store_audit_walk(store, 0, add_retrieval, w, &rows, err))
		return false;
	if (w->row_count > 0)
		qsort(w->rows, w->row_count, sizeof *w->rows, by_hash);
	return true;
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

static void
match(struct work *w, const struct journal_entry *e)
{
	struct journal_difference d = {.kind = e->kind, .when = e->when};
	struct stored key, *row = NULL;

	memcpy(key.sha256, e->sha256, sizeof key.sha256);
	if (w->row_count > 0)
		row = bsearch(&key, w->rows, w->row_count, sizeof *w->rows, by_hash);
	if (row != NULL) {
		row->is_signed = true;
		w->out->matched++;
	} else if (e->when > w->now - IN_FLIGHT) {
		w->out->in_progress++;
	} else {
		number_text(e, d.number);
		add_difference(&w->out->signed_only, &d);
	}
}

static bool
take_record(const struct journal_entry *e, void *arg, struct err *err)
{
	struct work *w = arg;

	(void)err;
	w->out->records[e->kind]++;
	if (e->kind == JOURNAL_BEGUN)
		w->out->begun = e->when;
	else if (e->kind == JOURNAL_STARTED && w->previous.kind != JOURNAL_STOPPED &&
		 w->previous.kind != JOURNAL_BEGUN && w->previous.kind != JOURNAL_INIT)
		add_time(&w->cuts, &w->cut_count, w->previous.when);
	else if (e->kind == JOURNAL_CERTIFICATE || e->kind == JOURNAL_EXCHANGE ||
		 e->kind == JOURNAL_CRL)
		match(w, e);
	w->previous = *e;
	return true;
}

static bool
read_journal(struct work *w, FILE *journal, struct err *err)
{
	return journal_walk_file(journal, JOURNAL_FILE, take_record, w, err);
}

/* ---- what is left over ---- */

static bool
may_be_lost(const struct work *w, int64_t when)
{
	for (size_t i = 0; i < w->cut_count; i++)
		if (when >= w->cuts[i] - LOST_FIRST && when <= w->cuts[i] + JOURNAL_LOSS_S)
			return true;
	return false;
}

static void
sort_rows(struct work *w)
{
	struct journal_comparison *out = w->out;

	for (size_t i = 0; i < w->row_count; i++) {
		const struct stored *s = &w->rows[i];

		if (s->is_signed)
			continue;
		if (s->row.when < out->begun)
			out->before++;
		else
			add_difference(
			    may_be_lost(w, s->row.when) ? &out->perhaps_lost : &out->stored_only,
			    &s->row);
	}
	for (size_t i = 0; i < w->retrieval_count; i++)
		out->retrievals += w->retrievals[i] >= out->begun;
}

bool
journal_compare(const struct config *config, FILE *journal, int64_t now,
    struct journal_comparison *out, struct err *err)
{
	OWNED(work_free) struct work w = {.out = out, .now = now};

	*out = (struct journal_comparison){0};
	/* The database first: each of its rows then has its record, if the vault signed it. */
	if (!oids_init(err) || !read_database(&w, config, err) || !read_journal(&w, journal, err)) {
		journal_comparison_free(out);
		return false;
	}
	sort_rows(&w);
	return true;
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
