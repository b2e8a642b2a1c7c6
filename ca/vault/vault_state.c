/* Everything that the vault reads from files, read before its sandbox closes. */
#include "vault_priv.h"

#include "clock.h"
#include "extension.h"
#include "file.h"
#include "own.h"
#include "pem.h"
#include "trust.h"

/* The vault of a supervisor that was killed may still be ending. Nothing that it writes is read
 * before it has ended. */
#define PATIENCE_MS 10000

/* The first certificate of the PEM file; its SubjectPublicKeyInfo must be the CA key's. */
static bool
load_ca_certificate(const char *path, struct view spki, struct pkix_cert *out, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};
	struct buf *list = NULL;
	size_t count = 0;
	bool ok;

	if (!file_read_owned(path, PEM_FILE_MAX, &text, err))
		return false;
	ok = pem_certificates(buf_view(&text), &list, &count, err) &&
	     pkix_cert_decode(buf_view(&list[0]), out, err);
	pem_list_free(&list, count);
	if (!ok)
		return err_prefix(err, "%s", path);
	return view_eq(out->spki, spki) ||
	       err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		   "%s: the CA key in the vault's folder belongs to another certificate", path);
}

static bool
set_rules(struct vault_state *s, const struct vault_config *config, struct err *err)
{
	s->rules = (struct vault_rules){.issuer = s->ca_cert.subject,
	    .sig_alg = buf_view(&s->sig_alg),
	    .not_after = s->ca_cert.not_after,
	    .kinds = config->kinds};
	s->kra_minimum = config->kra_minimum;
	s->allow_same_holder = config->allow_same_holder;
	s->allow_3des = config->allow_3des;
	return ext_key_id(s->ca_cert.spki, s->key_id, err);
}

static bool
note_start(struct vault_state *s, struct err *err)
{
	struct journal_entry started = {.kind = JOURNAL_STARTED};

	return journal_newest_number(&s->journal, JOURNAL_CRL, &s->newest_crl, err) &&
	       journal_add(&s->journal, &started, (struct view){0}, clock_now(), err);
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
	    set_rules(s, config, err) &&
	    vault_kras_open(&s->kras, config->state_dir, buf_view(&s->ca_cert.raw), err) &&
	    journal_open(&s->journal, config->folder, clock_now(), PATIENCE_MS, err) &&
	    vault_xchgs_open(&s->xchgs, config->folder, passphrase, config->fd_count,
		config->failures_key, vault_time(), err) &&
	    note_start(s, err))
		return true;
	vault_state_close(s);
	return false;
}

void
vault_state_close(struct vault_state *s)
{
	vault_budget_close(&s->budget);
	vault_xchgs_close(&s->xchgs);
	journal_close(&s->journal);
	vault_kras_close(&s->kras);
	pkix_cert_free(&s->ca_cert);
	buf_free(&s->sig_alg);
	buf_free(&s->spki);
	EVP_PKEY_free(s->ca_key);
	secret_free(&s->passphrase);
	*s = (struct vault_state){.journal = {.fd = -1}};
}
