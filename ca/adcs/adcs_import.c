#include "adcs_import.h"

#include <stdlib.h>
#include <string.h>

#include "adcs_row.h"
#include "audit.h"
#include "kra_store.h"
#include "file_pump.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

#define BATCH 100

/* A row that is to be added, or what one adds to the one that is there. */
struct item {
	struct adcs_row from;
	int64_t there; /* request id; 0: it is to be added */
	bool revoked, has_key;
};

struct importing {
	const struct adcs_import *in;
	struct adcs_result *out;
	struct store *store;
	struct ca_issuers issuers;
	struct adcs_agents agents;
	struct adcs_source source;
	struct item batch[BATCH];
	size_t count;
};

static void
importing_free(struct importing *m)
{
	while (m->count > 0)
		adcs_row_free(&m->batch[--m->count].from);
	adcs_agents_free(&m->agents);
	ca_issuers_free(&m->issuers);
	store_close(&m->store);
}

/* ---- before the rows ---- */

static bool
hash_file(struct importing *m, struct err *err)
{
	OWNED(own_memory) char *hex = NULL;
	uint8_t hash[32];
	int64_t size;

	if (!file_pump(fileno(m->in->file), -1, m->in->name, &size, hash, err))
		return false;
	hex = hex_encode(view_of(hash, sizeof hash), '\0');
	snprintf(m->out->sha256, sizeof m->out->sha256, "%s", hex);
	rewind(m->in->file);
	return true;
}

