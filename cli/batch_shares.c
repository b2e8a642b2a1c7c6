#include "batch_shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "interruption.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "given.h"
#include "print.h"
#include "progress.h"
#include "rewrap_share.h"
#include "text.h"

#define FILE_MOST (512 * 1024 * 1024)
#define FILE_MODE 0600
#define SAVED     500 /* shares that a crash may take */

bool
batch_shares_check(const struct cli *cli, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if (o->share == NULL)
		return cli->count == 2 ||
		       err_set(err, DIRCA_E_USAGE, "OUT is missing: what is made of the batch");
	if (cli->count != 1 || o->combine.count > 0)
		return err_set(err, DIRCA_E_USAGE,
		    "--share writes shares and opens nothing else: it goes with IN alone");
	return o->to_agents.count == 1 ||
	       err_set(err, DIRCA_E_USAGE,
		   "--share FILE and --to CERTIFICATE go together: shares are written for the one "
		   "who combines them");
}

/* ---- they are written ---- */

struct sharing {
	const struct cli *cli;
	const struct batch_file *batch;
	struct pkix_cert to; /* who combines */
	EVP_PKEY *key;       /* his, public */
	int64_t *there;      /* requests whose shares the file has, ascending as batches are */
	size_t there_count;
	struct buf out;
	size_t written, kept, failed, unsaved;
	bool replaces;
};

static void
sharing_free(struct sharing *s)
{
	pkix_cert_free(&s->to);
	EVP_PKEY_free(s->key);
	free(s->there);
	buf_free(&s->out);
}

/* Whom root ordered, and whom the agent was told of by other ways: neither alone has the keys of a
 * batch opened to somebody. */
static bool
read_combiner(struct sharing *s, struct err *err)
{
	const struct rewrap_order *o = &s->batch->order;
	const char *path = s->cli->opt.to_agents.list[0];
	OWNED(buf_free) struct buf der = {0};

	if (!o->together)
		return err_set(err, DIRCA_E_KEY_SHARE,
		    "each agent opens the keys of this batch alone: there are no shares");
	if (!given_certificate(path, &der, NULL, err))
		return false;
	if (!pkix_cert_decode(buf_view(&der), &s->to, err))
		return err_prefix(err, "%s", path);
	return (memcmp(s->to.sha256, o->combiner, sizeof o->combiner) == 0 &&
		   pkix_public_key(s->to.spki, &s->key, err)) ||
	       err_set(err, E_INVALIDARG,
		   "root ordered another one to combine the shares of this batch than %s: compare "
		   "thumbprints with whoever gave it to you",
		   path);
}

static bool
is_for(const struct sharing *s, const struct rewrap_share *share)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	struct err ignored;

	return view_eq(
		   share->batch, view_of(s->batch->order.batch, sizeof s->batch->order.batch)) &&
	       cms_sealed_decode(share->share, &e, &ignored) && e.count == 1 &&
	       cms_recipient_is(&e.recipients[0], s->to.issuer, s->to.serial);
}

static void
note_there(struct sharing *s, int64_t request_id)
{
	s->there = mem_grow_long(s->there, s->there_count, sizeof *s->there);
	s->there[s->there_count++] = request_id;
}

/* What an interruption left is gone on with; anything else is not replaced unasked. */
static bool
read_there(struct sharing *s, struct err *err)
{
	const char *path = s->cli->opt.share;
	OWNED(buf_free) struct buf file = {0};
	struct view rest, der;
	struct err why;

	if (s->cli->opt.force || output_is_standard(path) || access(path, F_OK) != 0)
		return output_check(path, s->cli->opt.force, err);
	if (!output_check(path, true, err) || !file_read(path, FILE_MOST, &file, err))
		return false;
	for (rest = buf_view(&file); rest.len > 0;) {
		OWNED(rewrap_share_free) struct rewrap_share share = {0};

		if (!rewrap_entry_next(&rest, &der, &why) ||
		    !rewrap_share_decode(der, &share, &why) || !is_for(s, &share))
			return err_set(err, ERROR_FILE_EXISTS,
			    "%s exists, and is not of this batch and for who combines it; --force "
			    "replaces it",
			    path);
		note_there(s, share.request_id);
	}
	s->out = buf_give(&file);
	s->replaces = true;
	return true;
}

static bool
has(const struct sharing *s, int64_t request_id)
{
	for (size_t i = 0; i < s->there_count; i++)
		if (s->there[i] == request_id)
			return true;
	return false;
}

