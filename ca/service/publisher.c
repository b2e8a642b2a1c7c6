#include "publisher.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "publication.h"

struct publisher {
	struct ca *ca;
	pthread_t thread;
};

static void *
publish(void *arg)
{
	struct publisher *p = arg;

	while (ca_publication_wait(p->ca, ca_publish_owed(p->ca, clock_mono_ms())))
		;
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
