/*
 * Policies of certificates: which a certificate names, and whether one is valid down a chain of CAs
 * ("qualified subordination"). Application policies are those of extended key usage and of
 * 1.3.6.1.4.1.311.21.10; issuance policies those of certificatePolicies. Pure.
 */
#ifndef MESSAGES_PKIX_POLICY_H
#define MESSAGES_PKIX_POLICY_H

#include "pkix.h"

/* The value of certificatePolicies or 21.10, as dotted object identifiers, each once: at most 64
 * policies, qualifiers not read. ERROR_INVALID_DATA. */
bool pkix_policies_decode(struct view value, struct texts *out, struct err *err);
/* The value of extended key usage, likewise. */
bool pkix_usages_decode(struct view value, struct texts *out, struct err *err);
/* certificatePolicies of a certificate; empty if it has none. */
bool pkix_cert_issuance_policies(const struct pkix_cert *c, struct texts *out, struct err *err);
/* Application policies that a certificate holds: extended key usage, or 21.10; where it has both,
 * only what is in both. Empty if it has neither: it then holds no policy, though it is not limited
 * to any. */
bool pkix_cert_application_policies(const struct pkix_cert *c, struct texts *out, struct err *err);

/* Is an application policy valid in what the first CA of `chain` issues? `chain` goes from that CA
 * up to the root. RFC 5280 6.1 over application policies, their mappings (21.11) and constraints
 * (21.12), with the root's own extensions counted, and a certificate without policies not limited
 * unless a constraint above demands them. False with CERT_E_WRONG_USAGE and the certificate that
 * excludes it; malformed extensions exclude everything. */
bool pkix_chain_allows(
    const struct pkix_cert *const *chain, size_t count, const char *dotted, struct err *err);

/* Takes out of a certificate's lists what its issuer, alone, could not give: application policies
 * that pkix_chain_allows refuses, and issuance policies beside those of the issuer, if it has some
 * and not all. ERROR_INVALID_DATA for an issuer that cannot be read. */
bool pkix_issuer_limits(const struct pkix_cert *issuer, struct texts *application,
    struct texts *issuance, struct err *err);

#endif
