#include "crl_http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
#include <curl/curl.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "text.h"
#include "texts.h"

#define KEPT_MAX    16
#define FRESH_MS    (3600 * INT64_C(1000))
#define RETRY_MS    (60 * INT64_C(1000))
#define FETCH_MS    3000
#define SPENT_MS    8000 /* for all of them, in the time between two views */
#define INTERVAL_MS (30 * INT64_C(1000))
#define NEVER       INT64_MIN

struct kept {
	char *url;
	struct buf der;
	int64_t fetched_ms, tried_ms; /* clock_mono_ms; NEVER */
	struct err why;               /* of the last try that failed */
};
struct crl_http {
	enum crl_http_from from;
	struct kept list[KEPT_MAX];
	size_t count;
	int64_t begun_ms, spent_ms;
};

struct crl_http *
crl_http_new(enum crl_http_from from)
{
	struct crl_http *h = mem_zero(1, sizeof *h);

	h->from = from;
	h->begun_ms = NEVER;
	return h;
}

static void
kept_free(struct kept *k)
{
	free(k->url);
	buf_free(&k->der);
	*k = (struct kept){0};
}

void
crl_http_free(struct crl_http **h)
{
	for (size_t i = 0; *h != NULL && i < (*h)->count; i++)
		kept_free(&(*h)->list[i]);
	free(*h);
	*h = NULL;
}

/* ---- one fetch ---- */

static bool
is_near_v4(uint32_t a)
{
	return a >> 24 == 127 || a >> 24 == 0 || a >> 16 == 0xa9fe || a >> 28 >= 0xe;
}

bool
crl_http_is_near(const struct sockaddr *sa)
{
	const struct in6_addr *six;

	if (sa->sa_family == AF_INET)
		return is_near_v4(
		    ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	if (sa->sa_family != AF_INET6)
		return true;
	six = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(six))
		return is_near_v4((uint32_t)six->s6_addr[12] << 24 |
				  (uint32_t)six->s6_addr[13] << 16 |
				  (uint32_t)six->s6_addr[14] << 8 | six->s6_addr[15]);
	return IN6_IS_ADDR_LOOPBACK(six) || IN6_IS_ADDR_UNSPECIFIED(six) ||
	       IN6_IS_ADDR_LINKLOCAL(six) || IN6_IS_ADDR_MULTICAST(six);
}

/* The address that is connected to, whatever the name said before. */
static curl_socket_t
open_far(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const enum crl_http_from *from = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (*from != CRL_HTTP_LOCAL && crl_http_is_near(&to->addr)))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct buf *body = arg;
	struct err ignored;
	size_t len = size * count;

	if (len > CRL_HTTP_MAX - body->len || !buf_append(body, view_of(data, len), &ignored))
		return CURL_WRITEFUNC_ERROR;
	return len;
}

OWN_POINTER(own_curl, CURL, curl_easy_cleanup)

static bool
fetch(enum crl_http_from from, const char *url, long limit_ms, struct buf *out, struct err *err)
{
	OWNED(own_curl) CURL *curl = curl_easy_init();
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode rc;

	if (curl == NULL)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE, "libcurl cannot be used");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit_ms);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)CRL_HTTP_MAX);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_far);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &from);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		return err_set(err, CRYPT_E_REVOCATION_OFFLINE, "%s: %s", url,
		    why[0] != '\0' ? why : curl_easy_strerror(rc));
	return status == 200 ||
	       err_set(err, CRYPT_E_REVOCATION_OFFLINE, "%s: answered %ld", url, status);
}

/* ---- what is kept ---- */

/* The one that was tried longest ago makes room. */
static struct kept *
entry_of(struct crl_http *h, const char *url)
{
	struct kept *oldest = &h->list[0];

	for (size_t i = 0; i < h->count; i++) {
		if (strcmp(h->list[i].url, url) == 0)
			return &h->list[i];
		if (h->list[i].tried_ms < oldest->tried_ms)
			oldest = &h->list[i];
	}
	if (h->count < KEPT_MAX)
		oldest = &h->list[h->count++];
	kept_free(oldest);
	oldest->url = mem_text(url);
	oldest->fetched_ms = oldest->tried_ms = NEVER;
	return oldest;
}

