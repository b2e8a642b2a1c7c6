#include "publisher.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "publication.h"

#define LOOK_EVERY_S  60
#define RETRY_AFTER_S 10

struct publisher {
	struct ca *ca;
	pthread_t thread;
};

/* A lasting failure is logged once, and once when it ends. */
static void *
publish(void *arg)
{
	struct publisher *p = arg;
	enum err_code last = ERR_OK;
	bool ok, go = true;
	struct err err;

	while (go) {
		ok = ca_publish_owed(p->ca, clock_now(), &err);
		if (!ok && err.code != last)
			log_error(
			    "not everything is published in the directory; the CA tries again",
			    LOG_REASON(&err));
		else if (ok && last != ERR_OK)
			log_info("works again", LOG_STR("what", "publishing in the directory"));
		last = ok ? ERR_OK : err.code;
		go = ca_publication_wait(p->ca, ok ? LOOK_EVERY_S : RETRY_AFTER_S, !ok);
	}
	return NULL;
}

bool
publisher_start(struct ca *ca, struct publisher **out, struct err *err)
{
	OWNED(own_memory) struct publisher *p = mem_zero(1, sizeof *p);

	*out = NULL;
	p->ca = ca;
	if (pthread_create(&p->thread, NULL, publish, p) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "the publishing thread could not be started");
	*out = own_give(&p);
	return true;
}

void
publisher_stop(struct publisher **pp)
{
	if (*pp == NULL)
		return;
	ca_publication_stop((*pp)->ca);
	pthread_join((*pp)->thread, NULL);
	free(*pp);
	*pp = NULL;
}
