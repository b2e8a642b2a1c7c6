/*
 * Files with private keys or certificates, of whatever kind: told by their content, never by their
 * name, and read into the one shape of many keys (pfx.h).
 */
#ifndef MESSAGES_MATERIAL_H
#define MESSAGES_MATERIAL_H

#include "pfx.h"

#define MATERIAL_MAX PFX_FILE_MAX

enum material {
	MATERIAL_UNKNOWN,
	MATERIAL_PFX,
	MATERIAL_PEM,          /* any number of objects */
	MATERIAL_PKCS8,        /* PrivateKeyInfo */
	MATERIAL_SEALED_PKCS8, /* EncryptedPrivateKeyInfo */
	MATERIAL_OLD_KEY,      /* RSAPrivateKey (RFC 8017), ECPrivateKey (RFC 5915) */
	MATERIAL_CERTIFICATE,
	MATERIAL_PKCS7, /* SignedData without content: *.p7b */
	MATERIAL_PVK,
	MATERIAL_BLOB,   /* PRIVATEKEYBLOB of CAPI, private blobs of CNG (keyblob.h) */
	MATERIAL_BASE64, /* of any of these, without armour */
	/* These are known to be refused. */
	MATERIAL_EPF,
	MATERIAL_JKS,
	/* These hold neither keys nor certificates; material_inside alone tells them. */
	MATERIAL_REQUEST,
	MATERIAL_CRL,
	MATERIAL_PUBLIC_KEY,
	MATERIAL_CMC_REQUEST,
	MATERIAL_CMC_RESPONSE,
	MATERIAL_RECOVERY,
	MATERIAL_MESSAGE, /* signed, of another kind */
	MATERIAL_ENVELOPED,
	MATERIAL_DESCRIPTOR,
	MATERIAL_EMPTY,
	MATERIAL_INF,
	MATERIAL_JSON,
	MATERIAL_LDIF,
	MATERIAL_TEXT,
	MATERIAL_DATABASE,
	MATERIAL_ZIP,
	MATERIAL_DAMAGED
};
/* How it is read. */
enum material material_of(struct view bytes);
/* What it is for people: of PEM and base64 what is in there, of several objects the first that is
 * no certificate. Neither MATERIAL_PEM nor MATERIAL_BASE64. */
enum material material_inside(struct view bytes);
/* "PKCS#12", "a private key blob" */
const char *material_name(enum material m);
/* After "this is": "a PKCS#12", "a CRL" */
const char *material_told(enum material m);

/* Everything of it. Each of the passwords is tried where one is needed, and for a PKCS#12 the empty
 * one too. NTE_BAD_DATA: none of them opens it, or it is damaged; ERROR_INVALID_DATA: nothing that
 * is read here, with the reason and the way round where there is one. */
bool material_read(struct view bytes, const struct secret *passwords, size_t count,
    struct pfx_content *out, struct err *err);
/* Is there something in it that a password opens? */
bool material_is_protected(struct view bytes);

/* PrivateKeyInfo under a password, whatever old program encrypted it. NTE_BAD_DATA. */
bool material_open_pkcs8(
    struct view der, const struct secret *password, EVP_PKEY **out, struct err *err);

#endif
