/* From configuration, vault, database and directory to a CA that can decide, and its end. */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "crl_http.h"
#include "event.h"
#include "log.h"
#include "mem.h"
#include "ocsp_responder.h"
#include "oids.h"
#include "own.h"
#include "own_openssl.h"
#include "pem.h"
#include "pkix_policy.h"
#include "trust.h"

static void
state_new(struct ca *ca)
{
	struct ca_state *s = mem_zero(1, sizeof *s);

	ca->state = s;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->refresh_lock, NULL);
	pthread_mutex_init(&s->maintain_lock, NULL);
	pthread_mutex_init(&s->checkpoint_lock, NULL);
	notices_init(&s->notices);
	pthread_mutex_init(&s->make_crl_lock, NULL);
	pthread_mutex_init(&s->crl_lock, NULL);
	pthread_mutex_init(&s->publish_lock, NULL);
	clock_cond_init(&s->publish_turn);
	s->principals = principal_cache_new();
	s->crl_http = crl_http_new(ca->config->crl_http);
	s->ocsp = ocsp_responder_new();
	s->requests = quota_new();
	s->refusals = quota_new();
}

static void
state_free(struct ca_state **state)
{
	struct ca_state *s = *state;

	if (s == NULL)
		return;
	ca_view_release(&s->view);
	free(s->server);
	texts_free(&s->restored);
	principal_cache_free(&s->principals);
	crl_http_free(&s->crl_http);
	quota_free(&s->requests);
	quota_free(&s->refusals);
	free(s->recorded_rights[0]);
	free(s->recorded_rights[1]);
	free(s->told_stopped);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->refresh_lock);
	pthread_mutex_destroy(&s->maintain_lock);
	pthread_mutex_destroy(&s->checkpoint_lock);
	notices_destroy(&s->notices);
	pthread_mutex_destroy(&s->make_crl_lock);
	pthread_mutex_destroy(&s->crl_lock);
	crls_forget(s);
	ocsp_responder_free(&s->ocsp);
	sent_crls_free(s);
	pthread_mutex_destroy(&s->publish_lock);
	pthread_cond_destroy(&s->publish_turn);
	free(s);
	*state = NULL;
}

/* The digest inside the CA's signature algorithm, which is the one of its CMS messages too. */
static bool
find_digest(struct ca *ca, struct err *err)
{
	const EVP_MD *const known[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
	const uint8_t *p = ca->issuer->sig_alg.ptr;
	OWNED(own_x509_algor)
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &p, (long)ca->issuer->sig_alg.len);
	const ASN1_OBJECT *oid = NULL;
	int digest = NID_undef;

	if (alg != NULL) {
		X509_ALGOR_get0(&oid, NULL, NULL, alg);
		(void)OBJ_find_sigid_algs(OBJ_obj2nid(oid), &digest, NULL);
	}
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (EVP_MD_get_type(known[i]) == digest)
			ca->digest = known[i];
	return ca->digest != NULL ||
	       err_openssl(err, NTE_BAD_ALGID, "the vault signs with an unknown algorithm");
}

