#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "archive_pki.h"
#include "oids.h"
#include "recovery.h"

static struct test_cert root, ca, user, kra1, kra2, ec_kra, stranger;
static struct buf archived, blob;

static void
seal_key(EVP_PKEY *key, struct buf *out)
{
	struct cms_kra to[] = {
	    test_recipient(&kra1), test_recipient(&kra2), test_recipient(&ec_kra)};
	struct secret plain;
	struct err err;

	assert_true(keyblob_encode(key, &plain, &err));
	assert_true(
	    cms_enveloped_seal(secret_view(&plain), to, 3, CMS_AES_256_CBC, false, out, &err));
	secret_free(&plain);
}

/* As the CA makes it, `key` in place of the vault. */
static void
make_blob(const struct recovery_make *in, EVP_PKEY *key, struct buf *out)
{
	struct buf attrs, sig_alg, signature;
	struct err err;

	assert_true(recovery_attrs(in, &attrs, &err));
	assert_int_equal(attrs.ptr[0], 0x31);
	assert_true(pkix_sig_alg(key, &sig_alg, &err));
	test_sign(key, buf_view(&attrs), &signature);
	assert_true(recovery_finish(
	    in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), out, &err));
	buf_free(&attrs);
	buf_free(&sig_alg);
	buf_free(&signature);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	assert_true(secret_heap_init(1 << 18, true, &err));
	assert_true(oids_init(&err));
	root = test_ca("CN=Root CA", "P-256");
	ca = test_issue(&(struct test_issue){.dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .key = test_key("rsa2048"),
	    .issuer = &root,
	    .usage = "critical,keyCertSign",
	    .serial = 7,
	    .not_before = TEST_NOW - 1000 * TEST_DAY,
	    .not_after = TEST_NOW + 5000 * TEST_DAY});
	user =
	    test_end_entity(&ca, "CN=user1,CN=Users,DC=nwtraders,DC=com", test_key("rsa2048"), 42);
	kra1 = test_kra(&ca, "CN=kra1,DC=nwtraders,DC=com", "rsa2048", 10);
	kra2 = test_kra(&ca, "CN=kra2,DC=nwtraders,DC=com", "rsa2048", 11);
	ec_kra = test_kra(&ca, "CN=kra3,DC=nwtraders,DC=com", "P-256", 12);
	stranger = test_kra(&ca, "CN=stranger,DC=nwtraders,DC=com", "rsa2048", 13);
	seal_key(user.key, &archived);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&archived);
	buf_free(&blob);
	test_cert_free(&root);
	test_cert_free(&ca);
	test_cert_free(&user);
	test_cert_free(&kra1);
	test_cert_free(&kra2);
	test_cert_free(&ec_kra);
	test_cert_free(&stranger);
	return 0;
}

static struct view chain[2], kras[3];

static struct recovery_make
usual(void)
{
	chain[0] = buf_view(&ca.der);
	chain[1] = buf_view(&root.der);
	kras[0] = buf_view(&kra1.der);
	kras[1] = buf_view(&kra2.der);
	kras[2] = buf_view(&ec_kra.der);
	return (struct recovery_make){.archived = buf_view(&archived),
	    .certificate = buf_view(&user.der),
	    .chain = chain,
	    .chain_count = 2,
	    .kras = kras,
	    .kra_count = 3,
	    .digest = EVP_sha256()};
}

static int
make_usual(void **state)
{
	struct recovery_make in = usual();

	(void)state;
	buf_free(&blob);
	make_blob(&in, ca.key, &blob);
	return 0;
}

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
		assert_true(recover_unwrap(&out, &who[i]->cert, who[i]->key, &key, &err));
		assert_int_equal(EVP_PKEY_eq(key, user.key), 1);
		EVP_PKEY_free(key);
	}
	recovery_free(&out);
}

static void
stranger_is_told_who_can_open_the_blob(void **state)
{
	struct recovery_blob out;
	EVP_PKEY *key;
	struct err err = {0};

	(void)state;
	assert_true(recovery_decode(buf_view(&blob), &out, &err));
	assert_false(recover_unwrap(&out, &stranger.cert, stranger.key, &key, &err));
	assert_null(key);
	assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
	assert_non_null(strstr(err.msg, "kra1"));
	assert_non_null(strstr(err.msg, "kra2"));
	assert_non_null(strstr(err.msg, "serial 0b"));
	/* A KRA's certificate with another's key. */
	assert_false(recover_unwrap(&out, &kra1.cert, stranger.key, &key, &err));
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	recovery_free(&out);
}

/* The CA signed a blob whose key is not that of the certificate: the KRA's side does not hand it
 * out. */
static void
key_of_another_certificate_is_not_recovered(void **state)
{
	struct recovery_make in = usual();
	struct buf other, made;
	struct recovery_blob out;
	EVP_PKEY *key = test_key("rsa2048");
	struct err err = {0};

	(void)state;
	seal_key(key, &other);
	EVP_PKEY_free(key);
	in.archived = buf_view(&other);
	make_blob(&in, ca.key, &made);
	assert_true(recovery_decode(buf_view(&made), &out, &err));
	assert_false(recover_unwrap(&out, &kra1.cert, kra1.key, &key, &err));
	assert_null(key);
	assert_int_equal(err.code, DIRCA_E_KEY_MISMATCH);
	recovery_free(&out);
	buf_free(&made);
	buf_free(&other);
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

/* A blob with another content type and content, otherwise as the CA makes it. */
static void
make_typed(const char *content_oid, struct view content, struct buf *out)
{
	struct view certificates[] = {buf_view(&user.der), buf_view(&ca.der)};
	uint8_t hash[22] = {0x04, 20};
	struct cms_attr attr = {.nid = oid_nid(OID_ARCHIVED_KEY_CERT_HASH),
	    .values = view_of(hash, sizeof hash),
	    .value_count = 1};
	struct cms_sign in = {.content_oid = content_oid,
	    .content = content,
	    .digest = EVP_sha256(),
	    .issuer = ca.cert.issuer,
	    .serial = ca.cert.serial,
	    .certificates = certificates,
	    .certificate_count = 2,
	    .extra_attrs = &attr,
	    .extra_count = 1};
	struct buf attrs, sig_alg, signature;
	struct err err;

	memcpy(hash + 2, user.cert.sha1, 20);
	strcpy(attr.oid, oid_dotted(OID_ARCHIVED_KEY_CERT_HASH));
	assert_true(cms_sign_attrs(&in, &attrs, &err));
	assert_true(pkix_sig_alg(ca.key, &sig_alg, &err));
	test_sign(ca.key, buf_view(&attrs), &signature);
	assert_true(cms_sign_finish(
	    &in, buf_view(&attrs), buf_view(&sig_alg), buf_view(&signature), out, &err));
	buf_free(&attrs);
	buf_free(&sig_alg);
	buf_free(&signature);
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
	assert_true(recover_unwrap(&out, &kra2.cert, kra2.key, &key, &err));
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
	    WITH_BLOB(stranger_is_told_who_can_open_the_blob),
	    cmocka_unit_test(key_of_another_certificate_is_not_recovered),
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
