/*
 * What a broken front may send to the vault: first octet the operation (bit 7: on the control
 * socket), then the fields. The keys are fixed, so that seeds stay valid; only the KRA certificate
 * is signed anew in each run, hence a KRA hash that is all zero stands for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "file.h"
#include "log.h"
#include "oids.h"
#include "target.h"
#include "text.h"
#include "vault_priv.h"

enum { KEY_CA = 1, KEY_XCHG, KEY_KRA, KEY_USER };
#define NOT_BEFORE INT64_C(1600000000)
#define NOT_AFTER  INT64_C(4000000000)

static char folder[] = "/tmp/dirca-fuzz-vault-XXXXXX";
static struct vault_state vault;
static struct vault_worker worker;
static struct buf kra_certificate;
static uint8_t kra_hash[32];
static bool ready;

static void
must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "fuzz_vault_frame: %s\n", what);
	abort();
}

/* The private number of a key, in 32 octets. */
static void
fixed_number(uint8_t which, uint8_t d[32])
{
	for (uint8_t i = 0; i < 32; i++)
		d[i] = (uint8_t)(i + 0x10 * which);
}

static EVP_PKEY *
fixed_key(uint8_t which)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *q = EC_POINT_new(group);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t number[32], point[65];
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	BIGNUM *d;

	fixed_number(which, number);
	d = BN_bin2bn(number, sizeof number, NULL);
	must(EC_POINT_mul(group, q, d, NULL, NULL, NULL) == 1 &&
		 EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point,
		     NULL) == sizeof point &&
		 OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ==
		     1 &&
		 OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1 &&
		 OSSL_PARAM_BLD_push_octet_string(
		     build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1,
	    "fixed key");
	params = OSSL_PARAM_BLD_to_param(build);
	must(EVP_PKEY_fromdata_init(ctx) == 1 &&
		 EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1,
	    "fixed key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(d);
	EC_POINT_free(q);
	EC_GROUP_free(group);
	return key;
}

static void
certify(const char *dn, EVP_PKEY *key, EVP_PKEY *ca, const char *usage, const char *eku,
    struct buf *out)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf issuer, subject, spki, sig_alg, tbs, signature;
	struct err err;

	sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage));
	if (strstr(usage, "keyCertSign") != NULL)
		sk_X509_EXTENSION_push(list,
		    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
	if (eku != NULL)
		sk_X509_EXTENSION_push(
		    list, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, eku));
	must(pkix_name_from_dn("CN=Fuzz CA", NULL, &issuer, &err) &&
		 pkix_name_from_dn(dn, NULL, &subject, &err) && pkix_key_spki(key, &spki, &err) &&
		 pkix_sig_alg(ca, &sig_alg, &err),
	    "names");
	must(pkix_tbs_encode(&(struct pkix_tbs){.serial = view_of("\x01", 1),
				 .sig_alg = buf_view(&sig_alg),
				 .issuer = buf_view(&issuer),
				 .not_before = NOT_BEFORE,
				 .not_after = NOT_AFTER,
				 .subject = buf_view(&subject),
				 .spki = buf_view(&spki),
				 .extensions = list},
		 &tbs, &err) &&
		 ca_key_sign(ca, buf_view(&tbs), &signature, &err) &&
		 pkix_signed_wrap(
		     buf_view(&tbs), buf_view(&sig_alg), buf_view(&signature), out, &err),
	    "certificate");
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&issuer);
	buf_free(&subject);
	buf_free(&spki);
	buf_free(&sig_alg);
	buf_free(&tbs);
	buf_free(&signature);
}

static void
write_pem(const char *path, const struct buf *der)
{
	char *body = base64_encode(buf_view(der)), *text;
	struct err err;

	/* PEM readers take lines of 64 characters. */
	text = text_printf("-----BEGIN CERTIFICATE-----\n");
	for (size_t at = 0; at < strlen(body); at += 64) {
		char *more = text_printf("%s%.64s\n", text, body + at);

		free(text);
		text = more;
	}
	free(body);
	body = text_printf("%s-----END CERTIFICATE-----\n", text);
	must(file_create(path, view_str(body), 0600, &err), "certificate file");
	free(body);
	free(text);
}

/* The folder is removed at the end. */
static void
clean_up(void)
{
	char *files[] = {text_printf("%s/ca.key", folder), text_printf("%s/ca.crt", folder),
	    text_printf("%s/" JOURNAL_FILE, folder), text_printf("%s/checkpoint", folder)};
	struct err err;

	vault_worker_close(&worker);
	(void)vault_xchgs_purge(
	    &vault.xchgs, (struct vault_time){.now = INT64_MAX, .boot_ms = INT64_MAX}, &err);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		unlink(files[i]);
		free(files[i]);
	}
	rmdir(folder);
	vault_state_close(&vault);
	buf_free(&kra_certificate);
}

static void
add_xchg_key(EVP_PKEY *key)
{
	struct buf der;
	struct pkix_cert c;
	struct err err;

	certify("CN=Fuzz CA-Xchg", key, key, "keyAgreement", NULL, &der);
	must(pkix_cert_decode(buf_view(&der), &c, &err) &&
		 vault_xchgs_add(&vault.xchgs, key, &c, vault_time(), &err),
	    "exchange key");
	pkix_cert_free(&c);
	buf_free(&der);
}

