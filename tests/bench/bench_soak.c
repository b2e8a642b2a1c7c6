/*
 * A number of enrollments against a running dircad, every other one with an archived key, each
 * answer decoded. After every so many a line: how many, since how many seconds, and the 50th and
 * 99th percentile in milliseconds of those with an archived key and of those without.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/rsa.h>

#include "load_client.h"
#include "load_request.h"
#include "mem.h"
#include "oids.h"
#include "text.h"

#define CLIENTS 8
#define KEYS    16 /* of the requester, each in many requests */

enum { PLAIN, ARCHIVED, KINDS };
static const char *const templates[KINDS] = {"User", "EFSArchive"};

struct latencies {
	int64_t *ns;
	size_t count;
};

struct soak {
	const char *port, *ca_file, *user, *password_file;
	size_t total, every;
	SSL_CTX *tls;
	char *basic;
	struct buf xchg;
	EVP_PKEY *keys[KEYS];
	int64_t begun;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* guards the rest */
	size_t done;
	struct latencies window[KINDS];
};

static void
complain(struct soak *s, const struct err *err)
{
	if (!atomic_exchange(&s->failed, true))
		fprintf(stderr, "bench_soak: %s\n", err->msg);
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print_and_empty(struct latencies *l)
{
	qsort(l->ns, l->count, sizeof *l->ns, by_size);
	if (l->count > 0)
		printf(" %.1f %.1f", (double)l->ns[l->count / 2] / 1e6,
		    (double)l->ns[l->count - 1 - l->count / 100] / 1e6);
	l->count = 0;
}

static void
note(struct soak *s, int kind, int64_t ns)
{
	struct latencies *l = &s->window[kind];

	pthread_mutex_lock(&s->lock);
	l->ns[l->count++] = ns;
	if (++s->done % s->every == 0) {
		printf("%zu %.1f", s->done, (double)(load_now_ns() - s->begun) / 1e9);
		print_and_empty(&s->window[ARCHIVED]);
		print_and_empty(&s->window[PLAIN]);
		printf("\n");
		fflush(stdout);
	}
	pthread_mutex_unlock(&s->lock);
}

static bool
is_issued(const struct load_answer *a, int kind, struct err *err)
{
	struct buf der = {0};
	char *serial = NULL;
	bool ok;

	if (a->status != 200)
		return err_set(err, DIRCA_E_NETWORK, "HTTP status %d: %.*s", a->status,
		    (int)(a->body.len < 300 ? a->body.len : 300), (const char *)a->body.ptr);
	ok = base64_decode(buf_view(&a->body), &der, err) &&
	     load_answer_serial(buf_view(&der), kind == ARCHIVED, &serial, err);
	buf_free(&der);
	free(serial);
	return ok;
}

static bool
enroll(struct soak *s, struct load_client *http, size_t i, struct err *err)
{
	int kind = i % 2 == 0 ? ARCHIVED : PLAIN;
	EVP_PKEY *key = s->keys[i / 2 % KEYS];
	struct buf request = {0};
	struct load_answer a = {0};
	int64_t from = 0;
	bool ok = kind == ARCHIVED
		      ? load_request_for(key, buf_view(&s->xchg), templates[kind], &request, err)
		      : load_request_of(key, (struct view){0}, templates[kind], &request, err);

	if (ok) {
		from = load_now_ns();
		ok = load_call(http, LOAD_PATH_ENROLL, buf_view(&request), &a, err);
	}
	if (ok) {
		note(s, kind, load_now_ns() - from);
		ok = is_issued(&a, kind, err);
	}
	buf_free(&request);
	load_answer_free(&a);
	return ok;
}

static void *
run_client(void *arg)
{
	struct soak *s = arg;
	struct load_client http = {.tls = s->tls, .port = s->port, .basic = s->basic};
	struct err err;
	size_t i;

	while (!atomic_load(&s->failed) && (i = atomic_fetch_add(&s->next, 1)) < s->total)
		if (!enroll(s, &http, i, &err))
			complain(s, &err);
	load_close(&http);
	return NULL;
}

static bool
prepare(struct soak *s, struct err *err)
{
	if (!oids_init(err) || !load_basic(s->user, s->password_file, &s->basic, err) ||
	    !load_tls(s->ca_file, &s->tls, err) ||
	    !load_xchg(&(struct load_client){.tls = s->tls, .port = s->port, .basic = s->basic},
		&s->xchg, err))
		return false;
	for (int i = 0; i < KEYS; i++)
		if ((s->keys[i] = EVP_RSA_gen(2048)) == NULL)
			return err_openssl(err, DIRCA_E_CRYPTO, "a subject key could not be made");
	for (int i = 0; i < KINDS; i++)
		s->window[i].ns = mem_zero(s->every, sizeof *s->window[i].ns);
	pthread_mutex_init(&s->lock, NULL);
	return true;
}

static bool
run(struct soak *s)
{
	pthread_t threads[CLIENTS];

	s->begun = load_now_ns();
	for (int i = 0; i < CLIENTS; i++)
		if (pthread_create(&threads[i], NULL, run_client, s) != 0)
			abort();
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	return !atomic_load(&s->failed);
}

static bool
parse(int argc, char **argv, struct soak *s)
{
	static const struct option names[] = {{"port", 1, NULL, 'p'}, {"ca", 1, NULL, 'c'},
	    {"user", 1, NULL, 'u'}, {"password-file", 1, NULL, 'w'}, {"total", 1, NULL, 't'},
	    {"every", 1, NULL, 'e'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'p':
			s->port = optarg;
			break;
		case 'c':
			s->ca_file = optarg;
			break;
		case 'u':
			s->user = optarg;
			break;
		case 'w':
			s->password_file = optarg;
			break;
		case 't':
			s->total = strtoul(optarg, NULL, 10);
			break;
		case 'e':
			s->every = strtoul(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	return s->port != NULL && s->ca_file != NULL && s->user != NULL &&
	       s->password_file != NULL && s->total > 0 && s->every > 0;
}

int
main(int argc, char **argv)
{
	struct soak s = {0};
	struct err err;

	if (!parse(argc, argv, &s)) {
		fprintf(stderr, "usage: bench_soak --port N --ca FILE --user NAME --password-file "
				"FILE --total N --every N\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!secret_heap_init(1 << 20, true, &err) || !prepare(&s, &err)) {
		fprintf(stderr, "bench_soak: %s\n", err.msg);
		return 1;
	}
	return run(&s) ? 0 : 1;
}
