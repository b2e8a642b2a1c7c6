/*
 * Load of archived enrollments, or of what --shape names (shapes), against a running dircad. Two
 * uses: a measurement, whose answers are
 * kept and read when the clock has stopped; and, with --acks, the load of
 * tests/integration/kill9.sh, which goes on over broken connections and writes the serial number of
 * each certificate down as soon as its answer is there.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "file.h"
#include "load_client.h"
#include "load_request.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "text.h"

#define FILE_MAX     (1 << 20)
#define CLIENTS_MAX  64
#define REQUESTS_MAX 65536
#define BROKEN_S     0.02 /* after a broken call: dircad is being started again */
#define KEYS         16   /* of the requester, each in many requests */

struct options {
	const char *port, *ca_file, *user, *password_file, *template_cn, *acks, *file, *timeline;
	const struct shape *shape;
	bool pending; /* the template has requests wait: each of them is sent, and nothing measured
		       */
	int clients, requests;
	double seconds, warm_up, pause; /* seconds; the last between two calls of a client */
};

struct bench;

/* What is sent, and what comes of it. */
struct shape {
	const char *name, *path, *type;
	bool (*make)(const struct bench *b, size_t i, struct buf *out, struct err *err);
	bool (*check)(const struct bench *b, const struct buf *body, struct err *err); /* or NULL */
	bool archived;                                                                 /* a key */
	bool of_file;                                                                  /* --file */
	bool again;       /* the same may be sent any number of times */
	bool by_template; /* its name is in the path */
};

struct sample {
	int64_t latency_ns, at_ns;
	struct buf body;
};

struct bench {
	const struct options *o;
	SSL_CTX *tls;
	char *basic, *path; /* path NULL: what is sent says it */
	struct buf xchg;
	EVP_PKEY *keys[KEYS];
	char **lines; /* of --file */
	size_t line_count;
	struct buf *requests; /* each is sent once: a second time it is answered from its row */
	atomic_size_t next_to_make, next_to_send;
	atomic_bool failed;
	int64_t measure_from, end;
	atomic_llong ran_out; /* when all requests were sent; 0: not yet */
	int acks_fd;          /* -1 */
};

struct client {
	struct bench *b;
	pthread_t thread;
	struct load_client http;
	struct sample *samples;
	size_t count, cap;
	size_t broken; /* calls without an answer */
	size_t waiting;
};

static atomic_bool stop;

static void
on_term(int number)
{
	(void)number;
	atomic_store(&stop, true);
}

static void
complain(struct bench *b, const char *what, const struct err *err)
{
	if (!atomic_exchange(&b->failed, true))
		fprintf(stderr, "bench_enroll: %s: %s\n", what, err->msg);
}

/* ---- shapes ---- */

static bool
body_serial(const struct bench *b, const struct buf *body, char **serial_out, struct err *err)
{
	struct buf der = {0};
	bool ok = base64_decode(buf_view(body), &der, err) &&
		  load_answer_serial(buf_view(&der), b->o->shape->archived, serial_out, err);

	buf_free(&der);
	return ok;
}

static bool
make_archived(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return load_request_for(b->keys[i % KEYS], buf_view(&b->xchg), b->o->template_cn, out, err);
}

static bool
make_plain(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return load_request_of(b->keys[i % KEYS], (struct view){0}, b->o->template_cn, out, err);
}

static bool
check_cmc(const struct bench *b, const struct buf *body, struct err *err)
{
	char *serial = NULL;
	bool ok = body_serial(b, body, &serial, err);

	free(serial);
	return ok;
}

static bool
make_est(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return load_pkcs10_est(b->keys[i % KEYS], i, out, err);
}

static bool
check_est(const struct bench *b, const struct buf *body, struct err *err)
{
	(void)b;
	return load_answer_est(buf_view(body), err);
}

static bool
make_cfssl(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return load_pkcs10_cfssl(b->keys[i % KEYS], i, out, err);
}

static bool
check_cfssl(const struct bench *b, const struct buf *body, struct err *err)
{
	(void)b;
	return load_answer_cfssl(buf_view(body), err);
}

static bool
make_line(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return buf_dup(view_str(b->lines[i % b->line_count]), out, err);
}

static bool
make_file(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	(void)i;
	return file_read(b->o->file, FILE_MAX, out, err);
}

