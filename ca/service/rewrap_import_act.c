/*
 * Archived keys that an agent sealed to others, taken back, and put back as they were. The keys
 * themselves nobody here can open, so that nothing tells whether what comes back is the same key,
 * and the former one stays.
 */
#include "local_acts_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "batches.h"
#include "ca_issuers.h"
#include "clock.h"
#include "file.h"
#include "mem.h"
#include "own.h"
#include "rewrapping.h"
#include "settings.h"
#include "text.h"

#define FILE_MOST (512 * 1024 * 1024)
#define GROUP     16 /* keys of one unit of work */
#define PAGE      500

struct returned {
	struct rewrap_entry entry;
	struct store_request row; /* as it is */
	const struct pkix_cert *kras[KRA_COUNT_MAX];
	size_t kra_count;
	uint8_t new_hash[REWRAP_HASH];
	bool there, done;
};

static void
returned_free(struct returned *x)
{
	rewrap_entry_free(&x->entry);
	store_request_free(&x->row);
}

/* Whom it was given out for, by what root had signed. */
static bool
is_ordered(const struct rewrap_order *o, const struct returned *x)
{
	size_t same = 0;

	for (size_t i = 0; i < x->kra_count; i++)
		for (size_t k = 0; k < o->to_count; k++)
			same += memcmp(x->kras[i]->sha256, o->to[k], REWRAP_HASH) == 0;
	return same == x->kra_count && same == o->to_count;
}

static bool
match_recipient(
    const struct rewrapping *r, struct returned *x, const struct cms_recipient *to, struct err *err)
{
	for (size_t i = 0; i < r->kras.count; i++) {
		const struct pkix_cert *kra = &r->kras.list[i];

		if (x->kra_count < KRA_COUNT_MAX &&
		    cms_recipient_is(to, kra->issuer, kra->serial)) {
			x->kras[x->kra_count++] = kra;
			return true;
		}
	}
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "it is sealed to somebody who is none of the enabled and valid key recovery agents");
}

static bool
check_cipher(const struct rewrapping *r, const struct returned *x, const struct cms_enveloped *now,
    struct err *err)
{
	const struct archive_floor floor = archive_floor_of_root(r->config);
	OWNED(cms_enveloped_free) struct cms_enveloped was = {0};
	struct err ignored;

	if (!archive_floor_holds(&floor, now))
		return err_set(err, E_ACCESSDENIED,
		    "it is sealed with less than dircad.conf demands (archive_floor, "
		    "archive_key_bits, allow_3des)");
	if (!cms_sealed_decode(buf_view(&x->row.raw_archived_key), &was, &ignored))
		return true;
	return (cms_key_bits(now->cipher) >= cms_key_bits(was.cipher) &&
		   (cms_is_gcm(now->cipher) || !cms_is_gcm(was.cipher))) ||
	       err_set(err, NTE_BAD_ALGID, "it was sealed with %s, and now with %s, which is less",
		   was.cipher_name, now->cipher_name);
}

/* All that can be seen from outside of what came back. */
static bool
check_sealed(const struct rewrapping *r, struct returned *x, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped now = {0};

	if (!cms_sealed_decode(x->entry.key, &now, err))
		return false;
	for (size_t i = 0; i < now.count; i++)
		if (!match_recipient(r, x, &now.recipients[i], err))
			return false;
	if (!is_ordered(&r->order, x))
		return err_set(err, CERTSRV_E_NO_VALID_KRA,
		    "it is sealed to other agents than the batch was given out for");
	if (now.threshold != r->order.threshold)
		return err_set(err, CERTSRV_E_NO_VALID_KRA,
		    "%zu of its agents open it together, and the batch was given out for %zu",
		    now.threshold, r->order.threshold);
	return rewrapping_check_agents(r, x->kras, x->kra_count, err) &&
	       check_cipher(r, x, &now, err);
}

