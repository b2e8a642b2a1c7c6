/*
 * A small public key infrastructure for the tests of archival: keys, a CA, certificates for KRAs,
 * users and the CA exchange key, and the client's side of an archived key. Header only; everything
 * fails the test that calls it.
 */
#ifndef SUPPORT_ARCHIVE_PKI_H
#define SUPPORT_ARCHIVE_PKI_H

#include <string.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "archive.h"
#include "extension.h"

#define KRA_EKU "1.3.6.1.4.1.311.21.6"

struct test_cert {
	EVP_PKEY *key;
	struct buf der;
	struct pkix_cert cert;
};

static inline EVP_PKEY *
test_key(const char *kind)
{
	EVP_PKEY *key =
	    strncmp(kind, "rsa", 3) == 0 ? EVP_RSA_gen((unsigned)atoi(kind + 3)) : EVP_EC_gen(kind);

	assert_non_null(key);
	return key;
}

static inline void
test_sign(EVP_PKEY *key, struct view what, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct err err;
	size_t len = (size_t)EVP_PKEY_get_size(key);

	assert_true(buf_alloc(len, out, &err));
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, out->ptr, &len, what.ptr, what.len), 1);
	out->len = len;
	EVP_MD_CTX_free(ctx);
}

struct test_issue {
	const char *dn;
	EVP_PKEY *key;                  /* subject's; taken over */
	const struct test_cert *issuer; /* NULL: self-signed */
	bool is_ca;                     /* as the self-signed one is */
	const char *usage;              /* "critical,keyEncipherment"; NULL: none */
	const char *eku;                /* NULL: none */
	const char *san;                /* NULL: none */
	const char *cdp;                /* NULL: none */
	const char *sid;                /* NULL: none */
	const char *template;           /* NULL: none */
	int64_t ca_version;             /* 0: no extension */
	uint8_t serial;
	struct view long_serial; /* counts instead of `serial`; empty: it does not */
	int64_t not_before, not_after;
};

static inline void
test_extension(STACK_OF(X509_EXTENSION) * list, int nid, const char *value)
{
	X509_EXTENSION *e = value != NULL ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (value == NULL)
		return;
	assert_non_null(e);
	assert_true(sk_X509_EXTENSION_push(list, e) > 0);
}

/* The TBSCertificate that test_issue describes, for an issuer's name and key. */
static inline void
test_tbs(const struct test_issue *in, struct view issuer, EVP_PKEY *signer, struct buf *tbs_out,
    struct buf *sig_alg_out)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf subject, spki;
	struct pkix_tbs tbs;
	struct err err;

	test_extension(list, NID_basic_constraints,
	    in->issuer == NULL || in->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	test_extension(list, NID_key_usage, in->usage);
	test_extension(list, NID_ext_key_usage, in->eku);
	test_extension(list, NID_subject_alt_name, in->san);
	test_extension(list, NID_crl_distribution_points, in->cdp);
	assert_true(in->sid == NULL || ext_push_sid(list, in->sid, &err));
	assert_true(in->template == NULL || ext_push_template_name(list, in->template, &err));
	assert_true(in->ca_version == 0 || ext_push_ca_version(list, in->ca_version, &err));
	assert_true(pkix_name_from_dn(in->dn, NULL, &subject, &err));
	assert_true(pkix_key_spki(in->key, &spki, &err));
	assert_true(pkix_sig_alg(signer, sig_alg_out, &err));
	tbs = (struct pkix_tbs){
	    .serial = in->long_serial.len > 0 ? in->long_serial : view_of(&in->serial, 1),
	    .sig_alg = buf_view(sig_alg_out),
	    .issuer = issuer.len > 0 ? issuer : buf_view(&subject),
	    .not_before = in->not_before,
	    .not_after = in->not_after,
	    .subject = buf_view(&subject),
	    .spki = buf_view(&spki),
	    .extensions = list};
	assert_true(pkix_tbs_encode(&tbs, tbs_out, &err));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&subject);
	buf_free(&spki);
}

