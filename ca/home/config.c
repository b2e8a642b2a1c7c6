#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cms.h"
#include "dotted.h"
#include "key_uri.h"
#include "kra_flags.h"
#include "kv.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "plain.h"
#include "sign_kinds.h"
#include "text.h"

enum kind { TEXT, LIST, FLAG, INT, LONG, AUTH, LEVEL, BINDING, KRA_FLAGS, READER, TYPE, CRL_HTTP };

/* Every name that a configuration file may hold; dircad.conf(5) describes them in this order. */
static const struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t count_offset; /* LIST */
	int64_t min, max;    /* INT, LONG */
} options[] = {
#define AT(field) offsetof(struct config, field)
    {"ca_name", TEXT, AT(ca_name), 0, 0, 0},
    {"host", TEXT, AT(host), 0, 0, 0},
    {"ca_type", TYPE, AT(standalone), 0, 0, 0},
    {"state_dir", TEXT, AT(state_dir), 0, 0, 0},
    {"listen", LIST, AT(listen), AT(listen_count), 0, 0},
    {"http_listen", LIST, AT(http_listen), AT(http_listen_count), 0, 0},
    {"metrics_listen", TEXT, AT(metrics_listen), 0, 0, 0},
    {"socket", TEXT, AT(socket), 0, 0, 0},
    {"url", TEXT, AT(url), 0, 0, 0},
    {"http_url", TEXT, AT(http_url), 0, 0, 0},
    {"crl_hosts", LIST, AT(crl_hosts), AT(crl_host_count), 0, 0},
    {"peers", LIST, AT(peers), AT(peer_count), 0, 0},
    {"ca_administrators", LIST, AT(administrators), AT(administrator_count), 0, 0},
    {"certificate_managers", LIST, AT(managers), AT(manager_count), 0, 0},
    {"auditors", LIST, AT(auditors), AT(auditor_count), 0, 0},
    {"dir_uris", TEXT, AT(dir_uris), 0, 0, 0},
    {"dir_auth", AUTH, AT(dir_auth), 0, 0, 0},
    {"dir_mech", TEXT, AT(dir_mech), 0, 0, 0},
    {"dir_bind_dn", TEXT, AT(dir_bind_dn), 0, 0, 0},
    {"dir_authcid", TEXT, AT(dir_authcid), 0, 0, 0},
    {"dir_password_file", TEXT, AT(dir_password_file), 0, 0, 0},
    {"dir_keytab", TEXT, AT(dir_keytab), 0, 0, 0},
    {"dir_tls_ca", TEXT, AT(dir_tls_ca), 0, 0, 0},
    {"dir_starttls", FLAG, AT(dir_starttls), 0, 0, 0},
    {"dir_allow_plain", FLAG, AT(dir_allow_plain), 0, 0, 0},
    {"dir_timeout_ms", INT, AT(dir_timeout_ms), 0, 100, 600000},
    {"refresh_s", INT, AT(refresh_s), 0, 1, 30},
    {"auth_negotiate", FLAG, AT(auth_negotiate), 0, 0, 0},
    {"auth_certificate", FLAG, AT(auth_certificate), 0, 0, 0},
    {"auth_scram", FLAG, AT(auth_scram), 0, 0, 0},
    {"auth_basic", FLAG, AT(auth_basic), 0, 0, 0},
    {"auth_failures", INT, AT(auth_failures), 0, 1, 1000},
    {"auth_address_failures", INT, AT(auth_address_failures), 0, 1, 1000},
    {"auth_delay_max_s", INT, AT(auth_delay_max_s), 0, 1, 86400},
    {"keytab", TEXT, AT(keytab), 0, 0, 0},
    {"kerberos_realm", LIST, AT(realms), AT(realm_count), 0, 0},
    {"realm", TEXT, AT(realm), 0, 0, 0},
    {"channel_binding", BINDING, AT(channel_binding), 0, 0, 0},
    {"auth_max_age_s", INT, AT(auth_max_age_s), 0, 1, 86400},
    {"workers", INT, AT(workers), 0, 1, CONFIG_WORKERS_MAX},
    {"max_request", LONG, AT(max_request), 0, 4096, 1048576},
    {"est_template", TEXT, AT(est_template), 0, 0, 0},
    {"max_connections", INT, AT(max_connections), 0, 8, 1000000},
    {"max_connections_of_source", INT, AT(max_connections_of_source), 0, 1, 1000000},
    {"idle_timeout_s", INT, AT(idle_timeout_s), 0, 1, 86400},
    {"to_syslog", FLAG, AT(to_syslog), 0, 0, 0},
    {"log_level", LEVEL, AT(log_level), 0, 0, 0},
    {"user", TEXT, AT(user), 0, 0, 0},
    {"vault_user", TEXT, AT(vault_user), 0, 0, 0},
    {"passphrase_file", TEXT, AT(passphrase_file), 0, 0, 0},
    {"backup_recipients", TEXT, AT(backup_recipients), 0, 0, 0},
    {"sandbox", FLAG, AT(sandbox), 0, 0, 0},
    {"allow_sha1", FLAG, AT(allow_sha1), 0, 0, 0},
    {"low_space_mb", LONG, AT(low_space_mb), 0, 0, 1048576},
    {"allow_own_requests", FLAG, AT(allow_own_requests), 0, 0, 0},
    {"officer_extension", LIST, AT(officer_extensions), AT(officer_extension_count), 0, 0},
    {"role_separation", FLAG, AT(role_separation), 0, 0, 0},
    {"event_hook", TEXT, AT(event_hook), 0, 0, 0},
    {"event_hook_on", TEXT, AT(event_hook_on), 0, 0, 0},
    {"event_mail_to", LIST, AT(event_mail_to), AT(event_mail_count), 0, 0},
    {"event_mail_on", TEXT, AT(event_mail_on), 0, 0, 0},
    {"pending_mail_to", LIST, AT(pending_mail_to), AT(pending_mail_count), 0, 0},
    {"requester_mail", FLAG, AT(requester_mail), 0, 0, 0},
    {"mail_server", TEXT, AT(mail_server), 0, 0, 0},
    {"mail_from", TEXT, AT(mail_from), 0, 0, 0},
    {"mail_user", TEXT, AT(mail_user), 0, 0, 0},
    {"mail_password_file", TEXT, AT(mail_password_file), 0, 0, 0},
    {"mail_tls_ca", TEXT, AT(mail_tls_ca), 0, 0, 0},
    {"mail_allow_plain", FLAG, AT(mail_allow_plain), 0, 0, 0},
    {"sign_kinds", TEXT, AT(sign_kinds), 0, 0, 0},
    {"kra_minimum", INT, AT(kra_minimum), 0, 1, KRA_COUNT_MAX},
    {"kra_flags", KRA_FLAGS, AT(kra_flags), 0, 0, 0},
    {"allow_same_holder", FLAG, AT(allow_same_holder), 0, 0, 0},
    {"allow_3des", FLAG, AT(allow_3des), 0, 0, 0},
    {"archive_key_bits", INT, AT(archive_key_bits), 0, 128, 256},
    {"crl_http", CRL_HTTP, AT(crl_http), 0, 0, 0},
    {"archive_floor", READER, AT(archive_floor), 0, 0, 0},
    {"archive_pkcs8", FLAG, AT(archive_pkcs8), 0, 0, 0},
    {"archive_failures_requester", INT, AT(archive_failures_requester), 0, 1, 1000000},
    {"archive_failures_key", INT, AT(archive_failures_key), 0, 1, 1000000},
    {"archive_suspend_s", INT, AT(archive_suspend_s), 0, 1, 86400},
    {"exchange_key_uri", TEXT, AT(exchange_key_uri), 0, 0, 0},
    {"exchange_key_fallback", FLAG, AT(exchange_key_fallback), 0, 0, 0},
#undef AT
};
#define OPTION_COUNT COUNT_OF(options)

