/* CMC requests and responses: made, read back and verified, and every rule about the archived key
 * broken once. */
#include "cmc_by_template.h"
#include "cmc_reencode.h"
#include "cms_support.h"

#include "cmc_asn1.h"
#include "cmc_control.h"
#include "cms_attr.h"
#include "der.h"
#include "mem.h"

static struct identity exchange;
static EVP_PKEY *rsa, *p256;
static struct buf archived, pkcs10, pkcs10_with_key;

/* What a client could send; the defaults make a good request with an archived key. */
struct sample {
	struct view pkcs10;
	int requests;
	int hashes, keys; /* how many 21.21 in AddAttributes, how many 21.13 unsigned */
	bool key_signed;  /* 21.13 in the signed attributes */
	bool key_added;   /* 21.13 in AddAttributes */
	bool key_control; /* 21.13 as a control */
	bool wrong_hash, sha1_hash;
	bool twice_added; /* AddAttributes twice */
	bool nested;      /* something in cmsSequence */
	int64_t about;    /* body part that AddAttributes is about */
	const char *reg_info;
	const char *content_oid;
	bool unknown_control;
};

static struct sample
good(void)
{
	return (struct sample){.pkcs10 = buf_view(&pkcs10),
	    .requests = 1,
	    .hashes = 1,
	    .keys = 1,
	    .about = 1,
	    .content_oid = "1.3.6.1.5.5.7.12.2"};
}

static void
add_attributes(const struct sample *s, CMCW_PKI_DATA *data)
{
	CMCW_ADD_ATTRIBUTES *a = cmc_add_attributes_new(s->about);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;
	struct err err;

	assert_int_equal(EVP_Digest(archived.ptr, archived.len, hash, &len,
			     s->sha1_hash ? EVP_sha1() : EVP_sha256(), NULL),
	    1);
	hash[0] ^= s->wrong_hash;
	for (int i = 0; i < s->hashes; i++)
		must(cms_attr_push_octets(a->attributes, oid_dotted(OID_ENCRYPTED_KEY_HASH),
			 view_of(hash, len), &err),
		    &err);
	if (s->key_added)
		must(cms_attr_push(a->attributes, oid_dotted(OID_ARCHIVED_KEY_ATTR),
			 buf_view(&archived), &err),
		    &err);
	for (int i = 0; i < 1 + s->twice_added; i++)
		must(cmc_control_push(data->controls, 2, OID_CMC_ADD_ATTRIBUTES,
			 ASN1_ITEM_rptr(CMCW_ADD_ATTRIBUTES), a, &err),
		    &err);
	CMCW_ADD_ATTRIBUTES_free(a);
}

static void
add_octets_control(CMCW_PKI_DATA *data, enum oid_id id, struct view content)
{
	ASN1_STRING *s = der_string_new(V_ASN1_OCTET_STRING, content);
	struct err err;

	must(cmc_control_push(data->controls, 7, id, ASN1_ITEM_rptr(ASN1_OCTET_STRING), s, &err),
	    &err);
	ASN1_STRING_free(s);
}

static void
make_data(const struct sample *s, struct buf *out)
{
	CMCW_PKI_DATA *data = CMCW_PKI_DATA_new();
	struct err err;

	if (s->hashes > 0 || s->key_added)
		add_attributes(s, data);
	if (s->reg_info != NULL)
		add_octets_control(data, OID_CMC_REG_INFO, view_str(s->reg_info));
	if (s->key_control)
		add_octets_control(data, OID_ARCHIVED_KEY_ATTR, view_str("x"));
	if (s->unknown_control)
		add_octets_control(data, OID_OS_VERSION, view_str("x"));
	for (int i = 0; i < s->requests; i++) {
		CMCW_REQUEST *r = CMCW_REQUEST_new();

		r->type = CMCW_REQUEST_PKCS10;
		r->d.pkcs10 = CMCW_CERT_REQUEST_new();
		r->d.pkcs10->id = 1;
		must(der_string_set(r->d.pkcs10->pkcs10, s->pkcs10, &err), &err);
		sk_CMCW_REQUEST_push(data->requests, r);
	}
	if (s->nested) {
		ASN1_TYPE *t = ASN1_TYPE_new();

		ASN1_TYPE_set(t, V_ASN1_NULL, NULL);
		sk_ASN1_TYPE_push(data->messages, t);
	}
	must(der_encode(ASN1_ITEM_rptr(CMCW_PKI_DATA), data, "PKIData", out, &err), &err);
	CMCW_PKI_DATA_free(data);
}

