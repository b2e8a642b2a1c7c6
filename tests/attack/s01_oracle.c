/*
 * S1 over HTTPS: an enrollee who caught another's archival request uses the CA to open it.
 *
 * --mode splice: sends, as the attacker, requests of his own whose archived key is the victim's
 * with blocks of the ciphertext moved about (CBC without integrity), each next one chosen by the
 * last answer, and under encrypted keys of his own every way in which an archived key can be wrong.
 * The attack succeeds if two answers differ.
 * --mode pkcs8: sends his own key as PKCS#8; the answer must have --expect in it.
 * --mode budget: sends wrong keys under fresh encrypted keys until the CA answers with --expect.
 *
 * Exit status 0: the attack failed, and honest requests were served before.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "cmc.h"
#include "keyblob.h"
#include "load_client.h"
#include "load_request.h"
#include "oids.h"
#include "plain.h"
#include "text.h"

#define PATH_ENROLL "/.well-known/est/fullcmc"
#define PATH_XCHG   "/dirca/v1/exchange-certificate"
#define BLOCK       16
#define BLOB_RSA    1172 /* CAPI blob of RSA-2048; 1184 as ciphertext */
#define CIPHERTEXT  (BLOB_RSA / BLOCK * BLOCK + BLOCK)
#define BLOCKS      (CIPHERTEXT / BLOCK)
#define THREADS     8
#define ANSWERS_MAX 8

struct options {
	const char *port, *ca_file, *template_cn, *victim, *attacker, *passwords, *mode, *expect;
	int queries;
};

struct attack {
	struct options o;
	SSL_CTX *tls;
	EVP_PKEY *own;       /* the attacker's key */
	struct buf captured; /* the victim's archived key as it was sent */
	struct buf xchg;     /* the exchange certificate */
	atomic_int left;
	pthread_mutex_t lock;
	char *answers[ANSWERS_MAX]; /* those that were met */
	int counts[ANSWERS_MAX];
	bool broken;
};

static void
give_up(const char *what, const struct err *err)
{
	fprintf(stderr, "s01_oracle: %s: %s\n", what, err != NULL ? err->msg : "");
	exit(1);
}

static char *
basic_of(const struct options *o, const char *user)
{
	char *path = text_printf("%s/%s", o->passwords, user), *text, *encoded;
	struct secret password;
	struct err err;

	if (!secret_read_file(path, &password, &err))
		give_up(path, &err);
	text = text_printf("%s:%.*s", user, (int)password.len, (const char *)password.ptr);
	encoded = calloc(1, 4 * (strlen(text) / 3 + 2));
	EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)strlen(text));
	secret_free(&password);
	free(path);
	free(text);
	return encoded;
}

/* The sentence of a CMC response in base64 (RFC 7030); of another answer, the answer. free(). */
static char *
sentence_of(const struct buf *body)
{
	struct cmc_response r = {0};
	struct buf der = {0};
	struct err err;
	char *text = NULL;

	if (base64_decode(buf_view(body), &der, &err) &&
	    cmc_response_decode(buf_view(&der), &r, &err))
		text = text_printf("%d %s", r.fail_info, r.text);
	cmc_response_free(&r);
	buf_free(&der);
	return text != NULL ? text : strndup((const char *)body->ptr, body->len);
}

/* What a requester learns: status and sentence. free(). */
static char *
post(struct load_client *http, const struct buf *request)
{
	struct load_answer answer;
	struct err err;
	char *told, *sentence;

	if (!load_call(http, PATH_ENROLL, buf_view(request), &answer, &err))
		return text_printf("no answer: %s", err.msg);
	sentence = sentence_of(&answer.body);
	told = text_printf("%d %s", answer.status, sentence);
	free(sentence);
	load_answer_free(&answer);
	return told;
}

static void
note(struct attack *a, char *answer)
{
	int i = 0;

	pthread_mutex_lock(&a->lock);
	while (i < ANSWERS_MAX && a->answers[i] != NULL && strcmp(a->answers[i], answer) != 0)
		i++;
	if (i == ANSWERS_MAX)
		a->broken = true;
	else if (a->answers[i] == NULL)
		a->answers[i] = strdup(answer);
	if (i < ANSWERS_MAX)
		a->counts[i]++;
	pthread_mutex_unlock(&a->lock);
	free(answer);
}

static struct load_client
client_of(const struct attack *a, const char *user)
{
	return (struct load_client){
	    .tls = a->tls, .port = a->o.port, .basic = basic_of(&a->o, user)};
}

static void
client_close(struct load_client *c)
{
	load_close(c);
	free((void *)(uintptr_t)c->basic);
}