static bool
check_returned(const struct rewrapping *r, struct returned *x, struct err *err)
{
	uint8_t is[REWRAP_HASH];

	if (!rewrap_order_has(&r->order, &x->entry))
		return err_set(err, DIRCA_E_CHANGED, "it is of another batch than the rest");
	switch (store_get_request(r->store, x->entry.request_id, &x->row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, CERTSRV_E_NO_REQUEST, "there is no such request");
	case STORE_FOUND:
		break;
	}
	rewrapping_hash(buf_view(&x->row.raw_archived_key), is);
	rewrapping_hash(x->entry.key, x->new_hash);
	if ((x->there = memcmp(is, x->new_hash, sizeof is) == 0))
		return true;
	if (!view_eq(x->entry.former, view_of(is, sizeof is)))
		return err_set(err, DIRCA_E_CHANGED,
		    "it is not the archived key that was given out, or was changed since");
	return check_sealed(r, x, err);
}

static void
refuse(struct rewrapping *r, int64_t request_id, const struct err *why)
{
	printf("request %" PRId64 ": %s (%s)\n", request_id, why->msg, err_name(why->code));
	r->refused++;
}

struct group {
	struct rewrapping *r;
	struct returned *list;
	size_t count;
};

static bool
audit_key(struct store_tx *tx, const struct rewrapping *r, const struct store_request *row,
    const char *act, struct view batch, const char *to, struct err *err)
{
	OWNED(own_memory) char *id = hex_encode(batch, '\0');
	OWNED(own_memory) char *certificate = ca_audit_certificate(row);
	OWNED(own_memory)
	char *detail = text_printf("%s=%s kras=%s %s", act, id, to, certificate);
	const struct ca_audit a = {.when = clock_now(),
	    .event = AUDIT_KEY_ARCHIVED,
	    .actor = r->actor,
	    .request_id = row->request_id,
	    .object = row->serial_number,
	    .detail = detail};

	return ca_audit(tx, &a, err);
}

static bool
keep_agents(struct store_tx *tx, const struct returned *x, struct err *err)
{
	for (size_t i = 0; i < x->kra_count; i++)
		if (!store_keep_kra(tx, view_of(x->kras[i]->sha1, sizeof x->kras[i]->sha1),
			buf_view(&x->kras[i]->raw), err))
			return false;
	return true;
}

static bool
replace(struct store_tx *tx, const struct rewrapping *r, struct returned *x, struct err *err)
{
	OWNED(own_memory)
	char *hashes = rewrapping_hashes(x->kras, x->kra_count, r->order.threshold);
	OWNED(own_memory) char *to = rewrapping_one_line(mem_text(hashes));
	const struct store_rewrap w = {.request_id = x->row.request_id,
	    .batch = x->entry.batch,
	    .was = buf_view(&x->row.raw_archived_key),
	    .new_hash = view_of(x->new_hash, sizeof x->new_hash),
	    .now = clock_now()};
	OWNED(buf_free) struct buf key = {0};

	if (!buf_dup(x->entry.key, &key, err))
		return false;
	const struct store_request row = {
	    .revoked_reason = -1, .raw_archived_key = key, .key_recovery_hashes = hashes};

	if (!store_rewrap_key(tx, &w, &row, &x->done, err))
		return false;
	return !x->done || (keep_agents(tx, x, err) &&
			       audit_key(tx, r, &x->row, "rewrap", x->entry.batch, to, err));
}

static bool
replace_group(struct store_tx *tx, void *arg, struct err *err)
{
	struct group *g = arg;

	for (size_t i = 0; i < g->count; i++)
		if (!g->list[i].there && !replace(tx, g->r, &g->list[i], err))
			return false;
	return true;
}

/* An agent who knows an archived key, which he may have from a recovery BLOB, had it replaced by
 * an order about others. */
static void
refuse_not_given(struct rewrapping *r, const struct returned *x)
{
	struct err why;

	err_set(&why, DIRCA_E_CHANGED,
	    "it was not given out in this batch, or was taken back in it, or was changed just now");
	refuse(r, x->entry.request_id, &why);
}

static bool
end_group(struct group *g, struct err *err)
{
	bool ok = g->count == 0 || store_do(g->r->store, replace_group, g, err);

	for (size_t i = 0; i < g->count; i++) {
		g->r->there += ok && g->list[i].there;
		g->r->done += ok && g->list[i].done;
		if (ok && !g->list[i].there && !g->list[i].done)
			refuse_not_given(g->r, &g->list[i]);
		returned_free(&g->list[i]);
	}
	g->count = 0;
	rewrapping_show(g->r);
	return ok;
}

