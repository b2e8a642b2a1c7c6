/* Public keys, signatures, PKCS#10 requests. */
#include "messages_support.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "der_variants.h"
#include "pkix_priv.h"
#include "text.h"

/* SubjectPublicKeyInfo as OpenSSL writes it. */
static struct buf
openssl_spki(EVP_PKEY *key)
{
	struct buf b = {0};
	struct err err;
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	must(buf_take_openssl(der, len, &b, &err));
	return b;
}

static void
check_public_key(EVP_PKEY *key, const char *want_algorithm, int want_bits)
{
	struct buf theirs = openssl_spki(key), ours = {0};
	const char *algorithm = NULL;
	EVP_PKEY *read = NULL;
	struct err err;
	int bits = 0;

	must(pkix_key_spki(key, &ours, &err));
	assert_true(view_eq(buf_view(&ours), buf_view(&theirs)));
	must(pkix_key_info(buf_view(&theirs), &algorithm, &bits, &err));
	assert_string_equal(algorithm, want_algorithm);
	assert_int_equal(bits, want_bits);
	must(pkix_public_key(buf_view(&theirs), &read, &err));
	assert_int_equal(EVP_PKEY_eq(read, key), 1);
	EVP_PKEY_free(read);
	/* cut at every length, and one byte more */
	for (size_t len = 0; len < theirs.len; len++) {
		must_fail(
		    pkix_public_key(view_of(theirs.ptr, len), &read, &err), ERROR_INVALID_DATA);
		assert_null(read);
	}
	must(buf_append(&theirs, view_of("", 1), &err));
	must_fail(pkix_public_key(buf_view(&theirs), &read, &err), ERROR_INVALID_DATA);
	buf_free(&theirs);
	buf_free(&ours);
	EVP_PKEY_free(key);
}

/* An RSA-2048 key whose parameters are absent, or whose RSAPublicKey has a length of one byte more
 * than it needs. */
static struct buf
written_otherwise(const struct buf *spki, bool without_null)
{
	static const size_t parameters = 17, key = 24; /* 05 00; 30 82 .. .. of the RSAPublicKey */
	struct buf out = {0};
	struct err err;

	if (without_null) {
		must(buf_append(&out, view_of(spki->ptr, parameters), &err));
		must(buf_append(
		    &out, view_of(spki->ptr + parameters + 2, spki->len - parameters - 2), &err));
		out.ptr[5] -= 2;
		out.ptr[3] -= 2;
		return out;
	}
	assert_memory_equal(spki->ptr + key, "\x30\x82", 2);
	must(buf_append(&out, view_of(spki->ptr, key), &err));
	must(buf_append(&out, view_of("\x30\x83", 3), &err));
	must(buf_append(&out, view_of(spki->ptr + key + 2, spki->len - key - 2), &err));
	out.ptr[3] += 1;
	out.ptr[22] += 1;
	return out;
}

