/* dirca verifykeys: do private keys work with their certificates; what is a recovery BLOB worth;
 * and on the CA's machine, could every archived key be recovered (paper, appendix C). */
#include <stdio.h>
#include <stdlib.h>

#include "archive.h"
#include "daemon_run.h"
#include "file.h"
#include "key_input.h"
#include "own_openssl.h"
#include "pem.h"
#include "print.h"
#include "recovery.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

#define FILE_MAX (1024 * 1024)

static bool
verify_ca(struct work *w, struct err *err)
{
	const char *const args[] = {
	    "--database", "verify-keys", w->cli->opt.json ? "--json" : NULL, NULL};
	int status;

	if (!daemon_run(w->cli, args, &status, err))
		return false;
	w->status = (enum cli_exit)status;
	return true;
}

/* ---- pairs ---- */

/* What cannot be told is not good either. */
static json_t *
finding(const char *subject, bool good, const char *what)
{
	json_t *f =
	    json_pack("{s:s?, s:b, s:s}", "subject", subject, "good", (int)good, "result", what);

	return f != NULL ? f : json_pack("{s:b, s:s}", "good", 0, "result", "it cannot be told");
}

/* What one key does with what the other has encrypted, or both agree on. */
static json_t *
verify_pair(const struct pfx_entry *e, bool others)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	OWNED(own_memory) char *subject = NULL;
	struct err err;

	if (e->certificate.len == 0)
		return finding(NULL, false,
		    others ? "a private key that belongs to no certificate that is there"
			   : "a private key without a certificate");
	if (!pkix_cert_decode(buf_view(&e->certificate), &cert, &err))
		return finding(NULL, false, err.msg);
	subject = pkix_name_text(cert.subject);
	if (!pkix_public_key(cert.spki, &pub, &err) || !archive_key_matches(e->key, pub, &err))
		return finding(subject, false, err.msg);
	return finding(subject, true, "the private key works with the public one");
}

static bool
verify_pairs(const struct cli *cli, json_t *results, struct err *err)
{
	OWNED(key_passwords_free) struct key_passwords passwords = {0};
	OWNED(pfx_content_free) struct pfx_content c = {0};

	if (!key_passwords_read(&cli->opt.password_files, &passwords, err))
		return false;
	for (int i = 0; i < cli->count; i++)
		if (!key_input_read(cli->args[i], &passwords, &c, err))
			return false;
	if (c.key_count == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "%s: there is no private key to verify, certificates alone", cli->args[0]);
	for (size_t i = 0; i < c.key_count; i++)
		json_array_append_new(results, verify_pair(&c.keys[i], c.other_count > 0));
	return true;
}

/* ---- a recovery BLOB ---- */

/* Its structure, its signature and its hashes were good, or it would not have been decoded. */
static bool
verify_blob(const struct cli *cli, const struct recovery_blob *b, json_t *results, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs trusted = {0};
	OWNED(own_memory) char *subject = pkix_name_text(b->certificate.subject);
	struct recovery_trust trust = {.unsigned_chain = !b->has_retrieval};
	struct err why;

	if (!trusted_cas_add_files(&trusted, &cli->opt.trusted_cas, err) ||
	    !trusted_cas_add_folder(&trusted, err))
		return false;
	trust.cas = trusted.list;
	trust.ca_count = trusted.count;
	json_array_append_new(
	    results, finding(subject, true, "structure, hashes and the CA's signature are good"));
	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *kra = recovery_recipient(b, i);
		OWNED(own_memory) char *name = kra != NULL ? pkix_name_text(kra->subject) : NULL;

		json_array_append_new(
		    results, finding(name != NULL ? name : "an agent", true,
				 kra != NULL ? "can open it"
					     : "can open it; the certificate is not in the BLOB"));
	}
	if (recovery_verify(b, &trust, &why))
		json_array_append_new(
		    results, finding(NULL, true, "a CA that you trust signed it"));
	else
		json_array_append_new(results, finding(NULL, false, why.msg));
	return true;
}

/* ---- what is told ---- */

static void
print_results(struct work *w, json_t *results)
{
	const json_t *one;
	size_t i;

	json_array_foreach(results, i, one)
	{
		const char *subject = json_string_value(json_object_get(one, "subject"));
		bool good = json_is_true(json_object_get(one, "good"));

		if (!good)
			w->status = CLI_FINDINGS;
		if (!w->cli->opt.json)
			printf("%s%s%s%s\n", good ? "" : "BAD: ", subject != NULL ? subject : "",
			    subject != NULL ? ": " : "", json_text(one, "result"));
	}
	if (w->cli->opt.json)
		print_json(json_incref(results));
}

bool
cmd_verifykeys(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(recovery_free) struct recovery_blob blob = {0};
	OWNED(buf_free) struct buf file = {0}, der = {0};
	json_t *results;
	struct err ignored;
	bool ok;

	if (cli->count == 0)
		return verify_ca(w, err);
	results = json_array();
	if (cli->count == 1 && file_read(cli->args[0], FILE_MAX, &file, &ignored) &&
	    pem_any(buf_view(&file), &der, &ignored) && recovery_is(buf_view(&der)))
		ok = recovery_decode(buf_view(&der), &blob, err)
			 ? verify_blob(cli, &blob, results, err)
			 : err_prefix(err, "%s", cli->args[0]);
	else
		ok = verify_pairs(cli, results, err);
	if (ok)
		print_results(w, results);
	json_decref(results);
	return ok;
}
