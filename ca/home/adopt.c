#include "adopt.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ca_issuers.h"
#include "ca_key.h"
#include "file.h"
#include "home_priv.h"
#include "init.h"
#include "kv.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pkix.h"
#include "renew.h"
#include "text.h"
#include "trust.h"

#define RSA_BITS_MIN 2048

#define HELD " hold"

/* One certificate of the PFX. */
struct found {
	struct pkix_cert cert;
	uint32_t version;
	EVP_PKEY *key; /* borrowed; NULL: not in the PFX */
};

struct adoption {
	const struct config *config;
	const struct ca_adopt *in;
	int64_t now;
	struct found *found;
	size_t count;
	const struct found *own[CA_ISSUERS_MAX]; /* the newest first */
	size_t own_count;
	struct ca_issuers issuers; /* the same */
	struct pkix_certs chain;   /* the newest and its parents */
	struct ca_adopted mark;
	struct buf revoked; /* TRUST_REVOKED: a serial number a line, behind it HELD */
};

static void
adoption_free(struct adoption *a)
{
	for (size_t i = 0; i < a->count; i++)
		pkix_cert_free(&a->found[i].cert);
	free(a->found);
	ca_issuers_free(&a->issuers);
	buf_free(&a->revoked);
	pkix_certs_free(&a->chain);
}

/* ---- what is in the PFX ---- */

static bool
find_key(const struct adoption *a, struct found *f, struct err *err)
{
	const struct pfx_content *from = a->in->from;

	for (size_t i = 0; f->key == NULL && i < from->key_count; i++) {
		OWNED(buf_free) struct buf spki = {0};

		if (!pkix_key_spki(from->keys[i].key, &spki, err))
			return false;
		if (view_eq(buf_view(&spki), f->cert.spki))
			f->key = from->keys[i].key;
	}
	return true;
}

static bool
has_certificate(const struct adoption *a, struct view der)
{
	for (size_t i = 0; i < a->count; i++)
		if (view_eq(buf_view(&a->found[i].cert.raw), der))
			return true;
	return false;
}

static bool
read_certificate(struct adoption *a, const struct pfx_entry *from, struct err *err)
{
	struct view der = buf_view(&from->certificate);
	struct found *f;

	if (der.len == 0 || has_certificate(a, der))
		return true;
	a->found = mem_grow(a->found, a->count, sizeof *a->found);
	f = &a->found[a->count];
	*f = (struct found){0};
	if (!pkix_cert_decode(der, &f->cert, err))
		return false;
	a->count++;
	return find_key(a, f, err);
}

static bool
read_found(struct adoption *a, struct err *err)
{
	const struct pfx_content *from = a->in->from;

	for (size_t i = 0; i < from->key_count; i++)
		if (!read_certificate(a, &from->keys[i], err))
			return false;
	for (size_t i = 0; i < from->other_count; i++)
		if (!read_certificate(a, &from->others[i], err))
			return false;
	return true;
}

/* A CA's own keys vouch for each other in certificates of its name, too. */
static bool
is_cross(const struct pkix_cert *c)
{
	return view_eq(c->subject, c->issuer) && !pkix_cert_is_signed_by(c, c, true);
}

static const struct found *
first_with_key(const struct adoption *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->found[i].key != NULL)
			return &a->found[i];
	return NULL;
}

static int
newest_first(const void *left, const void *right)
{
	const struct found *l = *(const struct found *const *)left,
			   *r = *(const struct found *const *)right;
	uint32_t a = CA_VERSION_CERTIFICATE(l->version), b = CA_VERSION_CERTIFICATE(r->version);

	return a < b ? 1 : a > b ? -1 : 0;
}