static void
one_key_has_one_hash(void **state)
{
	EVP_PKEY *key = support_rsa(2048), *ec = support_ec("P-256");
	struct buf spki = openssl_spki(key), other;
	uint8_t hash[PKIX_KEY_HASH_LEN], again[PKIX_KEY_HASH_LEN], want[PKIX_KEY_HASH_LEN];
	struct err err;

	(void)state;
	must(pkix_key_hash(buf_view(&spki), hash, &err));
	assert_int_equal(EVP_Digest(spki.ptr, spki.len, want, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(hash, want, sizeof hash);
	other = written_otherwise(&spki, true);
	must(pkix_key_hash(buf_view(&other), again, &err));
	assert_memory_equal(hash, again, sizeof hash);
	buf_free(&other);
	other = written_otherwise(&spki, false);
	if (pkix_key_hash(buf_view(&other), again, &err))
		assert_memory_equal(hash, again, sizeof hash);
	buf_free(&other);
	buf_free(&spki);

	spki = openssl_spki(ec);
	must(pkix_key_hash(buf_view(&spki), again, &err));
	assert_memory_not_equal(hash, again, sizeof hash);
	buf_free(&spki);
	/* Other encodings of an EC key are not read at all. */
	assert_int_equal(EVP_PKEY_set_utf8_string_param(
			     ec, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
	    1);
	spki = openssl_spki(ec);
	must_fail(pkix_key_hash(buf_view(&spki), again, &err), ERROR_INVALID_DATA);
	buf_free(&spki);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(
			     ec, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed"),
	    1);
	assert_int_equal(
	    EVP_PKEY_set_utf8_string_param(ec, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	spki = openssl_spki(ec);
	must_fail(pkix_key_hash(buf_view(&spki), again, &err), NTE_BAD_ALGID);
	buf_free(&spki);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(key);
}

/* Of the key that the next is held against, and how often it was it. */
static struct {
	EVP_PKEY *key;
	uint8_t hash[PKIX_KEY_HASH_LEN];
	size_t same;
} original;

static void
has_the_hash_of_its_key(struct view spki)
{
	OWNED(own_pkix_spki) PKIX_SPKI *wire = NULL;
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	uint8_t hash[PKIX_KEY_HASH_LEN];
	const uint8_t *p = spki.ptr;
	struct err err;

	if (!pkix_public_key(spki, &key, &err)) {
		assert_false(pkix_key_hash(spki, hash, &err));
		return;
	}
	wire = d2i_PKIX_SPKI(NULL, &p, (long)spki.len);
	assert_true(wire != NULL && p == spki.ptr + spki.len && pkix_der_is_strict(spki));
	assert_int_equal(wire->key->flags & 7, 0);
	must(pkix_key_hash(spki, hash, &err));
	assert_int_equal(
	    memcmp(hash, original.hash, sizeof hash) == 0, pkix_same_key(key, original.key));
	original.same += pkix_same_key(key, original.key);
}

/* RSAPublicKey in the key's SubjectPublicKeyInfo. */
static void
has_the_hash_inside(struct view rsa)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t info = der_open(&o, DER_SEQUENCE);

	der_put(&o, view_of("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 13));
	der_put_bits(&o, rsa);
	der_close(&o, info);
	has_the_hash_of_its_key(buf_view(&o.buf));
}

static void
key_in_other_encodings_has_the_same_hash_or_is_refused(void **state)
{
	EVP_PKEY *keys[] = {support_rsa(1024), support_ec("P-256")};
	struct view cursor, info, whole, bits;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf spki = openssl_spki(keys[i]);

		original.key = keys[i];
		original.same = 0;
		must(pkix_key_hash(buf_view(&spki), original.hash, &err));
		der_variants(buf_view(&spki), has_the_hash_of_its_key);
		assert_int_equal(
		    original.same, i == 0 ? 2 : 0); /* NULL emptied, which it is, or gone */
		cursor = buf_view(&spki);
		if (i == 0) {
			assert_true(der_take(&cursor, DER_SEQUENCE, &info));
			assert_true(der_take_any(&info, &whole));
			assert_true(der_take(&info, DER_BIT_STRING, &bits));
			original.same = 0;
			has_the_hash_inside(view_of(bits.ptr + 1, bits.len - 1));
			assert_int_equal(original.same, 1);
			der_variants(view_of(bits.ptr + 1, bits.len - 1), has_the_hash_inside);
			/* three long lengths, and one that is indefinite */
			assert_int_equal(original.same, 1 + 4);
			spki.ptr[bits.ptr - spki.ptr] = 1; /* unused bit */
			has_the_hash_of_its_key(buf_view(&spki));
			assert_int_equal(original.same, 1 + 4);
		}
		buf_free(&spki);
		EVP_PKEY_free(keys[i]);
	}
}

static void
public_key_is_read_from_its_numbers(void **state)
{
	(void)state;
	check_public_key(support_rsa(1024), "RSA", 1024);
	check_public_key(support_rsa(2048), "RSA", 2048);
	check_public_key(support_ec("P-256"), "EC", 256);
	check_public_key(support_ec("P-384"), "EC", 384);
	check_public_key(support_ec("P-521"), "EC", 521);
}

static void
other_kinds_of_keys_are_refused(void **state)
{
	EVP_PKEY *keys[] = {
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), support_ec("secp256k1"), support_rsa(768)};
	const char *algorithm = NULL;
	EVP_PKEY *read = NULL;
	struct err err;
	int bits = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf spki = openssl_spki(keys[i]);

		must_fail(pkix_public_key(buf_view(&spki), &read, &err), NTE_BAD_ALGID);
		must_fail(pkix_key_info(buf_view(&spki), &algorithm, &bits, &err), NTE_BAD_ALGID);
		buf_free(&spki);
		EVP_PKEY_free(keys[i]);
	}
}

static void
point_off_the_curve_is_refused(void **state)
{
	EVP_PKEY *key = support_ec("P-256"), *read = NULL;
	struct buf spki = openssl_spki(key);
	struct err err;

	(void)state;
	spki.ptr[spki.len - 1] ^= 1;
	must_fail(pkix_public_key(buf_view(&spki), &read, &err), ERROR_INVALID_DATA);
	spki.ptr[spki.len - 1] ^= 1;
	spki.ptr[spki.len - 65] = 6; /* hybrid form */
	must_fail(pkix_public_key(buf_view(&spki), &read, &err), ERROR_INVALID_DATA);
	buf_free(&spki);
	EVP_PKEY_free(key);
}

static void
even_modulus_or_exponent_is_refused(void **state)
{
	EVP_PKEY *key = support_rsa(1024), *read = NULL;
	struct buf spki = openssl_spki(key);
	struct err err;

	(void)state;
	/* ... INTEGER n, INTEGER 010001 */
	spki.ptr[spki.len - 1] ^= 1;
	must_fail(pkix_public_key(buf_view(&spki), &read, &err), ERROR_INVALID_DATA);
	spki.ptr[spki.len - 1] ^= 1;
	spki.ptr[spki.len - 6] ^= 1;
	must_fail(pkix_public_key(buf_view(&spki), &read, &err), ERROR_INVALID_DATA);
	buf_free(&spki);
	EVP_PKEY_free(key);
}

static X509_ALGOR *
plain_algor(int nid, int param)
{
	X509_ALGOR *alg = X509_ALGOR_new();

	assert_int_equal(X509_ALGOR_set0(alg, OBJ_nid2obj(nid), param, NULL), 1);
	return alg;
}

static void
check_verify(EVP_PKEY *key, int sig_nid, int param, const EVP_MD *md)
{
	struct view content = view_str("the bytes that were signed");
	struct buf signature = support_sign(key, md, content);
	X509_ALGOR *alg = plain_algor(sig_nid, param);
	bool sha1 = EVP_MD_get_type(md) == NID_sha1;
	struct err err;

	must(pkix_verify(key, alg, content, buf_view(&signature), sha1, &err));
	if (sha1)
		must_fail(pkix_verify(key, alg, content, buf_view(&signature), false, &err),
		    NTE_BAD_ALGID);
	must_fail(pkix_verify(key, alg, view_str("other bytes"), buf_view(&signature), true, &err),
	    NTE_BAD_SIGNATURE);
	must_fail(
	    pkix_verify(key, alg, content, view_of(signature.ptr, signature.len - 1), true, &err),
	    NTE_BAD_SIGNATURE);
	must_fail(pkix_verify(key, alg, content, view_of(signature.ptr, 0), true, &err),
	    NTE_BAD_SIGNATURE);
	signature.ptr[signature.len - 1] ^= 1;
	must_fail(
	    pkix_verify(key, alg, content, buf_view(&signature), true, &err), NTE_BAD_SIGNATURE);
	buf_free(&signature);
	X509_ALGOR_free(alg);
}

static void
signatures_of_each_algorithm_verify_and_tampered_ones_do_not(void **state)
{
	EVP_PKEY *rsa = support_rsa(2048), *ec = support_ec("P-384");

	(void)state;
	check_verify(rsa, NID_sha1WithRSAEncryption, V_ASN1_NULL, EVP_sha1());
	check_verify(rsa, NID_sha256WithRSAEncryption, V_ASN1_NULL, EVP_sha256());
	check_verify(rsa, NID_sha384WithRSAEncryption, V_ASN1_UNDEF, EVP_sha384());
	check_verify(rsa, NID_sha512WithRSAEncryption, V_ASN1_NULL, EVP_sha512());
	check_verify(ec, NID_ecdsa_with_SHA1, V_ASN1_UNDEF, EVP_sha1());
	check_verify(ec, NID_ecdsa_with_SHA256, V_ASN1_UNDEF, EVP_sha256());
	check_verify(ec, NID_ecdsa_with_SHA384, V_ASN1_UNDEF, EVP_sha384());
	check_verify(ec, NID_ecdsa_with_SHA512, V_ASN1_UNDEF, EVP_sha512());
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

static void
unknown_algorithm_or_wrong_key_kind_is_refused(void **state)
{
	EVP_PKEY *rsa = support_rsa(1024), *ec = support_ec("P-256");
	struct view content = view_str("content");
	struct buf signature = support_sign(rsa, EVP_sha256(), content);
	const struct {
		EVP_PKEY *key;
		int nid, param;
		enum err_code want;
	} rows[] = {
	    {rsa, NID_md5WithRSAEncryption, V_ASN1_NULL, NTE_BAD_ALGID},
	    {rsa, NID_sha256, V_ASN1_NULL, NTE_BAD_ALGID},
	    {rsa, NID_rsaEncryption, V_ASN1_NULL, NTE_BAD_ALGID},
	    {rsa, NID_rsassaPss, V_ASN1_NULL, NTE_BAD_ALGID},
	    {rsa, NID_rsassaPss, V_ASN1_UNDEF, NTE_BAD_ALGID},
	    {rsa, NID_ED25519, V_ASN1_UNDEF, NTE_BAD_ALGID},
	    {rsa, NID_ecdsa_with_SHA256, V_ASN1_NULL, NTE_BAD_ALGID},
	    {rsa, NID_ecdsa_with_SHA256, V_ASN1_UNDEF, NTE_BAD_SIGNATURE},
	    {ec, NID_sha256WithRSAEncryption, V_ASN1_NULL, NTE_BAD_SIGNATURE},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		X509_ALGOR *alg = plain_algor(rows[i].nid, rows[i].param);

		must_fail(pkix_verify(rows[i].key, alg, content, buf_view(&signature), true, &err),
		    rows[i].want);
		X509_ALGOR_free(alg);
	}
	buf_free(&signature);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

/* RSASSA-PSS AlgorithmIdentifier. */
static X509_ALGOR *
pss_algor(int hash, int mgf_hash, long salt, long trailer)
{
	RSA_PSS_PARAMS *pss = RSA_PSS_PARAMS_new();
	X509_ALGOR *alg = X509_ALGOR_new(), *inner = plain_algor(mgf_hash, V_ASN1_NULL);
	ASN1_STRING *mgf = NULL, *all = NULL;

	pss->hashAlgorithm = plain_algor(hash, V_ASN1_NULL);
	pss->maskGenAlgorithm = X509_ALGOR_new();
	assert_non_null(ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), &mgf));
	X509_ALGOR_set0(pss->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, mgf);
	pss->saltLength = ASN1_INTEGER_new();
	ASN1_INTEGER_set(pss->saltLength, salt);
	if (trailer != 1) {
		pss->trailerField = ASN1_INTEGER_new();
		ASN1_INTEGER_set(pss->trailerField, trailer);
	}
	assert_non_null(ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &all));
	X509_ALGOR_set0(alg, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, all);
	X509_ALGOR_free(inner);
	RSA_PSS_PARAMS_free(pss);
	return alg;
}

static void
pss_verifies_with_the_parameters_it_was_made_with_only(void **state)
{
	EVP_PKEY *key = support_rsa(2048);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	struct view content = view_str("content");
	uint8_t signature[256];
	size_t len = sizeof signature;
	const struct {
		int hash, mgf;
		long salt, trailer;
		enum err_code want;
	} rows[] = {
	    {NID_sha256, NID_sha256, 32, 1, ERR_OK},
	    {NID_sha256, NID_sha256, 20, 1, NTE_BAD_SIGNATURE},
	    {NID_sha384, NID_sha384, 32, 1, NTE_BAD_SIGNATURE},
	    {NID_sha256, NID_sha1, 32, 1, NTE_BAD_ALGID},
	    {NID_sha256, NID_sha256, -1, 1, NTE_BAD_ALGID},
	    {NID_sha256, NID_sha256, 100000, 1, NTE_BAD_ALGID},
	    {NID_sha256, NID_sha256, 32, 2, NTE_BAD_ALGID},
	    {NID_md5, NID_md5, 32, 1, NTE_BAD_ALGID},
	    {NID_sha1, NID_sha1, 32, 1, NTE_BAD_ALGID},
	};
	struct err err;

	(void)state;
	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, content.ptr, content.len), 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		X509_ALGOR *alg =
		    pss_algor(rows[i].hash, rows[i].mgf, rows[i].salt, rows[i].trailer);

		if (rows[i].want == ERR_OK)
			must(pkix_verify(key, alg, content, view_of(signature, len), false, &err));
		else
			must_fail(
			    pkix_verify(key, alg, content, view_of(signature, len), false, &err),
			    rows[i].want);
		X509_ALGOR_free(alg);
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/* MGF1 whose parameters are a SEQUENCE, and no AlgorithmIdentifier; what follows the parameters. */
static void
malformed_pss_parameters_are_refused(void **state)
{
	static const uint8_t parameters[][22] = {
	    {0x30, 0x11, 0xa1, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x01, 0x08, 0x30, 0x00},
	    {0x30, 0x00, 0x05, 0x00}, {0x30, 0x02, 0x05, 0x00}, {0x30, 0x80, 0x00, 0x00}};
	static const size_t lens[] = {19, 4, 4, 4};
	EVP_PKEY *key = support_rsa(2048);
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		X509_ALGOR *alg = X509_ALGOR_new();
		ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_SEQUENCE);

		ASN1_STRING_set(value, parameters[i], (int)lens[i]);
		X509_ALGOR_set0(alg, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, value);
		must_fail(
		    pkix_verify(key, alg, view_str("content"), view_str("signature"), true, &err),
		    NTE_BAD_ALGID);
		assert_int_equal(ERR_peek_error(), 0);
		X509_ALGOR_free(alg);
	}
	EVP_PKEY_free(key);
}

