#include "client_key.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkcs8.h"
#include "pkix.h"

#define KEY_FILE_MAX 65536

/* Before the PEM, which every reader of PEM passes over (RFC 7468 2). */
static const char mark[] = "Kept by `dirca enroll` until its certificate is there.\n";

static const struct {
	const char *name, *curve;
	int bits;
} kinds[] = {
    {"rsa2048", NULL, 2048},
    {"rsa3072", NULL, 3072},
    {"rsa4096", NULL, 4096},
    {"p256", "P-256", 0},
    {"p384", "P-384", 0},
};

/* NULL where the template names no elliptic curve algorithm. */
static bool
curve_of_template(const struct tmpl *t, const char **out, struct err *err)
{
	struct tmpl_key_rule rule;
	int bits;

	*out = NULL;
	if (!tmpl_key_rule(t, &rule, err))
		return false;
	if (rule.algorithm == NULL || strcmp(rule.algorithm, "EC") != 0)
		return true;
	bits = t->min_key_size > rule.curve_bits ? t->min_key_size : rule.curve_bits;
	*out = bits > 384 ? "P-521" : bits > 256 ? "P-384" : "P-256";
	return true;
}

static bool
find_kind(const char *kind, const char **curve_out, int *bits_out, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0) {
			*curve_out = kinds[i].curve;
			*bits_out = kinds[i].bits;
			return true;
		}
	return err_set(err, DIRCA_E_USAGE,
	    "key kind %s is unknown: rsa2048, rsa3072, rsa4096, p256 or p384", kind);
}

bool
client_key_generate(const char *curve, int bits, EVP_PKEY **out, struct err *err)
{
	*out = curve != NULL ? EVP_EC_gen(curve) : EVP_RSA_gen((unsigned)bits);
	return *out != NULL || err_openssl(err, DIRCA_E_CRYPTO, "the key could not be made");
}

bool
client_key_make(const char *kind, const struct tmpl *t, EVP_PKEY **out, struct err *err)
{
	const char *curve = NULL;
	int bits = t->min_key_size > 2048 ? t->min_key_size : 2048;

	*out = NULL;
	if (!(kind != NULL ? find_kind(kind, &curve, &bits, err)
			   : curve_of_template(t, &curve, err)))
		return false;
	return client_key_generate(curve, bits, out, err);
}

bool
client_key_save(const char *path, EVP_PKEY *key, const struct secret *password, struct err *err)
{
	OWNED(secret_free) struct secret pem = {0};
	OWNED(secret_free) struct secret file = {0};

	if (!pkcs8_encode(key, password, &pem, err) ||
	    !secret_alloc(strlen(mark) + pem.len, &file, err))
		return false;
	memcpy(file.ptr, mark, strlen(mark));
	memcpy(file.ptr + strlen(mark), pem.ptr, pem.len);
	return file_create(path, secret_view(&file), 0600, err);
}

bool
client_key_was_saved(const char *path, struct err *err)
{
	OWNED(secret_free) struct secret file = {0};

	if (!file_read_secret(path, KEY_FILE_MAX, &file, err))
		return false;
	return (file.len >= strlen(mark) && memcmp(file.ptr, mark, strlen(mark)) == 0) ||
	       err_set(err, ERROR_FILE_EXISTS,
		   "%s exists, and is no key that `dirca enroll` kept: name another file with "
		   "--out",
		   path);
}

bool
client_key_load(const char *path, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	OWNED(secret_free) struct secret file = {0};
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = NULL;
	if (!file_read_secret(path, KEY_FILE_MAX, &file, err))
		return false;
	if (!material_read(secret_view(&file), password, 1, &c, err) ||
	    (c.key_count == 0 && !err_set(err, ERROR_INVALID_DATA, "no private key is in it")))
		return given_failed(path, secret_view(&file), GIVEN_KEY, err);
	if (c.key_count > 1)
		return err_set(err, ERROR_INVALID_DATA,
		    "%s: one private key is wanted, and there are several in it", path);
	*out = own_give(&c.keys[0].key);
	return true;
}

bool
client_key_is_of(EVP_PKEY *key, struct view certificate, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *public = NULL;

	if (!pkix_cert_decode(certificate, &cert, err) || !pkix_public_key(cert.spki, &public, err))
		return false;
	if (pkix_same_key(key, public))
		return true;
	OWNED(own_memory) char *subject = pkix_name_text(cert.subject);
	OWNED(own_memory) char *serial = pkix_serial_text(cert.serial);

	return err_set(err, DIRCA_E_KEY_MISMATCH,
	    "the private key does not belong to the certificate %s of %s",
	    serial != NULL ? serial : "?", subject != NULL ? subject : "?");
}

bool
client_key_failed(const char *path, struct err *err)
{
	return err->code == DIRCA_E_KEY_MISMATCH && err_prefix(err, "%s", path);
}
