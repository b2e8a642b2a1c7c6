#include "adcs_request.h"

#include "cmc.h"
#include "own.h"
#include "store.h"

static bool
is_for(const struct pkix_request *r, struct view key_hash)
{
	uint8_t hash[PKIX_KEY_HASH_LEN];
	struct err ignored;

	return pkix_key_hash(r->spki, hash, &ignored) &&
	       view_eq(view_of(hash, sizeof hash), key_hash);
}

/* Each form: false if it is another, or not for the key. */
static bool
take_pkcs10(struct view der, struct view key_hash, struct buf *out, struct err *err)
{
	OWNED(pkix_request_free) struct pkix_request r = {0};

	return pkix_request_decode(der, &r, err) && is_for(&r, key_hash) && buf_dup(der, out, err);
}

static bool
take_cmc(struct view der, struct view key_hash, struct buf *out, struct err *err)
{
	OWNED(cmc_request_free) struct cmc_request r = {0};

	return cmc_request_decode(der, &r, err) && is_for(&r.request, key_hash) &&
	       cmc_request_strip(&r, out, err);
}

static bool
take_wrapped(struct view der, struct view key_hash, struct buf *out, struct err *err)
{
	OWNED(cmc_wrapped_free) struct cmc_wrapped w = {0};
	OWNED(buf_free) struct buf inner = {0};

	if (!cmc_wrapped_decode(der, &w, err))
		return false;
	return (cmc_wrapped_holds_cmc(&w) ? take_cmc : take_pkcs10)(
		   w.message.content, key_hash, &inner, err) &&
	       cmc_wrapped_strip(&w, out, err);
}

void
adcs_request(struct view der, struct view key_hash, struct buf *out)
{
	struct err why;

	*out = (struct buf){0};
	if (!take_pkcs10(der, key_hash, out, &why) && !take_cmc(der, key_hash, out, &why) &&
	    !take_wrapped(der, key_hash, out, &why))
		return;
	if (out->len > MOST_RawRequest || cmc_names_archived_key(buf_view(out)))
		buf_free(out);
}
