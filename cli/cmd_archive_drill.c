/* dirca archive drill run: on the machine of a key recovery agent, which needs no CA and no
 * network: each archived key of a drill is opened with his key, or with the shares that others
 * wrote to him, and signs that it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "archive.h"
#include "batch_shares.h"
#include "clock.h"
#include "drill.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "print.h"
#include "verbs.h"
#include "work.h"

#define FILE_MOST (512 * 1024 * 1024)

struct drill {
	struct batch_file batch;    /* his keys; signed by root where several open its keys */
	struct batch_shares shares; /* of others */
	EVP_PKEY *agent; /* of the keys the one that opened the first; nothing else opens further */
	const struct pkix_cert *certificate; /* of that */
	uint8_t id[DRILL_ID];
	struct drill_subject subject;
	struct drill_report report; /* what is not written yet */
	uint8_t sealed[DRILL_PROOFS_MAX][DRILL_HASH];
	struct buf signatures[DRILL_PROOFS_MAX];
	struct buf out;
	size_t entries, proved, failed;
};

static void
drill_close(struct drill *d)
{
	batch_shares_free(&d->shares);
	batch_file_close(&d->batch);
	for (size_t i = 0; i < d->report.count; i++)
		buf_free(&d->signatures[i]);
	buf_free(&d->out);
}

/* All that is in a report is signed by one agent, so that one key opens all. */
static bool
be_agent(struct drill *d, EVP_PKEY *key, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	if (d->agent != NULL)
		return true;
	if (!pkix_key_spki(key, &spki, err) || !archive_key_id(key, d->subject.agent, err))
		return false;
	for (size_t i = 0; i < d->batch.keys.certificates.count && d->certificate == NULL; i++)
		if (view_eq(d->batch.keys.certificates.list[i].spki, buf_view(&spki)))
			d->certificate = &d->batch.keys.certificates.list[i];
	if (d->certificate == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the agent's certificate, which names him in the report, is in none of his "
		    "files: --kra-certificate names it");
	d->agent = key;
	return true;
}

static struct recovery_agent
with_one(const struct drill *d, EVP_PKEY *const *key)
{
	struct recovery_agent agent = kra_keys_agent(&d->batch.keys);

	agent.keys = key;
	agent.key_count = 1;
	return agent;
}

/* Of his keys, the one that signs the report, if one does already. */
static bool
may_sign(const struct drill *d, const EVP_PKEY *key)
{
	return d->agent == NULL || d->agent == key;
}

/* With the first of his keys that does. */
static bool
open_alone(struct drill *d, const struct recovery_blob *b, EVP_PKEY **key_out, EVP_PKEY **agent_out,
    struct err *err)
{
	size_t ignored;

	for (size_t i = 0; i < d->batch.keys.count; i++) {
		EVP_PKEY *key = *agent_out = d->batch.keys.list[i];
		const struct recovery_agent agent = with_one(d, &key);

		if (may_sign(d, key) && recover_unwrap(b, &agent, &ignored, key_out, err))
			return true;
	}
	return false;
}

/* The one of his keys that has a share. */
static bool
find_sharer(struct drill *d, const struct recovery_blob *b, EVP_PKEY **agent_out, struct err *err)
{
	for (size_t i = 0; i < d->batch.keys.count; i++) {
		OWNED(recovery_share_free) struct recovery_share share = {0};
		EVP_PKEY *key = *agent_out = d->batch.keys.list[i];
		const struct recovery_agent agent = with_one(d, &key);

		if (may_sign(d, key) && recover_share(b, &agent, &share, err))
			return true;
	}
	return false;
}

static bool
open_together(struct drill *d, const struct rewrap_entry *e, const struct recovery_blob *b,
    EVP_PKEY **key_out, EVP_PKEY **agent_out, struct err *err)
{
	const struct recovery_agent agent = kra_keys_agent(&d->batch.keys);
	OWNED(key_shares_free) struct key_shares shares = {0};

	if (!find_sharer(d, b, agent_out, err))
		return false;
	batch_shares_of(&d->shares, e, b, &agent, &shares);
	return recover_combine(b, &agent, shares.list, shares.count, key_out, err);
}

static bool
end_message(struct drill *d, struct err *err)
{
	OWNED(buf_free) struct buf message = {0};

	if (d->report.count == 0)
		return true;
	d->report.drill = d->subject.drill;
	if (!drill_report_sign(
		&d->report, d->agent, buf_view(&d->certificate->raw), clock_now(), &message, err) ||
	    !buf_append(&d->out, buf_view(&message), err))
		return false;
	for (size_t i = 0; i < d->report.count; i++)
		buf_free(&d->signatures[i]);
	d->report.count = 0;
	return true;
}

static bool
add_proof(struct drill *d, EVP_PKEY *key, struct view sealed, struct err *err)
{
	size_t at = d->report.count;

	SHA256(sealed.ptr, sealed.len, d->sealed[at]);
	d->subject.sealed = view_of(d->sealed[at], DRILL_HASH);
	if (!drill_proof_make(&d->subject, key, &d->signatures[at], err))
		return false;
	d->report.proofs[at] =
	    (struct drill_proof){d->subject.sealed, buf_view(&d->signatures[at])};
	d->report.count++;
	d->proved++;
	return d->report.count < DRILL_PROOFS_MAX || end_message(d, err);
}

