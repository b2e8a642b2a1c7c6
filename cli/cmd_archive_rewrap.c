/* dirca archive rewrap: on the machine of a key recovery agent, which needs no CA and no network:
 * each archived key of a batch is opened with his key and sealed to the agents whom root ordered,
 * and whom he names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"
#include "file.h"
#include "kra_keys.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "pem.h"
#include "print.h"
#include "progress.h"
#include "recovery.h"
#include "rewrap_order.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

#define FILE_MOST (512 * 1024 * 1024)
/* Root may have changed its mind about an agent since. */
#define ORDER_DAYS 30
#define DAY        INT64_C(86400)

struct rewrap {
	struct kra_keys keys;
	struct rewrap_order order;
	struct pkix_certs to;
	struct cms_kra kras[CLI_LIST_MAX];
	size_t count;
	struct buf out;
	size_t sealed, failed;
};

static void
rewrap_close(struct rewrap *r)
{
	kra_keys_close(&r->keys);
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
		OWNED(pem_certs_free) struct pem_certs file = {0};

		if (!pem_certs_read(files->list[i], &file, err))
			return false;
		if (file.count != 1)
			return err_set(
			    err, E_INVALIDARG, "%s: one certificate is expected", files->list[i]);
		if (!add_agent(r, buf_view(&file.list[0]), err))
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

/* ---- what is ordered ---- */

static bool
verify_order(struct rewrap *r, const struct cli *cli, struct view message, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs trusted = {0};
	OWNED(own_memory) const struct pkix_cert **cas = NULL;
	size_t count = 0;

	if (!trusted_cas_all(cli, &r->keys.certificates, &trusted, err))
		return false;
	cas = mem_zero(trusted.count, sizeof(*cas));
	/* His own certificate lies beside his key, too. */
	for (size_t i = 0; i < trusted.count; i++)
		if (pkix_cert_is_ca(&trusted.list[i]))
			cas[count++] = &trusted.list[i];
	return rewrap_order_verify(message, cas, count, &r->order, err) ||
	       err_prefix(err,
		   "nothing shows that the batch is of a CA that you trust; its certificate is "
		   "given with --ca");
}

/* The clock of a machine without a network may be off by some hours. */
static bool
check_time(const struct rewrap_order *o, struct err *err)
{
	int64_t now = clock_now();
	char when[21];

	clock_format(o->when, when);
	return (o->when < now + DAY && o->when > now - ORDER_DAYS * DAY) ||
	       err_set(err, CERT_E_EXPIRED,
		   "the batch was signed on %s, which is more than %d days ago or to come by this "
		   "machine's clock: have it given out anew",
		   when, ORDER_DAYS);
}

/* Whom root ordered must be whom the agent was told of by other ways. */
static bool
check_named(const struct rewrap *r, struct err *err)
{
	const struct rewrap_order *o = &r->order;
	size_t same = 0;

	for (size_t i = 0; i < r->to.count; i++)
		for (size_t k = 0; k < o->to_count; k++)
			same += memcmp(o->to[k], r->to.list[i].sha256, REWRAP_HASH) == 0;
	return (same == r->to.count && same == o->to_count) ||
	       err_set(err, E_INVALIDARG,
		   "the batch is for other agents than those of --to: compare their thumbprints "
		   "with whoever gave it to you");
}

static bool
read_order(struct rewrap *r, const struct cli *cli, struct view file, struct view *entries_out,
    struct err *err)
{
	struct view message;

	return rewrap_file_split(file, &message, entries_out, err) &&
	       verify_order(r, cli, message, err) &&
	       rewrap_order_covers(&r->order, *entries_out, err) && check_time(&r->order, err) &&
	       check_named(r, err) && buf_append(&r->out, message, err);
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
seal(struct rewrap *r, const struct rewrap_entry *e, struct buf *out, struct err *err)
{
	const struct recovery_agent agent = kra_keys_agent(&r->keys);
	OWNED(recovery_free) struct recovery_blob b = {0};
	enum cms_cipher cipher;

	for (size_t i = 0; i < r->count; i++)
		r->kras[i].reader = e->gcm ? CMS_READER_GCM : CMS_READER_OAEP;
	return cms_sealed_decode(e->key, &b.archived, err) &&
	       pkix_cert_decode(e->certificate, &b.certificate, err) &&
	       choose_cipher(e, &b, &cipher, err) &&
	       recover_reseal(&b, &agent, r->kras, r->count, cipher, out, err);
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
rewrap_entry(struct rewrap *r, struct view der, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};
	OWNED(buf_free) struct buf key = {0};
	struct err why;

	if (!rewrap_entry_decode(der, &e, err))
		return false;
	if (!rewrap_order_has(&r->order, &e))
		return err_set(err, ERROR_INVALID_DATA, "a key of the batch is for other agents");
	if (!seal(r, &e, &key, &why)) {
		fprintf(stderr, "request %lld: %s (%s)\n", (long long)e.request_id, why.msg,
		    err_name(why.code));
		r->failed++;
		return true;
	}
	r->sealed++;
	return put_back(r, &e, buf_view(&key), err);
}

static bool
rewrap_batch(struct rewrap *r, struct view batch, struct err *err)
{
	struct view der;

	while (batch.len > 0)
		if (!rewrap_entry_next(&batch, &der, err) || !rewrap_entry(r, der, err))
			return false;
		else
			progress_say(
			    "%zu of %lld keys", r->sealed + r->failed, (long long)r->order.keys);
	progress_clear();
	return r->sealed > 0 || err_set(err, CRYPT_E_NOT_FOUND, "no key of the batch was opened");
}

bool
cmd_archive_rewrap(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(rewrap_close) struct rewrap r = {0};
	OWNED(buf_free) struct buf file = {0};
	FILE *words = output_words(cli->args[1]);
	struct view entries;

	if (!output_check(cli->args[1], cli->opt.force, err) ||
	    !file_read(cli->args[0], FILE_MOST, &file, err) ||
	    !read_agents(&r, &cli->opt.to_agents, err) || !parse_agents(&r, err) ||
	    !kra_keys_open(&cli->opt, &r.keys, err) ||
	    !read_order(&r, cli, buf_view(&file), &entries, err) || !rewrap_batch(&r, entries, err))
		return false;
	const struct output out = {.path = cli->args[1], .content = buf_view(&r.out), .mode = 0600};

	if (!outputs_write(&out, 1, cli->opt.force, err))
		return false;
	fputs("Sealed to:\n", words);
	for (size_t i = 0; i < r.to.count; i++)
		print_cert(words, "  ", &r.to.list[i]);
	fprintf(words, "%zu keys sealed, %zu left out.\n", r.sealed, r.failed);
	w->status = r.failed > 0 ? CLI_FINDINGS : CLI_OK;
	return true;
}
