#include "client_request.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "client_xchg.h"
#include "cmc.h"
#include "extension.h"
#include "file.h"
#include "given.h"
#include "keyblob.h"
#include "mem.h"
#include "own_json.h"
#include "own_openssl.h"
#include "pfx.h"
#include "text.h"

#define PFX_MAX     262144
#define REQUEST_MAX 1048576

/* Template extension of a request: 20.2 with the cn for version 1, 21.7 with OID and versions from
 * 2 on ([MS-WCCE] 3.1.2.4.2.3). */
static bool
push_template(ext_list *list, const struct tmpl *t, struct err *err)
{
	const char *oid = t->schema_version < 2 ? NULL : t->oid;

	return ext_push_template(list, t->cn, oid, t->major, t->minor, err);
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
push_copies(ext_list *list, const ext_list *from, struct err *err)
{
	for (int i = 0; from != NULL && i < sk_X509_EXTENSION_num(from); i++) {
		OWNED(own_x509_extension)
		X509_EXTENSION *x = X509_EXTENSION_dup(sk_X509_EXTENSION_value(from, i));

		if (x == NULL || sk_X509_EXTENSION_push(list, x) <= 0)
			return err_openssl(err, DIRCA_E_CRYPTO, "the extensions");
		x = NULL;
	}
	return true;
}

bool
client_pkcs10_make(const struct client_enroll *in, struct buf *out, struct err *err)
{
	OWNED(own_x509_extensions) ext_list *extensions = sk_X509_EXTENSION_new_null();
	OWNED(buf_free) struct buf subject = {0};

	if (extensions == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "the extensions");
	if ((in->tmpl != NULL && !push_template(extensions, in->tmpl, err)) ||
	    (in->dns_count > 0 && !push_dns_names(extensions, in->dns, in->dns_count, err)) ||
	    !push_copies(extensions, in->extensions, err) ||
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
	return cms_enveloped_seal(secret_view(&blob), &to, 1, ciphers[cipher], &out->payload, err);
}

static void
own_sealed(struct sealed_key *s)
{
	buf_free(&s->payload);
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
	uint8_t ca[CMC_BINDING_HASH_LEN], id[CMC_RANDOM_LEN] = {0}, nonce[CMC_RANDOM_LEN] = {0};
	const struct cmc_transaction transaction = {
	    .id = view_of(id, sizeof id), .sender_nonce = view_of(nonce, sizeof nonce)};
	const struct cmc_binding binding = {.time = in->now,
	    .ca = view_of(ca, sizeof ca),
	    .exchange = view_of(sealed->xchg_sha256, sealed->payload.len > 0 ? sizeof ca : 0),
	    .sender = sender != NULL ? view_str(sender) : (struct view){0}};
	const struct cmc_make make = {.pkcs10 = pkcs10,
	    .key = in->key,
	    .archived_key = buf_view(&sealed->payload),
	    .template_cn = in->tmpl->cn,
	    .requester_name = in->on_behalf_of,
	    .binding = in->unbound ? NULL : &binding,
	    .transaction = &transaction};

	if (SHA256(in->service->certificate.ptr, in->service->certificate.len, ca) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 of the CA certificate");
	return cmc_transaction_id_make(id, err) && cmc_nonce_make(nonce, err) &&
	       cmc_request_make(&make, out, err) && add_signature(out, in->renews, err) &&
	       add_signature(out, in->agent, err);
}

bool
client_request_make(struct http_client *http, const struct client_enroll *in, struct view pkcs10,
    struct client_request *out, struct err *err)
{
	OWNED(own_sealed) struct sealed_key sealed = {0};
	OWNED(client_request_free)
	struct client_request r = {
	    .ca = mem_text(in->service->name), .template_cn = mem_text(in->tmpl->cn)};
	bool archives = tmpl_requires_key_archival(in->tmpl);

	*out = (struct client_request){0};
	r.is_cmc = archives || in->is_cmc || in->renews != NULL || in->agent != NULL;
	if ((archives && !seal_key(http, in, &sealed, err)) ||
	    !(r.is_cmc ? make_cmc(http, in, pkcs10, &sealed, &r.message, err)
		       : buf_dup(pkcs10, &r.message, err)))
		return false;
	*out = r;
	r = (struct client_request){0};
	return true;
}

void
client_request_free(struct client_request *r)
{
	free(r->ca);
	free(r->template_cn);
	buf_free(&r->message);
	*r = (struct client_request){0};
}

bool
client_request_read(struct view der, struct client_request *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	OWNED(client_request_free)
	struct client_request r = {.ca = mem_text(""), .template_cn = mem_text("")};
	OWNED(buf_free) struct buf spki = {0};
	struct err ignored;

	*out = (struct client_request){0};
	r.is_cmc = cms_signed_decode(der, &message, &ignored);
	if (!buf_dup(der, &r.message, err) || !client_request_spki(&r, &spki, err))
		return false;
	*out = r;
	r = (struct client_request){0};
	return true;
}

bool
client_request_spki(const struct client_request *r, struct buf *out, struct err *err)
{
	OWNED(cmc_request_free) struct cmc_request cmc = {0};
	OWNED(pkix_request_free) struct pkix_request plain = {0};

	*out = (struct buf){0};
	if (r->is_cmc)
		return cmc_request_decode(buf_view(&r->message), &cmc, err) &&
		       buf_dup(cmc.request.spki, out, err);
	return pkix_request_decode(buf_view(&r->message), &plain, err) &&
	       buf_dup(plain.spki, out, err);
}

char *
client_request_path(const char *key_file)
{
	return text_printf("%s.sent", key_file);
}

bool
client_request_encode(const struct client_request *r, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *message = base64_encode(buf_view(&r->message));
	OWNED(own_json)
	json_t *root = json_pack("{s:s, s:s, s:b, s:s}", "ca", r->ca, "template", r->template_cn,
	    "cmc", (int)r->is_cmc, "message", message);
	OWNED(own_memory) char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;

	if (text == NULL)
		mem_exhausted();
	return buf_dup(view_str(text), out, err);
}

bool
client_request_save(const char *path, const struct client_request *r, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	return client_request_encode(r, &text, err) &&
	       file_replace(path, buf_view(&text), 0600, err);
}

static bool
read_fields(const json_t *root, struct client_request *out, struct err *err)
{
	const char *ca = json_string_value(json_object_get(root, "ca"));
	const char *template_cn = json_string_value(json_object_get(root, "template"));
	const char *message = json_string_value(json_object_get(root, "message"));

	if (ca == NULL || template_cn == NULL || message == NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "this is not what `dirca enroll` writes there");
	out->ca = mem_text(ca);
	out->template_cn = mem_text(template_cn);
	out->is_cmc = json_is_true(json_object_get(root, "cmc"));
	return base64_decode(view_str(message), &out->message, err);
}

bool
client_request_load(const char *path, struct client_request *out, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	*out = (struct client_request){0};
	if (!file_read(path, REQUEST_MAX, &text, err))
		return false;
	OWNED(own_json) json_t *root = json_loadb((const char *)text.ptr, text.len, 0, NULL);

	if (read_fields(root, out, err))
		return true;
	client_request_free(out);
	return err_prefix(err, "%s", path);
}

bool
client_signer_read(
    const char *path, const struct secret *password, struct client_signer *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(pfx_free) struct pfx pfx = {0};

	*out = (struct client_signer){0};
	if (!file_read(path, PFX_MAX, &der, err))
		return false;
	if (!pfx_decode(buf_view(&der), password, &pfx, err))
		return given_failed(path, buf_view(&der), GIVEN_PAIR, err);
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