/* The PKCS#10 inside the real CMC request of 2004. */
static struct buf
windows_request(void)
{
	static const uint8_t start[] = {0x30, 0x82, 0x03, 0xab, 0x30, 0x82, 0x03, 0x14};
	struct buf cmc = support_fixture("cmc/cmc-request.der"), out = {0};
	const uint8_t *at = memmem(cmc.ptr, cmc.len, start, sizeof start);
	struct err err;

	assert_non_null(at);
	must(buf_dup(view_of(at, 4 + 0x3ab), &out, &err));
	buf_free(&cmc);
	return out;
}

static const struct pkix_extension *
request_extension(const struct pkix_request *r, int nid)
{
	for (size_t i = 0; i < r->extension_count; i++)
		if (r->extensions[i].nid == nid)
			return &r->extensions[i];
	return NULL;
}

static void
request_of_a_windows_client_is_read(void **state)
{
	struct buf der = windows_request();
	struct pkix_template_id id = {0};
	struct pkix_request r = {0};
	EVP_PKEY *key = NULL;
	struct err err;
	char *cn = NULL;

	(void)state;
	must(pkix_request_decode(buf_view(&der), &r, &err));
	assert_true(view_eq(buf_view(&der), buf_view(&r.raw)));
	cn = pkix_name_value(r.subject, NID_commonName);
	assert_string_equal(cn, "Test Subject");
	assert_int_equal(r.extension_count, 6);
	assert_int_equal(r.pairs.count, 0);
	assert_false(r.null_signature);
	assert_non_null(request_extension(&r, NID_key_usage));
	assert_int_equal(request_extension(&r, NID_key_usage)->value.len, 4);
	assert_null(request_extension(&r, NID_basic_constraints));
	must(pkix_template_id(r.extensions, r.extension_count, &id, &err));
	assert_string_equal(id.oid,
	    "1.3.6.1.4.1.311.21.8.4014942.3497959.5914804.3829722.12246394.103.3066650.1537810");
	assert_null(id.cn);
	assert_true(id.has_version);
	assert_int_equal(id.major, 100);
	assert_int_equal(id.minor, 2);
	must(pkix_public_key(r.spki, &key, &err));
	must(pkix_request_verify(&r, key, false, true, &err));
	must_fail(pkix_request_verify(&r, key, false, false, &err), NTE_BAD_ALGID);
	free(cn);
	EVP_PKEY_free(key);
	pkix_template_id_free(&id);
	pkix_request_free(&r);
	buf_free(&der);
}

