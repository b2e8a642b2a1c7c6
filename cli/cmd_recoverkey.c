/* dirca recoverkey: on the KRA's machine, which needs no CA and no network (paper, "Key Recovery").
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "file.h"
#include "given.h"
#include "key_shares.h"
#include "kra_keys.h"
#include "mem.h"
#include "output.h"
#include "own.h"
#include "print.h"
#include "recovered.h"
#include "trust.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

#define FILE_MAX (1024 * 1024)

struct recover {
	struct work *work;
	const struct cli *cli;
	struct buf file;
	struct recovery_blob blob;
	struct kra_keys kras;
	struct pkix_certs trusted;
	struct pkix_certs chain;
	EVP_PKEY *key;
	size_t recipient;
	struct secret content_password, password;
};

static void
recover_close(struct recover *r)
{
	buf_free(&r->file);
	recovery_free(&r->blob);
	kra_keys_close(&r->kras);
	pkix_certs_free(&r->trusted);
	pkix_certs_free(&r->chain);
	EVP_PKEY_free(r->key);
	secret_free(&r->content_password);
	secret_free(&r->password);
}

static bool
add_all(struct pkix_certs *to, const struct pkix_cert *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!pkix_certs_add(to, buf_view(&list[i].raw), err))
			return false;
	return true;
}

static bool
verify_blob(struct recover *r, struct err *err)
{
	const struct cli_options *o = &r->cli->opt;
	const struct recovery_trust trust = {.cas = r->trusted.list,
	    .ca_count = r->trusted.count,
	    .unsigned_chain = o->accept_unsigned_chain,
	    .sha1 = o->accept_sha1};

	return recovery_verify(&r->blob, &trust, err);
}

/* What is wrong with the BLOB, or with who would open it, named by its file: several lie about
 * where keys are recovered. */
static bool
of_blob(const struct recover *r, bool ok, struct err *err)
{
	return ok || err_prefix(err, "%s", r->cli->args[0]);
}

/* Who opened it is then who gave the first share. */
static bool
combine(struct recover *r, const struct recovery_agent *agent, struct err *err)
{
	OWNED(key_shares_free) struct key_shares shares = {0};

	if (!key_shares_collect(r->cli, &r->blob, agent, &shares, err))
		return false;
	if (key_shares_tell(output_words(r->cli->args[1]), r->cli, &r->blob, &shares))
		r->work->status = CLI_INCOMPLETE;
	if (!of_blob(
		r, recover_combine(&r->blob, agent, shares.list, shares.count, &r->key, err), err))
		return false;
	r->recipient = shares.list[0].recipient;
	return true;
}

static bool
open_blob(struct recover *r, struct err *err)
{
	struct recovery_agent agent = kra_keys_agent(&r->kras);
	const char *from = r->cli->opt.content_password_file;

	if (from != NULL) {
		if (!cli_password(from, "", false, &r->content_password, err))
			return false;
		agent.content_password = &r->content_password;
	}
	if (r->blob.archived.threshold > 1 || r->cli->opt.combine.count > 0)
		return combine(r, &agent, err);
	return of_blob(r, recover_unwrap(&r->blob, &agent, &r->recipient, &r->key, err), err);
}

/* The certificate and its issuers: of the BLOB, and of the files of trusted CAs. Nobody is asked
 * for one, and none need be current: what was encrypted once is to be read. */
static bool
find_chain(struct recover *r, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs pool = {0};
	OWNED(own_memory) struct view *ders = NULL;

	if (!add_all(&pool, r->blob.others, r->blob.other_count, err) ||
	    !add_all(&pool, r->trusted.list, r->trusted.count, err) ||
	    !pkix_certs_add(&r->chain, buf_view(&r->blob.certificate.raw), err))
		return false;
	ders = mem_zero(pool.count, sizeof *ders);
	for (size_t i = 0; i < pool.count; i++)
		ders[i] = buf_view(&pool.list[i].raw);
	return trust_parents(&r->chain, ders, pool.count, err);
}

static void
print_blob(FILE *to, const struct recover *r)
{
	print_cert(to, "  ", &r->blob.certificate);
	fputs("Signed by:\n", to);
	print_cert(to, "  ", &r->blob.signer);
	if (r->blob.has_retrieval) {
		fputs("Retrieved by:\n", to);
		print_retrieval(to, "  ", &r->blob.retrieval);
	}
}

/* The certificate of who opened it, as far as there is one. */
static const struct pkix_cert *
opened_by(const struct recover *r)
{
	const struct pkix_cert *c = recovery_recipient(&r->blob, r->recipient);

	for (size_t i = 0; c == NULL && i < r->kras.certificates.count; i++)
		if (recovery_recipient_is(
			&r->blob.archived.recipients[r->recipient], &r->kras.certificates.list[i]))
			c = &r->kras.certificates.list[i];
	return c;
}

static bool
write_recovered(struct recover *r, enum key_format format, struct err *err)
{
	const struct recovered what = {.cli = r->cli,
	    .blob = &r->blob,
	    .blob_file = buf_view(&r->file),
	    .kra = opened_by(r),
	    .chain = &r->chain,
	    .key = r->key,
	    .when = clock_now()};

	return recovered_write(&what, format, &r->password, err);
}

