#include "conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "conn_priv.h"
#include "file.h"
#include "given.h"
#include "text.h"
#include "mem.h"
#include "own_ldap.h"

/* The largest answer that this program asks for is the CRL that it published (PKIX_CRL_MAX); this
 * bounds what a hostile server makes us allocate at once. */
#define PDU_MAX ((ber_len_t)136 << 20)

static bool
has_scheme(const char *uri, const char *scheme)
{
	return strncasecmp(uri, scheme, strlen(scheme)) == 0;
}

static bool
set_options(struct dir_conn *c, struct err *err)
{
	int version = LDAP_VERSION3;
	ber_len_t most = PDU_MAX;
	struct timeval timeout;
	Sockbuf *sb = NULL;

	dir_conn_timeout(c->config, &timeout);
	if (ldap_set_option(c->ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(c->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(c->ld, LDAP_OPT_RESTART, LDAP_OPT_ON) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(c->ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(c->ld, LDAP_OPT_TIMEOUT, &timeout) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(c->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) != LDAP_OPT_SUCCESS ||
	    !dir_conn_limit(c) ||
	    ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb) != LDAP_OPT_SUCCESS ||
	    ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most) != 1)
		return err_set(err, DIRCA_E_INTERNAL, "libldap refused an option for %s", c->uri);
	return true;
}

/* A context of its own does not have what ldap.conf(5) and the environment say; it is taken over,
 * except that a file of trusted CAs that was configured is the only one. */
static bool
inherit_tls(struct dir_conn *c)
{
	static const int options[] = {LDAP_OPT_X_TLS_CACERTFILE, LDAP_OPT_X_TLS_CACERTDIR,
	    LDAP_OPT_X_TLS_CERTFILE, LDAP_OPT_X_TLS_KEYFILE};

	for (size_t i = c->config->tls_ca_file != NULL ? 2 : 0; i < COUNT_OF(options); i++) {
		OWNED(own_ldap_text) char *value = NULL;

		if (ldap_get_option(NULL, options[i], &value) != LDAP_OPT_SUCCESS ||
		    (value != NULL &&
			ldap_set_option(c->ld, options[i], value) != LDAP_OPT_SUCCESS))
			return false;
	}
	return true;
}

/* libldap reads nothing but PEM, by a name, and says nothing of it: it is given a file in memory.
 */
static bool
set_ca_file(struct dir_conn *c, struct err *err)
{
	const char *path = c->config->tls_ca_file;
	OWNED(buf_free) struct buf pem = {0};
	char name[sizeof "/proc/self/fd/" + 10];

	if (path == NULL)
		return true;
	if (!given_trust(path, &pem, err)) {
		err->code = DIRCA_E_CONFIG;
		return err_prefix(err, "certificates that TLS is verified against (tls_ca)");
	}
	if ((c->ca_file = memfd_create("tls_ca", MFD_CLOEXEC)) == -1 ||
	    !file_write_all(c->ca_file, buf_view(&pem)))
		return err_errno(err, DIRCA_E_IO, "a file in memory");
	snprintf(name, sizeof name, "/proc/self/fd/%d", c->ca_file);
	return ldap_set_option(c->ld, LDAP_OPT_X_TLS_CACERTFILE, name) == LDAP_OPT_SUCCESS ||
	       err_nomem(err);
}

static bool
set_tls(struct dir_conn *c, int demand, struct err *err)
{
	int is_server = 0;

	if (!set_ca_file(c, err))
		return false;
	if (ldap_set_option(c->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS ||
	    !inherit_tls(c) ||
	    ldap_set_option(c->ld, LDAP_OPT_X_TLS_NEWCTX, &is_server) != LDAP_OPT_SUCCESS)
		return err_set(err, DIRCA_E_CONFIG,
		    "TLS for %s could not be set up; check the CA file %s", c->uri,
		    c->config->tls_ca_file != NULL ? c->config->tls_ca_file : "of ldap.conf");
	return true;
}

static bool
handshake_failed(struct dir_conn *c, struct err *err)
{
	const char *file = c->config->tls_ca_file;

	dir_conn_break(c);
	return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
	    "TLS handshake with %s failed: its certificate is for another name or not by a CA of "
	    "%s, or it speaks no TLS; `dirca doctor directory` tells which",
	    c->uri, file != NULL ? file : "this machine");
}

static bool
not_reached(struct dir_conn *c, int rc, const char *what, struct err *err)
{
	OWNED(own_memory) char *why = rc == LDAP_SERVER_DOWN ? dir_conn_why_not(c->uri) : NULL;

	if (why == NULL)
		return dir_conn_fail(c, rc, err, "%s", what);
	dir_conn_break(c);
	return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE, "%s cannot be reached: %s", c->uri, why);
}

