/* Whether certificates of other CAs are revoked: by the CRLs that those publish in the directory,
 * or of a stand-alone CA by those that root put into its folder trust/ (*.crl, DER);
 * else by one that the certificate says where to have by HTTP. */
#ifndef CORE_CRL_CHECK_H
#define CORE_CRL_CHECK_H

#include "ca.h"

struct crl_check {
	const struct pkix_cert *cert, *issuer;
	EVP_PKEY *key; /* the issuer's */
	int64_t now;
};
/* Does a current CRL of the issuer below CN=CDP, or in that folder (docs/FACTS.md 6), or where
 * there is none by HTTP (crl_http.h), say that it is not revoked? By who builds the view.
 * CRYPT_E_REVOKED; CRYPT_E_REVOCATION_OFFLINE if there is none; what the directory says. */
bool ca_check_crl(
    struct ca *ca, const char *services_dn, const struct crl_check *in, struct err *err);
/* The same as a view is built: of one certificate of a chain, by the CA above it. */
bool ca_check_link(struct ca *ca, const struct ca_view *v, const struct pkix_cert *cert,
    const struct pkix_cert *issuer, struct err *err);

#endif
