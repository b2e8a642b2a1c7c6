/* dirca setup: from an installed program to a CA that its directory names. Each step that is done
 * is left alone; the others are the verbs and programs that one could type, and are shown. */
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon_config.h"
#include "daemon_directory.h"
#include "file.h"
#include "machine.h"
#include "machine_listing.h"
#include "mem.h"
#include "own.h"
#include "pki.h"
#include "setup_answers.h"
#include "setup_directory.h"
#include "setup_run.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

/* ---- the steps ---- */

static bool
make_users(struct work *w, struct err *err)
{
	struct setup_words words = {0};
	const char *name;

	if (machine_has_users(&name)) {
		puts("Users dirca, dirca-vault and dircad: are there");
		return true;
	}
	printf("Users: there is no %s\n", name);
	setup_say(&words, "systemd-sysusers");
	return setup_run(w, &words, err);
}

/* For the group of the front, and nobody else. */
static bool
write_secret(const char *path, const struct secret *content, struct err *err)
{
	const struct group *gr = getgrnam("dirca");

	if (!file_create(path, secret_view(content), 0600, err))
		return false;
	if (gr == NULL)
		return err_set(err, DIRCA_E_CONFIG, "there is no group dirca");
	return file_entrust(path, 0, gr->gr_gid, 0640, err);
}

/* Of a run that was interrupted it is there. */
static bool
write_keytab(const struct setup_keytab *k, struct err *err)
{
	OWNED(secret_free) struct secret there = {0};
	struct err ignored;

	return k->from == NULL ||
	       (file_read_secret(k->path, k->copy.len, &there, &ignored) &&
		   view_eq(secret_view(&there), secret_view(&k->copy))) ||
	       write_secret(k->path, &k->copy, err);
}

static void
show_copy(const struct setup_keytab *k)
{
	if (k->from != NULL)
		printf("Keytab, %s: a copy of %s, for the service alone\n\n", k->path, k->from);
}

/* Before anything is written: would dircad take it? */
static bool
is_good(struct view text, struct err *err)
{
	OWNED(own_fd) int fd = memfd_create("dircad.conf", MFD_CLOEXEC);
	OWNED(config_free) struct config *config = NULL;
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return fd != -1 && file_write_all(fd, text) && config_load(path, &config, err);
}

/* The configuration last: with it the next run takes the rest as written. */
static bool
write_files(const struct setup_answers *a, const char *path, const char *folder, struct view text,
    struct err *err)
{
	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return err_errno(err, DIRCA_E_IO, "%s", folder);
	return (a->tls_ca_pem.len == 0 ||
		   file_replace(a->tls_ca, buf_view(&a->tls_ca_pem), 0644, err)) &&
	       write_keytab(&a->keytab, err) && write_keytab(&a->http_keytab, err) &&
	       (a->password_file == NULL || write_secret(a->password_file, &a->password, err)) &&
	       file_create(path, text, 0644, err);
}

static bool
write_configuration(const struct cli *cli, const char *path, struct err *err)
{
	OWNED(setup_answers_free) struct setup_answers answers = {0};
	OWNED(own_memory) char *copy = mem_text(path);
	const char *folder = dirname(copy);
	OWNED(buf_free) struct buf text = {0};

	if (!setup_ask(cli, folder, &answers, err) ||
	    !setup_configuration(cli, &answers, &text, err) || !is_good(buf_view(&text), err))
		return false;
	printf("Configuration, %s:\n\n%.*s\n", path, (int)text.len, (const char *)text.ptr);
	show_copy(&answers.keytab);
	show_copy(&answers.http_keytab);
	return cli->opt.dry_run ||
	       ((cli->opt.yes || cli_confirm("Write it, and make the CA?", err)) &&
		   write_files(&answers, path, folder, buf_view(&text), err));
}

/* What an option says and an earlier run wrote otherwise is told, not passed over. */
static bool
agrees(const char *path, const char *option, const char *said, const char *has, struct err *err)
{
	return said == NULL || (has != NULL && strcmp(said, has) == 0) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "--%s %s: %s says '%s', and is not changed by setup; edit it, or leave the "
		   "option out",
		   option, said, path, has != NULL ? has : "");
}

