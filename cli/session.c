#include "session.h"

#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client_config.h"
#include "dn.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "text.h"

#define NO_DIRECTORY "none" /* in place of a URI */

/* Where what a setting says goes. */
static const size_t fields[CLIENT_SETTING_COUNT] = {
    [CLIENT_URI] = offsetof(struct session, uri),
    [CLIENT_MECH] = offsetof(struct session, mech),
    [CLIENT_USER] = offsetof(struct session, user),
    [CLIENT_BIND_DN] = offsetof(struct session, bind_dn),
    [CLIENT_PASSWORD_FILE] = offsetof(struct session, password_file),
    [CLIENT_TLS_CA] = offsetof(struct session, tls_ca),
    [CLIENT_CA] = offsetof(struct session, ca),
    [CLIENT_SOCKET] = offsetof(struct session, socket),
    [CLIENT_CLIENT_CERTIFICATE] = offsetof(struct session, client_certificate),
    [CLIENT_CLIENT_KEY] = offsetof(struct session, client_key),
    [CLIENT_CLIENT_PASSWORD_FILE] = offsetof(struct session, client_password_file),
    [CLIENT_STARTTLS] = offsetof(struct session, starttls_word),
};

static char **
field_of(struct session *s, size_t setting)
{
	return (char **)((char *)s + fields[setting]);
}

static bool
read_settings(struct session *s, struct err *err)
{
	OWNED(client_config_free) struct client_config config = {0};

	if (!client_config_read(&s->cli->opt, &config, err))
		return false;
	for (size_t i = 0; i < CLIENT_SETTING_COUNT; i++)
		*field_of(s, i) = own_give(&config.list[i].value);
	s->starttls = s->starttls_word != NULL && strcmp(s->starttls_word, "yes") == 0;
	return true;
}

const char *
session_default_mech(const char *uri, const char *user, const char *bind_dn)
{
	if (bind_dn != NULL)
		return "SIMPLE";
	if (user != NULL)
		return "SCRAM-SHA-256";
	if (uri != NULL && strncmp(uri, "ldapi:", 6) == 0)
		return "EXTERNAL";
	return "GSSAPI";
}

static bool
set_mech(struct session *s, struct err *err)
{
	static const struct {
		const char *name;
		enum dir_auth auth;
		bool password;
	} mechs[] = {
	    {"GSSAPI", DIR_AUTH_GSSAPI, false},
	    {"SCRAM-SHA-256", DIR_AUTH_SCRAM, true},
	    {"EXTERNAL", DIR_AUTH_EXTERNAL, false},
	    {"SIMPLE", DIR_AUTH_SIMPLE, true},
	};

	if (s->mech == NULL)
		s->mech = mem_text(session_default_mech(s->uri, s->user, s->bind_dn));
	for (size_t i = 0; i < COUNT_OF(mechs); i++) {
		if (!text_eq_nocase(s->mech, mechs[i].name))
			continue;
		strcpy(s->mech, mechs[i].name);
		s->dir_config.auth = mechs[i].auth;
		if (!mechs[i].password)
			return true;
		if (mechs[i].auth == DIR_AUTH_SIMPLE && s->uri != NULL && s->bind_dn == NULL)
			return err_set(err, DIRCA_E_USAGE,
			    "mechanism SIMPLE needs the DN of the account too: --bind-dn, or "
			    "bind_dn "
			    "in dirca.conf (user, %s, is its name at the CA)",
			    s->user != NULL ? s->user : "which is not said");
		return cli_password(s->cli->opt.ask_password ? NULL : s->password_file,
		    "Password: ", false, &s->password, err);
	}
	return err_set(err, DIRCA_E_USAGE,
	    "mechanism %s is unknown; GSSAPI, SCRAM-SHA-256, EXTERNAL or SIMPLE", s->mech);
}

bool
session_open(const struct cli *cli, struct session *out, struct err *err)
{
	*out = (struct session){.cli = cli};
	if (!read_settings(out, err))
		return false;
	if (out->uri != NULL && strcmp(out->uri, NO_DIRECTORY) == 0) {
		free(own_give(&out->uri));
		out->standalone = true;
	}
	if (!set_mech(out, err))
		return false;
	out->dir_config.uris = out->uri;
	out->dir_config.bind_dn = out->bind_dn;
	out->dir_config.authcid = out->user;
	out->dir_config.mech = "SCRAM-SHA-256";
	out->dir_config.password = &out->password;
	out->dir_config.tls_ca_file = out->tls_ca;
	out->dir_config.starttls = out->starttls;
	return true;
}

