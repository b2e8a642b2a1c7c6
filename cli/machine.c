#include "machine.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "installed.h"
#include "kra_policy.h"
#include "mem.h"
#include "own.h"
#include "pki.h"
#include "text.h"

OWN_POINTER(own_addrinfo, struct addrinfo, freeaddrinfo)

/* cure NULL: nothing is to be done. */
__attribute__((format(printf, 5, 6))) static void
find(struct machine_report *r, enum doctor_verdict verdict, const char *check, const char *cure,
    const char *fmt, ...)
{
	struct machine_finding *f = &r->list[r->count];
	va_list args;

	if (r->count == COUNT_OF(r->list))
		return;
	r->count++;
	*f = (struct machine_finding){.verdict = verdict, .check = check};
	va_start(args, fmt);
	if (vasprintf(&f->text, fmt, args) == -1)
		f->text = mem_text(fmt);
	va_end(args);
	f->cure = cure != NULL ? mem_text(cure) : NULL;
	r->missing += verdict == DOCTOR_MISSING;
}

void
machine_report_free(struct machine_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->list[i].text);
		free(r->list[i].cure);
	}
	r->count = 0;
}

const struct machine_finding *
machine_next(const struct machine_report *r)
{
	const struct machine_finding *note = NULL;

	for (size_t i = 0; i < r->count; i++) {
		if (r->list[i].verdict == DOCTOR_MISSING)
			return &r->list[i];
		if (note == NULL && r->list[i].cure != NULL)
			note = &r->list[i];
	}
	return note;
}

/* ---- before there is a configuration ---- */

static void
look_at_programs(struct machine_report *r)
{
	char path[PATH_MAX];
	struct err err;

	if (installed_daemon(path, &err))
		find(r, DOCTOR_GOOD, "programs", NULL, "dirca " DIRCA_VERSION " and %s", path);
	else
		find(r, DOCTOR_MISSING, "programs", "install it (Debian: package dircad)", "%s",
		    err.msg);
}

/* A clock that is wrong makes certificates that begin or end at the wrong time. */
static void
look_at_clock(struct machine_report *r)
{
	struct timex state = {0};
	char path[PATH_MAX];
	struct err err;
	struct stat st;

	if (installed_daemon(path, &err) && stat(path, &st) == 0 &&
	    time(NULL) < st.st_mtime - 86400)
		find(r, DOCTOR_MISSING, "clock", "set the clock",
		    "the clock is older than the programs");
	else if (adjtimex(&state) == TIME_ERROR)
		find(r, DOCTOR_NOTE, "clock", NULL,
		    "no time service keeps the clock; a wrong one makes certificates that nobody "
		    "takes");
	else
		find(r, DOCTOR_GOOD, "clock", NULL, "a time service keeps it");
}

bool
machine_has_users(const char **name_out)
{
	static const char *const names[] = {"dirca", "dirca-vault", "dircad"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (getpwnam(names[i]) == NULL) {
			*name_out = names[i];
			return false;
		}
	return true;
}

/* Those of the configuration, if it names some. */
static void
look_at_users(struct machine_report *r, const struct config *c)
{
	const char *name;
	struct err err;

	if (c != NULL && !config_check_users(c, &err))
		find(r, DOCTOR_MISSING, "users", "run `systemd-sysusers`", "%s", err.msg);
	else if (!machine_has_users(&name))
		find(r, c != NULL ? DOCTOR_NOTE : DOCTOR_MISSING, "users", "run `systemd-sysusers`",
		    "there is no user %s, whom the installed unit names", name);
	else
		find(r, DOCTOR_GOOD, "users", NULL, "dirca, dirca-vault and dircad");
}

/* ---- what the configuration names ---- */

/* Does the name lead to an address of this machine? */
static bool
is_here(const struct addrinfo *info)
{
	for (; info != NULL; info = info->ai_next) {
		OWNED(own_fd) int fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd != -1 && bind(fd, info->ai_addr, info->ai_addrlen) == 0)
			return true;
	}
	return false;
}

static void
look_at_name(struct machine_report *r, const struct config *c)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	OWNED(own_addrinfo) struct addrinfo *info = NULL;
	int fault = getaddrinfo(c->host, NULL, &hints, &info);

	if (fault != 0)
		find(r, DOCTOR_MISSING, "name",
		    "clients look for it by this name: add it to DNS or /etc/hosts",
		    "host = %s: %s", c->host, gai_strerror(fault));
	else if (!is_here(info))
		find(r, DOCTOR_NOTE, "name", NULL,
		    "host = %s leads to another machine; good if that passes connections on",
		    c->host);
	else
		find(r, DOCTOR_GOOD, "name", NULL, "%s leads to this machine", c->host);
}

