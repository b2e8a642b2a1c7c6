#include "setup_answers.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_config.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define LINE_MAX_LEN 1024
#define NOBODY       "none"
#define HTTPS_PORT   ":8443"
#define HTTP_PORT    ":8080"

#define MACHINE_KEYTAB "/etc/krb5.keytab"
#define KEYTAB_MAX     (1 << 20)

OWN_POINTER(own_addrinfo, struct addrinfo, freeaddrinfo)

static void
free_keytab(struct setup_keytab *k)
{
	free(k->path);
	free(k->from);
	secret_free(&k->copy);
}

void
setup_answers_free(struct setup_answers *a)
{
	free(a->ca_name);
	free(a->host);
	free(a->uri);
	free(a->bind_dn);
	free(a->user);
	free(a->password_file);
	free_keytab(&a->keytab);
	free_keytab(&a->http_keytab);
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

/* What the option says; else what is typed, or `fallback` if nothing is, or if nobody is to be or
 * can be asked. fallback NULL: there is none. free(). */
static bool
ask(const struct cli *cli, const char *option, const char *said, const char *question,
    const char *fallback, char **out, struct err *err)
{
	OWNED(own_file) FILE *tty = NULL;
	char line[LINE_MAX_LEN];

	if (said == NULL && fallback != NULL && cli->opt.yes)
		said = fallback;
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

bool
setup_ask_admin(const struct cli *cli, char **out, struct err *err)
{
	return ask(cli, "admin", NULL, "Who administers the CA (user or group of the directory)",
	    NULL, out, err);
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

char *
setup_keytab_place(const char *path, const char *config_folder, const char *name, bool *copied_out)
{
	OWNED(own_memory) char *copy = mem_text(path);
	OWNED(own_memory) char *folder = realpath(dirname(copy), NULL);
	OWNED(own_memory) char *own = realpath(config_folder, NULL);
	const char *last = strrchr(path, '/');

	*copied_out = folder == NULL || own == NULL || strcmp(folder, own) != 0;
	if (!*copied_out)
		name = last != NULL ? last + 1 : path;
	return text_printf("%s/%s", config_folder, name);
}

bool
setup_is_machines(const char *path)
{
	struct stat own, st;

	return stat(MACHINE_KEYTAB, &own) == 0 && stat(path, &st) == 0 && own.st_dev == st.st_dev &&
	       own.st_ino == st.st_ino;
}

/* Of elsewhere, where it may be for others too, or where the service does not see it (/root,
 * /home), it is copied and left as it is. */
static bool
take_keytab(const char *option, const char *path, const char *config_folder, const char *name,
    struct setup_keytab *out, struct err *err)
{
	bool copied;

	if (!check_line(option, path, err))
		return false;
	if (setup_is_machines(path))
		return err_set(err, DIRCA_E_CONFIG,
		    "--%s: " MACHINE_KEYTAB " is this machine's own, and its keys are not given to "
		    "a service; one with the service's keys alone is needed",
		    option);
	if (!file_read_secret(path, KEYTAB_MAX, &out->copy, err))
		return err_prefix(err, "--%s", option);
	out->path = setup_keytab_place(path, config_folder, name, &copied);
	if (copied)
		out->from = mem_text(path);
	return true;
}

/* People sign in at the CA by Kerberos, too, if it has a key. */
static bool
ask_keytabs(
    const struct cli *cli, const char *config_folder, struct setup_answers *a, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(own_memory) char *own = NULL;
	OWNED(own_memory) char *http = NULL;

	return ask(cli, "service-keytab", o->service_keytab,
		   "Keytab of the account by which the CA reads it", NULL, &own, err) &&
	       take_keytab("service-keytab", own, config_folder, SETUP_KEYTAB, &a->keytab, err) &&
	       ask(cli, "http-keytab", o->http_keytab,
		   "Keytab of HTTP/HOST, by which people sign in", NOBODY, &http, err) &&
	       (strcmp(http, NOBODY) == 0 || take_keytab("http-keytab", http, config_folder,
						 SETUP_HTTP_KEYTAB, &a->http_keytab, err));
}

static bool
has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* By a DN and a password, by a name and one (SCRAM), by a keytab, or by who the process is. No
 * password crosses a bare network, so that Kerberos is left there. */
static bool
ask_account(
    const struct cli *cli, const char *config_folder, struct setup_answers *a, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	bool named = o->service_dn != NULL || o->service_user != NULL;

	if (o->service_keytab != NULL || (has_prefix(a->uri, "ldap:") && !o->starttls && !named))
		return ask_keytabs(cli, config_folder, a, err);
	if (o->http_keytab != NULL && !take_keytab("http-keytab", o->http_keytab, config_folder,
					  SETUP_HTTP_KEYTAB, &a->http_keytab, err))
		return false;
	if (has_prefix(a->uri, "ldapi:") && !named)
		return true;
	if (o->service_user != NULL)
		a->user = mem_text(o->service_user);
	else if (!ask(cli, "service-dn", o->service_dn,
		     "DN of the account by which the CA reads it", NULL, &a->bind_dn, err))
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

bool
setup_ask(
    const struct cli *cli, const char *config_folder, struct setup_answers *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(client_config_free) struct client_config client = {0};
	OWNED(own_memory) char *name = own_name();
	const char *uri;

	*out = (struct setup_answers){0};
	if (!client_config_read(o, &client, err) ||
	    !ask(cli, "ca-name", o->ca_name, "Name of the CA, as certificates will have it", NULL,
		&out->ca_name, err) ||
	    !ask(cli, "host", o->host, "Name of this machine, as clients know it", name, &out->host,
		err))
		return false;
	if (o->standalone)
		return true;
	/* That of the person who prepares it; "none" stands for no directory. */
	uri = client.list[CLIENT_URI].value;
	if (uri != NULL && strcmp(uri, NOBODY) == 0)
		uri = NULL;
	return read_tls_ca(o->tls_ca, config_folder, out, err) &&
	       ask(cli, "service-uri", o->service_uri,
		   "The directory (ldaps://HOST, ldap://HOST with Kerberos, or ldapi:///)", uri,
		   &out->uri, err) &&
	       ask_account(cli, config_folder, out, err);
}

static const char *
auth_of(const struct setup_answers *a)
{
	if (a->bind_dn != NULL)
		return "simple";
	if (a->user != NULL)
		return "scram";
	return a->keytab.path != NULL ? "gssapi" : "external";
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

	return add(out, "\ndir_uris", a->uri, err) && add(out, "dir_auth", auth_of(a), err) &&
	       add(out, "dir_bind_dn", a->bind_dn, err) && add(out, "dir_authcid", a->user, err) &&
	       add(out, "dir_keytab", a->keytab.path, err) &&
	       add(out, "dir_password_file", a->password_file, err) &&
	       add(out, "dir_tls_ca", a->tls_ca, err) &&
	       add(out, "dir_starttls", o->starttls ? "yes" : NULL, err) &&
	       add(out, "keytab", a->http_keytab.path, err);
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
