/* What a failed operation says of the connection and of the server. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>

#include "conn_priv.h"
#include "own_ldap.h"

static bool
means_gone(int rc)
{
	switch (rc) {
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_TIMEOUT: /* an answer may still come and be taken for the next one */
	case LDAP_UNAVAILABLE:
	case LDAP_DECODING_ERROR:
		return true;
	default:
		return false;
	}
}

static enum err_code
code_of(int rc)
{
	if (means_gone(rc))
		return DIRCA_E_DIRECTORY_UNAVAILABLE;
	switch (rc) {
	case LDAP_ALREADY_EXISTS:
		return ERROR_FILE_EXISTS;
	case LDAP_NO_SUCH_OBJECT:
		return ERROR_FILE_NOT_FOUND;
	case LDAP_NO_MEMORY:
		return E_OUTOFMEMORY;
	default:
		return DIRCA_E_DIRECTORY;
	}
}

void
dir_conn_break(struct dir_conn *c)
{
	size_t at = c->uri_at;

	if (c->has_answered && !c->broken && c->config->preferred != NULL)
		__atomic_compare_exchange_n(
		    c->config->preferred, &at, at + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	c->broken = true;
}

/* What was to be written is not in the schema. */
static const char *
cure_of(int rc)
{
	return rc == LDAP_UNDEFINED_TYPE || rc == LDAP_OBJECT_CLASS_VIOLATION
		   ? "; `dirca directory init` adds what the schema lacks"
		   : "";
}

bool
dir_conn_fail(struct dir_conn *c, int rc, struct err *err, const char *fmt, ...)
{
	OWNED(own_ldap_text) char *said = NULL;
	char what[384];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(what, sizeof what, fmt, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	if (means_gone(rc))
		dir_conn_break(c);
	ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	if (said != NULL && *said != '\0')
		err_set(err, code_of(rc), "%s at %s: %s (%s)%s", what, c->uri, ldap_err2string(rc),
		    said, cure_of(rc));
	else
		err_set(err, code_of(rc), "%s at %s: %s%s", what, c->uri, ldap_err2string(rc),
		    cure_of(rc));

	return false;
}

void
dir_conn_timeout(const struct dir_config *config, struct timeval *out)
{
	int ms = config->timeout_ms > 0 ? config->timeout_ms : DIR_TIMEOUT_MS_DEFAULT;

	out->tv_sec = ms / 1000;
	out->tv_usec = ms % 1000 * 1000L;
}