static void
make(const struct sample *s, struct buf *out)
{
	struct cms_attr key[2] = {{.values = buf_view(&archived)}, {.values = buf_view(&archived)}};
	struct cms_sign in = {.content_oid = s->content_oid,
	    .digest = EVP_sha256(),
	    .key_id = view_str("12345678901234567890")};
	struct buf data;

	strcpy(key[0].oid, oid_dotted(OID_ARCHIVED_KEY_ATTR));
	strcpy(key[1].oid, oid_dotted(OID_ARCHIVED_KEY_ATTR));
	make_data(s, &data);
	in.content = buf_view(&data);
	in.unsigned_attrs = key;
	in.unsigned_count = (size_t)s->keys;
	in.extra_attrs = key;
	in.extra_count = s->key_signed ? 1 : 0;
	sign_message(&in, rsa, out);
	buf_free(&data);
}

static bool
accepted(struct view der, bool allow_sha1, struct err *err)
{
	struct cmc_request r;
	EVP_PKEY *key = NULL;
	bool ok = cmc_request_decode(der, &r, err) && pkix_public_key(r.request.spki, &key, err) &&
		  cmc_request_verify(&r, key, allow_sha1, err);

	EVP_PKEY_free(key);
	cmc_request_free(&r);
	return ok;
}

static void
sample_gives(const struct sample *s, enum err_code code)
{
	struct buf der;
	struct err err;

	make(s, &der);
	if (code == ERR_OK)
		must(accepted(buf_view(&der), false, &err), &err);
	else
		must_fail(accepted(buf_view(&der), false, &err), &err, code);
	buf_free(&der);
}

static void
made_request_with_archived_key_decodes_and_verifies(void **state)
{
	EVP_PKEY *keys[] = {rsa, p256};
	struct cmc_request r;
	struct buf own, der;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cmc_make in = {
		    .key = keys[i], .archived_key = buf_view(&archived), .template_cn = "UserKA"};

		must(pkix_request_make(keys[i], (struct view){0}, NULL, &own, &err), &err);
		in.pkcs10 = buf_view(&own);
		must(cmc_request_make(&in, &der, &err), &err);
		must(accepted(buf_view(&der), false, &err), &err);
		must(cmc_request_decode(buf_view(&der), &r, &err), &err);
		assert_true(view_eq(r.archived_key, buf_view(&archived)));
		assert_int_equal(r.key_hash.len, 32);
		assert_true(view_eq(buf_view(&r.request.raw), buf_view(&own)));
		assert_int_equal(r.pairs.count, 1);
		assert_string_equal(r.pairs.list[0].name, "CertificateTemplate");
		assert_string_equal(r.pairs.list[0].value, "UserKA");
		assert_int_equal(r.message.signers[0].key_id.len, 20);
		cmc_request_free(&r);
		buf_free(&own);
		buf_free(&der);
	}
}

static void
made_request_without_archived_key_decodes_and_verifies(void **state)
{
	struct cmc_make in = {.key = rsa, .pkcs10 = buf_view(&pkcs10)};
	struct cmc_request r;
	struct buf der;
	struct err err;

	(void)state;
	must(cmc_request_make(&in, &der, &err), &err);
	must(accepted(buf_view(&der), false, &err), &err);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_int_equal(r.archived_key.len, 0);
	assert_int_equal(r.key_hash.len, 0);
	assert_int_equal(r.pairs.count, 0);
	cmc_request_free(&r);
	buf_free(&der);
}

