/*
 * Archived keys that an agent seals to others: given out in batches, taken back, and put back as
 * they were. Whom they may be sealed to is root's list; the keys themselves nobody here can open,
 * so that nothing tells whether what comes back is the same key, and the former one stays.
 */
#include "local_acts_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "audit.h"
#include "batches.h"
#include "ca_issuers.h"
#include "clock.h"
#include "enabled_kras.h"
#include "file.h"
#include "kra_coverage.h"
#include "local_audit.h"
#include "mem.h"
#include "own.h"
#include "rewrap_order.h"
#include "service.h"
#include "settings.h"
#include "store_drills.h"
#include "text.h"

#define FILE_MOST  (512 * 1024 * 1024)
#define PAGE       500
#define BATCH_MOST 10000
#define GROUP      16 /* keys of one unit of work */
#define SHA1       20

struct rewrapping {
	const struct config *config;
	struct enabled_kras kras;
	struct store *store;
	char *actor;
	struct rewrap_order order; /* of what comes back */
	int64_t done, there, refused;
	bool shows_progress;
};

static void
rewrapping_free(struct rewrapping *r)
{
	enabled_kras_free(&r->kras);
	store_close(&r->store);
	free(r->actor);
}

/* What is root's is read before, and files are opened. */
static bool
begin(struct rewrapping *r, struct err *err)
{
	OWNED(own_memory) char *path = config_path(r->config, "dirca.db");

	r->actor = local_actor(getuid());
	return service_become(r->config->user, err) && store_open(path, &r->store, err) &&
	       enabled_kras_living(&r->kras, r->store, err);
}

static void
show_progress(const struct rewrapping *r)
{
	if (r->shows_progress)
		fprintf(stderr, "\r%" PRId64 " keys ", r->done + r->there + r->refused);
}

static void
end_progress(const struct rewrapping *r)
{
	if (r->shows_progress)
		fputs("\r\033[K", stderr);
}

static void
hash_of(struct view octets, uint8_t out[REWRAP_HASH])
{
	SHA256(octets.ptr, octets.len, out);
}

/* ---- out ---- */

struct batch {
	struct rewrapping r;
	uint8_t id[REWRAP_BATCH_ID];
	const struct pkix_cert *kras[KRA_COUNT_MAX];
	size_t kra_count;
	bool gcm;
	int64_t most;
	struct buf with;  /* SHA-1 of those who give their shares to `from`; none: he opens alone */
	int64_t left_out; /* keys that open otherwise */
	struct buf hashes; /* SHA-256 of each */
	struct store_ids given;
	struct buf content;
};

static void
batch_free(struct batch *b)
{
	rewrapping_free(&b->r);
	buf_free(&b->with);
	buf_free(&b->hashes);
	store_ids_free(&b->given);
	buf_free(&b->content);
}

static const struct pkix_cert *
find_enabled(const struct enabled_kras *k, struct view sha1, enum cms_reader *reader_out)
{
	for (size_t i = 0; i < k->count; i++)
		if (view_eq(view_of(k->list[i].sha1, sizeof k->list[i].sha1), sha1)) {
			*reader_out = k->readers[i];
			return &k->list[i];
		}
	return NULL;
}

/* So many agents as each key is sealed to, all of them different. */
static bool
check_agents(
    const struct rewrapping *r, const struct pkix_cert *const *kras, size_t count, struct err *err)
{
	OWNED(own_memory) const struct pkix_cert **agents = mem_zero(count, sizeof(*agents));
	size_t needed = r->kras.needed;

	if (needed < (size_t)r->config->kra_minimum)
		needed = (size_t)r->config->kra_minimum;
	if (count > 0)
		memcpy(agents, kras, count * sizeof(*agents));
	if (count > 0 && count >= needed &&
	    kra_agents(agents, count, !r->config->allow_same_holder) == count)
		return true;
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "each key is sealed to at least %zu different key recovery agents, and these are %zu",
	    needed, kra_agents(agents, count, !r->config->allow_same_holder));
}

