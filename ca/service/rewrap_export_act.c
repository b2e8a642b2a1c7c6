/*
 * Archived keys that an agent seals to others, given out in batches. Whom they may be sealed to is
 * root's list.
 */
#include "local_acts_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/rand.h>

#include "audit.h"
#include "batches.h"
#include "clock.h"
#include "file.h"
#include "kra_coverage.h"
#include "mem.h"
#include "own.h"
#include "rewrapping.h"
#include "settings.h"
#include "text.h"

#define PAGE       500
#define BATCH_MOST 10000

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
	return rewrapping_check_agents(&b->r, b->kras, b->kra_count, err);
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
		if (view_eq(view_of(c->agents[s->agents[i]].sha1, REWRAP_SHA1), sha1))
			return true;
	return false;
}

/* By him alone; or by him and those who give him their shares. */
static bool
opens(const struct batch *b, const struct coverage *c, const struct coverage_set *s)
{
	size_t there = 1;

	for (size_t i = 0; i < b->with.len; i += REWRAP_SHA1)
		there += has_agent(c, s, view_of(b->with.ptr + i, REWRAP_SHA1));
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
	rewrapping_hash(buf_view(&row.raw_archived_key), former);
	const struct rewrap_entry e = {.batch = view_of(b->id, sizeof b->id),
	    .request_id = request_id,
	    .former = view_of(former, sizeof former),
	    .gcm = b->gcm,
	    .to = buf_view(&b->hashes),
	    .certificate = buf_view(&row.raw_certificate),
	    .key = buf_view(&row.raw_archived_key)};

	b->r.done++;
	store_ids_add(&b->given, request_id);
	rewrapping_show(&b->r);
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

static char *
with_line(const struct batch *b)
{
	char *text = mem_text("");

	for (size_t i = 0; i < b->with.len; i += REWRAP_SHA1) {
		OWNED(own_memory)
		char *sha1 = hex_encode(view_of(b->with.ptr + i, REWRAP_SHA1), '\0');

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
	char *to =
	    rewrapping_one_line(rewrapping_hashes(b->kras, b->kra_count, b->r.kras.threshold));
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
		if (sha1.len != REWRAP_SHA1 || strcmp(in->with[i], in->from) == 0)
			return err_set(err, E_INVALIDARG,
			    "who gives his share is another agent than who gets it, and a SHA-1 "
			    "has 20 octets");
		for (size_t k = 0; k < b->with.len; k += REWRAP_SHA1)
			if (view_eq(view_of(b->with.ptr + k, REWRAP_SHA1), buf_view(&sha1)))
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
	if (!hex_decode(in->from, &sha1, err) || !read_with(b, in, err) ||
	    !rewrapping_begin(&b->r, err) || !choose_agents(b, in->to, in->to_count, err) ||
	    !add_keys(b, buf_view(&sha1), err))
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
		rewrapping_end(&b.r);
		return act_failed(&err, 1);
	}
	rewrapping_end(&b.r);
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
