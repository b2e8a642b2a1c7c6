/* Keys of the vault's own making: what comes, and what a front that lies does not get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/sha.h>

#include "vault_lab.h"

#define SID1     "S-1-5-21-1-2-3-1105"
#define SID2     "S-1-5-21-1-2-3-1106"
#define UPN(upn) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" upn

/* A request to the vault: a certificate for a key of a kind, to a recipient. */
struct wish {
	struct test_issue proposed;
	struct test_cert recipient;
	struct buf tbs, sig_alg;
	uint8_t kras[2][32];
	struct vault_generate in;
};

static struct test_issue
proposal(const char *kind, const char *sid)
{
	return (struct test_issue){.dn = "CN=user1",
	    .key = test_key(kind),
	    .issuer = &ca,
	    .usage = "critical,keyEncipherment",
	    .eku = "1.3.6.1.5.5.7.3.4",
	    .sid = sid,
	    .serial = 77,
	    .not_before = TEST_NOW,
	    .not_after = TEST_NOW + 400 * TEST_DAY};
}

static struct test_issue
recipient_of(const char *kind, const char *sid)
{
	struct test_issue in = proposal(kind, sid);

	in.serial = 78;
	in.usage = EVP_PKEY_is_a(in.key, "RSA") ? "critical,keyEncipherment" : "keyAgreement";
	return in;
}

static void
wish_open(struct wish *w, struct test_issue proposed, struct test_issue recipient)
{
	*w = (struct wish){.proposed = proposed, .recipient = test_issue(&recipient)};
	test_tbs(&w->proposed, ca.cert.subject, ca.key, &w->tbs, &w->sig_alg);
	memcpy(w->kras[0], kra1.cert.sha256, 32);
	memcpy(w->kras[1], kra2.cert.sha256, 32);
	w->in = (struct vault_generate){.tbs = buf_view(&w->tbs),
	    .recipient = buf_view(&w->recipient.der),
	    .transport = {CMS_AES_256_CBC, true},
	    .kra_sha256 = (const uint8_t(*)[32])w->kras,
	    .kra_count = 2,
	    .cipher = CMS_AES_256_CBC};
}

static void
wish_free(struct wish *w)
{
	EVP_PKEY_free(w->proposed.key);
	test_cert_free(&w->recipient);
	buf_free(&w->tbs);
	buf_free(&w->sig_alg);
}

static void
assert_refused(struct wish *w, enum err_code code)
{
	struct vault_generated out;
	struct err err = {0};

	assert_false(vault_generate(&child.front[0], &w->in, &out, &err));
	if (err.code != code)
		fail_msg("%s", err.msg);
	assert_null(out.certificate.ptr);
	assert_null(out.archived.ptr);
	assert_null(out.delivered.ptr);
	wish_free(w);
}

/* ---- readers of OpenSSL's ---- */

static X509 *
x509_of(const struct buf *der)
{
	const unsigned char *p = der->ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der->len);

	assert_non_null(x);
	return x;
}

static BIO *
decrypted(const struct buf *enveloped, const struct test_cert *recipient)
{
	const unsigned char *p = enveloped->ptr;
	CMS_ContentInfo *m = d2i_CMS_ContentInfo(NULL, &p, (long)enveloped->len);
	X509 *x = x509_of(&recipient->der);
	BIO *out = BIO_new(BIO_s_mem());

	assert_non_null(m);
	assert_int_equal(CMS_decrypt(m, recipient->key, x, NULL, out, 0), 1);
	X509_free(x);
	CMS_ContentInfo_free(m);
	return out;
}

/* Says for which certificate and recipient the key was made (docs/PROTOCOL.md). */
static void
assert_delivery(CMS_ContentInfo *m, const struct buf *certificate, const struct buf *recipient)
{
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(m), 0);
	ASN1_OBJECT *oid = OBJ_nid2obj(oid_nid(OID_KEY_DELIVERY));
	const ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(signer, oid, -3, V_ASN1_SEQUENCE);
	uint8_t expected[KEY_DELIVERY_LEN] = {0x30, 71, 2, 1, 1, 4, 32};

	expected[39] = 4;
	expected[40] = 32;
	SHA256(certificate->ptr, certificate->len, expected + 7);
	SHA256(recipient->ptr, recipient->len, expected + 41);
	assert_non_null(value);
	assert_int_equal(ASN1_STRING_length(value), sizeof expected);
	assert_memory_equal(ASN1_STRING_get0_data(value), expected, sizeof expected);
}