/* A blob sealed to the exchange certificate, as an honest client does. */
static struct buf
seal(const struct attack *a, struct view blob)
{
	struct pkix_cert xchg;
	struct cms_kra to;
	struct buf sealed;
	EVP_PKEY *key = NULL;
	struct err err;

	if (!pkix_cert_decode(buf_view(&a->xchg), &xchg, &err) ||
	    !pkix_public_key(xchg.spki, &key, &err))
		give_up("exchange certificate", &err);
	to = (struct cms_kra){.issuer = xchg.issuer, .serial = xchg.serial, .key = key};
	if (!cms_enveloped_seal(blob, &to, 1, CMS_AES_256_CBC, &sealed, &err))
		give_up("sealing", &err);
	EVP_PKEY_free(key);
	pkix_cert_free(&xchg);
	return sealed;
}

static char *
ask(struct attack *a, struct load_client *http, struct view sealed)
{
	struct buf request;
	struct err err;
	char *answer;

	if (!load_request_of(a->own, sealed, a->o.template_cn, &request, &err))
		give_up("making a request", &err);
	answer = post(http, &request);
	buf_free(&request);
	return answer;
}

/* ---- the honest way ---- */

static void
fetch_xchg(struct attack *a, struct load_client *http)
{
	struct load_answer answer;
	struct err err;

	if (!load_call(http, PATH_XCHG, (struct view){0}, &answer, &err) || answer.status != 200)
		give_up("exchange certificate", &err);
	a->xchg = answer.body;
}

/* The victim enrolls; his request is what the attacker caught. */
static void
enroll_victim(struct attack *a)
{
	struct load_client http = client_of(a, a->o.victim);
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct secret blob;
	struct buf request;
	struct err err;
	char *answer;

	fetch_xchg(a, &http);
	if (!keyblob_encode(key, &blob, &err))
		give_up("the victim's key", &err);
	a->captured = seal(a, secret_view(&blob));
	if (!load_request_of(key, buf_view(&a->captured), a->o.template_cn, &request, &err))
		give_up("the victim's request", &err);
	answer = post(&http, &request);
	printf("control: the victim's request: %s\n", answer);
	if (strncmp(answer, "200 ", 4) != 0)
		exit(1);
	free(answer);
	secret_free(&blob);
	buf_free(&request);
	EVP_PKEY_free(key);
	client_close(&http);
}

/* ---- the attack ---- */

/* The captured message with one thing moved: which of them, and where, says `turn`. */
static struct buf
splice(const struct attack *a, unsigned turn)
{
	struct buf out;
	struct err err;
	uint8_t *text;
	unsigned at = 1 + turn / 4 % (BLOCKS - 2);

	if (!buf_dup(buf_view(&a->captured), &out, &err))
		give_up("memory", &err);
	text = out.ptr + out.len - CIPHERTEXT;
	switch (turn % 4) {
	case 0: /* the key is another's: everything else is right */
		break;
	case 1: /* padding */
		text[CIPHERTEXT - 1] ^= (uint8_t)(1 + at);
		break;
	case 2: /* magic */
		text[at % BLOCK] ^= (uint8_t)(1 + at);
		break;
	case 3: /* numbers: a block of the secret where one of the attacker's should be */
		memcpy(text + (size_t)(BLOCKS - 1 - at) * BLOCK, text + (size_t)at * BLOCK, BLOCK);
		break;
	}
	return out;
}

static void *
query_main(void *context)
{
	struct attack *a = context;
	struct load_client http = client_of(a, a->o.attacker);
	unsigned turn = 0;

	while (atomic_fetch_sub(&a->left, 1) > 0) {
		struct buf sealed = splice(a, turn);
		char *answer = ask(a, &http, buf_view(&sealed));

		/* Adaptive: another answer than the first leads elsewhere. */
		turn += a->answers[0] == NULL || strcmp(answer, a->answers[0]) == 0 ? 1 : 3;
		note(a, answer);
		buf_free(&sealed);
	}
	client_close(&http);
	return NULL;
}

static void
query(struct attack *a)
{
	pthread_t threads[THREADS];

	atomic_store(&a->left, a->o.queries);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, query_main, a);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Under an encrypted key of the attacker's own: each way to be wrong. */