/* Connects and secures the connection, within the limit. */
static bool
reach(struct dir_conn *c, bool starttls, struct err *err)
{
	const char *what = "connecting";
	int rc = ldap_connect(c->ld);

	if (rc == LDAP_SUCCESS && starttls) {
		what = "StartTLS";
		rc = ldap_start_tls_s(c->ld, NULL, NULL);
	}
	if (rc != LDAP_SUCCESS && clock_mono_ms() >= c->deadline_ms)
		rc = LDAP_TIMEOUT;
	c->deadline_ms = 0;
	if (rc == LDAP_SUCCESS)
		return true;
	if (c->is_connected && (starttls || has_scheme(c->uri, "ldaps:")) && rc != LDAP_TIMEOUT)
		return handshake_failed(c, err);
	return not_reached(c, rc, what, err);
}

static bool
open_with(const struct dir_config *config, const char *uri, int tls_demand, struct dir_conn **out,
    struct err *err)
{
	OWNED(dir_disconnect) struct dir_conn *c = mem_zero(1, sizeof *c);
	bool is_local = has_scheme(uri, "ldapi:"), is_tls = has_scheme(uri, "ldaps:");
	bool starttls = config->starttls && !is_local && !is_tls;

	*out = NULL;
	c->uri = mem_text(uri);
	c->config = config;
	c->ca_file = -1;
	if (ldap_initialize(&c->ld, uri) != LDAP_SUCCESS)
		return err_set(err, DIRCA_E_CONFIG,
		    "'%s' is no URI of a directory: ldap://HOST, ldaps://HOST or ldapi:///, with "
		    ":PORT where it is another than 389 or 636",
		    uri);
	if (!set_options(c, err) || ((is_tls || starttls) && !set_tls(c, tls_demand, err)) ||
	    !reach(c, starttls, err))
		return false;
	c->is_protected = is_local || is_tls || starttls;
	*out = own_give(&c);
	return true;
}

bool
dir_conn_open(
    const struct dir_config *config, const char *uri, struct dir_conn **out, struct err *err)
{
	return open_with(config, uri, LDAP_OPT_X_TLS_DEMAND, out, err);
}

bool
dir_conn_peer_certificate(const struct dir_config *config, const char *uri, struct buf *der_out)
{
	OWNED(dir_disconnect) struct dir_conn *verified = NULL, *c = NULL;
	struct berval der = {0};
	struct err err;
	bool ok;

	*der_out = (struct buf){0};
	if (has_scheme(uri, "ldapi:") || dir_conn_open(config, uri, &verified, &err) ||
	    !open_with(config, uri, LDAP_OPT_X_TLS_NEVER, &c, &err))
		return false;
	ok = ldap_get_option(c->ld, LDAP_OPT_X_TLS_PEERCERT, &der) == LDAP_OPT_SUCCESS &&
	     der.bv_len > 0 && buf_dup(view_of(der.bv_val, der.bv_len), der_out, &err);
	ldap_memfree(der.bv_val);
	return ok;
}

void
dir_disconnect(struct dir_conn **conn)
{
	struct dir_conn *c = *conn;

	if (c == NULL)
		return;
	if (c->ld != NULL)
		ldap_unbind_ext(c->ld, NULL, NULL);
	if (c->ca_file != -1)
		close(c->ca_file);
	dir_ahead_free(c);
	buf_free(&c->held);
	if (c->clear_kept != NULL)
		c->clear_kept(c->kept);
	free(c->kept);
	free(c->uri);
	free(c->config_nc);
	free(c->default_nc);
	free(c->vendor);
	free(c->sasl_mechs);
	free(c->references);
	free(c);
	*conn = NULL;
}

void *
dir_conn_keep(struct dir_conn *c, size_t size, void (*clear)(void *kept))
{
	if (c->kept == NULL) {
		c->kept = mem_zero(1, size);
		c->clear_kept = clear;
	}
	return c->kept;
}

void *
dir_conn_kept(const struct dir_conn *c)
{
	return c->kept;
}

/* One try: open, bind and, for a connection that will be kept, the rootDSE. */
static bool
try_uri(const struct dir_config *config, const char *uri, bool wants_root, struct dir_conn **out,
    struct err *err)
{
	struct dir_conn *c;

	if (!dir_conn_open(config, uri, &c, err))
		return false;
	if (!dir_conn_bind(c, config, err) || (wants_root && !dir_probe(c, err))) {
		dir_disconnect(&c);
		return false;
	}
	*out = c;
	return true;
}

/* The URIs of a configuration, cut apart. */
struct uri_list {
	char *text;
	char **list;
	size_t count;
};

