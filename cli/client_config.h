/*
 * Settings of a client, of several places (dirca.conf(5)): the system's file, the user's, the
 * environment, the command line; each line of a later one goes before that of an earlier one. With
 * each goes where it is from.
 */
#ifndef CLI_CLIENT_CONFIG_H
#define CLI_CLIENT_CONFIG_H

#include "cli.h"

/* X(NAME, name); the option has the name with '-' for '_', the variable DIRCA_NAME. */
#define CLIENT_SETTINGS(X)                            \
	X(URI, uri)                                   \
	X(MECH, mech)                                 \
	X(USER, user)                                 \
	X(BIND_DN, bind_dn)                           \
	X(PASSWORD_FILE, password_file)               \
	X(TLS_CA, tls_ca)                             \
	X(CA, ca)                                     \
	X(SOCKET, socket)                             \
	X(CLIENT_CERTIFICATE, client_certificate)     \
	X(CLIENT_KEY, client_key)                     \
	X(CLIENT_PASSWORD_FILE, client_password_file) \
	X(STARTTLS, starttls)

enum client_setting {
#define X(NAME, name) CLIENT_##NAME,
	CLIENT_SETTINGS(X)
#undef X
	    CLIENT_SETTING_COUNT
};

struct client_value {
	char *value; /* NULL: not set */
	char *from;  /* "/etc/dirca/dirca.conf", "DIRCA_URI", "--uri" */
};
struct client_config {
	struct client_value list[CLIENT_SETTING_COUNT];
	/* Which files were looked for, the system's first; --client-config alone. NULL: no HOME. */
	char *files[2];
	bool found[2];
};
/* DIRCA_E_CONFIG: a line that is none, or names nothing. An empty variable or option takes the
 * value away. client_config_free in any case. */
bool client_config_read(const struct cli_options *opt, struct client_config *out, struct err *err);
/* The same of these two files; `own` may be NULL. */
bool client_config_merge(const char *system, const char *own, const struct cli_options *opt,
    struct client_config *out, struct err *err);
/* Whether the caller says by an option or the environment whom the directory is to take him for, or
 * which one it is. */
bool client_config_names_caller(const struct cli_options *opt);
void client_config_free(struct client_config *c);
const char *client_setting_name(enum client_setting s);

#endif