static void
check_openssl_request(const char *newkey)
{
	struct pkix_request r = {0};
	EVP_PKEY *key = NULL;
	struct buf der;
	struct err err;
	char dir[64], path[96];
	char *text = NULL;

	support_temp_dir(dir);
	assert_int_equal(
	    support_run(dir,
		"openssl req -new %s -nodes -keyout k.pem -outform DER -out r.der -subj "
		"'/DC=com/DC=nwtraders/CN=Users/CN=user1' -addext subjectAltName=DNS:a.example "
		"-addext keyUsage=critical,keyEncipherment 2>/dev/null",
		newkey),
	    0);
	snprintf(path, sizeof path, "%s/r.der", dir);
	der = support_file(path);
	must(pkix_request_decode(buf_view(&der), &r, &err));
	text = pkix_name_text(r.subject);
	assert_string_equal(text, "CN=user1, CN=Users, DC=nwtraders, DC=com");
	assert_int_equal(r.extension_count, 2);
	assert_true(request_extension(&r, NID_key_usage)->critical);
	assert_false(request_extension(&r, NID_subject_alt_name)->critical);
	must(pkix_public_key(r.spki, &key, &err));
	must(pkix_request_verify(&r, key, false, false, &err));
	pkix_request_free(&r);
	/* a letter of the subject changed: read, not believed */
	((uint8_t *)memmem(der.ptr, der.len, "user1", 5))[4] = '2';
	must(pkix_request_decode(buf_view(&der), &r, &err));
	must_fail(pkix_request_verify(&r, key, true, true, &err), NTE_BAD_SIGNATURE);
	pkix_request_free(&r);
	free(text);
	EVP_PKEY_free(key);
	buf_free(&der);
	support_remove(dir);
}

