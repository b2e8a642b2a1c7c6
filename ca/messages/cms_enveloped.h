/*
 * What reading, opening and writing an EnvelopedData share. Private to cms*.c.
 */
#ifndef MESSAGES_CMS_ENVELOPED_H
#define MESSAGES_CMS_ENVELOPED_H

#include "cms_algs.h"
#include "cms_asn1.h"

#define CMS_ENVELOPED_MAX  (1024 * 1024)
#define CMS_RECIPIENTS_MAX 64

struct cms_enveloped_wire {
	CMSW_ENVELOPED *message;
	STACK_OF(CMSW_RECIPIENT) *recipients;
	const struct cms_content_alg *alg;
	struct view iv, ciphertext;
};

/* Key-encryption key between a private and a public key of one curve (RFC 5753 7.2). `wrap_alg` is the AlgorithmIdentifier DER that
 * the derivation covers, `ukm` may be empty. `kek` has room for wrap->key_len bytes; the caller cleanses it. */
bool cms_agree_kek(EVP_PKEY *own, EVP_PKEY *peer, const EVP_MD *md, struct view wrap_alg, const struct cms_wrap_alg *wrap,
    struct view ukm, uint8_t kek[CMS_KEY_MAX], struct err *err);
/* Wraps or unwraps (RFC 3394, RFC 3217) `in`; `out` has room for in.len + 16 bytes. */
bool cms_key_wrap(const struct cms_wrap_alg *wrap, const uint8_t *kek, bool seal, struct view in, uint8_t *out, size_t *len_out,
    struct err *err);

#endif
