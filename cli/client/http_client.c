#include "http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>
#include <openssl/crypto.h>

#include "clock.h"
#include "kerberos.h"
#include "mem.h"
#include "own.h"
#include "pem.h"
#include "sasl_client.h"
#include "tls_channel.h"
#include "text.h"

/* A CRL of five million entries. */
#define ANSWER_MAX (256u * 1024 * 1024)
#define STEPS_MAX  6

struct http_client {
	struct http_client_config config;
	CURL *curl;
	struct buf ca_pem;
	struct tls_channel channel;
	char *host;
	struct sasl_client *sasl;
	bool authenticated; /* on the present connection */
	char *challenge;    /* base64 of the server's last message of our scheme */
	char *sid;
	char *user;       /* as whom the mechanism signed in */
	const char *tag;  /* of the present request: If-None-Match; NULL: none */
	bool challenged;  /* a WWW-Authenticate of our scheme came */
	int64_t until_ms; /* http_client_until */
	bool is_late;     /* the last request was ended by that */
	int64_t ticked_ms;
	void (*tick)(void);
};

struct scheme {
	const char *mechanism; /* of the configuration */
	const char *http;      /* authentication scheme */
	const char *sasl;      /* NULL: Basic */
	bool with_sid;         /* RFC 7804 parameters */
};

static const struct scheme schemes[] = {
    {"GSSAPI", "Negotiate", "GSS-SPNEGO", false},
    {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS", true},
    {"SIMPLE", "Basic", NULL, false},
};

static const struct scheme *
scheme_of(const struct http_client *c)
{
	if (c->config.mechanism == NULL)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (strcmp(schemes[i].mechanism, c->config.mechanism) == 0)
			return &schemes[i];
	return NULL;
}

static bool
set_tls(struct http_client *c, struct err *err)
{
	const struct http_client_config *config = &c->config;
	struct curl_blob blob;

	c->channel = (struct tls_channel){.keys = config->service_keys,
	    .key_count = config->service_key_count,
	    .client_key = config->client_key,
	    .client_certificate = config->client_certificate};
	if (!pem_append(&c->ca_pem, "CERTIFICATE", config->ca_certificate, err) ||
	    !tls_channel_watch(&c->channel, c->curl, err))
		return false;
	blob = (struct curl_blob){
	    .data = c->ca_pem.ptr, .len = c->ca_pem.len, .flags = CURL_BLOB_NOCOPY};
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (curl_easy_setopt(c->curl, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK ||
	    curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL) != CURLE_OK)
		return err_set(
		    err, DIRCA_E_CONFIG, "libcurl does not take the CA's certificate alone");
	return true;
}

bool
http_client_open(const struct http_client_config *config, struct http_client **out, struct err *err)
{
	OWNED(http_client_close) struct http_client *c = mem_zero(1, sizeof *c);

	*out = NULL;
	c->config = *config;
	if ((c->curl = curl_easy_init()) == NULL)
		return err_set(err, DIRCA_E_NETWORK, "libcurl cannot be used");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	/* Not for a name server that does not answer either, by whom a thread of curl's is held. */
	curl_easy_setopt(c->curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (config->socket != NULL) {
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, config->socket);
		c->host = mem_text("localhost");
	} else {
		if ((c->host = text_url_host(view_str(config->url))) == NULL)
			return err_set(err, DIRCA_E_NETWORK, "%s names no host", config->url);
		if (!set_tls(c, err))
			return false;
	}
	*out = own_give(&c);
	return true;
}

/* curl calls it at least once a second. */
static int
on_time(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct http_client *c = arg;
	int64_t now = clock_boot_ms();

	(void)down_all, (void)down, (void)up_all, (void)up;
	if (c->tick != NULL && now >= c->ticked_ms + 1000) {
		c->ticked_ms = now;
		c->tick();
	}
	return 0;
}

void
http_client_until(struct http_client *c, int64_t boot_ms, void (*tick)(void))
{
	c->until_ms = boot_ms;
	c->tick = tick;
	c->ticked_ms = clock_boot_ms();
	curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, on_time);
	curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, tick != NULL ? 0L : 1L);
}

/* What a request may take; at least a moment, of which curl makes the failure. `ends_all`: none may
 * follow. */