/* Index is the value of the enumeration. */
static const char *const auth_names[] = {"anonymous", "simple", "external", "gssapi", "scram"};
static const char *const binding_names[] = {"off", "officers", "all"};
static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const type_names[] = {"enterprise", "standalone"};

static const struct option *
find_option(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static void *
field_of(struct config *c, size_t offset)
{
	return (uint8_t *)c + offset;
}

/* "a, b or c". free(). */
static char *
choices(const char *const *words, size_t count)
{
	char *out = mem_text(words[0]);

	for (size_t i = 1; i < count; i++) {
		OWNED(own_memory) char *before = out;

		out = text_printf("%s%s%s", before, i + 1 < count ? ", " : " or ", words[i]);
	}
	return out;
}

/* The position of `value` among the words of an enumeration. */
static bool
choose(const char *option, const char *value, const char *const *words, size_t count, int *out,
    struct err *err)
{
	OWNED(own_memory) char *all = choices(words, count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], value) == 0) {
			*out = (int)i;
			return true;
		}
	return err_set(err, DIRCA_E_CONFIG, "'%s' is '%s', but must be %s", option, value, all);
}

static void
set_text(struct config *c, const struct option *o, const char *value)
{
	char **field = field_of(c, o->offset);

	free(*field);
	*field = mem_text(value);
}

