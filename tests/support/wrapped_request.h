/*
 * Requests as enrollment agents and registration authorities make them: SignedData around a PKCS#10
 * or CMC request. Header only; everything fails the test that calls it.
 */
#ifndef SUPPORT_WRAPPED_REQUEST_H
#define SUPPORT_WRAPPED_REQUEST_H

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>

#include "cmc.h"
#include "oids.h"

#define WRAPPED_DATA_OID "1.2.840.113549.1.7.1"

/* SEQUENCE { BMPString, BMPString } of ASCII texts. */
static inline size_t
wrapped_pair(const char *name, const char *value, uint8_t out[256])
{
	const char *texts[] = {name, value};
	size_t n = 2;

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(texts[i]);

		out[n++] = V_ASN1_BMPSTRING;
		out[n++] = (uint8_t)(2 * len);
		for (size_t k = 0; k < len; k++) {
			out[n++] = 0;
			out[n++] = (uint8_t)texts[i][k];
		}
	}
	assert_true(n - 2 < 128);
	out[0] = V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED;
	out[1] = (uint8_t)(n - 2);
	return n;
}

static inline void
wrapped_sign(EVP_PKEY *key, struct view what, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = (size_t)EVP_PKEY_get_size(key);
	struct err err;

	assert_true(buf_alloc(len, out, &err));
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, out->ptr, &len, what.ptr, what.len), 1);
	out->len = len;
	EVP_MD_CTX_free(ctx);
}

/* `requester`: the pair "requestername" in the signed attributes; NULL: none. */
static inline void
wrapped_make(struct view request, EVP_PKEY *key, const struct pkix_cert *cert,
    const char *requester, struct buf *out)
{
	const struct view der = buf_view(&cert->raw);
	struct cms_attr pair = {.value_count = 1};
	uint8_t value[256];
	struct cms_sign in = {.content_oid = WRAPPED_DATA_OID,
	    .content = request,
	    .digest = EVP_sha256(),
	    .issuer = cert->issuer,
	    .serial = cert->serial,
	    .certificates = &der,
	    .certificate_count = 1};
	struct buf attrs, alg, signature;
	struct err err;

	if (requester != NULL) {
		strcpy(pair.oid, oid_dotted(OID_ENROLLMENT_NAME_VALUE_PAIR));
		pair.values = view_of(value, wrapped_pair(CMC_REQUESTER_NAME, requester, value));
		in.extra_attrs = &pair;
		in.extra_count = 1;
	}
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_true(pkix_sig_alg(key, &alg, &err));
	wrapped_sign(key, buf_view(&attrs), &signature);
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), buf_view(&alg), buf_view(&signature), out, &err));
	buf_free(&attrs);
	buf_free(&alg);
	buf_free(&signature);
}

#endif
