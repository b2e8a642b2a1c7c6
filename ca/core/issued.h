/* What the database says of a certificate that somebody shows. */
#ifndef CORE_ISSUED_H
#define CORE_ISSUED_H

#include "ca.h"
#include "pkix.h"

/* The row of a certificate that this CA issued and has not revoked, the very one. CRYPT_E_REVOKED,
 * or CERT_E_ISSUERCHAINING: none of this CA's, so far as this database knows. Its time and
 * signature are nobody's question here. */
bool issued_row(
    struct ca *ca, const struct pkix_cert *cert, struct store_request *row_out, struct err *err);

#endif
