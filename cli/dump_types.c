#include "dump_types.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "clock.h"
#include "cmc.h"
#include "dump_listing.h"
#include "dump_ocsp.h"
#include "dump_value.h"
#include "material.h"
#include "mem.h"
#include "officer.h"
#include "own_openssl.h"
#include "recovery.h"
#include "text.h"

/* ---- parts ---- */

static void
put(json_t *to, const char *name, json_t *value)
{
	json_object_set_new(to, name, value);
}

static json_t *
take_text(char *text)
{
	json_t *j = dump_text(text);

	free(text);
	return j;
}

static void
put_name(json_t *to, const char *name, struct view dn)
{
	put(to, name, take_text(pkix_name_text(dn)));
}

static void
put_instant(json_t *to, const char *name, int64_t when)
{
	char text[21];

	clock_format(when, text);
	put(to, name, json_string(text));
}

static void
put_octets(json_t *to, const char *name, struct view v)
{
	put(to, name, v.len > 0 ? dump_hex(v) : json_null());
}

static json_t *
of_key(struct view spki)
{
	const char *algorithm = "unknown";
	int bits = 0;
	struct err ignored;

	return pkix_key_info(spki, &algorithm, &bits, &ignored)
		   ? take_text(text_printf("%s %d bits", algorithm, bits))
		   : json_string("unknown");
}

static json_t *
of_certificate(const struct pkix_cert *c)
{
	json_t *out = json_object();
	OWNED(own_memory) char *san = pkix_cert_san_text(c);

	put(out, "version", json_integer(c->version));
	put(out, "serial_number", take_text(pkix_serial_text(c->serial)));
	put_name(out, "subject", c->subject);
	put_name(out, "issuer", c->issuer);
	if (san != NULL && *san != '\0')
		put(out, "subject_alternative_name", json_string(san));
	put_instant(out, "not_before", c->not_before);
	put_instant(out, "not_after", c->not_after);
	put(out, "key", of_key(c->spki));
	put(out, "signature_algorithm", dump_algorithm(c->sig_alg));
	put_octets(out, "certificate_hash", view_of(c->sha1, sizeof c->sha1));
	put_octets(out, "sha256", view_of(c->sha256, sizeof c->sha256));
	put(out, "extensions", dump_extensions(c->extensions, c->extension_count));
	return out;
}

static json_t *
of_certificate_der(struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	return pkix_cert_decode(der, &cert, &err)
		   ? of_certificate(&cert)
		   : json_pack("{s:o}", "error", take_text(text_printf("BAD: %s", err.msg)));
}

static json_t *
of_signer(const struct cms_signer *s)
{
	json_t *out = json_object();

	if (s->key_id.len > 0) {
		put(out, "key_identifier", dump_hex(s->key_id));
	} else {
		put_name(out, "issuer", s->issuer);
		put(out, "serial_number", take_text(pkix_serial_text(s->serial)));
	}
	put(out, "digest_algorithm",
	    s->digest != NULL ? take_text(dump_oid(OBJ_nid2obj(EVP_MD_get_type(s->digest))))
			      : json_string("unknown"));
	put(out, "signature_algorithm", dump_algorithm(s->sig_alg));
	put(out, "signature_octets", json_integer((json_int_t)s->signature.len));
	put(out, "signed_attributes", dump_attributes(s->attrs, s->attr_count));
	put(out, "unsigned_attributes", dump_attributes(s->unsigned_attrs, s->unsigned_count));
	return out;
}

static void
put_message(json_t *to, const struct cms_signed *m)
{
	json_t *signers = json_array(), *certificates = json_array();

	put(to, "content_type", take_text(dump_oid_by_text(m->content_oid)));
	put(to, "content_octets", json_integer((json_int_t)m->content.len));
	for (size_t i = 0; i < m->signer_count; i++)
		json_array_append_new(signers, of_signer(&m->signers[i]));
	for (size_t i = 0; i < m->certificate_count; i++)
		json_array_append_new(certificates, of_certificate_der(m->certificates[i]));
	put(to, "signers", signers);
	put(to, "certificates", certificates);
}

static void
put_pairs(json_t *to, const char *name, const struct pairs *pairs)
{
	json_t *out = json_array();

	for (size_t i = 0; i < pairs->count; i++)
		json_array_append_new(out,
		    take_text(text_printf("%s = %s", pairs->list[i].name, pairs->list[i].value)));
	put(to, name, out);
}