static bool
is_older_than(int64_t then_ms, int64_t now_ms, int64_t ms)
{
	return then_ms == NEVER || now_ms - then_ms >= ms;
}

/* Servers that hang hold the view up for so long, and no longer. */
static int64_t
time_left(struct crl_http *h, int64_t now_ms)
{
	if (is_older_than(h->begun_ms, now_ms, INTERVAL_MS)) {
		h->begun_ms = now_ms;
		h->spent_ms = 0;
	}
	return h->spent_ms < SPENT_MS - FETCH_MS ? FETCH_MS : SPENT_MS - h->spent_ms;
}

static bool
ask(struct view der, const struct crl_check *in, const char *url, bool *listed_out, struct err *err)
{
	return pkix_crl_lists(
		   der, in->issuer->subject, in->key, in->cert->serial, in->now, listed_out, err) ||
	       err_prefix(err, "%s", url);
}

/* Who answers for the server may have kept one that does not name the certificate yet. */
static bool
check_newer(const struct kept *k, struct view der, struct err *err)
{
	int64_t had, made;

	if (k->der.len == 0)
		return true;
	return pkix_crl_made(buf_view(&k->der), &had, err) && pkix_crl_made(der, &made, err) &&
	       (made >= had || err_set(err, CRYPT_E_REVOCATION_OFFLINE,
				   "%s: it is older than the one that was there before", k->url));
}

/* What is no current CRL of the issuer, or an older one, takes the place of none that is. */
static void
renew(struct crl_http *h, struct kept *k, const struct crl_check *in)
{
	OWNED(buf_free) struct buf body = {0};
	int64_t now_ms = clock_mono_ms(), left_ms = time_left(h, now_ms);
	bool ok, listed;

	if (left_ms <= 0) {
		err_set(&k->why, CRYPT_E_REVOCATION_OFFLINE,
		    "%s: not asked now, other servers took too long", k->url);
		return;
	}
	ok = fetch(h->from, k->url, (long)left_ms, &body, &k->why);
	k->tried_ms = clock_mono_ms();
	h->spent_ms += k->tried_ms - now_ms;
	if (!ok || !ask(buf_view(&body), in, k->url, &listed, &k->why) ||
	    !check_newer(k, buf_view(&body), &k->why))
		return;
	k->fetched_ms = k->tried_ms;
	buf_free(&k->der);
	k->der = buf_give(&body);
}

static bool
ask_url(struct crl_http *h, const char *url, const struct crl_check *in, bool *listed_out,
    struct err *err)
{
	struct kept *k = entry_of(h, url);
	int64_t now_ms = clock_mono_ms();
	struct err why = {0};
	bool usable = k->der.len > 0 && ask(buf_view(&k->der), in, url, listed_out, &why);

	if ((!usable || is_older_than(k->fetched_ms, now_ms, FRESH_MS)) &&
	    is_older_than(k->tried_ms, now_ms, RETRY_MS)) {
		renew(h, k, in);
		usable = k->der.len > 0 && ask(buf_view(&k->der), in, url, listed_out, &why);
	}
	if (!usable)
		*err = k->why.msg[0] != '\0' ? k->why : why;
	return usable;
}

bool
crl_http_lists(struct crl_http *h, const struct crl_check *in, bool *listed_out, struct err *err)
{
	OWNED(texts_free) struct texts urls = {0};

	*listed_out = true;
	if (h->from == CRL_HTTP_NO)
		return err_set(
		    err, CRYPT_E_REVOCATION_OFFLINE, "dircad.conf allows none (crl_http)");
	pkix_cert_crl_urls(in->cert, &urls);
	err_set(err, CRYPT_E_REVOCATION_OFFLINE, "the certificate names no http URL of one");
	for (size_t i = 0; i < urls.count; i++)
		if (ask_url(h, urls.list[i], in, listed_out, err))
			return true;
	err->code = CRYPT_E_REVOCATION_OFFLINE;
	return false;
}
