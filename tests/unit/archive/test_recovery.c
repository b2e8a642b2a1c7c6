#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <cmocka.h>

#include "oids.h"
#include "own.h"
#include "recovery_lab.h"
#include "pfx.h"
#include "unwrap_as.h"

static void
assert_refused(struct view der, enum err_code code)
{
	struct recovery_blob out;
	struct err err = {0};

	assert_false(recovery_decode(der, &out, &err));
	assert_int_equal(err.code, code);
	assert_true(strlen(err.msg) > 0);
	recovery_free(&out); /* nothing in it */
}

static void
blob_holds_certificate_chain_and_kras_once_each(void **state)
{
	struct recovery_blob out;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	assert_int_equal(out.other_count, 6);
	assert_true(view_eq(buf_view(&out.certificate.raw), buf_view(&user.der)));
	assert_true(view_eq(buf_view(&out.signer.raw), buf_view(&ca.der)));
	assert_true(view_eq(out.message.content, buf_view(&archived)));
	assert_string_equal(out.message.content_oid, "1.2.840.113549.1.7.1");
	assert_int_equal(out.archived.count, 3);
	assert_true(view_eq(buf_view(&recovery_recipient(&out, 0)->raw), buf_view(&kra1.der)));
	assert_true(view_eq(buf_view(&recovery_recipient(&out, 1)->raw), buf_view(&kra2.der)));
	assert_true(view_eq(buf_view(&recovery_recipient(&out, 2)->raw), buf_view(&ec_kra.der)));
	assert_null(recovery_recipient(&out, 3));
	recovery_free(&out);
}

static void
certificate_named_twice_is_included_once(void **state)
{
	struct recovery_make in = usual();
	struct recovery_blob out;
	struct buf made;
	struct err err = {0};

	(void)state;
	chain[1] = chain[0];
	kras[2] = kras[0];
	make_blob(&in, ca.key, &made);
	assert_true(recovery_decode(buf_view(&made), &out, &err));
	assert_int_equal(out.other_count, 4);
	assert_null(recovery_recipient(&out, 2));
	recovery_free(&out);
	buf_free(&made);
}

static void
each_kra_opens_the_blob(void **state)
{
	const struct test_cert *const who[] = {&kra1, &kra2, &ec_kra};
	struct recovery_blob out;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	for (size_t i = 0; i < 3; i++) {
		assert_true(unwrap_as(&out, &who[i]->cert, who[i]->key, &key, &err));
		assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
		EVP_PKEY_free(key);
	}
	recovery_free(&out);
}

static bool
reseal(const struct recovery_blob *b, const struct test_cert *who, enum cms_cipher cipher,
    struct cms_enveloped *out, struct err *err)
{
	const struct recovery_agent agent = {
	    .keys = &who->key, .key_count = 1, .certificates = &who->cert, .certificate_count = 1};
	const struct cms_kra to = {.issuer = stranger.cert.issuer,
	    .serial = stranger.cert.serial,
	    .key = stranger.key,
	    .reader = CMS_READER_GCM};
	OWNED(buf_free) struct buf sealed = {0};

	return recover_reseal(
		   b, &agent, &(struct recovery_sealing){&to, 1, 1, cipher}, &sealed, err) &&
	       cms_sealed_decode(buf_view(&sealed), out, err);
}