static void
put_template(json_t *to, const struct pkix_extension *list, size_t count)
{
	OWNED(pkix_template_id_free) struct pkix_template_id id = {0};
	struct err ignored;

	if (!pkix_template_id(list, count, &id, &ignored))
		return;
	if (id.cn != NULL)
		put(to, "template", json_string(id.cn));
	if (id.oid != NULL)
		put(to, "template_oid",
		    take_text(text_printf(
			"%s version %lld.%lld", id.oid, (long long)id.major, (long long)id.minor)));
}

static void
add_attribute(json_t *to, const X509_ATTRIBUTE *from)
{
	X509_ATTRIBUTE *a = (X509_ATTRIBUTE *)(uintptr_t)from;
	OWNED(buf_free) struct buf values = {0};
	struct cms_attr one = {.nid = NID_undef};
	json_t *list;
	struct err err;

	OBJ_obj2txt(one.oid, sizeof one.oid, X509_ATTRIBUTE_get0_object(a), 1);
	for (int k = 0; k < X509_ATTRIBUTE_count(a); k++) {
		OWNED(own_octets) uint8_t *value = NULL;
		int len = i2d_ASN1_TYPE(X509_ATTRIBUTE_get0_type(a, k), &value);

		if (len > 0)
			(void)buf_append(&values, view_of(value, (size_t)len), &err);
	}
	one.values = buf_view(&values);
	list = dump_attributes(&one, 1);
	json_array_extend(to, list);
	json_decref(list);
}

/* All attributes of a PKCS#10, of which pkix_request keeps what it uses. */
static json_t *
of_attributes(struct view der)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509_req) X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.len);
	json_t *out = json_array();

	for (int i = 0; req != NULL && i < X509_REQ_get_attr_count(req); i++)
		add_attribute(out, X509_REQ_get_attr(req, i));
	ERR_clear_error();
	return out;
}

static json_t *
of_request(const struct pkix_request *r)
{
	json_t *out = json_object();
	OWNED(own_memory) char *subject = pkix_name_text(r->subject);

	put(out, "subject", json_string(subject != NULL && *subject != '\0' ? subject : "(empty)"));
	put(out, "key", of_key(r->spki));
	put(out, "signature_algorithm", dump_algorithm(r->sig_alg));
	put(out, "signature", json_string(r->null_signature ? "none (digest only)" : "present"));
	put_template(out, r->extensions, r->extension_count);
	put(out, "attributes", of_attributes(buf_view(&r->raw)));
	if (r->renewal_certificate.len > 0)
		put(out, "renews", of_certificate_der(r->renewal_certificate));
	return out;
}

/* ---- requests and responses; each: NULL if the bytes are none ---- */

static bool
has_unsigned(const struct cmc_request *r)
{
	for (size_t i = 0; i < r->message.signer_count; i++)
		if (r->message.signers[i].unsigned_count > 0)
			return true;
	return false;
}

static void
put_transaction(json_t *to, const struct cmc_transaction *t)
{
	if (t->id.len > 0)
		put(to, "transaction_id", dump_hex(t->id));
	if (t->sender_nonce.len > 0)
		put(to, "sender_nonce", dump_hex(t->sender_nonce));
	if (t->recipient_nonce.len > 0)
		put(to, "recipient_nonce", dump_hex(t->recipient_nonce));
}

static void
put_binding(json_t *to, const struct cmc_binding *b)
{
	json_t *out = json_object();

	put_instant(out, "time", b->time);
	put_octets(out, "ca", b->ca);
	put_octets(out, "exchange_certificate", b->exchange);
	put(out, "sender",
	    b->sender.len > 0 ? json_stringn((const char *)b->sender.ptr, b->sender.len)
			      : json_null());
	put(to, "bound_to", out);
}

/* A CA keeps a request without its unsigned attributes, of which the encrypted key is one. */
static void
put_archival(json_t *to, const struct cmc_request *r)
{
	bool is_exported = r->key_hash.len > 0 && r->archived_key.len == 0 && !has_unsigned(r);
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	struct err err;

	put_octets(to, "encrypted_key_hash", r->key_hash);
	if (r->archived_key.len > 0)
		put(to, "encrypted_key", dump_sealed(r->archived_key));
	else if (is_exported)
		put(to, "encrypted_key",
		    json_string("not in it, as in every request that a CA kept"));
	if (pkix_public_key(r->request.spki, &key, &err) &&
	    (is_exported ? cmc_request_verify_stripped : cmc_request_verify)(r, key, true, &err))
		put(to, is_exported ? "signatures" : "signatures_and_hashes", json_string("good"));
	else
		put(to, "signatures_and_hashes", take_text(text_printf("BAD: %s", err.msg)));
}

