/* Values of extensions that are one number, text or instant. */
#include "extension_priv.h"

#include <string.h>

#include "der.h"

static bool
encode(const ASN1_ITEM *item, const void *value, struct buf *out, struct err *err)
{
	*out = (struct buf){0};
	return value != NULL ? der_encode(item, value, "the value of an extension", out, err)
			     : err_nomem(err);
}

bool
ext_value_number(int64_t number, struct buf *out, struct err *err)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool ok = (value == NULL || ASN1_INTEGER_set_int64(value, number) == 1) &&
		  encode(ASN1_ITEM_rptr(ASN1_INTEGER), value, out, err);

	ASN1_INTEGER_free(value);
	return ok;
}

bool
ext_value_text(const char *text, bool ascii, struct buf *out, struct err *err)
{
	ASN1_STRING *value =
	    der_string_new(ascii ? V_ASN1_IA5STRING : V_ASN1_UTF8STRING, view_str(text));
	bool ok = encode(ascii ? ASN1_ITEM_rptr(ASN1_IA5STRING) : ASN1_ITEM_rptr(ASN1_UTF8STRING),
	    value, out, err);

	ASN1_STRING_free(value);
	return ok;
}

bool
ext_value_instant(int64_t when, struct buf *out, struct err *err)
{
	ASN1_GENERALIZEDTIME *value = ASN1_GENERALIZEDTIME_set(NULL, when);
	bool ok = encode(ASN1_ITEM_rptr(ASN1_GENERALIZEDTIME), value, out, err);

	ASN1_GENERALIZEDTIME_free(value);
	return ok;
}
