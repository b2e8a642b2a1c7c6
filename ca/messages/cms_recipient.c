/* What key transport and key agreement share (RFC 5652 6.2.1, 6.2.2). */
#include "cms_enveloped.h"

#include <openssl/err.h>

#include "der.h"

bool
cms_bad_data(struct err *err)
{
	ERR_clear_error();
	return err_set(err, NTE_BAD_DATA,
	    "the enveloped message does not open with this key, or it is damaged");
}

void
cms_key_choose(uint8_t cek[CMS_KEY_MAX], const uint8_t *plain, const uint8_t *other, size_t key_len,
    bool right)
{
	uint8_t take = (uint8_t)(0 - (unsigned)right);

	for (size_t i = 0; i < key_len; i++)
		cek[i] = (uint8_t)((plain[i] & take) | (other[i] & ~take));
}

bool
cms_recipient_name(CMSW_ISSUER_SERIAL **field, const struct cms_kra *to, struct err *err)
{
	if ((*field = CMSW_ISSUER_SERIAL_new()) == NULL)
		return err_nomem(err);
	return der_string_set((*field)->issuer, to->issuer, err) &&
	       der_string_set((*field)->serial, to->serial, err);
}
