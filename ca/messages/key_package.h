/*
 * A new private key on its way to whom it was made for: AsymmetricKeyPackage (RFC 5958 2), inside
 * SignedData inside EnvelopedData (RFC 7030 4.4.2), and with which algorithms.
 */
#ifndef MESSAGES_KEY_PACKAGE_H
#define MESSAGES_KEY_PACKAGE_H

#include "cms.h"

/* One OneAsymmetricKey of version 1, which is a PrivateKeyInfo. Its contentType is
 * OID_CT_KEY_PACKAGE. */
bool key_package_encode(EVP_PKEY *key, struct secret *out, struct err *err);

/* KeyDelivery (docs/PROTOCOL.md), the value of signed attribute OID_KEY_DELIVERY: for which
 * certificate the key was made, and to which it is encrypted. */
#define KEY_DELIVERY_LEN 73
bool key_delivery_encode(
    struct view certificate, struct view recipient, uint8_t out[KEY_DELIVERY_LEN], struct err *err);

/* What is used of what a client can read (SMIMECapabilities, RFC 8551 2.5.2; empty: it does not
 * say). */
struct key_transport {
	enum cms_cipher cipher; /* AES-CBC with the longest key that is named; with 256 bits if no
				   cipher is */
	bool oaep;              /* unless rsaEncryption is named and OAEP is not */
};
/* ERROR_INVALID_DATA; NTE_BAD_ALGID if ciphers are named and AES-CBC is not among them. */
bool key_transport_choose(struct view capabilities, struct key_transport *out, struct err *err);

#endif
