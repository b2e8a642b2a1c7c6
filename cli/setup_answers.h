/*
 * What `dirca setup` must be told to write dircad.conf: by options, else asked at the terminal.
 */
#ifndef CLI_SETUP_ANSWERS_H
#define CLI_SETUP_ANSWERS_H

#include "cli.h"

/* The service's keytabs, in the folder of the configuration. */
#define SETUP_KEYTAB      "dircad.keytab"
#define SETUP_HTTP_KEYTAB "http.keytab"

struct setup_keytab {
	char *path;         /* where the service has it; NULL: it has none */
	char *from;         /* of what it is a copy; NULL: it is there */
	struct secret copy; /* what is to be written there */
};

struct setup_answers {
	char *ca_name, *host, *uri, *bind_dn, *user, *password_file;
	struct setup_keytab keytab, http_keytab;
	struct secret password; /* of the service's account; empty: it has none */
	/* Whom the directory's TLS is verified against. A file of elsewhere is copied to the
	 * configuration: /home and /tmp are not the service's. tls_ca_pem empty: it stays where it
	 * is. */
	char *tls_ca;
	struct buf tls_ca_pem;
};

/* `config_folder`: where the password goes. DIRCA_E_USAGE names the option where nobody can be
 * asked. setup_answers_free, also on failure. */
bool setup_ask(
    const struct cli *cli, const char *config_folder, struct setup_answers *out, struct err *err);
/* Where the service has a keytab that is given as `path`: in the folder of the configuration, to
 * which a file of elsewhere (*copied_out) is copied as `name`. free(). */
char *setup_keytab_place(
    const char *path, const char *config_folder, const char *name, bool *copied_out);
/* Whether it is the machine's own keytab, whose keys make anybody this machine: no service gets
 * them. */
bool setup_is_machines(const char *path);
/* Who administers a new CA, where no option says it. free(). */
bool setup_ask_admin(const struct cli *cli, char **out, struct err *err);
void setup_answers_free(struct setup_answers *a);
/* The text of dircad.conf. buf_free. */
bool setup_configuration(
    const struct cli *cli, const struct setup_answers *a, struct buf *out, struct err *err);

#endif
