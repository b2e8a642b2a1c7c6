/*
 * The floor: what one enrollment cannot do without, as a bare loop of EVP calls with keys,
 * algorithms and contexts that are reused: exchange key decryption, AES open, two signature checks
 * (PKCS#10 and SignerInfo), key match by encrypting and decrypting with the subject's key, sealing
 * to each KRA, two CA signatures. No parsing, no key objects made, no I/O. Subject, exchange and
 * KRA keys are RSA-2048. For no KRAs, where no key is archived: the signatures alone.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define BLOB_LEN 1172 /* PRIVATEKEYBLOB of RSA-2048 */
#define TBS_LEN  1200
#define KRAS_MAX 8
#define CHECK(what)                                                                 \
	do {                                                                        \
		if (!(what)) {                                                      \
			fprintf(stderr, "bench_floor: line %d failed\n", __LINE__); \
			exit(1);                                                    \
		}                                                                   \
	} while (0)

struct floor {
	const char *ca_kind;
	int kras;
	double seconds;
	EVP_PKEY *ca, *xchg, *subject, *kra;
	EVP_MD *sha256;
	EVP_CIPHER *aes;
	atomic_bool stop;
};

struct worker {
	struct floor *f;
	pthread_t thread;
	EVP_PKEY_CTX *open_xchg, *verify, *match_encrypt, *match_decrypt, *seal, *sign;
	EVP_MD_CTX *hash;
	EVP_CIPHER_CTX *cipher;
	uint8_t sealed_key[256], sealed_blob[BLOB_LEN + 16], iv[16], request_signature[256];
	uint8_t tbs[TBS_LEN], digest[32];
	int sealed_len;
	size_t done;
};

static EVP_PKEY_CTX *
context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *), const EVP_MD *digest)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	CHECK(ctx != NULL && init(ctx) == 1);
	if (EVP_PKEY_is_a(key, "RSA"))
		CHECK(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1);
	if (digest != NULL)
		CHECK(EVP_PKEY_CTX_set_signature_md(ctx, digest) == 1);
	return ctx;
}

static void
hash(struct worker *w)
{
	unsigned len;

	CHECK(EVP_DigestInit_ex2(w->hash, w->f->sha256, NULL) == 1 &&
	      EVP_DigestUpdate(w->hash, w->tbs, sizeof w->tbs) == 1 &&
	      EVP_DigestFinal_ex(w->hash, w->digest, &len) == 1);
}

/* AES-256-CBC with padding; returns the length. */
static int
cipher(
    struct worker *w, int encrypt, const uint8_t *key, const uint8_t *in, int in_len, uint8_t *out)
{
	int len, last;

	CHECK(EVP_CipherInit_ex2(w->cipher, w->f->aes, key, w->iv, encrypt, NULL) == 1 &&
	      EVP_CipherUpdate(w->cipher, out, &len, in, in_len) == 1 &&
	      EVP_CipherFinal_ex(w->cipher, out + len, &last) == 1);
	return len + last;
}

static void
open_worker(struct worker *w, struct floor *f)
{
	uint8_t key[32], blob[BLOB_LEN];
	EVP_PKEY_CTX *once;
	size_t len;

	*w = (struct worker){.f = f};
	/* A CA key of its own for each thread, as in the vault: blinding without locks. */
	w->open_xchg = context(EVP_PKEY_dup(f->xchg), EVP_PKEY_decrypt_init, NULL);
	w->verify = context(f->subject, EVP_PKEY_verify_init, f->sha256);
	w->match_encrypt = context(f->subject, EVP_PKEY_encrypt_init, NULL);
	w->match_decrypt = context(EVP_PKEY_dup(f->subject), EVP_PKEY_decrypt_init, NULL);
	w->seal = context(f->kra, EVP_PKEY_encrypt_init, NULL);
	w->sign = context(EVP_PKEY_dup(f->ca), EVP_PKEY_sign_init, f->sha256);
	w->hash = EVP_MD_CTX_new();
	w->cipher = EVP_CIPHER_CTX_new();
	CHECK(RAND_bytes(w->tbs, sizeof w->tbs) == 1 && RAND_bytes(key, sizeof key) == 1 &&
	      RAND_bytes(blob, sizeof blob) == 1 && RAND_bytes(w->iv, sizeof w->iv) == 1);
	once = context(f->xchg, EVP_PKEY_encrypt_init, NULL);
	len = sizeof w->sealed_key;
	CHECK(EVP_PKEY_encrypt(once, w->sealed_key, &len, key, sizeof key) == 1);
	EVP_PKEY_CTX_free(once);
	w->sealed_len = cipher(w, 1, key, blob, sizeof blob, w->sealed_blob);
	hash(w);
	once = context(f->subject, EVP_PKEY_sign_init, f->sha256);
	len = sizeof w->request_signature;
	CHECK(EVP_PKEY_sign(once, w->request_signature, &len, w->digest, sizeof w->digest) == 1);
	EVP_PKEY_CTX_free(once);
}

