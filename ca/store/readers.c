/*
 * Read-only connections. One reading function uses one; they are opened when first needed and kept,
 * the warmest on top.
 */
#include <stdlib.h>

#include "store_priv.h"

static struct conn *
open_reader(struct store *s, struct err *err)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_nomem(err);
		return NULL;
	}
	if (!conn_open(s->path, SQL_READER, c, err)) {
		free(c);
		return NULL;
	}
	return c;
}

struct conn *
reader_take(struct store *s, struct err *err)
{
	struct conn *c = NULL;

	pthread_mutex_lock(&s->readers_lock);
	while (s->idle_count == 0 && s->reader_count == READERS_MAX)
		pthread_cond_wait(&s->reader_idle, &s->readers_lock);
	if (s->idle_count > 0)
		c = s->idle[--s->idle_count];
	else
		s->reader_count++;
	pthread_mutex_unlock(&s->readers_lock);
	if (c != NULL)
		return c;

	if ((c = open_reader(s, err)) == NULL) {
		pthread_mutex_lock(&s->readers_lock);
		s->reader_count--;
		pthread_cond_signal(&s->reader_idle);
		pthread_mutex_unlock(&s->readers_lock);
	}
	return c;
}

void
reader_give(struct store *s, struct conn *c)
{
	bool sound;

	if (c == NULL)
		return;
	/* A snapshot that could not be ended would keep the WAL from being reused. */
	sound = sqlite3_get_autocommit(c->db) != 0;
	if (!sound) {
		conn_close(c);
		free(c);
	}
	pthread_mutex_lock(&s->readers_lock);
	if (sound)
		s->idle[s->idle_count++] = c;
	else
		s->reader_count--;
	pthread_cond_signal(&s->reader_idle);
	pthread_mutex_unlock(&s->readers_lock);
}

void
readers_close(struct store *s)
{
	while (s->idle_count > 0) {
		struct conn *c = s->idle[--s->idle_count];

		conn_close(c);
		free(c);
	}
	s->reader_count = 0;
}
