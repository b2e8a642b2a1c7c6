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
open_connection(struct load_client *c, struct err *err)
{
	int fd = connect_tcp(c->port);

	if (fd == -1)
		return err_errno(err, DIRCA_E_NETWORK, "localhost:%s: cannot connect", c->port);
	c->ssl = SSL_new(c->tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1 ||
	    SSL_set1_host(c->ssl, "localhost") != 1 || SSL_connect(c->ssl) != 1) {
		if (c->ssl == NULL || SSL_get_fd(c->ssl) != fd)
			close(fd);
		load_close(c);
		return err_openssl(err, DIRCA_E_NETWORK, "localhost:%s: no TLS", c->port);
	}
	return true;
}

void
load_close(struct load_client *c)
{
	int fd = c->ssl != NULL ? SSL_get_fd(c->ssl) : -1;

	SSL_free(c->ssl);
	if (fd != -1)
		close(fd);
	c->ssl = NULL;
	c->authenticated = false;
	buf_free(&c->in);
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
	char *head = text_printf(
	    "%s %s HTTP/1.1\r\nHost: localhost:%s\r\n%s%s%sContent-Type: application/pkcs7-mime; "
	    "smime-type=CMC-request\r\nContent-Length: %zu\r\n\r\n",
	    body.len > 0 ? "POST" : "GET", path, c->port,
	    c->authenticated ? "" : "Authorization: Basic ", c->authenticated ? "" : c->basic,
	    c->authenticated ? "" : "\r\n", body.len);
	bool ok = head != NULL
		      ? buf_append(&out, view_str(head), err) && buf_append(&out, body, err)
		      : err_nomem(err);

	if (ok && SSL_write(c->ssl, out.ptr, (int)out.len) != (int)out.len)
		ok = err_set(err, DIRCA_E_NETWORK, "the request could not be sent");
	free(head);
	buf_free(&out);
	return ok;
}

static bool
receive_more(struct load_client *c, struct err *err)
{
	uint8_t bytes[READ_SIZE];
	int n = SSL_read(c->ssl, bytes, sizeof bytes);

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

static bool
read_head(const struct buf *in, size_t len, int *status, size_t *body_len, struct err *err)
{
	char *head = strndup((const char *)in->ptr, len);
	const char *length;
	bool ok = head != NULL && sscanf(head, "HTTP/1.1 %d", status) == 1 &&
		  (length = strcasestr(head, "\r\nContent-Length:")) != NULL &&
		  sscanf(length + 17, "%zu", body_len) == 1 && *body_len <= BODY_MAX;

	free(head);
	return ok || err_set(err, DIRCA_E_NETWORK, "an HTTP answer that is not understood");
}

static bool
receive_answer(struct load_client *c, struct load_answer *out, struct err *err)
{
	size_t head, body;

	while ((head = head_len(&c->in)) == 0)
		if (c->in.len > HEAD_MAX || !receive_more(c, err))
			return err_prefix(err, "answer");
	if (!read_head(&c->in, head, &out->status, &body, err))
		return false;
	while (c->in.len < head + body)
		if (!receive_more(c, err))
			return false;
	if (!buf_dup(view_of(c->in.ptr + head, body), &out->body, err))
		return false;
	memmove(c->in.ptr, c->in.ptr + head + body, c->in.len - head - body);
	c->in.len -= head + body;
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
		ok = (c->ssl != NULL || open_connection(c, err)) &&
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