static json_t *
dump_cmc(struct view der, struct err *err)
{
	OWNED(cmc_request_free) struct cmc_request r = {0};
	json_t *out;

	if (!cmc_request_decode(der, &r, err))
		return NULL;
	out = json_pack("{s:s}", "type", "CMC full PKI request");
	put_message(out, &r.message);
	put(out, "body_part", json_integer((json_int_t)r.body_part_id));
	put(out, "pkcs10", of_request(&r.request));
	put(out, "added_extensions", dump_extensions(r.extensions, r.extension_count));
	put_pairs(out, "reg_info", &r.pairs);
	put_transaction(out, &r.transaction);
	if (r.has_binding)
		put_binding(out, &r.binding);
	if (r.has_unknown)
		put(out, "unknown_control", take_text(dump_oid_by_text(r.unknown_oid)));
	put_archival(out, &r);
	return out;
}

/* SignedData around a request: who signed it, and the request itself. */
static json_t *
dump_wrapped(struct view der, struct err *err)
{
	OWNED(cmc_wrapped_free) struct cmc_wrapped w = {0};
	OWNED(pkix_request_free) struct pkix_request pkcs10 = {0};
	json_t *inner = NULL, *out;

	if (!cmc_wrapped_decode(der, &w, err))
		return NULL;
	if (cmc_wrapped_holds_cmc(&w))
		inner = dump_cmc(w.message.content, err);
	else if (pkix_request_decode(w.message.content, &pkcs10, err))
		inner = of_request(&pkcs10);
	if (inner == NULL)
		return NULL;
	out = json_pack("{s:s}", "type", "SignedData around a request");
	put_message(out, &w.message);
	put_pairs(out, "signed_pairs", &w.pairs);
	put(out, "request", inner);
	return out;
}

static json_t *
dump_request(struct view der, struct err *err)
{
	json_t *out = dump_cmc(der, err);

	return out == NULL && err->code == CRYPT_E_INVALID_MSG_TYPE ? dump_wrapped(der, err) : out;
}

static json_t *
dump_response(struct view der, struct err *err)
{
	OWNED(cmc_response_free) struct cmc_response r = {0};
	json_t *out;

	if (!cmc_response_decode(der, &r, err))
		return NULL;
	out = json_pack("{s:s, s:i, s:s?}", "type", "CMC full PKI response", "status",
	    (int)r.status, "status_text", r.text);
	if (r.fail_info >= 0)
		put(out, "fail_info", json_integer(r.fail_info));
	if (r.status == CMC_STATUS_PENDING)
		put(out, "request_id", json_integer((json_int_t)r.pending_id));
	put_octets(out, "issued_certificate_hash", r.issued_sha1);
	put_octets(out, "encrypted_key_hash", r.key_hash);
	put_transaction(out, &r.transaction);
	put_message(out, &r.message);
	return out;
}

static json_t *
dump_pkcs10(struct view der, struct err *err)
{
	OWNED(pkix_request_free) struct pkix_request r = {0};
	json_t *out;

	if (!pkix_request_decode(der, &r, err))
		return NULL;
	out = json_pack("{s:s}", "type", "PKCS#10");
	put(out, "pkcs10", of_request(&r));
	return out;
}

/* ---- recovery BLOBs ---- */

static json_t *
of_retrieval(const struct retrieval *r)
{
	json_t *out = json_object();

	put(out, "officer", dump_text(r->officer));
	if (r->officer_sid != NULL)
		put(out, "officer_sid", json_string(r->officer_sid));
	put(out, "request_id", json_integer((json_int_t)r->request_id));
	put(out, "audit_row", json_integer((json_int_t)r->audit_row));
	put_instant(out, "time", r->when);
	if (r->case_id != 0)
		put(out, "case_id", json_integer((json_int_t)r->case_id));
	if (r->ticket != NULL)
		put(out, "ticket", dump_text(r->ticket));
	return out;
}

