/* TLS of the service: TLS 1.2 and 1.3, the certificate that `dirca ca init` made and the CA renews.
 */
#ifndef SERVICE_TLS_H
#define SERVICE_TLS_H

#include <openssl/ssl.h>

#include "config.h"

/* Reads <state_dir>/tls.crt and tls.key. SSL_CTX_free. */
bool tls_server_context(const struct config *config, SSL_CTX **out, struct err *err);
/* Which files those are: others have other octets here; zeros if they cannot be seen. */
struct tls_files {
	int64_t seen[6];
};
void tls_files_look(const struct config *config, struct tls_files *out);
/* tls-server-end-point of its certificate (RFC 5929). */
bool tls_end_point(const SSL_CTX *ctx, struct buf *out, struct err *err);

#endif