static inline struct test_cert
test_issue(const struct test_issue *in)
{
	struct test_cert out = {.key = in->key};
	EVP_PKEY *signer = in->issuer != NULL ? in->issuer->key : in->key;
	struct view issuer = in->issuer != NULL ? in->issuer->cert.subject : view_of(NULL, 0);
	struct buf tbs, sig_alg, signature;
	struct err err;

	test_tbs(in, issuer, signer, &tbs, &sig_alg);
	test_sign(signer, buf_view(&tbs), &signature);
	assert_true(pkix_signed_wrap(
	    buf_view(&tbs), buf_view(&sig_alg), buf_view(&signature), &out.der, &err));
	assert_true(pkix_cert_decode(buf_view(&out.der), &out.cert, &err));
	buf_free(&tbs);
	buf_free(&sig_alg);
	buf_free(&signature);
	return out;
}

static inline void
test_cert_free(struct test_cert *c)
{
	pkix_cert_free(&c->cert);
	buf_free(&c->der);
	EVP_PKEY_free(c->key);
	*c = (struct test_cert){0};
}

#define TEST_NOW INT64_C(1790000000)
#define TEST_DAY INT64_C(86400)

static inline struct test_cert
test_ca(const char *dn, const char *kind)
{
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = test_key(kind),
	    .usage = "critical,keyCertSign,cRLSign",
	    .serial = 1,
	    .not_before = TEST_NOW - 1000 * TEST_DAY,
	    .not_after = TEST_NOW + 5000 * TEST_DAY});
}

/* `key` is taken over. */
static inline struct test_cert
test_kra_with_key(const struct test_cert *ca, const char *dn, EVP_PKEY *key, uint8_t serial)
{
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = key,
	    .issuer = ca,
	    .usage =
		EVP_PKEY_is_a(key, "RSA") ? "critical,keyEncipherment" : "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .serial = serial,
	    .not_before = TEST_NOW - 900 * TEST_DAY,
	    .not_after = TEST_NOW + 4000 * TEST_DAY});
}

static inline struct test_cert
test_kra(const struct test_cert *ca, const char *dn, const char *kind, uint8_t serial)
{
	return test_kra_with_key(ca, dn, test_key(kind), serial);
}

/* One that is larger than those of agents may be. */
static inline struct test_cert
test_large_kra(const struct test_cert *ca, uint8_t serial)
{
	char san[KRA_CERT_MAX + 8] = "URI:x:";

	memset(san + strlen(san), 'x', KRA_CERT_MAX);
	return test_issue(&(struct test_issue){.dn = "CN=large",
	    .key = test_key("P-256"),
	    .issuer = ca,
	    .usage = "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .san = san,
	    .serial = serial,
	    .not_before = TEST_NOW - 900 * TEST_DAY,
	    .not_after = TEST_NOW + 4000 * TEST_DAY});
}

/* A certificate with the same key. */
static inline struct test_cert
test_kra_renewed(
    const struct test_cert *ca, const struct test_cert *old, const char *dn, uint8_t serial)
{
	assert_int_equal(EVP_PKEY_up_ref(old->key), 1);
	return test_kra_with_key(ca, dn, old->key, serial);
}

static inline struct test_cert
test_end_entity(const struct test_cert *ca, const char *dn, EVP_PKEY *key, uint8_t serial)
{
	return test_issue(&(struct test_issue){.dn = dn,
	    .key = key,
	    .issuer = ca,
	    .usage =
		EVP_PKEY_is_a(key, "RSA") ? "critical,keyEncipherment" : "critical,keyAgreement",
	    .serial = serial,
	    .not_before = TEST_NOW - 900 * TEST_DAY,
	    .not_after = TEST_NOW + 4000 * TEST_DAY});
}

static inline struct cms_kra
test_recipient(const struct test_cert *c)
{
	return (struct cms_kra){.issuer = c->cert.issuer, .serial = c->cert.serial, .key = c->key};
}

/* What the client sends: the blob encrypted to the exchange certificate. */
static inline void
test_payload(
    struct view blob, const struct test_cert *xchg, enum cms_cipher cipher, struct buf *out)
{
	struct cms_kra to = test_recipient(xchg);
	struct err err;

	assert_true(cms_enveloped_seal(blob, &to, 1, cipher, out, &err));
}

static inline void
test_key_payload(EVP_PKEY *key, const struct test_cert *xchg, struct buf *out)
{
	struct secret blob;
	struct err err;

	assert_true(keyblob_encode(key, &blob, &err));
	test_payload(secret_view(&blob), xchg, CMS_AES_256_CBC, out);
	secret_free(&blob);
}

#endif
