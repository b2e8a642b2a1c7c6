#include "init.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "clock.h"
#include "extension.h"
#include "file.h"
#include "oids.h"
#include "pem.h"
#include "pkcs8.h"
#include "pkix.h"
#include "text.h"
#include "trust.h"
#include "journal.h"

#define TLS_VALIDITY (INT64_C(2) * 365 * 86400)

static bool
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return err_errno(err, DIRCA_E_IO, "%s: cannot make the folder", path);
	return true;
}

/* The vault passes through the state folder to its own, which nobody else may enter; what else is
 * secret has modes of its own. */
static bool
make_folders(const struct config *config, struct err *err)
{
	char *kra = config_path(config, "kra"), *trust = config_path(config, TRUST_FOLDER);
	bool ok = kra != NULL && trust != NULL
		      ? make_folder(config->state_dir, 0711, err) && make_folder(kra, 0755, err) &&
			    make_folder(trust, 0755, err)
		      : err_nomem(err);

	free(kra);
	free(trust);
	return ok;
}

/* "ca1.nwtraders.com" gives "CN=<ca_name>,DC=nwtraders,DC=com". free(). */
static char *
default_subject(const struct config *config)
{
	char *cn = dir_rdn_escape(config->ca_name);
	char *dn = cn != NULL ? text_printf("CN=%s", cn) : NULL;
	const char *label = strchr(config->host, '.');

	free(cn);
	while (dn != NULL && label != NULL && label[1] != '\0') {
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
	char *dn = in->subject_dn != NULL ? strdup(in->subject_dn) : default_subject(config);
	bool ok = dn != NULL ? pkix_name_from_dn(dn, NULL, out, err) : err_nomem(err);

	free(dn);
	return ok;
}

static bool
ca_extensions(struct view spki, ext_list *list, struct err *err)
{
	uint16_t usage = PKIX_KU_DIGITAL_SIGNATURE | PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN;
	uint8_t key_id[KEY_ID_LEN];

	return ext_key_id(spki, key_id, err) && ext_push_key_usage(list, usage, true, err) &&
	       ext_push_basic_constraints(list, true, -1, true, err) &&
	       ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
	       ext_push_ca_version(list, 0, err);
}

/* In the vault's journal, on the disk. dircad must not run: the journal is its vault's. */
static bool
note_signed(const struct config *config, struct view what, struct view serial, struct err *err)
{
	struct journal_entry entry = {.kind = JOURNAL_INIT};
	char *folder = config_path(config, "vault");
	struct journal journal;
	bool ok;

	if (folder == NULL)
		return err_nomem(err);
	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	entry.number_len = serial.len;
	if (serial.len > 0) /* a request has none yet */
		memcpy(entry.number, serial.ptr, serial.len);
	ok = journal_open(&journal, folder, clock_now(), err);
	if (ok) {
		ok = journal_add(&journal, &entry, what, clock_now(), err) &&
		     journal_sync(&journal, err);
		journal_close(&journal);
	}
	free(folder);
	return ok;
}

/* Signs with the key at hand: only `dirca ca init` does that; the daemon's signatures are the
 * vault's. */
static bool
sign_here(const struct config *config, EVP_PKEY *key, const struct pkix_tbs *tbs,
    struct buf *certificate_out, struct err *err)
{
	struct buf body = {0}, signature = {0};
	bool ok = pkix_tbs_encode(tbs, &body, err) &&
		  note_signed(config, buf_view(&body), tbs->serial, err) &&
		  ca_key_sign(key, buf_view(&body), &signature, err) &&
		  pkix_signed_wrap(
		      buf_view(&body), tbs->sig_alg, buf_view(&signature), certificate_out, err);

	buf_free(&body);
	buf_free(&signature);
	return ok;
}

static bool
write_pem(const struct config *config, const char *name, const char *label, const struct view *ders,
    size_t count, struct err *err)
{
	struct buf text = {0};
	char *path = config_path(config, name);
	bool ok = path != NULL || err_nomem(err);

	for (size_t i = 0; ok && i < count; i++)
		ok = pem_append(&text, label, ders[i], err);
	ok = ok && file_replace(path, buf_view(&text), 0644, err);
	buf_free(&text);
	free(path);
	return ok;
}

static bool
make_root(const struct config *config, EVP_PKEY *key, struct view name, int64_t now,
    int64_t validity, struct err *err)
{
	struct buf spki = {0}, sig_alg = {0}, certificate = {0};
	ext_list *list = sk_X509_EXTENSION_new_null();
	uint8_t serial[PKIX_SERIAL_LEN];
	bool ok = false;

	if (list == NULL || !pkix_key_spki(key, &spki, err) || !pkix_sig_alg(key, &sig_alg, err) ||
	    !ca_extensions(buf_view(&spki), list, err) || !pkix_new_serial(serial, err))
		goto out;
	const struct pkix_tbs tbs = {
	    .serial = view_of(serial, sizeof serial),
	    .sig_alg = buf_view(&sig_alg),
	    .issuer = name,
	    .not_before = now - PKIX_CLOCK_SKEW_S,
	    .not_after = now + validity,
	    .subject = name,
	    .spki = buf_view(&spki),
	    .extensions = list,
	};
	if (!sign_here(config, key, &tbs, &certificate, err))
		goto out;
	const struct view der = buf_view(&certificate);
	ok = write_pem(config, "ca.crt", PEM_STRING_X509, &der, 1, err);
out:
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&spki);
	buf_free(&sig_alg);
	buf_free(&certificate);
	return ok;
}