/* The same, of a file that may have been copied then. */
static bool
agrees_keytab(const char *path, const char *option, const char *said, const char *name,
    const char *has, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(path);
	bool copied;
	OWNED(own_memory)
	char *place = said != NULL ? setup_keytab_place(said, dirname(copy), name, &copied) : NULL;

	return (has != NULL && said != NULL && strcmp(said, has) == 0) ||
	       agrees(path, option, place, has, err);
}

static bool
have_configuration(struct work *w, const char *path, bool *there_out, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;

	*there_out = false;
	if (access(path, F_OK) != 0) {
		if (!write_configuration(w->cli, path, err))
			return false;
		if (o->dry_run)
			return true;
	} else {
		printf("Configuration, %s: is there\n", path);
	}
	*there_out = true;
	return config_load(path, &w->config, err) &&
	       agrees(path, "ca-name", o->ca_name, w->config->ca_name, err) &&
	       agrees(path, "host", o->host, w->config->host, err) &&
	       agrees(path, "service-uri", o->service_uri, w->config->dir_uris, err) &&
	       agrees(path, "service-dn", o->service_dn, w->config->dir_bind_dn, err) &&
	       agrees(path, "service-user", o->service_user, w->config->dir_authcid, err) &&
	       agrees_keytab(path, "service-keytab", o->service_keytab, SETUP_KEYTAB,
		   w->config->dir_keytab, err) &&
	       agrees_keytab(
		   path, "http-keytab", o->http_keytab, SETUP_HTTP_KEYTAB, w->config->keytab, err);
}

static bool
make_ca(struct work *w, const char *path, struct err *err)
{
	OWNED(own_memory) char *crt = w->config != NULL ? config_path(w->config, "ca.crt") : NULL;
	struct setup_words words = {0};

	if (crt != NULL && access(crt, F_OK) == 0) {
		printf("CA, %s: is there\n", crt);
		return true;
	}
	puts("CA:");
	setup_say(&words, "dirca");
	setup_say(&words, "ca");
	setup_say(&words, "init");
	setup_say_option(&words, "--config", path);
	setup_say_option(&words, "--key", w->cli->opt.key);
	return setup_run(w, &words, err);
}

/* A keytab that was fetched belongs to whoever fetched it: the front must read it, and nobody else.
 */
static bool
lend(struct work *w, const char *path, struct err *err)
{
	struct setup_words owner = {.list = {"chown", "root:dirca"}, .count = 2},
			   mode = {.list = {"chmod", "640"}, .count = 2};
	const struct group *gr = getgrnam("dirca");
	struct stat st;

	if (path == NULL)
		return true;
	if (setup_is_machines(path))
		return err_set(err, DIRCA_E_CONFIG,
		    "%s is this machine's own keytab, and its keys are not given to a service",
		    path);
	if (stat(path, &st) != 0)
		return err_errno(err, DIRCA_E_IO, "%s", path);
	if (gr != NULL && st.st_gid == gr->gr_gid && (st.st_mode & S_IRGRP) != 0 &&
	    (st.st_mode & S_IRWXO) == 0) {
		printf("Keytab, %s: is the service's\n", path);
		return true;
	}
	printf("Keytab, %s:\n", path);
	setup_say(&owner, path);
	setup_say(&mode, path);
	setup_show(&owner);
	setup_show(&mode);
	/* Not by these commands, which follow a link. */
	return w->cli->opt.dry_run ||
	       (gr != NULL ? file_entrust(path, 0, gr->gr_gid, 0640, err)
			   : err_set(err, DIRCA_E_CONFIG, "there is no group dirca"));
}

/* What is to be copied, of which the configuration said so, is there when it is written. */
static bool
lend_keytabs(struct work *w, struct err *err)
{
	const char *own, *http;

	if (w->config == NULL)
		return true;
	own = w->config->dir_keytab;
	http = w->config->keytab;
	return lend(w, own, err) &&
	       ((own != NULL && http != NULL && strcmp(own, http) == 0) || lend(w, http, err));
}

static bool
start(struct work *w, struct err *err)
{
	struct setup_words words = {.list = {"systemctl", "enable", "--now", "dircad"}, .count = 4};

	if (w->config != NULL && machine_runs(w->config)) {
		puts("Service: runs");
		return true;
	}
	if (access("/run/systemd/system", F_OK) != 0) {
		puts("Service: no systemd runs here; start `dircad` yourself");
		return true;
	}
	puts("Service:");
	return setup_run(w, &words, err);
}