static bool
open_key(struct drill *d, const struct rewrap_entry *e, EVP_PKEY **key_out, EVP_PKEY **agent_out,
    struct err *err)
{
	OWNED(recovery_free) struct recovery_blob b = {0};

	if (!batch_blob(e, &b, err))
		return false;
	return d->batch.order.together ? open_together(d, e, &b, key_out, agent_out, err)
				       : open_alone(d, &b, key_out, agent_out, err);
}

static bool
prove(void *arg, const struct rewrap_entry *e, struct err *err)
{
	struct drill *d = arg;
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	EVP_PKEY *agent;
	struct err why;

	if (d->entries++ == 0) {
		memcpy(d->id, e->batch.ptr, sizeof d->id);
		d->subject.drill = view_of(d->id, sizeof d->id);
	}
	if (!open_key(d, e, &key, &agent, &why)) {
		batch_complain(e, &why);
		d->failed++;
		return true;
	}
	return be_agent(d, agent, err) && add_proof(d, key, e->key, err);
}

static bool
end_proofs(struct drill *d, struct err *err)
{
	if (d->proved == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "no key of the drill was opened");
	return end_message(d, err);
}

/* ---- keys that he opens alone ---- */

static bool
prove_entry(struct drill *d, struct view der, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};

	if (!rewrap_entry_decode(der, &e, err))
		return err_prefix(err, "the file is no drill of keys that one agent opens alone");
	if (e.to.len > 0)
		return err_set(err, E_INVALIDARG,
		    "the file is no drill, but keys to be sealed to others: `dirca archive "
		    "rewrap`");
	return d->entries == 0 || view_eq(e.batch, d->subject.drill)
		   ? prove(d, &e, err)
		   : err_set(err, E_INVALIDARG, "the file is of more than one drill");
}

/* Is it of entries at all? */
static bool
check_entries(struct view file, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};
	struct view der;

	return rewrap_entry_next(&file, &der, err) && rewrap_entry_decode(der, &e, err);
}

static bool
prove_alone(struct drill *d, const struct cli *cli, struct err *err)
{
	struct view rest, der;
	struct err ignored;

	if (!file_read(cli->args[0], FILE_MOST, &d->batch.file, err) ||
	    !kra_keys_open(&cli->opt, &d->batch.keys, err))
		return false;
	if (!check_entries(buf_view(&d->batch.file), err))
		return rewrap_file_split(buf_view(&d->batch.file), &der, &rest, &ignored) &&
			       rest.len > 0 && material_inside(der) == MATERIAL_MESSAGE
			   ? err_set(err, E_INVALIDARG,
				 "%s is no drill of keys that one agent opens alone: of "
				 "others' shares (--combine), or keys to be sealed to others "
				 "(`dirca archive rewrap`)",
				 cli->args[0])
			   : given_failed(cli->args[0], buf_view(&d->batch.file), GIVEN_DRILL, err);
	for (rest = buf_view(&d->batch.file); rest.len > 0;)
		if (!rewrap_entry_next(&rest, &der, err) || !prove_entry(d, der, err))
			return false;
	return end_proofs(d, err);
}

/* ---- and with others ---- */

/* Whoever puts shares together reads the keys: only in what root signed, and for no other use. */
static bool
open_signed(struct drill *d, const struct cli *cli, struct err *err)
{
	if (!batch_file_open(cli, &d->batch, err))
		return false;
	return d->batch.order.to_count == 0 ||
	       err_set(err, E_INVALIDARG,
		   "the file is no drill, but keys to be sealed to others: `dirca archive rewrap`");
}

static bool
prove_together(struct drill *d, const struct cli *cli, struct err *err)
{
	if (!open_signed(d, cli, err) ||
	    !batch_shares_read(cli, &d->batch.order, &d->shares, err) ||
	    !batch_file_walk(&d->batch, prove, d, err))
		return false;
	batch_shares_end(&d->shares);
	return end_proofs(d, err);
}

static bool
write_report(struct work *w, struct drill *d, struct err *err)
{
	const struct cli *cli = w->cli;
	FILE *words = output_words(cli->args[1]);

	if (!output_check(cli->args[1], cli->opt.force, err) ||
	    !(cli->opt.combine.count > 0 ? prove_together : prove_alone)(d, cli, err))
		return false;
	const struct output out = {
	    .path = cli->args[1], .content = buf_view(&d->out), .mode = 0600};

	if (!outputs_write(&out, 1, cli->opt.force, err))
		return false;
	fputs("Signed by:\n", words);
	print_cert(words, "  ", d->certificate);
	fprintf(words, "%zu of %zu keys opened.\n", d->proved, d->entries);
	w->status = d->failed + d->shares.bad > 0 ? CLI_FINDINGS : CLI_OK;
	return true;
}

bool
cmd_archive_drill_run(struct work *w, struct err *err)
{
	OWNED(drill_close) struct drill d = {0};

	if (!batch_shares_check(w->cli, err))
		return false;
	if (w->cli->opt.share == NULL && w->cli->opt.to_agents.count > 0)
		return err_set(err, DIRCA_E_USAGE, "--to goes with --share");
	if (w->cli->opt.share == NULL)
		return write_report(w, &d, err);
	return open_signed(&d, w->cli, err) && batch_shares_write(w, &d.batch, err);
}