static bool
is_free(const char *address, int *fault_out)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	OWNED(own_addrinfo) struct addrinfo *info = NULL;
	OWNED(own_memory) char *copy = mem_text(address);
	OWNED(own_fd) int fd = -1;
	char *host, *port;
	int one = 1;

	*fault_out = EADDRNOTAVAIL;
	if (!text_split_address(copy, &host, &port) || getaddrinfo(host, port, &hints, &info) != 0)
		return false;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0)
		return true;
	*fault_out = errno;
	return false;
}

static void
look_at_ports(struct machine_report *r, char *const *list, size_t count, const char *name)
{
	int fault;

	for (size_t i = 0; i < count; i++)
		if (is_free(list[i], &fault))
			find(r, DOCTOR_GOOD, "ports", NULL, "%s = %s is free", name, list[i]);
		else
			find(r, DOCTOR_MISSING, "ports",
			    "end who listens there (`ss -ltnp` shows it), or choose another port "
			    "in "
			    "dircad.conf",
			    "%s = %s: %s", name, list[i], strerror(fault));
}

/* Files that the front reads: by its user, or by its group, but nobody else. */
static void
look_at_file(struct machine_report *r, const struct config *c, const char *path, const char *name)
{
	const struct passwd *pw = c->user != NULL ? getpwnam(c->user) : NULL;
	OWNED(own_memory)
	char *cure = text_printf(
	    "chown root:%s %s && chmod 640 %s", c->user != NULL ? c->user : "root", path, path);
	struct stat st;

	if (stat(path, &st) != 0)
		find(r, DOCTOR_MISSING, "files", "make it, or take the line out of dircad.conf",
		    "%s = %s: %s", name, path, strerror(errno));
	else if ((st.st_mode & S_IRWXO) != 0)
		find(r, DOCTOR_MISSING, "files", cure, "%s = %s: everybody on this machine has it",
		    name, path);
	else if (pw != NULL && st.st_uid != pw->pw_uid &&
		 (st.st_gid != pw->pw_gid || (st.st_mode & S_IRGRP) == 0))
		find(r, DOCTOR_MISSING, "files", cure, "%s = %s: user %s cannot read it", name,
		    path, c->user);
	else
		find(r, DOCTOR_GOOD, "files", NULL, "%s = %s", name, path);
}

