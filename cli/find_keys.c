/*
 * Each of several CAs is asked by a process of its own, which can be ended whatever it waits for: a
 * name server, a KDC, a CA that took the connection and says nothing. It answers by a pipe, in
 * JSON. The only one is asked by this process, whose connection then serves for what is fetched;
 * but for Kerberos, which waits as long as its library wants.
 */
#include "find_keys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "mem.h"
#include "own_json.h"
#include "template_common.h"
#include "text.h"

#define LIMIT_S    30                 /* of each CA, unless --timeout says otherwise */
#define ANSWER_MAX (64 * 1024 * 1024) /* of one CA */
#define TICK_MS    1000               /* between two signs of life */

const char *
found_host(const struct found_keys *f)
{
	return f->service != NULL && f->service->host != NULL ? f->service->host : "localhost";
}

const char *
found_name(const struct key_search *s, const struct found_keys *f)
{
	return f->service != NULL       ? pki_service_title(f->service)
	       : s->session->ca != NULL ? s->session->ca
					: "CA";
}

const json_t *
found_agent(const struct found_keys *f, const char *hash)
{
	const json_t *agent;
	size_t i;

	json_array_foreach(f->agents, i,
	    agent) if (text_eq_nocase(json_string_value(json_object_get(agent, "certificate_hash")),
			   hash)) return agent;
	return NULL;
}

bool
key_search_is_incomplete(const struct key_search *s)
{
	return !s->exact && s->failure.code != ERR_OK;
}

/* ---- one CA, in a process of its own ---- */

static bool
ask_page(struct http_client *http, const char *token, int64_t after, json_t **answer_out,
    struct err *err)
{
	OWNED(own_memory) char *escaped = http_escape(token);
	OWNED(own_memory)
	char *path =
	    text_printf("/dirca/v1/candidates?token=%s&after=%lld", escaped, (long long)after);

	return http_client_json(http, "GET", path, NULL, answer_out, err);
}

/* The list `member` of a page to that of the whole. */
static void
extend(json_t *whole, const json_t *page, const char *member)
{
	json_t *more = json_object_get(page, member);

	if (json_is_array(more))
		json_array_extend(json_object_get(whole, member), more);
}

static void
add_page(json_t *whole, const json_t *page)
{
	json_int_t hidden = json_integer_value(json_object_get(whole, "hidden"));

	extend(whole, page, "candidates");
	extend(whole, page, "recovery_agents");
	if (hidden == 0)
		json_object_set(whole, "refusal", json_object_get(page, "refusal"));
	json_object_set_new(whole, "hidden",
	    json_integer(hidden + json_integer_value(json_object_get(page, "hidden"))));
}

/* Page after page; a CA that knows no pages gives all at once. */
static bool
ask_ca(const struct key_search *s, struct http_client *http, json_t *whole, struct err *err)
{
	int64_t after = 0, before;

	do {
		OWNED(own_json) json_t *page = NULL;

		if (!ask_page(http, s->token, after, &page, err))
			return false;
		add_page(whole, page);
		before = after;
		after = json_integer_value(json_object_get(page, "next"));
	} while (after > before);
	return true;
}

static json_t *
nothing_yet(void)
{
	return json_pack(
	    "{s:[], s:[], s:i, s:n}", "candidates", "recovery_agents", "hidden", 0, "refusal");
}

/* Never returns: nothing that the parent has open is closed here, nor printed twice. */
static void __attribute__((noreturn))
answer_and_end(const struct key_search *s, const struct pki_service *service, int to)
{
	json_t *whole = nothing_yet();
	struct http_client *http = NULL;
	char *text;
	struct err err;

	if (!session_http(s->session, service, &http, &err) || !ask_ca(s, http, whole, &err))
		whole = json_pack("{s:I, s:s}", "code", (json_int_t)err.code, "message", err.msg);
	text = json_dumps(whole, JSON_COMPACT);
	_exit(text != NULL && file_write_all(to, view_str(text)) ? 0 : 1);
}

/* ---- all of them ---- */

struct asked {
	const struct pki_service *service;
	pid_t pid;
	int from; /* -1: there is nothing more to come */
	struct buf answer;
};

