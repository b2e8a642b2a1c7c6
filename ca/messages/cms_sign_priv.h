/*
 * Making signatures with a key that is at hand: the client's side of CMC. Private to cms*.c and
 * cmc*.c.
 */
#ifndef MESSAGES_CMS_SIGN_PRIV_H
#define MESSAGES_CMS_SIGN_PRIV_H

#include "cms.h"
#include "cms_asn1.h"

/* The digest inside a signature algorithm; NTE_BAD_ALGID if it names none. */
bool cms_key_digest(struct view sig_alg, const EVP_MD **out, struct err *err);
bool cms_key_sign(
    EVP_PKEY *key, const EVP_MD *md, struct view data, struct buf *out, struct err *err);

/* Adds a SignerInfo, and the certificate unless it is there; both are encoded by the caller with
 * the message. `attrs` as from cms_sign_attrs. */
bool cms_signed_add_signer(const struct cms_sign *in, struct view attrs, struct view sig_alg,
    struct view signature, CMSW_SIGNED_DATA *data, struct err *err);
bool cms_signed_add_certificate(struct view der, CMSW_SIGNED_DATA *data, struct err *err);

#endif
