#include "load_client.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <openssl/crypto.h>

#include "plain.h"
#include "text.h"

#define PATH_XCHG  "/dirca/v1/exchange-certificate"
#define TYPE_CMC   "application/pkcs7-mime; smime-type=CMC-request"
#define HEAD_MAX   16384
#define BODY_MAX   (1 << 20)
#define READ_SIZE  16384
#define PATIENCE_S 120

int64_t
load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool
load_basic(const char *user, const char *password_file, char **out, struct err *err)
{
	struct secret password = {0};
	char *both = NULL;
	bool ok = secret_read_file(password_file, &password, err);

	*out = NULL;
	if (ok && ((both = text_printf(
			"%s:%.*s", user, (int)password.len, (const char *)password.ptr)) == NULL ||
		      (*out = base64_encode(view_str(both))) == NULL))
		ok = err_nomem(err);
	if (both != NULL)
		OPENSSL_cleanse(both, strlen(both));
	free(both);
	secret_free(&password);
	return ok;
}

bool
load_tls(const char *ca_file, SSL_CTX **out, struct err *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	*out = tls;
	if (tls == NULL || SSL_CTX_load_verify_file(tls, ca_file) != 1)
		return err_openssl(err, DIRCA_E_IO, "%s: no CA certificate", ca_file);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return true;
}

