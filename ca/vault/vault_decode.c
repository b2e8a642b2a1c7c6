/* DER that is the one encoding of what it says. */
#include <limits.h>
#include <openssl/err.h>

#include "vault_priv.h"

ASN1_VALUE *
vault_decode_exactly(struct view der, const ASN1_ITEM *item)
{
	const unsigned char *p = der.ptr;
	unsigned char *again = NULL;
	ASN1_VALUE *value;
	bool same;
	int len;

	if (der.len == 0 || der.len > INT_MAX ||
	    (value = ASN1_item_d2i(NULL, &p, (long)der.len, item)) == NULL) {
		ERR_clear_error();
		return NULL;
	}
	len = ASN1_item_i2d(value, &again, item);
	same = len >= 0 && view_eq(view_of(again, (size_t)len), der);
	OPENSSL_free(again);
	if (same)
		return value;
	ASN1_item_free(value, item);
	ERR_clear_error();
	return NULL;
}