/* What is signed by the CA in a SignedData that is no ContentInfo. */
static BIO *
verified(BIO *signed_data, const struct buf *certificate, const struct buf *recipient)
{
	static const uint8_t type[] = {
	    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
	unsigned char *data, head[2 * 8], *p = head;
	long len = BIO_get_mem_data(signed_data, &data);
	int explicit_len = ASN1_object_size(1, (int)len, 0);
	BIO *message = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	X509_STORE *store = X509_STORE_new();
	X509 *x = x509_of(&ca.der);
	CMS_ContentInfo *m;

	ASN1_put_object(&p, 1, explicit_len + (int)sizeof type, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	BIO_write(message, head, (int)(p - head));
	BIO_write(message, type, sizeof type);
	p = head;
	ASN1_put_object(&p, 1, (int)len, 0, V_ASN1_CONTEXT_SPECIFIC);
	BIO_write(message, head, (int)(p - head));
	BIO_write(message, data, (int)len);
	assert_non_null(m = d2i_CMS_bio(message, NULL));
	X509_STORE_add_cert(store, x);
	X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
	assert_int_equal(CMS_verify(m, NULL, store, NULL, out, 0), 1);
	assert_int_equal(OBJ_obj2nid(CMS_get0_eContentType(m)), oid_nid(OID_CT_KEY_PACKAGE));
	assert_delivery(m, certificate, recipient);
	CMS_ContentInfo_free(m);
	X509_free(x);
	X509_STORE_free(store);
	BIO_free(message);
	return out;
}

static EVP_PKEY *
key_of_package(BIO *package)
{
	const unsigned char *p;
	unsigned char *data;
	long len = BIO_get_mem_data(package, &data), inner;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key;
	int tag, class;

	p = data;
	assert_int_equal(ASN1_get_object(&p, &inner, &tag, &class, len), V_ASN1_CONSTRUCTED);
	assert_int_equal(tag, V_ASN1_SEQUENCE);
	assert_non_null(info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, inner));
	assert_ptr_equal(p, data + len);
	assert_non_null(key = EVP_PKCS82PKEY(info));
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

static EVP_PKEY *
delivered_key(const struct vault_generated *made, const struct test_cert *recipient)
{
	BIO *message = decrypted(&made->delivered, recipient);
	BIO *package = verified(message, &made->certificate, &recipient->der);
	EVP_PKEY *key = key_of_package(package);

	BIO_free(message);
	BIO_free(package);
	return key;
}

static void
assert_certified(const struct buf *certificate, const struct wish *w, EVP_PKEY *key)
{
	X509 *x = x509_of(certificate), *issuer = x509_of(&ca.der);

	assert_int_equal(X509_verify(x, X509_get0_pubkey(issuer)), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
	assert_int_equal(EVP_PKEY_eq(w->proposed.key, key), 0);
	X509_free(x);
	X509_free(issuer);
}

static void
made_for(const char *kind, const char *recipient_kind, struct key_transport how)
{
	struct vault_generated out;
	struct wish w;
	struct err err;
	EVP_PKEY *key;

	wish_open(&w, proposal(kind, SID1), recipient_of(recipient_kind, SID1));
	w.in.transport = how;
	ASSERT_DONE(vault_generate(&child.front[0], &w.in, &out, &err));
	key = delivered_key(&out, &w.recipient);
	assert_certified(&out.certificate, &w, key);
	EVP_PKEY_free(user_key); /* the one that assert_opens expects */
	user_key = key;
	assert_opens(&out.archived, &kra1);
	assert_opens(&out.archived, &kra2);
	vault_generated_free(&out);
	wish_free(&w);
}

static void
key_is_split_where_several_open_it(void **state)
{
	const struct view list[] = {buf_view(&kra1.der), buf_view(&kra2.der)};
	struct vault_generated out;
	struct pkix_cert c;
	struct wish w;
	struct err err;
	EVP_PKEY *pub;
	size_t usable;

	(void)state;
	ASSERT_DONE(vault_set_kras(child.control, 2, 2, list, NULL, 2, &usable, &err));
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	ASSERT_DONE(vault_generate(&child.front[0], &w.in, &out, &err));
	EVP_PKEY_free(user_key); /* the one that is expected */
	user_key = delivered_key(&out, &w.recipient);
	assert_opens_together(&out.archived);
	ASSERT_DONE(pkix_cert_decode(buf_view(&out.certificate), &c, &err));
	ASSERT_DONE(pkix_public_key(c.spki, &pub, &err));
	assert_int_equal(EVP_PKEY_eq(pub, user_key), 1);
	EVP_PKEY_free(pub);
	pkix_cert_free(&c);
	vault_generated_free(&out);
	wish_free(&w);
}

static void
key_is_certified_archived_and_delivered(void **state)
{
	(void)state;
	made_for("rsa2048", "rsa2048", (struct key_transport){CMS_AES_256_CBC, true});
	made_for("P-256", "rsa2048", (struct key_transport){CMS_AES_128_CBC, false});
	made_for("P-384", "P-256", (struct key_transport){CMS_AES_192_CBC, true});
	made_for("P-521", "P-521", (struct key_transport){CMS_AES_256_CBC, true});
}

/* The identifier in the certificate is that of the key, whatever the front wrote. */
static void
key_identifier_is_that_of_the_key(void **state)
{
	struct vault_generated out;
	struct pkix_cert c;
	uint8_t id[KEY_ID_LEN];
	struct buf ski, whole;
	struct wish w;
	struct err err;
	const unsigned char *p;
	X509 *x;
	X509_EXTENSION *e;
	unsigned char *der = NULL;
	int len;

	(void)state;
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	assert_true(pkix_signed_wrap(
	    buf_view(&w.tbs), buf_view(&w.sig_alg), buf_view(&w.sig_alg), &whole, &err));
	p = whole.ptr;
	assert_non_null(x = d2i_X509(NULL, &p, (long)whole.len));
	assert_non_null(
	    e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_key_identifier, "0102030405"));
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	assert_true((len = i2d_re_X509_tbs(x, &der)) > 0);
	w.in.tbs = view_of(der, (size_t)len);
	ASSERT_DONE(vault_generate(&child.front[0], &w.in, &out, &err));
	ASSERT_DONE(pkix_cert_decode(buf_view(&out.certificate), &c, &err));
	ASSERT_DONE(ext_key_id(c.spki, id, &err));
	ASSERT_DONE(pkix_cert_ski(&c, &ski, &err));
	assert_true(view_eq(buf_view(&ski), view_of(id, sizeof id)));
	buf_free(&ski);
	buf_free(&whole);
	pkix_cert_free(&c);
	X509_EXTENSION_free(e);
	X509_free(x);
	OPENSSL_free(der);
	vault_generated_free(&out);
	wish_free(&w);
}

static void
refused(struct test_issue proposed, struct test_issue recipient, enum err_code code)
{
	struct wish w;

	wish_open(&w, proposed, recipient);
	assert_refused(&w, code);
}

/* A broken front names whom it likes. */
static void
recipient_of_another_holder_is_refused(void **state)
{
	struct test_issue upn1 = proposal("P-256", NULL), upn2 = recipient_of("P-256", NULL);

	(void)state;
	refused(proposal("P-256", SID1), recipient_of("P-256", SID2), DIRCA_E_KEY_RECIPIENT);
	refused(proposal("P-256", SID1), recipient_of("P-256", NULL), DIRCA_E_KEY_RECIPIENT);
	refused(proposal("P-256", NULL), recipient_of("P-256", SID1), DIRCA_E_KEY_RECIPIENT);
	upn1.san = UPN("user1@nwtraders.com");
	upn2.san = UPN("user2@nwtraders.com");
	refused(upn1, upn2, DIRCA_E_KEY_RECIPIENT);
	upn1.key = test_key("P-256");
	upn2.key = test_key("P-256");
	upn2.san = UPN("user1@nwtraders.com") "," UPN("user2@nwtraders.com");
	refused(upn1, upn2, DIRCA_E_KEY_RECIPIENT);
}

static void
recipient_of_the_same_name_is_taken_where_there_is_no_sid(void **state)
{
	struct test_issue upn1 = proposal("P-256", NULL), upn2 = recipient_of("P-256", NULL);
	struct vault_generated out;
	struct wish w;
	struct err err;

	(void)state;
	upn1.san = UPN("user1@nwtraders.com");
	upn2.san = UPN("USER1@nwtraders.com");
	wish_open(&w, upn1, upn2);
	ASSERT_DONE(vault_generate(&child.front[0], &w.in, &out, &err));
	vault_generated_free(&out);
	wish_free(&w);
}

static void
recipient_that_this_ca_did_not_sign_is_refused(void **state)
{
	struct test_issue of_other = recipient_of("P-256", SID1);
	struct test_cert same_name = test_ca("CN=Test CA,DC=nwtraders,DC=com", "P-256");
	struct wish w;

	(void)state;
	of_other.issuer = &foreign_ca;
	refused(proposal("P-256", SID1), of_other, CERT_E_ISSUERCHAINING);
	of_other = recipient_of("P-256", SID1);
	of_other.issuer = &same_name;
	refused(proposal("P-256", SID1), of_other, CERT_E_ISSUERCHAINING);
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	w.recipient.der.ptr[w.recipient.der.len - 1] ^= 1;
	assert_refused(&w, CERT_E_ISSUERCHAINING);
	test_cert_free(&same_name);
}

static void
recipient_out_of_time_or_for_something_else_is_refused(void **state)
{
	struct test_issue in = recipient_of("P-256", SID1);

	(void)state;
	in.not_after = clock_now() - 1;
	refused(proposal("P-256", SID1), in, CERT_E_EXPIRED);
	in = recipient_of("P-256", SID1);
	in.not_before = clock_now() + 3600;
	refused(proposal("P-256", SID1), in, CERT_E_EXPIRED);
	in = recipient_of("rsa2048", SID1);
	in.usage = "digitalSignature";
	refused(proposal("P-256", SID1), in, CERT_E_WRONG_USAGE);
	in = recipient_of("P-256", SID1);
	in.usage = "digitalSignature,keyEncipherment";
	refused(proposal("P-256", SID1), in, CERT_E_WRONG_USAGE);
}

static void
rules_of_certificates_and_of_archival_hold(void **state)
{
	struct test_issue sub_ca = proposal("P-256", SID1);
	struct wish w;

	(void)state;
	sub_ca.is_ca = true;
	sub_ca.usage = "keyCertSign";
	refused(sub_ca, recipient_of("P-256", SID1), DIRCA_E_KIND_NOT_ALLOWED);
	refused(proposal("rsa1024", SID1), recipient_of("P-256", SID1), CERTSRV_E_KEY_LENGTH);
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	w.in.kra_count = 0;
	assert_refused(&w, DIRCA_E_KRAS_CHANGED);
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	memcpy(w.kras[1], foreign_kra.cert.sha256, 32);
	assert_refused(&w, DIRCA_E_KRAS_CHANGED);
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	w.in.cipher = CMS_3DES_CBC;
	assert_refused(&w, E_ACCESSDENIED);
	wish_open(&w, proposal("P-256", SID1), recipient_of("P-256", SID1));
	w.in.transport.cipher = CMS_3DES_CBC;
	assert_refused(&w, E_INVALIDARG);
}

/* That the CA's key signed a key means that the vault made it. */
static void
front_has_no_key_of_its_own_signed(void **state)
{
	static const uint8_t hash[32] = {1};
	struct cms_sign in = {.content_oid = oid_dotted(OID_CT_KEY_PACKAGE),
	    .content = view_of(hash, sizeof hash),
	    .digest = EVP_sha256()};
	struct buf attrs, signature;
	struct err err;

	(void)state;
	ASSERT_DONE(cms_sign_attrs(&in, &attrs, &err));
	assert_false(vault_sign_message(&child.front[0], buf_view(&attrs), &signature, &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	buf_free(&attrs);
}

int
main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)
	const struct CMUnitTest tests[] = {
	    WITH_CHILD(key_is_certified_archived_and_delivered),
	    WITH_CHILD(key_is_split_where_several_open_it),
	    WITH_CHILD(key_identifier_is_that_of_the_key),
	    WITH_CHILD(recipient_of_another_holder_is_refused),
	    WITH_CHILD(recipient_of_the_same_name_is_taken_where_there_is_no_sid),
	    WITH_CHILD(recipient_that_this_ca_did_not_sign_is_refused),
	    WITH_CHILD(recipient_out_of_time_or_for_something_else_is_refused),
	    WITH_CHILD(rules_of_certificates_and_of_archival_hold),
	    WITH_CHILD(front_has_no_key_of_its_own_signed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