struct asking {
	struct key_search *search;
	struct asked *list;
	size_t count;
};

static void
asked_end(struct asked *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		while (waitpid(a->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	own_fd(&a->from);
	buf_free(&a->answer);
	*a = (struct asked){.from = -1};
}

static void
asking_end(struct asking *a)
{
	for (size_t i = 0; i < a->count; i++)
		asked_end(&a->list[i]);
	free(a->list);
}

static const char *
title_of(const struct key_search *s, const struct pki_service *service)
{
	const struct found_keys f = {.service = service};

	return found_name(s, &f);
}

static void
say_who(const struct key_search *s, const struct pki_service *service)
{
	const struct found_keys f = {.service = service};

	fprintf(stderr, "Querying %s\\%s...\n", found_host(&f), title_of(s, service));
	fflush(stderr);
	fflush(stdout);
}

static bool
begin(struct asking *a, const struct pki_service *service, struct err *err)
{
	struct asked one = {.service = service, .from = -1};
	int ends[2];

	say_who(a->search, service);
	if (pipe(ends) != 0)
		return err_errno(err, DIRCA_E_IO, "a pipe to ask a CA by");
	if ((one.pid = fork()) == 0) {
		close(ends[0]);
		answer_and_end(a->search, service, ends[1]);
	}
	close(ends[1]);
	one.from = ends[0];
	a->list = mem_grow(a->list, a->count, sizeof *a->list);
	a->list[a->count++] = one;
	return one.pid > 0 || err_errno(err, DIRCA_E_IO, "a process to ask a CA by");
}

/* Those that are meant. The CA behind --socket is NULL. */
static bool
whom_to_ask(
    struct session *session, const struct pki_service ***out, size_t *count_out, struct err *err)
{
	const struct pki_service **list;

	*out = NULL;
	*count_out = 0;
	if (session->socket == NULL && !session_pki(session, err))
		return false;
	list = mem_zero(session->service_count + 1, sizeof(const struct pki_service *));
	*out = list;
	if (session->socket != NULL) {
		*count_out = 1;
		return true;
	}
	for (size_t i = 0; i < session->service_count; i++)
		if (session_means(session, &session->services[i]))
			list[(*count_out)++] = &session->services[i];
	if (session->service_count == 0)
		return err_set(
		    err, CRYPT_E_NOT_FOUND, "the directory names no certification authority");
	return *count_out > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND,
		   "the directory names no certification authority %s; `dirca cas` lists them",
		   session->ca);
}

/* A CA that could not be asked, or refused, is told and remembered: "one match" would be a guess.
 * Of the only one it is what the verb fails with. */
static void
note_unanswered(
    struct key_search *s, const struct pki_service *service, bool alone, struct err *why)
{
	OWNED(own_memory) char *who = text_printf("dirca getkey: %s", title_of(s, service));
	OWNED(own_memory)
	char *line = text_printf("%s: %s", title_of(s, service), why->msg);

	if (!alone)
		err_print(who, why);
	texts_add(&s->unanswered, line);
	err_prefix(why, "%s", title_of(s, service));
	if (s->failure.code == ERR_OK)
		s->failure = *why;
}

/* ---- what of it is wanted ---- */

/* Hexadecimal as people write it, without leading zeros. */
static bool
is_number(const char *text, const char *number)
{
	OWNED(buf_free) struct buf a = {0};
	OWNED(buf_free) struct buf b = {0};
	struct err ignored;
	size_t zeros = 0;

	if (number == NULL || !hex_decode(text, &a, &ignored) || !hex_decode(number, &b, &ignored))
		return false;
	while (zeros < a.len && a.ptr[zeros] == 0)
		zeros++;
	return view_eq(view_of(a.ptr + zeros, a.len - zeros), buf_view(&b));
}

static const char *
text_of(const json_t *candidate, const char *member)
{
	return json_string_value(json_object_get(candidate, member));
}

/* Serial numbers are random and thumbprints hashes: another CA has no other key of that token. */
static bool
is_exact(const char *token, const json_t *candidate)
{
	return is_number(token, text_of(candidate, "serial_number")) ||
	       is_number(token, text_of(candidate, "certificate_hash"));
}

static bool
is_of_template(const struct key_search *s, const json_t *candidate)
{
	const char *name = text_of(candidate, "template");

	return s->template == NULL || (name != NULL && text_eq_fold(name, s->template));
}

static bool
is_since(int64_t since, const json_t *candidate)
{
	const char *begins = text_of(candidate, "not_before");
	int64_t when;

	return since == 0 || (begins != NULL && clock_parse(begins, &when) && when >= since);
}

static bool
is_revoked(const json_t *candidate)
{
	const char *disposition = text_of(candidate, "disposition");

	return disposition != NULL && strcmp(disposition, "revoked") == 0;
}

/* Who names one certificate means it, whatever became of it. */
static void
choose(struct key_search *s, struct found_keys *f, const json_t *all, int64_t since)
{
	const struct cli_options *o = &s->session->cli->opt;
	json_t *c;
	size_t i;

	json_array_foreach(all, i, c)
	{
		bool exact = is_exact(s->token, c);

		s->exact = s->exact || (exact && json_array_size(all) == 1);
		if (!exact && (!is_of_template(s, c) || !is_since(since, c)))
			f->others++;
		else if (!exact && is_revoked(c) && !o->include_revoked)
			f->revoked++;
		else
			json_array_append(f->candidates, c);
	}
	s->total += json_array_size(f->candidates);
}

static void
take_answer(
    struct key_search *s, const struct pki_service *service, const json_t *answer, int64_t since)
{
	struct found_keys *f = &s->list[s->count++];
	json_t *agents = json_object_get(answer, "recovery_agents");

	*f = (struct found_keys){.service = service,
	    .candidates = json_array(),
	    .agents = agents != NULL ? json_incref(agents) : json_array(),
	    .hidden = json_integer_value(json_object_get(answer, "hidden"))};
	(void)http_refusal(json_object_get(answer, "refusal"), &f->refusal);
	choose(s, f, json_object_get(answer, "candidates"), since);
}

/* ---- waiting ---- */

/* What the process said, or why there is nothing. */
static void
finish(struct asking *a, struct asked *one, int64_t since)
{
	OWNED(own_json)
	json_t *answer = json_loadb(
	    (const char *)one->answer.ptr, one->answer.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *code = json_object_get(answer, "code");
	const char *message = json_string_value(json_object_get(answer, "message"));
	struct err err;

	if (json_is_array(json_object_get(answer, "candidates"))) {
		take_answer(a->search, one->service, answer, since);
	} else {
		err_set(&err,
		    json_is_integer(code) ? (enum err_code)json_integer_value(code)
					  : DIRCA_E_NETWORK,
		    "%s", message != NULL ? message : "asking it ended without an answer");
		note_unanswered(a->search, one->service, a->count == 1, &err);
	}
	asked_end(one);
}

static void
read_some(struct asking *a, struct asked *one, int64_t since)
{
	uint8_t bytes[65536];
	ssize_t n = read(one->from, bytes, sizeof bytes);
	struct err ignored;

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0 && one->answer.len < ANSWER_MAX &&
	    buf_append(&one->answer, view_of(bytes, (size_t)n), &ignored))
		return;
	finish(a, one, since);
}

static void
tick(void)
{
	if (isatty(STDERR_FILENO)) {
		fputc('.', stderr);
		fflush(stderr);
	}
}

/* One round of waiting; false: nobody is waited for any more. */
static bool
wait_once(struct asking *a, int64_t until_ms, int64_t since)
{
	OWNED(own_memory) struct pollfd *polls = mem_zero(a->count + 1, sizeof *polls);
	int64_t left = until_ms - clock_boot_ms();
	size_t waiting = 0;
	int ready;

	for (size_t i = 0; i < a->count; i++) {
		polls[i] = (struct pollfd){.fd = a->list[i].from, .events = POLLIN};
		waiting += a->list[i].from >= 0 ? 1 : 0;
	}
	if (waiting == 0 || left <= 0 || a->search->exact)
		return false;
	ready = poll(polls, a->count, (int)(left < TICK_MS ? left : TICK_MS));
	if (ready == 0)
		tick();
	for (size_t i = 0; ready > 0 && i < a->count; i++)
		if (polls[i].revents != 0)
			read_some(a, &a->list[i], since);
	return true;
}

static void
wait_for_all(struct asking *a, int64_t limit_s, int64_t since)
{
	int64_t until_ms = clock_boot_ms() + limit_s * 1000;
	struct err err;

	while (wait_once(a, until_ms, since))
		;
	for (size_t i = 0; i < a->count && !a->search->exact; i++)
		if (a->list[i].from >= 0) {
			err_set(
			    &err, DIRCA_E_NETWORK, "no answer within %lld s", (long long)limit_s);
			note_unanswered(a->search, a->list[i].service, a->count == 1, &err);
		}
}

/* ---- the only CA ---- */

/* Does signing in wait for nobody but the CA? */
static bool
can_ask_here(const struct session *s)
{
	return s->socket != NULL || s->own.key != NULL || s->mech == NULL ||
	       strcmp(s->mech, "GSSAPI") != 0;
}

static void
ask_here(struct key_search *s, const struct pki_service *service, int64_t limit_s, int64_t since)
{
	OWNED(http_client_close) struct http_client *http = NULL;
	OWNED(own_json) json_t *whole = nothing_yet();
	int64_t until_ms = clock_boot_ms() + limit_s * 1000;
	struct err err;
	bool ok;

	say_who(s, service);
	ok = session_http(s->session, service, &http, &err);
	if (ok) {
		http_client_until(http, until_ms, tick);
		ok = ask_ca(s, http, whole, &err);
		http_client_until(http, 0, NULL);
	}
	if (ok) {
		take_answer(s, service, whole, since);
		s->list[0].http = own_give(&http);
		return;
	}
	if (http != NULL ? http_client_is_late(http) : clock_boot_ms() >= until_ms)
		err_set(&err, DIRCA_E_NETWORK, "no answer within %lld s", (long long)limit_s);
	note_unanswered(s, service, true, &err);
}

/* ---- several, side by side ---- */

static bool
ask_all(struct key_search *s, const struct pki_service *const *whom, size_t count, int64_t limit_s,
    int64_t since, struct err *err)
{
	OWNED(asking_end) struct asking asking = {.search = s};

	for (size_t i = 0; i < count; i++)
		if (!begin(&asking, whom[i], err))
			return false;
	wait_for_all(&asking, limit_s, since);
	return true;
}

static int
by_order(const void *a, const void *b)
{
	const struct found_keys *x = a, *y = b;

	return x->service < y->service ? -1 : x->service > y->service;
}

bool
find_keys(struct session *session, const char *token, struct key_search *out, struct err *err)
{
	const struct cli_options *o = &session->cli->opt;
	int64_t since = 0, limit_s = o->timeout > 0 ? o->timeout : LIMIT_S;
	OWNED(own_memory) const struct pki_service **whom = NULL;
	size_t count;

	*out = (struct key_search){.session = session, .token = token};
	if (o->template != NULL &&
	    (out->template = template_row_name(session, o->template, err)) == NULL)
		return false;
	if (o->since != NULL) {
		if (!cli_period(o->since, &since, err))
			return false;
		since = clock_now() - since;
	}
	if (!whom_to_ask(session, &whom, &count, err))
		return false;
	out->list = mem_zero(count, sizeof *out->list);
	if (count == 1 && can_ask_here(session))
		ask_here(out, whom[0], limit_s, since);
	else if (!ask_all(out, whom, count, limit_s, since, err))
		return false;
	/* As the directory names them, whoever was first. */
	if (out->count > 0)
		qsort(out->list, out->count, sizeof *out->list, by_order);
	if (out->count > 0)
		return true;
	*err = out->failure;
	return false;
}

void
key_search_free(struct key_search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		json_decref(s->list[i].candidates);
		json_decref(s->list[i].agents);
		http_client_close(&s->list[i].http);
	}
	free(s->list);
	free(s->template);
	texts_free(&s->unanswered);
	*s = (struct key_search){0};
}