static bool
find_own(struct adoption *a, struct err *err)
{
	const struct found *first = first_with_key(a);
	struct view ders[CA_ISSUERS_MAX];

	if (first == NULL)
		return err_set(err, DIRCA_E_KEY_MISMATCH,
		    "the PFX has %zu private keys and %zu certificates, and none of them belong "
		    "together",
		    a->in->from->key_count, a->count);
	for (size_t i = 0; i < a->count; i++) {
		struct found *f = &a->found[i];

		if (f->key != NULL && !view_eq(f->cert.subject, first->cert.subject))
			return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
			    "the PFX has keys of certificates with different names");
		if (!view_eq(f->cert.subject, first->cert.subject) || is_cross(&f->cert))
			continue;
		if (!pkix_cert_ca_version(&f->cert, &f->version, err))
			return false;
		if (a->own_count == CA_ISSUERS_MAX)
			return err_set(err, DIRCA_E_TOO_LARGE,
			    "the CA has more than %d certificates", CA_ISSUERS_MAX);
		a->own[a->own_count++] = f;
	}
	qsort(a->own, a->own_count, sizeof(a->own[0]), newest_first);
	for (size_t i = 0; i < a->own_count; i++)
		ders[i] = buf_view(&a->own[i]->cert.raw);
	return ca_issuers_make(ders, a->own_count, &a->issuers, err);
}

/* ---- whether it is a CA that can go on here ---- */

static bool
check_key(const struct found *f, struct err *err)
{
	OWNED(own_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, f->key, NULL);

	if (EVP_PKEY_is_a(f->key, "RSA") && EVP_PKEY_get_bits(f->key) < RSA_BITS_MIN)
		return err_set(err, NTE_BAD_ALGID, "an RSA key of %d bits: at least %d are wanted",
		    EVP_PKEY_get_bits(f->key), RSA_BITS_MIN);
	return (ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1) ||
	       err_openssl(err, DIRCA_E_KEY_MISMATCH,
		   "a private key of the PFX is not the other half of its public key");
}

/* The newest key signs certificates, and each that has a certificate within its time a CRL. */
static bool
check_keys(const struct adoption *a, struct err *err)
{
	for (size_t i = 0; i < a->own_count; i++) {
		const struct found *f = a->own[i];
		uint32_t version = f->version;

		if (f->key != NULL && !check_key(f, err))
			return false;
		if (f->key == NULL && ca_issuers_signs_crl(&a->issuers, i, a->now))
			return err_set(err, DIRCA_E_KEY_MISMATCH,
			    "CA version %u.%u needs its key, which is not in the PFX",
			    CA_VERSION_CERTIFICATE(version), CA_VERSION_KEY(version));
	}
	return true;
}

/* AD CS names a CA by the CN of its certificate. */
static bool
check_name(const struct adoption *a, struct err *err)
{
	OWNED(own_memory)
	char *cn = pkix_name_value(a->own[0]->cert.subject, NID_commonName);

	if (cn == NULL)
		return err_set(err, CERTSRV_E_INVALID_CA_CERTIFICATE,
		    "the subject of the CA certificate has no common name");
	return strcmp(cn, a->config->ca_name) == 0 ||
	       err_set(err, DIRCA_E_CONFIG,
		   "the CA of the PFX is '%s', dircad.conf says '%s': write ca_name = %s", cn,
		   a->config->ca_name, cn);
}

static bool
check_chain(struct adoption *a, struct err *err)
{
	OWNED(own_memory)
	struct view *pool = mem_zero(a->count + a->in->chain_count, sizeof *pool);
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++)
		pool[count++] = buf_view(&a->found[i].cert.raw);
	for (size_t i = 0; i < a->in->chain_count; i++)
		pool[count++] = a->in->chain[i];
	return pkix_certs_add(&a->chain, buf_view(&a->own[0]->cert.raw), err) &&
	       trust_parents(&a->chain, pool, count, err) &&
	       home_check_chain(a->chain.list, a->chain.count, err);
}

/* What a delta CRL takes away was on hold in its base CRL. */
static bool
note_revoked(void *arg, struct view serial, int reason, struct err *err)
{
	struct adoption *a = arg;
	OWNED(own_memory) char *number = pkix_serial_text(serial);
	OWNED(own_memory) char *line = NULL;

	if (reason == CRL_REASON_REMOVE_FROM_CRL)
		return true;
	line = text_printf("%s%s\n", number, reason == CRL_REASON_CERTIFICATE_HOLD ? HELD : "");
	a->mark.revoked++;
	return buf_append(&a->revoked, view_str(line), err);
}

