#include "housekeeper.h"

#include <pthread.h>
#include <stdlib.h>

#include "cases.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "vault_lost.h"

#define MAINTAIN_EVERY_MS 60000
/* Everything is read anew so often whatever the watch says: far below CA_VIEW_MAX_AGE_S. */
#define RELOAD_EVERY_MS 30000
#define RETRY_MS        1000 /* after a failure */
/* Between the end of a reload and the next: a burst of changes makes a few of them. */
#define GAP_MS        100
#define WARN_EVERY_MS (INT64_C(86400) * 1000)
/* How soon it is seen that somebody set the clock, or that there is something to do. */
#define LOOK_EVERY_MS 1000

struct housekeeper {
	struct ca *ca;
	struct vault vault;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping, now;
	struct clock_watch clock;
	bool maintain;                             /* at the next turn, whenever the last was */
	int64_t ended_ms;                          /* of the last reload, on the monotonic clock */
	int64_t warned_ms;                         /* when warnings were logged; 0: never */
	enum err_code refresh_code, maintain_code; /* last outcome: a lasting failure is logged
						      once, and once when it ends */
};

/* Logs a change of an outcome. */
static void
note(const char *what, bool ok, const struct err *err, enum err_code *last)
{
	enum err_code code = ok ? ERR_OK : err->code;

	if (code == *last)
		return;
	if (ok)
		log_info("works again", LOG_STR("what", what));
	else
		log_error("failed", LOG_STR("what", what), LOG_REASON(err));
	*last = code;
}

/* When the next reload is due. */
static int64_t
next_turn(const struct housekeeper *h)
{
	if (h->now)
		return h->ended_ms + GAP_MS;
	return h->ended_ms + (h->refresh_code == ERR_OK && h->maintain_code == ERR_OK
				     ? RELOAD_EVERY_MS
				     : RETRY_MS);
}

/* After a step of the clock what is valid, and what is due, may be something else. */
static void
look_around(struct housekeeper *h)
{
	int64_t step = clock_watch_step(&h->clock);

	if (step != 0)
		log_warn("the clock was set", LOG_INT("seconds", step));
	if (step != 0 || ca_wants_maintenance(h->ca))
		h->now = h->maintain = true;
}

/* Waits for the next reload or the end; false at the end. */
static bool
wait_turn(struct housekeeper *h)
{
	int64_t due, now;
	bool go;

	pthread_mutex_lock(&h->lock);
	while (!h->stopping && (due = next_turn(h)) > (now = clock_mono_ms())) {
		int64_t look = due < now + LOOK_EVERY_MS ? due : now + LOOK_EVERY_MS;
		struct timespec until = clock_timespec(look);

		pthread_cond_timedwait(&h->wake, &h->lock, &until);
		look_around(h);
	}
	h->now = false;
	go = !h->stopping;
	pthread_mutex_unlock(&h->lock);
	return go;
}

static void
reload(struct housekeeper *h)
{
	int64_t begun = clock_mono_ms();
	struct err err;
	bool ok = ca_refresh(h->ca, &h->vault, &err);

	vault_lost(&h->vault);
	h->ended_ms = clock_mono_ms();
	note("reading the directory", ok, &err, &h->refresh_code);
	if (ok)
		log_debug("directory read", LOG_INT("ms", h->ended_ms - begun));
}

/* At the start and each day. */
static void
log_warnings(struct housekeeper *h)
{
	OWNED(texts_free) struct texts list = {0};
	int64_t now = clock_boot_ms();

	if (h->warned_ms != 0 && now - h->warned_ms < WARN_EVERY_MS)
		return;
	h->warned_ms = now;
	ca_warnings(h->ca, clock_now(), &list);
	for (size_t i = 0; i < list.count; i++)
		log_warn("needs attention", LOG_STR("reason", list.list[i]));
}

static void *
keep(void *arg)
{
	struct housekeeper *h = arg;
	int64_t maintained = clock_boot_ms();
	struct err err, later;

	while (wait_turn(h)) {
		int64_t now;
		bool ok;

		reload(h);
		now = clock_boot_ms();
		if (now - maintained < MAINTAIN_EVERY_MS && h->maintain_code == ERR_OK &&
		    !h->maintain)
			continue;
		maintained = now;
		h->maintain = false;
		ok = ca_maintain(h->ca, &h->vault, clock_now(), &err);
		if (!recover_cases_tend(h->ca, clock_now(), &later) && ok) {
			err = later;
			ok = false;
		}
		note("maintenance", ok, &err, &h->maintain_code);
		vault_lost(&h->vault);
		log_warnings(h);
	}
	return NULL;
}

bool
housekeeper_start(struct ca *ca, int vault_fd, struct housekeeper **out, struct err *err)
{
	OWNED(own_memory) struct housekeeper *h = mem_zero(1, sizeof *h);

	*out = NULL;
	h->ca = ca;
	h->vault.fd = vault_fd;
	pthread_mutex_init(&h->lock, NULL);
	clock_cond_init(&h->wake);
	h->ended_ms = clock_mono_ms();
	clock_watch_begin(&h->clock);
	if (pthread_create(&h->thread, NULL, keep, h) != 0) {
		pthread_mutex_destroy(&h->lock);
		pthread_cond_destroy(&h->wake);
		return err_set(
		    err, DIRCA_E_INTERNAL, "the housekeeping thread could not be started");
	}
	*out = own_give(&h);
	return true;
}

void
housekeeper_wake(struct housekeeper *h)
{
	pthread_mutex_lock(&h->lock);
	h->now = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

void
housekeeper_stop(struct housekeeper **hp)
{
	struct housekeeper *h = *hp;

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->wake);
	free(h);
	*hp = NULL;
}
