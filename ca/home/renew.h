/*
 * Renewing a CA's certificate, by root on the CA's machine while dircad does not run (`dirca ca
 * renew`, `dirca ca install`). With the same key the certificate index grows, with a new one the
 * key index too. The older certificates stay in ca.crt, and their keys in the vault's folder for as
 * long as they sign CRLs.
 *
 * ca.crt is replaced last and at once: what an earlier end leaves behind is a key file or a
 * certificate that nothing names, which the next try takes up or replaces.
 */
#ifndef HOME_RENEW_H
#define HOME_RENEW_H

#include "config.h"
#include "ca_key.h"

#define CROSS_FILE "cross.crt" /* in the state folder, root's: PEM */

struct ca_renew {
	bool new_key;
	enum ca_key_kind key; /* of a new key */
	const char *key_uri;  /* of a new key that a token keeps; NULL: it is made */
	const struct secret *passphrase;
	int64_t validity; /* seconds; self-signed only */
};
enum ca_renewed { CA_RENEWED, CA_RENEWAL_REQUESTED };
/* A self-signed CA signs its new certificate itself, and with a new key the two cross certificates:
 * the old key's for the new one and the new key's for the old one. One that has a parent gets
 * <state>/ca.csr. DIRCA_E_CONFIG while dircad runs,
 * DIRCA_E_JOURNAL while its vault does. */
bool ca_renew(const struct config *config, const struct ca_renew *in, int64_t now,
    enum ca_renewed *out, struct err *err);
/* The parent's answer: of ca.csr's key, this CA's name, and with the CA version of the request;
 * `chain`, DER, has its parents up to a self-signed one, in whatever order; none: trust/chain.pem
 * has them. CERTSRV_E_INVALID_CA_CERTIFICATE, CERT_E_ISSUERCHAINING, CERT_E_EXPIRED. */
bool ca_renew_install(const struct config *config, struct view certificate,
    const struct view *chain, size_t chain_count, const struct secret *passphrase, int64_t now,
    struct err *err);

#endif
