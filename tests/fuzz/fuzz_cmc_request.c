/* A CMC request from anybody, or SignedData around a request: it is decoded or refused, what is
 * decoded encodes to the same bytes and can be stripped of its key and read again. */
#include <stdlib.h>

#include "cmc_reencode.h"
#include "cmc.h"
#include "oids.h"
#include "pkix_policy.h"
#include "target.h"

static void
check_stripped(const struct cmc_request *r)
{
	struct cmc_request again;
	struct buf out;
	struct err err;

	if (!cmc_request_strip(r, &out, &err) ||
	    !cmc_request_decode(buf_view(&out), &again, &err) || again.archived_key.len != 0 ||
	    !view_eq(again.message.content, r->message.content))
		abort();
	cmc_request_free(&again);
	buf_free(&out);
}

/* Certificates of signers, as policy reads them. */
static void
check_signers(const struct cms_signed *m)
{
	for (size_t i = 0; i < m->signer_count; i++) {
		struct texts application, issuance, upns, emails;
		struct pkix_cert cert;
		const struct pkix_cert *chain[] = {&cert};
		EVP_PKEY *key = NULL;
		struct view der;
		struct err err;

		if (!cms_signer_certificate(m, &m->signers[i], &der, &err) ||
		    !pkix_cert_decode(der, &cert, &err))
			continue;
		if (pkix_cert_application_policies(&cert, &application, &err))
			texts_free(&application);
		if (pkix_cert_issuance_policies(&cert, &issuance, &err))
			texts_free(&issuance);
		pkix_cert_san_names(&cert, &upns, &emails);
		texts_free(&upns);
		texts_free(&emails);
		free(pkix_cert_sid(&cert));
		(void)pkix_chain_allows(chain, 1, oid_dotted(OID_KP_CA_EXCHANGE), &err);
		if (pkix_public_key(cert.spki, &key, &err))
			(void)cms_signer_verify(m, &m->signers[i], key, true, &err);
		EVP_PKEY_free(key);
		pkix_cert_free(&cert);
	}
}

static void
try_wrapped(struct view der)
{
	struct cmc_wrapped w, again;
	struct pkix_request pkcs10;
	struct cmc_request cmc;
	struct buf out;
	struct err err;

	if (!cmc_wrapped_decode(der, &w, &err))
		return;
	if (!cmc_wrapped_strip(&w, &out, &err) ||
	    !cmc_wrapped_decode(buf_view(&out), &again, &err) ||
	    again.pairs.count != w.pairs.count ||
	    !view_eq(again.message.content, w.message.content))
		abort();
	if (cmc_wrapped_holds_cmc(&w) && cmc_request_decode(w.message.content, &cmc, &err))
		cmc_request_free(&cmc);
	else if (pkix_request_decode(w.message.content, &pkcs10, &err))
		pkix_request_free(&pkcs10);
	check_signers(&w.message);
	cmc_wrapped_free(&again);
	cmc_wrapped_free(&w);
	buf_free(&out);
}

int
target(const uint8_t *data, size_t size)
{
	static bool ready;
	struct cmc_request r;
	EVP_PKEY *key = NULL;
	struct buf again;
	struct err err;

	if (!ready && !oids_init(&err))
		abort();
	ready = true;
	if (!cmc_request_decode(view_of(data, size), &r, &err)) {
		/* A SignedData of another content; what is none would be read twice for nothing. */
		if (err.code == CRYPT_E_INVALID_MSG_TYPE)
			try_wrapped(view_of(data, size));
		return 0;
	}
	if (!cmc_reencode(view_of(data, size), &again, &err) ||
	    !view_eq(buf_view(&again), view_of(data, size)))
		abort();
	buf_free(&again);
	check_stripped(&r);
	check_signers(&r.message);
	if (pkix_public_key(r.request.spki, &key, &err))
		(void)cmc_request_verify(&r, key, true, &err);
	EVP_PKEY_free(key);
	cmc_request_free(&r);
	return 0;
}
