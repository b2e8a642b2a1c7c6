/* Why a server's certificate is not accepted. libldap does not tell. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "doctor_priv.h"
#include "mem.h"
#include "own.h"
#include "text.h"
#include "url.h"

OWN_POINTER(own_certificate, X509, X509_free)

/* Host of the URI; free(). */
static char *
host_of(const char *uri)
{
	OWNED(dir_url_free) struct dir_url u = {0};
	struct err ignored;

	return dir_url_parse(uri, &u, &ignored) ? own_give(&u.host) : NULL;
}

static char *
name_of(const X509_NAME *name)
{
	char text[256];

	/* Another one-line form than that of the rest is good enough for a hint, and hostile bytes
	 * are escaped in it. */
	return mem_text(X509_NAME_oneline(name, text, sizeof text) != NULL ? text : "?");
}

/* In the order in which an administrator should look. */
static char *
judge(const X509 *cert, const char *host)
{
	OWNED(own_memory) char *subject = name_of(X509_get_subject_name(cert));
	OWNED(own_memory) char *issuer = name_of(X509_get_issuer_name(cert));

	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		return text_printf("the server's certificate (%s) has expired", subject);
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		return text_printf("the server's certificate (%s) is not valid yet", subject);
	if (host != NULL && X509_check_host((X509 *)(uintptr_t)cert, host, 0, 0, NULL) != 1 &&
	    X509_check_ip_asc((X509 *)(uintptr_t)cert, host, 0) != 1)
		return text_printf(
		    "the server's certificate (%s) is not for the host %s", subject, host);
	return text_printf("the server's certificate (%s) was issued by %s, which is not "
			   "trusted here",
	    subject, issuer);
}

char *
doctor_tls_fault(const struct dir_config *config, const char *uri)
{
	OWNED(buf_free) struct buf der = {0};
	OWNED(own_memory) char *host = NULL;
	OWNED(own_certificate) X509 *cert = NULL;
	const uint8_t *p;

	if (!dir_conn_peer_certificate(config, uri, &der))
		return NULL;
	p = der.ptr;
	if ((cert = d2i_X509(NULL, &p, (long)der.len)) == NULL)
		return NULL;
	host = host_of(uri);
	return judge(cert, host);
}