static bool
choose_agents(struct batch *b, char *const *to, int count, struct err *err)
{
	b->gcm = true;
	for (int i = 0; i < count; i++) {
		OWNED(buf_free) struct buf sha1 = {0};
		enum cms_reader reader = CMS_READER_PKCS1;

		if (b->kra_count == KRA_COUNT_MAX || !hex_decode(to[i], &sha1, err))
			return false;
		if ((b->kras[b->kra_count] = find_enabled(&b->r.kras, buf_view(&sha1), &reader)) ==
		    NULL)
			return err_set(err, CERTSRV_E_NO_VALID_KRA,
			    "%s is none of the enabled and valid key recovery agents", to[i]);
		b->gcm = b->gcm && reader == CMS_READER_GCM;
		if (!buf_append(
			&b->hashes, view_of(b->kras[b->kra_count]->sha256, REWRAP_HASH), err))
			return false;
		b->kra_count++;
	}
	return check_agents(&b->r, b->kras, b->kra_count, err);
}

/* Are they the agents to come already? */
static bool
is_there(const struct batch *b, const struct coverage *c, const struct coverage_set *s)
{
	size_t same = 0;

	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < b->kra_count; k++)
			same += memcmp(c->agents[s->agents[i]].sha1, b->kras[k]->sha1,
				    sizeof b->kras[k]->sha1) == 0;
	return same == b->kra_count && same == s->count && s->threshold == b->r.kras.threshold;
}

static bool
has_agent(const struct coverage *c, const struct coverage_set *s, struct view sha1)
{
	for (size_t i = 0; i < s->count; i++)
		if (view_eq(view_of(c->agents[s->agents[i]].sha1, SHA1), sha1))
			return true;
	return false;
}

/* By him alone; or by him and those who give him their shares. */
static bool
opens(const struct batch *b, const struct coverage *c, const struct coverage_set *s)
{
	size_t there = 1;

	for (size_t i = 0; i < b->with.len; i += SHA1)
		there += has_agent(c, s, view_of(b->with.ptr + i, SHA1));
	return b->with.len == 0 ? s->threshold <= 1 : s->threshold > 1 && there >= s->threshold;
}

static bool
add_key(struct batch *b, int64_t request_id, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(buf_free) struct buf entry = {0};
	uint8_t former[REWRAP_HASH];

	if (store_get_request(b->r.store, request_id, &row, err) == STORE_FAILED)
		return false;
	if ((row.disposition != DISP_ISSUED && row.disposition != DISP_REVOKED &&
		row.disposition != DISP_FOREIGN) ||
	    row.raw_archived_key.len == 0 || row.raw_certificate.len == 0)
		return true;
	hash_of(buf_view(&row.raw_archived_key), former);
	const struct rewrap_entry e = {.batch = view_of(b->id, sizeof b->id),
	    .request_id = request_id,
	    .former = view_of(former, sizeof former),
	    .gcm = b->gcm,
	    .to = buf_view(&b->hashes),
	    .certificate = buf_view(&row.raw_certificate),
	    .key = buf_view(&row.raw_archived_key)};

	b->r.done++;
	b->given.list = mem_grow_long(b->given.list, b->given.count, sizeof *b->given.list);
	b->given.list[b->given.count++] = request_id;
	show_progress(&b->r);
	return rewrap_entry_encode(&e, &entry, err) &&
	       buf_append(&b->content, buf_view(&entry), err);
}

