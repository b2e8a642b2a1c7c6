/*
 * The CAs of the directory, for root to choose from who may issue KRA certificates beside this one.
 * The directory chooses nobody: whoever can write CN=AIA would have a say in whom keys are sealed
 * to.
 */
#ifndef CLI_KRA_AUTHORITIES_H
#define CLI_KRA_AUTHORITIES_H

#include "pki.h"
#include "pkix.h"
#include "texts.h"
#include "work.h"

struct kra_authority {
	struct pkix_cert cert;
	struct texts places; /* containers that hold it; none: root's file alone */
	bool is_taken;       /* in trust/kra-issuers.pem */
	bool is_own;         /* a certificate of this CA, whose agents count anyway */
};
struct kra_authorities {
	struct kra_authority *list;
	size_t count;
};
/* Those of CN=AIA, CN=Certification Authorities and CN=NTAuthCertificates that are certificates of
 * CAs, and those of root's file. As whom the options say (daemon_directory.h).
 * kra_authorities_free. */
bool kra_authorities_read(struct work *w, struct kra_authorities *out, struct err *err);
void kra_authorities_free(struct kra_authorities *a);

#endif