bool
machine_runs(const struct config *c)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWNED(own_fd) int fd = -1;

	if (c->socket == NULL || strlen(c->socket) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, c->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* ---- the directory ---- */

/* As the account of the service. Root is somebody else for a server that looks at who connects. */
static void
look_at_servers(struct machine_report *r, const struct dir_config *d)
{
	OWNED(own_memory) char *uris = mem_text(d->uris);
	char *rest = uris, *uri;

	while ((uri = strsep(&rest, " \t")) != NULL) {
		OWNED(doctor_report_free) struct doctor_report report = {0};
		size_t lacks = 0;

		if (*uri == '\0')
			continue;
		doctor_examine(d, uri, true, &report);
		for (size_t i = 0; i < report.count; i++) {
			const struct doctor_finding *f = &report.findings[i];

			/* Whether this CA is there is said below. */
			if (f->verdict != DOCTOR_MISSING || strcmp(f->check, "services") == 0)
				continue;
			lacks++;
			find(r, DOCTOR_MISSING, "directory", f->cure, "%s: %s: %s", uri, f->check,
			    f->text);
		}
		if (lacks == 0)
			find(r, DOCTOR_GOOD, "directory", NULL, "%s, %s", uri, report.vendor);
	}
}

static void
look_at_publication(struct machine_report *r, const struct config *c, const struct dir_config *d)
{
	OWNED(pki_snapshot_free) struct pki_snapshot *pki = NULL;
	struct dir_conn *conn = NULL;
	const struct dir_entry *service;
	struct err err;

	if (!dir_connect(d, &conn, &err) || !pki_snapshot_load(conn, &pki, &err)) {
		dir_disconnect(&conn);
		return; /* which has been said */
	}
	if ((service = pki_snapshot_service(pki, c->ca_name)) == NULL)
		find(r, DOCTOR_MISSING, "published",
		    "`dirca ca publish --admin GROUP`, as somebody who may write the directory "
		    "(--uri, --bind-dn)",
		    "the directory does not name %s: clients do not find it", c->ca_name);
	else {
		const struct dir_attr *templates = dir_entry_attr(service, "certificateTemplates");

		find(r, DOCTOR_GOOD, "published", NULL, "%s, with %zu templates", c->ca_name,
		    templates != NULL ? templates->count : 0);
		if (templates == NULL || templates->count == 0)
			find(r, DOCTOR_MISSING, "templates", "`dirca template enable NAME`",
			    "%s issues no template", c->ca_name);
	}
	dir_disconnect(&conn);
}

static void
look_at_directory(struct machine_report *r, struct config *c)
{
	struct dir_config d = {0};
	struct err err;

	if (!config_read_password(c, &err) || !config_directory(c, &d, &err)) {
		find(r, DOCTOR_MISSING, "directory", "look at dir_ in dircad.conf", "%s", err.msg);
		return;
	}
	if (c->dir_auth == DIR_AUTH_EXTERNAL) {
		find(r, DOCTOR_NOTE, "directory", NULL,
		    "dir_auth = external: what user %s may do there cannot be seen by root; "
		    "`dirca ca status` says whether the CA reads it",
		    c->user != NULL ? c->user : "root");
	}
	look_at_servers(r, &d);
	look_at_publication(r, c, &d);
}

/* ---- the CA ---- */

static void
look_at_agents(struct machine_report *r, const struct config *c)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};
	struct err err;

	if (c->standalone)
		return; /* it archives nothing */
	if (!kra_policy_read(c, &policy, &err) && err.code != ERROR_FILE_NOT_FOUND)
		find(r, DOCTOR_MISSING, "agents", "see dirca-kra-enable(1)", "%s", err.msg);
	else if (policy.enabled_count == 0)
		find(r, DOCTOR_NOTE, "agents",
		    "key recovery agents enroll: `dirca enroll KeyRecoveryAgent`, a certificate "
		    "manager approves, then here `dirca kra add FILE` and `dirca kra count N`",
		    "no key recovery agent is enabled: no key can be archived yet");
	else
		find(r, DOCTOR_GOOD, "agents", NULL, "%zu enabled, keys go to %zu of them",
		    policy.enabled_count, policy.count);
}

static void
look_at_ca(struct machine_report *r, struct config *c)
{
	OWNED(own_memory) char *crt = config_path(c, "ca.crt");
	bool made = access(crt, F_OK) == 0, runs = machine_runs(c);

	if (!runs) {
		look_at_ports(r, c->listen, c->listen_count, "listen");
		look_at_ports(r, c->http_listen, c->http_listen_count, "http_listen");
	}
	if (!made)
		find(r, DOCTOR_MISSING, "ca", "`dirca ca init`", "%s: there is no CA yet", crt);
	else
		find(r, DOCTOR_GOOD, "ca", NULL, "%s", crt);
	if (made && runs)
		find(r, DOCTOR_GOOD, "service", NULL, "dircad answers at %s", c->socket);
	else if (made && c->socket == NULL)
		find(r, DOCTOR_NOTE, "service", NULL,
		    "without `socket` in dircad.conf it cannot be seen whether dircad runs");
	else if (made)
		find(r, DOCTOR_MISSING, "service",
		    "`systemctl enable --now dircad`; `journalctl -u dircad` says why it does not "
		    "start",
		    "dircad does not run");
	if (!c->standalone)
		look_at_directory(r, c);
	if (made)
		look_at_agents(r, c);
}

void
machine_examine(const char *config_path, struct machine_report *r)
{
	OWNED(config_free) struct config *c = NULL;
	struct err err;
	bool loaded = config_load(config_path, &c, &err);

	*r = (struct machine_report){0};
	look_at_programs(r);
	look_at_clock(r);
	look_at_users(r, c);
	if (!loaded) {
		find(r, DOCTOR_MISSING, "configuration",
		    err.code == ERROR_FILE_NOT_FOUND ? "`dirca setup` writes one"
						     : "mend the line; dircad.conf(5) has them all",
		    "%s", err.msg);
		return;
	}
	find(r, DOCTOR_GOOD, "configuration", NULL, "%s", config_path);
	look_at_name(r, c);
	if (c->dir_password_file != NULL)
		look_at_file(r, c, c->dir_password_file, "dir_password_file");
	if (c->keytab != NULL)
		look_at_file(r, c, c->keytab, "keytab");
	if (c->dir_keytab != NULL)
		look_at_file(r, c, c->dir_keytab, "dir_keytab");
	look_at_ca(r, c);
}