static json_t *
of_recipients(const struct recovery_blob *b)
{
	json_t *out = json_array();

	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *kra = recovery_recipient(b, i);

		json_array_append_new(out, kra != NULL ? of_certificate(kra)
						       : json_pack("{s:s}", "error",
							     "its certificate is not in the BLOB"));
	}
	return out;
}

static json_t *
dump_blob(struct view der, struct err *err)
{
	OWNED(recovery_free) struct recovery_blob b = {0};
	json_t *out;

	if (!recovery_decode(der, &b, err))
		return NULL;
	out = json_pack("{s:s}", "type", "Recovery BLOB");
	put(out, "key_of", of_certificate(&b.certificate));
	put(out, "retrieved_by",
	    b.has_retrieval ? of_retrieval(&b.retrieval)
			    : json_string("the CA did not sign who retrieved it"));
	put(out, "archived_key", dump_sealed(buf_view(&b.archived.raw)));
	put(out, "recipient_certificates", of_recipients(&b));
	put_message(out, &b.message);
	return out;
}

/* ---- certificates and CRLs ---- */

static json_t *
dump_certificate(struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	json_t *out;

	if (!pkix_cert_decode(der, &c, err))
		return NULL;
	out = json_pack("{s:s}", "type", "Certificate");
	put(out, "certificate", of_certificate(&c));
	return out;
}

static void
put_time(json_t *to, const char *name, const ASN1_TIME *from)
{
	if (from != NULL)
		put(to, name, dump_time(from));
}

static json_t *
of_crl_extensions(const X509_CRL *crl)
{
	int n = X509_CRL_get_ext_count(crl);
	OWNED(own_memory) struct pkix_extension *list = mem_zero((size_t)n + 1, sizeof *list);

	for (int i = 0; i < n; i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl, i);
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

		OBJ_obj2txt(list[i].oid, sizeof list[i].oid, X509_EXTENSION_get_object(e), 1);
		list[i].critical = X509_EXTENSION_get_critical(e) == 1;
		list[i].value = view_of(v->data, (size_t)v->length);
	}
	return dump_extensions(list, (size_t)n);
}

static json_t *
of_revoked(X509_CRL *crl)
{
	const STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	json_t *out = json_array();

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		const ASN1_INTEGER *serial =
		    X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i));

		json_array_append_new(out,
		    take_text(pkix_serial_text(view_of(serial->data, (size_t)serial->length))));
	}
	return out;
}

/* Of a file's size at most, so that OpenSSL's memory for each entry does not matter. */
static json_t *
dump_crl(struct view der, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	OWNED(own_octets) uint8_t *issuer = NULL;
	json_t *out, *revoked;
	int len;

	if (crl == NULL || p != der.ptr + der.len) {
		err_openssl(err, ERROR_INVALID_DATA, "not a CRL");
		return NULL;
	}
	out = json_pack("{s:s}", "type", "CRL");
	if ((len = i2d_X509_NAME(X509_CRL_get_issuer(crl), &issuer)) > 0)
		put_name(out, "issuer", view_of(issuer, (size_t)len));
	put_time(out, "this_update", X509_CRL_get0_lastUpdate(crl));
	put_time(out, "next_update", X509_CRL_get0_nextUpdate(crl));
	put(out, "extensions", of_crl_extensions(crl));
	revoked = of_revoked(crl);
	put(out, "revoked_certificates", json_integer((json_int_t)json_array_size(revoked)));
	put(out, "serial_numbers", revoked);
	return out;
}

/* ---- keys ---- */

/* A private key is said to be there, and no more. */
static json_t *
of_entry(const struct pfx_entry *e)
{
	json_t *out =
	    e->certificate.len > 0 ? of_certificate_der(buf_view(&e->certificate)) : json_object();
	OWNED(buf_free) struct buf spki = {0};
	struct err ignored;

	if (e->key != NULL)
		put(out, "private_key",
		    pkix_key_spki(e->key, &spki, &ignored) ? of_key(buf_view(&spki))
							   : json_string("of another kind"));
	if (e->friendly_name != NULL)
		put(out, "friendly_name", json_string(e->friendly_name));
	if (e->local_key_id.len > 0)
		put(out, "local_key_id", dump_hex(buf_view(&e->local_key_id)));
	return out;
}

