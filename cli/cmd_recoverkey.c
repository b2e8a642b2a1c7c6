/* dirca recoverkey: on the KRA's machine, which needs no CA and no network (paper, "Key Recovery").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "key_uri.h"
#include "mem.h"
#include "own.h"
#include "pem.h"
#include "pfx.h"
#include "print.h"
#include "recovery.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

#define FILE_MAX (1024 * 1024)

struct recover {
	const struct cli *cli;
	struct recovery_blob blob;
	EVP_PKEY *kra_key, *key;
	struct pkix_cert kra;
	struct pkix_certs trusted;
	struct secret password;
};

static void
recover_close(struct recover *r)
{
	recovery_free(&r->blob);
	pkix_cert_free(&r->kra);
	pkix_certs_free(&r->trusted);
	EVP_PKEY_free(r->kra_key);
	EVP_PKEY_free(r->key);
	secret_free(&r->password);
}

/* The chain in his PKCS#12 was put there when he enrolled, by a client that had verified the CA. */
static bool
take_kra(struct recover *r, struct pfx *pfx, struct err *err)
{
	if (!pkix_cert_decode(buf_view(&pfx->certificate), &r->kra, err))
		return false;
	for (size_t i = 0; i < pfx->other_count; i++)
		if (!pkix_certs_add(&r->trusted, buf_view(&pfx->others[i]), err))
			return false;
	r->kra_key = pfx->key;
	pfx->key = NULL;
	return true;
}

/* The card may be put in meanwhile, if there is somebody to do it. */
static bool
ask_for_card(const struct err *why)
{
	int c;

	if (why->code != SCARD_E_NO_SMARTCARD || !isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s\nPut the card in and press Enter, or Ctrl-D to give up: ", why->msg);
	while ((c = getchar()) != '\n' && c != EOF)
		;
	return c == '\n';
}

/* Key on a token, certificate in a file. A wrong PIN is not tried again: it would lock the token.
 */
static bool
open_token(struct recover *r, struct err *err)
{
	const struct cli_options *o = &r->cli->opt;
	OWNED(pem_certs_free) struct pem_certs file = {0};
	bool given = o->kra_password_file != NULL;

	if (o->kra_certificate == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--kra-certificate is needed: the KRA's certificate, for the key on the token");
	if (!pem_certs_read(o->kra_certificate, &file, err) ||
	    !pkix_cert_decode(buf_view(&file.list[0]), &r->kra, err))
		return false;
	for (size_t i = 1; i < file.count; i++)
		if (!pkix_certs_add(&r->trusted, buf_view(&file.list[i]), err))
			return false;
	do {
		OWNED(secret_free) struct secret pin = {0};

		if (!cli_password(
			o->kra_password_file, "PIN of the KRA's token: ", false, &pin, err))
			return false;
		if (key_uri_open(o->kra, &pin, &r->kra_key, err))
			return true;
	} while (!given && ask_for_card(err));
	return false;
}

static bool
open_kra(struct recover *r, struct err *err)
{
	const struct cli_options *o = &r->cli->opt;
	OWNED(secret_free) struct secret password = {0};
	OWNED(buf_free) struct buf file = {0};
	OWNED(pfx_free) struct pfx pfx = {0};

	if (o->kra == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--kra is needed: the KRA's PKCS#12, or the pkcs11: URI of his key");
	if (key_uri_is(o->kra))
		return open_token(r, err);
	return file_read(o->kra, FILE_MAX, &file, err) &&
	       cli_password(o->kra_password_file, "Password of the KRA's PKCS#12: ", false,
		   &password, err) &&
	       pfx_decode(buf_view(&file), &password, &pfx, err) && take_kra(r, &pfx, err);
}

static bool
verify_blob(struct recover *r, struct err *err)
{
	const struct cli_options *o = &r->cli->opt;
	struct recovery_trust trust = {
	    .unsigned_chain = o->accept_unsigned_chain, .sha1 = o->accept_sha1};

	if (!trusted_cas_add_files(&r->trusted, &o->trusted_cas, err) ||
	    !trusted_cas_add_folder(&r->trusted, err))
		return false;
	trust.cas = r->trusted.list;
	trust.ca_count = r->trusted.count;
	return recovery_verify(&r->blob, &trust, err);
}

static bool
write_pfx(struct recover *r, struct err *err)
{
	OWNED(own_memory) struct view *chain = mem_zero(r->blob.other_count + 1, sizeof *chain);
	OWNED(own_memory)
	char *cn = pkix_name_value(r->blob.certificate.subject, NID_commonName);
	OWNED(buf_free) struct buf pfx = {0};
	const char *path = r->cli->args[1];
	size_t count = 0;

	/* The chain of the certificate: every CA certificate of the message, not the KRAs'. */
	for (size_t i = 0; i < r->blob.other_count; i++) {
		const struct pkix_cert *c = &r->blob.others[i];

		if (view_eq(c->subject, r->blob.certificate.issuer) ||
		    view_eq(c->subject, r->blob.signer.issuer))
			chain[count++] = buf_view(&c->raw);
	}
	if (!pfx_encode(r->key, buf_view(&r->blob.certificate.raw), chain, count, cn, &r->password,
		&pfx, err))
		return false;
	return r->cli->opt.force ? file_replace(path, buf_view(&pfx), 0600, err)
				 : file_create(path, buf_view(&pfx), 0600, err);
}

static bool
check_target(const struct cli *cli, struct err *err)
{
	if (!cli->opt.force && access(cli->args[1], F_OK) == 0)
		return err_set(
		    err, ERROR_FILE_EXISTS, "%s exists; --force replaces it", cli->args[1]);
	return true;
}

static void
print_recovered(const struct recover *r)
{
	printf("Recovered:\n");
	print_cert(stdout, "  ", &r->blob.certificate);
	printf("Signed by:\n");
	print_cert(stdout, "  ", &r->blob.signer);
	if (r->blob.has_retrieval) {
		printf("Retrieved by:\n");
		print_retrieval(stdout, "  ", &r->blob.retrieval);
	}
	printf("%s written. Give the user the file and, by another way, its password.\n",
	    r->cli->args[1]);
}

bool
cmd_recoverkey(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(recover_close) struct recover r = {.cli = cli};
	OWNED(buf_free) struct buf file = {0};

	if (!check_target(cli, err) || !file_read(cli->args[0], FILE_MAX, &file, err) ||
	    !recovery_decode(buf_view(&file), &r.blob, err) || !open_kra(&r, err) ||
	    !verify_blob(&r, err) || !recover_unwrap(&r.blob, &r.kra, r.kra_key, &r.key, err) ||
	    !cli_password(cli->opt.out_password_file, "Password for the user's PKCS#12: ", true,
		&r.password, err) ||
	    !write_pfx(&r, err))
		return false;
	print_recovered(&r);
	return true;
}