static bool
add_sealed_to(struct batch *b, const char *hashes, struct err *err)
{
	OWNED(store_ids_free) struct store_ids page = {0};
	int64_t after = 0;

	do {
		store_ids_free(&page);
		if (!store_sealed_to(b->r.store, hashes, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count && b->r.done < b->most; i++)
			if (!add_key(b, after = page.list[i], err))
				return false;
	} while (page.count == PAGE && b->r.done < b->most);
	return true;
}

static bool
add_keys(struct batch *b, struct view from, struct err *err)
{
	OWNED(coverage_free) struct coverage c = {0};
	bool ok = true;

	if (!kra_coverage(b->r.store, NULL, 0, &c, err))
		return false;
	for (size_t i = 0; ok && i < c.set_count; i++) {
		if (!has_agent(&c, &c.sets[i], from) || is_there(b, &c, &c.sets[i]))
			continue;
		if (!opens(b, &c, &c.sets[i])) {
			b->left_out += c.sets[i].keys;
			continue;
		}
		for (size_t k = 0; ok && k < c.sets[i].hashes.count; k++)
			ok = add_sealed_to(b, c.sets[i].hashes.list[k], err);
	}
	return ok;
}

/* As rows have them. */
static char *
hashes_of(const struct pkix_cert *const *kras, size_t count, size_t threshold)
{
	char *text = mem_text("");

	for (size_t i = 0; i < count; i++) {
		OWNED(own_memory)
		char *sha1 = hex_encode(view_of(kras[i]->sha1, sizeof kras[i]->sha1), ' ');

		text_list_add(&text, "\n", sha1);
	}
	return kra_hashes_close(text, threshold);
}

/* As records have them: "0123..fe,4567..ba,threshold=2". */
static char *
one_line(char *hashes)
{
	char *to = hashes;

	for (const char *p = hashes; *p != '\0'; p++)
		if (*p == '\n')
			*to++ = ',';
		else if (*p != ' ')
			*to++ = *p;
	*to = '\0';
	return hashes;
}

static char *
with_line(const struct batch *b)
{
	char *text = mem_text("");

	for (size_t i = 0; i < b->with.len; i += SHA1) {
		OWNED(own_memory) char *sha1 = hex_encode(view_of(b->with.ptr + i, SHA1), '\0');

		text_list_add(&text, ",", sha1);
	}
	return text;
}

struct giving {
	struct store_batch row;
	struct ca_audit audit;
};

static bool
write_batch(struct store_tx *tx, void *arg, struct err *err)
{
	const struct giving *g = arg;

	return store_add_batch(tx, &g->row, err) && ca_audit(tx, &g->audit, err);
}

/* Before anything of it leaves. */
static bool
record_batch(const struct batch *b, struct view from, struct err *err)
{
	OWNED(own_memory) char *from_hex = hex_encode(from, '\0');
	OWNED(own_memory) char *id = hex_encode(view_of(b->id, sizeof b->id), '\0');
	OWNED(own_memory)
	char *to = one_line(hashes_of(b->kras, b->kra_count, b->r.kras.threshold));
	OWNED(own_memory) char *with = with_line(b);
	OWNED(own_memory)
	char *detail = text_printf("verb=archive export keys=%" PRId64 " from=%s%s%s to=%s",
	    b->r.done, from_hex, *with != '\0' ? " with=" : "", with, to);
	struct giving g = {.row = {.given_when = clock_now(),
			       .keys = b->r.done,
			       .requests = b->given.list,
			       .given_by = b->r.actor,
			       .with = *with != '\0' ? with : NULL,
			       .to = to}};

	if (from.len != sizeof g.row.from)
		return err_set(err, E_INVALIDARG, "a SHA-1 has 20 octets");
	memcpy(g.row.id, b->id, sizeof g.row.id);
	memcpy(g.row.from, from.ptr, sizeof g.row.from);
	g.audit = (struct ca_audit){.when = g.row.given_when,
	    .event = AUDIT_FILES_CHANGED,
	    .actor = b->r.actor,
	    .object = id,
	    .detail = detail};
	return store_do(b->r.store, write_batch, &g, err);
}

/* FROM, how many WITH, these, and the agents to come: as SHA-1 in hexadecimal digits. */
struct export_args {
	const char *from;
	char *const *with, *const *to;
	int with_count, to_count;
};

static bool
read_with(struct batch *b, const struct export_args *in, struct err *err)
{
	for (int i = 0; i < in->with_count; i++) {
		OWNED(buf_free) struct buf sha1 = {0};

		if (!hex_decode(in->with[i], &sha1, err))
			return false;
		if (sha1.len != SHA1 || strcmp(in->with[i], in->from) == 0)
			return err_set(err, E_INVALIDARG,
			    "who gives his share is another agent than who gets it, and a SHA-1 "
			    "has 20 octets");
		for (size_t k = 0; k < b->with.len; k += SHA1)
			if (view_eq(view_of(b->with.ptr + k, SHA1), buf_view(&sha1)))
				return err_set(err, E_INVALIDARG, "an agent is named twice");
		if (!buf_append(&b->with, buf_view(&sha1), err))
			return false;
	}
	return true;
}

static bool export(struct batch *b, int file, const struct export_args *in, struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0};

	if (RAND_bytes(b->id, sizeof b->id) != 1)
		return err_set(err, DIRCA_E_CRYPTO, "no random numbers");
	if (!hex_decode(in->from, &sha1, err) || !read_with(b, in, err) || !begin(&b->r, err) ||
	    !choose_agents(b, in->to, in->to_count, err) || !add_keys(b, buf_view(&sha1), err))
		return false;
	if (b->r.done == 0)
		return true;
	return record_batch(b, buf_view(&sha1), err) &&
	       ((file_write_all(file, buf_view(&b->content)) && fsync(file) == 0) ||
		   err_errno(err, DIRCA_E_IO, "the batch cannot be written"));
}

