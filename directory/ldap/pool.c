#include "pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "conn_priv.h"
#include "mem.h"

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MOST_MS  5000

struct dir_pool {
	const struct dir_config *config;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* on the monotonic clock */
	struct dir_conn **idle; /* room for `most`; taken from the end */
	size_t idle_count;
	size_t open; /* idle, lent and being connected */
	size_t most;
	bool in_trouble;    /* a connection broke or could not be made, and none was made since */
	bool trying;        /* in trouble: one thread finds out whether the directory answers */
	int64_t backoff_ms; /* 0: the last connect succeeded */
	int64_t retry_at_ms;
	struct err last;
};

bool
dir_pool_open(const struct dir_config *config, size_t most, struct dir_pool **out, struct err *err)
{
	struct dir_pool *p = mem_zero(1, sizeof *p);

	(void)err;
	if (most == 0)
		most = 1;
	p->idle = mem_zero(most, sizeof(struct dir_conn *));
	p->config = config;
	p->most = most;
	pthread_mutex_init(&p->lock, NULL);
	clock_cond_init(&p->changed);
	*out = p;
	return true;
}

static void
drop_idle(struct dir_pool *p)
{
	while (p->idle_count > 0) {
		dir_disconnect(&p->idle[--p->idle_count]);
		p->open--;
	}
}

void
dir_pool_close(struct dir_pool **pool)
{
	struct dir_pool *p = *pool;

	if (p == NULL)
		return;
	drop_idle(p);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->idle);
	free(p);
	*pool = NULL;
}

/* Under the lock: an idle connection that the server has not closed meanwhile, to the server that
 * everybody works with; or NULL. */
static struct dir_conn *
take_idle(struct dir_pool *p)
{
	while (p->idle_count > 0) {
		struct dir_conn *c = p->idle[--p->idle_count];

		if (dir_conn_is_quiet(c) && dir_conn_is_preferred(c))
			return c;
		dir_disconnect(&c);
		p->open--;
	}
	return NULL;
}

/* While the directory does not answer, nobody waits for it: within the back-off, and while one
 * thread tries again. */
static bool
is_down(struct dir_pool *p, struct err *err)
{
	int64_t left = p->retry_at_ms - clock_mono_ms();

	if (p->backoff_ms == 0 || (left <= 0 && !p->trying))
		return false;
	*err = p->last;
	if (p->trying)
		err_prefix(err, "being tried again now");
	else
		err_prefix(err, "next try in %lld ms", (long long)left);
	err->code = DIRCA_E_DIRECTORY_UNAVAILABLE;
	return true;
}

static void
note_failure(struct dir_pool *p, const struct err *err)
{
	p->in_trouble = true;
	p->last = *err;
	p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_FIRST_MS : p->backoff_ms * 2;
	if (p->backoff_ms > BACKOFF_MOST_MS)
		p->backoff_ms = BACKOFF_MOST_MS;
	p->retry_at_ms = clock_mono_ms() + p->backoff_ms;
}

/* Under the lock, which is open while the connection is made: other threads go on giving and
 * taking. */
static bool
connect_one(struct dir_pool *p, struct dir_conn **out, struct err *err)
{
	bool alone = p->in_trouble, ok;

	p->open++;
	p->trying = alone;
	pthread_mutex_unlock(&p->lock);
	ok = dir_connect(p->config, out, err);
	pthread_mutex_lock(&p->lock);
	if (alone)
		p->trying = false;
	if (ok) {
		p->in_trouble = false;
		p->backoff_ms = 0;
	} else {
		p->open--;
		note_failure(p, err);
	}
	pthread_cond_broadcast(&p->changed);
	return ok;
}

static struct timespec
wait_until(const struct dir_pool *p)
{
	struct timeval wait;

	dir_conn_timeout(p->config, &wait);
	return clock_timespec(clock_mono_ms() + wait.tv_sec * 1000 + wait.tv_usec / 1000);
}

static void
waited_in_vain(const struct dir_pool *p, struct err *err)
{
	if (p->trying)
		err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "a connection to the directory broke, and a new one takes too long");
	else
		err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "all %zu connections to the directory are busy; raise their number or "
		    "make it answer faster",
		    p->most);
}

bool
dir_pool_take(struct dir_pool *p, struct dir_conn **out, struct err *err)
{
	struct timespec until = wait_until(p);
	bool ok = false, timed_out = false;

	*out = NULL;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		if ((*out = take_idle(p)) != NULL) {
			ok = true;
			break;
		}
		if (is_down(p, err))
			break;
		if (p->open < p->most && !p->trying) {
			ok = connect_one(p, out, err);
			break;
		}
		if (timed_out) {
			waited_in_vain(p, err);
			break;
		}
		timed_out = pthread_cond_timedwait(&p->changed, &p->lock, &until) != 0;
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

void
dir_pool_give(struct dir_pool *p, struct dir_conn **conn)
{
	if (*conn == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (dir_conn_is_broken(*conn)) {
		/* What broke it, a restart of the server say, most likely broke the idle ones too.
		 */
		p->in_trouble = true;
		drop_idle(p);
		dir_disconnect(conn);
		p->open--;
	} else {
		p->idle[p->idle_count++] = *conn;
		*conn = NULL;
	}
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

void
dir_pool_try_now(struct dir_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->retry_at_ms = 0;
	pthread_mutex_unlock(&p->lock);
}

const struct dir_config *
dir_pool_config(const struct dir_pool *p)
{
	return p->config;
}
