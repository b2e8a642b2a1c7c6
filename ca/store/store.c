#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

/* SQLite counts what it allocates, under one lock for all threads, and nobody reads the sums. Too
 * late where something else of the process has used SQLite before: then it counts. */
static void
set_up_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	wal_file_set_up();
}

static bool
open_store(const char *path, bool create, struct store **out, struct err *err)
{
	OWNED(store_close) struct store *s = mem_zero(1, sizeof *s);

	static pthread_once_t once = PTHREAD_ONCE_INIT;

	*out = NULL;
	pthread_once(&once, set_up_sqlite);
	s->last = &s->first;
	s->audit_filter = AUDIT_FILTER_ALL;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->queued, NULL);
	pthread_mutex_init(&s->readers_lock, NULL);
	pthread_cond_init(&s->reader_idle, NULL);
	copyback_prepare(s);
	s->path = mem_text(path);
	if ((s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "SHA-256 for the audit trail");
	if (!conn_open(s->path, SQL_WRITER, create, &s->writer, err) || !writer_start(s, err))
		return false;
	*out = own_give(&s);
	return true;
}

bool
store_open(const char *path, struct store **out, struct err *err)
{
	return open_store(path, false, out, err);
}

bool
store_create(const char *path, struct store **out, struct err *err)
{
	return open_store(path, true, out, err);
}

void
store_close(struct store **store)
{
	struct store *s = *store;

	if (s == NULL)
		return;
	writer_stop(s);
	copyback_stop(s);
	readers_close(s);
	/* The last connection to close copies the WAL back and removes it. */
	conn_close(&s->writer);
	EVP_MD_free(s->sha256);
	pthread_cond_destroy(&s->reader_idle);
	pthread_mutex_destroy(&s->readers_lock);
	pthread_cond_destroy(&s->queued);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
	*store = NULL;
}
