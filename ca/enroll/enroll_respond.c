/*
 * CMC full responses ([MS-WCCE] 3.2.1.4.2.1.4.8.2), signed by the CA's key in the vault.
 */
#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "oids.h"

/* CMCFailInfo, RFC 5272 6.1.4 */
enum {
	FAIL_BAD_ALG = 0,
	FAIL_BAD_MESSAGE_CHECK = 1,
	FAIL_BAD_REQUEST = 2,
	FAIL_MUST_ARCHIVE_KEYS = 6,
	FAIL_BAD_IDENTITY = 7,
	FAIL_POP_FAILED = 9
};

static int
fail_info(enum err_code code)
{
	static const struct {
		enum err_code code;
		int info;
	} map[] = {
	    {NTE_BAD_ALGID, FAIL_BAD_ALG},
	    {NTE_BAD_SIGNATURE, FAIL_BAD_MESSAGE_CHECK},
	    {CRYPT_E_HASH_VALUE, FAIL_BAD_MESSAGE_CHECK},
	    {CERTSRV_E_ARCHIVED_KEY_REQUIRED, FAIL_MUST_ARCHIVE_KEYS},
	    {CERTSRV_E_ENROLL_DENIED, FAIL_BAD_IDENTITY},
	    {CERTSRV_E_TEMPLATE_DENIED, FAIL_BAD_IDENTITY},
	    {DIRCA_E_KEY_NOT_ARCHIVED, FAIL_POP_FAILED},
	};

	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if (map[i].code == code)
			return map[i].info;
	return FAIL_BAD_REQUEST;
}

static bool
encode_body(const struct enroll_answer *a, struct buf *out, struct err *err)
{
	uint8_t sha1[SHA_DIGEST_LENGTH];
	struct cmc_response_body body = {
	    .status = a->status,
	    .text = a->text,
	    .body_part_id = a->body_part_id,
	    .fail_info = a->status == CMC_STATUS_FAILED ? a->fail_info : -1,
	    .pending_id = a->pending_id,
	    .pending_time = a->pending_time,
	    .key_hash = a->key_hash,
	};

	if (a->certificate.len > 0) {
		if (SHA1(a->certificate.ptr, a->certificate.len, sha1) == NULL)
			return err_openssl(err, DIRCA_E_CRYPTO, "SHA-1 of the certificate");
		body.issued_sha1 = view_of(sha1, sizeof sha1);
	}
	return cmc_response_body_encode(&body, out, err);
}

static bool
sign_body(struct ca *ca, struct vault *v, struct view content, const struct view *certificates,
    size_t count, struct buf *out, struct err *err)
{
	struct buf attrs = {0}, signature = {0};
	const struct cms_sign in = {
	    .content_oid = oid_dotted(OID_CT_PKI_RESPONSE),
	    .content = content,
	    .digest = ca->digest,
	    .issuer = ca->ca_cert.issuer,
	    .serial = ca->ca_cert.serial,
	    .certificates = certificates,
	    .certificate_count = count,
	};
	bool ok = cms_sign_attrs(&in, &attrs, err) &&
		  vault_sign_message(v, buf_view(&attrs), &signature, err) &&
		  cms_sign_finish(&in, buf_view(&attrs), buf_view(&ca->info.sig_alg),
		      buf_view(&signature), out, err);

	buf_free(&attrs);
	buf_free(&signature);
	return ok;
}

bool
enroll_respond(struct ca *ca, struct vault *v, const struct enroll_answer *answer, struct buf *out,
    struct err *err)
{
	struct view *certificates = calloc(ca->chain_count + 1, sizeof *certificates);
	struct buf body = {0};
	size_t count = 0;
	bool ok = false;

	*out = (struct buf){0};
	if (certificates == NULL) {
		err_nomem(err);
		goto out;
	}
	if (answer->certificate.len > 0)
		certificates[count++] = answer->certificate;
	for (size_t i = 0; i < ca->chain_count; i++)
		certificates[count++] = buf_view(&ca->chain[i]);
	ok = encode_body(answer, &body, err) &&
	     sign_body(ca, v, buf_view(&body), certificates, count, out, err);
out:
	free(certificates);
	buf_free(&body);
	return ok || err_prefix(err, "making the CMC response");
}

bool
enroll_respond_refusal(struct ca *ca, struct vault *v, int64_t body_part_id,
    const struct err *reason, struct buf *out, struct err *err)
{
	char *text = text_printf("%s: %s", err_name(reason->code), reason->msg);
	const struct enroll_answer answer = {
	    .status = CMC_STATUS_FAILED,
	    .text = text,
	    .body_part_id = body_part_id,
	    .fail_info = fail_info(reason->code),
	};
	bool ok = text != NULL ? enroll_respond(ca, v, &answer, out, err) : err_nomem(err);

	free(text);
	return ok;
}

bool
enroll_respond_row(struct ca *ca, struct vault *v, const struct store_request *row,
    int64_t body_part_id, struct buf *out, struct err *err)
{
	struct err reason = {.code = (enum err_code)row->status_code};
	struct enroll_answer answer = {.status = CMC_STATUS_SUCCESS,
	    .text = "Issued",
	    .body_part_id = body_part_id,
	    .key_hash = buf_view(&row->key_hash)};

	switch (row->disposition) {
	case DISP_ISSUED:
	case DISP_REVOKED:
		answer.certificate = buf_view(&row->raw_certificate);
		return enroll_respond(ca, v, &answer, out, err);
	case DISP_PENDING:
		answer.status = CMC_STATUS_PENDING;
		answer.text = "Taken under submission";
		answer.pending_id = row->request_id;
		answer.pending_time = row->submitted_when;
		return enroll_respond(ca, v, &answer, out, err);
	default:
		snprintf(reason.msg, sizeof reason.msg, "%s",
		    row->disposition_message != NULL ? row->disposition_message : "");
		return enroll_respond_refusal(ca, v, body_part_id, &reason, out, err);
	}
}