static void
archive(struct worker *w)
{
	uint8_t key[256], blob[BLOB_LEN + 32], sealed[BLOB_LEN + 32], to_kra[256];
	uint8_t random[32], encrypted[256], back[256];
	size_t len = sizeof key;
	int blob_len;

	CHECK(EVP_PKEY_decrypt(w->open_xchg, key, &len, w->sealed_key, sizeof w->sealed_key) == 1);
	blob_len = cipher(w, 0, key, w->sealed_blob, w->sealed_len, blob);
	CHECK(RAND_priv_bytes(random, sizeof random) == 1);
	len = sizeof encrypted;
	CHECK(EVP_PKEY_encrypt(w->match_encrypt, encrypted, &len, random, sizeof random) == 1);
	len = sizeof back;
	CHECK(EVP_PKEY_decrypt(w->match_decrypt, back, &len, encrypted, sizeof encrypted) == 1 &&
	      len == sizeof random && memcmp(random, back, len) == 0);
	CHECK(RAND_priv_bytes(random, sizeof random) == 1);
	cipher(w, 1, random, blob, blob_len, sealed);
	for (int i = 0; i < w->f->kras; i++) {
		len = sizeof to_kra;
		CHECK(EVP_PKEY_encrypt(w->seal, to_kra, &len, random, sizeof random) == 1);
	}
}

static void
one_enrollment(struct worker *w)
{
	uint8_t signature[512];
	size_t len;

	for (int i = 0; i < 2; i++) { /* PKCS#10, SignerInfo */
		hash(w);
		CHECK(EVP_PKEY_verify(w->verify, w->request_signature, sizeof w->request_signature,
			  w->digest, sizeof w->digest) == 1);
	}
	if (w->f->kras > 0)
		archive(w);
	for (int i = 0; i < 2; i++) { /* certificate, CMC response */
		hash(w);
		len = sizeof signature;
		CHECK(EVP_PKEY_sign(w->sign, signature, &len, w->digest, sizeof w->digest) == 1);
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load_explicit(&w->f->stop, memory_order_relaxed)) {
		one_enrollment(w);
		w->done++;
	}
	return NULL;
}

static EVP_PKEY *
make_key(const char *kind)
{
	if (strcmp(kind, "p256") == 0)
		return EVP_EC_gen("P-256");
	return strncmp(kind, "rsa", 3) == 0 ? EVP_RSA_gen((unsigned)atoi(kind + 3)) : NULL;
}

int
main(int argc, char **argv)
{
	struct floor f = {.ca_kind = argc > 1 ? argv[1] : "",
	    .kras = argc > 2 ? atoi(argv[2]) : 1,
	    .seconds = argc > 3 ? atof(argv[3]) : 5};
	int threads = argc > 4 ? atoi(argv[4]) : 2;
	struct worker *workers;
	struct timespec from, to, pause;
	size_t total = 0;
	double took, cpu_us, set_up_us;
	struct rusage usage;

	if (argc < 2 || (f.ca = make_key(f.ca_kind)) == NULL || f.kras < 0 || f.kras > KRAS_MAX ||
	    threads < 1 || threads > 64) {
		fprintf(
		    stderr, "usage: bench_floor rsa2048|rsa3072|p256 [KRAS [SECONDS [THREADS]]]\n");
		return 2;
	}
	f.xchg = make_key("rsa2048");
	f.subject = make_key("rsa2048");
	f.kra = make_key("rsa2048");
	f.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	f.aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	workers = calloc((size_t)threads, sizeof *workers);
	CHECK(f.xchg != NULL && f.subject != NULL && f.kra != NULL && workers != NULL);
	for (int i = 0; i < threads; i++)
		open_worker(&workers[i], &f);
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0); /* of making the keys */
	set_up_us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads; i++)
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	pause = (struct timespec){
	    (time_t)f.seconds, (long)((f.seconds - (double)(time_t)f.seconds) * 1e9)};
	nanosleep(&pause, NULL);
	atomic_store(&f.stop, true);
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		total += workers[i].done;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	cpu_us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) - set_up_us;
	printf("floor %zu rate %.1f cpu_us %.0f threads %d\n", total, (double)total / took,
	    cpu_us / (double)total, threads);
	return 0;
}
