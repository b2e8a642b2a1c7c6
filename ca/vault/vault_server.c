/* The vault's process: load, start a thread a socket, close the sandbox, serve until the supervisor
 * hangs up. */
#include "vault_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "clock.h"
#include "key_uri.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "oids.h"

#define SECURE_HEAP  (1 << 20)
#define DRAIN_MAX    (2u << 20) /* more than any request of a client can make */
#define THREAD_STACK (1 << 20)
#define PURGE_MS     60000
/* The clock of a machine that starts may not be right yet, and nothing is known of how it went. */
#define SETTLE_MS 3600000
#define KEEP_MAX  (1 << 20) /* bytes of a buffer that are kept between requests */

struct server;

struct thread {
	struct server *server;
	struct vault_worker worker;
	pthread_t id;
	int fd;
};

struct server {
	const struct vault_config *config;
	struct vault_state state;
	struct thread *threads;
	size_t started;
	atomic_size_t running;
	pthread_mutex_t gate_lock; /* closed until the sandbox is; or until start-up failed */
	pthread_cond_t gate;
	bool gate_open, failed;
	pthread_t keeper;
	bool keeping, stopping; /* under gate_lock */
};

/* A buffer that one CRL made large is not kept for ever. */
static void
trim(struct buf *b)
{
	if (b->cap > KEEP_MAX)
		buf_free(b);
}

/* One request and its answer; false ends the connection. */
static bool
serve_one(struct vault_worker *w, int fd, bool control, struct err *err)
{
	struct err reason;
	uint32_t len, max;
	bool ok = false;
	uint8_t op;

	*err = (struct err){.code = ERR_OK};
	if (wire_receive_header(fd, &op, &len, err) != WIRE_OK)
		return false;
	if (!vault_request_max(op, control, &max))
		err_set(err, E_INVALIDARG, "the vault has no operation %u on this socket", op);
	else if (len > max)
		err_set(err, DIRCA_E_TOO_LARGE,
		    "a vault request of %u bytes; operation %u takes at most %u", (unsigned)len, op,
		    (unsigned)max);
	if (err->code != ERR_OK) {
		struct err refusal = *err;

		/* What a client's request led to costs that request, not the socket. */
		if (len <= DRAIN_MAX && wire_receive_body(fd, len, &w->request, err)) {
			*err = (struct err){.code = ERR_OK};
			ok = vault_reply_error(w, &refusal, err) && wire_send(fd, &w->reply, err);
			trim(&w->request);
			return ok;
		}
		/* The rest is not read: nobody holds memory for what will be refused. */
		if (vault_reply_error(w, err, &reason))
			wire_send(fd, &w->reply, &reason);
		return false;
	}
	ok = wire_receive_body(fd, len, &w->request, err) &&
	     vault_dispatch(w, op, control, buf_view(&w->request), err) &&
	     wire_send(fd, &w->reply, err);
	trim(&w->request);
	trim(&w->reply);
	return ok;
}

static void
serve(struct vault_worker *w, int fd, bool control)
{
	struct err err;

	while (serve_one(w, fd, control, &err))
		ERR_clear_error();
	if (err.code != ERR_OK)
		log_warn("vault connection ended", LOG_REASON(&err));
}

static void *
thread_main(void *context)
{
	struct thread *t = context;
	struct server *s = t->server;
	bool serving;

	pthread_mutex_lock(&s->gate_lock);
	while (!s->gate_open)
		pthread_cond_wait(&s->gate, &s->gate_lock);
	serving = !s->failed;
	pthread_mutex_unlock(&s->gate_lock);
	if (serving)
		serve(&t->worker, t->fd, false);
	shutdown(t->fd, SHUT_RDWR);
	/* With the last front socket gone nobody can ask any more: wake the control loop to its
	 * end. */
	if (atomic_fetch_sub(&s->running, 1) == 1)
		shutdown(s->config->control_fd, SHUT_RDWR);
	return NULL;
}

/* A secure heap that was made before a fork is not locked into memory here (mlock does not survive
 * fork): an own one takes its place unless it holds something; then mlockall must do. */
