/*
 * Taking over a CA that was elsewhere, by root before any daemon runs (`dirca ca init
 * --import-pfx`): the keys and certificates of a PFX, as `certutil -backupKey` of AD CS writes it
 * of a CA, renewed or not. Name, key identifiers and CA version stay, and so do the names of its
 * CRLs.
 *
 * All is verified before the first file. ca.crt comes last: what an earlier end leaves behind is
 * taken up by the next try with the same PFX.
 */
#ifndef HOME_ADOPT_H
#define HOME_ADOPT_H

#include "config.h"
#include "pfx.h"

struct ca_adopt {
	const struct pfx_content *from;
	const struct view *chain; /* DER: parents that are not in the PFX */
	size_t chain_count;
	const struct view *crls; /* DER: the last that the CA made */
	size_t crl_count;
	int64_t crl_number;              /* at least so far the CA came; 0: the CRLs say it */
	const struct secret *passphrase; /* of the CA's keys from now on; NULL: none */
};
/* ERROR_FILE_EXISTS: there is another CA, or this one is taken over already.
 * CERTSRV_E_INVALID_CA_CERTIFICATE, CERT_E_EXPIRED, CERT_E_ISSUERCHAINING, DIRCA_E_KEY_MISMATCH,
 * DIRCA_E_CONFIG (another name), NTE_BAD_SIGNATURE (of a CRL). */
bool ca_adopt(const struct config *config, const struct ca_adopt *in, int64_t now, struct err *err);

/* What is remembered of where the CA was: <state>/trust/adopted. */
struct ca_adopted {
	int64_t crl_number; /* of the last CRL that was made there: the next has a greater one */
	int64_t revoked;    /* so many certificates its CRLs named */
};
/* All zero for a CA that was never elsewhere. */
bool ca_adopted_read(const struct config *config, struct ca_adopted *out, struct err *err);
/* Each certificate that the last CRLs there named: a serial number in hexadecimal, and whether it
 * was on hold alone. */
typedef bool ca_adopted_each(void *arg, const char *serial, bool held, struct err *err);
bool ca_adopted_revoked(
    const struct config *config, ca_adopted_each *each, void *arg, struct err *err);

#endif
