/* What is made with the CA's key at hand: keys, certificates, requests. */
#include "home_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "clock.h"
#include "file.h"
#include "journal.h"
#include "own_openssl.h"
#include "pem.h"

/* ---- key ---- */

static bool
check_kind(const struct home_key *k, const EVP_PKEY *key, struct err *err)
{
	return k->uri != NULL || ca_key_is_of_kind(key, k->kind) ||
	       err_set(err, ERROR_FILE_EXISTS,
		   "an earlier try has made a key of another kind than --key: use that kind, or "
		   "take its file away");
}

bool
home_key(const struct config *config, uint32_t index, const struct home_key *k, EVP_PKEY **out,
    struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (!(k->uri != NULL ? ca_key_refer(folder, index, k->uri, k->passphrase, err)
			     : ca_key_create(folder, index, k->kind, k->passphrase, err)) &&
	    err->code != ERROR_FILE_EXISTS)
		return false;
	if (!ca_key_open(folder, index, k->passphrase, &key, err) || !check_kind(k, key, err))
		return false;
	*out = own_give(&key);
	return true;
}

/* ---- certificates ---- */

ext_list *
home_extensions(struct err *err)
{
	ext_list *list = sk_X509_EXTENSION_new_null();

	if (list == NULL)
		err_openssl(err, DIRCA_E_CRYPTO, "a list of extensions");
	return list;
}

bool
home_push_ca(ext_list *list, struct view spki, uint32_t version, const struct pkix_cert *last,
    struct err *err)
{
	uint16_t usage = PKIX_KU_DIGITAL_SIGNATURE | PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN;
	uint8_t key_id[KEY_ID_LEN];

	return ext_key_id(spki, key_id, err) && ext_push_key_usage(list, usage, true, err) &&
	       ext_push_basic_constraints(list, true, -1, true, err) &&
	       ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
	       ext_push_ca_version(list, version, err) &&
	       (last == NULL ||
		   ext_push_previous_hash(list, view_of(last->sha1, sizeof last->sha1), err));
}

bool
home_note_signed(const struct config *config, struct view what, struct view serial, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");
	struct journal_entry entry = {.kind = JOURNAL_INIT};
	struct journal journal;
	bool ok;

	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	entry.number_len = serial.len;
	if (serial.len > 0) /* a request has none yet */
		memcpy(entry.number, serial.ptr, serial.len);
	if (!journal_open(&journal, folder, clock_now(), 0, err))
		return false;
	ok = journal_add(&journal, &entry, what, clock_now(), err) && journal_sync(&journal, err);
	journal_close(&journal);
	return ok;
}

bool
home_sign_here(const struct config *config, EVP_PKEY *key, struct view tbs, struct view serial,
    struct view sig_alg, struct buf *certificate_out, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};

	return home_note_signed(config, tbs, serial, err) &&
	       ca_key_sign(key, tbs, &signature, err) &&
	       pkix_signed_wrap(tbs, sig_alg, buf_view(&signature), certificate_out, err);
}

bool
home_certify(
    const struct config *config, const struct home_order *o, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf sig_alg = {0};
	OWNED(buf_free) struct buf body = {0};
	uint8_t serial[PKIX_SERIAL_LEN];

	if (!pkix_sig_alg(o->signer, &sig_alg, err) || !pkix_new_serial(serial, err))
		return false;
	const struct pkix_tbs tbs = {
	    .serial = view_of(serial, sizeof serial),
	    .sig_alg = buf_view(&sig_alg),
	    .issuer = o->name,
	    .not_before = o->now - PKIX_CLOCK_SKEW_S,
	    .not_after = o->not_after,
	    .subject = o->name,
	    .spki = o->spki,
	    .extensions = o->extensions,
	};
	return pkix_tbs_encode(&tbs, &body, err) &&
	       home_sign_here(
		   config, o->signer, buf_view(&body), tbs.serial, tbs.sig_alg, out, err);
}

/* ---- files ---- */

bool
home_write_pem(const struct config *config, const char *name, const char *label,
    const struct view *ders, size_t count, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, name);
	OWNED(buf_free) struct buf text = {0};

	for (size_t i = 0; i < count; i++)
		if (!pem_append(&text, label, ders[i], err))
			return false;
	return file_replace(path, buf_view(&text), 0644, err);
}

bool
home_write_request(const struct config *config, EVP_PKEY *key, struct view name,
    const ext_list *list, struct err *err)
{
	OWNED(buf_free) struct buf request = {0};
	OWNED(pkix_request_free) struct pkix_request decoded = {0};

	if (!pkix_request_make(key, name, list, &request, err))
		return false;
	const struct view der = buf_view(&request);
	return pkix_request_decode(der, &decoded, err) &&
	       home_note_signed(config, decoded.info, view_of(NULL, 0), err) &&
	       home_write_pem(config, "ca.csr", PEM_STRING_X509_REQ, &der, 1, err);
}
