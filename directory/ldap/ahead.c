#include "ahead.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "conn_priv.h"
#include "mem.h"
#include "own_ldap.h"

/* What a connection remembers: so many works, and so many octets of their questions. */
#define WORKS_MAX      256
#define BYTES_MAX      ((size_t)4 << 20)
#define WORK_BYTES_MAX ((size_t)256 << 10)
/* Sent at once: fewer operations than any server allows to one connection (conn_max_pending of
 * slapd is 100), and no more than fits into what lies between, since nothing is read meanwhile. */
#define TOGETHER_MAX       48
#define TOGETHER_BYTES_MAX ((size_t)64 << 10)
/* Uses of a work after an answer that was of no use, before it is tried again whether more of it
 * can be foreseen. */
#define SHUT_USES 100

struct question {
	char *base, *filter, **attrs; /* attrs as in dir_query */
	enum dir_scope scope;
	int size_limit;
	size_t bytes;
};

struct work {
	char *name;
	struct question *list;
	size_t count, bytes;
	unsigned shut; /* uses in which nothing is learned */
};

struct dir_ahead {
	struct work *works[WORKS_MAX]; /* the one that was used last is the first */
	size_t count, bytes;

	const char *name; /* of the work that is done now; NULL: none */
	struct work *now; /* NULL: nothing is known of it */
	int sent[TOGETHER_MAX];
	size_t sent_count, taken; /* of `sent`, those whose answer was taken */
	size_t asked;             /* of now->list: asked as foreseen, or learned */
	bool learns;
};

/* ---- Questions ---- */

static void
question_free(struct question *q)
{
	for (size_t i = 0; q->attrs != NULL && q->attrs[i] != NULL; i++)
		free(q->attrs[i]);
	free(q->attrs);
	free(q->base);
	free(q->filter);
	*q = (struct question){0};
}

static struct question
question_of(const struct dir_query *q)
{
	struct question out = {.base = mem_text(q->base),
	    .filter = mem_text(q->filter),
	    .scope = q->scope,
	    .size_limit = q->size_limit,
	    .bytes = sizeof out + strlen(q->base) + strlen(q->filter)};
	size_t n = 0;

	if (q->attrs == NULL)
		return out;
	while (q->attrs[n] != NULL)
		n++;
	out.attrs = mem_zero(n + 1, sizeof *out.attrs);
	for (size_t i = 0; i < n; i++) {
		out.attrs[i] = mem_text(q->attrs[i]);
		out.bytes += sizeof out.attrs[i] + strlen(q->attrs[i]);
	}
	return out;
}

static bool
same_attrs(char *const *a, const char *const *b)
{
	size_t i = 0;

	if (a == NULL || b == NULL)
		return a == NULL && b == NULL;
	for (; a[i] != NULL && b[i] != NULL; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return a[i] == NULL && b[i] == NULL;
}

/* To the letter: what the answer depends on, all of it. */
static bool
is_question(const struct question *a, const struct dir_query *q)
{
	return a->scope == q->scope && a->size_limit == q->size_limit &&
	       strcmp(a->base, q->base) == 0 && strcmp(a->filter, q->filter) == 0 &&
	       same_attrs(a->attrs, q->attrs);
}

/* ---- Works ---- */

/* Leaves the first `count` questions. */
static void
shorten(struct dir_ahead *a, struct work *w, size_t count)
{
	while (w->count > count) {
		struct question *last = &w->list[--w->count];

		w->bytes -= last->bytes;
		a->bytes -= last->bytes;
		question_free(last);
	}
}

static void
forget(struct dir_ahead *a, size_t at)
{
	struct work *w = a->works[at];

	shorten(a, w, 0);
	free(w->list);
	free(w->name);
	free(w);
	a->count--;
	memmove(&a->works[at], &a->works[at + 1], (a->count - at) * sizeof(struct work *));
}

static void
put_first(struct dir_ahead *a, size_t at)
{
	struct work *w = a->works[at];

	memmove(&a->works[1], &a->works[0], at * sizeof(struct work *));
	a->works[0] = w;
}

static struct work *
find_work(struct dir_ahead *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->works[i]->name, name) == 0) {
			put_first(a, i);
			return a->works[0];
		}
	return NULL;
}

static struct work *
new_work(struct dir_ahead *a, const char *name)
{
	struct work *w = mem_zero(1, sizeof *w);

	if (a->count == WORKS_MAX)
		forget(a, a->count - 1);
	w->name = mem_text(name);
	a->works[a->count] = w;
	put_first(a, a->count++);
	return w;
}

void
dir_ahead_free(struct dir_conn *c)
{
	while (c->ahead != NULL && c->ahead->count > 0)
		forget(c->ahead, c->ahead->count - 1);
	free(c->ahead);
	c->ahead = NULL;
}

/* ---- Sending ---- */

/* Not in pages, of which a connection has one series at a time; what is more than one page is asked
 * again. */