static bool
save(struct sharing *s, struct err *err)
{
	const struct output file = {
	    .path = s->cli->opt.share, .content = buf_view(&s->out), .mode = FILE_MODE};

	s->unsaved = 0;
	if (!outputs_write(&file, 1, s->replaces || s->cli->opt.force, err))
		return false;
	s->replaces = true;
	return true;
}

static bool
add_share(struct sharing *s, const struct rewrap_entry *e, const struct recovery_blob *b,
    const struct recovery_share *share, struct err *err)
{
	const struct cms_kra to = {.issuer = s->to.issuer,
	    .serial = s->to.serial,
	    .key = s->key,
	    .reader = CMS_READER_GCM};
	OWNED(buf_free) struct buf message = {0}, der = {0};
	struct rewrap_share out = {.batch = e->batch, .request_id = e->request_id};

	if (!recovery_share_seal(b, share, e->batch, &to, &message, err))
		return false;
	out.share = buf_view(&message);
	return rewrap_share_encode(&out, &der, err) && buf_append(&s->out, buf_view(&der), err);
}

/* Of each of his keys that has one. */
static bool
open_shares(const struct rewrap_entry *e, const struct recovery_agent *agent,
    struct recovery_blob *b, struct key_shares *out, struct err *err)
{
	OWNED(recovery_share_free) struct recovery_share none = {0};

	if (!batch_blob(e, b, err))
		return false;
	key_shares_own(b, agent, 0, out);
	/* Why there is none. */
	return out->count > 0 || (!recover_share(b, agent, &none, err) ||
				     err_set(err, DIRCA_E_INTERNAL, "a share that opens"));
}

static bool
share_entry(void *arg, const struct rewrap_entry *e, struct err *err)
{
	struct sharing *s = arg;
	const struct recovery_agent agent = kra_keys_agent(&s->batch->keys);
	OWNED(recovery_free) struct recovery_blob b = {0};
	OWNED(key_shares_free) struct key_shares own = {0};
	struct err why;

	if (has(s, e->request_id)) {
		s->kept++;
		return true;
	}
	if (!open_shares(e, &agent, &b, &own, &why) || own.count == 0) {
		batch_complain(e, &why);
		s->failed++;
		return true;
	}
	for (size_t i = 0; i < own.count; i++)
		if (!add_share(s, e, &b, &own.list[i], err))
			return false;
	s->written++;
	return ++s->unsaved < SAVED || output_is_standard(s->cli->opt.share) || save(s, err);
}

/* Whoever combines them can read the keys: whose they will be is his word and root's. */
static void
say(const struct sharing *s)
{
	const struct rewrap_order *o = &s->batch->order;
	FILE *words = output_words(s->cli->opt.share);

	fputs("It can be read by who has the key of:\n", words);
	print_cert(words, "  ", &s->to);
	if (o->to_count > 0) {
		fputs("who is to seal the keys to the agents with these certificates (SHA-256)",
		    words);
		if (o->threshold > 1)
			fprintf(words, ", %zu of whom open a key together", o->threshold);
		fputs(":\n", words);
	}
	for (size_t i = 0; i < o->to_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(o->to[i], sizeof o->to[i]), '\0');

		fprintf(words, "  %s\n", hash);
	}
	fprintf(words, "%zu keys shared, %zu there already, %zu left out.\n", s->written, s->kept,
	    s->failed);
}

static bool
share_all(struct sharing *s, struct err *err)
{
	if (!batch_file_walk(s->batch, share_entry, s, err))
		return false;
	if (s->written + s->kept == 0)
		return interruption_came() ||
		       err_set(err, CRYPT_E_NOT_FOUND, "no key of the batch has a share of yours");
	return s->unsaved == 0 || save(s, err);
}

bool
batch_shares_write(struct work *w, struct batch_file *b, struct err *err)
{
	OWNED(sharing_free) struct sharing s = {.cli = w->cli, .batch = b};
	bool ok;

	if (!read_combiner(&s, err) || !read_there(&s, err))
		return false;
	interruption_begin();
	ok = share_all(&s, err);
	if (ok)
		say(&s);
	interruption_end();
	w->status = s.failed > 0 ? CLI_FINDINGS : CLI_OK;
	return ok;
}

/* ---- they are read ---- */

