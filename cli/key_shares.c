#include "key_shares.h"

#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "print.h"
#include "text.h"

#define FILE_MAX  (64 * 1024)
#define FILE_MODE 0600

bool
key_shares_check(const struct cli *cli, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if ((o->share != NULL) != (o->to != NULL))
		return err_set(err, DIRCA_E_USAGE,
		    "--share FILE and --to CERTIFICATE go together: a share is written for who "
		    "combines it with others");
	if (o->share != NULL && (cli->count != 1 || o->combine.count > 0))
		return err_set(err, DIRCA_E_USAGE,
		    "--share writes a share and recovers nothing: it goes with BLOB alone");
	return o->combine.count == 0 || cli->count == 2 ||
	       err_set(err, DIRCA_E_USAGE, "--combine needs an OUTFILE for the recovered key");
}

void
key_shares_free(struct key_shares *s)
{
	for (size_t i = 0; i < s->count; i++)
		recovery_share_free(&s->list[i]);
	free(s->list);
	*s = (struct key_shares){0};
}

/* ---- one is written ---- */

static bool
is_sha1_of(const struct pkix_cert *c, const char *text)
{
	OWNED(buf_free) struct buf sha1 = {0};
	struct err ignored;

	return hex_decode(text, &sha1, &ignored) &&
	       view_eq(buf_view(&sha1), view_of(c->sha1, sizeof c->sha1));
}

/* A file, or the SHA-1 of the certificate of an agent in the BLOB, which was verified. */
static bool
read_combiner(
    const struct recovery_blob *b, const char *path, struct pkix_cert *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *agent = recovery_recipient(b, i);

		if (agent != NULL && is_sha1_of(agent, path))
			return pkix_cert_decode(buf_view(&agent->raw), out, err);
	}
	return given_certificate(path, &der, NULL, err) &&
	       (pkix_cert_decode(buf_view(&der), out, err) || err_prefix(err, "%s", path));
}

static bool
seal_share(const struct recovery_blob *b, const struct recovery_share *share,
    const struct pkix_cert *to, struct buf *out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct cms_kra recipient = {
	    .issuer = to->issuer, .serial = to->serial, .reader = CMS_READER_GCM};

	if (!pkix_public_key(to->spki, &key, err))
		return false;
	recipient.key = key;
	return recovery_share_seal(b, share, (struct view){0}, &recipient, out, err);
}

static void
say(const struct cli *cli, const struct recovery_blob *b, size_t recipient,
    const struct pkix_cert *to)
{
	FILE *words = output_words(cli->opt.share);

	fprintf(
	    words, "Share %u of the key of:\n", (unsigned)b->archived.recipients[recipient].number);
	print_cert(words, "  ", &b->certificate);
	fputs("It can be read by who has the key of:\n", words);
	print_cert(words, "  ", to);
	fprintf(words, "%zu of %zu shares are needed: `dirca recoverkey --combine` takes them.\n",
	    b->archived.threshold, b->archived.count);
}

bool
key_share_write(const struct cli *cli, const struct recovery_blob *b,
    const struct recovery_agent *agent, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(recovery_share_free) struct recovery_share share = {0};
	OWNED(pkix_cert_free) struct pkix_cert to = {0};
	OWNED(buf_free) struct buf sealed = {0};
	struct output file = {.path = o->share, .mode = FILE_MODE};

	if (!output_check(o->share, o->force, err) || !read_combiner(b, o->to, &to, err) ||
	    !recover_share(b, agent, &share, err) || !seal_share(b, &share, &to, &sealed, err))
		return false;
	file.content = buf_view(&sealed);
	if (!outputs_write(&file, 1, o->force, err))
		return false;
	say(cli, b, share.recipient, &to);
	return true;
}

/* ---- several are read ---- */

static bool
has(const struct key_shares *s, size_t recipient)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].recipient == recipient)
			return true;
	return false;
}

/* A share of his own that does not open is one less: others may do. */
static void
add_own(const struct recovery_blob *b, const struct recovery_agent *agent, struct key_shares *out)
{
	for (size_t k = 0; k < agent->key_count; k++) {
		OWNED(recovery_share_free) struct recovery_share share = {0};
		struct recovery_agent one = *agent;
		struct err ignored;

		one.keys = agent->keys + k;
		one.key_count = 1;
		if (!recover_share(b, &one, &share, &ignored) || has(out, share.recipient))
			continue;
		out->list[out->count++] = share;
		share = (struct recovery_share){0};
	}
}

void
key_shares_own(const struct recovery_blob *b, const struct recovery_agent *agent, size_t more,
    struct key_shares *out)
{
	*out =
	    (struct key_shares){.list = mem_zero(agent->key_count + more + 1, sizeof *out->list)};
	add_own(b, agent, out);
	out->own = out->count;
}

bool
key_shares_add(struct key_shares *s, const struct recovery_blob *b, struct recovery_share *share,
    struct err *err)
{
	OWNED(own_memory) char *who = NULL;

	if (!has(s, share->recipient)) {
		s->list[s->count++] = *share;
		*share = (struct recovery_share){0};
		return true;
	}
	who = recovery_recipient_text(b, share->recipient);
	return err_set(err, DIRCA_E_KEY_SHARE, "share %u is there twice, that of %s",
	    (unsigned)b->archived.recipients[share->recipient].number, who);
}

static bool
add_file(const char *path, const struct recovery_blob *b, const struct recovery_agent *agent,
    struct key_shares *out, struct err *err)
{
	OWNED(recovery_share_free) struct recovery_share share = {0};
	OWNED(buf_free) struct buf file = {0}, message = {0};

	if (!file_read(path, FILE_MAX, &file, err) ||
	    !given_der(path, buf_view(&file), GIVEN_SHARE, &message, err))
		return false;
	if (!recovery_share_open(b, agent, (struct view){0}, buf_view(&message), &share, err))
		return given_failed(path, buf_view(&file), GIVEN_SHARE, err);
	return key_shares_add(out, b, &share, err) || err_prefix(err, "%s", path);
}

bool
key_shares_collect(const struct cli *cli, const struct recovery_blob *b,
    const struct recovery_agent *agent, struct key_shares *out, struct err *err)
{
	const struct cli_list *files = &cli->opt.combine;

	key_shares_own(b, agent, files->count, out);
	for (size_t i = 0; i < files->count; i++)
		if (!add_file(files->list[i], b, agent, out, err))
			return false;
	return true;
}