static const struct shape shapes[] = {
    {"archived", LOAD_PATH_ENROLL, NULL, make_archived, check_cmc, .archived = true},
    {"plain", LOAD_PATH_ENROLL, NULL, make_plain, check_cmc, .archived = false},
    {"est", NULL, "application/pkcs10", make_est, check_est, .by_template = true},
    {"cfssl", "/api/v1/cfssl/sign", "application/json", make_cfssl, check_cfssl, .again = true},
    {"ocsp", "/ocsp", "application/ocsp-request", make_file, NULL, .again = true, .of_file = true},
    {"get", NULL, NULL, make_line, NULL, .again = true, .of_file = true}, /* each line is a path */
};

static const struct shape *
shape_named(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return &shapes[i];
	return NULL;
}

static bool
make_request(const struct bench *b, size_t i, struct buf *out, struct err *err)
{
	return b->o->shape->make(b, i, out, err);
}

static void *
make_requests(void *arg)
{
	struct bench *b = arg;
	size_t i;
	struct err err;

	while ((i = atomic_fetch_add(&b->next_to_make, 1)) < (size_t)b->o->requests)
		if (!make_request(b, i, &b->requests[i], &err))
			complain(b, "making a request", &err);
	return NULL;
}

static bool
keep(struct client *c, int64_t latency, struct load_answer *a, struct err *err)
{
	if (c->count == c->cap) {
		size_t cap = c->cap > 0 ? c->cap * 2 : 1024;
		struct sample *grown = realloc(c->samples, cap * sizeof *grown);

		if (grown == NULL)
			return err_nomem(err);
		c->samples = grown;
		c->cap = cap;
	}
	c->samples[c->count] = (struct sample){.latency_ns = latency, .at_ns = load_now_ns()};
	if (c->b->o->shape->check != NULL) {
		c->samples[c->count].body = a->body;
		a->body = (struct buf){0};
	}
	c->count++;
	return true;
}

/* One write a line: whole lines, whoever is killed when. */
static bool
acknowledge(struct bench *b, const struct load_answer *a, struct err *err)
{
	char *serial = NULL, *line = NULL;
	bool ok = body_serial(b, &a->body, &serial, err);

	if (ok && (line = text_printf("%s\n", serial)) == NULL)
		ok = err_nomem(err);
	if (ok && write(b->acks_fd, line, strlen(line)) != (ssize_t)strlen(line))
		ok = err_errno(err, DIRCA_E_IO, "%s: cannot write", b->o->acks);
	free(serial);
	free(line);
	return ok;
}

static void
pause_for(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	nanosleep(&t, NULL);
}

/* The next request that was made before the clock ran; with --acks, where no clock counts, one that
 * is made now, for the caller to free. False: there is none any more. */
static bool
next_request(struct bench *b, struct buf *out, struct err *err)
{
	size_t i = atomic_fetch_add(&b->next_to_send, 1);

	*out = (struct buf){0};
	if (b->acks_fd != -1)
		return make_request(b, i, out, err);
	if (b->o->shape->again)
		return buf_dup(buf_view(&b->requests[i % (size_t)b->o->requests]), out, err);
	if (i < (size_t)b->o->requests) {
		*out = b->requests[i];
		b->requests[i] = (struct buf){0};
		return true;
	}
	atomic_compare_exchange_strong(&b->ran_out, &(long long){0}, load_now_ns());
	return false;
}

static bool
call(struct client *c, const struct buf *request, struct load_answer *a, struct err *err)
{
	const char *path = c->b->path;

	if (path != NULL)
		return load_call(&c->http, path, buf_view(request), a, err);
	OWNED(own_memory) char *line = mem_text_n(request->ptr, request->len);

	return load_call(&c->http, line, (struct view){0}, a, err);
}

/* False ends the thread. 5xx is what a dircad with a dying half answers; it promises nothing. */
static bool
one_call(struct client *c, struct err *err)
{
	struct bench *b = c->b;
	struct buf request;
	struct load_answer a;
	int64_t from, to;
	bool ok = true, endure = b->acks_fd != -1, answered;

	if (!next_request(b, &request, err))
		return atomic_load(&b->ran_out) != 0;
	from = load_now_ns();
	answered = call(c, &request, &a, err);
	buf_free(&request);
	if (!answered) {
		c->broken++;
		if (endure)
			pause_for(BROKEN_S);
		return endure;
	}
	to = load_now_ns();
	if (a.status == 202 && b->o->pending) {
		c->waiting++;
	} else if (a.status != 200) {
		c->broken++;
		if (endure && (a.status >= 500 || a.status == 401))
			pause_for(BROKEN_S);
		else
			ok = err_set(err, DIRCA_E_NETWORK, "HTTP status %d: %.*s", a.status,
			    (int)(a.body.len < 300 ? a.body.len : 300), (const char *)a.body.ptr);
	} else if (endure) {
		ok = acknowledge(b, &a, err);
		c->count += ok;
	} else if (from >= b->measure_from && to <= b->end) {
		ok = keep(c, to - from, &a, err);
	}
	load_answer_free(&a);
	if (b->o->pause > 0)
		pause_for(b->o->pause);
	return ok;
}