static long
time_left_ms(const struct http_client *c, bool *ends_all)
{
	int64_t most = c->config.timeout_ms > 0 ? c->config.timeout_ms : 30000, left = INT64_MAX;

	if (c->until_ms != 0)
		left = c->until_ms - clock_boot_ms();
	*ends_all = left <= most;
	return (long)(left < 1 ? 1 : left < most ? left : most);
}

/* curl's clock is not ours: it may be a moment before until_ms. */
bool
http_client_is_late(const struct http_client *c)
{
	return c->is_late;
}

void
http_client_close(struct http_client **cp)
{
	struct http_client *c = *cp;

	if (c == NULL)
		return;
	if (c->curl != NULL)
		curl_easy_cleanup(c->curl);
	sasl_client_close(&c->sasl);
	tls_channel_free(&c->channel);
	buf_free(&c->ca_pem);
	free(c->host);
	free(c->challenge);
	free(c->sid);
	free(c->user);
	free(c);
	*cp = NULL;
}

const char *
http_client_user(const struct http_client *c)
{
	return c->user != NULL ? c->user : c->config.user;
}

/* ---- one exchange ---- */

struct exchange {
	struct http_client *client;
	struct http_answer *answer;
	bool is_get;
	bool too_large;
};

/* libcurl is about to send. Where a kept connection ended without an answer it would send again by
 * itself: what changes something is sent once. */
static int
on_request(void *arg, char *peer_address, char *own_address, int peer_port, int own_port)
{
	struct exchange *x = arg;

	(void)peer_address, (void)own_address, (void)peer_port, (void)own_port;
	if (x->answer->in_doubt && !x->is_get)
		return CURL_PREREQFUNC_ABORT;
	x->answer->in_doubt = true;
	return CURL_PREREQFUNC_OK;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	struct err err;

	if (x->answer->body.len + size * count > ANSWER_MAX ||
	    !buf_append(&x->answer->body, view_of(data, size * count), &err)) {
		x->too_large = true;
		return 0;
	}
	return size * count;
}

/* Copy of a parameter of the challenge, "sid=..., data=...". */
static char *
parameter(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p != NULL ? mem_text_n(p + strlen(name), strcspn(p + strlen(name), ", \t\r\n"))
			 : NULL;
}

static void
note_challenge(struct http_client *c, const struct scheme *scheme, const char *value)
{
	size_t len = strlen(scheme->http);

	if (strncasecmp(value, scheme->http, len) != 0 || (value[len] != '\0' && value[len] != ' '))
		return;
	value += len + strspn(value + len, " ");
	c->challenged = true;
	free(c->challenge);
	if (!scheme->with_sid) {
		c->challenge = mem_text(value);
		return;
	}
	free(c->sid);
	c->challenge = parameter(value, "data=");
	c->sid = parameter(value, "sid=");
}

static void
take_header(struct exchange *x, const char *name, const char *value)
{
	struct http_client *c = x->client;
	struct http_answer *a = x->answer;
	const struct scheme *scheme = scheme_of(c);

	if (strcasecmp(name, "Content-Type") == 0) {
		snprintf(a->content_type, sizeof a->content_type, "%s", value);
	} else if (strcasecmp(name, "Content-Transfer-Encoding") == 0) {
		a->base64 = strcasecmp(value, "base64") == 0;
	} else if (strcasecmp(name, "Dirca-Request-Id") == 0) {
		a->request_id = strtoll(value, NULL, 10);
	} else if (strcasecmp(name, "Dirca-Case") == 0) {
		a->case_id = strtoll(value, NULL, 10);
	} else if (strcasecmp(name, "WWW-Authenticate") == 0 && scheme != NULL) {
		note_challenge(c, scheme, value);
	} else if (strcasecmp(name, "Authentication-Info") == 0 && scheme != NULL &&
		   scheme->with_sid) {
		free(c->challenge);
		c->challenge = parameter(value, "data=");
	}
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	OWNED(own_memory) char *line = mem_text_n(data, size * count);
	char *value;

	line[strcspn(line, "\r\n")] = '\0';
	if ((value = strchr(line, ':')) != NULL) {
		*value++ = '\0';
		take_header(arg, line, value + strspn(value, " \t"));
	}
	return size * count;
}

