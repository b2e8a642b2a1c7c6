/* What a failed operation says of the connection and of the server. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>

#include "conn_priv.h"
#include "mem.h"
#include "own_ldap.h"
#include "text.h"

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

/* What follows from the result. free(). */
static char *
cure_of(struct dir_conn *c, int rc)
{
	OWNED(own_ldap_texts) char **uris = NULL;

	switch (rc) {
	case LDAP_UNDEFINED_TYPE:
	case LDAP_OBJECT_CLASS_VIOLATION:
		return mem_text("; `dirca directory init` adds what the schema lacks");
	case LDAP_REFERRAL:
		if (ldap_get_option(c->ld, LDAP_OPT_REFERRAL_URLS, &uris) != LDAP_OPT_SUCCESS ||
		    uris == NULL || uris[0] == NULL)
			return mem_text(" to no other server by name");
		return text_printf(" to %.256s, which is not followed: name that server", uris[0]);
	default:
		return mem_text("");
	}
}

bool
dir_conn_fail(struct dir_conn *c, int rc, struct err *err, const char *fmt, ...)
{
	OWNED(own_ldap_text) char *said = NULL;
	OWNED(own_memory) char *cure = cure_of(c, rc);
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
		    said, cure);
	else
		err_set(
		    err, code_of(rc), "%s at %s: %s%s", what, c->uri, ldap_err2string(rc), cure);

	return false;
}

void
dir_conn_timeout(const struct dir_config *config, struct timeval *out)
{
	int ms = config->timeout_ms > 0 ? config->timeout_ms : DIR_TIMEOUT_MS_DEFAULT;

	out->tv_sec = ms / 1000;
	out->tv_usec = ms % 1000 * 1000L;
}