void
session_close(struct session *s)
{
	pki_services_free(&s->services, s->service_count);
	pki_snapshot_free(&s->pki);
	dir_disconnect(&s->directory);
	secret_free(&s->password);
	own_certificate_free(&s->own);
	for (size_t i = 0; i < CLIENT_SETTING_COUNT; i++)
		free(*field_of(s, i));
	*s = (struct session){0};
}

bool
session_has_directory(const struct session *s, struct err *err)
{
	if (s->standalone)
		return err_set(err, DIRCA_E_STANDALONE,
		    "the CA is stand-alone, says dirca.conf (uri = " NO_DIRECTORY
		    "): there is no directory to ask or to change");
	return s->uri != NULL ||
	       err_set(err, DIRCA_E_USAGE, "no directory is named; use -H or `uri` in dirca.conf");
}

bool
session_directory(struct session *s, struct err *err)
{
	if (s->directory != NULL)
		return true;
	if (!session_has_directory(s, err))
		return false;
	if (dir_sign_in(&s->dir_config, &s->directory, err))
		return true;
	/* Kerberos says by itself whose ticket is the matter. */
	if (err->code == DIRCA_E_AUTHENTICATION && s->dir_config.auth != DIR_AUTH_GSSAPI)
		err_set(err, DIRCA_E_AUTHENTICATION,
		    "the directory %s refused %s by %s: the name or the password is wrong; `dirca "
		    "config show` tells which are used",
		    s->uri,
		    s->bind_dn != NULL ? s->bind_dn
		    : s->user != NULL  ? s->user
				       : "the caller",
		    s->mech);
	return false;
}

bool
session_pki(struct session *s, struct err *err)
{
	if (s->pki != NULL)
		return true;
	return session_directory(s, err) && pki_snapshot_load(s->directory, &s->pki, err) &&
	       pki_services(s->pki, &s->services, &s->service_count, err);
}

#define NAMES_SHOWN 5

/* How well a name is that of a CA: what it is called in DNs, or would be, comes before what people
 * are shown, which nothing keeps from being another's name. */
enum fit { NO_FIT, FITS_TITLE, FITS_NAME };

/* What else `dirca cas` and others show of it: the URL, the hash of its certificate, its DN. */
static bool
is_shown_as(const struct session *s, const struct pki_service *service, const char *name)
{
	OWNED(own_memory) char *dn = NULL;
	OWNED(buf_free) struct buf hash = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err ignored;

	if (service->url != NULL && text_eq_nocase(name, service->url))
		return true;
	if (s->directory != NULL && strchr(name, '=') != NULL)
		dn = pki_service_dn(s->directory, service->name);
	if (dn != NULL && dir_dn_eq(name, dn))
		return true;
	return hex_decode(name, &hash, &ignored) && hash.len == sizeof cert.sha1 &&
	       pkix_cert_decode(buf_view(&service->certificate), &cert, &ignored) &&
	       view_eq(buf_view(&hash), view_of(cert.sha1, sizeof cert.sha1));
}

static enum fit
name_fits(const struct session *s, const struct pki_service *service, const char *name)
{
	OWNED(own_memory) char *in_dn = pki_sanitize(name);

	if (text_eq_nocase(name, service->name) ||
	    (in_dn != NULL && text_eq_nocase(in_dn, service->name)) ||
	    is_shown_as(s, service, name))
		return FITS_NAME;
	return service->display_name != NULL && text_eq_nocase(name, service->display_name)
		   ? FITS_TITLE
		   : NO_FIT;
}

/* Also HOST\NAME, as a configuration string of a CA is written. */
static enum fit
fit_of(const struct session *s, const struct pki_service *service)
{
	size_t len = service->host != NULL ? strlen(service->host) : 0;
	enum fit fit = s->ca != NULL ? name_fits(s, service, s->ca) : FITS_NAME;

	if (fit == NO_FIT && len > 0 && strncasecmp(s->ca, service->host, len) == 0 &&
	    s->ca[len] == '\\')
		fit = name_fits(s, service, s->ca + len + 1);
	return fit;
}

bool
session_means(const struct session *s, const struct pki_service *service)
{
	enum fit fit = fit_of(s, service);

	for (size_t i = 0; i < s->service_count && fit == FITS_TITLE; i++)
		if (fit_of(s, &s->services[i]) == FITS_NAME)
			return false;
	return fit != NO_FIT;
}

/* One of the same title is somewhere else. */
static bool
is_title_of_others(const struct session *s, const struct pki_service *service)
{
	for (size_t i = 0; i < s->service_count; i++)
		if (&s->services[i] != service && s->services[i].host != NULL &&
		    text_eq_nocase(pki_service_title(&s->services[i]), pki_service_title(service)))
			return true;
	return false;
}

