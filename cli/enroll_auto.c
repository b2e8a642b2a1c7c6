/*
 * dirca enroll --auto: what Windows calls autoenrollment. A folder holds what the caller has of
 * each template, TEMPLATE.pfx, and what waits beside it; each run enrolls by what is missing,
 * fetches what was approved, and renews what ends soon. Nobody is asked anything.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto_enroll.h"
#include "clock.h"
#include "enroll_job.h"
#include "file.h"
#include "held_state.h"
#include "mem.h"
#include "own.h"
#include "own_json.h"
#include "pkix.h"
#include "print.h"
#include "supersede.h"
#include "template_common.h"
#include "text.h"

#define USER_FOLDER   ".local/share/dirca/enrolled"
#define OLD_FOLDER    "old"     /* what was replaced: old messages are opened with old keys */
#define RENEWAL       ".new"    /* before the suffix, until it takes the place of the old one */
#define DENIED_SUFFIX ".denied" /* beside what nobody is asked for again */
#define LOCK          ".lock"

struct auto_run {
	struct work *w;
	char *folder;
	int lock; /* -1: none */
	struct principal me;
	struct tmpl *list; /* of the directory; `count` decoded */
	size_t count;
	struct secret password;
	int64_t now;
	json_t *done;
	size_t failed;
	struct err first; /* failure */
};

static void
run_close(struct auto_run *r)
{
	free(r->folder);
	if (r->lock >= 0)
		close(r->lock);
	principal_free(&r->me);
	for (size_t i = 0; i < r->count; i++)
		tmpl_free(&r->list[i]);
	free(r->list);
	secret_free(&r->password);
	json_decref(r->done);
}

static bool
check_usage(const struct cli *cli, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if (cli->count > 0)
		return err_set(err, DIRCA_E_USAGE,
		    "--auto chooses the templates; they are those that let you enroll by yourself");
	if (o->subject != NULL || o->dns.count > 0 || o->key != NULL || o->renew != NULL ||
	    o->agent != NULL || o->on_behalf_of != NULL || o->same_key)
		return err_set(err, DIRCA_E_USAGE,
		    "--auto takes names and keys as the templates say, and signs for nobody else");
	return o->out_password_file != NULL ||
	       err_set(err, DIRCA_E_USAGE,
		   "--auto asks nobody: name the password of the PKCS#12 files with "
		   "--out-password-file");
}

/* ---- the folder ---- */

static bool
open_folder(struct auto_run *r, struct err *err)
{
	const char *out = r->w->cli->opt.out, *home = getenv("HOME");

	if (out == NULL && (home == NULL || home[0] != '/'))
		return err_set(
		    err, DIRCA_E_CONFIG, "HOME does not name a folder; --out names another");
	r->folder = out != NULL ? mem_text(out) : text_printf("%s/" USER_FOLDER, home);
	OWNED(own_memory) char *old = text_printf("%s/" OLD_FOLDER, r->folder);
	OWNED(own_memory) char *lock = text_printf("%s/" LOCK, r->folder);

	if (!file_make_folder(r->folder, err) || !file_make_folder(old, err))
		return false;
	r->lock = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->lock == -1)
		return err_errno(err, DIRCA_E_IO, "%s", lock);
	return flock(r->lock, LOCK_EX | LOCK_NB) == 0 ||
	       err_set(err, DIRCA_E_IO, "%s: another `dirca enroll --auto` is at work there",
		   r->folder);
}

static char *
path_of(const struct auto_run *r, const char *name, const char *suffix)
{
	return text_printf("%s/%s%s", r->folder, name, suffix);
}

static bool
is_there(const struct auto_run *r, const char *name, const char *suffix)
{
	OWNED(own_memory) char *path = path_of(r, name, suffix);

	return access(path, F_OK) == 0;
}

static bool
read_held(const struct auto_run *r, const char *name, struct pkix_cert *out, struct err *err)
{
	OWNED(own_memory) char *path = path_of(r, name, ".pfx");
	OWNED(client_signer_free) struct client_signer pfx = {0};

	return client_signer_read(path, &r->password, &pfx, err) &&
	       (pkix_cert_decode(buf_view(&pfx.certificate), out, err) ||
		   err_prefix(err, "%s", path));
}

/* Out of the way, under its serial number, but kept. */
static bool
put_away(const struct auto_run *r, const char *name, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!read_held(r, name, &cert, err))
		return false;
	OWNED(own_memory) char *serial = pkix_serial_text(cert.serial);
	OWNED(own_memory) char *from = path_of(r, name, ".pfx");
	OWNED(own_memory)
	char *to = text_printf("%s/" OLD_FOLDER "/%s-%s.pfx", r->folder, name, serial);

	return (rename(from, to) == 0 || err_errno(err, DIRCA_E_IO, "%s", to)) &&
	       file_sync_parent(to, err) && file_sync_parent(from, err);
}

