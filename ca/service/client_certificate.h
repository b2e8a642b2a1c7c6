/*
 * Signing in by a TLS client certificate: whose account it stands for. That its key is the client's
 * TLS has proved; everything else is asked here.
 */
#ifndef SERVICE_CLIENT_CERTIFICATE_H
#define SERVICE_CLIENT_CERTIFICATE_H

#include "ca.h"

struct client_account {
	enum identity_kind kind;
	char *text;           /* free() */
	bool key_is_archived; /* key recovery agents could be who has it */
};
/* The certificate must be one that this CA issued, by
 * its database, and not expired or revoked; for client authentication; of a CA that
 * NTAuthCertificates names; and name the account that it was issued to: by its SID (extension
 * 25.2), or where it has none by its UPN. So a name that somebody else supplied is nobody; nor is
 * anybody a key that was recovered, which others had. Without a directory there is no account, but
 * the holder of the certificate (ca_holder.h). Any other code of err.h: nobody. */
bool client_certificate_account(
    struct ca *ca, struct view der, int64_t now, struct client_account *out, struct err *err);

#endif
