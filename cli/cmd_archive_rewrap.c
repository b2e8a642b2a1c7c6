/* dirca archive rewrap: on the machine of a key recovery agent, which needs no CA and no network:
 * each archived key of a batch is opened with his key, or with the shares that others wrote to him,
 * and sealed to the agents whom root ordered, and whom he names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "batch_shares.h"
#include "clock.h"
#include "given.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "print.h"
#include "verbs.h"
#include "work.h"

struct rewrap {
	struct batch_file batch;
	struct batch_shares shares; /* of others, where several open the keys together */
	struct pkix_certs to;
	struct cms_kra kras[CLI_LIST_MAX];
	size_t count;
	struct buf out;
	size_t sealed, failed;
};

static void
rewrap_close(struct rewrap *r)
{
	batch_shares_free(&r->shares);
	batch_file_close(&r->batch);
	for (size_t i = 0; i < r->count; i++)
		EVP_PKEY_free(r->kras[i].key);
	pkix_certs_free(&r->to);
	buf_free(&r->out);
}

/* A recipient by root's word and by his own: neither alone has a key sealed to somebody. */
static bool
add_agent(struct rewrap *r, struct view der, struct err *err)
{
	const struct pkix_cert *c;

	if (!pkix_certs_add(&r->to, der, err))
		return false;
	c = &r->to.list[r->to.count - 1];
	return kra_check_usage(c, err) &&
	       (c->not_after >= clock_now() ||
		   err_set(err, CERTSRV_E_NO_VALID_KRA, "the certificate of an agent has ended"));
}

static bool
read_agents(struct rewrap *r, const struct cli_list *files, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		OWNED(buf_free) struct buf der = {0};

		if (!given_certificate(files->list[i], &der, NULL, err))
			return false;
		if (!add_agent(r, buf_view(&der), err))
			return err_prefix(err, "%s", files->list[i]);
	}
	return r->to.count > 0 ||
	       err_set(err, DIRCA_E_USAGE, "--to names the certificate of each agent to come");
}

/* After the list has its place: the recipients point into it. */
static bool
parse_agents(struct rewrap *r, struct err *err)
{
	for (; r->count < r->to.count; r->count++) {
		const struct pkix_cert *c = &r->to.list[r->count];

		r->kras[r->count] = (struct cms_kra){
		    .issuer = c->issuer, .serial = c->serial, .reader = CMS_READER_OAEP};
		if (!pkix_public_key(c->spki, &r->kras[r->count].key, err))
			return false;
	}
	return true;
}

/* Whom root ordered must be whom the agent was told of by other ways. */
static bool
check_named(const struct rewrap *r, struct err *err)
{
	const struct rewrap_order *o = &r->batch.order;
	size_t same = 0;

	for (size_t i = 0; i < r->to.count; i++)
		for (size_t k = 0; k < o->to_count; k++)
			same += memcmp(o->to[k], r->to.list[i].sha256, REWRAP_HASH) == 0;
	return (same == r->to.count && same == o->to_count) ||
	       err_set(err, E_INVALIDARG,
		   "the batch is for other agents than those of --to: compare their thumbprints "
		   "with whoever gave it to you");
}

/* ---- and done ---- */

/* AuthEnvelopedData does not become EnvelopedData, whose first blocks others could change (RFC
 * 9709 says what comes of it). */
static bool
choose_cipher(const struct rewrap_entry *e, const struct recovery_blob *b, enum cms_cipher *out,
    struct err *err)
{
	*out = e->gcm ? CMS_AES_256_GCM : CMS_AES_256_CBC;
	return e->gcm || !cms_is_gcm(b->archived.cipher) ||
	       err_set(err, NTE_BAD_ALGID,
		   "it is sealed with %s, which the agents to come do not read",
		   b->archived.cipher_name);
}

static bool
reseal(struct rewrap *r, const struct rewrap_entry *e, const struct recovery_blob *b,
    const struct recovery_sealing *to, struct buf *out, struct err *err)
{
	const struct recovery_agent agent = kra_keys_agent(&r->batch.keys);
	OWNED(key_shares_free) struct key_shares shares = {0};

	if (!r->batch.order.together)
		return recover_reseal(b, &agent, to, out, err);
	batch_shares_of(&r->shares, e, b, &agent, &shares);
	return recover_reseal_shared(b, &agent, shares.list, shares.count, to, out, err);
}

