#include "ca_signed.h"

#include <string.h>

#include "own.h"
#include "own_openssl.h"

static bool
is_signed_by(const struct cms_signed *s, const struct pkix_cert *ca, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return pkix_public_key(ca->spki, &key, err) &&
	       cms_signer_verify(s, &s->signers[0], key, false, err);
}

bool
ca_signed_verify(
    const struct ca_signed *in, struct view message, struct cms_signed *out, struct err *err)
{
	if (!cms_signed_decode(message, out, err))
		return err_prefix(err, "%s", in->what);
	if (strcmp(out->content_oid, oid_dotted(in->type)) != 0 || out->signer_count != 1 ||
	    out->signers[0].signed_attrs.len == 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE, "the message is not %s", in->what);
	err_set(err, CRYPT_E_NOT_FOUND, "%s: no CA certificate was named", in->what);
	for (size_t i = 0; i < in->count; i++)
		if (is_signed_by(out, in->cas[i], err))
			return true;
	return false;
}
