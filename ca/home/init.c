#include "init.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "extension.h"
#include "file.h"
#include "home_priv.h"
#include "journal.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pem.h"
#include "pkcs8.h"
#include "pkix.h"
#include "service_key.h"
#include "text.h"
#include "trust.h"

/* "ca1.nwtraders.com" gives "CN=<ca_name>,DC=nwtraders,DC=com". free(). */
static char *
default_subject(const struct config *config)
{
	OWNED(own_memory) char *cn = dir_rdn_escape(config->ca_name);
	char *dn = text_printf("CN=%s", cn);
	const char *label = strchr(config->host, '.');

	while (label != NULL && label[1] != '\0') {
		const char *end = strchrnul(label + 1, '.');
		char *longer = text_printf("%s,DC=%.*s", dn, (int)(end - label - 1), label + 1);

		free(dn);
		dn = longer;
		label = *end != '\0' ? end : NULL;
	}
	return dn;
}

static bool
subject_name(
    const struct config *config, const struct ca_init *in, struct buf *out, struct err *err)
{
	OWNED(own_memory)
	char *dn = in->subject_dn != NULL ? mem_text(in->subject_dn) : default_subject(config);

	return pkix_name_from_dn(dn, NULL, out, err);
}

static bool
make_root(const struct config *config, EVP_PKEY *key, struct view name, int64_t now,
    int64_t validity, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = home_extensions(err);
	OWNED(buf_free) struct buf spki = {0};
	OWNED(buf_free) struct buf certificate = {0};

	if (list == NULL || !pkix_key_spki(key, &spki, err) ||
	    !home_push_ca(list, buf_view(&spki), 0, NULL, err))
		return false;
	const struct home_order o = {.signer = key,
	    .name = name,
	    .spki = buf_view(&spki),
	    .now = now,
	    .not_after = now + validity,
	    .extensions = list};

	if (!home_certify(config, &o, &certificate, err))
		return false;
	const struct view der = buf_view(&certificate);
	return home_write_pem(config, "ca.crt", PEM_STRING_X509, &der, 1, err);
}

static bool
make_request(const struct config *config, EVP_PKEY *key, struct view name, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = home_extensions(err);
	OWNED(buf_free) struct buf spki = {0};

	return list != NULL && pkix_key_spki(key, &spki, err) &&
	       home_push_ca(list, buf_view(&spki), 0, NULL, err) &&
	       home_write_request(config, key, name, list, err);
}

/* What a CA has once its certificate is there. */
static bool
finish_init(const struct config *config, EVP_PKEY *key, int64_t now, struct err *err)
{
	return ca_init_tls(config, key, now, err) && home_hand_over(config, err);
}

/* What a run before this one has made. */
static bool
is_made(const struct config *config, bool subordinate)
{
	return home_has(config, "vault/ca.key") &&
	       (subordinate ? home_has(config, "ca.csr") || home_has(config, "ca.crt")
			    : home_has(config, "ca.crt") && home_has(config, "tls.crt") &&
				  home_has(config, "dirca.db"));
}

/* Before the first file: what fails here leaves nothing behind. */
static bool
check_init(
    const struct config *config, const struct ca_init *in, struct buf *name_out, struct err *err)
{
	bool due;

	if (!in->subordinate && in->validity <= 0)
		return err_set(err, E_INVALIDARG,
		    "the CA certificate needs a validity of more than zero seconds");
	if (is_made(config, in->subordinate))
		return err_set(err, ERROR_FILE_EXISTS,
		    "%s: this CA is made already; nothing is overwritten", config->state_dir);
	/* Its key must not get another certificate. */
	if (home_has(config, TRUST_FOLDER "/" TRUST_ADOPTED))
		return err_set(err, ERROR_FILE_EXISTS,
		    "%s: a CA was taken over, or begun to be; repeat that", config->state_dir);
	return ca_init_database_is_due(config, &due, err) && oids_init(err) &&
	       home_check_users(config, err) && subject_name(config, in, name_out, err);
}