static bool
ask_password(struct recover *r, struct err *err)
{
	return !recovered_has_password(r->cli) ||
	       cli_password(r->cli->opt.out_password_file, "Password for the user's file: ", true,
		   &r->password, err);
}

static bool
recover_key(struct recover *r, struct err *err)
{
	const char *path = r->cli->args[1];
	FILE *words = output_words(path);
	enum key_format format;

	if (!recovered_check(r->cli, &format, err) || !kra_keys_open(&r->cli->opt, &r->kras, err) ||
	    !trusted_cas_all(r->cli, &r->kras.certificates, &r->trusted, err) ||
	    !of_blob(r, verify_blob(r, err), err) || !open_blob(r, err) || !find_chain(r, err) ||
	    !ask_password(r, err) || !write_recovered(r, format, err))
		return false;
	fputs("Recovered:\n", words);
	print_blob(words, r);
	if (output_is_standard(path))
		return true;
	fprintf(words, "%s written. ", path);
	fputs(recovered_has_password(r->cli)
		  ? "Give the user the file and, by another way, its password.\n"
		  : "It has no password: whoever reads it has the key.\n",
	    words);
	return true;
}

static bool
write_share(struct recover *r, struct err *err)
{
	struct recovery_agent agent;

	if (!kra_keys_open(&r->cli->opt, &r->kras, err) ||
	    !trusted_cas_all(r->cli, &r->kras.certificates, &r->trusted, err) ||
	    !of_blob(r, verify_blob(r, err), err))
		return false;
	agent = kra_keys_agent(&r->kras);
	return key_share_write(r->cli, &r->blob, &agent, err);
}

static void
print_shown(const struct recover *r, const struct err *why)
{
	const struct recovery_blob *b = &r->blob;

	if (r->cli->opt.json) {
		print_json(
		    json_pack("{s:o, s:o, s:o, s:s, s:I, s:o, s:b, s:s?, s:s?}", "certificate",
			json_cert(&b->certificate), "signed_by", json_cert(&b->signer), "retrieval",
			b->has_retrieval ? json_retrieval(&b->retrieval) : json_null(), "cipher",
			b->archived.cipher_name, "threshold", (json_int_t)b->archived.threshold,
			"recipients", json_blob_recipients(b), "verified", (int)(why == NULL),
			"code", why != NULL ? err_name(why->code) : NULL, "reason",
			why != NULL ? why->msg : NULL));
		return;
	}
	puts("Recovery BLOB of:");
	print_blob(stdout, r);
	printf("Archived as: %s\n", b->archived.cipher_name);
	print_recipients(stdout, b);
	if (why == NULL)
		puts("The signature verifies, and is of a CA that you trust.");
	else
		printf("NOT VERIFIED: %s (%s)\n", why->msg, err_name(why->code));
}

/* Of one whose key several agents open together: what they do, as far as it depends on who asks. */
static bool
tell_shares(const struct recover *r, struct err *err)
{
	const struct recovery_agent agent = kra_keys_agent(&r->kras);
	OWNED(key_shares_free) struct key_shares shares = {0};

	if (r->blob.archived.threshold < 2 || r->cli->opt.json)
		return true;
	if (!key_shares_collect(r->cli, &r->blob, &agent, &shares, err))
		return false;
	(void)key_shares_tell(stdout, r->cli, &r->blob, &shares);
	return true;
}

/* Whose key it is, who can open it, and whether it can be believed. */
static bool
show_blob(struct work *w, struct recover *r, struct err *err)
{
	struct err why;
	bool good;

	if (!kra_keys_look(&r->cli->opt, &r->kras, err))
		return false;
	if (!trusted_cas_all(r->cli, &r->kras.certificates, &r->trusted, err))
		return false;
	good = verify_blob(r, &why);
	print_shown(r, good ? NULL : &why);
	if (!good)
		w->status = CLI_FINDINGS;
	return !good || tell_shares(r, err);
}

static bool
read_blob(struct recover *r, struct err *err)
{
	const char *path = r->cli->args[0];
	OWNED(buf_free) struct buf file = {0};

	if (!file_read(path, FILE_MAX, &file, err) ||
	    !given_der(path, buf_view(&file), GIVEN_RECOVERY, &r->file, err))
		return false;
	return recovery_decode(buf_view(&r->file), &r->blob, err) ||
	       given_failed(path, buf_view(&file), GIVEN_RECOVERY, err);
}

bool
cmd_recoverkey(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(recover_close) struct recover r = {.work = w, .cli = cli};

	if (cli->opt.json && (cli->count > 1 || cli->opt.share != NULL))
		return err_set(err, DIRCA_E_USAGE,
		    "--json shows a BLOB; of a key that is recovered --receipt tells");
	if (!key_shares_check(cli, err) || !read_blob(&r, err))
		return false;
	if (cli->opt.share != NULL)
		return write_share(&r, err);
	return cli->count == 1 ? show_blob(w, &r, err) : recover_key(&r, err);
}
