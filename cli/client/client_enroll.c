#include "client_enroll.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "client_xchg.h"
#include "cmc.h"
#include "extension.h"
#include "file.h"
#include "keyblob.h"
#include "own_openssl.h"
#include "pfx.h"
#include "text.h"

#define PFX_MAX 262144

/* Template extension of a request: 20.2 with the cn for version 1, 21.7 with OID and versions from
 * 2 on ([MS-WCCE] 3.1.2.4.2.3). */
static bool
push_template(ext_list *list, const struct tmpl *t, struct err *err)
{
	if (t->schema_version < 2 || t->oid == NULL)
		return ext_push_template_name(list, t->cn, err);
	return ext_push_template_info(list, t->oid, t->major, t->minor, err);
}

static bool
push_dns_names(ext_list *list, const char *const *names, size_t count, struct err *err)
{
	OWNED(own_general_names) GENERAL_NAMES *san = GENERAL_NAMES_new();

	if (san == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "the DNS names");
	for (size_t i = 0; i < count; i++)
		if (!ext_add_name(san, GEN_DNS, names[i], err))
			return false;
	return ext_push_san(list, san, false, err);
}

static bool
make_pkcs10(const struct client_enroll *in, struct buf *out, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *extensions = sk_X509_EXTENSION_new_null();
	OWNED(buf_free) struct buf subject = {0};

	if (extensions == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "the extensions");
	if (!push_template(extensions, in->tmpl, err) ||
	    (in->dns_count > 0 && !push_dns_names(extensions, in->dns, in->dns_count, err)) ||
	    (in->subject != NULL && !pkix_name_from_dn(in->subject, NULL, &subject, err)))
		return false;
	return pkix_request_make_renewal(in->key, buf_view(&subject), extensions,
	    in->renews != NULL ? buf_view(&in->renews->certificate) : (struct view){0}, out, err);
}

struct sealed_key {
	struct buf payload; /* empty: none */
	uint8_t xchg_sha256[CMC_BINDING_HASH_LEN];
};

/* The private key, encrypted to the exchange certificate ([MS-WCCE] 3.1.1.4.3.6.1) with the cipher
 * that the template names: PKCS#1 v1.5 as the format demands. */
static bool
seal_key(struct http_client *http, const struct client_enroll *in, struct sealed_key *out,
    struct err *err)
{
	static const enum cms_cipher ciphers[] = {
	    [TMPL_CIPHER_AES_256] = CMS_AES_256_CBC,
	    [TMPL_CIPHER_AES_192] = CMS_AES_192_CBC,
	    [TMPL_CIPHER_AES_128] = CMS_AES_128_CBC,
	    [TMPL_CIPHER_3DES] = CMS_3DES_CBC,
	};
	OWNED(pkix_cert_free) struct pkix_cert xchg = {0};
	OWNED(secret_free) struct secret blob = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	enum tmpl_cipher cipher;
	struct cms_kra to;

	if (!tmpl_transport_cipher(in->tmpl, &cipher, err) ||
	    !client_xchg_fetch(http, in->service->name, buf_view(&in->service->certificate),
		in->now, &xchg, err) ||
	    !pkix_public_key(xchg.spki, &key, err) || !keyblob_encode(in->key, &blob, err))
		return false;
	to = (struct cms_kra){.issuer = xchg.issuer, .serial = xchg.serial, .key = key};
	memcpy(out->xchg_sha256, xchg.sha256, sizeof out->xchg_sha256);
	return cms_enveloped_seal(
	    secret_view(&blob), &to, 1, ciphers[cipher], false, &out->payload, err);
}

static bool
accept_certificate(
    struct view certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err)
{
	if (certificate.len == 0)
		return err_set(err, ERROR_INVALID_DATA, "the CA's answer holds no certificate");
	return client_key_is_of(key, certificate, err) &&
	       buf_dup(certificate, &out->certificate, err);
}

static bool
check_key_hash(const struct cmc_response *r, struct view key_hash, struct err *err)
{
	if (key_hash.ptr == NULL)
		return true;
	if (key_hash.len == 0 && r->key_hash.len > 0)
		return err_set(err, XENROLL_E_RESPONSE_UNEXPECTED_KA_HASH,
		    "the CA says that it archived a key which was not sent");
	if (key_hash.len > 0 && r->key_hash.len == 0)
		return err_set(err, XENROLL_E_RESPONSE_KA_HASH_NOT_FOUND,
		    "the CA does not say that it archived the key");
	if (!view_eq(key_hash, r->key_hash))
		return err_set(err, XENROLL_E_RESPONSE_KA_HASH_MISMATCH,
		    "the CA archived something else than what was sent");
	return true;
}