static void *
run_client(void *arg)
{
	struct client *c = arg;
	struct err err;

	while (load_now_ns() < c->b->end && !atomic_load(&stop) && !atomic_load(&c->b->failed) &&
	       atomic_load(&c->b->ran_out) == 0)
		if (!one_call(c, &err))
			complain(c->b, "enrolling", &err);
	load_close(&c->http);
	return NULL;
}

static bool
read_lines(struct bench *b, struct err *err)
{
	OWNED(buf_free) struct buf all = {0};
	char *text, *line;

	if (!file_read(b->o->file, FILE_MAX, &all, err))
		return false;
	text = mem_text_n(all.ptr, all.len); /* until the program ends */
	while ((line = strsep(&text, "\n")) != NULL)
		if (*line != '\0') {
			b->lines = mem_grow(b->lines, b->line_count, sizeof *b->lines);
			b->lines[b->line_count++] = line;
		}
	return b->line_count > 0 || err_set(err, DIRCA_E_IO, "%s: is empty", b->o->file);
}

static bool
prepare_peer(struct bench *b, struct err *err)
{
	const struct options *o = b->o;

	if (o->user != NULL && !load_basic(o->user, o->password_file, &b->basic, err))
		return false;
	if (o->ca_file != NULL && !load_tls(o->ca_file, &b->tls, err))
		return false;
	if (o->shape->make == make_line && !read_lines(b, err))
		return false;
	b->path = o->shape->by_template
		      ? text_printf("/.well-known/est/%s/simpleenroll", o->template_cn)
		      : mem_text(o->shape->path);
	return !o->shape->archived ||
	       load_xchg(&(struct load_client){.tls = b->tls, .port = o->port, .basic = b->basic},
		   &b->xchg, err);
}

