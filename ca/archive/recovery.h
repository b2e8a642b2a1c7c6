/*
 * The recovery BLOB (paper: "Recovery BLOB Structure"; facts 6.7): made by the CA in two steps
 * around the vault's signature, read and opened on the KRA's machine.
 */
#ifndef ARCHIVE_RECOVERY_H
#define ARCHIVE_RECOVERY_H

#include "cms.h"
#include "pkix.h"

struct recovery_make {
	struct view archived;     /* stored EnvelopedData ContentInfo */
	struct view certificate;  /* whose key it is */
	const struct view *chain; /* CA certificates: issuer first; the first signs the blob */
	size_t chain_count;
	const struct view *kras; /* KRA certificates */
	size_t kra_count;
	const EVP_MD *digest;
};
/* SET OF signedAttrs to be signed by the CA key; then the whole. eContentType is id-data holding
 * the ContentInfo. */
bool recovery_attrs(const struct recovery_make *in, struct buf *attrs_out, struct err *err);
bool recovery_finish(const struct recovery_make *in, struct view attrs, struct view sig_alg,
    struct view signature, struct buf *out, struct err *err);

struct recovery_blob {
	struct cms_signed message;
	struct cms_enveloped archived;
	struct pkix_cert certificate; /* the one that 21.16 names */
	struct pkix_cert signer;      /* the CA certificate that signed */
	struct pkix_cert *others;     /* every certificate of the message */
	size_t other_count;
};
/* Accepts id-data with the ContentInfo, or 1.2.840.113549.1.7.3. The CA's signature, 21.16 and that
 * `certificate` is in the message are checked. */
bool recovery_decode(struct view der, struct recovery_blob *out, struct err *err);
void recovery_free(struct recovery_blob *b);
/* KRA certificate for recipient i, NULL if the message lacks it. */
const struct pkix_cert *recovery_recipient(const struct recovery_blob *b, size_t i);

/* On the KRA's machine: finds the recipient that `kra_certificate` is, decrypts, proves the key
 * against the certificate. CRYPT_E_NO_DECRYPT_CERT names the recipients if none fits. The only
 * place outside the vault where the archived key is plain. */
bool recover_unwrap(const struct recovery_blob *b, const struct pkix_cert *kra_certificate,
    EVP_PKEY *kra_key, EVP_PKEY **key_out, struct err *err);

#endif
