#include "service_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "extension.h"
#include "file.h"
#include "given.h"
#include "home_priv.h"
#include "own_openssl.h"
#include "pem.h"
#include "text.h"

bool
service_certificate_read(const struct config *config, struct pkix_cert *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "tls.crt");
	OWNED(pem_certs_free) struct pem_certs certs = {0};

	return given_leaves(path, &certs, err) &&
	       (pkix_cert_decode(buf_view(&certs.list[0]), out, err) ||
		   err_prefix(err, "%s", path));
}

bool
service_key_hash(const struct config *config, uint8_t out[SERVICE_KEY_HASH_LEN], struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!service_certificate_read(config, &cert, err))
		return false;
	return EVP_Digest(cert.spki.ptr, cert.spki.len, out, NULL, EVP_sha256(), NULL) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 failed");
}

static bool
tls_extensions(const struct config *config, struct view spki, const struct pkix_cert *ca,
    ext_list *list, struct err *err)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
	static char server_auth[] = "1.3.6.1.5.5.7.3.1";
	char *const ekus[] = {server_auth};
	OWNED(own_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
	OWNED(buf_free) struct buf ca_key_id = {0};
	uint8_t key_id[KEY_ID_LEN];

	if (names == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a list of names");
	return ext_key_id(spki, key_id, err) && pkix_cert_ski(ca, &ca_key_id, err) &&
	       ext_push_key_usage(list, PKIX_KU_DIGITAL_SIGNATURE, true, err) &&
	       ext_push_eku(list, ekus, 1, false, err) &&
	       ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
	       ext_push_aki(list, buf_view(&ca_key_id), err) &&
	       ext_add_name(names, GEN_DNS, config->host, err) &&
	       ext_add_name(names, GEN_DNS, "localhost", err) &&
	       ext_add_address(names, loopback4, sizeof loopback4, err) &&
	       ext_add_address(names, loopback6, sizeof loopback6, err) &&
	       ext_push_san(list, names, false, err);
}

bool
service_certificate_tbs(const struct config *config, struct view spki, const struct pkix_cert *ca,
    struct view sig_alg, int64_t now, uint8_t serial_out[PKIX_SERIAL_LEN], struct buf *tbs_out,
    struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();
	OWNED(own_memory) char *cn = dir_rdn_escape(config->host);
	OWNED(own_memory) char *dn = text_printf("CN=%s", cn);
	OWNED(buf_free) struct buf name = {0};
	int64_t until = now + SERVICE_VALIDITY_S;

	if (list == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a list of extensions");
	if (!pkix_name_from_dn(dn, NULL, &name, err) || !pkix_new_serial(serial_out, err) ||
	    !tls_extensions(config, spki, ca, list, err))
		return false;
	const struct pkix_tbs tbs = {
	    .serial = view_of(serial_out, PKIX_SERIAL_LEN),
	    .sig_alg = sig_alg,
	    .issuer = ca->subject,
	    .not_before = now - PKIX_CLOCK_SKEW_S,
	    .not_after = until < ca->not_after ? until : ca->not_after,
	    .subject = buf_view(&name),
	    .spki = spki,
	    .extensions = list,
	};
	return pkix_tbs_encode(&tbs, tbs_out, err);
}

bool
service_certificate_write(const struct config *config, struct view certificate,
    const struct pkix_cert *ca, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "tls.crt");
	OWNED(buf_free) struct buf text = {0};

	return pem_append(&text, PEM_STRING_X509, certificate, err) &&
	       pem_append(&text, PEM_STRING_X509, buf_view(&ca->raw), err) &&
	       file_replace(path, buf_view(&text), 0644, err);
}