static bool
add_to_list(struct config *c, const struct option *o, const char *value, struct err *err)
{
	char **list = field_of(c, o->offset);
	size_t *count = field_of(c, o->count_offset);

	if (*count == CONFIG_LIST_MAX)
		return err_set(err, DIRCA_E_CONFIG, "'%s' is given more than %d times", o->name,
		    CONFIG_LIST_MAX);
	list[(*count)++] = mem_text(value);
	return true;
}

static bool
set_flag(struct config *c, const struct option *o, const char *value, struct err *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return err_set(
		    err, DIRCA_E_CONFIG, "'%s' is '%s', but must be 'yes' or 'no'", o->name, value);
	*(bool *)field_of(c, o->offset) = yes;
	return true;
}

static bool
set_number(struct config *c, const struct option *o, const char *value, struct err *err)
{
	int64_t n;

	if (!text_to_int(value, o->min, o->max, &n))
		return err_set(err, DIRCA_E_CONFIG,
		    "'%s' is '%s', but must be a number from %lld to %lld", o->name, value,
		    (long long)o->min, (long long)o->max);
	if (o->kind == INT)
		*(int *)field_of(c, o->offset) = (int)n;
	else
		*(int64_t *)field_of(c, o->offset) = n;
	return true;
}

static bool
set_auth(struct config *c, const char *value, struct err *err)
{
	int i;

	if (!choose("dir_auth", value, auth_names, COUNT_OF(auth_names), &i, err))
		return false;
	c->dir_auth = (enum dir_auth)i;
	return true;
}

static bool
set_binding(struct config *c, const char *value, struct err *err)
{
	int i;

	if (!choose("channel_binding", value, binding_names, COUNT_OF(binding_names), &i, err))
		return false;
	c->channel_binding = (enum config_binding)i;
	return true;
}

static bool
set_kra_flags(struct config *c, const char *value, struct err *err)
{
	if (flags_parse(kra_flag_names, "kra_flags", value, 0, &c->kra_flags, err))
		return true;
	err->code = DIRCA_E_CONFIG;
	return false;
}

static bool
set_level(struct config *c, const char *value, struct err *err)
{
	return choose("log_level", value, level_names, COUNT_OF(level_names), &c->log_level, err);
}

static bool
set_reader(struct config *c, const char *value, struct err *err)
{
	return cms_reader_by_word(value, &c->archive_floor) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "'archive_floor' is '%s', but must be pkcs1, oaep or gcm", value);
}

static bool
set_type(struct config *c, const char *value, struct err *err)
{
	int i;

	if (!choose("ca_type", value, type_names, COUNT_OF(type_names), &i, err))
		return false;
	c->standalone = i == 1;
	return true;
}