/* Of TRUST_CHAIN; none if there is no such file. */
static bool
read_parents(const struct ca *ca, struct pem_certs *out, struct err *err)
{
	OWNED(buf_free) struct buf pem = {0};

	if (!trust_read(ca->config->state_dir, TRUST_CHAIN, &pem, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	return pem_certificates(buf_view(&pem), &out->list, &out->count, err) ||
	       err_prefix(err, TRUST_FOLDER "/" TRUST_CHAIN);
}

/* The file also holds the parents of the certificates before a renewal. */
static bool
read_chain(struct ca *ca, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs chain = {0};
	OWNED(pem_certs_free) struct pem_certs parents = {0};
	OWNED(own_memory) struct view *ders = NULL;

	if (!read_parents(ca, &parents, err))
		return false;
	ders = buf_views(parents.list, parents.count);
	if (!pkix_certs_add(&chain, buf_view(&ca->issuer->cert.raw), err) ||
	    !trust_parents(&chain, ders, parents.count, err))
		return false;
	ca->chain = mem_zero(chain.count, sizeof *ca->chain);
	for (; ca->chain_count < chain.count; ca->chain_count++)
		ca->chain[ca->chain_count] = buf_give(&chain.list[ca->chain_count].raw);
	return true;
}

/* Private Key Archival is the application policy of exchange certificates: who may not issue one
 * may not archive (paper, "Restricting Key Archival"). */
static bool
read_archival(struct ca *ca, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs chain = {0};
	OWNED(own_memory) const struct pkix_cert **list = NULL;
	struct err why;

	for (size_t i = 0; i < ca->chain_count; i++)
		if (!pkix_certs_add(&chain, buf_view(&ca->chain[i]), err))
			return false;
	list = pkix_certs_pointers(&chain);
	if (pkix_chain_allows(list, chain.count, oid_dotted(OID_KP_CA_EXCHANGE), &why))
		return true;
	ca->no_archival = mem_text(why.msg);
	return true;
}

bool
ca_check_archival(const struct ca *ca, struct err *err)
{
	return ca->no_archival == NULL ||
	       err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		   "this CA archives no keys: %s (Private Key Archival)", ca->no_archival);
}

static bool
read_identity(struct ca *ca, struct vault *v, struct err *err)
{
	if (!vault_get_info(v, &ca->info, err))
		return false;
	ca->issuer = &ca->info.issuers.list[0];
	return find_digest(ca, err) && read_chain(ca, err) &&
	       ca_crosses_read(ca->config, &ca->info.issuers, &ca->crosses, err) &&
	       read_archival(ca, err);
}

static bool
open_database(struct ca *ca, struct err *err)
{
	OWNED(own_memory) char *path = config_path(ca->config, "dirca.db");

	return store_open(path, &ca->store, err);
}

static bool
keep_all(struct store_tx *tx, void *arg, struct err *err)
{
	const struct ca_view *v = arg;

	for (size_t i = 0; i < v->kra_count; i++)
		if (!ca_kra_keep(tx, &v->kras[i], err))
			return false;
	return true;
}

/* Of what is in the KRA store: older programs made no copies. */
static bool
keep_kras(struct ca *ca, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *v = ca_view_get(ca);

	return store_do(ca->store, keep_all, v, err);
}

static void
raise_at_start(struct ca *ca)
{
	OWNED(ca_view_release) struct ca_view *v = ca_view_get(ca);

	if (ca->no_archival != NULL)
		ca_event(ca, EVENT_KRA_NOT_ADVANCED_SERVER, ca->no_archival);
	kra_events(ca, NULL, v);
}

bool
ca_open(const struct config *config, struct vault *v, struct ca **out, struct err *err)
{
	OWNED(ca_close) struct ca *ca = mem_zero(1, sizeof *ca);
	struct err later;

	*out = NULL;
	ca->config = config;
	ca->source = ca_source_of(config);
	state_new(ca);
	if (!oids_init(err) || !read_identity(ca, v, err) || !open_database(ca, err) ||
	    !check_restored(ca, err) || !ca->source->open(ca, err) || !view_begin(ca, v, err) ||
	    !keep_kras(ca, err))
		return err_prefix(err, "CA '%s'", config->ca_name);
	raise_at_start(ca);
	/* CRL and CA certificates are served without it; the housekeeper tries again. */
	if (!ca_refresh(ca, v, &later))
		log_error("the directory is not read yet; nothing is issued or recovered",
		    LOG_REASON(&later));
	/* Archived keys can be fetched without it; the housekeeper tries again. */
	if (!ca_maintain(ca, v, clock_now(), &later))
		log_error("maintenance at the start failed", LOG_REASON(&later));
	*out = own_give(&ca);
	return true;
}

void
ca_close(struct ca **cap)
{
	struct ca *ca = *cap;

	if (ca == NULL)
		return;
	state_free(&ca->state);
	store_close(&ca->store);
	dir_pool_close(&ca->directory);
	vault_info_free(&ca->info);
	for (size_t i = 0; i < ca->chain_count; i++)
		buf_free(&ca->chain[i]);
	free(ca->chain);
	ca_crosses_free(&ca->crosses);
	free(ca->no_archival);
	free(ca);
	*cap = NULL;
}