static void
made_request_verifies_under_openssl(void **state)
{
	struct cmc_make in = {
	    .key = rsa, .pkcs10 = buf_view(&pkcs10), .archived_key = buf_view(&archived)};
	struct identity self = {.key = rsa};
	struct buf der, content;
	struct err err;

	(void)state;
	must(cmc_request_make(&in, &der, &err), &err);
	fixture("ca-cert.der", &self.der);
	write_identity(&self);
	assert_true(openssl("req -x509 -new -key key.pem -subj /CN=ski -out cert.pem"));
	write_file("message.der", buf_view(&der));
	assert_true(openssl("cms -verify -inform DER -in message.der -certfile cert.pem -CAfile "
			    "cert.pem -purpose any -binary -out plain"));
	read_file("plain", &content);
	assert_non_null(memmem(content.ptr, content.len, pkcs10.ptr, pkcs10.len));
	buf_free(&content);
	buf_free(&self.der);
	buf_free(&der);
}

static void
request_signed_by_another_key_is_refused(void **state)
{
	struct cmc_make in = {.key = p256, .pkcs10 = buf_view(&pkcs10)};
	struct buf der;
	struct err err;

	(void)state;
	must(cmc_request_make(&in, &der, &err), &err);
	must_fail(accepted(buf_view(&der), false, &err), &err, NTE_BAD_SIGNATURE);
	buf_free(&der);
}

static void
template_name_that_would_forge_a_pair_is_not_sent(void **state)
{
	struct cmc_make in = {.key = rsa,
	    .pkcs10 = buf_view(&pkcs10),
	    .template_cn = "User&CertificateTemplate=Admin"};
	struct buf der;
	struct err err;

	(void)state;
	must_fail(cmc_request_make(&in, &der, &err), &err, E_INVALIDARG);
	assert_null(der.ptr);
}

static void
sample_request_is_good(void **state)
{
	struct sample s = good();

	(void)state;
	sample_gives(&s, ERR_OK);
	s.hashes = s.keys = 0;
	sample_gives(&s, ERR_OK);
}

static void
hash_without_key_and_key_without_hash_are_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.hashes = 0;
	sample_gives(&s, CRYPT_E_HASH_VALUE);
	s.hashes = 1;
	s.keys = 0;
	sample_gives(&s, CRYPT_E_HASH_VALUE);
}

static void
wrong_hash_is_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.wrong_hash = true;
	sample_gives(&s, CRYPT_E_HASH_VALUE);
}

static void
sha1_hash_is_taken_only_where_sha1_is_allowed(void **state)
{
	struct sample s = good();
	struct buf der;
	struct err err;

	(void)state;
	s.sha1_hash = true;
	sample_gives(&s, CRYPT_E_HASH_VALUE);
	make(&s, &der);
	must(accepted(buf_view(&der), true, &err), &err);
	buf_free(&der);
	s.wrong_hash = true;
	make(&s, &der);
	must_fail(accepted(buf_view(&der), true, &err), &err, CRYPT_E_HASH_VALUE);
	buf_free(&der);
}

static void
key_or_hash_that_comes_twice_is_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.keys = 2;
	sample_gives(&s, ERROR_INVALID_DATA);
	s.keys = 1;
	s.hashes = 2;
	sample_gives(&s, ERROR_INVALID_DATA);
	s.hashes = 1;
	s.twice_added = true;
	sample_gives(&s, ERROR_INVALID_DATA);
}