static bool
note_request(const struct config *config, struct view request, struct err *err)
{
	struct pkix_request r = {0};
	bool ok = pkix_request_decode(request, &r, err) &&
		  note_signed(config, r.info, view_of(NULL, 0), err);

	pkix_request_free(&r);
	return ok;
}

static bool
make_request(const struct config *config, EVP_PKEY *key, struct view name, struct err *err)
{
	struct buf spki = {0}, request = {0};
	ext_list *list = sk_X509_EXTENSION_new_null();
	bool ok = false;

	if (list == NULL || !pkix_key_spki(key, &spki, err) ||
	    !ca_extensions(buf_view(&spki), list, err) ||
	    !pkix_request_make(key, name, list, &request, err))
		goto out;
	const struct view der = buf_view(&request);
	ok = note_request(config, der, err) &&
	     write_pem(config, "ca.csr", PEM_STRING_X509_REQ, &der, 1, err);
out:
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&spki);
	buf_free(&request);
	return ok;
}

static bool
give_to(const struct config *config, const char *name, uid_t uid, gid_t gid, struct err *err)
{
	char *path = config_path(config, name);
	bool ok = path != NULL || err_nomem(err);

	if (ok && lchown(path, uid, gid) != 0 && errno != ENOENT)
		ok = err_errno(err, DIRCA_E_IO, "%s: cannot change its owner", path);
	free(path);
	return ok;
}

bool
ca_hand_over(const struct config *config, struct err *err)
{
	/* Never ".", kra/ or trust/: who may write there chooses whom keys are sealed to. */
	static const char *const front_files[] = {
	    "dirca.db", "dirca.db-wal", "dirca.db-shm", "tls.crt", "tls.key"};
	static const char *const vault_files[] = {"vault", "vault/ca.key", ("vault/" JOURNAL_FILE)};
	const struct {
		const char *user;
		const char *const *files;
		size_t count;
	} parts[] = {
	    {config->user, front_files, sizeof front_files / sizeof front_files[0]},
	    {config->vault_user, vault_files, sizeof vault_files / sizeof vault_files[0]},
	};

	if (geteuid() != 0)
		return true;
	for (size_t i = 0; i < 2; i++) {
		const struct passwd *pw = parts[i].user != NULL ? getpwnam(parts[i].user) : NULL;

		if (parts[i].user != NULL && pw == NULL)
			return err_set(err, DIRCA_E_CONFIG, "there is no user '%s'", parts[i].user);
		/* SQLite makes its files beside the database; the sticky bit keeps the rest root's.
		 */
		if (i == 0 && pw != NULL &&
		    (!give_to(config, ".", 0, pw->pw_gid, err) ||
			!give_to(config, "kra", 0, 0, err) ||
			!give_to(config, TRUST_FOLDER, 0, 0, err) ||
			!give_to(config, TRUST_FOLDER "/" TRUST_CHAIN, 0, 0, err)))
			return false;
		if (i == 0 && pw != NULL && chmod(config->state_dir, 01771) != 0)
			return err_errno(
			    err, DIRCA_E_IO, "%s: cannot set its mode", config->state_dir);
		for (size_t k = 0; pw != NULL && k < parts[i].count; k++)
			if (!give_to(config, parts[i].files[k], pw->pw_uid, pw->pw_gid, err))
				return false;
	}
	return true;
}

/* What a CA has once its certificate is there. */
static bool
finish(const struct config *config, EVP_PKEY *key, int64_t now, struct err *err)
{
	return ca_init_tls(config, key, now, err) && ca_hand_over(config, err);
}