/* The new one in the place of the old one; also after a run that ended between the two. */
static bool
take_place(const struct auto_run *r, const char *name, struct err *err)
{
	OWNED(own_memory) char *from = path_of(r, name, RENEWAL ".pfx");
	OWNED(own_memory) char *to = path_of(r, name, ".pfx");

	if (access(from, F_OK) != 0)
		return true;
	if (access(to, F_OK) == 0 && !put_away(r, name, err))
		return false;
	return (rename(from, to) == 0 || err_errno(err, DIRCA_E_IO, "%s", to)) &&
	       file_sync_parent(to, err);
}

/* ---- the templates ---- */

static bool
find_me(struct auto_run *r, struct err *err)
{
	struct session *s = &r->w->session;
	OWNED(own_memory) char *authzid = NULL;
	struct identity id = {IDENTITY_NAME, s->user};

	if (s->user == NULL) {
		if (!dir_authzid(s->directory, &authzid, err))
			return false;
		id.kind = strncmp(authzid, "dn:", 3) == 0 ? IDENTITY_DN : IDENTITY_NAME;
		id.text = strchr(authzid, ':') != NULL ? strchr(authzid, ':') + 1 : "";
	}
	switch (principal_find_identity(s->directory, &id, &r->me, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the directory does not say who '%s' is, for whom templates could be looked "
		    "for",
		    id.text);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

static bool
is_issued(const struct auto_run *r, const char *cn)
{
	const struct session *s = &r->w->session;

	for (size_t i = 0; i < s->service_count; i++)
		if (session_means(s, &s->services[i]) &&
		    template_is_enabled_at(&s->services[i], cn))
			return true;
	return false;
}

/* Can files be called so? Those of the renewal of another template are. */
static bool
names_files(const char *cn)
{
	size_t len = strlen(cn), last = sizeof RENEWAL - 1;

	return cn[0] != '.' && strchr(cn, '/') == NULL &&
	       (len < last || strcmp(cn + len - last, RENEWAL) != 0);
}

static bool
is_wanted(const struct auto_run *r, const struct tmpl *t)
{
	return names_files(t->cn) && is_issued(r, t->cn) &&
	       tmpl_auto_refusal(t, &r->me.sids, r->w->cli->opt.with_kra) == NULL;
}

/* Those that are wanted, without those that another of them replaces. What does not decode is
 * nobody's. */
static void
load_templates(struct auto_run *r)
{
	const struct dir_entries *all = &r->w->session.pki->templates;
	struct err ignored;

	r->list = mem_zero(all->count + 1, sizeof *r->list);
	for (size_t i = 0; i < all->count; i++) {
		struct tmpl t;

		if (!tmpl_decode(&all->list[i], &t, &ignored))
			continue;
		if (is_wanted(r, &t))
			r->list[r->count++] = t;
		else
			tmpl_free(&t);
	}
}

/* What the caller has of a template that this one replaces; NULL: nothing. */
static const char *
find_replaced(const struct auto_run *r, const struct tmpl *t)
{
	for (size_t i = 0; i < t->supersedes.count; i++) {
		const char *cn = t->supersedes.list[i];

		if (names_files(cn) && is_there(r, cn, ".pfx"))
			return cn;
	}
	return NULL;
}

/* ---- one template ---- */

static void
note(struct auto_run *r, const char *cn, const char *what, const struct err *why)
{
	const struct cli_options *o = &r->w->cli->opt;

	if (why != NULL) {
		OWNED(own_memory) char *who = text_printf("dirca enroll: %s", cn);

		err_print(who, why);
		if (r->failed++ == 0)
			r->first = *why;
	}
	if (o->json)
		json_array_append_new(
		    r->done, json_pack("{s:s, s:s, s:s?, s:s?}", "template", cn, "done", what,
				 "error", why != NULL ? err_name(why->code) : NULL, "message",
				 why != NULL ? why->msg : NULL));
	else if (why == NULL)
		printf("%s: %s\n", cn, what);
}

/* Enrolls into FOLDER/`name`.pfx, renewing FOLDER/`renews`.pfx if that is not NULL; or goes on with
 * what waits there. */
static bool
enroll_into(struct auto_run *r, const struct tmpl *t, const char *name, const char *renews,
    bool *pending_out, struct err *err)
{
	struct cli one = *r->w->cli;
	char *args[] = {t->cn, NULL};
	OWNED(own_memory) char *out = path_of(r, name, ".pfx");
	OWNED(own_memory) char *old = renews != NULL ? path_of(r, renews, ".pfx") : NULL;
	OWNED(enroll_job_close) struct enroll_job j = {.cli = &one, .session = &r->w->session};
	OWNED(client_enrolled_free) struct client_enrolled e = {0};
	const struct pki_service *service = NULL;

	one.args = args;
	one.count = 1;
	one.opt.out = out;
	one.opt.renew = old;
	one.opt.renew_password_file = one.opt.out_password_file;
	if (!enroll_do(&j, &service, &e, err))
		return false;
	*pending_out = e.outcome == CLIENT_PENDING;
	return true;
}

/* A denial stands until somebody takes it away: the next run must not ask the same people again. */
static void
remember_denial(const struct auto_run *r, const char *cn, const struct err *why)
{
	OWNED(own_memory) char *path = path_of(r, cn, DENIED_SUFFIX);
	struct err ignored;

	if (why->code == DIRCA_E_DENIED)
		(void)file_replace(path, view_str(why->msg), 0600, &ignored);
}

static bool
ask_state(const struct auto_run *r, const char *name, enum held_state *state_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	if (!read_held(r, name, &cert, err))
		return false;
	*state_out = held_state_ask(&r->w->session, &cert);
	return true;
}

static bool
say_held(const char *cn, const char *held)
{
	fprintf(stderr,
	    "dirca enroll: %s: the certificate in %s.pfx is on hold; nothing is asked for until it "
	    "is not\n",
	    cn, held);
	return true;
}

static bool
get_new(struct auto_run *r, const struct tmpl *t, struct err *err)
{
	const char *replaced = find_replaced(r, t);
	enum held_state state = HELD_GOOD;
	bool pending;

	if (replaced != NULL && !ask_state(r, replaced, &state, err))
		return false;
	if (state == HELD_ON_HOLD)
		return say_held(t->cn, replaced);
	if (!enroll_into(r, t, t->cn, state == HELD_REVOKED ? NULL : replaced, &pending, err))
		return false;
	if (!pending && replaced != NULL && !put_away(r, replaced, err))
		return false;
	note(r, t->cn, pending ? "waits for a certificate manager" : "enrolled", NULL);
	return true;
}

static bool
get_next(struct auto_run *r, const struct tmpl *t, bool renews, struct err *err)
{
	OWNED(own_memory) char *name = text_printf("%s" RENEWAL, t->cn);
	bool pending;

	if (!enroll_into(r, t, name, renews ? t->cn : NULL, &pending, err) ||
	    (!pending && !take_place(r, t->cn, err)))
		return false;
	note(r, t->cn,
	    pending  ? "waits for a certificate manager"
	    : renews ? "renewed"
		     : "enrolled anew",
	    NULL);
	return true;
}

static enum tmpl_auto
act_on(const struct tmpl *t, const struct pkix_cert *cert, int64_t now)
{
	OWNED(pkix_template_id_free) struct pkix_template_id id = {0};
	struct tmpl_held held = {.not_before = cert->not_before, .not_after = cert->not_after};
	struct err ignored;

	if (pkix_template_id(cert->extensions, cert->extension_count, &id, &ignored)) {
		held.has_version = id.has_version;
		held.major = id.major;
	}
	return tmpl_auto_act(t, &held, now);
}

static bool
do_template(struct auto_run *r, const struct tmpl *t, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	bool waits = is_there(r, t->cn, RENEWAL ".pfx" CLIENT_KEY_SUFFIX);
	enum held_state state;
	enum tmpl_auto act;

	if (is_there(r, t->cn, DENIED_SUFFIX)) {
		OWNED(own_memory) char *denied = path_of(r, t->cn, DENIED_SUFFIX);

		fprintf(
		    stderr, "dirca enroll: %s was denied; remove %s to ask again\n", t->cn, denied);
		return true;
	}
	if (!take_place(r, t->cn, err))
		return false;
	if (!is_there(r, t->cn, ".pfx"))
		return get_new(r, t, err);
	if (!read_held(r, t->cn, &cert, err))
		return false;
	state = held_state_ask(&r->w->session, &cert);
	if (state == HELD_ON_HOLD)
		return say_held(t->cn, t->cn);
	act = state == HELD_REVOKED ? tmpl_auto_act(t, NULL, r->now) : act_on(t, &cert, r->now);
	if (act == TMPL_AUTO_NOTHING && !waits)
		return true;
	return get_next(r, t, act != TMPL_AUTO_ENROLL, err);
}

bool
enroll_auto(struct work *w, struct err *err)
{
	OWNED(run_close)
	struct auto_run r = {.w = w, .lock = -1, .now = clock_now(), .done = json_array()};

	if (!check_usage(w->cli, err) || !open_folder(&r, err) ||
	    !cli_password(w->cli->opt.out_password_file, "", false, &r.password, err) ||
	    !work_open(w, NEEDS_PKI, err) || !find_me(&r, err))
		return false;
	load_templates(&r);
	for (size_t i = 0; i < r.count; i++) {
		const struct tmpl *t = &r.list[i];
		struct err why;

		if (tmpl_superseding(r.list, r.count, t->cn) != NULL || do_template(&r, t, &why))
			continue;
		remember_denial(&r, t->cn, &why);
		note(&r, t->cn, "failed", &why);
	}
	if (w->cli->opt.json)
		print_json(own_give(&r.done));
	if (r.failed == 0)
		return true;
	*err = r.first;
	return err_prefix(err, "%zu of %zu templates failed", r.failed, r.count);
}