/* statusString of a refusal: "CERTSRV_E_TEMPLATE_DENIED: sentence". */
static bool
refusal(const struct cmc_response *r, struct err *err)
{
	const char *text = r->text != NULL ? r->text : "the CA refused without a reason",
		   *colon = strstr(text, ": ");
	char name[64];
	enum err_code code;

	if (colon == NULL || (size_t)(colon - text) >= sizeof name)
		return err_set(err, DIRCA_E_DENIED, "%s", text);
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	if (!err_by_name(name, &code) || code == ERR_OK)
		return err_set(err, DIRCA_E_DENIED, "%s", text);
	return err_set(err, code, "%s", colon + 2);
}

static bool
is_of_ca(const struct cmc_response *r, struct view ca_certificate, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (!pkix_cert_decode(ca_certificate, &ca, err) || !pkix_public_key(ca.spki, &key, err))
		return false;
	return (r->message.signer_count == 1 &&
		   cms_signer_verify(&r->message, &r->message.signers[0], key, false, err)) ||
	       err_set(err, NTE_BAD_SIGNATURE,
		   "the answer is not signed by the CA that the directory names");
}

static bool
check_cmc(struct view der, struct view ca_certificate, EVP_PKEY *key, struct view key_hash,
    struct client_enrolled *out, struct err *err)
{
	OWNED(cmc_response_free) struct cmc_response r = {0};

	if (!cmc_response_decode(der, &r, err) || !is_of_ca(&r, ca_certificate, err))
		return false;
	switch (r.status) {
	case CMC_STATUS_FAILED:
		break;
	case CMC_STATUS_PENDING:
		out->pending = true;
		out->request_id = r.pending_id;
		return true;
	case CMC_STATUS_SUCCESS:
		if (!check_key_hash(&r, key_hash, err) ||
		    !accept_certificate(cmc_response_certificate(&r), key, out, err))
			return false;
		out->archived = r.key_hash.len > 0;
		return true;
	}
	return refusal(&r, err);
}

bool
client_check_response(struct view der, struct view ca_certificate, EVP_PKEY *key,
    struct view key_hash, struct client_enrolled *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	struct err ignored;

	/* A bare certificate, a certs-only message (no signer), or a CMC response. */
	if (!cms_signed_decode(der, &message, &ignored))
		return accept_certificate(der, key, out, err);
	if (message.signer_count > 0)
		return check_cmc(der, ca_certificate, key, key_hash, out, err);
	return accept_certificate(
	    message.certificate_count > 0 ? message.certificates[0] : (struct view){0}, key, out,
	    err);
}

static bool
add_signature(struct buf *message, const struct client_signer *by, struct err *err)
{
	struct buf signed_message = {0};
	struct cms_cosigner in;

	if (by == NULL)
		return true;
	in = (struct cms_cosigner){.key = by->key, .certificate = buf_view(&by->certificate)};
	if (!cms_cosign(buf_view(message), &in, &signed_message, err))
		return false;
	buf_free(message);
	*message = signed_message;
	return true;
}

/* [MS-WCCE] 3.1.1.4.3.2.2 and 3.1.1.4.3.3.3: the request's key signs first, then the key of the
 * renewed certificate, then the agent. */
