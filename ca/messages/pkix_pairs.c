#include "pkix_priv.h"

#include <stdlib.h>

#include "text.h"

struct pairs {
	char ***names, ***values;
	size_t *count;
};

/* Takes over both strings. */
static bool
append(const struct pairs *to, char *name, char *value)
{
	char **names = reallocarray(*to->names, *to->count + 1, sizeof *names), **values;

	if (names != NULL)
		*to->names = names;
	if (names == NULL ||
	    (values = reallocarray(*to->values, *to->count + 1, sizeof *values)) == NULL)
		return false;
	*to->values = values;
	(*to->names)[*to->count] = name;
	(*to->values)[(*to->count)++] = value;
	return true;
}

static bool
add_pair(const struct pairs *to, const PKIX_NAME_VALUE *pair, struct err *err)
{
	char *name = NULL, *value = NULL;
	bool ok = false;

	if (*to->count >= PKIX_MAX_ITEMS) {
		err_set(err, ERROR_INVALID_DATA, "more than %d name-value pairs", PKIX_MAX_ITEMS);
		goto out;
	}
	if (!pkix_string_text(pair->name, &name, err) ||
	    !pkix_string_text(pair->value, &value, err)) {
		err_prefix(err, "name-value pair %zu", *to->count + 1);
		goto out;
	}
	for (size_t i = 0; i < *to->count; i++)
		if (text_eq_nocase((*to->names)[i], name)) {
			err_set(
			    err, ERROR_INVALID_DATA, "name-value pair \"%s\" is there twice", name);
			goto out;
		}
	if (!append(to, name, value)) {
		err_nomem(err);
		goto out;
	}
	name = value = NULL;
	ok = true;
out:
	free(name);
	free(value);
	return ok;
}

/* [MS-WCCE] 2.2.2.7.10 prints SEQUENCE OF pairs, clients write one pair a value; both are read. */
bool
pkix_pairs_add(struct view der, char ***names, char ***values, size_t *count, struct err *err)
{
	const struct pairs to = {names, values, count};
	const unsigned char *p = der.ptr, *end = der.ptr + der.len;
	PKIX_NAME_VALUE *pair = NULL;
	long len = 0;
	int tag = 0, class = 0;
	bool ok = false;

	if ((ASN1_get_object(&p, &len, &tag, &class, (long)der.len) & 0x81) != 0 ||
	    tag != V_ASN1_SEQUENCE || p + len != end) {
		err_openssl(err, ERROR_INVALID_DATA, "an enrollment name-value pair is malformed");
		goto out;
	}
	if (p == end || p[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		p = der.ptr;
	/* p..end is now one pair, or the pairs of the list */
	while (p < end) {
		if ((pair = d2i_PKIX_NAME_VALUE(NULL, &p, end - p)) == NULL) {
			err_openssl(
			    err, ERROR_INVALID_DATA, "an enrollment name-value pair is malformed");
			goto out;
		}
		if (!add_pair(&to, pair, err))
			goto out;
		PKIX_NAME_VALUE_free(pair);
		pair = NULL;
	}
	ok = true;
out:
	PKIX_NAME_VALUE_free(pair);
	return ok;
}