static void
key_anywhere_but_in_an_unsigned_attribute_is_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.key_signed = true;
	sample_gives(&s, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	s.keys = 0;
	sample_gives(&s, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	s = good();
	s.key_added = true;
	sample_gives(&s, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	s = good();
	s.key_control = true;
	sample_gives(&s, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
	s = good();
	s.pkcs10 = buf_view(&pkcs10_with_key);
	sample_gives(&s, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL);
}

static void
none_two_and_nested_requests_are_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.requests = 0;
	sample_gives(&s, ERROR_INVALID_DATA);
	s.requests = 2;
	sample_gives(&s, ERROR_INVALID_DATA);
	s = good();
	s.nested = true;
	sample_gives(&s, ERROR_INVALID_DATA);
}

static void
control_about_another_body_part_is_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.about = 2;
	sample_gives(&s, ERROR_INVALID_DATA);
}

static void
content_of_another_type_is_refused(void **state)
{
	struct sample s = good();

	(void)state;
	s.content_oid = "1.3.6.1.5.5.7.12.3";
	sample_gives(&s, CRYPT_E_INVALID_MSG_TYPE);
}

static void
respond(const struct cmc_response_body *body, struct buf *out)
{
	struct view certificate = buf_view(&exchange.der);
	struct cms_sign in = {.content_oid = "1.3.6.1.5.5.7.12.3",
	    .digest = EVP_sha256(),
	    .issuer = exchange.cert.issuer,
	    .serial = exchange.cert.serial,
	    .certificates = &certificate,
	    .certificate_count = 1};
	struct buf content;
	struct err err;

	must(cmc_response_body_encode(body, &content, &err), &err);
	in.content = buf_view(&content);
	sign_message(&in, exchange.key, out);
	buf_free(&content);
}

static void
unknown_control_is_told_with_its_part(void **state)
{
	struct sample s = good();
	struct cmc_request r;
	struct buf der;
	struct err err;

	(void)state;
	make(&s, &der);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_false(r.has_unknown);
	cmc_request_free(&r);
	buf_free(&der);
	s.unknown_control = true;
	make(&s, &der);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_true(r.has_unknown);
	assert_int_equal(r.unknown_part, 7);
	assert_string_equal(r.unknown_oid, oid_dotted(OID_OS_VERSION));
	cmc_request_free(&r);
	buf_free(&der);
}

/* A response with what the request says to be known by. */
static void
respond_to(const struct cmc_request *r, struct view own_nonce, struct cmc_response *out)
{
	const struct cmc_response_body body = {.status = CMC_STATUS_FAILED,
	    .body_part_id = 1,
	    .fail_info = 2,
	    .transaction = {.id = r->transaction.id,
		.sender_nonce = own_nonce,
		.recipient_nonce = r->transaction.sender_nonce,
		.data_return = r->transaction.data_return}};
	struct buf der;
	struct err err;

	respond(&body, &der);
	must(cmc_response_decode(buf_view(&der), out, &err), &err);
	buf_free(&der);
}

static void
transaction_is_new_each_time_and_comes_back(void **state)
{
	uint8_t id[CMC_RANDOM_LEN] = {0}, nonce[CMC_RANDOM_LEN] = {0};
	const struct cmc_transaction new = {
	    .id = view_of(id, sizeof id), .sender_nonce = view_of(nonce, sizeof nonce)};
	const struct cmc_make in = {.key = rsa, .pkcs10 = buf_view(&pkcs10), .transaction = &new};
	struct cmc_request r[2];
	struct cmc_response response;
	struct buf der[2];
	struct err err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		must(cmc_transaction_id_make(id, &err) && cmc_nonce_make(nonce, &err), &err);
		must(cmc_request_make(&in, &der[i], &err), &err);
		must(cmc_request_decode(buf_view(&der[i]), &r[i], &err), &err);
		assert_false(r[i].has_unknown);
		assert_int_equal(r[i].transaction.id.ptr[0], V_ASN1_INTEGER);
		assert_int_equal(r[i].transaction.sender_nonce.ptr[0], V_ASN1_OCTET_STRING);
		assert_int_equal(r[i].transaction.recipient_nonce.len, 0);
	}
	assert_false(view_eq(r[0].transaction.id, r[1].transaction.id));
	assert_false(view_eq(r[0].transaction.sender_nonce, r[1].transaction.sender_nonce));
	r[0].transaction.data_return = view_of("\x04\x01x", 3);
	must(cmc_nonce_make(nonce, &err), &err);
	respond_to(&r[0], view_of(nonce, sizeof nonce), &response);
	assert_true(view_eq(response.transaction.id, r[0].transaction.id));
	assert_true(view_eq(response.transaction.recipient_nonce, r[0].transaction.sender_nonce));
	assert_true(view_eq(response.transaction.sender_nonce, view_of(nonce, sizeof nonce)));
	assert_true(view_eq(response.transaction.data_return, view_of("\x04\x01x", 3)));
	cmc_response_free(&response);
	for (int i = 0; i < 2; i++) {
		cmc_request_free(&r[i]);
		buf_free(&der[i]);
	}
}

