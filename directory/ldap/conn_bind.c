#include <sasl/sasl.h>
#include <string.h>
#include <strings.h>

#include "conn_priv.h"
#include "kerberos.h"
#include "text.h"
#include "mem.h"
#include "own_ldap.h"
#include "url.h"

/* A password, or what it protects, must not cross a network that others can read. */
static bool
may_show_password(const struct dir_conn *c, const struct dir_config *config)
{
	return c->is_protected || config->allow_plain;
}

/* Which results say that these credentials are wrong, and not that the server has a problem (RFC
 * 4513 5.1, RFC 4511 A). */
static bool
is_refusal(int rc)
{
	return rc == LDAP_INVALID_CREDENTIALS || rc == LDAP_INAPPROPRIATE_AUTH ||
	       rc == LDAP_NO_SUCH_OBJECT || rc == LDAP_INVALID_DN_SYNTAX;
}

static bool
bind_failed(struct dir_conn *c, int rc, const char *as, struct err *err)
{
	dir_conn_fail(c, rc, err, "bind as %s", as);
	if (is_refusal(rc))
		err->code = DIRCA_E_AUTHENTICATION;
	return false;
}

static bool
bind_simple(struct dir_conn *c, const struct dir_config *config, struct err *err)
{
	struct berval password;
	int rc;

	if (config->bind_dn == NULL || *config->bind_dn == '\0' || config->password == NULL ||
	    config->password->len == 0)
		return err_set(
		    err, DIRCA_E_CONFIG, "a simple bind to %s needs a DN and a password", c->uri);
	if (!may_show_password(c, config))
		return err_set(err, DIRCA_E_CONFIG,
		    "simple bind to %s refused: the password would cross the network in clear; use "
		    "ldaps://, StartTLS "
		    "or ldapi://",
		    c->uri);
	password = (struct berval){config->password->len, (char *)config->password->ptr};
	rc =
	    ldap_sasl_bind_s(c->ld, config->bind_dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	return rc == LDAP_SUCCESS || bind_failed(c, rc, config->bind_dn, err);
}

/* Answers the questions of a SASL mechanism from the configuration; `defaults` is that
 * configuration. */
static int
answer(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
	const struct dir_config *config = defaults;

	(void)ld;
	(void)flags;
	for (sasl_interact_t *q = questions; q->id != SASL_CB_LIST_END; q++) {
		q->result = "";
		q->len = 0;
		if (q->id == SASL_CB_AUTHNAME && config->authcid != NULL) {
			q->result = config->authcid;
			q->len = (unsigned)strlen(config->authcid);
		} else if (q->id == SASL_CB_PASS && config->password != NULL) {
			q->result = config->password->ptr;
			q->len = (unsigned)config->password->len;
		}
	}
	return LDAP_SUCCESS;
}

/* Security properties of the SASL layer. Over TLS it is left out, as Active Directory demands; over
 * a bare network GSSAPI must encrypt. A mechanism that sends the password itself counts as a simple
 * bind. */
static const char *
properties(const struct dir_conn *c, const struct dir_config *config)
{
	if (c->is_protected)
		return "noanonymous,maxssf=0";
	if (config->auth == DIR_AUTH_GSSAPI)
		return "noanonymous,noplain,minssf=56";
	return config->allow_plain ? "noanonymous" : "noanonymous,noplain";
}

/* Nobody is between this machine and itself. */
static bool
is_loopback(const char *uri)
{
	static const char *const hosts[] = {"ldap://127.0.0.1", "ldap://localhost", "ldap://[::1]"};

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (strncasecmp(uri, hosts[i], len) == 0 && strchr(":/", uri[len]) != NULL)
			return true;
	}
	return false;
}

/* Whether this machine's SASL library knows the mechanism at all. */
static bool
has_plug_in(const char *mech)
{
	char **names = NULL; /* the library's */

	if (ldap_get_option(NULL, LDAP_OPT_X_SASL_MECHLIST, &names) != LDAP_OPT_SUCCESS ||
	    names == NULL)
		return true; /* nobody knows */
	while (*names != NULL && strcasecmp(*names, mech) != 0)
		names++;
	return *names != NULL;
}

static bool
bind_sasl(struct dir_conn *c, const struct dir_config *config, const char *mech, const char *as,
    struct err *err)
{
	struct dir_config lent = *config;
	int rc;