static bool
seal(struct rewrap *r, const struct rewrap_entry *e, struct buf *out, struct err *err)
{
	OWNED(recovery_free) struct recovery_blob b = {0};
	struct recovery_sealing to = {
	    .to = r->kras, .count = r->count, .threshold = r->batch.order.threshold};

	for (size_t i = 0; i < r->count; i++)
		r->kras[i].reader = e->gcm ? CMS_READER_GCM : CMS_READER_OAEP;
	return batch_blob(e, &b, err) && choose_cipher(e, &b, &to.cipher, err) &&
	       reseal(r, e, &b, &to, out, err);
}

static bool
put_back(struct rewrap *r, const struct rewrap_entry *e, struct view key, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	struct rewrap_entry back = *e;

	back.content = (struct buf){0};
	back.key = key;
	return rewrap_entry_encode(&back, &der, err) && buf_append(&r->out, buf_view(&der), err);
}

/* One that does not open keeps no other back. */
static bool
rewrap_entry(void *arg, const struct rewrap_entry *e, struct err *err)
{
	struct rewrap *r = arg;
	OWNED(buf_free) struct buf key = {0};
	struct err why;

	if (!seal(r, e, &key, &why)) {
		batch_complain(e, &why);
		r->failed++;
		return true;
	}
	r->sealed++;
	return put_back(r, e, buf_view(&key), err);
}

static bool
rewrap_batch(struct rewrap *r, struct err *err)
{
	if (!buf_append(&r->out, r->batch.message, err) ||
	    !batch_file_walk(&r->batch, rewrap_entry, r, err))
		return false;
	batch_shares_end(&r->shares);
	return r->sealed > 0 || err_set(err, CRYPT_E_NOT_FOUND, "no key of the batch was opened");
}

static void
say(const struct rewrap *r, FILE *words)
{
	fputs("Sealed to:\n", words);
	for (size_t i = 0; i < r->to.count; i++)
		print_cert(words, "  ", &r->to.list[i]);
	if (r->batch.order.threshold > 1)
		fprintf(words, "%zu of these %zu open a key together.\n", r->batch.order.threshold,
		    r->to.count);
	fprintf(words, "%zu keys sealed, %zu left out.\n", r->sealed, r->failed);
}

static bool
open_batch(struct rewrap *r, const struct cli *cli, struct err *err)
{
	if (!batch_file_open(cli, &r->batch, err))
		return false;
	return r->batch.order.to_count > 0 ||
	       err_set(err, E_INVALIDARG,
		   "the file is a drill, in which nothing is sealed: `dirca archive drill run`");
}

static bool
seal_batch(struct work *w, struct rewrap *r, struct err *err)
{
	const struct cli *cli = w->cli;

	if (!output_check(cli->args[1], cli->opt.force, err) ||
	    !read_agents(r, &cli->opt.to_agents, err) || !parse_agents(r, err) ||
	    !open_batch(r, cli, err) || !check_named(r, err) ||
	    !batch_shares_read(cli, &r->batch.order, &r->shares, err) || !rewrap_batch(r, err))
		return false;
	const struct output out = {
	    .path = cli->args[1], .content = buf_view(&r->out), .mode = 0600};

	if (!outputs_write(&out, 1, cli->opt.force, err))
		return false;
	say(r, output_words(cli->args[1]));
	w->status = r->failed + r->shares.bad > 0 ? CLI_FINDINGS : CLI_OK;
	return true;
}

bool
cmd_archive_rewrap(struct work *w, struct err *err)
{
	OWNED(rewrap_close) struct rewrap r = {0};

	if (!batch_shares_check(w->cli, err))
		return false;
	if (w->cli->opt.share == NULL)
		return seal_batch(w, &r, err);
	return open_batch(&r, w->cli, err) && batch_shares_write(w, &r.batch, err);
}
