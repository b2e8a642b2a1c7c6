#include "dump_ocsp.h"

#include <stdlib.h>

#include "dump_value.h"
#include "ocsp.h"
#include "own_openssl.h"

OWN_POINTER(own_ocsp_response, OCSP_RESPONSE, OCSP_RESPONSE_free)
OWN_POINTER(own_ocsp_basic, OCSP_BASICRESP, OCSP_BASICRESP_free)

static json_t *
take(char *text)
{
	json_t *j = dump_text(text);

	free(text);
	return j;
}

json_t *
dump_ocsp_request(struct view der, struct err *err)
{
	OWNED(ocsp_request_free) struct ocsp_request r = {0};
	json_t *list, *out;

	if (!ocsp_request_decode(der, &r, err))
		return NULL;
	list = json_array();
	for (size_t i = 0; i < r.count; i++) {
		const struct ocsp_question *q = &r.list[i];

		json_array_append_new(list,
		    json_pack("{s:o, s:s?, s:o, s:o}", "serial_number",
			take(pkix_serial_text(q->serial)), "hash_algorithm",
			q->digest != NULL ? EVP_MD_get0_name(q->digest) : NULL, "issuer_name_hash",
			dump_hex(q->name_hash), "issuer_key_hash", dump_hex(q->key_hash)));
	}
	out = json_pack("{s:s, s:o}", "type", "OCSP request", "questions", list);
	if (r.nonce.len > 0)
		json_object_set_new(out, "nonce", dump_hex(r.nonce));
	return out;
}

static json_t *
of_serial(OCSP_SINGLERESP *single)
{
	ASN1_INTEGER *serial = NULL;

	if (OCSP_id_get0_info(NULL, NULL, NULL, &serial,
		(OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single)) != 1 ||
	    serial == NULL)
		return json_null();
	return take(pkix_serial_text(
	    view_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial))));
}

static json_t *
of_answer(OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
	int reason = -1;
	int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
	json_t *out = json_pack("{s:o, s:s, s:o, s:o}", "serial_number", of_serial(single),
	    "status", OCSP_cert_status_str(status), "this_update", dump_time(this_update),
	    "next_update", dump_time(next_update));

	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		json_object_set_new(out, "revoked", dump_time(revoked));
		if (reason != -1)
			json_object_set_new(
			    out, "reason", json_string(OCSP_crl_reason_str(reason)));
	}
	return out;
}

/* By name, or by the SHA-1 of its key. */
static void
put_responder(json_t *out, const OCSP_BASICRESP *basic)
{
	const ASN1_OCTET_STRING *key = NULL;
	const X509_NAME *name = NULL;
	OWNED(own_octets) uint8_t *der = NULL;
	int len;

	if (OCSP_resp_get0_id(basic, &key, &name) != 1)
		return;
	if (key != NULL)
		json_object_set_new(out, "responder_key_hash",
		    dump_hex(view_of(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key))));
	else if (name != NULL && (len = i2d_X509_NAME(name, &der)) > 0)
		json_object_set_new(
		    out, "responder", take(pkix_name_text(view_of(der, (size_t)len))));
}

static void
put_answers(json_t *out, OCSP_BASICRESP *basic)
{
	json_t *list = json_array();

	put_responder(out, basic);
	json_object_set_new(out, "produced_at", dump_time(OCSP_resp_get0_produced_at(basic)));
	for (int i = 0; i < OCSP_resp_count(basic); i++)
		json_array_append_new(list, of_answer(OCSP_resp_get0(basic, i)));
	json_object_set_new(out, "answers", list);
	json_object_set_new(
	    out, "signature_algorithm", dump_algorithm(OCSP_resp_get0_tbs_sigalg(basic)));
	json_object_set_new(out, "certificates",
	    json_integer(sk_X509_num(OCSP_resp_get0_certs(basic)) > 0
			     ? sk_X509_num(OCSP_resp_get0_certs(basic))
			     : 0));
}

json_t *
dump_ocsp_response(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_ocsp_response) OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len);
	OWNED(own_ocsp_basic) OCSP_BASICRESP *basic = NULL;
	json_t *out;

	if (r == NULL || p != der.ptr + der.len) {
		err_openssl(err, ERROR_INVALID_DATA, "not an OCSP response");
		return NULL;
	}
	if (OCSP_response_status(r) == OCSP_RESPONSE_STATUS_SUCCESSFUL &&
	    (basic = OCSP_response_get1_basic(r)) == NULL) {
		err_openssl(err, ERROR_INVALID_DATA, "not a basic OCSP response");
		return NULL;
	}
	out = json_pack("{s:s, s:s}", "type", "OCSP response", "response_status",
	    OCSP_response_status_str(OCSP_response_status(r)));
	if (basic != NULL)
		put_answers(out, basic);
	return out;
}