static bool
make_cmc(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    const struct sealed_key *sealed, struct buf *out, struct err *err)
{
	const char *sender = in->sender != NULL ? in->sender : http_client_user(http);
	uint8_t ca[CMC_BINDING_HASH_LEN];
	const struct cmc_binding binding = {.time = in->now,
	    .ca = view_of(ca, sizeof ca),
	    .exchange = view_of(sealed->xchg_sha256, sealed->payload.len > 0 ? sizeof ca : 0),
	    .sender = sender != NULL ? view_str(sender) : (struct view){0}};
	const struct cmc_make make = {.pkcs10 = pkcs10,
	    .key = in->key,
	    .archived_key = buf_view(&sealed->payload),
	    .template_cn = in->tmpl->cn,
	    .requester_name = in->on_behalf_of,
	    .binding = &binding};

	if (SHA256(in->service->certificate.ptr, in->service->certificate.len, ca) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of the CA certificate");
	return cmc_request_make(&make, out, err) && add_signature(out, in->renews, err) &&
	       add_signature(out, in->agent, err);
}

static bool
send_cmc(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    const struct sealed_key *sealed, struct client_enrolled *out, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(cmc_request_free) struct cmc_request own = {0};
	OWNED(buf_free) struct buf message = {0}, der = {0};

	if (!make_cmc(http, in, pkcs10, sealed, &message, err) ||
	    !cmc_request_decode(buf_view(&message), &own, err) ||
	    !http_client_request(http, "POST", "/.well-known/est/fullcmc",
		"application/pkcs7-mime; smime-type=CMC-request", buf_view(&message), &answer, err))
		return false;
	out->accepted = answer.status < 300;
	out->request_id = answer.request_id;
	if (strncmp(answer.content_type, "application/pkcs7-mime", 22) != 0 &&
	    !http_answer_check(&answer, err))
		return false;
	if (!http_answer_der(&answer, &der, err) ||
	    !client_check_response(buf_view(&der), buf_view(&in->service->certificate), in->key,
		own.key_hash.len > 0 ? own.key_hash : view_of("", 0), out, err))
		return false;
	if (out->request_id == 0)
		out->request_id = answer.request_id;
	return true;
}

static bool
send_pkcs10(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    struct client_enrolled *out, struct err *err)
{
	OWNED(http_answer_free) struct http_answer answer = {0};
	OWNED(buf_free) struct buf der = {0};

	if (!http_client_request(http, "POST", "/.well-known/est/simpleenroll",
		"application/pkcs10", pkcs10, &answer, err) ||
	    !http_answer_check(&answer, err))
		return false;
	out->accepted = true;
	out->request_id = answer.request_id;
	if ((out->pending = answer.status == 202))
		return true;
	return http_answer_der(&answer, &der, err) &&
	       client_check_response(buf_view(&der), buf_view(&in->service->certificate), in->key,
		   (struct view){0}, out, err);
}

static void
own_sealed(struct sealed_key *s)
{
	buf_free(&s->payload);
}

static bool
send_archived(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    struct client_enrolled *out, struct err *err)
{
	OWNED(own_sealed) struct sealed_key sealed = {0};

	return seal_key(http, in, &sealed, err) && send_cmc(http, in, pkcs10, &sealed, out, err);
}

static bool
send_request(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    struct client_enrolled *out, struct err *err)
{
	static const struct sealed_key none;

	if (tmpl_requires_key_archival(in->tmpl))
		/* Where the CA retired that exchange key meanwhile: once more, under its new one.
		 */
		return send_archived(http, in, pkcs10, out, err) ||
		       (err->code == DIRCA_E_XCHG_CERT &&
			   send_archived(http, in, pkcs10, out, err));
	if (in->renews != NULL || in->agent != NULL)
		return send_cmc(http, in, pkcs10, &none, out, err);
	return send_pkcs10(http, in, pkcs10, out, err);
}

bool
client_enroll(struct http_client *http, const struct client_enroll *in, struct client_enrolled *out,
    struct err *err)
{
	OWNED(buf_free) struct buf pkcs10 = {0};

	*out = (struct client_enrolled){0};
	if (make_pkcs10(in, &pkcs10, err) && send_request(http, in, buf_view(&pkcs10), out, err))
		return true;
	buf_free(&out->certificate); /* the rest tells whether the key is of use */
	return false;
}

void
client_enrolled_free(struct client_enrolled *e)
{
	buf_free(&e->certificate);
	*e = (struct client_enrolled){0};
}

bool
client_signer_read(
    const char *path, const struct secret *password, struct client_signer *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(pfx_free) struct pfx pfx = {0};

	*out = (struct client_signer){0};
	if (!file_read(path, PFX_MAX, &der, err) ||
	    !pfx_decode(buf_view(&der), password, &pfx, err))
		return err_prefix(err, "%s", path);
	out->key = own_give(&pfx.key);
	out->certificate = buf_give(&pfx.certificate);
	return true;
}

void
client_signer_free(struct client_signer *s)
{
	EVP_PKEY_free(s->key);
	buf_free(&s->certificate);
	*s = (struct client_signer){0};
}