/* Octet for octet, to him alone; and nothing that is not the key of its certificate. */
static void
an_agent_seals_the_key_to_another(void **state)
{
	struct recovery_blob out;
	struct cms_enveloped is;
	struct secret was, now;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	assert_true(cms_enveloped_open(&out.archived, 0, kra1.key, &was, &err));
	assert_true(reseal(&out, &kra1, CMS_AES_256_GCM, &is, &err));
	assert_int_equal(is.count, 1);
	assert_int_equal(is.cipher, CMS_AES_256_GCM);
	assert_true(cms_enveloped_open(&is, 0, stranger.key, &now, &err));
	assert_true(view_eq(secret_view(&was), secret_view(&now)));
	secret_free(&was);
	secret_free(&now);
	cms_enveloped_free(&is);
	assert_false(reseal(&out, &stranger, CMS_AES_256_GCM, &is, &err));
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	pkix_cert_free(&out.certificate);
	assert_true(pkix_cert_decode(buf_view(&kra2.der), &out.certificate, &err));
	assert_false(reseal(&out, &kra1, CMS_AES_256_GCM, &is, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	recovery_free(&out);
}

/* AuthEnvelopedData; one bit of the key in it is changed, and a signature of the CA is no cure. */
static void
authenticated_key_opens_and_a_changed_one_does_not(void **state)
{
	struct buf sealed, made;
	struct recovery_make in = usual();
	struct recovery_blob out;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	seal_key(user.key, CMS_AES_256_GCM, &sealed);
	for (int changed = 0; changed < 2; changed++) {
		sealed.ptr[sealed.len - 100] ^= (uint8_t)changed;
		in.archived = buf_view(&sealed);
		make_blob(&in, ca.key, &made);
		assert_true(recovery_decode(buf_view(&made), &out, &err));
		assert_string_equal(out.archived.cipher_name, "AES-256-GCM");
		assert_int_equal(unwrap_as(&out, &ec_kra.cert, ec_kra.key, &key, &err), !changed);
		assert_int_equal(changed ? err.code : NTE_BAD_DATA, NTE_BAD_DATA);
		EVP_PKEY_free(key);
		recovery_free(&out);
		buf_free(&made);
	}
	buf_free(&sealed);
}

static void
stranger_is_told_who_can_open_the_blob(void **state)
{
	struct recovery_blob out;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	assert_false(unwrap_as(&out, &stranger.cert, stranger.key, &key, &err));
	assert_null(key);
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	assert_non_null(strstr(err.msg, "kra1"));
	assert_non_null(strstr(err.msg, "kra2"));
	assert_non_null(strstr(err.msg, "serial 0b"));
	/* A KRA's certificate with another's key. */
	assert_false(unwrap_as(&out, &kra1.cert, stranger.key, &key, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	recovery_free(&out);
}

static void
assert_opens(const struct recovery_blob *b, const struct test_cert *who, bool opens)
{
	EVP_PKEY *key;
	struct err err = {0};

	assert_int_equal(unwrap_as(b, &who->cert, who->key, &key, &err), opens);
	if (opens)
		assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
	else
		assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	EVP_PKEY_free(key);
}

/* The paper advises to renew KRA certificates with the same key. */
static void
kra_who_renewed_with_the_same_key_opens_old_blobs(void **state)
{
	struct test_cert renewed[] = {
	    test_kra_renewed(&ca, &kra1, "CN=kra1,DC=nwtraders,DC=com", 20),
	    test_kra_renewed(&root, &ec_kra, "CN=somebody,DC=nwtraders,DC=com", 21)};
	struct recovery_blob out;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	for (size_t i = 0; i < 2; i++) {
		assert_opens(&out, &renewed[i], true);
		test_cert_free(&renewed[i]);
	}
	recovery_free(&out);
}

/* The certificates in the message are an aid: none of them must be there. */
static void
kra_whose_certificate_the_ca_has_lost_opens_the_blob(void **state)
{
	struct test_cert renewed = test_kra_renewed(&ca, &kra2, "CN=kra2,DC=nwtraders,DC=com", 20);
	const struct test_cert *const who[] = {&kra1, &kra2, &ec_kra, &renewed};
	struct recovery_make in = usual();
	struct recovery_blob out;
	struct buf made;
	struct err err = {0};

	(void)state;
	for (size_t left = 0; left < 2; left++) {
		in.kra_count = left;
		make_blob(&in, ca.key, &made);
		assert_true(recovery_decode(buf_view(&made), &out, &err));
		for (size_t i = 0; i < 4; i++)
			assert_opens(&out, who[i], true);
		assert_opens(&out, &stranger, false);
		recovery_free(&out);
		buf_free(&made);
	}
	test_cert_free(&renewed);
}

/* The CA signed a blob whose key is not that of the certificate: the KRA's side does not hand it
 * out. */
/* By each agent that can open it; `may`: or it opens, and is the key. */
static void
assert_one_answer(const struct recovery_blob *b, bool may)
{
	const struct test_cert *const who[] = {&kra1, &ec_kra};

	for (size_t i = 0; i < 2; i++) {
		struct err err = {0};
		EVP_PKEY *key = NULL;

		if (unwrap_as(b, &who[i]->cert, who[i]->key, &key, &err)) {
			assert_true(may);
			assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
			EVP_PKEY_free(key);
			continue;
		}
		assert_null(key);
		assert_int_equal(err.code, NTE_BAD_DATA);
		assert_string_equal(err.msg,
		    "the archived key does not open with this key or password, is damaged, or "
		    "is none that belongs to the certificate of the recovery blob");
	}
}

static void
key_of_another_certificate_is_not_recovered(void **state)
{
	struct recovery_make in = usual();
	struct buf other, made;
	struct recovery_blob out;
	EVP_PKEY *key = test_key("rsa2048");
	struct err err = {0};

	(void)state;
	seal_key(key, CMS_AES_256_CBC, &other);
	EVP_PKEY_free(key);
	in.archived = buf_view(&other);
	make_blob(&in, ca.key, &made);
	assert_true(recovery_decode(buf_view(&made), &out, &err));
	assert_one_answer(&out, false);
	recovery_free(&out);
	buf_free(&made);
	buf_free(&other);
}

/* ---- what lies in it, and with which of many keys it is opened ---- */

/* The BLOB of what somebody else archived. */
static void
blob_of_content(struct view content, struct recovery_blob *out)
{
	struct cms_kra to[] = {test_recipient(&kra1)};
	struct recovery_make in = usual();
	struct buf sealed, made;
	struct err err;

	assert_true(cms_enveloped_seal(content, to, 1, CMS_AES_256_CBC, &sealed, &err));
	in.archived = buf_view(&sealed);
	make_blob(&in, ca.key, &made);
	assert_true(recovery_decode(buf_view(&made), out, &err));
	buf_free(&sealed);
	buf_free(&made);
}

static struct buf
pkcs8_of(EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	struct buf out;
	struct err err;

	PKCS8_PRIV_KEY_INFO_free(info);
	assert_true(buf_take_openssl(der, len, &out, &err));
	return out;
}

static void
pkcs8_is_opened_and_anothers_is_not(void **state)
{
	struct recovery_blob b;
	EVP_PKEY *key, *another = test_key("rsa2048");
	struct err err = {0};

	(void)state;
	for (int good = 0; good < 2; good++) {
		struct buf content = pkcs8_of(good ? user.key : another);

		blob_of_content(buf_view(&content), &b);
		assert_int_equal(unwrap_as(&b, &kra1.cert, kra1.key, &key, &err), good);
		if (good)
			assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
		else
			assert_int_equal(err.code, NTE_BAD_DATA);
		EVP_PKEY_free(key);
		recovery_free(&b);
		buf_free(&content);
	}
	EVP_PKEY_free(another);
}

static void
pkcs12_is_opened_with_its_password(void **state)
{
	struct secret password = {0}, other = {0};
	struct recovery_blob b;
	struct buf content;
	size_t recipient;
	EVP_PKEY *key, *keys[] = {kra1.key};
	struct err err = {0};

	(void)state;
	assert_true(secret_dup(view_str("inner"), &password, &err));
	assert_true(secret_dup(view_str("outer"), &other, &err));
	assert_true(
	    pfx_encode(user.key, buf_view(&user.der), NULL, 0, NULL, &password, &content, &err));
	blob_of_content(buf_view(&content), &b);
	struct recovery_agent agent = {.keys = keys, .key_count = 1, .content_password = &other};
	assert_false(recover_unwrap(&b, &agent, &recipient, &key, &err));
	assert_int_equal(err.code, NTE_BAD_DATA);
	agent.content_password = NULL;
	assert_false(recover_unwrap(&b, &agent, &recipient, &key, &err));
	agent.content_password = &password;
	assert_true(recover_unwrap(&b, &agent, &recipient, &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
	EVP_PKEY_free(key);
	recovery_free(&b);
	buf_free(&content);
	secret_free(&password);
	secret_free(&other);
}

static void
what_is_no_key_is_refused(void **state)
{
	static const uint8_t contents[][8] = {{0x30, 6, 2, 1, 2, 2, 1, 0},
	    {0x30, 6, 4, 1, 0, 2, 1, 0}, {0x30, 0x84, 0xff}, {'M', 'Z'}};
	struct recovery_blob b;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		blob_of_content(view_of(contents[i], sizeof contents[i]), &b);
		assert_false(unwrap_as(&b, &kra1.cert, kra1.key, &key, &err));
		assert_int_equal(err.code, NTE_BAD_DATA);
		recovery_free(&b);
	}
}

/* Without any certificate: the message names whose keys they are. */
static void
the_right_one_of_many_keys_is_found(void **state)
{
	EVP_PKEY *const keys[] = {stranger.key, ec_kra.key, kra2.key};
	struct recovery_agent agent = {.keys = keys, .key_count = 3};
	struct recovery_blob b;
	size_t recipient;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &b, &err));
	assert_true(recover_unwrap(&b, &agent, &recipient, &key, &err));
	assert_int_equal(recipient, 1); /* kra2: recipients are gone through in their order */
	assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
	EVP_PKEY_free(key);
	agent.key_count = 1;
	assert_false(recover_unwrap(&b, &agent, &recipient, &key, &err));
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	recovery_free(&b);
}

/* Each octet of what AES-CBC encrypted, which leaves the padding, a form or a key as it was. */
static void
changed_key_has_one_answer(void **state)
{
	struct recovery_blob out;
	struct buf sealed, damaged;
	struct err err = {0};

	(void)state;
	seal_key(user.key, CMS_AES_256_CBC, &sealed);
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	for (size_t i = 1; i <= 400 && i < sealed.len; i += 3) {
		assert_true(buf_dup(buf_view(&sealed), &damaged, &err));
		damaged.ptr[damaged.len - i] ^= 1;
		cms_enveloped_free(&out.archived);
		assert_true(cms_enveloped_decode(buf_view(&damaged), &out.archived, &err));
		assert_one_answer(&out, true);
		buf_free(&damaged);
	}
	buf_free(&sealed);
	recovery_free(&out);
}

/* ---- RFC 9709 ---- */

/* The next element of `cursor`, whole and its content. */
static struct view
element(struct view *cursor, struct view *content_out)
{
	const uint8_t *p = cursor->ptr;
	int tag, class;
	long len;
	struct view whole;

	assert_int_equal(ASN1_get_object(&p, &len, &tag, &class, (long)cursor->len) & 0x80, 0);
	*content_out = view_of(p, (size_t)len);
	whole = view_of(cursor->ptr, (size_t)(p + len - cursor->ptr));
	cursor->ptr += whole.len;
	cursor->len -= whole.len;
	return whole;
}

static void
put(struct buf *to, int tag, int class, bool constructed, struct view content)
{
	uint8_t header[8], *p = header;
	struct err err;

	ASN1_put_object(&p, constructed, (int)content.len, tag, class);
	assert_true(buf_append(to, view_of(header, (size_t)(p - header)), &err) &&
		    buf_append(to, content, &err));
}

static void
put_oid(struct buf *to, int nid)
{
	const ASN1_OBJECT *o = OBJ_nid2obj(nid);

	put(to, V_ASN1_OBJECT, V_ASN1_UNIVERSAL, false, view_of(OBJ_get0_data(o), OBJ_length(o)));
}

/* EnvelopedData with the recipients of an AuthEnvelopedData, so under its content key, and random
 * octets as if AES-CBC had encrypted them. */
static struct buf
turned(struct view sealed)
{
	struct buf alg = {0}, info = {0}, data = {0}, explicit = {0}, all = {0}, out = {0};
	struct view content, inner, fields, ignored, recipients;
	uint8_t random[16 + 64];
	const uint8_t version = 2;
	struct err err;

	assert_int_equal(RAND_bytes(random, sizeof random), 1);
	element(&sealed, &content);
	element(&content, &ignored); /* OID */
	element(&content, &inner);   /* [0] */
	element(&inner, &fields);
	element(&fields, &ignored); /* version */
	recipients = element(&fields, &ignored);
	put_oid(&alg, NID_aes_256_cbc);
	put(&alg, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, false, view_of(random, 16));
	put_oid(&info, NID_pkcs7_data);
	put(&info, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, buf_view(&alg));
	put(&info, 0, V_ASN1_CONTEXT_SPECIFIC, false, view_of(random + 16, 64));
	put(&data, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, false, view_of(&version, 1));
	assert_true(buf_append(&data, recipients, &err));
	put(&data, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, buf_view(&info));
	put(&explicit, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, buf_view(&data));
	put_oid(&all, NID_pkcs7_enveloped);
	put(&all, 0, V_ASN1_CONTEXT_SPECIFIC, true, buf_view(&explicit));
	put(&out, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, buf_view(&all));
	buf_free(&alg);
	buf_free(&info);
	buf_free(&data);
	buf_free(&explicit);
	buf_free(&all);
	return out;
}

static void
authenticated_key_turned_into_another_has_one_answer(void **state)
{
	struct recovery_blob out;
	struct buf sealed, other;
	struct err err = {0};

	(void)state;
	seal_key(user.key, CMS_AES_256_GCM, &sealed);
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	for (int i = 0; i < 100; i++) {
		other = turned(buf_view(&sealed));
		cms_enveloped_free(&out.archived);
		if (!cms_enveloped_decode(buf_view(&other), &out.archived, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(out.archived.cipher_name, "AES-256-CBC");
		assert_one_answer(&out, false);
		buf_free(&other);
	}
	buf_free(&sealed);
	recovery_free(&out);
}

static uint8_t *
find(struct buf *in, struct view what)
{
	uint8_t *p = memmem(in->ptr, in->len, what.ptr, what.len);

	assert_non_null(p);
	return p;
}

static void
blob_signed_by_another_key_is_refused(void **state)
{
	struct recovery_make in = usual();
	struct buf made;

	(void)state;
	make_blob(&in, kra1.key, &made);
	assert_refused(buf_view(&made), NTE_BAD_SIGNATURE);
	buf_free(&made);
}

static void
tampered_content_is_refused(void **state)
{
	uint8_t *content = find(&blob, buf_view(&archived));

	(void)state;
	content[archived.len - 1] ^= 1;
	assert_refused(buf_view(&blob), CRYPT_E_HASH_VALUE);
}

static void
tampered_certificate_hash_is_refused(void **state)
{
	uint8_t *hash = find(&blob, view_of(user.cert.sha1, 20));

	(void)state;
	*hash ^= 1;
	assert_refused(buf_view(&blob), NTE_BAD_SIGNATURE);
}

/* The certificate is not covered by the signature, but by the signed hash. */
static void
tampered_certificate_is_refused(void **state)
{
	uint8_t *certificate = find(&blob, buf_view(&user.der));

	(void)state;
	certificate[user.der.len - 1] ^= 1;
	assert_refused(buf_view(&blob), CRYPT_E_NOT_FOUND);
}

static void
tampered_signer_is_refused(void **state)
{
	static const uint8_t version_and_serial[] = {0xa0, 3, 2, 1, 2, 2, 1, 7};
	uint8_t *certificate = find(&blob, buf_view(&ca.der));
	uint8_t *version =
	    memmem(certificate, ca.der.len, version_and_serial, sizeof version_and_serial);

	(void)state;
	assert_non_null(version);
	version[sizeof version_and_serial - 1] ^= 1;
	assert_refused(buf_view(&blob), CRYPT_E_NO_SIGNER);
}

static void
blob_without_certificate_hash_is_refused(void **state)
{
	struct view certificates[] = {buf_view(&user.der), buf_view(&ca.der)};
	struct cms_sign in = {.content_oid = "1.2.840.113549.1.7.1",
	    .content = buf_view(&archived),
	    .digest = EVP_sha256(),
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial,
	    .certificates = certificates,
	    .certificate_count = 2};
	struct buf attrs, sig_alg, signature, made;
	struct err err;

	(void)state;
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	test_sign(ca.key, buf_view(&attrs), &signature);
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), &made, &err));
	assert_refused(buf_view(&made), CRYPT_E_NOT_FOUND);
	buf_free(&attrs);
	buf_free(&sig_alg);
	buf_free(&signature);
	buf_free(&made);
}

static void
content_type_enveloped_data_is_accepted(void **state)
{
	static const uint8_t oid[] = {
	    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0};
	const uint8_t *tag = memmem(archived.ptr, 24, oid, sizeof oid);
	struct recovery_blob out;
	struct buf made;
	EVP_PKEY *key;
	struct err err = {0};
	size_t header;

	(void)state;
	make_typed("1.2.840.113549.1.7.3", buf_view(&archived), &made);
	assert_true(recovery_decode(buf_view(&made), &out, &err));
	assert_int_equal(out.archived.count, 3);
	recovery_free(&out);
	buf_free(&made);

	/* The bare EnvelopedData: what follows the OID and the [0] with its two length octets. */
	assert_non_null(tag);
	assert_int_equal(tag[sizeof oid], 0x82);
	header = (size_t)(tag - archived.ptr) + sizeof oid + 3;
	make_typed(
	    "1.2.840.113549.1.7.3", view_of(archived.ptr + header, archived.len - header), &made);
	assert_true(recovery_decode(buf_view(&made), &out, &err));
	assert_true(unwrap_as(&out, &kra2.cert, kra2.key, &key, &err));
	assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
	EVP_PKEY_free(key);
	recovery_free(&out);
	buf_free(&made);
}

static void
other_content_is_refused(void **state)
{
	struct recovery_blob out;
	struct buf made;
	struct err err = {0};

	(void)state;
	make_typed("1.3.6.1.5.5.7.12.3", buf_view(&archived), &made);
	assert_refused(buf_view(&made), CRYPT_E_INVALID_MSG_TYPE);
	buf_free(&made);
	make_typed("1.2.840.113549.1.7.1", buf_view(&user.der), &made);
	assert_false(recovery_decode(buf_view(&made), &out, &err));
	buf_free(&made);
	assert_refused(buf_view(&archived), CRYPT_E_INVALID_MSG_TYPE);
}

static void
truncated_blob_is_refused_at_every_length(void **state)
{
	struct recovery_blob out;
	struct err err;

	(void)state;
	for (size_t len = 0; len < blob.len; len++)
		assert_false(recovery_decode(view_of(blob.ptr, len), &out, &err));
	assert_true(buf_append(&blob, view_of("", 1), &err));
	assert_false(recovery_decode(buf_view(&blob), &out, &err));
}

static void
blob_without_ca_certificate_is_not_made(void **state)
{
	struct recovery_make in = usual();
	struct buf attrs;
	struct err err = {0};

	(void)state;
	in.chain_count = 0;
	assert_false(recovery_attrs(&in, &attrs, &err));
	assert_int_equal(err.code, E_INVALIDARG);
	in = usual();
	in.certificate = view_of("x", 1);
	assert_false(recovery_attrs(&in, &attrs, &err));
}

int
main(void)
{
#define WITH_BLOB(test) cmocka_unit_test_setup(test, make_usual)
	const struct CMUnitTest tests[] = {
	    WITH_BLOB(blob_holds_certificate_chain_and_kras_once_each),
	    cmocka_unit_test(certificate_named_twice_is_included_once),
	    WITH_BLOB(each_kra_opens_the_blob),
	    WITH_BLOB(an_agent_seals_the_key_to_another),
	    WITH_BLOB(authenticated_key_opens_and_a_changed_one_does_not),
	    WITH_BLOB(stranger_is_told_who_can_open_the_blob),
	    WITH_BLOB(kra_who_renewed_with_the_same_key_opens_old_blobs),
	    WITH_BLOB(kra_whose_certificate_the_ca_has_lost_opens_the_blob),

	    cmocka_unit_test(key_of_another_certificate_is_not_recovered),
	    WITH_BLOB(changed_key_has_one_answer),
	    WITH_BLOB(authenticated_key_turned_into_another_has_one_answer),
	    cmocka_unit_test(pkcs8_is_opened_and_anothers_is_not),
	    cmocka_unit_test(pkcs12_is_opened_with_its_password),
	    cmocka_unit_test(what_is_no_key_is_refused),
	    cmocka_unit_test(the_right_one_of_many_keys_is_found),
	    cmocka_unit_test(blob_signed_by_another_key_is_refused),
	    WITH_BLOB(tampered_content_is_refused),
	    WITH_BLOB(tampered_certificate_hash_is_refused),
	    WITH_BLOB(tampered_certificate_is_refused),
	    WITH_BLOB(tampered_signer_is_refused),
	    cmocka_unit_test(blob_without_certificate_hash_is_refused),
	    cmocka_unit_test(content_type_enveloped_data_is_accepted),
	    cmocka_unit_test(other_content_is_refused),
	    WITH_BLOB(truncated_blob_is_refused_at_every_length),
	    cmocka_unit_test(blob_without_ca_certificate_is_not_made),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
