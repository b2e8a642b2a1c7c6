#include "client_enroll.h"

#include <stdlib.h>
#include <string.h>

#include "cmc.h"
#include "mem.h"
#include "own_openssl.h"

static bool
accept_certificate(
    struct view certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err)
{
	if (certificate.len == 0)
		return err_set(err, ERROR_INVALID_DATA, "the CA's answer holds no certificate");
	if ((key != NULL && !client_key_is_of(key, certificate, err)) ||
	    !buf_dup(certificate, &out->certificate, err))
		return false;
	out->outcome = CLIENT_ISSUED;
	return true;
}

static bool
check_key_hash(struct view answered, struct view sent, struct err *err)
{
	if (sent.len == 0 && answered.len > 0)
		return err_set(err, XENROLL_E_RESPONSE_UNEXPECTED_KA_HASH,
		    "the CA says that it archived a key which was not sent");
	if (sent.len > 0 && answered.len == 0)
		return err_set(err, XENROLL_E_RESPONSE_KA_HASH_NOT_FOUND,
		    "the CA does not say that it archived the key");
	if (!view_eq(sent, answered))
		return err_set(err, XENROLL_E_RESPONSE_KA_HASH_MISMATCH,
		    "the CA archived something else than what was sent");
	return true;
}

/* statusString of a refusal: "CERTSRV_E_TEMPLATE_DENIED: sentence". */
static bool
refusal(const struct cmc_response *r, struct err *err)
{
	const char *text = r->text != NULL ? r->text : "the CA refused without a reason",
		   *colon = strstr(text, ": ");
	char name[64];
	enum err_code code;

	if (colon == NULL || (size_t)(colon - text) >= sizeof name)
		return err_set(err, DIRCA_E_DENIED, "%s", text);
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	if (!err_by_name(name, &code) || code == ERR_OK)
		return err_set(err, DIRCA_E_DENIED, "%s", text);
	return err_set(err, code, "%s", colon + 2);
}

static bool
is_of_ca(const struct cmc_response *r, struct view ca_certificate, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	if (!pkix_cert_decode(ca_certificate, &ca, err) || !pkix_public_key(ca.spki, &key, err))
		return false;
	return (r->message.signer_count == 1 &&
		   cms_signer_verify(&r->message, &r->message.signers[0], key, false, err)) ||
	       err_set(err, NTE_BAD_SIGNATURE,
		   "the answer is not signed by the CA that the directory names");
}

/* An older answer of the CA, to the same or to another, is none to this request. */
static bool
is_about(const struct cmc_response *r, const struct cmc_request *own, struct err *err)
{
	return own == NULL ||
	       view_eq(r->transaction.recipient_nonce, own->transaction.sender_nonce) ||
	       err_set(err, ERROR_INVALID_DATA, "the CA's answer is about another request");
}

/* `own`: the request as it was sent; NULL: the caller does not have it any more. */
static bool
check_cmc(struct view der, struct view ca_certificate, EVP_PKEY *key, const struct cmc_request *own,
    struct client_enrolled *out, struct err *err)
{
	OWNED(cmc_response_free) struct cmc_response r = {0};

	if (!cmc_response_decode(der, &r, err) || !is_of_ca(&r, ca_certificate, err) ||
	    !is_about(&r, own, err) || !buf_dup(der, &out->response, err))
		return false;
	switch (r.status) {
	case CMC_STATUS_FAILED:
		break;
	case CMC_STATUS_PENDING:
		out->outcome = CLIENT_PENDING;
		out->request_id = r.pending_id;
		return true;
	case CMC_STATUS_SUCCESS:
		out->archived = r.key_hash.len > 0;
		if (r.text != NULL && strcmp(r.text, "Issued") != 0)
			out->remark = mem_text(r.text);
		return (own == NULL || check_key_hash(r.key_hash, own->key_hash, err)) &&
		       accept_certificate(cmc_response_certificate(&r), key, out, err);
	}
	out->outcome = CLIENT_REFUSED;
	return refusal(&r, err);
}

/* A bare certificate, or a certs-only message, which has no signer and perhaps the CAs'
 * certificates, in whatever order: then that of the key. */
