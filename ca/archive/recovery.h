/*
 * The recovery BLOB (paper, "Recovery BLOB Structure"; [MS-CSRA] 3.1.4.2.9): made by the CA in two
 * steps around the vault's signature, read and opened on the KRA's machine.
 */
#ifndef ARCHIVE_RECOVERY_H
#define ARCHIVE_RECOVERY_H

#include "cms.h"
#include "pkix.h"
#include "retrieval.h"

struct recovery_make {
	struct view archived;     /* stored EnvelopedData ContentInfo */
	struct view certificate;  /* whose key it is */
	const struct view *chain; /* CA certificates: issuer first; the first signs the blob */
	size_t chain_count;
	const struct view *kras; /* KRA certificates that are at hand: an aid, for whom it is */
	size_t kra_count;
	const EVP_MD *digest;
	/* The act: request, audit row, time, officer. The certificates are filled in here. */
	struct retrieval retrieval;
};
/* SET OF signedAttrs to be signed by the CA key; then the whole. eContentType is id-data holding
 * the ContentInfo. The retrieval and the hashes of all certificates are in a signed attribute. */
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
	bool has_retrieval; /* false: of AD CS, or of a dirca before it signed that */
	struct retrieval retrieval;
};
/* Signed data that names a certificate as a recovery BLOB does; whether it is a good one
 * recovery_decode says. */
bool recovery_is(struct view file);
/* Accepts id-data with the ContentInfo, or 1.2.840.113549.1.7.3. Says nothing of whom to believe:
 * the signature is checked under the certificate that the message itself brings, and that the
 * certificate of 21.16 is there. Before a key is opened: recovery_verify. */
bool recovery_decode(struct view der, struct recovery_blob *out, struct err *err);
void recovery_free(struct recovery_blob *b);

/* Whom the key recovery agent believes, and what he does without. */
struct recovery_trust {
	const struct pkix_cert *cas; /* those that are no CA certificates do not count */
	size_t ca_count;
	bool unsigned_chain; /* BLOBs without retrieval: officer and certificates are not signed */
	bool sha1;           /* signatures with SHA-1 */
};
/* The signer is one of the CAs: the same certificate, one of the same name and key, or one of the
 * same name for whose key cross certificates of the message vouch, from key to key. Unless
 * `unsigned_chain`, every byte follows from what that CA signed: the message is exactly the one
 * that recovery_finish makes, and its certificates are those that the retrieval names.
 * CERT_E_UNTRUSTEDROOT, NTE_BAD_ALGID (SHA-1), NTE_BAD_SIGNATURE, CRYPT_E_HASH_VALUE (a certificate
 * that is not named or is missing). */
bool recovery_verify(
    const struct recovery_blob *b, const struct recovery_trust *trust, struct err *err);
/* KRA certificate for recipient i, NULL if the message lacks it. */
const struct pkix_cert *recovery_recipient(const struct recovery_blob *b, size_t i);

/* Is it the certificate that this recipient is named by? */
bool recovery_recipient_is(const struct cms_recipient *r, const struct pkix_cert *c);

/* What an agent has: keys, and certificates, by which recipients are found whose own the message
 * lacks. */
struct recovery_agent {
	EVP_PKEY *const *keys;
	size_t key_count;
	const struct pkix_cert *certificates;
	size_t certificate_count;
	const struct secret
	    *content_password; /* of a PKCS#12 in the place of the key; NULL: none */
};
/* On the KRA's machine: finds a recipient whose public key is that of one of the keys, decrypts,
 * proves the key against the certificate. CRYPT_E_NO_DECRYPT_CERT names the recipients if none
 * fits; DIRCA_E_KEY_SHARE: several
 * open it together; DIRCA_E_KEY_MISMATCH: a certificate of the agent's does, but no key;
 * NTE_BAD_DATA, in one sentence, whatever is wrong with what is in it. The only place outside the
 * vault where the archived key is plain. */
bool recover_unwrap(const struct recovery_blob *b, const struct recovery_agent *agent,
    size_t *recipient_out, EVP_PKEY **key_out, struct err *err);
/* The same, and seals what was in it, octet for octet, to others. Only what is the key of the
 * certificate: nobody has something else opened and sealed by way of it. */
struct recovery_sealing {
	const struct cms_kra *to;
	size_t count;
	size_t threshold; /* so many of them open it together, by fresh shares; 1: each alone */
	enum cms_cipher cipher;
};
bool recover_reseal(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_sealing *to, struct buf *out, struct err *err);

/*
 * Of a key that several agents open together (docs/PROTOCOL.md, KeyShare): the share of one, as it
 * travels from his machine to that of who combines them.
 */
struct recovery_share {
	size_t recipient; /* of the BLOB */
	struct secret value;
};
void recovery_share_free(struct recovery_share *s);
/* The agent's share, found as recover_unwrap finds a recipient; it is the one that the CA committed
 * itself to for the key of the BLOB's certificate. DIRCA_E_KEY_SHARE: each agent opens the key
 * alone. */
bool recover_share(const struct recovery_blob *b, const struct recovery_agent *agent,
    struct recovery_share *out, struct err *err);
/* Who has a share, for people. free(). */
char *recovery_recipient_text(const struct recovery_blob *b, size_t recipient);
/* A message to `to` alone: AES-256-GCM, OAEP or ECDH. `batch`: 16 octets, of the batch or drill for
 * which alone it is good; empty: to recover the key. */
bool recovery_share_seal(const struct recovery_blob *b, const struct recovery_share *s,
    struct view batch, const struct cms_kra *to, struct buf *out, struct err *err);
/* Opens one with any of the keys. DIRCA_E_KEY_SHARE: it is of another archived key or batch, or not
 * the one that the CA committed itself to. CRYPT_E_NO_DECRYPT_CERT: encrypted to somebody else. */
bool recovery_share_open(const struct recovery_blob *b, const struct recovery_agent *agent,
    struct view batch, struct view message, struct recovery_share *out, struct err *err);
/* As recover_unwrap, by shares. DIRCA_E_KEY_SHARE: too few, or one comes twice. */
bool recover_combine(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_share *shares, size_t count, EVP_PKEY **key_out, struct err *err);
/* As recover_reseal, by shares. */
bool recover_reseal_shared(const struct recovery_blob *b, const struct recovery_agent *agent,
    const struct recovery_share *shares, size_t count, const struct recovery_sealing *to,
    struct buf *out, struct err *err);

#endif