static bool
prepare(struct bench *b, struct err *err)
{
	pthread_t threads[2];

	if (!oids_init(err) || !prepare_peer(b, err))
		return false;
	if (b->o->acks != NULL &&
	    (b->acks_fd = open(b->o->acks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot open", b->o->acks);
	for (int i = 0; !b->o->shape->of_file && i < KEYS; i++)
		if ((b->keys[i] = EVP_RSA_gen(2048)) == NULL)
			return err_openssl(err, DIRCA_E_CRYPTO, "a subject key could not be made");
	if (b->acks_fd != -1)
		return true;
	if ((b->requests = calloc((size_t)b->o->requests, sizeof *b->requests)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, make_requests, b) != 0)
			abort();
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return !atomic_load(&b->failed) || err_set(err, DIRCA_E_CRYPTO, "no requests");
}

static void
run_clients(struct bench *b, struct client *clients)
{
	b->measure_from = load_now_ns() + (int64_t)(b->o->warm_up * 1e9);
	b->end = b->measure_from + (int64_t)(b->o->seconds * 1e9);
	for (int i = 0; i < b->o->clients; i++) {
		clients[i] = (struct client){.b = b,
		    .http = {.tls = b->tls,
			.port = b->o->port,
			.basic = b->basic,
			.type = b->o->shape->type}};
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
			abort();
	}
	for (int i = 0; i < b->o->clients; i++)
		pthread_join(clients[i].thread, NULL);
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* When each call began and its answer was there: nanoseconds of the monotonic clock. */
static bool
write_timeline(const struct bench *b, const struct client *clients, struct err *err)
{
	OWNED(own_file) FILE *f = fopen(b->o->timeline, "we");

	for (int i = 0; f != NULL && i < b->o->clients; i++)
		for (size_t k = 0; k < clients[i].count; k++)
			fprintf(f, "%lld %lld\n",
			    (long long)(clients[i].samples[k].at_ns -
					clients[i].samples[k].latency_ns),
			    (long long)clients[i].samples[k].at_ns);
	return (f != NULL && fflush(f) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot write", b->o->timeline);
}

/* Decodes every kept answer; prints rate and latencies. */
static bool
report(struct bench *b, struct client *clients, struct err *err)
{
	int64_t *latencies = NULL, ran_out = atomic_load(&b->ran_out),
		end = ran_out != 0 && ran_out < b->end ? ran_out : b->end;
	size_t total = 0, n = 0;

	for (int i = 0; i < b->o->clients; i++)
		total += b->o->pending ? clients[i].waiting : clients[i].count;
	if (total == 0)
		return err_set(err, DIRCA_E_NETWORK, "no enrollment was answered");
	if (b->acks_fd != -1 || b->o->pending) {
		printf("%s %zu\n", b->o->pending ? "pending" : "acknowledged", total);
		return true;
	}
	if ((latencies = calloc(total, sizeof *latencies)) == NULL)
		return err_nomem(err);
	for (int i = 0; i < b->o->clients; i++)
		for (size_t k = 0; k < clients[i].count; k++) {
			if (b->o->shape->check != NULL &&
			    !b->o->shape->check(b, &clients[i].samples[k].body, err)) {
				free(latencies);
				return false;
			}
			buf_free(&clients[i].samples[k].body);
			latencies[n++] = clients[i].samples[k].latency_ns;
		}
	qsort(latencies, n, sizeof *latencies, by_size);
	printf("enrollments %zu rate %.1f p50_ms %.2f p99_ms %.2f\n", n,
	    (double)n / ((double)(end - b->measure_from) / 1e9), (double)latencies[n / 2] / 1e6,
	    (double)latencies[n - 1 - n / 100] / 1e6);
	free(latencies);
	return b->o->timeline == NULL || write_timeline(b, clients, err);
}

static bool
parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {{"port", 1, NULL, 'p'}, {"ca", 1, NULL, 'c'},
	    {"user", 1, NULL, 'u'}, {"password-file", 1, NULL, 'w'}, {"template", 1, NULL, 't'},
	    {"clients", 1, NULL, 'n'}, {"requests", 1, NULL, 'm'}, {"seconds", 1, NULL, 's'},
	    {"warm-up", 1, NULL, 'b'}, {"acks", 1, NULL, 'a'}, {"plain", 0, NULL, 'l'},
	    {"pending", 0, NULL, 'P'}, {"shape", 1, NULL, 'S'}, {"file", 1, NULL, 'f'},
	    {"timeline", 1, NULL, 'T'}, {"pause", 1, NULL, 'z'}, {NULL, 0, NULL, 0}};
	int c;

	*o = (struct options){.template_cn = "EFSArchive",
	    .shape = shape_named("archived"),
	    .clients = 8,
	    .requests = 8192,
	    .seconds = 15,
	    .warm_up = 2};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'p':
			o->port = optarg;
			break;
		case 'c':
			o->ca_file = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'w':
			o->password_file = optarg;
			break;
		case 't':
			o->template_cn = optarg;
			break;
		case 'n':
			o->clients = atoi(optarg);
			break;
		case 'm':
			o->requests = atoi(optarg);
			break;
		case 's':
			o->seconds = atof(optarg);
			break;
		case 'b':
			o->warm_up = atof(optarg);
			break;
		case 'a':
			o->acks = optarg;
			break;
		case 'l':
			o->shape = shape_named("plain");
			break;
		case 'S':
			o->shape = shape_named(optarg);
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'z':
			o->pause = atof(optarg);
			break;
		case 'T':
			o->timeline = optarg;
			break;
		case 'P':
			o->pending = true;
			break;
		default:
			return false;
		}
	return o->port != NULL && o->shape != NULL &&
	       (o->user == NULL) == (o->password_file == NULL) &&
	       (o->file != NULL) == o->shape->of_file && o->clients > 0 &&
	       o->clients <= CLIENTS_MAX && o->requests > 0 && o->requests <= REQUESTS_MAX &&
	       o->seconds > 0;
}

int
main(int argc, char **argv)
{
	struct client clients[CLIENTS_MAX];
	struct options o;
	struct bench b = {.o = &o, .acks_fd = -1};
	struct err err;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr,
		    "usage: bench_enroll --port N [--ca FILE] [--user NAME --password-file FILE]\n"
		    "       [--shape archived|plain|est|cfssl] [--shape ocsp|get --file FILE]\n"
		    "       [--template CN] [--clients N] [--requests N] [--seconds S] [--warm-up "
		    "S] [--pause S]\n"
		    "       [--acks FILE] [--timeline FILE] [--plain] [--pending]\n"
		    "Without --ca: plain HTTP. --file: a request of OCSP, or paths, one a line.\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	if (!secret_heap_init(1 << 20, true, &err) || !prepare(&b, &err)) {
		fprintf(stderr, "bench_enroll: %s\n", err.msg);
		return 1;
	}
	run_clients(&b, clients);
	if (atomic_load(&b.failed))
		return 1;
	if (!report(&b, clients, &err)) {
		fprintf(stderr, "bench_enroll: %s\n", err.msg);
		return 1;
	}
	return 0;
}
