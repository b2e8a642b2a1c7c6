#include "cmc.h"

#include <stdlib.h>
#include <string.h>

#include "der.h"
#include "oids.h"

static bool
check_signers(const struct cms_signed *m, struct err *err)
{
	int nid = oid_nid(OID_ARCHIVED_KEY_ATTR);

	if (m->signer_count == 0)
		return err_set(
		    err, CRYPT_E_NO_SIGNER, "the message around the request is not signed");
	for (size_t i = 0; i < m->signer_count; i++)
		if (cms_signer_attr(&m->signers[i], nid, true) != NULL ||
		    cms_signer_attr(&m->signers[i], nid, false) != NULL)
			return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
			    "a message around a request carries an encrypted private key "
			    "(311.21.13); only a CMC request that is not wrapped may");
	return true;
}

/* 3.2.2.6.2.1.2.1.1: of the first SignerInfo, and signed. */
static bool
read_pairs(struct cmc_wrapped *w, struct err *err)
{
	const struct cms_attr *a =
	    cms_signer_attr(&w->message.signers[0], oid_nid(OID_ENROLLMENT_NAME_VALUE_PAIR), true);
	struct view cursor, value;

	if (a == NULL)
		return true;
	cursor = a->values;
	while (der_next(&cursor, &value))
		if (!pkix_pairs_add(value, &w->pairs, err))
			return err_prefix(err, "the signed attributes of the agent");
	return true;
}

bool
cmc_wrapped_decode(struct view der, struct cmc_wrapped *out, struct err *err)
{
	OWNED(cmc_wrapped_free) struct cmc_wrapped w = {0};

	*out = w;
	if (!cms_signed_decode(der, &w.message, err))
		return false;
	if (strcmp(w.message.content_oid, CMS_ID_DATA) != 0 || w.message.content.len == 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "the signed content is of type %s, neither a CMC request nor data",
		    w.message.content_oid);
	if (!check_signers(&w.message, err) || !read_pairs(&w, err))
		return false;
	*out = w;
	w = (struct cmc_wrapped){0};
	return true;
}

void
cmc_wrapped_free(struct cmc_wrapped *w)
{
	pairs_free(&w->pairs);
	cms_signed_free(&w->message);
	*w = (struct cmc_wrapped){0};
}

/* A ContentInfo begins with an object identifier, a CertificationRequest with a SEQUENCE. */
bool
cmc_wrapped_holds_cmc(const struct cmc_wrapped *w)
{
	const uint8_t *p = w->message.content.ptr;
	long len;
	int tag, class;

	if ((der_head(&p, &len, &tag, &class, w->message.content.len) & 0x81) != 0 ||
	    tag != V_ASN1_SEQUENCE || len < 1)
		return false;
	return *p == V_ASN1_OBJECT;
}
