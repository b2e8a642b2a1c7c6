/* Everything that the vault reads from files, read before its sandbox closes. */
#include "vault_priv.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/pem.h>

#include "clock.h"
#include "extension.h"
#include "file.h"
#include "trust.h"

#define CERTIFICATE_FILE_MAX (1 << 20)

/* The first certificate of the PEM file; its SubjectPublicKeyInfo must be the CA key's. */
static bool
load_ca_certificate(const char *path, struct view spki, struct pkix_cert *out, struct err *err)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	struct buf pem = {0};
	BIO *bio = NULL;
	bool ok = false;
	long len;

	if (!file_read_owned(path, CERTIFICATE_FILE_MAX, &pem, err))
		return false;
	if ((bio = BIO_new_mem_buf(pem.ptr, (int)pem.len)) == NULL) {
		err_nomem(err);
		goto out;
	}
	if (PEM_read_bio(bio, &name, &header, &der, &len) != 1 ||
	    strcmp(name, PEM_STRING_X509) != 0) {
		err_openssl(err, CERTSRV_E_INVALID_CA_CERTIFICATE, "%s: no PEM certificate", path);
		goto out;
	}
	if (!pkix_cert_decode(view_of(der, (size_t)len), out, err)) {
		err_prefix(err, "%s", path);
		goto out;
	}
	ok = view_eq(out->spki, spki) ||
	     err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		 "%s: the CA key in the vault's folder belongs to another certificate", path);
out:
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	buf_free(&pem);
	return ok;
}

static bool
open_kras(struct vault_state *s, const char *state_dir, struct err *err)
{
	struct buf pem = {0};
	bool ok = (trust_read(state_dir, TRUST_KRA_ISSUERS, &pem, err) ||
		      err->code == ERROR_FILE_NOT_FOUND) &&
		  vault_kras_open(&s->kras, buf_view(&s->ca_cert.raw), buf_view(&pem), err);

	buf_free(&pem);
	return ok;
}

static bool
set_rules(struct vault_state *s, const struct vault_config *config, struct err *err)
{
	s->rules = (struct vault_rules){.issuer = s->ca_cert.subject,
	    .sig_alg = buf_view(&s->sig_alg),
	    .not_after = s->ca_cert.not_after,
	    .kinds = config->kinds};
	s->kra_minimum = config->kra_minimum;
	s->allow_3des = config->allow_3des;
	return ext_key_id(s->ca_cert.spki, s->key_id, err);
}

static bool
open_journal(struct vault_state *s, const char *folder, struct err *err)
{
	struct journal_entry started = {.kind = JOURNAL_STARTED};
	int64_t now = clock_now();

	return journal_open(&s->journal, folder, now, err) &&
	       journal_add(&s->journal, &started, (struct view){0}, now, err);
}

bool
vault_state_open(struct vault_state *s, const struct vault_config *config, struct err *err)
{
	const struct secret *passphrase = NULL;

	*s = (struct vault_state){.journal = {.fd = -1}};
	vault_budget_open(&s->budget, config->failures_requester, config->suspend_s);
	if (config->passphrase_file != NULL) {
		if (!secret_read_file(config->passphrase_file, &s->passphrase, err))
			return false;
		passphrase = &s->passphrase;
	}
	if (ca_key_open(config->folder, passphrase, &s->ca_key, err) &&
	    pkix_key_spki(s->ca_key, &s->spki, err) && pkix_sig_alg(s->ca_key, &s->sig_alg, err) &&
	    load_ca_certificate(config->ca_certificate, buf_view(&s->spki), &s->ca_cert, err) &&
	    set_rules(s, config, err) && open_kras(s, config->state_dir, err) &&
	    vault_xchgs_open(&s->xchgs, config->folder, passphrase, config->fd_count,
		config->failures_key, err) &&
	    open_journal(s, config->folder, err))
		return true;
	vault_state_close(s);
	return false;
}

void
vault_state_close(struct vault_state *s)
{
	journal_close(&s->journal);
	vault_budget_close(&s->budget);
	vault_xchgs_close(&s->xchgs);
	vault_kras_close(&s->kras);
	pkix_cert_free(&s->ca_cert);
	buf_free(&s->sig_alg);
	buf_free(&s->spki);
	EVP_PKEY_free(s->ca_key);
	secret_free(&s->passphrase);
	*s = (struct vault_state){.journal = {.fd = -1}};
}
