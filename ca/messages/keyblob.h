/*
 * The private key inside an archival payload ([MS-WCCE] 2.2.2.9): CAPI PRIVATEKEYBLOB,
 * BCRYPT_RSAKEY_BLOB, BCRYPT_ECCKEY_BLOB, decoded into big-endian numbers and from there into an
 * EVP_PKEY without OpenSSL's slow decoders. Every buffer with secret numbers is a struct secret.
 */
#ifndef MESSAGES_KEYBLOB_H
#define MESSAGES_KEYBLOB_H

#include <openssl/evp.h>

#include "buf.h"
#include "rsa_numbers.h"

enum keyblob_format {
	KEYBLOB_CAPI_RSA,
	KEYBLOB_BCRYPT_RSA,
	KEYBLOB_BCRYPT_ECDH,
	KEYBLOB_BCRYPT_ECDSA
};

/* What a blob is, from its magic, before anything secret is parsed. Signature keys (CALG_RSA_SIGN
 * 0x2400, ECDSA magics) are recognised so that they can be refused with DIRCA_E_SIGNATURE_KEY;
 * unknown magic is NTE_BAD_DATA. */
bool keyblob_format(
    struct view blob, enum keyblob_format *out, bool *signature_only_out, struct err *err);

/* Decodes any of the formats; sizes, magic, lengths and trailing bytes are checked ([MS-WCCE]
 * 2.2.2.9, docs/FACTS.md 3: ECC numbers are big-endian, little-endian is tried second by checking
 * that the point is on the curve). For BCRYPT RSA d, dp, dq and iq are computed, or where the blob
 * is a full one held against what is computed; its header is read in either byte order, as the
 * specification and bcrypt.h differ. A public blob is NTE_BAD_DATA. RSA 1024..8192 bits, P-256,
 * P-384, P-521. */
bool keyblob_decode(struct view blob, EVP_PKEY **out, struct err *err);

/* The same, but that of an RSA key there are only its numbers, of which OpenSSL makes an EVP_PKEY
 * in the time of a public operation. */
struct keyblob_key {
	struct rsa_numbers rsa; /* or */
	EVP_PKEY *ec;
};
bool keyblob_read(struct view blob, struct keyblob_key *out, struct err *err);
void keyblob_key_free(struct keyblob_key *k);

/* Encodes: RSA as CAPI PRIVATEKEYBLOB (CALG_RSA_KEYX), EC as BCRYPT ECDH private blob. */
bool keyblob_encode(const EVP_PKEY *key, struct secret *out, struct err *err);

/* May it be one that keyblob_from_pkcs8 reads? No blob begins so. */
bool keyblob_is_pkcs8(struct view content);
/* What keyblob_encode would make of the key in a PrivateKeyInfo (PKCS#8, DER); of one that its
 * attribute keyUsage only lets sign the blob of a signature key. The point of a key on a curve is
 * that of `pub`, which it need not name. That the numbers belong to each other and to `pub` is not
 * proved. NTE_BAD_DATA, NTE_BAD_ALGID. */
bool keyblob_from_pkcs8(struct view der, const EVP_PKEY *pub, struct secret *out, struct err *err);

/* What is worked on in the place of a key that could not be read, so that no answer's time tells
 * why (archive_rewrap): a blob of the size, format and public numbers of `pub`'s private key with
 * random numbers where the private ones would be. It decodes, and belongs to nothing. `pub` is one
 * that keyblob_can_hold. */
bool keyblob_stand_in(const EVP_PKEY *pub, struct secret *out, struct err *err);

/* Is there a blob for the private key of `pub`? RSA of 1024 to 8192 bits in steps of 8 with odd
 * numbers, P-256, P-384, P-521. NTE_BAD_ALGID. */
bool keyblob_can_hold(const EVP_PKEY *pub, struct err *err);

#endif
