/* A key on its way from elsewhere to the CA (docs/PROTOCOL.md). */
#include <string.h>
#include <openssl/objects.h>

#include "archive.h"
#include "archive_priv.h"
#include "own_openssl.h"

#define LABEL "dirca key import 1"

static bool
add_part(EVP_MD_CTX *ctx, struct view part)
{
	const uint8_t len[] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
	    (uint8_t)(part.len >> 8), (uint8_t)part.len};

	return EVP_DigestUpdate(ctx, len, sizeof len) == 1 &&
	       EVP_DigestUpdate(ctx, part.ptr, part.len) == 1;
}

bool
archive_import_binding(
    struct view certificate, struct view user, uint8_t out[ARCHIVE_BINDING], struct err *err)
{
	OWNED(own_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return (ctx != NULL && EVP_DigestInit_ex2(ctx, cms_digest(NID_sha256), NULL) == 1 &&
		   EVP_DigestUpdate(ctx, LABEL, strlen(LABEL)) == 1 && add_part(ctx, certificate) &&
		   add_part(ctx, user) && EVP_DigestFinal_ex(ctx, out, NULL) == 1) ||
	       err_openssl(err, DIRCA_E_CRYPTO, "naming what a key is brought for");
}

bool
archive_import_seal(EVP_PKEY *key, const uint8_t binding[ARCHIVE_BINDING], const struct cms_kra *to,
    struct buf *out, struct err *err)
{
	OWNED(secret_free) struct secret blob = {0}, content = {0};
	struct view key_view;

	*out = (struct buf){0};
	if (!keyblob_can_hold(key, err) || !keyblob_encode(key, &blob, err))
		return false;
	key_view = secret_view(&blob);
	if (!secret_alloc(ARCHIVE_BINDING + key_view.len, &content, err))
		return false;
	memcpy(content.ptr, binding, ARCHIVE_BINDING);
	memcpy(content.ptr + ARCHIVE_BINDING, key_view.ptr, key_view.len);
	return cms_enveloped_seal(secret_view(&content), to, 1, CMS_AES_256_GCM, out, err);
}

static bool
decode_authenticated(struct view der, struct cms_enveloped *out, struct err *err)
{
	if (!cms_sealed_decode(der, out, err))
		return false;
	if (cms_is_gcm(out->cipher))
		return true;
	cms_enveloped_free(out);
	return err_set(err, NTE_BAD_ALGID,
	    "a private key that is brought to the CA is encrypted with AES-GCM "
	    "(AuthEnvelopedData)");
}

bool
archive_import_read(struct view payload, struct view issuer, struct view serial,
    const EVP_PKEY *key, struct archive_payload *out, struct err *err)
{
	return archive_read(decode_authenticated, payload, issuer, serial, key, out, err);
}
