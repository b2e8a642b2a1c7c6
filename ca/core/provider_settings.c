/* Settings below CA\EncryptionCSP that say what keeps and signs for exchange keys here: facts,
 * which root's configuration and the CA key decide, and nobody sets. */
#include "ca.h"

#include <openssl/objects.h>

/* ALG_ID (docs/FACTS.md 5). */
static int64_t
alg_id_of(int digest)
{
	return digest == NID_sha384 ? 0x800d : digest == NID_sha512 ? 0x800e : 0x800c;
}

bool
ca_provider_settings(struct ca *ca, struct vault *v, struct settings *in, struct err *err)
{
	struct vault_xchg_provider p;

	if (!vault_xchg_provider(v, &p, err))
		return false;
	in->num[SETTING_XCHG_PROVIDER] =
	    p.usable || (p.named && !p.fallback) ? PROVIDER_TOKEN : PROVIDER_SOFTWARE;
	in->num[SETTING_XCHG_HASH] = alg_id_of(pkix_sig_digest(buf_view(&ca->issuer->sig_alg)));
	return true;
}