static bool
own_secure_heap(struct err *err)
{
	if (CRYPTO_secure_malloc_initialized() && CRYPTO_secure_malloc_done() != 1)
		return true;
	return secret_heap_init(SECURE_HEAP, false, err);
}

/* Whatever OpenSSL and libc open or fetch at their first use happens now. */
static bool
warm_up(struct vault_state *state, struct err *err)
{
	OWNED(buf_free) struct buf signature = {0};
	uint8_t random[16];
	bool ok;

	ok = OPENSSL_init_crypto(
		 OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
	     RAND_bytes(random, sizeof random) == 1 && RAND_priv_bytes(random, sizeof random) == 1;
	for (size_t i = 0; ok && i < state->key_count; i++) {
		buf_free(&signature);
		ok = ca_key_sign(
		    state->keys[i].key, view_of(random, sizeof random), &signature, err);
	}
	return ok;
}

/* ---- the keeper: what the vault does by its own clock ---- */

static void
wait_a_second(struct server *s)
{
	struct timespec until = clock_timespec(clock_mono_ms() + 1000);

	pthread_mutex_lock(&s->gate_lock);
	if (!s->stopping)
		pthread_cond_timedwait(&s->gate, &s->gate_lock, &until);
	pthread_mutex_unlock(&s->gate_lock);
}

static bool
is_stopping(struct server *s)
{
	bool stopping;

	pthread_mutex_lock(&s->gate_lock);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->gate_lock);
	return stopping;
}

/* Those of certificates that have ended, if the clock is to be believed, and retired ones. */
static void
purge(struct server *s, bool settled)
{
	struct vault_time t = vault_time();
	struct err err;

	if (!settled)
		t.now = INT64_MIN;
	if (!vault_xchgs_purge(&s->state.xchgs, t, &err) ||
	    !vault_xchgs_purge(&s->state.imports, t, &err))
		log_error("an exchange key was not destroyed", LOG_REASON(&err));
}

/* Once a second the journal and what was opened reach the disk, once a minute exchange keys are
 * destroyed. */
static void *
keeper_main(void *context)
{
	struct server *s = context;
	int64_t now, started = clock_boot_ms(), purged = started - PURGE_MS;
	struct err err;

	while (!is_stopping(s)) {
		if (!journal_sync(&s->state.journal, &err))
			log_error("the journal may not be on the disk", LOG_REASON(&err));
		if (!vault_xchgs_sync(&s->state.xchgs, &err) ||
		    !vault_xchgs_sync(&s->state.imports, &err))
			log_error("what was opened may not be on the disk", LOG_REASON(&err));
		now = clock_boot_ms();
		if (now - purged >= PURGE_MS) {
			purged = now;
			purge(s, now - started >= SETTLE_MS);
		}
		wait_a_second(s);
	}
	return NULL;
}

static bool
start_keeper(struct server *s, const pthread_attr_t *attr, struct err *err)
{
	int rc = pthread_create(&s->keeper, attr, keeper_main, s);

	s->keeping = rc == 0;
	errno = rc;
	return s->keeping ||
	       err_errno(err, DIRCA_E_INTERNAL, "a thread of the vault could not be started");
}

/* After the last signature. */
static void
stop_keeper(struct server *s)
{
	struct journal_entry stopped = {.kind = JOURNAL_STOPPED};
	struct err err;

	pthread_mutex_lock(&s->gate_lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->gate);
	pthread_mutex_unlock(&s->gate_lock);
	if (!s->keeping)
		return;
	pthread_join(s->keeper, NULL);
	if (!journal_add(&s->state.journal, &stopped, (struct view){0}, clock_now(), &err) ||
	    !journal_sync(&s->state.journal, &err))
		log_error("the journal does not say that the vault stopped", LOG_REASON(&err));
}

/* ---- starting and stopping ---- */