/* The list of a request's headers, of which the second is who calls: it holds a password. */
static void
own_headers(struct curl_slist **headers)
{
	if (*headers != NULL && (*headers)->next != NULL)
		OPENSSL_cleanse((*headers)->next->data, strlen((*headers)->next->data));
	curl_slist_free_all(*headers);
}

static void
add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (longer == NULL)
		mem_exhausted();
	*headers = longer;
}

static void
set_request(CURL *curl, const char *method, struct view body)
{
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		curl_easy_setopt(
		    curl, CURLOPT_POSTFIELDS, body.len > 0 ? (const char *)body.ptr : "");
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, strcmp(method, "PUT") == 0 ? "PUT" : NULL);
}

/* Why no answer came. */
static bool
no_answer(const struct exchange *x, const char *url, CURLcode rc, struct err *err)
{
	const struct http_client *c = x->client;

	if (x->too_large)
		return err_set(err, DIRCA_E_TOO_LARGE, "%s: the answer is larger than %u bytes",
		    url, ANSWER_MAX);
	if (c->channel.refusal.code != ERR_OK) {
		*err = c->channel.refusal;
		return err_prefix(err, "%s", c->config.url);
	}
	if (c->config.socket != NULL && rc == CURLE_COULDNT_CONNECT)
		return err_set(err, DIRCA_E_NETWORK,
		    "no dircad listens on the socket %s, or this user may not use it: does it run "
		    "on this machine?",
		    c->config.socket);
	if (rc == CURLE_COULDNT_CONNECT)
		return err_set(err, DIRCA_E_NETWORK,
		    "the CA cannot be reached: nothing listens at %s; does dircad run there?",
		    c->config.url);
	if (rc == CURLE_COULDNT_RESOLVE_HOST)
		return err_set(err, DIRCA_E_NETWORK,
		    "the CA cannot be reached: no host of the name %s is known, which the "
		    "directory gives for it",
		    c->host);
	return err_set(err, DIRCA_E_NETWORK, "%s%s%s: %s", url,
	    c->config.socket != NULL ? " at " : "",
	    c->config.socket != NULL ? c->config.socket : "",
	    rc == CURLE_ABORTED_BY_CALLBACK ? "the connection ended before the answer"
					    : curl_easy_strerror(rc));
}

static bool
exchange(struct http_client *c, const char *method, const char *path, const char *content_type,
    const char *authorization, struct view body, struct http_answer *out, struct err *err)
{
	struct exchange x = {.client = c, .answer = out, .is_get = strcmp(method, "GET") == 0};
	OWNED(own_headers) struct curl_slist *headers = NULL;
	OWNED(own_memory)
	char *url = text_printf(
	    "%s%s", c->config.socket != NULL ? "http://localhost" : c->config.url, path);
	OWNED(own_memory)
	char *type = text_printf("Content-Type: %s", content_type != NULL ? content_type : "");
	long status = 0;
	bool ends_all;
	CURLcode rc;

	http_answer_free(out);
	c->challenged = false;
	c->channel.refusal.code = ERR_OK;
	add_header(&headers, type);
	if (authorization != NULL)
		add_header(&headers, authorization);
	if (c->tag != NULL) {
		OWNED(own_memory) char *line = text_printf("If-None-Match: %s", c->tag);

		add_header(&headers, line);
	}
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	set_request(c->curl, method, body);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, time_left_ms(c, &ends_all));
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &x);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &x);
	curl_easy_setopt(c->curl, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(c->curl, CURLOPT_PREREQDATA, &x);
	rc = curl_easy_perform(c->curl);
	c->is_late = rc == CURLE_OPERATION_TIMEDOUT && ends_all;
	if (rc != CURLE_OK)
		return no_answer(&x, url, rc, err);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	out->in_doubt = false;
	return true;
}

/* ---- authentication ---- */

static void
free_header(char **header)
{
	if (*header != NULL)
		OPENSSL_cleanse(*header, strlen(*header));
	free(*header);
	*header = NULL;
}

