/*
 * The certificates of one CA: those of <state>/ca.crt, the newest first. A CA that was renewed has
 * several: of one key, or of several keys ([MS-WCCE] 3.2.1.4.3.2.39). The newest signs
 * certificates; each key that still has a certificate within its validity signs the CRL of what it
 * issued. Vault, front and `dirca` read them alike.
 */
#ifndef KEYS_CA_ISSUERS_H
#define KEYS_CA_ISSUERS_H

#include "pkix.h"

#define CA_ISSUERS_MAX 32

struct ca_issuer {
	struct pkix_cert cert;
	uint32_t version;   /* pkix_cert_ca_version */
	EVP_PKEY *key;      /* public */
	struct buf key_id;  /* SKI */
	struct buf sig_alg; /* AlgorithmIdentifier with which the key signs */
	uint8_t key_hash[PKIX_KEY_HASH_LEN];
};
struct ca_issuers {
	struct ca_issuer *list;
	size_t count;
};
/* At least one. CERTSRV_E_INVALID_CA_CERTIFICATE unless all are CA certificates of one name whose
 * certificate indexes descend, and two are of one key exactly if they have one key index. */
bool ca_issuers_make(
    const struct view *ders, size_t count, struct ca_issuers *out, struct err *err);
/* The same, of a PEM file that is root's or this process's. */
bool ca_issuers_read(const char *path, struct ca_issuers *out, struct err *err);
void ca_issuers_free(struct ca_issuers *i);

/* Does the key of list[at] sign a CRL: that of the newest certificate always, an older one while
 * the newest certificate of it, which must be list[at], has not ended by `now`? */
bool ca_issuers_signs_crl(const struct ca_issuers *i, size_t at, int64_t now);
/* The newest whose key signed this certificate; NULL: none of this CA. */
const struct ca_issuer *ca_issuers_find(const struct ca_issuers *i, const struct pkix_cert *cert);
/* The same of a certificate of long ago, which may be signed with SHA-1. */
const struct ca_issuer *ca_issuers_find_old(
    const struct ca_issuers *i, const struct pkix_cert *cert);
/* The newest of the key with that SubjectPublicKeyInfo; NULL: none. */
const struct ca_issuer *ca_issuers_of_key(const struct ca_issuers *i, struct view spki);
/* Of the certificate that has these octets; NULL: none. */
const struct ca_issuer *ca_issuers_named(const struct ca_issuers *i, struct view sha256);

#endif