static bool
set_crl_http(struct config *c, const char *value, struct err *err)
{
	static const char *const words[] = {
	    [CRL_HTTP_NO] = "no", [CRL_HTTP_YES] = "yes", [CRL_HTTP_LOCAL] = "local"};
	int i;

	if (!choose("crl_http", value, words, COUNT_OF(words), &i, err))
		return false;
	c->crl_http = (enum crl_http_from)i;
	return true;
}

static bool
set_option(struct config *c, const struct option *o, const char *value, struct err *err)
{
	switch (o->kind) {
	case TEXT:
		set_text(c, o, value);
		return true;
	case LIST:
		return add_to_list(c, o, value, err);
	case FLAG:
		return set_flag(c, o, value, err);
	case INT:
	case LONG:
		return set_number(c, o, value, err);
	case AUTH:
		return set_auth(c, value, err);
	case LEVEL:
		return set_level(c, value, err);
	case KRA_FLAGS:
		return set_kra_flags(c, value, err);
	case CRL_HTTP:
		return set_crl_http(c, value, err);
	case READER:
		return set_reader(c, value, err);
	case BINDING:
		return set_binding(c, value, err);
	case TYPE:
		return set_type(c, value, err);
	}
	return err_set(err, DIRCA_E_INTERNAL, "option '%s' has no kind", o->name);
}

struct reading {
	struct config *config;
	bool seen[OPTION_COUNT];
};

static bool
read_option(void *arg, const char *name, const char *value, struct err *err)
{
	struct reading *r = arg;
	const struct option *o = find_option(name);

	if (o == NULL)
		return err_set(
		    err, DIRCA_E_CONFIG, "unknown name '%s'; dircad.conf(5) lists them", name);
	if (o->kind != LIST && r->seen[o - options])
		return err_set(err, DIRCA_E_CONFIG, "'%s' is given twice", name);
	r->seen[o - options] = true;
	return set_option(r->config, o, value, err);
}

/* Where people have tickets, passwords are asked for only if the administrator says so. */
static void
prefer_tickets(struct reading *r)
{
	struct config *c = r->config;

	if (c->keytab == NULL)
		return;
	if (!r->seen[find_option("auth_scram") - options])
		c->auth_scram = false;
	if (!r->seen[find_option("auth_basic") - options])
		c->auth_basic = false;
}

/* What would be ignored is refused: it says that the administrator meant another kind of CA. */
static bool
check_type(const struct reading *r, struct err *err)
{
	static const char *const of_enterprise[] = {"peers", "crl_hosts", "dir_uris", "dir_auth",
	    "dir_mech", "dir_bind_dn", "dir_authcid", "dir_password_file", "dir_keytab",
	    "dir_tls_ca", "dir_starttls", "dir_allow_plain", "dir_timeout_ms", "refresh_s",
	    "auth_negotiate", "auth_scram", "auth_basic", "keytab", "kerberos_realm", "realm",
	    "est_template"};
	static const char *const of_standalone[] = {
	    "ca_administrators", "certificate_managers", "auditors"};
	bool standalone = r->config->standalone;
	const char *const *others = standalone ? of_enterprise : of_standalone;
	size_t count = standalone ? COUNT_OF(of_enterprise) : COUNT_OF(of_standalone);

	for (size_t i = 0; i < count; i++)
		if (r->seen[find_option(others[i]) - options])
			return err_set(err, DIRCA_E_CONFIG,
			    standalone ? "'%s' is for a CA that has a directory, and this one is "
					 "stand-alone (ca_type)"
				       : "'%s' is for a stand-alone CA: of this one the directory "
					 "says it (ca_type)",
			    others[i]);
	return true;
}

/* The port behind the last ':' of "host:port" or "[address]:port"; 0 if there is none. */
static int64_t
port_of(const char *listen)
{
	const char *colon = strrchr(listen, ':');
	int64_t port;

	if (colon == NULL || colon == listen || !text_to_int(colon + 1, 1, 65535, &port))
		return 0;
	return port;
}