/* "Authorization: ..." of the next step; NULL with *err for a failure. free_header. */
static char *
basic_header(const struct http_client *c, struct err *err)
{
	const struct secret *password = c->config.password;
	OWNED(secret_free) struct secret both = {0};
	size_t user = c->config.user != NULL ? strlen(c->config.user) : 0;

	if (c->config.user == NULL || password == NULL || password->ptr == NULL) {
		err_set(err, DIRCA_E_USAGE,
		    "mechanism SIMPLE needs the account's name at the CA (-U, user), beside its DN "
		    "in the "
		    "directory, and a password (-W or -y)");
		return NULL;
	}
	if (!secret_alloc(user + 1 + password->len, &both, err))
		return NULL;
	memcpy(both.ptr, c->config.user, user);
	both.ptr[user] = ':';
	memcpy(both.ptr + user + 1, password->ptr, password->len);
	OWNED(free_header) char *base64 = base64_encode(secret_view(&both));

	return text_printf("Authorization: Basic %s", base64);
}

static bool
sasl_message(struct http_client *c, struct buf *message_out, struct err *err)
{
	OWNED(buf_free) struct buf in = {0};
	bool done;

	if (c->challenge != NULL && *c->challenge != '\0' &&
	    !base64_decode(view_str(c->challenge), &in, err))
		return false;
	return sasl_client_next(c->sasl, buf_view(&in), message_out, &done, err);
}

static char *
sasl_header(struct http_client *c, const struct scheme *scheme, struct err *err)
{
	OWNED(buf_free) struct buf message = {0};

	if (!sasl_message(c, &message, err))
		return NULL;
	OWNED(own_memory) char *base64 = base64_encode(buf_view(&message));

	if (!scheme->with_sid)
		return text_printf("Authorization: %s %s", scheme->http, base64);
	if (c->sid == NULL)
		return text_printf("Authorization: %s data=%s", scheme->http, base64);
	return text_printf("Authorization: %s sid=%s, data=%s", scheme->http, c->sid, base64);
}

/* The server's last word (SCRAM's signature, SPNEGO's mutual authentication) is checked before its
 * answer counts. */
static bool
finish_sasl(struct http_client *c, struct err *err)
{
	OWNED(buf_free) struct buf message = {0};
	bool ok = true;

	if (c->challenge != NULL && *c->challenge != '\0')
		ok = sasl_message(c, &message, err);
	else if (scheme_of(c)->with_sid)
		ok = err_set(err, DIRCA_E_AUTHENTICATION,
		    "the CA did not prove that it knows the password's verifier");
	free(c->user);
	c->user = ok ? sasl_client_user(c->sasl) : NULL;
	sasl_client_close(&c->sasl);
	c->authenticated = ok;
	return ok;
}

/* The sign-in is bound to the connection, which must be there before it begins. */
static bool
connect_first(struct http_client *c, struct err *err)
{
	OWNED(http_answer_free) struct http_answer ignored = {0};

	if (!exchange(
		c, "GET", "/.well-known/est/cacerts", NULL, NULL, (struct view){0}, &ignored, err))
		return false;
	return c->channel.end_point.len > 0 ||
	       err_set(err, DIRCA_E_CHANNEL_BINDING, "%s showed no certificate", c->config.url);
}

static bool
start_sasl(struct http_client *c, const struct scheme *scheme, struct err *err)
{
	sasl_client_close(&c->sasl);
	free(c->challenge);
	free(c->sid);
	c->challenge = c->sid = NULL;
	c->authenticated = c->channel.bound = false;
	return (c->channel.end_point.len > 0 || connect_first(c, err)) &&
	       sasl_client_open(scheme->sasl, c->host, c->config.user, c->config.password,
		   buf_view(&c->channel.end_point), &c->sasl, err);
}

/* Of whom a refusal speaks. free(). */
static char *
name_caller(const struct http_client *c, const struct scheme *scheme)
{
	if (c->config.user != NULL)
		return text_printf("user %s", c->config.user);
	return strcmp(scheme->http, "Negotiate") == 0 ? kerberos_principal()
						      : mem_text("the caller");
}

