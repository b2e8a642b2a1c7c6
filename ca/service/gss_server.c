#include "gss_server.h"

#include <stdlib.h>
#include <string.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include "kerberos.h"
#include "mem.h"
#include "own.h"
#include "text.h"

struct gss_session {
	gss_ctx_id_t context;
	gss_cred_id_t own;
	struct buf binding; /* application data of the channel bindings */
};

/* 1.3.6.1.5.5.2 */
static char spnego_bytes[] = "\x2b\x06\x01\x05\x05\x02";
static gss_OID_desc spnego = {sizeof spnego_bytes - 1, spnego_bytes};

static bool
fail(struct err *err, const char *what, OM_uint32 major, OM_uint32 minor)
{
	OWNED(own_memory) char *why = kerberos_words(major, minor);

	if (major == GSS_S_BAD_BINDINGS)
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "%s: the client signed in to another TLS channel than this one", what);
	return err_set(err, DIRCA_E_AUTHENTICATION, "%s: %s", what, why);
}

/* SPNEGO may choose nothing but Kerberos, whatever else is installed. */
static bool
acquire(struct gss_session *s, const char *host, struct err *err)
{
	gss_OID_set_desc outer = {1, &spnego}, inner = {1, gss_mech_krb5};
	OWNED(own_memory) char *service = text_printf("HTTP@%s", host);
	gss_buffer_desc text = {strlen(service), service};
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored;

	major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name);
	if (major == GSS_S_COMPLETE)
		major = gss_acquire_cred(
		    &minor, name, GSS_C_INDEFINITE, &outer, GSS_C_ACCEPT, &s->own, NULL, NULL);
	gss_release_name(&ignored, &name);
	if (major == GSS_S_COMPLETE)
		major = gss_set_neg_mechs(&minor, s->own, &inner);
	return major == GSS_S_COMPLETE || fail(err, "Negotiate is not available", major, minor);
}

bool
gss_session_new(const char *host, struct view end_point, struct gss_session **out, struct err *err)
{
	OWNED(gss_session_free) struct gss_session *s = mem_zero(1, sizeof *s);

	*out = NULL;
	if (!buf_append(&s->binding, view_str(SASL_END_POINT ":"), err) ||
	    !buf_append(&s->binding, end_point, err) || !acquire(s, host, err))
		return false;
	*out = own_give(&s);
	return true;
}

void
gss_session_free(struct gss_session **sp)
{
	struct gss_session *s = *sp;
	OM_uint32 minor;

	if (s == NULL)
		return;
	gss_delete_sec_context(&minor, &s->context, GSS_C_NO_BUFFER);
	gss_release_cred(&minor, &s->own);
	buf_free(&s->binding);
	free(s);
	*sp = NULL;
}

/* free() */
static char *
name_text(gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	char *copy = NULL;

	if (name != GSS_C_NO_NAME &&
	    gss_display_name(&minor, name, &text, NULL) == GSS_S_COMPLETE &&
	    memchr(text.value, '\0', text.length) == NULL)
		copy = strndup(text.value, text.length);
	gss_release_buffer(&minor, &text);
	return copy;
}

static bool
read_identity(struct gss_session *s, OM_uint32 flags, char **out, struct err *err)
{
	gss_name_t client = GSS_C_NO_NAME, service = GSS_C_NO_NAME;
	OM_uint32 minor, major = gss_inquire_context(
			     &minor, s->context, &client, &service, NULL, NULL, NULL, NULL, NULL);
	char *name = name_text(client), *own = name_text(service);
	char *realm = name != NULL ? strrchr(name, '@') : NULL,
	     *own_realm = own != NULL ? strrchr(own, '@') : NULL;
	bool ok = major == GSS_S_COMPLETE && realm != NULL && own_realm != NULL &&
		  (flags & GSS_C_ANON_FLAG) == 0;

	if (ok && strcmp(realm, own_realm) == 0)
		*realm = '\0';
	if (ok) {
		*out = name;
		name = NULL;
	} else {
		err_set(err, DIRCA_E_AUTHENTICATION, "Negotiate gave no identity");
	}
	gss_release_name(&minor, &client);
	gss_release_name(&minor, &service);
	free(name);
	free(own);
	return ok;
}

enum sasl_step
gss_session_step(struct gss_session *s, struct view message, struct buf *reply_out,
    char **identity_out, bool *bound_out, struct err *err)
{
	struct gss_channel_bindings_struct bindings = {
	    .application_data = {s->binding.len, s->binding.ptr}};
	union {
		const void *from;
		void *to;
	} in = {message.ptr}; /* only read */
	gss_buffer_desc token = {message.len, in.to}, reply = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored, flags = 0;
	bool copied;

	*identity_out = NULL;
	major = gss_accept_sec_context(
	    &minor, &s->context, s->own, &token, &bindings, NULL, NULL, &reply, &flags, NULL, NULL);
	if (GSS_ERROR(major)) {
		gss_release_buffer(&ignored, &reply);
		fail(err, "Negotiate failed", major, minor);
		return SASL_STEP_FAILED;
	}
	copied = buf_dup(view_of(reply.value, reply.length), reply_out, err);
	gss_release_buffer(&ignored, &reply);
	if (!copied)
		return SASL_STEP_FAILED;
	if ((major & GSS_S_CONTINUE_NEEDED) != 0)
		return SASL_STEP_CONTINUE;
	*bound_out = (flags & GSS_C_CHANNEL_BOUND_FLAG) != 0;
	if (read_identity(s, flags, identity_out, err))
		return SASL_STEP_DONE;
	buf_free(reply_out);
	return SASL_STEP_FAILED;
}