static void
reg_info_is_read_pair_by_pair(void **state)
{
	struct sample s = good();
	struct cmc_request r;
	struct buf der;
	struct err err;

	(void)state;
	s.reg_info = "CertificateTemplate=EFS&Other=a=b&Empty=&";
	make(&s, &der);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_int_equal(r.pairs.count, 3);
	assert_string_equal(r.pairs.list[0].value, "EFS");
	assert_string_equal(r.pairs.list[1].value, "a=b");
	assert_string_equal(r.pairs.list[2].name, "Empty");
	assert_string_equal(r.pairs.list[2].value, "");
	cmc_request_free(&r);
	buf_free(&der);
	s.reg_info = "CertificateTemplate";
	sample_gives(&s, ERROR_INVALID_DATA);
	s.reg_info = "=value";
	sample_gives(&s, ERROR_INVALID_DATA);
	s.reg_info = "a=b&&c=d";
	sample_gives(&s, ERROR_INVALID_DATA);
	s.reg_info = "a=\xff";
	sample_gives(&s, ERROR_INVALID_DATA);
	s.reg_info = "a=x\ny";
	sample_gives(&s, ERROR_INVALID_DATA);
}

static void
request_without_signer_is_refused(void **state)
{
	struct sample s = good();
	CMSW_SIGNED *m = CMSW_SIGNED_new();
	struct cmc_request r;
	struct buf data, der;
	struct err err;

	(void)state;
	make_data(&s, &data);
	m->type = OBJ_nid2obj(NID_pkcs7_signed);
	m->data->version = 3;
	must(cms_object_set(&m->data->encap->type, s.content_oid, &err), &err);
	m->data->encap->content = der_string_new(V_ASN1_OCTET_STRING, buf_view(&data));
	must(der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "message", &der, &err), &err);
	must_fail(cmc_request_decode(buf_view(&der), &r, &err), &err, CRYPT_E_NO_SIGNER);
	assert_null(r.message.raw.ptr);
	CMSW_SIGNED_free(m);
	buf_free(&data);
	buf_free(&der);
}

static void
second_signer_must_not_be_taken_for_the_requester(void **state)
{
	struct sample s = good();
	struct cmc_request r;
	struct buf der, twice;
	struct err err;
	CMSW_SIGNED *m;

	(void)state;
	make(&s, &der);
	m = der_decode(ASN1_ITEM_rptr(CMSW_SIGNED), buf_view(&der), der.len, "message", &err);
	must(m != NULL, &err);
	CMSW_SIGNER_INFO *again = ASN1_item_dup(
	    ASN1_ITEM_rptr(CMSW_SIGNER_INFO), sk_CMSW_SIGNER_INFO_value(m->data->signers, 0));

	sk_CMSW_ATTRIBUTE_pop_free(again->unsigned_attrs, CMSW_ATTRIBUTE_free);
	again->unsigned_attrs = NULL;
	sk_CMSW_SIGNER_INFO_push(m->data->signers, again);
	must(der_encode(ASN1_ITEM_rptr(CMSW_SIGNED), m, "message", &twice, &err), &err);
	must_fail(cmc_request_decode(buf_view(&twice), &r, &err), &err, ERROR_INVALID_DATA);
	CMSW_SIGNED_free(m);
	buf_free(&der);
	buf_free(&twice);
}