static bool
send_question(struct dir_conn *c, const struct question *q, int *sent_out)
{
	int limit =
	    q->size_limit > 0 && q->size_limit < DIR_PAGE_SIZE ? q->size_limit + 1 : DIR_PAGE_SIZE;
	struct timeval timeout;

	dir_conn_timeout(c->config, &timeout);
	return ldap_search_ext(c->ld, q->base, dir_search_scope(q->scope), q->filter, q->attrs, 0,
		   NULL, NULL, &timeout, limit, sent_out) == LDAP_SUCCESS;
}

static void
send_all(struct dir_conn *c, struct dir_ahead *a)
{
	size_t bytes = 0;

	dir_conn_hold(c);
	for (size_t i = 0; i < a->now->count && i < TOGETHER_MAX; i++) {
		bytes += a->now->list[i].bytes;
		if (bytes > TOGETHER_BYTES_MAX || !send_question(c, &a->now->list[i], &a->sent[i]))
			break;
		a->sent_count++;
	}
	dir_conn_let_go(c);
	if (c->broken)
		a->sent_count = 0;
}

void
dir_ahead_begin(struct dir_conn *c, const char *name)
{
	struct dir_ahead *a = c->ahead != NULL ? c->ahead : mem_zero(1, sizeof *a);

	c->ahead = a;
	a->name = name;
	a->now = find_work(a, name);
	a->learns = a->now == NULL || a->now->shut == 0;
	a->sent_count = a->taken = a->asked = 0;
	if (a->now == NULL)
		return;
	if (a->now->shut > 0)
		a->now->shut--;
	send_all(c, a);
}

/* ---- Asking ---- */

/* What was foreseen from here on is not what is asked. */
static void
learn(struct dir_ahead *a, const struct dir_query *q)
{
	struct question learned;

	if (a->now != NULL && a->asked < a->now->count) {
		shorten(a, a->now, a->asked);
		a->now->shut = 0;
		a->learns = true;
	}
	if (!a->learns)
		return;
	if (a->now == NULL)
		a->now = new_work(a, a->name);
	learned = question_of(q);
	if (a->now->bytes + learned.bytes > WORK_BYTES_MAX) {
		question_free(&learned);
		a->learns = false;
		return;
	}
	a->now->list = mem_grow(a->now->list, a->now->count, sizeof learned);
	a->now->list[a->now->count++] = learned;
	a->now->bytes += learned.bytes;
	a->bytes += learned.bytes;
	a->asked = a->now->count;
}

/* As ldap_search_ext_s ends: the whole answer, and the result in it. */
static int
collect(struct dir_conn *c, int sent, LDAPMessage **out)
{
	struct timeval timeout;
	int rc = LDAP_SUCCESS, result = LDAP_SUCCESS;

	dir_conn_timeout(c->config, &timeout);
	*out = NULL;
	switch (ldap_result(c->ld, sent, LDAP_MSG_ALL, &timeout, out)) {
	case 0:
		return LDAP_TIMEOUT;
	case -1:
		ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &rc);
		return rc != LDAP_SUCCESS ? rc : LDAP_SERVER_DOWN;
	default:
		rc = ldap_parse_result(c->ld, *out, &result, NULL, NULL, NULL, NULL, 0);
		return rc != LDAP_SUCCESS ? rc : result;
	}
}

bool
dir_ahead_ask(struct dir_conn *c, const struct dir_query *q, LDAPMessage **out, int *rc_out)
{
	struct dir_ahead *a = c->ahead;

	if (a == NULL || a->name == NULL || q->want_sd || q->some || q->now_and_then)
		return false;
	if (a->now == NULL || a->asked == a->now->count ||
	    !is_question(&a->now->list[a->asked], q)) {
		learn(a, q);
		return false;
	}
	if (a->asked++ >= a->sent_count)
		return false;
	if (a->taken == 0)
		c->waits++;
	*rc_out = collect(c, a->sent[a->taken++], out);
	return true;
}

void
dir_ahead_refuse(struct dir_conn *c)
{
	struct dir_ahead *a = c->ahead;

	shorten(a, a->now, --a->asked);
	a->now->shut = SHUT_USES;
	a->learns = false;
}

/* ---- The end ---- */

/* What is still on its way would be taken for something else by whoever has the connection next,
 * or for a server that says goodbye (dir_conn_is_quiet). */
static void
throw_away(struct dir_conn *c, struct dir_ahead *a)
{
	while (a->taken < a->sent_count && !c->broken) {
		OWNED(own_ldap_message) LDAPMessage *answer = NULL;

		collect(c, a->sent[a->taken++], &answer);
		if (answer == NULL)
			dir_conn_break(c);
	}
}

void
dir_ahead_end(struct dir_conn *c, bool keep)
{
	struct dir_ahead *a = c->ahead;

	throw_away(c, a);
	if (a->now != NULL && !keep)
		forget(a, 0);
	else if (a->now != NULL)
		shorten(a, a->now, a->asked);
	while (a->bytes > BYTES_MAX)
		forget(a, a->count - 1);
	a->name = NULL;
	a->now = NULL;
}

size_t
dir_conn_waits(const struct dir_conn *c)
{
	return c->waits;
}