static void
own_keys(struct attack *a)
{
	static const char *const kinds[] = {
	    "padding", "magic", "numbers", "another's key", "signature-only"};
	struct load_client http = client_of(a, a->o.attacker);
	EVP_PKEY *other = EVP_RSA_gen(2048);
	struct err err;

	for (int i = 0; i < 5; i++) {
		struct secret blob;
		struct buf sealed;
		char *answer;

		if (!keyblob_encode(i == 3 ? other : a->own, &blob, &err))
			give_up("a blob", &err);
		if (i == 1)
			blob.ptr[9] ^= 1;
		if (i == 2)
			blob.ptr[400] ^= 1;
		if (i == 4)
			blob.ptr[5] = 0x24; /* CALG_RSA_SIGN */
		sealed = seal(a, secret_view(&blob));
		if (i == 0)
			sealed.ptr[sealed.len - 1] ^= 1;
		answer = ask(a, &http, buf_view(&sealed));
		printf("own encrypted key, wrong %s: %s\n", kinds[i], answer);
		note(a, answer);
		secret_free(&blob);
		buf_free(&sealed);
	}
	EVP_PKEY_free(other);
	client_close(&http);
}

static int
play_splice(struct attack *a)
{
	int met = 0;

	query(a);
	own_keys(a);
	for (int i = 0; i < ANSWERS_MAX && a->answers[i] != NULL; i++, met++)
		printf("%6d times: %s\n", a->counts[i], a->answers[i]);
	printf("%d answers of %d told apart\n", met, a->o.queries + 5);
	return met == 1 && !a->broken ? 0 : 1;
}

static int
play_budget(struct attack *a)
{
	struct load_client http = client_of(a, a->o.attacker);
	int sent;

	for (sent = 0; sent < a->o.queries; sent++) {
		struct buf sealed = seal(a, view_str("no private key"));
		char *answer = ask(a, &http, buf_view(&sealed));
		bool done = strstr(answer, a->o.expect) != NULL;

		if (done || sent == 0)
			printf("after %d: %s\n", sent, answer);
		free(answer);
		buf_free(&sealed);
		if (done)
			break;
	}
	client_close(&http);
	return sent < a->o.queries ? 0 : 1;
}

/* His own key, as PKCS#8. */
static int
play_pkcs8(struct attack *a)
{
	struct load_client http = client_of(a, a->o.attacker);
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(a->own);
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	struct buf sealed = seal(a, view_of(der, (size_t)len));
	char *answer = ask(a, &http, buf_view(&sealed));
	int rc = strstr(answer, a->o.expect) != NULL ? 0 : 1;

	printf("a key in PKCS#8: %s\n", answer);
	free(answer);
	buf_free(&sealed);
	OPENSSL_clear_free(der, (size_t)len);
	PKCS8_PRIV_KEY_INFO_free(info);
	client_close(&http);
	return rc;
}

static bool
parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"port", required_argument, NULL, 'p'},
	    {"ca", required_argument, NULL, 'c'}, {"victim", required_argument, NULL, 'v'},
	    {"attacker", required_argument, NULL, 'a'}, {"passwords", required_argument, NULL, 'w'},
	    {"template", required_argument, NULL, 't'}, {"queries", required_argument, NULL, 'n'},
	    {"mode", required_argument, NULL, 'm'}, {"expect", required_argument, NULL, 'e'},
	    {NULL, 0, NULL, 0}};
	int c;

	*o = (struct options){.template_cn = "EFSArchive", .queries = 3000, .mode = "splice"};
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const char **texts[256] = {['p'] = &o->port,
		    ['c'] = &o->ca_file,
		    ['v'] = &o->victim,
		    ['a'] = &o->attacker,
		    ['w'] = &o->passwords,
		    ['t'] = &o->template_cn,
		    ['m'] = &o->mode,
		    ['e'] = &o->expect};

		if (c == 'n')
			o->queries = atoi(optarg);
		else if (c > 0 && c < 256 && texts[c] != NULL)
			*texts[c] = optarg;
		else
			return false;
	}
	return o->port != NULL && o->ca_file != NULL && o->victim != NULL && o->attacker != NULL &&
	       o->passwords != NULL && (strcmp(o->mode, "splice") == 0 || o->expect != NULL);
}

int
main(int argc, char **argv)
{
	struct attack a = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct err err;

	if (!parse(argc, argv, &a.o)) {
		fprintf(stderr,
		    "usage: s01_oracle --port N --ca FILE --victim NAME --attacker NAME "
		    "--passwords FOLDER\n"
		    "       [--template CN] [--queries N] [--mode splice|budget|pkcs8] [--expect "
		    "CODE]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!secret_heap_init(1 << 20, true, &err) || !oids_init(&err) ||
	    !load_tls(a.o.ca_file, &a.tls, &err))
		give_up("start", &err);
	a.own = EVP_RSA_gen(2048);
	enroll_victim(&a);
	if (strcmp(a.o.mode, "pkcs8") == 0)
		return play_pkcs8(&a);
	return strcmp(a.o.mode, "budget") == 0 ? play_budget(&a) : play_splice(&a);
}
