/* PKCS#10 requests: decoding, and all that is then read from one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkix.h"
#include "target.h"

/* Strict DER: the parts put together again are the bytes that came. */
static void
check_rewrap(const struct pkix_request *r)
{
	struct buf again = {0};
	uint8_t *alg = NULL;
	int param = 0, len = i2d_X509_ALGOR(r->sig_alg, &alg);
	struct err err;

	X509_ALGOR_get0(NULL, &param, NULL, r->sig_alg);
	if ((param == V_ASN1_NULL || param == V_ASN1_UNDEF) && r->signature.len > 0) {
		require(pkix_signed_wrap(
		    r->info, view_of(alg, (size_t)len), r->signature, &again, &err));
		require(view_eq(buf_view(&again), buf_view(&r->raw)));
	}
	buf_free(&again);
	OPENSSL_free(alg);
}

static void
check_key(const struct pkix_request *r)
{
	const char *algorithm = NULL;
	EVP_PKEY *key = NULL;
	struct buf spki = {0};
	struct err err;
	int bits = 0;

	if (pkix_public_key(r->spki, &key, &err)) {
		require(pkix_key_info(r->spki, &algorithm, &bits, &err));
		require(bits == EVP_PKEY_get_bits(key) && EVP_PKEY_is_a(key, algorithm));
		require(pkix_key_spki(key, &spki, &err));
		(void)pkix_request_verify(r, key, true, true, &err);
	} else {
		require(key == NULL);
	}
	buf_free(&spki);
	EVP_PKEY_free(key);
}

/* What may be certified can be written, and is read as the same name again. */
static void
check_names(const struct pkix_request *r)
{
	struct texts hosts = {0};
	struct buf again = {0};
	struct err err;

	if (pkix_check_name(r->subject, "it", &err)) {
		char *text = pkix_name_text(r->subject), *other;

		require(text != NULL);
		if (pkix_name_from_dn(text, NULL, &again, &err)) {
			other = pkix_name_text(buf_view(&again));
			/* The attributes of one component have an order of their own. */
			require(other != NULL && strlen(text) == strlen(other));
			free(other);
		}
		free(text);
	}
	buf_free(&again);
	for (size_t i = 0; i < r->extension_count; i++)
		if (r->extensions[i].nid == NID_subject_alt_name &&
		    pkix_check_general_names(r->extensions[i].value, "it", &err) &&
		    pkix_check_name(r->subject, "it", &err)) {
			require(pkix_host_names(r->subject, r->extensions[i].value, &hosts, &err));
			texts_free(&hosts);
		}
}

int
target(const uint8_t *data, size_t size)
{
	struct pkix_template_id id = {0};
	struct pkix_request r = {0};
	struct err err;

	if (!pkix_request_decode(view_of(data, size), &r, &err)) {
		require(r.raw.ptr == NULL && err.code != ERR_OK);
		return 0;
	}
	check_rewrap(&r);
	check_key(&r);
	free(pkix_name_text(r.subject));
	free(pkix_name_value(r.subject, NID_commonName));
	check_names(&r);
	(void)pkix_template_id(r.extensions, r.extension_count, &id, &err);
	pkix_template_id_free(&id);
	pkix_request_free(&r);
	return 0;
}