struct batch_share {
	int64_t request_id;
	struct view share;
	const char *path;
	bool used;
};

void
batch_shares_free(struct batch_shares *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		buf_free(&s->files[i]);
	free(s->files);
	free(s->list);
	*s = (struct batch_shares){0};
}

static bool
add_read(struct batch_shares *s, const struct rewrap_order *o, struct view der, const char *path,
    struct err *err)
{
	OWNED(rewrap_share_free) struct rewrap_share share = {0};
	const uint8_t *at;

	if (!rewrap_share_decode(der, &share, err))
		return given_failed(
		    path, buf_view(&s->files[s->file_count - 1]), GIVEN_SHARES, err);
	if (!view_eq(share.batch, view_of(o->batch, sizeof o->batch)))
		return err_set(err, DIRCA_E_KEY_SHARE, "%s: it is of another batch or drill", path);
	at = memmem(der.ptr, der.len, share.share.ptr, share.share.len);
	s->list = mem_grow_long(s->list, s->count, sizeof *s->list);
	s->list[s->count++] =
	    (struct batch_share){share.request_id, view_of(at, share.share.len), path, false};
	return true;
}

static bool
read_file(struct batch_shares *s, const struct rewrap_order *o, const char *path, struct err *err)
{
	struct buf *file = &s->files[s->file_count];
	struct view rest, der;

	if (!file_read(path, FILE_MOST, file, err))
		return false;
	s->file_count++;
	for (rest = buf_view(file); rest.len > 0;) {
		if (!rewrap_entry_next(&rest, &der, err))
			return given_failed(path, buf_view(file), GIVEN_SHARES, err);
		if (!add_read(s, o, der, path, err))
			return false;
	}
	return true;
}

static int
by_request(const void *a, const void *b)
{
	const struct batch_share *one = a, *two = b;

	return (one->request_id > two->request_id) - (one->request_id < two->request_id);
}

bool
batch_shares_read(
    const struct cli *cli, const struct rewrap_order *o, struct batch_shares *out, struct err *err)
{
	const struct cli_list *files = &cli->opt.combine;

	*out = (struct batch_shares){.files = mem_zero(files->count + 1, sizeof *out->files)};
	if (o->together != (files->count > 0))
		return err_set(err, DIRCA_E_KEY_SHARE, "%s",
		    o->together ? "several agents open the keys of this batch together: the others "
				  "write their shares (--share), and one puts them together "
				  "(--combine)"
				: "each agent opens the keys of this batch alone: there are no "
				  "shares to be combined");
	for (size_t i = 0; i < files->count; i++)
		if (!read_file(out, o, files->list[i], err))
			return false;
	if (out->count > 0)
		qsort(out->list, out->count, sizeof *out->list, by_request);
	return true;
}

static void
complain(struct batch_shares *s, const struct rewrap_entry *e, const struct batch_share *of,
    const struct err *why)
{
	progress_clear();
	fprintf(stderr, "request %lld: %s: %s (%s)\n", (long long)e->request_id, of->path, why->msg,
	    err_name(why->code));
	s->bad++;
}

static void
take_share(struct batch_shares *s, struct batch_share *of, const struct rewrap_entry *e,
    const struct recovery_blob *b, const struct recovery_agent *agent, struct key_shares *out)
{
	OWNED(recovery_share_free) struct recovery_share share = {0};
	struct err why;

	of->used = true;
	if (!recovery_share_open(b, agent, e->batch, of->share, &share, &why) ||
	    !key_shares_add(out, b, &share, &why))
		complain(s, e, of, &why);
}

/* The first of a request, if there is one. */
static size_t
find(const struct batch_shares *s, int64_t request_id)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].request_id < request_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
batch_shares_of(struct batch_shares *s, const struct rewrap_entry *e, const struct recovery_blob *b,
    const struct recovery_agent *agent, struct key_shares *out)
{
	size_t first = find(s, e->request_id), end = first;

	while (end < s->count && s->list[end].request_id == e->request_id)
		end++;
	key_shares_own(b, agent, end - first, out);
	for (size_t i = first; i < end; i++)
		take_share(s, &s->list[i], e, b, agent, out);
}

void
batch_shares_end(struct batch_shares *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->list[i].used) {
			fprintf(stderr, "%s: a share of request %lld, which is none of the batch\n",
			    s->list[i].path, (long long)s->list[i].request_id);
			s->bad++;
		}
}
