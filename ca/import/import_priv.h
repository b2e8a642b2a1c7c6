/* What the files of this room share. Not for other rooms. */
#ifndef IMPORT_IMPORT_PRIV_H
#define IMPORT_IMPORT_PRIV_H

#include "escrow_entry.h"
#include "import.h"

/* Whose a certificate is, and by what that is known: "sid", "upn", "user", "mail"; NULL: nobody's
 * whom the directory knows. */
struct import_owner {
	struct principal principal;
	const char *by;
};
/* What the certificate says of itself (SID, UPNs), what who encrypted the key says (`user`), and,
 * where there is neither, the mail addresses. All that the directory knows must be one and the
 * same: TYPE_E_AMBIGUOUSNAME. Who has got a name after the certificate had ended is not its owner.
 */
bool import_find_owner(struct ca *ca, const struct pkix_cert *cert, const char *user,
    struct import_owner *out, struct err *err);

/* An entry of an escrow batch, of a signer whom root lists: CERT_E_UNTRUSTEDROOT. */
struct import_entry {
	struct cms_signed message;
	struct escrow_entry entry;
};
bool import_entry_open(
    const struct ca *ca, struct view der, struct import_entry *out, struct err *err);
void import_entry_free(struct import_entry *e);

#endif
