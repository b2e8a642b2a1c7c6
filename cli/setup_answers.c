#include "setup_answers.h"

#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_config.h"
#include "given.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define LINE_MAX_LEN 1024
#define HTTPS_PORT   ":8443"
#define HTTP_PORT    ":8080"

OWN_POINTER(own_addrinfo, struct addrinfo, freeaddrinfo)

void
setup_answers_free(struct setup_answers *a)
{
	free(a->ca_name);
	free(a->host);
	free(a->uri);
	free(a->bind_dn);
	free(a->user);
	free(a->password_file);
	free(a->tls_ca);
	buf_free(&a->tls_ca_pem);
	secret_free(&a->password);
}

/* A line of the file is an answer: no other can hide in it. */
static bool
check_line(const char *option, const char *value, struct err *err)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(
			    err, DIRCA_E_USAGE, "--%s: a control character is in it", option);
	return *value != '\0' || err_set(err, DIRCA_E_USAGE, "--%s: is empty", option);
}

/* What the option says; else what is typed, or `fallback` if nothing is. fallback NULL: there is
 * none. free(). */
static bool
ask(const char *option, const char *said, const char *question, const char *fallback, char **out,
    struct err *err)
{
	OWNED(own_file) FILE *tty = NULL;
	char line[LINE_MAX_LEN];

	if (said != NULL) {
		*out = mem_text(said);
		return check_line(option, said, err);
	}
	if ((tty = fopen("/dev/tty", "r+e")) == NULL) {
		if (fallback == NULL)
			return err_set(err, DIRCA_E_USAGE,
			    "--%s is needed (%s): there is no terminal to ask at", option,
			    question);
		*out = mem_text(fallback);
		return true;
	}
	fprintf(tty, "%s%s%s%s: ", question, fallback != NULL ? " [" : "",
	    fallback != NULL ? fallback : "", fallback != NULL ? "]" : "");
	fflush(tty);
	if (fgets(line, sizeof line, tty) == NULL)
		return err_set(err, DIRCA_E_USAGE, "nothing was changed");
	line[strcspn(line, "\n")] = '\0';
	*out = mem_text(*line == '\0' && fallback != NULL ? fallback : line);
	return check_line(option, *out, err);
}

/* The machine's name as others know it; NULL: it has none with a dot. free(). */
static char *
own_name(void)
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	OWNED(own_addrinfo) struct addrinfo *info = NULL;
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof name - 1) != 0)
		return NULL;
	if (strchr(name, '.') != NULL)
		return mem_text(name);
	return getaddrinfo(name, NULL, &hints, &info) == 0 && info->ai_canonname != NULL &&
		       strchr(info->ai_canonname, '.') != NULL
		   ? mem_text(info->ai_canonname)
		   : NULL;
}

/* By a DN and a password, by a name and one (SCRAM), by a keytab, or by who the process is. */
static bool
ask_account(
    const struct cli *cli, const char *config_folder, struct setup_answers *a, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	bool local = strncmp(a->uri, "ldapi:", 6) == 0;

	if (o->service_keytab != NULL ||
	    (local && o->service_dn == NULL && o->service_user == NULL))
		return true;
	if (o->service_user != NULL)
		a->user = mem_text(o->service_user);
	else if (!ask("service-dn", o->service_dn, "DN of the account by which the CA reads it",
		     NULL, &a->bind_dn, err))
		return false;
	a->password_file = text_printf("%s/directory-password", config_folder);
	if (a->user != NULL && !check_line("service-user", a->user, err))
		return false;
	return o->dry_run || cli_password(o->service_password_file,
				 "Password of that account: ", false, &a->password, err);
}

static bool
read_tls_ca(const char *path, const char *config_folder, struct setup_answers *a, struct err *err)
{
	OWNED(buf_free) struct buf pem = {0};

	if (path == NULL)
		return true;
	if (!given_trust(path, &pem, err))
		return err_prefix(err, "--tls-ca");
	if (strncmp(path, "/etc/", 5) == 0) { /* it is kept up to date there, perhaps */
		a->tls_ca = mem_text(path);
		return true;
	}
	a->tls_ca = text_printf("%s/directory-ca.pem", config_folder);
	a->tls_ca_pem = buf_give(&pem);
	return true;
}

