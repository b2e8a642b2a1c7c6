/* As whom this process signs in by Kerberos: for binds, and for sentences about them. */
#ifndef LDAP_KERBEROS_H
#define LDAP_KERBEROS_H

#include <gssapi/gssapi.h>

#include "err.h"

/* Credentials to sign in with, for as long as they are held. */
struct kerberos {
	gss_cred_id_t cred;
	char *principal; /* "dircad@NWTRADERS.COM" */
	bool lent;       /* what this thread signs in with are those of a keytab */
};

/* Those of `keytab` (a file), whose tickets stay in memory, are renewed by themselves and are what
 * the calling thread signs in with until kerberos_end; NULL: those of the credential cache (kinit,
 * KRB5CCNAME). DIRCA_E_AUTHENTICATION: there are none, or Kerberos refuses them. */
bool kerberos_begin(const char *keytab, struct kerberos *out, struct err *err);
/* In the same thread. */
/* The next time tickets are fetched anew: those that this process has say in which groups the
 * account was when they were fetched. */
void kerberos_forget(const char *keytab);
void kerberos_end(struct kerberos *k);

/* Why a call of GSS-API failed: the mechanism's words, which name what Kerberos refused, where it
 * has any. free(). */
char *kerberos_words(OM_uint32 major, OM_uint32 minor);

/* The principal of the credential cache; "nobody, for lack of a ticket" if there is none. free().
 */
char *kerberos_principal(void);

#endif