static bool
check_listeners(const char *name, char *const *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (port_of(list[i]) == 0)
			return err_set(err, DIRCA_E_CONFIG,
			    "'%s' is '%s', but must be address:port, such as 127.0.0.1:8443", name,
			    list[i]);
	return true;
}

static bool
check_peers(const struct config *c, struct err *err)
{
	for (size_t i = 0; i < c->peer_count; i++) {
		const char *p = c->peers[i];
		size_t digits = strspn(p, "0123456789");

		if (digits == 0 || digits > 10 || (p[digits] != ' ' && p[digits] != '\t') ||
		    p[digits + strspn(p + digits, " \t")] == '\0')
			return err_set(err, DIRCA_E_CONFIG,
			    "'peers' is '%s', but must be a uid, a blank and a principal", p);
	}
	return true;
}

/* Extensions that mean something to those who read certificates (RFC 5280, PKIX, Microsoft,
 * Netscape) are none for officers: they may say whom a certificate is for, or what for. */
static bool
check_officer_extensions(const struct config *c, struct err *err)
{
	static const char *const reserved[] = {"2.5.29.", "1.3.6.1.5.5.7.", "1.3.6.1.4.1.311.",
	    "2.16.840.1.113730.", "1.2.840.113549."};

	for (size_t i = 0; i < c->officer_extension_count; i++) {
		const char *oid = c->officer_extensions[i];

		if (!oid_is_valid(oid) || strlen(oid) > 64)
			return err_set(err, DIRCA_E_CONFIG,
			    "officer_extension: '%s' is no object identifier", oid);
		for (size_t k = 0; k < COUNT_OF(reserved); k++)
			if (strncmp(oid, reserved[k], strlen(reserved[k])) == 0)
				return err_set(err, DIRCA_E_CONFIG,
				    "officer_extension: %s is none that certificate managers may "
				    "set: nothing below %s is",
				    oid, reserved[k]);
	}
	return true;
}

static bool
check_realms(const struct config *c, struct err *err)
{
	for (size_t i = 0; i < c->realm_count; i++) {
		const char *domain = strchr(c->realms[i], ' ');

		if (domain == NULL || domain == c->realms[i] || domain[1] == '\0' ||
		    strpbrk(domain + 1, " \t@\\") != NULL)
			return err_set(err, DIRCA_E_CONFIG,
			    "'kerberos_realm' is '%s', but must be a realm, a blank and a domain",
			    c->realms[i]);
	}
	return true;
}

/* URLs go into every certificate: nothing that a reader could take apart differently, no slash at
 * the end. */
static bool
check_url(const char *name, const char *url, const char *scheme, struct err *err)
{
	size_t len;

	if (url == NULL)
		return true;
	len = strlen(url);
	if (strncmp(url, scheme, strlen(scheme)) != 0 || len == strlen(scheme) ||
	    url[len - 1] == '/')
		return err_set(err, DIRCA_E_CONFIG,
		    "'%s' is '%s', but must be %shost[:port] without a '/' at the end", name, url,
		    scheme);
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f || strchr("\"<>\\^`{|}#?", url[i]) != NULL)
			return err_set(err, DIRCA_E_CONFIG,
			    "'%s' holds a character that no URL may hold", name);
	return true;
}

static bool
check_directory(const struct config *c, struct err *err)
{
	if (c->dir_auth == DIR_AUTH_SIMPLE &&
	    (c->dir_bind_dn == NULL || c->dir_password_file == NULL))
		return err_set(err, DIRCA_E_CONFIG,
		    "'dir_auth = simple' needs dir_bind_dn and dir_password_file");
	if (c->dir_auth == DIR_AUTH_SCRAM &&
	    (c->dir_authcid == NULL || c->dir_password_file == NULL))
		return err_set(err, DIRCA_E_CONFIG,
		    "'dir_auth = scram' needs dir_authcid and dir_password_file");
	if (c->dir_keytab != NULL && c->dir_auth != DIR_AUTH_GSSAPI)
		return err_set(
		    err, DIRCA_E_CONFIG, "'dir_keytab' is for 'dir_auth = gssapi' alone");
	return true;
}

