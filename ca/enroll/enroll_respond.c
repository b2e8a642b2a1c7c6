/*
 * CMC full responses ([MS-WCCE] 3.2.1.4.2.1.4.8.2), signed by the CA's key in the vault.
 */
#include "enroll_priv.h"

#include <string.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "mem.h"
#include "oids.h"
#include "own.h"
#include "text.h"

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

	for (size_t i = 0; i < COUNT_OF(map); i++)
		if (map[i].code == code)
			return map[i].info;
	return FAIL_BAD_REQUEST;
}

static struct cms_sign
message_of(const struct ca *ca, struct view content)
{
	return (struct cms_sign){
	    .content_oid = oid_dotted(OID_CT_PKI_RESPONSE),
	    .content = content,
	    .digest = ca->digest,
	    .issuer = ca->issuer->cert.issuer,
	    .serial = ca->issuer->cert.serial,
	};
}

/* With the certificate, if there is one, and the chain of the CA. */
static bool
put_together(const struct ca *ca, struct view content, struct view certificate, struct view attrs,
    struct view signature, struct buf *out, struct err *err)
{
	OWNED(own_memory)
	struct view *certificates = mem_zero(ca->chain_count + 1, sizeof *certificates);
	struct cms_sign in = message_of(ca, content);

	in.certificates = certificates;
	if (certificate.len > 0)
		certificates[in.certificate_count++] = certificate;
	for (size_t i = 0; i < ca->chain_count; i++)
		certificates[in.certificate_count++] = buf_view(&ca->chain[i]);
	return cms_sign_finish(&in, attrs, buf_view(&ca->issuer->sig_alg), signature, out, err);
}

static bool
sign_answer(struct ca *ca, struct vault *v, const struct cmc_response_body *answer,
    struct view certificate, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf content = {0}, attrs = {0}, signature = {0};
	struct cms_sign in;

	if (!cmc_response_body_encode(answer, &content, err))
		return false;
	in = message_of(ca, buf_view(&content));
	return cms_sign_attrs(&in, &attrs, err) &&
	       vault_sign_message(v, buf_view(&attrs), &signature, err) &&
	       put_together(
		   ca, in.content, certificate, buf_view(&attrs), buf_view(&signature), out, err);
}

/* What the client sent comes back, its nonce as the recipient's, beside one of this answer's own.
 */
static bool
answer_transaction(const struct cmc_transaction *asked, uint8_t nonce[CMC_RANDOM_LEN],
    struct cmc_transaction *out, struct err *err)
{
	*out = (struct cmc_transaction){.id = asked->id,
	    .recipient_nonce = asked->sender_nonce,
	    .data_return = asked->data_return};
	if (asked->sender_nonce.len == 0)
		return true;
	out->sender_nonce = view_of(nonce, CMC_RANDOM_LEN);
	return cmc_nonce_make(nonce, err);
}

bool
enroll_respond(struct ca *ca, struct vault *v, const struct store_request *row,
    const struct enroll_request *request, struct buf *out, struct err *err)
{
	const char *message = row->disposition_message != NULL ? row->disposition_message : "";
	OWNED(own_memory)
	char *refusal = text_printf("%s: %s", err_name((enum err_code)row->status_code), message);
	struct cmc_response_body answer = {.status = CMC_STATUS_FAILED,
	    .text = refusal,
	    .body_part_id = request->body_part_id,
	    .fail_info = -1};
	uint8_t sha1[SHA_DIGEST_LENGTH], nonce[CMC_RANDOM_LEN] = {0};
	struct view certificate = {0};

	*out = (struct buf){0};
	if (!answer_transaction(&request->cmc.transaction, nonce, &answer.transaction, err))
		return false;
	switch (row->disposition) {
	case DISP_ISSUED:
	case DISP_REVOKED:
		answer.status = CMC_STATUS_SUCCESS;
		answer.text =
		    row->disposition == DISP_ISSUED && *message != '\0' ? message : "Issued";
		answer.key_hash = buf_view(&row->key_hash);
		certificate = buf_view(&row->raw_certificate);
		SHA1(certificate.ptr, certificate.len, sha1);
		answer.issued_sha1 = view_of(sha1, sizeof sha1);
		break;
	case DISP_PENDING:
		answer.status = CMC_STATUS_PENDING;
		answer.text = "Taken under submission";
		answer.key_hash = buf_view(&row->key_hash);
		answer.pending_id = row->request_id;
		answer.pending_time = row->submitted_when;
		break;
	default:
		answer.fail_info = fail_info((enum err_code)row->status_code);
	}
	return sign_answer(ca, v, &answer, certificate, out, err) ||
	       err_prefix(err, "making the CMC response");
}

/* Random octets stand for the hash while it is not known. */
bool
enroll_answer_begin(const struct enrollment *e, struct enroll_answer *out, struct err *err)
{
	uint8_t filler[SHA_DIGEST_LENGTH], nonce[CMC_RANDOM_LEN] = {0};
	OWNED(own_memory) char *text = enroll_issued_text(e);
	struct cmc_response_body body = {.status = CMC_STATUS_SUCCESS,
	    .text = text,
	    .body_part_id = e->request.body_part_id,
	    .fail_info = -1,
	    .issued_sha1 = view_of(filler, sizeof filler),
	    .key_hash = e->request.payload.len > 0 ? e->request.key_hash : (struct view){0}};
	const uint8_t *at, *end;

	*out = (struct enroll_answer){0};
	if (RAND_bytes(filler, sizeof filler) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random number for an answer");
	if (!answer_transaction(&e->request.cmc.transaction, nonce, &body.transaction, err) ||
	    !cmc_response_body_encode(&body, &out->content, err))
		return err_prefix(err, "making the CMC response");
	if ((at = memmem(out->content.ptr, out->content.len, filler, sizeof filler)) == NULL)
		return err_set(err, DIRCA_E_INTERNAL, "a CMC response without its hash");
	end = out->content.ptr + out->content.len;
	out->before = view_of(out->content.ptr, (size_t)(at - out->content.ptr));
	at += sizeof filler;
	out->after = view_of(at, (size_t)(end - at));
	return true;
}

bool
enroll_answer_finish(
    struct enrollment *e, struct enroll_answer *a, const struct vault_issued *made, struct err *err)
{
	memcpy(a->content.ptr + a->before.len, e->marks.sha1, sizeof e->marks.sha1);
	return put_together(e->ca, buf_view(&a->content), buf_view(&e->certificate),
		   buf_view(&made->attrs), buf_view(&made->response_signature), &e->response,
		   err) ||
	       err_prefix(err, "making the CMC response");
}

void
enroll_answer_free(struct enroll_answer *a)
{
	buf_free(&a->content);
}