	if (ldap_set_option(c->ld, LDAP_OPT_X_SASL_SECPROPS, properties(c, config)) !=
	    LDAP_OPT_SUCCESS)
		return err_set(
		    err, DIRCA_E_INTERNAL, "libldap refused the SASL properties for %s", c->uri);
	rc = ldap_sasl_interactive_bind_s(
	    c->ld, NULL, mech, NULL, NULL, LDAP_SASL_QUIET, answer, &lent);
	if (rc == LDAP_SUCCESS)
		return true;
	if (rc == LDAP_AUTH_UNKNOWN && !has_plug_in(mech))
		return err_set(err, DIRCA_E_CONFIG,
		    "SASL %s: Cyrus SASL has no plug-in for it on this machine (Debian: "
		    "libsasl2-modules%s)",
		    mech, strncmp(mech, "GSS", 3) == 0 ? "-gssapi-mit" : "");
	bind_failed(c, rc, as, err);
	if (rc == LDAP_STRONG_AUTH_REQUIRED && c->is_protected)
		return err_prefix(err,
		    "SASL %s inside of TLS is refused: use ldap://, where GSSAPI encrypts by "
		    "itself, or on Samba `ldap server require strong auth = allow_sasl_over_tls`",
		    mech);
	return err_prefix(err, "SASL %s", mech);
}

static bool
bind_scram(struct dir_conn *c, const struct dir_config *config, struct err *err)
{
	const char *mech = config->mech != NULL ? config->mech : "SCRAM-SHA-256";

	if (config->authcid == NULL || config->password == NULL || config->password->len == 0)
		return err_set(
		    err, DIRCA_E_CONFIG, "a SASL bind to %s needs a name and a password", c->uri);
	if (!may_show_password(c, config) && !is_loopback(c->uri))
		return err_set(err, DIRCA_E_CONFIG,
		    "SASL %s to %s refused: without TLS somebody between could change what the "
		    "directory says; use ldaps://, StartTLS or "
		    "ldapi://",
		    mech, c->uri);
	return bind_sasl(c, config, mech, config->authcid, err);
}

/* For whom a ticket is asked for; NULL: the URI has no host. free(). */
static char *
service_of(const char *uri)
{
	OWNED(dir_url_free) struct dir_url u = {0};
	struct err ignored;

	return dir_url_parse(uri, &u, &ignored) && u.host != NULL && *u.host != '\0'
		   ? text_printf("ldap/%s", u.host)
		   : NULL;
}

static bool
bind_kerberos(struct dir_conn *c, const struct dir_config *config, struct err *err)
{
	OWNED(kerberos_end) struct kerberos k = {0};
	OWNED(own_memory) char *service = NULL;

	if (!kerberos_begin(config->client_keytab, &k, err))
		return false;
	if (bind_sasl(c, config, "GSSAPI", k.principal, err))
		return true;
	service = service_of(c->uri);
	if (service != NULL)
		err_prefix(err, "by a ticket for %s", service);
	return false;
}

bool
dir_conn_bind(struct dir_conn *c, const struct dir_config *config, struct err *err)
{
	switch (config->auth) {
	case DIR_AUTH_ANONYMOUS:
		return true; /* LDAPv3 needs no bind; the first search connects */
	case DIR_AUTH_SIMPLE:
		return bind_simple(c, config, err);
	case DIR_AUTH_EXTERNAL:
		return bind_sasl(c, config, "EXTERNAL", "this process", err);
	case DIR_AUTH_GSSAPI:
		return bind_kerberos(c, config, err);
	case DIR_AUTH_SCRAM:
		return bind_scram(c, config, err);
	}
	return err_set(err, DIRCA_E_CONFIG, "unknown kind of authentication for %s", c->uri);
}

bool
dir_authzid(struct dir_conn *c, char **out, struct err *err)
{
	OWNED(own_berval) struct berval *authzid = NULL;
	int rc = ldap_whoami_s(c->ld, &authzid, NULL, NULL);

	*out = NULL;
	if (rc != LDAP_SUCCESS)
		return dir_conn_fail(c, rc, err, "asking who this client is");
	*out = authzid != NULL ? mem_text_n(authzid->bv_val, authzid->bv_len) : mem_text("");
	return true;
}

bool
dir_whoami(struct dir_conn *c, char **dn_out, struct err *err)
{
	OWNED(own_memory) char *authzid = NULL;

	*dn_out = NULL;
	if (!dir_authzid(c, &authzid, err))
		return false;
	if (strncasecmp(authzid, "dn:", 3) == 0 && authzid[3] != '\0')
		*dn_out = mem_text(authzid + 3);
	return true;
}

char *
dir_conn_reader(const struct dir_conn *c)
{
	OWNED(own_ldap_text) char *name = NULL;

	if (c->config->auth == DIR_AUTH_SIMPLE)
		return mem_text(c->config->bind_dn);
	if (ldap_get_option(c->ld, LDAP_OPT_X_SASL_USERNAME, &name) != LDAP_OPT_SUCCESS ||
	    name == NULL)
		return mem_text("the account that this program binds as");
	return mem_text(name);
}
