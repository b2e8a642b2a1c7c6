#include "pkix_priv.h"

#include "der.h"
#include "own.h"
#include "text.h"

static bool
add_pair(struct pairs *to, const PKIX_NAME_VALUE *pair, struct err *err)
{
	OWNED(own_memory) char *name = NULL, *value = NULL;

	if (to->count >= PKIX_MAX_ITEMS)
		return err_set(
		    err, ERROR_INVALID_DATA, "more than %d name-value pairs", PKIX_MAX_ITEMS);
	if (!pkix_string_text(pair->name, &name, err) ||
	    !pkix_string_text(pair->value, &value, err))
		return err_prefix(err, "name-value pair %zu", to->count + 1);
	if (pairs_find(to, name) != NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "name-value pair \"%s\" is there twice", name);
	pairs_take(to, own_give(&name), own_give(&value));
	return true;
}

/* [MS-WCCE] 2.2.2.7.10 prints SEQUENCE OF pairs, clients write one pair a value; both are read. */
bool
pkix_pairs_add(struct view der, struct pairs *out, struct err *err)
{
	const unsigned char *p = der.ptr, *end = der.ptr + der.len;
	long len = 0;
	int tag = 0, class = 0;

	if ((der_head(&p, &len, &tag, &class, der.len) & 0x81) != 0 || tag != V_ASN1_SEQUENCE ||
	    p + len != end)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "an enrollment name-value pair is malformed");
	if (p == end || p[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		p = der.ptr;
	/* p..end is now one pair, or the pairs of the list */
	while (p < end) {
		OWNED(own_pkix_name_value)
		PKIX_NAME_VALUE *pair = d2i_PKIX_NAME_VALUE(NULL, &p, end - p);

		if (pair == NULL)
			return err_openssl(
			    err, ERROR_INVALID_DATA, "an enrollment name-value pair is malformed");
		if (!add_pair(out, pair, err))
			return false;
	}
	return true;
}