static void
truncated_or_prolonged_request_is_refused(void **state)
{
	struct sample s = good();
	struct cmc_request r;
	struct buf der;
	struct err err;

	(void)state;
	make(&s, &der);
	for (size_t len = 0; len < der.len; len++)
		assert_false(cmc_request_decode(view_of(der.ptr, len), &r, &err));
	must(buf_append(&der, view_of("", 1), &err), &err);
	must_fail(cmc_request_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
stripped_request_stores_no_key_and_keeps_its_signature(void **state)
{
	struct sample s = good();
	struct cmc_request r, stripped;
	struct buf der, out;
	struct err err;

	(void)state;
	make(&s, &der);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	must(cmc_request_strip(&r, &out, &err), &err);
	assert_null(memmem(out.ptr, out.len, archived.ptr, archived.len));
	must(cmc_request_decode(buf_view(&out), &stripped, &err), &err);
	must(cms_signer_verify(&stripped.message, &stripped.message.signers[0], rsa, false, &err),
	    &err);
	assert_true(view_eq(stripped.message.content, r.message.content));
	cmc_request_free(&stripped);
	cmc_request_free(&r);
	buf_free(&der);
	buf_free(&out);
}

static void
response_of_success_names_the_certificate_and_echoes_the_hash(void **state)
{
	uint8_t hash[32] = {1, 2, 3};
	struct cmc_response_body body = {.status = CMC_STATUS_SUCCESS,
	    .text = "Issued",
	    .body_part_id = 1,
	    .fail_info = -1,
	    .issued_sha1 = view_of(exchange.cert.sha1, 20),
	    .key_hash = view_of(hash, sizeof hash)};
	struct cmc_response r;
	struct buf der, again;
	struct err err;

	(void)state;
	respond(&body, &der);
	must(cmc_response_decode(buf_view(&der), &r, &err), &err);
	must(cms_signer_verify(&r.message, &r.message.signers[0], exchange.key, false, &err), &err);
	assert_int_equal(r.status, CMC_STATUS_SUCCESS);
	assert_string_equal(r.text, "Issued");
	assert_true(view_eq(r.key_hash, body.key_hash));
	assert_true(view_eq(r.issued_sha1, body.issued_sha1));
	assert_true(view_eq(cmc_response_certificate(&r), buf_view(&exchange.der)));
	must(cmc_reencode(buf_view(&der), &again, &err), &err);
	assert_true(view_eq(buf_view(&again), buf_view(&der)));
	buf_free(&again);
	cmc_response_free(&r);
	buf_free(&der);
}

static void
response_of_failure_tells_code_and_text(void **state)
{
	struct cmc_response_body body = {.status = CMC_STATUS_FAILED,
	    .text = "Denied by Policy Module",
	    .body_part_id = 1,
	    .fail_info = 2};
	struct cmc_response r;
	struct buf der;
	struct err err;

	(void)state;
	respond(&body, &der);
	must(cmc_response_decode(buf_view(&der), &r, &err), &err);
	assert_int_equal(r.status, CMC_STATUS_FAILED);
	assert_int_equal(r.fail_info, 2);
	assert_string_equal(r.text, "Denied by Policy Module");
	assert_int_equal(r.issued_sha1.len, 0);
	assert_int_equal(r.key_hash.len, 0);
	assert_int_equal(cmc_response_certificate(&r).len, 0);
	cmc_response_free(&r);
	buf_free(&der);
	body.fail_info = -1;
	body.text = NULL;
	respond(&body, &der);
	must(cmc_response_decode(buf_view(&der), &r, &err), &err);
	assert_int_equal(r.fail_info, -1);
	assert_null(r.text);
	cmc_response_free(&r);
	buf_free(&der);
}

static void
pending_response_carries_the_request_id(void **state)
{
	struct cmc_response_body body = {.status = CMC_STATUS_PENDING,
	    .text = "Taken Under Submission",
	    .body_part_id = 1,
	    .fail_info = -1,
	    .pending_id = 4711,
	    .pending_time = 1700000000};
	struct cmc_response r;
	struct buf der;
	struct err err;
	uint8_t *at;

	(void)state;
	respond(&body, &der);
	must(cmc_response_decode(buf_view(&der), &r, &err), &err);
	assert_int_equal(r.status, CMC_STATUS_PENDING);
	assert_int_equal(r.pending_id, 4711);
	assert_non_null(memmem(der.ptr, der.len, "20231114221320Z", 15));
	cmc_response_free(&r);
	at = memmem(der.ptr, der.len, "4711", 4);
	at[0] = 'x';
	must_fail(cmc_response_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
response_with_unknown_or_missing_status_is_refused(void **state)
{
	struct cmc_response_body body = {
	    .status = CMC_STATUS_SUCCESS, .text = "Issued", .body_part_id = 1, .fail_info = -1};
	CMCW_RESPONSE *empty = CMCW_RESPONSE_new();
	struct cms_sign in = {
	    .content_oid = "1.3.6.1.5.5.7.12.3", .digest = EVP_sha256(), .key_id = view_str("id")};
	struct cmc_response r;
	struct buf der, content;
	struct err err;
	uint8_t *at;

	(void)state;
	respond(&body, &der);
	at = memmem(der.ptr, der.len, "\x02\x01\x00\x30\x03\x02\x01\x01", 8);
	assert_non_null(at);
	at[2] = 1;
	must_fail(cmc_response_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	at[2] = 3; /* pending, without a word of what */
	must_fail(cmc_response_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
	must(der_encode(ASN1_ITEM_rptr(CMCW_RESPONSE), empty, "body", &content, &err), &err);
	in.content = buf_view(&content);
	sign_message(&in, exchange.key, &der);
	must_fail(cmc_response_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	CMCW_RESPONSE_free(empty);
	buf_free(&content);
	buf_free(&der);
}

static void
same_body_as_by_template(const struct cmc_response_body *in)
{
	struct buf made, expected;
	struct err err;

	must(cmc_response_body_encode(in, &made, &err), &err);
	response_body_by_template(in, &expected);
	assert_true(view_eq(buf_view(&made), buf_view(&expected)));
	buf_free(&made);
	buf_free(&expected);
}

static void
response_body_is_what_the_templates_of_openssl_write(void **state)
{
	static const enum cmc_status statuses[] = {
	    CMC_STATUS_SUCCESS, CMC_STATUS_FAILED, CMC_STATUS_PENDING};
	static const int64_t numbers[] = {
	    0, 1, 127, 128, 255, 256, 32767, 32768, 0x7fffffff, 0x80000000, 0xffffffff};
	static const size_t lengths[] = {0, 1, 40, 127, 128, 255, 256, 70000};
	const struct view id = view_of("\x02\x02\x40\x01", 4), nonce = view_of("\x04\x01\x07", 3),
			  back = view_of("\x04\x00", 2);
	uint8_t hash[64] = {1, 2, 3};
	char text[70001] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		for (size_t k = 0; k < COUNT_OF(numbers); k++)
			for (size_t m = 0; m < 64; m++) {
				struct cmc_response_body body = {.status = statuses[i],
				    .text = text,
				    .body_part_id = numbers[k],
				    .fail_info = (int)m - 1,
				    .pending_id = numbers[k],
				    .pending_time = numbers[k] * 58,
				    .issued_sha1 = view_of(hash, (m & 1) != 0 ? 20 : 0),
				    .key_hash = view_of(hash, (m & 2) != 0 ? 64 : 0)};

				body.transaction = (struct cmc_transaction){
				    .id = (m & 4) != 0 ? id : (struct view){0},
				    .sender_nonce = (m & 8) != 0 ? nonce : (struct view){0},
				    .recipient_nonce = (m & 16) != 0 ? nonce : (struct view){0},
				    .data_return = (m & 32) != 0 ? back : (struct view){0}};
				memset(text, 0, sizeof text);
				memset(text, 'x', lengths[(k + m) % COUNT_OF(lengths)]);
				same_body_as_by_template(&body);
				body.text = NULL;
				same_body_as_by_template(&body);
			}
}

static void
response_about_no_body_part_or_of_no_time_is_not_written(void **state)
{
	struct cmc_response_body body = {
	    .status = CMC_STATUS_PENDING, .body_part_id = -1, .fail_info = -1};
	struct buf der;
	struct err err;

	(void)state;
	must_fail(cmc_response_body_encode(&body, &der, &err), &err, E_INVALIDARG);
	body.body_part_id = 1;
	must(cmc_response_body_encode(&body, &der, &err), &err);
	buf_free(&der);
	body.pending_time = INT64_C(253402300800); /* the year 10000 */
	must_fail(cmc_response_body_encode(&body, &der, &err), &err, E_INVALIDARG);
	assert_null(der.ptr);
}

static void
truncated_response_is_refused(void **state)
{
	struct cmc_response_body body = {
	    .status = CMC_STATUS_SUCCESS, .text = "Issued", .body_part_id = 1, .fail_info = -1};
	struct cmc_response r;
	struct buf der;
	struct err err;

	(void)state;
	respond(&body, &der);
	for (size_t len = 0; len < der.len; len++)
		assert_false(cmc_response_decode(view_of(der.ptr, len), &r, &err));
	must(buf_append(&der, view_of("", 1), &err), &err);
	must_fail(cmc_response_decode(buf_view(&der), &r, &err), &err, ERROR_INVALID_DATA);
	buf_free(&der);
}

/* A PKCS#10 that carries the key as one of its own attributes. */
static void
make_pkcs10_with_key(void)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	struct err err;
	int len;

	X509_REQ_set_pubkey(req, rsa);
	assert_int_equal(X509_REQ_add1_attr_by_txt(req, oid_dotted(OID_ARCHIVED_KEY_ATTR),
			     V_ASN1_SEQUENCE, archived.ptr, (int)archived.len),
	    1);
	assert_true(X509_REQ_sign(req, rsa, EVP_sha256()) > 0);
	len = i2d_X509_REQ(req, &der);
	must(buf_take_openssl(der, len, &pkcs10_with_key, &err), &err);
	X509_REQ_free(req);
}

static int
setup(void **state)
{
	struct cms_kra to;
	struct err err;

	if (messages_setup(state) != 0)
		return -1;
	identity_new("RSA", 77, &exchange);
	rsa = new_key("RSA");
	p256 = new_key("P-256");
	to = as_recipient(&exchange);
	must(cms_enveloped_seal(view_str("key"), &to, 1, CMS_AES_256_CBC, &archived, &err), &err);
	must(pkix_request_make(rsa, (struct view){0}, NULL, &pkcs10, &err), &err);
	make_pkcs10_with_key();
	return 0;
}

static int
teardown(void **state)
{
	identity_free(&exchange);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p256);
	buf_free(&archived);
	buf_free(&pkcs10);
	buf_free(&pkcs10_with_key);
	return messages_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(made_request_with_archived_key_decodes_and_verifies),
	    cmocka_unit_test(made_request_without_archived_key_decodes_and_verifies),
	    cmocka_unit_test(made_request_verifies_under_openssl),
	    cmocka_unit_test(request_signed_by_another_key_is_refused),
	    cmocka_unit_test(template_name_that_would_forge_a_pair_is_not_sent),
	    cmocka_unit_test(sample_request_is_good),
	    cmocka_unit_test(hash_without_key_and_key_without_hash_are_refused),
	    cmocka_unit_test(wrong_hash_is_refused),
	    cmocka_unit_test(sha1_hash_is_taken_only_where_sha1_is_allowed),
	    cmocka_unit_test(key_or_hash_that_comes_twice_is_refused),
	    cmocka_unit_test(key_anywhere_but_in_an_unsigned_attribute_is_refused),
	    cmocka_unit_test(none_two_and_nested_requests_are_refused),
	    cmocka_unit_test(control_about_another_body_part_is_refused),
	    cmocka_unit_test(content_of_another_type_is_refused),
	    cmocka_unit_test(unknown_control_is_told_with_its_part),
	    cmocka_unit_test(transaction_is_new_each_time_and_comes_back),
	    cmocka_unit_test(reg_info_is_read_pair_by_pair),
	    cmocka_unit_test(request_without_signer_is_refused),
	    cmocka_unit_test(second_signer_must_not_be_taken_for_the_requester),
	    cmocka_unit_test(truncated_or_prolonged_request_is_refused),
	    cmocka_unit_test(stripped_request_stores_no_key_and_keeps_its_signature),
	    cmocka_unit_test(response_of_success_names_the_certificate_and_echoes_the_hash),
	    cmocka_unit_test(response_of_failure_tells_code_and_text),
	    cmocka_unit_test(pending_response_carries_the_request_id),
	    cmocka_unit_test(response_with_unknown_or_missing_status_is_refused),
	    cmocka_unit_test(response_body_is_what_the_templates_of_openssl_write),
	    cmocka_unit_test(response_about_no_body_part_or_of_no_time_is_not_written),
	    cmocka_unit_test(truncated_response_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