static bool
take_returned(struct group *g, struct view der, struct err *err)
{
	OWNED(returned_free) struct returned x = {0};
	struct err why;

	if (!rewrap_entry_decode(der, &x.entry, err))
		return false;
	if (!check_returned(g->r, &x, &why)) {
		refuse(g->r, x.entry.request_id, &why);
		return why.code != DIRCA_E_DATABASE || err_set(err, why.code, "%s", why.msg);
	}
	g->list[g->count++] = x;
	x = (struct returned){0};
	return g->count < GROUP || end_group(g, err);
}

static bool
take_batch(struct rewrapping *r, struct view batch, struct err *err)
{
	struct returned *list = mem_zero(GROUP, sizeof *list);
	struct group g = {.r = r, .list = list};
	struct view der;
	bool ok = batch.len > 0 || err_set(err, ERROR_INVALID_DATA, "the file is empty");

	while (ok && batch.len > 0)
		ok = rewrap_entry_next(&batch, &der, err) && take_returned(&g, der, err);
	/* What was whole before a fault is taken. */
	if (ok)
		ok = end_group(&g, err);
	else {
		struct err ignored;

		end_group(&g, &ignored);
	}
	rewrapping_end(r);
	free(list);
	return ok;
}

static int
tell(const struct rewrapping *r, const char *what)
{
	printf("%" PRId64 " keys %s, %" PRId64 " there already, %" PRId64 " refused.\n", r->done,
	    what, r->there, r->refused);
	return r->refused > 0 ? ACT_FINDINGS : 0;
}

/* How many of the batch were, now and before. */
static bool
count_taken(const struct rewrapping *r, int64_t *out, struct err *err)
{
	OWNED(store_former_keys_free) struct store_former_keys page = {0};
	const struct view batch = view_of(r->order.batch, sizeof r->order.batch);
	int64_t after = 0;

	*out = 0;
	do {
		store_former_keys_free(&page);
		if (!store_list_former_keys(r->store, batch, after, PAGE, &page, err))
			return false;
		*out += (int64_t)page.count;
		after = page.count > 0 ? page.list[page.count - 1].request_id : after;
	} while (page.count == PAGE);
	return true;
}

/* An agent may have left out what he could not open, or would not. */
static int
tell_taken(const struct rewrapping *r)
{
	int status = tell(r, "taken");
	int64_t taken;
	struct err err;

	if (!count_taken(r, &taken, &err))
		return act_failed(&err, 1);
	if (taken >= r->order.keys)
		return status;
	printf("Of the %" PRId64 " keys of the batch %" PRId64 " are as they were.\n",
	    r->order.keys, r->order.keys - taken);
	return ACT_FINDINGS;
}

/* By those of root's agents whom the order names, as the batch was recorded. */
static char *
ordered_to(const struct rewrapping *r)
{
	const struct rewrap_order *o = &r->order;
	const struct pkix_cert *kras[KRA_COUNT_MAX];
	size_t count = 0;

	for (size_t i = 0; i < o->to_count; i++)
		for (size_t k = 0; k < r->kras.count; k++)
			if (memcmp(o->to[i], r->kras.list[k].sha256, REWRAP_HASH) == 0)
				kras[count++] = &r->kras.list[k];
	return rewrapping_one_line(rewrapping_hashes(kras, count, o->threshold));
}

static bool
check_approved(const struct rewrapping *r, struct err *err)
{
	OWNED(own_memory) char *to = ordered_to(r);

	return recover_batch_check(
	    r->store, view_of(r->order.batch, sizeof r->order.batch), r->order.keys, to, err);
}

/* Root may have changed its mind since. */
static bool
check_order(const struct rewrapping *r, struct err *err)
{
	if (r->order.to_count == 0)
		return err_set(err, E_INVALIDARG,
		    "the file is a drill, in which nothing is sealed: `dirca archive drill report` "
		    "takes what its agent signed");
	return r->order.threshold == r->kras.threshold ||
	       err_set(err, CERTSRV_E_NO_VALID_KRA,
		   "the batch was given out for keys that %zu agents open together, and now it is "
		   "%zu (`dirca kra count`)",
		   r->order.threshold, r->kras.threshold);
}