/* The request is repeated with each message of the exchange until the server knows the caller. */
static bool
sign_in(struct http_client *c, const struct scheme *scheme, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err)
{
	OWNED(own_memory) char *who = NULL;

	for (int step = 0; step < STEPS_MAX; step++) {
		OWNED(free_header) char *header = sasl_header(c, scheme, err);

		if (header == NULL) {
			who = name_caller(c, scheme);
			return err_prefix(err, "%s signs in at %s", who, c->host);
		}
		free(c->challenge);
		c->challenge = NULL;
		c->channel.bound = true;
		if (!exchange(c, method, path, content_type, header, body, out, err))
			return false;
		/* A CA that cannot say who calls proves nothing, nor does a gateway before it;
		 * their words are an error in any case. */
		if (out->status >= 500 && c->challenge == NULL)
			return true;
		if (out->status != 401) {
			out->in_doubt = !finish_sasl(c, err);
			return !out->in_doubt;
		}
		if (c->challenge == NULL || *c->challenge == '\0')
			break;
	}
	who = name_caller(c, scheme);
	return err_set(err, DIRCA_E_AUTHENTICATION, "the CA refused %s by %s", who, scheme->http);
}

/* A connection that was kept and closed meanwhile starts over once. */
static bool
request_sasl(struct http_client *c, const struct scheme *scheme, const char *method,
    const char *path, const char *content_type, struct view body, struct http_answer *out,
    struct err *err)
{
	bool ok;

	if (c->authenticated) {
		if (!exchange(c, method, path, content_type, NULL, body, out, err))
			return false;
		if (out->status != 401)
			return true;
	}
	if (!start_sasl(c, scheme, err))
		return false;
	ok = sign_in(c, scheme, method, path, content_type, body, out, err);
	c->channel.bound = false;
	return ok;
}

static bool
request_basic(struct http_client *c, const char *method, const char *path, const char *content_type,
    struct view body, struct http_answer *out, struct err *err)
{
	OWNED(free_header) char *header = basic_header(c, err);

	if (header == NULL || !exchange(c, method, path, content_type, header, body, out, err))
		return false;
	return out->status != 401 || err_set(err, DIRCA_E_AUTHENTICATION,
					 "the CA refused user %s or the password", c->config.user);
}

/* Nothing is sent for it but the handshake. */
static bool
request_certified(struct http_client *c, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err)
{
	if (!exchange(c, method, path, content_type, NULL, body, out, err))
		return false;
	return out->status != 401 ||
	       err_set(err, DIRCA_E_AUTHENTICATION,
		   "the CA does not accept the client certificate%s%s; why, its log says",
		   c->config.user != NULL ? " of " : "",
		   c->config.user != NULL ? c->config.user : "");
}

bool
http_client_request(struct http_client *c, const char *method, const char *path,
    const char *content_type, struct view body, struct http_answer *out, struct err *err)
{
	const struct scheme *scheme = c->config.socket != NULL ? NULL : scheme_of(c);

	*out = (struct http_answer){0};
	if (c->config.socket != NULL)
		return exchange(c, method, path, content_type, NULL, body, out, err);
	if (c->config.client_key != NULL)
		return request_certified(c, method, path, content_type, body, out, err);
	if (scheme == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "%s does not work over HTTPS; use GSSAPI, SCRAM-SHA-256, SIMPLE or a "
		    "client certificate",
		    c->config.mechanism != NULL ? c->config.mechanism : "no mechanism");
	if (scheme->sasl != NULL)
		return request_sasl(c, scheme, method, path, content_type, body, out, err);
	return request_basic(c, method, path, content_type, body, out, err);
}

bool
http_client_get_newer(struct http_client *c, const char *path, const char *tag,
    struct http_answer *out, struct err *err)
{
	bool ok;

	c->tag = tag;
	ok = http_client_request(c, "GET", path, NULL, (struct view){0}, out, err);
	c->tag = NULL;
	return ok;
}

bool
http_client_json(struct http_client *c, const char *method, const char *path, const json_t *body,
    json_t **out, struct err *err)
{
	OWNED(own_memory) char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	OWNED(http_answer_free) struct http_answer answer = {0};

	*out = NULL;
	if (body != NULL && text == NULL)
		mem_exhausted();
	if (!http_client_request(c, method, path, "application/json",
		view_of(text, text != NULL ? strlen(text) : 0), &answer, err) ||
	    !http_answer_check(&answer, err))
		return false;
	*out = json_loadb(
	    (const char *)answer.body.ptr, answer.body.len, JSON_REJECT_DUPLICATES, NULL);
	return *out != NULL ||
	       err_set(err, DIRCA_E_NETWORK, "the CA's answer to %s is not JSON", path);
}
