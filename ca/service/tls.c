#include "tls.h"

#include <sys/stat.h>

#include "file.h"
#include "given.h"
#include "own.h"
#include "pkix.h"
#include "text.h"

#define KEY_FILE_MAX (1024 * 1024)

OWN_POINTER(own_ssl_ctx, SSL_CTX, SSL_CTX_free)

/* Whose the certificate is, is asked when a request comes; that its key is the client's, here. */
static int
let_through(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* A client may have a certificate of this CA; it is told which CA is meant. */
static bool
ask_for_certificate(const struct config *config, SSL_CTX *ctx, struct err *err)
{
	static const unsigned char session_context[] = "dirca";
	OWNED(own_memory) char *ca = config_path(config, "ca.crt");
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);

	if (names == NULL ||
	    SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context) != 1)
		return err_openssl(err, DIRCA_E_CONFIG, "%s: no certificate of a CA", ca);
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, let_through);
	return true;
}

/* Nobody is there to be asked for a password. */
static bool
read_keys(const char *path, struct pfx_content *out, struct err *err)
{
	OWNED(secret_free) struct secret file = {0};

	if (!file_read_secret(path, KEY_FILE_MAX, &file, err))
		return false;
	if (material_read(secret_view(&file), NULL, 0, out, err) &&
	    (out->key_count > 0 || err_set(err, ERROR_INVALID_DATA, "no private key is in it")))
		return true;
	return given_failed(path, secret_view(&file), GIVEN_KEY, err);
}

/* The key and its certificate; what else is in that file is the chain, in its order. */
static bool
read_pair(const char *crt, const char *key, struct pfx *out, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content file = {0}, both = {0};
	OWNED(pem_certs_free) struct pem_certs certs = {0};
	bool ok = given_certificates(crt, &certs, err) && read_keys(key, &file, err);

	for (size_t i = 0; ok && i < file.key_count; i++)
		ok = pfx_add_key(&both, file.keys[i].key, (struct view){0}, NULL, err);
	for (size_t i = 0; ok && i < certs.count; i++)
		ok = pfx_add_certificate(&both, buf_view(&certs.list[i]), NULL, err) ||
		     err_prefix(err, "%s", crt);
	return ok && (pfx_pair(&both, out) ||
			 err_set(err, DIRCA_E_KEY_MISMATCH,
			     "%s and %s: not a certificate and its key; `dirca ca init` makes them",
			     crt, key));
}

static bool
use_chain(SSL_CTX *ctx, const struct pfx *pair)
{
	for (size_t i = 0; i < pair->other_count; i++) {
		const unsigned char *p = pair->others[i].ptr;
		X509 *one = d2i_X509(NULL, &p, (long)pair->others[i].len);

		if (one == NULL || SSL_CTX_add0_chain_cert(ctx, one) != 1) {
			X509_free(one);
			return false;
		}
	}
	return true;
}

static bool
use_files(SSL_CTX *ctx, const char *crt, const char *key, struct err *err)
{
	OWNED(pfx_free) struct pfx pair = {0};

	if (!read_pair(crt, key, &pair, err))
		return false;
	return (SSL_CTX_use_certificate_ASN1(
		    ctx, (int)pair.certificate.len, pair.certificate.ptr) == 1 &&
		   SSL_CTX_use_PrivateKey(ctx, pair.key) == 1 && use_chain(ctx, &pair)) ||
	       err_openssl(err, DIRCA_E_CONFIG, "%s and %s: TLS cannot use them", crt, key);
}

bool
tls_server_context(const struct config *config, SSL_CTX **out, struct err *err)
{
	OWNED(own_ssl_ctx) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	OWNED(own_memory) char *crt = config_path(config, "tls.crt");
	OWNED(own_memory) char *key = config_path(config, "tls.key");

	*out = NULL;
	if (ctx == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a TLS context");
	if (!use_files(ctx, crt, key, err)) {
		err->code = DIRCA_E_CONFIG;
		return false;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "the cipher list was refused");
	if (config->auth_certificate && !ask_for_certificate(config, ctx, err))
		return false;
	*out = own_give(&ctx);
	return true;
}

void
tls_files_look(const struct config *config, struct tls_files *out)
{
	static const char *const names[] = {"tls.crt", "tls.key"};

	*out = (struct tls_files){0};
	for (size_t i = 0; i < 2; i++) {
		OWNED(own_memory) char *path = config_path(config, names[i]);
		struct stat st;

		if (stat(path, &st) != 0)
			continue;
		out->seen[3 * i] = (int64_t)st.st_ino;
		out->seen[3 * i + 1] = st.st_mtim.tv_sec;
		out->seen[3 * i + 2] = st.st_mtim.tv_nsec;
	}
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
