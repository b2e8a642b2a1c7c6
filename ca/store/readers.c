/*
 * Read-only connections. One reading function uses one; they are opened when first needed and kept,
 * the warmest on top.
 */
#include <stdlib.h>

#include "store_priv.h"

static struct conn *
open_reader(struct store *s, struct err *err)
{
	OWNED(own_memory) struct conn *c = mem_zero(1, sizeof *c);

	return conn_open(s->path, SQL_READER, false, c, err) ? own_give(&c) : NULL;
}

/* A connection that waits, or NULL and the right to open one. */
static struct conn *
take_idle(struct store *s)
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
	return c;
}

/* NULL: it is closed, and another may be opened. */
static void
give_back(struct store *s, struct conn *c)
{
	pthread_mutex_lock(&s->readers_lock);
	if (c != NULL)
		s->idle[s->idle_count++] = c;
	else
		s->reader_count--;
	pthread_cond_signal(&s->reader_idle);
	pthread_mutex_unlock(&s->readers_lock);
}

struct reading
reading_begin(struct store *s, enum sql_id id, struct err *err)
{
	struct conn *c = take_idle(s);

	if (c == NULL && (c = open_reader(s, err)) == NULL)
		give_back(s, NULL);
	return (struct reading){s, c, id};
}

void
reading_end(struct reading *r)
{
	struct conn *c = r->conn;

	if (c == NULL)
		return;
	r->conn = NULL;
	sql_end(c, r->id);
	/* A snapshot that could not be ended would keep the WAL from being reused. */
	if (sqlite3_get_autocommit(c->db) == 0) {
		conn_close(c);
		free(c);
		c = NULL;
	}
	give_back(r->store, c);
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