static bool
make_ca(const struct config *config, const struct ca_init *in, int64_t now, struct err *err)
{
	const struct home_key kind = {in->key, in->key_uri, in->passphrase};
	OWNED(buf_free) struct buf name = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (!check_init(config, in, &name, err) || !home_make_folders(config, err) ||
	    !home_key(config, 0, &kind, &key, err))
		return false;
	if (in->subordinate)
		return make_request(config, key, buf_view(&name), err) &&
		       home_hand_over(config, err);
	return (home_has(config, "ca.crt") ||
		   make_root(config, key, buf_view(&name), now, in->validity, err)) &&
	       (home_has(config, "tls.crt") || ca_init_tls(config, key, now, err)) &&
	       home_hand_over(config, err);
}

bool
ca_init(const struct config *config, const struct ca_init *in, int64_t now, struct err *err)
{
	return make_ca(config, in, now, err) || err_prefix(err, "making CA '%s'", config->ca_name);
}

/* Decodes a parent's answer, DER or PEM with exactly one certificate. */
bool
home_read_certificate(struct view text, struct pkix_certs *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	return pem_certificate(text, &der, err) && pkix_certs_add(out, buf_view(&der), err);
}

bool
home_check_time(const struct pkix_cert *c, int64_t now, struct err *err)
{
	return (now >= c->not_before && now <= c->not_after) ||
	       err_set(err, CERT_E_EXPIRED, "the CA certificate is not valid now");
}

static bool
check_own(const struct pkix_cert *c, const EVP_PKEY *key, int64_t now, struct err *err)
{
	OWNED(buf_free) struct buf spki = {0};

	if (!pkix_key_spki(key, &spki, err))
		return false;
	if (!view_eq(buf_view(&spki), c->spki))
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificate is not for the key of this CA (ca.csr)");
	if (!pkix_cert_is_ca(c))
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificate is no CA certificate: it needs basicConstraints CA, "
		    "keyCertSign and cRLSign");
	return home_check_time(c, now, err);
}

/* Nobody relies on what the end of a chain says of itself: it is trusted as it is, whatever it was
 * signed with. */
static bool
check_issued_by(const struct pkix_cert *c, const struct pkix_cert *parent, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (!view_eq(c->issuer, parent->subject) || !pkix_cert_is_ca(parent))
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "a certificate of the chain was not issued by the one that follows it");
	return pkix_public_key(parent->spki, &key, err) &&
	       pkix_verify(key, c->sig_alg, c->tbs, c->signature, c == parent, err);
}

/* RFC 5280 6.1.4 (l): those that a CA issued to itself do not count. */
static bool
check_path_len(const struct pkix_cert *list, size_t parent, struct err *err)
{
	int64_t most = pkix_cert_path_len(&list[parent]), below = 0;

	for (size_t i = 0; i < parent; i++)
		below += !view_eq(list[i].subject, list[i].issuer);
	return most < 0 || below <= most ||
	       err_set(err, CERT_E_ISSUERCHAINING,
		   "its path length constraint lets %lld CAs follow, and there are %lld",
		   (long long)most, (long long)below);
}

bool
home_check_chain(const struct pkix_cert *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!check_issued_by(&list[i], &list[i + 1 < count ? i + 1 : i], err) ||
		    !check_path_len(list, i, err))
			return err_prefix(err, "certificate %zu of the chain", i + 1);
	return true;
}

bool
home_write_chain(const struct config *config, const struct pkix_certs *chain, struct err *err)
{
	OWNED(own_memory) struct view *ders = mem_zero(chain->count, sizeof *ders);

	for (size_t i = 1; i < chain->count; i++)
		ders[i - 1] = buf_view(&chain->list[i].raw);
	return chain->count == 1 || home_write_pem(config, TRUST_FOLDER "/" TRUST_CHAIN,
					PEM_STRING_X509, ders, chain->count - 1, err);
}

static bool
write_lineage(const struct config *config, const struct pkix_certs *l, struct err *err)
{
	const struct view own = buf_view(&l->list[0].raw);

	return home_write_pem(config, "ca.crt", PEM_STRING_X509, &own, 1, err) &&
	       home_write_chain(config, l, err);
}

/* The CA's own certificate and its chain. */
static bool
read_lineage(struct view certificate, const struct view *chain, size_t chain_count,
    struct pkix_certs *out, struct err *err)
{
	if (!home_read_certificate(certificate, out, err))
		return false;
	for (size_t i = 0; i < chain_count; i++)
		if (!home_read_certificate(chain[i], out, err))
			return false;
	return true;
}