static void
request_of_openssl_verifies_and_its_tampered_twin_does_not(void **state)
{
	(void)state;
	check_openssl_request("-newkey rsa:2048");
	check_openssl_request("-newkey ec -pkeyopt ec_paramgen_curve:P-256");
}

/* Without attributes, with those of devices and old programs, with very many names; curves that are
 * not the usual one. */
static void
requests_of_other_makers_are_read(void **state)
{
	static const struct {
		const char *file;
		size_t extensions;
	} rows[] = {{"none", 0}, {"device", 0}, {"many", 1}, {"p384", 0}, {"p521", 0}};
	char dir[64], path[96];

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(
	    support_run(dir,
		"{ printf "
		"'[req]\\ndistinguished_name=dn\\nprompt=no\\nattributes=a\\n[dn]\\nCN=x\\n"
		"[a]\\nchallengePassword=secret\\nunstructuredName=A switch\\n'; } >device.cnf && "
		"names=$(printf 'DNS:h%%d.example,' $(seq 300)) && k='-newkey ec -nodes -keyout "
		"k.pem "
		"-outform DER' && c=-pkeyopt\\ ec_paramgen_curve: && "
		"openssl req -new $k ${c}P-256 -subj /CN=x -out none 2>/dev/null && "
		"openssl req -new $k ${c}P-256 -config device.cnf -out device 2>/dev/null && "
		"openssl req -new $k ${c}P-256 -subj / -addext \"subjectAltName=${names%%,}\" -out "
		"many "
		"2>/dev/null && "
		"openssl req -new $k ${c}P-384 -sha384 -subj /CN=x -out p384 2>/dev/null && "
		"openssl req -new $k ${c}P-521 -sha512 -subj /CN=x -out p521 2>/dev/null"),
	    0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkix_request r = {0};
		EVP_PKEY *key = NULL;
		struct buf der;
		struct err err;

		snprintf(path, sizeof path, "%s/%s", dir, rows[i].file);
		der = support_file(path);
		must(pkix_request_decode(buf_view(&der), &r, &err));
		assert_int_equal(r.extension_count, rows[i].extensions);
		if (rows[i].extensions > 0)
			must(pkix_check_general_names(
			    request_extension(&r, NID_subject_alt_name)->value, "the SAN", &err));
		must(pkix_public_key(r.spki, &key, &err));
		must(pkix_request_verify(&r, key, false, false, &err));
		EVP_PKEY_free(key);
		pkix_request_free(&r);
		buf_free(&der);
	}
	support_remove(dir);
}

