/*
 * <state>/trust: files that decide whom the CA trusts, in a folder of root's that the front cannot
 * write. The vault and the front read them by the same rules.
 */
#ifndef KEYS_TRUST_H
#define KEYS_TRUST_H

#include "ca_issuers.h"

#define TRUST_FOLDER      "trust"
#define TRUST_KRA_ISSUERS "kra-issuers.pem" /* CAs beside this one whose KRA certificates count */
#define TRUST_CHAIN       "chain.pem"       /* the parents of the CA certificate */
#define TRUST_KRA_ENABLED "kra-enabled"     /* whom keys are sealed to (kra_policy.h) */
#define TRUST_ADOPTED     "adopted"         /* where the CA was before it was here (adopt.h) */
#define TRUST_SIGNERS     "import-signers.pem" /* who may sign escrow batches */
#define TRUST_REVOKED     "adopted-revoked"    /* and what its CRLs named there */

/* The whole file; ERROR_FILE_NOT_FOUND if it is not there. DIRCA_E_CONFIG if file or folder could
 * be another's than root's (or this process's user), or if the file lies in the state folder, where
 * it was before there was this one: it is not read there, and if it is one of root's, who would
 * miss it, the sentence says where it belongs. */
bool trust_read(const char *state_dir, const char *name, struct buf *out, struct err *err);

/* Behind the one certificate of `chain` its parents among these, each issued by the next, `count`
 * at most. The last has issued itself, or its issuer is not there. ERROR_INVALID_DATA. */
bool trust_parents(
    struct pkix_certs *chain, const struct view *ders, size_t count, struct err *err);

/* Who may have issued KRA certificates: this CA, whose certificates come first, and those of
 * TRUST_KRA_ISSUERS if there is that file. Vault, front and `dirca kra add` read it alike. */
struct trust_issuers {
	struct pkix_certs certs;
	const struct pkix_cert **list; /* of `certs` */
	size_t count;
};
bool trust_kra_issuers(const char *state_dir, const struct ca_issuers *own,
    struct trust_issuers *out, struct err *err);
/* The two halves of it: what the file holds, nothing if it is not there (pkix_certs_free), and this
 * CA with such others, as trust_views has them; free(). */
bool trust_kra_issuers_read(const char *state_dir, struct pkix_certs *out, struct err *err);
struct view *trust_views(const struct pkix_certs *certs);
bool trust_kra_issuers_make(const struct ca_issuers *own, const struct view *others, size_t count,
    struct trust_issuers *out, struct err *err);
void trust_issuers_free(struct trust_issuers *t);

#endif