static bool
read_crl(struct adoption *a, struct view der, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < a->issuers.count; i++) {
		int64_t number;

		if (!pkix_crl_number(der, a->issuers.list[i].key, &number, &why))
			continue;
		if (number > a->mark.crl_number)
			a->mark.crl_number = number;
		return pkix_crl_walk(der, note_revoked, a, err);
	}
	return err_set(err, why.code, "%s: it is not one of this CA's", why.msg);
}

static bool
read_crls(struct adoption *a, struct err *err)
{
	a->mark.crl_number = a->in->crl_number;
	for (size_t i = 0; i < a->in->crl_count; i++)
		if (!read_crl(a, a->in->crls[i], err))
			return false;
	return true;
}

/* ---- what is there already ---- */

static bool
check_key_file(const struct adoption *a, const struct found *f, bool *there_out, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(a->config, "vault");
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(own_memory) char *name = NULL;
	char file[CA_KEY_NAME_MAX];

	ca_key_name(CA_VERSION_KEY(f->version), file);
	name = text_printf("vault/%s", file);
	if (!(*there_out = home_has(a->config, name)))
		return true;
	return ca_key_open(folder, CA_VERSION_KEY(f->version), a->in->passphrase, &key, err) &&
	       (pkix_same_key(key, f->key) || err_set(err, ERROR_FILE_EXISTS,
						  "%s/%s is another CA's key: nothing is "
						  "overwritten",
						  a->config->state_dir, name));
}

static bool
check_certificates(const struct adoption *a, struct err *err)
{
	OWNED(own_memory) char *path = config_path(a->config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers there = {0};

	if (!home_has(a->config, "ca.crt"))
		return true;
	if (home_has(a->config, "tls.crt") && home_has(a->config, "dirca.db"))
		return err_set(err, ERROR_FILE_EXISTS,
		    "%s: this CA is made already; nothing is overwritten", a->config->state_dir);
	return ca_issuers_read(path, &there, err) &&
	       (view_eq(buf_view(&there.list[0].cert.raw), buf_view(&a->own[0]->cert.raw)) ||
		   err_set(
		       err, ERROR_FILE_EXISTS, "%s is another CA's: nothing is overwritten", path));
}

static bool
check_place(const struct adoption *a, struct err *err)
{
	bool there;

	for (size_t i = 0; i < a->own_count; i++)
		if (a->own[i]->key != NULL && !check_key_file(a, a->own[i], &there, err))
			return false;
	return check_certificates(a, err);
}

/* ---- files ---- */

static bool
write_mark(const struct adoption *a, struct err *err)
{
	OWNED(own_memory) char *path = config_path(a->config, TRUST_FOLDER "/" TRUST_ADOPTED);
	OWNED(own_memory) char *list = config_path(a->config, TRUST_FOLDER "/" TRUST_REVOKED);
	OWNED(own_memory)
	char *text = text_printf("# Written by `dirca ca init --import-pfx`.\n"
				 "crl_number = %lld\nrevoked = %lld\n",
	    (long long)a->mark.crl_number, (long long)a->mark.revoked);

	return file_replace(list, buf_view(&a->revoked), 0644, err) &&
	       file_replace(path, view_str(text), 0644, err);
}

static bool
write_key(const struct adoption *a, const struct found *f, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(a->config, "vault");
	uint32_t index = CA_VERSION_KEY(f->version);
	bool there;

	return check_key_file(a, f, &there, err) &&
	       (there || ca_key_import(folder, index, f->key, a->in->passphrase, err)) &&
	       home_give_key(a->config, index, err);
}

static bool
write_keys(const struct adoption *a, struct err *err)
{
	for (size_t i = 0; i < a->own_count; i++)
		if (a->own[i]->key != NULL && !write_key(a, a->own[i], err))
			return false;
	return true;
}

static bool
write_crosses(const struct adoption *a, struct err *err)
{
	OWNED(own_memory) struct view *ders = mem_zero(a->count + 1, sizeof *ders);
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++)
		if (view_eq(a->found[i].cert.subject, a->own[0]->cert.subject) &&
		    is_cross(&a->found[i].cert))
			ders[count++] = buf_view(&a->found[i].cert.raw);
	return count == 0 ||
	       home_write_pem(a->config, CROSS_FILE, PEM_STRING_X509, ders, count, err);
}