static void
request_cut_at_any_length_or_longer_is_refused(void **state)
{
	struct buf der = windows_request();
	struct pkix_request r = {0};
	struct err err;

	(void)state;
	for (size_t len = 0; len < der.len; len++) {
		must_fail(pkix_request_decode(view_of(der.ptr, len), &r, &err), ERROR_INVALID_DATA);
		assert_null(r.raw.ptr);
	}
	must(buf_append(&der, view_of("", 1), &err));
	must_fail(pkix_request_decode(buf_view(&der), &r, &err), ERROR_INVALID_DATA);
	buf_free(&der);
	must(buf_alloc(64 * 1024 + 1, &der, &err));
	must_fail(pkix_request_decode(buf_view(&der), &r, &err), DIRCA_E_TOO_LARGE);
	buf_free(&der);
}

static void
request_with_ber_lengths_is_refused(void **state)
{
	struct buf der = windows_request(), ber = {0};
	struct pkix_request r = {0};
	struct err err;

	(void)state;
	/* 30 83 00 03 ab instead of 30 82 03 ab */
	must(buf_append(&ber, view_of("\x30\x83\x00", 3), &err));
	must(buf_append(&ber, view_of(der.ptr + 2, der.len - 2), &err));
	must_fail(pkix_request_decode(buf_view(&ber), &r, &err), ERROR_INVALID_DATA);
	/* indefinite length */
	buf_free(&ber);
	must(buf_append(&ber, view_of("\x30\x80", 2), &err));
	must(buf_append(&ber, view_of(der.ptr + 4, der.len - 4), &err));
	must(buf_append(&ber, view_of("\x00\x00", 2), &err));
	must_fail(pkix_request_decode(buf_view(&ber), &r, &err), ERROR_INVALID_DATA);
	buf_free(&ber);
	buf_free(&der);
}

/* Content of a request with another algorithm and signature. */
static struct buf
rewrap(struct view info, int alg_nid, struct view signature)
{
	X509_ALGOR *alg = plain_algor(alg_nid, V_ASN1_NULL);
	uint8_t *alg_der = NULL;
	int len = i2d_X509_ALGOR(alg, &alg_der);
	struct buf out = {0};
	struct err err;

	must(pkix_signed_wrap(info, view_of(alg_der, (size_t)len), signature, &out, &err));
	OPENSSL_free(alg_der);
	X509_ALGOR_free(alg);
	return out;
}

static void
null_signature_is_a_digest_and_counts_only_where_allowed(void **state)
{
	struct buf der = windows_request(), null_der = {0};
	struct pkix_request r = {0}, n = {0};
	uint8_t digest[64];
	unsigned len = 0;
	EVP_PKEY *key = NULL;
	struct err err;

	(void)state;
	must(pkix_request_decode(buf_view(&der), &r, &err));
	must(pkix_public_key(r.spki, &key, &err));
	for (int sha1 = 0; sha1 < 2; sha1++) {
		EVP_Digest(
		    r.info.ptr, r.info.len, digest, &len, sha1 ? EVP_sha1() : EVP_sha256(), NULL);
		null_der = rewrap(r.info, sha1 ? NID_sha1 : NID_sha256, view_of(digest, len));
		must(pkix_request_decode(buf_view(&null_der), &n, &err));
		assert_true(n.null_signature);
		must(pkix_request_verify(&n, key, true, true, &err));
		must_fail(pkix_request_verify(&n, key, false, true, &err), NTE_BAD_SIGNATURE);
		if (sha1)
			must_fail(pkix_request_verify(&n, key, true, false, &err), NTE_BAD_ALGID);
		pkix_request_free(&n);
		buf_free(&null_der);
		digest[0] ^= 1;
		null_der = rewrap(r.info, sha1 ? NID_sha1 : NID_sha256, view_of(digest, len));
		must(pkix_request_decode(buf_view(&null_der), &n, &err));
		must_fail(pkix_request_verify(&n, key, true, true, &err), NTE_BAD_SIGNATURE);
		pkix_request_free(&n);
		buf_free(&null_der);
	}
	EVP_PKEY_free(key);
	pkix_request_free(&r);
	buf_free(&der);
}

