/*
 * Certificates and keys of elsewhere into this CA's database ([MS-CSRA] 3.1.4.1.26
 * ImportCertificate and 3.1.4.2.16 ImportKey; paper, "Foreign Certificate Import", "Importing
 * Users' Keys"). One item, one unit of work. The key is seen by the vault alone, to which whoever
 * brings it encrypts it.
 *
 * A row of an imported certificate is its owner's, whom the certificate names and the directory
 * knows, as if he had requested it: who searches finds him, officers' restrictions are about him,
 * and a public key stays one principal's. Who imported it is the caller.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "ca.h"

struct import_item {
	struct view entry;       /* of an escrow batch, signed: says the next three; or empty */
	struct view certificate; /* DER */
	struct view key;         /* archive_import_seal; empty: a certificate alone */
	const char *user;        /* whose key it is, as who encrypted it says; NULL: he does not */
	bool foreign;            /* another CA's may be taken */
	bool replace;            /* an archived key is replaced, else it stays */
	const char
	    *source; /* for the audit trail: "PKCS#12", E_INVALIDARG for '='; NULL: unknown */
};

enum import_key {
	IMPORT_KEY_NONE,
	IMPORT_KEY_ARCHIVED,
	IMPORT_KEY_REPLACED,
	IMPORT_KEY_THERE /* it was archived before */
};
struct import_result {
	int64_t request_id;
	bool foreign;   /* another CA's */
	bool was_there; /* the certificate */
	enum import_key key;
	struct err key_refusal; /* of a certificate that was taken without its key */
	char *owner;            /* DOMAIN\user; NULL: nobody whom the directory knows */
};
void import_result_free(struct import_result *r);

/* CERT_E_ISSUERCHAINING: another CA's, without `foreign` or without KRAF_ENABLEFOREIGN.
 * ERROR_FILE_EXISTS: of this CA another certificate has that serial number. DIRCA_E_SIGNATURE_KEY,
 * DIRCA_E_KEY_NOT_ARCHIVED, DIRCA_E_KEY_IN_USE, DIRCA_E_OWN_REQUEST, CERTSRV_E_RESTRICTEDOFFICER,
 * TYPE_E_AMBIGUOUSNAME: nothing was taken. Where keys cannot be archived at all, the certificate is
 * taken alone. A refusal is recorded. */
bool import_one(struct ca *ca, struct vault *v, const struct principal *officer,
    const struct import_item *item, int64_t now, struct import_result *out, struct err *err);

#endif
