/* Everything that the vault reads from files, read before its sandbox closes. */
#include "vault_priv.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "extension.h"
#include "mem.h"
#include "own.h"
#include "plain.h"
#include "trust.h"

/* The vault of a supervisor that was killed may still be ending. Nothing that it writes is read
 * before it has ended. */
#define PATIENCE_MS 10000

static bool
load_key(struct vault_state *s, const struct ca_issuer *issuer, const struct vault_config *config,
    const struct secret *passphrase, struct err *err)
{
	struct vault_ca_key *k = &s->keys[s->key_count];
	OWNED(buf_free) struct buf spki = {0};

	if (!ca_key_open(config->folder, CA_VERSION_KEY(issuer->version), passphrase, &k->key, err))
		return false;
	vault_ocsp_open(&k->ocsp);
	s->key_count++;
	k->issuer = issuer;
	k->rules = (struct vault_rules){.issuer = issuer->cert.subject,
	    .sig_alg = buf_view(&issuer->sig_alg),
	    .not_after = issuer->cert.not_after,
	    .kinds = config->kinds,
	    .extensions = config->extensions};
	if (!pkix_key_spki(k->key, &spki, err) || !ext_key_id(issuer->cert.spki, k->key_id, err))
		return false;
	return view_eq(issuer->cert.spki, buf_view(&spki)) ||
	       err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		   "%s: CA key %u in the vault's folder belongs to another certificate",
		   config->ca_certificate, CA_VERSION_KEY(issuer->version));
}

/* Those that sign: the newest all there is, the others a CRL. */
static bool
load_keys(struct vault_state *s, const struct vault_config *config, const struct secret *passphrase,
    struct err *err)
{
	int64_t now = clock_now();

	if (!ca_issuers_read(config->ca_certificate, &s->issuers, err))
		return false;
	s->keys = mem_zero(s->issuers.count, sizeof *s->keys);
	for (size_t i = 0; i < s->issuers.count; i++)
		if (ca_issuers_signs_crl(&s->issuers, i, now) &&
		    !load_key(s, &s->issuers.list[i], config, passphrase, err))
			return false;
	return true;
}

/* The token's key that root names. */
static void
name_token(struct vault_state *s, const struct vault_config *config)
{
	struct vault_xchg_token *t = &s->xchgs.token;

	if (config->xchg_uri == NULL)
		return;
	vault_xchgs_name(&s->xchgs, config->xchg_uri, config->xchg_fallback);
	for (size_t i = 0; i < s->key_count && t->key != NULL; i++)
		if (memcmp(t->id, s->keys[i].key_id, sizeof t->id) == 0) {
			err_set(&t->why, DIRCA_E_CONFIG,
			    "exchange_key_uri names the key of the CA itself");
			EVP_PKEY_free(t->key);
			t->key = NULL;
		}
	if (t->key == NULL)
		log_warn("the exchange key that is configured cannot be used", LOG_REASON(&t->why));
}

static void
open_seed(struct vault_state *s, const struct vault_config *config)
{
	vault_seed_open(
	    &s->seed, config->folder, CA_VERSION_KEY(s->keys[0].issuer->version), s->keys[0].key);
}

static void
set_rules(struct vault_state *s, const struct vault_config *config)
{
	s->floor = config->floor;
	s->pkcs8 = config->pkcs8;
}

static bool
note_start(struct vault_state *s, const struct vault_config *config, struct err *err)
{
	struct journal_entry started = {.kind = JOURNAL_STARTED};

	return journal_newest_number(&s->journal, JOURNAL_CRL, &s->newest_crl, err) &&
	       journal_newest_number(&s->journal, JOURNAL_CHECKPOINT, &s->checkpoint_row, err) &&
	       vault_checkpoint_open(s, config->folder, err) &&
	       journal_add(&s->journal, &started, (struct view){0}, clock_now(), err);
}

/* An aid of root's: nothing stands still for it. */
static void
open_signed_kras(struct vault_state *s, const struct vault_config *config)
{
	struct err err;

	if (!signed_kras_open(&s->signed_kras, config->folder, &err))
		log_warn(
		    "the list of KRA certificates that were signed begins anew", LOG_REASON(&err));
}

bool
vault_state_open(struct vault_state *s, const struct vault_config *config, struct err *err)
{
	const struct secret *passphrase = NULL;

	*s = (struct vault_state){.journal = {.fd = -1}};
	pthread_mutex_init(&s->checkpoint_lock, NULL);
	vault_budget_open(&s->budget, config->failures_requester, config->suspend_s);
	if (config->passphrase_file != NULL) {
		if (!secret_read_file(config->passphrase_file, &s->passphrase, err))
			return false;
		passphrase = &s->passphrase;
	}
	set_rules(s, config);
	open_signed_kras(s, config);
	if (load_keys(s, config, passphrase, err) &&
	    vault_kras_open(&s->kras, config, &s->issuers, err) &&
	    journal_open(&s->journal, config->folder, clock_now(), PATIENCE_MS, err) &&
	    vault_xchgs_open(&s->xchgs, &vault_kind_exchange, config->folder, passphrase,
		config->fd_count, config->failures_key, vault_time(), err) &&
	    vault_xchgs_open(&s->imports, &vault_kind_import, config->folder, passphrase,
		config->fd_count, config->failures_key, vault_time(), err) &&
	    note_start(s, config, err)) {
		name_token(s, config);
		open_seed(s, config);
		return true;
	}
	vault_state_close(s);
	return false;
}

void
vault_state_close(struct vault_state *s)
{
	vault_budget_close(&s->budget);
	pthread_mutex_destroy(&s->checkpoint_lock);
	free(s->checkpoint_path);
	vault_seed_close(&s->seed);
	vault_xchgs_close(&s->xchgs);
	vault_xchgs_close(&s->imports);
	signed_kras_close(&s->signed_kras);
	journal_close(&s->journal);
	vault_kras_close(&s->kras);
	for (size_t i = 0; i < s->key_count; i++) {
		EVP_PKEY_free(s->keys[i].key);
		vault_ocsp_close(&s->keys[i].ocsp);
	}
	free(s->keys);
	ca_issuers_free(&s->issuers);
	secret_free(&s->passphrase);
	*s = (struct vault_state){.journal = {.fd = -1}};
}
