/* dirca archive drill run: on the machine of a key recovery agent, which needs no CA and no
 * network: each archived key of a drill is opened with his key, and signs that it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "archive.h"
#include "clock.h"
#include "drill.h"
#include "file.h"
#include "kra_keys.h"
#include "mem.h"
#include "output.h"
#include "own_openssl.h"
#include "print.h"
#include "recovery.h"
#include "rewrap_entry.h"
#include "verbs.h"
#include "work.h"

#define FILE_MOST (512 * 1024 * 1024)

struct drill {
	struct kra_keys keys;
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
	kra_keys_close(&d->keys);
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
	for (size_t i = 0; i < d->keys.certificates.count && d->certificate == NULL; i++)
		if (view_eq(d->keys.certificates.list[i].spki, buf_view(&spki)))
			d->certificate = &d->keys.certificates.list[i];
	if (d->certificate == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the agent's certificate, which names him in the report, is in none of his "
		    "files: --kra-certificate names it");
	d->agent = key;
	return true;
}

static bool
open_with(const struct drill *d, EVP_PKEY *key, const struct recovery_blob *b, EVP_PKEY **key_out,
    struct err *err)
{
	struct recovery_agent agent = kra_keys_agent(&d->keys);
	size_t ignored;

	agent.keys = &key;
	agent.key_count = 1;
	return recover_unwrap(b, &agent, &ignored, key_out, err);
}

/* With the first of his keys that does. */
static bool
open_key(struct drill *d, const struct recovery_blob *b, EVP_PKEY **key_out, EVP_PKEY **agent_out,
    struct err *err)
{
	for (size_t i = 0; i < d->keys.count; i++) {
		*agent_out = d->keys.list[i];
		if ((d->agent == NULL || d->agent == *agent_out) &&
		    open_with(d, *agent_out, b, key_out, err))
			return true;
	}
	return false;
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
prove(struct drill *d, const struct rewrap_entry *e, struct err *err)
{
	OWNED(recovery_free) struct recovery_blob b = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	EVP_PKEY *agent;
	struct err why;

	if (!cms_sealed_decode(e->key, &b.archived, &why) ||
	    !pkix_cert_decode(e->certificate, &b.certificate, &why) ||
	    !open_key(d, &b, &key, &agent, &why)) {
		fprintf(stderr, "request %lld: %s (%s)\n", (long long)e->request_id, why.msg,
		    err_name(why.code));
		d->failed++;
		return true;
	}
	return be_agent(d, agent, err) && add_proof(d, key, e->key, err);
}

static bool
prove_entry(struct drill *d, struct view der, struct err *err)
{
	OWNED(rewrap_entry_free) struct rewrap_entry e = {0};

	if (!rewrap_entry_decode(der, &e, err))
		return err_prefix(err, "the file is no drill");
	if (e.to.len > 0)
		return err_set(err, E_INVALIDARG,
		    "the file is no drill, but keys to be sealed to others: `dirca archive "
		    "rewrap`");
	if (d->entries++ == 0) {
		memcpy(d->id, e.batch.ptr, sizeof d->id);
		d->subject.drill = view_of(d->id, sizeof d->id);
	}
	return view_eq(e.batch, d->subject.drill)
		   ? prove(d, &e, err)
		   : err_set(err, E_INVALIDARG, "the file is of more than one drill");
}

static bool
prove_all(struct drill *d, struct view file, struct err *err)
{
	struct view der;

	while (file.len > 0)
		if (!rewrap_entry_next(&file, &der, err) || !prove_entry(d, der, err))
			return false;
	if (d->proved == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "no key of the drill was opened");
	return end_message(d, err);
}

bool
cmd_archive_drill_run(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(drill_close) struct drill d = {0};
	OWNED(buf_free) struct buf file = {0};
	FILE *words = output_words(cli->args[1]);

	if (!output_check(cli->args[1], cli->opt.force, err) ||
	    !file_read(cli->args[0], FILE_MOST, &file, err) ||
	    !kra_keys_open(&cli->opt, &d.keys, err) || !prove_all(&d, buf_view(&file), err))
		return false;
	const struct output out = {.path = cli->args[1], .content = buf_view(&d.out), .mode = 0600};

	if (!outputs_write(&out, 1, cli->opt.force, err))
		return false;
	fputs("Signed by:\n", words);
	print_cert(words, "  ", d.certificate);
	fprintf(words, "%zu of %zu keys opened.\n", d.proved, d.entries);
	w->status = d.failed > 0 ? CLI_FINDINGS : CLI_OK;
	return true;
}