/* A program by its name alone would be looked for in a path that others may write. */
static bool
check_notices(const struct config *c, struct err *err)
{
	bool mails = c->event_mail_count > 0 || c->pending_mail_count > 0 || c->requester_mail;

	if (c->event_hook != NULL && c->event_hook[0] != '/')
		return err_set(err, DIRCA_E_CONFIG,
		    "'event_hook' is '%s', but must begin with a '/'", c->event_hook);
	if (mails && (c->mail_server == NULL || c->mail_from == NULL))
		return err_set(err, DIRCA_E_CONFIG, "mail needs mail_server and mail_from");
	if ((c->mail_user == NULL) != (c->mail_password_file == NULL))
		return err_set(err, DIRCA_E_CONFIG, "mail_user and mail_password_file go together");
	if (c->mail_server != NULL && strncmp(c->mail_server, "smtps://", 8) == 0)
		return check_url("mail_server", c->mail_server, "smtps://", err);
	return check_url("mail_server", c->mail_server, "smtp://", err);
}

static bool
check_required(const struct config *c, struct err *err)
{
	if (c->ca_name == NULL || c->host == NULL || (c->dir_uris == NULL && !c->standalone))
		return err_set(err, DIRCA_E_CONFIG, "'%s' is missing",
		    c->ca_name == NULL ? "ca_name" : (c->host == NULL ? "host" : "dir_uris"));
	if (strlen(c->ca_name) > 64)
		return err_set(
		    err, DIRCA_E_CONFIG, "'ca_name' is longer than the 64 bytes of a common name");
	return true;
}

/* 3DES has 112 bits, and no GCM. */
static bool
check_floor(const struct config *c, struct err *err)
{
	if (c->archive_key_bits % 64 != 0)
		return err_set(err, DIRCA_E_CONFIG,
		    "'archive_key_bits' is %d, but must be 128, 192 or 256", c->archive_key_bits);
	return !c->allow_3des ||
	       (c->archive_key_bits == 128 && c->archive_floor < CMS_READER_GCM) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "'allow_3des = yes' says less than archive_key_bits or archive_floor demand");
}

static bool
check_exchange_key(const struct config *c, struct err *err)
{
	return c->exchange_key_uri == NULL || key_uri_is(c->exchange_key_uri) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "'exchange_key_uri' is '%s', but must be a URI of RFC 7512, pkcs11:...",
		   c->exchange_key_uri);
}

static bool
check(const struct config *c, struct err *err)
{
	return check_required(c, err) &&
	       check_listeners("listen", c->listen, c->listen_count, err) &&
	       check_listeners("http_listen", c->http_listen, c->http_listen_count, err) &&
	       check_listeners(
		   "metrics_listen", &c->metrics_listen, c->metrics_listen != NULL, err) &&
	       check_peers(c, err) && check_realms(c, err) && check_officer_extensions(c, err) &&
	       check_url("url", c->url, "https://", err) &&
	       check_url("http_url", c->http_url, "http://", err) && check_directory(c, err) &&
	       check_floor(c, err) && check_exchange_key(c, err) && check_notices(c, err);
}

static void
set_defaults(struct config *c)
{
	c->dir_auth = DIR_AUTH_EXTERNAL;
	c->dir_timeout_ms = 10000;
	c->refresh_s = 1;
	c->auth_negotiate = c->auth_certificate = c->auth_scram = c->auth_basic = true;
	c->auth_failures = 5;
	c->auth_address_failures = 50;
	c->auth_delay_max_s = 900;
	c->workers = 8;
	c->max_request = 262144;
	c->low_space_mb = 256;
	c->max_connections = 1024;
	c->max_connections_of_source = 128;
	c->idle_timeout_s = 30;
	c->channel_binding = BINDING_OFFICERS;
	c->auth_max_age_s = 300;
	c->log_level = LOG_LEVEL_INFO;
	c->sandbox = true;
	c->kinds = SIGN_KINDS_DEFAULT;
	c->kra_minimum = 1;
	c->archive_key_bits = 128;
	c->crl_http = CRL_HTTP_YES;
	c->archive_floor = CMS_READER_OAEP;
	c->archive_failures_requester = 30;
	c->archive_failures_key = 1000;
	c->archive_suspend_s = 3600;
	c->exchange_key_fallback = true;
}

