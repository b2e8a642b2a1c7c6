#include "service_key.h"

#include <openssl/evp.h>

#include "own.h"
#include "pem.h"
#include "pkix.h"

bool
service_key_hash(const struct config *config, uint8_t out[SERVICE_KEY_HASH_LEN], struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "tls.crt");
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = pem_certificates_file(path, &list, &count, err) &&
		  pkix_cert_decode(buf_view(&list[0]), &cert, err);

	pem_list_free(&list, count);
	if (!ok)
		return false;
	return EVP_Digest(cert.spki.ptr, cert.spki.len, out, NULL, EVP_sha256(), NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 failed");
}