static bool
write_certificates(const struct adoption *a, struct err *err)
{
	struct view ders[CA_ISSUERS_MAX];

	for (size_t i = 0; i < a->own_count; i++)
		ders[i] = buf_view(&a->own[i]->cert.raw);
	return home_write_pem(a->config, "ca.crt", PEM_STRING_X509, ders, a->own_count, err);
}

static bool
verify(struct adoption *a, struct err *err)
{
	return oids_init(err) && home_check_users(a->config, err) && read_found(a, err) &&
	       find_own(a, err) && check_name(a, err) &&
	       home_check_time(&a->own[0]->cert, a->now, err) && check_keys(a, err) &&
	       check_chain(a, err) && read_crls(a, err) && check_place(a, err);
}

static bool
write_files(const struct adoption *a, struct err *err)
{
	return home_make_folders(a->config, err) && write_mark(a, err) && write_keys(a, err) &&
	       home_write_chain(a->config, &a->chain, err) && write_crosses(a, err) &&
	       write_certificates(a, err) && ca_init_tls(a->config, a->own[0]->key, a->now, err) &&
	       home_hand_over(a->config, err);
}

bool
ca_adopt(const struct config *config, const struct ca_adopt *in, int64_t now, struct err *err)
{
	OWNED(adoption_free)
	struct adoption a = {.config = config, .in = in, .now = now};

	return (verify(&a, err) && write_files(&a, err)) ||
	       err_prefix(err, "taking over CA '%s'", config->ca_name);
}

/* ---- what is remembered ---- */

static bool
read_line(void *arg, const char *name, const char *value, struct err *err)
{
	struct ca_adopted *out = arg;
	int64_t *number = strcmp(name, "crl_number") == 0 ? &out->crl_number
			  : strcmp(name, "revoked") == 0  ? &out->revoked
							  : NULL;

	if (number == NULL)
		return err_set(err, DIRCA_E_CONFIG, "there is no '%s'", name);
	return text_to_int(value, 0, INT64_MAX, number) ||
	       err_set(err, DIRCA_E_CONFIG, "'%s' is no number", name);
}

bool
ca_adopted_read(const struct config *config, struct ca_adopted *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, TRUST_FOLDER "/" TRUST_ADOPTED);
	OWNED(buf_free) struct buf text = {0};

	*out = (struct ca_adopted){0};
	if (!home_has(config, TRUST_FOLDER "/" TRUST_ADOPTED))
		return true;
	return trust_read(config->state_dir, TRUST_ADOPTED, &text, err) &&
	       kv_read_text(path, buf_view(&text), read_line, out, err);
}

bool
ca_adopted_revoked(const struct config *config, ca_adopted_each *each, void *arg, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, TRUST_FOLDER);
	OWNED(own_memory) char *path = config_path(config, TRUST_FOLDER "/" TRUST_REVOKED);
	OWNED(own_memory) char *text = NULL;
	OWNED(buf_free) struct buf list = {0};
	char *rest, *line;

	if (!file_check_folder(folder, err) || !file_read_owned(path, PKIX_CRL_MAX, &list, err))
		return false;
	text = mem_text_n((const char *)list.ptr, list.len);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		char *held = strstr(line, HELD);

		if (held != NULL)
			*held = '\0';
		if (*line != '\0' && !each(arg, line, held != NULL, err))
			return false;
	}
	return true;
}
