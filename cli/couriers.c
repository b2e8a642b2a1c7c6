#include "couriers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "own_json.h"

#define MESSAGE_MAX (4u << 20)

/* ---- messages: their length, and JSON ---- */

static bool
read_octets(int fd, void *to, size_t len)
{
	uint8_t *p = to;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
write_message(int fd, const json_t *message)
{
	OWNED(own_memory) char *text = json_dumps(message, JSON_COMPACT);
	uint32_t len = text != NULL ? (uint32_t)strlen(text) : 0;

	return len > 0 && len <= MESSAGE_MAX && file_write_all(fd, view_of(&len, sizeof len)) &&
	       file_write_all(fd, view_of(text, len));
}

static json_t *
read_message(int fd)
{
	OWNED(own_memory) char *text = NULL;
	uint32_t len;

	if (!read_octets(fd, &len, sizeof len) || len > MESSAGE_MAX)
		return NULL;
	text = mem_zero((size_t)len + 1, 1);
	return read_octets(fd, text, len) ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL)
					  : NULL;
}

/* ---- the process ---- */

struct errand {
	struct session *session;
	const struct pki_service *service;
	const char *path;
	struct http_client *http; /* opened with the first message */
};

static json_t *
run_errand(struct errand *e, json_t *body)
{
	json_t *answer = NULL;
	struct err err;

	if ((e->http != NULL || session_http(e->session, e->service, &e->http, &err)) &&
	    http_client_json(e->http, "POST", e->path, body, &answer, &err))
		return json_pack("{s:o}", "answer", answer);
	return json_pack("{s:I, s:s}", "code", (json_int_t)err.code, "message", err.msg);
}

/* Until the other end is closed. Nothing that the parent has open is closed, nor printed twice. */
static void __attribute__((noreturn)) serve(struct errand e, int fd)
{
	bool ok = true;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (ok) {
		OWNED(own_json) json_t *body = read_message(fd);
		OWNED(own_json) json_t *answer = body != NULL ? run_errand(&e, body) : NULL;

		ok = answer != NULL && write_message(fd, answer);
	}
	_exit(0);
}

/* ---- who sends them ---- */

static bool
begin(struct couriers *c, const struct errand *e, struct err *err)
{
	struct courier new = {.fd = -1};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(err, DIRCA_E_IO, "a socket for a connection");
	fflush(stdout);
	if ((new.pid = fork()) == 0) {
		close(ends[0]);
		for (size_t i = 0; i < c->count; i++)
			close(c->list[i].fd);
		serve(*e, ends[1]);
	}
	close(ends[1]);
	new.fd = ends[0];
	if (new.pid == -1) {
		close(new.fd);
		return err_errno(err, DIRCA_E_IO, "a process for a connection");
	}
	c->list = mem_grow(c->list, c->count, sizeof *c->list);
	c->list[c->count++] = new;
	return true;
}

bool
couriers_open(struct session *session, const struct pki_service *service, const char *path,
    size_t count, struct couriers *out, struct err *err)
{
	const struct errand e = {.session = session, .service = service, .path = path};

	*out = (struct couriers){0};
	while (out->count < count)
		if (!begin(out, &e, err)) {
			couriers_close(out);
			return false;
		}
	return true;
}

void
couriers_close(struct couriers *c)
{
	for (size_t i = 0; i < c->count; i++)
		close(c->list[i].fd);
	for (size_t i = 0; i < c->count; i++)
		while (waitpid(c->list[i].pid, NULL, 0) == -1 && errno == EINTR)
			;
	free(c->list);
	*c = (struct couriers){0};
}

static bool
gone(struct err *err)
{
	return err_set(err, DIRCA_E_NETWORK, "the process that kept the connection has ended");
}

bool
couriers_send(const struct couriers *c, size_t which, const json_t *body, struct err *err)
{
	return write_message(c->list[which].fd, body) || gone(err);
}

bool
couriers_receive(const struct couriers *c, size_t which, json_t **out, struct err *err)
{
	OWNED(own_json) json_t *message = read_message(c->list[which].fd);
	const json_t *code = json_object_get(message, "code");

	*out = json_incref(json_object_get(message, "answer"));
	if (*out != NULL)
		return true;
	if (!json_is_integer(code))
		return gone(err);
	return err_set(err, (enum err_code)json_integer_value(code), "%s",
	    json_string_value(json_object_get(message, "message")));
}
