/*
 * dircad, built from its own sources, whose supervisor starts front and vault under callgrind, and
 * whose front and vault dump its counts for so many enrollments: tests/bench/budget. Each counts
 * its own ones, the front by calls of the route, the vault by certificates that it is asked to
 * sign, so that what is counted begins and ends at the same point of an enrollment.
 *
 * In the environment: BUDGET_OUT, the prefix of callgrind's files, which end in the process id;
 * BUDGET_PHASES, "NAME WARM COUNT,..." in the order in which they come. The last enrollment of a
 * phase only ends the counting.
 */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

#include "clock.h"
#include "http.h"
#include "http_priv.h"
#include "mem.h"
#include "pool.h"
#include "principal_cache.h"
#include "routes.h"
#include "service.h"
#include "vault_priv.h"
#include "workers.h"

#define PATH "/.well-known/est/fullcmc"
/* Callers that are told apart: the stage of whatever is called is that of the nearest of them that
 * has one. */
#define CALLERS "64"

int __wrap_execl(const char *path, const char *arg, ...);
bool __real_ca_refresh(struct ca *ca, struct vault *v, struct err *err);
bool __wrap_ca_refresh(struct ca *ca, struct vault *v, struct err *err);
bool __wrap_ca_view_is_fresh(const struct ca_view *v, int64_t boot_ms);
bool __real_dir_pool_take(struct dir_pool *p, struct dir_conn **out, struct err *err);
bool __wrap_dir_pool_take(struct dir_pool *p, struct dir_conn **out, struct err *err);
void __real_dir_pool_give(struct dir_pool *p, struct dir_conn **conn);
void __wrap_dir_pool_give(struct dir_pool *p, struct dir_conn **conn);
void __real_http_connection_look(struct http_connection *c, int64_t now);
void __wrap_http_connection_look(struct http_connection *c, int64_t now);
void __real_route_dispatch(struct ca *ca, struct vault *vault, struct http_call *call);
void __wrap_route_dispatch(struct ca *ca, struct vault *vault, struct http_call *call);
bool __real_vault_dispatch(
    struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err);
bool __wrap_vault_dispatch(
    struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err);
bool __wrap_principal_cache_get(struct principal_cache *cache, const struct identity *id,
    int64_t now_ms, struct principal *out);
int __real_supervisor_run(const struct config *config, const char *path);
int __wrap_supervisor_run(const struct config *config, const char *path);
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
bool __real_vault_limit(int fd, int seconds, struct err *err);
bool __wrap_vault_limit(int fd, int seconds, struct err *err);
bool __real_workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched,
    struct workers **out, struct err *err);
bool __wrap_workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched,
    struct workers **out, struct err *err);
bool __real_vault_worker_open(
    struct vault_worker *w, struct vault_state *state, size_t index, struct err *err);
bool __wrap_vault_worker_open(
    struct vault_worker *w, struct vault_state *state, size_t index, struct err *err);

/* ---- the supervisor, to which what is counted looks as if it hung ---- */

static int64_t patience = 1; /* times the supervisor's own */

int
__wrap_supervisor_run(const struct config *config, const char *path)
{
	patience = 100;
	return __real_supervisor_run(config, path);
}

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() / patience;
}

bool
__wrap_vault_limit(int fd, int seconds, struct err *err)
{
	return __real_vault_limit(fd, seconds * (int)patience, err);
}

/* As the supervisor calls it: "dircad", and four arguments. */
int
__wrap_execl(const char *path, const char *arg, ...)
{
	char self[PATH_MAX] = "", out[PATH_MAX + 32];
	const char *given[4];
	va_list args;

	if (readlink(path, self, sizeof self - 1) < 0)
		return -1;
	snprintf(out, sizeof out, "--callgrind-out-file=%s.%%p", getenv("BUDGET_OUT"));
	va_start(args, arg);
	for (size_t i = 0; i < COUNT_OF(given); i++)
		given[i] = va_arg(args, const char *);
	va_end(args);
	return execlp("valgrind", "valgrind", "-q", "--tool=callgrind", "--fair-sched=try",
	    "--instr-atstart=no", "--separate-callers=" CALLERS, out, self, given[0], given[1],
	    given[2], given[3], (char *)NULL);
}

/* ---- from where on callgrind looks: starting up would take three times as long ---- */

bool
__wrap_workers_start(struct ca *ca, const int *vault_fds, size_t count, bool watched,
    struct workers **out, struct err *err)
{
	/* One thread for enrollments: another one that came to its first would make what is made
	 * once for a thread. */
	const size_t idle = SERVICE_WORKER_THREADS - 1;

	CALLGRIND_START_INSTRUMENTATION;
	return __real_workers_start(ca, vault_fds + idle, count - idle, watched, out, err);
}

bool
__wrap_vault_worker_open(
    struct vault_worker *w, struct vault_state *state, size_t index, struct err *err)
{
	CALLGRIND_START_INSTRUMENTATION;
	return __real_vault_worker_open(w, state, index, err);
}

/* ---- what is counted ---- */

/* Everybody comes for the first time, however slowly. */
bool
__wrap_principal_cache_get(
    struct principal_cache *cache, const struct identity *id, int64_t now_ms, struct principal *out)
{
	(void)cache, (void)id, (void)now_ms;
	*out = (struct principal){0};
	return false;
}

/* No client is too slow. */
void
__wrap_http_connection_look(struct http_connection *c, int64_t now)
{
	(void)now;
	__real_http_connection_look(c, 0);
}

/* One at a time, so that nobody who comes while the housekeeper reads the directory makes another
 * connection. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

bool
__wrap_dir_pool_take(struct dir_pool *p, struct dir_conn **out, struct err *err)
{
	pthread_mutex_lock(&turn);
	if (__real_dir_pool_take(p, out, err))
		return true;
	pthread_mutex_unlock(&turn);
	return false;
}

void
__wrap_dir_pool_give(struct dir_pool *p, struct dir_conn **conn)
{
	bool had = *conn != NULL;

	__real_dir_pool_give(p, conn);
	if (had)
		pthread_mutex_unlock(&turn);
}

static long done; /* enrollments that have begun */

/* What the directory says is read once: a view that replaces another one in the midst of what is
 * counted has its extensions made anew. */
bool
__wrap_ca_refresh(struct ca *ca, struct vault *v, struct err *err)
{
	return __atomic_load_n(&done, __ATOMIC_RELAXED) > 0 || __real_ca_refresh(ca, v, err);
}

bool
__wrap_ca_view_is_fresh(const struct ca_view *v, int64_t boot_ms)
{
	(void)v, (void)boot_ms;
	return true;
}

/* The next enrollment begins. */
static void
count(void)
{
	long begins = 0, warm, many;
	char name[32];
	int used;

	for (const char *p = getenv("BUDGET_PHASES"); p != NULL; p += used + (p[used] == ',')) {
		if (sscanf(p, "%31s %ld %ld%n", name, &warm, &many, &used) != 3)
			break;
		if (done == begins + warm)
			CALLGRIND_ZERO_STATS;
		else if (done == begins + warm + many)
			CALLGRIND_DUMP_STATS_AT(name);
		begins += warm + many + 1;
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
}

void
__wrap_route_dispatch(struct ca *ca, struct vault *vault, struct http_call *call)
{
	if (strcmp(call->path, PATH) == 0)
		count();
	__real_route_dispatch(ca, vault, call);
}

bool
__wrap_vault_dispatch(
    struct vault_worker *w, uint8_t op, bool control, struct view body, struct err *err)
{
	if (op == VAULT_OP_ISSUE)
		count();
	return __real_vault_dispatch(w, op, control, body, err);
}