static bool
read_stored_agents(struct importing *m, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = kra_store_list(m->in->config, &list, &count, NULL, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = adcs_agents_add(&m->agents, buf_view(&list[i]), err);
	kra_store_free(&list, count);
	return ok;
}

static bool
find_agent(void *arg, struct view serial, struct buf *der_out, struct err *err)
{
	struct importing *m = arg;
	OWNED(own_memory) char *text = pkix_serial_text(serial);
	OWNED(store_request_free) struct store_request row = {0};
	enum store_find found = store_get_by_serial(m->store, text, &row, err);

	*der_out = (struct buf){0};
	if (found == STORE_FOUND)
		*der_out = buf_give(&row.raw_certificate);
	return found != STORE_FAILED;
}

static bool
read_header(struct importing *m, struct csv *csv, struct err *err)
{
	struct csv_row first;

	if (!csv_next(csv, &first, err))
		return err->code == ERR_OK
			   ? err_set(err, ERROR_INVALID_DATA, "%s is empty", m->in->name)
			   : false;
	if (first.broken != NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "%s: the first row: %s", m->in->name, first.broken);
	if (!adcs_columns_find(&first, m->in->columns, &m->source.columns, err))
		return err_prefix(err, "%s", m->in->name);
	m->out->has_keys = m->source.columns.at[ADCS_KEY] >= 0;
	return true;
}

static void
note_agent(struct importing *m, const struct csv_row *row)
{
	const char *text = row->broken == NULL && row->count == m->source.columns.fields
			       ? adcs_field(&m->source.columns, row, ADCS_CERTIFICATE)
			       : NULL;
	OWNED(buf_free) struct buf der = {0};
	struct err ignored;

	if (text != NULL && adcs_octets(text, &der, &ignored))
		(void)adcs_agents_add(&m->agents, buf_view(&der), &ignored);
}

/* Agents may stand behind the keys that are sealed to them. */
static bool
read_listed_agents(struct importing *m, struct err *err)
{
	OWNED(csv_close) struct csv *csv = csv_open(m->in->file);
	struct csv_row row;

	if (!read_header(m, csv, err))
		return false;
	while (csv_next(csv, &row, err))
		note_agent(m, &row);
	rewind(m->in->file);
	return err->code == ERR_OK;
}

/* ---- what was read, into the database ---- */

static bool
keep_agents(struct store_tx *tx, const struct adcs_row *from, struct err *err)
{
	for (size_t i = 0; i < from->agent_count; i++)
		if (!store_keep_kra(tx, view_of(from->agents[i]->sha1, 20),
			buf_view(&from->agents[i]->raw), err))
			return false;
	return true;
}

static bool
add_item(struct store_tx *tx, const struct item *item, int64_t now, struct err *err)
{
	const struct store_request *row = &item->from.row;
	int64_t id;

	if (!keep_agents(tx, &item->from, err))
		return false;
	if (item->there == 0)
		return store_import_request(tx, row, &id, err);
	return (!item->has_key || store_import_key(tx, item->there, row, err)) &&
	       (!item->revoked || store_revoke(tx, item->there, row->revoked_reason, now,
				      row->revoked_effective_when, err));
}

struct unit {
	const struct importing *m;
	size_t from, until; /* of the batch */
};

static bool
add_items(struct store_tx *tx, void *arg, struct err *err)
{
	const struct unit *u = arg;

	for (size_t i = u->from; i < u->until; i++)
		if (!add_item(tx, &u->m->batch[i], u->m->in->now, err))
			return false;
	return true;
}

static void
refuse(struct importing *m, int64_t line, int64_t request_id, const struct err *why)
{
	m->out->refused++;
	m->in->refused(m->in->arg, line, request_id, why->msg);
}

static void
count_item(struct importing *m, const struct item *item)
{
	const struct adcs_row *from = &item->from;

	if (item->there != 0) {
		m->out->revoked += item->revoked;
		m->out->keys_there += item->has_key;
	} else {
		m->out->taken++;
		m->out->keys += from->row.raw_archived_key.len > 0;
	}
	for (size_t i = 0; i < from->unknown.count; i++)
		if (!texts_has(&m->out->unknown_agents, from->unknown.list[i]))
			texts_add(&m->out->unknown_agents, from->unknown.list[i]);
}

/* One by one where all together could not be added: which of them it is, is named. */
static void
flush(struct importing *m)
{
	struct unit all = {m, 0, m->count};
	struct err why;
	bool together =
	    m->in->dry_run || m->count == 0 || store_do(m->store, add_items, &all, &why);

	for (size_t i = 0; i < m->count; i++) {
		struct item *item = &m->batch[i];
		struct unit one = {m, i, i + 1};

		if (together || store_do(m->store, add_items, &one, &why))
			count_item(m, item);
		else
			refuse(m, item->from.line, item->from.row.request_id, &why);
		adcs_row_free(&item->from);
	}
	m->count = 0;
	m->in->progress(m->in->arg, m->out->rows);
}

/* ---- what is there ---- */

static enum store_find
find_foreign(struct importing *m, const struct store_request *row, struct store_request *out,
    struct err *err)
{
	OWNED(own_memory) char *hash = hex_encode(buf_view(&row->certificate_hash), '\0');
	OWNED(store_requests_free) struct store_requests found = {0};

	if (!store_find_candidates(m->store, STORE_BY_CERTIFICATE_HASH, hash, &found, err))
		return STORE_FAILED;
	if (found.count == 0)
		return STORE_NOT_FOUND;
	*out = found.list[0];
	found.list[0] = (struct store_request){0};
	return STORE_FOUND;
}

static bool
is_in_batch(const struct importing *m, const struct store_request *row)
{
	for (size_t i = 0; i < m->count; i++)
		if (view_eq(buf_view(&m->batch[i].from.row.certificate_hash),
			buf_view(&row->certificate_hash)))
			return true;
	return false;
}

/* A hold may become final, and ends otherwise by a certificate manager's word alone. */
static bool
is_held(const struct store_request *row)
{
	return row->disposition == DISP_REVOKED && row->revoked_reason == REASON_HOLD;
}

/* What this row adds to the one that is there. */
static bool
compare(const struct store_request *there, const struct store_request *row, struct item *out,
    struct err *err)
{
	if (!view_eq(buf_view(&there->certificate_hash), buf_view(&row->certificate_hash)))
		return err_set(err, ERROR_FILE_EXISTS,
		    "request %lld has another certificate with this serial number",
		    (long long)there->request_id);
	out->there = there->request_id;
	out->revoked = row->disposition == DISP_REVOKED &&
		       (there->disposition == DISP_ISSUED || (is_held(there) && !is_held(row)));
	out->has_key = row->raw_archived_key.len > 0 && !there->has_archived_key;
	return true;
}

static bool
look(struct importing *m, const struct store_request *row, struct item *out, struct err *err)
{
	OWNED(store_request_free) struct store_request there = {0};
	enum store_find found =
	    row->disposition == DISP_FOREIGN
		? find_foreign(m, row, &there, err)
		: store_get_by_serial(m->store, row->serial_number, &there, err);

	*out = (struct item){0};
	return found == STORE_NOT_FOUND || (found == STORE_FOUND && compare(&there, row, out, err));
}

/* ---- the rows ---- */

static bool
take_row(struct importing *m, struct adcs_row *from, struct err *err)
{
	struct item item;

	if (m->count == BATCH || is_in_batch(m, &from->row))
		flush(m);
	if (!look(m, &from->row, &item, err))
		return false;
	if (item.there != 0)
		m->out->there++;
	if (item.there != 0 && !item.revoked && !item.has_key)
		return true;
	item.from = *from;
	*from = (struct adcs_row){0};
	m->batch[m->count++] = item;
	return true;
}

static void
import_row(struct importing *m, const struct csv_row *csv)
{
	OWNED(adcs_row_free) struct adcs_row row = {0};
	enum adcs_kind kind;
	struct err why;
	bool read;

	/* certutil's own last word */
	if (csv->count == 1 && csv->broken == NULL && strncmp(csv->fields[0], "CertUtil:", 9) == 0)
		return;
	m->out->rows++;
	read = adcs_row_read(&m->source, csv, &kind, &row, &why);
	if (read && kind == ADCS_LEAVE)
		m->out->left++;
	else if (!read || !take_row(m, &row, &why))
		refuse(m, csv->line, row.row.request_id, &why);
}

static bool
import_rows(struct importing *m, struct err *err)
{
	OWNED(csv_close) struct csv *csv = csv_open(m->in->file);
	struct csv_row row;

	if (!read_header(m, csv, err))
		return false;
	while (csv_next(csv, &row, err))
		import_row(m, &row);
	flush(m);
	return err->code == ERR_OK;
}

/* ---- all of it ---- */

static bool
audit(const struct importing *m, const struct err *failure, struct err *err)
{
	const struct adcs_result *r = m->out;
	OWNED(own_memory)
	char *detail = text_printf("sha256=%s rows=%lld taken=%lld keys=%lld there=%lld "
				   "revoked=%lld keys_there=%lld left=%lld refused=%lld%s%s",
	    r->sha256, (long long)r->rows, (long long)r->taken, (long long)r->keys,
	    (long long)r->there, (long long)r->revoked, (long long)r->keys_there,
	    (long long)r->left, (long long)r->refused, failure != NULL ? " reason=" : "",
	    failure != NULL ? failure->msg : "");
	const struct ca_audit a = {.when = m->in->now,
	    .event = AUDIT_IMPORTED,
	    .status = failure != NULL ? failure->code : ERR_OK,
	    .actor = m->in->actor,
	    .object = m->in->name,
	    .detail = detail};

	return m->in->dry_run || ca_audit_alone(m->store, &a, err);
}

static bool
begin(struct importing *m, struct err *err)
{
	OWNED(own_memory) char *certificates = config_path(m->in->config, "ca.crt");
	OWNED(own_memory) char *database = config_path(m->in->config, "dirca.db");

	m->agents = (struct adcs_agents){.look_up = find_agent, .arg = m};
	m->source = (struct adcs_source){
	    .issuers = &m->issuers, .agents = &m->agents, .dates = m->in->dates, .now = m->in->now};
	return ca_issuers_read(certificates, &m->issuers, err) &&
	       store_open(database, &m->store, err) && hash_file(m, err) &&
	       read_stored_agents(m, err) && read_listed_agents(m, err);
}

bool
adcs_import(const struct adcs_import *in, struct adcs_result *out, struct err *err)
{
	OWNED(importing_free) struct importing m = {.in = in, .out = out};
	struct err ignored;

	*out = (struct adcs_result){0};
	if (!begin(&m, err))
		return false;
	if (import_rows(&m, err))
		return audit(&m, NULL, err);
	(void)audit(&m, err, &ignored);
	return false;
}

void
adcs_result_free(struct adcs_result *r)
{
	texts_free(&r->unknown_agents);
}