static bool
check_certificate(struct view der, EVP_PKEY *key, struct client_enrolled *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	struct view chosen;
	struct err ignored;

	if (!cms_signed_decode(der, &message, &ignored))
		return accept_certificate(der, key, out, err);
	chosen = message.certificate_count > 0 ? message.certificates[0] : (struct view){0};
	for (size_t i = 1; key != NULL && i < message.certificate_count; i++)
		if (client_key_is_of(key, message.certificates[i], &ignored))
			chosen = message.certificates[i];
	return accept_certificate(chosen, key, out, err);
}

bool
client_check_response(struct view der, struct view ca_certificate, EVP_PKEY *key,
    struct client_enrolled *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	struct err ignored;

	return cms_signed_decode(der, &message, &ignored) && message.signer_count > 0
		   ? check_cmc(der, ca_certificate, key, NULL, out, err)
		   : check_certificate(der, key, out, err);
}

/* ---- what came back ---- */

struct sent {
	const struct client_request *request;
	struct view ca_certificate;
	EVP_PKEY *key;
};

bool
client_check_answer(struct view der, const struct client_request *request,
    struct view ca_certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err)
{
	OWNED(cmc_request_free) struct cmc_request own = {0};
	OWNED(cms_signed_free) struct cms_signed message = {0};
	struct err ignored;

	if (!request->is_cmc)
		return check_certificate(der, key, out, err);
	if (!cms_signed_decode(der, &message, &ignored) || message.signer_count == 0)
		return err_set(err, CRYPT_E_INVALID_MSG_TYPE,
		    "certificates alone are no answer to a CMC request: the CA's response is "
		    "needed");
	return cmc_request_decode(buf_view(&request->message), &own, err) &&
	       check_cmc(der, ca_certificate, key, &own, out, err);
}

/* A refusal with a number is about this request, and the CA has a row of it. Without one the CA
 * stored nothing. What is not the CA's words may come from whoever stands between. */
static bool
take_words(const struct http_answer *answer, struct client_enrolled *out, struct err *err)
{
	bool of_request = answer->request_id != 0 && answer->status < 500;

	if (http_answer_refusal(answer, err) && (of_request || answer->request_id == 0))
		out->outcome = of_request ? CLIENT_REFUSED : CLIENT_UNDECIDED;
	if (http_answer_check(answer, err))
		err_set(err, DIRCA_E_NETWORK, "the answer with HTTP status %d is not a CA's",
		    answer->status);
	return false;
}

static bool
take_answer(const struct sent *s, const struct http_answer *answer, struct client_enrolled *out,
    struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	out->request_id = answer->request_id;
	if (strncmp(answer->content_type, "application/pkcs7-mime", 22) == 0)
		return http_answer_der(answer, &der, err) &&
		       client_check_answer(
			   buf_view(&der), s->request, s->ca_certificate, s->key, out, err);
	if (!s->request->is_cmc && answer->status == 202 && answer->request_id != 0) {
		out->outcome = CLIENT_PENDING;
		return true;
	}
	return take_words(answer, out, err);
}

bool
client_enroll_send(struct http_client *http, const struct client_request *request,
    struct view ca_certificate, EVP_PKEY *key, struct client_enrolled *out, struct err *err)
{
	static const char *const paths[] = {
	    "/.well-known/est/simpleenroll", "/.well-known/est/fullcmc"};
	static const char *const types[] = {
	    "application/pkcs10", "application/pkcs7-mime; smime-type=CMC-request"};
	const struct sent sent = {request, ca_certificate, key};
	OWNED(http_answer_free) struct http_answer answer = {0};
	bool answered = http_client_request(http, "POST", paths[request->is_cmc],
	    types[request->is_cmc], buf_view(&request->message), &answer, err);

	*out = (struct client_enrolled){
	    .outcome = answered || answer.in_doubt ? CLIENT_UNKNOWN : CLIENT_NOT_SENT};
	return answered && take_answer(&sent, &answer, out, err);
}

void
client_enrolled_free(struct client_enrolled *e)
{
	buf_free(&e->certificate);
	buf_free(&e->response);
	free(e->remark);
	*e = (struct client_enrolled){0};
}