static json_t *
dump_keys(struct view file, const struct key_passwords *with, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};
	json_t *out, *keys, *others;

	if (!material_read(file, with->list, with->count, &c, err))
		return NULL;
	out = json_pack("{s:s}", "type", material_name(material_of(file)));
	keys = json_array();
	others = json_array();
	for (size_t i = 0; i < c.key_count; i++)
		json_array_append_new(keys, of_entry(&c.keys[i]));
	for (size_t i = 0; i < c.other_count; i++)
		json_array_append_new(others, of_entry(&c.others[i]));
	put(out, "private_keys", keys);
	put(out, "certificates", others);
	return out;
}

/* ---- security descriptors ---- */

static json_t *
of_rule(const struct officer_rule *rule)
{
	json_t *requesters = json_array();
	char text[SID_TEXT_MAX];

	for (size_t k = 0; k < rule->requesters.count; k++) {
		sid_to_text(&rule->requesters.list[k], text);
		json_array_append_new(requesters, json_string(text));
	}
	sid_to_text(&rule->officer, text);
	return json_pack("{s:s, s:s, s:s, s:o}", "rule", rule->deny ? "deny" : "allow", "officer",
	    text, "template", rule->template_cn != NULL ? rule->template_cn : "(all)", "requesters",
	    requesters);
}

static json_t *
of_officer_rules(const struct sd *sd)
{
	OWNED(officer_rules_free) struct officer_rules rules = {0};
	json_t *out = json_array();
	struct err err;

	if (sd->count > 0 && officer_rules_decode(sd, &rules, &err))
		for (size_t i = 0; i < rules.count; i++)
			json_array_append_new(out, of_rule(&rules.list[i]));
	return out;
}

static json_t *
dump_sd(struct view der, struct err *err)
{
	OWNED(sd_free) struct sd sd = {0};
	json_t *out;

	if (!sd_decode(der, &sd, err))
		return NULL;
	out = json_pack("{s:s}", "type", "Security descriptor");
	put(out, "aces", json_integer((json_int_t)sd.count));
	put(out, "sddl", take_text(sd_to_sddl(&sd)));
	put(out, "officer_rules", of_officer_rules(&sd));
	return out;
}

/* ---- which ---- */

static const struct {
	const char *name;
	json_t *(*run)(struct view der, struct err *err);
} types[] = {
    {"request", dump_request},
    {"response", dump_response},
    {"blob", dump_blob},
    {"pkcs10", dump_pkcs10},
    {"certificate", dump_certificate},
    {"crl", dump_crl},
    {"ocsp-request", dump_ocsp_request},
    {"ocsp-response", dump_ocsp_response},
    {"sd", dump_sd},
};

/* PEM of several objects, such as a chain: the first is not all of it. */
static bool
has_several(struct view file)
{
	static const char begin[] = "-----BEGIN ";
	const uint8_t *at = file.len > 0 ? memmem(file.ptr, file.len, begin, strlen(begin)) : NULL;
	size_t left = at != NULL ? file.len - (size_t)(at + 1 - file.ptr) : 0;

	return at != NULL && memmem(at + 1, left, begin, strlen(begin)) != NULL;
}

static json_t *
dump_any(struct view file, struct view der, const struct key_passwords *with, struct err *err)
{
	json_t *out = has_several(file) ? dump_keys(file, with, err) : NULL;
	enum material inside;

	for (size_t i = 0; out == NULL && i < COUNT_OF(types); i++)
		out = types[i].run(der, err);
	if (out == NULL)
		out = dump_keys(file, with, err);
	if (out != NULL)
		return out;
	inside = material_inside(file);
	if (inside == MATERIAL_DAMAGED || material_of(file) == MATERIAL_UNKNOWN)
		err_set(err, ERROR_INVALID_DATA,
		    "this is %s, of which nothing can be shown; --type says why not, and --asn1 "
		    "shows any DER",
		    material_told(inside));
	return NULL;
}

json_t *
dump_as(const char *type, struct view file, struct view der, const struct key_passwords *with,
    struct err *err)
{
	if (strcmp(type, "auto") == 0)
		return dump_any(file, der, with, err);
	if (strcmp(type, "keys") == 0)
		return dump_keys(file, with, err);
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].run(der, err);
	err_set(err, DIRCA_E_USAGE, "type %s is unknown", type);
	return NULL;
}
