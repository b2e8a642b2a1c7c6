#include "tls.h"

#include <stdlib.h>

#include "pkix.h"
#include "text.h"

bool
tls_server_context(const struct config *config, SSL_CTX **out, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char *crt = config_path(config, "tls.crt"), *key = config_path(config, "tls.key");
	bool ok = false;

	*out = NULL;
	if (ctx == NULL || crt == NULL || key == NULL) {
		err_nomem(err);
		goto out;
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, crt) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		err_openssl(err, DIRCA_E_CONFIG,
		    "%s and %s: not a certificate and its key; `dirca ca init` makes them", crt,
		    key);
		goto out;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		err_openssl(err, DIRCA_E_CRYPTO, "the cipher list was refused");
		goto out;
	}
	*out = ctx;
	ctx = NULL;
	ok = true;
out:
	free(crt);
	free(key);
	SSL_CTX_free(ctx);
	return ok;
}

bool
tls_end_point(const SSL_CTX *ctx, struct buf *out, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_X509(SSL_CTX_get0_certificate(ctx), &der);
	bool ok = len > 0 ? pkix_end_point(view_of(der, (size_t)len), out, err)
			  : err_openssl(err, DIRCA_E_CRYPTO, "the certificate of the service");

	OPENSSL_free(der);
	return ok;
}