/* That of the person who prepares it, if it is said nowhere; "none" stands for no directory. */
static const char *
uri_of(const struct cli_options *o, const struct client_config *client)
{
	const char *uri = client->list[CLIENT_URI].value;

	if (o->service_uri != NULL)
		return o->service_uri;
	return uri != NULL && strcmp(uri, "none") != 0 ? uri : NULL;
}

static bool
is_readable(const char *option, const char *path, struct err *err)
{
	return path == NULL || access(path, R_OK) == 0 ||
	       err_errno(err, DIRCA_E_IO, "--%s: %s", option, path);
}

bool
setup_ask(
    const struct cli *cli, const char *config_folder, struct setup_answers *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(client_config_free) struct client_config client = {0};
	OWNED(own_memory) char *name = own_name();

	*out = (struct setup_answers){0};
	if (!client_config_read(o, &client, err))
		return false;
	if (!ask("ca-name", o->ca_name, "Name of the CA, as certificates will have it", NULL,
		&out->ca_name, err) ||
	    !ask(
		"host", o->host, "Name of this machine, as clients know it", name, &out->host, err))
		return false;
	if (o->standalone)
		return true;
	return is_readable("service-keytab", o->service_keytab, err) &&
	       is_readable("http-keytab", o->http_keytab, err) &&
	       read_tls_ca(o->tls_ca, config_folder, out, err) &&
	       ask("service-uri", uri_of(o, &client),
		   "The directory (ldaps://HOST, ldap://HOST with Kerberos, or ldapi:///)", NULL,
		   &out->uri, err) &&
	       ask_account(cli, config_folder, out, err);
}

static const char *
auth_of(const struct cli *cli, const struct setup_answers *a)
{
	if (a->bind_dn != NULL)
		return "simple";
	if (a->user != NULL)
		return "scram";
	return cli->opt.service_keytab != NULL ? "gssapi" : "external";
}

static bool
add(struct buf *out, const char *name, const char *value, struct err *err)
{
	OWNED(own_memory) char *line = NULL;

	if (value == NULL)
		return true;
	line = text_printf("%s = %s\n", name, value);
	return buf_append(out, view_str(line), err);
}

static bool
add_directory(
    const struct cli *cli, const struct setup_answers *a, struct buf *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	return add(out, "\ndir_uris", a->uri, err) && add(out, "dir_auth", auth_of(cli, a), err) &&
	       add(out, "dir_bind_dn", a->bind_dn, err) && add(out, "dir_authcid", a->user, err) &&
	       add(out, "dir_keytab", o->service_keytab, err) &&
	       add(out, "dir_password_file", a->password_file, err) &&
	       add(out, "dir_tls_ca", a->tls_ca, err) &&
	       add(out, "dir_starttls", o->starttls ? "yes" : NULL, err) &&
	       add(out, "keytab", o->http_keytab, err);
}

bool
setup_configuration(
    const struct cli *cli, const struct setup_answers *a, struct buf *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	const char *http = o->http_listen != NULL ? o->http_listen : "[::]" HTTP_PORT;
	const char *port = strrchr(http, ':');
	OWNED(own_memory)
	char *http_url = text_printf("http://%s%s", a->host, port != NULL ? port : HTTP_PORT);
	static const char head[] = "# Written by `dirca setup`; dircad.conf(5) explains each line, "
				   "and what else there is.\n";

	return buf_append(out, view_str(head), err) && add(out, "ca_name", a->ca_name, err) &&
	       add(out, "ca_type", o->standalone ? "standalone" : NULL, err) &&
	       add(out, "host", a->host, err) &&
	       add(out, "listen", o->listen != NULL ? o->listen : "[::]" HTTPS_PORT, err) &&
	       add(out, "http_listen", http, err) && add(out, "http_url", http_url, err) &&
	       add(out, "socket", "/run/dirca/dircad.socket", err) &&
	       add(out, "state_dir", o->state_dir, err) &&
	       (o->standalone || add_directory(cli, a, out, err)) &&
	       add(out, "\nuser", "dirca", err) && add(out, "vault_user", "dirca-vault", err);
}