static bool
refuse_several(const struct session *s, size_t matches, struct err *err)
{
	char names[NAMES_SHOWN * 140] = "";
	size_t used = 0, shown = 0;

	for (size_t i = 0; i < s->service_count && shown < NAMES_SHOWN; i++) {
		const struct pki_service *one = &s->services[i];
		bool places = one->host != NULL && is_title_of_others(s, one);

		if (session_means(s, one))
			used += (size_t)snprintf(names + used, sizeof names - used,
			    "%s%.64s%s%.64s", shown++ > 0 ? ", " : "", places ? one->host : "",
			    places ? "\\" : "", pki_service_title(one));
	}
	return err_set(err, TYPE_E_AMBIGUOUSNAME,
	    "the directory names %zu certification authorities: %s%s; choose one with --ca",
	    matches, names, matches > shown ? ", ..." : "");
}

bool
session_no_ca(const struct session *s, struct err *err)
{
	return err_set(err, CRYPT_E_NOT_FOUND,
	    "the directory names no certification authority%s%s; `dirca %s",
	    s->ca != NULL ? " " : "", s->ca != NULL ? s->ca : "",
	    s->ca != NULL ? "cas` lists them" : "ca publish` makes it known");
}

bool
session_service(struct session *s, const struct pki_service **service_out, struct err *err)
{
	const struct pki_service *found = NULL;
	size_t matches = 0;

	*service_out = NULL;
	if (s->socket != NULL && (s->uri == NULL || s->ca == NULL))
		return true;
	if (!session_pki(s, err))
		return false;
	for (size_t i = 0; i < s->service_count; i++)
		if (session_means(s, &s->services[i])) {
			found = &s->services[i];
			matches++;
		}
	if (matches == 0)
		return session_no_ca(s, err);
	if (matches > 1)
		return refuse_several(s, matches, err);
	*service_out = found;
	return true;
}

/* By the socket the local user calls, whatever else he could show. */
static bool
read_own_certificate(struct session *s, struct err *err)
{
	if (s->own.key != NULL || (s->client_certificate == NULL && s->client_key == NULL))
		return true;
	if (s->socket != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "by the Unix socket the local user calls: a client certificate and --socket "
		    "do not go together");
	return own_certificate_read(
	    s->client_certificate, s->client_key, s->client_password_file, &s->own, err);
}

bool
session_caller(struct session *s, const char **name_out, struct err *err)
{
	if (!read_own_certificate(s, err))
		return false;
	*name_out = s->own.key != NULL ? s->own.upn : s->user;
	return true;
}

bool
session_principal(struct session *s, struct principal *out, bool *known_out, struct err *err)
{
	struct identity id = {IDENTITY_NAME, NULL};
	enum dir_find found = DIR_NOT_FOUND;

	*out = (struct principal){0};
	if (!session_caller(s, &id.text, err))
		return false;
	if (id.text != NULL)
		found = principal_find_identity(s->directory, &id, out, err);
	*known_out = found == DIR_FOUND;
	return found != DIR_FIND_FAILED;
}

char *
session_sender(const struct principal *me)
{
	char sid[SID_TEXT_MAX];
	const char *text = principal_sid_text(me, sid);

	return mem_text(text != NULL ? text : me->downlevel);
}

bool
session_http(
    struct session *s, const struct pki_service *service, struct http_client **out, struct err *err)
{
	const char *caller;

	*out = NULL;
	if (!session_caller(s, &caller, err))
		return false;

	struct http_client_config config = {.socket = s->socket,
	    .url = service != NULL ? service->url : NULL,
	    .ca_certificate = service != NULL ? buf_view(&service->certificate) : (struct view){0},
	    .service_keys = service != NULL ? service->service_keys : NULL,
	    .service_key_count = service != NULL ? service->service_key_count : 0,
	    .mechanism = s->mech,
	    .user = caller,
	    .password = &s->password,
	    .client_key = s->own.key,
	    .client_certificate = buf_view(&s->own.certificate)};

	if (s->socket == NULL && config.service_key_count == 0)
		return err_set(err, DIRCA_E_SERVICE_KEY,
		    "the directory does not say which key the service of %s has "
		    "(dircaServiceKeyHash): "
		    "run `dirca ca publish` on the CA's machine, or let this account read the "
		    "attribute",
		    pki_service_title(service));
	return http_client_open(&config, out, err);
}

bool
session_ca(struct session *s, struct http_client **out, struct err *err)
{
	const struct pki_service *service;

	*out = NULL;
	return session_service(s, &service, err) && session_http(s, service, out, err);
}
