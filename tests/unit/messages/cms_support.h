/* What the tests of CMS and CMC messages share: keys with certificates, files, the openssl command.
 */
#ifndef TESTS_CMS_SUPPORT_H
#define TESTS_CMS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cmc.h"
#include "file.h"
#include "oids.h"

#define SECRET_HEAP 262144

struct identity {
	EVP_PKEY *key;
	struct buf der; /* certificate */
	struct pkix_cert cert;
};

static inline void
must(bool ok, const struct err *err)
{
	if (!ok)
		fail_msg("%s: %s", err_name(err->code), err->msg);
}

static inline void
must_fail(bool ok, const struct err *err, enum err_code code)
{
	if (ok)
		fail_msg("succeeded, expected %s", err_name(code));
	if (err->code != code)
		fail_msg("%s (%s), expected %s", err_name(err->code), err->msg, err_name(code));
	assert_true(err->msg[0] != '\0');
}

static inline EVP_PKEY *
new_key(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0
			    ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
			    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);

	assert_non_null(key);
	return key;
}

static inline void
identity_new(const char *kind, long serial, struct identity *out)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	struct err err;
	X509_NAME *name;
	int len;

	out->key = new_key(kind);
	assert_int_equal(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"Tester", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, out->key);
	assert_true(X509_sign(x, out->key, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	must(buf_take_openssl(der, len, &out->der, &err), &err);
	must(pkix_cert_decode(buf_view(&out->der), &out->cert, &err), &err);
	X509_free(x);
}

static inline void
identity_free(struct identity *i)
{
	EVP_PKEY_free(i->key);
	buf_free(&i->der);
	pkix_cert_free(&i->cert);
}

static inline struct cms_kra
as_recipient(const struct identity *i)
{
	return (struct cms_kra){.issuer = i->cert.issuer, .serial = i->cert.serial, .key = i->key};
}

static inline void
fixture(const char *name, struct buf *out)
{
	struct err err;
	char path[512];

	snprintf(path, sizeof path, "%s/cmc/%s", FIXTURES, name);
	must(file_read(path, 1 << 20, out, &err), &err);
}

/* Signs what cms_sign asks for with a key in this process, as the vault would. */
static inline void
sign_message(struct cms_sign *in, EVP_PKEY *key, struct buf *out)
{
	struct buf attrs = {0}, alg = {0};
	uint8_t signature[1024];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct err err;

	must(cms_sign_attrs(in, &attrs, &err), &err);
	must(pkix_sig_alg(key, &alg, &err), &err);
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, EVP_MD_get0_name(in->digest), NULL, NULL, key, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, attrs.ptr, attrs.len), 1);
	must(cms_sign_finish(
		 in, buf_view(&attrs), buf_view(&alg), view_of(signature, len), out, &err),
	    &err);
	EVP_MD_CTX_free(ctx);
	buf_free(&attrs);
	buf_free(&alg);
}

/* One temporary folder a test program. */
static char test_dir[64] = "/tmp/dirca-messages-XXXXXX";

static inline void
write_file(const char *name, struct view content)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", test_dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(content.ptr, 1, content.len, f), content.len);
	fclose(f);
}

static inline void
read_file(const char *name, struct buf *out)
{
	char path[128];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", test_dir, name);
	must(file_read(path, 1 << 20, out, &err), &err);
}

static inline void
write_identity(const struct identity *i)
{
	char path[128];
	const unsigned char *p = i->der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)i->der.len);
	FILE *f;

	snprintf(path, sizeof path, "%s/cert.pem", test_dir);
	f = fopen(path, "w");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	snprintf(path, sizeof path, "%s/key.pem", test_dir);
	f = fopen(path, "w");
	assert_int_equal(PEM_write_PrivateKey(f, i->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(x);
}

/* Runs "openssl ..." inside the temporary folder; true if it succeeds. */
static inline bool
openssl(const char *arguments)
{
	char command[512];

	snprintf(command, sizeof command, "cd %s && openssl %s 2>openssl.err", test_dir, arguments);
	return system(command) == 0;
}

static inline int
messages_setup(void **state)
{
	struct err err;

	(void)state;
	if (mkdtemp(test_dir) == NULL || !oids_init(&err) ||
	    !secret_heap_init(SECRET_HEAP, true, &err))
		return -1;
	return 0;
}

static inline int
messages_teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", test_dir);
	return system(command);
}

#endif
