#include "sasl_client.h"

#include <stdlib.h>
#include <string.h>
#include <sasl/sasl.h>
#include <openssl/crypto.h>

#include "mem.h"
#include "own.h"

struct sasl_client {
	sasl_conn_t *conn;
	const char *user;
	sasl_secret_t *secret;
	size_t secret_size;
	char *mechanism;
	bool started, done;
	struct buf end_point;
	sasl_channel_binding_t binding;
	sasl_callback_t callbacks[5];
};

static int
get_name(void *context, int id, const char **result, unsigned *len)
{
	const struct sasl_client *c = context;

	if (id != SASL_CB_USER && id != SASL_CB_AUTHNAME)
		return SASL_BADPARAM;
	/* The authorization identity stays empty: the caller acts as itself. */
	*result = id == SASL_CB_USER || c->user == NULL ? "" : c->user;
	if (len != NULL)
		*len = (unsigned)strlen(*result);
	return SASL_OK;
}

static int
get_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
	const struct sasl_client *c = context;

	(void)conn;
	if (id != SASL_CB_PASS || c->secret == NULL)
		return SASL_BADPARAM;
	*secret = c->secret;
	return SASL_OK;
}

static int
quiet(void *context, int level, const char *message)
{
	(void)context, (void)level, (void)message;
	return SASL_OK;
}

typedef int (*callback)(void);

static bool
set_secret(struct sasl_client *c, const struct secret *password, struct err *err)
{
	if (password == NULL || password->ptr == NULL)
		return true;
	c->secret_size = sizeof *c->secret + password->len;
	if ((c->secret = OPENSSL_secure_zalloc(c->secret_size)) == NULL)
		return err_nomem(err);
	c->secret->len = password->len;
	memcpy(c->secret->data, password->ptr, password->len);
	return true;
}

/* GSS-API takes the type's name as a part of the data. */
static bool
set_binding(struct sasl_client *c, struct view end_point, struct err *err)
{
	static char type[] = "tls-server-end-point";
	bool gss = strcmp(c->mechanism, "GSS-SPNEGO") == 0;

	if ((gss && (!buf_append(&c->end_point, view_str(type), err) ||
			!buf_append(&c->end_point, view_str(":"), err))) ||
	    !buf_append(&c->end_point, end_point, err))
		return false;
	c->binding = (sasl_channel_binding_t){
	    .name = type, .critical = 1, .len = c->end_point.len, .data = c->end_point.ptr};
	return true;
}

static void
set_callbacks(struct sasl_client *c)
{
	c->callbacks[0] = (sasl_callback_t){SASL_CB_USER, (callback)(void (*)(void))get_name, c};
	c->callbacks[1] =
	    (sasl_callback_t){SASL_CB_AUTHNAME, (callback)(void (*)(void))get_name, c};
	c->callbacks[2] = (sasl_callback_t){SASL_CB_PASS, (callback)(void (*)(void))get_secret, c};
	c->callbacks[3] = (sasl_callback_t){SASL_CB_LOG, (callback)(void (*)(void))quiet, NULL};
	c->callbacks[4] = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
}

bool
sasl_client_open(const char *mechanism, const char *host, const char *user,
    const struct secret *password, struct view end_point, struct sasl_client **out, struct err *err)
{
	static const sasl_security_properties_t properties = {
	    .security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT};
	OWNED(sasl_client_close) struct sasl_client *c = mem_zero(1, sizeof *c);
	int rc;

	*out = NULL;
	c->mechanism = mem_text(mechanism);
	c->user = user;
	if (!set_secret(c, password, err) || !set_binding(c, end_point, err))
		return false;
	set_callbacks(c);
	/* libldap has initialised the client side of the library already, or nobody has: both are
	 * fine. */
	if ((rc = sasl_client_init(NULL)) == SASL_OK)
		rc = sasl_client_new(
		    "HTTP", host, NULL, NULL, c->callbacks, SASL_NEED_HTTP, &c->conn);
	if (rc == SASL_OK)
		rc = sasl_setprop(c->conn, SASL_SEC_PROPS, &properties);
	if (rc == SASL_OK)
		rc = sasl_setprop(c->conn, SASL_CHANNEL_BINDING, &c->binding);
	if (rc != SASL_OK)
		return err_set(err, DIRCA_E_AUTHENTICATION, "%s cannot be used: %s", mechanism,
		    sasl_errstring(rc, NULL, NULL));
	*out = own_give(&c);
	return true;
}

void
sasl_client_close(struct sasl_client **cp)
{
	struct sasl_client *c = *cp;

	if (c == NULL)
		return;
	sasl_dispose(&c->conn);
	OPENSSL_secure_clear_free(c->secret, c->secret_size);
	free(c->mechanism);
	buf_free(&c->end_point);
	free(c);
	*cp = NULL;
}

char *
sasl_client_user(struct sasl_client *c)
{
	const void *name = NULL;

	if (sasl_getprop(c->conn, SASL_AUTHUSER, &name) != SASL_OK || name == NULL)
		return NULL;
	return mem_text(name);
}

bool
sasl_client_next(
    struct sasl_client *c, struct view in, struct buf *message_out, bool *done_out, struct err *err)
{
	sasl_http_request_t request = {
	    .method = "POST", .uri = "/", .entity = (const unsigned char *)"", .elen = 0};
	const char *message = NULL, *mechanism = NULL;
	unsigned len = 0;
	int rc;

	*message_out = (struct buf){0};
	if (!c->started) {
		sasl_setprop(c->conn, SASL_HTTP_REQUEST, &request);
		rc = sasl_client_start(c->conn, c->mechanism, NULL, &message, &len, &mechanism);
		c->started = true;
	} else {
		rc = sasl_client_step(
		    c->conn, (const char *)in.ptr, (unsigned)in.len, NULL, &message, &len);
	}
	if (rc != SASL_OK && rc != SASL_CONTINUE)
		return err_set(
		    err, DIRCA_E_AUTHENTICATION, "%s: %s", c->mechanism, sasl_errdetail(c->conn));
	*done_out = rc == SASL_OK;
	return buf_dup(view_of(message, message != NULL ? len : 0), message_out, err);
}