/* A request whose attributes are `attrs` (support_der), under a signature that nobody checks here.
 */
static struct buf
request_with(const char *attrs)
{
	struct buf der = windows_request(), made = {0}, out = {0};
	struct pkix_request r = {0};
	struct err err;
	char *subject = NULL, *spki = NULL, *text = NULL;
	const char *at = NULL;

	must(pkix_request_decode(buf_view(&der), &r, &err));
	subject = hex_encode(r.subject, '\0');
	spki = hex_encode(r.spki, '\0');
	at = text = text_printf("30( 020100 %s %s a0( %s ) )", subject, spki, attrs);
	made = support_der(&at);
	out = rewrap(buf_view(&made), NID_sha256, view_str("no digest at all"));
	free(subject);
	free(spki);
	free(text);
	pkix_request_free(&r);
	buf_free(&made);
	buf_free(&der);
	return out;
}

#define PAIR_OID  "060a2b0601040182370d0201"
#define PAIR_A    "30( 1e( 0041 ) 1e( 0031 ) )" /* BMP "A" = "1" */
#define PAIR_B    "30( 1e( 0042 ) 1e( 0032 ) )"
#define PAIRS(x)  "30( " PAIR_OID " 31( " x " ) )"
#define KEY_USAGE "30( 0603551d0f 04( 03020520 ) )"
#define EXTREQ(x) "30( 06092a864886f70d01090e 31( " x " ) )"
#define MS_EXTREQ "30( 060a2b06010401823702010e 31( 30( " KEY_USAGE " ) ) )"
#define OTHER     "30( 0603550403 31( 13( 616263 ) ) )"

static void
check_attributes(const char *attrs, enum err_code want)
{
	struct buf der = request_with(attrs);
	struct pkix_request r = {0};
	struct err err;

	if (want == ERR_OK)
		must(pkix_request_decode(buf_view(&der), &r, &err));
	else
		must_fail(pkix_request_decode(buf_view(&der), &r, &err), want);
	pkix_request_free(&r);
	buf_free(&der);
}

