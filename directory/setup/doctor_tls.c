/* Why a server's certificate is not accepted. libldap does not tell. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "doctor_priv.h"
#include "text.h"
#include "url.h"

/* Host of the URI; free(). */
static char *
host_of(const char *uri)
{
	struct dir_url u;
	struct err ignored;
	char *host = NULL;

	if (dir_url_parse(uri, &u, &ignored)) {
		host = u.host;
		u.host = NULL;
		dir_url_free(&u);
	}
	return host;
}

static char *
name_of(const X509_NAME *name)
{
	char text[256];

	/* Another one-line form than that of the rest is good enough for a hint, and hostile bytes
	 * are escaped in it. */
	return strdup(X509_NAME_oneline(name, text, sizeof text) != NULL ? text : "?");
}

/* In the order in which an administrator should look. */
static char *
judge(const X509 *cert, const char *host)
{
	char *subject = name_of(X509_get_subject_name(cert)),
	     *issuer = name_of(X509_get_issuer_name(cert)), *fault = NULL;

	if (subject == NULL || issuer == NULL)
		goto out;
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		fault = text_printf("the server's certificate (%s) has expired", subject);
	else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
		fault = text_printf("the server's certificate (%s) is not valid yet", subject);
	else if (host != NULL && X509_check_host((X509 *)(uintptr_t)cert, host, 0, 0, NULL) != 1 &&
		 X509_check_ip_asc((X509 *)(uintptr_t)cert, host, 0) != 1)
		fault = text_printf(
		    "the server's certificate (%s) is not for the host %s", subject, host);
	else
		fault = text_printf("the server's certificate (%s) was issued by %s, which is not "
				    "trusted here",
		    subject, issuer);
out:
	free(subject);
	free(issuer);
	return fault;
}

char *
doctor_tls_fault(const struct dir_config *config, const char *uri)
{
	struct buf der = {0};
	char *host, *fault = NULL;
	const uint8_t *p;
	X509 *cert;

	if (!dir_conn_peer_certificate(config, uri, &der))
		return NULL;
	p = der.ptr;
	if ((cert = d2i_X509(NULL, &p, (long)der.len)) != NULL) {
		host = host_of(uri);
		fault = judge(cert, host);
		free(host);
	}
	X509_free(cert);
	buf_free(&der);
	return fault;
}