/* The templates that were named and that the CA does not issue. */
static void
name_missing(const struct cli_list *wanted, const struct dir_entry *service, struct cli_list *out)
{
	const struct dir_attr *has = dir_entry_attr(service, "certificateTemplates");

	for (size_t i = 0; i < wanted->count; i++) {
		bool there = false;

		for (size_t k = 0; has != NULL && k < has->count && !there; k++)
			there = view_eq(buf_view(&has->values[k]), view_str(wanted->list[i]));
		if (!there)
			out->list[out->count++] = wanted->list[i];
	}
}

/* What the directory says of this CA; *published_out false: nothing. */
static bool
look_at_directory(
    struct work *w, bool *published_out, struct cli_list *missing_out, struct err *err)
{
	OWNED(pki_snapshot_free) struct pki_snapshot *pki = NULL;
	struct daemon_directory d;
	const struct dir_entry *service;
	bool ok;

	ok = daemon_directory_open(w, &d, err) && pki_snapshot_load(d.conn, &pki, err);
	if (ok) {
		service = pki_snapshot_service(pki, w->config->ca_name);
		*published_out = service != NULL;
		if (service != NULL)
			name_missing(&w->cli->opt.templates, service, missing_out);
	}
	daemon_directory_close(&d);
	return ok ||
	       err_prefix(err, "the directory (`dirca directory init --templates` prepares one, "
			       "`dirca doctor directory` examines it)");
}

static bool
publish(struct work *w, const char *path, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	OWNED(own_memory) char *admin = NULL;
	struct setup_words words = {0};

	if (o->admins.count == 0 && !o->dry_run && !setup_ask_admin(w->cli, &admin, err))
		return false;
	puts("Publication:");
	setup_say(&words, "dirca");
	setup_say(&words, "ca");
	setup_say(&words, "publish");
	setup_say_option(&words, "--config", path);
	setup_say_list(&words, "--admin", &o->admins);
	setup_say_option(&words, "--admin", admin);
	setup_say_list(&words, "--officer", &o->officers);
	setup_say_list(&words, "--auditor", &o->auditors);
	setup_say_list(&words, "--template", &o->templates);
	setup_say_session(&words, o);
	return setup_run(w, &words, err);
}

static bool
enable(struct work *w, const char *template, struct err *err)
{
	struct setup_words words = {0};

	setup_say(&words, "dirca");
	setup_say(&words, "template");
	setup_say(&words, "enable");
	setup_say(&words, template);
	setup_say_option(&words, "--ca", w->config->ca_name);
	setup_say_session(&words, &w->cli->opt);
	return setup_run(w, &words, err);
}

static bool
make_known(struct work *w, const char *path, struct err *err)
{
	struct cli_list missing = {0};
	bool published = false;

	if (w->config == NULL) /* of a dry run */
		return w->cli->opt.standalone || publish(w, path, err);
	if (w->config->standalone)
		return true;
	if (!look_at_directory(w, &published, &missing, err))
		return false;
	if (!published)
		return publish(w, path, err);
	printf("Publication: the directory names %s\n", w->config->ca_name);
	for (size_t i = 0; i < missing.count; i++)
		if (!enable(w, missing.list[i], err))
			return false;
	return true;
}

bool
cmd_setup(struct work *w, struct err *err)
{
	const char *path = daemon_config_path(w->cli);
	OWNED(machine_report_free) struct machine_report report = {0};
	bool there;

	if (geteuid() != 0 && !w->cli->opt.dry_run)
		return err_set(err, E_ACCESSDENIED,
		    "only root makes a CA; --dry-run shows what would be done");
	daemon_files_for_service();
	if (!make_users(w, err) || !have_configuration(w, path, &there, err) ||
	    !setup_directory(w, err) || !make_ca(w, path, err) || !lend_keytabs(w, err) ||
	    !start(w, err) || !make_known(w, path, err))
		return false;
	if (!there)
		return true;
	puts("");
	machine_examine(path, &report);
	machine_print(&report, false);
	if (report.missing > 0)
		w->status = CLI_FINDINGS;
	return true;
}