static void
duplicates_among_attributes_and_extensions_are_refused(void **state)
{
	(void)state;
	check_attributes("", ERR_OK);
	check_attributes(OTHER, ERR_OK);
	check_attributes(OTHER OTHER, ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( " KEY_USAGE " )"), ERR_OK);
	check_attributes(MS_EXTREQ, ERR_OK);
	check_attributes(MS_EXTREQ MS_EXTREQ, ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( " KEY_USAGE " )") MS_EXTREQ, ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( " KEY_USAGE " ) 30( " KEY_USAGE " )"), ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( " KEY_USAGE KEY_USAGE " )"), ERROR_INVALID_DATA);
	check_attributes(PAIRS(PAIR_A) PAIRS(PAIR_A), ERROR_INVALID_DATA);
}

static void
malformed_requested_extensions_are_refused(void **state)
{
	(void)state;
	check_attributes(EXTREQ(""), ERROR_INVALID_DATA);
	check_attributes(EXTREQ("0500"), ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( 0500 )"), ERROR_INVALID_DATA);
	check_attributes(EXTREQ("30( 30( 0603551d0f 03020520 ) )"), ERROR_INVALID_DATA);
	check_attributes("0500", ERROR_INVALID_DATA);
}

static void
name_value_pairs_are_read_in_every_shape_of_clients(void **state)
{
	static const char *const shapes[] = {
	    PAIRS(PAIR_A) PAIRS(PAIR_B),      /* an attribute a pair */
	    PAIRS(PAIR_A PAIR_B),             /* a value a pair */
	    PAIRS("30( " PAIR_A PAIR_B " )"), /* SEQUENCE OF pairs */
	};
	struct pkix_request r = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf der = request_with(shapes[i]);

		must(pkix_request_decode(buf_view(&der), &r, &err));
		assert_int_equal(r.pairs.count, 2);
		assert_string_equal(r.pairs.list[0].name, "A");
		assert_string_equal(r.pairs.list[0].value, "1");
		assert_string_equal(r.pairs.list[1].name, "B");
		assert_string_equal(r.pairs.list[1].value, "2");
		pkix_request_free(&r);
		buf_free(&der);
	}
}

static void
malformed_name_value_pairs_are_refused(void **state)
{
	(void)state;
	check_attributes(PAIRS("30( 1e( 0000 ) 1e( 0031 ) )"), ERROR_INVALID_DATA); /* NUL */
	check_attributes(PAIRS("30( 1e( 000a ) 1e( 0031 ) )"), ERROR_INVALID_DATA); /* line feed */
	check_attributes(PAIRS("30( 1e( d800 ) 1e( 0031 ) )"),
	    ERROR_INVALID_DATA); /* half a pair of surrogates */
	check_attributes(PAIRS("30( 1e( 41 ) 1e( 0031 ) )"), ERROR_INVALID_DATA);
	check_attributes(PAIRS("30( 3000 )"), ERROR_INVALID_DATA);
	check_attributes(PAIRS("3000"), ERROR_INVALID_DATA);
	check_attributes(PAIRS("1e( 0041 )"), ERROR_INVALID_DATA);
	check_attributes(PAIRS("30( 1e( 0041 ) 1e( 0031 ) 0500 )"), ERROR_INVALID_DATA);
}

static void
other_version_is_refused(void **state)
{
	struct buf der = windows_request();
	struct pkix_request r = {0};
	struct err err;

	(void)state;
	assert_int_equal(der.ptr[10], 0);
	der.ptr[10] = 1;
	must_fail(pkix_request_decode(buf_view(&der), &r, &err), ERROR_INVALID_DATA);
	buf_free(&der);
}

static void
check_made_request(EVP_PKEY *key)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf name = {0}, der = {0};
	struct pkix_request r = {0};
	const unsigned char *p = NULL;
	X509_REQ *theirs = NULL;
	struct err err;

	must(pkix_name_from_dn("CN=user1,DC=nwtraders,DC=com", NULL, &name, &err));
	must(pkix_ext_push(list, "2.5.29.15", true, view_of("\x03\x02\x05\x20", 4), &err));
	must(pkix_request_make(key, buf_view(&name), list, &der, &err));
	must(pkix_request_decode(buf_view(&der), &r, &err));
	must(pkix_request_verify(&r, key, false, false, &err));
	assert_true(view_eq(r.subject, buf_view(&name)));
	assert_int_equal(r.extension_count, 1);
	assert_true(r.extensions[0].critical);
	p = der.ptr;
	theirs = d2i_X509_REQ(NULL, &p, (long)der.len);
	assert_non_null(theirs);
	assert_int_equal(X509_REQ_verify(theirs, key), 1);
	X509_REQ_free(theirs);
	pkix_request_free(&r);
	buf_free(&der);
	/* no subject, no extensions */
	must(pkix_request_make(key, (struct view){0}, NULL, &der, &err));
	must(pkix_request_decode(buf_view(&der), &r, &err));
	must(pkix_request_verify(&r, key, false, false, &err));
	assert_int_equal(r.extension_count, 0);
	assert_int_equal(r.subject.len, 2);
	pkix_request_free(&r);
	buf_free(&der);
	must_fail(pkix_request_make(key, view_str("no name"), NULL, &der, &err), E_INVALIDARG);
	buf_free(&name);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	EVP_PKEY_free(key);
}

static void
made_request_is_accepted_by_openssl_and_by_us(void **state)
{
	(void)state;
	check_made_request(support_rsa(2048));
	check_made_request(support_ec("P-256"));
	check_made_request(support_ec("P-521"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_in_other_encodings_has_the_same_hash_or_is_refused),
	    cmocka_unit_test(public_key_is_read_from_its_numbers),
	    cmocka_unit_test(one_key_has_one_hash),
	    cmocka_unit_test(other_kinds_of_keys_are_refused),
	    cmocka_unit_test(point_off_the_curve_is_refused),
	    cmocka_unit_test(even_modulus_or_exponent_is_refused),
	    cmocka_unit_test(signatures_of_each_algorithm_verify_and_tampered_ones_do_not),
	    cmocka_unit_test(unknown_algorithm_or_wrong_key_kind_is_refused),
	    cmocka_unit_test(pss_verifies_with_the_parameters_it_was_made_with_only),
	    cmocka_unit_test(malformed_pss_parameters_are_refused),
	    cmocka_unit_test(request_of_a_windows_client_is_read),
	    cmocka_unit_test(request_of_openssl_verifies_and_its_tampered_twin_does_not),
	    cmocka_unit_test(requests_of_other_makers_are_read),
	    cmocka_unit_test(request_cut_at_any_length_or_longer_is_refused),
	    cmocka_unit_test(request_with_ber_lengths_is_refused),
	    cmocka_unit_test(null_signature_is_a_digest_and_counts_only_where_allowed),
	    cmocka_unit_test(duplicates_among_attributes_and_extensions_are_refused),
	    cmocka_unit_test(malformed_requested_extensions_are_refused),
	    cmocka_unit_test(name_value_pairs_are_read_in_every_shape_of_clients),
	    cmocka_unit_test(malformed_name_value_pairs_are_refused),
	    cmocka_unit_test(other_version_is_refused),
	    cmocka_unit_test(made_request_is_accepted_by_openssl_and_by_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
