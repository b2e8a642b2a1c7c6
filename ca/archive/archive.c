#include "archive.h"

#define KRA_MAX 64 /* recipients of one archived key */

static bool
check_kras(const struct archive_rewrap *in, struct err *err)
{
	if (in->kra_count == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "no key recovery agent was named for the archived key; set KRACertCount and "
		    "add KRA certificates");
	if (in->kra_count > KRA_MAX)
		return err_set(err, E_INVALIDARG,
		    "%zu key recovery agents were named for one key; at most %d are possible",
		    in->kra_count, KRA_MAX);
	for (size_t i = 0; i < in->kra_count; i++)
		for (size_t j = 0; j < i; j++)
			if (view_eq(in->kras[i].issuer, in->kras[j].issuer) &&
			    view_eq(in->kras[i].serial, in->kras[j].serial))
				return err_set(err, E_INVALIDARG,
				    "the same key recovery agent was named twice for one archived "
				    "key");
	return true;
}

/* [MS-WCCE] 3.2.2.6.2.1.2.2: recipients other than the exchange certificate are ignored. */
static bool
find_recipient(const struct cms_enveloped *envelope, struct view issuer, struct view serial,
    size_t *index_out, struct err *err)
{
	for (size_t i = 0; i < envelope->count; i++)
		if (cms_recipient_is(&envelope->recipients[i], issuer, serial)) {
			*index_out = i;
			return true;
		}
	return err_set(err, DIRCA_E_XCHG_CERT,
	    "the archived key is not encrypted to the CA exchange certificate; fetch the current "
	    "one and enroll again");
}

/*
 * One sentence for wrong padding, wrong magic and wrong numbers: who replays another's payload with
 * changes must not learn which of the three it met (padding oracle).
 */
static bool
undecodable(struct err *err)
{
	return err_set(err, NTE_BAD_DATA,
	    "the archived key could not be read: it is damaged, encrypted to another key or no "
	    "private key blob of [MS-WCCE] 2.2.2.9");
}

static bool
check_blob(struct view blob, EVP_PKEY **key_out, struct err *err)
{
	enum keyblob_format format;
	bool signature_only;

	if (!keyblob_format(blob, &format, &signature_only, err))
		return undecodable(err);
	if (signature_only)
		return err_set(err, DIRCA_E_SIGNATURE_KEY,
		    "the key is marked for signatures only; only encryption keys are archived");
	return keyblob_decode(blob, key_out, err) || undecodable(err);
}

bool
archive_rewrap(const struct archive_rewrap *in, struct buf *archived_out, struct err *err)
{
	struct cms_enveloped envelope = {0};
	struct secret blob = {0};
	EVP_PKEY *priv = NULL, *pub = NULL;
	size_t index = 0;
	bool ok = false;

	*archived_out = (struct buf){0};
	if (!check_kras(in, err) || !pkix_public_key(in->spki, &pub, err) ||
	    !cms_enveloped_decode(in->payload, &envelope, err) ||
	    !find_recipient(&envelope, in->xchg_issuer, in->xchg_serial, &index, err))
		goto out;
	if (!cms_enveloped_open(&envelope, index, in->xchg_key, &blob, err)) {
		undecodable(err);
		goto out;
	}
	if (!check_blob(secret_view(&blob), &priv, err) || !archive_key_matches(priv, pub, err))
		goto out;
	ok = cms_enveloped_seal(
	    secret_view(&blob), in->kras, in->kra_count, in->cipher, in->oaep, archived_out, err);
out:
	secret_free(&blob);
	EVP_PKEY_free(priv);
	EVP_PKEY_free(pub);
	cms_enveloped_free(&envelope);
	return ok;
}
