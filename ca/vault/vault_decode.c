/* DER that is the one encoding of what it says. */
#include "der.h"
#include "vault_priv.h"

ASN1_VALUE *
vault_decode_exactly(struct view der, const ASN1_ITEM *item)
{
	return der_exact(item, der);
}
