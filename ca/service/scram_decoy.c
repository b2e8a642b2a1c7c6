#include "scram_decoy.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "file.h"
#include "own.h"
#include "text.h"

#define SECRET_LEN 32
#define HASH_LEN   32

static bool
make_secret(const char *path, struct err *err)
{
	uint8_t raw[SECRET_LEN];
	bool ok = RAND_bytes(raw, sizeof raw) == 1
		      ? file_create(path, view_of(raw, sizeof raw), 0600, err)
		      : err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");

	OPENSSL_cleanse(raw, sizeof raw);
	return ok;
}

bool
scram_decoy_secret(const char *path, struct secret *out, struct err *err)
{
	if (!file_read_secret(path, SECRET_LEN, out, err) &&
	    (err->code != ERROR_FILE_NOT_FOUND || !make_secret(path, err) ||
		!file_read_secret(path, SECRET_LEN, out, err)))
		return false;
	if (out->len == SECRET_LEN)
		return true;
	secret_free(out);
	return err_set(err, ERROR_INVALID_DATA,
	    "%s has not %d bytes: remove it, and a new one is made at the next start", path,
	    SECRET_LEN);
}

/* base64 of the first `len` bytes of HMAC-SHA-256(secret, use || account); NULL if OpenSSL fails.
 */
static char *
derive(const struct secret *secret, char use, const char *account, size_t len)
{
	OWNED(own_memory) char *text = text_printf("%c%s", use, account);
	uint8_t hash[HASH_LEN];
	unsigned n = 0;

	if (HMAC(EVP_sha256(), secret->ptr, (int)secret->len, (const uint8_t *)text, strlen(text),
		hash, &n) == NULL)
		return NULL;
	return base64_encode(view_of(hash, len));
}

bool
scram_decoy(
    const struct secret *secret, const char *account, const char *real, char **out, struct err *err)
{
	OWNED(own_memory) char *salt = derive(secret, 's', account, SCRAM_DECOY_SALT_LEN);
	OWNED(own_memory) char *stored = derive(secret, 'k', account, HASH_LEN);
	OWNED(own_memory) char *server = derive(secret, 'v', account, HASH_LEN);
	const char *keys = real != NULL ? strrchr(real, '$') : NULL;

	*out = NULL;
	if (salt == NULL || stored == NULL || server == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "HMAC-SHA-256 failed");
	*out = keys != NULL ? text_printf("%.*s$%s:%s", (int)(keys - real), real, stored, server)
			    : text_printf("SCRAM-SHA-256$%d:%s$%s:%s", SCRAM_DECOY_ITERATIONS, salt,
				  stored, server);
	return true;
}