/* The order is the CA's own, and says for whom the batch was given out. */
static bool
read_order(struct rewrapping *r, const struct ca_issuers *own, struct view file,
    struct view *entries_out, struct err *err)
{
	OWNED(own_memory)
	const struct pkix_cert **cas = mem_zero(own->count, sizeof(*cas));
	struct view message;

	for (size_t i = 0; i < own->count; i++)
		cas[i] = &own->list[i].cert;
	return rewrap_file_split(file, &message, entries_out, err) &&
	       (rewrap_order_verify(message, cas, own->count, &r->order, err) ||
		   err_prefix(err, "the batch is none of this CA")) &&
	       check_order(r, err);
}

int
act_archive_import(const struct config *config, const char *name)
{
	OWNED(rewrapping_free)
	struct rewrapping r = {.config = config, .shows_progress = isatty(STDERR_FILENO) == 1};
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers own = {0};
	OWNED(buf_free) struct buf file = {0};
	struct view entries;
	struct err err;

	if (!file_read(name, FILE_MOST, &file, &err) || !ca_issuers_read(path, &own, &err) ||
	    !enabled_kras_read(config, &r.kras, &err) || !rewrapping_begin(&r, &err) ||
	    !read_order(&r, &own, buf_view(&file), &entries, &err) || !check_approved(&r, &err))
		return act_failed(&err, 1);
	if (!take_batch(&r, entries, &err)) {
		tell(&r, "taken");
		return act_failed(&err, 1);
	}
	return tell_taken(&r);
}

/* ---- as it was ---- */

struct reverting {
	struct rewrapping *r;
	struct view batch;
	struct store_request row;
	bool done;
};

static bool
revert(struct store_tx *tx, void *arg, struct err *err)
{
	struct reverting *x = arg;
	OWNED(own_memory) char *hashes = NULL;

	if (!store_revert_key(tx, x->row.request_id, x->batch, buf_view(&x->row.raw_archived_key),
		&x->done, &hashes, err))
		return false;
	if (!x->done)
		return true;
	return audit_key(tx, x->r, &x->row, "revert", x->batch, rewrapping_one_line(hashes), err);
}

static bool
revert_key(
    struct rewrapping *r, struct view batch, const struct store_former_key *k, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	struct reverting x = {.r = r, .batch = batch};
	uint8_t is[REWRAP_HASH];
	struct err why;

	if (store_get_request(r->store, k->request_id, &row, err) == STORE_FAILED)
		return false;
	rewrapping_hash(buf_view(&row.raw_archived_key), is);
	x.row = row;
	if (memcmp(is, k->new_hash, sizeof is) == 0 && !store_do(r->store, revert, &x, err))
		return false;
	r->done += x.done;
	if (!x.done) {
		err_set(&why, DIRCA_E_CHANGED, "its archived key was changed since; it is left");
		refuse(r, k->request_id, &why);
	}
	return true;
}

static bool
revert_batch(struct rewrapping *r, struct view batch, struct err *err)
{
	OWNED(store_former_keys_free) struct store_former_keys page = {0};
	int64_t after = 0;

	do {
		store_former_keys_free(&page);
		if (!store_list_former_keys(r->store, batch, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++) {
			after = page.list[i].request_id;
			if (!revert_key(r, batch, &page.list[i], err))
				return false;
		}
	} while (page.count == PAGE);
	return r->done + r->refused > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND, "no key was taken back in such a batch");
}

int
act_archive_revert(const struct config *config, const char *batch_hex)
{
	OWNED(rewrapping_free) struct rewrapping r = {.config = config};
	OWNED(buf_free) struct buf batch = {0};
	struct err err;

	if (!hex_decode(batch_hex, &batch, &err) || !rewrapping_begin(&r, &err) ||
	    !revert_batch(&r, buf_view(&batch), &err))
		return act_failed(&err, 1);
	return tell(&r, "put back");
}
