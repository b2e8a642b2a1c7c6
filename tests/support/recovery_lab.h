/*
 * Recovery BLOBs as a CA makes them, with a key in place of the vault: for the tests of reading and
 * of believing them. Header only; each test program has its own.
 */
#ifndef SUPPORT_RECOVERY_LAB_H
#define SUPPORT_RECOVERY_LAB_H

#include "archive_pki.h"
#include "oids.h"
#include "recovery.h"

static struct test_cert root, ca, user, kra1, kra2, ec_kra, stranger;
static struct buf archived, blob;

static inline void
seal_key(EVP_PKEY *key, enum cms_cipher cipher, struct buf *out)
{
	struct cms_kra to[] = {
	    test_recipient(&kra1), test_recipient(&kra2), test_recipient(&ec_kra)};
	struct secret plain;
	struct err err;

	assert_true(keyblob_encode(key, &plain, &err));
	assert_true(cms_enveloped_seal(secret_view(&plain), to, 3, cipher, out, &err));
	secret_free(&plain);
}

/* As the CA makes it, `key` in place of the vault. */
static inline void
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

static inline int
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
	    .is_ca = true,
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 7,
	    .not_before = TEST_NOW - 1000 * TEST_DAY,
	    .not_after = TEST_NOW + 5000 * TEST_DAY});
	user =
	    test_end_entity(&ca, "CN=user1,CN=Users,DC=nwtraders,DC=com", test_key("rsa2048"), 42);
	kra1 = test_kra(&ca, "CN=kra1,DC=nwtraders,DC=com", "rsa2048", 10);
	kra2 = test_kra(&ca, "CN=kra2,DC=nwtraders,DC=com", "rsa2048", 11);
	ec_kra = test_kra(&ca, "CN=kra3,DC=nwtraders,DC=com", "P-256", 12);
	stranger = test_kra(&ca, "CN=stranger,DC=nwtraders,DC=com", "rsa2048", 13);
	seal_key(user.key, CMS_AES_256_CBC, &archived);
	return 0;
}

static inline int
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
static char officer[] = "NWTRADERS\\officer1", officer_sid[] = "S-1-5-21-1-2-3-1106";

static inline struct recovery_make
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
	    .digest = EVP_sha256(),
	    .retrieval = {.request_id = 42,
		.audit_row = 1234,
		.when = TEST_NOW,
		.officer = officer,
		.officer_sid = officer_sid}};
}

static inline int
make_usual(void **state)
{
	struct recovery_make in = usual();

	(void)state;
	buf_free(&blob);
	make_blob(&in, ca.key, &blob);
	return 0;
}

/* A blob with another content type and content, otherwise as the CA makes it. */
static inline void
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

#endif