static void
set_kra(void)
{
	struct view list[] = {buf_view(&kra_certificate)};

	static const uint8_t reader[] = {CMS_READER_GCM};

	must(vault_kras_set(&vault.kras, 1, 1, list, reader, 1, NOT_BEFORE + 1) == 1, "KRA");
}

static void
init(void)
{
	EVP_PKEY *ca, *xchg, *kra;
	struct buf ca_certificate;
	char *key_path, *certificate_path;
	uint8_t random[1];
	struct err err;

	log_open("fuzz", false, LOG_LEVEL_ERROR);
	/* Random first: the generators would lie on the secure heap, where a leak checker does not
	 * look for pointers. */
	must(RAND_bytes(random, 1) == 1 && RAND_priv_bytes(random, 1) == 1, "random");
	must(secret_heap_init(1 << 18, true, &err) && oids_init(&err) && mkdtemp(folder) != NULL,
	    "set-up");
	ca = fixed_key(KEY_CA);
	xchg = fixed_key(KEY_XCHG);
	kra = fixed_key(KEY_KRA);
	key_path = text_printf("%s/ca.key", folder);
	certificate_path = text_printf("%s/ca.crt", folder);
	certify("CN=Fuzz CA", ca, ca, "keyCertSign,cRLSign", NULL, &ca_certificate);
	certify("CN=kra", kra, ca, "keyAgreement", "1.3.6.1.4.1.311.21.6", &kra_certificate);
	must(key_file_write(key_path, ca, NULL, &err), "CA key");
	write_pem(certificate_path, &ca_certificate);
	must(vault_state_open(&vault,
		 &(struct vault_config){.folder = folder,
		     .ca_certificate = certificate_path,
		     .state_dir = folder,
		     .fd_count = 1,
		     .kinds = SIGN_KINDS_DEFAULT | SIGN_KIND_ANY_PURPOSE},
		 &err) &&
		 vault_worker_open(&worker, &vault, 0, &err),
	    "vault");
	add_xchg_key(xchg);
	set_kra();
	memcpy(kra_hash, vault.kras.current->list[0].cert.sha256, sizeof kra_hash);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(xchg);
	EVP_PKEY_free(kra);
	buf_free(&ca_certificate);
	free(key_path);
	free(certificate_path);
	atexit(clean_up);
	ready = true;
}

/* Puts the run's KRA hash where the seed has zeros. */
static void
name_kra(uint8_t op, uint8_t *body, size_t len)
{
	size_t wanted = op == VAULT_OP_GENERATE ? GENERATE_FIELDS : REWRAP_FIELDS;
	size_t at = op == VAULT_OP_GENERATE ? GENERATE_KRAS : REWRAP_KRAS;
	struct view fields[REWRAP_FIELDS];
	static const uint8_t zero[32];
	struct err err;
	size_t count;

	if (wire_split(view_of(body, len), fields, REWRAP_FIELDS, &count, &err) &&
	    count == wanted && view_eq(fields[at], view_of(zero, sizeof zero)))
		memcpy(body + (fields[at].ptr - body), kra_hash, sizeof kra_hash);
}

/* RSA key generation only costs time; the exchange key of the seeds stays. */
static bool
is_wanted(uint8_t op, const uint8_t *body, size_t len)
{
	static const uint8_t p256[8] = {4, 0, 0, 0, 0, 1};

	return op != VAULT_OP_XCHG_CREATE || len < sizeof p256 ||
	       memcmp(body, p256, sizeof p256) == 0;
}

static void
check_reply(void)
{
	struct view reply = buf_view(&worker.reply), fields[VAULT_XCHG_MAX];
	uint8_t number[32];
	struct err err;
	size_t count;

	must(reply.len >= 5 &&
		 (reply.ptr[4] == VAULT_STATUS_OK || reply.ptr[4] == VAULT_STATUS_ERROR),
	    "status");
	must(
	    wire_split(view_of(reply.ptr + 5, reply.len - 5), fields, VAULT_XCHG_MAX, &count, &err),
	    "fields of the reply");
	for (uint8_t key = KEY_CA; key <= KEY_USER; key++) {
		fixed_number(key, number);
		must(memmem(reply.ptr, reply.len, number, sizeof number) == NULL,
		    "a private key leaves the vault");
	}
}

int
target(const uint8_t *data, size_t size)
{
	uint8_t *body;
	struct err err;

	if (!ready)
		init();
	if (size == 0 || !is_wanted(data[0], data + 1, size - 1))
		return 0;
	must((body = malloc(size)) != NULL, "memory");
	memcpy(body, data + 1, size - 1);
	name_kra(data[0], body, size - 1);
	must(vault_dispatch(
		 &worker, data[0] & 0x7f, (data[0] & 0x80) != 0, view_of(body, size - 1), &err),
	    "no answer");
	check_reply();
	if ((data[0] & 0x80) != 0)
		set_kra();
	free(body);
	return 0;
}
