/*
 * HTTP to one CA (libcurl): TLS verified against the CA certificate and the service's key that the
 * directory names, or the Unix socket; authentication by GSS-SPNEGO, SCRAM-SHA-256, Basic or a
 * client certificate, kept on the connection.
 */
#ifndef CLIENT_HTTP_CLIENT_H
#define CLIENT_HTTP_CLIENT_H

#include <jansson.h>
#include <openssl/evp.h>

#include "buf.h"

struct http_client;

struct http_client_config {
	const char *url;                /* https://host:port; with `socket` ignored */
	const char *socket;             /* NULL: TLS */
	struct view ca_certificate;     /* DER; TLS must chain to it */
	const struct buf *service_keys; /* and the server have one of these: SHA-256 of the
					   SubjectPublicKeyInfo */
	size_t service_key_count;
	const char *mechanism; /* "GSSAPI", "SCRAM-SHA-256", "SIMPLE" (HTTP Basic), "EXTERNAL" (Unix
				  socket only) */
	const char *user;
	const struct secret *password;
	EVP_PKEY *client_key; /* NULL: none. Over TLS it signs in with its certificate (DER), and no
				 mechanism does; `user` is then who the certificate says he is */
	struct view client_certificate;
	int timeout_ms; /* 0: 30000 */
};
/* Borrows what config points to. Connects on the first request. */
bool http_client_open(
    const struct http_client_config *config, struct http_client **out, struct err *err);
void http_client_close(struct http_client **c);
/* No request goes on then (clock_boot_ms), nor is begun, and each second of waiting `tick` is
 * called; 0, NULL: that is over. */
void http_client_until(struct http_client *c, int64_t boot_ms, void (*tick)(void));
/* The last request was ended by that. */
bool http_client_is_late(const struct http_client *c);
/* As whom the mechanism signed in: the Kerberos principal where no user was named. NULL: unknown,
 * before the first request too. */
const char *http_client_user(const struct http_client *c);

struct http_answer {
	int status;
	struct buf body;
	char content_type[80];
	bool base64;          /* Content-Transfer-Encoding */
	long long request_id; /* Dirca-Request-Id, 0 if absent */
	long long case_id;    /* Dirca-Case, 0 if absent */
	bool in_doubt; /* with a failure: the request may have arrived, and no answer came that
			  counts */
};
/* Sends what is no GET once, but for what was answered by a demand to sign in. DIRCA_E_NETWORK if
 * no answer came, DIRCA_E_SERVICE_KEY if the server has another key. Any HTTP status is an answer;
 * http_answer_check makes an error of 4xx and 5xx. */
bool http_client_request(struct http_client *c, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err);
/* GET, but for what has this entity tag (with its quotes; NULL: none): then the status is 304 and
 * there is no body. */
bool http_client_get_newer(struct http_client *c, const char *path, const char *tag,
    struct http_answer *out, struct err *err);
void http_answer_free(struct http_answer *a);
/* The CA's refusal as an error with its own code and sentence. */
bool http_answer_check(const struct http_answer *a, struct err *err);
/* True if it is a 4xx or 5xx with the CA's own words. */
bool http_answer_refusal(const struct http_answer *a, struct err *out);
/* {"name", "message"} of a refusal as an error; false if it is none. */
bool http_refusal(const json_t *e, struct err *out);
/* Body as DER, base64 undone. */
bool http_answer_der(const struct http_answer *a, struct buf *out, struct err *err);

/* Request whose answer is JSON; json_decref. `body` NULL: none (GET). */
bool http_client_json(struct http_client *c, const char *method, const char *path,
    const json_t *body, json_t **out, struct err *err);
/* Percent-encoded copy for a path segment or a query value. free(). */
char *http_escape(const char *text);

#endif
