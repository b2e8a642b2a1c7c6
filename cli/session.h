/*
 * A client's session: who calls, the directory, and the CA it talks to. The client's settings
 * (client_config.h) override libldap's own.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli.h"
#include "http_client.h"
#include "own_certificate.h"
#include "pki.h"
#include "principal.h"

struct session {
	const struct cli *cli;
	/* owned copies of what configuration file and options gave */
	char *uri, *mech, *user, *bind_dn, *password_file, *tls_ca, *ca, *socket,
	    *client_certificate, *client_key, *client_password_file, *starttls_word;
	bool starttls;
	bool standalone; /* `uri` says that there is no directory */
	struct secret password;
	struct own_certificate own; /* read when a CA is first talked to */
	struct dir_config dir_config;
	struct dir_conn *directory; /* NULL until session_directory */
	struct pki_snapshot *pki;
	struct pki_service *services;
	size_t service_count;
};

/* Reads configuration and options, asks for the password if one is needed. */
bool session_open(const struct cli *cli, struct session *out, struct err *err);
void session_close(struct session *s);
/* The mechanism where none is named: what the other settings suggest. */
const char *session_default_mech(const char *uri, const char *user, const char *bind_dn);
/* Is one named? DIRCA_E_USAGE, DIRCA_E_STANDALONE. */
bool session_has_directory(const struct session *s, struct err *err);
/* Connects to the directory; reads CN=Public Key Services. Second calls are free. */
bool session_directory(struct session *s, struct err *err);
bool session_pki(struct session *s, struct err *err);

/* Does --ca name this one (its name, the sanitized one, its display name, HOST\NAME, its URL, DN or
 * the SHA-1 of its certificate), or none? */
bool session_means(const struct session *s, const struct pki_service *service);
/* The one CA that a verb talks to: --socket, --ca, or the only one of the directory;
 * TYPE_E_AMBIGUOUSNAME names them if there are several. With
 * --socket *service_out is NULL unless the directory was read and names it. */
bool session_service(struct session *s, const struct pki_service **service_out, struct err *err);
/* There is none, or none of that name: CRYPT_E_NOT_FOUND. */
bool session_no_ca(const struct session *s, struct err *err);
/* The name that the caller has at the CA, borrowed: of a client certificate, or `user`; NULL: not
 * known. Reads the certificate and its key. */
bool session_caller(struct session *s, const char **name_out, struct err *err);
/* Who the caller is in the directory; *known_out false: the caller has no name here, or the
 * directory does not know it. principal_free. */
bool session_principal(struct session *s, struct principal *out, bool *known_out, struct err *err);
/* As a request says who sends it: the SID, which is the same whatever name was typed, or the
 * down-level name. free(). */
char *session_sender(const struct principal *me);
/* Opens HTTP to it. */
bool session_http(struct session *s, const struct pki_service *service, struct http_client **out,
    struct err *err);
/* session_service + session_http. */
bool session_ca(struct session *s, struct http_client **out, struct err *err);

#endif