/* Of a CA without directory nobody but root says what it may sign, and a directory is what
 * passwords and tickets are proved to. */
static void
derive_standalone(struct config *c)
{
	if (!c->standalone)
		return;
	c->kinds = 0;
	c->auth_negotiate = c->auth_scram = c->auth_basic = false;
	if (c->administrator_count == 0)
		c->administrators[c->administrator_count++] = mem_text("root");
}

/* Defaults that follow from other values. */
static bool
derive(struct config *c, struct err *err)
{
	derive_standalone(c);
	if (c->sign_kinds != NULL && !sign_kinds_parse(c->sign_kinds, &c->kinds, err))
		return false;
	if (c->state_dir == NULL)
		c->state_dir = mem_text("/var/lib/dirca");
	if (c->listen_count == 0)
		c->listen[c->listen_count++] = mem_text("[::]:8443");
	if (c->url == NULL)
		c->url = text_printf("https://%s:%lld", c->host, (long long)port_of(c->listen[0]));
	return true;
}

bool
config_load(const char *path, struct config **out, struct err *err)
{
	OWNED(config_free) struct config *c = mem_zero(1, sizeof *c);
	struct reading r = {.config = c};

	*out = NULL;
	set_defaults(c);
	if (!kv_read(path, read_option, &r, err))
		return false;
	prefer_tickets(&r);
	if (!check_type(&r, err) || !check(c, err) || !derive(c, err))
		return err_prefix(err, "%s", path);
	*out = own_give(&c);
	return true;
}

bool
config_read_password(struct config *c, struct err *err)
{
	if (c->dir_password_file != NULL &&
	    !secret_read_file(c->dir_password_file, &c->dir_password, err))
		return err_prefix(err, "dir_password_file");
	if (c->mail_password_file != NULL &&
	    !secret_read_file(c->mail_password_file, &c->mail_password, err))
		return err_prefix(err, "mail_password_file");
	return true;
}

void
config_free(struct config **config)
{
	struct config *c = *config;

	if (c == NULL)
		return;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char **strings = field_of(c, options[i].offset);

		if (options[i].kind == TEXT)
			free(*strings);
		if (options[i].kind == LIST)
			for (size_t k = 0; k < CONFIG_LIST_MAX; k++)
				free(strings[k]);
	}
	secret_free(&c->dir_password);
	secret_free(&c->mail_password);
	free(c);
	*config = NULL;
}

bool
config_directory(const struct config *c, struct dir_config *out, struct err *err)
{
	if (c->standalone)
		return err_set(err, DIRCA_E_STANDALONE,
		    "the CA %s is stand-alone (ca_type of dircad.conf): there is no directory to "
		    "read or to publish to",
		    c->ca_name);
	*out = (struct dir_config){
	    .uris = c->dir_uris,
	    .auth = c->dir_auth,
	    .mech = c->dir_mech,
	    .bind_dn = c->dir_bind_dn,
	    .authcid = c->dir_authcid,
	    .client_keytab = c->dir_keytab,
	    .password = c->dir_password_file != NULL ? &c->dir_password : NULL,
	    .tls_ca_file = c->dir_tls_ca,
	    .starttls = c->dir_starttls,
	    .allow_plain = c->dir_allow_plain,
	    .timeout_ms = c->dir_timeout_ms,
	};
	return true;
}

char *
config_path(const struct config *c, const char *name)
{
	return text_printf("%s/%s", c->state_dir, name);
}

bool
config_check_users(const struct config *c, struct err *err)
{
	const char *const names[] = {c->user, c->vault_user};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i] != NULL && getpwnam(names[i]) == NULL)
			return err_set(err, DIRCA_E_CONFIG,
			    "there is no user '%s'; make it first: useradd -r %s", names[i],
			    names[i]);
	return true;
}