bool
ca_init(const struct config *config, const struct ca_init *in, int64_t now, struct err *err)
{
	char *folder = config_path(config, "vault");
	struct buf name = {0};
	EVP_PKEY *key = NULL;
	bool ok = false;

	if (folder == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!in->subordinate && in->validity <= 0) {
		err_set(err, E_INVALIDARG,
		    "the CA certificate needs a validity of more than zero seconds");
		goto out;
	}
	if (!oids_init(err) || !subject_name(config, in, &name, err) ||
	    !make_folders(config, err) || !ca_key_create(folder, in->key, in->passphrase, err) ||
	    !ca_key_open(folder, in->passphrase, &key, err))
		goto out;
	if (in->subordinate)
		ok = make_request(config, key, buf_view(&name), err) && ca_hand_over(config, err);
	else
		ok = make_root(config, key, buf_view(&name), now, in->validity, err) &&
		     finish(config, key, now, err);
out:
	free(folder);
	buf_free(&name);
	EVP_PKEY_free(key);
	return ok || err_prefix(err, "making CA '%s'", config->ca_name);
}

/* Decodes a parent's answer, DER or PEM with exactly one certificate. */
static bool
read_certificate(struct view text, struct pkix_cert *out, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = false;

	*out = (struct pkix_cert){0};
	if (!pem_certificates(text, &list, &count, err))
		goto out;
	if (count != 1) {
		err_set(err, ERROR_INVALID_DATA, "%zu certificates where one is expected", count);
		goto out;
	}
	ok = pkix_cert_decode(buf_view(&list[0]), out, err);
out:
	pem_list_free(&list, count);
	return ok;
}

static bool
check_own(const struct pkix_cert *c, const EVP_PKEY *key, int64_t now, struct err *err)
{
	struct buf spki = {0};
	bool ok = false;

	if (!pkix_key_spki(key, &spki, err))
		goto out;
	if (!view_eq(buf_view(&spki), c->spki)) {
		err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificate is not for the key of this CA (ca.csr)");
		goto out;
	}
	if (!pkix_cert_is_ca(c)) {
		err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the certificate is no CA certificate: it needs basicConstraints CA, "
		    "keyCertSign and cRLSign");
		goto out;
	}
	if (now < c->not_before || now > c->not_after) {
		err_set(err, CERT_E_EXPIRED, "the certificate is not valid now");
		goto out;
	}
	ok = true;
out:
	buf_free(&spki);
	return ok;
}

static bool
check_issued_by(const struct pkix_cert *c, const struct pkix_cert *parent, struct err *err)
{
	EVP_PKEY *key = NULL;
	bool ok;

	if (!view_eq(c->issuer, parent->subject) || !pkix_cert_is_ca(parent))
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "a certificate of the chain was not issued by the one that follows it");
	ok = pkix_public_key(parent->spki, &key, err) &&
	     pkix_verify(key, c->sig_alg, c->tbs, c->signature, false, err);
	EVP_PKEY_free(key);
	return ok;
}

/* Each is issued by the next, the last by itself: a chain with an end that readers can trust. */
static bool
check_chain(const struct pkix_cert *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!check_issued_by(&list[i], &list[i + 1 < count ? i + 1 : i], err))
			return err_prefix(err, "certificate %zu of the chain", i + 1);
	return true;
}

static bool
write_chain(
    const struct config *config, const struct pkix_cert *list, size_t count, struct err *err)
{
	struct view ders[CONFIG_LIST_MAX + 1];

	for (size_t i = 0; i < count; i++)
		ders[i] = buf_view(&list[i].raw);
	return write_pem(config, "ca.crt", PEM_STRING_X509, ders, 1, err) &&
	       (count == 1 || write_pem(config, TRUST_FOLDER "/" TRUST_CHAIN, PEM_STRING_X509,
				  ders + 1, count - 1, err));
}

bool
ca_init_install(const struct config *config, struct view certificate, const struct view *chain,
    size_t chain_count, const struct secret *passphrase, int64_t now, struct err *err)
{
	struct pkix_cert list[CONFIG_LIST_MAX + 1] = {0};
	char *folder = config_path(config, "vault");
	EVP_PKEY *key = NULL;
	bool ok = false;

	if (folder == NULL) {
		err_nomem(err);
		goto out;
	}
	if (chain_count > CONFIG_LIST_MAX) {
		err_set(
		    err, E_INVALIDARG, "the chain has more than %d certificates", CONFIG_LIST_MAX);
		goto out;
	}
	if (!oids_init(err) || !ca_key_open(folder, passphrase, &key, err) ||
	    !read_certificate(certificate, &list[0], err))
		goto out;
	for (size_t i = 0; i < chain_count; i++)
		if (!read_certificate(chain[i], &list[i + 1], err))
			goto out;
	ok = check_own(&list[0], key, now, err) && check_chain(list, chain_count + 1, err) &&
	     write_chain(config, list, chain_count + 1, err) && finish(config, key, now, err);
out:
	for (size_t i = 0; i <= CONFIG_LIST_MAX; i++)
		pkix_cert_free(&list[i]);
	free(folder);
	EVP_PKEY_free(key);
	return ok || err_prefix(err, "installing the certificate of CA '%s'", config->ca_name);
}

