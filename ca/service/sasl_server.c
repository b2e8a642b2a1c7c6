/* <sasl/saslplug.h> of Debian 13 names OpenSSL's MD5_CTX, which is hidden from whoever wants
 * nothing deprecated. Nothing of it is used here: what is deprecated still warns. */
#undef OPENSSL_NO_DEPRECATED

#include "sasl_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sasl/prop.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "clock.h"
#include "scram_decoy.h"
#include "gss_server.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define GSS_SPNEGO "GSS-SPNEGO"
#define SCRAM_PLUS "SCRAM-SHA-256-PLUS"

struct sasl_session {
	struct gss_session *gss; /* of GSS-SPNEGO, else: */
	sasl_conn_t *conn;
	sasl_channel_binding_t binding;
	char *mechanism;
	bool started, bound;
	char *claimed; /* name that the client gave; NULL until then, and with GSS-SPNEGO */
	struct err no; /* why whoever it is may not sign in, whatever he knows; ERR_OK: he may */
	char *identity;
};

/* ---- mutexes: without these Cyrus SASL takes none ---- */

static void *
mutex_alloc(void)
{
	pthread_mutex_t *m = mem_zero(1, sizeof *m);

	pthread_mutex_init(m, NULL);
	return m;
}

static int
mutex_lock(void *m)
{
	return pthread_mutex_lock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static int
mutex_unlock(void *m)
{
	return pthread_mutex_unlock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static void
mutex_free(void *m)
{
	pthread_mutex_destroy(m);
	free(m);
}

/* ---- auxprop: authPassword of the directory (RFC 5803) ---- */

static struct ca *aux_ca; /* set once by sasl_open */
static struct secret aux_secret;
/* The session whose step this thread is at: Cyrus SASL does not tell. */
static _Thread_local struct sasl_session *aux_session;
/* Why the directory could not be asked in that step: Cyrus SASL passes on only that the user is not
 * known. */
static _Thread_local struct err aux_err;

struct verifier_query {
	const char *name;
	char *verifier, *account;
	struct err *no;
};

static bool
cannot_ask(const struct err *err)
{
	return err->code == DIRCA_E_DIRECTORY || err->code == DIRCA_E_DIRECTORY_UNAVAILABLE ||
	       err->code == E_OUTOFMEMORY;
}

/* A verifier for every name. What is wrong with a name is for the log, and for nobody else. */
static bool
find_verifier(struct dir_conn *c, void *arg, struct err *err)
{
	struct verifier_query *q = arg;
	const struct identity id = {IDENTITY_NAME, q->name};

	free(q->verifier); /* of a first try on a connection that was gone */
	free(q->account);
	q->verifier = q->account = NULL;
	q->no->code = ERR_OK;
	switch (principal_scram_verifier(c, &id, clock_now(), &q->verifier, q->no, err)) {
	case DIR_FOUND:
		break;
	case DIR_NOT_FOUND:
		err_set(q->no, DIRCA_E_AUTHENTICATION,
		    "no account with a SCRAM-SHA-256 verifier has the name %s", q->name);
		break;
	case DIR_FIND_FAILED:
		if (cannot_ask(err))
			return false;
		*q->no = *err;
		break;
	}
	q->account = principal_account_key(c, q->name);
	return true;
}

/* The verifier to show: that of the account, or one that nobody can meet. */
static bool
look_up(const char *name, struct err *no, char **out, struct err *err)
{
	struct verifier_query q = {.name = name, .no = no};
	bool ok = ca_directory_do(aux_ca, find_verifier, &q, err);

	if (ok && no->code != ERR_OK) {
		ok = scram_decoy(&aux_secret, q.account, q.verifier, out, err);
	} else if (ok) {
		*out = q.verifier;
		q.verifier = NULL;
	}
	free(q.verifier);
	free(q.account);
	return ok;
}

static int
aux_lookup(
    void *context, sasl_server_params_t *params, unsigned flags, const char *user, unsigned len)
{
	const struct propval *wanted = params->utils->prop_get(params->propctx);
	struct sasl_session *s = aux_session;
	char *verifier = NULL;
	struct err err;

	(void)context;
	/* Nothing is kept of the identity that a client wants to act as: it may only be its own. */
	if ((flags & SASL_AUXPROP_AUTHZID) != 0)
		return SASL_OK;
	free(s->claimed);
	s->no.code = ERR_OK;
	if ((s->claimed = strndup(user, len)) == NULL || wanted == NULL)
		return SASL_UNAVAIL;
	if (!look_up(s->claimed, &s->no, &verifier, &err)) {
		aux_err = err;
		return SASL_UNAVAIL;
	}
	for (; wanted->name != NULL; wanted++)
		if (strcmp(wanted->name, "*authPassword") == 0 && wanted->values == NULL)
			params->utils->prop_set(
			    params->propctx, wanted->name, verifier, (int)strlen(verifier));
	free(verifier);
	return SASL_OK;
}

static char aux_name[] = "dirca";
static sasl_auxprop_plug_t aux_plugin = {.name = aux_name, .auxprop_lookup = aux_lookup};

static int
aux_init(const sasl_utils_t *utils, int most, int *version_out, sasl_auxprop_plug_t **plugin_out,
    const char *name)
{
	(void)utils, (void)name;
	if (most < SASL_AUXPROP_PLUG_VERSION)
		return SASL_BADVERS;
	*version_out = SASL_AUXPROP_PLUG_VERSION;
	*plugin_out = &aux_plugin;
	return SASL_OK;
}

/* ---- options ---- */

static int
get_option(
    void *context, const char *plugin, const char *option, const char **result, unsigned *len)
{
	static const struct {
		const char *name, *value;
	} options[] = {
	    {"auxprop_plugin", "dirca"},
	    {"mech_list", "SCRAM-SHA-256"},
	    {"pwcheck_method", "auxprop"},
	};

	(void)context, (void)plugin;
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (strcmp(option, options[i].name) == 0) {
			*result = options[i].value;
			if (len != NULL)
				*len = (unsigned)strlen(options[i].value);
			return SASL_OK;
		}
	return SASL_FAIL;
}

/* Cyrus SASL would log names and reasons to syslog by itself; the service logs refusals. */
static int
quiet(void *context, int level, const char *message)
{
	(void)context, (void)level, (void)message;
	return SASL_OK;
}

typedef int (*sasl_callback_ft)(void);
static const sasl_callback_t callbacks[] = {
    {SASL_CB_GETOPT, (sasl_callback_ft)(void (*)(void))get_option, NULL},
    {SASL_CB_LOG, (sasl_callback_ft)(void (*)(void))quiet, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

bool
sasl_open(struct ca *ca, struct err *err)
{
	OWNED(own_memory) char *path = config_path(ca->config, "sign-in.key");
	int rc;

	if (!scram_decoy_secret(path, &aux_secret, err))
		return false;
	aux_ca = ca;
	if (ca->config->keytab != NULL && setenv("KRB5_KTNAME", ca->config->keytab, 1) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "keytab");
	sasl_set_mutex(mutex_alloc, mutex_lock, mutex_unlock, mutex_free);
	if ((rc = sasl_auxprop_add_plugin("dirca", aux_init)) != SASL_OK ||
	    (rc = sasl_server_init(callbacks, "dircad")) != SASL_OK)
		return err_set(err, DIRCA_E_CONFIG, "Cyrus SASL could not be started: %s",
		    sasl_errstring(rc, NULL, NULL));
	return true;
}

/* The plugin of GS2 leaves its lists behind when it is unloaded: a leak that the sanitizer reports
 * or does not, by what is left in memory of where they were. There it stays loaded. */
void
sasl_close(void)
{
#ifndef DIRCA_SANITIZED
	sasl_done();
#endif
	secret_free(&aux_secret);
}

/* Critical: the client must use it. Otherwise it may do without, but not because it was told that
 * the CA cannot. */
static bool
open_scram(
    const struct config *config, struct view end_point, struct sasl_session *s, struct err *err)
{
	static const sasl_security_properties_t properties = {.max_ssf = 0,
	    .maxbufsize = 0,
	    .security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT};
	static const sasl_ssf_t tls_ssf = 128;
	int rc = sasl_server_new("HTTP", config->host, NULL, NULL, NULL, NULL,
	    SASL_NEED_HTTP | SASL_SUCCESS_DATA, &s->conn);

	s->binding = (sasl_channel_binding_t){.name = SASL_END_POINT,
	    .critical = strcmp(s->mechanism, SCRAM_PLUS) == 0,
	    .len = end_point.len,
	    .data = end_point.ptr};
	if (rc == SASL_OK)
		rc = sasl_setprop(s->conn, SASL_SSF_EXTERNAL, &tls_ssf);
	if (rc == SASL_OK)
		rc = sasl_setprop(s->conn, SASL_SEC_PROPS, &properties);
	if (rc == SASL_OK)
		rc = sasl_setprop(s->conn, SASL_CHANNEL_BINDING, &s->binding);
	return rc == SASL_OK || err_set(err, DIRCA_E_AUTHENTICATION, "%s is not available: %s",
				    s->mechanism, sasl_errstring(rc, NULL, NULL));
}

bool
sasl_session_new(const struct config *config, const char *mechanism, struct view end_point,
    struct sasl_session **out, struct err *err)
{
	OWNED(sasl_session_free) struct sasl_session *s = mem_zero(1, sizeof *s);

	*out = NULL;
	s->mechanism = mem_text(mechanism);
	if (!(strcmp(mechanism, GSS_SPNEGO) == 0
		    ? gss_session_new(config->host, end_point, &s->gss, err)
		    : open_scram(config, end_point, s, err)))
		return false;
	*out = own_give(&s);
	return true;
}

void
sasl_session_free(struct sasl_session **sp)
{
	struct sasl_session *s = *sp;

	if (s == NULL)
		return;
	gss_session_free(&s->gss);
	if (s->conn != NULL)
		sasl_dispose(&s->conn);
	free(s->mechanism);
	free(s->claimed);
	free(s->identity);
	free(s);
	*sp = NULL;
}

enum sasl_step
sasl_session_step(
    struct sasl_session *s, struct view message, struct buf *reply_out, struct err *err)
{
	sasl_http_request_t request = {
	    .method = "POST", .uri = "/", .entity = (const unsigned char *)"", .elen = 0};
	const char *reply = NULL;
	const void *name = NULL;
	unsigned len = 0;
	int rc;

	*reply_out = (struct buf){0};
	if (s->gss != NULL)
		return gss_session_step(s->gss, message, reply_out, &s->identity, &s->bound, err);
	aux_err.code = ERR_OK;
	aux_session = s;
	if (!s->started)
		sasl_setprop(s->conn, SASL_HTTP_REQUEST, &request);
	rc = s->started ? sasl_server_step(s->conn, (const char *)message.ptr,
			      (unsigned)message.len, &reply, &len)
			: sasl_server_start(s->conn, s->mechanism, (const char *)message.ptr,
			      (unsigned)message.len, &reply, &len);
	s->started = true;
	if (aux_err.code != ERR_OK) {
		*err = aux_err;
		return SASL_STEP_FAILED;
	}
	if (rc != SASL_OK && rc != SASL_CONTINUE) {
		if (s->no.code != ERR_OK) {
			*err = s->no;
			return SASL_STEP_FAILED;
		}
		err_set(err, DIRCA_E_AUTHENTICATION, "%s failed: %s", s->mechanism,
		    sasl_errstring(rc, NULL, NULL));
		return SASL_STEP_FAILED;
	}
	if (reply != NULL && !buf_dup(view_of(reply, len), reply_out, err))
		return SASL_STEP_FAILED;
	if (rc == SASL_CONTINUE)
		return SASL_STEP_CONTINUE;
	/* Not even if a decoy were met. */
	if (s->no.code != ERR_OK) {
		*err = s->no;
		buf_free(reply_out);
		return SASL_STEP_FAILED;
	}
	s->bound = s->binding.critical != 0;
	if (sasl_getprop(s->conn, SASL_USERNAME, &name) != SASL_OK || name == NULL) {
		err_set(err, DIRCA_E_AUTHENTICATION, "%s gave no identity", s->mechanism);
		buf_free(reply_out);
		return SASL_STEP_FAILED;
	}
	s->identity = mem_text(name);
	return SASL_STEP_DONE;
}

const char *
sasl_session_identity(const struct sasl_session *s)
{
	return s->identity;
}

const char *
sasl_session_claimed(const struct sasl_session *s)
{
	return s->claimed;
}

bool
sasl_session_is_bound(const struct sasl_session *s)
{
	return s->bound;
}
