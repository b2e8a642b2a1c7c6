#include "gate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>

#include "mem.h"
#include "text.h"

/* "host:port" of an HTTP authority; the port of a literal IPv6 address stands behind its bracket.
 */
struct authority {
	struct view host; /* an IPv6 address without its brackets */
	int64_t port;
};

static bool
port_from(struct view text, int64_t *out)
{
	char digits[6];

	if (text.len == 0 || text.len >= sizeof digits)
		return false;
	memcpy(digits, text.ptr, text.len);
	digits[text.len] = '\0';
	return text_to_int(digits, 1, 65535, out);
}

static bool
authority_from(const char *text, int64_t default_port, struct authority *out)
{
	const char *end = text + strlen(text), *host = text, *host_end;

	if (text[0] == '[') {
		host++;
		if ((host_end = strchr(text, ']')) == NULL)
			return false;
		text = host_end + 1;
	} else {
		host_end = text += strcspn(text, ":");
	}
	*out = (struct authority){view_of(host, (size_t)(host_end - host)), default_port};
	/* The name's root: "ca1.nwtraders.com." is the same host. */
	if (out->host.len > 1 && out->host.ptr[out->host.len - 1] == '.')
		out->host.len--;
	if (text == end)
		return out->host.len > 0;
	return *text == ':' && out->host.len > 0 && port_from(view_str(text + 1), &out->port);
}

static bool
host_is(const struct authority *a, const char *name)
{
	return a->host.len == strlen(name) &&
	       strncasecmp((const char *)a->host.ptr, name, a->host.len) == 0;
}

/* The address of a listener, as it was written. */
enum reach { ONE_ADDRESS, LOOPBACK, EVERY_ADDRESS };

static enum reach
reach_of(const struct authority *listener)
{
	if (host_is(listener, "0.0.0.0") || host_is(listener, "::"))
		return EVERY_ADDRESS;
	if (host_is(listener, "localhost") || host_is(listener, "::1") ||
	    (listener->host.len > 4 && memcmp(listener->host.ptr, "127.", 4) == 0))
		return LOOPBACK;
	return ONE_ADDRESS;
}

/* A literal address is no name that somebody else's name server could have made ours. */
static bool
is_address(const struct authority *a)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (a->host.len >= sizeof text)
		return false;
	memcpy(text, a->host.ptr, a->host.len);
	text[a->host.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool
names_listener(const struct config *config, const struct authority *a, const char *listen)
{
	struct authority listener;

	if (!authority_from(listen, 0, &listener) || listener.port != a->port)
		return false;
	if (host_is(a, config->host) ||
	    (listener.host.len == a->host.len &&
		memcmp(listener.host.ptr, a->host.ptr, a->host.len) == 0))
		return true;
	switch (reach_of(&listener)) {
	case EVERY_ADDRESS:
		return is_address(a) || host_is(a, "localhost");
	case LOOPBACK:
		return host_is(a, "localhost");
	case ONE_ADDRESS:
		break;
	}
	return false;
}

static bool
names_url(const struct authority *a, const char *url, size_t scheme, int64_t default_port)
{
	struct authority ours;
	char *text;
	bool same;

	if (url == NULL || (text = strndup(url + scheme, strcspn(url + scheme, "/"))) == NULL)
		return false;
	same =
	    authority_from(text, default_port, &ours) && ours.port == a->port &&
	    ours.host.len == a->host.len &&
	    strncasecmp((const char *)ours.host.ptr, (const char *)a->host.ptr, a->host.len) == 0;
	free(text);
	return same;
}

/* Whether an authority is this CA's, seen from the door that the request came in by. */
static bool
is_ours(const struct config *config, enum http_channel channel, const char *text)
{
	bool tls = channel == HTTP_TLS;
	char *const *list = tls ? config->listen : config->http_listen;
	size_t count = tls ? config->listen_count : config->http_listen_count;
	struct authority a;

	if (!authority_from(text, tls ? 443 : 80, &a))
		return false;
	if (channel == HTTP_LOCAL)
		return host_is(&a, "localhost");
	if (channel == HTTP_METRICS)
		return config->metrics_listen != NULL &&
		       names_listener(config, &a, config->metrics_listen);
	for (size_t i = 0; i < count; i++)
		if (names_listener(config, &a, list[i]))
			return true;
	return tls ? names_url(&a, config->url, strlen("https://"), 443)
		   : names_url(&a, config->http_url, strlen("http://"), 80);
}

static bool
origin_is_ours(const struct config *config, const struct http_call *call)
{
	static const char scheme[] = "https://";

	return call->channel == HTTP_TLS && strncmp(call->origin, scheme, strlen(scheme)) == 0 &&
	       is_ours(config, HTTP_TLS, call->origin + strlen(scheme));
}

/* What forms cannot send, and fetch() not without asking first (Fetch, "CORS-safelisted"). */
static bool
type_is_ours(const char *type)
{
	static const char *const types[] = {"application/json", "application/pkcs10",
	    "application/pkcs7-mime", "application/octet-stream"};
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strlen(types[i]) == len && strncasecmp(type, types[i], len) == 0)
			return true;
	return false;
}

bool
gate_admits(const struct config *config, const struct http_call *call, struct err *err)
{
	bool reads = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;

	if (call->host == NULL ? !reads : !is_ours(config, call->channel, call->host))
		return err_set(err, DIRCA_E_CROSS_SITE,
		    "Host '%s' is none of this CA's; its names are `host`, `url` and the addresses "
		    "of "
		    "dircad.conf, with the port",
		    call->host != NULL ? call->host : "");
	if (reads)
		return true;
	if (call->origin != NULL && !origin_is_ours(config, call))
		return err_set(err, DIRCA_E_CROSS_SITE,
		    "a page of '%s' may not change anything at this CA", call->origin);
	if (call->fetch_site != NULL && strcmp(call->fetch_site, "same-origin") != 0)
		return err_set(err, DIRCA_E_CROSS_SITE,
		    "a browser sent this for another page (Sec-Fetch-Site: %s)", call->fetch_site);
	if (!type_is_ours(call->body_type))
		return err_set(err, DIRCA_E_CROSS_SITE,
		    "Content-Type '%s' could come from a form; send application/json, or the type "
		    "of "
		    "the request (RFC 7030, RFC 5273)",
		    call->body_type != NULL ? call->body_type : "");
	return true;
}