static bool
tls_extensions(const struct config *config, struct view spki, const struct pkix_cert *ca,
    ext_list *list, struct err *err)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
	static char server_auth[] = "1.3.6.1.5.5.7.3.1";
	char *const ekus[] = {server_auth};
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct buf ca_key_id = {0};
	uint8_t key_id[KEY_ID_LEN];
	bool ok = names != NULL && ext_key_id(spki, key_id, err) &&
		  pkix_cert_ski(ca, &ca_key_id, err) &&
		  ext_push_key_usage(list, PKIX_KU_DIGITAL_SIGNATURE, true, err) &&
		  ext_push_eku(list, ekus, 1, false, err) &&
		  ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
		  ext_push_aki(list, buf_view(&ca_key_id), err) &&
		  ext_add_name(names, GEN_DNS, config->host, err) &&
		  ext_add_name(names, GEN_DNS, "localhost", err) &&
		  ext_add_address(names, loopback4, sizeof loopback4, err) &&
		  ext_add_address(names, loopback6, sizeof loopback6, err) &&
		  ext_push_san(list, names, false, err);

	GENERAL_NAMES_free(names);
	buf_free(&ca_key_id);
	return ok;
}

static bool
tls_certificate(const struct config *config, EVP_PKEY *ca_key, const struct pkix_cert *ca,
    struct view spki, int64_t now, struct buf *out, struct err *err)
{
	ext_list *list = sk_X509_EXTENSION_new_null();
	struct buf sig_alg = {0}, name = {0};
	uint8_t serial[PKIX_SERIAL_LEN];
	char *cn = dir_rdn_escape(config->host), *dn = cn != NULL ? text_printf("CN=%s", cn) : NULL;
	bool ok = false;

	if (list == NULL || dn == NULL) {
		err_nomem(err);
		goto out;
	}
	if (!pkix_name_from_dn(dn, NULL, &name, err) || !pkix_sig_alg(ca_key, &sig_alg, err) ||
	    !pkix_new_serial(serial, err) || !tls_extensions(config, spki, ca, list, err))
		goto out;
	const struct pkix_tbs tbs = {
	    .serial = view_of(serial, sizeof serial),
	    .sig_alg = buf_view(&sig_alg),
	    .issuer = ca->subject,
	    .not_before = now - PKIX_CLOCK_SKEW_S,
	    .not_after = now + TLS_VALIDITY < ca->not_after ? now + TLS_VALIDITY : ca->not_after,
	    .subject = buf_view(&name),
	    .spki = spki,
	    .extensions = list,
	};
	ok = sign_here(config, ca_key, &tbs, out, err);
out:
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&sig_alg);
	buf_free(&name);
	free(cn);
	free(dn);
	return ok;
}

static bool
write_tls_key(const struct config *config, EVP_PKEY *key, struct err *err)
{
	char *path = config_path(config, "tls.key");
	struct secret pem = {0};
	bool ok = path != NULL ? pkcs8_encode(key, NULL, &pem, err) &&
				     file_replace(path, secret_view(&pem), 0600, err)
			       : err_nomem(err);

	secret_free(&pem);
	free(path);
	return ok;
}

bool
ca_init_tls(const struct config *config, EVP_PKEY *ca_key, int64_t now, struct err *err)
{
	char *ca_path = config_path(config, "ca.crt");
	struct buf *cas = NULL, spki = {0}, certificate = {0};
	struct pkix_cert ca = {0};
	EVP_PKEY *key = NULL;
	size_t count = 0;
	bool ok = false;

	if (ca_path == NULL) {
		err_nomem(err);
		goto out;
	}
	if ((key = EVP_EC_gen("P-256")) == NULL) {
		err_openssl(err, DIRCA_E_CRYPTO, "cannot make the key of the TLS certificate");
		goto out;
	}
	if (!pem_certificates_file(ca_path, &cas, &count, err) ||
	    !pkix_cert_decode(buf_view(&cas[0]), &ca, err) || !pkix_key_spki(key, &spki, err) ||
	    !tls_certificate(config, ca_key, &ca, buf_view(&spki), now, &certificate, err))
		goto out;
	const struct view ders[] = {buf_view(&certificate), buf_view(&ca.raw)};
	ok = write_tls_key(config, key, err) &&
	     write_pem(config, "tls.crt", PEM_STRING_X509, ders, 2, err);
out:
	free(ca_path);
	pem_list_free(&cas, count);
	pkix_cert_free(&ca);
	EVP_PKEY_free(key);
	buf_free(&spki);
	buf_free(&certificate);
	return ok || err_prefix(err, "making the TLS certificate of '%s'", config->host);
}
