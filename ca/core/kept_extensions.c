#include "kept_extensions.h"

#include <pthread.h>
#include <stdlib.h>

#include "mem.h"

#define KEPT_MAX 64

struct kept {
	struct buf made_of;
	struct extension_runs runs;
};

struct kept_extensions {
	pthread_mutex_t lock;
	struct kept list[KEPT_MAX];
	size_t count, next; /* the one that is replaced, once the list is full */
};

struct kept_extensions *
kept_extensions_new(void)
{
	struct kept_extensions *k = mem_zero(1, sizeof *k);

	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
extension_runs_free(struct extension_runs *r)
{
	buf_free(&r->der);
	*r = (struct extension_runs){0};
}

static bool
copy(const struct extension_runs *from, struct extension_runs *out)
{
	struct err ignored;

	*out = *from;
	return buf_dup(buf_view(&from->der), &out->der, &ignored);
}

/* Under the lock. */
static const struct kept *
find(const struct kept_extensions *k, struct view made_of)
{
	for (size_t i = 0; i < k->count; i++)
		if (view_eq(buf_view(&k->list[i].made_of), made_of))
			return &k->list[i];
	return NULL;
}

bool
kept_extensions_find(struct kept_extensions *k, struct view made_of, struct extension_runs *out)
{
	const struct kept *found;
	bool ok;

	*out = (struct extension_runs){0};
	if (k == NULL)
		return false;
	pthread_mutex_lock(&k->lock);
	found = find(k, made_of);
	ok = found != NULL && copy(&found->runs, out);
	pthread_mutex_unlock(&k->lock);
	return ok;
}

static void
kept_free(struct kept *kept)
{
	buf_free(&kept->made_of);
	extension_runs_free(&kept->runs);
}

/* Under the lock. */
static void
add(struct kept_extensions *k, struct view made_of, const struct extension_runs *runs)
{
	struct kept fresh = {0};
	struct err ignored;

	if (find(k, made_of) != NULL)
		return; /* another thread was faster */
	if (!buf_dup(made_of, &fresh.made_of, &ignored) || !copy(runs, &fresh.runs)) {
		kept_free(&fresh);
		return;
	}
	kept_free(&k->list[k->next]);
	k->list[k->next] = fresh;
	k->next = (k->next + 1) % KEPT_MAX;
	if (k->count < KEPT_MAX)
		k->count++;
}

void
kept_extensions_add(
    struct kept_extensions *k, struct view made_of, const struct extension_runs *runs)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	add(k, made_of, runs);
	pthread_mutex_unlock(&k->lock);
}

void
kept_extensions_free(struct kept_extensions **k)
{
	if (*k == NULL)
		return;
	for (size_t i = 0; i < (*k)->count; i++)
		kept_free(&(*k)->list[i]);
	pthread_mutex_destroy(&(*k)->lock);
	free(*k);
	*k = NULL;
}