static bool
start_thread(struct server *s, size_t i, const pthread_attr_t *attr, struct err *err)
{
	struct thread *t = &s->threads[i];
	int rc;

	t->server = s;
	t->fd = s->config->fds[i];
	if (!vault_worker_open(&t->worker, &s->state, i, err))
		return false;
	atomic_fetch_add(&s->running, 1);
	if ((rc = pthread_create(&t->id, attr, thread_main, t)) != 0) {
		atomic_fetch_sub(&s->running, 1);
		vault_worker_close(&t->worker);
		errno = rc;
		return err_errno(
		    err, DIRCA_E_INTERNAL, "a thread of the vault could not be started");
	}
	s->started++;
	return true;
}

static bool
start_threads(struct server *s, struct err *err)
{
	pthread_attr_t attr;
	bool ok = true;

	s->threads = mem_zero(s->config->fd_count, sizeof *s->threads);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	for (size_t i = 0; i < s->config->fd_count && ok; i++)
		ok = start_thread(s, i, &attr, err);
	ok = ok && start_keeper(s, &attr, err);
	pthread_attr_destroy(&attr);
	return ok;
}

static void
open_gate(struct server *s, bool failed)
{
	pthread_mutex_lock(&s->gate_lock);
	s->gate_open = true;
	s->failed = failed;
	pthread_cond_broadcast(&s->gate);
	pthread_mutex_unlock(&s->gate_lock);
}

static void
stop_threads(struct server *s)
{
	for (size_t i = 0; i < s->started; i++)
		shutdown(s->threads[i].fd, SHUT_RDWR);
	for (size_t i = 0; i < s->started; i++) {
		pthread_join(s->threads[i].id, NULL);
		vault_worker_close(&s->threads[i].worker);
	}
	free(s->threads);
}

static int
highest_fd(const struct vault_config *config)
{
	int highest = config->control_fd;

	for (size_t i = 0; i < config->fd_count; i++)
		if (config->fds[i] > highest)
			highest = config->fds[i];
	return highest;
}

static bool
load(struct server *s, struct err *err)
{
	return own_secure_heap(err) && oids_init(err) &&
	       vault_state_open(&s->state, s->config, err) && warm_up(&s->state, err);
}

static bool
has_tokens(const struct vault_state *state)
{
	bool any = false;

	for (size_t i = 0; i < state->key_count; i++)
		any = any || key_is_on_token(state->keys[i].key);
	return any || vault_xchgs_on_token(&state->xchgs);
}

/* Landlock is inherited by threads that are started after it, seccomp can be put on all of them at
 * once: so the threads start between the two, and wait. Nothing needs clone() afterwards. */
static bool
start(struct server *s, struct err *err)
{
	const struct vault_config *c = s->config;

	return (!c->sandbox || vault_sandbox_prepare(c->folder, highest_fd(c), err)) &&
	       start_threads(s, err) &&
	       (!c->sandbox || vault_sandbox_close(has_tokens(&s->state), err));
}

static int
load_and_serve(struct server *s)
{
	struct vault_worker control;
	struct err err;
	bool ok;

	if (!load(s, &err)) {
		log_error("vault not started", LOG_REASON(&err));
		return 1;
	}
	if (!vault_worker_open(&control, &s->state, 0, &err) || !start(s, &err)) {
		log_error("vault not started", LOG_REASON(&err));
		ok = false;
	} else {
		log_info("vault started", LOG_INT("exchange_keys", (int64_t)s->state.xchgs.count),
		    LOG_INT("threads", (int64_t)s->started),
		    LOG_INT("sandbox", s->config->sandbox));
		ok = true;
	}
	open_gate(s, !ok);
	if (ok)
		serve(&control, s->config->control_fd, true);
	stop_threads(s);
	stop_keeper(s);
	vault_worker_close(&control);
	vault_state_close(&s->state);
	return ok ? 0 : 1;
}

int
vault_run(const struct vault_config *config)
{
	struct server s = {.config = config};

	/* The supervisor says when to end; a terminal's signals are not for this process. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	pthread_mutex_init(&s.gate_lock, NULL);
	clock_cond_init(&s.gate);
	atomic_init(&s.running, 0);
	return load_and_serve(&s);
}