static bool
take_args(char *const *args, int count, struct batch *b, struct export_args *out)
{
	int64_t with;

	if (count < 5 || !text_to_int(args[1], 0, BATCH_MOST, &b->most) ||
	    !text_to_int(args[3], 0, count - 5, &with))
		return false;
	b->most = b->most > 0 ? b->most : BATCH_MOST;
	*out = (struct export_args){.from = args[2],
	    .with = args + 4,
	    .with_count = (int)with,
	    .to = args + 4 + with,
	    .to_count = count - 4 - (int)with};
	return true;
}

static void
tell_left_out(const struct batch *b)
{
	if (b->left_out == 0)
		return;
	printf("Left out: %" PRId64 " keys that ", b->left_out);
	puts(b->with.len == 0 ? "several agents open together."
			      : "he opens alone, or that these do not open together.");
}

int
act_archive_export(const struct config *config, char *const *args, int count)
{
	OWNED(batch_free)
	struct batch b = {.r = {.config = config, .shows_progress = isatty(STDERR_FILENO) == 1}};
	OWNED(own_memory) char *id = NULL;
	OWNED(own_fd) int file = -1;
	struct export_args in;
	struct err err;

	if (!take_args(args, count, &b, &in))
		return 2;
	file = open(args[0], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0) {
		err_errno(&err, DIRCA_E_IO, "%s", args[0]);
		return act_failed(&err, 1);
	}
	if (!enabled_kras_read(config, &b.r.kras, &err) || !export(&b, file, &in, &err)) {
		end_progress(&b.r);
		return act_failed(&err, 1);
	}
	end_progress(&b.r);
	tell_left_out(&b);
	if (b.r.done == 0) {
		puts(
		    b.with.len == 0
			? "No key is sealed to it alone that would have to be sealed to the others."
			: "No key is sealed to them together that would have to be sealed to "
			  "the others.");
		return ACT_FINDINGS;
	}
	id = hex_encode(view_of(b.id, sizeof b.id), '\0');
	printf("Batch %s: %" PRId64 " keys.\n", id, b.r.done);
	return 0;
}

/* ---- back ---- */

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
	return check_agents(r, x->kras, x->kra_count, err) && check_cipher(r, x, &now, err);
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
	hash_of(buf_view(&x->row.raw_archived_key), is);
	hash_of(x->entry.key, x->new_hash);
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
	char *hashes = hashes_of(x->kras, x->kra_count, r->order.threshold);
	OWNED(own_memory) char *to = one_line(mem_text(hashes));
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
	show_progress(g->r);
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
	end_progress(r);
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
	return one_line(hashes_of(kras, count, o->threshold));
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
	    !enabled_kras_read(config, &r.kras, &err) || !begin(&r, &err) ||
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
	return audit_key(tx, x->r, &x->row, "revert", x->batch, one_line(hashes), err);
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
	hash_of(buf_view(&row.raw_archived_key), is);
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

	if (!hex_decode(batch_hex, &batch, &err) || !begin(&r, &err) ||
	    !revert_batch(&r, buf_view(&batch), &err))
		return act_failed(&err, 1);
	return tell(&r, "put back");
}
