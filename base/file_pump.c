#include "file_pump.h"

#include <errno.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "file.h"
#include "own.h"

OWN_POINTER(own_digest, EVP_MD_CTX, EVP_MD_CTX_free)

static bool
pump(int from, int to, EVP_MD_CTX *hash, int64_t *size_out)
{
	uint8_t bytes[65536];
	ssize_t n;

	*size_out = 0;
	while ((n = read(from, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (to >= 0 && !file_write_all(to, view_of(bytes, (size_t)n))))
			return false;
		if (EVP_DigestUpdate(hash, bytes, (size_t)n) != 1)
			return false;
		*size_out += n;
	}
	return true;
}

bool
file_pump(
    int from, int to, const char *name, int64_t *size_out, uint8_t sha256_out[32], struct err *err)
{
	OWNED(own_digest) EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of %s", name);
	if (!pump(from, to, hash, size_out))
		return err_errno(
		    err, DIRCA_E_IO, "%s: cannot be %s", name, to >= 0 ? "copied" : "read");
	return EVP_DigestFinal_ex(hash, sha256_out, NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of %s", name);
}