static bool
install(const struct config *config, struct view certificate, const struct view *chain,
    size_t chain_count, const struct secret *passphrase, int64_t now, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");
	OWNED(pkix_certs_free) struct pkix_certs l = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (chain_count > CONFIG_LIST_MAX)
		return err_set(
		    err, E_INVALIDARG, "the chain has more than %d certificates", CONFIG_LIST_MAX);
	/* ca.crt may hold older ones, whose CRLs are owed. */
	if (is_made(config, false))
		return err_set(err, ERROR_FILE_EXISTS,
		    "it has its first certificate; `dirca ca install` takes one that renews it");
	return oids_init(err) && home_check_users(config, err) &&
	       ca_key_open(folder, 0, passphrase, &key, err) &&
	       read_lineage(certificate, chain, chain_count, &l, err) &&
	       check_own(&l.list[0], key, now, err) && home_check_chain(l.list, l.count, err) &&
	       write_lineage(config, &l, err) && finish_init(config, key, now, err);
}

bool
ca_init_install(const struct config *config, struct view certificate, const struct view *chain,
    size_t chain_count, const struct secret *passphrase, int64_t now, struct err *err)
{
	return install(config, certificate, chain, chain_count, passphrase, now, err) ||
	       err_prefix(err, "installing the certificate of CA '%s'", config->ca_name);
}

static bool
tls_certificate(const struct config *config, EVP_PKEY *ca_key, const struct pkix_cert *ca,
    struct view spki, int64_t now, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf sig_alg = {0};
	OWNED(buf_free) struct buf tbs = {0};
	uint8_t serial[PKIX_SERIAL_LEN];

	return pkix_sig_alg(ca_key, &sig_alg, err) &&
	       service_certificate_tbs(
		   config, spki, ca, buf_view(&sig_alg), now, serial, &tbs, err) &&
	       home_sign_here(config, ca_key, buf_view(&tbs), view_of(serial, sizeof serial),
		   buf_view(&sig_alg), out, err);
}

static bool
write_tls_key(const struct config *config, EVP_PKEY *key, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "tls.key");
	OWNED(secret_free) struct secret pem = {0};

	return pkcs8_encode(key, NULL, &pem, err) &&
	       file_replace(path, secret_view(&pem), 0600, err);
}

static bool
make_tls(const struct config *config, EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	OWNED(buf_free) struct buf spki = {0};
	OWNED(buf_free) struct buf certificate = {0};

	if (key == NULL)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "cannot make the key of the TLS certificate");
	if (!home_first_certificate(config, "ca.crt", &ca, err) ||
	    !pkix_key_spki(key, &spki, err) ||
	    !tls_certificate(config, ca_key, &ca, buf_view(&spki), now, &certificate, err))
		return false;
	return write_tls_key(config, key, err) &&
	       service_certificate_write(config, buf_view(&certificate), &ca, err);
}

bool
ca_init_tls(const struct config *config, EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	return make_tls(config, ca_key, now, err) ||
	       err_prefix(err, "making the TLS certificate of '%s'", config->host);
}

/* Did the vault ever start? It does so before anything is in the database. */
static bool
note_start(const struct journal_entry *e, void *arg, struct err *err)
{
	bool *started = arg;

	(void)err;
	*started = *started || e->kind == JOURNAL_STARTED;
	return true;
}

bool
ca_init_database_is_due(const struct config *config, bool *due_out, struct err *err)
{
	OWNED(own_memory) char *journal = config_path(config, "vault/" JOURNAL_FILE);
	bool started = false;

	*due_out = false;
	if (home_has(config, "dirca.db"))
		return true;
	if (!journal_walk(journal, note_start, &started, err) && err->code != ERROR_FILE_NOT_FOUND)
		return false;
	if (started)
		return err_set(err, DIRCA_E_DATABASE,
		    "%s/dirca.db: this CA has run, and its database is gone: bring it back from a "
		    "backup (dirca-restore(1))",
		    config->state_dir);
	*due_out = true;
	return true;
}