static struct uri_list
split_uris(const char *uris)
{
	struct uri_list out = {.text = mem_text(uris != NULL ? uris : "")};
	char *rest = out.text, *uri;

	while ((uri = strsep(&rest, " \t\n")) != NULL)
		if (*uri != '\0') {
			out.list = mem_grow(out.list, out.count, sizeof *out.list);
			out.list[out.count++] = uri;
		}
	return out;
}

enum purpose {
	FOR_SERVICE, /* who this program is, is no caller's matter */
	FOR_CALLER,
	FOR_PASSWORD
};

/* Tries each URI, that which answered last before the others, so that a dead or hung server is paid
 * for once. When a user's password is checked, a refusal is the directory's answer: no other server
 * is asked, so that one wrong password counts once against a lockout. */
static bool
try_list(const struct dir_config *config, const struct uri_list *uris, enum purpose purpose,
    struct dir_conn **out, struct err *err)
{
	char reasons[sizeof err->msg] = "";
	size_t used = 0, first = 0;
	bool named;

	if (config->preferred != NULL)
		first = __atomic_load_n(config->preferred, __ATOMIC_RELAXED);
	for (size_t i = 0; i < uris->count; i++) {
		size_t at = (first + i) % uris->count;

		if (try_uri(config, uris->list[at], purpose != FOR_PASSWORD, out, err)) {
			(*out)->uri_at = at;
			(*out)->uri_count = uris->count;
			(*out)->has_answered = true;
			if (config->preferred != NULL)
				__atomic_store_n(config->preferred, at, __ATOMIC_RELAXED);
			return true;
		}
		if ((purpose != FOR_SERVICE && err->code == DIRCA_E_AUTHENTICATION) ||
		    (purpose == FOR_CALLER && err->code == DIRCA_E_CONFIG))
			return false;
		named = strstr(err->msg, uris->list[at]) != NULL;
		if (used < sizeof reasons)
			used += (size_t)snprintf(reasons + used, sizeof reasons - used, "%s%s%s%s",
			    i > 0 ? "; " : "", named ? "" : uris->list[at], named ? "" : ": ",
			    err->msg);
	}
	if (uris->count == 0)
		return err_set(err, DIRCA_E_CONFIG,
		    "no directory is configured: the list of LDAP URIs is empty");
	return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE, "cannot use the directory: %s", reasons);
}

static void
uri_list_free(struct uri_list *uris)
{
	free(uris->list);
	free(uris->text);
}

static bool
try_all(
    const struct dir_config *config, enum purpose purpose, struct dir_conn **out, struct err *err)
{
	OWNED(uri_list_free) struct uri_list uris = split_uris(config->uris);

	*out = NULL;
	return try_list(config, &uris, purpose, out, err);
}

bool
dir_connect(const struct dir_config *config, struct dir_conn **out, struct err *err)
{
	return try_all(config, FOR_SERVICE, out, err);
}

bool
dir_sign_in(const struct dir_config *config, struct dir_conn **out, struct err *err)
{
	return try_all(config, FOR_CALLER, out, err);
}

bool
dir_check_password(
    const struct dir_config *config, const char *dn, const struct secret *password, struct err *err)
{
	struct dir_config as_user = *config;
	struct dir_conn *c;

	/* RFC 4513 5.1.1 and 5.1.2: without a name or a password the bind would succeed as
	 * anonymous. */
	if (*dn == '\0' || password->len == 0)
		return err_set(err, DIRCA_E_AUTHENTICATION, "an empty name or password is refused");
	as_user.auth = DIR_AUTH_SIMPLE;
	as_user.bind_dn = dn;
	as_user.password = password;
	if (!try_all(&as_user, FOR_PASSWORD, &c, err))
		return false;
	dir_disconnect(&c);
	return true;
}

bool
dir_conn_is_broken(const struct dir_conn *c)
{
	return c->broken;
}

const struct dir_root *
dir_conn_root(const struct dir_conn *c)
{
	return &c->root;
}

const char *
dir_conn_references(const struct dir_conn *c)
{
	return c->references;
}

const char *
dir_conn_uri(const struct dir_conn *c)
{
	return c->uri;
}

bool
dir_conn_is_protected(const struct dir_conn *c)
{
	return c->is_protected;
}

bool
dir_conn_is_preferred(const struct dir_conn *c)
{
	return c->config->preferred == NULL ||
	       __atomic_load_n(c->config->preferred, __ATOMIC_RELAXED) % c->uri_count == c->uri_at;
}

bool
dir_conn_is_quiet(const struct dir_conn *c)
{
	struct pollfd p = {.fd = -1, .events = POLLIN | POLLRDHUP};

	if (ldap_get_option(c->ld, LDAP_OPT_DESC, &p.fd) != LDAP_OPT_SUCCESS || p.fd < 0)
		return false;
	return poll(&p, 1, 0) == 0;
}