static int
connect_tcp(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {PATIENCE_S, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
open_tls(struct load_client *c)
{
	c->ssl = SSL_new(c->tls);
	return c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1 &&
	       SSL_set1_host(c->ssl, "localhost") == 1 && SSL_connect(c->ssl) == 1;
}

static bool
open_connection(struct load_client *c, struct err *err)
{
	c->fd = connect_tcp(c->port);
	c->connected = c->fd != -1;
	if (!c->connected)
		return err_errno(err, DIRCA_E_NETWORK, "localhost:%s: cannot connect", c->port);
	if (c->tls != NULL && !open_tls(c)) {
		load_close(c);
		return err_openssl(err, DIRCA_E_NETWORK, "localhost:%s: no TLS", c->port);
	}
	return true;
}

void
load_close(struct load_client *c)
{
	SSL_free(c->ssl);
	if (c->connected)
		close(c->fd);
	c->ssl = NULL;
	c->connected = c->authenticated = false;
	buf_free(&c->in);
}

static bool
put(struct load_client *c, struct view all)
{
	return c->ssl != NULL ? SSL_write(c->ssl, all.ptr, (int)all.len) == (int)all.len
			      : send(c->fd, all.ptr, all.len, MSG_NOSIGNAL) == (ssize_t)all.len;
}

void
load_answer_free(struct load_answer *a)
{
	buf_free(&a->body);
	*a = (struct load_answer){0};
}

/* Head and body in one write: one TLS record, one packet. */
static bool
send_request(struct load_client *c, const char *path, struct view body, struct err *err)
{
	struct buf out = {0};
	bool known = c->authenticated || c->basic == NULL;
	char *head = text_printf("%s %s HTTP/1.1\r\nHost: localhost:%s\r\n%s%s%sContent-Type: "
				 "%s\r\nContent-Length: %zu\r\n\r\n",
	    body.len > 0 ? "POST" : "GET", path, c->port, known ? "" : "Authorization: Basic ",
	    known ? "" : c->basic, known ? "" : "\r\n", c->type != NULL ? c->type : TYPE_CMC,
	    body.len);
	bool ok = head != NULL
		      ? buf_append(&out, view_str(head), err) && buf_append(&out, body, err)
		      : err_nomem(err);

	if (ok && !put(c, buf_view(&out)))
		ok = err_set(err, DIRCA_E_NETWORK, "the request could not be sent");
	free(head);
	buf_free(&out);
	return ok;
}

static bool
receive_more(struct load_client *c, struct err *err)
{
	uint8_t bytes[READ_SIZE];
	ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, bytes, sizeof bytes)
				   : recv(c->fd, bytes, sizeof bytes, 0);

	if (n <= 0)
		return err_set(err, DIRCA_E_NETWORK, "the connection ended before the answer did");
	return buf_append(&c->in, view_of(bytes, (size_t)n), err);
}

/* Length of head with its empty line; 0 if it is not all there. */
static size_t
head_len(const struct buf *in)
{
	const uint8_t *end = in->len > 0 ? memmem(in->ptr, in->len, "\r\n\r\n", 4) : NULL;

	return end != NULL ? (size_t)(end - in->ptr) + 4 : 0;
}

/* What follows the head: `*body_len` octets, or chunks (SIZE_MAX), as cfssl sends a longer answer.
 */
static bool
read_head(const struct buf *in, size_t len, int *status, size_t *body_len, struct err *err)
{
	char *head = strndup((const char *)in->ptr, len);
	const char *length;
	bool ok = head != NULL && sscanf(head, "HTTP/1.1 %d", status) == 1;

	*body_len = SIZE_MAX;
	if (ok && (length = strcasestr(head, "\r\nContent-Length:")) != NULL)
		ok = sscanf(length + 17, "%zu", body_len) == 1 && *body_len <= BODY_MAX;
	else
		ok = ok && strcasestr(head, "\r\nTransfer-Encoding: chunked\r\n") != NULL;
	free(head);
	return ok || err_set(err, DIRCA_E_NETWORK, "an HTTP answer that is not understood");
}

static bool
wait_for(struct load_client *c, size_t len, struct err *err)
{
	while (c->in.len < len)
		if (!receive_more(c, err))
			return false;
	return true;
}

/* A chunk's line, and where what follows it begins. */
static bool
read_chunk_line(struct load_client *c, size_t *at, size_t *len, struct err *err)
{
	char line[18] = "";
	const uint8_t *end;

	while ((end = memmem(c->in.ptr + *at, c->in.len - *at, "\r\n", 2)) == NULL)
		if (c->in.len - *at >= sizeof line || !receive_more(c, err))
			return err_prefix(err, "chunk");
	memcpy(line, c->in.ptr + *at,
	    (size_t)(end - c->in.ptr) - *at < sizeof line ? (size_t)(end - c->in.ptr) - *at : 0);
	*at = (size_t)(end - c->in.ptr) + 2;
	return (sscanf(line, "%zx", len) == 1 && *len <= BODY_MAX) ||
	       err_set(err, DIRCA_E_NETWORK, "a chunk that is not understood");
}

static bool
receive_chunks(struct load_client *c, size_t *at, struct buf *body, struct err *err)
{
	size_t len;

	do {
		if (!read_chunk_line(c, at, &len, err) || !wait_for(c, *at + len + 2, err) ||
		    !buf_append(body, view_of(c->in.ptr + *at, len), err))
			return false;
		*at += len + 2;
	} while (len > 0);
	return true;
}

static bool
receive_answer(struct load_client *c, struct load_answer *out, struct err *err)
{
	size_t at, len;

	while ((at = head_len(&c->in)) == 0)
		if (c->in.len > HEAD_MAX || !receive_more(c, err))
			return err_prefix(err, "answer");
	if (!read_head(&c->in, at, &out->status, &len, err))
		return false;
	if (len == SIZE_MAX) {
		if (!receive_chunks(c, &at, &out->body, err))
			return false;
	} else {
		if (!wait_for(c, at + len, err) ||
		    !buf_dup(view_of(c->in.ptr + at, len), &out->body, err))
			return false;
		at += len;
	}
	memmove(c->in.ptr, c->in.ptr + at, c->in.len - at);
	c->in.len -= at;
	return true;
}

bool
load_call(struct load_client *c, const char *path, struct view body, struct load_answer *out,
    struct err *err)
{
	bool ok, again;

	*out = (struct load_answer){0};
	do {
		load_answer_free(out);
		ok = (c->connected || open_connection(c, err)) &&
		     send_request(c, path, body, err) && receive_answer(c, out, err);
		if (!ok) {
			load_close(c);
			load_answer_free(out);
			return false;
		}
		/* A sign-in has a greatest age (auth_max_age_s). */
		again = out->status == 401 && c->authenticated;
		c->authenticated = out->status != 401;
	} while (again);
	return true;
}

bool
load_xchg(struct load_client *c, struct buf *out, struct err *err)
{
	struct load_answer a;
	bool ok = load_call(c, PATH_XCHG, (struct view){0}, &a, err);

	if (ok && a.status != 200)
		ok = err_set(
		    err, DIRCA_E_NETWORK, "the exchange certificate: HTTP status %d", a.status);
	ok = ok && buf_dup(buf_view(&a.body), out, err);
	load_answer_free(&a);
	load_close(c);
	return ok;
}
